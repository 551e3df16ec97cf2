"""`mlnx_qos -i NETDEV` and `cma_roce_mode`: DCBX, trust, PFC, buffers, traffic classes; RDMA CM's default RoCE mode.

Formats: `python/mlnx_qos`, `python/tc_wrap.py` and `sbin/cma_roce_mode` of mlnx-tools; older releases name the
priorities of a traffic class `up`, list socket priorities below them, and know neither trust nor buffers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from re import Match
from typing import Callable

from sosmlx.model import Facet, Fact, Item, Setting, SettingClass
from sosmlx.parsers import values
from sosmlx.parsers.pasted import UNNAMED, asked, device_facts, device_of, option, remark
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import HOST, Record

_QOS_TOOLS = ("mlnx_qos", "tc_wrap.py")
_FIRST_LINE = "DCBX mode"
_KNOBS = {
    "dcbx mode": "dcbx.mode", "priority trust state": "priority.trust-state", "cable len": "cable-len",
    "default priority": "app.default-prio",
}  # fmt: skip
_TC_KNOBS = {"tsa": "ets.tc-tsa", "bw": "ets.tc-bw"}
_TITLES = ("PFC configuration", "dscp2prio mapping", "default priority")
_TOTALS = ("max_buffer_size", "total_size")
_NUMBER = re.compile(r"\d{1,9}")
_PERCENT = re.compile(r"\d{1,9}%\Z")
_MESSAGE = re.compile(
    r"not supported|WARNING|[Bb]ad |[Ii]nvalid|[Ff]ailed|is required|must (?:be|have)|command error|Too many items"
    r"|not loaded|must be root|does not exist|not permitted|No such|Error\b"
)


@dataclass
class _Place:
    """Where a reader is: whose output it is, the columns of the PFC table, the traffic class or priority above."""

    device: str
    columns: list[str] = field(default_factory=list)
    above: str = ""
    started: int = 0


def qos(text: str, record: Record) -> Iterator[Item]:
    """`mlnx_qos`: one setting per priority, traffic class, buffer and DSCP; each interface of a text is a device."""
    place = _Place(device_of(record, ()))
    for number, line in enumerate(text.split("\n"), 1):
        words = asked(line, _QOS_TOOLS)
        if words is not None:
            place = _Place(device_of(record, words, "-i", "--interface", otherwise=place.device))
            yield heading(place.device, line)
            if record.subject == HOST and place.device != UNNAMED:
                yield Fact(place.device, "netdev", place.device)
        elif line.strip():
            if line.lstrip().startswith(_FIRST_LINE):
                place.started += 1
                if place.started > 1 and record.subject == HOST:
                    place = _Place(f"device-{place.started}", started=place.started)
            yield from _qos_line(number, line, place)


def _qos_line(number: int, line: str, place: _Place) -> Iterator[Item]:
    bare = line.strip()
    for pattern, read in _LINES:
        match = pattern.match(bare)
        if match:
            yield from read(place, match)
            return
    name, colon, value = (part.strip() for part in bare.partition(":"))
    if value and name.lower() in _KNOBS:
        yield _setting(place, _KNOBS[name.lower()], values.word(value))
    elif colon and not value and name in _TITLES:
        yield heading(place.device, line)
    else:
        yield remark(number, line, place.device, _MESSAGE)


def _setting(place: _Place, name: str, facet: Facet, cls: SettingClass = "config") -> Setting:
    return Setting(place.device, "dcb", name, "", (("current", facet),), cls)


def _code_points(place: _Place, match: Match[str]) -> Iterator[Item]:
    """Read `prio:1 dscp:15,14,`; a priority with more than eight code points has several such lines."""
    yield heading(place.device, match[0])
    for point in _NUMBER.findall(match[2]):
        yield _setting(place, f"app.dscp-prio@{int(point)}", values.number(match[1]))


def _default(place: _Place, match: Match[str]) -> Iterator[Item]:
    """Read `prio:3` below `default priority:`."""
    yield _setting(place, "app.default-prio", Facet((int(match[1]),), match[1]))


def _traffic_class(place: _Place, match: Match[str]) -> Iterator[Item]:
    """Read `tc: 0 ratelimit: unlimited, tsa: ets, bw: 9%`."""
    place.above = match[1]
    for part in match[2].split(","):
        name, _, value = (word.strip() for word in part.partition(":"))
        if value:
            facet = Facet(int(value[:-1]), value) if _PERCENT.match(value) else values.word(value)
            yield _setting(place, f"{_TC_KNOBS.get(name, f'tc.{name.lower()}')}@{match[1]}", facet)


def _members(place: _Place, match: Match[str]) -> Iterator[Item]:
    """Read `priority:  3`, or `up:  3`, below its traffic class."""
    yield heading(place.device, match[0])
    for priority in _NUMBER.findall(match[1]):
        if place.above:
            yield _setting(place, f"ets.prio-tc@{priority}", values.number(place.above))


def _socket(place: _Place, match: Match[str]) -> Iterator[Item]:
    """Keep `skprio: 2 (tos: 8)`: a mapping that the kernel fixes for all but VLANs."""
    yield heading(place.device, match[0])


def _row(place: _Place, match: Match[str]) -> Iterator[Item]:
    """Read a row of the PFC table, whose columns the row `priority` names."""
    cells = _NUMBER.findall(match[2])
    yield heading(place.device, match[0])
    if match[1] == "priority":
        place.columns = cells
        return
    for priority, cell in zip(place.columns or map(str, range(len(cells))), cells):
        if match[1] == "enabled":
            yield _setting(place, f"pfc.prio{priority}", Facet(cell != "0", cell))
        else:
            yield _setting(place, f"buffer.prio-buffer@{priority}", values.number(cell))


def _buffers(place: _Place, match: Match[str]) -> Iterator[Item]:
    """Read `Receive buffer size (bytes): 19872,0,…,max_buffer_size=4151520`."""
    yield heading(place.device, match[0])
    parts = (part.strip() for part in match[1].split(","))
    for number, part in enumerate(part for part in parts if part):
        name, equals, value = part.partition("=")
        if equals:
            total = "total-size" if name in _TOTALS else name
            yield _setting(place, f"buffer.{total}", values.number(value), "capability")
        else:
            yield _setting(place, f"buffer.size@{number}", values.number(part))


_LINES: tuple[tuple[re.Pattern[str], Callable[[_Place, Match[str]], Iterator[Item]]], ...] = (
    (re.compile(r"prio:[ \t]*(\d{1,9})[ \t]+dscp:((?:[ \t]|\d{1,9}(?!\d)|,)*)\Z"), _code_points),
    (re.compile(r"prio:[ \t]*(\d{1,9})\Z"), _default),
    (re.compile(r"tc:[ \t]*(\d+)[ \t]+(\S.*)"), _traffic_class),
    (re.compile(r"(?:priority:|up:)[ \t]*(\d[\d, \t]*)\Z"), _members),
    (re.compile(r"skprio:[ \t]*\d+[ \t]*(?:\([^()]*\))?\Z"), _socket),
    (re.compile(r"UP[ \t]+\d+\Z"), _socket),
    (re.compile(r"(priority|enabled|buffer)[ \t]+(\d[\d \t]*).*"), _row),
    (re.compile(r"Receive buffer size[^:]*:(.*)"), _buffers),
)
"""What a line looks like, and who reads it."""


def roce_mode(text: str, record: Record) -> Iterator[Item]:
    """`cma_roce_mode`: the default mode of RDMA CM's connections on a port, asked for with `-d DEVICE -p PORT`."""
    device, port = device_of(record, ()), "1"
    for number, line in enumerate(text.split("\n"), 1):
        words = asked(line, ("cma_roce_mode",))
        bare = line.strip()
        if words is not None:
            device = device_of(record, words, "-d", otherwise=_CMA_DEVICE)
            port = option(words, "-p") or "1"
            yield heading(device, line)
            yield from device_facts(device)
        elif _MODE.match(bare):
            facets = (("current", Facet(bare, bare, bare)),)
            yield Setting(device, "rdma", f"port{port}.default_roce_mode", "", facets)
        elif bare:
            yield remark(number, line, device, _MESSAGE)


_CMA_DEVICE = "mlx5_0"
"""The device that the script takes where it is given none."""
_MODE = re.compile(r"(?:IB/)?RoCE v\d(?:\.\d)?\Z")

TABLE = (
    Parser(
        "mlnx_qos.show",
        qos,
        ("dcb",),
        re.compile(
            r"^[ \t]*(?:DCBX mode: |Priority trust state: |PFC configuration:|dscp2prio mapping:|tc: \d+ ratelimit: "
            r"|Receive buffer size \(bytes\): )",
            re.MULTILINE,
        ),
        identity=True,
    ),
    Parser(
        "cma_roce_mode.show",
        roce_mode,
        ("rdma",),
        re.compile(
            r"\A\s*(?:IB/)?RoCE v\d(?:\.\d)?\s*\Z|(?:^|[#$>] ?|\bsudo )cma_roce_mode(?: +-|[ \t]*$)", re.MULTILINE
        ),
        identity=True,
    ),
)
