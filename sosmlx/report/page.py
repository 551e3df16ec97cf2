"""What a page shows beside its view: evidence for each line, pictures, the summary for a ticket, and all settings.

It costs more than text does (both sides are read whole), so that it is computed only where a page or a document that
can become one is asked for. Templates print what is computed here, and decide nothing.
"""

from __future__ import annotations

import glob
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from sosmlx.diff.result import Comparison
from sosmlx.model import FACETS, PLANES, Device, Difference, Finding, Setting, Snapshot, state
from sosmlx.normalise import normalise
from sosmlx.policy.taint import FWCTL, decode
from sosmlx.policy.tally import is_waived
from sosmlx.printable import visible
from sosmlx.record import HOST, Bundle
from sosmlx.report.cells import shown
from sosmlx.report.excerpts import Excerpt, Quoting, by_key
from sosmlx.report.island import Island, island
from sosmlx.report.result import CheckResult, CheckView, anchors, mark
from sosmlx.report.show import ShowView
from sosmlx.report.summary import check_summary, diff_summary, show_summary
from sosmlx.report.topology import Topology, topology
from sosmlx.report.view import DiffView, anchor

MOST_PROOFS = 500
"""So many lines carry their evidence; of the rest the bundle has it."""

MARKED = (0, 1, 12, 13, FWCTL)
"""Bits of the taint word that are shown also where they are clear: those that are asked about."""


@dataclass(frozen=True)
class Stage:
    """One step of default → current → next: its name, its value, and whether it differs from the step before."""

    name: str
    value: str
    moved: bool


@dataclass(frozen=True)
class Proof:
    """What a line opens to: the steps of its flash parameter, the lines of the records, and a text to take along."""

    stages: tuple[Stage, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()
    paste: tuple[str, ...] = ()
    paste_words: str = ""


@dataclass(frozen=True)
class TaintBit:
    """One bit of the taint word: its number, what it means, and what it was on each side ("set", "clear", "unread")."""

    number: int
    letter: str
    text: str
    sides: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """Counts by device and plane: how many of what `title` says; 0 is nothing, -1 a plane that is not there."""

    title: str = ""
    planes: tuple[str, ...] = ()
    rows: tuple[tuple[str, tuple[int, ...]], ...] = ()


@dataclass(frozen=True)
class Page:
    """Everything on a page that is not in its view."""

    summary: tuple[str, ...] = ()
    topology: Topology = field(default_factory=Topology)
    taint: tuple[TaintBit, ...] = ()
    taint_sides: tuple[str, ...] = ()
    grid: Grid = field(default_factory=Grid)
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    island: Island = field(default_factory=Island)


def diff_page(found: Comparison, view: DiffView, bundles: Sequence[Bundle] = ()) -> Page:
    """Compute the rest of a diff's page; without the two bundles there is no evidence to quote."""
    left, right = [normalise(bundle) for bundle in bundles[:2]] or [found.left, found.right]
    names = [{match.left: match.id for match in found.matches}, {match.right: match.id for match in found.matches}]
    return Page(
        summary=diff_summary(view),
        topology=topology(right),
        taint=tuple(_taint([left, right])),
        taint_sides=("before", "after") if left.is_host and right.is_host else (),
        grid=_grid("Differences", Counter((row.device, row.plane) for row in found.differences), right),
        proofs=dict(_diff_proofs(found, (left, right), bundles)),
        island=island([("left", left.settings, names[0]), ("right", right.settings, names[1])]),
    )


def show_page(snapshot: Snapshot, settings: Sequence[Setting], view: ShowView) -> Page:
    """Compute the rest of a snapshot's page."""
    pending: Counter[tuple[str, str]] = Counter(
        (row.device, row.plane) for row in settings if {"pending", "set"} & set(state(row))
    )
    return Page(
        summary=show_summary(view),
        topology=topology(snapshot),
        taint=tuple(_taint([snapshot])),
        taint_sides=("now",) if snapshot.is_host else (),
        grid=_grid("Settings that are set or pending", pending, snapshot),
        island=island([("", settings, {})]),
    )


def check_page(result: CheckResult, view: CheckView, bundle: Bundle | None = None) -> Page:
    """Compute the rest of a check's page."""
    snapshot = result.snapshot
    failed = Counter(
        (row.device, row.plane or "kernel")
        for row in result.findings if row.result in ("fail", "error") and not is_waived(row)
    )  # fmt: skip
    return Page(
        summary=check_summary(view),
        topology=topology(snapshot),
        taint=tuple(_taint([snapshot])),
        taint_sides=("now",) if snapshot.is_host else (),
        grid=_grid("Findings that fail and are not waived", failed, snapshot),
        proofs=dict(_check_proofs(result, bundle)),
        island=island([("", snapshot.settings, {})]),
    )


def _grid(title: str, counts: Counter[tuple[str, str]], snapshot: Snapshot) -> Grid:
    """Lay out counts by device and plane; devices without any are counted in the coverage, not here."""
    planes = [plane for plane in PLANES if any(plane == key[1] for key in counts)]
    there = {(row.device, row.plane) for row in snapshot.coverage}
    rows = [
        (visible(device), tuple(counts[device, plane] or (0 if (device, plane) in there else -1) for plane in planes))
        for device in sorted({device for device, _ in counts})
    ]
    return Grid(title if rows else "", tuple(planes), tuple(rows))


def _taint(sides: Sequence[Snapshot]) -> Iterator[TaintBit]:
    """List the bits that are set on any side, and those that are asked about."""
    if not all(side.is_host for side in sides):
        return
    words = [side.host.get("taint") for side in sides]
    told = [word for word in words if isinstance(word, int)]
    every = 0
    for word in (*told, *(1 << number for number in MARKED)):
        every |= word
    newest = sides[-1].host
    kernel = [str(newest.get(name) or "") for name in ("os.ID", "os.VERSION_ID", "release")]
    for bit in decode(every, *kernel):
        states = tuple(
            "unread" if not isinstance(word, int) else "set" if word >> bit.number & 1 else "clear" for word in words
        )
        yield TaintBit(bit.number, bit.letter, bit.text, states)


def _diff_proofs(
    found: Comparison, sides: tuple[Snapshot, Snapshot], bundles: Sequence[Bundle]
) -> Iterator[tuple[str, Proof]]:
    ids = {match.id: (match.left, match.right) for match in found.matches} | {HOST: (HOST, HOST)}
    quoting = [Quoting(name, bundle) for name, bundle in zip(("left", "right"), bundles)]
    places: dict[str, tuple[Difference, list[tuple[str, str, str, str]]]] = {}
    for row in islice(found.differences, MOST_PROOFS):
        own = [(name or "", row.plane, row.name, row.cmode) for name in ids.get(row.device, (None, None))]
        places[anchor(row)] = (row, own)
    tables = [by_key(side.settings, {keys[at] for _, keys in places.values()}) for at, side in enumerate(sides)]
    for name, (row, keys) in places.items():
        pair = [table.get(key) for table, key in zip(tables, keys)]
        quotes = [quote.quote(setting) for quote, setting in zip(quoting, pair)]
        yield (
            name,
            Proof(
                tuple(_stages(pair[1] or pair[0])),
                tuple(quote for quote in quotes if quote is not None),
                (_ignoring(row),),
                "leave it out of the next diff",
            ),
        )


def _ignoring(row: Difference) -> str:
    """Write the option that leaves out this difference alone; a shell may be given it, whatever a bundle named it."""
    return visible(f"--ignore {shlex.quote(glob.escape(f'{row.device}/{row.plane}/{row.name}'))}")


def _stages(setting: Setting | None) -> Iterator[Stage]:
    """Yield default → current → next of a flash parameter, in that order."""
    if setting is None or setting.plane != "nvconfig":
        return
    before: str | None = None
    for name in FACETS:
        facet = setting.facet(name)
        if facet is not None:
            value = shown(facet)
            yield Stage(name, value, before is not None and value != before)
            before = value


def _check_proofs(result: CheckResult, bundle: Bundle | None) -> Iterator[tuple[str, Proof]]:
    failing = [(name, row) for name, row in anchors(result.findings) if row.result in ("fail", "error")][:MOST_PROOFS]
    wanted: dict[tuple[str, str, str], Setting] = {}
    names = {(row.device, row.plane, row.name) for _, row in failing}
    for setting in result.snapshot.settings:
        if (setting.device, setting.plane, setting.name) in names:
            wanted[setting.device, setting.plane, setting.name] = setting
    quoting = Quoting("source", bundle) if bundle is not None else None
    devices = {device.id: device for device in result.snapshot.devices}
    for name, row in failing:
        held = wanted.get((row.device, row.plane, row.name))
        quote = quoting.quote(held) if quoting is not None else None
        yield name, Proof(
            tuple(_stages(held)), (quote,) if quote is not None else (),
            _waiver(row, devices.get(row.device), result), "accept it for a time: complete it, and add it to a policy",
        )  # fmt: skip


def _waiver(row: Finding, device: Device | None, result: CheckResult) -> tuple[str, ...]:
    """Write a waiver that meets this finding alone; who, why and until when are left to a person."""
    where: list[str] = []
    if result.source.host:
        where.append(f"host = {_quoted(result.source.host)}")
    if device is not None:
        where.append(f"device = {_quoted(device.id)}")
    return (
        f"# {mark(row)}", "[[waiver]]", f"rule = {_quoted(row.rule)}",
        f"device = {{ {', '.join(where)} }}" if where else 'device = "any"',
        'reason = ""', 'owner = ""', f"created = {result.today.isoformat()}", "expires = ",
    )  # fmt: skip


def _quoted(word: str) -> str:
    """Write a TOML basic string; what would end or steer it is escaped."""
    return '"' + visible(word).replace("\\", "\\\\").replace('"', '\\"') + '"'
