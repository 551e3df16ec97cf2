"""The other end of the preload library: simulated adapters behind sockets, and a note of all that they were asked."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol

from sosmlx.simulator.nic import NoAnswerError, OutsideError

_CALL = struct.Struct("=IIQII")
"""Kind, scope, cookie of the open file, length of the request, room for the answer (`struct call` in fwctl_core.c)."""

_ANSWER = struct.Struct("=II")
"""Error number, length of the answer (`struct answer` in fwctl_core.c)."""

_PEER = struct.Struct("=iII")
_OPEN, _INFO, _RPC = range(3)


class Card(Protocol):
    """One adapter's function as the fwctl driver shows it (`sosmlx.simulator.nic`).

    All raise OSError as the kernel answers, and NoAnswerError for what is never answered.
    """

    def open(self) -> int:
        """Make a firmware context; returns its id."""

    def info(self, uid: int, capacity: int = 8) -> bytes:
        """FWCTL_INFO: device type and length (`=II`), then the driver's data."""

    def rpc(self, uid: int, scope: int, request: bytes, out_len: int, *, comm: str = "sosmlx", pid: int = 1) -> bytes:
        """FWCTL_RPC: `out_len` bytes."""

    def close(self, uid: int) -> None:
        """Let the context go."""


class Command(NamedTuple):
    """One FWCTL_RPC that came: from which program, at which scope, with which bytes."""

    node: int
    comm: str
    scope: int
    request: bytes


class Server:
    """Adapters by node number, behind sockets in a folder; a context that ends with them.

    `commands` are the FWCTL_RPC in the order in which they came. What a card raises beyond OSError is raised when the
    context ends; the program is told ENODEV.
    """

    def __init__(self, nodes: Path, cards: Mapping[int, Card]) -> None:
        self.commands: list[Command] = []
        self.failures: list[BaseException] = []
        self._nodes = {number: _Node(nodes / f"fwctl{number}", number, card, self) for number, card in cards.items()}

    def __enter__(self) -> Server:
        for node in self._nodes.values():
            node.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in list(self._nodes):
            self.unbind(number)
        if error is None and self.failures:
            raise self.failures[0]

    def unbind(self, number: int) -> None:
        """Take a node away, as unbinding its driver does: files that are open answer ENODEV from now on."""
        self._nodes.pop(number).stop()


class _Node(socketserver.ThreadingUnixStreamServer):
    """The socket of one node: a thread for each connection, one command at a time."""

    request_queue_size = 64

    def __init__(self, path: Path, number: int, card: Card, owner: Server) -> None:
        super().__init__(os.fspath(path), _Connection)
        path.chmod(0o600)
        self.path, self.number, self.card, self.owner = path, number, card, owner
        self.contexts: dict[int, int] = {}
        """Firmware contexts by the cookie of the open file."""
        self.turn = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.path.unlink()
        self.shutdown()
        self._thread.join()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):  # the other end was faster
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()  # waits for the threads

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        assert isinstance(request, socket.socket)
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        assert isinstance(request, socket.socket)
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exc_info()[1]
        if isinstance(error, Exception):
            self.owner.failures.append(error)


class _Connection(socketserver.BaseRequestHandler):
    """One message: an open file, which lasts as long as the connection, or one ioctl on it."""

    request: socket.socket
    server: _Node

    def handle(self) -> None:
        head = self._receive(_CALL.size)
        if len(head) < _CALL.size:
            return
        kind, scope, file, in_len, out_len = _CALL.unpack(head)
        try:
            data = self._open(file) if kind == _OPEN else self._command(kind, scope, file, in_len, out_len)
        except OSError as error:
            self._answer(error.errno or errno.EIO, b"")
            return
        except NoAnswerError:
            self._receive(1)  # ends when the program is killed
            return
        except OutsideError as error:  # no Exception: the server itself would let it pass
            self.server.owner.failures.append(error)
            return
        self._answer(0, data)
        if kind == _OPEN:
            self._receive(1)  # ends when the last descriptor of the file is closed
            with self.server.turn:
                self.server.card.close(self.server.contexts.pop(file))

    def _open(self, file: int) -> bytes:
        with self.server.turn:
            self.server.contexts[file] = self.server.card.open()
        return b""

    def _command(self, kind: int, scope: int, file: int, in_len: int, out_len: int) -> bytes:
        request = self._receive(in_len)
        pid, comm = self._caller()
        with self.server.turn:
            uid = self.server.contexts[file]
            if kind == _INFO:
                return self.server.card.info(uid, out_len)
            self.server.owner.commands.append(Command(self.server.number, comm, scope, request))
            return self.server.card.rpc(uid, scope, request, out_len, comm=comm, pid=pid)

    def _caller(self) -> tuple[int, str]:
        """Process id and name of the program that waits at the other end."""
        pid, _, _ = _PEER.unpack(self.request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        return pid, Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").rstrip("\n")

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            chunk = self.request.recv(size - len(data))
            if not chunk:
                break
            data += chunk
        return data

    def _answer(self, error: int, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # killed while it waited
            self.request.sendall(_ANSWER.pack(error, len(data)) + data)
