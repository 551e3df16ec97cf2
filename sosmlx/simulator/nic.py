"""A simulated fwctl node: the kernel's checks in the kernel's order, and a ConnectX's firmware behind them.

Bytes in, bytes out. What the kernel answers: `drivers/fwctl/main.c` and `drivers/fwctl/mlx5/main.c` (Linux 6.15). What
passes at which scope is `sosmlx.fwctl.mailbox.OPCODES`; register writes pass at every scope, and change the flash here
as they would there. A node is strict unless told otherwise: it fails the run of whoever leaves the list of inspection
reads.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple, NoReturn

from sosmlx.fwctl.abi import MAX_LENGTH
from sosmlx.fwctl.allowed import ALLOWED, QUERIES_ALLOWED
from sosmlx.fwctl.commands import BY_OPCODE, QUERIES
from sosmlx.fwctl.layout import Array, Field
from sosmlx.fwctl.mailbox import OPCODES
from sosmlx.fwctl.registers import BY_ID, REGISTERS
from sosmlx.simulator.answers import ACCESS_REG, Caller, Firmware
from sosmlx.simulator.bits import get, put, read
from sosmlx.simulator.flash import Flash
from sosmlx.simulator.profiles import Profile

CONFIGURATION, DEBUG_READ_ONLY, DEBUG_WRITE, DEBUG_WRITE_FULL = range(4)
"""The kernel's scopes (`enum fwctl_rpc_scope`)."""

TAINT_FWCTL = 1 << 19
_HEADER = 16
_MLX5 = 1


class OutsideError(BaseException):
    """A request that is not on the list of inspection reads, at their scope: never acceptable, so that a test fails."""


class NoAnswerError(Exception):
    """The firmware never answers this command: what waiting for it means is for the caller to say."""


class Fault(NamedTuple):
    """What goes wrong with some requests: those of one register (or of all) whose fields hold these values.

    `register` may also name a command, or be "open" or "info". Exactly one of the others says how: a firmware `status`
    with its `syndrome`, an `errno`, an answer cut to `short` bytes, or no answer at all (`hang`). The first `after`
    requests that match are answered as if nothing were wrong.
    """

    register: str = ""
    fields: Mapping[str, int] = {}
    status: int | None = None
    syndrome: int = 0
    errno: int = 0
    short: int | None = None
    hang: bool = False
    after: int = 0


class Kernel:
    """What all nodes of one host share: the taint word's fwctl bit, and the log."""

    def __init__(self) -> None:
        self.taint = 0
        self.log: list[str] = []

    def full_access(self, node: str, comm: str, pid: int) -> None:
        """Note that somebody asked for a tainting scope: the log says so once, until fwctl is loaded again."""
        if not self.taint:
            self.log.append(f"fwctl {node}: {comm}({pid}): has requested full access to the physical device")
        self.taint |= TAINT_FWCTL


class Nic:
    """One PCI function's fwctl node. Several may share one flash (functions of an ASIC) and one kernel (of a host).

    `requests` lists every RPC as it came, scope and bytes; `forwarded` what of them the driver passed on to the
    firmware, each with the uid of its open file. With `rawio` False the callers lack CAP_SYS_RAWIO.
    """

    def __init__(
        self, profile: Profile, flash: Flash, faults: Sequence[Fault] = (), *, function: int = 0, node: str = "fwctl0",
        kernel: Kernel | None = None, strict: bool = True, rawio: bool = True,
    ) -> None:  # fmt: skip
        self.profile, self.flash, self.function, self.node = profile, flash, function, node
        self.firmware = Firmware(profile, flash)
        self.kernel = kernel or Kernel()
        self.strict, self.rawio = strict, rawio
        self.requests: list[tuple[int, bytes]] = []
        self.forwarded: list[bytes] = []
        self._faults = tuple(faults)
        self._met = [0] * len(self._faults)
        self._open: set[int] = set()
        self._last, self._gone = 0, False

    @property
    def taint(self) -> int:
        """The fwctl bit of the host's taint word: 0 or 1 << 19."""
        return self.kernel.taint

    @property
    def log(self) -> list[str]:
        """The lines that the kernel logged."""
        return self.kernel.log

    def open(self) -> int:
        """Open the node: the uid of the firmware context that this allocates. Raises OSError."""
        self._present()
        self._transport("open", b"")
        self._last += 1
        self._open.add(self._last)
        return self._last

    def close(self, uid: int) -> None:
        """Close what `open` gave. Raises OSError (EBADF) for what is not open."""
        self._known(uid)
        self._open.remove(uid)

    def unbind(self) -> None:
        """Take the driver away from the device: whoever has the node open gets ENODEV from here on."""
        self._gone = True

    def info(self, uid: int, capacity: int = 8) -> bytes:
        """FWCTL_INFO: device type and length of the driver's data (`=II`), then as much of it as there is room for.

        Without room the driver is not asked, and the length is 0. Raises OSError.
        """
        self._known(uid)
        self._present()
        self._transport("info", b"")
        data = struct.pack("=II", uid, self.profile.uctx_caps) if self.profile.device_type == _MLX5 else b""
        if capacity == 0:
            data = b""
        return struct.pack("=II", self.profile.device_type, len(data)) + data[:capacity]

    def rpc(self, uid: int, scope: int, request: bytes, out_len: int, *, comm: str = "sosmlx", pid: int = 1) -> bytes:
        """FWCTL_RPC: exactly `out_len` bytes, unless a fault cuts them.

        Raises OSError as the kernel does, and NoAnswerError; a strict node raises OutsideError before all.
        """
        self.requests.append((scope, request))
        objection = outside(scope, request) if self.strict else ""
        if objection:
            raise OutsideError(f"{objection}: scope {scope}, {request[:32].hex(' ', 4)} ({len(request)} bytes)")
        self._known(uid)
        self._present()
        self._core(scope, len(request), out_len, comm, pid)
        self._driver(scope, request, out_len)
        return self._transported(uid, request, out_len)

    def _core(self, scope: int, in_len: int, out_len: int, comm: str, pid: int) -> None:
        """Check what fwctl itself checks, and taint before the driver has looked at the command."""
        if in_len > MAX_LENGTH or out_len > MAX_LENGTH:
            _fail(errno.EMSGSIZE)
        if scope == DEBUG_WRITE_FULL and not self.rawio:
            _fail(errno.EPERM)
        if scope not in range(4):
            _fail(errno.EOPNOTSUPP)
        if scope >= DEBUG_WRITE:
            self.kernel.full_access(self.node, comm, pid)

    def _driver(self, scope: int, request: bytes, out_len: int) -> None:
        """Check what the mlx5 driver checks: lengths, and whether the command passes at this scope."""
        if len(request) < _HEADER or out_len < _HEADER:
            _fail(errno.EMSGSIZE)
        known = OPCODES.get(get(request, 0, 16))
        if known is None or self.profile.device_type != _MLX5:
            _fail(errno.EBADMSG)
        writes = known.scope_min is None and get(request, 48, 16) == 0
        least = DEBUG_READ_ONLY if known.scope_min is None else known.scope_min
        if not writes and scope < least:
            _fail(errno.EBADMSG)

    def _transported(self, uid: int, request: bytes, out_len: int) -> bytes:
        seen = request[:2] + uid.to_bytes(2, "big") + request[4:]
        self.forwarded.append(seen)
        fault = self._transport(*_asked(request))
        if fault and fault.status is not None:
            answer = bytes([fault.status, 0, 0, 0]) + fault.syndrome.to_bytes(4, "big")
        else:
            answer = self.firmware.command(seen, out_len, Caller(self.function, self.profile.uctx_caps))
        whole = answer[:out_len].ljust(out_len, b"\0")
        return whole if fault is None or fault.short is None else whole[: fault.short]

    def _transport(self, what: str, image: bytes) -> Fault | None:
        """Meet the fault that is planted for this call, if any: one that gives no answer is raised here."""
        for place, fault in enumerate(self._faults):
            if fault.register not in ("", what) or not _holds(what, image, fault.fields):
                continue
            self._met[place] += 1
            if self._met[place] <= fault.after:
                continue
            if fault.hang:
                raise NoAnswerError(what)
            if fault.errno:
                self._gone |= fault.errno == errno.ENODEV
                _fail(fault.errno)
            return fault
        return None

    def _known(self, uid: int) -> None:
        if uid not in self._open:
            _fail(errno.EBADF)

    def _present(self) -> None:
        if self._gone:
            _fail(errno.ENODEV)


def outside(scope: int, request: bytes) -> str:
    """Say what puts a request outside the list of inspection reads; empty for one that is inside.

    Every selector is looked at and taken out: what is left must be the one header and nothing but zeros.
    """
    if scope != DEBUG_READ_ONLY:
        return "not at the inspection scope"
    query = BY_OPCODE.get(get(request, 0, 16))
    if query is not None:
        return _outside_query(query.name, request)
    register = BY_ID.get(get(request, 80, 16))
    if register is None or register.name not in ALLOWED:
        return "no register of the list"
    row, left = ALLOWED[register.name], bytearray(request[_HEADER:])
    if len(left) != row.size:
        return f"{len(left)} bytes of register, not {row.size}"
    for name, ranges in row.fields.items():
        (value,) = read(register.name, bytes(left), name)
        if not any(first <= value <= last for first, last in ranges):
            return f"{name} {value:#x}"
        field = REGISTERS[register.name].field(name)
        put(left, field.offset, field.width, 0)
    header = bytes.fromhex("0805 0000 0000 0001 0000") + register.id.to_bytes(2, "big") + bytes(4)
    return "" if request[:_HEADER] + left == header + bytes(row.size) else "bits that are no selector's"


def _outside_query(name: str, request: bytes) -> str:
    row, left = QUERIES_ALLOWED[name], bytearray(request)
    if len(left) != QUERIES[name].size:
        return f"{len(left)} bytes of request, not {QUERIES[name].size}"
    places = {field.name: field for field in QUERIES[name].asked}
    put(left, 0, 16, 0)
    for selector, ranges in row.fields.items():
        field = places[selector]
        value = get(left, field.offset, field.width)
        if not any(first <= value <= last for first, last in ranges):
            return f"{selector} {value:#x}"
        put(left, field.offset, field.width, 0)
    return "bits that are no selector's" if any(left) else ""


def _asked(request: bytes) -> tuple[str, bytes]:
    """Name what a request asks, and give the bytes that hold its selectors."""
    opcode = get(request, 0, 16)
    if opcode == ACCESS_REG:
        register = BY_ID.get(get(request, 80, 16))
        return (register.name if register else "", request[_HEADER:])
    query = BY_OPCODE.get(opcode)
    return (query.name if query else "", request)


def _holds(what: str, image: bytes, fields: Mapping[str, int]) -> bool:
    """Whether the fields of a register's image or of a command's request hold these values."""
    known: Sequence[Field | Array] = ()
    if what in REGISTERS:
        known = REGISTERS[what].fields
    elif what in QUERIES:
        known = QUERIES[what].asked
    places = {field.name: field for field in known}
    return all(
        name in places and get(image, places[name].offset, places[name].width) == value
        for name, value in fields.items()
    )


def _fail(number: int) -> NoReturn:
    raise OSError(number, os.strerror(number))
