"""Views as text for a terminal or a ticket: no colour carries meaning, and nothing here decides anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tabulate import tabulate

from sosmlx.model import Device
from sosmlx.printable import visible
from sosmlx.report.show import ShowView
from sosmlx.report.view import SYMPTOMS, CoverageView, DiffView, Group, Input, Line, Row, device_title

WIDEST = 160

WRITER = "last writer of the TLV, as claimed"


def diff_text(view: DiffView) -> str:
    """Print a diff."""
    return "\n".join(_diff(view)) + "\n"


def _diff(view: DiffView) -> Iterator[str]:
    yield view.sentence
    yield f"Verdict: {view.transition}"
    yield view.counts
    yield from (words for words in (view.causes, view.three_way, *view.notes) if words)
    yield from _rows("Evidence", view.evidence)
    yield from _groups(view.groups)
    if not view.groups:
        yield ""
        yield "No difference."
    if view.hidden_words:
        yield f"\n{view.hidden_words}; --all shows counters and volatile values"
    if view.agreed:
        yield "\nBoth sides changed alike since the base:"
        yield from _groups(view.agreed)
    yield from _rows("Renamed", view.renamed)
    yield from waiting(view.pending, view.overrides)
    yield from _rows("Unknown: one side could not read what the other has", view.unknown)
    yield from _rows("Captured on one side only", view.scope)
    if any(view.unparsed):
        yield f"\nNot understood: {view.unparsed[0]} lines on the left, {view.unparsed[1]} on the right"
    yield from _missing(view.coverage)
    yield from _rows(SYMPTOMS, view.symptoms)
    yield from _inputs(view.inputs)


def waiting(pending: Sequence[Row], overrides: Sequence[Row]) -> Iterator[str]:
    """Print what waits for a reset, and what is overridden at run time."""
    yield from _rows("Pending a reset", pending)
    yield from _rows("Overridden at run time", overrides)


def _groups(groups: Sequence[Group]) -> Iterator[str]:
    device = ""
    for group in groups:
        if group.device != device:
            device = group.device
            yield ""
            yield group.title
        yield f"  {group.plane}"
        yield from _table([_cells(line) for line in group.lines], 4)


def show_text(view: ShowView) -> str:
    """Print a snapshot."""
    return "\n".join(_show(view)) + "\n"


def _show(view: ShowView) -> Iterator[str]:
    yield view.sentence
    yield view.counts
    yield from _rows("Evidence", view.evidence)
    yield from waiting(view.pending, view.overrides)
    yield ""
    yield from devices_lines(view.devices)
    yield from (f"  {visible(name)}  {words}" for name, words in view.verdicts.items())
    yield from _missing(view.coverage)
    for group in view.groups:
        yield ""
        yield f"{group.device}  {group.plane}" + (f"  [{group.digest}]" if group.digest else "")
        if group.folded:
            yield f"  {group.folded_words}"
            continue
        heads = ["name", *group.facets, "", WRITER if group.written else ""]
        yield from _table([heads, *([row.name, *row.cells, row.flags, row.writer] for row in group.rows)], 2)
    yield from _rows(SYMPTOMS, view.symptoms)
    if view.unparsed:
        yield f"\n{view.unparsed} lines were not understood; --all --format json holds them"
    if view.hidden:
        yield f"\n{view.hidden} settings are not shown (counters, volatile values); --all shows them"
    yield from _inputs(view.inputs)


def devices_lines(devices: Sequence[Device]) -> Iterator[str]:
    """Print one line per device: what it is, what hangs on it, and the channels into it."""
    if not devices:
        yield "No adapter."
        return
    yield from _table(
        [
            [device_title(device), device.role, visible(device.psid), _versions(device), visible(" ".join(device.rdma)),
             f"channels: {', '.join(device.channels) or 'none'}"]
            for device in devices
        ],
        0,
    )  # fmt: skip


def _versions(device: Device) -> str:
    if device.stored and device.stored != device.running:
        return visible(f"{device.running} (stored {device.stored})")
    return visible(device.running)


def _cells(line: Line) -> list[str]:
    return [line.name, line.facets, _arrow(line.left, line.right, line.change), _notes(line)]


def _notes(line: Line) -> str:
    base = "; ".join(filter(None, [line.moved, f"base {line.base}" if line.base else ""]))
    return "; ".join(filter(None, [base, line.note, f"{WRITER}: {line.writer}" if line.writer else ""]))


def _arrow(left: str, right: str, change: str) -> str:
    if change in ("added", "removed"):
        return f"{change}: {right if change == 'added' else left}"
    return f"{left} → {right}"


def _rows(title: str, rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        yield ""
        yield f"{title}:"
        yield from _table([[row.device, row.plane, row.what, row.why] for row in rows], 2)
        yield from (f"  what to do: {how}" for how in dict.fromkeys(row.how for row in rows) if how)


def _missing(coverage: CoverageView) -> Iterator[str]:
    """Print what was not captured; what was is counted in one line."""
    yield from _rows("Not captured, or not completely", coverage.gaps)
    yield ""
    yield f"Coverage: {coverage.complete} of {coverage.total} planes completely"


def _inputs(inputs: Iterable[Input]) -> Iterator[str]:
    yield ""
    for source in inputs:
        words = [source.side + ":", source.path, source.kind, source.host, source.label, source.collected]
        yield " ".join(word for word in words if word)


def _short(cell: str) -> str:
    """Cut a cell that would push all others off the screen; documents and `show --raw` hold the whole."""
    return cell if len(cell) <= WIDEST else cell[: WIDEST - 1] + "…"


def _table(rows: Sequence[Sequence[str]], indent: int) -> list[str]:
    """Lay out cells in columns; widths come from the cells, and no cell is taken for a number."""
    text = tabulate([[_short(cell) for cell in row] for row in rows], tablefmt="plain", disable_numparse=True)
    return [" " * indent + line.rstrip() for line in text.splitlines()]
