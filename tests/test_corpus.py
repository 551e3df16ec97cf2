"""Real outputs of the tools, where a folder of them is at hand: all recognised, nothing lost, known facts hold."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sosmlx.bundle.opening import open_source
from sosmlx.model import Setting, Snapshot
from sosmlx.normalise import normalise, parse
from sosmlx.parsers import UNKNOWN
from sosmlx.parsers.ticket import decode_paste
from tests import fixtures

SHARED = Path(os.environ.get("SOSMLX_SHARED", Path(__file__).parents[2] / "shared"))
CORPUS = SHARED / "corpus"
DATA = SHARED / "data"

NO_OUTPUT = ("01-vm-listing-sos_commands-networking.txt",)
"""A list of file names, not a tool's output."""

pytestmark = [
    pytest.mark.provided,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="no folder of real outputs (SOSMLX_SHARED names one)"),
]


def outputs() -> list[Path]:
    found = [
        *CORPUS.glob("*/*.txt"),
        *DATA.glob("netdevsim/*"),
        *(DATA / "mstconfig-fwctl").glob("mstconfig_q.[oj]*"),
    ]
    return sorted(path for path in found if path.name not in NO_OUTPUT and path.read_bytes().strip())


def shown(path: Path) -> Snapshot:
    return normalise(open_source(str(path)))


@pytest.mark.parametrize("path", outputs(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_real_output_is_recognised_and_no_line_is_lost(path: Path) -> None:
    records = open_source(str(path)).records

    lost = [
        line
        for record in records
        for line in fixtures.lines_lost(decode_paste(record.data, path.name), list(parse(record, True)))
    ]
    assert (lost, [record.kind for record in records if record.kind == UNKNOWN]) == ([], [])


@pytest.mark.parametrize("path", sorted(CORPUS.glob("sysfs/*")), ids=lambda path: path.name)
def test_a_real_sysfs_folder_is_read(path: Path) -> None:
    snapshot = shown(path)

    assert len(snapshot.settings) == sum(1 for file in path.rglob("*") if file.is_file())


def facts() -> Iterator[tuple[Path, object]]:
    for path in sorted(CORPUS.glob("*/*.expected.json")):
        text = path.with_name(path.name.replace(".expected.json", ".txt"))
        yield (text if text.exists() else text.with_suffix(".json.txt")), json.loads(path.read_text())


FACTS = list(facts())

# Of the facts: remarks about the file, counts that the reader made, and words of the format of the facts itself.
_REMARKS = (
    "note",
    "kind",
    "columns",
    "error",
    "reboot_required",
    "is_vf",
    "sub",
    "absent",
    "not_params",
    "message",
    "handle",
)


def leaves(value: object, name: str = "") -> Iterator[str]:
    """Yield the values of a facts file that the output itself must hold."""
    if name in _REMARKS or name.endswith("_count") or name.startswith("n_"):
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, name)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


@pytest.mark.parametrize(("path", "expected"), FACTS, ids=[path.name for path, _ in FACTS])
def test_the_facts_that_are_known_of_an_output_hold(path: Path, expected: dict[str, object]) -> None:
    items = [item for record in open_source(str(path)).records for item in parse(record, True)]
    said = "\n".join(
        " ".join(
            [
                item.device,
                item.name,
                item.cmode,
                *(f"{facet.raw} {facet.value} {facet.label}" for _, facet in item.facets),
            ]
        )
        if isinstance(item, Setting)
        else " ".join(str(part) for part in item)
        for item in items
    ).lower()

    counted = {"rows_by_device", "field_count"}
    wanted = {key: value for key, value in expected.items() if key not in counted}
    assert [leaf for leaf in leaves(wanted) if leaf.lower() not in said] == []


@pytest.mark.parametrize(("path", "expected"), FACTS, ids=[path.name for path, _ in FACTS])
def test_what_is_no_parameter_is_no_setting(path: Path, expected: dict[str, list[str]]) -> None:
    names = {setting.name for setting in shown(path).settings}

    unwanted = [name for key, words in expected.items() if key.startswith(("absent", "not_params")) for name in words]
    assert [name for name in unwanted if name in names] == []


def test_the_vendor_tools_text_and_json_of_one_device_agree() -> None:
    folder = DATA / "mstconfig-fwctl"
    rows = [
        {(s.name, name): facet.value for s in shown(folder / file).settings for name, facet in s.facets}
        for file in ("mstconfig_q.out", "mstconfig_q.json")
    ]

    assert rows[0] == rows[1]
