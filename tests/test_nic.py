"""The simulated fwctl node answers as the kernel does, in the kernel's order, and fails whoever leaves the list."""

from __future__ import annotations

import errno
from typing import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.fwctl import allowed
from sosmlx.simulator.adapter import adapter
from sosmlx.simulator.flash import Flash
from sosmlx.simulator.nic import Fault, Kernel, Nic, NoAnswerError, OutsideError, outside
from sosmlx.simulator.profiles import PROFILES
from tests import nic_reading as raw

NAMES = {**errno.errorcode, errno.EOPNOTSUPP: "EOPNOTSUPP"}  # one number, two names

READ = raw.command(raw.MGIR)
WRITE = raw.command(raw.MFRL, op_mod=0)
LINE = "fwctl fwctl0: mstconfig(48213): has requested full access to the physical device"


def node(*faults: Fault, strict: bool = False, rawio: bool = True, kernel: Kernel | None = None) -> Nic:
    return Nic(PROFILES["ConnectX-7"], Flash({}), faults, strict=strict, rawio=rawio, kernel=kernel)


def answered(nic: Nic, scope: int, request: bytes, out_len: int | None = None) -> int | str:
    """How it ended: the firmware's status, or the name of the kernel's error."""
    uid = nic.open()
    try:
        return nic.rpc(uid, scope, request, len(request) if out_len is None else out_len)[0]
    except OSError as error:
        return NAMES[error.errno or 0]
    finally:
        nic.close(uid)


def failure(call: Callable[[], object]) -> str:
    with pytest.raises(OSError) as caught:  # noqa: PT011
        call()
    return NAMES[caught.value.errno or 0]


def test_info_says_mlx5_and_gives_uid_and_capabilities_unless_there_is_no_room() -> None:
    nic = node()

    uid = nic.open()

    assert [nic.info(uid, capacity).hex(" ", 4) for capacity in (8, 4, 0)] == [
        "01000000 08000000 01000000 04000000",
        "01000000 08000000 01000000",
        "01000000 00000000",
    ]


def test_every_open_file_has_a_uid_of_its_own() -> None:
    nic = node()

    first, second = nic.open(), nic.open()
    nic.close(first)

    assert (first, second, nic.open()) == (1, 2, 3)


def test_what_is_not_open_cannot_be_asked() -> None:
    nic = node()
    uid = nic.open()
    nic.close(uid)

    calls = [lambda: nic.info(uid), lambda: nic.rpc(uid, 1, READ, 176), lambda: nic.close(uid)]
    assert [failure(call) for call in calls] == ["EBADF", "EBADF", "EBADF"]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (READ, ["EBADMSG", 0, 0, 0, "EOPNOTSUPP"]),
        (WRITE, [0, 0, 0, 0, "EOPNOTSUPP"]),
        (raw.command(raw.MGIR, opcode=0x0104), ["EBADMSG", "EBADMSG", "EBADMSG", "EBADMSG", "EOPNOTSUPP"]),
    ],
    ids=["read", "write", "ENABLE_HCA"],
)
def test_a_register_read_needs_scope_1_and_a_write_needs_none(request_: bytes, expected: list[int | str]) -> None:
    assert [answered(node(), scope, request_) for scope in range(5)] == expected


ANY_SCOPE = (0x100, 0x101, 0x109, 0x10E, 0x731, 0x740, 0x760, 0x762, 0x823, 0xB22, 0xB2E)
REFUSED = (
    0x102, 0x103, 0x104, 0x105, 0x108, 0x10B, 0x10D, 0x113, 0x118, 0x200, 0x301, 0x500, 0x50D, 0x751, 0x753, 0x755,
    0x761, 0x763, 0x80C, 0x825, 0x830, 0x840, 0xA00, 0xA01, 0xA04, 0xA08, 0xB0E, 0xB12, 0xB16, 0xFFFF,
)  # fmt: skip
FROM_1 = (0x107, 0x10A, 0x201, 0x50B, 0x754, 0x770, 0x80D, 0x819, 0x93B, 0xA02, 0xA05, 0xB03, 0xB2F, 0x8000, 0x8006)


@pytest.mark.parametrize(
    ("opcodes", "scopes"), [(ANY_SCOPE, "0123"), (FROM_1, "123"), ((0x820,), "23"), (REFUSED, "")], ids=str
)
def test_other_commands_pass_from_their_smallest_scope_on(opcodes: tuple[int, ...], scopes: str) -> None:
    passed = {
        opcode: "".join(
            str(scope)
            for scope in range(4)
            if answered(node(), scope, raw.command(0, size=0, opcode=opcode)) != "EBADMSG"
        )
        for opcode in opcodes
    }

    assert passed == dict.fromkeys(opcodes, scopes)


LARGE = 2 << 20


@pytest.mark.parametrize(
    ("scope", "in_len", "out_len", "expected"),
    [
        (1, LARGE + 1, 176, "EMSGSIZE"),
        (1, 176, LARGE + 1, "EMSGSIZE"),
        (9, 176, LARGE + 1, "EMSGSIZE"),
        (9, 15, 176, "EOPNOTSUPP"),
        (1, 15, 176, "EMSGSIZE"),
        (1, 176, 15, "EMSGSIZE"),
        (0, 15, 176, "EMSGSIZE"),
        (0, 176, 176, "EBADMSG"),
        (1, LARGE, LARGE, 0),
    ],
)
def test_the_first_check_that_fails_names_the_error(scope: int, in_len: int, out_len: int, expected: int | str) -> None:
    assert answered(node(), scope, READ.ljust(in_len, b"\0")[:in_len], out_len) == expected


def test_full_access_needs_a_capability_that_is_asked_for_before_anything_taints() -> None:
    nic = node(rawio=False)

    assert (answered(nic, 3, READ), nic.taint, nic.log) == ("EPERM", 0, [])


@pytest.mark.parametrize(
    ("scope", "request_", "taint"),
    [(0, READ, 0), (1, READ, 0), (1, WRITE, 0), (2, READ, 524288), (3, READ, 524288), (2, READ[:15], 524288)],
    ids=["0", "1", "1-write", "2", "3", "2-refused"],
)
def test_only_a_tainting_scope_taints_and_it_does_before_the_driver_looks(
    scope: int, request_: bytes, taint: int
) -> None:
    nic = node()

    answered(nic, scope, request_)

    assert nic.taint == taint


def test_the_log_names_the_first_process_that_tainted_and_no_other_of_any_node() -> None:
    host = Kernel()
    nic, other = node(kernel=host), node(kernel=host)

    for one, comm, pid in ((nic, "mstconfig", 48213), (nic, "again", 2), (other, "elsewhere", 3)):
        one.rpc(one.open(), 2, READ, 176, comm=comm, pid=pid)

    assert (other.taint, other.log) == (524288, [LINE])


def test_a_node_whose_driver_is_gone_answers_nobody() -> None:
    nic = node()
    uid = nic.open()

    nic.unbind()

    calls = [nic.open, lambda: nic.info(uid), lambda: nic.rpc(uid, 1, READ, 176)]
    assert [failure(call) for call in calls] == ["ENODEV", "ENODEV", "ENODEV"]


def test_an_answer_is_as_long_as_it_was_asked_to_be() -> None:
    nic = node()
    uid = nic.open()

    sizes = (16, 176, 400)

    answers = [nic.rpc(uid, 1, READ, size) for size in sizes]
    assert ([len(answer) for answer in answers], answers[2][176:]) == ([16, 176, 400], bytes(224))


def test_every_request_is_kept_as_it_came_and_what_passed_as_the_firmware_saw_it() -> None:
    nic = node()

    for scope in (0, 1):
        answered(nic, scope, READ)

    assert (nic.requests, nic.forwarded) == ([(0, READ), (1, READ)], [READ[:2] + b"\0\2" + READ[4:]])


BAD = 0x1234
FAULTS = {
    "status": (Fault("MNVDA", {"type": 0x10A}, status=1, syndrome=BAD), bytes.fromhex("01000000 00001234")),
    "short": (Fault("MNVDA", {"type": 0x10A}, short=5), bytes.fromhex("0300000000")),
    "other": (Fault("MNVDA", {"type": 0x80}, status=1), bytes.fromhex("03000000 001a0020")),
    "other register": (Fault("MGIR", status=1), bytes.fromhex("03000000 001a0020")),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_meets_the_request_whose_fields_it_names(name: str) -> None:
    fault, expected = FAULTS[name]
    nic = node(fault)

    answer = nic.rpc(nic.open(), 1, raw.command(raw.MNVDA, 0x100, 0x10A), 284)

    assert answer[:8] == expected


def test_a_fault_waits_for_its_time() -> None:
    nic = node(Fault("MGIR", status=7, after=2))

    assert [answered(nic, 1, READ) for _ in range(4)] == [0, 0, 7, 7]


def test_a_device_that_vanishes_stays_away() -> None:
    nic = node(Fault("MGIR", errno=errno.ENODEV, after=1))
    uid = nic.open()

    nic.rpc(uid, 1, READ, 176)

    calls = [lambda: nic.rpc(uid, 1, READ, 176), lambda: nic.info(uid), nic.open]
    assert [failure(call) for call in calls] == ["ENODEV", "ENODEV", "ENODEV"]


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.EAGAIN, errno.ENODEV])
def test_a_node_can_refuse_to_be_opened(number: int) -> None:
    nic = node(Fault("open", errno=number, after=1))
    nic.open()

    assert failure(nic.open) == NAMES[number]


def test_a_node_can_refuse_to_say_who_it_is() -> None:
    nic = node(Fault("info", errno=errno.EIO))
    uid = nic.open()

    assert failure(lambda: nic.info(uid)) == "EIO"


def test_a_firmware_that_hangs_gives_no_answer() -> None:
    nic = node(Fault("MDSR", {"type_of_token": 3}, hang=True))

    with pytest.raises(NoAnswerError):
        nic.rpc(nic.open(), 1, raw.command(raw.MDSR, 3 << 24), 64)


OUTSIDE = {
    "scope 0": (0, READ),
    "scope 2": (2, READ),
    "write": (1, WRITE),
    "delete": (1, raw.command(raw.MNVDI, 0, 0x80)),
    "another command": (1, raw.command(0, size=0, opcode=0x0109)),
    "a query with a flag that clears": (
        1,
        raw.command(0, 0, 0, size=16, opcode=0x0770)[:8] + bytes(16) + b"\x80" + bytes(7),
    ),
    "another function's capabilities": (1, raw.command(0, size=0, opcode=0x0100)[:8] + b"\x80" + bytes(7)),
    "the other register command": (1, raw.command(raw.MGIR, opcode=0x0B0C)),
    "a register that is not listed": (1, raw.command(0x911A, size=64)),
    "no register at all": (1, raw.command(raw.MNVDA, size=0)),
    "a larger buffer": (1, raw.command(raw.MGIR, size=1024)),
    "a bit that ends a debug session": (1, raw.command(raw.MDSR, 0, 1 << 31)),
    "a writer": (1, raw.command(raw.MNVDA, 0x02090100, 0x80)),
    "another function's item": (1, raw.command(raw.MNVDA, 0x100, 0x03000480)),
    "data": (1, raw.command(raw.MNVDA, 0x100, 0x80, 0, 1)),
    "a uid": (1, READ[:2] + b"\0\1" + READ[4:]),
    "an argument": (1, READ[:15] + b"\1" + READ[16:]),
    "nothing": (1, b""),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_strict_node_fails_who_leaves_the_list_of_inspection_reads(name: str) -> None:
    nic = node(strict=True)
    scope, request = OUTSIDE[name]

    with pytest.raises(OutsideError, match=f"scope {scope}, "):
        nic.rpc(nic.open(), scope, request, 284)


def reads() -> st.SearchStrategy[bytes]:
    """Requests of the list, with selectors from all of their ranges."""

    def one(name: str) -> st.SearchStrategy[bytes]:
        ranges = allowed.ALLOWED[name].fields
        selectors = {
            field: st.one_of(*(st.integers(first, last) for first, last in values)) for field, values in ranges.items()
        }
        return st.fixed_dictionaries(selectors).map(lambda fields: allowed.request(name, fields))

    return st.sampled_from(sorted(allowed.ALLOWED)).flatmap(one)


@given(reads())
def test_a_strict_node_answers_every_read_of_the_list(request: bytes) -> None:
    nic = adapter({}, 0)

    assert len(nic.rpc(nic.open(), 1, request, len(request))) == len(request)


@given(reads(), st.integers(0, 300), st.integers(0, 255), st.integers(-4, 4))
def test_the_node_and_the_client_draw_the_line_at_the_same_place(
    request: bytes, place: int, value: int, more: int
) -> None:
    changed = bytearray(request)
    changed[place % len(changed)] = value
    mutated = bytes(changed) + bytes(max(more, 0)) if more >= 0 else bytes(changed)[:more]

    assert (outside(1, mutated) == "") == (allowed.refusal(mutated) == "")
