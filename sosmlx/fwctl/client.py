"""The one place that issues ioctls: a child process per fwctl node, so that a stuck command can be left behind.

A thread cannot do this: an ioctl that waits in the kernel cannot be cancelled, and a process that has a thread in it
cannot exit. The child opens the node itself (the firmware context belongs to the open file) and asks the allow-list
once more.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import struct
from collections.abc import Mapping
from typing import Callable, Protocol

from sosmlx.child import Child
from sosmlx.fwctl import abi, allowed

FOLDER = "/dev/fwctl"

_INFO, _RPC = 0, 1
_OPENING, _ASKING = 0, 1
_REPLY = struct.Struct("=BI")


class OpenError(OSError):
    """The node could not be opened; the error number says why."""


class Node(Protocol):
    """An open fwctl node. Both raise OSError as the kernel answers."""

    def info(self) -> bytes:
        """FWCTL_INFO: device type and length (`=II`), then the driver's data."""

    def rpc(self, request: bytes) -> bytes:
        """FWCTL_RPC at the inspection scope: the answer is as long as the list of what may be asked says."""


class Channel(Protocol):
    """The way to one adapter's firmware: one command at a time, each with a deadline in seconds.

    Both raise OSError as the kernel answers, and StuckError.
    """

    def info(self, deadline: float) -> bytes:
        """FWCTL_INFO: device type and length (`=II`), then the driver's data."""

    def register(self, name: str, fields: Mapping[str, int], deadline: float) -> bytes:
        """Read one register of the allow-list: the whole mailbox answer. Raises NotAllowedError."""

    def command(self, name: str, fields: Mapping[str, int], deadline: float) -> bytes:
        """Ask one command of the allow-list: the whole mailbox answer. Raises NotAllowedError."""

    def close(self) -> None:
        """Close the node; the next command opens it again."""


class DeviceNode:
    """A character device `/dev/fwctl/fwctlN` (include/uapi/fwctl/fwctl.h)."""

    def __init__(self, path: str) -> None:
        # The core asks for no access mode; a reader needs none that could write.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        self._handle = os.open(path, flags)

    def info(self) -> bytes:
        """Ask who answers."""
        data = array.array("B", bytes(abi.INFO_MLX5_SIZE))
        header = bytearray(abi.pack_info(len(data), data.buffer_info()[0]))
        fcntl.ioctl(self._handle, abi.FWCTL_INFO, header, True)
        found = abi.unpack_info(bytes(header))
        return struct.pack("=II", found.device_type, found.data_len) + data.tobytes()[: found.data_len]

    def rpc(self, request: bytes) -> bytes:
        """Pass one command on; one that is not on the list never gets as far as the kernel: EPERM."""
        objection = allowed.refusal(request)
        if objection:
            raise OSError(errno.EPERM, objection)
        into, out = array.array("B", request), array.array("B", bytes(allowed.answer_size(request)))
        header = bytearray(abi.pack_rpc(len(into), len(out), into.buffer_info()[0], out.buffer_info()[0]))
        fcntl.ioctl(self._handle, abi.FWCTL_RPC, header, True)
        return out.tobytes()[: abi.unpack_rpc(bytes(header)).out_len]


def device_node(name: str) -> DeviceNode:
    """Open a node by its name, in the process that will ask it. Raises OSError."""
    return DeviceNode(f"{FOLDER}/{name}")


class Forked:
    """A channel whose commands are issued by a child process of its own; it starts with the first command."""

    def __init__(self, name: str, open_node: Callable[[str], Node] = device_node) -> None:
        self._child = Child(_Served(lambda: open_node(name)))

    def info(self, deadline: float) -> bytes:
        """Ask who answers."""
        return self._ask(_INFO, b"", deadline)

    def register(self, name: str, fields: Mapping[str, int], deadline: float) -> bytes:
        """Read one register."""
        return self._ask(_RPC, allowed.request(name, fields), deadline)

    def command(self, name: str, fields: Mapping[str, int], deadline: float) -> bytes:
        """Ask one command."""
        return self._ask(_RPC, allowed.query(name, fields), deadline)

    def close(self) -> None:
        """Let the child go; one that is stuck is killed, and stays until the kernel lets it."""
        self._child.close()

    def _ask(self, what: int, request: bytes, deadline: float) -> bytes:
        reply = self._child.ask(bytes([what]) + request, deadline)
        stage, number = _REPLY.unpack_from(reply)
        if number and stage == _OPENING:
            self._child.close()
            raise OpenError(number, os.strerror(number))
        if number:
            raise OSError(number, os.strerror(number))
        return reply[_REPLY.size :]


class _Served:
    """The child's side of a channel: opens the node when it is first asked, then one command after the other."""

    def __init__(self, open_node: Callable[[], Node]) -> None:
        self._open = open_node
        self._node: Node | None = None

    def __call__(self, question: bytes) -> bytes:
        """Carry out one command: which stage it came to, its error number, and what it gave."""
        stage = _OPENING
        try:
            self._node = self._node or self._open()
            stage = _ASKING
            data = self._node.info() if question[0] == _INFO else self._node.rpc(question[1:])
        except OSError as error:
            return _REPLY.pack(stage, error.errno or errno.EIO)
        return _REPLY.pack(stage, 0) + data
