"""Where the tables of a TOML document stand in its text; `tomllib` tells what they hold, and no line.

The text must be one that `tomllib` has accepted: what is here only knows strings, comments and brackets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import tomllib

# In this order: a string of three quotes may end in up to two more of them, which belong to it.
_TOKEN = re.compile(
    r'(?P<string>"""(?:[^\\]|\\.)*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:\'{0,2})|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')'
    r"|(?P<comment>#[^\n]*)|(?P<newline>\n)|(?P<open>[\[{])|(?P<close>[\]}])|(?P<equals>=)|(?P<other>[^\"'#\n\[\]{}=]+)",
    re.DOTALL,
)


@dataclass
class Table:
    """A table that has a header (or the top of the document): its name, its line, and the line of each of its keys."""

    path: tuple[str, ...]
    line: int
    array: bool = False
    keys: dict[str, int] = field(default_factory=dict)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def tables(text: str) -> list[Table]:
    r"""List the tables of a document in the order of the text, its top first.

    >>> [(table.path, table.line) for table in tables("a = 1\n\n[[rule]] # one\nid = 'x'\n")]
    [((), 1), (('rule',), 3)]
    """
    found = [Table((), 1)]
    for statement in _statements(text):
        head = statement[0]
        if head.kind == "open":
            found.append(_header(statement))
        else:
            name = _path(_before_equals(statement))[0]
            found[-1].keys.setdefault(name, head.line)
    return found


def _tokens(text: str) -> list[_Token]:
    line, found = 1, []
    for match in _TOKEN.finditer(text):
        found.append(_Token(match.lastgroup or "", match[0], line))
        line += match[0].count("\n")
    return found


def _statements(text: str) -> list[list[_Token]]:
    """Group the tokens by statement: a header, or a key with its value, which may go over several lines."""
    found: list[list[_Token]] = []
    current: list[_Token] = []
    depth = 0
    for token in _tokens(text):
        if token.kind == "newline" and depth == 0:
            found.append(current)
            current = []
        elif token.kind not in ("comment", "newline") and (current or token.text.strip()):
            depth += {"open": 1, "close": -1}.get(token.kind, 0)
            current.append(token)
    return [statement for statement in (*found, current) if statement]


def _header(statement: list[_Token]) -> Table:
    words = "".join(token.text for token in statement).strip()
    array = words.startswith("[[")
    return Table(_path(words[2:-2] if array else words[1:-1]), statement[0].line, array)


def _before_equals(statement: list[_Token]) -> str:
    equals = next(number for number, token in enumerate(statement) if token.kind == "equals")
    return "".join(token.text for token in statement[:equals])


@lru_cache(maxsize=4096)
def _path(words: str) -> tuple[str, ...]:
    """Take a dotted key apart, as the reader of TOML itself does."""
    found: list[str] = []
    inner: object = tomllib.loads(f"{words} = 0")
    while isinstance(inner, dict):
        name = next(iter(inner))
        found.append(name)
        inner = inner[name]
    return tuple(found)
