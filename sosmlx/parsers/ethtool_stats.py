"""`ethtool -S`: the driver's counters, and with `--groups` those that a standard defines.

Formats: ethtool's `ethtool.c` and `netlink/stats.c`. A ConnectX port has a few hundred counters and about fifty more
for each queue, so the way of a line through here is short.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sosmlx.model import Facet, Item, Unparsed
from sosmlx.parsers import values
from sosmlx.parsers.ethtool_text import Block, blocks, head, knob, other, read, title, typed
from sosmlx.parsers.spec import Parser
from sosmlx.record import Record

_DIGITS = 20
"""How many digits a 64-bit counter has at most."""
_TITLE = re.compile(r"(?:NIC|PHY) statistics:\Z")
_HISTOGRAM = re.compile(r"(rx|tx)-pktsNtoM\Z")


def stats(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -S`: every counter under its own name, per-queue ones among them."""
    for block in blocks(text, record, _TITLE):
        yield from block.remarks
        device = block.device
        for row in block.rows:
            name, _, value = row.line.rpartition(":")
            name, value = name.strip(), value.strip()
            if name and value.isdecimal() and value.isascii() and len(value) <= _DIGITS:
                name = _indexed(name) if name[0] == "[" else name
                yield knob(device, f"stats.{name.lower()}", Facet(int(value), value), "counter")
            else:
                yield other(row, device)


def _indexed(name: str) -> str:
    """Spell the counter of a queue, which some drivers print as `[3]: rx_packets`."""
    index, _, counter = name[1:].partition("]: ")
    return f"{counter}@{index}" if counter and index.isdecimal() else name


def groups(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -S --groups`: counters of IEEE 802.3 and RMON, size histograms among them."""
    return read(text, record, title("Standard stats"), _groups, _group_members)


def _groups(block: Block) -> Iterator[Item]:
    for row in block.rows:
        if "-" in row.name and row.value.isdecimal():
            yield _grouped(block.device, row.name, values.word(row.value))
        else:
            yield other(row, block.device)


def _group_members(device: str, body: dict[str, object]) -> Iterator[Item]:
    for group, counters in body.items():
        for name, value in (counters if isinstance(counters, dict) else {"": counters}).items():
            histogram = _HISTOGRAM.match(name)
            if histogram and isinstance(value, list):
                yield from _bins(device, f"{histogram[1]}-{group}", value)
            else:
                yield _grouped(device, f"{group}-{name}".strip("-"), typed(value))


def _bins(device: str, prefix: str, entries: list[object]) -> Iterator[Item]:
    """Name each bin of a histogram as the text does."""
    for entry in entries:
        bounds = entry if isinstance(entry, dict) else {}
        low, high = bounds.get("low"), bounds.get("high")
        if "val" not in bounds:
            yield Unparsed(0, f"{prefix}: {entry}")
            continue
        size = f"{low}to{high}" if low and high else f"{high}" if high else f"{low}toMax"
        yield _grouped(device, f"{prefix}-etherStatsPkts{size}Octets", typed(bounds["val"]))


def _grouped(device: str, name: str, facet: Facet) -> Item:
    return knob(device, f"groups.{name.lower()}", facet, "counter")


TABLE = (
    Parser(
        "ethtool.groups",
        groups,
        ("ethtool",),
        head(r"Standard stats for |(?:eth-(?:phy|mac|ctrl)|(?:[rt]x-)?rmon)-\w+:[^\S\n]*\d"),
        ("[]/eth-phy", "[]/eth-mac", "[]/eth-ctrl", "[]/rmon"),
    ),
    Parser(
        "ethtool.stats",
        stats,
        ("ethtool",),
        head(
            r"(?:NIC|PHY) statistics:[^\S\n]*$"
            r"|(?:[rt]x\d*_(?:packets|bytes)|rx_out_of_buffer|ch\d+_events): \d+[^\S\n]*\n[^\S\n]*\w+: \d+[^\S\n]*$"
        ),
    ),
)
