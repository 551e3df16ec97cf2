"""A Source that gives no read more time than is left: what comes too late is skipped, and says so."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Callable

from sosmlx.record import Access, Answer, Call, Outcome
from sosmlx.sources.base import How, Source

LATE = Answer(outcome=Outcome.SKIPPED, reason="budget: the time for the whole run is over")


class Bounded:
    """Another Source until `until`, a point of the monotonic clock."""

    def __init__(self, source: Source, until: float) -> None:
        self._source, self._until = source, until
        self.kind, self.path = source.kind, source.path

    def read(self, path: str, how: How, deadline: float) -> Answer:
        """Read a path."""
        return self._within(deadline, lambda seconds: self._source.read(path, how, seconds))

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        """Run a program."""
        return self._within(deadline, lambda seconds: self._source.run(argv, seconds))

    def info(self, node: str, deadline: float) -> Answer:
        """Ask a fwctl node who answers."""
        return self._within(deadline, lambda seconds: self._source.info(node, seconds))

    def register(self, access: Access, deadline: float) -> Answer:
        """Read one firmware register."""
        return self._within(deadline, lambda seconds: self._source.register(access, seconds))

    def command(self, call: Call, deadline: float) -> Answer:
        """Ask one firmware command."""
        return self._within(deadline, lambda seconds: self._source.command(call, seconds))

    def close(self) -> None:
        """Let go of what reading has opened."""
        self._source.close()

    def _within(self, deadline: float, ask: Callable[[float], Answer]) -> Answer:
        left = self._until - time.monotonic()
        return ask(min(deadline, left)) if left > 0 else LATE
