"""A bundle in, the same bundle with tokens out: its records, its own words on its making, and its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sosmlx.bundle.write import Meta
from sosmlx.fwctl.catalogue import Catalogue, builtin, installed
from sosmlx.record import Record
from sosmlx.redact import dumps
from sosmlx.redact.key import Key
from sosmlx.redact.known import Known, learn
from sosmlx.redact.layouts import Layouts, with_data
from sosmlx.redact.text import Text
from sosmlx.redact.tokens import Tokens
from sosmlx.sources.firmware import WITHHELD

OPAQUE = "redacted: bytes that no layout describes are a keyed digest"
"""Reason of a record whose bytes nobody could map."""


class Redaction:
    """One bundle's redaction: what is known of it, and the tokens of one key."""

    def __init__(self, records: Sequence[Record], meta: Meta, key: Key) -> None:
        self.known = Known()
        self.known.host(meta.host)
        learn(self.known, records)
        self.tokens = Tokens(key.secret)
        self.text = Text(self.tokens, self.known)
        self._layouts = Layouts(self.tokens, self.text, _catalogue(records))
        self._records, self._meta, self._key = records, meta, key

    def records(self) -> list[Record]:
        """Redact the records; their ids, kinds, outcomes and times stay."""
        pieces = self._layouts.strings(self._records)
        return [self._record(record, pieces) for record in self._records]

    def meta(self) -> Meta:
        """Redact what a bundle says of its own making, and mark it as redacted with this key."""
        meta = self._meta
        return replace(
            meta, host=self.text.host(meta.host), label=self.text.text(meta.label),
            plan=[members(row, self.text) for row in meta.plan], delta=members(meta.delta, self.text),
            budgets=members(meta.budgets, self.text), redacted=self._key.id,
        )  # fmt: skip

    def _record(self, record: Record, pieces: Mapping[str, bytes]) -> Record:
        answer = record.answer
        reason = answer.reason
        if reason.startswith(WITHHELD):
            reason = f"{WITHHELD} {self.tokens.mark(reason)}"
        data = pieces.get(record.id)
        if data is None:
            data, opaque = self._data(record)
            reason = reason or (OPAQUE if opaque else "")
        named = replace(
            record, subject=self.text.text(record.subject), argv=tuple(self.text.text(word) for word in record.argv),
            path=self.text.text(record.path),
            answer=replace(answer, data=data, stderr=self.text.data(answer.stderr, record.kind),
                           reason=self.text.text(reason), tool=self.text.text(answer.tool)),
        )  # fmt: skip
        return with_data(named, data)

    def _data(self, record: Record) -> tuple[bytes, bool]:
        """Redact a record's bytes; and whether they became opaque."""
        if not record.data:
            return record.data, False
        if record.register is not None or record.mailbox is not None:
            return self._layouts.answer(record), False
        if record.kind == "fwctl.info":
            # Device type and length, then uid and capabilities of the driver (fwctl.h, mlx5.h): numbers.
            return record.data[:16] + self._layouts.opaque(record.data[16:]), False
        if record.path == "/proc/sys/kernel/hostname":
            name = record.data.decode("utf-8", "replace").strip()
            return self.text.host(name).encode() + record.data[len(record.data.rstrip()) :], False
        if b"\0" in record.data.rstrip(b"\0"):
            return self._layouts.opaque(record.data), True
        if record.kind in dumps.KINDS:
            made = dumps.opaque(record.data, self.tokens)
            return self.text.data(made, record.kind), made != record.data
        return self.text.data(record.data, record.kind), False


def _catalogue(records: Sequence[Record]) -> Catalogue:
    """Find the flash catalogue that a bundle carries; the built-in one where it carries none."""
    found = next((record for record in records if record.kind == "nvconfig.catalogue" and record.has_bytes), None)
    return builtin() if found is None else installed(found.data)[0]


def words(value: object, text: Text) -> object:
    """Redact every text in a document of ours, the names of its members too."""
    if isinstance(value, str):
        return text.text(value)
    if isinstance(value, Mapping):
        return members(value, text)
    if isinstance(value, (list, tuple)):
        return [words(below, text) for below in value]
    return value


def members(value: Mapping[str, object], text: Text) -> dict[str, object]:
    """Redact the members of an object."""
    return {text.text(str(name)): words(below, text) for name, below in value.items()}
