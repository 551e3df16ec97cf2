"""What a rule can ask of a value: a table of operators, each with what it may be given and what it says.

Nothing is a pattern by accident: only `matches` takes one. An operator that cannot judge a value (`at_least` of a word)
does not hold for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Union, cast

from sosmlx.model import FACETS, PLANES, Facet, Value, known, same_value
from sosmlx.parsers.values import flash
from sosmlx.policy import patterns, versions
from sosmlx.policy.rules import Operand, Other

MAX_BIT = 127
MAX_TEXT = 1 << 16
"""A longer value matches no pattern."""
GROUPS: tuple[str, ...] = ("psid", "part_number", "model", "board", "asic")
"""Keys of a device over which a value can be asked to be the same."""

_Scalar = Union[bool, int, str]


class Operator(NamedTuple):
    """One operator.

    `words` says what is expected, with `{}` for the operand; `shape` what the operand must be, in words. `read` makes
    an operand of what a document holds, or raises ValueError. `holds` judges a facet (None: there is no such setting);
    a `relation` is given another facet in place of its operand.
    """

    name: str
    words: str
    shape: str
    read: Callable[[object], Operand]
    holds: Callable[[Facet | None, Operand], bool]
    relation: bool = False

    def expected(self, operand: Operand) -> str:
        """Say what is expected.

        >>> OPERATORS["range"].expected((1, 8)), OPERATORS["one_of"].expected((1, "ETH"))
        ('from 1 to 8', 'one of 1, ETH')
        """
        parts = operand if self.name == "range" and isinstance(operand, tuple) else (operand,)
        return self.words.format(*(shown(part) for part in parts))


def shown(operand: Operand) -> str:
    """Spell an operand for a reader.

    >>> shown(True), shown((1, 2)), shown(Other("pci", "sriov_totalvfs", "", "current"))
    ('true', '1, 2', 'pci sriov_totalvfs (current)')
    """
    if isinstance(operand, Facet):
        return operand.raw or shown(operand.value)
    if isinstance(operand, Other):
        return f"{operand.plane} {operand.name}".strip() + (f" ({operand.facet})" if operand.facet else "")
    if isinstance(operand, tuple):
        return ", ".join(f"[{shown(part)}]" if isinstance(part, tuple) else shown(part) for part in operand)
    return str(operand).lower() if isinstance(operand, bool) else str(operand)


def same(facet: Facet, wanted: Value) -> bool:
    """Whether a facet holds the value that a document asks for: as value, as label or as a tool's own text.

    `True` is 1, as in flash; `ETH(2)` is met by the number, by the word, and by both.

    >>> facet = Facet(2, "ETH(2)", "ETH")
    >>> [same(facet, wanted) for wanted in (2, "ETH", "ETH(2)", "IB")], same(Facet(True, "on"), "on")
    ([True, True, True, False], True)
    """
    if not known(facet):
        return False
    if isinstance(wanted, tuple):
        held = facet.value
        return isinstance(held, tuple) and len(held) == len(wanted) and all(map(_same_plain, held, wanted))
    if isinstance(wanted, str):
        texts = [text for text in (facet.label, facet.raw) if text]
        return facet.value == wanted or wanted in texts or same_value(facet, flash(wanted))
    if isinstance(wanted, int) and not isinstance(wanted, bool) and isinstance(facet.value, str):
        return facet.value == str(wanted)
    return facet.value == wanted


def _same_plain(held: Value, wanted: Value) -> bool:
    return same(Facet(held, "" if held is None else str(held)), wanted)


# How operands are read.


def _scalar(value: object) -> _Scalar:
    if not isinstance(value, (bool, int, str)):
        raise ValueError("true or false, a whole number or a text was expected")
    return value


def _value(value: object) -> Value:
    return tuple(_scalar(item) for item in value) if isinstance(value, list) else _scalar(value)


def _several(value: object) -> Operand:
    if not isinstance(value, list) or not value:
        raise ValueError("a list with at least one value was expected")
    return tuple(_value(item) for item in value)


def _limit(value: object) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and "." in value and versions.version(value):
        return value
    raise ValueError('a whole number, or a version such as "22.39.1002", was expected')


def _limits(value: object) -> Operand:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("a list of the lowest and the highest value was expected")
    low, high = (_limit(item) for item in value)
    if isinstance(low, int) != isinstance(high, int):
        raise ValueError("two numbers or two versions were expected")
    if _order(low, high) > 0:
        raise ValueError("the first value must not be above the second")
    return (low, high)


def _order(low: int | str, high: int | str) -> int:
    if isinstance(low, int) and isinstance(high, int):
        return (low > high) - (low < high)
    return versions.compare(versions.version(str(low)) or (), versions.version(str(high)) or ())


def _pattern(value: object) -> Operand:
    if not isinstance(value, str):
        raise ValueError("a pattern in quotes was expected")
    try:
        patterns.compiled(value)
    except ValueError as error:
        raise ValueError(f"`{value[:80]}` cannot be used as a pattern: {error}") from None
    return value


def _true(value: object) -> Operand:
    if value is not True:
        raise ValueError("only `true` can be said")
    return True


def _bits(value: object) -> Operand:
    if not isinstance(value, list) or not value or not all(map(_is_bit, value)):
        raise ValueError(f"a list of bit numbers from 0 to {MAX_BIT} was expected")
    return tuple(value)


def _is_bit(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_BIT


def _facet(value: object) -> Operand:
    if not isinstance(value, str) or value not in FACETS:
        raise ValueError(f"one of {', '.join(FACETS)} was expected")
    return value


def _other(value: object) -> Operand:
    """Read `NAME`, `PLANE:NAME` or `PLANE:NAME:FACET`."""
    if not isinstance(value, str):
        raise ValueError('the name of a setting was expected, as "PLANE:NAME:FACET"')
    plane, _, rest = value.partition(":")
    if plane not in PLANES:
        plane, rest = "", value
    name, _, facet = rest.rpartition(":")
    if facet not in FACETS or not name:
        name, facet = rest, ""
    if not name.strip():
        raise ValueError('the name of a setting was expected, as "PLANE:NAME:FACET"')
    return Other(plane, name, "", facet)


def _group(value: object) -> Operand:
    if not isinstance(value, str) or value not in GROUPS:
        raise ValueError(f"one of {', '.join(GROUPS)} was expected")
    return value


# How operators judge.


def _equals(facet: Facet | None, operand: Operand) -> bool:
    return facet is not None and same(facet, cast("Value", operand))


def _one_of(facet: Facet | None, operand: Operand) -> bool:
    return facet is not None and any(same(facet, wanted) for wanted in cast("Sequence[Value]", operand))


def _not_one_of(facet: Facet | None, operand: Operand) -> bool:
    return facet is not None and known(facet) and not _one_of(facet, operand)


def _compared(facet: Facet | None, limit: Operand) -> int | None:
    """Compare a value with a limit: negative, 0 or positive; None where the two cannot be compared."""
    if facet is None or not known(facet):
        return None
    held = facet.value
    if isinstance(held, int) and isinstance(limit, int):
        return (held > limit) - (held < limit)
    if not isinstance(held, str) or not isinstance(limit, str):
        return None
    found, wanted = versions.version(held), versions.version(limit)
    if found is None or wanted is None or (len(found) < len(wanted) and found == wanted[: len(found)]):
        return None
    return versions.compare(found, wanted)


def _at_least(facet: Facet | None, operand: Operand) -> bool:
    order = _compared(facet, operand)
    return order is not None and order >= 0


def _at_most(facet: Facet | None, operand: Operand) -> bool:
    order = _compared(facet, operand.value if isinstance(operand, Facet) else operand)
    return order is not None and order <= 0 and not (isinstance(operand, Facet) and not known(operand))


def _range(facet: Facet | None, operand: Operand) -> bool:
    low, high = cast("tuple[Value, Value]", operand)
    return _at_least(facet, low) and _at_most(facet, high)


def _matches(facet: Facet | None, operand: Operand) -> bool:
    if facet is None or not known(facet):
        return False
    value = facet.value if isinstance(facet.value, (str, int)) and not isinstance(facet.value, bool) else ""
    texts = dict.fromkeys(text for text in (facet.label, facet.raw, str(value)) if len(text) <= MAX_TEXT)
    pattern = patterns.compiled(str(operand))
    return any(pattern.fullmatch(text) for text in texts if text or facet.value == "")


def _absent(facet: Facet | None, operand: Operand) -> bool:
    return facet is None


def _present(facet: Facet | None, operand: Operand) -> bool:
    return facet is not None and known(facet)


def _set_bits(facet: Facet | None, operand: Operand) -> list[bool] | None:
    if facet is None or not known(facet) or not isinstance(facet.value, int) or facet.value < 0:
        return None
    return [bool(facet.value >> bit & 1) for bit in cast("Sequence[int]", operand)]


def _lacks_bits(facet: Facet | None, operand: Operand) -> bool:
    bits = _set_bits(facet, operand)
    return bits is not None and not any(bits)


def _has_bits(facet: Facet | None, operand: Operand) -> bool:
    bits = _set_bits(facet, operand)
    return bits is not None and all(bits)


def _agrees(facet: Facet | None, operand: Operand) -> bool:
    """Two facets that have no value for the same reason agree, as they do in a diff."""
    return facet is not None and isinstance(operand, Facet) and same_value(facet, operand)


_VALUE = "true or false, a whole number, a text, or a list of these"
_LIMIT = "a whole number, or a version in quotes"
_NAMED = "the name of another setting of the device: NAME, PLANE:NAME or PLANE:NAME:FACET"

OPERATORS: dict[str, Operator] = {
    row.name: row
    for row in (
        Operator("equals", "{}", _VALUE, _value, _equals),
        Operator("one_of", "one of {}", "a list of values", _several, _one_of),
        Operator("not_one_of", "none of {}", "a list of values", _several, _not_one_of),
        Operator("range", "from {} to {}", "a list of the lowest and the highest value", _limits, _range),
        Operator("at_least", "at least {}", _LIMIT, _limit, _at_least),
        Operator("at_most", "at most {}", _LIMIT, _limit, _at_most),
        Operator("matches", "all of it matches {}", "a pattern in quotes", _pattern, _matches),
        Operator("absent", "absent", "true", _true, _absent),
        Operator("present", "present", "true", _true, _present),
        Operator("lacks_bits", "without bits {}", "a list of bit numbers", _bits, _lacks_bits),
        Operator("has_bits", "with bits {}", "a list of bit numbers", _bits, _has_bits),
        Operator("equals_facet", "the same as its {} value", "the name of a facet", _facet, _agrees, True),
        Operator("equals_name", "the same as {}", _NAMED, _other, _agrees, True),
        Operator("at_most_name", "at most {}", _NAMED, _other, _at_most, True),
        Operator("same_per", "the same on all devices of one {}", f"one of {', '.join(GROUPS)}", _group, _agrees, True),
    )
}
"""All operators by name; a rule or condition holds one of them as a key."""
