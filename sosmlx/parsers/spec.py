"""What a parser is: a pure function from a text to items, with the facts that the rest of the house needs about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from re import Pattern
from typing import Callable, NamedTuple

from sosmlx.model import Evidence, Item, Plane, Unparsed
from sosmlx.record import Record

Parse = Callable[[str, Record], Iterator[Item]]
"""Text and the read that gave it (its bytes are not looked at) to items. Raises ParseError and nothing else."""

Together = Callable[[Sequence[Record]], Iterator[Item]]
"""All records of one function, of the kinds that share this parser, to items that name their record. Raises nothing."""


class Section(NamedTuple):
    """A part of a text that speaks of one device, and whose rows may come in any order."""

    key: str
    head: str
    body: str


@dataclass(frozen=True)
class Parser:
    """One kind's parser.

    `planes` are the planes its settings belong to; `tells` are planes that have readers of their own, and of which it
    tells some knobs, too. `head` recognises a pasted text of this kind anywhere in a bounded
    prefix; `members` recognises a JSON document by the path of a member it must have (`*` is any name). A text that
    `sections` can split may be compared line by line before parsing. `identity` marks kinds whose items name a device
    or feed the verdict: a diff must read them even where both sides are equal. Kinds of one `together` mean something
    only beside each other (a firmware's answers): they are read as one, also those whose read gave nothing.
    """

    kind: str
    parse: Parse
    planes: tuple[Plane, ...] = ()
    head: Pattern[str] | None = None
    members: tuple[str, ...] = ()
    sections: Callable[[str], list[Section]] | None = None
    identity: bool = False
    together: Together | None = None
    tells: tuple[Plane, ...] = ()


def alone(together: Together) -> Parse:
    """Read one answer of a firmware as if it were all that was read; its bytes come as Latin-1 text."""

    def parse(text: str, record: Record) -> Iterator[Item]:
        data = text.encode("latin-1", "replace")
        yield from together([replace(record, answer=replace(record.answer, data=data))])

    return parse


BDF = re.compile(r"\b(?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[0-1][0-9a-fA-F]\.[0-7]\b")
"""A PCI address, with or without its domain (Linux prints a domain in four digits, or more on some machines)."""


ELIDED = "elided"
"""Evidence kind: parts of the device's rows were left out of this text, so that a missing name proves nothing."""

VIEW = "nvconfig.view"
"""Evidence kind: a view of the flash that could not be read."""

UNKNOWN_ITEM = "nvconfig.unknown-item"
"""Evidence kind of a stored flash item that no catalogue describes: shown and compared by its digest."""

HEADING = "text.heading"
"""Evidence kind of lines that only give structure: kept for pasted texts, where every line is accounted for."""


def heading(device: str, line: str) -> Evidence:
    """Keep a line that only gives structure (a title, a table's head, a rule), so that every line is accounted for."""
    return Evidence(HEADING, device, line.strip())


_SINGLE = 1000
"""So many unknown lines of a text are kept one by one; those after them in blocks."""

_BLOCK = 1000
"""A block of unknown lines that follow each other has at most this many."""


def unparsed(text: str, first: int = 1) -> Iterator[Unparsed]:
    """Keep every line of a text that is not blank; `first` is the number of its first line.

    Where a text has very many, those after the first come in blocks: each has the number of its first line.
    """
    lines = text.split("\n")
    for at, line in enumerate(lines[:_SINGLE]):
        if line and not line.isspace():
            yield Unparsed(first + at, line)
    for at in range(_SINGLE, len(lines), _BLOCK):
        block = "\n".join(lines[at : at + _BLOCK])
        if block.strip():
            below = len(block) - len(block.lstrip("\n"))
            yield Unparsed(first + at + below, block.strip("\n"))


def joined(items: Iterable[Item]) -> Iterator[Item]:
    """Join unknown lines that follow each other once a text has given many: the block has its first line's number.

    Blank lines between them are kept, so that every line's number can be counted.
    """
    seen = first = last = 0
    block: list[str] = []
    for item in items:
        if not isinstance(item, Unparsed) or seen < _SINGLE:
            if block:
                yield Unparsed(first, "\n".join(block))
                block = []
            seen += isinstance(item, Unparsed)
            yield item
            continue
        end = item.line + item.text.count("\n")
        if block and not (last < item.line and end < first + _BLOCK):
            yield Unparsed(first, "\n".join(block))
            block = []
        if not block:
            first, last = item.line, item.line - 1
        block += [""] * (item.line - last - 1)
        block.append(item.text)
        last = end
    if block:
        yield Unparsed(first, "\n".join(block))
