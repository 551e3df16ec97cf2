"""JSON in and out: bounded and strict on reading, sorted and byte-stable on writing."""

from __future__ import annotations

import json
import re

from sosmlx.errors import InputError

_BLANKS = re.compile(r"\s*")


class DuplicateKeyError(ValueError):
    """A document of ours holds one key twice."""


def loads(text: str, *, what: str = "JSON") -> object:
    """Read a document of ours: duplicate keys, NaN and infinities are refused. Raises InputError, naming `what`."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise InputError(f"{what}: nested too deeply to be a document") from None
    except ValueError as error:
        raise InputError(f"{what}: not valid JSON ({error})") from None


def tool_json(text: str) -> tuple[object, int]:
    """Read a tool's JSON, where the last of two equal keys counts; returns the value and the number of such keys.

    Raises ValueError for anything that is not JSON, including documents nested too deeply.
    """
    repeated = 0

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal repeated
        found = dict(items)
        repeated += len(items) - len(found)
        return found

    try:
        return json.loads(text, object_pairs_hook=pairs), repeated
    except RecursionError:
        raise ValueError("nested too deeply") from None


def document_end(text: str, start: int) -> int | None:
    """Find where the JSON document that begins at `start` (blanks may come first) ends; None where it is none."""
    try:
        return json.JSONDecoder().raw_decode(text, _begin(text, start))[1]
    except (ValueError, RecursionError):
        return None


def _begin(text: str, start: int) -> int:
    blanks = _BLANKS.match(text, start)
    return blanks.end() if blanks else start


def dumps(document: object, *, indent: int | None = 1) -> str:
    """Write a document: sorted keys, UTF-8, no NaN, a final newline."""
    separators = (",", ": ") if indent is not None else (",", ":")
    return (
        json.dumps(
            document, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators
        ).encode("utf-8", "backslashreplace").decode("utf-8")
        + "\n"
    )  # fmt: skip


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise DuplicateKeyError(f"key {next(name for name in names if names.count(name) > 1)!r} occurs twice")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not allowed")
