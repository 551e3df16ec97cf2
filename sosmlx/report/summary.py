"""A result in a few lines of plain text: what goes into the ticket, in the order of the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sosmlx.model import SEVERITIES
from sosmlx.report.result import CheckView
from sosmlx.report.show import ShowView
from sosmlx.report.view import CoverageView, DiffView, Input, Row

MOST = 12
"""So many lines of a kind are named; the rest is counted."""

WIDEST = 300
"""A longer line would bury the others; the page has the whole."""


def diff_summary(view: DiffView) -> tuple[str, ...]:
    """Sum up a diff: what somebody may have had a hand in is named, the worst first; the rest is in the counts."""
    lines = [(group, line) for group in view.groups for line in group.ours]
    changes = [
        f"{group.device} {group.plane} {line.name} ({line.facets}): {line.left} → {line.right}"
        for group, line in sorted(lines, key=lambda pair: _rank(pair[1].severity))
    ]
    counts = [f"{view.count}; {view.transition}", *filter(None, [view.causes, view.three_way])]
    return _text(
        view.title, view.sentence, counts, [("Changed", changes)], view.pending, view.overrides, view.coverage,
        view.inputs,
    )  # fmt: skip


def check_summary(view: CheckView) -> tuple[str, ...]:
    """Sum up a check; what is waived is told apart from what fails."""
    lines = [(group, line) for group in view.groups for line in group.lines]
    failed, waived = (
        [
            f"{group.device} {line.rule} ({line.severity}): expected {line.expected}, actual {line.actual}"
            + (f"; {line.waiver}" if line.waived else "")
            for group, line in sorted(lines, key=lambda pair: _rank(pair[1].severity)) if line.waived is accepted
        ]
        for accepted in (False, True)
    )  # fmt: skip
    return _text(
        view.title, view.sentence, [view.count], [("Fails", failed), ("Waived", waived)], view.pending, view.overrides,
        view.coverage, view.inputs,
    )  # fmt: skip


def _rank(severity: str) -> int:
    """Return a number by which the most severe comes first."""
    return -SEVERITIES.index(severity) if severity in SEVERITIES else 0


def show_summary(view: ShowView) -> tuple[str, ...]:
    """Sum up a snapshot."""
    devices = [
        " ".join(filter(None, [row.id, row.role, row.model, row.psid, row.running, *row.netdevs]))
        for row in view.devices
    ]  # fmt: skip
    return _text(
        view.title, view.sentence, [], [("Devices", devices)], view.pending, view.overrides, view.coverage, view.inputs
    )


def _text(
    title: str, sentence: str, counts: Sequence[str], parts: Sequence[tuple[str, Sequence[str]]],
    pending: Sequence[Row], overrides: Sequence[Row], coverage: CoverageView, inputs: Iterable[Input],
  ) -> tuple[str, ...]:  # fmt: skip
    lines = [title, sentence, *counts]
    for head, items in (*parts, ("Pending a reset", _rows(pending)), ("Overridden at run time", _rows(overrides))):
        lines += _some(head, items)
    lines.append(f"Coverage: {coverage.complete} of {coverage.total} planes completely")
    lines += _some("Not captured", [f"{row.device} {row.plane}: {row.why}" for row in coverage.gaps])
    lines += [" ".join(filter(None, [f"{row.side}:", row.path, row.host, row.collected])) for row in inputs]
    return tuple(line if line == sentence or len(line) <= WIDEST else f"{line[:WIDEST]}…" for line in lines)


def _rows(rows: Sequence[Row]) -> list[str]:
    return [f"{row.device} {row.plane} {row.what}: {row.why}" for row in rows]


def _some(head: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield f"{head} ({len(items)}):"
        yield from (f"  {item}" for item in items[:MOST])
        if len(items) > MOST:
            yield f"  and {len(items) - MOST} more"
