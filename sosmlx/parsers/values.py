"""Typed values from the words that tools print; one rule per notation, used by all parsers."""

from __future__ import annotations

import re
from functools import lru_cache

from sosmlx.model import Facet, Value

# A number of more than 40 digits is none that a device has: it stays text.
_ENUM = re.compile(r"(?P<word>[^()]*)\((?:0x(?P<hex>[0-9a-fA-F]{1,40})|(?P<number>-?[0-9]{1,40}))\)\Z")
_DECIMAL = re.compile(r"(?:0|-?[1-9][0-9]{0,39})\Z")
_ARRAY = re.compile(r"Array\[[0-9]+\.\.[0-9]+\]\Z")

_TOO_LARGE = 10**40

_BOOLEANS: dict[str, bool] = {"true": True, "false": False, "on": True, "off": False, "yes": True, "no": False}

CONFLICT = "word and number disagree"
NOT_SHOWN = "elements not shown"
UNSUPPORTED = "unsupported"
NOBODY = "nobody, nothing is stored"
"""Writer of a flash item that is not stored: the default is in force."""
NOT_STORED = "not-stored"
"""Reason of a value that is not in flash, where nothing tells what the device uses instead."""
UNREAD = "unread:"
"""Begins the reason of a value that is there, and that could not be read."""


AMBIGUOUS = "the text holds two values"
"""Reason of a value that one paste gives twice and differently."""

_NO_VALUE = (CONFLICT, NOT_SHOWN, AMBIGUOUS, NOT_STORED)


def untold(facet: Facet) -> bool:
    """Whether there is a value that this source does not tell: unlike one of which it says that it is not there.

    >>> untold(Facet(None, reason=f"{UNREAD} failed")), untold(Facet(None, "n/a", reason=UNSUPPORTED))
    (True, False)
    """
    return facet.reason in _NO_VALUE or facet.reason.startswith(UNREAD)


@lru_cache(maxsize=1 << 16)
def flash(raw: str) -> Facet:
    """Type a value as mlxconfig prints it.

    >>> flash("ETH(2)")[:3]
    (2, 'ETH(2)', 'ETH')
    >>> flash("ETH(02)").value, flash("ETH(0x2)").value
    (2, 2)
    >>> flash("True(1)").value, flash("007").value, flash("Array[0..7]").reason
    (True, '007', 'elements not shown')
    """
    if _ARRAY.match(raw):
        return Facet(None, raw, reason=NOT_SHOWN)
    enum = _ENUM.match(raw)
    if enum is None:
        return word(raw)
    label, number = enum["word"], int(enum["hex"], 16) if enum["hex"] else int(enum["number"])
    if label in ("True", "False"):
        if number != (label == "True"):
            return Facet(None, raw, reason=CONFLICT)
        return Facet(label == "True", raw)
    return Facet(number, raw, label)


@lru_cache(maxsize=1 << 16)
def word(raw: str) -> Facet:
    """Type a bare word: Boolean, decimal integer, absent (`N/A`, `n/a`), or a string that is its own label.

    >>> word("on").value, word("1024").value, word("n/a").reason, word("0x10").value
    (True, 1024, 'unsupported', '0x10')
    """
    lower = raw.lower()
    if lower in _BOOLEANS:
        return Facet(_BOOLEANS[lower], raw)
    if lower == "n/a":
        return Facet(None, raw, reason=UNSUPPORTED)
    if _DECIMAL.match(raw):
        return Facet(int(raw), raw)
    return Facet(raw, raw, raw if raw[:1].isalpha() or raw[:1] == "_" else "")


def text(raw: str) -> Facet:
    """Keep a string as it is, whatever it looks like: versions, addresses, names."""
    return Facet(raw, raw)


def number(raw: str) -> Facet:
    """Type a decimal integer, and keep anything else as a string.

    >>> number("-1").value, number("auto").value
    (-1, 'auto')
    """
    return Facet(int(raw), raw) if _DECIMAL.match(raw) else Facet(raw, raw)


def from_json(value: object) -> Facet:
    """Type a JSON scalar or a list of scalars as the tool gave it.

    >>> from_json([1, "x"]).value
    (1, 'x')
    """
    if isinstance(value, list):
        values = tuple(
            item if (isinstance(item, (int, str)) and _fits(item)) or item is None else str(item) for item in value
        )
        return Facet(values, str(value))
    if isinstance(value, str):
        return Facet(value, value, value if value[:1].isalpha() else "")
    if isinstance(value, bool) or value is None:
        return Facet(value, str(value).lower(), reason=UNSUPPORTED if value is None else "")
    if isinstance(value, int) and _fits(value):
        return Facet(value, str(value))
    return Facet(str(value), str(value))


def _fits(value: int | str) -> bool:
    """Whether this is a word, or a number that a device can have."""
    return isinstance(value, str) or abs(value) < _TOO_LARGE


def flatten(prefix: str, value: object) -> dict[str, Value | object]:
    """Flatten nested objects of a tool to dotted names; lists stay values.

    >>> flatten("function", {"state": "active", "x": {"y": 1}})
    {'function.state': 'active', 'function.x.y': 1}
    """
    if not isinstance(value, dict):
        return {prefix: value}
    found: dict[str, Value | object] = {}
    for name, inner in value.items():
        found.update(flatten(f"{prefix}.{name}" if prefix else str(name), inner))
    return found
