"""`sosmlx devices`: boards, their ASICs, the functions of each, and the channels into every one, as a tree of lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sosmlx.identity import slot_of
from sosmlx.model import Device, Snapshot
from sosmlx.policy.strength import mechanism
from sosmlx.policy.taint import decode
from sosmlx.printable import visible

NOT_KNOWN = "not known"


def devices_tree(snapshot: Snapshot) -> Iterator[str]:
    """Print a line per board, ASIC and function, then what the host lets through; every word is harmless to show."""
    return (visible(line) for line in _tree(snapshot))


def _tree(snapshot: Snapshot) -> Iterator[str]:
    if not snapshot.devices:
        yield "No adapter."
    owner = _owners(snapshot)
    for members in _grouped(snapshot.devices, lambda device: owner[device.id].board or slot_of(owner[device.id])):
        yield _line("board", [owner[members[0].id].board or NOT_KNOWN, *_all(members, "part_number")])
        for functions in _grouped(members, lambda device: owner[device.id].asic or slot_of(owner[device.id])):
            yield "  " + _line("ASIC", [owner[functions[0].id].asic or NOT_KNOWN, *_all(functions, "model", "psid"),
                                        *_firmware(functions)])  # fmt: skip
            yield from ("    " + _function(device) for device in functions)
    if snapshot.is_host:
        yield from _host(snapshot)


def _owners(snapshot: Snapshot) -> dict[str, Device]:
    """Find for each device the function that tells of board and ASIC: of a virtual one or a representor another."""
    own = {device.id: device for device in snapshot.devices}
    physical = {
        row.device: str(row.facets[0][1].value)
        for row in snapshot.settings
        if (row.plane, row.name) == ("pci", "physfn") and row.facets
    }
    parents = {name: physical.get(name, name.partition("/")[0]) for name in own}
    return {name: own.get(parents[name], device) for name, device in own.items()}


def _grouped(devices: Sequence[Device], key: Callable[[Device], str]) -> list[list[Device]]:
    """Put together what has the same key, in the order of the first of each; no key joins nothing."""
    groups: dict[str, list[Device]] = {}
    for device in devices:
        groups.setdefault(key(device) or device.id, []).append(device)
    return list(groups.values())


def _all(devices: Sequence[Device], *names: str) -> list[str]:
    """List what devices say of themselves, each word once."""
    return list(dict.fromkeys(getattr(device, name) for name in names for device in devices if getattr(device, name)))


def _firmware(devices: Sequence[Device]) -> list[str]:
    running, stored = _all(devices, "running"), _all(devices, "stored")
    words = f"firmware {', '.join(running)}" if running else ""
    waits = [version for version in stored if version not in running]
    return [words + (f" (stored {', '.join(waits)})" if waits else "")] if words else []


def _function(device: Device) -> str:
    parts = (("net", device.netdevs), ("rdma", device.rdma), ("channels", device.channels or ("none",)))
    return "  ".join([device.id, device.role, *(f"{name} {' '.join(words)}" for name, words in parts if words)])


def _line(name: str, words: Sequence[str]) -> str:
    return "  ".join([name, *words])


def _host(snapshot: Snapshot) -> Iterator[str]:
    """Say what the kernel lets through, and what it would have noticed."""
    word = snapshot.host.get("taint")
    yield f"lockdown: {snapshot.host.get('lockdown', 'unknown')}"
    if isinstance(word, int):
        told = (str(snapshot.host.get(name, "")) for name in ("os.ID", "os.VERSION_ID", "release"))
        bits = "; ".join(f"{bit.number} {bit.letter}: {bit.text}" for bit in decode(word, *told))
        yield f"taint: {word}" + (f" ({bits})" if bits else "")
    else:
        yield "taint: unknown"
    yield f"fwctl: {mechanism(snapshot).words}"
