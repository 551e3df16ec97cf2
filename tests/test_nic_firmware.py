"""The simulated firmware's answers, byte by byte: worked examples, refusals, identity, components, tokens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sosmlx.simulator.adapter import adapter
from sosmlx.simulator.profiles import PROFILES, Component
from tests import nic_reading as raw
from tests.nics import CX7, GLOBAL, ask, nic, stored

EXAMPLES = {
    "SRIOV_EN, NUM_OF_VFS": (
        stored(0x80, "80000000 80000008 00000000"),
        "0000000c 00000080 00000000", "0209000c 00000080 00000000 80000000 80000008 00000000",
    ),
    "LINK_TYPE_P1": (
        stored(0x01010012, "00000008"), "00000004 01010012 00000000", "02090004 01010012 00000000 00000008"
    ),
    "ROCE_CONTROL": (
        stored(0x03000112, "18000000"), "00000004 03000112 00000000", "02090004 03000112 00000000 18000000"
    ),
    "LOG_MAX_QUEUE": (
        stored(0x11D, "00000011 00000000"),
        "00000008 0000011d 00000000", "02090008 0000011d 00000000 00000011 00000000",
    ),
    "CQE_COMPRESSION": (
        stored(0x10A, "12b50101 00800000"),
        "00000008 0000010a 00000000", "02090008 0000010a 00000000 12b50101 00800000",
    ),
    "PF_NUM_OF_VF": (
        stored(0x03000080, "00400000 00000000 00000010 00000000"),
        "00000010 03000080 00000000", "02090010 03000080 00000000 00400000 00000000 00000010 00000000",
    ),
    "MODULE_SPLIT_M0": (
        stored(0x09000004, "01010101 ffffffff ffffffff ffffffff"),
        "00000010 09000004 00000000", "02090010 09000004 00000000 01010101 ffffffff ffffffff ffffffff",
    ),
    "ADVANCED_PCI_SETTINGS": (
        stored(0x07000080, "80400000"), "00000004 07000080 00000000", "02090004 07000080 00000000 80400000"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_stored_item_is_answered_as_in_the_worked_examples(name: str) -> None:
    item, request, answer = EXAMPLES[name]
    whole = bytes.fromhex("08050000 00000001 00009024 00000000" + request).ljust(284, b"\0")

    device = nic(item)

    assert device.rpc(device.open(), 1, whole, 284) == (bytes(16) + bytes.fromhex(answer)).ljust(284, b"\0")


@pytest.mark.parametrize(
    ("mode", "header"), [("02090100", "0209000c"), ("02490100", "0040000c"), ("02890100", "0080000c")]
)
def test_the_vendors_own_request_is_answered_in_every_view(mode: str, header: str) -> None:
    device = nic(stored(GLOBAL, "80000000 80000008 00000000"))
    request = bytes.fromhex("08050000 00000001 00009024 00000000" + mode + "00000080").ljust(284, b"\0")

    answer = device.rpc(device.open(), 1, request, 284)

    assert answer[16:28].hex() == header + "00000080" + "00000000"


def test_what_is_known_of_an_item_is_answered_as_in_the_worked_example() -> None:
    assert ask(nic(), raw.MNVQC, 0x01010012).hex(" ", 4) == "00000000 00000000 00000000 00000000 01010012 00000003"


@pytest.mark.parametrize(
    ("word", "known"),
    [
        (0x0000010A, (1, 1, 1)), (0x00000081, (0, 0, 1)), (0x01020012, (0, 1, 1)), (0x01030012, (0, 0, 0)),
        (0x01000012, (0, 0, 0)), (0x09004004, (0, 1, 1)), (0x09008004, (0, 0, 0)), (0x06000002, (0, 0, 0)),
        (0x00000000, (0, 0, 0)),
    ],
)  # fmt: skip
def test_an_item_that_is_not_there_is_answered_without_support_not_refused(
    word: int, known: tuple[int, int, int]
) -> None:
    answer = ask(nic(), raw.MNVQC, word)

    assert (answer[0], raw.supported(answer)) == (0, (word, *known))


def test_the_views_that_can_be_read_are_answered_as_in_the_worked_example() -> None:
    answers = [
        ask(nic(profile=replace(CX7, factory_readable=factory, current_readable=current)), raw.MNVGC)[16:20].hex()
        for factory, current in ((True, True), (True, False), (False, True))
    ]

    assert answers == ["00000003", "00000001", "00000002"]


def test_the_identity_is_answered_as_in_the_worked_example() -> None:
    profile = replace(CX7, pci_device=0x101D, psid="MT_0000000359", firmware="22.43.2566", mgir={})

    answer = ask(nic(profile=profile), raw.MGIR)[16:]

    assert (answer[:4].hex(), answer[0x30:0x40].hex(" ", 4), answer[0x44:0x50].hex(" ", 4)) == (
        "0000101d", "4d545f30 30303030 30303335 39000000", "00000016 0000002b 00000a06",
    )  # fmt: skip


def test_the_mask_of_registers_is_answered_as_in_the_worked_example() -> None:
    profile = replace(CX7, registers=(0x9020, 0x9021, 0x9024, 0x9060, 0x9061), features=())

    answer = ask(nic(profile=profile), raw.MCAM)[16:]

    assert answer.hex(" ", 4) == " ".join(
        ["00000000 00000000", "00000003 00000000 00000013 00000000", *["00000000"] * 12]
    )


@pytest.mark.parametrize("name", PROFILES)
def test_the_identity_reads_as_the_profile_says(name: str) -> None:
    profile = PROFILES[name]

    answer = ask(nic(profile=profile), raw.MGIR)

    assert raw.identity(answer) == (
        profile.pci_device, profile.ports, profile.base_mac, profile.psid, profile.version,
        int(name != "ConnectX-5"), 0, int(name != "ConnectX-5"),
    )  # fmt: skip


@pytest.mark.parametrize("name", PROFILES)
def test_the_mask_holds_the_registers_of_the_profile(name: str) -> None:
    device = nic(profile=PROFILES[name])
    masks = {0x9000 + 0x80 * group: ask(device, raw.MCAM, group) for group in range(4)}
    masks |= {0x5000 + 0x80 * group: ask(device, raw.PCAM, group) for group in range(2)}
    masks |= {0x4000: ask(device, raw.QCAM)}

    found = {first + n for first, mask in masks.items() for n in range(0x80) if raw.has_register(mask, first + n)}

    assert found == set(PROFILES[name].registers)


REFUSED = {
    "an unknown item": (CX7, raw.MNVDA, (0x100, 0x777), 3),
    "a port that is not there": (CX7, raw.MNVDA, (0x100, 0x01030012), 3),
    "another host's item": (CX7, raw.MNVDA, (0x300, 0x03000480), 3),
    "a view that is none": (CX7, raw.MNVDA, (0x00C00100, GLOBAL), 3),
    "a current view that cannot be read": (replace(CX7, current_readable=False), raw.MNVDA, (0x00400100, GLOBAL), 3),
    "a factory view that cannot be read": (replace(CX7, factory_readable=False), raw.MNVDA, (0x00800100, GLOBAL), 3),
    "next of what is not stored": (replace(CX7, next_of_factory=False), raw.MNVDA, (0x100, GLOBAL), 5),
    "the list of an empty flash": (CX7, raw.MNVGN, (0,), 5),
    "a component that is not there": (CX7, raw.MCQS, (9,), 0xA),
    "pending information of an idle component": (CX7, raw.MCQI, (1 << 31, 0, 1, 0, 0, 124), 3),
    "information of no kind": (CX7, raw.MCQI, (0, 0, 7, 0, 0, 124), 3),
    "a string of no kind": (CX7, raw.MQIS, (9, 0, 8), 3),
    "a token of no kind": (CX7, raw.MDSR, (7 << 24,), 3),
    "tokens that this firmware does not know": (PROFILES["ConnectX-5"], raw.MDSR, (0,), 4),
    "a group of registers that is none": (CX7, raw.MCAM, (4,), 3),
    "a register that is missing": (replace(CX7, missing=frozenset(["MCQS"])), raw.MCQS, (0,), 4),
    "a register that nobody knows": (CX7, 0x9999, (0, 0), 4),
    "reading what only writes": (CX7, raw.MNVIA, (0,), 2),
    "a context without the tools' capability": (replace(CX7, uctx_caps=0), raw.MNVQC, (GLOBAL,), 5),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_a_status_and_no_register(name: str) -> None:
    profile, register, words, status = REFUSED[name]

    answer = ask(nic(profile=profile), register, *words)

    assert (answer[0], answer[4:8] == bytes(4), answer[8:]) == (status, False, bytes(len(answer) - 8))


@pytest.mark.parametrize("register", [raw.MGIR, raw.MNVQC, raw.MNVGC, raw.MNVDA, raw.MCQS, raw.MFRL, raw.MDSR])
def test_a_larger_buffer_is_filled_with_zeros_and_a_smaller_one_refused(register: int) -> None:
    size, words = raw.SIZES[register], (0x100, GLOBAL) if register == raw.MNVDA else ()
    exact = ask(nic(), register, *words)

    larger, smaller = ask(nic(), register, *words, size=1024), ask(nic(), register, *words, size=size - 1)
    cut = ask(nic(), register, *words, out=16 + size - 1)

    assert (larger, smaller[0], cut[0]) == (exact + bytes(1024 - size), 0x50, 0x51)


def test_who_it_is_and_what_it_has_is_told_to_everybody() -> None:
    device = nic(profile=replace(CX7, uctx_caps=0))

    assert [ask(device, register)[0] for register in (raw.MGIR, raw.MCAM, raw.MNVGC)] == [0, 0, 5]


def test_a_register_command_that_is_no_read_and_no_write_is_none() -> None:
    device = nic()

    assert device.rpc(device.open(), 1, raw.command(raw.MGIR, op_mod=2), 176)[0] == 2


def test_a_question_about_another_hosts_item_is_repeated() -> None:
    assert raw.word(ask(nic(), raw.MNVQC, GLOBAL, 1 << 9), 4) == 0x203


def test_a_piece_of_a_string_is_no_longer_than_its_room() -> None:
    answer = ask(nic(), raw.MQIS, 1, 0, 200)

    assert (raw.bits(answer, 8, 15, 0), answer[32:]) == (8, b"MCX75510")


def test_a_string_comes_in_pieces_with_what_the_request_had_behind_its_end() -> None:
    device = nic()

    pieces = [ask(device, raw.MQIS, 1, 0, at << 16 | 8, 0, 0x2A2A2A2A, 0x2A2A2A2A) for at in (0, 8, 16, 24)]

    assert [(raw.word(piece, 4), raw.bits(piece, 8, 15, 0), piece[32:40]) for piece in pieces] == [
        (19, 8, b"MCX75510"), (19, 8, b"6AS-HEA_"), (19, 3, b"Ax\0*****"), (19, 0, b"********"),
    ]  # fmt: skip


PARTS = (Component(0, 1, "28.43.2566", "28.44.1036", update_state=4, changer=5), Component(1, 6, "", status=0))


def test_components_are_listed_to_the_last_one() -> None:
    device = nic(profile=replace(CX7, components=PARTS))

    assert [raw.component(ask(device, raw.MCQS, index)) for index in (0, 1)] == [
        {"last": 0, "index": 0, "identifier": 1, "status": 2, "state": 4, "changer": 5},
        {"last": 1, "index": 1, "identifier": 6, "status": 0, "state": 3, "changer": 0},
    ]


def test_a_component_has_a_running_and_a_pending_version() -> None:
    device = nic(profile=replace(CX7, components=PARTS))

    answers = [ask(device, raw.MCQI, pending << 31, 0, 1, 0, 0, 124) for pending in (0, 1)]

    assert [raw.version(answer) for answer in answers] == [(0x1C2B0A06, "28.43.2566"), (0x1C2C040C, "28.44.1036")]


def test_information_of_a_component_can_be_read_from_the_middle() -> None:
    device = nic(profile=replace(CX7, components=PARTS))

    answer = ask(device, raw.MCQI, 0, 0, 1, 0, 0x20, 5)

    assert answer[16 + 0x18 :].rstrip(b"\0") == b"28.43"


def test_a_component_that_waits_for_a_reset_makes_one_applicable() -> None:
    device = nic(profile=replace(CX7, components=PARTS))

    assert raw.bits(ask(device, raw.MFRL), 4, 7, 0) == 0x48


@pytest.mark.parametrize(("status", "left"), [(0, 0), (2, 3600), (4, 0)])
def test_a_debug_token_has_a_state(status: int, left: int) -> None:
    device = nic(profile=replace(CX7, tokens={1: status}))

    answer = ask(device, raw.MDSR, 1 << 24)

    assert (raw.bits(answer, 0, 31, 24), raw.bits(answer, 0, 3, 0), raw.word(answer, 8)) == (1, status, left)


@pytest.mark.parametrize("opcode", [0x0107, 0x0773])
def test_a_command_that_is_not_modelled_is_none_of_this_firmwares(opcode: int) -> None:
    device = adapter({}, 0, strict=False)

    assert device.rpc(device.open(), 1, raw.command(0, size=0, opcode=opcode), 16)[0] == 2


def test_the_command_that_does_nothing_does_it() -> None:
    device = adapter({}, 0, strict=False)

    assert device.rpc(device.open(), 1, raw.command(0, size=0, opcode=0x080D), 16) == bytes(16)
