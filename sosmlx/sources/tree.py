"""A host's files below a folder: a copied `/sys` and `/proc`, or the host of a container mounted at `/host`.

A path is walked component by component from the folder's own descriptor: a link is never followed by the kernel, but
read and gone on with inside the folder, as in a chroot. No device is opened and nothing of the folder is executed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sosmlx.record import Access, Answer, Call, Outcome
from sosmlx.sources.base import FILE_CAP, How, failed
from sosmlx.sources.files import read_file
from sosmlx.sources.live import LiveSource

MAX_LINKS = 40

NOT_STORED = Answer(outcome=Outcome.ABSENT, reason="not-stored")
"""What a copied tree says of programs and devices: a copy has none."""

NOTHING_RUN = Answer(outcome=Outcome.SKIPPED, reason="--root runs nothing, and opens no device")

_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class TreeSource:
    """The files of a host below `root`; `other` is the answer to everything that is no file."""

    kind = "tree"

    def __init__(self, root: str, other: Answer = NOT_STORED) -> None:
        self.path = root
        self._other = other
        self._files = LiveSource(lambda path, how: read_inside(root, path, how))

    def read(self, path: str, how: How, deadline: float) -> Answer:
        """Read a path of that host."""
        return self._files.read(path, how, deadline)

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        """Nothing of that host is executed."""
        return self._other

    def info(self, node: str, deadline: float) -> Answer:
        """No device is opened."""
        return self._other

    def register(self, access: Access, deadline: float) -> Answer:
        """No device is opened."""
        return self._other

    def command(self, call: Call, deadline: float) -> Answer:
        """No device is opened."""
        return self._other

    def close(self) -> None:
        """End what still reads: below a root may be a network file system that does not answer."""
        self._files.close()


def read_inside(root: str, path: str, how: How) -> Answer:
    """Read a file, a link's target or a folder's names below a root; the last component is followed for names alone."""
    if how == "catalogue":
        return Answer(outcome=Outcome.SKIPPED, reason="a catalogue below another root is not opened")
    parent, _, last = path.rpartition("/")
    try:
        with _walked(root, path if how == "names" else parent) as folder:
            if how == "names":
                return Answer(b"".join(os.fsencode(name) + b"\n" for name in sorted(_names(folder))))
            if how == "link":
                return Answer(os.fsencode(os.readlink(last, dir_fd=folder)))
            return read_file(last, FILE_CAP, folder, how)
    except OSError as error:
        return failed(error)
    except ValueError as error:  # a null byte in a name
        return Answer(outcome=Outcome.FAILED, reason=str(error))


def _names(folder: int) -> list[str]:
    """List a folder of which there is only a path descriptor. Raises OSError."""
    handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        return os.listdir(handle)
    finally:
        os.close(handle)


@contextmanager
def _walked(root: str, path: str) -> Iterator[int]:
    """Open a folder below a root and yield its descriptor. Raises OSError for loops and for what is not there.

    An absolute link starts again at the root, and `..` at the root stays there.
    """
    stack = [os.open(root, _FOLDER & ~os.O_NOFOLLOW)]
    try:
        waiting, links = path.split("/")[::-1], 0
        while waiting:
            part = waiting.pop()
            if part == "..":
                _drop(stack, max(1, len(stack) - 1))
            elif part not in ("", "."):
                target = _target(part, stack[-1])
                if target is None:
                    stack.append(os.open(part, _FOLDER, dir_fd=stack[-1]))
                    continue
                links += 1
                if links > MAX_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                if target.startswith("/"):
                    _drop(stack, 1)
                waiting.extend(target.split("/")[::-1])
        yield stack[-1]
    finally:
        _drop(stack, 0)


def _drop(stack: list[int], keep: int) -> None:
    """Close the descriptors beyond the first few."""
    while len(stack) > keep:
        os.close(stack.pop())


def _target(name: str, folder: int) -> str | None:
    """Read a link; None for what is none. Raises OSError."""
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise
