"""Results as JUnit XML: a suite per device, a case per evaluated check.

The XML is what Jenkins and GitLab both take (`junit-4.xsd` of Jenkins; GitLab's documentation of unit test reports). Of
two cases with one name GitLab counts the first, and it shows the text in an element, not its attributes; so names are
unique, and all there is to know is in the text. What could not be read is *skipped* and never passes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from sosmlx.model import Result
from sosmlx.report.cases import Case, Report, cut, details

LONGEST_NAME = 255
"""GitLab's column for the name of a case."""

MOST_CASES = 20_000
"""GitLab refuses a file with too many elements: above this, the cases that pass are told as one per device."""

MOST_BYTES = 25_000_000
"""GitLab refuses a file of 30 MB: what is above this is told as one failing case."""

_NEITHER = {
    "unknown": "unknown: what this needs was not read, so that it neither passes nor fails",
    "notchecked": "not checked",
    "notapplicable": "does not apply",
}

# XML 1.0, production [2]: everything else must not be in a document, not even as a reference.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Named = tuple[str, Case]


def junit(report: Report) -> str:
    """Render a report as JUnit XML."""
    cases, passed = _aggregated(report)
    texts, left_out = _within(report, _named(cases))
    suites = [_verdict_suite(report, left_out)]
    for device, rows in groupby(texts, key=lambda row: row[0].device):
        found = [*rows, *passed.pop(device, ())]
        suites.append(_suite(device or report.title, found))
    suites += [_suite(device or report.title, rows) for device, rows in passed.items()]
    return '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="sosmlx">\n' + "".join(suites) + "</testsuites>\n"


Row = tuple[Case, str]
"""A case and its element."""


def _aggregated(report: Report) -> tuple[Sequence[Case], dict[str, list[Row]]]:
    """Keep the cases; where they are too many, those that pass become one per device."""
    if len(report.cases) <= MOST_CASES:
        return report.cases, {}
    counts: dict[str, int] = {}
    for case in report.of("pass"):
        counts[case.device] = counts.get(case.device, 0) + 1
    told = {}
    for device, count in counts.items():
        case = Case("passed", f"{count} checks passed", "pass", device=device)
        told[device] = [(case, _element(case, f"{count} checks passed", report))]
    return [case for case in report.cases if case.result != "pass"], told


def _named(cases: Sequence[Case]) -> list[Named]:
    """Give each case a name that no other of its device has, and that a change of values does not change."""
    seen: dict[tuple[str, str], int] = {}
    found = []
    for case in cases:
        name = " ".join(filter(None, [case.rule, case.key]))
        if (case.device, _short(name)) in seen:
            name = f"{name} ({case.policy})" if case.policy else name
        key = (case.device, _short(name))
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            name = f"{name} #{seen[key]}"
            seen[case.device, _short(name)] = 1
        found.append((_short(name), case))
    return found


def _short(name: str) -> str:
    """Cut a long name to what GitLab stores; its digest keeps it unique."""
    clean = _legal(name)
    if len(clean) <= LONGEST_NAME:
        return clean
    mark = hashlib.sha256(clean.encode()).hexdigest()[:8]
    return f"{clean[: LONGEST_NAME - 10]}… {mark}"


def _within(report: Report, named: Sequence[Named]) -> tuple[list[Row], int]:
    """Render as many cases as one file may hold, the worst first; returns them in their order, and the number left."""
    names = {id(case): name for name, case in named}
    kept: dict[int, str] = {}
    size = 0
    for case in report.worst_first():
        if id(case) not in names:
            continue
        text = _element(case, names[id(case)], report)
        size += len(text.encode())
        if size > MOST_BYTES:
            break
        kept[id(case)] = text
    return [(case, kept[id(case)]) for _, case in named if id(case) in kept], len(names) - len(kept)


def _suite(name: str, rows: Sequence[Row]) -> str:
    cases = [case for case, _ in rows]
    failures = sum(case.fails and not case.light and case.result == "fail" for case in cases)
    errors = sum(case.result == "error" for case in cases)
    skipped = sum(case.result != "pass" for case in cases) - failures - errors
    head = (
        f"<testsuite name={_quoted(name)} tests={_quoted(len(rows))} failures={_quoted(failures)}"
        f" errors={_quoted(errors)} skipped={_quoted(skipped)}>\n"
    )
    return head + "".join(text for _, text in rows) + "</testsuite>\n"


def _verdict_suite(report: Report, left_out: int) -> str:
    """Say the verdict as a case of its own, and what did not fit into the file."""
    results: dict[str, Result] = {"supported": "pass", "undetermined": "unknown"}
    result = results.get(report.status, "fail")
    light = result == "fail" and report.code == 0
    verdict = Case("verdict", report.title, result, "high", reason=report.sentence, light=light)
    rows = [(verdict, _element(verdict, "verdict", report))]
    if left_out:
        words = f"{left_out} more cases do not fit into this file; the JSON document has them"
        rest = Case("left-out", words, "fail", "high", reason=report.counts())
        rows.append((rest, _element(rest, "cases that are not in this file", report)))
    return _suite(f"sosmlx {report.kind}", rows)


def _element(case: Case, name: str, report: Report) -> str:
    """Render one case: passed ones have no text, all others have all of it inside."""
    head = f'  <testcase name={_quoted(name)} classname={_quoted(_short(case.device or report.title))} time="0"'
    if case.result == "pass":
        return f"{head}/>\n"
    body = "\n".join(_body(case, report))
    if case.fails and not case.light:
        word = "error" if case.result == "error" else "failure"
        message = cut(case.reason or f"{report.heads[0]} {case.expected}, {report.heads[1]} {case.actual}", 200)
        inside = f"<{word} type={_quoted(case.severity)} message={_quoted(message)}>{_text(body)}</{word}>"
    else:
        inside = f"<skipped>{_text(body)}</skipped>"
    return f"{head}>{inside}</testcase>\n"


def _body(case: Case, report: Report) -> Iterator[str]:
    if case.is_waived:
        yield "waived: this fails, and somebody answers for it"
    elif case.light:
        yield "told, and nothing that fails this check"
    elif not case.fails:
        yield _NEITHER[case.result]
    yield from details(case, report)


def _legal(text: str) -> str:
    """Replace what XML 1.0 forbids."""
    return _ILLEGAL.sub("�", text)


def _text(text: str) -> str:
    return escape(_legal(text))


def _quoted(value: object) -> str:
    return quoteattr(_legal(str(value)))
