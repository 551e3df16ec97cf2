"""PCI configuration space of a function and of the ports above it: what they isolate (ACS), and how much they carry.

A line is `BDF/config = OFFSET: BYTES`, and for a function that has nothing above it `config = …`; what there must be is
told by `config_layout`. A port that does not isolate joins what is below it in one IOMMU group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sosmlx.model import Evidence, Facet, Item, Setting, SettingClass, Unparsed
from sosmlx.parsers import values
from sosmlx.parsers.config_layout import (
    ACS,
    EXPRESS,
    SERVICES,
    TYPES,
    Capability,
    LostError,
    extended,
    standard,
    vector_size,
)
from sosmlx.parsers.spec import BDF, Parser, heading
from sosmlx.record import Record

_LINE = re.compile(
    r"(?:(?P<place>[^\s/=!]{1,40})/)?config (?:= (?P<at>[0-9a-f]{4}):(?P<data>(?: [0-9a-f]{2}){0,64})|! (?P<why>.*))\Z"
)
_LARGEST = 5
"""The highest code of a payload size: 128 << 5 is 4096 bytes."""

Row = tuple[str, SettingClass, Facet]


def show(text: str, record: Record) -> Iterator[Item]:
    """Read the registers of each function on the way from the root down; the last is the record's own function."""
    spaces: dict[str, dict[int, bytes]] = {place: {} for place in _places(record.path)}
    refused: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        match = _LINE.match(line.strip())
        if match is None:
            if line.strip():
                yield Unparsed(number, line)
            continue
        space = spaces.setdefault(match["place"] or "", {})
        if match["why"] is not None:
            refused[match["place"] or ""] = match["why"]
            yield Evidence("read.missing", record.subject, line.strip(), "info")
        else:
            space.setdefault(int(match["at"], 16), bytes.fromhex(match["data"]))
            yield heading(record.subject, line)
    for distance, (place, space) in enumerate(reversed(list(spaces.items()))):
        prefix = f"upstream.{distance}." if distance else ""
        for name, cls, facet in _told(space) if space else _refused(refused.get(place)):
            yield Setting(record.subject, "pci", f"{prefix}{name}", "", (("current", facet),), cls)


def _places(path: str) -> list[str]:
    """List the functions that a read names, the ports first: also those of which nothing came count as steps."""
    named = path.removesuffix("/config").rpartition("/")[2]
    places = [place for place in named.strip("{}").split(",") if BDF.fullmatch(place)]
    return places if len(places) > 1 else []


def _refused(why: str | None) -> Iterator[Row]:
    """Tell of a function that could not be read, which is another thing than one that is not there."""
    if why is not None:
        yield "acs.present", "capability", Facet(None, reason=f"{values.UNREAD} {why}")


def _told(space: Mapping[int, bytes]) -> Iterator[Row]:
    """Tell of one function what its registers say."""

    def get(at: int, size: int) -> bytes | None:
        return space[at][:size] if at in space else None

    try:
        express = next((found for found in standard(get) if found.id == EXPRESS), None)
    except LostError as lost:
        yield "acs.present", "capability", Facet(None, reason=f"{values.UNREAD} {lost}")
        return
    if express is None:
        return  # conventional PCI: it has no such services, and no extended space to look for them
    yield from _express(express.data)
    try:
        found = list(extended(get))
    except LostError as lost:
        yield "acs.present", "capability", Facet(None, reason=f"{values.UNREAD} {lost}")
        return
    yield "extended-capabilities", "capability", Facet(tuple(f"{one.id:04x}" for one in found))
    services = next((one for one in found if one.id == ACS), None)
    yield "acs.present", "capability", Facet(services is not None)
    if services is not None:
        yield from _services(services)


def _express(data: bytes) -> Iterator[Row]:
    """PCI_EXP_FLAGS, PCI_EXP_DEVCAP (payload in bits 2:0), PCI_EXP_DEVCTL (payload 7:5, read request 14:12)."""
    kind, raw = data[2] >> 4, data[2:4].hex(" ")
    yield "express.type", "identity", Facet(TYPES.get(kind, f"type {kind}"), raw)
    control = data[8:10].hex(" ")
    yield "express.max-payload-supported", "capability", _size(data[4] & 7, data[4:8].hex(" "))
    yield "express.max-payload", "config", _size(data[8] >> 5, control)
    yield "express.max-read-request", "config", _size(data[9] >> 4 & 7, control)


def _size(code: int, raw: str) -> Facet:
    return (
        Facet(128 << code, raw)
        if code <= _LARGEST
        else Facet(None, raw, reason=f"{values.UNREAD} reserved code {code}")
    )


def _services(found: Capability) -> Iterator[Row]:
    """PCI_ACS_CAP and PCI_ACS_CTRL; bit 7 of the first and the bits above 6 of the second have no name here."""
    data = found.data
    yield from _switches("acs.cap", "capability", data[4:6], 0x0080)
    yield from _switches("acs", "config", data[6:8], 0xFF80)
    if vector_size(data):
        yield "acs.cap.egress-bits", "capability", Facet(data[5] or 256, data[4:6].hex(" "))
        yield "acs.egress-vector", "config", Facet(data[8:].hex(" "), data[8:].hex(" "))


def _switches(prefix: str, cls: SettingClass, data: bytes, others: int) -> Iterator[Row]:
    """Tell each service by its name, and the bits that have none together as a number, where one is set."""
    word, raw = int.from_bytes(data, "little"), data.hex(" ")
    for bit, name in SERVICES:
        yield f"{prefix}.{name.lower()}", cls, Facet(bool(word & bit), raw)
    if word & others:
        yield f"{prefix}.other", cls, Facet(f"{word & others:#06x}", raw)


TABLE = (Parser("pci.config", show, ("pci",)),)
