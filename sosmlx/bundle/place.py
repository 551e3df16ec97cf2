"""Where a bundle is put: a folder that is tried before anything is read, files without a name until they are whole.

A file without a name goes away with the process that writes it, whatever ends that process. What must have a hidden
name until then (a folder, or a file where there are none without a name) has a process that stands by to clear it away.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
from types import TracebackType

from sosmlx.child import let_go
from sosmlx.errors import SosmlxError

LEAST = 128 << 10
"""Bytes that must be free before a collection begins: the bundle of a host without adapters takes a quarter of it."""

_NAMELESS = getattr(os, "O_TMPFILE", 0)
_CANNOT = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)
"""What open(2) says to O_TMPFILE where the file system or the kernel knows no files without a name."""

_NEW = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_DESCRIPTORS = "/proc/self/fd"


def make_folder(folder: str) -> None:
    """Create a folder and what is missing above it, each 0700: `os.makedirs` leaves the upper ones to the umask.

    Raises OSError.
    """
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder.rstrip("/"))
    if parent:
        make_folder(parent)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        if not os.path.isdir(folder):
            raise


def prepare(folder: str) -> None:
    """Make sure, before anything is read, that a bundle can be put into a folder. Raises SosmlxError.

    The folder is created; one that was not there and turns out to be of no use is left, empty.
    """
    try:
        make_folder(folder)
        with Unnamed(folder, "sosmlx-probe") as file:
            file.write(b"\0" * 4096)
            file.sync()
        free = room(folder)
    except OSError as error:
        raise refusal(folder, error) from None
    if 0 <= free < LEAST:
        raise SosmlxError(
            f"{folder}: only {free} bytes are free there, and a bundle needs {LEAST} at least",
            "name another folder with -o DIR, or make room",
        )


def room(folder: str) -> int:
    """Count the bytes that are free to us in a folder's file system; -1 where that is not known."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return -1
    return found.f_bavail * found.f_frsize


def refusal(folder: str, error: OSError) -> SosmlxError:
    """Make the words for a bundle that could not be written."""
    left = room(folder)
    full = error.errno in (errno.ENOSPC, errno.EDQUOT) and left >= 0
    why = f"{error.strerror or error}" + (f" ({left} bytes are free there)" if full else "")
    return SosmlxError(f"{folder}: the bundle could not be written: {why}", "name another folder with -o DIR")


class Guard:
    """A process that removes what is at a hidden path once this one ends the context, or is ended, by SIGKILL even.

    What was given its name by then is not there any more. A context; raises OSError where there can be no process.
    """

    def __init__(self, path: str) -> None:
        watched, self._held = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                _stand_by(watched, path)
            finally:
                os._exit(0)
        os.close(watched)

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *error: object) -> None:
        """Have it clear away, and end."""
        os.close(self._held)
        with contextlib.suppress(ChildProcessError):  # SIGCHLD is ignored: the kernel reaped it
            os.waitpid(self._pid, 0)


def _stand_by(watched: int, path: str) -> None:
    """Wait until nobody holds the other end of a pipe, and then remove a file or a folder."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)  # sent to all of a terminal's processes: this one has work to do then
    os.setsid()
    let_go(watched)
    os.read(watched, 1)
    shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):  # it was a folder, or was not made, or has its name
        os.unlink(path)


class Unnamed:
    """A private file, 0600, that gets its name in `folder` when it is whole, and never replaces another.

    Where there are no files without a name it has a hidden one until then. All raise OSError.
    """

    def __init__(self, folder: str, name: str) -> None:
        self._folder, self._name, self._hidden = folder, name, ""
        self._guard: Guard | None = None
        self._handle = self._open()

    def _open(self) -> int:
        if _NAMELESS and os.path.isdir(_DESCRIPTORS):
            try:
                return os.open(self._folder, _NAMELESS | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            except OSError as error:
                if error.errno not in _CANNOT:
                    raise
        self._hidden = os.path.join(self._folder, f".{self._name}.partial")
        handle = os.open(self._hidden, os.O_WRONLY | os.O_CLOEXEC | _NEW, 0o600)
        self._guard = Guard(self._hidden)
        return handle

    def __enter__(self) -> Unnamed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; a hidden name goes."""
        os.close(self._handle)
        if self._guard is not None:
            self._guard.__exit__(kind, error, trace)

    def write(self, data: bytes) -> None:
        """Add bytes."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._handle, rest) :]

    def sync(self) -> None:
        """Have the bytes on disk."""
        os.fsync(self._handle)

    def publish(self, beside: Unnamed) -> str:
        """Give this file its name, and then the one that belongs to it; returns the path of this one."""
        path = self._named()
        try:
            beside._named()
        except BaseException:
            os.unlink(path)  # the two are one result: half of it is none
            raise
        return path

    def _named(self) -> str:
        final = os.path.join(self._folder, self._name)
        if not self._hidden:
            near = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:  # a descriptor of a folder makes Python call linkat, which alone follows the link in /proc
                os.link(f"{_DESCRIPTORS}/{self._handle}", final, src_dir_fd=near, follow_symlinks=True)
            finally:
                os.close(near)
            return final
        try:
            os.link(self._hidden, final)
        except FileExistsError:
            raise
        except OSError:
            # File systems without hard links (vfat, some network mounts): the random name makes a clash unlikely.
            if os.path.lexists(final):
                raise FileExistsError(errno.EEXIST, "already exists", final) from None
            os.rename(self._hidden, final)
        return final
