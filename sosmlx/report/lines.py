"""Documents as JSON lines: a header, then one row per line, each with its `type`; and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from sosmlx.errors import InputError
from sosmlx.jsonio import loads

SINGULAR: Mapping[str, str] = {
    "devices": "device", "settings": "setting", "differences": "difference", "findings": "finding",
    "policies": "policy", "reads": "read", "digests": "digest", "symptoms": "symptom",
}  # fmt: skip
"""The type of a list's rows, where it is not the list's own name."""

LEFT_OUT = ("view", "page")
"""What is for `render` alone."""


def lines(document: Mapping[str, object]) -> str:
    """Write a document as lines. The header's `rows` counts the lines of each type: a reader sees that one is missing.

    >>> print(lines({"schema": "sosmlx.diff/1", "devices": [{"id": "d"}]}), end="")
    {"rows":{"device":1},"schema":"sosmlx.diff/1","type":"diff"}
    {"id":"d","type":"device"}
    """
    head, rows = _split(document)
    name = str(document.get("schema", "")).partition(".")[2].partition("/")[0]
    first = {**head, "rows": {kind: len(found) for kind, found in rows.items()}, "type": name or "document"}
    return "".join(f"{_line(row)}\n" for row in [first, *_typed(rows)])


def _typed(rows: Mapping[str, Sequence[object]]) -> Iterator[object]:
    for kind, found in rows.items():
        yield from ({**cast("dict[str, object]", row), "type": kind} for row in found)


def _line(row: object) -> str:
    """Write one row in ASCII: nothing in it is taken for the end of a line, or acts on a terminal."""
    return json.dumps(row, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _split(document: Mapping[str, object]) -> tuple[dict[str, object], dict[str, list[object]]]:
    """Part what a document says once from its lists; a list in an object (`coverage.left`) has a dotted type."""
    head: dict[str, object] = {}
    rows: dict[str, list[object]] = {}
    for name, value in sorted(document.items()):
        kind = SINGULAR.get(name, name)
        if name in LEFT_OUT:
            continue
        if _is_rows(value):
            rows[kind] = cast("list[object]", value)
        elif isinstance(value, dict) and any(value.values()) and all(map(_is_rows, value.values())):
            rows.update({f"{kind}.{side}": inner for side, inner in sorted(value.items())})
        else:
            head[name] = value
    return head, rows


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def whole(text: str, what: str = "JSON lines") -> list[dict[str, object]]:
    """Read lines back, the header first. Raises InputError where one is missing or is no object."""
    rows = []
    for number, line in enumerate(text.split("\n")[:-1], 1):
        row = loads(line, what=f"{what}, line {number}")
        if not isinstance(row, dict):
            raise InputError(f"{what}, line {number}: an object was expected")
        rows.append(row)
    counts = rows[0].get("rows") if rows else None
    found: dict[str, int] = {}
    for row in rows[1:]:
        found[str(row.get("type"))] = found.get(str(row.get("type")), 0) + 1
    if not isinstance(counts, dict) or {kind: count for kind, count in counts.items() if count} != found:
        raise InputError(f"{what}: the header counts {json.dumps(counts)}, the lines are {json.dumps(found)}")
    return rows
