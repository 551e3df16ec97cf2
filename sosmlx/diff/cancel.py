"""What is equal on both sides cancels before it is parsed: equality of bytes is equality of settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    rests: tuple[Rest, Rest] = ({}, {})
    for one, other in pairs:
        parser = PARSERS.get(one.kind)
        if other is None or parser is None or parser.identity or parser.together or not _equal(one, other):
            continue
        if all(cell not in unequal for cell in _cells(one)):
            text = decode(one.data)
            found = _sections(text, text, parser.sections) if parser.sections else None
            left_over = found[0].text if found else None
            count = sum(found[0].equal.values()) if found else 1
            rests[0][one.id] = rests[1][other.id] = Reduced(left_over, {one.function: count})
    return rests


def _place(record: Record) -> tuple[str, ...]:
    return (record.kind, record.subject, *record.target)


def _cells(record: Record) -> list[Cell]:
    parser = PARSERS.get(record.kind)
    return [(record.function, plane) for plane in parser.planes] if parser else []


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


def _sections(left: str, right: str, split: Callable[[str], list[Section]]) -> tuple[Reduced, Reduced] | None:
    ones, others = split(left), split(right)
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
    if columns != _columns(other.head):
        return one.body, other.body, 0
    width, pending = len(columns), "current" in columns and "next" in columns
    lines, others = ([line.strip() for line in section.body.split("\n")] for section in (one, other))
    if _repeats(lines) or _repeats(others):
        return one.body, other.body, 0  # a name that occurs twice: which row counts depends on their order
    both = {line for line in set(lines) & set(others) if _cancels(line, width, pending)}
    rest = [line for line in lines if line not in both]
    rest_other = [line for line in others if line not in both]
    return "\n".join(rest) + "\n", "\n".join(rest_other) + "\n", len(both)


def _cancels(line: str, width: int, pending: bool) -> bool:
    """Whether a line that both sides have says nothing more: a whole row of which nothing waits for a reset.

    Everything else stays where it is: a footer ends the rows, an elision or a cut row decides what silence means.
    """
    words = line.split()
    if words and words[0] == "*":
        del words[0]
    whole = len(words) == width + 1 and words[0][:2].isupper()
    return whole and (not pending or words[-1] == words[-2])


def _repeats(lines: Sequence[str]) -> bool:
    names = [words[0] for words in (line.lstrip("* ").split(None, 1) for line in lines) if words]
    return len(set(names)) != len(names)


def _columns(head: str) -> list[str]:
    """Name the columns of a head, in the words of facets: `Next Boot` is one."""
    return head.rsplit("Configurations:", 1)[-1].lower().replace("next boot", "next").split()
