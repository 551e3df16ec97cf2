"""How much of each plane of each device was seen, and why not more: what was not read is never called fine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sosmlx.identity import Facts
from sosmlx.model import Coverage, Device, Evidence, Plane, Setting
from sosmlx.parsers import PARSERS
from sosmlx.parsers.spec import ELIDED, UNKNOWN_ITEM, VIEW
from sosmlx.parsers.values import UNREAD
from sosmlx.printable import abbreviated
from sosmlx.record import HOST, Outcome, Record

_ABSENT = (Outcome.ABSENT, Outcome.UNSUPPORTED)
"""A tool or attribute that is not there makes a plane unknown only where nothing else read that plane."""

_HAS_FLASH = ("pf", "ecpf", "dpu-host", "dpu-nic-mode")
_BOUND = (*_HAS_FLASH, "vf")
_DRIVER_PLANES: tuple[Plane, ...] = ("devlink", "firmware", "health")
"""Planes of which only a bound driver tells."""

_FIRMWARE: tuple[Plane, ...] = ("register", "caps")
"""Planes that every firmware that can be asked has, whatever it says."""

_INFINIBAND_CLASS = "0x0207"

NO_FWCTL = "no fwctl device on this host"
ONLY_DEVLINK = "only what devlink shows of it"
"""Why flash was not read completely where nothing but devlink's permanent parameters told of it."""
ONLY_REGISTERS = "only what firmware registers tell of it"
"""Why a plane that has its own reader was not read completely where that one gave nothing."""
_DEVLINK_KINDS = ("devlink.param", "devlink.port-param")

Cell = tuple[str, Plane]


def coverage(
    devices: Sequence[Device],
    settings: Sequence[Setting],
    records: Sequence[Record],
    facts: Facts,
    evidence: Sequence[Evidence],
    equal: Mapping[Cell, int],
    pasted: bool,
) -> Iterator[Coverage]:
    """Yield a row for every plane that was read, or that should have been for the device's role."""
    read = Counter((setting.device, setting.plane) for setting in settings)
    seen = Counter(read) + Counter(equal)
    troubles = _troubles(devices, records, {plane for device, plane in seen if device == HOST})
    expected = set() if pasted else _expected(devices, facts)
    unbound = {device.id for device in devices if "driver" not in facts.get(device.id, {})}
    elided = {row.subject for row in evidence if row.kind == ELIDED}
    unread = _unread(settings)
    views = {row.subject: row.text for row in evidence if row.kind == VIEW}
    silent = {} if pasted else _silent(records)
    nameless = Counter(row.subject for row in evidence if row.kind == UNKNOWN_ITEM)
    for device in devices:
        if device.role not in _HAS_FLASH and not pasted:
            yield Coverage(device.id, "nvconfig", "notapplicable", reason=f"a function of role {device.role}")
    elsewhere = _only_elsewhere(settings, records, equal)
    slight = _only_devlink(settings, records, equal) | elsewhere
    cells: set[Cell] = {*seen, *expected, *(cell for cell, found in troubles.items() if _counts(found, seen[cell]))}
    for cell in sorted(cells):
        device_id, plane = cell
        found = _counts(troubles.get(cell, []), 0 if cell in slight else seen[cell])
        reason = _summary(found)
        if not seen[cell] and plane in _DRIVER_PLANES and device_id in unbound:
            reason = reason or "no driver is bound to it"
        if device_id in elided and plane == "nvconfig":
            reason = reason or "rows were left out of the text"
        if plane == "nvconfig" and (not seen[cell] or cell in slight):
            reason = reason or _why_no_flash(records) or (ONLY_DEVLINK if cell in slight else "")
        if not seen[cell]:
            reason = reason or "nothing read it"
        if cell in elsewhere and cell in expected:
            reason = reason or ONLY_REGISTERS
        reason = (
            reason or unread.get(cell, "") or (views.get(device_id, "") if plane == "nvconfig" and seen[cell] else "")
        )
        if device_id == HOST:
            reason = "; ".join(filter(None, [reason, silent.get(plane, "")]))
        status, unknown = _status(seen[cell], bool(reason)), len(found)
        silent_kinds = {row.outcome for row in found}
        if cell not in expected and not seen[cell] and silent_kinds == {Outcome.UNSUPPORTED} and plane not in _FIRMWARE:
            # Asked of the kernel or the driver, which says that it has none of this: nothing was missed.
            status, unknown = "notapplicable", 0
        if plane == "nvconfig" and nameless[device_id]:
            # Their bytes were read, and are compared: nothing is missing but their meaning.
            unknown += nameless[device_id]
            reason = "; ".join(filter(None, [reason, _nameless(nameless[device_id])]))
        yield Coverage(device_id, plane, status, read[cell], unknown, reason, equal.get(cell, 0))


_HOST_EVIDENCE: dict[str, Plane] = {
    "kernel.taint": "kernel", "kernel.lockdown": "kernel", "kernel.log": "kernel", "kernel.modules": "module",
}  # fmt: skip
"""Reads that every verdict about a host rests on: that nothing asked is not that nothing was there."""

_NO_LINES = "0 of 0 lines"
"""Begins the reason of a log that held no line at all: somebody emptied it."""


def _silent(records: Sequence[Record]) -> dict[Plane, str]:
    """Say of the host's planes which evidence nobody asked for, or which came back with nothing in it."""
    found: dict[Plane, list[str]] = {}
    for kind, plane in _HOST_EVIDENCE.items():
        reads = [record for record in records if record.kind == kind]
        empty = [record for record in reads if record.outcome is Outcome.COLLECTED and not record.data.strip()]
        if not reads:
            found.setdefault(plane, []).append(f"{kind}: nothing asked for it")
        elif empty and (kind != "kernel.log" or _bare(empty[0])):
            found.setdefault(plane, []).append(f"{kind}: it is empty")
    return {plane: "; ".join(words) for plane, words in found.items()}


def _bare(log: Record) -> bool:
    """Whether a log held no line at all, and not only none that is of interest."""
    return not log.answer.reason or log.answer.reason.startswith(_NO_LINES)


def _unread(settings: Iterable[Setting]) -> dict[Cell, str]:
    """Say of which planes an answer came that did not hold what it should."""
    found: dict[Cell, str] = {}
    for setting in settings:
        for _, facet in setting.facets:
            if facet.reason.startswith(UNREAD):
                found.setdefault((setting.device, setting.plane), f"{setting.name}: {facet.reason}")
    return found


def _nameless(count: int) -> str:
    return f"{count} stored item{' is' if count == 1 else 's are'} in no catalogue, and compared by digest"


def _status(read: int, troubled: bool) -> str:
    if not read:
        return "unknown"
    return "partial" if troubled else "complete"


def _counts(troubles: Iterable[Record], read: int) -> list[Record]:
    return [record for record in troubles if not read or record.outcome not in _ABSENT]


def _troubles(
    devices: Sequence[Device], records: Iterable[Record], of_host: Collection[str]
) -> dict[Cell, list[Record]]:
    """Sort the reads that gave nothing, or not all, by the plane of the device that they would have told about.

    A read of the host may tell of any device; `of_host` are the planes in which the host has settings of its own.
    """
    found: dict[Cell, list[Record]] = {}
    known = {device.id for device in devices}
    bound = [device.id for device in devices if device.role in _BOUND]
    for record in records:
        if record.outcome is Outcome.COLLECTED:
            continue
        parser = PARSERS.get(record.kind)
        for plane in parser.planes if parser else ():
            owners = [record.subject if record.subject in known else record.function]
            if record.function == HOST and plane not in ("kernel", "module"):
                owners = [*bound, HOST] if plane in of_host else bound
            for owner in owners:
                found.setdefault((owner, plane), []).append(record)
    return found


def _expected(devices: Sequence[Device], facts: Facts) -> set[Cell]:
    cells: set[Cell] = {(HOST, "kernel"), (HOST, "module")}
    for device in devices:
        if device.role != "representor":
            cells.add((device.id, "pci"))
        if device.role in _HAS_FLASH:
            cells.add((device.id, "nvconfig"))
        if device.role in _HAS_FLASH or (device.role == "vf" and "driver" in facts.get(device.id, {})):
            cells |= {(device.id, plane) for plane in _DRIVER_PLANES}
        if device.netdevs:
            cells.add((device.id, "net"))
            if not facts.get(device.id, {}).get("class", [""])[0].startswith(_INFINIBAND_CLASS):
                cells.add((device.id, "ethtool"))
        if device.rdma:
            cells.add((device.id, "rdma"))
    return cells


def _summary(troubled: Sequence[Record]) -> str:
    """Name the first read that gave nothing, and how many did so in the same way."""
    firsts: dict[tuple[str, str], list[Record]] = {}
    for record in troubled:
        firsts.setdefault((record.outcome.value, record.answer.reason), []).append(record)
    return "; ".join(
        _words(same[0]) + (f", and {len(same) - 1} like it" if len(same) > 1 else "") for same in firsts.values()
    )[:400]


def _words(record: Record) -> str:
    what = " ".join(record.argv) or abbreviated(record.path) or str(record.register or record.mailbox)
    return f"{what}: {record.outcome.value}" + (f" ({record.answer.reason})" if record.answer.reason else "")


def _only_devlink(settings: Sequence[Setting], records: Sequence[Record], equal: Mapping[Cell, int]) -> set[Cell]:
    """Find the devices of whose flash nothing is known but the permanent parameters that devlink shows."""
    kinds = {record.id: record.kind for record in records}
    readers: dict[Cell, set[str]] = {}
    for setting in settings:
        if setting.plane == "nvconfig":
            readers.setdefault((setting.device, setting.plane), set()).add(kinds.get(setting.record, ""))
    asked = {
        record.function
        for record in records
        if record.has_bytes and record.kind in PARSERS and "nvconfig" in PARSERS[record.kind].planes
    }
    return {
        cell
        for cell, found in readers.items()
        if found <= set(_DEVLINK_KINDS) and cell[0] not in asked and not equal.get(cell)
    }


def _only_elsewhere(settings: Sequence[Setting], records: Sequence[Record], equal: Mapping[Cell, int]) -> set[Cell]:
    """Find the planes of which only reads of another plane told: a firmware register shows a part of them."""
    planes = {record.id: PARSERS[record.kind].planes for record in records if record.kind in PARSERS}
    told = {(setting.device, setting.plane) for setting in settings}
    own = {(s.device, s.plane) for s in settings if s.record not in planes or s.plane in planes[s.record]}
    return {cell for cell in told - own if not equal.get(cell)}


def _why_no_flash(records: Iterable[Record]) -> str:
    """Say once what was in the way of the flash configuration; empty where nothing tells."""
    for record in records:
        if record.kind == "fwctl.nodes" and not record.data.strip():
            return NO_FWCTL if record.outcome in (*_ABSENT, Outcome.COLLECTED) else _words(record)
        if record.kind == "tool.version" and record.argv[:1] == ("mstconfig",) and not record.has_bytes:
            return f"mstconfig did not run: {record.answer.reason}"
    return ""
