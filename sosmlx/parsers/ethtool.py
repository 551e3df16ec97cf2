"""`ethtool -i -k -g -l -c -a --show-priv-flags`: the driver, and the knobs of a netdev's queues and offloads.

Formats: ethtool's `ethtool.c` and `netlink/*.c`; a title line, then `name: value`, sub-features indented. JSON has the
same names, but for what a table below says; a value that the device does not have is left out there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sosmlx.model import Facet, Fact, Item, SettingClass, Unparsed
from sosmlx.parsers import values
from sosmlx.parsers.ethtool_text import (
    NAMELESS,
    Block,
    blocks,
    device_of,
    flat,
    head,
    knob,
    other,
    read,
    slug,
    title,
    typed,
)
from sosmlx.parsers.spec import BDF, Parser, heading
from sosmlx.record import HOST, Record

_DRIVER_VERSION = re.compile(r"([^\s,]+)(?:\s+\((\S+)\))?\Z")
_MAXIMA = "Pre-set maximums"
_PARTS = (_MAXIMA, "Current hardware settings")
_NOTES = ("", "fixed", "not requested", "requested on", "requested off")
_STATISTICS = "Statistics:"

_DRIVER: dict[str, SettingClass] = {
    "driver": "identity", "version": "firmware", "firmware-version": "firmware", "expansion-rom-version": "firmware",
    "bus-info": "identity",
}  # fmt: skip
_RING_MEMBERS = {"tx-push-buf-len": "tx-push-buff-len", "tx-push-buff-max-len": "tx-push-buff-len-max"}
_COALESCE_NAMES = {
    f"{way}-frame-{rate}": f"{way}-frames-{rate}" for way in ("rx", "tx") for rate in ("low", "high")
}  # fmt: skip
"""Netlink's spelling of names that the command line, and the older output, spell in the plural."""
_BOTH_WAYS = re.compile(r"(Adaptive|CQE mode)\s+RX:\s*(\S+)\s+TX:\s*(\S+)\Z")
_PAUSE_NAMES = {"negotiated.rx": "rx-negotiated", "negotiated.tx": "tx-negotiated"}
_NEGOTIATED = ("rx-negotiated", "tx-negotiated")


def driver(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -i`: driver and firmware version with PSID; `bus-info` says which function this is."""
    for block in blocks(text, record, NAMELESS, "driver"):
        yield from block.remarks
        yield from _driver(block, record)


def _driver(block: Block, record: Record) -> Iterator[Item]:
    found = {row.name: row.value for row in block.rows}
    device = device_of(record, _function(found.get("bus-info", "")) or block.device)
    if BDF.fullmatch(device):
        yield Fact(device, "bdf", device)
    if record.subject == HOST and found.get("driver"):
        yield Fact(device, "driver", found["driver"])
    for row in block.rows:
        name, value = row.name, row.value
        if name.startswith("supports-"):
            yield knob(device, f"driver.{name}", values.word(value), "capability")
        elif name in _DRIVER:
            yield from _versions(device, name, value)
            facet = values.word(value) if value.upper() == "N/A" else values.text(value)
            yield knob(device, f"driver.{name}", facet, _DRIVER[name])
        else:
            yield other(row, device)


def _versions(device: str, name: str, value: str) -> Iterator[Item]:
    match = _DRIVER_VERSION.match(value) if name == "firmware-version" else None
    if match and match[1].upper() != "N/A":
        yield Fact(device, "fw.version.running", match[1])
        if match[2]:
            yield Fact(device, "psid", match[2])


def _function(bus_info: str) -> str:
    """Take the function's address out of `bus-info`; a vdpa device carries its function's in its name."""
    address = bus_info[5:] if bus_info.startswith("vdpa:") else bus_info
    return address.lower() if BDF.fullmatch(address) else bus_info


def features(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -k`: each offload feature; one that the driver fixed is a capability, not a knob."""
    return read(text, record, title("Features"), _features, _feature_members)


def _features(block: Block) -> Iterator[Item]:
    for row in block.rows:
        state, _, note = row.value.partition(" ")
        note = note.strip().strip("[]")
        if row.name and state in ("on", "off") and note in _NOTES:
            yield _feature(block.device, row.name, Facet(state == "on", row.value), note == "fixed")
        else:
            yield other(row, block.device)


def _feature_members(device: str, body: Mapping[str, object]) -> Iterator[Item]:
    for name, state in body.items():
        if isinstance(state, dict) and "active" in state:
            yield _feature(device, name, typed(state["active"]), state.get("fixed") is True)
        else:
            yield Unparsed(0, f"{name}: {state}")


def _feature(device: str, name: str, facet: Facet, fixed: bool) -> Item:
    return knob(device, f"features.{name}", facet, "capability" if fixed else "config")


def rings(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -g`: ring sizes in descriptors, and their maxima as capabilities."""
    return _two_parts(text, record, "rings", "Ring parameters")


def channels(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -l`: channel counts, and their maxima as capabilities."""
    return _two_parts(text, record, "channels", "Channel parameters")


def _two_parts(text: str, record: Record, prefix: str, words: str) -> Iterator[Item]:
    def rows(block: Block) -> Iterator[Item]:
        part = ""
        for row in block.rows:
            if row.name in _PARTS and not row.value:
                part = row.name
                yield heading(block.device, row.line)
            elif row.name and row.value and part:
                suffix = "-max" if part == _MAXIMA else ""
                yield _sized(block.device, f"{prefix}.{slug(row.name)}{suffix}", values.word(row.value))
            else:
                yield other(row, block.device)

    def members(device: str, body: Mapping[str, object]) -> Iterator[Item]:
        for name, value in flat(body).items():
            yield _sized(device, f"{prefix}.{_RING_MEMBERS.get(name, name)}", typed(value))

    return read(text, record, title(words), rows, members)


def _sized(device: str, name: str, facet: Facet) -> Item:
    return knob(device, name, facet, "capability" if name.endswith("-max") else "config")


def coalesce(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -c`: interrupt moderation; `--per-queue` gives one set of values for each queue."""
    return read(text, record, title("Coalesce parameters"), _coalesce, _coalesce_members)


def _coalesce(block: Block) -> Iterator[Item]:
    queue = ""
    for row in block.rows:
        both = _BOTH_WAYS.match(row.line.strip())
        if both:
            for way, value in (("rx", both[2]), ("tx", both[3])):
                yield knob(block.device, f"coalesce.{slug(both[1])}-{way}{queue}", values.word(value))
        elif row.name == "Queue" and row.value.isdecimal():
            queue = f"@{row.value}"
            yield heading(block.device, row.line)
        elif row.name and " " not in row.name and _is_set(row.value):
            name = _COALESCE_NAMES.get(row.name, row.name)
            if name != row.name:
                yield heading(block.device, row.line)
            yield knob(block.device, f"coalesce.{name}{queue}", values.word(row.value))
        else:
            yield other(row, block.device)


def _coalesce_members(device: str, body: Mapping[str, object]) -> Iterator[Item]:
    for name, value in flat(body).items():
        plain = name.rstrip(":")
        yield knob(device, f"coalesce.{_COALESCE_NAMES.get(plain, plain)}", typed(value))


def pause(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -a`: link-level flow control, what was negotiated of it, and its frame counters."""
    return read(text, record, title("Pause parameters"), _pause, _pause_members)


def _pause(block: Block) -> Iterator[Item]:
    for row in block.rows:
        if row.line.strip() == _STATISTICS:
            yield heading(block.device, row.line)
        elif row.name and _is_set(row.value):
            counted = "_" in row.name
            yield _paused(block.device, row.name if counted else slug(row.name), values.word(row.value), counted)
        else:
            yield other(row, block.device)


def _pause_members(device: str, body: Mapping[str, object]) -> Iterator[Item]:
    for name, value in flat(body).items():
        counted = name.startswith("statistics.")
        plain = name[len("statistics.") :] if counted else _PAUSE_NAMES.get(name, name)
        yield _paused(device, plain, typed(value), counted)


def _paused(device: str, name: str, facet: Facet, counted: bool) -> Item:
    cls: SettingClass = "counter" if counted else "health" if name in _NEGOTIATED else "config"
    return knob(device, f"pause.{name}", facet, cls)


def _is_set(value: str) -> bool:
    """Whether a value is one that a knob can have: a number, a switch, or none at all."""
    facet = values.word(value)
    return isinstance(facet.value, int) or bool(facet.reason)


def priv_flags(text: str, record: Record) -> Iterator[Item]:
    """`ethtool --show-priv-flags`: the driver's own switches, by the names that it gives them."""
    return read(text, record, title("Private flags"), _flags, _flag_members)


def _flags(block: Block) -> Iterator[Item]:
    for row in block.rows:
        if row.name and row.value in ("on", "off"):
            yield knob(block.device, f"priv-flags.{row.name}", values.word(row.value))
        else:
            yield other(row, block.device)


def _flag_members(device: str, body: Mapping[str, object]) -> Iterator[Item]:
    for name, value in flat(body).items():
        yield knob(device, f"priv-flags.{name}", typed(value))


TABLE = (
    Parser(
        "ethtool.driver",
        driver,
        ("ethtool",),
        head(
            r"driver:[^\S\n]*\S+[^\S\n]*\n[^\S\n]*version:"
            r"|firmware-version:[^\n]*\n[^\S\n]*(?:expansion-rom-version|bus-info|supports-\w+):"
        ),
        identity=True,
    ),
    Parser(
        "ethtool.features",
        features,
        ("ethtool",),
        head(r"Features for \S+:|rx-checksumming: o"),
        ("[]/rx-checksumming", "[]/tx-checksumming"),
    ),
    Parser(
        "ethtool.channels",
        channels,
        ("ethtool",),
        head(r"Channel parameters for |Combined:[^\S\n]+(?:\d+|n/a)[^\S\n]*$"),
        ("[]/combined-max", "[]/other-max"),
    ),
    Parser(
        "ethtool.rings",
        rings,
        ("ethtool",),
        head(r"Ring parameters for |RX Mini:[^\S\n]"),
        ("[]/rx-max",),
    ),
    Parser(
        "ethtool.coalesce",
        coalesce,
        ("ethtool",),
        head(r"Coalesce parameters for |Adaptive RX:[^\S\n]"),
        ("[]/rx-usecs", "[]/tx-usecs", "[]/adaptive-rx"),
    ),
    Parser(
        "ethtool.pause",
        pause,
        ("ethtool",),
        head(r"Pause parameters for |Autonegotiate:[^\S\n]"),
        ("[]/autonegotiate",),
    ),
    Parser(
        "ethtool.priv-flags",
        priv_flags,
        ("ethtool",),
        head(r"Private flags for |rx_cqe_(?:moder|compress)[^\S\n]*:[^\S\n]*o(?:n|ff)\b"),
    ),
)
