"""A host that is not here: the records of a bundle, or a copied tree of `/sys` and `/proc`, behind the same door."""

from __future__ import annotations

import os
from collections.abc import Sequence

from sosmlx.fwctl.client import FOLDER
from sosmlx.record import Access, Answer, Bundle, Call, Outcome, target
from sosmlx.sources.base import FILE_CAP, How, failed
from sosmlx.sources.live import read_path

MAX_LINKS = 40

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


class TreeSource:
    """A folder that holds a copy of a host's `/sys` and `/proc`. Links are resolved inside it, never out of it."""

    kind = "tree"

    def __init__(self, root: str) -> None:
        self.path = root

    def read(self, path: str, how: How, deadline: float) -> Answer:
        """Read a path of the recorded host."""
        try:
            parent, last = os.path.split(path)
            inside = "/".join([self.path, *_resolve(self.path, parent), last])
        except OSError as error:
            return failed(error)
        return read_path(inside, how, FILE_CAP)

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        """Nothing of a recorded host is executed."""
        return _NOT_STORED

    def info(self, node: str, deadline: float) -> Answer:
        """A copied tree has no devices."""
        return _NOT_STORED

    def register(self, access: Access, deadline: float) -> Answer:
        """A copied tree has no firmware."""
        return _NOT_STORED

    def command(self, call: Call, deadline: float) -> Answer:
        """A copied tree has no firmware."""
        return _NOT_STORED

    def close(self) -> None:
        """Nothing is open."""


def _resolve(root: str, path: str) -> list[str]:
    """Resolve a path of the recorded host to components below `root`. Raises OSError for loops and missing parts.

    An absolute link starts again at the root of the tree, and `..` at the root stays there: as in a chroot.
    """
    waiting = list(reversed([part for part in path.split("/") if part]))
    done: list[str] = []
    links = 0
    while waiting:
        part = waiting.pop()
        if part in ("", "."):
            continue
        if part == "..":
            done = done[:-1]
            continue
        here = "/".join([root, *done, part])
        if os.path.islink(here):
            links += 1
            if links > MAX_LINKS:
                raise OSError(40, "too many links")
            target = os.readlink(here)
            if target.startswith("/"):
                done = []
            waiting.extend(reversed(target.split("/")))
        else:
            os.lstat(here)
            done.append(part)
    return done
