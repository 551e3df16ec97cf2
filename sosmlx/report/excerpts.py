"""The lines of a record that speak of a setting: the evidence that a reader sees without the bundle at hand."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sosmlx.model import Setting
from sosmlx.printable import visible
from sosmlx.record import Bundle, Record

MOST_LINES = 6
WIDEST = 200
LARGEST = 4 << 20
"""Bytes of a record that are looked through; of a larger one only the command is named."""

_BYTES_SHOWN = 96


@dataclass(frozen=True)
class Excerpt:
    """Some lines of one record. `what` is the path, command or register that was read, `tool` the program that ran.

    `note` says how the lines were chosen.
    """

    side: str
    record: str
    what: str
    when: str
    tool: str
    outcome: str
    lines: tuple[str, ...]
    note: str


class Quoting:
    """The records of one side, to quote from."""

    def __init__(self, side: str, bundle: Bundle) -> None:
        self.side = side
        self._records = {record.id: record for record in bundle.records}
        self._versions = {_program(record): _version(record) for record in bundle.records if record.kind == VERSION}
        self._lines = lru_cache(64)(_lines)

    def quote(self, setting: Setting | None) -> Excerpt | None:
        """Quote what a setting was read from; None where its record is not known."""
        record = self._records.get(setting.record) if setting is not None else None
        if setting is None or record is None:
            return None
        lines, note = self._chosen(record, setting)
        ended = record.outcome.value + (f": {record.answer.reason}" if record.answer.reason else "")
        tool = " ".join(filter(None, [record.answer.tool, self._versions.get(_program(record), "")]))
        cut = (line if len(line) <= WIDEST else f"{line[:WIDEST]}…" for line in lines)
        return Excerpt(
            self.side, visible(record.id), visible(_what(record)), visible(record.start), visible(tool), visible(ended),
            tuple(map(visible, cut)), note,
        )  # fmt: skip

    def _chosen(self, record: Record, setting: Setting) -> tuple[Sequence[str], str]:
        if not record.data:
            return (), "the record is empty"
        if len(record.data) > LARGEST:
            return (), f"{len(record.data)} bytes: see the record itself"
        if _is_binary(record):
            return _dump(record.data[:_BYTES_SHOWN]), f"the first of {len(record.data)} bytes"
        lines = self._lines(record.data)
        if len(lines) <= MOST_LINES:
            return lines, "the whole record"
        found = _mentions(lines, setting)
        if found:
            return found[:MOST_LINES], f"lines that name it, of {len(lines)}"
        return lines[:MOST_LINES], f"the first of {len(lines)} lines"


VERSION = "tool.version"


def _program(record: Record) -> str:
    return record.argv[0] if record.argv else ""


def _version(record: Record) -> str:
    return record.data.decode("utf-8", "replace").strip().partition("\n")[0][:80]


def _what(record: Record) -> str:
    return " ".join(record.target[1:] or record.target)


def _is_binary(record: Record) -> bool:
    return b"\x00" in record.data[:4096] or record.register is not None


def _dump(data: bytes) -> list[str]:
    """Write bytes as a table of hexadecimal numbers, 16 a line.

    >>> _dump(bytes(range(3)))
    ['0000  00 01 02']
    """
    return [f"{at:04x}  {data[at : at + 16].hex(' ')}" for at in range(0, len(data), 16)]


def _lines(data: bytes) -> list[str]:
    """Split a text into lines; a JSON document that a tool wrote on one line is laid out anew."""
    text = data.decode("utf-8", "replace")
    if text[:1] in "{[" and text.count("\n") < MOST_LINES:
        with contextlib.suppress(ValueError, RecursionError):
            text = json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    return [line for line in text.split("\n") if line.strip()]


def _mentions(lines: Sequence[str], setting: Setting) -> list[str]:
    """Pick the lines that hold the setting's name, or the last part of it, as the tool spells it."""
    for word in _spellings(setting.name):
        found = [line for line in lines if word in line.lower()]
        if found:
            shown = {facet.raw.lower() for _, facet in setting.facets if facet.raw}
            return sorted(found, key=lambda line: not any(raw in line.lower() for raw in shown))
    return []


def _spellings(name: str) -> Iterator[str]:
    whole = name.lower()
    last = whole.partition("@")[0].rpartition(".")[2]
    for word in dict.fromkeys([whole, last]):
        if len(word) > 1:
            yield from dict.fromkeys([word, word.replace("-", " "), word.replace("_", " "), word.replace("_", "-")])


def by_key(settings: Sequence[Setting], wanted: set[tuple[str, str, str, str]]) -> Mapping[tuple[str, ...], Setting]:
    """Find the settings with these keys."""
    return {row.key: row for row in settings if row.key in wanted}
