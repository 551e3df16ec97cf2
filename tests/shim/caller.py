"""A program that speaks to /dev/fwctl by itself: raw ioctls with ctypes buffers, nothing of the package.

`python -I caller.py CALL…` evaluates each call, a Python expression over the functions below, and prints what they gave
as a JSON list. Standard library only; it is run as a file, with the preload library.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import stat
import struct
import sys
import threading
from pathlib import Path

NODE = "/dev/fwctl/fwctl0"
INFO, RPC = 0x9A00, 0x9A01
WILD = 16
"""An address at which no program has memory."""

MGIR = struct.pack(">HHHHHHI", 0x0805, 0, 0, 1, 0, 0x9020, 0) + bytes(160)
"""ACCESS_REG, read, MGIR: opcode, uid, reserved, op_mod, reserved, register id, argument; then the register's image."""

NAMES = {**errno.errorcode, errno.EOPNOTSUPP: "EOPNOTSUPP"}
_handles: dict[str, int] = {}


def handle() -> int:
    """The descriptor of the node, opened at the first use."""
    if NODE not in _handles:
        _handles[NODE] = os.open(NODE, os.O_RDWR | os.O_CLOEXEC)
    return _handles[NODE]


def ioctl(number: int, argument: bytes | int, fd: int = -1) -> bytes | str:
    """Issue an ioctl on a struct, or on a bare address: the struct as it came back, or the error's name."""
    block = bytearray(argument) if isinstance(argument, bytes) else argument
    try:
        fcntl.ioctl(handle() if fd < 0 else fd, number, block)
    except OSError as error:
        return NAMES[error.errno or 0]
    return bytes(block) if isinstance(block, bytearray) else "OK"


def info(
    capacity: int = 8, size: int = 24, flags: int = 0, tail: bytes = b"", pointer: int | None = None, fd: int = -1
) -> list[object] | str:
    """FWCTL_INFO: size, device type, length of the driver's data, and its buffer in hexadecimal."""
    data = ctypes.create_string_buffer(b"\xee" * capacity, capacity)
    address = ctypes.addressof(data) if pointer is None else pointer
    back = ioctl(INFO, struct.pack("=IIIIQ", size, flags, 0, capacity, address) + tail, fd)
    if isinstance(back, str):
        return back
    told, _, kind, length = struct.unpack_from("=IIII", back)
    return [told, kind, length, data.raw.hex()]


def rpc(
    request: bytes = MGIR, scope: int = 1, out_len: int | None = None, *, size: int = 32, tail: bytes = b"",
    in_len: int | None = None, into: int | None = None, out: int | None = None, fd: int = -1,
) -> list[object] | str:  # fmt: skip
    """FWCTL_RPC: out_len as it came back, how many bytes were written, and the status, the first of them."""
    asked = ctypes.create_string_buffer(request, len(request) or 1)
    room = len(request) if out_len is None else out_len
    said = ctypes.create_string_buffer(b"\xee" * (min(room, 4 << 20) + 16), min(room, 4 << 20) + 16)
    block = struct.pack(
        "=IIIIQQ", size, scope, len(request) if in_len is None else in_len, room,
        ctypes.addressof(asked) if into is None else into, ctypes.addressof(said) if out is None else out,
    )  # fmt: skip
    back = ioctl(RPC, block + tail, fd)
    if isinstance(back, str):
        return back
    return [struct.unpack_from("=I", back, 12)[0], len(said.raw.rstrip(b"\xee")), said.raw[0]]


def at_the_edge(number: int, size: int, told: int) -> str:
    """Issue an ioctl, as C does, on a struct of `size` zero bytes but for the size that it tells; no memory follows."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    page = os.sysconf("SC_PAGE_SIZE")
    start = libc.mmap(None, ctypes.c_size_t(2 * page), 3, 0x22, -1, ctypes.c_long(0))
    libc.munmap(ctypes.c_void_p(start + page), ctypes.c_size_t(page))
    ctypes.c_uint32.from_address(start + page - size).value = told
    failed = libc.ioctl(handle(), ctypes.c_ulong(number), ctypes.c_void_p(start + page - size))
    return NAMES[ctypes.get_errno()] if failed else "OK"


def shown() -> list[tuple[str, int, int]]:
    """Type and mode, major and minor number of the node: what stat, lstat, fstat and fstatat say, once if equal."""
    folder = os.open("/dev", os.O_RDONLY | os.O_CLOEXEC)
    found = [Path(NODE).stat(), os.lstat(NODE), os.fstat(handle()), os.stat(NODE, dir_fd=folder)]
    os.close(folder)
    return sorted({(stat.filemode(one.st_mode), os.major(one.st_rdev), os.minor(one.st_rdev)) for one in found})


def opened(path: str, flags: int = os.O_RDWR) -> str:
    """Open and close a path: OK, or the error's name."""
    try:
        os.close(os.open(path, flags))
    except OSError as error:
        return NAMES[error.errno or 0]
    return "OK"


def without_raw_io() -> None:
    """Give up CAP_SYS_RAWIO, as capset(2) does it; other users do not have it."""
    libc = ctypes.CDLL(None, use_errno=True)
    head = struct.pack("=Ii", 0x20080522, 0)
    data = ctypes.create_string_buffer(24)
    libc.capget(head, data)
    low = struct.unpack_from("=I", data.raw)[0] & ~(1 << 17)
    struct.pack_into("=I", data, 0, low)
    if libc.capset(head, data):
        raise OSError(ctypes.get_errno(), "capset")


def in_child(call: str) -> object:
    """Evaluate a call in a forked child that shares the open file."""
    handle()
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, json.dumps(eval(call)).encode())  # noqa: S307 - the test's own words
        os._exit(0)
    os.close(writing)
    os.wait()
    return json.loads(os.read(reading, 1 << 16))


def at_once(call: str, count: int) -> list[object]:
    """Evaluate a call in so many threads, which begin together."""
    handle()
    begin, found = threading.Barrier(count), []

    def one() -> None:
        begin.wait()
        found.append(eval(call))  # noqa: S307 - the test's own words

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


if __name__ == "__main__":
    for line in sys.argv[1:]:
        print(json.dumps(eval(line)), flush=True)  # noqa: S307, T201 - the test's own words
