"""What a collection tells while it runs: a line per device on a terminal, events for programs, nothing when quiet.

The lanes only leave their events here; a thread of its own writes them, so that a terminal that is held, or a program
that does not read, holds up nothing but what it would have been told.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from sosmlx.cli.board import Board
from sosmlx.collectors.watch import Began, Event, Stage, Watch, nobody

TICK = 0.2
"""Seconds from one look to the next."""

FAREWELL = 1.0
"""Seconds that the last words may take at the end."""

SCHEMA = "sosmlx.progress/1"


class Teller(Protocol):
    """Who tells others what was heard."""

    def hear(self, event: Event, at: float) -> None:
        """Take in an event of so many seconds after the beginning."""

    def tell(self, now: float) -> None:
        """Write what there is to say by now. Raises OSError."""

    def close(self) -> None:
        """Write the last words. Raises OSError."""


@contextlib.contextmanager
def watching(mode: str, *, quiet: bool, max_seconds: float) -> Iterator[Watch]:
    """Tell on standard error what the watch hears, until the context ends.

    `mode` is `auto`, `tty`, `json` or `none`, `max_seconds` the limit that is told.
    """
    mode = chosen(mode, quiet=quiet)
    if mode == "none":
        yield nobody
        return
    teller: Teller
    if mode == "json":
        teller = Events(max_seconds, sys.stderr.fileno())
    else:
        from sosmlx.cli.screen import Lines, screen

        teller = Lines(Board(max_seconds), screen(sys.stderr))
    told = _Told(teller)
    try:
        yield told.hear
    finally:
        told.close()


def chosen(mode: str, *, quiet: bool) -> str:
    """Decide between `tty`, `json` and `none`: on its own, lines are only for a terminal that can go back to one."""
    if quiet:
        return "none"
    if mode == "auto":
        able = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        return "tty" if able else "none"
    return mode


class Events:
    """One JSON document a line, for programs: what the run does, each read as it begins and ends, and slow ones.

    Lines of standard error that do not begin with a brace are messages for people.
    """

    def __init__(self, max_seconds: float, handle: int) -> None:
        self._board = Board(max_seconds)
        self._handle = handle
        self._rows: list[dict[str, object]] = [
            {"event": "start", "schema": SCHEMA, "version": "1.0", "elapsed": 0.0, "max_seconds": max_seconds}
        ]
        self._last = 0.0

    def hear(self, event: Event, at: float) -> None:
        """Make an event's row."""
        self._board.hear(event, at)
        self._last = at
        if isinstance(event, Stage):
            self._row("stage", what=event.what)
        elif isinstance(event, Began):
            self._row("began", device=event.device, what=event.what, deadline=event.deadline)
        else:
            self._row(
                "ended", device=event.device, what=event.what, outcome=event.outcome.value, reason=event.reason,
                seconds=round(event.seconds, 3), bytes=event.size,
            )  # fmt: skip

    def tell(self, now: float) -> None:
        """Write the rows, and one for each read that has become slow."""
        self._last = max(self._last, now)
        for line in self._board.slow(now):
            self._row("slow", device=line.device, what=line.what, seconds=round(now - line.since, 3))
        self._write()

    def close(self) -> None:
        """Write the rest."""
        self._row("end")
        self._write()

    def _row(self, event: str, **members: object) -> None:
        self._rows.append({"event": event, "elapsed": round(self._last, 3), **members})

    def _write(self) -> None:
        import json

        rows, self._rows = self._rows, []
        rest = memoryview("".join(json.dumps(row) + "\n" for row in rows).encode())
        while rest:
            rest = rest[os.write(self._handle, rest) :]


class _Told:
    """Events on their way from the lanes to the one who tells them, in a thread of its own."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._began = time.monotonic()
        self._heard: deque[tuple[Event, float]] = deque()
        self._over = threading.Event()
        # A daemon: one that waits for a held terminal keeps nobody from leaving.
        self._thread = threading.Thread(target=self._tell, name="progress", daemon=True)
        self._thread.start()

    def hear(self, event: Event) -> None:
        """Note an event."""
        self._heard.append((event, time.monotonic() - self._began))

    def close(self) -> None:
        """Have the last words written, unless they are held up."""
        self._over.set()
        self._thread.join(FAREWELL)

    def _tell(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody listens any more: the bundle is made all the same
            while not self._over.wait(TICK):
                self._take()
                self._teller.tell(time.monotonic() - self._began)
            self._take()
            self._teller.close()

    def _take(self) -> None:
        while self._heard:
            self._teller.hear(*self._heard.popleft())
