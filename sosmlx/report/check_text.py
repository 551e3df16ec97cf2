"""A check as text for a terminal or a ticket: the verdict first, then what fails, then what nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tabulate import tabulate

from sosmlx.report.result import CheckView, FindingGroup, FindingLine
from sosmlx.report.text import waiting
from sosmlx.report.view import Row

WIDEST = 160
"""A longer cell would push all others off the screen; the documents hold the whole."""


def check_text(view: CheckView) -> str:
    """Print a check."""
    return "\n".join(_check(view)) + "\n"


def _check(view: CheckView) -> Iterator[str]:
    yield view.sentence
    yield f"Checked: {view.counts}"
    yield from _rows("Evidence", view.evidence)
    for group in view.groups:
        yield ""
        yield group.title
        yield from _group(group)
    yield from _rows("Unknown: what these rules need was not read", view.unknown)
    yield from waiting(view.pending, view.overrides)
    yield from _waivers(view)
    yield from _rows("Not captured, or not completely", view.coverage.gaps)
    yield from _rows("Not checked, or not applicable", view.unchecked)
    if view.strangers:
        yield ""
        yield f"No policy is meant for: {', '.join(view.strangers)}"
    yield from _rows("Passed", view.passed)
    yield ""
    yield f"Coverage: {view.coverage.complete} of {view.coverage.total} planes completely"
    yield ""
    for source in view.inputs:
        words = [f"{source.side}:", source.path, source.kind, source.host, source.label, source.collected]
        yield " ".join(word for word in words if word)
    for policy in view.policies:
        rules = f"{policy.rules} rule{'' if policy.rules == 1 else 's'}"
        yield " ".join(filter(None, ["policy:", policy.name, rules, policy.origin, policy.title]))


def _group(group: FindingGroup) -> Iterator[str]:
    """Print a device's failures: a table, and below each row what to do and whose word it is."""
    table = _table([[line.severity, line.result_words, line.rule, line.knob, _seen(line)] for line in group.lines], 2)
    for row, line in zip(table, group.lines, strict=True):
        yield row
        notes = [line.title, line.advice, line.waiver, f"rule: {line.origin}" if line.origin else ""]
        yield from (f"      {_short(note)}" for note in notes if note)


def _seen(line: FindingLine) -> str:
    return f"expected {line.expected}, actual {line.actual}"


def _waivers(view: CheckView) -> Iterator[str]:
    if view.waivers:
        yield ""
        yield "Waivers:"
        yield from _table(
            [[row.rule, row.state, f"until {row.until}", row.owner, row.reason, row.remarks] for row in view.waivers],
            2,
        )


def _rows(title: str, rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        yield ""
        yield f"{title}:"
        yield from _table([[row.device, row.plane, row.what, row.why] for row in rows], 2)
        yield from (f"  what to do: {how}" for how in dict.fromkeys(row.how for row in rows) if how)


def _short(cell: str) -> str:
    return cell if len(cell) <= WIDEST else cell[: WIDEST - 1] + "…"


def _table(rows: Sequence[Sequence[str]], indent: int) -> list[str]:
    """Lay out cells in columns; widths come from the cells, and no cell is taken for a number."""
    text = tabulate([[_short(cell) for cell in row] for row in rows], tablefmt="plain", disable_numparse=True)
    return [" " * indent + line.rstrip() for line in text.split("\n")]
