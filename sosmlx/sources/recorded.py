"""A host that is not here: the records of a bundle, behind the same door."""

from __future__ import annotations

from collections.abc import Sequence

from sosmlx.fwctl.client import FOLDER
from sosmlx.record import Access, Answer, Bundle, Call, Outcome, target
from sosmlx.sources.base import How

_NOT_STORED = Answer(outcome=Outcome.ABSENT, reason="not-stored")


class BundleSource:
    """Answers each read as the bundle recorded it; what the bundle does not hold is absent, reason `not-stored`."""

    kind = "bundle"

    def __init__(self, bundle: Bundle) -> None:
        self.path = bundle.path
        self._answers = {record.target: record.answer for record in bundle.records}

    def read(self, path: str, how: How, deadline: float) -> Answer:
        """Give back what was read from that path."""
        return self._answers.get(target((), path, None), _NOT_STORED)

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        """Give back what that command printed."""
        return self._answers.get(target(tuple(argv), "", None), _NOT_STORED)

    def info(self, node: str, deadline: float) -> Answer:
        """Give back what that node said of itself."""
        return self._answers.get(target((), f"{FOLDER}/{node}", None), _NOT_STORED)

    def register(self, access: Access, deadline: float) -> Answer:
        """Give back what that register held."""
        return self._answers.get(target((), "", access), _NOT_STORED)

    def command(self, call: Call, deadline: float) -> Answer:
        """Give back what that command was answered."""
        return self._answers.get(target((), "", None, call), _NOT_STORED)

    def close(self) -> None:
        """Nothing is open."""
