"""Regular expressions that cannot run away: a plain subset of Python's, matched in time linear in the text.

A pattern becomes states of which each character of the text is shown to all that are alive (Thompson's construction, as
RE2 does it); nothing is tried twice, so no pattern of a policy can make a check hang. What needs backtracking
(references, look-around) or is easily mistaken (lazy and possessive repeats, flags, anchors) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple, Union

MAX_PATTERN = 500
MAX_REPEAT = 200
MAX_STATES = 5000
MAX_DEPTH = 20

Test = Callable[[str], bool]


class _One(NamedTuple):
    test: Test


class _Repeat(NamedTuple):
    inner: Node
    low: int
    high: int | None


class _Chain(NamedTuple):
    parts: tuple[Node, ...]


class _Choice(NamedTuple):
    parts: tuple[Node, ...]


Node = Union[_One, _Repeat, _Chain, _Choice]

_CLASSES = frozenset("dDsSwW")
_PLAIN = {"n": "\n", "t": "\t", "r": "\r"}
_BOUNDS = re.compile(r"\{(?:([0-9]+)|([0-9]*),([0-9]*))\}", re.ASCII)
_DOUBLED = ("--", "&&", "~~", "||")
"""Python means to give these a meaning of their own in sets."""


class Pattern:
    """A compiled pattern. Raises ValueError, in words for its author, for what is no pattern or none of ours."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_PATTERN:
            raise ValueError(f"it is longer than {MAX_PATTERN} characters")
        self._tests: list[Test] = []
        self._next: list[list[int]] = []
        self._empty: list[list[int]] = []
        self._end = self._state()
        self._start = self._build(_Parser(text).all(), self._end)

    def fullmatch(self, text: str) -> bool:
        """Whether the whole of a text matches.

        >>> Pattern("0000:(3b|af):00[.][0-7]").fullmatch("0000:3b:00.1"), Pattern("E").fullmatch("ETH")
        (True, False)
        """
        alive = self._closure([self._start])
        for character in text:
            alive = self._closure(
                after for state in alive if self._next[state] and self._tests[state](character)
                for after in self._next[state]
            )  # fmt: skip
            if not alive:
                return False
        return self._end in alive

    def _closure(self, states: Iterable[int]) -> set[int]:
        found: set[int] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state not in found:
                found.add(state)
                waiting += self._empty[state]
        return found

    def _state(self) -> int:
        if len(self._tests) >= MAX_STATES:
            raise ValueError("it repeats too much")
        self._tests.append(_never)
        self._next.append([])
        self._empty.append([])
        return len(self._tests) - 1

    def _build(self, node: Node, after: int) -> int:
        """Add the states of a part that goes on to the state `after`; returns where it begins."""
        if isinstance(node, _One):
            state = self._state()
            self._tests[state] = node.test
            self._next[state].append(after)
            return state
        if isinstance(node, _Chain):
            for part in reversed(node.parts):
                after = self._build(part, after)
            return after
        if isinstance(node, _Choice):
            state = self._state()
            self._empty[state] = [self._build(part, after) for part in node.parts]
            return state
        return self._repeat(node, after)

    def _repeat(self, node: _Repeat, after: int) -> int:
        if node.high is None:
            loop = self._state()
            self._empty[loop] = [self._build(node.inner, loop), after]
            after = loop
        else:
            end = after
            for _ in range(node.high - node.low):
                state = self._state()
                self._empty[state] = [self._build(node.inner, after), end]
                after = state
        for _ in range(node.low):
            after = self._build(node.inner, after)
        return after


@lru_cache(maxsize=1024)
def compiled(text: str) -> Pattern:
    """Compile a pattern once. Raises ValueError as `Pattern` does."""
    return Pattern(text)


class _Parser:
    """A recursive descent through the text of a pattern."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def all(self) -> Node:
        node = self._choice()
        if self._at < len(self._text):
            raise ValueError(f"the `{self._text[self._at]}` at character {self._at + 1} closes nothing")
        return node

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        found = self._peek()
        if not found:
            raise ValueError("it ends too early")
        self._at += 1
        return found

    def _choice(self) -> Node:
        parts = [self._chain()]
        while self._peek() == "|":
            self._at += 1
            parts.append(self._chain())
        return parts[0] if len(parts) == 1 else _Choice(tuple(parts))

    def _chain(self) -> Node:
        parts: list[Node] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated())
        return _Chain(tuple(parts))

    def _repeated(self) -> Node:
        node = self._atom()
        bounds = self._bounds()
        if bounds is None:
            return node
        if self._peek() in ("*", "+", "?") or _BOUNDS.match(self._text, self._at):
            raise ValueError(f"the repeat at character {self._at + 1} repeats a repeat")
        return _Repeat(node, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if self._peek() in simple:
            return simple[self._take()]
        match = _BOUNDS.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        low = int(match[1] or match[2] or 0)
        high = low if match[1] else int(match[3]) if match[3] else None
        if max(low, high or 0) > MAX_REPEAT or (high is not None and high < low):
            raise ValueError(f"the repeat `{match[0]}` is not between 0 and {MAX_REPEAT}, from low to high")
        return low, high

    def _atom(self) -> Node:
        where, character = self._at + 1, self._take()
        if character == "(":
            return self._group()
        if character == "[":
            return _One(self._set())
        if character == ".":
            return _One(_any)
        if character == "\\":
            return _One(self._escape())
        if character in "*+?^$" or (character == "{" and _BOUNDS.match(self._text, self._at - 1)):
            raise ValueError(f"the `{character}` at character {where} stands for itself only as `\\{character}`")
        return _One(_is(character))

    def _group(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ValueError(f"it has groups in more than {MAX_DEPTH} groups")
        if self._peek() == "?":
            if not self._text.startswith("?:", self._at):
                raise ValueError(f"the group at character {self._at} is none of `(…)` and `(?:…)`")
            self._at += 2
        node = self._choice()
        if self._peek() != ")":
            raise ValueError("a group is not closed")
        self._at += 1
        self._depth -= 1
        return node

    def _escape(self) -> Test:
        character = self._take()
        if character in _CLASSES:
            pattern = re.compile(f"\\{character}")
            return lambda text: pattern.match(text) is not None
        return _is(self._literal(character))

    def _literal(self, character: str) -> str:
        if character in _PLAIN:
            return _PLAIN[character]
        if character.isalnum():
            raise ValueError(f"`\\{character}` is not known here")
        return character

    def _set(self) -> Test:
        """Read `[…]`: single characters, ranges and classes, all of which `^` turns round."""
        turned = self._peek() == "^"
        self._at += turned
        tests: list[Test] = []
        first = True
        while first or self._peek() != "]":
            tests.append(self._member())
            first = False
        self._at += 1
        found = tuple(tests)
        return lambda text: any(test(text) for test in found) is not turned

    def _member(self) -> Test:
        where, character = self._at + 1, self._take()
        if character == "[" or self._text.startswith(_DOUBLED, where - 1):
            raise ValueError(f"the `{character}` at character {where} stands in a set only as `\\{character}`")
        if character == "\\" and self._peek() in _CLASSES and self._peek():
            return self._escape()
        low = self._literal(self._take()) if character == "\\" else character
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return _is(low)
        return self._range(low)

    def _range(self, low: str) -> Test:
        self._at += 1
        where, character = self._at + 1, self._take()
        if character in "-[":
            raise ValueError(f"the `{character}` at character {where} stands in a set only as `\\{character}`")
        high = self._literal(self._take()) if character == "\\" else character
        if high < low:
            raise ValueError(f"the range `{low}-{high}` is empty")
        return lambda text: low <= text <= high


def _never(_: str) -> bool:
    return False


def _any(text: str) -> bool:
    return text != "\n"


def _is(wanted: str) -> Test:
    return lambda text: text == wanted
