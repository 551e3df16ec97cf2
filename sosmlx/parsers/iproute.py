"""`tc qdisc|class|filter show` and `bridge link|vlan|fdb show`, as text or JSON.

Formats: iproute2 `tc/tc_{qdisc,class,filter}.c` and `bridge/{link,vlan,fdb}.c`. What the text says of the options of a
queue differs from kind to kind and stays one value; the actions of a classifier likewise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sosmlx.model import Evidence, Facet, Fact, Item, Setting, SettingClass
from sosmlx.parsers import pairs, pasted
from sosmlx.parsers.pairs import Classes
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import Record

_QUEUE = re.compile(
    r"^\s*(?P<what>qdisc|class) (?P<kind>\S+) (?P<handle>[0-9a-f]*:[0-9a-f]*)(?: \[\w+\])?(?: dev (?P<dev>\S+))?"
    r"(?: (?P<root>root)| parent (?P<parent>\S+))?(?P<options>.*)$"
)
_FILTER = re.compile(
    r"^\s*filter (?:parent \S+ |dev (?P<dev>\S+) |block \d+ |ingress |egress )*"
    r"protocol (?P<protocol>\S+) pref (?P<pref>\d+) (?P<kind>\S+)(?: chain (?P<chain>\d+))?"
    r"(?: (?:handle|fh) (?P<handle>\S+))?(?P<rest>.*)$"
)
_SENT = re.compile(
    r"^\s*Sent (\d+) bytes (\d+) pkts? \(dropped (\d+), overlimits (\d+) requeues (\d+)\)\s*$"
    r"|^\s*backlog (\S+) (\d+)p requeues \d+\s*$"
)
_SENT_NAMES = ("bytes", "packets", "drops", "overlimits", "requeues", "backlog", "qlen")
_COUNTS = {name: re.compile(rf"{name} (\d+) ?") for name in ("refcnt", "direct_packets_stat")}
_ACTION = re.compile(r"^\s*action order (\d+): +(\S.*)$")
_KEY = re.compile(r"^  (?P<name>[a-z]\w*)(?: (?P<value>\S.*))?$")
_PORT = re.compile(r"^\s*\d+: (?P<name>[^\s:@]+)(?:@[^\s:]+)?: <(?P<flags>[^>]*)>(?P<rest>.*)$")
_VLAN = re.compile(r"^(?P<port>\S+)?\s+(?P<vlan>\d+(?:-\d+)?)(?:\s+(?P<flags>\S.*))?$")
_ENTRY = re.compile(r"^\s*(?P<mac>(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}) dev (?P<dev>\S+)(?P<rest>.*)$")

_LAST: Classes = {
    **dict.fromkeys(_SENT_NAMES, "counter"), "direct_packets_stat": "counter", "hw_packets": "counter",
    "sw_packets": "counter", "sw_bytes": "counter", "hw_bytes": "counter", "refcnt": "volatile", "index": "volatile",
    "ref": "volatile", "bind": "volatile", "installed": "volatile", "last_used": "volatile", "first_used": "volatile",
    "used": "volatile", "updated": "volatile", "ifindex": "volatile", "in_hw_count": "health", "in_hw": "health",
    "not_in_hw": "health", "flags": "health",
}  # fmt: skip
"""Classes by the last part of a name; `in_hw` tells whether the adapter took a rule over."""

_STATES = ("permanent", "static", "stale")
_KEPT = ("permanent", "static")
_FDB_WORDS = frozenset((
    "self", "router", "offload", "extern_learn", "sticky", "locked", "blackhole", "noarp", *_STATES,
))  # fmt: skip


def _rows(text: str, record: Record, member: str) -> Iterator[tuple[str, dict[str, object], list[Fact]]]:
    """Yield the objects of a list with their device, and the fact that names it where it comes up first."""
    seen: set[str] = set()
    for row in pairs.objects(text, record.kind):
        name = str(row.pop(member, ""))
        device = pairs.named(record, name)
        yield device, row, [Fact(device, "netdev", name)] if name and name not in seen else []
        seen.add(name)


def qdisc(text: str, record: Record) -> Iterator[Item]:
    """`tc qdisc` and `tc class`: kind, options and counters of each queue, by its place below the root."""
    if pairs.is_json(text):
        for device, row, fresh in _rows(text, record, "dev"):
            yield from fresh
            what = "class" if "class" in row else "qdisc"
            place = "root" if row.get("root") else str(row.get("handle" if what == "class" else "parent", ""))
            yield from _members(device, what, row, place)
        return
    device, what, place = pairs.named(record, ""), "qdisc", ""
    for number, line in pairs.lines(text):
        queue, sent = _QUEUE.match(line), _SENT.match(line)
        if queue:
            device, what = pairs.named(record, queue["dev"]) if queue["dev"] else device, queue["what"]
            place = queue["root"] or queue["parent"] or ""
            yield from _queue(device, queue, queue["handle"] if what == "class" else place)
            place = queue["handle"] if what == "class" else place
            yield heading(device, line)
        elif sent and place:
            yield from (
                _setting(device, f"{what}.{name}", place, value)
                for name, value in zip(_SENT_NAMES, sent.groups()) if value is not None
            )  # fmt: skip
            yield heading(device, line)
        elif place and line[0] in " \t":
            yield Evidence("tc.line", device, line.strip())
        else:
            device = _asked(line, record, device)
            yield pairs.remark(number, line, device)


def _asked(line: str, record: Record, device: str) -> str:
    """Name the netdev that a typed command asked for: `tc` leaves it out of the answer then."""
    options = pasted.asked(line, ("tc",))
    return device if options is None else pasted.device_of(record, options, "dev")


def _queue(device: str, queue: re.Match[str], place: str) -> Iterator[Setting]:
    what, options = queue["what"], queue["options"].strip()
    yield _setting(device, f"{what}.kind", place, queue["kind"])
    yield _setting(device, f"{what}.handle", place, queue["handle"])
    for name, pattern in _COUNTS.items():
        found = pattern.search(options)
        if found:
            yield _setting(device, f"{what}.{name}", place, found[1])
            options = (options[: found.start()] + options[found.end() :]).strip()
    if options:
        yield _setting(device, f"{what}.options", place, Facet(options, options if options in queue["options"] else ""))


def filters(text: str, record: Record) -> Iterator[Item]:
    """`tc filter`: each rule with its keys, its actions, and whether the adapter took it over."""
    if pairs.is_json(text):
        for device, row, fresh in _rows(text, record, "dev"):
            yield from fresh
            options = row.pop("options", None)
            inner = dict(options) if isinstance(options, dict) else {}
            parts = (row.pop("pref", ""), row.pop("chain", 0), inner.pop("handle", inner.pop("fh", "")))
            place = "/".join(str(part) for part in parts if part != "")
            yield from _members(device, "filter", {**row, **inner}, place)
        return
    device, place = pairs.named(record, ""), ""
    for number, line in pairs.lines(text):
        rule, key, action = _FILTER.match(line), _KEY.match(line), _ACTION.match(line)
        if rule:
            device = pairs.named(record, rule["dev"]) if rule["dev"] else device
            handle = _number(rule["handle"] or "")
            place = "/".join(part for part in (rule["pref"], rule["chain"] or "0", handle) if part)
            yield from (_setting(device, f"filter.{name}", place, rule[name]) for name in ("kind", "protocol"))
            yield heading(device, line)
        elif key and place:
            yield from _key(device, place, key["name"], key["value"] or "")
            yield heading(device, line)
        elif action and place:
            yield _setting(device, f"filter.action.{action[1]}", place, action[2].strip())
            yield heading(device, line)
        elif place and line[0] in " \t":
            yield Evidence("tc.line", device, line.strip())
        else:
            device = _asked(line, record, device)
            yield pairs.remark(number, line, device)


def _key(device: str, place: str, name: str, value: str) -> Iterator[Setting]:
    """Read a line of a rule: what it matches, or where it is carried out."""
    if name in ("in_hw", "not_in_hw", "skip_sw", "skip_hw"):
        yield _setting(device, f"filter.{name}", place, Facet(True, name))
        yield from (_setting(device, f"filter.{key}", place, count) for key, count in pairs.pairs(value.split()))
    else:
        yield _setting(device, f"filter.keys.{name}", place, value or Facet(True, name))


def _number(handle: str) -> str:
    """Spell a handle as JSON does, in decimal."""
    return str(int(handle, 16)) if re.fullmatch(r"0x[0-9a-f]{1,8}", handle) else handle


def ports(text: str, record: Record) -> Iterator[Item]:
    """`bridge link`: state and flags of each port of a bridge, named as in the details of `ip link`."""
    if pairs.is_json(text):
        for device, row, fresh in _rows(text, record, "ifname"):
            yield from fresh
            for key, value in pairs.flat("", row):
                yield _port(device, key, value)
        return
    device = pairs.named(record, "")
    seen = False
    for number, line in pairs.lines(text):
        port = _PORT.match(line)
        words = (port["rest"] if port else line).split()
        if port:
            device, seen = pairs.named(record, port["name"]), True
            flags = port["flags"]
            yield _port(device, "flags", Facet(tuple(flags.split(",")), flags))
        elif not seen or line[0] not in " \t" or len(words) % 2:
            yield pairs.remark(number, line, device)
            continue
        yield from (_port(device, name, value) for name, value in pairs.pairs(words))
        yield heading(device, line)


def _port(device: str, name: str, value: object) -> Setting:
    bare = name in ("ifindex", "link", "flags", "mtu", "master", "hwmode")
    cls: SettingClass = "health" if name == "state" else "config"
    return pairs.setting(device, "net", name if bare else f"bridge_slave.{name}", value, _LAST, cls)


def vlans(text: str, record: Record) -> Iterator[Item]:
    """`bridge vlan`: the VLANs of each port, and how they leave it."""
    if pairs.is_json(text):
        for row in pairs.objects(text, record.kind):
            ports = {str(row.get("ifname")): row.get("vlans")} if "ifname" in row else row  # the latter before 4.19
            for port, rows in ports.items():
                yield Fact(pairs.named(record, port), "netdev", port)
                yield from _vlans(pairs.named(record, port), rows)
        return
    device = ""
    for number, line in pairs.lines(text):
        vlan = _VLAN.match(line)
        if re.match(r"\s*port\s+vlan", line):
            yield heading(device or pairs.named(record, ""), line)
        elif vlan and (vlan["port"] or device) and not pairs.is_chatter(line):
            device = pairs.named(record, vlan["port"]) if vlan["port"] else device
            flags = (vlan["flags"] or "").strip()
            yield _setting(device, "bridge.vlan", vlan["vlan"], Facet(flags or "tagged", flags))
            yield heading(device, line)
        else:
            yield pairs.remark(number, line, device or pairs.named(record, ""))


def _vlans(device: str, rows: object) -> Iterator[Setting]:
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict):
            ends = "-".join(str(row[key]) for key in ("vlan", "vlanEnd") if key in row)
            flags = row.get("flags")
            words = [str(flag) for flag in flags] if isinstance(flags, list) else []
            yield _setting(device, "bridge.vlan", ends, Facet(" ".join(words) or "tagged", str(words) if words else ""))


def entries(text: str, record: Record) -> Iterator[Item]:
    """`bridge fdb`: the forwarding table; what was learned comes and goes, what was set stays."""
    if pairs.is_json(text):
        for device, row, fresh in _rows(text, record, "ifname"):
            yield from fresh
            flags = row.pop("flags", None)
            members = [(str(flag), "") for flag in flags] if isinstance(flags, list) else []
            state = row.pop("state", "")
            members += [(str(state), "")] if state else []
            mac = str(row.pop("mac", ""))
            yield from _entry(device, mac, [*members, *((key, str(value)) for key, value in pairs.flat("", row))])
        return
    for number, line in pairs.lines(text):
        entry = _ENTRY.match(line)
        if entry:
            device = pairs.named(record, entry["dev"])
            yield from _entry(device, entry["mac"], list(pairs.pairs(entry["rest"].split(), _FDB_WORDS)))
            yield heading(device, line)
        else:
            yield pairs.remark(number, line, pairs.named(record, ""))


def _entry(device: str, mac: str, members: list[tuple[str, str]]) -> Iterator[Setting]:
    given = dict(members)
    place = "/".join(part for part in (mac, given.pop("vlan", ""), given.get("master", "")) if part)
    cls: SettingClass = "config" if any(word in given for word in _KEPT) else "volatile"
    yield pairs.setting(device, "net", f"fdb@{place}", Facet(True, mac), {}, cls)
    for name, value in given.items():
        yield pairs.setting(
            device, "net", f"fdb.{name}@{place}", value or Facet(True, name), {"fdb.used": "volatile"}, cls
        )


def _members(device: str, what: str, row: dict[str, object], place: str) -> Iterator[Setting]:
    for name, value in pairs.flat(what, row):
        yield _setting(device, name.replace(".options.", ".", 1) if what == "filter" else name, place, value)


def _setting(device: str, name: str, place: str, value: object) -> Setting:
    cls = _LAST.get(name.rpartition(".")[2], "config")
    return pairs.setting(device, "net", f"{name}@{place}" if place else name, value, {}, cls)


def _head(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"^[ \t]*{pattern}", re.MULTILINE)


TABLE = (
    Parser(
        "tc.qdisc", qdisc, ("net",), _head(r"(?:qdisc|class) [a-z_]+ [0-9a-f]*:[0-9a-f]* (?:dev|root|parent)"),
        ("[]/handle", "[]/refcnt"),
    ),
    Parser(
        "tc.filter", filters, ("net",),
        _head(r"filter (?:parent \S+ |dev \S+ |block \d+ |ingress |egress )*protocol \S+ pref \d"), ("[]/pref",),
    ),
    Parser(
        "bridge.link", ports, ("net",),
        _head(
            r"\d+: [^\s:]+: <[^>\n]*>[^\n]* (?:state (?:disabled|listening|learning|forwarding|blocking) priority \d"
            r"|hwmode \S)"
        ),
        ("[]/cost", "[]/hairpin", "[]/hwmode"),
    ),
    Parser("bridge.vlan", vlans, ("net",), _head(r"port[ \t]+vlan[- ]ids?[ \t]*$"), ("[]/vlans",)),
    Parser("bridge.fdb", entries, ("net",), _head(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2} dev \S"), ("[]/mac",)),
)  # fmt: skip
