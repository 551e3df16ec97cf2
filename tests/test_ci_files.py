"""The files of whole results: valid, telling of the same things, the same bytes; and the examples of docs/ci.md."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.bundle.opening import open_source
from sosmlx.cli import main
from sosmlx.diff.compare import compare
from sosmlx.diff.result import DEFAULT, Filter
from sosmlx.errors import InputError
from sosmlx.model import Facet, Snapshot
from sosmlx.normalise import normalise
from sosmlx.report.cases import diff_report
from sosmlx.report.formats import diff_formats, show_formats
from sosmlx.report.lines import lines, whole
from tests.layers import ROOT
from tests.reports import AFTER, BEFORE, SCENARIOS, check, diff, log, one_knob, text, xml
from tests.snapshots import snapshots


@pytest.mark.parametrize("left", SCENARIOS)
@pytest.mark.parametrize("right", SCENARIOS)
def test_the_files_of_a_diff_are_valid(left: str, right: str) -> None:
    found = diff(f"sim:{left}", f"sim:{right}")

    differences = len(json.loads(found["json"]())["differences"])
    failing = [case for case in xml(found["junit"]()).iter("testcase") if case.find("failure") is not None]
    results = [row for row in log(found["sarif"]())["results"] if row["kind"] == "fail"]
    assert (len([case for case in failing if case.get("name") != "verdict"]), len(results)) == (differences,) * 2


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("policy", ["builtin:envelope", "builtin:sriov", "builtin:links", "builtin:roce"])
def test_the_files_of_a_check_are_valid(name: str, policy: str) -> None:
    found = check(f"sim:{name}", policy)

    tests = [int(suite.get("tests", "0")) for suite in xml(found["junit"]()).iter("testsuite")]
    rows = json.loads(found["json"]())["findings"]
    assert (sum(tests) - 1, log(found["sarif"]())["invocations"][0]["exitCode"]) == (
        len(rows),
        json.loads(found["json"]())["summary"]["exit_code"],
    )


def _results(left: Snapshot, right: Snapshot, only: Filter = DEFAULT) -> Mapping[str, str]:
    formats = diff_formats(compare(left, right, only), only)
    root = xml(formats["junit"]())
    return {
        str(case.get("name")): case[0].tag if len(case) else "pass"
        for case in root.iter("testcase")
        if case.get("classname") == "d"
    }


def test_a_plane_passes_only_where_both_sides_read_all_of_it() -> None:
    assert [_results(one_knob(1, left), one_knob(1, right)) for left, right in [
        ("complete", "complete"), ("complete", "partial"), ("unknown", "complete"), ("notapplicable", "notapplicable"),
    ]] == [
        {"diff-plane nvconfig": "pass"}, {"diff-plane nvconfig": "skipped"}, {"diff-plane nvconfig": "skipped"},
        {"diff-plane nvconfig": "skipped"},
    ]  # fmt: skip


@pytest.mark.parametrize("only", [Filter(ignore=("A",)), Filter(planes=("ethtool",)), Filter(devices=("d",))])
def test_no_plane_passes_in_a_diff_of_which_a_part_was_asked_for(only: Filter) -> None:
    found = _results(one_knob(1), one_knob(1), only)

    assert found == {"diff-plane nvconfig": "skipped"}


@given(snapshots(), snapshots())
def test_a_diff_and_its_files_tell_of_the_same_differences(left: Snapshot, right: Snapshot) -> None:
    found = compare(left, right)
    formats = diff_formats(found)

    document = json.loads(formats["json"]())
    marks = sorted(row["partialFingerprints"]["sosmlx/v1"] for row in log(formats["sarif"]())["results"]
                   if row["kind"] == "fail")  # fmt: skip
    assert marks == sorted(row["fingerprint"] for row in document["differences"])


@given(snapshots(), snapshots())
def test_fingerprints_in_a_log_survive_another_value(left: Snapshot, right: Snapshot) -> None:
    def marks(side: Snapshot) -> set[str]:
        rows = log(diff_formats(compare(left, side))["sarif"]())["results"]
        return {row["partialFingerprints"]["sosmlx/v1"] for row in rows if row["ruleId"] == "diff-changed"}

    moved = replace(right, settings=tuple(
        row._replace(facets=tuple((name, facet if facet.reason else Facet("new", "new")) for name, facet in row.facets))
        for row in right.settings
    ))  # fmt: skip

    assert marks(right) <= marks(moved)


def test_the_same_result_gives_the_same_bytes() -> None:
    one, other = (diff(BEFORE, AFTER) for _ in range(2))

    assert [kind for kind in one if one[kind]() != other[kind]()] == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_lines_hold_every_row_of_the_document(name: str) -> None:
    snapshot = normalise(open_source(f"sim:{name}"))
    formats = show_formats(snapshot, snapshot.settings)

    rows = whole(formats["jsonl"]())
    settings = [{key: value for key, value in row.items() if key != "type"} for row in rows if row["type"] == "setting"]
    assert settings == json.loads(formats["json"]())["settings"]


@given(st.dictionaries(st.sampled_from(["differences", "devices", "x"]), st.lists(st.dictionaries(text(), text()))))
def test_each_row_is_one_line_whatever_it_holds(document: dict[str, object]) -> None:
    found = lines({"schema": "sosmlx.diff/1", **document})

    assert (len(found.splitlines()), found.isascii()) == (1 + sum(len(rows) for rows in document.values()), True)  # type: ignore[misc, arg-type]


def test_a_diff_report_refuses_a_document_of_another_shape() -> None:
    with pytest.raises(InputError, match="no 'left' in the document"):
        diff_report({"schema": "sosmlx.diff/1"}, None)  # type: ignore[arg-type]


# The examples of docs/ci.md


GUIDE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")


STORAGE = ROOT / "docs" / "examples" / "storage.toml"


def test_the_policy_of_the_guide_is_the_one_of_the_examples() -> None:
    policy = re.search(r"^```toml\n# policies/storage.toml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)

    assert policy is not None
    assert policy[1] == STORAGE.read_text(encoding="utf-8").partition("\n")[2]


def _commands() -> list[str]:
    """Every sosmlx command line of the guide's code blocks."""
    blocks = re.findall(r"^```(?:yaml|groovy|console)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    return [found for block in blocks for found in re.findall(r"sosmlx ((?:check|diff) [^'\n]*)", block)]


def test_the_guide_has_a_command_for_each_system() -> None:
    assert len(_commands()) == 4


@pytest.mark.parametrize("line", _commands())
def test_a_command_of_the_guide_writes_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "storage.toml").write_bytes(STORAGE.read_bytes())
    words = line.split()
    inputs = [word for word in words if word.startswith("dumps/")]
    words = [AFTER if word in inputs[-1:] else BEFORE if word in inputs else word for word in words]

    code = main(words)

    names = [word for before, word in pairwise(words) if before == "-o"]
    assert (code, [name for name in names if not (tmp_path / name).is_file()]) == (1, [])


# Our own dumps, checked as a user would check theirs


DUMPS = ROOT / "fixtures" / "text" / "mlxconfig.query"


@pytest.mark.parametrize(
    ("dump", "code", "told"),
    [
        (Path(BEFORE), 0, {"sriov": "pass", "vfs-8": "pass"}),
        (Path(AFTER), 1, {"sriov": "pass", "vfs-8": "failure"}),
        (DUMPS / "chatter-below.txt", 0, {"sriov": "pass", "vfs-8": "pass"}),
        (DUMPS / "cut-in-a-name.txt", 3, {"sriov": "skipped", "vfs-8": "pass"}),
        (DUMPS / "one-parameter.txt", 3, {"sriov": "skipped", "vfs-8": "pass"}),
        (DUMPS / "rows-alone.txt", 3, {"sriov": "skipped", "vfs-8": "skipped"}),
        (DUMPS / "json.txt", 1, {"sriov": "pass", "vfs-8": "failure"}),
        (DUMPS / "demo-host.txt", 1, {"sriov": "failure", "vfs-8": "failure"}),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else None,
)
def test_a_dump_is_judged_as_the_policy_says(tmp_path: Path, dump: Path, code: int, told: dict[str, str]) -> None:
    found = main(["check", str(dump), "--baseline", str(STORAGE), "-o", str(tmp_path / "r.xml")])

    rows = xml((tmp_path / "r.xml").read_text(encoding="utf-8")).iter("testcase")
    ends = {str(case.get("name")).split(" ")[0]: case[0].tag if len(case) else "pass" for case in rows}
    assert (found, {rule: ends.get(rule) for rule in told}) == (code, told)
