"""Which device of the left side is which of the right: by the strongest evidence that both sides have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Callable, Optional

from sosmlx.model import Device, Match

Evidence = Callable[[Device], Optional[Hashable]]


def _function(device: Device) -> str:
    return device.bdf.rpartition(".")[2]


def _slot(device: Device) -> str:
    """Return the address without a leading domain 0: texts often leave it out."""
    return device.bdf[5:] if device.bdf.startswith("0000:") else device.bdf


_LEVELS: tuple[tuple[str, Evidence], ...] = (
    ("serial", lambda device: (device.serial, _function(device)) if device.serial else None),
    ("asic", lambda device: (device.asic, _function(device)) if device.asic else None),
    ("board", lambda device: (device.board, _function(device)) if device.board else None),
    (
        "part number and slot",
        lambda device: (device.part_number, _slot(device)) if device.part_number and device.bdf else None,
    ),
    ("psid and order", lambda device: None),
    ("bdf", lambda device: _slot(device) or None),
    ("name", lambda device: device.id),
)


def align(left: Sequence[Device], right: Sequence[Device], pasted: bool = False) -> list[Match]:
    """Match the devices of two snapshots one to one; what is left over is removed or added.

    Two devices that claim one identity are not matched by it. With `pasted`, a text that names no address matches the
    other side's only device.
    """
    rest: tuple[list[Device], list[Device]] = (list(left), list(right))
    found: list[Match] = []
    for word, evidence in _LEVELS:
        pairs = _by_order(*rest) if word == "psid and order" else _by(evidence, *rest)
        for one, other in pairs:
            found.append(Match(one.id, _said(word, one, other), one.id, other.id))
            rest[0].remove(one)
            rest[1].remove(other)
    if pasted and len(rest[0]) == len(rest[1]) == 1:
        one, other = rest[0].pop(), rest[1].pop()
        found.append(Match(one.id, "the only device of each side", one.id, other.id))
    found += [Match(device.id, "removed", device.id, None) for device in rest[0]]
    found += [Match(device.id, "added", None, device.id) for device in rest[1]]
    return sorted(found, key=lambda match: match.id)


def _by(evidence: Evidence, left: Sequence[Device], right: Sequence[Device]) -> list[tuple[Device, Device]]:
    ones, others = _unique(evidence, left), _unique(evidence, right)
    return [(ones[key], others[key]) for key in ones if key in others]


def _unique(evidence: Evidence, devices: Sequence[Device]) -> dict[Hashable, Device]:
    keys = {device.id: evidence(device) for device in devices}
    counts = Counter(keys.values())
    return {key: device for device in devices if (key := keys[device.id]) is not None and counts[key] == 1}


def _by_order(left: Sequence[Device], right: Sequence[Device]) -> list[tuple[Device, Device]]:
    """Match cards of one PSID in the order of their addresses, where both sides have equally many and no serials."""
    pairs: list[tuple[Device, Device]] = []
    for psid in sorted({device.psid for device in left if device.psid}):
        sides = [
            sorted((device for device in side if device.psid == psid and device.bdf), key=lambda device: device.bdf)
            for side in (left, right)
        ]
        anonymous = not any(device.serial and other.serial for device in sides[0] for other in sides[1])
        if len(sides[0]) == len(sides[1]) and anonymous:
            pairs += zip(*sides)
    return pairs


def _said(word: str, left: Device, right: Device) -> str:
    """Say which evidence matched, and what that means where two cards are in one slot one after the other."""
    if word == "bdf" and left.serial and right.serial and left.serial != right.serial:
        return "bdf (the card was swapped)"
    return word
