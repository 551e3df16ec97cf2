"""The one door to the outside: what a Source is, and how an error number becomes an outcome."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Literal, Protocol

from sosmlx.record import Access, Answer, Call, Outcome

How = Literal["bytes", "link", "names", "catalogue", "values", "config"]
"""What to read of a path: a file's bytes, a link's target, a folder's names (one a line, sorted), the rows of an
installed catalogue of flash parameters, the values of all files that a pattern names (`sources/sweep.py`),
or of each of them the registers that its PCI configuration space is asked for (`sources/config_space.py`)."""

BREAKER = "breaker:"
"""Begins the reason of a read that was not tried because what it asks had stopped answering."""

INTERRUPTED = "interrupted:"
"""Begins the reason of a read that was left out, or ended, because somebody ended the run."""

FILE_CAP = 1 << 20
COMMAND_CAP = 8 << 20


class Source(Protocol):
    """Where facts are read from; a collector cannot tell a host from a recording or a simulation."""

    @property
    def kind(self) -> str:
        """The word for this kind of source in `source.kind`."""

    @property
    def path(self) -> str:
        """What the user called it."""

    def read(self, path: str, how: How, deadline: float) -> Answer:
        """Read one absolute path within `deadline` seconds; never raises for what the host does."""

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        """Run one program (named, not by path) within `deadline` seconds; never raises for what the host does."""

    def info(self, node: str, deadline: float) -> Answer:
        """Ask a fwctl node who answers (FWCTL_INFO); never raises for what the host does."""

    def register(self, access: Access, deadline: float) -> Answer:
        """Read one firmware register; never raises for what the host does. Raises NotAllowedError for any other."""

    def command(self, call: Call, deadline: float) -> Answer:
        """Ask one firmware command; never raises for what the host does. Raises NotAllowedError for any other."""

    def close(self) -> None:
        """Let go of what reading has opened; a later read opens it again."""


_OUTCOMES: dict[int, Outcome] = {
    errno.ENOENT: Outcome.ABSENT,
    errno.ENOTDIR: Outcome.ABSENT,
    errno.EACCES: Outcome.DENIED,
    errno.EPERM: Outcome.DENIED,
    errno.ENODEV: Outcome.VANISHED,
    errno.ENXIO: Outcome.VANISHED,
    errno.ESTALE: Outcome.VANISHED,
    errno.EINVAL: Outcome.UNSUPPORTED,
    errno.EOPNOTSUPP: Outcome.UNSUPPORTED,
    errno.ENOSYS: Outcome.UNSUPPORTED,
    errno.ENOTTY: Outcome.UNSUPPORTED,
}


def failed(error: OSError) -> Answer:
    """Turn an OSError into an answer: its outcome, and the error number in words.

    >>> failed(PermissionError(13, "x")).reason
    'EACCES: Permission denied'
    """
    number = error.errno or 0
    words = f"{errno.errorcode.get(number, 'error')}: {os.strerror(number)}" if number else str(error)
    return Answer(outcome=_OUTCOMES.get(number, Outcome.FAILED), reason=words)


def capped(data: bytes, cap: int) -> Answer:
    """Make an answer of bytes that were read with one byte to spare, truncated where they pass the cap."""
    if len(data) > cap:
        return Answer(data[:cap], Outcome.TRUNCATED, f"more than {cap} bytes")
    return Answer(data)
