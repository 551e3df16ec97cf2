"""What several devices of one kind have in common: their votes on each knob, and what comes of them.

A device whose plane was not read completely is silent on what is not there: its silence is no vote. One that was read
and does not have a knob, or has it without a value, disagrees with those that do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sosmlx.model import FACETS, Facet, Setting, Snapshot, known, same_value
from sosmlx.policy.knobs import Knob, rows
from sosmlx.policy.portable import REQUIRED, Names, untold
from sosmlx.record import HOST

ASKED = ("pf", "vf", "sf", "ecpf", "dpu-host", "dpu-nic-mode")
"""Roles of the functions that a baseline speaks of; of the others it would tell how somebody uses them."""


class Scope(NamedTuple):
    """Whom a rule is for: functions of one PSID and role, the host, or (all empty) the only device of a text.

    `part` is the part number, where a text tells of several kinds of devices and not their PSIDs.
    """

    psid: str
    role: str
    part: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in self if part and part != HOST)


HOSTS = Scope("", HOST)
ANY = Scope("", "")


@dataclass(frozen=True)
class Member:
    """One device of a snapshot (or its host) as a voter; `pasted` where a text tells of it, `running` its firmware."""

    host: str
    device: str
    rows: Mapping[Knob, Setting]
    complete: frozenset[str]
    names: Names
    pasted: bool
    running: str = ""

    def lacks(self, knob: Knob) -> bool:
        """Whether a source that shows the plane of a device does not show the knob."""
        return knob not in self.rows and knob[0] in self.complete


@dataclass
class Electorate:
    """All voters by scope, and which devices cannot vote, with the reason."""

    scopes: dict[Scope, list[Member]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def electorate(snapshots: Sequence[Snapshot]) -> Electorate:
    """Sort the devices of all snapshots by scope; a device whose PSID nothing tells can speak only for itself."""
    found = Electorate()
    asked = [device for snapshot in snapshots for device in snapshot.devices if device.role in ASKED]
    texts = not any(snapshot.is_host for snapshot in snapshots) and not any(device.psid for device in asked)
    parts = {device.part_number for device in asked}
    several = len(parts) > 1 and "" not in parts
    nameless: dict[str, list[str]] = {}
    for snapshot in snapshots:
        own = rows(snapshot)
        for device in snapshot.devices:
            if device.role not in ASKED:
                continue
            voter = member(snapshot, device.id, own[device.id])
            if device.psid:
                found.scopes.setdefault(Scope(device.psid, device.role), []).append(voter)
            elif texts:
                scope = Scope("", "", device.part_number if several else "")
                found.scopes.setdefault(scope, []).append(voter)
            else:
                nameless.setdefault(device.role, []).append(f"{voter.host}/{device.id}".lstrip("/"))
        if own.get(HOST):
            found.scopes.setdefault(HOSTS, []).append(member(snapshot, HOST, own[HOST]))
    for role, names in sorted(nameless.items()):
        shown = ", ".join(sorted(names)[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        found.left_out.append(f"{role} {shown}: no PSID was read, so that nothing tells whom its rules are for")
    return found


def member(snapshot: Snapshot, device: str, own: Mapping[Knob, Setting]) -> Member:
    """Make a voter of a device of a snapshot (or of its host), with its settings by knob."""
    complete = {row.plane for row in snapshot.coverage if row.device == device and row.status == "complete"}
    subject = next((row for row in snapshot.devices if row.id == device), None)
    names = Names(snapshot, subject)
    running = subject.running if subject is not None else ""
    return Member(snapshot.source.host, device, own, frozenset(complete), names, not snapshot.is_host, running)


class Votes(NamedTuple):
    """How a scope's members voted on one facet of one knob.

    `groups` are the values, each with the members that have it, the largest group first; `lacking` do not have the
    knob, `empty` have it without a value, `silent` could not be asked, for `reasons`.
    """

    groups: tuple[tuple[Facet, tuple[Member, ...]], ...]
    lacking: tuple[Member, ...]
    empty: tuple[Member, ...]
    silent: tuple[Member, ...]
    reasons: tuple[str, ...]


def votes(members: Sequence[Member], knob: Knob, facet: str) -> Votes:
    """Count the votes on one facet of one knob; the order of the members changes nothing."""
    valued: list[tuple[Facet, Member]] = []
    lacking: list[Member] = []
    empty: list[Member] = []
    silent: list[Member] = []
    reasons: set[str] = set()
    for voter in members:
        setting = voter.rows.get(knob)
        view = setting.facet(facet) if setting is not None else None
        if view is None:
            (lacking if voter.lacks(knob) else silent).append(voter)
        elif known(view):
            valued.append((view, voter))
        else:
            (silent if untold(view) else empty).append(voter)
            reasons.add(view.reason)
    return Votes(_groups(valued), tuple(lacking), tuple(empty), tuple(silent), tuple(sorted(reasons)))


def _groups(valued: Iterable[tuple[Facet, Member]]) -> tuple[tuple[Facet, tuple[Member, ...]], ...]:
    """Put equal values together, whichever tool printed them; the one that tells most stands for its group."""
    found: list[tuple[Facet, list[Member]]] = []
    for facet, voter in sorted(valued, key=lambda pair: (_telling(pair[0]), pair[1].host, pair[1].device)):
        group = next((members for first, members in found if same_value(first, facet)), None)
        if group is None:
            found.append((facet, [voter]))
        else:
            group.append(voter)
    found.sort(key=lambda pair: (-len(pair[1]), _telling(pair[0])))
    return tuple((facet, tuple(members)) for facet, members in found)


def _telling(facet: Facet) -> tuple[bool, bool, str, str, str]:
    """Order facets: word and number first, then numbers, then words; Booleans before the 0 and 1 they equal."""
    word_only = isinstance(facet.value, str)
    return (word_only, not facet.label, type(facet.value).__name__, repr(facet.value), facet.label)


def knobs(members: Sequence[Member]) -> tuple[list[Knob], list[tuple[Knob, str]]]:
    """List the knobs that can be voted on, and those that a baseline asks of nobody, with the reason.

    Counters, health, identities and whatever else is no configuration are in neither list.
    """
    asked: list[Knob] = []
    left: list[tuple[Knob, str]] = []
    for knob in sorted({knob for voter in members for knob in voter.rows}):
        settings = [(voter, voter.rows[knob]) for voter in members if knob in voter.rows]
        configured = [setting.cls in REQUIRED for _, setting in settings]
        if not any(configured):
            continue
        reason = max(voter.names.own(setting) for voter, setting in settings)
        if not all(configured):
            reason = "cannot be set on every device"
        if reason:
            left.append((knob, reason))
        else:
            asked.append(knob)
    return asked, left


def facets(members: Sequence[Member], knob: Knob) -> tuple[str, ...]:
    """Name the facets of a knob that a baseline asks for: those that hold after a reset, and that all sources show.

    Of flash that is `next`, or `current` where a source does not show what comes next; of firmware what runs and what
    is stored; of other planes `current`.
    """
    shown = [{name for name, _ in voter.rows[knob].facets} for voter in members if knob in voter.rows]
    common = set.intersection(*shown) if shown else set()
    if knob[0] == "nvconfig":
        return next(((name,) for name in ("next", "current") if name in common), ())
    if "current" in common:
        return ("current",)
    return tuple(name for name in FACETS if name in common and name in ("running", "stored"))
