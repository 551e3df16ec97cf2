"""Binary answers: identities replaced where the layouts say that they are, the length kept, the unknown made opaque."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from sosmlx.fwctl.catalogue import Catalogue, builtin
from sosmlx.fwctl.commands import QUERIES
from sosmlx.fwctl.items import HEADER_SIZE as ITEM_HEADER
from sosmlx.fwctl.items import IDENTITIES, header, parse_type
from sosmlx.fwctl.layout import Array, Field, Identity
from sosmlx.fwctl.mailbox import HEADER_SIZE
from sosmlx.fwctl.registers import REGISTERS
from sosmlx.record import Record
from sosmlx.redact.places import ITEMS, places
from sosmlx.redact.text import Text
from sosmlx.redact.tokens import Tokens

_NUMBERS = frozenset({"QUERY_HCA_CAP", "QUERY_OTHER_HCA_CAP", "QUERY_CONG_PARAMS"})
"""Commands whose answers are blocks with layouts of their own, which tell what a firmware can do, and name nobody."""

_STRINGS = "MQIS"
"""The register that gives a text in pieces of up to 8 bytes, each at its `read_offset`."""

_PIECE = 0x10


class Layouts:
    """Redacts binary answers by what the layouts of the firmware's interface say."""

    def __init__(self, tokens: Tokens, text: Text, catalogue: Catalogue) -> None:
        self._tokens, self._text, self._catalogue = tokens, text, catalogue

    def answer(self, record: Record) -> bytes:
        """Redact the answer to a register read or a command: its header stays, bytes that nobody can map do not."""
        made = bytearray(self._mapped(record))
        for place in places(record):
            data = record.data[place.first : place.last]
            cut = place.last > len(record.data)
            made[place.first : place.last] = self.opaque(data) if cut else self.value(place.identity, data)
        return bytes(made)

    def _mapped(self, record: Record) -> bytes:
        """Make what no layout describes opaque."""
        data, head, image = record.data, record.data[:HEADER_SIZE], record.data[HEADER_SIZE:]
        if record.mailbox is not None:
            query = QUERIES.get(record.mailbox.command)
            if query is None:
                return head + self.opaque(image)
            return (
                data if record.mailbox.command in _NUMBERS else data[:8] + self._covered(_covered(query.told), data)[8:]
            )
        layout = REGISTERS.get(record.register.register) if record.register is not None else None
        if layout is None:
            return head + self.opaque(image)
        if layout.name in ITEMS:
            return head + self._item(image, ITEMS[layout.name])
        return head + self._covered(_covered(layout.fields), image)

    def _covered(self, covered: Collection[int], image: bytes) -> bytes:
        """Make a digest of the bytes in which no field has a bit."""
        made = bytearray(image)
        open_ = [at for at in range(len(image)) if image[at] not in (0x00, 0xFF) and at not in covered]
        for at, byte in zip(open_, self._tokens.digest(bytes(image[at] for at in open_), len(open_))):
            made[at] = byte or 1
        return bytes(made)

    def value(self, identity: Identity, data: bytes) -> bytes:
        """Redact one identity in its bytes."""
        size = len(data)
        if identity in ("serial", "name") or (identity == "ip" and size > 4 and _is_text(data)):
            return self._string(data, identity)
        if identity == "ip" and size == 4:
            return self._tokens.ipv4(data)
        if size == 16 and identity == "guid":
            return self._tokens.eui64(data[:8]) + self._tokens.eui64(data[8:])
        if size == 16:
            return self._tokens.uuid(data) if identity == "uuid" else self._tokens.ipv6(data)
        if size == 8:
            return self._tokens.eui64(data)
        if size == 6:
            return self._tokens.mac(data)
        return self._tokens.flat(data)

    def _string(self, data: bytes, identity: Identity) -> bytes:
        """Redact a text of fixed size, as the same words are in other texts, where those tokens are as long."""
        text, nul, rest = data.partition(b"\0")
        said = text.decode("utf-8", "surrogateescape")
        made = self._text.text(said).encode("utf-8", "surrogateescape")
        if identity == "ip" and made != text and len(made) < len(data):
            return made.ljust(len(data), b"\0")
        if made == text or len(made) != len(text):
            made = self._tokens.serial(said).encode("utf-8", "surrogateescape")
        return made + nul + self.opaque(rest)

    def _item(self, image: bytes, at: int) -> bytes:
        """Make opaque what no catalogue knows of a flash item, and texts of which only a vendor's catalogue knows."""
        start = at + ITEM_HEADER
        if len(image) < start:
            return image
        kind = parse_type(header(image[at:start]).type)
        data = image[start:]
        tlv = self._catalogue.tlv(kind.cls, kind.index)
        if tlv is None and (kind.cls, kind.index) not in IDENTITIES:
            return image[:start] + self.opaque(data)
        spans = [(span.offset, span.offset + span.size) for span in IDENTITIES.get((kind.cls, kind.index), ())]
        if tlv is not None:
            spans += [(param.offset // 8, (param.offset + param.width + 7) // 8) for param in tlv.params]
        made = bytearray(self._covered({at for first, last in spans for at in range(first, last)}, data))
        if tlv is not None and builtin().tlv(kind.cls, kind.index) is None:
            for param in tlv.params:
                first, last = param.offset // 8, (param.offset + param.width) // 8
                if param.type in ("BYTES", "STRING"):
                    made[first:last] = self.opaque(data[first:last])
        return image[:start] + bytes(made)

    def opaque(self, data: bytes) -> bytes:
        """Make bytes that nobody can map a digest of themselves, as long as they were; zeros stay."""
        return self._tokens.digest(data, len(data)) if any(data) else data

    def strings(self, records: Sequence[Record]) -> dict[str, bytes]:
        """Redact the texts that come in pieces: put together, redacted as one, cut again; record id → bytes."""
        pieces: dict[tuple[str, int], list[tuple[int, Record]]] = {}
        for record in records:
            asked = record.register
            if asked is not None and asked.register == _STRINGS and record.has_bytes:
                fields = dict(asked.fields)
                where = (asked.node, fields.get("info_type", 0))
                pieces.setdefault(where, []).append((fields.get("read_offset", 0), record))
        found: dict[str, bytes] = {}
        for parts in pieces.values():
            found.update(self._cut(sorted(parts, key=lambda part: part[0])))
        return found

    def _cut(self, parts: Sequence[tuple[int, Record]]) -> Iterable[tuple[str, bytes]]:
        start = HEADER_SIZE + _PIECE
        text = b"".join(record.data[start:] for _, record in parts)
        made = self.string(text)
        at = 0
        for _, record in parts:
            size = len(record.data[start:])
            yield record.id, record.data[:start] + made[at : at + size]
            at += size

    def string(self, data: bytes) -> bytes:
        """Redact a text that must keep its length: where its tokens are longer or shorter, it is filled up or cut."""
        if not _is_text(data.rstrip(b"\0")):
            return self.opaque(data)
        made = self._text.data(data.rstrip(b"\0"))
        return made[: len(data)].ljust(len(data), b"\0")


def _covered(fields: Sequence[Field | Array]) -> frozenset[int]:
    """List the bytes in which a field has a bit."""
    found = _COVERED.get(id(fields))
    if found is None:
        spans = ((field.offset, field.width * (field.count if isinstance(field, Array) else 1)) for field in fields)
        found = frozenset(at for offset, width in spans for at in range(offset // 8, (offset + width + 7) // 8))
        _COVERED[id(fields)] = found
    return found


_COVERED: dict[int, frozenset[int]] = {}


def _is_text(data: bytes) -> bool:
    return all(32 <= sign < 127 or sign in (0, 9, 10, 13) for sign in data)


def with_data(record: Record, data: bytes) -> Record:
    """Give a record other bytes."""
    return record if data == record.data else replace(record, answer=replace(record.answer, data=data))
