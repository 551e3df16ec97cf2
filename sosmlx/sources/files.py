"""Files as they are read everywhere: never through a link, never more than a cap, nothing but regular files."""

from __future__ import annotations

import errno
import os
import re
import stat

from sosmlx.record import Answer, Outcome
from sosmlx.sources.base import FILE_CAP, How, capped, failed
from sosmlx.sources.config_space import registers

_DEVICE = re.compile(r"/sys/(?:bus/pci/devices|class/(?!dmi/)[^/]+)/[^/]+(?=/)")
"""The folder of a device, in the path of one of its attributes: where it is gone, so is the device.

Nobody pulls out the BIOS tables: a host without `/sys/class/dmi/id` never had them."""


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
        return read_file(path, cap, how=how)
    except OSError as error:
        device = _DEVICE.match(path) if error.errno == errno.ENOENT else None
        if device and not os.path.lexists(device[0]):
            return Answer(outcome=Outcome.VANISHED, reason=f"{device[0]}: there is no such device, or none any more")
        return failed(error)
    except ValueError as error:  # a null byte in a name
        return Answer(outcome=Outcome.FAILED, reason=str(error))


_NO_FILE = Answer(outcome=Outcome.FAILED, reason="not a regular file")
# O_NONBLOCK: a FIFO or a terminal in the place of an attribute must not hold us.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def read_file(path: str, cap: int, folder: int | None = None, how: How = "bytes") -> Answer:
    """Read a regular file to its end or to the cap, below an open folder where one is given. Raises OSError.

    Of PCI configuration space (`how="config"`) only some registers are read.

    Nothing else is even opened: to open a device can be to act on it.
    """
    kind = os.stat(path, dir_fd=folder, follow_symlinks=False).st_mode
    if not stat.S_ISREG(kind) and not stat.S_ISLNK(kind):  # a link ends in ELOOP below
        return _NO_FILE
    handle = os.open(path, _FLAGS, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return _NO_FILE
        if how == "config":
            return registers(lambda at, size: os.pread(handle, size, at))
        return _read(handle, cap)
    finally:
        os.close(handle)


def _read(handle: int, cap: int) -> Answer:
    chunks, size = [], 0
    while size <= cap:
        chunk = os.read(handle, min(1 << 16, cap + 1 - size))
        if not chunk:
            break
        chunks.append(chunk)
        size += len(chunk)
    return capped(b"".join(chunks), cap)
