"""Conditions on firmware versions: `>=22.39,<22.44`; a comma means and."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import NamedTuple

_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,7}\Z", re.ASCII)
_CONDITION = re.compile(r"\s*(>=|<=|==|!=|=|>|<)?\s*([0-9.]+)\s*\Z", re.ASCII)
_TESTS: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
    "==": operator.eq, "=": operator.eq, "": operator.eq, "!=": operator.ne,
}  # fmt: skip


class Condition(NamedTuple):
    """One comparison with a version."""

    sign: str
    numbers: tuple[int, ...]


def version(text: str) -> tuple[int, ...] | None:
    """Read a version of numbers and dots; None where it is none.

    >>> version("22.39.1002"), version("0.07"), version("22.39-rc1")
    ((22, 39, 1002), (0, 7), None)
    """
    return tuple(int(number) for number in text.split(".")) if _VERSION.match(text) else None


def conditions(text: str) -> tuple[Condition, ...]:
    """Read conditions that must all hold. Raises ValueError naming the one that is none.

    >>> conditions(">=22.39,<22.44")[1]
    Condition(sign='<', numbers=(22, 44))
    """
    found = []
    for part in text.split(","):
        match = _CONDITION.match(part)
        numbers = version(match[2]) if match else None
        if match is None or numbers is None:
            raise ValueError(f"`{part.strip()}` is no version condition")
        found.append(Condition(match[1] or "", numbers))
    return tuple(found)


def holds(text: str, found: str) -> bool | None:
    """Whether a device's version meets all conditions; None where that cannot be told.

    A condition speaks of as many numbers as it has: `22.39` is all of the branch, so that `<=22.39` holds for
    `22.39.1002` and `>22.39` does not. Raises ValueError as `conditions` does.

    >>> holds(">=22.39,<22.44", "22.43.9999"), holds("<22.44", "22.44.1000"), holds("22.39.1002", "22.39")
    (True, False, None)
    """
    wanted, numbers = conditions(text), version(found)
    answers = [None if numbers is None else _meets(condition, numbers) for condition in wanted]
    if False in answers:
        return False
    return None if None in answers else True


def compare(left: tuple[int, ...], right: tuple[int, ...]) -> int:
    """Compare a version with a limit, to the limit's precision: negative, 0 or positive.

    >>> compare((22, 39, 1002), (22, 39)), compare((22, 38), (22, 39))
    (0, -1)
    """
    part = left[: len(right)]
    return (part > right) - (part < right)


def _meets(condition: Condition, numbers: tuple[int, ...]) -> bool | None:
    part = numbers[: len(condition.numbers)]
    if len(part) < len(condition.numbers) and part == condition.numbers[: len(part)]:
        return None
    return _TESTS[condition.sign](part, condition.numbers)
