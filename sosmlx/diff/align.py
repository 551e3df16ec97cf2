"""Which device of the left side is which of the right: by the strongest evidence that both sides have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Callable

from sosmlx.model import Device, Match

Evidence = Callable[[Device], "Hashable | None"]

SWAPPED = "the card was swapped"
CHOSEN = "--device"
ONLY = "the only device of each side"


def _function(device: Device) -> str:
    return device.bdf.rpartition(".")[2]


def slot(device: Device) -> str:
    """Return the address without a leading domain 0: texts often leave it out."""
    return device.bdf[5:] if device.bdf.startswith("0000:") else device.bdf


def _physical(word: str) -> Evidence:
    """Make an identity that a card carries; its VFs carry it too, and are told apart by their address alone."""

    def evidence(device: Device) -> Hashable | None:
        value = getattr(device, word)
        return (value, _function(device)) if value and device.role != "vf" else None

    return evidence


def _node(device: Device) -> Hashable | None:
    """Return the fwctl node by which a text of the vendor's tool may name a device (`/dev/fwctl/fwctl0`)."""
    return device.fwctl or (device.id.rpartition("/")[2] if "fwctl" in device.id else None)


def _part_and_slot(device: Device) -> Hashable | None:
    return (device.part_number, slot(device)) if device.part_number and device.bdf else None


_LEVELS: tuple[tuple[str, Evidence], ...] = (
    ("serial", _physical("serial")),
    ("asic", _physical("asic")),
    ("board", _physical("board")),
    ("part number and slot", _part_and_slot),
    ("psid and order", lambda device: None),
    ("bdf", lambda device: slot(device) or None),
    ("fwctl node", _node),
    ("name", lambda device: device.id),
)


def align(
    left: Sequence[Device], right: Sequence[Device], pasted: bool = False, chosen: Sequence[str] = ()
) -> list[Match]:
    """Match the devices of two snapshots one to one; what is left over is removed or added.

    Two devices that claim one identity are not matched by it, and evidence that contradicts a stronger one does not
    count. With `pasted`, a text that names no address matches the device that the user chose, or the only one.
    """
    rest = ({device.id: device for device in left}, {device.id: device for device in right})
    found: list[tuple[str, Device, Device]] = []
    for word, evidence in _LEVELS:
        if word == "fwctl node" and not pasted:
            continue  # the kernel numbers nodes anew at each boot
        sides = (list(rest[0].values()), list(rest[1].values()))
        for one, other in _by_order(*sides) if word == "psid and order" else _by(evidence, *sides):
            if contradict(one, other) and word not in ("bdf", "fwctl node", "name"):
                continue
            found.append((f"{word} ({SWAPPED})" if contradict(one, other) else word, one, other))
            del rest[0][one.id], rest[1][other.id]
    if pasted:
        found += _last(rest, chosen)
    matches = [Match(other.id, word, one.id, other.id) for word, one, other in found]
    taken = {match.id for match in matches} | set(rest[1])
    matches += [Match(name, "added", None, name) for name in rest[1]]
    # A card that went away may have left its address to another: the two must not share an id.
    matches += [Match(f"{name} (left)" if name in taken else name, "removed", name, None) for name in rest[0]]
    return sorted(matches, key=lambda match: match.id)


def named(devices: Sequence[Device], words: Sequence[str]) -> list[str]:
    """Find the ids of devices by BDF (with or without its domain 0), netdev, RDMA device or fwctl name."""
    return [
        device.id
        for device in devices
        if any(
            word in (device.id, device.fwctl, *device.netdevs, *device.rdma) or f"0000:{word}" == device.bdf
            for word in words
        )
    ]


def contradict(one: Device, other: Device) -> bool:
    """Whether two devices carry different identities, so that they are two cards whatever else they share."""
    if "vf" in (one.role, other.role):
        return False
    pairs = ((one.serial, other.serial), (one.asic, other.asic), (one.board, other.board))
    known = [mine == theirs for mine, theirs in pairs if mine and theirs]
    return bool(known) and not any(known)


def doubles(side: str, devices: Sequence[Device]) -> list[str]:
    """Say which devices of one side carry one identity, so that it matches none of them.

    A card on two buses (Socket Direct) looks the same: it is said, and no error.
    """
    owners: dict[tuple[str, str, str, str], list[str]] = {}
    for device in devices:
        if device.role not in ("vf", "sf", "representor") and (device.serial or device.asic):
            key = (device.serial, device.asic, device.board, _function(device))
            owners.setdefault(key, []).append(device.id)
    return [
        f"{side}: {', '.join(sorted(names))} carry one identity (serial {serial or 'unknown'}, "
        f"ASIC {asic or 'unknown'}), matched by weaker evidence"
        for (serial, asic, _, _), names in sorted(owners.items())
        if len(names) > 1
    ]


def _last(rest: tuple[dict[str, Device], dict[str, Device]], chosen: Sequence[str]) -> list[tuple[str, Device, Device]]:
    """Match a device that its text does not identify: by the user's choice, else if each side has just one left."""
    sides = [
        [device for device in side.values() if device.id in chosen] or [d for d in side.values() if not d.bdf]
        for side in rest
    ]
    picked = [device for side in sides for device in side if device.id in chosen]
    if picked and len(sides[0]) == len(sides[1]) == 1:
        word, one, other = CHOSEN, sides[0][0], sides[1][0]
    elif len(rest[0]) == len(rest[1]) == 1 and not all(device.bdf for side in rest for device in side.values()):
        word, one, other = ONLY, next(iter(rest[0].values())), next(iter(rest[1].values()))
    else:
        return []
    del rest[0][one.id], rest[1][other.id]
    return [(word, one, other)]


def _by(evidence: Evidence, left: Sequence[Device], right: Sequence[Device]) -> list[tuple[Device, Device]]:
    ones, others = _unique(evidence, left), _unique(evidence, right)
    return [(ones[key], others[key]) for key in ones if key in others]


def _unique(evidence: Evidence, devices: Sequence[Device]) -> dict[Hashable, Device]:
    keys = {device.id: evidence(device) for device in devices}
    counts = Counter(keys.values())
    return {key: device for device in devices if (key := keys[device.id]) is not None and counts[key] == 1}


def _by_order(left: Sequence[Device], right: Sequence[Device]) -> list[tuple[Device, Device]]:
    """Match cards of one PSID in the order of their addresses, where both sides have equally many."""
    pairs: list[tuple[Device, Device]] = []
    for psid in sorted({device.psid for device in left if device.psid}):
        sides = [
            sorted((d for d in side if d.psid == psid and d.bdf and d.role != "vf"), key=lambda device: device.bdf)
            for side in (left, right)
        ]
        if len(sides[0]) == len(sides[1]):
            pairs += zip(*sides)
    return pairs
