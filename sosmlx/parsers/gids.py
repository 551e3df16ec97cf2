"""`show_gids` and `ibdev2netdev`: the GID table of each RDMA port, and which netdev belongs to which RDMA device.

Formats: `sbin/show_gids` and `ofed_scripts/ibdev2netdev` of mlnx-tools. Cells of a GID row may be empty, and a netdev
missing, so a row is read by what its words look like and not by its columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sosmlx.model import Evidence, Facet, Fact, Item, Setting, SettingClass
from sosmlx.parsers import pairs, values
from sosmlx.parsers.pasted import asked, remark
from sosmlx.parsers.spec import BDF, Parser, heading
from sosmlx.record import HOST, Record

_GID = re.compile(r"(?:[0-9a-fA-F]{4}:){7}[0-9a-fA-F]{4}\Z")
_IPV4 = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}\Z")
_VERSION = re.compile(r"[vV]\d(?:\.\d)?\Z")
_STARTS = re.compile(r"\s*(?:[0-9a-fA-F:.]{7,16} )?[a-z][\w-]* (?:port \d|\((?:MT\d|NA\b))")
_ARROW = re.compile(r"<===>|==>")
_NAME = re.compile(r"\w[\w.-]*\Z")
_CHIP = re.compile(r"MT(\d{3,5})\Z")
_RULE = re.compile(r"\s*-{3}[-\s]*\Z")
_FOUND = re.compile(r"n_gids_found=(\d{1,9})\Z")
_MESSAGE = re.compile(r"No such file or directory|cannot (?:access|open)|ermission denied|not supported|not permitted")


class _Gid(NamedTuple):
    device: str
    port: str
    entry: str
    gid: str
    ipv4: str = ""
    version: str = ""
    netdev: str = ""


def gids(text: str, record: Record) -> Iterator[Item]:
    """`show_gids`: address, IPv4 address, RoCE version and netdev of each entry; an empty cell gives no setting."""
    lines = text.split("\n")
    told: set[Fact] = set()
    rows, at = 0, 0
    while at < len(lines):
        line = lines[at]
        at += 1
        entry = _gid(line.split())
        if entry is not None and not entry.version and at < len(lines):
            rest = lines[at].split()
            longer = _gid([*line.split(), *rest])
            if longer is not None and longer.version:
                entry, at = longer, at + 1  # mail had wrapped the row
        if entry is not None:
            rows += 1
            yield from _entry(entry, told)
            continue
        found = _FOUND.match(line.strip())
        if found:
            yield Setting(HOST, "rdma", "n_gids_found", "", (("current", values.number(found[1])),), "counter")
            if int(found[1]) != rows:
                yield Evidence("text.cut", HOST, f"{found[1]} entries were found, {rows} are in the text", "medium")
            rows = 0
        else:
            yield from _other(at, line, _is_head(line) or asked(line, ("show_gids",)) is not None)


def _is_head(line: str) -> bool:
    return line.split()[:4] == ["DEV", "PORT", "INDEX", "GID"] or bool(_RULE.match(line))


def _gid(words: list[str]) -> _Gid | None:
    """Read the words of a row; None where they are not one."""
    if not 4 <= len(words) <= 7 or not (words[1].isdecimal() and words[2].isdecimal() and _GID.match(words[3])):
        return None
    rest = words[4:]
    ipv4 = rest.pop(0) if rest and _IPV4.match(rest[0]) else ""
    version = rest.pop(0) if rest and _VERSION.match(rest[0]) else ""
    netdev = rest.pop(0) if rest else ""
    return None if rest else _Gid(words[0], words[1], words[2], words[3], ipv4, version, netdev)


def _entry(entry: _Gid, told: set[Fact]) -> Iterator[Item]:
    yield from _new((("rdma", entry.device), ("netdev", entry.netdev)), entry.device, told)
    columns: tuple[tuple[str, str, SettingClass], ...] = (
        ("gid", entry.gid, "identity"), ("gid-ipv4", entry.ipv4, "identity"), ("gid-version", entry.version, "config"),
        ("gid-netdev", entry.netdev, "identity"),
    )  # fmt: skip
    for name, value, cls in columns:
        if value:
            full = f"port{entry.port}.{name}@{entry.entry}"
            yield Setting(entry.device, "rdma", full, "", (("current", values.text(value)),), cls)


def _new(named: Iterable[tuple[str, str]], device: str, told: set[Fact]) -> Iterator[Fact]:
    """Yield the facts that were not told before; a table names its devices in every row."""
    for name, value in named:
        fact = Fact(device, name, value)
        if value and fact not in told:
            told.add(fact)
            yield fact


def netdevs(text: str, record: Record) -> Iterator[Item]:
    """`ibdev2netdev`, plain, verbose or of old releases: the netdev of each RDMA port, and whether it is up."""
    told: set[Fact] = set()
    for number, line in pairs.unwrapped(text, _STARTS):
        row = _link(line)
        if row is None:
            yield from _other(number, line, asked(line, ("ibdev2netdev",)) is not None or bool(_RULE.match(line)))
            continue
        device = row.address or row.device
        yield from _new((("rdma", row.device), ("port", row.port), ("netdev", row.netdev)), device, told)
        if row.netdev:
            yield _port_setting(device, row, "netdev", values.text(row.netdev), "identity")
        for name, value in (("netdev-state", row.netdev_state), ("ib-state", row.state)):
            if value:
                facet = Facet(None, value, reason=values.UNSUPPORTED) if value == "NA" else values.word(value)
                yield _port_setting(device, row, name, facet, "health")
        if row.about:
            yield from _about(row.about, device, told)
        yield heading(device, line)


class _Link(NamedTuple):
    device: str
    port: str
    netdev: str
    address: str = ""
    about: str = ""
    state: str = ""
    netdev_state: str = ""


def _port_setting(device: str, row: _Link, name: str, facet: Facet, cls: SettingClass) -> Setting:
    return Setting(device, "rdma", f"port{row.port}.{name}", "", (("current", facet),), cls)


def _link(line: str) -> _Link | None:
    """Read `[BDF] DEVICE [(…) … fw …] port N [(STATE)] ==> NETDEV (Up)`; the netdev may be missing."""
    parts = _ARROW.split(line, 1)
    left = parts[0].split()
    if len(parts) != 2 or "port" not in left[1:-1]:
        return None
    at = len(left) - 1 - left[::-1].index("port")
    names, port, state = left[:at], left[at + 1] if at + 1 < len(left) else "", " ".join(left[at + 2 :])
    address = names.pop(0).lower() if len(names) > 1 and BDF.fullmatch(names[0]) else ""
    netdev, _, netdev_state = parts[1].partition("(")
    if not port.isdecimal() or not _NAME.match(names[0]) or len(netdev.split()) > 1:
        return None
    return _Link(names[0], port, netdev.strip(), address, " ".join(names[1:]), state.strip("() "),
                 netdev_state.partition(")")[0].strip())  # fmt: skip


def _about(about: str, device: str, told: set[Fact]) -> Iterator[Item]:
    """Read what the verbose form says of the card: `(MT4123 - MCX653106A) ConnectX-6 VPI … fw 20.43.1014`."""
    ids, _, rest = about.lstrip("(").partition(")")
    chip, _, part = ids.partition(" - ")
    description, fw, version = rest.rpartition(" fw ")
    known = _CHIP.match(chip)
    device_id = f"0x{int(known[1]):04x}" if known else ""
    named = (("device_id", device_id), ("part_number", part.strip()), ("description", description.strip()))
    yield from _new(((name, value) for name, value in named if value != "NA"), device, told)
    if fw and version not in ("", "NA"):
        facets = (("running", values.text(version)),)
        yield Setting(device, "firmware", "fw.version", "", facets, "firmware")
        yield from _new((("fw.version.running", version),), device, told)


def _other(number: int, line: str, structure: bool) -> Iterator[Item]:
    if structure:
        yield heading(HOST, line)
    elif line.strip():
        yield remark(number, line, HOST, _MESSAGE)


TABLE = (
    Parser(
        "show_gids.show",
        gids,
        ("rdma",),
        re.compile(
            r"^[ \t]*DEV[ \t\xa0]+PORT[ \t\xa0]+INDEX[ \t\xa0]+GID\b|^n_gids_found=\d"
            r"|^[ \t]*[\w-]+[ \t\xa0]+\d+[ \t\xa0]+\d+[ \t\xa0]+(?:[0-9a-fA-F]{4}:){7}[0-9a-fA-F]{4}\b",
            re.MULTILINE,
        ),
        identity=True,
    ),
    Parser(
        "ibdev2netdev.show",
        netdevs,
        ("rdma",),
        re.compile(r"\bport[ \t\xa0]+\d+[ \t\xa0]+(?:\([A-Za-z]+ *\)[ \t\xa0]+)?(?:==>|<===>)"),
        identity=True,
    ),
)
