"""The one place that runs a program: argv only, a fixed search list, a clean environment, a deadline, a cap."""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import IO, Callable, cast

from sosmlx.record import Answer, Outcome
from sosmlx.sources.base import COMMAND_CAP, INTERRUPTED, failed
from sosmlx.sources.guard import command_refusal

SEARCH = (
    "/usr/sbin", "/usr/bin", "/sbin", "/bin",
    "/opt/mellanox/iproute2/sbin", "/opt/mellanox/ethtool/sbin", "/opt/mellanox/mft/bin", "/usr/lib/mft/bin",
)  # fmt: skip
"""Where programs are looked for, distribution first: two bundles should not differ only because of the tool."""

ENVIRONMENT = {"PATH": ":".join(SEARCH), "LC_ALL": "C", "LANG": "C", "TERM": "dumb", "HOME": "/"}

STDERR_CAP = 64 << 10

FLOOD_KEPT = 1 << 20
"""Of an output that goes beyond its cap so much is kept: no more of it would tell anything, or be parsed."""

HELD_CAP = 32 << 20
FAIR_SHARE = 1 << 20
"""What all programs that run together have printed is held in memory: beyond this, each has only its fair share."""

_LIMITS = ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 16 << 20), (resource.RLIMIT_AS, 4 << 30))
"""Limits of a program: no core dump, no large file, no more memory than any tool of this kind can need."""

# What tools print when the kernel or the driver says no; lower case. Anything else with a non-zero rc is FAILED.
_MESSAGES: tuple[tuple[str, Outcome], ...] = (
    ("operation not permitted", Outcome.DENIED),
    ("permission denied", Outcome.DENIED),
    ("operation not supported", Outcome.UNSUPPORTED),
    ("not supported", Outcome.UNSUPPORTED),
    ("bad command line", Outcome.UNSUPPORTED),
    ("unrecognized option", Outcome.UNSUPPORTED),
    ("unknown command", Outcome.UNSUPPORTED),
    ("is unknown", Outcome.UNSUPPORTED),
    ("does not report", Outcome.UNSUPPORTED),
    ("failed to open netlink_rdma socket", Outcome.UNSUPPORTED),
    ("is not owned by any package", Outcome.ABSENT),
    ("no path found matching pattern", Outcome.ABSENT),
    ("failed to connect to devlink netlink", Outcome.UNSUPPORTED),
    ("no such device", Outcome.VANISHED),
)


def find(program: str, search: Sequence[str] = SEARCH) -> str:
    """Return the absolute path of an executable regular file in the search list, or an empty string."""
    for folder in search:
        path = f"{folder}/{program}"
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return ""


def run(
    argv: Sequence[str],
    deadline: float,
    *,
    cap: int = COMMAND_CAP,
    grace: float = 2.0,
    search: Sequence[str] = SEARCH,
    refusal: Callable[[Sequence[str]], str] = command_refusal,
    stop: Callable[[], bool] = lambda: False,
) -> Answer:
    """Run one program and return how it ended, always; one that `refusal` says something against is skipped.

    `deadline` and `grace` are seconds: at the deadline the program's process group gets SIGTERM, after `grace` SIGKILL,
    after `grace` again it is abandoned with its pid recorded. Output beyond `cap` bytes ends the program the same way.
    `stop` is asked a few times a second whether to end it at once.
    Whatever it started and left behind in its group is killed when it ends, and also when we are interrupted.
    """
    why = refusal(argv)
    if why:
        return Answer(outcome=Outcome.SKIPPED, reason=why)
    program = find(argv[0], search)
    if not program:
        return Answer(outcome=Outcome.ABSENT, reason=f"{argv[0]}: no such program in {':'.join(search)}")
    try:
        process = _start([program, *argv[1:]], subprocess.DEVNULL)
    except OSError as error:
        return failed(error)
    until = time.monotonic() + deadline
    _limit(process)
    pipes = _Pipes(process, cap, stop)
    gone = False
    try:
        # A program may close its output and work on: it has the whole deadline.
        why = pipes.stream(until) or _wait(process, until, stop)
    finally:
        gone = _end(process, grace)
        pipes.close()
    return _answer(process, program, pipes, why, gone, deadline)


def _start(argv: Sequence[str], stdin: int, home: str = ENVIRONMENT["HOME"]) -> subprocess.Popen[bytes]:
    """Start a program by its absolute path. It ends in `_end`: waited for, or abandoned by name."""
    return subprocess.Popen(
        argv,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**ENVIRONMENT, "HOME": home},
        cwd="/",
        start_new_session=True,
        umask=0o077,
    )


def _limit(process: subprocess.Popen[bytes]) -> None:
    """Set a program's limits from outside: code of ours between fork and exec is not safe beside threads."""
    for name, most in _LIMITS:
        with contextlib.suppress(OSError, ValueError):  # gone already, or a container that does not allow it
            resource.prlimit(process.pid, name, (most, most))


class _Held:
    """How many bytes of output are in memory that nobody has taken yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = 0

    def add(self, count: int) -> bool:
        """Count bytes in, or out; returns whether all have room."""
        with self._lock:
            self._bytes += count
            return self._bytes <= HELD_CAP


_HELD = _Held()


class _Pipes:
    """Both output pipes of a process, read as they fill, so that neither a flood nor a full pipe can block."""

    def __init__(self, process: subprocess.Popen[bytes], cap: int, stop: Callable[[], bool] = lambda: False) -> None:
        self.process, self.stop = process, stop
        self.held = 0
        self.data = {"out": bytearray(), "err": bytearray()}
        self.room = {"out": cap, "err": STDERR_CAP}
        self.selector = selectors.DefaultSelector()
        for pipe, name in ((process.stdout, "out"), (process.stderr, "err")):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self.selector.register(pipe, selectors.EVENT_READ, name)

    def stream(self, until: float) -> str:
        """Read until both pipes end; returns why it stopped early: "timeout", "cap", "stop", or an empty string."""
        while self.selector.get_map():
            left = until - time.monotonic()
            if left <= 0:
                return "timeout"
            if self.stop():
                return "stop"
            ready = self.selector.select(min(left, 0.2))
            for key, _ in ready:
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    self.selector.unregister(key.fileobj)
                elif not self.keep(key.data, chunk):
                    return "cap"
            if not ready and _ended(self.process):
                return ""  # a grandchild holds the pipe: what the program itself said is complete
        return ""

    def keep(self, name: str, chunk: bytes) -> bool:
        room = self.room[name]
        kept = chunk[: max(room, 0)]
        self.data[name] += kept
        self.room[name] = room - len(chunk)
        self.held += len(kept)
        fits = _HELD.add(len(kept)) or self.held <= FAIR_SHARE
        return name == "err" or (self.room[name] >= 0 and fits)

    def text(self, name: str, most: int | None = None) -> bytes:
        return bytes(memoryview(self.data[name])[:most])

    def close(self) -> None:
        _HELD.add(-self.held)
        self.held = 0
        self.selector.close()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


class ToolError(Exception):
    """A program that a stream goes through did not take it, or did not give all of it; the message says why."""


def stream(
    argv: Sequence[str],
    chunks: Iterable[bytes],
    *,
    patience: float = 10.0,
    home: str = ENVIRONMENT["HOME"],
    search: Sequence[str] = SEARCH,
) -> Iterator[bytes]:
    """Send a stream through a program and yield what it gives, as it comes; nothing of it is held or written.

    `patience` is for how many seconds the program may neither take nor give anything, `home` its home folder. Raises
    ToolError where there is no such program, or it failed, or left some of the stream: what was yielded is then of no
    use. However this ends, the program ends with it.
    """
    program = find(argv[0], search)
    if not program:
        raise ToolError(f"{argv[0]}: no such program in {':'.join(search)}")
    try:
        process = _start([program, *argv[1:]], subprocess.PIPE, home)
    except OSError as error:
        raise ToolError(f"{program}: {error.strerror or error}") from None
    pipes = _Pipes(process, sys.maxsize)
    try:
        whole = yield from _through(process, pipes, iter(chunks), patience)
        if _wait(process, time.monotonic() + patience):
            raise ToolError(f"{program}: did not end within {patience:g} s")
    finally:
        _end(process, 2.0)
        pipes.close()
    if process.returncode or not whole:
        said = " ".join(pipes.text("err").decode("utf-8", "replace").split())[-300:]
        raise ToolError(f"{program}: {said or f'took only a part, exit code {process.returncode}'}")


def _through(
    process: subprocess.Popen[bytes], pipes: _Pipes, chunks: Iterator[bytes], patience: float
) -> Generator[bytes, None, bool]:
    """Write into a program what it takes while yielding what it gives; returns whether it took all."""
    stdin = cast("IO[bytes]", process.stdin)
    os.set_blocking(stdin.fileno(), False)
    pipes.selector.register(stdin, selectors.EVENT_WRITE, "in")
    left: memoryview | None = memoryview(b"")
    whole = False
    while pipes.selector.get_map():
        ready = pipes.selector.select(patience)
        if not ready:
            raise ToolError(f"{process.pid}: took and gave nothing for {patience:g} s")
        for key, _ in ready:
            if key.data == "in":
                left = left or memoryview(next(filter(None, chunks), b""))
                whole = not left
                left = _push(stdin, left) if left else None
                if left is None:
                    pipes.selector.unregister(stdin)
                    stdin.close()
                continue
            chunk = os.read(key.fd, 1 << 16)
            if not chunk:
                pipes.selector.unregister(key.fileobj)
            elif key.data == "out":
                yield chunk
            else:
                pipes.keep("err", chunk)
    return whole


def _push(stdin: IO[bytes], data: memoryview) -> memoryview | None:
    """Write as much as a program takes; returns the rest, or None where it has closed its input."""
    try:
        return data[os.write(stdin.fileno(), data[: 1 << 16]) :]
    except BrokenPipeError:
        return None
    except BlockingIOError:
        return data


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether a program has ended, without reaping it: until then its group's number is nobody else's."""
    if process.returncode is not None:
        return True
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # SIGCHLD is ignored: the kernel reaped it
        return True


def _wait(process: subprocess.Popen[bytes], until: float, stop: Callable[[], bool] = lambda: False) -> str:
    """Wait for the end of a program; returns why it was not waited for: "timeout", "stop", or an empty string."""
    pause = 0.001
    while not _ended(process):
        left = until - time.monotonic()
        if left <= 0 or stop():
            return "timeout" if left <= 0 else "stop"
        time.sleep(min(pause, left))
        pause = min(pause * 2, 0.05)
    return ""


def _end(process: subprocess.Popen[bytes], grace: float) -> bool:
    """End a program that still runs (TERM, then KILL, then give up) and all that is left in its group.

    Returns whether the program is gone. A second interruption while it has its grace does not spare it the KILL.
    """
    try:
        if not _ended(process):
            _signal(process, signal.SIGTERM)
            _wait(process, time.monotonic() + grace)
    finally:
        _signal(process, signal.SIGKILL)
    gone = not _wait(process, time.monotonic() + grace)
    if gone:
        process.wait()
    return gone


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    # PermissionError: nothing is left in the group but what runs as somebody else.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _answer(
    process: subprocess.Popen[bytes], program: str, pipes: _Pipes, why: str, gone: bool, deadline: float
) -> Answer:
    data, stderr = pipes.text("out", FLOOD_KEPT if why == "cap" else None), pipes.text("err")
    ended: int | None = process.returncode
    rc = ended if ended is not None and ended >= 0 else None
    number = -ended if ended is not None and ended < 0 else None
    if not gone:
        return Answer(data, Outcome.ABANDONED, "did not end after SIGKILL", None, None, process.pid, stderr, program)
    if why == "timeout":
        reason = f"no end within {deadline:g} s"
        return Answer(data, Outcome.TIMEOUT, reason, rc, number, process.pid, stderr, program)
    if why == "stop":
        return Answer(data, Outcome.FAILED, f"{INTERRUPTED} it was ended", rc, number, None, stderr, program)
    if why == "cap":
        size = len(pipes.data["out"])
        reason = f"more than {size} bytes" + (f"; the first {len(data)} are kept" if len(data) < size else "")
        return Answer(data, Outcome.TRUNCATED, reason, rc, number, None, stderr, program)
    if number is not None:
        return Answer(data, Outcome.FAILED, f"ended by signal {number}", None, number, None, stderr, program)
    outcome, reason = classify(rc or 0, stderr)
    return Answer(data, outcome, reason, rc, None, None, stderr, program)


def classify(rc: int, stderr: bytes) -> tuple[Outcome, str]:
    """Tell from exit code and messages how a program ended by itself; the reason is its first line on stderr.

    >>> classify(1, b"kernel answers: Operation not supported")[0].value
    'unsupported'
    """
    if rc == 0:
        return Outcome.COLLECTED, ""
    text = stderr.decode("utf-8", "replace").strip()
    reason = (text.splitlines() or [f"exit code {rc}"])[0][:200]
    lower = text.lower()
    return next((outcome for words, outcome in _MESSAGES if words in lower), Outcome.FAILED), reason
