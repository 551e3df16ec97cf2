"""Where identities stand in binary answers, by what the layouts of the firmware's interface say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sosmlx.fwctl.commands import QUERIES
from sosmlx.fwctl.items import HEADER_SIZE as ITEM_HEADER
from sosmlx.fwctl.items import IDENTITIES, header, parse_type
from sosmlx.fwctl.layout import Identity, identities
from sosmlx.fwctl.mailbox import HEADER_SIZE
from sosmlx.fwctl.registers import REGISTERS
from sosmlx.record import Record

ITEMS: Mapping[str, int] = {"MNVDA": 0x00, "MNVGN": 0x10, "MGNLE": 0x10}
"""Registers that carry a flash item, and at which byte of their image its header begins."""


class Place(NamedTuple):
    """One identity in a record's bytes: from `first` on, before `last`; a short answer may end inside."""

    first: int
    last: int
    identity: Identity


def places(record: Record) -> list[Place]:
    """List the identities in an answer of the firmware; none where the record is no such answer, or of no layout."""
    if record.mailbox is not None:
        query = QUERIES.get(record.mailbox.command)
        found = identities(query.told) if query is not None else []
        return [_place(0, whose.offset, whose.width, whose.identity) for whose in found]
    layout = REGISTERS.get(record.register.register) if record.register is not None else None
    if layout is None:
        return []
    if layout.name in ITEMS:
        return list(_item(record.data, HEADER_SIZE + ITEMS[layout.name]))
    return [_place(HEADER_SIZE, whose.offset, whose.width, whose.identity) for whose in identities(layout.fields)]


def carried(records: Iterable[Record]) -> Iterator[tuple[Identity, bytes]]:
    """Yield every identity that the firmware's answers carry, whole ones only."""
    for record in records:
        if record.has_bytes:
            for place in places(record):
                if place.last <= len(record.data):
                    yield place.identity, record.data[place.first : place.last]


def _place(start: int, offset: int, width: int, identity: Identity) -> Place:
    return Place(start + offset // 8, start + (offset + width + 7) // 8, identity)


def _item(data: bytes, at: int) -> Iterator[Place]:
    start = at + ITEM_HEADER
    if len(data) >= start:
        kind = parse_type(header(data[at:start]).type)
        for offset, size, identity in IDENTITIES.get((kind.cls, kind.index), ()):
            yield Place(start + offset, start + offset + size, identity)
