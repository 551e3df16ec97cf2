"""`ethtool DEV`, `-P`, `--show-fec` and `--show-eee`: what the port can do, what it advertises, and the link it has.

Formats: ethtool's `netlink/settings.c`, `fec.c`, `eee.c` and their older counterparts in `ethtool.c`. Lists of modes go
on in lines of their own, and come in the order of the kernel's bits or of the tool's table; here they are sorted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sosmlx.model import Facet, Item, SettingClass, Unparsed, Value
from sosmlx.parsers import values
from sosmlx.parsers.ethtool_text import (
    NAMELESS,
    Block,
    blocks,
    flat,
    head,
    joined,
    knob,
    other,
    read,
    slug,
    title,
    typed,
)
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import Record

UNKNOWN = "unknown"
"""Reason of a value that the tool itself does not know (`Unknown!`)."""

AMBIGUOUS = "ethtool 6.10 to 6.13 print it inverted"
"""Reason of a JSON `auto-negotiation` that contradicts what is advertised: the text alone does not tell the version."""

_LEVEL = "Current message level"
_MODES = tuple(
    f"{whose} {what} modes"
    for whose in ("Supported", "Advertised", "Link partner advertised")
    for what in ("link", "FEC", "EEE link")
)
_LISTS = frozenset((*_MODES, "Supported ports", _LEVEL))
_LIST_NAMES = frozenset(slug(name) for name in _LISTS)
_TEXTS = frozenset(
    ("duplex", "port", "transceiver", "wake-on", "supports-wake-on", "secureon-password", "plca-support")
)
_SPELLINGS = {"BaseR": "BASER"}
"""The ioctl and the netlink half of the tool spell one FEC mode differently."""
_CLASSES: dict[str, SettingClass] = {
    **dict.fromkeys(
        ("auto-negotiation", "wake-on", "secureon-password", "current-message-level", "master-slave-cfg", "mdi-x",
         "mdi-x-forced", "mdi-x-auto"), "config",
    ),
    **dict.fromkeys(
        ("speed", "lanes", "duplex", "master-slave-status", "link-detected", "link-state", "sqi"), "health",
    ),
    "link-down-events": "counter",
}  # fmt: skip
_ENCODINGS = {
    "Supported/Configured FEC encodings": "configured", "Configured FEC encodings": "configured",
    "FEC encodings": "configured", "Active FEC encoding": "active", "Active FEC encodings": "active",
}  # fmt: skip
"""The labels of all versions, newest first."""
_SPEED = re.compile(r"(\d{1,9})Mb/s\Z")
_LEVEL_VALUE = re.compile(r"0x[0-9a-fA-F]+\s*\((\d{1,10})\)\s*(.*)\Z")
_STATE = re.compile(r"(yes|no)\s*(?:\((.*)\))?\Z")
_OF = re.compile(r"(\d{1,9})/(\d{1,9})\Z")
_DIGITS = re.compile(r"\d{0,9}")
_PER_LANE = re.compile(r"(\d{1,20})\s*(?:\[\s*per_lane:([\d,\s]*)\])?\Z")
_LPI = re.compile(r"(\d{1,10}) \(us\)\Z")


def link(text: str, record: Record) -> Iterator[Item]:
    """`ethtool DEV`: modes, speed, auto-negotiation, wake-on-LAN, and whether (and why not) there is a link."""
    return read(text, record, title("Settings"), _link, _link_members)


def _link(block: Block) -> Iterator[Item]:
    for row in joined(block.rows, _LISTS):
        name = slug(row.name)
        if not row.name or not row.value:
            yield other(row, block.device)
        elif row.name in _LISTS and row.name != _LEVEL:
            yield _linked(block.device, name, modes(row.value.strip("[] "), row.value))
        elif name in _ROWS:
            for part, facet in _ROWS[name](row.value):
                yield _linked(block.device, part or name, facet)
        else:
            yield _linked(block.device, name, _plain(name, row.value))


def _link_members(device: str, body: Mapping[str, object]) -> Iterator[Item]:
    for name, value in flat(body).items():
        if name in _LIST_NAMES and isinstance(value, list):
            facet = modes(" ".join(map(str, value)), str(value))
        elif name == "auto-negotiation" and value is not body.get("advertised-auto-negotiation", value):
            facet = Facet(None, str(value).lower(), reason=AMBIGUOUS)
        elif name == "secureon-password" and isinstance(value, list):
            facet = Facet(":".join(map(str, value)), str(value))
        else:
            facet = _plain(name, value) if isinstance(value, str) else typed(value)
        yield _linked(device, name, facet)


def _linked(device: str, name: str, facet: Facet) -> Item:
    partner: SettingClass = "health" if name.startswith("link-partner-") else "capability"
    return knob(device, f"link.{name}", facet, _CLASSES.get(name, partner))


def modes(value: str, raw: str = "") -> Facet:
    """Type a list of modes in an order that does not depend on the tool's version: by speed, then by name.

    >>> modes("10000baseKR/Full 1000baseKX/Full").value
    ('1000baseKX/Full', '10000baseKR/Full')
    """
    if value.lower() == "not reported":
        return Facet((), raw or value)
    found = sorted((_SPELLINGS.get(word, word) for word in value.split()), key=_by_speed)
    return Facet(tuple(found), raw or value)


def _by_speed(mode: str) -> tuple[int, str]:
    digits = _DIGITS.match(mode)
    return (int(digits[0] or 0) if digits else 0, mode)


def _plain(name: str, value: str) -> Facet:
    if value.startswith("Unknown"):
        return Facet(None, value, reason=UNKNOWN)
    if name in _TEXTS or name.endswith("pause-frame-use"):
        return Facet(value, value, value)
    return values.word(value)


Named = Iterator[tuple[str, Facet]]


def _speed(value: str) -> Named:
    match = _SPEED.match(value)
    yield "", Facet(int(match[1]), value) if match else _plain("", value)


def _level(value: str) -> Named:
    match = _LEVEL_VALUE.match(value)
    yield "", Facet(int(match[1]), value, match[2]) if match else values.word(value)


def _detected(value: str) -> Named:
    match = _STATE.match(value)
    yield "", values.word(match[1] if match else value)
    if match and match[2]:
        yield "link-state", Facet(tuple(part.strip() for part in match[2].split(",")), match[2])


def _quality(value: str) -> Named:
    match = _OF.match(value)
    yield "", values.word(match[1] if match else value)
    if match:
        yield "sqi-max", values.word(match[2])


def _crossing(value: str) -> Named:
    state, _, how = value.partition(" ")
    yield "", Facet(None, value, reason=UNKNOWN) if state == "Unknown" else values.word(state)
    if state != "Unknown":
        yield "mdi-x-forced", Facet(how == "(forced)", how)
        yield "mdi-x-auto", Facet(how == "(auto)", how)


_ROWS = {
    "speed": _speed, "current-message-level": _level, "link-detected": _detected, "sqi": _quality, "mdi-x": _crossing,
}  # fmt: skip


def _permanent(text: str) -> Facet:
    """Type an address; `not set`, or zeros from older versions, is none: so a function whose address is random."""
    if text == "not set" or not text.strip("0:"):
        return Facet(None, text, reason=values.UNSUPPORTED)
    return values.text(text.lower() if ":" in text else text)._replace(raw=text)


def address(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -P`: the address that the adapter was made with."""
    for block in blocks(text, record, NAMELESS, "Permanent address"):
        yield from block.remarks
        for row in block.rows:
            if row.name == "Permanent address" and row.value:
                yield knob(block.device, "address.permanent", _permanent(row.value), "identity")
            else:
                yield other(row, block.device)


def fec(text: str, record: Record) -> Iterator[Item]:
    """`ethtool --show-fec`: encodings that are configured and in use, with the counters of newer versions."""
    return read(text, record, title("FEC parameters"), _fec, _fec_members)


def _fec(block: Block) -> Iterator[Item]:
    for row in joined(block.rows, _ENCODINGS):
        counts = _PER_LANE.match(row.value)
        if row.name in _ENCODINGS:
            yield heading(block.device, f"{row.name}:")
            yield _encodings(block.device, _ENCODINGS[row.name], row.value.split(), row.value)
        elif row.line.strip() == "Statistics:":
            yield heading(block.device, row.line)
        elif row.name and counts:
            lanes = (counts[2] or "").replace(",", " ").split()
            yield from _counters(block.device, row.name, typed(counts[1]), [typed(lane) for lane in lanes])
            if lanes:
                yield heading(block.device, row.line)
        else:
            yield other(row, block.device)


def _fec_members(device: str, body: dict[str, object]) -> Iterator[Item]:
    for member, name in (("config", "configured"), ("active", "active")):
        listed = body.pop(member, None)
        if listed is not None:
            encodings = [str(word) for word in listed] if isinstance(listed, list) else [str(listed)]
            yield _encodings(device, name, encodings, str(listed))
    statistics = body.pop("statistics", None)
    for name, counts in (statistics if isinstance(statistics, dict) else {}).items():
        for entry in counts if isinstance(counts, list) else [counts]:
            yield from _histogram(device, name, entry)
    for name, value in flat(body).items():
        yield knob(device, f"fec.{name}", typed(value))


def _histogram(device: str, name: str, entry: object) -> Iterator[Item]:
    """Read the total and the lanes of a counter, or of one bin of the error histogram."""
    counts = entry if isinstance(entry, dict) else {"total": entry}
    if name == "hist":
        low, high = counts.get("bin_low"), counts.get("bin_high")
        name = f"fec_symbols_err_{low}" + (f"_to_{high}" if low != high else "")
    lanes = counts.get("lanes")
    lane_facets = [typed(lane) for lane in lanes] if isinstance(lanes, list) else []
    if "total" in counts:
        yield from _counters(device, name, typed(counts["total"]), lane_facets)
    else:
        yield Unparsed(0, f"{name}: {entry}")


def _counters(device: str, name: str, total: Facet, lanes: list[Facet]) -> Iterator[Item]:
    yield knob(device, f"fec.{name}", total, "counter")
    for number, lane in enumerate(lanes):
        yield knob(device, f"fec.{name}@{number}", lane, "counter")


def _encodings(device: str, name: str, encodings: list[str], raw: str) -> Item:
    if name == "configured":
        return knob(device, f"fec.{name}", Facet(tuple(encodings), raw))
    value: Value = encodings[0] if len(encodings) == 1 else tuple(encodings)
    return knob(device, f"fec.{name}", Facet(value, raw), "health")


def eee(text: str, record: Record) -> Iterator[Item]:
    """`ethtool --show-eee`: Energy-Efficient Ethernet."""
    return read(text, record, title("EEE [Ss]ettings"), _eee, _eee_members)


def _eee(block: Block) -> Iterator[Item]:
    for row in joined(block.rows, _LISTS):
        name = slug(row.name).replace("eee-status", "status")
        lpi = _LPI.match(row.value)
        if not row.name or not row.value:
            yield other(row, block.device)
        elif row.name in _LISTS:
            yield _efficient(block.device, name, modes(row.value))
        elif lpi:
            yield _efficient(block.device, name, Facet(int(lpi[1]), row.value))
        else:
            yield _efficient(block.device, name, Facet(row.value, row.value, row.value))


def _eee_members(device: str, body: Mapping[str, object]) -> Iterator[Item]:
    for name, value in flat(body).items():
        if isinstance(value, list):
            yield _efficient(device, name, modes(" ".join(map(str, value)), str(value)))
        else:
            yield _efficient(device, name, Facet(value, value, value) if isinstance(value, str) else typed(value))


def _efficient(device: str, name: str, facet: Facet) -> Item:
    known: SettingClass = "health" if name.startswith("link-partner-") else "capability"
    return knob(device, f"eee.{name}", facet, "config" if name in ("status", "tx-lpi") else known)


TABLE = (
    Parser(
        "ethtool.link",
        link,
        ("ethtool",),
        head(r"Settings for \S+:?[^\S\n]*$|Supported ports:|Supported link modes:|Link detected:[^\S\n]*(?:yes|no)\b"),
        ("[]/supported-link-modes", "[]/link-detected"),
    ),
    Parser("ethtool.address", address, ("ethtool",), head("Permanent address:")),
    Parser(
        "ethtool.fec",
        fec,
        ("ethtool",),
        head(r"FEC parameters for |(?:(?:Supported/)?Configured |Active )?FEC encodings?[^\S\n]*:"),
        ("[]/config",),
    ),
    Parser(
        "ethtool.eee",
        eee,
        ("ethtool",),
        head(r"EEE [Ss]ettings for |EEE status:"),
        ("[]/supported-eee-link-modes", "[]/tx-lpi"),
    ),
)
