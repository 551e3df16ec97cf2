"""The kernel's interface, byte by byte: numbers, structs, and what its errors mean."""

from __future__ import annotations

import errno
import os
import struct
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.fwctl import abi

U32, U64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)


def native(*parts: tuple[int, int]) -> bytes:
    """Lay out numbers as a C compiler does on this machine: (bytes, value) each."""
    return b"".join(value.to_bytes(size, "big" if sys.byteorder == "big" else "little") for size, value in parts)


@pytest.mark.parametrize(
    ("nr", "machine", "number"),
    [
        (0, "x86_64", 0x9A00),
        (1, "x86_64", 0x9A01),
        (0, "aarch64", 39424),
        (1, "riscv64", 39425),
        (1, "s390x", 0x9A01),
        (0, "ppc64le", 0x20009A00),
        (1, "ppc64", 536910337),
        (0, "mips64", 536910336),
        (1, "sparc64", 0x20009A01),
        (1, "alpha", 0x20009A01),
        (1, "", 0x9A01),
    ],
)
def test_an_ioctl_number_is_that_of_the_machine(nr: int, machine: str, number: int) -> None:
    assert abi.ioctl_number(nr, machine) == number


def test_the_two_ioctls_are_info_and_rpc() -> None:
    assert (abi.FWCTL_INFO & 0x1FFFFFFF, abi.FWCTL_RPC & 0x1FFFFFFF) == (0x9A00, 0x9A01)


def test_scopes_and_device_types_have_the_kernels_numbers() -> None:
    found = {member.name: int(member) for kind in (abi.Scope, abi.DeviceType) for member in kind}

    assert found == {
        "FWCTL_RPC_CONFIGURATION": 0,
        "FWCTL_RPC_DEBUG_READ_ONLY": 1,
        "FWCTL_RPC_DEBUG_WRITE": 2,
        "FWCTL_RPC_DEBUG_WRITE_FULL": 3,
        "FWCTL_DEVICE_TYPE_ERROR": 0,
        "FWCTL_DEVICE_TYPE_MLX5": 1,
        "FWCTL_DEVICE_TYPE_CXL": 2,
        "FWCTL_DEVICE_TYPE_BNXT": 3,
        "FWCTL_DEVICE_TYPE_PDS": 4,
    }


@given(U32, U64)
def test_the_argument_of_info_is_struct_fwctl_info(length: int, pointer: int) -> None:
    packed = abi.pack_info(length, pointer)

    assert packed == native((4, 24), (4, 0), (4, 0), (4, length), (8, pointer))


@given(U32, U32, U64, U64)
def test_the_argument_of_rpc_is_struct_fwctl_rpc_at_the_scope_for_inspection(
    in_len: int, out_len: int, in_ptr: int, out_ptr: int
) -> None:
    packed = abi.pack_rpc(in_len, out_len, in_ptr, out_ptr)

    assert packed == native((4, 32), (4, 1), (4, in_len), (4, out_len), (8, in_ptr), (8, out_ptr))


@given(U32, U32, U32, U64)
def test_info_comes_back_as_the_kernel_filled_it(flags: int, kind: int, length: int, pointer: int) -> None:
    raw = native((4, 24), (4, flags), (4, kind), (4, length), (8, pointer))

    found = abi.unpack_info(raw)

    assert found == abi.InfoHeader(size=24, flags=flags, device_type=kind, data_len=length, data_ptr=pointer)


@given(U32, U32, U64, U64)
def test_rpc_comes_back_as_the_kernel_filled_it(in_len: int, out_len: int, in_ptr: int, out_ptr: int) -> None:
    found = abi.unpack_rpc(abi.pack_rpc(in_len, out_len, in_ptr, out_ptr))

    assert found == abi.RpcHeader(32, 1, in_len, out_len, in_ptr, out_ptr)


@pytest.mark.parametrize("length", [-1, 1 << 32])
def test_a_length_that_does_not_fit_is_not_packed(length: int) -> None:
    with pytest.raises(struct.error):
        abi.pack_rpc(length, 16, 0, 0)


@pytest.mark.parametrize(("unpack", "size"), [(abi.unpack_info, 24), (abi.unpack_rpc, 32)])
def test_a_struct_that_is_too_short_is_not_unpacked(unpack: object, size: int) -> None:
    assert callable(unpack)

    with pytest.raises(struct.error):
        unpack(bytes(size - 1))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (struct.pack("<IIII", 1, 8, 7, 4), abi.Info(1, 7, 4)),
        (struct.pack(">IIII", 1, 8, 7, 4), abi.Info(1, 7, 4)),
        (struct.pack("<IIIII", 1, 12, 7, 0, 99), abi.Info(1, 7, 0)),
        (struct.pack("<IIII", 2, 8, 7, 4), abi.Info(2)),
        (struct.pack("<IIII", 1, 4, 7, 4), abi.Info(1)),
        (struct.pack("<III", 1, 8, 7), abi.Info(1)),
        (struct.pack("<II", 1, 0), abi.Info(1)),
        (abi.INFO_PATTERN, abi.Info(1, 0, 0)),
    ],
    ids=["mlx5", "other byte order", "longer", "CXL", "true length short", "cut off", "no data", "plan"],
)
def test_an_info_read_says_who_answers_and_nothing_that_it_does_not_hold(data: bytes, expected: abi.Info) -> None:
    assert abi.info(data) == expected


@given(st.binary(max_size=7))
def test_an_info_read_without_a_type_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="less than 8"):
        abi.info(data)


@given(st.binary(min_size=8, max_size=64))
def test_any_other_info_read_is_read(data: bytes) -> None:
    assert abi.info(data).device_type in (int.from_bytes(data[:4], "little"), int.from_bytes(data[:4], "big"))


def test_capabilities_of_a_context_have_names() -> None:
    assert abi.uctx_words(0x3F) == (
        "RAW_TX", "INTERNAL_DEV_RES", "TOOLS_RESOURCES", "RDMA_CTRL", "RDMA_CTRL_OTHER_VHCA", "0x20",
    )  # fmt: skip


KNOWN = {
    "open": (
        "ENOENT", "EACCES", "EPERM", "ENXIO", "ENODEV", "ENOMEM", "EINVAL", "EAGAIN", "EIO", "EBUSY", "ETIMEDOUT",
    ),
    "FWCTL_INFO": ("EFAULT", "EINVAL", "E2BIG", "ENODEV", "EOPNOTSUPP", "ENOTTY"),
    "FWCTL_RPC": (
        "EFAULT", "EINVAL", "E2BIG", "ENODEV", "EMSGSIZE", "EPERM", "EOPNOTSUPP", "ENOMEM", "EBADMSG", "ENOTTY",
        "ENXIO", "ETIMEDOUT", "ECANCELED", "EBUSY", "EAGAIN", "EALREADY", "EIO", "ENOMSG", "EBADR",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("during", "name"), [(during, name) for during in KNOWN for name in KNOWN[during]])
def test_every_error_of_the_kernel_has_words_of_ours(during: abi.During, name: str) -> None:
    number = getattr(errno, name)

    words = abi.errno_words(number, during)

    assert (words.partition(": ")[0], words.partition(": ")[2] not in ("", os.strerror(number))) == (name, True)


@pytest.mark.parametrize(
    ("number", "during", "words"),
    [
        (errno.EBADMSG, "FWCTL_RPC", "EBADMSG: the driver does not pass this command on at the inspection scope"),
        (errno.ENODEV, "open", "ENODEV: the device is being removed"),
        (errno.ENODEV, "FWCTL_RPC", "ENODEV: the driver let go of the device while the node was open"),
        (errno.ENOMEM, "FWCTL_RPC", "ENOMEM: no memory for the command's mailboxes"),
        (errno.EXDEV, "open", f"EXDEV: {os.strerror(errno.EXDEV)}"),
        (9999, "FWCTL_RPC", f"errno 9999: {os.strerror(9999)}"),
    ],
)
def test_an_error_is_told_by_what_failed(number: int, during: abi.During, words: str) -> None:
    assert abi.errno_words(number, during) == words
