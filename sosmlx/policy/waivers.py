"""Waivers: which finding somebody accepted, until when, and what is to be said of each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from sosmlx.model import Device, Facet, Finding, Snapshot, Waived
from sosmlx.policy.operators import OPERATORS
from sosmlx.policy.rules import Policy, Select, Waiver
from sosmlx.policy.select import fit
from sosmlx.record import HOST

ACTIVE, EXPIRING, EXPIRED, FUTURE = "active", "expiring", "expired", "not yet begun"
SOON = timedelta(days=30)
"""A waiver that ends within this time is said to be expiring."""

IN_FORCE = (ACTIVE, EXPIRING)
"""States of a waiver whose findings do not count for the exit code."""

UNUSED, BROAD = "unused", "too broad"


class Ruled(NamedTuple):
    """A finding, and the value that it rests on, from which a pinned waiver tells whether it still holds."""

    finding: Finding
    facet: Facet | None = None


@dataclass(frozen=True)
class Standing:
    """What became of one waiver: its state, how many findings it met, and what else is to be said of it.

    `remarks` begin with `unused` or `too broad`, and say why.
    """

    waiver: Waiver
    policy: str
    state: str
    met: int = 0
    remarks: tuple[str, ...] = ()


def standing(waiver: Waiver, today: date) -> str:
    """Say whether a waiver is in force on a day; it ends with the end of the day `expires`, UTC.

    >>> standing(Waiver("r", "why", "who", date(2026, 1, 1), date(2026, 3, 31)), date(2026, 3, 31))
    'expiring'
    """
    if today > waiver.expires:
        return EXPIRED
    if today < waiver.created:
        return FUTURE
    return EXPIRING if waiver.expires - today <= SOON else ACTIVE


def apply(
    ruled: Sequence[Ruled], policies: Sequence[Policy], snapshot: Snapshot, today: date
) -> tuple[tuple[Finding, ...], tuple[Standing, ...]]:
    """Mark the failures that a waiver meets, and say what became of each waiver.

    A waiver speaks of the rules of its own policy, or of any policy where its own has no such rule. It never touches
    what is unknown: a gap is not accepted by accepting a value.
    """
    devices = {device.id: device for device in snapshot.devices}
    devices[HOST] = Device(HOST)
    marks: dict[int, list[Waived]] = {}
    standings = []
    for policy in policies:
        for waiver in policy.waivers:
            mine = [number for number, row in enumerate(ruled) if _names(waiver, policy, row.finding)]
            there = [number for number in mine if _means(waiver, ruled[number].finding, devices, snapshot)]
            failing = [number for number in there if ruled[number].finding.result == "fail"]
            met = [number for number in failing if _pinned(waiver, ruled[number].facet)]
            state = standing(waiver, today)
            if state != FUTURE:
                for number in met:
                    marks.setdefault(number, []).append(_waived(waiver, state))
            remarks = tuple(_unused(waiver, len(mine), len(there), len(failing), len(met)))
            broad = tuple(_broad(waiver, {ruled[number].finding.device for number in met}))
            standings.append(Standing(waiver, policy.name, state, len(met), (*remarks, *broad)))
    findings = tuple(
        replace(row.finding, waived=_best(marks[number])) if number in marks else row.finding
        for number, row in enumerate(ruled)
    )
    return findings, tuple(standings)


def _names(waiver: Waiver, policy: Policy, finding: Finding) -> bool:
    if waiver.rule != finding.rule:
        return False
    return finding.policy == policy.name or all(rule.id != waiver.rule for rule in policy.rules)


def _means(waiver: Waiver, finding: Finding, devices: dict[str, Device], snapshot: Snapshot) -> bool:
    """Whether a finding is on a device that the waiver means; one whose key was not read is none."""
    device = devices.get(finding.device)
    return device is not None and fit(waiver.device, device, snapshot.source.host).state == "yes"


def _pinned(waiver: Waiver, facet: Facet | None) -> bool:
    if waiver.value is None:
        return True
    return facet is not None and OPERATORS["equals"].holds(facet, waiver.value)


def _waived(waiver: Waiver, state: str) -> Waived:
    return Waived(state, waiver.reason, waiver.owner, waiver.created.isoformat(), waiver.expires.isoformat())


def _best(found: Sequence[Waived]) -> Waived:
    """Choose among several waivers: one that is in force, and the one that ends last."""
    return max(found, key=lambda waived: (waived.state in IN_FORCE, waived.expires))


def _unused(waiver: Waiver, mine: int, there: int, failing: int, met: int) -> Iterator[str]:
    if met:
        return
    if not mine:
        why = "its rule was not evaluated"
    elif not there:
        why = "its rule was not evaluated on a device that it means"
    elif not failing:
        why = "its rule does not fail there"
    else:
        why = f"the value is no longer {waiver.value}"
    yield f"{UNUSED}: {why}"


def _broad(waiver: Waiver, met: set[str]) -> Iterator[str]:
    if waiver.many:
        return
    if replace(waiver.device, where="") == Select():
        yield f"{BROAD}: it names no device"
    elif len(met) > 1:
        yield f"{BROAD}: it meets {len(met)} devices and does not say that it means several"
