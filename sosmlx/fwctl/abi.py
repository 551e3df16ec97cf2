"""The kernel's fwctl interface: ioctl numbers, structs, scopes, device types, and what its error numbers mean.

Source: `include/uapi/fwctl/fwctl.h` and `include/uapi/fwctl/mlx5.h` (Linux 6.15); the order of the checks and the
errors: `drivers/fwctl/main.c`, `drivers/fwctl/mlx5/main.c`, `drivers/net/ethernet/mellanox/mlx5/core/cmd.c`. The
structs are in the byte order of the host and naturally aligned without gaps.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Literal, NamedTuple

During = Literal["open", "FWCTL_INFO", "FWCTL_RPC"]


class Scope(IntEnum):
    """`enum fwctl_rpc_scope`. The last two taint the kernel when they are asked for, whatever comes of it."""

    FWCTL_RPC_CONFIGURATION = 0
    FWCTL_RPC_DEBUG_READ_ONLY = 1
    FWCTL_RPC_DEBUG_WRITE = 2
    FWCTL_RPC_DEBUG_WRITE_FULL = 3


class DeviceType(IntEnum):
    """`enum fwctl_device_type`; newer kernels know more."""

    FWCTL_DEVICE_TYPE_ERROR = 0
    FWCTL_DEVICE_TYPE_MLX5 = 1
    FWCTL_DEVICE_TYPE_CXL = 2
    FWCTL_DEVICE_TYPE_BNXT = 3
    FWCTL_DEVICE_TYPE_PDS = 4


FWCTL_TYPE = 0x9A
FWCTL_CMD_INFO = 0
FWCTL_CMD_RPC = 1

_NONE_IS_ONE = ("ppc", "powerpc", "mips", "sparc", "alpha")


def ioctl_number(nr: int, machine: str) -> int:
    """Build `_IO(FWCTL_TYPE, nr)` for a machine as `uname -m` names it.

    `_IOC_NONE` is 1 << 29 on some (`arch/*/include/uapi/asm/ioctl.h`), 0 on all others.

    >>> [hex(ioctl_number(FWCTL_CMD_RPC, machine)) for machine in ("x86_64", "ppc64le")]
    ['0x9a01', '0x20009a01']
    """
    return (1 << 29 if machine.startswith(_NONE_IS_ONE) else 0) | FWCTL_TYPE << 8 | nr


_MACHINE = os.uname().machine if hasattr(os, "uname") else ""

FWCTL_INFO = ioctl_number(FWCTL_CMD_INFO, _MACHINE)
"""Who answers, on the machine that this runs on."""

FWCTL_RPC = ioctl_number(FWCTL_CMD_RPC, _MACHINE)
"""Pass a command on, on the machine that this runs on."""

MAX_LENGTH = 2 << 20
"""The longest request and the longest answer that the core takes, in bytes (`MAX_RPC_LEN`)."""

INFO_MLX5_SIZE = 8
"""Bytes of `struct fwctl_info_mlx5`."""

_INFO = struct.Struct("=IIIIQ")
_RPC = struct.Struct("=IIIIQQ")
_PAIR = struct.Struct("=II")


class InfoHeader(NamedTuple):
    """`struct fwctl_info`: `data_len` is in bytes, and comes back as the true length of the driver's data."""

    size: int
    flags: int
    device_type: int
    data_len: int
    data_ptr: int


class RpcHeader(NamedTuple):
    """`struct fwctl_rpc`: lengths in bytes; `out_len` comes back as the driver set it."""

    size: int
    scope: int
    in_len: int
    out_len: int
    in_ptr: int
    out_ptr: int


def pack_info(data_len: int, data_ptr: int) -> bytes:
    """Pack the argument of FWCTL_INFO (24 bytes). Raises struct.error for a number that does not fit."""
    return _INFO.pack(_INFO.size, 0, 0, data_len, data_ptr)


def unpack_info(raw: bytes) -> InfoHeader:
    """Unpack the argument of FWCTL_INFO. Raises struct.error for less than 24 bytes."""
    return InfoHeader(*_INFO.unpack_from(raw))


def pack_rpc(in_len: int, out_len: int, in_ptr: int, out_ptr: int) -> bytes:
    """Pack the argument of FWCTL_RPC (32 bytes); the scope is always the one for inspection.

    Raises struct.error for a number that does not fit.
    """
    return _RPC.pack(_RPC.size, Scope.FWCTL_RPC_DEBUG_READ_ONLY, in_len, out_len, in_ptr, out_ptr)


def unpack_rpc(raw: bytes) -> RpcHeader:
    """Unpack the argument of FWCTL_RPC. Raises struct.error for less than 32 bytes."""
    return RpcHeader(*_RPC.unpack_from(raw))


class Info(NamedTuple):
    """Who answers: a DeviceType's number, and for an mlx5 device what the open file was granted.

    `uid` is the firmware's user context, another one for every open file; `uctx_caps` are bits of UCTX_CAPS. Both are
    None for another type, and for an answer that does not hold them.
    """

    device_type: int
    uid: int | None = None
    uctx_caps: int | None = None


def info(data: bytes) -> Info:
    """Read the bytes of an info read: device type and length (`=II`), then the driver's data (`fwctl_info_mlx5`).

    The bytes may come from a host of the other byte order: a device type above 65535 is taken for one written there.
    Raises ValueError for less than 8 bytes.

    >>> info(struct.pack("=IIII", 1, 8, 3, 4))
    Info(device_type=1, uid=3, uctx_caps=4)
    """
    if len(data) < _PAIR.size:
        raise ValueError(f"{len(data)} bytes of device information, less than {_PAIR.size}")
    order = "<" if int.from_bytes(data[:4], "little") <= 0xFFFF else ">"
    device_type, length = struct.unpack_from(f"{order}II", data)
    held = min(length, len(data) - _PAIR.size)
    if device_type != DeviceType.FWCTL_DEVICE_TYPE_MLX5 or held < INFO_MLX5_SIZE:
        return Info(device_type)
    return Info(device_type, *struct.unpack_from(f"{order}II", data, _PAIR.size))


def answerer(data: bytes) -> int:
    """Read which type of device an info read was answered by; the error type for bytes that say nothing.

    >>> answerer(INFO_PATTERN), answerer(b"")
    (1, 0)
    """
    return info(data).device_type if len(data) >= _PAIR.size else DeviceType.FWCTL_DEVICE_TYPE_ERROR.value


INFO_PATTERN = struct.pack("=IIII", DeviceType.FWCTL_DEVICE_TYPE_MLX5, INFO_MLX5_SIZE, 0, 0)
"""The bytes of an info read that was answered by an mlx5 device: lets a plan go on where nobody is asked."""

UCTX_CAPS: Mapping[int, str] = {
    0x1: "RAW_TX",
    0x2: "INTERNAL_DEV_RES",
    0x4: "TOOLS_RESOURCES",
    0x8: "RDMA_CTRL",
    0x10: "RDMA_CTRL_OTHER_VHCA",
}
"""Bits of `uctx_caps` (`MLX5_UCTX_CAP_*` and the firmware's own). Without TOOLS_RESOURCES, which is the only one that
the fwctl driver asks for, the firmware refuses many registers."""


def uctx_words(caps: int) -> tuple[str, ...]:
    """Name the bits of `uctx_caps`, those without a name by their value.

    >>> uctx_words(0x24)
    ('TOOLS_RESOURCES', '0x20')
    """
    bits = (1 << place for place in range(caps.bit_length()) if caps >> place & 1)
    return tuple(UCTX_CAPS.get(bit, hex(bit)) for bit in bits)


_OPEN = {
    "ENOENT": "there is no such node",
    "EACCES": "only root may open the node, or a security policy forbids it",
    "EPERM": "a security policy or a container's device rules forbid it",
    "ELOOP": "the node is a link, which is not followed",
    "ENXIO": "no driver is behind the node, or the device is down",
    "ENODEV": "the device is being removed",
    "ENOMEM": "no memory, or the firmware has no user context left",
    "EMFILE": "too many open files",
    "ENFILE": "too many open files on this host",
    "EINVAL": "the firmware refused a user context",
    "EAGAIN": "the firmware is not ready, or has no user context left",
    "EBUSY": "the command interface is busy: a reset is under way",
    "EIO": "the firmware failed, or refused a user context",
    "ETIMEDOUT": "the firmware did not answer in the driver's time",
}

_CORE = {
    "ENOTTY": "the node does not know this command: not fwctl, or another version of it",
    "EFAULT": "a pointer was wrong",
    "EINVAL": "the kernel wants a longer argument",
    "E2BIG": "the kernel does not know a part of the argument",
    "ENODEV": "the driver let go of the device while the node was open",
    "ENOMEM": "no memory",
    "EINTR": "a signal interrupted it",
    "EPIPE": "the process that asks the firmware ended",
}

_INFO_ONLY = {"EOPNOTSUPP": "the kernel does not know a flag"}

_RPC_ONLY = {
    "EMSGSIZE": "the request or the answer is too long or too short",
    "EPERM": "the scope needs CAP_SYS_RAWIO, or the request is outside the allow-list",
    "EOPNOTSUPP": "the kernel does not know the scope",
    "EBADMSG": "the driver does not pass this command on at the inspection scope",
    "ENXIO": "the device is down or in an internal error, and takes no commands",
    "ETIMEDOUT": "the firmware did not answer in the driver's time",
    "ECANCELED": "the command was given up because the driver is going down",
    "EBUSY": "the command interface is busy: a reset is under way",
    "EAGAIN": "all command slots of the device are stalled",
    "EALREADY": "the command slot is in use",
    "ENOMEM": "no memory for the command's mailboxes",
    "EIO": "the command was not delivered: the firmware reports an error",
    "EFAULT": "a pointer was wrong, or the command was not delivered: a mailbox is misaligned",
    "ENOMSG": "the command was not delivered: its length, a descriptor or a reserved field is wrong",
    "EBADR": "the command was not delivered: signature or token do not match",
    "EINVAL": "the kernel wants a longer argument, or the command was not delivered",
}

ERRNO_WORDS: Mapping[During, Mapping[str, str]] = {
    "open": _OPEN,
    "FWCTL_INFO": {**_CORE, **_INFO_ONLY},
    "FWCTL_RPC": {**_CORE, **_RPC_ONLY},
}
"""What each error means, by what failed. A failure inside the firmware is none of these: `mailbox.STATUS`."""


def errno_words(number: int, during: During) -> str:
    """Say what an error of this host's kernel means.

    >>> errno_words(errno.EBADMSG, "FWCTL_RPC")
    'EBADMSG: the driver does not pass this command on at the inspection scope'
    """
    words = ERRNO_WORDS[during]
    for name, text in words.items():
        if getattr(errno, name, None) == number:
            return f"{name}: {text}"
    return f"{errno.errorcode.get(number, f'errno {number}')}: {os.strerror(number)}"
