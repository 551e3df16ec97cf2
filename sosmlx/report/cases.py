"""Results as CI systems take them: a list of evaluated checks, made from a document, saved or new.

A check's cases are its findings. A diff's cases are its differences (each fails), what could not be told (unknown), and
the planes that were read completely on both sides and are the same (pass).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from sosmlx.diff.digest import fingerprint
from sosmlx.errors import InputError
from sosmlx.model import SEVERITIES, Difference, Facet, Result, Severity, SourceInfo, Verdict, Waived
from sosmlx.policy.waivers import IN_FORCE
from sosmlx.printable import visible
from sosmlx.report.cells import ABSENT, shown
from sosmlx.report.changes import MOVED
from sosmlx.report.plain import restore
from sosmlx.report.view import CoverageView

Document = Mapping[str, object]

LONGEST = 4000
"""So many characters of one text are handed to a CI system; the JSON document has the whole."""

_CHANGES: Mapping[str, str] = {
    "changed": "A setting has another value",
    "added": "Only the right side has this",
    "removed": "Only the left side has this",
    "moved": "A card was moved or swapped",
}
_PLANE = "A plane of a device, compared"
_WORST_FIRST = tuple(reversed(SEVERITIES))
_ORDER: tuple[Result, ...] = ("fail", "error", "unknown", "notchecked", "notapplicable", "pass")


@dataclass(frozen=True)
class Case:
    """One evaluated check: `rule` and `key` say which and on what, `where` is FILE:LINE of the rule.

    `state` is the case's SARIF baseline state, empty where there is none. All words are harmless to show.
    """

    rule: str
    title: str
    result: Result
    severity: Severity = "info"
    device: str = ""
    key: str = ""
    expected: str = ""
    actual: str = ""
    reason: str = ""
    advice: str = ""
    policy: str = ""
    where: str = ""
    source: str = ""
    fingerprint: str = ""
    state: str = ""
    waived: Waived | None = None
    light: bool = False
    """Whether this is less severe than what makes the check fail."""

    @property
    def is_waived(self) -> bool:
        """Whether somebody answers for this failure, for now."""
        return self.result == "fail" and self.waived is not None and self.waived.state in IN_FORCE

    @property
    def fails(self) -> bool:
        """Whether this counts as a failure."""
        return self.result in ("fail", "error") and not self.is_waived


@dataclass(frozen=True)
class Report:
    """The cases of one result in a stable order, with the verdict's sentence. `heads` name expected and actual."""

    kind: str
    title: str
    status: str
    sentence: str
    cases: tuple[Case, ...]
    heads: tuple[str, str]
    notes: tuple[str, ...] = ()
    code: int | None = None
    """The exit code, where it is known."""

    def of(self, *results: Result) -> list[Case]:
        """Return the cases with one of these results that nobody waived, the worst first."""
        return [case for case in self.worst_first() if case.result in results and not case.is_waived]

    @property
    def waived(self) -> list[Case]:
        """The failures that somebody answers for."""
        return [case for case in self.worst_first() if case.is_waived]

    def worst_first(self) -> list[Case]:
        """Return the cases in the order in which a reader with little room wants them."""
        ranks = {word: at for at, word in enumerate(_ORDER)}
        return sorted(
            self.cases, key=lambda case: (case.is_waived, ranks[case.result], _WORST_FIRST.index(case.severity))
        )

    def counts(self) -> str:
        """Say how many cases of each result there are.

        >>> Report("check", "", "", "", (Case("a", "", "pass"), Case("b", "", "fail")), ("", "")).counts()
        '1 fail, 1 pass'
        """
        found = Counter("waived" if case.is_waived else case.result for case in self.cases)
        words = [f"{found[word]} {word}" for word in (*_ORDER, "waived") if found[word]]
        return ", ".join(words) or "nothing was evaluated"


def details(case: Case, report: Report) -> list[str]:
    """List what a reader must know of a case, a line each; nothing is longer than `LONGEST`."""
    rows = [
        ("", case.title),
        ("device: ", case.device),
        ("setting: ", case.key),
        (f"{report.heads[0]}: ", case.expected),
        (f"{report.heads[1]}: ", case.actual),
        ("why: ", case.reason),
        ("do: ", case.advice),
        ("rule: ", case.where if report.kind == "check" else ""),
        ("source: ", case.source),
    ]
    lines = [f"{word}{cut(text)}" for word, text in rows if text]
    return lines + ([_waiver(case.waived)] if case.waived is not None else [])


def _waiver(waived: Waived) -> str:
    until = f" until {waived.expires}" if waived.expires else ""
    owner = f" ({waived.owner})" if waived.owner else ""
    return cut(f"waiver, {waived.state}{until}: {waived.reason}{owner}")


def cut(text: str, most: int = LONGEST) -> str:
    """Shorten a text, and say so.

    >>> cut("abcdef", 3)
    'abc… (3 more characters)'
    """
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} more characters)"


class _Gap(NamedTuple):
    device: str
    plane: str
    side: str
    names: tuple[str, ...]
    reason: str
    facet: str | None = None


class WaiverRow(NamedTuple):
    """What a row of `findings` says of a waiver."""

    state: str = "active"
    reason: str = ""
    owner: str | None = ""
    created: str | None = ""
    expires: str | None = ""


class Found(NamedTuple):
    """A row of `findings` of a check document."""

    rule: str
    result: Result
    severity: Severity
    title: str
    fingerprint: str
    advice: str | None = ""
    device: str | None = ""
    plane: str | None = ""
    name: str | None = ""
    facet: str | None = ""
    expected: str | None = ""
    actual: str | None = ""
    reason: str | None = ""
    policy: str | None = ""
    where: str | None = ""
    source: str | None = ""
    waiver: WaiverRow | None = None


def check_report(document: Document, title: str) -> Report:
    """Make the report of a `sosmlx.check/1` document. Raises InputError where it is not of that shape."""
    verdict = _verdict(_at(_mapping(document, "verdict"), "host"))
    summary = restore(_CheckSummary, _at(document, "summary"), "summary")
    cases = [_case(row, summary.fail_on) for row in findings_from_json(document)]
    light = (f"failures below {summary.fail_on} do not fail this check",) if any(row.light for row in cases) else ()
    heads = ("expected", "actual")
    return Report(
        "check", title, verdict.status, verdict.sentence, _sorted(cases), heads, light, summary.exit_code
    )  # fmt: skip


class _CheckSummary(NamedTuple):
    fail_on: Severity = "low"
    exit_code: int | None = None


def findings_from_json(document: Document) -> list[Found]:
    """Read back the findings of a check document. Raises InputError where one is not of their shape."""
    rows = enumerate(_list(document, "findings"))
    return [restore(Found, _flat(row), f"findings[{at}]") for at, row in rows]


def _flat(row: object) -> object:
    """Join the lines of what a policy's author wrote: it is shown in cells and lists."""
    if not isinstance(row, dict):
        return row
    return {name: " ".join(text.split("\n")) if isinstance(text, str) else text for name, text in row.items()}


def _case(row: Found, threshold: Severity) -> Case:
    waived = Waived(**{name: word or "" for name, word in row.waiver._asdict().items()}) if row.waiver else None
    return Case(
        row.rule, row.title, row.result, row.severity, row.device or "",
        _key(row.plane or "", row.name or "", "", row.facet or ""), row.expected or "", row.actual or "",
        row.reason or "", row.advice or "", row.policy or "", row.where or "", row.source or "", row.fingerprint,
        waived=waived, light=SEVERITIES.index(row.severity) < SEVERITIES.index(threshold) and row.result == "fail",
    )  # fmt: skip


def diff_report(document: Document, coverage: CoverageView) -> Report:
    """Make the report of a `sosmlx.diff/1` document; `coverage` is the grid that its page shows.

    Raises InputError where it is not of that shape.
    """
    left, right = (restore(SourceInfo, _at(document, side), side) for side in ("left", "right"))
    verdict = _verdict(_at(_mapping(_mapping(document, "verdict"), "right"), "host"))
    summary = restore(_Summary, _at(document, "summary"), "summary")
    gaps = [restore(_Gap, row, f"unknown[{at}]") for at, row in enumerate(_list(document, "unknown"))]
    scope = [restore(_Gap, row, f"scope[{at}]") for at, row in enumerate(_list(document, "scope"))]
    place = next((side.path for side in (left, right) if side.kind not in ("live", "sim")), "")
    moved = [restore(_Moved, row, f"differences[{at}]") for at, row in enumerate(_list(document, "differences"))]
    cases = [_difference(row, at, place) for row, at in zip(differences_from_json(document), moved)]
    cases += [_gap(row, "unknown", place) for row in gaps]
    cases += [_gap(row, "notchecked", place) for row in scope]
    told = {(case.device, case.key.partition("/")[0]) for case in cases}
    cases += _planes(coverage, told, _unasked(document, summary.hidden), place)
    title = visible(f"{_name(left)} → {_name(right)}")
    heads = ("left", "right")
    return Report("diff", title, verdict.status, verdict.sentence, _sorted(cases), heads, tuple(summary.words()))


class _Summary(NamedTuple):
    hidden: int
    causes: str | None = None
    notes: tuple[str, ...] = ()

    def words(self) -> Iterator[str]:
        """Yield what a reader must know beside the cases."""
        yield from filter(None, [self.causes, *self.notes])
        if self.hidden:
            yield f"{self.hidden} differences are not shown (counters, volatile values, filtered)"


class _Moved(NamedTuple):
    """Seen from a common base: who moved, if it can be told."""

    moved: str | None = None
    moved_reason: str | None = None


_STATES: Mapping[str | None, str] = {"left": "absent", "conflict": "updated", "both": "unchanged"}
"""Who moved from the base → what SARIF calls that of the right side; without a base every difference is new."""


def differences_from_json(document: Document) -> list[Difference]:
    """Read back the differences of a diff document. Raises InputError where one is not of their shape."""
    return [_row(row, f"differences[{at}]") for at, row in enumerate(_list(document, "differences"))]


def _row(row: object, what: str) -> Difference:
    if not isinstance(row, dict):
        raise InputError(f"{what}: an object was expected")
    sides = {side: _facet(row.get(side), f"{what}.{side}") for side in ("left", "right")}
    plain = {name: value for name, value in row.items() if name not in sides}
    found = restore(Difference, {**plain, "cls": row.get("class")}, what)
    if found.severity not in SEVERITIES:
        raise InputError(f"{what}: severity {found.severity!r} is none of {', '.join(SEVERITIES)}")
    return Difference(**{**vars(found), **sides})


class _FacetRow(NamedTuple):
    value: bool | int | str | tuple[bool | int | str | None, ...] | None = None
    raw: str | None = None
    label: str | None = None
    reason: str | None = None
    writer: str | None = None


def _facet(row: object, what: str) -> Facet | None:
    """Read back one side: where the other has nothing, all of it is null."""
    found = restore(_FacetRow, row, what)
    if found.raw is None:
        return None
    return Facet(found.value, found.raw, found.label or "", found.reason or "", found.writer or "")


def _difference(row: Difference, at: _Moved, path: str) -> Case:
    mark = fingerprint(row.change, row.device, row.plane, row.name, row.cmode, row.facet)
    moved = "; ".join(filter(None, [MOVED.get(at.moved or "", at.moved), at.moved_reason]))
    cause = "" if row.cause == "unknown" else f"cause: {row.cause}"
    return Case(
        rule=f"diff-{row.change}", title=_CHANGES.get(row.change, row.change), result="fail",
        severity=cast("Severity", row.severity), device=row.device,
        key=_key(row.plane, row.name, row.cmode, row.facet), expected=shown(row.left), actual=shown(row.right),
        reason="; ".join(filter(None, [row.note, cause, moved])), where=path, fingerprint=mark,
        state=_STATES.get(at.moved, "new"),
    )  # fmt: skip


def _gap(row: _Gap, result: Result, path: str) -> Case:
    names = ", ".join(row.names)
    rule, title = {
        "unknown": ("diff-unknown", "One side could not read what the other has"),
        "notchecked": ("diff-scope", "Captured on one side only"),
    }[result]
    mark = fingerprint(rule, row.device, row.plane, row.side, row.facet or "", *row.names)
    what = names if len(row.names) < 2 else f"({len(row.names)} settings)"
    return Case(
        rule=rule, title=title, result=result, device=row.device,
        key=_key(row.plane, f"{what} {row.side}".strip(), "", row.facet or ""),
        reason=cut(f"{row.side}: {row.reason}" + (f": {names}" if len(row.names) > 1 else "")), where=path,
        fingerprint=mark, state="new",
    )  # fmt: skip


class _Asked(NamedTuple):
    planes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def _unasked(document: Document, hidden: int) -> str:
    """Say why a plane without a difference is not known to be the same: the reader did not ask for all of it."""
    asked = restore(_Asked, document.get("asked", {}), "asked")
    if any(asked):
        return "only a part was asked for, and nothing says whether this is of it"
    return "some differences are not shown, and nothing says that they are not here" if hidden else ""


def _planes(coverage: CoverageView, told: set[tuple[str, str]], unasked: str, path: str) -> Iterator[Case]:
    """Yield a case per plane of which nothing was said yet: the same only where both sides read all of it."""
    reasons = {(row.device, row.plane): row.why for row in coverage.gaps}
    for device, cells in coverage.grid:
        for plane, cell in zip(coverage.planes, cells):
            if (device, plane) in told or cell == ABSENT:
                continue
            result, reason = _seen(cell, unasked)
            why = reasons.get((device, plane), "") or reason
            yield Case(
                rule="diff-plane", title=_PLANE, result=result, device=device, key=plane, reason=why, where=path,
                fingerprint=fingerprint("diff-plane", device, plane), state="new" if result == "unknown" else "",
            )  # fmt: skip


def _seen(cell: str, unasked: str) -> tuple[Result, str]:
    """Judge a cell of the coverage grid: what both sides say, or each of the two."""
    if cell == "notapplicable":
        return "notapplicable", "a function of this kind has no such settings"
    if cell != "complete":
        unread = any(word in ("unknown", "partial") for word in cell.split(" | "))
        return ("unknown", cell) if unread else ("notchecked", f"not captured on both sides ({cell})")
    return ("notchecked", unasked) if unasked else ("pass", "")


def _key(plane: str, name: str, cmode: str, facet: str) -> str:
    knob = f"{plane}/{name}" if plane and name else plane or name
    mode = f" ({cmode})" if cmode in ("runtime", "driverinit") else ""
    return f"{knob}{mode}" + (f" [{facet}]" if facet else "")


def _sorted(cases: Sequence[Case]) -> tuple[Case, ...]:
    return tuple(sorted(cases, key=lambda case: (case.device, case.rule, case.key, case.policy, case.where)))


def _name(source: SourceInfo) -> str:
    label = f" {source.label}" if source.label else ""
    return f"{source.host}{label}" if source.host else source.path


def _verdict(data: object) -> Verdict:
    return restore(Verdict, data, "verdict")


def _at(document: Document, name: str) -> object:
    if name not in document:
        raise InputError(f"no {name!r} in the document", "it is damaged, or was written by something else")
    return document[name]


def _mapping(document: Document, name: str) -> Document:
    found = _at(document, name)
    if not isinstance(found, dict):
        raise InputError(f"{name}: an object was expected")
    return found


def _list(document: Document, name: str) -> list[object]:
    found = _at(document, name)
    if not isinstance(found, list):
        raise InputError(f"{name}: a list was expected")
    return found
