"""`rdma dev`, `link`, `system`, `resource` and `statistic`, as text or JSON.

Formats: iproute2 `rdma/{dev,link,sys,res*,stat}.c`; a record is a head (`0: mlx5_0:`, `link mlx5_0/1`, `dev mlx5_0`)
and `name value` pairs, which `-d` and `-p` continue on indented lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sosmlx.model import Facet, Fact, Item, Setting, SettingClass
from sosmlx.parsers import pairs, values
from sosmlx.parsers.pairs import Classes
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import HOST, Record

_HEAD = re.compile(
    r"^\s*(?:(?:link|\d+/\d+:) (?P<link>[^\s/:]+)/(?P<port>\d+|-)(?::|(?=\s)|$)"
    r"|\d+: (?P<summary>[^\s:/]+):|dev (?P<dev>\S+))"
)
_CAPS = re.compile(r"([\w-]{1,30}): <([^<>]*)>")
_DEV: Classes = {
    "dev.node_type": "identity", "dev.protocol": "identity", "node_guid": "identity", "sys_image_guid": "identity",
    "dev.caps": "capability", "dev.type": "identity", "dev.parent": "identity", "dev.ifindex": "volatile",
    "dev.index": "volatile",
}  # fmt: skip
_LINK: Classes = {
    "link.state": "health", "link.physical_state": "health", "link.netdev": "identity", "link.netdev_index": "volatile",
    "link.ifindex": "volatile", "link.subnet_prefix": "identity", "link.caps": "capability", "link.type": "identity",
}  # fmt: skip
_SHARED = ("node_guid", "sys_image_guid")
"""Members that are named as the kernel's attribute of the same content is."""

_OBJECTS = {
    "cntn": "counter", "lqpn": "qp", "cqn": "cq", "pdn": "pd", "mrn": "mr", "ctxn": "ctx", "srqn": "srq",
    "cm-idn": "cm_id",
}  # fmt: skip
"""Members that say of which object of a device a record speaks: what the object is, and its number is the instance."""


_PROCESS = ("pid", "comm", *_OBJECTS)
"""Members of an object that say whose it is, and count nothing."""


class _Entry(NamedTuple):
    """One record of the tool's output: which device and port, then its members."""

    device: str
    name: str
    port: str
    members: list[tuple[str, object]]


def dev(text: str, record: Record) -> Iterator[Item]:
    """`rdma dev`: firmware version, GUIDs, protocol and capabilities of each RDMA device."""
    for entry in _entries(text, record, "rdma dev"):
        if not isinstance(entry, _Entry):
            yield entry
            continue
        for name, value in entry.members:
            if name == "fw":
                facets = (("running", pairs.facet(value, "firmware")),)
                yield Setting(entry.device, "firmware", "fw.version", "", facets, "firmware")
                yield Fact(entry.device, "fw.version.running", str(value))
                continue
            if name == "sys_image_guid":
                yield Fact(entry.device, "asic", str(value))
            full = name if name in _SHARED else f"dev.{name}"
            yield pairs.setting(entry.device, "rdma", full, value, _DEV)


def link(text: str, record: Record) -> Iterator[Item]:
    """`rdma link`: state, addresses and netdev of each port of an RDMA device."""
    for entry in _entries(text, record, "rdma link"):
        if not isinstance(entry, _Entry):
            yield entry
            continue
        for name, value in entry.members:
            if name == "netdev":
                yield Fact(entry.device, "netdev", str(value))
            yield pairs.setting(entry.device, "rdma", _at(f"link.{name}", entry.port), value, _LINK)


def system(text: str, record: Record) -> Iterator[Item]:
    """`rdma system`: whether RDMA devices are shared between network namespaces, and other modes of the subsystem."""
    if pairs.is_json(text):
        for row in pairs.objects(text, "rdma system"):
            for name, value in pairs.flat("system", row):
                yield pairs.setting(HOST, "rdma", name, value, {})
        return
    for number, line in pairs.lines(text):
        words = line.split()
        if pairs.is_chatter(line) or len(words) % 2 or not words[0][0].isalpha():
            yield pairs.remark(number, line, HOST)
            continue
        for name, value in pairs.pairs(words):
            yield pairs.setting(HOST, "rdma", f"system.{name}", value, {})


def resource(text: str, record: Record) -> Iterator[Item]:
    """`rdma resource`: how many objects a device has, or the objects themselves (which live as long as a process)."""
    for entry in _entries(text, record, "rdma resource"):
        if not isinstance(entry, _Entry):
            yield entry
            continue
        kind, instance = _object(entry)
        cls: SettingClass = "volatile" if kind else "counter"
        for name, value in entry.members:
            full = _at(f"resource.{kind}{name}", instance)
            yield pairs.setting(entry.device, "rdma", full, value, {"resource.ifindex": "volatile"}, cls)


def statistic(text: str, record: Record) -> Iterator[Item]:
    """`rdma statistic`: hardware counters of ports and of bound queue pairs, and which counters are switched on."""
    for entry in _entries(text, record, "rdma statistic"):
        if not isinstance(entry, _Entry):
            yield entry
            continue
        kind, instance = _object(entry)
        for name, value in entry.members:
            counted = str(value).isdigit() and name not in _PROCESS
            cls: SettingClass = "counter" if counted else "volatile" if kind else "config"
            full = _at(f"statistic.{kind}{name}", instance)
            yield pairs.setting(entry.device, "rdma", full, value, {"statistic.ifindex": "volatile"}, cls)


def _object(entry: _Entry) -> tuple[str, str]:
    """Tell of which object of a device an entry speaks: a part of the name, and the instance."""
    members = dict(entry.members)
    for name, kind in _OBJECTS.items():
        if name in members:
            return f"{kind}.", "/".join(filter(None, (entry.port, str(members[name]))))
    return "", entry.port


def _at(name: str, instance: str) -> str:
    return f"{name}@{instance}" if instance else name


def _entries(text: str, record: Record, what: str) -> Iterator[_Entry | Item]:
    """Yield the records of either form and the devices that they name; other lines come as evidence or unparsed."""
    seen: set[str] = set()
    for entry in _from_json(text, record, what) if pairs.is_json(text) else _from_text(text, record):
        if isinstance(entry, _Entry) and entry.name and entry.name not in seen:
            seen.add(entry.name)
            yield Fact(entry.device, "rdma", entry.name)
        yield entry


def _from_json(text: str, record: Record, what: str) -> Iterator[_Entry | Item]:
    for row in pairs.objects(text, what):
        name, _, port = str(row.pop("ifname", "")).partition("/")
        port = str(row.pop("port", port))
        members = [pair for key, value in row.items() for pair in pairs.flat(str(key), value)]
        yield _Entry(pairs.named(record, name), name, port, members)


def _from_text(text: str, record: Record) -> Iterator[_Entry | Item]:
    head: re.Match[str] | None = None
    words: list[str] = []
    before = ""
    for number, line in pairs.lines(text):
        start = _HEAD.match(line)
        if start:
            if head:
                yield _entry(head, words, record)
            head, words = start, [line[start.end() :]]
            yield heading(pairs.named(record, _name(head)), line)
        elif head and not pairs.is_chatter(line) and (line[0] in " \t" or len(before) >= pairs.WRAPPED):
            words.append(line)
            yield heading(pairs.named(record, _name(head)), line)
        else:
            yield pairs.remark(number, line, pairs.named(record, _name(head) if head else ""))
        before = line
    if head:
        yield _entry(head, words, record)


def _entry(head: re.Match[str], rest: Sequence[str], record: Record) -> _Entry:
    body = " ".join(rest)
    members: list[tuple[str, object]] = list(pairs.pairs(_CAPS.sub(" ", body).split()))
    members += [(name.lower(), _listed(inner)) for name, inner in _CAPS.findall(body)]
    name = _name(head)
    return _Entry(pairs.named(record, name), name, head["port"] or "", members)


def _listed(raw: str) -> Facet:
    """Type what stands in angle brackets, as JSON's list would be."""
    return Facet(tuple(values.number(word.strip()).value for word in raw.split(",")), raw)  # type: ignore[misc]


def _name(head: re.Match[str]) -> str:
    return head["link"] or head["summary"] or head["dev"]


TABLE = (
    Parser(
        "rdma.dev",
        dev,
        ("rdma", "firmware"),
        re.compile(r"^[ \t]*\d+: [^\s:/]+: (?:node_type|type) \S", re.MULTILINE),
        ("[]/node_guid", "[]/node_type"),
        identity=True,
    ),
    Parser(
        "rdma.link",
        link,
        ("rdma",),
        re.compile(r"^[ \t]*(?:link |\d+/\d+: )[^\s/]+/\d+:? (?:state [A-Z]|subnet_prefix \S)", re.MULTILINE),
        ("[]/physical_state",),
        identity=True,
    ),
    Parser(
        "rdma.system",
        system,
        ("rdma",),
        re.compile(r"^[ \t]*netns (?:shared|exclusive)(?:[ \t]|$)", re.MULTILINE),
        ("copy-on-fork", "[]/copy-on-fork", "netns", "[]/netns"),
    ),
    Parser(
        "rdma.statistic",
        statistic,
        ("rdma",),
        re.compile(
            r"^[ \t]*link [^\s/]+/\d+[ \t]*(?:\n[ \t]+| )"
            r"(?:[rt]x_\w+ \d|cntn \d|mode |auto |optional-counters |out_of_buffer \d|supported )",
            re.MULTILINE,
        ),
        ("[]/cntn", "[]/rx_write_requests", "[]/out_of_buffer", "[]/optional-counters"),
    ),
    Parser(
        "rdma.resource",
        resource,
        ("rdma",),
        re.compile(
            r"^[ \t]*(?:\d+: [^\s:/]+: (?:pd|cq|qp|cm_id|mr|ctx|srq) \d"
            r"|(?:link [^\s/]+/[\d-]+|dev \S+) (?:lqpn|cqn|pdn|mrn|ctxn|srqn|cm-idn) \d)",
            re.MULTILINE,
        ),
        ("[]/lqpn", "[]/cqn", "[]/pdn", "[]/mrn", "[]/ctxn", "[]/srqn", "[]/cm-idn", "[]/cm_id"),
    ),
)
