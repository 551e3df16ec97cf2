"""What CI systems get: valid by public schemas, unique names, nothing that acts, and no pass for what was not seen."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given

from sosmlx.model import Waived
from sosmlx.report import github as commands
from sosmlx.report import junit as suites
from sosmlx.report import markdown as tables
from sosmlx.report import sarif as logs
from sosmlx.report.cases import Case, Report
from sosmlx.report.github import command, github
from sosmlx.report.junit import junit
from sosmlx.report.markdown import escaped, markdown
from sosmlx.report.sarif import sarif
from sosmlx.report.view import CoverageView, Input, Row
from tests.reports import log, report, reports, text, xml


class Told(NamedTuple):
    """A view that has nothing beside its cases."""

    counts: str = ""
    asides: tuple[tuple[str, tuple[Row, ...]], ...] = ()
    inputs: tuple[Input, ...] = ()
    evidence: tuple[Row, ...] = ()
    pending: tuple[Row, ...] = ()
    overrides: tuple[Row, ...] = ()
    coverage: CoverageView = CoverageView((), (), (), 0, 0)


NOTHING = Told()

# JUnit


@given(reports)
def test_junit_is_valid_whatever_the_words(found: Report) -> None:
    root = xml(junit(found))

    assert root.tag == "testsuites"


@given(reports)
def test_names_of_cases_are_unique_in_their_device_and_short(found: Report) -> None:
    names = [(case.get("classname"), case.get("name", "")) for case in xml(junit(found)).iter("testcase")]

    assert (len(names) == len(set(names)), [name for _, name in names if len(name) > 255]) == (True, [])


@given(reports)
def test_the_counts_of_a_suite_are_those_of_its_cases(found: Report) -> None:
    root = xml(junit(found))

    wrong = [
        suite.get("name")
        for suite in root.iter("testsuite")
        if [suite.get(word) for word in ("tests", "failures", "errors", "skipped")]
        != [str(len(suite.findall(path))) for path in ("testcase", "*/failure", "*/error", "*/skipped")]
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("case", "tag"),
    [
        (Case("r", "t", "pass"), None),
        (Case("r", "t", "fail", "high"), "failure"),
        (Case("r", "t", "error"), "error"),
        (Case("r", "t", "unknown"), "skipped"),
        (Case("r", "t", "notchecked"), "skipped"),
        (Case("r", "t", "notapplicable"), "skipped"),
        (Case("r", "t", "fail", waived=Waived("active", "x")), "skipped"),
        (Case("r", "t", "fail", waived=Waived("expiring", "x")), "skipped"),
        (Case("r", "t", "fail", waived=Waived("expired", "x")), "failure"),
        (Case("r", "t", "fail", "info", light=True), "skipped"),
    ],
)
def test_only_a_pass_is_a_pass(case: Case, tag: str | None) -> None:
    element = xml(junit(report(case))).findall("testsuite")[1][0]

    assert [child.tag for child in element] == ([tag] if tag else [])


def test_the_text_of_a_failure_says_all_there_is_to_know() -> None:
    case = Case(
        "vfs-8", "Eight functions", "fail", "medium", "0000:3b:00.0", "nvconfig/NUM_OF_VFS [next]", "8", "16",
        advice="set it", where="golden.toml:7", source="site standard 12",
        waived=Waived("expired", "migration", "net-team", "2026-01-01", "2026-02-01"),
    )  # fmt: skip

    failure = xml(junit(report(case))).find(".//testsuite[2]//failure")

    assert failure is not None
    assert (failure.get("message"), str(failure.text).splitlines()) == (
        "expected 8, actual 16",
        [
            "Eight functions",
            "device: 0000:3b:00.0",
            "setting: nvconfig/NUM_OF_VFS [next]",
            "expected: 8",
            "actual: 16",
            "do: set it",
            "rule: golden.toml:7",
            "source: site standard 12",
            "waiver, expired until 2026-02-01: migration (net-team)",
        ],
    )


@pytest.mark.parametrize(
    ("status", "code", "tag"),
    [
        ("supported", 0, None),
        ("undetermined", 3, "skipped"),
        ("changed", 1, "failure"),
        ("tainted", 1, "failure"),
        ("tainted", 0, "skipped"),
        ("changed", None, "failure"),
    ],
)
def test_the_verdict_is_a_case_of_its_own(status: str, code: int | None, tag: str | None) -> None:
    element = xml(junit(report(status=status, code=code)))[0][0]

    assert (element.get("name"), [child.tag for child in element]) == ("verdict", [tag] if tag else [])


def test_of_very_many_cases_those_that_pass_are_counted_and_no_failure_is_lost() -> None:
    many = [Case("r", "t", "pass", device="d", key=str(number)) for number in range(suites.MOST_CASES)]

    suite = xml(junit(report(*many, Case("bad", "t", "fail", device="d"))))[1]

    assert [(case.get("name"), len(case)) for case in suite] == [("bad", 1), (f"{len(many)} checks passed", 0)]


def test_a_file_that_would_be_too_large_says_what_it_left_out_and_fails() -> None:
    huge = "x" * 5_000_000
    many = [Case("r", huge, "fail", device="d", key=str(n), expected=huge, actual=huge, reason=huge, advice=huge)
            for n in range(1800)]  # fmt: skip

    found = junit(report(*many))

    last = xml(found)[0][-1]
    assert (len(found.encode()) < 30_000_000, last.get("name"), [child.tag for child in last]) == (
        True,
        "cases that are not in this file",
        ["failure"],
    )


# SARIF


@given(reports)
def test_sarif_is_valid_whatever_the_words(found: Report) -> None:
    run = log(sarif(found))

    assert run["tool"]["driver"]["name"] == "sosmlx"


@given(reports)
def test_every_result_has_a_place_and_a_level_that_fits_its_kind(found: Report) -> None:
    results = log(sarif(found))["results"]

    wrong = [
        row
        for row in results
        if not row["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        or (row["kind"] == "fail") == (row["level"] == "none")
    ]
    assert wrong == []


def test_a_result_points_at_the_line_of_its_rule_and_names_the_device() -> None:
    case = Case("vfs-8", "t", "fail", "high", "0000:3b:00.0", "nvconfig/NUM_OF_VFS [next]", "8", "16",
                where="policies/golden nodes.toml:7", fingerprint="f00d")  # fmt: skip

    row = log(sarif(report(case)))["results"][0]

    assert (row["ruleId"], row["level"], row["locations"], row["partialFingerprints"]) == (
        "vfs-8",
        "error",
        [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "policies/golden%20nodes.toml"},
                    "region": {"startLine": 7},
                },
                "logicalLocations": [
                    {
                        "name": "nvconfig/NUM_OF_VFS [next]",
                        "fullyQualifiedName": "0000:3b:00.0/nvconfig/NUM_OF_VFS [next]",
                        "kind": "member",
                    }
                ],
            }
        ],
        {"sosmlx/v1": "f00d"},
    )


def test_what_is_unknown_is_an_open_result_and_what_passes_is_none() -> None:
    found = report(Case("a", "t", "unknown", "high"), Case("b", "t", "pass"), Case("c", "t", "notapplicable"))

    results = log(sarif(found))["results"]

    assert [(row["ruleId"], row["kind"], row["level"]) for row in results] == [("a", "open", "none")]


@pytest.mark.parametrize(
    ("state", "status"),
    [("active", "accepted"), ("expiring", "accepted"), ("expired", "rejected"), ("not yet begun", "rejected")],
)
def test_a_waiver_suppresses_only_while_it_is_in_force(state: str, status: str) -> None:
    waived = Waived(state, "why", "who", "2026-01-01", "2026-12-31")

    row = log(sarif(report(Case("a", "t", "fail", waived=waived))))["results"][0]

    assert row["suppressions"] == [
        {
            "kind": "external",
            "status": status,
            "justification": "why",
            "properties": {"owner": "who", "created": "2026-01-01", "expires": "2026-12-31", "state": state},
        }
    ]


def test_of_too_many_results_the_worst_are_kept_and_the_rest_is_told() -> None:
    light = [Case("low", "t", "fail", "low", key=str(number)) for number in range(logs.MOST_RESULTS)]

    run = log(sarif(report(*light, Case("bad", "t", "fail", "critical"))))

    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert (len(run["results"]), run["results"][0]["ruleId"], notes[-1]["message"]["text"]) == (
        logs.MOST_RESULTS,
        "bad",
        "1 more results are not in this file; the JSON document has them",
    )


# GitHub


@given(reports)
def test_every_line_for_github_is_a_command_of_ours(found: Report) -> None:
    rows = github(found).split("\n")

    assert [row for row in rows[:-1] if not re.fullmatch(r"::(error|warning|notice) [^\r\n\x00-\x1f]*", row)] == []


@given(reports)
def test_github_gets_no_more_of_a_type_than_it_shows(found: Report) -> None:
    many = replace(found, cases=found.cases * 5)

    kinds = [row.split(" ")[0] for row in github(many).splitlines()]

    assert [kind for kind in set(kinds) if kinds.count(kind) > commands.MOST] == []


def test_the_last_annotation_of_too_many_says_how_many_there_are() -> None:
    found = report(*(Case("a", "t", "fail", "medium", key=str(number)) for number in range(12)))

    last = [row for row in github(found).splitlines() if row.startswith("::warning")][-1]

    assert last == (
        "::warning title=sosmlx%3A more::3 more of this kind are not shown here; the JSON document has them"
    )


@given(text(), text(), text())
def test_a_command_is_read_as_it_was_meant(title: str, words: str, file: str) -> None:
    line = command("error", title, words, file, "3")

    properties, _, data = line.removeprefix("::error ").partition("::")
    assert (
        "\n" in line,
        "\r" in line,
        properties.count(","),
        data.count("%") - data.count("%25") - data.count("%0A"),
    ) == (
        False,
        False,
        2 if title and file else 1 if title or file else 0,
        0,
    )


# Markdown


@given(text())
def test_no_text_is_markup_in_markdown(words: str) -> None:
    found = re.sub("&#[0-9]+;", "", escaped(words).replace("<!-- -->", ""))

    assert re.search(r"[<>|`*\[\]~\\$&\x00-\x1f\u202e\u2028]|https?:(?=//)", re.sub(":(?=//)", "", found)) is None


@given(text())
def test_mentions_and_links_are_broken_up(words: str) -> None:
    assert re.search(r"@[\w]|://|www\.", escaped(words), re.IGNORECASE) is None


@given(reports)
def test_every_row_of_a_table_has_as_many_cells_as_its_head(found: Report) -> None:
    blocks = [block.splitlines() for block in markdown(found, NOTHING).split("\n\n") if block.startswith("|")]

    assert [block for block in blocks if len({row.count("|") for row in block}) != 1] == []


def test_a_summary_that_would_be_too_large_says_what_it_left_out() -> None:
    cases = (Case("a", "t" * 200, "fail", key=str(n), reason="é" * 150) for n in range(9000))

    found = markdown(report(*cases), NOTHING)

    assert (len(found.encode()) < tables.MOST_BYTES, found.splitlines()[-2:]) == (
        True,
        [found.splitlines()[-2], "Counted: 9000 fail."],
    )
    assert re.search(r"\*\*[0-9]+ more lines do not fit here\*\*", found)
