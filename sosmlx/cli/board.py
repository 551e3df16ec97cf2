"""How a collection stands: what is being read of each device, since when, and how the reads before it ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sosmlx.collectors.watch import Began, Event, Stage
from sosmlx.printable import visible
from sosmlx.record import Outcome

SLOW = 3.0
"""A read that has taken so many seconds is pointed out."""

_FINE = (Outcome.COLLECTED, Outcome.ABSENT, Outcome.UNSUPPORTED)
"""Outcomes that a line need not mention: any host has them."""


@dataclass
class Line:
    """One device, or the host: how many reads ended, how, and what runs `since` (seconds after the beginning)."""

    device: str
    reads: int = 0
    what: str = ""
    since: float = 0.0
    pointed: bool = False
    others: Counter[str] = field(default_factory=Counter)

    def text(self, now: float) -> str:
        """Say how it stands."""
        said = [f"{self.device:<14} {self.reads:>5} reads"]
        said += [f"{count} {outcome}" for outcome, count in sorted(self.others.items())]
        if self.what:
            lasts = now - self.since
            said.append(f"{'SLOW ' if lasts >= SLOW else ''}{lasts:.1f} s {self.what}")
        return ", ".join(said)


class Board:
    """The lines of one collection. Used by one thread."""

    def __init__(self, max_seconds: float) -> None:
        self._max_seconds = max_seconds
        self._lines: dict[str, Line] = {}
        self._stage = ""

    def hear(self, event: Event, at: float) -> None:
        """Take in an event of so many seconds after the beginning."""
        if isinstance(event, Stage):
            self._stage = event.what
            return
        line = self._lines.setdefault(event.device, Line(event.device))
        if isinstance(event, Began):
            line.what, line.since, line.pointed = event.what, at, False
            return
        line.what = ""
        line.reads += 1
        if event.outcome not in _FINE:
            line.others[event.outcome.value] += 1

    def slow(self, now: float) -> list[Line]:
        """Return the lines whose read has become slow since this was asked last."""
        found = [line for line in self._lines.values() if line.what and not line.pointed and now - line.since >= SLOW]
        for line in found:
            line.pointed = True
        return found

    def lines(self, now: float, width: int, height: int) -> list[str]:
        """Render at most so many lines of so many characters: the devices, and last the run as a whole.

        Where the devices are more, those that are being read come first, and the rest is counted.
        """
        devices = list(self._lines.values())
        room = max(1, height - 1)
        rows = [line.text(now) for line in devices]
        if len(devices) > room:
            shown = sorted(devices, key=lambda line: not line.what)[: room - 1]
            rest = [line for line in devices if line not in shown]
            rows = [line.text(now) for line in devices if line in shown]
            rows.append(f"and {len(rest)} more, {sum(line.reads for line in rest)} reads")
        total = sum(line.reads for line in devices)
        rows.append(f"{now:.0f} of at most {self._max_seconds:g} s, {total} reads: {self._stage}")
        return [visible(row)[:width] for row in rows[-height:]]
