"""The one place that runs a program: argv only, a fixed search list, a clean environment, a deadline, a cap."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from typing import Callable

from sosmlx.record import Answer, Outcome
from sosmlx.sources.base import COMMAND_CAP, failed
from sosmlx.sources.guard import command_refusal

SEARCH = (
    "/usr/sbin", "/usr/bin", "/sbin", "/bin",
    "/opt/mellanox/iproute2/sbin", "/opt/mellanox/ethtool/sbin", "/opt/mellanox/mft/bin", "/usr/lib/mft/bin",
)  # fmt: skip
"""Where programs are looked for, distribution first: two bundles should not differ only because of the tool."""

ENVIRONMENT = {"PATH": ":".join(SEARCH), "LC_ALL": "C", "LANG": "C", "TERM": "dumb", "HOME": "/"}

STDERR_CAP = 64 << 10

# What tools print when the kernel or the driver says no; lower case. Anything else with a non-zero rc is FAILED.
_MESSAGES: tuple[tuple[str, Outcome], ...] = (
    ("operation not permitted", Outcome.DENIED),
    ("permission denied", Outcome.DENIED),
    ("operation not supported", Outcome.UNSUPPORTED),
    ("not supported", Outcome.UNSUPPORTED),
    ("bad command line", Outcome.UNSUPPORTED),
    ("unrecognized option", Outcome.UNSUPPORTED),
    ("unknown command", Outcome.UNSUPPORTED),
    ("is unknown, try", Outcome.UNSUPPORTED),
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
) -> Answer:
    """Run one program and return how it ended, always; one that `refusal` says something against is skipped.

    `deadline` and `grace` are seconds: at the deadline the program's process group gets SIGTERM, after `grace` SIGKILL,
    after `grace` again it is abandoned with its pid recorded. Output beyond `cap` bytes ends the program the same way.
    Whatever it started and left behind in its group is killed when it ends, and also when we are interrupted.
    """
    why = refusal(argv)
    if why:
        return Answer(outcome=Outcome.SKIPPED, reason=why)
    program = find(argv[0], search)
    if not program:
        return Answer(outcome=Outcome.ABSENT, reason=f"{argv[0]}: no such program in {':'.join(search)}")
    try:
        process = subprocess.Popen(  # ends in `_end`: waited for, or abandoned by name
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(ENVIRONMENT),
            cwd="/",
            start_new_session=True,
            umask=0o077,
        )
    except OSError as error:
        return failed(error)
    until = time.monotonic() + deadline
    pipes = _Pipes(process, cap)
    gone = False
    try:
        # A program may close its output and work on: it has the whole deadline.
        why = pipes.stream(until) or ("" if _wait(process, until) else "timeout")
    finally:
        gone = _end(process, grace)
        pipes.close()
    return _answer(process, program, pipes, why, gone, deadline)


class _Pipes:
    """Both output pipes of a process, read as they fill, so that neither a flood nor a full pipe can block."""

    def __init__(self, process: subprocess.Popen[bytes], cap: int) -> None:
        self.process = process
        self.data: dict[str, list[bytes]] = {"out": [], "err": []}
        self.room = {"out": cap, "err": STDERR_CAP}
        self.selector = selectors.DefaultSelector()
        for pipe, name in ((process.stdout, "out"), (process.stderr, "err")):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self.selector.register(pipe, selectors.EVENT_READ, name)

    def stream(self, until: float) -> str:
        """Read until both pipes end; returns why it stopped early: "timeout", "cap", or an empty string."""
        while self.selector.get_map():
            left = until - time.monotonic()
            if left <= 0:
                return "timeout"
            ready = self.selector.select(min(left, 0.2))
            for key, _ in ready:
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    self.selector.unregister(key.fileobj)
                elif not self._keep(key.data, chunk):
                    return "cap"
            if not ready and _ended(self.process):
                return ""  # a grandchild holds the pipe: what the program itself said is complete
        return ""

    def _keep(self, name: str, chunk: bytes) -> bool:
        room = self.room[name]
        self.data[name].append(chunk[: max(room, 0)])
        self.room[name] = room - len(chunk)
        return name == "err" or self.room[name] >= 0

    def text(self, name: str) -> bytes:
        return b"".join(self.data[name])

    def close(self) -> None:
        self.selector.close()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether a program has ended, without reaping it: until then its group's number is nobody else's."""
    if process.returncode is not None:
        return True
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # SIGCHLD is ignored: the kernel reaped it
        return True


def _wait(process: subprocess.Popen[bytes], until: float) -> bool:
    """Wait for the end of a program; returns whether it came in time."""
    pause = 0.001
    while not _ended(process):
        left = until - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(pause * 2, 0.05)
    return True


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
    gone = _wait(process, time.monotonic() + grace)
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
    data, stderr = pipes.text("out"), pipes.text("err")
    ended: int | None = process.returncode
    rc = ended if ended is not None and ended >= 0 else None
    number = -ended if ended is not None and ended < 0 else None
    if not gone:
        return Answer(data, Outcome.ABANDONED, "did not end after SIGKILL", None, None, process.pid, stderr, program)
    if why == "timeout":
        reason = f"no end within {deadline:g} s"
        return Answer(data, Outcome.TIMEOUT, reason, rc, number, process.pid, stderr, program)
    if why == "cap":
        return Answer(data, Outcome.TRUNCATED, f"more than {len(data)} bytes", rc, number, None, stderr, program)
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
