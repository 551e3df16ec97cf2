"""Visibility expressions of the flash catalogue: evaluated by a small parser of their own, never by Python.

Two spellings are read: the vendor database's (`$tlv.field==1&&$field!=0`, column `dependency` of `params`) and that of
the built-in rows (`tlv.field == 1 and …`). mlxconfig evaluates them with the muParser library
(`mlxcfg_expression.cpp`): in floating point, where a comparison gives 1 or 0, `^` is power, and a division by zero
gives infinity.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Callable, NamedTuple

LONGEST = 4096
"""Characters that an expression may have; the vendor's longest has 669."""

DEEPEST = 32
"""How deep brackets, signs, powers and choices may be nested."""

ALWAYS = ("always", "ignore_dependency")

_TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20}(?:\.[0-9]{1,20})?)(?![A-Za-z0-9_.])"
    r"|(?P<word>\$?[A-Za-z_][A-Za-z0-9_.]*)|(?P<sign>&&|\|\||[=!<>]=|[<>?:+\-*/^(),]))\s*"
)
_SPELLINGS = {"and": "&&", "or": "||"}

Binary = Callable[[float, float], float]


def holds(text: str, tlv: str, values: Mapping[str, int]) -> bool | None:
    """Say whether an expression is true, or None where that cannot be known.

    `values` maps `tlv.field` to its number; a field without a TLV is one of `tlv`. It is None where a value is missing,
    where the text is no expression or has no number as its answer, and for an empty text.

    >>> holds("$a.b==1&&$c>=2", "t", {"a.b": 1, "t.c": 2}), holds("a.b == 1 or a.c != 0", "a", {"a.b": 0, "a.c": 0})
    (True, False)
    >>> holds("$a.b==1", "t", {}), holds("always", "t", {}), holds("1 +", "t", {})
    (None, True, None)
    """
    if text.strip().lower() in ALWAYS:
        return True
    try:
        number = _Reader(_tokens(text), tlv, values).answer()
    except ValueError:
        return None
    return None if number is None or math.isnan(number) else number != 0


class _Token(NamedTuple):
    kind: str
    text: str


@lru_cache(maxsize=4096)
def _tokens(text: str) -> tuple[_Token, ...]:
    """Split an expression. Raises ValueError where it is too long or holds what is none of its signs."""
    if len(text) > LONGEST:
        raise ValueError("too long")
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ValueError(f"not an expression at {at}")
        word = match[match.lastgroup]
        sign = _SPELLINGS.get(word)
        found.append(_Token("sign", sign) if sign else _Token(match.lastgroup, word))
        at = match.end()
    return tuple(found)


class _Reader:
    """Reads and evaluates in one pass; both sides of every choice are evaluated, as nothing can fail in doing so."""

    def __init__(self, tokens: tuple[_Token, ...], tlv: str, values: Mapping[str, int]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._tlv = tlv
        self._values = values
        self._missing = False

    def answer(self) -> float | None:
        """The number, or None where a value was missing. Raises ValueError for what is no expression."""
        number = self._choice()
        if self._at < len(self._tokens):
            raise ValueError("something follows the expression")
        return None if self._missing else number

    def _next(self) -> _Token:
        if self._at >= len(self._tokens):
            raise ValueError("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, *signs: str) -> str:
        """Step over one of these signs and give it, or give an empty string where none of them comes next."""
        here = self._tokens[self._at] if self._at < len(self._tokens) else _Token("", "")
        if here.kind != "sign" or here.text not in signs:
            return ""
        self._at += 1
        return here.text

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise ValueError(f"{sign} is missing")

    def _deeper(self, part: Callable[[], float]) -> float:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ValueError("nested too deeply")
        number = part()
        self._depth -= 1
        return number

    def _choice(self) -> float:
        condition = self._level(0)
        if not self._take("?"):
            return condition
        yes = self._deeper(self._choice)
        self._expect(":")
        no = self._deeper(self._choice)
        return yes if condition else no

    def _level(self, level: int) -> float:
        """Read the operators of one precedence, from the left."""
        if level == len(_LEVELS):
            return self._signed()
        left = self._level(level + 1)
        while sign := self._take(*_LEVELS[level]):
            left = _LEVELS[level][sign](left, self._level(level + 1))
        return left

    def _signed(self) -> float:
        sign = self._take("+", "-")
        if not sign:
            return self._power()
        number = self._deeper(self._signed)
        return -number if sign == "-" else number

    def _power(self) -> float:
        base = self._primary()
        return _power(base, self._deeper(self._signed)) if self._take("^") else base

    def _primary(self) -> float:
        token = self._next()
        if token.kind == "number":
            return float(int(token.text, 16)) if token.text[:2].lower() == "0x" else float(token.text)
        if token == _Token("sign", "("):
            number = self._deeper(self._choice)
            self._expect(")")
            return number
        if token.kind != "word":
            raise ValueError(f"{token.text} stands where a value belongs")
        return self._call(token.text) if self._take("(") else self._operand(token.text.lstrip("$"))

    def _call(self, name: str) -> float:
        arguments = [self._deeper(self._choice)]
        while self._take(","):
            arguments.append(self._deeper(self._choice))
        self._expect(")")
        if name == "log2" and len(arguments) == 1:
            return _log2(arguments[0])
        if name not in _BITWISE or len(arguments) != 2:
            raise ValueError(f"no function {name} of {len(arguments)} values")
        return _bitwise(_BITWISE[name], *arguments)

    def _operand(self, name: str) -> float:
        number = self._values.get(name if "." in name else f"{self._tlv}.{name}")
        if number is None:
            self._missing = True
            return math.nan
        return float(number)


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


def _log2(number: float) -> float:
    return math.log2(number) if number > 0 else -math.inf if number == 0 else math.nan


def _bitwise(work: Callable[[int, int], int], left: float, right: float) -> float:
    return float(work(int(left), int(right))) if math.isfinite(left) and math.isfinite(right) else math.nan


_BITWISE: dict[str, Callable[[int, int], int]] = {"BitwiseOr": operator.or_, "BitwiseAnd": operator.and_}

_LEVELS: tuple[dict[str, Binary], ...] = (
    {"||": lambda left, right: float(bool(left) or bool(right))},
    {"&&": lambda left, right: float(bool(left) and bool(right))},
    {
        "==": lambda left, right: float(left == right), "!=": lambda left, right: float(left != right),
        "<": lambda left, right: float(left < right), "<=": lambda left, right: float(left <= right),
        ">": lambda left, right: float(left > right), ">=": lambda left, right: float(left >= right),
    },
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": _divide},
)  # fmt: skip
"""Operators from the loosest to the tightest, as muParser ranks them; signs and powers bind more tightly."""
