"""What a collection says of itself while it runs: its stages, and every read as it begins and as it ends."""

from __future__ import annotations

from typing import Callable, NamedTuple, Union

from sosmlx.record import Outcome


class Stage(NamedTuple):
    """The run as a whole now does this."""

    what: str


class Began(NamedTuple):
    """A read of a device ("host", or a BDF) began; it has at most `deadline` seconds."""

    device: str
    what: str
    deadline: float


class Ended(NamedTuple):
    """A read of a device ended so, after so many seconds, with so many bytes."""

    device: str
    what: str
    outcome: Outcome
    reason: str
    seconds: float
    size: int


Event = Union[Stage, Began, Ended]

Watch = Callable[[Event], None]
"""Who is told. Called from several threads; must come back at once and raise nothing."""


def nobody(event: Event) -> None:
    """Watch nothing."""
