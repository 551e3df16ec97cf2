"""What the words of a command line name: a source of some kind, planes, devices."""

from __future__ import annotations

from collections.abc import Sequence

from sosmlx.bundle.opening import open_source
from sosmlx.diff.align import named
from sosmlx.errors import UsageError
from sosmlx.model import PLANES, Snapshot
from sosmlx.parsers import PARSERS
from sosmlx.record import Bundle


def opened(spec: str, as_kind: str | None) -> Bundle:
    """Open a SOURCE as that kind of text, where one was named. Raises UsageError, InputError."""
    if as_kind is not None and as_kind not in PARSERS:
        raise UsageError(f"--as {as_kind}: no such kind", "`sosmlx list kinds` names them")
    return open_source(spec, as_kind)


def planes(words: Sequence[str]) -> tuple[str, ...]:
    """Take the planes that were named. Raises UsageError for one that there is not."""
    unknown = [plane for plane in words if plane not in PLANES]
    if unknown:
        raise UsageError(f"--plane {unknown[0]}: no such plane", f"known ones: {', '.join(PLANES)}")
    return tuple(words)


def devices(snapshot: Snapshot, words: Sequence[str], spec: str) -> frozenset[str] | None:
    """Find the ids of the devices that were named; None where none was, and all are meant. Raises UsageError."""
    names = named(snapshot.devices, words)
    if words and not names:
        raise UsageError(f"--device {' '.join(words)}: no such device in {spec}")
    return frozenset(names) if words else None
