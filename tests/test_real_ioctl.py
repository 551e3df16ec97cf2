"""The kernel's door, with real system calls: a preload library is the fwctl core, behind it is a simulated adapter.

What a program meets there is what `drivers/fwctl/main.c` and the mlx5 driver answer, in their order.
"""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sosmlx.simulator.flash import Flash
from sosmlx.simulator.nic import Fault, Nic, OutsideError
from sosmlx.simulator.profiles import PROFILES
from tests import shim
from tests.shim.server import Command, Server

CALLER = Path(shim.__file__).with_name("caller.py")
COMM = Path(sys.executable).name[:15]
MGIR = bytes.fromhex("08050000 00000001 00009020 00000000") + bytes(160)

CLIENT = """
from sosmlx.child import StuckError
from sosmlx.fwctl.client import Forked
channel = Forked("fwctl0")
print(channel.info(30).hex())
try:
    print(channel.register("MGIR", {}, %r).hex())
except StuckError:
    print("stuck")
channel.close()
"""

pytestmark = [pytest.mark.provided, pytest.mark.skipif(bool(shim.missing()), reason=shim.missing())]


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> shim.Door:
    return shim.build(tmp_path_factory)


def call(door: shim.Door, *calls: str) -> list[object]:
    """What the calls (expressions over the functions of caller.py) gave, in one program of their own."""
    ran = door.run(sys.executable, "-I", "-S", CALLER, *calls)
    assert (ran.returncode, ran.stderr) == (0, "")
    return [json.loads(line) for line in ran.stdout.splitlines()]


def _nic(*faults: Fault, strict: bool = False) -> Nic:
    return Nic(PROFILES["ConnectX-7"], Flash({}), faults, strict=strict)


@pytest.fixture
def nic() -> Nic:
    return _nic()


@pytest.fixture
def server(door: shim.Door, nic: Nic) -> Iterator[Server]:
    with Server(door.nodes, {0: nic}) as running:
        yield running


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("info()", [24, 1, 8, "0100000004000000"]),
        ("info(capacity=0)", [24, 1, 0, ""]),
        ("info(capacity=4)", [24, 1, 8, "01000000"]),
        ("info(capacity=12)", [24, 1, 8, "010000000400000000000000"]),
        ("info(capacity=0, pointer=WILD)", [24, 1, 0, ""]),
        ("info(pointer=WILD)", "EFAULT"),
        ("info(capacity=5000, pointer=WILD)", "EFAULT"),
        ("info(flags=1)", "EOPNOTSUPP"),
        ("info(flags=1, pointer=WILD)", "EOPNOTSUPP"),
        ("info(size=23)", "EINVAL"),
        ("info(size=32, tail=bytes(8))", [32, 1, 8, "0100000004000000"]),
        ("info(size=32, tail=b'\\0' * 7 + b'\\1')", "E2BIG"),
        ("ioctl(INFO, WILD)", "EFAULT"),
        ("at_the_edge(INFO, 4, 23)", "EINVAL"),
        ("at_the_edge(INFO, 4, 24)", "EFAULT"),
        ("at_the_edge(INFO, 24, 24)", "OK"),
        ("at_the_edge(INFO, 24, 25)", "EFAULT"),
        ("at_the_edge(INFO, 24, 1 << 31)", "EFAULT"),
        ("ioctl(0x9A02, bytes(32))", "ENOTTY"),
        ("ioctl(0x5401, bytes(64))", "ENOTTY"),
        ("ioctl(0x9A02, WILD)", "ENOTTY"),
    ],
)
def test_info_answers_as_the_kernel_does(door: shim.Door, server: Server, asked: str, expected: object) -> None:
    assert (call(door, asked), server.commands) == ([expected], [])


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("rpc(size=31)", "EINVAL"),
        ("rpc(size=16)", "EINVAL"),
        ("rpc(size=40, tail=b'\\1' + bytes(7))", "E2BIG"),
        ("rpc(size=1 << 16, tail=bytes(9000) + b'\\1')", "E2BIG"),
        ("ioctl(RPC, WILD)", "EFAULT"),
        ("rpc(in_len=(2 << 20) + 1)", "EMSGSIZE"),
        ("rpc(out_len=(2 << 20) + 1)", "EMSGSIZE"),
        ("rpc(scope=9, out_len=(2 << 20) + 1)", "EMSGSIZE"),
        ("rpc(scope=3, out_len=(2 << 20) + 1)", "EMSGSIZE"),
        ("without_raw_io() or rpc(scope=3)", "EPERM"),
        ("without_raw_io() or rpc(scope=3, into=WILD)", "EPERM"),
    ],
)
def test_what_the_core_refuses_by_itself_reaches_no_driver(
    door: shim.Door, server: Server, nic: Nic, asked: str, expected: str
) -> None:
    assert (call(door, asked), server.commands, nic.taint) == ([expected], [], 0)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("rpc()", [176, 176, 0]),
        ("rpc(MGIR + bytes(1024))", [1200, 1200, 0]),
        ("rpc(out_len=2 << 20)", [2 << 20, 2 << 20, 0]),
        ("rpc(MGIR.ljust(2 << 20, b'\\0'))", [2 << 20, 2 << 20, 0]),
        ("rpc(size=40, tail=bytes(8))", [176, 176, 0]),
        ("rpc(out=WILD)", "EFAULT"),
        ("rpc(into=WILD)", "EFAULT"),
        ("rpc(MGIR[:15])", "EMSGSIZE"),
        ("rpc(out_len=15)", "EMSGSIZE"),
        ("rpc(in_len=0, into=WILD)", "EMSGSIZE"),
        ("rpc(bytes(16))", "EBADMSG"),
        ("rpc(scope=0)", "EBADMSG"),
        ("rpc(scope=4)", "EOPNOTSUPP"),
        ("rpc(scope=4, into=WILD)", "EOPNOTSUPP"),
        ("rpc(scope=0xffffffff)", "EOPNOTSUPP"),
    ],
)
def test_rpc_answers_as_the_kernel_does(
    door: shim.Door, server: Server, nic: Nic, asked: str, expected: object
) -> None:
    assert (call(door, asked), len(server.commands), nic.taint) == ([expected], 1, 0)


def test_firmware_failure_is_no_errno_but_a_status_in_the_answer(door: shim.Door, server: Server) -> None:
    [answer] = call(door, "rpc(MGIR[:10] + b'\\xff\\xff' + MGIR[12:])")

    assert isinstance(answer, list)
    assert (answer[:2], answer[2] != 0) == ([176, 176], True)


@pytest.mark.parametrize("asked", ["rpc(scope=2)", "rpc(scope=2, into=WILD)", "rpc(bytes(16), scope=2)"])
def test_a_tainting_scope_taints_before_anything_else_is_looked_at(
    door: shim.Door, server: Server, nic: Nic, asked: str
) -> None:
    call(door, asked, asked)

    assert (nic.taint, [COMM in line for line in nic.log]) == (1 << 19, [True])


def test_the_server_notes_who_asked_at_which_scope_and_for_what(door: shim.Door, server: Server) -> None:
    call(door, "rpc()", "rpc(MGIR[:16], scope=2)")

    assert server.commands == [Command(0, COMM, 1, MGIR), Command(0, COMM, 2, MGIR[:16])]


def test_the_node_is_shown_as_a_character_device_of_root_only(door: shim.Door, server: Server) -> None:
    assert call(door, "shown()", "os.access(NODE, os.R_OK)") == [[["crw-------", shim.MAJOR, 0]], True]


def test_a_program_of_the_distribution_sees_that_device_too(door: shim.Door, server: Server) -> None:
    ran = door.run("/usr/bin/stat", "--format", "%F %t %T", "/dev/fwctl/fwctl0")

    assert ran.stdout == f"character special file {shim.MAJOR:x} 0\n"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/dev/fwctl/fwctl0", "OK"),
        ("/dev/fwctl/fwctl1", "ENOENT"),
        ("/dev/fwctl/fwctl00", "ENOENT"),
        ("/dev/fwctl/fwctl0x", "ENOENT"),
        ("/dev/fwctl/fwctl", "ENOENT"),
        ("/dev/null", "OK"),
        ("/dev/no-such-thing", "ENOENT"),
    ],
)
def test_only_the_nodes_that_there_are_can_be_opened(door: shim.Door, server: Server, path: str, expected: str) -> None:
    assert call(door, f"opened({path!r})") == [expected]


def test_a_file_is_opened_for_a_uid_of_its_own_which_copies_share(door: shim.Door, server: Server) -> None:
    first, copy, other, child = call(
        door, "info()[3][:8]", "info(fd=os.dup(handle()))[3][:8]", "info(fd=os.open(NODE, os.O_RDONLY))[3][:8]",
        "in_child('info()[3][:8]')",
    )  # fmt: skip

    assert (copy, other, child) == (first, "02000000", first)


def test_threads_ask_at_the_same_time(door: shim.Door, server: Server) -> None:
    assert (call(door, "at_once('rpc()', 16)"), len(server.commands)) == ([[[176, 176, 0]] * 16], 16)


def test_other_files_and_their_ioctls_are_left_alone(door: shim.Door, server: Server) -> None:
    unread = "os.write(pipe[1], b'four') and struct.unpack('i', ioctl(0x541B, bytes(4), fd=pipe[0]))[0]"

    assert call(door, f"[{unread} for pipe in [os.pipe()]]") == [[4]]


def test_what_the_kernel_does_for_any_file_it_does_for_a_node(door: shim.Door, server: Server) -> None:
    keep_on_exec = "ioctl(0x5450, 0)"

    assert call(door, "os.get_inheritable(handle())", keep_on_exec, "os.get_inheritable(handle())") == [
        False, "OK", True
    ]  # fmt: skip


def _is_open(nic: Nic, uid: int) -> bool:
    try:
        return bool(nic.info(uid))
    except OSError as error:
        return error.errno != errno.EBADF


def test_closing_a_file_lets_its_firmware_context_go(door: shim.Door, nic: Nic) -> None:
    with Server(door.nodes, {0: nic}):
        call(door, "info()", "os.close(os.dup(handle()))", "info(fd=os.open(NODE, os.O_RDONLY)) and None")

    assert (nic.open(), [_is_open(nic, uid) for uid in (1, 2, 3)]) == (3, [False, False, True])


def test_a_node_whose_driver_went_away_answers_enodev_to_files_that_are_open(door: shim.Door, server: Server) -> None:
    words = [sys.executable, "-I", "-S", CALLER, "info()[:3]", "input()", "info()", "rpc()", "opened(NODE)"]
    with subprocess.Popen(
        [str(word) for word in words], env={"LD_PRELOAD": str(door.library)}, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    ) as program:  # fmt: skip
        assert program.stdin is not None
        assert program.stdout is not None
        before = program.stdout.readline()
        server.unbind(0)
        program.stdin.write("\n")
        program.stdin.close()
        after = program.stdout.read()

    assert [json.loads(line) for line in (before + after).splitlines()] == [
        [24, 1, 8], "", "ENODEV", "ENODEV", "ENOENT"
    ]  # fmt: skip


def test_a_request_outside_the_list_fails_the_test_that_made_it(door: shim.Door) -> None:
    with pytest.raises(OutsideError), Server(door.nodes, {0: _nic(strict=True)}):
        call(door, "rpc(MGIR[:6] + bytes(2) + MGIR[8:])")


def test_the_client_brings_what_the_adapter_answered(door: shim.Door, server: Server) -> None:
    ran = door.run(sys.executable, "-c", CLIENT % 30.0)

    twin = _nic()
    uid = twin.open()
    assert (ran.stdout.split(), server.commands) == (
        [twin.info(uid).hex(), twin.rpc(uid, 1, MGIR, len(MGIR)).hex()],
        [Command(0, COMM, 1, MGIR)],
    )


def test_the_client_leaves_a_firmware_behind_that_never_answers(door: shim.Door) -> None:
    with Server(door.nodes, {0: _nic(Fault("MGIR", hang=True))}):
        ran = door.run(sys.executable, "-c", CLIENT % 0.2)

    assert ran.stdout.split() == ["01000000080000000100000004000000", "stuck"]
