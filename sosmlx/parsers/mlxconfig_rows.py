"""The rows of an mlxconfig query: what is one, what is the rest of one that was cut, and what people write between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sosmlx.model import Evidence, Item, Setting, Unparsed
from sosmlx.parsers.shell import is_elision
from sosmlx.parsers.spec import ELIDED, heading, joined, unparsed
from sosmlx.parsers.values import flash

FOOTER = "The '*' shows parameters"
"""What ends the rows of a query that has something to show with a star."""

# Every parameter's name has an underscore, a digit or an index: a word of a sentence has none.
_NAME = re.compile(r"(?=[A-Za-z]*[0-9_\[])[A-Z][A-Z0-9][A-Za-z0-9_]*(?:\[[0-9]+(?:\.\.[0-9]+)?\])?\Z")
_BEGUN = re.compile(r"[A-Z][A-Z0-9]*\Z")
_WORDS = frozenset(("OK", "FYI", "EOF", "END", "DONE", "THX", "PS", "TODO", "NOTE"))
"""Words in capitals that people write below a query; others may be how a parameter's name begins."""

_MARKED = re.compile(r"\*\s*|RO\s+")
_PARTED = re.compile(r"(\S+)(\s*)(.*)", re.DOTALL)
_NO_GAP = re.compile(r"\s+|(?<=\))(?=[^\s)])")
_VALUE = re.compile(r"(?:-?[0-9]+|0x[0-9a-fA-F]+|N/A|[^\s()]+\([0-9a-fA-Fx-]+\)|Array\[[0-9.]+\])\Z")
_DIALOGUE = re.compile(r"(?:Apply new Configuration\?|Applying\.\.\.|-[IEW]- )")
# What a row, a dialogue's line, the footer or an elision begins with: a long text of anything else is read fast.
_TELLING = re.compile(r"^[^\S\n]*(?:[*.()\[\]<>…-]|[A-Z][A-Z0-9]|The '|Apply|snip)[^\n]*", re.MULTILINE)
_LONG = 34
"""A name of this length may fill its column but for one blank."""

_HEADLESS: dict[int, tuple[str, ...]] = {1: ("next",), 2: ("default", "next"), 3: ("default", "current", "next")}
"""Which columns a row without any header line has: the tool prints no other combination."""


class Columns(NamedTuple):
    """What the line above the rows says: the facets of its columns; `collapsed` where its blanks were made one."""

    names: tuple[str, ...] = ()
    collapsed: bool = False


class _Row(NamedTuple):
    """A parameter's name and its values; none where the line does not hold what its columns promise."""

    name: str
    values: dict[str, str]


def rows(text: str, first: int, device: str, columns: Columns) -> Iterator[Item]:
    """Yield what the rows below a head say; `first` is the number of their first line."""
    yield from joined(_rows(text, first, device, columns))


def remarks(text: str, first: int, device: str) -> Iterator[Item]:
    """Yield what stands below a head that no rows follow."""
    yield from joined(_remarks(text, first, device))


def _remarks(text: str, first: int, device: str) -> Iterator[Item]:
    for number, line in _told(text, first):
        yield _remark(number, line, device) if isinstance(line, str) else line


def _rows(text: str, first: int, device: str, columns: Columns) -> Iterator[Item]:
    last = first + text.rstrip().count("\n")
    ended = cut = False
    for number, line in _told(text, first):
        if isinstance(line, Unparsed):
            yield line
            continue
        stripped = line.strip()
        row = None if ended else _read(stripped, columns, number == last)
        if row is not None and row.values:
            yield from _row(device, row)
            continue
        if row is not None and not cut:
            cut = True
            yield Evidence(ELIDED, device, f"the row at line {number} was cut: {row.name}")
        ended = ended or stripped.startswith(FOOTER)
        yield _remark(number, line, device)


def _told(text: str, first: int) -> Iterator[tuple[int, str | Unparsed]]:
    """Yield number and text of each line that may tell something, and those between them as unknown."""
    number, at = first, 0
    for mark in _TELLING.finditer(text):
        between = text[at : mark.start()]
        yield from ((item.line, item) for item in unparsed(between, number))
        number += between.count("\n")
        yield number, mark[0]
        at = mark.end()
    yield from ((item.line, item) for item in unparsed(text[at:], number))


def _read(line: str, columns: Columns, last: bool) -> _Row | None:
    """Read a row, or what is left of one that was cut; None for a line that has not the shape of a row.

    >>> _read("NUM_OF_VFS      8", Columns(("next",)), False)
    _Row(name='NUM_OF_VFS', values={'next': '8'})
    >>> _read("* NUM_OF_VFS    8", Columns(("default", "next")), False), _read("OK thanks", Columns(("next",)), True)
    (_Row(name='NUM_OF_VFS', values={}), None)
    """
    mark = _MARKED.match(line)
    parted = _PARTED.match(line, mark.end() if mark else 0)
    if parted is None:
        return None
    name, blanks, rest = parted.groups()
    if not _NAME.match(name):
        begun = not rest and _BEGUN.match(name) and (mark or (len(name) > 1 and name not in _WORDS))
        return _Row(name, {}) if begun else None
    values = rest.split()
    if columns.names and len(values) != len(columns.names):
        values = [word for word in _NO_GAP.split(rest) if word]
    names = columns.names or _HEADLESS.get(len(values), ())
    fits = len(values) == len(names) > 0
    apart = not rest or len(blanks) > 1 or "\t" in blanks or columns.collapsed or len(name) >= _LONG
    if not apart and not (fits and all(_VALUE.match(value) for value in values)):
        return None
    whole = fits and apart and not _is_cut(values, last)
    return _Row(name, dict(zip(names, values)) if whole else {})


def _is_cut(values: list[str], last: bool) -> bool:
    """Whether the last value breaks off: in its brackets, or (in the text's last line) before them.

    >>> _is_cut(["False(0)", "True(1"], False), _is_cut(["False(0)", "Tr"], True), _is_cut(["IB", "ETH"], True)
    (True, True, False)
    """
    end = values[-1]
    if "(" in end and not end.endswith(")"):
        return True
    return last and end.isalpha() and any(value.endswith(")") for value in values)


def _row(device: str, row: _Row) -> Iterator[Item]:
    asked = row.values.pop("new", None)
    facets = tuple((facet, flash(raw)) for facet, raw in row.values.items())
    yield Setting(device, "nvconfig", row.name, "permanent", facets)
    if asked is not None:
        yield Evidence("nvconfig.set", device, f"{row.name}: {asked} was asked for")


def _remark(number: int, line: str, device: str) -> Item:
    """Tell what a line that is no row says: a dialogue's words, an elision, or nothing that we know."""
    stripped = line.strip()
    if is_elision(stripped):
        return Evidence(ELIDED, device, f"rows were left out at line {number}: {line.strip()}")
    if stripped.startswith(FOOTER):
        return heading(device, line)
    if _DIALOGUE.match(stripped):
        return Evidence("nvconfig.message", device, stripped, "medium" if stripped.startswith("-E-") else "info")
    return Unparsed(number, line)
