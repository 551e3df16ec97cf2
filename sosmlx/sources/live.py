"""This host: sysfs and procfs read under a deadline, programs through `sources.run`, firmware through fwctl."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Callable, cast

from sosmlx.child import Child, StuckError
from sosmlx.fwctl.client import Channel, Forked
from sosmlx.record import Access, Answer, Call, Outcome
from sosmlx.sources import run as program
from sosmlx.sources.base import INTERRUPTED, How
from sosmlx.sources.files import read_path
from sosmlx.sources.firmware import Firmware
from sosmlx.sources.guard import path_refusal
from sosmlx.sources.sweep import Reader, sweep


class LiveSource:
    """The running host."""

    kind = "live"
    path = "live:"

    def __init__(self, read: Reader | None = None, connect: Callable[[str], Channel] = Forked) -> None:
        self._readers = _Readers(_swept(read or read_path))
        self._stop = threading.Event()
        self._firmware = Firmware(connect)

    def read(self, path: str, how: How, deadline: float) -> Answer:
        """Read a path in another process: an attribute that is served by firmware can hang in the kernel.

        What the deny list refuses is not even asked of it.
        """
        why = path_refusal(path, how)
        if why:
            return Answer(outcome=Outcome.SKIPPED, reason=why)
        return self._readers.read(path, how, deadline)

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        """Run a program of the fixed search list."""
        return program.run(argv, deadline, stop=self._stop.is_set)

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
        """End what still reads or runs, and close the fwctl nodes, which frees their firmware contexts."""
        self._stop.set()
        self._stop = threading.Event()
        self._readers.close()
        self._firmware.close()


def _swept(read: Reader) -> Reader:
    """Read also what a pattern names, each file only where it may be read."""

    def one(path: str, how: How) -> Answer:
        why = path_refusal(path, how)
        return Answer(outcome=Outcome.SKIPPED, reason=why) if why else read(path, how)

    ways: dict[How, How] = {"values": "bytes", "config": "config"}
    return lambda path, how: sweep(path, one, ways[how]) if how in ways else read(path, how)


class _Readers:
    """Processes that read paths, as many as are read at the same time; an idle one takes the next."""

    def __init__(self, read: Reader) -> None:
        self._read = read
        self._idle: list[Child] = []
        self._all: list[Child] = []
        self._closed = 0

    def read(self, path: str, how: How, deadline: float) -> Answer:
        """Read a path, within so many seconds."""
        closed = self._closed
        try:
            child = self._idle.pop()
        except IndexError:
            child = Child(self._answer)
            self._all.append(child)
        try:
            return _unpacked(child.ask(f"{how}\0{path}".encode("utf-8", "surrogateescape"), deadline))
        except StuckError as stuck:
            outcome = Outcome.TIMEOUT if stuck.gone else Outcome.ABANDONED
            return Answer(outcome=outcome, reason=str(stuck), pid=stuck.pid)
        except BrokenPipeError:
            by_us = f"{INTERRUPTED} " if self._closed != closed else ""
            return Answer(outcome=Outcome.FAILED, reason=f"{by_us}the process that read it was ended")
        finally:
            self._idle.append(child)

    def close(self) -> None:
        """End the processes."""
        self._closed += 1
        for child in self._all:
            child.close()

    def _answer(self, question: bytes) -> bytes:
        how, _, path = question.decode("utf-8", "surrogateescape").partition("\0")
        return _packed(self._read(path, cast("How", how)))


def _packed(answer: Answer) -> bytes:
    reason = answer.reason.replace("\0", " ").encode("utf-8", "replace")
    return b"\0".join((answer.outcome.value.encode(), reason, answer.data))


def _unpacked(raw: bytes) -> Answer:
    outcome, reason, data = raw.split(b"\0", 2)
    return Answer(data, Outcome(outcome.decode()), reason.decode())
