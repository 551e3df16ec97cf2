"""How a command ends: every exception becomes words on stderr and an exit code, and a signal an orderly way out."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import TextIO

from sosmlx.errors import SosmlxError
from sosmlx.printable import visible

TROUBLE = 2
INTERRUPTED = 130

_OUTPUT_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What a write to standard output can meet; an error of a file names the file and has become words elsewhere."""


def prepare() -> None:
    """Make the standard streams take whatever is printed. Raises SosmlxError where there is no standard output."""
    _keep_numbers()
    if sys.stderr is None:  # `2>&-`: print(file=None) would write the messages into the data
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open to the end
    if sys.stdout is None:  # `>&-`: the first file that is opened would take its number
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open to the end
        raise SosmlxError("standard output is closed", "leave it open, or send it to a file")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _keep_numbers() -> None:
    """Open what is closed of the three standard descriptors: a pipe of ours would else take such a number (`<&-`)."""
    with contextlib.suppress(OSError):  # a root without /dev
        handle = os.open(os.devnull, os.O_RDWR)
        while handle <= 2:  # the lowest number that is free
            handle = os.open(os.devnull, os.O_RDWR)
        os.close(handle)


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Meanwhile SIGTERM and SIGHUP end a command as Ctrl-C does: what was begun is cleared away."""
    before: dict[signal.Signals, object] = {}
    if threading.current_thread() is threading.main_thread():
        if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:  # then no exit code of a tool would reach us
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            if signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores SIGHUP: so do we
                before[number] = signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in before:
            signal.signal(number, signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


class Ending:
    """The last resort: a context that lets no exception out but an exit, and holds the exit code."""

    def __init__(self) -> None:
        self.code = 0
        self.debug = False

    def __enter__(self) -> Ending:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Say what happened and set the exit code; an exit passes, where its words could be written."""
        try:
            return self._told(kind, error, trace)
        finally:
            _flush(sys.stderr)

    def _told(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        lost = _flush(sys.stdout)
        if error is None:
            return False
        if isinstance(error, SystemExit):
            if lost:
                self._say(f"standard output: {lost}", TROUBLE)
            return bool(lost)
        if self.debug and not isinstance(error, (KeyboardInterrupt, BrokenPipeError)):
            import traceback  # it takes an eighth of a short command's time

            traceback.print_exception(kind, error, trace, file=sys.stderr)
        if isinstance(error, KeyboardInterrupt):
            self._say("interrupted", INTERRUPTED)
        elif isinstance(error, BrokenPipeError):  # the reader went away (`sosmlx show … | head`): nobody to tell
            self.code = TROUBLE
        elif isinstance(error, SosmlxError):
            self._say(error.message, TROUBLE)
            if error.hint:
                tell(f"        {error.hint}")
        elif isinstance(error, OSError) and (lost or (error.filename is None and error.errno in _OUTPUT_ERRORS)):
            self._say(f"standard output: {error.strerror or error}", TROUBLE)
        else:
            words = f"internal error: {type(error).__name__}: {error}"
            self._say(f"{words}; run again with --debug for a traceback, and report it", TROUBLE)
        return True

    def _say(self, words: str, code: int) -> None:
        tell(f"sosmlx: {words}")
        self.code = code


def tell(line: str) -> None:
    """Print a line for a person on standard error; where that cannot be written, the exit code still tells."""
    with contextlib.suppress(OSError):
        print(visible(line)[:2000], file=sys.stderr)


def _flush(stream: TextIO) -> str:
    """Write out what a standard stream holds; where that fails, silence the flush at exit and return why."""
    try:
        stream.flush()
    except (OSError, ValueError) as error:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return str(getattr(error, "strerror", None) or error)
    return ""
