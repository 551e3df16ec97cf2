"""What is equal on both sides cancels before it is parsed: equality of bytes is equality of settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Callable

from sosmlx.errors import InputError
from sosmlx.normalise import Reduced
from sosmlx.parsers import PARSERS
from sosmlx.parsers.spec import Section
from sosmlx.parsers.ticket import decode, decode_paste
from sosmlx.record import HOST, Bundle, Outcome, Record

Rest = dict[str, Reduced]
"""Record id → what is left to parse of it; a record that is not in here is parsed as it is."""


def cancel(left: Bundle, right: Bundle, same_place: Mapping[str, bool]) -> tuple[Rest, Rest]:
    """Find what cancels between two bundles.

    `same_place` tells of each function's address whether it names the same device on both sides: equal records of an
    address say nothing where two cards changed places.
    """
    if left.is_text and right.is_text:
        return _texts(left.records, right.records)
    if left.is_text or right.is_text:
        return {}, {}
    return _records(left.records, right.records, same_place)


_HEAD = "Configurations:"

SHARED = ("CQE_COMPRESSION", "SWP_L4_CHECKSUM_MODE")
"""Parameters of which devlink tells under the same name: what one reader says is not the whole."""

Cell = tuple[str, str]


def _records(left: Sequence[Record], right: Sequence[Record], same_place: Mapping[str, bool]) -> tuple[Rest, Rest]:
    """Cancel whole records; the records that tell about one plane of one device cancel together or not at all."""
    others = {_place(record): record for record in right}
    pairs = [(record, others.get(_place(record))) for record in left]
    places = {_place(record) for record in left}
    unequal = {
        cell
        for one, other in pairs
        if not _equal(one, other) or not (one.function == HOST or same_place.get(one.function))
        for cell in _cells(one)
    }
    unequal |= {cell for record in right if _place(record) not in places for cell in _cells(record)}
    crowded = _crowded(left) | _crowded(right)
    rests: tuple[Rest, Rest] = ({}, {})
    for one, other in pairs:
        parser = PARSERS.get(one.kind)
        if other is None or parser is None or parser.identity or parser.together:
            continue
        if _equal(one, other) and all(cell not in unequal for cell in _cells(one)):
            rests[0][one.id] = rests[1][other.id] = _whole(one, parser.sections)
        elif parser.sections is not None and not crowded.intersection(_cells(one)) and same_place.get(one.function):
            reduced = _part(one, other, parser.sections)
            if reduced is not None:
                rests[0][one.id], rests[1][other.id] = reduced
    return rests


Split = Callable[[str], "list[Section]"]


def _crowded(records: Sequence[Record]) -> set[Cell]:
    """Return the planes of devices that several records tell about: lines of one say nothing without the others."""
    counts = Counter(cell for record in records for cell in set(_cells(record)))
    return {cell for cell, count in counts.items() if count > 1}


def _whole(record: Record, split: Split | None) -> Reduced:
    """Leave of a record that is equal on both sides what says more than its settings."""
    text = decode(record.data) if split else ""
    found = _sections(text, text, split) if split else None
    count = sum(found[0].equal.values()) if found else 1
    return Reduced(found[0].text if found else None, {record.function: count})


def _part(one: Record, other: Record, split: Split) -> tuple[Reduced, Reduced] | None:
    """Cancel the equal lines of a record that tells alone about its plane, and differs."""
    if not one.outcome is other.outcome is Outcome.COLLECTED:
        return None
    found = _sections(decode(one.data), decode(other.data), split)
    if found is None:
        return None
    left, right = (Reduced(side.text, {one.function: sum(side.equal.values())}) for side in found)
    return left, right


def _place(record: Record) -> tuple[str, ...]:
    return (record.kind, record.subject, *record.target)


def _cells(record: Record) -> list[Cell]:
    parser = PARSERS.get(record.kind)
    return [(record.function, plane) for plane in (*parser.planes, *parser.tells)] if parser else []


def _equal(one: Record, other: Record | None) -> bool:
    return other is not None and one.outcome is other.outcome is Outcome.COLLECTED and one.data == other.data


def _texts(left: Sequence[Record], right: Sequence[Record]) -> tuple[Rest, Rest]:
    """Cancel the equal lines of each device's section, in kinds whose rows may come in any order."""
    rests: tuple[Rest, Rest] = ({}, {})
    for kind in sorted({record.kind for record in left}):
        parser = PARSERS.get(kind)
        ones, others = ([record for record in side if record.kind == kind] for side in (left, right))
        if parser is None or parser.sections is None or len(ones) != 1 or len(others) != 1:
            continue
        try:
            texts = [decode_paste(record.data, record.path) for record in (ones[0], others[0])]
        except InputError:
            continue
        reduced = _sections(texts[0], texts[1], parser.sections)
        if reduced:
            rests[0][ones[0].id], rests[1][others[0].id] = reduced
    return rests


def _sections(left: str, right: str, split: Split) -> tuple[Reduced, Reduced] | None:
    ones = split(left)
    others = ones if left == right else split(right)
    pairs = _pairs(ones, others)
    if pairs is None:
        return None
    texts: tuple[list[str], list[str]] = ([], [])
    equal: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for one, other in pairs:
        rest_one, rest_other, count = _lines(one, other)
        for side, section, rest in ((0, one, rest_one), (1, other, rest_other)):
            texts[side].append(section.head + rest)
            equal[side][section.key] = count
    return Reduced("".join(texts[0]), equal[0]), Reduced("".join(texts[1]), equal[1])


def _pairs(ones: Sequence[Section], others: Sequence[Section]) -> list[tuple[Section, Section]] | None:
    """Pair the sections of two texts by device; None where that is not one to one and everything must be parsed."""
    if len(ones) == len(others) == 1:
        return [(ones[0], others[0])]
    by_key = {section.key: section for section in others}
    keys = [section.key for section in ones]
    if len(by_key) != len(others) or len(set(keys)) != len(ones) or set(keys) != set(by_key) or not ones:
        return None
    return [(section, by_key[section.key]) for section in ones]


def _lines(one: Section, other: Section) -> tuple[str, str, int]:
    """Return the lines that must be parsed of each side, as texts, and the number of lines that cancelled.

    Columns are named in the head, so equal lines mean equal settings only under equal heads.
    """
    columns = _columns(one.head)
    if not columns or columns != _columns(other.head):
        return one.body, other.body, 0
    rows = _Rows(columns)
    aligned = _last_line(one.head) == _last_line(other.head)
    lines = _split(one.body, aligned)
    others = lines if one.body == other.body else _split(other.body, aligned)
    for side in (lines,) if others is lines else (lines, others):
        rows.read(side)
        if rows.repeats(side):
            return one.body, other.body, 0  # a name that occurs twice: which row counts depends on their order
    whole = rows.whole if others is lines else rows.whole.intersection(set(lines).intersection(others))
    whole -= {_last_row(lines), _last_row(others)}
    left = [line for line in lines if line not in whole]
    right = left if others is lines else [line for line in others if line not in whole]
    return "\n".join(left) + "\n", "\n".join(right) + "\n", len(whole)


def _last_row(lines: Sequence[str]) -> str:
    return next((line for line in reversed(lines) if line.strip()), "")


def _last_line(head: str) -> str:
    return head.rstrip("\n").rpartition("\n")[2]


def _split(body: str, aligned: bool) -> list[str]:
    """Split into lines; where columns stand at other places on each side, blanks at both ends do not count."""
    lines = body.split("\n")
    return lines if aligned else [line.strip() for line in lines]


class _Rows:
    """What lines under one head say: their names, and which of them may cancel.

    A line may cancel that is a whole row of which nothing waits for a reset. Everything else stays where it is: a
    footer ends the rows, an elision, a cut row or an array without its elements decides what silence means. The last
    row stays, too: it may be cut, and it tells that there are any.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = columns
        self.names: dict[str, str] = {}
        self.whole: set[str] = set()

    def read(self, lines: Sequence[str]) -> None:
        """Take in lines: one loop, in which no list outlives its turn, since there may be a million of them."""
        names, whole = self.names, self.whole
        length, pending = len(self.columns) + 1, "current" in self.columns and "next" in self.columns
        for line in lines:
            if line in names:
                continue
            words = line.split()
            if words and words[0][0] == "*":
                words = words[1:] if words[0] == "*" else [bare for word in words if (bare := word.lstrip("*"))]
            names[line] = name = words[0] if words else ""
            if len(words) == length and (not pending or words[-1] == words[-2]) and _is_name(name):
                last = words[-1]
                if "[" not in last and ("(" not in last or last[-1] == ")"):
                    whole.add(line)

    def repeats(self, lines: Sequence[str]) -> bool:
        """Whether a name occurs twice in a section."""
        names = [name for name in map(self.names.__getitem__, lines) if name]
        return len(set(names)) != len(names)


@lru_cache(maxsize=8192)
def _is_name(name: str) -> bool:
    """Whether this is a name for the parser, too; stricter: what it would take beside this is parsed on both sides."""
    begin = name[:2]
    plain = begin.isupper() and begin.isalnum() and "_" in name and name.isidentifier() and name.isascii()
    return plain and name not in SHARED


def _columns(head: str) -> list[str]:
    """Name the columns of a head, in the words of facets: `Next Boot` is one."""
    return head.rpartition(_HEAD)[2].lower().replace("next boot", "next").split() if _HEAD in head else []
