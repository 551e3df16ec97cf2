"""All settings of a result in the page's own data, small enough to travel in it: what its search looks through.

Most devices of a host hold the same knobs, and most knobs one of a few values: knobs, rows of cells and words are each
written once, and a device is a list of numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

from sosmlx.model import FACETS, SHOWN_CLASSES, Setting, state
from sosmlx.printable import visible
from sosmlx.report.cells import shown

MOST_CELLS = 2_000_000
"""So many settings travel in a page at most (1,000 devices of 2,000); those of the last devices are left out."""

LONGEST = 400
"""A longer value is cut in the search; documents and `show --raw` hold the whole."""


@dataclass(frozen=True)
class DeviceCells:
    """The settings of one device: `knobs` are runs (first, length) of knob numbers, `cells` a cell number for each."""

    device: str
    knobs: tuple[int, ...]
    cells: tuple[int, ...]


@dataclass(frozen=True)
class Island:
    """Settings by number. A knob is plane, name and class; a cell is state, writer and a value for each of `heads`.

    All of them are numbers of `words`. `left_out` counts the settings that are not in it.
    """

    heads: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    knobs: tuple[tuple[int, ...], ...] = ()
    cells: tuple[tuple[int, ...], ...] = ()
    devices: tuple[DeviceCells, ...] = ()
    left_out: int = 0

    @property
    def total(self) -> int:
        """How many settings are in it."""
        return sum(len(device.cells) for device in self.devices)

    def document(self) -> str:
        """Write it as JSON that may stand in a script element of any page: in ASCII, without `<`, `>` and `&`."""
        body = {
            "heads": self.heads, "words": self.words, "knobs": self.knobs, "cells": self.cells,
            "devices": [[device.device, device.knobs, device.cells] for device in self.devices],
            "left_out": self.left_out,
        }  # fmt: skip
        text = json.dumps(body, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


class _Numbers(dict[object, int]):
    """Numbers for what is counted in the order in which it comes."""

    def __missing__(self, key: object) -> int:
        self[key] = len(self)
        return self[key]


Side = tuple[str, Sequence[Setting], Mapping[str | None, str]]
"""One side: its name ("" where there is only one), its settings, and the ids that its devices have in the result."""


def island(sides: Sequence[Side]) -> Island:
    """Code the settings of one side, or of two beside each other."""
    table = _joined(sides)
    facets = [
        [name for name in FACETS if any(name == facet for views in seen for facet, _ in views)]
        for seen in ({setting.facets for _, settings, _ in [side] for setting in settings} for side in sides)
    ]
    heads = tuple(f"{side} {name}".strip() for (side, _, _), names in zip(sides, facets) for name in names)
    coder = _Coder(facets)
    devices: list[DeviceCells] = []
    left_out = count = 0
    for device, rows in sorted(table.items()):
        count += len(rows)
        if count > MOST_CELLS:
            left_out += len(rows)
            continue
        pairs = [(coder.knob(pair), coder.cell(pair)) for _, pair in sorted(rows.items(), key=lambda row: row[0])]
        runs = tuple(_runs(knob for knob, _ in pairs))
        devices.append(DeviceCells(visible(device), runs, tuple(cell for _, cell in pairs)))
    return Island(
        heads, tuple(map(str, coder.words)), _listed(coder.knobs), _listed(coder.cells), tuple(devices), left_out
    )


Pair = list[Optional[Setting]]
"""The same knob on each side."""


def _joined(sides: Sequence[Side]) -> dict[str, dict[tuple[str, str, str], Pair]]:
    """Lay the sides' settings beside each other, by device and knob."""
    table: dict[str, dict[tuple[str, str, str], Pair]] = {}
    for at, (_, settings, names) in enumerate(sides):
        for row in settings:
            if row.cls in SHOWN_CLASSES:
                device = table.setdefault(names.get(row.device, row.device), {})
                device.setdefault((row.plane, row.name, row.cmode), [None] * len(sides))[at] = row
    return table


class _Coder:
    """Numbers for words, knobs and cells; what was coded once is looked up."""

    def __init__(self, facets: Sequence[Sequence[str]]) -> None:
        self.facets = facets
        self.words, self.knobs, self.cells = _Numbers(), _Numbers(), _Numbers()
        self._known: dict[object, int] = {}

    def knob(self, pair: Pair) -> int:
        """Number the knob: plane, name and class."""
        one = _last(pair)
        key = (one.plane, one.name, one.cmode, one.cls)
        if key not in self._known:
            name = visible(f"{one.name} ({one.cmode})" if one.cmode in ("runtime", "driverinit") else one.name)
            self._known[key] = self.knobs[tuple(self.words[word] for word in (one.plane, name, one.cls))]
        return self._known[key]

    def cell(self, pair: Pair) -> int:
        """Number the values, with state and writer."""
        key = (_last(pair).plane == "nvconfig", *(row and row.facets for row in pair))
        if key not in self._known:
            one = _last(pair)
            flags = " ".join(flag for flag in state(one) if flag != "observed")
            values = [_value(row, name) for row, names in zip(pair, self.facets) for name in names]
            self._known[key] = self.cells[tuple(self.words[word] for word in (flags, _writer(one), *values))]
        return self._known[key]


def _last(pair: Pair) -> Setting:
    """Return the newest side that holds the knob."""
    return next(row for row in reversed(pair) if row is not None)


def _value(setting: Setting | None, facet: str) -> str:
    found = setting.facet(facet) if setting is not None else None
    if found is None:
        return ""
    text = shown(found)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _writer(setting: Setting) -> str:
    coming = setting.facet("next")
    return visible(coming.writer.partition(",")[0]) if coming is not None else ""


def _runs(numbers: Iterable[int]) -> Iterator[int]:
    """Write rising numbers as runs: first, length.

    >>> list(_runs([4, 5, 6, 9]))
    [4, 3, 9, 1]
    """
    first = last = -2
    for number in numbers:
        if number != last + 1:
            if last >= 0:
                yield from (first, last - first + 1)
            first = number
        last = number
    if last >= 0:
        yield from (first, last - first + 1)


def _listed(numbers: _Numbers) -> tuple[tuple[int, ...], ...]:
    return tuple(key for key in numbers if isinstance(key, tuple))
