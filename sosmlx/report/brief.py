"""A snapshot on one screen of 80 columns and 24 lines: what `show --brief` prints."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from sosmlx.report.show import ShowView
from sosmlx.report.view import Row

WIDTH, HEIGHT = 80, 24
_SENTENCE, _DEVICES, _WAITING, _MISSING = 6, 6, 4, 4
"""Lines that each part may take, its last one for the count of what did not fit."""


def brief_text(view: ShowView) -> str:
    """Print the verdict, the devices, what waits and what was not captured, as far as a screen takes it."""
    lines = [
        *_fold(view.sentence, _SENTENCE),
        f"{len(view.pending)} pending a reset, {len(view.overrides)} overridden at run time; "
        f"{view.coverage.complete} of {view.coverage.total} planes read completely",
        *_some([_device(view, at) for at in range(len(view.devices))] or ["no adapter"], _DEVICES),
        *_some([*_rows("pending", view.pending), *_rows("override", view.overrides)], _WAITING),
        *_some(_rows("not captured", view.coverage.gaps), _MISSING),
        *(f"{row.side}: {row.path} {row.host} {row.collected}" for row in view.inputs[:1]),
    ]
    return "".join(f"{_cut(line)}\n" for line in lines[:HEIGHT])


def _fold(text: str, most: int) -> list[str]:
    return textwrap.wrap(text, WIDTH, max_lines=most, placeholder=" …", break_on_hyphens=False)


def _device(view: ShowView, at: int) -> str:
    device = view.devices[at]
    firmware = device.running if device.stored in ("", device.running) else f"{device.running}→{device.stored}"
    return " ".join(filter(None, [device.id, device.role, device.model, device.psid, firmware, *device.netdevs[:1]]))


def _rows(head: str, rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        yield f"{head}: {row.device} {row.plane} {row.what}: {row.why}"


def _some(items: Sequence[str] | Iterator[str], most: int) -> list[str]:
    lines = list(items)
    return lines if len(lines) <= most else [*lines[: most - 1], f"and {len(lines) - most + 1} more"]


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
