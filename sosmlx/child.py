"""A process of ours that answers one question at a time, and that can be left behind where it hangs in the kernel.

A thread cannot do this: a system call that waits in the kernel cannot be cancelled, and a process that has a thread in
it cannot exit.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import struct
import threading
import time
from typing import Callable, NoReturn

_SIZE = struct.Struct("=I")


class StuckError(Exception):
    """A question got no answer in time; the process that waits for it was killed, or left behind where that failed."""

    def __init__(self, pid: int, seconds: float, *, gone: bool = False) -> None:
        what = "was ended" if gone else "was left behind"
        super().__init__(f"no answer within {seconds:g} s; process {pid} {what}")
        self.pid = pid
        self.gone = gone


class Child:
    """A process that is forked with the first question. `answer` runs in it, and must raise nothing.

    One thread asks; any thread may call `close`.
    """

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self._pid = self._to = self._from = 0
        self._asking = threading.Lock()

    @property
    def runs(self) -> bool:
        """Whether there is a process."""
        return self._pid != 0

    def ask(self, question: bytes, deadline: float) -> bytes:
        """Return the answer. Raises StuckError after `deadline` seconds, BrokenPipeError where the process ended."""
        until = time.monotonic() + deadline
        with self._asking:
            try:
                if not self._pid:
                    self._start()
                os.write(self._to, _SIZE.pack(len(question)) + question)
                return self._read(_SIZE.unpack(self._read(_SIZE.size, until))[0], until)
            except _LateError:
                pid = self._pid
                raise StuckError(pid, deadline, gone=self._leave()) from None
            except BrokenPipeError:
                self._leave()
                raise

    def close(self) -> None:
        """End the process; the next question starts another. Whoever waits for an answer gets BrokenPipeError."""
        self._kill()
        with self._asking:
            self._leave()

    def _kill(self) -> None:
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    def _leave(self) -> bool:
        """Let the process go; returns whether it is gone: one that hangs in the kernel stays until it may go."""
        if not self._pid:
            return True
        os.close(self._to)
        os.close(self._from)
        self._kill()
        pid, self._pid = self._pid, 0
        return _reaped(pid)

    def _start(self) -> None:
        asks, to = os.pipe()
        answers, replies = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _serve(asks, replies, self._answer)
        os.close(asks)
        os.close(replies)
        self._to, self._from = to, answers

    def _read(self, size: int, until: float) -> bytes:
        """Read so many bytes of an answer. Raises _LateError, and BrokenPipeError for a process that is gone."""
        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        data = b""
        while len(data) < size:
            left = until - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise _LateError
            chunk = os.read(self._from, size - len(data))
            if not chunk:
                raise BrokenPipeError(errno.EPIPE, "the process that asks ended")
            data += chunk
        return data


class _LateError(Exception):
    """The deadline passed; not a TimeoutError, which is how Python spells the kernel's ETIMEDOUT."""


def _reaped(pid: int) -> bool:
    """Wait a moment for a killed process; returns whether it is gone."""
    for _ in range(100):
        try:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return True
        except ChildProcessError:
            return True
        time.sleep(0.001)
    return False


def _serve(asks: int, replies: int, answer: Callable[[bytes], bytes]) -> NoReturn:
    """Be the process: one question after the other until the parent goes away."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when it is over
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        let_go(asks, replies)
        while True:
            head = _all(asks, _SIZE.size)
            if not head:
                break
            data = answer(_all(asks, _SIZE.unpack(head)[0]))
            rest = memoryview(_SIZE.pack(len(data)) + data)
            while rest:
                rest = rest[os.write(replies, rest) :]
        code = 0
    finally:
        os._exit(code)


def _all(handle: int, size: int) -> bytes:
    """Read so many bytes; nothing where the other end is closed."""
    data = b""
    while len(data) < size:
        chunk = os.read(handle, size - len(data))
        if not chunk:
            return b""
        data += chunk
    return data


def let_go(*kept: int) -> None:
    """Close what belongs to the parent: a process that is stuck must not hold its terminal or its pipes open."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for handle in os.listdir("/proc/self/fd"):
        if int(handle) > 2 and int(handle) not in kept:
            with contextlib.suppress(OSError):
                os.close(int(handle))
