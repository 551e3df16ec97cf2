"""Frozen values as plain JSON data and back, by their type hints: what a page shows can be saved and shown again."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from sosmlx.errors import InputError
from sosmlx.printable import visible

T = TypeVar("T")


def dump(value: object) -> object:
    """Turn dataclasses, named tuples, tuples and mappings (as lists of pairs) into what JSON holds."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: dump(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: dump(getattr(value, name)) for name in value._fields}
    if isinstance(value, Mapping):
        return [[str(key), dump(item)] for key, item in value.items()]  # their order is that of a page
    if isinstance(value, (list, tuple)):
        return [dump(item) for item in value]
    return value


def restore(cls: type[T], data: object, what: str) -> T:
    r"""Build a value of that class from plain data: text is made harmless again, keys that are not known are ignored.

    Raises InputError, naming `what` and the place, for data of another shape.

    >>> from sosmlx.model import Match
    >>> restore(Match, {"id": "d", "match": "bdf\x1b", "left": None, "right": "d", "later": 1}, "m")
    Match(id='d', match='bdf\\x1b', left=None, right='d')
    """
    return cast("T", _value(cls, data, what))


def _value(kind: Any, data: object, what: str) -> object:
    if isinstance(kind, type) and (dataclasses.is_dataclass(kind) or hasattr(kind, "_fields")):
        return _record(kind, data, what)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _union(inner, data, what)
    if origin is Literal:
        return _literal(inner, data, what)
    if origin is tuple:
        return _tuple(inner, data, what)
    if origin is not None and issubclass(origin, Mapping):
        return dict(_tuple(inner, pair, what) for pair in _tuple((object, ...), data, what))
    return _scalar(kind, data, what)


def _record(kind: Any, data: object, what: str) -> object:
    rows = _mapping(data, what)
    hints, optional = _fields(kind)
    missing = sorted(set(hints) - set(rows) - optional)
    if missing:
        raise InputError(
            f"{what}: no {missing[0]!r} there", "it was not written by this version of sosmlx: run it again"
        )
    return kind(**{name: _value(hint, rows[name], f"{what}.{name}") for name, hint in hints.items() if name in rows})


@cache
def _fields(kind: Any) -> tuple[Mapping[str, Any], frozenset[str]]:
    """Return a record's fields with their types, and those that have a default."""
    hints = get_type_hints(kind)
    if not dataclasses.is_dataclass(kind):
        return {name: hints[name] for name in kind._fields}, frozenset(kind._field_defaults)
    names = dataclasses.fields(kind)
    absent = dataclasses.MISSING
    optional = (field.name for field in names if field.default is not absent or field.default_factory is not absent)
    return {field.name: hints[field.name] for field in names}, frozenset(optional)


def _mapping(data: object, what: str) -> Mapping[str, object]:
    if not isinstance(data, dict):
        raise InputError(f"{what}: an object was expected")
    return cast("Mapping[str, object]", data)


def _union(kinds: tuple[Any, ...], data: object, what: str) -> object:
    """Take the first kind that the data fits; the words of the last one's failure are the ones that are told."""
    if data is None and type(None) in kinds:
        return None
    first, *rest = (kind for kind in kinds if kind is not type(None))
    if not rest:
        return _value(first, data, what)
    try:
        return _value(first, data, what)
    except InputError:
        return _union(tuple(rest), data, what)


def _literal(words: tuple[Any, ...], data: object, what: str) -> object:
    if not isinstance(data, str) or data not in words:
        raise InputError(f"{what}: {_shown(data)} is none of {', '.join(map(str, words))}")
    return data


def _tuple(kinds: tuple[Any, ...], data: object, what: str) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise InputError(f"{what}: a list was expected")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_value(kinds[0], item, f"{what}[{at}]") for at, item in enumerate(data))
    if len(kinds) != len(data):
        raise InputError(f"{what}: {len(kinds)} items were expected")
    return tuple(_value(kind, item, f"{what}[{at}]") for at, (kind, item) in enumerate(zip(kinds, data)))


def _scalar(kind: Any, data: object, what: str) -> object:
    if kind is object:
        return data
    if kind is str and isinstance(data, str):
        return visible(data)
    if kind is not str and isinstance(data, kind) and (kind is bool or not isinstance(data, bool)):
        return data
    raise InputError(f"{what}: {_shown(data)} was not expected")


def _shown(data: object) -> str:
    text = visible(repr(data))
    return text if len(text) <= 40 else text[:39] + "…"
