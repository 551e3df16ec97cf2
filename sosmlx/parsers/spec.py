"""What a parser is: a pure function from a text to items, with the facts that the rest of the house needs about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from re import Pattern
from typing import Callable, NamedTuple

from sosmlx.model import Evidence, Item, Plane, Unparsed
from sosmlx.record import Record

Parse = Callable[[str, Record], Iterator[Item]]
"""Text and the read that gave it (its bytes are not looked at) to items. Raises ParseError and nothing else."""


class Section(NamedTuple):
    """A part of a text that speaks of one device, and whose rows may come in any order."""

    key: str
    head: str
    body: str


@dataclass(frozen=True)
class Parser:
    """One kind's parser.

    `planes` are the planes its settings belong to. `head` recognises a pasted text of this kind anywhere in a bounded
    prefix; `members` recognises a JSON document by the path of a member it must have (`*` is any name). A text that
    `sections` can split may be compared line by line before parsing. `identity` marks kinds whose items name a device
    or feed the verdict: a diff must read them even where both sides are equal.
    """

    kind: str
    parse: Parse
    planes: tuple[Plane, ...] = ()
    head: Pattern[str] | None = None
    members: tuple[str, ...] = ()
    sections: Callable[[str], list[Section]] | None = None
    identity: bool = False


BDF = re.compile(r"\b(?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[0-1][0-9a-fA-F]\.[0-7]\b")
"""A PCI address, with or without its domain (Linux prints a domain in four digits, or more on some machines)."""


HEADING = "text.heading"
"""Evidence kind of lines that only give structure: kept for pasted texts, where every line is accounted for."""


def heading(device: str, line: str) -> Evidence:
    """Keep a line that only gives structure (a title, a table's head, a rule), so that every line is accounted for."""
    return Evidence(HEADING, device, line.strip())


def unparsed(text: str, first: int = 1) -> Iterator[Unparsed]:
    """Keep every line of a text that is not blank; `first` is the number of its first line."""
    for number, line in enumerate(text.split("\n"), first):
        if line.strip():
            yield Unparsed(number, line)
