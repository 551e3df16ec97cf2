"""Saved results come back as they were; what is none, or was changed, is refused in words."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.cli import main
from sosmlx.diff.compare import compare
from sosmlx.errors import InputError
from sosmlx.jsonio import dumps
from sosmlx.model import Difference, Facet, Snapshot
from sosmlx.printable import visible
from sosmlx.report.cases import differences_from_json
from sosmlx.report.formats import diff_formats, saved_formats, show_formats
from sosmlx.report.machine import difference_to_json
from sosmlx.report.plain import dump, restore
from sosmlx.report.saved import read
from sosmlx.report.show import ShowView, show_view
from sosmlx.report.view import DiffView, Row, diff_view
from tests.reports import AFTER, BEFORE, one_knob
from tests.snapshots import facets, snapshots

COMMANDS = {
    "diff": ["diff", BEFORE, AFTER],
    "same": ["diff", BEFORE, BEFORE],
    "hosts": ["diff", "sim:two-adapters-before", "sim:two-adapters-after"],
    "base": ["diff", BEFORE, AFTER, "--base", BEFORE],
    "part": ["diff", BEFORE, AFTER, "--ignore", "CQE_*"],
    "show": ["show", "sim:two-adapters-after", "--plane", "nvconfig", "--non-default"],
    "all": ["show", "sim:no-fwctl", "--all"],
    "check": ["check", "sim:two-adapters-after", "--fail-on", "medium"],
    "text": ["check", AFTER, "--baseline", BEFORE],
    "unknown": ["check", "sim:no-fwctl", "--baseline", "factory"],
}
STDOUT = ("text", "json", "jsonl", "csv", "markdown", "github")
FILES = ("html", "json", "jsonl", "csv", "md", "sarif", "xml")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_saved_result_is_rendered_as_the_command_rendered_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    kinds = [kind for kind in FILES if COMMANDS[name][0] != "show" or kind not in ("sarif", "xml")]
    files = [[tmp_path / f"{side}.{kind}" for kind in kinds] for side in ("first", "again")]

    main([*COMMANDS[name], *(word for path in files[0] for word in ("-o", str(path)))])
    text = capsys.readouterr().out
    main(["render", str(tmp_path / "first.json"), *(word for path in files[1] for word in ("-o", str(path)))])

    same = [one.read_bytes() == other.read_bytes() for one, other in zip(*files)]
    assert (same, capsys.readouterr().out == text) == ([True] * len(kinds), True)


@pytest.mark.parametrize("form", STDOUT)
def test_a_saved_result_goes_to_standard_output_in_every_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    main([*COMMANDS["diff"], "-o", str(tmp_path / "r.json"), "--format", form])
    text = capsys.readouterr().out

    code = main(["render", str(tmp_path / "r.json"), "--format", form])

    assert (code, capsys.readouterr().out) == (0, text)


@pytest.mark.parametrize(
    ("name", "code"), [("same", 0), ("diff", 1), ("check", 1), ("unknown", 3), ("show", 0)]
)  # fmt: skip
def test_files_are_written_on_every_exit_code_but_2(tmp_path: Path, name: str, code: int) -> None:
    path = tmp_path / "r.md"

    found = main([*COMMANDS[name], "-o", str(path)])

    assert (found, path.read_text(encoding="utf-8").startswith("## ")) == (code, True)


def test_nothing_is_written_where_one_file_has_no_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    code = main([*COMMANDS["diff"], "-o", str(tmp_path / "r.json"), "-o", str(tmp_path / "r.pdf")])

    assert (code, list(tmp_path.iterdir()), capsys.readouterr()) == (
        2,
        [],
        ("", f"sosmlx: -o {tmp_path / 'r.pdf'}: no format for that suffix\n"
             "        known ones: .html, .json, .jsonl, .csv, .md, .sarif, .xml\n"),
    )  # fmt: skip


def test_a_snapshot_is_no_check_and_has_no_junit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["show", BEFORE, "-o", str(tmp_path / "r.xml")])

    assert (code, capsys.readouterr().err) == (
        2,
        f"sosmlx: -o {tmp_path / 'r.xml'}: there is no junit of this result\n"
        "        what there is: .html, .json, .jsonl, .csv, .md\n",
    )


def test_a_saved_result_is_read_from_standard_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main([*COMMANDS["diff"], "-o", str(tmp_path / "r.json")])
    text = capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((tmp_path / "r.json").read_bytes())))

    main(["render", "-"])

    assert capsys.readouterr().out == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not valid JSON"),
        ("[]", "no result of sosmlx"),
        ("{}", "no result of sosmlx"),
        ('{"schema": 7}', "no result of sosmlx"),
        ('{"schema": "sosmlx.diff/2"}', "sosmlx.diff/2, and this sosmlx reads sosmlx.diff/1"),
        ('{"schema": "sosmlx.manifest/1"}', "a sosmlx.manifest/1 document is nothing to render"),
        ('{"schema": "sosmlx.diff/1", "schema": "sosmlx.diff/1"}', "occurs twice"),
        ('{"schema": "sosmlx.diff/1"}', "no 'view' there"),
        ('{"schema": "sosmlx.check/1", "view": []}', "view: an object was expected"),
        ('{"schema": "sosmlx.snapshot/1", "view": {"title": 1}}', "view: no "),
        ("[" * 100_000, "nested too deeply"),
        ('{"schema": NaN}', "NaN is not allowed"),
        ("\ud800", "not UTF-8"),
    ],
)
def test_what_is_no_saved_result_is_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    path = tmp_path / "r.json"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")

    code = main(["render", str(path)])

    out, err = capsys.readouterr()
    assert (code, out, err.startswith(f"sosmlx: {path}"), words in err) == (2, "", True, True)


@pytest.mark.parametrize("path", ["nowhere.json", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_named(capsys: pytest.CaptureFixture[str], path: str) -> None:
    code = main(["render", path])

    assert (code, capsys.readouterr().err.startswith(f"sosmlx: {visible(path)}: ")) == (2, True)


def _changed(change: Callable[[dict[str, Any]], object]) -> str:
    found = compare(one_knob(1), one_knob(2))
    document = json.loads(diff_formats(found)["json"]())
    change(document)
    return dumps(document)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["view"].update(status="supported"), "its verdict and what it shows of it are not the same"),
        (lambda d: d["view"].update(sentence="fine"), "its verdict and what it shows of it are not the same"),
        (lambda d: d["verdict"].pop("right"), "no 'verdict.right.host' there"),
        (lambda d: d["view"].pop("groups"), "view: no 'groups' there"),
        (lambda d: d["view"].update(groups=[1]), r"view.groups\[0\]: an object was expected"),
        (lambda d: d["differences"].append(7), r"differences\[1\]: an object was expected"),
        (lambda d: d["differences"][0].update(severity="worst"), "severity 'worst' is none of"),
        (lambda d: d["differences"][0].update(left=3), r"differences\[0\].left: an object was expected"),
        (lambda d: d["differences"][0].pop("name"), r"differences\[0\]: no 'name' there"),
        (lambda d: d.update(unknown={}), "unknown: a list was expected"),
        (lambda d: d.update(summary={"hidden": "0"}), "summary.hidden: '0' was not expected"),
    ],
)
def test_a_document_that_was_changed_is_refused(change: Callable[[dict[str, Any]], object], words: str) -> None:
    formats = saved_formats(read(_changed(change), "r.json"))

    with pytest.raises(InputError, match=words):
        formats["junit"]()


def test_what_a_later_minor_version_adds_is_ignored() -> None:
    later = _changed(lambda d: (d.update(later=[1]), d["view"].update(later={}), d["differences"][0].update(later=1)))

    assert saved_formats(read(later, "r"))["junit"]() == saved_formats(read(_changed(lambda d: None), "r"))["junit"]()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(st.sampled_from(["view", "differences", "unknown", "scope", "verdict", "summary", "left", "asked"]), JSON)
def test_a_damaged_document_ends_in_words(part: str, value: object) -> None:
    saved = read(_changed(lambda d: d.update({part: value})), "r.json")

    ends = [_end(render) for render in saved_formats(saved).values()]
    assert all(ends)


def _end(render: Callable[[], str]) -> str:
    try:
        return render()
    except InputError as error:
        return error.message


@given(snapshots(), snapshots())
def test_a_view_of_a_diff_comes_back(left: Snapshot, right: Snapshot) -> None:
    view = diff_view(compare(left, right))

    assert restore(DiffView, json.loads(dumps(dump(view))), "view") == view


@given(snapshots())
def test_a_view_of_a_snapshot_comes_back(snapshot: Snapshot) -> None:
    view = show_view(snapshot, snapshot.settings)

    assert restore(ShowView, json.loads(dumps(dump(view))), "view") == view


@given(snapshots(), snapshots())
def test_a_saved_diff_renders_the_same(left: Snapshot, right: Snapshot) -> None:
    formats = diff_formats(compare(left, right))

    again = saved_formats(read(formats["json"](), "r.json"))
    kinds = ("text", "json", "jsonl", "markdown", "github", "sarif", "junit")
    assert [kind for kind in kinds if again[kind]() != formats[kind]()] == []


@given(snapshots())
def test_a_saved_snapshot_renders_the_same(snapshot: Snapshot) -> None:
    formats = show_formats(snapshot, snapshot.settings)

    again = saved_formats(read(formats["json"](), "r.json"))
    kinds = ("text", "json", "jsonl", "markdown", "github")
    assert [kind for kind in kinds if again[kind]() != formats[kind]()] == []


@given(st.none() | facets(), st.none() | facets(), st.text("ab/", max_size=4))
def test_a_difference_comes_back(left: Facet | None, right: Facet | None, note: str) -> None:
    sides = [side and side._replace(raw=visible(side.raw), value=_harmless(side.value)) for side in (left, right)]
    row = Difference("d", "nvconfig", "A", "permanent", "next", "changed", "config", sides[0], sides[1], note=note)

    document = {"differences": [json.loads(dumps(difference_to_json(row)))]}

    assert differences_from_json(document) == [row]


def _harmless(value: Any) -> Any:
    return visible(value) if isinstance(value, str) else value


@given(st.text())
def test_what_comes_back_does_not_act(text: str) -> None:
    view = {"device": text, "plane": text, "what": text, "why": text}
    assert restore(Row, view, "row") == Row(*[visible(text)] * 4)
