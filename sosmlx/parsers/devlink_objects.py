"""What else devlink shows: devices, resources, regions, rates, traps, shared buffers, line cards, self tests.

Format: iproute2 `devlink/devlink.c`; text and JSON are read into the same objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sosmlx.model import Evidence, Facet, Fact, Item, Plane, Setting, SettingClass, Unparsed
from sosmlx.parsers.devlink_read import (
    at,
    device_of,
    head,
    leaves,
    nested,
    port_of,
    read,
    scalar,
    settings,
    typed,
)
from sosmlx.parsers.devlink_text import HANDLE, Block, Grammar, Listed, message, names
from sosmlx.parsers.spec import BDF, Parser, heading
from sosmlx.record import Record

_COUNTED: dict[str, SettingClass] = {"stats.*": "counter"}
_DEV = Grammar(names("index reload_failed unspecified no_reset"))
_DEV_CLASS: dict[str, SettingClass] = {**_COUNTED, "index": "volatile", "reload_failed": "health"}
_RESOURCE = Grammar(
    names("name resource_path size size_new occ unit size_min size_max size_gran dpipe_tables size_valid table_name"),
    ("name",),
    nested=True,
)
_RESOURCE_CLASS: dict[str, SettingClass] = {
    "occ": "counter", "unit": "capability", "size_min": "capability", "size_max": "capability",
    "size_gran": "capability", "dpipe_tables": "capability", "size_valid": "health", "resource_path": "identity",
}  # fmt: skip
_REGION = Grammar(frozenset(("size", "snapshot", "max")))
_REGION_CLASS: dict[str, SettingClass] = {"size": "capability", "snapshot": "health", "max": "capability"}
_RATE = Grammar(names("type tx_share tx_max tx_priority tx_weight parent") | {f"tc_{number}" for number in range(8)})
_TRAP = Grammar(names("name type generic action group policer rate burst bytes packets dropped"), ("name", "policer"))
_SB = Grammar(
    names("sb size ing_pools eg_pools ing_tcs eg_tcs pool type thtype cell_size threshold tc"),
    ("sb",),
    nice=True,
)  # fmt: skip
_LC = Grammar(names("lc state type nested_devlink"), ("lc",))
_LC_CLASS: dict[str, SettingClass] = {"state": "health", "supported_types": "capability"}
_SELFTESTS = Grammar(frozenset(("status",)), bare=True)

_BITS = re.compile(r"(\d{1,20})([KMGT]?)(i?)bit\Z")
_OCCUPANCY = re.compile(r"\b(pool|itc|etc):|(\d{1,10})(?:\((\d{1,10})\))?:[ \t]+(\d{1,10})/(\d{1,10})")
_OCCUPIED = re.compile(r"\d\)?:[ \t]+\d+/\d")


class _List(NamedTuple):
    """What a list is of: the prefix of its settings, what names an object in it, and the classes of the rest."""

    prefix: str
    keys: tuple[str, ...]
    classes: Mapping[str, SettingClass]


_TRAPS = _List(
    "trap", ("name",), {**_COUNTED, "type": "capability", "generic": "capability", "group": "capability",
                        "metadata": "capability"}
)  # fmt: skip
_TRAP_GROUPS = _List("trap-group", ("name",), {**_COUNTED, "generic": "capability"})
_POLICERS = _List("trap-policer", ("policer",), _COUNTED)
_BUFFERS = _List(
    "sb", ("sb",), dict.fromkeys(("size", "ing_pools", "eg_pools", "ing_tcs", "eg_tcs"), "capability")
)  # fmt: skip
_POOLS = _List("sb.pool", ("sb", "pool"), {"type": "capability", "cell_size": "capability"})
_PORT_POOLS = _List("sb.port-pool", ("sb", "pool"), {})
_BINDINGS = _List("sb.tc-bind", ("sb", "type", "tc"), {})


def dev(text: str, record: Record) -> Iterator[Item]:
    """`devlink [-s] dev show`: the instances, those nested in them, and how often each was reloaded."""
    blocks, items = read(text, ("dev",), _DEV, record)
    for block in blocks:
        device = device_of(block.handle, record)
        if BDF.fullmatch(device):
            yield Fact(device, "bdf", device)
        for body in block.entries:
            below = list(nested(device, "dev", body))
            if typed("reload_failed", body.get("reload_failed")).value is True:
                yield Evidence("health", device, "the last devlink reload failed", "high")
            yield from settings(device, "devlink", "dev", body, _DEV_CLASS)
            yield from below
    yield from items


def resource(text: str, record: Record) -> Iterator[Item]:
    """`devlink resource show`: size, what it becomes on the next reload, occupancy; nested resources by their path."""
    blocks, items = read(text, ("resources",), _RESOURCE, record)
    for block in blocks:
        device, port = device_of(block.handle, record), port_of(block.handle)
        waiting = [("", entry) for entry in reversed(block.entries)]
        while waiting:
            above, entry = waiting.pop()
            path = f"{above}/{scalar(entry.pop('name', ''))}".lstrip("/")
            inner = entry.pop("resources", [])
            yield from _resource(device, at("", port, path), entry)
            rows = [(path, dict(row)) for row in inner if isinstance(row, dict)] if isinstance(inner, list) else []
            waiting += reversed(rows)
    yield from items


def _resource(device: str, where: str, entry: dict[str, object]) -> Iterator[Item]:
    tables = entry.get("dpipe_tables")
    if isinstance(tables, list):
        del entry["dpipe_tables"]
        for table in tables:
            facet = typed("table_name", table.get("table_name") if isinstance(table, dict) else table)
            name = f"resource.dpipe_table{where}:{facet.raw}"
            yield Setting(device, "devlink", name, "", (("current", facet),), "capability")
    sizes = [(facet, typed("size", entry.pop(name))) for facet, name in (("current", "size"), ("next", "size_new"))
             if name in entry]  # fmt: skip
    if sizes:
        yield Setting(device, "devlink", f"resource.size{where}", "", tuple(sizes))
    yield from settings(device, "devlink", "resource", entry, _RESOURCE_CLASS, where[1:])


def region(text: str, record: Record) -> Iterator[Item]:
    """`devlink region show`: address regions and the snapshots that are held of them."""
    blocks, items = read(text, ("regions",), _REGION, record)
    for block in blocks:
        for body in block.entries:
            yield from settings(
                device_of(block.handle, record), "devlink", "region", body, _REGION_CLASS, port_of(block.handle)
            )
    yield from items


def rate(text: str, record: Record) -> Iterator[Item]:
    """`devlink port function rate show`: limits of ports and nodes, in bytes per second as JSON gives them."""
    blocks, items = read(text, ("rate",), _RATE, record)
    for block in blocks:
        device, where = device_of(block.handle, record), port_of(block.handle)
        for body in block.entries:
            for setting in settings(device, "devlink", "rate", body, {}, where):
                yield setting._replace(facets=tuple((name, _bytes(facet)) for name, facet in setting.facets))
    yield from items


def _bytes(facet: Facet) -> Facet:
    """Read `100Mbit` as bytes per second; `-i` counts in 1024, and text rounds down what has too many digits."""
    match = _BITS.match(facet.raw)
    if match is None or not isinstance(facet.value, str):
        return facet
    kilo = 1024 if match[3] else 1000
    return Facet(int(match[1]) * kilo ** " KMGT".index(match[2] or " ") // 8, facet.raw)


def trap(text: str, record: Record) -> Iterator[Item]:
    """`devlink [-s] trap show`, `trap group show`, `trap policer show`: actions, groups, policers, counters."""
    blocks, items = read(text, ("trap", "trap_group", "trap_policer"), _TRAP, record)
    for block in blocks:
        for entry in block.entries:
            kind = _TRAPS if "action" in entry else _TRAP_GROUPS if "name" in entry else _POLICERS
            yield from _listed(kind, block, entry, record)
    yield from items


def sb(text: str, record: Record) -> Iterator[Item]:
    """`devlink sb show`, `sb pool show`, `sb port pool show`, `sb tc bind show`, `sb occupancy show`."""
    if _OCCUPIED.search(text) and "{" not in text:
        yield from _occupancy_text(text, record)
        return
    blocks, items = read(text, ("sb", "pool", "port_pool", "tc_bind", "occupancy"), _SB, record)
    for block in blocks:
        for entry in block.entries:
            if "sb" in entry:
                kind = _BINDINGS if "tc" in entry else _PORT_POOLS if "threshold" in entry else _POOLS
                yield from _listed(kind if "pool" in entry else _BUFFERS, block, entry, record)
            else:
                yield from _occupancy(device_of(block.handle, record), port_of(block.handle), entry)
    yield from items


def _listed(kind: _List, block: Block, entry: dict[str, object], record: Record) -> Iterator[Item]:
    """Make settings of one object of a list, named by what identifies it there."""
    instance = [scalar(entry.pop(key, "")) for key in kind.keys]
    device = device_of(block.handle, record)
    return settings(device, "devlink", kind.prefix, entry, kind.classes, port_of(block.handle), "/".join(instance))


def _occupancy(device: str, port: str, entry: dict[str, object]) -> Iterator[Item]:
    for name, value in leaves(entry):
        label, number, what = (*name.split("."), "", "")[:3]
        cls: SettingClass = "config" if what == "bound_pool" else "counter"
        full = at(f"sb.occupancy.{label}.{what}", port, number)
        yield Setting(device, "devlink", full, "", (("current", typed(what, value)),), cls)


def _occupancy_text(text: str, record: Record) -> Iterator[Item]:
    """Read the columns of `sb occupancy show`: `INDEX(POOL): CURRENT/MAX`, four in a line, under a label."""
    device, port, label = device_of("", record), "", ""
    for number, line in enumerate(text.split("\n"), 1):
        bare, structure = line.strip(), False
        if bare.endswith(":") and len(bare.split()) == 1:
            device, port, structure = device_of(bare[:-1], record), port_of(bare[:-1]), True
        for cell in _OCCUPANCY.finditer(line):
            label, structure = cell[1] or label, True
            row = {"bound_pool": cell[3], "current": cell[4], "max": cell[5]}
            known: object = {name: value for name, value in row.items() if value is not None}
            if cell[2]:
                yield from _occupancy(device, port, {label: {cell[2]: known}})
        if bare:
            yield heading(device, line) if structure else message(device, bare) or Unparsed(number, line)


def lc(text: str, record: Record) -> Iterator[Item]:
    """`devlink lc show`: line cards, their state and type, and what they could be."""
    blocks, items = read(text, ("lc",), _LC, record)
    for block in blocks:
        device = device_of(block.handle, record)
        for entry in block.entries:
            card = scalar(entry.pop("lc", ""))
            yield from nested(device, "lc", entry, card, one=True)
            yield from settings(device, "devlink", "lc", entry, _LC_CLASS, card)
    yield from items


def selftests(text: str, record: Record) -> Iterator[Item]:
    """`devlink dev selftests show` and `run`: the tests that there are, or how they ended."""
    blocks, items = read(text, ("selftests",), _SELFTESTS, record)
    for block in blocks:
        device = device_of(block.handle, record)
        for body in block.entries:
            tests = body.pop("", None)
            if isinstance(tests, (list, Listed)):
                yield Setting(device, "devlink", "selftests", "", (("current", typed("", tests)),), "capability")
            classes: dict[str, SettingClass] = dict.fromkeys((name for name, _ in leaves(body)), "health")
            yield from settings(device, "devlink", "selftests", body, classes)
    yield from items


_PLANE: tuple[Plane, ...] = ("devlink",)
_INSTANCE = r"(?:pci/[0-9a-f:.]+|auxiliary/[\w.]+|netdevsim/netdevsim\d+)"

TABLE = (
    Parser(
        "devlink.rate", rate, _PLANE, head("rate", rf"{HANDLE}: type (?:leaf|node)\b"), members=("rate",)
    ),
    Parser(
        "devlink.resource",
        resource,
        _PLANE,
        head("resources", r"name \S+ (?:resource_path \S+ )?size \S+ (?:size_new \S+ )?(?:occ \d+ )?unit "),
        members=("resources",),
    ),
    Parser(
        "devlink.region",
        region,
        _PLANE,
        head("regions", rf"{HANDLE}: size (?:\d+|unlimited)[ \t]*(?:snapshot |max |$)"),
        members=("regions",),
    ),
    Parser(
        "devlink.trap",
        trap,
        _PLANE,
        head(
            "trap|trap_group|trap_policer",
            r"name \S+ (?:type \S+ )?generic (?:true|false)\b",
            r"policer \d+ rate \d+ burst \d",
        ),
        members=("trap", "trap_group", "trap_policer"),
    ),
    Parser(
        "devlink.sb",
        sb,
        _PLANE,
        head(
            "sb|pool|port_pool|tc_bind|occupancy",
            r"sb \d+ (?:size|pool|tc) \d",
            r"pool:[ \t]+\d+:[ \t]+\d+/\d",
        ),
        members=("sb", "pool", "port_pool", "tc_bind", "occupancy"),
    ),
    Parser("devlink.lc", lc, _PLANE, head("lc", r"lc \d+ state \w"), members=("lc",)),
    Parser(
        "devlink.selftests",
        selftests,
        _PLANE,
        head("selftests", rf"{HANDLE}:[ \t]*\n[ \t]*flash(?:[ \t]*$|:[ \t]*\n[ \t]*status )"),
        members=("selftests",),
    ),
    Parser(
        "devlink.dev",
        dev,
        _PLANE,
        head(
            "dev",
            rf"{_INSTANCE}[ \t]*$",
            rf"{_INSTANCE}: (?:index \d|reload_failed )",
            rf"{_INSTANCE}:[ \t]*\n[ \t]*(?:stats|nested_devlink):",
        ),
        members=("dev",),
        identity=True,
    ),
)  # fmt: skip
