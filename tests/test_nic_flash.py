"""The simulated flash: which value is next, who sees which item, and that a write would be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from sosmlx.simulator import flash as nv
from sosmlx.simulator.flash import Flash, Item
from tests import nic_reading as raw
from tests.nics import CX7, GLOBAL, KINDS, ask, get, nic, stored, walk, write

LEVELS: Mapping[str, tuple[tuple[Item, ...], str]] = {
    "nothing stored": ((), "000000f0"),
    "a user's": ((Item(0x01010012, b"\0\0\0\1"),), "00000001"),
    "an OEM's": ((Item(0x01010012, b"\0\0\0\2", priority=nv.OEM),), "00000002"),
    "a user's over an OEM's": (
        (Item(0x01010012, b"\0\0\0\2", priority=nv.OEM), Item(0x01010012, b"\0\0\0\1")), "00000001"
    ),
    "an OEM's that forbids": (
        (Item(0x01010012, b"\0\0\0\2", priority=nv.OEM, over_en=0), Item(0x01010012, b"\0\0\0\1")), "00000002"
    ),
    "the maker's that forbids": (
        (
            Item(0x01010012, b"\0\0\0\3", priority=nv.MLNX, over_en=0),
            Item(0x01010012, b"\0\0\0\2", priority=nv.OEM, over_en=0), Item(0x01010012, b"\0\0\0\1"),
        ),
        "00000003",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LEVELS)
def test_next_is_the_latest_level_that_none_before_it_forbids(name: str) -> None:
    items, expected = LEVELS[name]
    device = nic(*items)
    device.flash.factory[0x01010012] = bytes.fromhex("000000f0")

    assert get(device, 0x01010012).hex() == expected


def test_the_three_views_are_three_values() -> None:
    device = nic(Item(0x01010012, b"\0\0\0\3"))
    device.flash.factory[0x01010012], device.flash.current[0x01010012] = b"\0\0\0\1", b"\0\0\0\2"

    assert [get(device, 0x01010012, mode) for mode in (nv.FACTORY, nv.CURRENT, nv.NEXT)] == [
        b"\0\0\0\1", b"\0\0\0\2", b"\0\0\0\3",
    ]  # fmt: skip


def test_the_walk_ends_with_pointer_0_and_an_item_that_was_there_before() -> None:
    device = nic(stored(GLOBAL, "11" * 12), Item(0x01020012, b"\0\0\0\1", 0, 12, nv.OEM, 0))

    found = walk(device)

    first = raw.Header(0, 1, 0, 9, 0, 0, GLOBAL, b"\x11" * 12)
    second = raw.Header(1, 0, 0, 12, 0, 0, 0x01020012, b"\0\0\0\1")
    assert ([item for _, item in found], [pointer > 0 for pointer, _ in found]) == (
        [first, second, first], [True, True, False],
    )  # fmt: skip


def test_a_short_buffer_cuts_an_items_data_but_not_its_length() -> None:
    device = nic(Item(0x777, bytes(range(200))))

    answer = ask(device, raw.MNVGN, 0, size=156)

    assert (raw.bits(answer, 0x10, 8, 0), answer[16 + 0x1C :]) == (200, bytes(range(128)))


def test_a_pointer_that_was_never_given_is_refused() -> None:
    assert ask(nic(stored(GLOBAL, "11" * 12)), raw.MNVGN, 0x999)[0] == 0x0A


def test_each_function_of_one_flash_has_items_of_its_own() -> None:
    shared = Flash(KINDS, 2)
    first, second = (nic(function=number, flash=shared) for number in (0, 1))

    write(first, raw.MNVDA, 0x00090010, 0x03000080, 0, 1)
    write(second, raw.MNVDA, 0x00090010, 0x03000080, 0, 2)
    write(second, raw.MNVDA, 0x00090004, 0x01010012, 0, 3)

    views = [(get(one, 0x03000080)[:4], get(one, 0x01010012)) for one in (first, second)]
    assert (views, [{item.type for _, item in walk(one)} for one in (first, second)]) == (
        [(b"\0\0\0\1", b"\0\0\0\3"), (b"\0\0\0\2", b"\0\0\0\3")], [{0x03000080, 0x01010012}] * 2,
    )  # fmt: skip


@pytest.mark.parametrize("scope", [0, 1, 2, 3])
def test_a_write_is_seen_at_whatever_scope_it_came(scope: int) -> None:
    device = nic()

    status = write(device, raw.MNVDA, 0x0209000C, GLOBAL, 0, 0x80000000, 0x80000010, scope=scope)

    answer = raw.item(ask(device, raw.MNVDA, 0x100, GLOBAL))
    assert (status, answer.writer, answer.data.hex(" ", 4)) == (0, 9, "80000000 80000010 00000000")


def test_the_other_register_command_writes_too() -> None:
    device = nic()
    request = raw.command(raw.MNVDA, 0x0009000C, GLOBAL, 0, 7, op_mod=0, opcode=0x0B0C)

    device.rpc(device.open(), 1, request, 284)

    assert get(device, GLOBAL)[:4] == b"\0\0\0\7"


def test_what_is_written_is_in_force_after_the_reset_that_it_waits_for() -> None:
    device = nic()

    seen = []
    for step in (None, (raw.MNVDA, 0x00090004, 0x01010012, 0, 8), (raw.MFRL, 0, 0x40)):
        if step:
            write(device, *step)
        seen.append((get(device, 0x01010012, nv.CURRENT)[3], raw.bits(ask(device, raw.MFRL), 4, 7, 0)))

    assert seen == [(0, 0), (0, 0x48), (8, 0)]


@pytest.mark.parametrize(
    ("register", "words", "left"), [(raw.MNVDI, (0, GLOBAL), {0x01010012}), (raw.MNVIA, (0, 0), set())]
)
def test_a_deletion_is_seen(register: int, words: tuple[int, ...], left: set[int]) -> None:
    device = nic(stored(GLOBAL, "11" * 12), stored(0x01010012, "00000008"))

    write(device, register, *words)

    assert ({item.type for item in device.flash.items}, get(device, GLOBAL)) == (left, bytes(12))


@pytest.mark.parametrize(
    ("words", "status"), [((0x0009000C, 0x777), 3), ((0x00090014, 0x81), 3), ((0x000901FF, GLOBAL), 3)]
)
def test_what_cannot_be_written_is_not(words: tuple[int, int], status: int) -> None:
    device = nic()

    assert (write(device, raw.MNVDA, *words), device.flash.items) == (status, [])


def test_a_firmware_that_echoes_names_the_writer_that_was_asked_with() -> None:
    device = nic(stored(GLOBAL, "11" * 12), profile=replace(CX7, echo=True))

    answers = [ask(device, raw.MNVDA, writer << 16 | 0x100, GLOBAL) for writer in (0, 21)]

    assert [raw.item(answer).writer for answer in answers] == [0, 21]


def test_selectors_mean_nothing_unless_the_header_says_so() -> None:
    device = nic(stored(0x07000080, "80400000"), stored(0x03000112, "18000000"))

    write(device, raw.MNVDA, 0x00090004, 0x07080080, 0, 5)

    found = [get(device, word) for word in (0x07000080, 0x07080080, 0x03000512)]
    assert (found, [item.type for _, item in walk(device)][:2]) == (
        [b"\0\0\0\5", b"\0\0\0\5", b"\x18\0\0\0"], [0x03000112, 0x07000080],
    )  # fmt: skip


def test_an_item_that_is_not_stored_has_the_layout_that_the_firmware_knows_and_no_writer() -> None:
    answers = [raw.item(ask(nic(), raw.MNVDA, mode << 22 | 0x100, 0x10A)) for mode in (0, 1, 2)]

    assert answers == [raw.Header(0, 0, mode, 0, 1, 0, 0x10A, bytes(8)) for mode in (0, 1, 2)]


def test_a_firmware_that_refuses_what_is_not_stored_shows_everything_else() -> None:
    device = nic(stored(0x01010012, "00000008"), profile=replace(CX7, next_of_factory=False))
    asked = [(0, 0x01010012), (1, 0x01010012), (2, 0x01010012), (0, 0x01020012), (1, 0x01020012), (2, 0x01020012)]

    answers = [ask(device, raw.MNVDA, mode << 22 | 0x100, word)[0] for mode, word in asked]

    assert answers == [0, 0, 0, 5, 0, 0]


def test_the_maker_and_the_oem_keep_their_items_when_all_are_deleted() -> None:
    device = nic(*(Item(0x01010012, bytes([level] * 4), priority=level) for level in (nv.USER, nv.OEM, nv.MLNX)))

    write(device, raw.MNVIA, 0, 0)

    assert [item.priority for item in device.flash.items] == [nv.OEM, nv.MLNX]


def test_a_value_that_was_deleted_is_in_force_until_the_reset() -> None:
    device = nic()
    seen = []

    for step in ((raw.MNVDA, 0x00090004, 0x01010012, 0, 8), (raw.MFRL, 0, 0x40), (raw.MNVDI, 0, 0x01010012)):
        write(device, *step)
        seen.append((get(device, 0x01010012)[3], get(device, 0x01010012, nv.CURRENT)[3], device.flash.pending(0)))

    assert seen == [(8, 0, True), (8, 8, False), (0, 8, True)]


def test_what_waits_for_a_reset_waits_for_the_function_whose_it_is() -> None:
    shared = Flash(KINDS, 2)
    first, second = (nic(function=number, flash=shared) for number in (0, 1))

    write(second, raw.MNVDA, 0x00090010, 0x03000080, 0, 7)
    before = [shared.pending(number) for number in (0, 1)]
    write(first, raw.MFRL, 0, 0x40)

    assert (before, [get(one, 0x03000080, nv.CURRENT)[3] for one in (first, second)]) == ([False, True], [0, 7])


def test_a_write_needs_room_for_no_register_in_its_answer() -> None:
    device = nic()

    answer = device.rpc(device.open(), 1, raw.command(raw.MNVDA, 0x0009000C, GLOBAL, op_mod=0), 16)

    assert (answer, len(device.flash.items)) == (bytes(16), 1)


@pytest.mark.parametrize(("writer_host", "field"), [(0, 0), (3, 3), (4, 4)])
def test_the_writers_host_is_where_the_vendors_tool_reads_it(writer_host: int, field: int) -> None:
    answer = ask(nic(Item(GLOBAL, bytes(12), writer_host_id=writer_host)), raw.MNVGN, 0)

    assert raw.bits(answer, 0x10, 11, 9) == field
