"""The one place that issues ioctls: a child process per fwctl node, so that a stuck command can be left behind.

A thread cannot do this: an ioctl that waits in the kernel cannot be cancelled, and a process that has a thread in it
cannot exit. The child opens the node itself (the firmware context belongs to the open file) and asks the allow-list
once more.
"""

from __future__ import annotations

import array
import contextlib
import errno
import fcntl
import os
import select
import signal
import struct
import time
from collections.abc import Mapping
from typing import Callable, NoReturn, Protocol

from sosmlx.fwctl import abi, allowed

FOLDER = "/dev/fwctl"

_INFO, _RPC = 0, 1
_ASK = struct.Struct("=BI")
_REPLY = struct.Struct("=II")


class StuckError(Exception):
    """A command gave no answer in time; the process that waits for it was left behind."""

    def __init__(self, pid: int, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:g} s; process {pid} was left behind")
        self.pid = pid


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
        self._name, self._open = name, open_node
        self._pid = self._to = self._from = 0

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
        if self._pid:
            os.close(self._to)
            os.close(self._from)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            _reap(self._pid)
            self._pid = 0

    def _ask(self, what: int, request: bytes, deadline: float) -> bytes:
        until = time.monotonic() + deadline
        try:
            if not self._pid:
                self._start(until)
            os.write(self._to, _ASK.pack(what, len(request)) + request)
            return self._reply(until)
        except _LateError:
            pid = self._pid
            self.close()
            raise StuckError(pid, deadline) from None
        except BrokenPipeError:
            self.close()
            raise

    def _start(self, until: float) -> None:
        """Fork a child that opens the node; raises OSError as opening does."""
        asks, to = os.pipe()
        answers, replies = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _serve(asks, replies, lambda: self._open(self._name))
        os.close(asks)
        os.close(replies)
        self._to, self._from = to, answers
        try:
            self._reply(until)
        except OSError as error:
            self.close()
            raise OpenError(error.errno, error.strerror) from None

    def _reply(self, until: float) -> bytes:
        number, size = _REPLY.unpack(self._read(_REPLY.size, until))
        data = self._read(size, until)
        if number:
            raise OSError(number, os.strerror(number))
        return data

    def _read(self, size: int, until: float) -> bytes:
        """Read so many bytes of a reply. Raises _LateError, and BrokenPipeError for a child that is gone."""
        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        data = b""
        while len(data) < size:
            left = until - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise _LateError
            chunk = os.read(self._from, size - len(data))
            if not chunk:
                raise BrokenPipeError(errno.EPIPE, "the process that asks the firmware ended")
            data += chunk
        return data


def _reap(pid: int) -> None:
    """Wait a moment for a killed child to be gone; one that hangs in the kernel stays a child until it may go."""
    for _ in range(100):
        try:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return
        except ChildProcessError:
            return
        time.sleep(0.001)


class _LateError(Exception):
    """The deadline passed; not a TimeoutError, which is how Python spells the kernel's ETIMEDOUT."""


def _serve(asks: int, replies: int, open_node: Callable[[], Node]) -> NoReturn:
    """Be the child: open the node, then one command after the other until the parent goes away."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when it is over
        _leave(asks, replies)
        node = _opened(replies, open_node)
        while node is not None:
            head = os.read(asks, _ASK.size)
            if len(head) < _ASK.size:
                break
            what, size = _ASK.unpack(head)
            _answer(replies, node, what, os.read(asks, size) if size else b"")
        code = 0
    finally:
        os._exit(code)


def _opened(replies: int, open_node: Callable[[], Node]) -> Node | None:
    try:
        node = open_node()
    except OSError as error:
        os.write(replies, _REPLY.pack(error.errno or errno.EIO, 0))
        return None
    os.write(replies, _REPLY.pack(0, 0))
    return node


def _answer(replies: int, node: Node, what: int, request: bytes) -> None:
    """Carry out one command and send what it gave, or its error number."""
    try:
        data = node.info() if what == _INFO else node.rpc(request)
    except OSError as error:
        os.write(replies, _REPLY.pack(error.errno or errno.EIO, 0))
        return
    os.write(replies, _REPLY.pack(0, len(data)) + data)


def _leave(asks: int, replies: int) -> None:
    """Close what belongs to the parent: a child that is stuck must not hold its terminal or its pipes open."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for handle in os.listdir("/proc/self/fd"):
        if int(handle) > 2 and int(handle) not in (asks, replies):
            with contextlib.suppress(OSError):
                os.close(int(handle))
