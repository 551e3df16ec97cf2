"""Results as Markdown (GitHub's and GitLab's dialect) for tickets and step summaries.

All words of a result are shown as text: what would be markup, a link or a mention there is broken up. GitHub drops a
step summary of more than 1,024 KiB whole, so that rows above `MOST_BYTES` are counted and not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from sosmlx.model import Device
from sosmlx.printable import visible
from sosmlx.report.cases import Case, Report, cut
from sosmlx.report.show import ShowView
from sosmlx.report.text import WIDEST, WRITER
from sosmlx.report.view import SYMPTOMS, CoverageView, Input, Row

MOST_BYTES = 900 * 1024

_BREAK = "<!-- -->"
"""A comment, which ends a word for those who look for mentions and links, and shows nothing."""

_MARKUP = re.compile(r"[&<>|`*\[\]~\\$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_WORDS = re.compile(r"@|#(?=\w)|:(?=//)|www(?=\.)|(?:mailto|xmpp)(?=:)", re.IGNORECASE)
_ACTING = re.compile(f"{_MARKUP.pattern}|{_WORDS.pattern}", re.IGNORECASE)
_LAST = 4096
"""Bytes that are kept free for the words about what is left out."""


def escaped(text: str) -> str:
    """Write a text so that Markdown shows it as it is.

    >>> escaped("NUM_OF_VFS"), escaped("a|b*<script>"), escaped("@team")
    ('NUM_OF_VFS', 'a&#124;b&#42;&#60;script&#62;', '@<!-- -->team')
    """
    return _ACTING.sub(_still, visible(text))


def _still(match: re.Match[str]) -> str:
    return match[0] + _BREAK if _WORDS.match(match.string, match.start()) else f"&#{ord(match[0])};"


class Told(Protocol):
    """What the view of a diff or check tells beside its cases."""

    @property
    def counts(self) -> str:
        """What a reader must know of, counted in a line."""

    @property
    def asides(self) -> tuple[tuple[str, tuple[Row, ...]], ...]:
        """Tables that follow what was not captured."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What the result was made from."""

    @property
    def evidence(self) -> tuple[Row, ...]:
        """What a reader must see of what was observed."""

    @property
    def pending(self) -> tuple[Row, ...]:
        """What waits for a reset."""

    @property
    def overrides(self) -> tuple[Row, ...]:
        """What is overridden at run time."""

    @property
    def coverage(self) -> CoverageView:
        """How much was seen."""


def markdown(report: Report, view: Told) -> str:
    """Render a result in the order of its page: the verdict, what fails, what waits, what is not known or waived."""
    heads = ["severity", "device", "check", *report.heads, "why", "what to do"]
    parts: list[tuple[str, list[str], list[Case]]] = [
        ("Differences" if report.kind == "diff" else "Findings", heads, report.of("fail", "error")),
        ("Unknown", ["device", "check", "why"], report.of("unknown")),
        ("Waived", heads, report.waived),
        ("Not checked", ["device", "check", "why"], report.of("notchecked")),
    ]
    lines = [f"## {escaped(cut(report.title, 300))}", "", _verdict(report.status, report.sentence), ""]
    lines += [f"{escaped(view.counts)}.", ""]
    lines += _rows("Evidence", view.evidence)
    for title, columns, cases in parts:
        lines += _table(title, columns, [_cells(case, len(columns) > 3) for case in cases])
        if title == parts[0][0]:
            lines += [*_rows("Pending a reset", view.pending), *_rows("Overridden at run time", view.overrides)]
    lines += _coverage(view.coverage)
    for title, rows in view.asides:
        lines += _rows(title, rows)
    lines += _inputs(view.inputs)
    lines += [f"{escaped(note)}.  " for note in report.notes]
    return _bounded([*lines, f"Counted: {report.counts()}."])


def _cells(case: Case, every: bool) -> list[str]:
    what = " ".join(filter(None, [case.key, f"({case.rule})"]))
    if case.rule.startswith("diff-"):
        what = case.key
    why = case.reason
    if case.waived is not None:
        until = f" until {case.waived.expires}" if case.waived.expires else ""
        why = "; ".join(filter(None, [why, f"waiver {case.waived.state}{until}: {case.waived.reason}"]))
    if not every:
        return [case.device, what, why or case.title]
    return [case.severity, case.device, what, case.expected, case.actual, why or case.title, case.advice]


def show_markdown(view: ShowView) -> str:
    """Render a snapshot: verdict, devices, settings by plane, what is pending, and what was not captured."""
    lines = [f"## {escaped(cut(view.title, 300))}", "", _verdict(view.status, view.sentence), ""]
    lines += [f"{escaped(view.counts)}.", ""]
    lines += _rows("Evidence", view.evidence)
    lines += [*_rows("Pending a reset", view.pending), *_rows("Overridden at run time", view.overrides)]
    lines += _table(
        "Devices",
        ["device", "role", "model", "part number", "PSID", "firmware", "interfaces", "channels"],
        [_device(device) for device in view.devices],
    )
    lines += _coverage(view.coverage)
    for group in view.groups:
        if group.folded:
            lines += [f"{escaped(group.device)} {group.plane}: {escaped(group.folded_words)}.", ""]
            continue
        mark = f" {group.digest}" if group.digest else ""
        heads = ["name", *group.facets, "state", *([WRITER] if group.written else [])]
        rows = [[row.name, *row.cells, row.flags, *([row.writer] if group.written else [])] for row in group.rows]
        lines += _table(f"{group.device} {group.plane}{mark}", heads, rows)
    lines += [*_rows(SYMPTOMS, view.symptoms), *_inputs(view.inputs)]
    if view.hidden:
        lines.append(f"{view.hidden} settings are not shown (counters, volatile values).")
    return _bounded(lines)


def _device(device: Device) -> list[str]:
    firmware = device.running
    if device.stored and device.stored != device.running:
        firmware = f"{device.running} (stored {device.stored})"
    return [
        device.id, device.role, device.model, device.part_number, device.psid, firmware,
        " ".join([*device.netdevs, *device.rdma]), " ".join(device.channels),
    ]  # fmt: skip


def _verdict(status: str, sentence: str) -> str:
    """Set the verdict's word in bold, where the sentence begins with it."""
    head, colon, rest = sentence.partition(":")
    if head.lower() != status:
        return f"**{escaped(status)}**: {escaped(cut(sentence))}"
    return f"**{escaped(head)}**{colon}{escaped(cut(rest))}"


def _inputs(inputs: Sequence[Input]) -> list[str]:
    cells = [[row.side, row.kind, row.path, row.host, row.label, row.collected] for row in inputs]
    return _table("Inputs", ["side", "kind", "source", "host", "label", "collected"], cells)


def _coverage(coverage: CoverageView) -> Iterator[str]:
    yield from _rows("Not captured, or not completely", coverage.gaps)
    yield f"Coverage: {coverage.complete} of {coverage.total} planes completely."
    yield ""


def _rows(title: str, rows: Sequence[Row]) -> list[str]:
    heads = ["device", "plane", "what", "why", "what to do"]
    return _table(title, heads, [[row.device, row.plane, row.what, row.why, row.how] for row in rows])


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay out a table; columns that are empty in all rows are left out."""
    if not rows:
        return []
    kept = [at for at in range(len(heads)) if any(row[at] for row in rows)]
    lines = [f"### {escaped(cut(title, 200))}", "", _line([heads[at] for at in kept]), "|" + " --- |" * len(kept)]
    return [*lines, *(_line([row[at] for at in kept]) for row in rows), ""]


def _line(cells: Sequence[str]) -> str:
    return "".join(f"| {escaped(cut(cell, WIDEST))} " for cell in cells) + "|"


def _bounded(lines: Sequence[str]) -> str:
    """Keep as many lines as a step summary may have, and say how many are left out."""
    size = 0
    kept: list[str] = []
    for line in lines:
        size += len(line.encode("utf-8", "backslashreplace")) + 1
        if size > MOST_BYTES - _LAST:
            rest = len(lines) - len(kept)
            kept += ["", f"**{rest} more lines do not fit here**; the JSON document has all of it.", lines[-1]]
            break
        kept.append(line)
    return "\n".join(kept).rstrip() + "\n"
