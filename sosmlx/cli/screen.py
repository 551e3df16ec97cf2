"""Lines at the bottom of a terminal that are written again and again: with tqdm where it is installed, or without."""

from __future__ import annotations

import importlib
import os
import threading
import time
from typing import Any, Protocol, TextIO

from sosmlx.cli.board import Board
from sosmlx.collectors.watch import Event

_ROOMY = 10_000


class Screen(Protocol):
    """The bottom of a terminal."""

    def size(self) -> tuple[int, int]:
        """How many columns and rows it has."""

    def show(self, lines: list[str]) -> None:
        """Put lines in the place of those shown before, which were no more. Raises OSError."""

    def close(self) -> None:
        """Leave the lines, and go on below them. Raises OSError."""


def screen(stream: TextIO) -> Screen:
    """Choose how to draw."""
    try:
        return Bars(importlib.import_module("tqdm").tqdm, stream)
    except (ImportError, AttributeError):
        return Plain(stream)


class Lines:
    """Tells how a collection stands by a line per device."""

    def __init__(self, board: Board, shown: Screen) -> None:
        self._board, self._screen = board, shown
        self._began = time.monotonic()

    def hear(self, event: Event, at: float) -> None:
        """Take in an event."""
        self._board.hear(event, at)

    def tell(self, now: float) -> None:
        """Draw the lines."""
        columns, rows = self._screen.size()
        self._screen.show(self._board.lines(now, max(20, columns - 1), max(2, rows - 1)))

    def close(self) -> None:
        """Draw them once more and leave them."""
        self.tell(time.monotonic() - self._began)
        self._screen.close()


def _size(stream: TextIO) -> tuple[int, int]:
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, rows = 0, 0
    return columns or 80, rows or 24  # a terminal may not know: a serial console says 0


class Plain:
    """Draws with the three sequences that every terminal knows: up, to the left, clear to the end of the line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._count = stream, 0

    def size(self) -> tuple[int, int]:
        """Ask the terminal."""
        return _size(self._stream)

    def show(self, lines: list[str]) -> None:
        """Go up to the first line and write all."""
        up = f"\x1b[{self._count}A" if self._count else ""
        self._stream.write(up + "".join(f"\r\x1b[K{line}\n" for line in lines))
        self._stream.flush()
        self._count = len(lines)

    def close(self) -> None:
        """Nothing: what comes next is below."""


class Bars:
    """Draws with tqdm, a bar that is all description for each line."""

    def __init__(self, tqdm: Any, stream: TextIO) -> None:
        # Its own lock would be one between processes, for which it makes a file; its watcher would be one more thread.
        tqdm.set_lock(threading.RLock())
        tqdm.monitor_interval = 0
        self._tqdm, self._stream = tqdm, stream
        self._bars: list[Any] = []

    def size(self) -> tuple[int, int]:
        """Ask the terminal."""
        return _size(self._stream)

    def show(self, lines: list[str]) -> None:
        """Say each line's words."""
        while len(self._bars) < len(lines):
            # The lines fit already: what tqdm believes of the terminal's size must cut none of them off.
            sizes = {"ncols": _ROOMY, "nrows": _ROOMY}
            place = {"position": len(self._bars), "file": self._stream, "leave": True, "disable": False}
            self._bars.append(self._tqdm(bar_format="{desc}", **place, **sizes))
        for bar, line in zip(self._bars, lines):
            bar.set_description_str(line)

    def close(self) -> None:
        """Close the bars from the top: each leaves its line."""
        for bar in self._bars:
            bar.close()
