"""The adapters of a host as a picture: board, ASIC, function, port, with link states and slow PCIe links marked.

Only places and words are computed here; the template draws them. A state that was not read is called unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sosmlx.model import Device, Setting, Snapshot
from sosmlx.printable import visible

MOST = 64
"""So many functions are drawn; more are no picture any more, and stand in the table."""

_COLUMNS = (("Board", 0, 190), ("ASIC", 220, 170), ("Function", 420, 250), ("Port", 700, 250))
WIDTH = 950
_HEAD, _ROW, _GAP, _LINE = 24, 66, 10, 17
_CHARACTERS = 7.4
"""Width of a character of the drawn text, in the picture's units."""


@dataclass(frozen=True)
class Box:
    """A box with a few lines of text; `mark` is empty, `bad` (a fault, said in the words) or `unknown`."""

    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]
    title: str
    mark: str = ""


@dataclass(frozen=True)
class Wire:
    """A line from the right edge of a box to the left edge of another."""

    x1: int
    y1: int
    x2: int
    y2: int


@dataclass(frozen=True)
class Topology:
    """A picture, with what it shows in words; `left_out` counts the functions that are not drawn."""

    width: int = 0
    height: int = 0
    words: str = ""
    heads: tuple[tuple[str, int], ...] = ()
    boxes: tuple[Box, ...] = ()
    wires: tuple[Wire, ...] = ()
    left_out: int = 0


def topology(snapshot: Snapshot) -> Topology:
    """Lay out the devices of a host; empty for a source without functions."""
    functions = sorted((row for row in snapshot.devices if row.bdf), key=lambda row: (row.board, row.asic, row.id))
    drawn = functions[:MOST]
    if not drawn:
        return Topology()
    known = _values(snapshot.settings, {row.id for row in drawn})
    boxes: list[Box] = []
    wires: list[Wire] = []
    words: list[str] = []
    top = _HEAD
    for (board, _), cards in groupby(drawn, key=lambda row: (row.board or row.id, row.board)):
        board_top, asic_boxes = top, []
        members = list(cards)
        for (asic, _), rows in groupby(members, key=lambda row: (row.asic or row.id, row.asic)):
            asic_top, ends = top, []
            for device in rows:
                box, port = _function(device, known.get(device.id, {}), top)
                boxes += [box, port]
                wires.append(_wire(box, port))
                ends.append(box)
                words.append(f"{box.title}; {port.title}")
                top += _ROW + _GAP
            own = _box(1, asic_top, top - asic_top - _GAP, _asic_lines(ends, asic, members))
            asic_boxes.append(own)
            wires += [_wire(own, end) for end in ends]
        whole = _box(0, board_top, top - board_top - _GAP, _board_lines(members[0], board))
        boxes += [whole, *asic_boxes]
        wires += [_wire(whole, own) for own in asic_boxes]
    heads = tuple((name, x) for name, x, _ in _COLUMNS)
    return Topology(
        WIDTH, top - _GAP + 2, ". ".join(words), heads, tuple(boxes), tuple(wires), len(functions) - len(drawn)
    )


def _values(settings: Sequence[Setting], devices: set[str]) -> Mapping[str, Mapping[str, str]]:
    """Pick by device what the picture tells: `plane/name` → the tool's own text."""
    found: dict[str, dict[str, str]] = {}
    for row in settings:
        if row.device in devices and row.plane in ("pci", "net", "rdma"):
            facet = row.facet("current")
            if facet is not None and not facet.reason:
                found.setdefault(row.device, {})[f"{row.plane}/{row.name}"] = facet.raw or str(facet.value)
    return found


def _function(device: Device, known: Mapping[str, str], top: int) -> tuple[Box, Box]:
    link, slow = _pcie(known)
    lines = (f"{device.id} {device.role}", device.psid or "PSID unknown", link)
    state, mark = _state(device, known)
    names = " ".join([*device.netdevs[:2], *device.rdma[:1]]) or "no netdev"
    return (
        _box(2, top, _ROW, lines, "bad" if slow else ""),
        _box(3, top, _ROW, (names, state), mark),
    )


def _pcie(known: Mapping[str, str]) -> tuple[str, bool]:
    """Say how fast the PCIe link is, and whether it could be faster."""
    pairs = [
        (known.get(f"pci/current_link_{what}", ""), known.get(f"pci/max_link_{what}", ""))
        for what in ("speed", "width")
    ]
    if not all(now for now, _ in pairs):
        return "PCIe link unknown", False
    now, most = (f"{side[0].replace(' PCIe', '')} x{side[1]}" for side in zip(*pairs))
    slow = any(best and ours != best for ours, best in pairs)
    return (f"PCIe {now}, degraded: could be {most}" if slow else f"PCIe {now}"), slow


def _state(device: Device, known: Mapping[str, str]) -> tuple[str, str]:
    """Say whether the port is up, as the netdev says, or the RDMA port where there is no netdev."""
    net = known.get("net/operstate", "")
    rdma = next((text for name, text in known.items() if name.startswith("rdma/") and name.endswith(".state")), "")
    word = net if device.netdevs and net else rdma.partition(": ")[2] or net
    if not word:
        return "link unknown", "unknown"
    up = word.lower() in ("up", "active")
    return f"link {word.lower()}", "" if up else "bad"


def _asic_lines(ends: Sequence[Box], asic: str, members: Sequence[Device]) -> tuple[str, ...]:
    count = f"{len(ends)} function{'' if len(ends) == 1 else 's'}"
    known = any(row.asic == asic for row in members)
    return (asic if known else "ASIC not told apart", count)


def _board_lines(device: Device, board: str) -> tuple[str, ...]:
    serial = f"serial {board}" if device.board else "serial unknown"
    return tuple(filter(None, [device.model or "model unknown", device.part_number, serial]))


def _box(column: int, y: int, height: int, lines: Sequence[str], mark: str = "") -> Box:
    _, x, width = _COLUMNS[column]
    most = int((width - 16) / _CHARACTERS)
    room = max(1, (height - 8) // _LINE)
    clear = [visible(line) for line in lines]
    cut = tuple(line if len(line) <= most else f"{line[: most - 1]}…" for line in clear[:room])
    return Box(x, y, width, height, cut, ", ".join(clear), mark)


def _wire(left: Box, right: Box) -> Wire:
    """Join two boxes at the height of the lower one's first line: a board may be taller than what hangs on it."""
    height = right.y + min(right.height, _ROW) // 2
    return Wire(left.x + left.width, height, right.x, height)
