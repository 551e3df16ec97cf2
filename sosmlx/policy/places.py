"""What is wrong with a policy, and where: the file, the line, the nth table, the key, and what may have been meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from typing import Callable

from sosmlx.errors import InputError
from sosmlx.policy.toml_lines import Table, tables

MAX_TOLD = 5
"""So many problems of one document are told; the others are counted."""
MAX_TEXT = 10_000

HINT = "nothing was judged; mend the policy and run again (`sosmlx schema policy` shows what one can hold)"


class Problems:
    """What was found wrong with a policy and the files that it includes."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, place: str, words: str) -> None:
        """Note a problem at a place (`FILE:LINE: 2nd [[rule]]`)."""
        self._found.append(f"{place}: {words}")

    @property
    def told(self) -> bool:
        """Whether as many were found as are told: what may have been meant by the next needs no search."""
        return len(self._found) >= MAX_TOLD

    def settle(self) -> None:
        """Raise InputError with what was found, where something was."""
        if self._found:
            rest = len(self._found) - MAX_TOLD
            more = f"; and {rest} more problem{'s' if rest > 1 else ''}" if rest > 0 else ""
            raise InputError("; ".join(self._found[:MAX_TOLD]) + more, HINT)


@dataclass(frozen=True)
class Place:
    """Where a table stands: its file, its line, the lines of its keys, and the words for it."""

    file: str
    line: int
    keys: Mapping[str, int] = field(default_factory=dict)
    words: str = ""

    @property
    def where(self) -> str:
        """FILE:LINE."""
        return f"{self.file}:{self.line}"

    def at(self, key: str = "") -> str:
        """Say where a key of the table is, or the table itself."""
        return f"{self.file}:{self.keys.get(key, self.line)}" + (f": {self.words}" if self.words else "")


class Places:
    """Where the tables of one document are, by name and number."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._tables = tables(text)
        self._heads: dict[str, list[int]] = {}
        for at, table in enumerate(self._tables):
            if len(table.path) == 1:
                self._heads.setdefault(table.path[0], []).append(at)
        heads = {name: self._tables[found[0]].line for name, found in self._heads.items()}
        self.top = Place(file, 1, {**heads, **self._tables[0].keys})

    def row(self, kind: str, number: int, label: str = "") -> Place:
        """Find the nth (from 0) `[[kind]]`; of rows that a list holds in one line, the line of the list is told."""
        heads = self._heads.get(kind, [])
        words = f"{nth(number + 1)} [[{kind}]]" + (f" `{label}`" if label else "")
        if number < len(heads):
            head = self._tables[heads[number]]
            return Place(self._file, head.line, head.keys, words)
        return Place(self._file, self.top.keys.get(kind, 1), {}, words)

    def inner(self, kind: str, number: int, name: str, index: int, label: str = "") -> Place:
        """Find the table `name` (the one at `index`) within the nth `[[kind]]`, however it is written."""
        outer = self.row(kind, number, label)
        words = f"{outer.words}, {nth(index + 1)} `{name}`" if index else f"{outer.words}, `{name}`"
        found = self._within(kind, number, name)
        if index < len(found):
            return Place(self._file, found[index].line, found[index].keys, words)
        return Place(self._file, outer.keys.get(name, outer.line), {}, words)

    def _within(self, kind: str, number: int, name: str) -> list[Table]:
        heads = self._heads.get(kind, [])
        if number >= len(heads):
            return []
        end = heads[number + 1] if number + 1 < len(heads) else len(self._tables)
        return [table for table in self._tables[heads[number] : end] if table.path == (kind, name)]


class Row:
    """One table of a document: hands out its keys by type, and notes what is wrong with them."""

    def __init__(self, table: Mapping[str, object], place: Place, problems: Problems) -> None:
        self.table = table
        self.place = place
        self._problems = problems

    def wrong(self, key: str, words: str) -> None:
        """Note a problem with a key."""
        self._problems.add(self.place.at(key), words)

    def known(self, names: Iterable[str]) -> list[str]:
        """Note every key that is not one of these; returns the known ones that may have been meant."""
        known = list(names)
        strange = [key for key in self.table if key not in known]
        for number, key in enumerate(strange):  # the nearest is looked for as long as it can still be told
            self.wrong(key, f"unknown key `{key[:80]}`{meant(key, known) if number < MAX_TOLD else ''}")
        return [word for key in strange[:MAX_TOLD] for word in nearest(key, known)]

    def text(self, key: str, *, required: bool = False) -> str:
        """Take a text; empty where it is missing or none."""
        value = self.table.get(key, "")
        if not isinstance(value, str):
            self.wrong(key, f"`{key}` must be a text in quotes")
        elif len(value) > MAX_TEXT:
            self.wrong(key, f"`{key}` is longer than {MAX_TEXT} characters")
        elif required and not value.strip():
            self.wrong(key, f"`{key}` is missing" if key not in self.table else f"`{key}` is empty")
        else:
            return value
        return ""

    def words(self, key: str) -> tuple[str, ...]:
        """Take a text, or a list of texts."""
        value = self.table.get(key, [])
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(item, str) and item for item in found):
            self.wrong(key, f"`{key}` must be a text in quotes, or a list of such texts")
            return ()
        if key in self.table and not found:
            self.wrong(key, f"`{key}` is an empty list; leave it out")
        return tuple(found)

    def choice(self, key: str, allowed: Iterable[str], default: str = "") -> str:
        """Take one word out of a closed list."""
        value, words = self.table.get(key, default), list(allowed)
        if key in self.table and value not in words:
            near = meant(value, words) if isinstance(value, str) else ""
            self.wrong(key, f"`{key}` must be one of {', '.join(words)}{near}")
            return default
        return str(value)

    def choices(self, key: str, allowed: Iterable[str]) -> tuple[str, ...]:
        """Take words out of a closed list."""
        found, words = self.words(key), list(allowed)
        for word in found:
            if word not in words:
                self.wrong(key, f"`{key}` holds {word[:80]!r}, which is none of {', '.join(words)}{meant(word, words)}")
        return found

    def flag(self, key: str, default: bool = False) -> bool:
        """Take true or false."""
        value = self.table.get(key, default)
        if not isinstance(value, bool):
            self.wrong(key, f"`{key}` must be true or false, without quotes")
            return default
        return value

    def day(self, key: str) -> date | None:
        """Take a date."""
        value = self.table.get(key)
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        self.wrong(
            key,
            f"`{key}` must be a date without quotes and without a time, as in {key} = 2026-12-31"
            if key in self.table
            else f"`{key}` is missing",
        )
        return None

    def rows(self, key: str) -> list[Mapping[str, object]]:
        """Take a list of tables."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.wrong(key, f"`{key}` must be a list of tables: [[{key}]], with two brackets")
            return []
        return value

    def read(self, key: str, reader: Callable[[object], object]) -> object:
        """Take a key through a reader that raises ValueError with what was expected; None where it does."""
        try:
            return reader(self.table[key])
        except ValueError as error:
            self.wrong(key, f"`{key}`: {error}")
            return None


def meant(word: str, known: Iterable[str]) -> str:
    """Ask whether the nearest known word was meant; empty where none is near.

    >>> meant("facett", ["facet", "name"]), meant("x", ["facet"])
    ('; did you mean `facet`?', '')
    """
    return "".join(f"; did you mean `{near}`?" for near in nearest(word, known))


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Find the known word that is nearest; empty where none is near."""
    return get_close_matches(word[:80], list(known), 1, 0.6)


def nth(number: int) -> str:
    """Spell an ordinal.

    >>> [nth(number) for number in (1, 2, 3, 11, 22, 113)]
    ['1st', '2nd', '3rd', '11th', '22nd', '113th']
    """
    tail = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{tail}"
