"""`ethtool -x -n -T --show-tunnels`: where received packets go, how they are stamped, and which tunnels are known.

Formats: ethtool's `common.c`, `rxclass.c`, `ethtool.c`, `netlink/rss.c`, `tsinfo.c` and `tunnels.c`. Each prints lists
below a label; here such a list is one value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sosmlx.model import Facet, Item, SettingClass
from sosmlx.parsers import values
from sosmlx.parsers.ethtool_text import (
    NAMELESS,
    Block,
    blocks,
    flat,
    head,
    knob,
    other,
    read,
    run,
    slug,
    title,
    together,
    typed,
)
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import Record

_RSS_TITLE = re.compile(
    r"RX flow hash indirection table for (?P<device>\S+) with (?P<rings>\d{1,9}) RX ring\(s\)"
    r"(?:, context (?P<context>\d{1,9}))?:\Z"
)
_REFUSED = re.compile(r"Operation not supported\Z")
_ENTRIES = re.compile(r"\d{1,9}:((?:\s+\d{1,9})+)\Z")
_KEY = re.compile(r"[0-9a-fA-F:]{2,}\Z")
_FUNCTION = re.compile(r"([\w-]+): (on|off)\Z|Unknown hash function: (0x[0-9a-f]+)\Z")
_RSS_LISTS = {"": "indirection-table", "RSS hash key": "hash-key", "RSS hash function": "hash-function"}
_RSS_ENTRIES = {"": _ENTRIES, "RSS hash key": _KEY, "RSS hash function": _FUNCTION}
_TRANSFORMATION = "RSS input transformation"
_RSS_MEMBERS = {
    "rss-indirection-table": "indirection-table", "rss-hash-key": "hash-key", "rss-hash-function": "hash-function",
    "rss-hash-function-raw": "hash-function",
}  # fmt: skip

_COUNTS = re.compile(r"(\d{1,9}) RX rings available\Z|Total (\d{1,9}) rules\Z")
_HASHED = re.compile(
    r"([A-Z][\w /()-]{1,60} over IPV[46]) flows (?:use these fields for computing Hash flow key:|- (All .*))\Z"
)
_FIELD = re.compile(
    r"(L2DA|VLAN tag|L3 proto|IP SA|IP DA|L4 bytes [^\n]+|GTP TEID|IPv6 Flow Label|Discard|None)\Z", re.IGNORECASE
)
_CONTEXT = re.compile(r"For RSS context (\d{1,9}):\Z")

_STAMP_LISTS = frozenset(("Capabilities", "Hardware Transmit Timestamp Modes", "Hardware Receive Filter Modes"))
_CLOCK = "PTP Hardware Clock"
_FLAG = re.compile(r"([a-z][a-z0-9-]*)(?:\s+\((?:SOF_|HWTSTAMP_)\w+\))?\Z")

_TABLE = re.compile(r"UDP port table (\d{1,9})\Z")
_PORT = re.compile(r"port (\d{1,5}), ([\w-]+)\Z")


def rss(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -x`: the indirection table, the hash key and the hash function of receive-side scaling."""
    return read(text, record, _RSS_TITLE, _rss, _rss_members)


def _rss(block: Block) -> Iterator[Item]:
    rows, device = block.rows, block.device
    mark = _RSS_TITLE.match(block.title)
    context = f"@{mark['context']}" if mark and mark["context"] else ""
    if mark:
        yield _spread(device, f"rx-rings{context}", values.word(mark["rings"]))
    label, at = "", 0
    while at < len(rows):
        row = rows[at]
        end = run(rows, at, _RSS_ENTRIES.get(label, NAMELESS))
        if row.name in (*_RSS_LISTS, _TRANSFORMATION) and row.name and not row.value:
            label, end = row.name, at + 1
            yield heading(device, row.line)
        elif _REFUSED.match(row.line.strip()) and label in _RSS_LISTS:
            facet = Facet(None, row.line.strip(), reason=values.UNSUPPORTED)
            yield _spread(device, f"{_RSS_LISTS[label]}{context}", facet)
        elif end > at:
            yield _spread(device, f"{_RSS_LISTS[label]}{context}", _spread_over(label, together(rows[at:end])))
        elif label == _TRANSFORMATION and row.value in ("on", "off"):
            yield _spread(device, f"{slug(row.name)}{context}", values.word(row.value))
        else:
            yield other(row, device)
        at = max(end, at + 1)


def _spread_over(label: str, raw: str) -> Facet:
    """Type the list below one of the labels."""
    if label == "RSS hash key":
        return Facet("".join(raw.split()).lower(), raw)
    words = raw.split()
    if not label:
        return Facet(tuple(int(word) for word in words if not word.endswith(":")), raw)
    chosen = [before.rstrip(":") for before, word in zip(words, words[1:]) if word == "on" and before.endswith(":")]
    chosen += [word for word in words if word.startswith("0x")]
    return Facet(" ".join(chosen), raw, " ".join(chosen))


def _rss_members(device: str, body: dict[str, object]) -> Iterator[Item]:
    for member, value in flat(body).items():
        name = _RSS_MEMBERS.get(member, member.rpartition(".")[2])
        if name == "hash-key" and isinstance(value, list) and all(isinstance(byte, int) for byte in value):
            yield _spread(device, name, Facet(":".join(f"{byte:02x}" for byte in value), str(value)))
        else:
            yield _spread(device, name, Facet(value, value, value) if isinstance(value, str) else typed(value))


def _spread(device: str, name: str, facet: Facet) -> Item:
    # The kernel makes a new random key at each boot unless somebody sets one.
    cls: SettingClass = "volatile" if name.startswith("hash-key") else "config"
    return knob(device, f"rss.{name}", facet, cls)


def flows(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -n`/`-u`: steering rules, or the fields that are hashed for one kind of flow."""
    for block in blocks(text, record, NAMELESS):
        yield from block.remarks
        yield from _flows(block)


def _flows(block: Block) -> Iterator[Item]:
    rows, device = block.rows, block.device
    rule, context, at = "", "", 0
    while at < len(rows):
        row = rows[at]
        line = row.line.strip()
        at += 1
        counts, hashed, within = _COUNTS.match(line), _HASHED.match(line), _CONTEXT.match(line)
        if counts or hashed or within:
            yield heading(device, line)
        if counts:
            yield knob(device, f"flows.{'rx-rings' if counts[1] else 'rules'}", values.word(counts[1] or counts[2]))
        elif within:
            context = f"@{within[1]}"
        elif hashed:
            end = at if hashed[2] else run(rows, at, _FIELD)
            yield _hashed(
                device, f"{slug(hashed[1])}{context}", [each.line.strip() for each in rows[at:end]], hashed[2]
            )
            at = end
        elif row.name == "Filter" and row.value.isdecimal():
            rule = f"@{row.value}"
            yield heading(device, line)
        elif rule and row.name and row.value:
            yield knob(device, f"flows.{slug(row.name)}{rule}", values.word(row.value))
        else:
            yield other(row, device)


def _hashed(device: str, name: str, fields: list[str], discarded: str | None) -> Item:
    if discarded:
        return knob(device, f"flows.hash-key.{name}", Facet(discarded, discarded))
    found = tuple(field for field in fields if field != "None")
    return knob(device, f"flows.hash-key.{name}", Facet(found, " ".join(fields)))


def timestamps(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -T`: what can be time-stamped, in hardware or software, and by which clock; clock 0 is one."""
    return read(text, record, title("Time stamping parameters"), _timestamps, _timestamp_members)


def _timestamps(block: Block) -> Iterator[Item]:
    rows, device, at = block.rows, block.device, 0
    while at < len(rows):
        row = rows[at]
        at += 1
        if row.name in _STAMP_LISTS and row.value in ("", "none"):
            end = at if row.value else run(rows, at, _FLAG)
            flags = [match[1] for match in (_FLAG.match(each.line.strip()) for each in rows[at:end]) if match]
            yield _stamped(device, slug(row.name), Facet(tuple(flags), row.value or together(rows[at:end])))
            at = end
        elif row.line.strip() == "Statistics:":
            yield heading(device, row.line)
        elif row.name == _CLOCK and (row.value == "none" or row.value.isdecimal()):
            none = Facet(None, row.value, reason=values.UNSUPPORTED)
            yield _stamped(device, slug(row.name), values.word(row.value) if row.value != "none" else none)
        elif row.name.startswith("Hardware timestamp ") and row.value:
            yield _stamped(device, slug(row.name), values.word(row.value))
        elif "_" in row.name and row.value.isdecimal():
            yield _stamped(device, row.name, values.word(row.value))
        else:
            yield other(row, device)


def _stamped(device: str, name: str, facet: Facet) -> Item:
    # The kernel numbers clocks in the order in which they appear.
    cls: SettingClass = "counter" if "_" in name else "volatile" if name.endswith(("clock", "index")) else "capability"
    return knob(device, f"timestamps.{name}", facet, cls)


def _timestamp_members(device: str, body: dict[str, object]) -> Iterator[Item]:
    for name, value in flat(body).items():
        yield _stamped(device, name.rpartition(".")[2], typed(value))


def tunnels(text: str, record: Record) -> Iterator[Item]:
    """`ethtool --show-tunnels`: the UDP ports that the adapter takes for tunnels, table by table."""
    for block in blocks(text, record, title("Tunnel information")):
        yield from block.remarks
        yield from _tunnels(block)


def _tunnels(block: Block) -> Iterator[Item]:
    rows, device = block.rows, block.device
    table, at = "", 0
    while at < len(rows):
        row = rows[at]
        at += 1
        mark = _TABLE.match(row.name)
        if mark and not row.value:
            table = f"@{mark[1]}"
            yield heading(device, row.line)
        elif table and row.name == "Size":
            yield knob(device, f"tunnels.size{table}", values.word(row.value), "capability")
        elif table and row.name == "Types":
            types = tuple(word.strip() for word in row.value.split(","))
            yield knob(device, f"tunnels.types{table}", Facet(types, row.value), "capability")
        elif table and (row.name.startswith("Entries (") or row.line.strip() == "No entries"):
            end = run(rows, at, _PORT)
            ports = [match for match in (_PORT.match(each.line.strip()) for each in rows[at:end]) if match]
            facet = Facet(tuple(f"{port[1]} {port[2]}" for port in ports), together(rows[at - 1 : end]))
            yield knob(device, f"tunnels.entries{table}", facet)
            at = end
        else:
            yield other(row, device)


TABLE = (
    Parser(
        "ethtool.rss",
        rss,
        ("ethtool",),
        head(r"RX flow hash indirection table for |RSS hash (?:key|function):"),
        ("[]/rss-indirection-table", "[]/rss-hash-key"),
    ),
    Parser(
        "ethtool.flows",
        flows,
        ("ethtool",),
        head(r"\d{1,9} RX rings available|Total \d{1,9} rules[^\S\n]*$|[A-Z][\w /()-]{1,60} over IPV[46] flows "),
    ),
    Parser(
        "ethtool.timestamps",
        timestamps,
        ("ethtool",),
        head(r"Time stamping parameters for |PTP Hardware Clock:[^\S\n]"),
        ("[]/ptp-hardware-clock", "[]/hwtstamp-provider-index"),
    ),
    Parser(
        "ethtool.tunnels",
        tunnels,
        ("ethtool",),
        head(r"Tunnel information for |UDP port table \d{1,9}:"),
    ),
)
