"""Real outputs of the tools, where a folder of them is at hand: all recognised, nothing lost, known facts hold."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sosmlx.bundle.opening import open_source
from sosmlx.model import Setting, Snapshot
from sosmlx.normalise import normalise

SHARED = Path(os.environ.get("SOSMLX_SHARED", Path(__file__).parents[2] / "shared"))
CORPUS = SHARED / "corpus"
DATA = SHARED / "data"

pytestmark = [
    pytest.mark.provided,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="no folder of real outputs (SOSMLX_SHARED names one)"),
]


def texts(tool: str) -> list[Path]:
    return sorted((CORPUS / tool).glob("*.txt")) if CORPUS.is_dir() else []


def shown(path: Path) -> Snapshot:
    return normalise(open_source(str(path)))


@pytest.mark.parametrize("path", texts("mlxconfig"), ids=lambda path: path.stem)
def test_a_real_query_is_recognised_and_read(path: Path) -> None:
    snapshot = shown(path)

    assert {setting.plane for setting in snapshot.settings} == {"nvconfig"}


def facts(tool: str) -> Iterator[tuple[Path, dict[str, object]]]:
    for path in sorted((CORPUS / tool).glob("*.expected.json")) if CORPUS.is_dir() else []:
        yield path.with_name(path.name.replace(".expected.json", ".txt")), json.loads(path.read_text())


@pytest.mark.parametrize(("path", "expected"), list(facts("mlxconfig")), ids=lambda value: getattr(value, "stem", ""))
def test_the_facts_that_are_known_of_a_query_hold(path: Path, expected: dict[str, dict[str, dict[str, str]]]) -> None:
    settings = {setting.name: setting for setting in shown(path).settings}

    raws = {name: _next(settings[name]) for name in expected["params"]}
    unwanted = [name for name in expected.get("not_params", ()) if name in settings]
    assert (raws, unwanted) == ({name: row["next"] for name, row in expected["params"].items()}, [])


def _next(setting: Setting) -> str:
    facet = setting.facet("next")
    return facet.raw if facet else ""


def test_the_vendor_tools_text_and_json_of_one_device_agree() -> None:
    folder = DATA / "mstconfig-fwctl"
    rows = [
        {(s.name, name): facet.value for s in shown(folder / file).settings for name, facet in s.facets}
        for file in ("mstconfig_q.out", "mstconfig_q.json")
    ]

    assert rows[0] == rows[1]
