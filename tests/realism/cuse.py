"""A simulated adapter as a character device of the running kernel, through CUSE.

The protocol: `include/uapi/linux/fuse.h` and `fs/fuse/cuse.c` of the kernel. The device is made with unrestricted
ioctls: the kernel asks again with what the answer names of the caller's memory, until nothing is missing.
"""

from __future__ import annotations

import errno
import os
import struct
import threading
from typing import NamedTuple

from sosmlx.fwctl import abi
from sosmlx.simulator.nic import Nic

_IN = struct.Struct("=IIQQIIIHH")
"""`fuse_in_header`: length, opcode, unique, node, uid, gid, pid, length of extensions."""
_OUT = struct.Struct("=IiQ")
"""`fuse_out_header`: length, error, unique."""
_OPEN_OUT = struct.Struct("=QIi")
_IOCTL_IN = struct.Struct("=QIIQII")
"""`fuse_ioctl_in`: handle, flags, command, argument, bytes that came, room for what goes back."""
_IOCTL_OUT = struct.Struct("=iIII")
"""`fuse_ioctl_out`: result, flags, pieces to read, pieces to write."""
_PIECE = struct.Struct("=QQ")
_INIT_OUT = struct.Struct("=18I")

_OPEN, _RELEASE, _INTERRUPT, _IOCTL, _INIT = 14, 18, 36, 39, 4096
_UNRESTRICTED, _RETRY = 1, 1 << 2
_MOST = 1 << 17
_HEAD = 1 << 12
"""Room for a message's headers: the kernel hands nothing to a reader that has only room for the data."""


class Piece(NamedTuple):
    """A part of the caller's memory."""

    base: int
    length: int


class Device:
    """One adapter as `/dev/NAME`, served by a thread until the process ends."""

    def __init__(self, name: str, nic: Nic) -> None:
        self.name, self.nic = name, nic
        self._fd = os.open("/dev/cuse", os.O_RDWR)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            message = os.read(self._fd, _MOST + _HEAD)
            _, opcode, unique, *_ = _IN.unpack_from(message)
            if opcode == _INTERRUPT:
                continue
            try:
                answer, error = self._answer(opcode, message[_IN.size :]), 0
            except OSError as refusal:
                answer, error = b"", -(refusal.errno or errno.EIO)
            os.write(self._fd, _OUT.pack(_OUT.size + len(answer), error, unique) + answer)

    def _answer(self, opcode: int, body: bytes) -> bytes:
        if opcode == _INIT:
            major, minor = struct.unpack_from("=II", body)
            head = [major, minor, 0, _UNRESTRICTED, _MOST, _MOST, 0, 0]
            return _INIT_OUT.pack(*head, *[0] * 10) + f"DEVNAME={self.name}".encode() + b"\0"
        if opcode == _OPEN:
            return _OPEN_OUT.pack(self.nic.open(), 0, 0)
        handle = int.from_bytes(body[:8], "little")
        if opcode == _RELEASE:
            self.nic.close(handle)
            return b""
        if opcode == _IOCTL:
            return self._ioctl(handle, body)
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    def _ioctl(self, handle: int, body: bytes) -> bytes:
        _, _, command, argument, came, room = _IOCTL_IN.unpack_from(body)
        data = body[_IOCTL_IN.size : _IOCTL_IN.size + came]
        size = {abi.FWCTL_INFO: 24, abi.FWCTL_RPC: 32}.get(command)
        if size is None:
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        whole = Piece(argument, size)
        if len(data) < size:
            return _again([whole], [])
        return (self._info if command == abi.FWCTL_INFO else self._rpc)(handle, whole, data, room)

    def _info(self, handle: int, whole: Piece, data: bytes, room: int) -> bytes:
        _, flags, _, capacity, target = struct.unpack_from("=IIIIQ", data)
        if room < whole.length + capacity:
            return _again([whole], [whole, Piece(target, capacity)])
        answer = self.nic.info(handle, capacity)
        kind, length = struct.unpack_from("=II", answer)
        return _done(struct.pack("=IIIIQ", 24, flags, kind, length, target) + answer[8:])

    def _rpc(self, handle: int, whole: Piece, data: bytes, room: int) -> bytes:
        size, scope, in_len, out_len, in_ptr, out_ptr = struct.unpack_from("=IIIIQQ", data)
        if len(data) < whole.length + in_len or room < whole.length + out_len:
            return _again([whole, Piece(in_ptr, in_len)], [whole, Piece(out_ptr, out_len)])
        answer = self.nic.rpc(handle, scope, data[32 : 32 + in_len], out_len)
        return _done(struct.pack("=IIIIQQ", size, scope, in_len, len(answer), in_ptr, out_ptr) + answer)


def _again(read: list[Piece], write: list[Piece]) -> bytes:
    """Ask the kernel to come again with these parts of the caller's memory, and room for those."""
    pieces = b"".join(_PIECE.pack(*piece) for piece in [*read, *write] if piece.length)
    counts = [sum(1 for piece in each if piece.length) for each in (read, write)]
    return _IOCTL_OUT.pack(0, _RETRY, *counts) + pieces


def _done(data: bytes) -> bytes:
    return _IOCTL_OUT.pack(0, 0, 0, 0) + data
