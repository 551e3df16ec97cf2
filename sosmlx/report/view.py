"""Everything that a page or a terminal shows, computed once, in the order in which it is read; renderers only print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sosmlx.diff.cause import WITH_FIRMWARE
from sosmlx.diff.compare import Comparison
from sosmlx.diff.digest import fingerprint
from sosmlx.model import PLANES, Coverage, Device, Difference, Gap, Match, Setting, Snapshot, state
from sosmlx.parsers.values import NOBODY
from sosmlx.policy.envelope import Baseline, count_words, judge
from sosmlx.policy.overrides import overrides
from sosmlx.printable import visible
from sosmlx.record import HOST
from sosmlx.report.cells import ABSENT, shown
from sosmlx.report.changes import base_words, conflicts, hidden_words, renamed_words, symptom_words, taint_words
from sosmlx.report.hints import hint

SYMPTOMS = "Symptoms: counters that rose, outside the verdict"


@dataclass(frozen=True)
class Line:
    """One knob that differs; facets that changed in the same way share a line."""

    name: str
    facets: str
    left: str
    right: str
    change: str
    severity: str
    note: str
    writer: str
    anchor: str
    base: str = ""
    moved: str = ""
    cls: str = ""
    firmware: bool = False

    @property
    def agent(self) -> str:
        """Name who claims to have written it last, without the rest of the stored item's header."""
        return self.writer.partition(" (before: ")[0].partition(",")[0]


@dataclass(frozen=True)
class Group:
    """The lines of one plane of one device."""

    device: str
    title: str
    plane: str
    lines: tuple[Line, ...]

    @property
    def ours(self) -> tuple[Line, ...]:
        """The lines that somebody may have had a hand in."""
        return tuple(line for line in self.lines if not line.firmware)

    @property
    def firmwares(self) -> tuple[Line, ...]:
        """The lines that came with a step of the firmware, and are nobody's doing."""
        return tuple(line for line in self.lines if line.firmware)

    @property
    def written(self) -> bool:
        """Whether a writer is known of any of them."""
        return any(line.writer for line in self.lines)


@dataclass(frozen=True)
class Input:
    """One source that a result was made from."""

    side: str
    kind: str
    path: str
    host: str
    collected: str
    label: str


@dataclass(frozen=True)
class Row:
    """A row of words: what is pending, unknown, or only on one side; `how` is what to do about it."""

    device: str
    plane: str
    what: str
    why: str
    how: str = ""


def waiting_words(pending: Sequence[Row], overrides: Sequence[Row]) -> str:
    """Count what waits for a reset, and what is overridden."""
    return f"{len(pending)} pending a reset, {len(overrides)} overridden at run time"


@dataclass(frozen=True)
class DiffView:
    """A diff, ready to print."""

    title: str
    status: str
    sentence: str
    before: str
    transition: str
    groups: tuple[Group, ...]
    pending: tuple[Row, ...]
    unknown: tuple[Row, ...]
    scope: tuple[Row, ...]
    coverage: CoverageView
    evidence: tuple[Row, ...]
    inputs: tuple[Input, ...]
    hidden: int
    count: str
    unparsed: tuple[int, int]
    causes: str = ""
    hidden_words: str = ""
    notes: tuple[str, ...] = ()
    renamed: tuple[Row, ...] = ()
    symptoms: tuple[Row, ...] = ()
    three_way: str = ""
    agreed: tuple[Group, ...] = ()
    overrides: tuple[Row, ...] = ()

    @property
    def counts(self) -> str:
        """Count in a line what a reader must know of, who reads only the start."""
        found = [self.count, waiting_words(self.pending, self.overrides), f"{len(self.unknown)} unknown"]
        found += [f"{len(self.scope)} captured on one side only"] if self.scope else []
        return "; ".join(found)

    @property
    def asides(self) -> tuple[tuple[str, tuple[Row, ...]], ...]:
        """What is told after what was not captured, with its titles."""
        return (("Renamed", self.renamed), ("Captured on one side only", self.scope), (SYMPTOMS, self.symptoms))


@dataclass(frozen=True)
class CoverageView:
    """How much was seen: a grid of devices and planes, and a row for every plane that was not read completely."""

    planes: tuple[str, ...]
    grid: tuple[tuple[str, tuple[str, ...]], ...]
    gaps: tuple[Row, ...]
    complete: int
    total: int


def diff_view(found: Comparison) -> DiffView:
    """Compute what a diff shows."""
    left, right = judge(found.left), judge(found.right, Baseline(found.judged, found.gaps, found.left))
    sources = [("left", found.left), ("right", found.right), *([("base", found.base)] if found.base else [])]
    return DiffView(
        title=visible(f"{source_name(found.left)} → {source_name(found.right)}"),
        status=right.host.status,
        sentence=visible(right.host.sentence),
        before=visible(left.host.sentence),
        transition=f"{left.host.status} → {right.host.status}",
        groups=tuple(_groups(found, found.differences)),
        pending=tuple(pending_rows(found.right)),
        unknown=tuple(_gap(gap) for gap in (*found.gaps, *found.base_gaps)),
        scope=tuple(_gap(gap) for gap in found.scope),
        coverage=coverage_view(
            [found.left, found.right],
            [{match.left: match.id for match in found.matches}, {match.right: match.id for match in found.matches}],
        ),
        unparsed=(lines_not_understood(found.left), lines_not_understood(found.right)),
        evidence=tuple(evidence_rows(found.right)),
        inputs=tuple(input_row(side, snapshot) for side, snapshot in sources),
        hidden=found.hidden,
        count=count_words(found.differences),
        causes=visible(found.causes.words),
        hidden_words=hidden_words(found),
        notes=tuple(map(visible, found.notes)),
        renamed=tuple(Row(*words) for words in renamed_words(found)),
        symptoms=tuple(Row(*words) for words in symptom_words(found.symptoms)),
        three_way=conflicts(found),
        agreed=tuple(_groups(found, found.agreed)),
        overrides=tuple(override_rows(found.right)),
    )


def _groups(found: Comparison, rows: Sequence[Difference]) -> Iterator[Group]:
    """Group differences by device and plane, in the order in which they come."""
    titles = {device.id: device_title(device) for device in (*found.right.devices, *found.left.devices)}
    notes = {match.id: f"{titles.get(match.id, match.id)} ({_matched(match)})" for match in found.matches}
    for (device, plane), members in groupby(rows, key=lambda row: (row.device, row.plane)):
        title = visible(notes.get(device, HOST if device == HOST else titles.get(device, device)))
        yield Group(visible(device), title, plane, tuple(_lines(found, list(members))))


def _matched(match: Match) -> str:
    return match.match if match.left is None or match.right is None else f"matched by {match.match}"


def source_name(snapshot: Snapshot) -> str:
    """Name what a snapshot is of: the host and the label, or the path."""
    source = snapshot.source
    label = f" {source.label}" if source.label else ""
    return f"{source.host}{label}" if source.host else source.path


def device_title(device: Device) -> str:
    """Name a device as a person would: address, model, part number, netdevs."""
    words = [device.id, device.model, device.part_number, *device.netdevs[:2]]
    return "  ".join(visible(word) for word in words if word)


def _lines(found: Comparison, rows: Sequence[Difference]) -> list[Line]:
    """Fold the facets of one knob that changed in the same way into one line."""
    folded: dict[tuple[str, ...], list[Difference]] = {}
    for row in rows:
        words = (row.name, row.cmode, row.change, shown(row.left), shown(row.right), *base_words(found.origin(row)))
        folded.setdefault(words, []).append(row)
    return [
        Line(
            name=visible(f"{name} ({cmode})" if cmode in ("runtime", "driverinit") else name),
            facets=", ".join(row.facet for row in same), left=left, right=right, change=change,
            severity=same[0].severity, note=visible(_note(same[0])),
            writer=visible(_written(same)), anchor=anchor(same[0]), base=base, moved=moved, cls=same[0].cls,
            firmware=all(row.cause in WITH_FIRMWARE for row in same),
        )
        for (name, cmode, change, left, right, base, moved), same in folded.items()
    ]  # fmt: skip


def _note(row: Difference) -> str:
    return row.note or taint_words(row) or ("" if row.cause == "unknown" else row.cause)


def claimed(setting: Setting) -> str:
    """Say in a word or two who claims to have written the stored item; the documents have the rest of its header."""
    coming = setting.facet("next")
    words = coming.writer if coming is not None else ""
    return "" if words.startswith(NOBODY) else words.partition(",")[0]


def _written(rows: Sequence[Difference]) -> str:
    """Say who claims to have written what is there now, and who before where that was somebody else."""
    sides = [[facet.writer for facet in side if facet and facet.writer] for side in (
        [row.left for row in rows], [row.right for row in rows],
    )]  # fmt: skip
    before, after = (_brief(next(iter(side), "")) for side in sides)
    return after if before in ("", after) else f"{after or 'unknown'} (before: {before})"


def _brief(writer: str) -> str:
    """Leave out what only the documents need of a stored item's header.

    >>> _brief("BMC (3), host 0, priority OEM, over-ride allowed, read-enable 0")
    'BMC (3), host 0, priority OEM'
    """
    return "; ".join(level.partition(", over-ride")[0] for level in writer.split("; "))


def anchor(row: Difference) -> str:
    """Name the place of a difference on a page: its fingerprint."""
    return "f-" + fingerprint(row.change, row.device, row.plane, row.name, row.cmode, row.facet)


def pending_rows(snapshot: Snapshot) -> list[Row]:
    """List what waits for a reset: flash next differs from current, or stored firmware from the running one."""
    rows = []
    for setting in sorted(snapshot.settings, key=lambda setting: setting.key):
        if "pending" in state(setting):
            change = f"{shown(setting.facet('current'))} now, {shown(setting.facet('next'))} after a reset"
            rows.append(Row(visible(setting.device), setting.plane, visible(setting.name), change))
    for device in snapshot.devices:
        if device.running and device.stored and device.running != device.stored:
            change = f"{device.running} runs, {device.stored} after a reset"
            rows.append(Row(visible(device.id), "firmware", "fw.version", visible(change)))
    return rows


def override_rows(snapshot: Snapshot) -> list[Row]:
    """List run-time values that contradict the flash value in force."""
    return [
        Row(
            visible(row.device), row.pair.plane, row.pair.name,
            f"{shown(row.runtime)} at run time, {row.pair.flash} in flash is {shown(row.flash)}",
        )
        for row in overrides(snapshot)
    ]  # fmt: skip


def _gap(gap: Gap) -> Row:
    names = ", ".join(gap.names[:6]) + (f" and {len(gap.names) - 6} more" if len(gap.names) > 6 else "")
    what = names or f"facet {gap.facet}"
    if gap.facet and gap.names:
        what = f"{names} ({gap.facet})"
    return Row(visible(gap.device), gap.plane, visible(what), visible(f"{gap.side}: {gap.reason}"), hint(gap.reason))


def coverage_view(snapshots: Sequence[Snapshot], names: Sequence[Mapping[str | None, str]]) -> CoverageView:
    """Lay out coverage by device and plane; `names` give each side's devices the id that they have in a diff."""
    sides = [
        {(ids.get(row.device, row.device), row.plane): row for row in snapshot.coverage}
        for snapshot, ids in zip(snapshots, names, strict=True)
    ]
    keys = sorted({key for side in sides for key in side})
    planes = [plane for plane in PLANES if any(plane == key[1] for key in keys)]
    devices = sorted({device for device, _ in keys})
    troubled = {key for key in keys if any(side[key].status in _TROUBLED for side in sides if key in side)}
    gaps = []
    for device, plane in sorted(troubled):
        rows = [side[device, plane] for side in sides if (device, plane) in side]
        why = "; ".join(dict.fromkeys(row.reason for row in rows if row.reason))
        what = _both([_cell(side.get((device, plane))) for side in sides])
        gaps.append(Row(visible(device), plane, what, visible(why), hint(why)))
    grid = tuple(
        (visible(device), tuple(_both([_cell(side.get((device, plane))) for side in sides]) for plane in planes))
        for device in devices
    )
    return CoverageView(tuple(planes), grid, tuple(gaps), len(keys) - len(troubled), len(keys))


_TROUBLED = ("unknown", "partial")


def _cell(row: Coverage | None) -> str:
    return ABSENT if row is None else row.status


def _both(cells: Sequence[str]) -> str:
    """Say one word where both sides agree."""
    return cells[0] if len(set(cells)) == 1 else " | ".join(cells)


def evidence_rows(snapshot: Snapshot) -> list[Row]:
    """Pick the evidence that a reader must see; the rest is in the JSON document."""
    shown_rows = [row for row in snapshot.evidence if row.severity in ("medium", "high", "critical")]
    return [
        Row(visible(row.subject), row.kind, visible(row.text), row.severity)
        for row in sorted(shown_rows, key=lambda row: (row.severity != "high", row.kind, row.text))
    ]


def input_row(side: str, snapshot: Snapshot) -> Input:
    """Tell of one source that a result was made from."""
    source = snapshot.source
    return Input(
        side, source.kind, *(visible(word) for word in (source.path, source.host, source.collected, source.label))
    )


def lines_not_understood(snapshot: Snapshot) -> int:
    """Count the lines that nobody understood; a row may hold a block of them."""
    return sum(row.text.count("\n") + 1 for row in snapshot.unparsed)
