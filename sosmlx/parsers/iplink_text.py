"""The text form of `ip link` and `ip addr`, with `-d`, `-s`, `-o` and `-br`.

Format: iproute2 `ip/ipaddress.c`: a line per link, then indented lines of `name value` words; which words these are
says the first one. `-o` puts a backslash where a line would end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sosmlx.model import Evidence, Facet, Fact, Item, Unparsed
from sosmlx.parsers import pairs
from sosmlx.parsers.iplink_names import named_as, typed
from sosmlx.parsers.spec import heading
from sosmlx.record import Record

_BEGINS = r"(?:bond|bond_slave|bridge|bridge_slave|vlan|vxlan|macvlan|altname|alias|(?:in|e)gress-qos-map) |prog/"
"""Begins a line of a link even where the text has lost its indentation."""

_START = re.compile(
    r"\s*\d+: [^\s:]+(?::\s+<|\s+inet)|[^\s<]+\s+(?:UP|DOWN|UNKNOWN|LOWERLAYERDOWN|DORMANT)\s"
    rf"|link/|vf \d|[RT]X(?: errors)?:|inet6? |valid_lft |[\d\s]+$|{_BEGINS}"
)
_LINK = re.compile(r"^\s*(?P<index>\d+): (?P<name>[^\s@:]+)(?:@(?P<link>[^\s:]+))?:?\s+(?P<rest>(?:<|inet).*)$")
_BRIEF = re.compile(
    r"^(?P<name>[^\s@<]+)(?:@(?P<link>\S+))?\s+(?P<state>UP|DOWN|UNKNOWN|LOWERLAYERDOWN|DORMANT)\s+(?P<rest>.*)$"
)
_VF = re.compile(r"^\s*vf (?P<vf>\d+)\s+(?:MAC |link/(?P<type>\S+) )(?P<mac>[0-9a-fA-F:.]+)(?P<rest>.*)$")
_TOTALS = re.compile(r"(?P<way>RX|TX)(?: errors)?:\s+(?P<names>[a-z][a-z ]*)\Z")
_NUMBERS = re.compile(r"^[\d\s]+$")

_COUNTERS = {
    "mcast": "multicast", "bcast": "broadcast", "missed": "missed_errors", "overrun": "over_errors",
    "carrier": "carrier_errors", "collsns": "collisions", "transns": "carrier_changes", "heartbeat": "heartbeat_errors",
    "heartbt": "heartbeat_errors", "length": "length_errors", "crc": "crc_errors", "frame": "frame_errors",
    "fifo": "fifo_errors", "aborted": "aborted_errors", "window": "window_errors",
}  # fmt: skip
_XDP = frozenset(("xdp", "xdpgeneric", "xdpoffload", "xdpmulti", "xdpdrv"))
_SWITCHES = {
    "udpcsum": "udp_csum", "udp6zerocsumtx": "udp_zero_csum6_tx", "udp6zerocsumrx": "udp_zero_csum6_rx",
    "learning": "learning", "proxy": "proxy", "rsc": "rsc", "l2miss": "l2miss", "l3miss": "l3miss",
    "remcsumtx": "remcsum_tx", "remcsumrx": "remcsum_rx", "gbp": "gbp", "gpe": "gpe", "external": "collect_metadata",
    "localbypass": "localbypass", "pmtudisc": "pmtudisc",
}  # fmt: skip
_OFF = {f"no{word}": word for word in _SWITCHES}
_TUNNELS = ("vxlan", "geneve", "gre", "gretap", "ip6gretap", "ip6gre", "ipip", "sit")
"""Kinds of links whose details hold words without a value."""

_AFTER = frozenset((
    "addrgenmode", "numtxqueues", "numrxqueues", "gso_max_size", "gso_max_segs", "tso_max_size", "tso_max_segs",
    "gro_max_size", "gso_ipv4_max_size", "gro_ipv4_max_size", "portname", "portid", "switchid", "parentbus",
    "parentdev", "protodown",
))  # fmt: skip
"""Words of every link that stand behind the details of its kind, and so end them."""

_COMMON = _AFTER | frozenset((
    "mtu", "qdisc", "master", "state", "mode", "group", "qlen", "brd", "promiscuity", "allmulti", "minmtu", "maxmtu",
    "permaddr", "link-netns", "link-netnsid", "event",
))  # fmt: skip
"""Words of every link: a line that begins with one is not about a kind."""

_VF_WORDS = {"brd": "broadcast", "NODE_GUID": "node_guid", "PORT_GUID": "port_guid"}
_LIFETIMES = ("valid_lft", "preferred_lft")


@dataclass
class _State:
    """What the lines at hand are about."""

    device: str = ""
    seen: bool = False
    vf: str = ""
    address: str = ""
    counters: list[str] = field(default_factory=list)
    altnames: int = 0

    def begin(self, device: str) -> None:
        """Turn to the next link."""
        self.device, self.seen, self.vf, self.address = device, True, "", ""
        self.counters, self.altnames = [], 0


def read(text: str, record: Record) -> Iterator[Item]:
    """Yield the settings of every link of a text."""
    state = _State(device=pairs.named(record, ""))
    for number, line in pairs.unwrapped(text, _START):
        kept = False
        for piece in line.split("\\"):
            for item in _piece(number, piece, state, record) if piece.strip() else ():
                kept = kept or isinstance(item, (Evidence, Unparsed))
                yield item
        if not kept:  # the words of the text have other names here
            yield heading(state.device, line)


def facts(device: str, name: str, members: Mapping[str, str]) -> Iterator[Fact]:
    """Yield what identifies a link: its name, and the PCI function that it belongs to."""
    if name:
        yield Fact(device, "netdev", name)
    if members.get("parentbus") == "pci" and members.get("parentdev"):
        yield Fact(device, "bdf", members["parentdev"])
    if members.get("phys_port_name"):
        yield Fact(device, "phys_port_name", members["phys_port_name"])


def _piece(number: int, piece: str, state: _State, record: Record) -> Iterator[Item]:
    start = _LINK.match(piece) or _BRIEF.match(piece)
    if start:
        yield from _start(start, state, record)
        return
    words = piece.split()
    vf = _VF.match(piece)
    totals = _TOTALS.match(piece.strip())
    if vf:
        yield from _vf(vf, state)
    elif totals:
        yield from _totals(totals, piece, state)
    elif _NUMBERS.match(piece) and len(words) == len(state.counters):
        instance = f"@{state.vf}" if state.vf else ""
        for name, value in zip(state.counters, words):
            yield typed(state.device, f"{name}{instance}", value)
        state.counters = []
    elif words[0] in ("inet", "inet6") and len(words) > 1:
        yield from _address(words, state)
    elif words[0] in _LIFETIMES and state.address:
        family, _, instance = state.address.partition("@")
        for name, value in pairs.pairs(words):
            yield typed(state.device, f"{named_as(f'{family}.{name}')}@{instance}", value)
    elif words[0].startswith("link/") and state.seen:
        yield from _hardware(words, state)
    elif state.seen and (piece[0] in " \t" or _START.match(piece)) and words[0][0].isalpha():
        yield from _more(words, piece, state)
    else:
        yield pairs.remark(number, piece, state.device)


def _start(start: re.Match[str], state: _State, record: Record) -> Iterator[Item]:
    device = pairs.named(record, start["name"])
    if device != state.device or start["rest"].startswith("<"):
        state.begin(device)
        yield from facts(device, start["name"], {})
    parts = start.groupdict()
    for name, key in (("ifindex", "index"), ("link", "link"), ("operstate", "state")):
        if parts.get(key):
            yield typed(device, name, parts[key])
    words = start["rest"].split()
    if words and words[0] in ("inet", "inet6"):
        yield from _address(words, state)
    elif "state" in parts:
        yield from _brief(words, state)
    else:
        yield from _words(words, state)


def _brief(words: Sequence[str], state: _State) -> Iterator[Item]:
    """`-br`: the hardware address and flags, or all addresses."""
    for word in words:
        if word.startswith("<"):
            yield from _words([word], state)
        elif "/" in word:
            yield from _address(["inet6" if ":" in word else "inet", word], state)
        else:
            yield typed(state.device, "address", word)


def _words(words: Sequence[str], state: _State, kind: str = "") -> Iterator[Item]:
    """Read `name value` words; those of a kind of link end where the words begin that every link has."""
    alone = _XDP | (frozenset((*_SWITCHES, *_OFF)) if kind in _TUNNELS else frozenset())
    found: dict[str, str] = {}
    for name, value in pairs.pairs(_grouped(words), alone):
        if name in _AFTER:
            kind = ""
        if name == "flags":
            flags = value.strip("<>").split(",")
            yield typed(state.device, f"{kind}.flags" if kind else name, Facet(tuple(flags), value.strip("<>")))
            if not kind:
                yield typed(state.device, "up", Facet("UP" in flags, "UP" if "UP" in flags else ""))
            continue
        word = _SWITCHES.get(_OFF.get(name, name), name) if name in alone else name
        full = named_as(f"{kind}.{word}" if kind else word)
        found[full] = value
        yield typed(state.device, full, value or Facet(name not in _OFF, name))
    yield from facts(state.device, "", found)


def _grouped(words: Sequence[str]) -> list[str]:
    """Join what is one value of several words: a map in braces, and the two ends of a range of ports."""
    grouped: list[str] = []
    held: list[str] = []
    for word in words:
        if held or word == "{":
            held.append(word)
        elif grouped[-2:-1] == ["srcport"] and grouped[-1].isdigit():
            grouped[-1] += f" {word}"
        else:
            grouped.append(word)
        if word == "}":
            grouped.append(" ".join(held))
            held = []
    return grouped + held


def _hardware(words: Sequence[str], state: _State) -> Iterator[Item]:
    yield typed(state.device, "link_type", words[0].partition("/")[2])
    if len(words) > 1:
        yield typed(state.device, "address", words[1])
    if words[2:3] == ["peer"]:
        words = [*words[:2], "link_pointtopoint", *words[3:]]
    yield from _words(words[2:], state)


def _more(words: Sequence[str], piece: str, state: _State) -> Iterator[Item]:
    """Read an indented line of a link: an alias, a further name, an XDP program, or the details of the link's kind."""
    first, rest = words[0], piece.strip().partition(" ")[2].strip()
    if first == "alias":
        yield typed(state.device, "alias", rest)
    elif first == "altname":
        yield typed(state.device, f"altname@{state.altnames}", rest)
        state.altnames += 1
    elif first.startswith("prog/"):
        yield typed(state.device, "xdp.prog", piece.strip())
    elif first in _COMMON or first.endswith("-qos-map"):
        yield from _words(words, state, "" if first in _COMMON else "vlan")
    elif first.endswith("_slave"):
        yield typed(state.device, "linkinfo.slave", first[: -len("_slave")])
        yield from _words(words[1:], state, first)
    elif len(words) == 1 or len(words) % 2 or words[1] not in _COMMON:
        yield typed(state.device, "linkinfo.kind", first)
        yield from _words(words[1:], state, first)
    else:
        yield Evidence("ip.line", state.device, piece.strip())


def _vf(vf: re.Match[str], state: _State) -> Iterator[Item]:
    state.vf = vf["vf"]
    rest = vf["rest"]
    if vf["type"]:
        yield typed(state.device, f"vf.link_type@{state.vf}", vf["type"])
    yield typed(state.device, f"vf.address@{state.vf}", vf["mac"])
    for part in rest.split(","):
        name, _, value = part.strip().rpartition(" ")
        if value.startswith("("):  # the unit of a rate
            name, _, number = name.rpartition(" ")
            value = f"{number} {value}"
        full = named_as(f"vf.{_VF_WORDS.get(name, name)}")
        if name:
            yield typed(state.device, f"{full}@{state.vf}", value)
        elif value:
            yield Evidence("ip.line", state.device, f"vf {state.vf}: {value}")


def _totals(totals: re.Match[str], piece: str, state: _State) -> Iterator[Item]:
    prefix = f"{'vf.' if state.vf else ''}stats.{totals['way'].lower()}"
    state.counters = [f"{prefix}.{_COUNTERS.get(name, name)}" for name in totals["names"].split()]
    yield heading(state.device, piece)


def _address(words: Sequence[str], state: _State) -> Iterator[Item]:
    """Read an address: its scope is the value, everything else is named after it."""
    family, local = words[0], words[1]
    rest = list(words[2:])
    if rest[:1] == ["peer"] and len(rest) > 1:
        peer, _, length = rest[1].partition("/")
        local, rest[1] = f"{local}/{length}", peer
    state.address = f"{family}@{local}"
    if family == "inet" and rest and "scope" in rest[:-2]:
        yield typed(state.device, f"inet.label@{local}", rest.pop())
    scope = ""
    named, flags = _named(rest)
    for name, value in named:
        if name == "scope":
            scope = value
        else:
            yield typed(state.device, f"{named_as(f'{family}.{name}')}@{local}", value)
    for flag in flags:
        yield typed(state.device, f"{family}.{flag}@{local}", Facet(True, flag))
    yield typed(state.device, state.address, scope)


def _named(words: Sequence[str]) -> tuple[list[pairs.Pair], list[str]]:
    """Tell the words of an address that have a value from its flags."""
    named: list[pairs.Pair] = []
    flags: list[str] = []
    at = 0
    while at < len(words):
        if words[at] in ("peer", "brd", "any", "scope", "metric", "proto") and at + 1 < len(words):
            named.append((words[at], words[at + 1]))
            at += 1
        else:
            flags.append(words[at])
        at += 1
    return named, flags
