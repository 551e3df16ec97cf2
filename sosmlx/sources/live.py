"""This host: sysfs and procfs read under a deadline, programs through `sources.run`, firmware through fwctl."""

from __future__ import annotations

import os
import queue
import stat
import threading
from collections.abc import Sequence
from typing import Callable

from sosmlx.fwctl.client import Channel, Forked
from sosmlx.record import Access, Answer, Call, Outcome
from sosmlx.sources import run as program
from sosmlx.sources.base import FILE_CAP, How, capped, failed
from sosmlx.sources.firmware import Firmware
from sosmlx.sources.guard import path_refusal


class LiveSource:
    """The running host."""

    kind = "live"
    path = "live:"

    def __init__(
        self, read: Callable[[str, How], Answer] | None = None, connect: Callable[[str], Channel] = Forked
    ) -> None:
        self._worker = _Worker()
        self._read = read or read_path
        self._firmware = Firmware(connect)

    def read(self, path: str, how: How, deadline: float) -> Answer:
        """Read a path in a worker thread: an attribute that is served by firmware can block."""
        why = path_refusal(path, how)
        if why:
            return Answer(outcome=Outcome.SKIPPED, reason=why)
        answer = self._worker.call(lambda: self._read(path, how), deadline)
        if answer is None:
            self._worker = _Worker()  # the old thread stays behind in its system call
            return Answer(outcome=Outcome.ABANDONED, reason=f"no answer within {deadline:g} s", pid=os.getpid())
        return answer

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        """Run a program of the fixed search list."""
        return program.run(argv, deadline)

    def info(self, node: str, deadline: float) -> Answer:
        """Ask a fwctl node who answers."""
        return self._firmware.info(node, deadline)

    def register(self, access: Access, deadline: float) -> Answer:
        """Read one firmware register."""
        return self._firmware.register(access, deadline)

    def command(self, call: Call, deadline: float) -> Answer:
        """Ask one firmware command."""
        return self._firmware.command(call, deadline)

    def close(self) -> None:
        """Close the fwctl nodes, which frees their firmware contexts."""
        self._firmware.close()


def read_path(path: str, how: How, cap: int = FILE_CAP) -> Answer:
    """Read a file, a link's target, a folder's names or a catalogue's rows; the last component is never followed."""
    try:
        if how == "catalogue":
            from sosmlx.sources.catalogue import read_catalogue  # SQLite, for a file that few hosts have

            return Answer(read_catalogue(path))
        if how == "link":
            return Answer(os.fsencode(os.readlink(path)))
        if how == "names":
            return Answer(b"".join(os.fsencode(name) + b"\n" for name in sorted(os.listdir(path))))
        # O_NONBLOCK: a FIFO or a terminal in the place of an attribute must not hold us.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            return read_descriptor(handle, cap)
        finally:
            os.close(handle)
    except OSError as error:
        return failed(error)
    except ValueError as error:  # a null byte in a name
        return Answer(outcome=Outcome.FAILED, reason=str(error))


def read_descriptor(handle: int, cap: int) -> Answer:
    """Read a regular file to its end or to the cap. Raises OSError."""
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        return Answer(outcome=Outcome.FAILED, reason="not a regular file")
    chunks, size = [], 0
    while size <= cap:
        chunk = os.read(handle, min(1 << 16, cap + 1 - size))
        if not chunk:
            break
        chunks.append(chunk)
        size += len(chunk)
    return capped(b"".join(chunks), cap)


class _Worker:
    """One daemon thread that does one job at a time and can be left behind."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Answer], queue.SimpleQueue[Answer]]] = queue.SimpleQueue()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            job, reply = self._jobs.get()
            reply.put(job())

    def call(self, job: Callable[[], Answer], deadline: float) -> Answer | None:
        reply: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._jobs.put((job, reply))
        try:
            return reply.get(timeout=deadline)
        except queue.Empty:
            return None
