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

_ELLIPSES = ("...", "…", "snip")


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
    unequal = {
        cell
        for one, other in pairs
        if not _equal(one, other) or not (one.function == HOST or same_place.get(one.function))
        for cell in _cells(one)
    }
    unequal |= {cell for record in right for cell in _cells(record) if _place(record) not in {_place(r) for r in left}}
    rests: tuple[Rest, Rest] = ({}, {})
    for one, other in pairs:
        parser = PARSERS.get(one.kind)
        if other is None or parser is None or parser.identity or not _equal(one, other):
            continue
        if all(cell not in unequal for cell in _cells(one)):
            # Heads stay: they name the device.
            heads = "".join(section.head for section in parser.sections(decode(one.data))) if parser.sections else ""
            for rest, record in zip(rests, (one, other)):
                rest[record.id] = Reduced(heads or None, {record.function: 1})
    return rests


def _place(record: Record) -> tuple[str, ...]:
    return (record.kind, record.subject, record.path, *record.argv)


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
    """Return the lines that only one side has, as texts, and the number of lines that both have.

    Columns are named in the head, so equal lines mean equal settings only under equal heads. A line that says that rows
    were left out stays: it decides what a missing row means.
    """
    if _columns(one.head) != _columns(other.head):
        return one.body, other.body, 0
    if one.body == other.body:
        return _kept(one.body), _kept(other.body), sum(1 for line in one.body.split("\n") if line.strip())
    lines, others = ([line.strip() for line in section.body.split("\n")] for section in (one, other))
    if _repeats(lines) or _repeats(others):
        return one.body, other.body, 0  # a name that occurs twice: which row counts depends on their order
    mine, theirs = set(lines), set(others)
    if _elides(one.body) or _elides(other.body):
        stay = {line for line in mine & theirs if _elides(line)}
        mine, theirs = mine - stay, theirs - stay
    rest = [line for line in lines if line not in theirs]
    rest_other = [line for line in others if line not in mine]
    return "\n".join(rest) + "\n", "\n".join(rest_other) + "\n", sum(1 for line in lines if line and line in theirs)


def _repeats(lines: Sequence[str]) -> bool:
    names = [words[0] for words in (line.lstrip("* ").split(None, 1) for line in lines) if words]
    return len(set(names)) != len(names)


def _columns(head: str) -> list[str]:
    return head.rsplit("Configurations:", 1)[-1].split()


def _kept(body: str) -> str:
    if not _elides(body):
        return ""
    return "\n".join(line for line in body.split("\n") if _elides(line)) + "\n"


def _elides(text: str) -> bool:
    return any(mark in text for mark in _ELLIPSES)
