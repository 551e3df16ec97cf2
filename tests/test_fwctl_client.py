"""The process that asks the firmware: what it passes on, what it refuses, and how it is left behind."""

from __future__ import annotations

import errno
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.child import StuckError
from sosmlx.fwctl.allowed import NEVER, NotAllowedError, refusal, request
from sosmlx.fwctl.client import DeviceNode, Forked
from sosmlx.fwctl.mailbox import OPCODES
from sosmlx.fwctl.registers import BY_ID


class Answering:
    """A node that repeats what it is asked."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def info(self) -> bytes:
        return b"who:" + self.name.encode()

    def rpc(self, request: bytes) -> bytes:
        return request


class Failing(Answering):
    def rpc(self, request: bytes) -> bytes:
        raise OSError(errno.EBADMSG, "not let through")


class Hanging(Answering):
    def rpc(self, request: bytes) -> bytes:
        time.sleep(600)
        return b""


class Dying(Answering):
    def rpc(self, request: bytes) -> bytes:
        os._exit(3)


def _denied(name: str) -> Answering:
    raise PermissionError(errno.EACCES, "Permission denied")


def _error(ask: Callable[[], object]) -> int | None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the error number is the claim
        ask()
    return caught.value.errno


def test_a_child_opens_the_node_by_its_name_and_passes_commands_on() -> None:
    channel = Forked("fwctl7", Answering)

    found = (channel.info(5), channel.register("MGIR", {}, 5), channel.info(5))
    channel.close()

    assert found == (b"who:fwctl7", request("MGIR", {}), b"who:fwctl7")


def test_the_kernel_s_error_number_comes_through_and_the_channel_stays_usable() -> None:
    channel = Forked("fwctl0", Failing)

    number = _error(lambda: channel.register("MGIR", {}, 5))
    found = (number, channel.info(5))
    channel.close()

    assert found == (errno.EBADMSG, b"who:fwctl0")


def test_a_node_that_cannot_be_opened_says_why_each_time() -> None:
    channel = Forked("fwctl0", _denied)

    assert [_error(lambda: channel.info(5)) for _ in range(2)] == [errno.EACCES, errno.EACCES]


def test_a_stuck_command_leaves_its_process_behind_and_names_it() -> None:
    channel = Forked("fwctl0", Hanging)
    channel.info(5)

    with pytest.raises(StuckError) as caught:
        channel.register("MGIR", {}, 0.05)

    assert (caught.value.pid > 0, f"process {caught.value.pid} was ended" in str(caught.value)) == (True, True)


def test_a_process_that_dies_is_a_broken_channel_and_no_hang() -> None:
    channel = Forked("fwctl0", Dying)
    channel.info(5)

    assert _error(lambda: channel.register("MGIR", {}, 5)) == errno.EPIPE


def test_a_register_outside_the_list_never_reaches_the_process() -> None:
    channel = Forked("fwctl0", Answering)

    with pytest.raises(NotAllowedError):
        channel.register("MNVDI", {}, 5)

    assert channel._child.runs is False


REQUESTS = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda opcode, op_mod, number, tail: struct.pack(">HHHHHHI", opcode, 0, 0, op_mod, 0, number, 0) + tail,
        st.sampled_from(sorted({*OPCODES, 0x0A04})),
        st.sampled_from((0, 1)),
        st.sampled_from(sorted({row.id for row in NEVER} | set(BY_ID))),
        st.binary(max_size=284),
    ),
    st.sampled_from([request(name, {}) for name in ("MGIR", "MFRL", "MNVGC", "MNVQC", "MNVGN")]),
)


@given(REQUESTS)
def test_no_bytes_outside_the_list_get_as_far_as_an_ioctl(raw: bytes) -> None:
    node = DeviceNode("/dev/null")

    number = _error(lambda: node.rpc(raw))
    os.close(node._handle)

    # /dev/null knows no ioctl: whatever gets to the kernel ends in ENOTTY.
    assert number == (errno.EPERM if refusal(raw) else errno.ENOTTY)


def test_the_process_holds_nothing_of_its_parent_open() -> None:
    class Listing(Answering):
        def info(self) -> bytes:
            folder = Path("/proc/self/fd")
            held = [str((folder / number).readlink()) for number in "012"]
            return " ".join([*held, str(len(list(folder.iterdir())))]).encode()

    reader, writer = os.pipe()
    channel = Forked("fwctl0", Listing)

    found = channel.info(5)
    channel.close()
    os.close(reader)
    os.close(writer)

    # Three standard ones on /dev/null, two pipes, and the folder that is being listed.
    assert found == b"/dev/null /dev/null /dev/null 6"
