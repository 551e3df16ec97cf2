"""devlink's plain text, read into the same objects that `devlink -j` prints.

Format: iproute2 `devlink/devlink.c` 5.10 to 7.x: a handle with a colon, then `name value` pairs, objects and arrays
under a `name:` line. Indentation differs between releases and is lost in tickets, so words decide, not columns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Callable, NamedTuple

from sosmlx.model import Evidence, Item, Unparsed
from sosmlx.parsers.spec import heading

HANDLE = r"[A-Za-z][\w.+-]+/[^\s/]+(?:/[^\s/]+)?"
"""`BUS/NAME`, `BUS/NAME/PORT`, or a rate node or region in the port's place."""

_HANDLE = re.compile(HANDLE + r"\Z")
_SECTION = re.compile(r"([a-z][\w.]*):\Z")
_NICE = re.compile(r"[\w.@-]+:\Z")
_KEY = re.compile(r"[a-z][\w-]*\Z")
_VERSION = re.compile(r"[a-z][\w.-]*\Z")
_TOKEN = re.compile(r"<[^<>]*>|\[[^\[\]]*\]|\S+")
_VALUE = re.compile(r"\s*cmode[ \t]+(?P<cmode><[^<>]*>|\S+)(?:[ \t]+value(?P<value>(?:[ \t].*)?))?\s*\Z")
_REWRITES = ((re.compile(r"\b(tc_\d+) bw\b"), r"\1"), (re.compile(r"\bcell size\b"), "cell_size"))
"""Pairs whose name in text has two words."""

_MESSAGE = re.compile(
    r"(?:(?:kernel|devlink) answers:|netlink (?:error|warning):|[Ee]rror\b|Failed to |Unknown |Wrong |Usage: "
    r"|(?:Object|Command|Device|Port) \S+ not found"
    r"|.*(?:No data available|Operation not (?:supported|permitted)|No such device|Invalid argument)\Z)"
)
_PROMPT = re.compile(r"(?:.{0,80}[#$%>][ \t]*)?(?:sudo )?(?:/[\w./-]+/)?devlink(?: -\S+)* [a-z]+(?: |\Z)")

# How deep a section lies: its place does not depend on how a ticket indents it. Others nest by their columns.
_LEVELS = {
    "versions": 1, "fixed": 2, "running": 2, "stored": 2, "values": 1, "function": 1, "metadata": 1, "stats": 1,
    "supported_types": 1, "reload": 2, "remote_reload": 2, "rx": 2, "driver_reinit": 3, "fw_activate": 3,
    "dpipe_tables": 1,
}  # fmt: skip
_WORDS = ("metadata", "supported_types")
_ARRAYS = ("values", "dpipe_tables")


class Listed(list[str]):
    """The words of an array that the text prints: `[1 2]`, or lines of words."""


class Block(NamedTuple):
    """One handle with its objects: one, or as many as the command lists for it."""

    handle: str
    entries: list[dict[str, object]]


def names(words: str) -> frozenset[str]:
    """Make a set of names from a line of them."""
    return frozenset(words.split())


class Grammar(NamedTuple):
    """How one command prints: the names of its pairs, and the name that begins each object of a list.

    `loose` values reach to the line's end, `nested` objects hold objects, `nice` handles may be interface names,
    `bare` words are a list.
    """

    keys: frozenset[str]
    entry: tuple[str, ...] = ()
    loose: bool = False
    nested: bool = False
    nice: bool = False
    bare: bool = False


class _Open(NamedTuple):
    """A section that further lines belong to."""

    name: str
    level: int
    indent: int
    target: dict[str, object]


@dataclass
class _Reader:
    grammar: Grammar
    named: Callable[[str], str]
    device: str
    blocks: list[Block] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    path: list[_Open] = field(default_factory=list)
    entries: list[tuple[int, dict[str, object]]] = field(default_factory=list)
    indent: int = -1
    waiting: tuple[int, str, str] | None = None
    before: int = 0
    listing: int = 0

    def line(self, number: int, line: str) -> None:
        """Take one line that is not blank."""
        words = line.split()
        indent = len(line) - len(line.lstrip())
        bare = " ".join(words)
        first = words[0].rstrip(":")
        if self._is_handle(words) and not (self._within("nested_devlink") and indent > self.path[-1].indent):
            self._open_block(first, line, indent)
            self.listing = number
            if len(words) > 1 and not self._pairs(number, line, bare.partition(" ")[2], indent + 1):
                self.items.append(Unparsed(number, line))
        elif _HANDLE.match(first) and self._within("nested_devlink"):
            self.path[-1].target[first] = dict(zip(words[1::2], words[2::2]))
            self.items.append(heading(self.device, line))
        elif not (
            (len(words) == 1 and self._section(number, words[0], line, indent))
            or self._value(line)
            or self._words(number, words, indent)
            or (self.grammar.loose and not message("", bare) and self._version(words, line, indent))
            or self._pairs(number, line, bare, indent)
        ):
            self.items.append(message(self.device, bare) or Unparsed(number, line))

    def end(self) -> None:
        """Account for a name whose value never came."""
        if self.waiting is not None:
            self.items.append(Unparsed(*self.waiting[:2]))
            self.waiting = None

    def _is_handle(self, words: list[str]) -> bool:
        first = words[0]
        if self.grammar.nice and len(words) == 1 and _NICE.match(first):
            return True
        return bool(_HANDLE.match(first.rstrip(":"))) and (first.endswith(":") or len(words) == 1)

    def _within(self, name: str) -> bool:
        return bool(self.path) and self.path[-1].name == name

    def _open_block(self, handle: str, line: str, indent: int) -> None:
        self.end()
        self.blocks.append(Block(handle, [] if self.grammar.entry else [{}]))
        self.path, self.entries, self.indent, self.device = [], [], indent, self.named(handle)
        self.items.append(heading(self.device, line.split()[0]))

    def _target(self) -> dict[str, object] | None:
        """Find the object that pairs go to now; among nested instances stand handles only."""
        if self._within("nested_devlink"):
            self.path.pop()
        if self.path:
            return self.path[-1].target
        if self.grammar.entry:
            return self.entries[-1][1] if self.entries else None
        if not self.blocks:
            self.blocks.append(Block("", [{}]))
        return self.blocks[-1].entries[0]

    def _section(self, number: int, word: str, line: str, indent: int) -> bool:
        match = _SECTION.match(word)
        if match is None or not self.blocks:
            return False
        name = match[1]
        if self.grammar.nested and name == "resources":
            self.path = []
            self.items.append(heading(self.device, line))
            return True
        level = _LEVELS.get(name, 0)
        if name == "nested_devlink":
            level = 2 if any(part.name == "function" for part in self.path) else 1
        if not level and indent <= self.indent:
            return False
        self.end()
        if self._within("nested_devlink"):
            self.path.pop()
        while self.path and (self.path[-1].level >= level if level else self.path[-1].indent >= indent):
            self.path.pop()
        target = self._target()
        if target is None:
            return False
        empty: object = [] if name in _ARRAYS else Listed() if name in _WORDS else {}
        inner = target.setdefault(name, empty)
        if type(inner) is not type(empty) or (name in _WORDS and inner):
            return False
        self.listing = number if name in _WORDS else self.listing
        below = inner if isinstance(inner, dict) else target
        self.path.append(_Open(name, level or len(self.path) + 1, indent, below))
        self.items.append(heading(self.device, line))
        return True

    def _value(self, line: str) -> bool:
        """Read `cmode MODE [value VALUE] [default VALUE]`; a string may be empty or hold blanks."""
        match = _VALUE.match(line)
        if match is None or not self.entries:
            return False
        found: dict[str, object] = {name: value for name, value in match.groupdict().items() if value is not None}
        if "value" in found:
            value, has_default, default = f"{match['value']} ".partition(" default ")
            found["value"] = value.strip()
            if has_default:
                found["default"] = default.strip()
        values = self.entries[-1][1].setdefault("values", [])
        if isinstance(values, list):
            values.append(found)
        self.items.append(heading(self.device, line))
        return True

    def _words(self, number: int, words: list[str], indent: int) -> bool:
        """Read a line of words right below the name of a list of them."""
        name = self.path[-1].name if self.path else ""
        target = self._target() if name in _WORDS or (self.grammar.bare and not name and self.blocks) else None
        if target is None or self.listing != self.before or words[0] in self.grammar.entry or indent <= self.indent:
            return False
        listed = target.setdefault(name, Listed())
        if isinstance(listed, Listed):
            listed += words
        self.listing = number
        return isinstance(listed, Listed)

    def _version(self, words: list[str], line: str, indent: int) -> bool:
        """Read a name whose value is the rest of the line."""
        name, target, inside = words[0], self._target(), indent > self.indent >= 0
        named = name in self.grammar.keys or (bool(self.path) and (len(words) > 1 or "." in name))
        new = inside and len(words) == 2 and not self.path
        if target is None or not _VERSION.match(name) or not (new or (named and (inside or len(words) <= 2))):
            return False
        value = line.strip()[len(name) :].strip()
        return target.setdefault(name, value) == value

    def _pairs(self, number: int, line: str, bare: str, indent: int) -> bool:
        """Read `name value name value`; a line that was wrapped may begin with the value of the last name before it."""
        text = bare
        for pattern, name in _REWRITES:
            text = pattern.sub(name, text)
        words = _TOKEN.findall(text)
        if self.waiting is not None and self._take(number, line, [self.waiting[2], *words], indent):
            self.items.append(heading(self.device, line))
            return True
        self.end()
        entered = bool(words) and words[0] in self.grammar.entry
        if entered and self._plausible(words, indent):
            self._enter(indent)
        if not self._take(number, line, words, indent):
            return False
        if entered or text != bare:
            self.items.append(heading(self.device, line))
        return True

    def _plausible(self, words: list[str], indent: int) -> bool:
        """Tell the tool's pairs from chatter: further in than the handle half of the names are known, else all."""
        names = words[0::2]
        if not all(_KEY.match(name) for name in names):
            return False
        known = sum(name in self.grammar.keys for name in names)
        if len(words) % 2 and names[-1] not in self.grammar.keys:
            return False
        return known == len(names) or (indent > self.indent >= 0 and 2 * known >= len(names))

    def _take(self, number: int, line: str, words: list[str], indent: int) -> bool:
        if not self._plausible(words, indent):
            return False
        target = self._target()
        if target is None:
            return False
        if self.path and self.path[-1].name == "dpipe_tables" and words[0] != "table_name":
            self.path.pop()
        tables = target.get("dpipe_tables")
        if words[0] == "table_name" and isinstance(tables, list):
            tables.append({"table_name": words[1] if len(words) > 1 else ""})
            self.items.append(heading(self.device, line))
            return True
        found = {name: _value_of(value) for name, value in zip(words[0::2], words[1::2])}
        if any(target.get(name, value) != value for name, value in found.items()):
            return False
        target.update(found)
        self.waiting = (number, line, words[-1]) if len(words) % 2 else None
        return True

    def _enter(self, indent: int) -> None:
        """Begin an object of a list; one that is further in belongs to the last one that is further out."""
        self.path = []
        if not self.blocks:
            self.blocks.append(Block("", []))
        while self.entries and (not self.grammar.nested or self.entries[-1][0] >= indent):
            self.entries.pop()
        entry: dict[str, object] = {}
        siblings = self.entries[-1][1].setdefault("resources", []) if self.entries else self.blocks[-1].entries
        if isinstance(siblings, list):
            siblings.append(entry)
        self.entries.append((indent, entry))


def _value_of(word: str) -> object:
    return Listed(word[1:-1].split()) if word.startswith("[") and word.endswith("]") else word


def message(device: str, bare: str) -> Item | None:
    """Tell what a line is that is no part of an answer: an error message, the command itself, or neither."""
    if _PROMPT.match(bare):
        return heading(device, bare)
    return Evidence("tool.message", device, bare) if _MESSAGE.match(bare) else None


def read_text(text: str, grammar: Grammar, named: Callable[[str], str]) -> tuple[list[Block], list[Item]]:
    """Read a text into blocks, and the lines that are no settings; `named` tells the device of a handle, or of none."""
    reader = _Reader(grammar, named, named(""))
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            reader.line(number, line)
            reader.before = number
    reader.end()
    return reader.blocks, reader.items
