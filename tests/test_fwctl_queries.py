"""The commands that only ask, held against bytes that this test packs by itself; no flag that acts can be set."""

from __future__ import annotations

import struct
from collections.abc import Container, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.fwctl import commands
from sosmlx.fwctl.allowed import QUERIES_ALLOWED, NotAllowedError, answer_size, query, refusal
from sosmlx.fwctl.commands import PARAMETERS, QUERIES
from sosmlx.fwctl.layout import Array, Field, put_together, take_apart
from sosmlx.fwctl.mailbox import OPCODES

Selector = tuple[int, int, int, Container[int]]
"""Byte offset of a word of the request, lowest bit, width, and what may stand there."""

VPORT: tuple[Selector, ...] = ((0x08, 31, 1, (0, 1)), (0x08, 0, 16, range(1 << 16)))
TYPES = (*range(10), 0x0C, 0x0D, 0x0F, 0x11, 0x13, 0x14, 0x15, 0x1A, 0x1D, 0x1F, 0x20, 0x25, 0x26, 0x28)

ASKED: Mapping[int, tuple[str, int, int, tuple[Selector, ...]]] = {
    0x0100: ("QUERY_HCA_CAP", 16, 4112, ((0x04, 1, 15, TYPES), (0x04, 0, 1, (0, 1)))),
    0x0101: ("QUERY_ADAPTER", 16, 272, ()),
    0x010A: ("QUERY_ISSI", 16, 112, ()),
    0x0740: ("QUERY_ESW_FUNCTIONS", 16, 128, ()),
    0x0750: ("QUERY_VPORT_STATE", 16, 16, ((0x04, 0, 16, range(3)), *VPORT)),
    0x0752: ("QUERY_ESW_VPORT_CONTEXT", 16, 272, VPORT),
    0x0754: ("QUERY_NIC_VPORT_CONTEXT", 16, 272, VPORT),
    0x0760: ("QUERY_ROCE_ADDRESS", 16, 48, ((0x08, 16, 16, range(1 << 16)), (0x08, 0, 4, range(5)))),
    0x0762: ("QUERY_HCA_VPORT_CONTEXT", 16, 528, (*VPORT, (0x08, 16, 4, range(16)))),
    0x076F: ("QUERY_VNIC_ENV", 16, 528, VPORT),
    0x0770: ("QUERY_VPORT_COUNTER", 32, 528, (*VPORT, (0x08, 16, 4, range(16)))),
    0x0822: ("QUERY_CONG_STATUS", 16, 16, ((0x08, 4, 4, range(8)), (0x08, 0, 4, (1, 2)))),
    0x0824: ("QUERY_CONG_PARAMS", 16, 272, ((0x08, 0, 4, (1, 2, 3)),)),
    0x0826: ("QUERY_CONG_STATISTICS", 16, 272, ()),
    0x0831: ("QUERY_WOL_ROL", 16, 16, ()),
    0x0842: ("QUERY_LAG", 16, 16, ()),
    0x0B22: ("QUERY_VUID", 16, 192, ((0x0C, 0, 16, range(1 << 16)),)),
}
"""The list once more: opcode, name, bytes of request and answer, selectors; every other bit of the request is 0."""

CLEARING = {"QUERY_VPORT_COUNTER": (0x18, 31), "QUERY_CONG_STATISTICS": (0x08, 31)}
"""Flags that clear what they show: byte offset of the word, and bit."""


def is_query(raw: bytes) -> bool:
    """Whether bytes are a command that only asks, told from ASKED alone."""
    known = ASKED.get(int.from_bytes(raw[:2], "big")) if len(raw) >= 16 else None
    if known is None or len(raw) != known[1]:
        return False
    words = list(struct.unpack(f">{len(raw) // 4}I", raw))
    words[0] &= 0xFFFF
    for place, low, width, values in known[3]:
        value = words[place // 4] >> low & ((1 << width) - 1)
        if value not in values:
            return False
        words[place // 4] ^= value << low
    return not any(words)


@st.composite
def good(draw: st.DrawFn) -> tuple[str, dict[str, int]]:
    """Draw a query of the list."""
    row = QUERIES_ALLOWED[draw(st.sampled_from(sorted(QUERIES_ALLOWED)))]
    value = {name: st.one_of([st.integers(*ends) for ends in ranges]) for name, ranges in row.fields.items()}
    return row.command, {name: draw(numbers) for name, numbers in value.items()}


@given(good())
def test_every_query_of_the_list_can_be_asked_and_is_passed_on_for_inspection(
    asked: tuple[str, dict[str, int]],
) -> None:
    raw = query(*asked)

    known = OPCODES[int.from_bytes(raw[:2], "big")]
    assert (is_query(raw), refusal(raw), known.name, known.scope_min in (0, 1), known.label) == (
        True, "", asked[0], True, "inspection",
    )  # fmt: skip


MORE = st.dictionaries(st.sampled_from(["clear", "uid", "vport_number", "cap_type", "op_mod", "x"]), st.integers())


@given(good(), MORE)
def test_a_query_is_one_of_the_list_or_there_is_none(
    asked: tuple[str, dict[str, int]], more: Mapping[str, int]
) -> None:
    try:
        raw = query(asked[0], {**asked[1], **more})
    except NotAllowedError:
        raw = None

    assert raw is None or is_query(raw)


@given(good(), st.data())
def test_a_query_with_bits_turned_is_refused_unless_it_is_another_of_the_list(
    asked: tuple[str, dict[str, int]], data: st.DataObject
) -> None:
    raw = bytearray(query(*asked))
    for place in data.draw(st.lists(st.integers(16, len(raw) * 8 - 1), min_size=1, max_size=3)):
        raw[place // 8] ^= 1 << place % 8

    assert (refusal(bytes(raw)) == "") == is_query(bytes(raw))


@pytest.mark.parametrize("name", sorted(QUERIES_ALLOWED))
def test_no_single_bit_outside_the_selectors_passes(name: str) -> None:
    raw = query(name, {field: ranges[0][0] for field, ranges in QUERIES_ALLOWED[name].fields.items()})
    turned = [(int.from_bytes(raw, "big") ^ 1 << place).to_bytes(len(raw), "big") for place in range(len(raw) * 8 - 16)]

    assert [one.hex() for one in turned if (refusal(one) == "") != is_query(one)] == []


@pytest.mark.parametrize(("name", "place"), sorted(CLEARING.items()))
def test_a_flag_that_clears_is_refused_by_its_name(name: str, place: tuple[int, int]) -> None:
    raw = bytearray(query(name, {}))
    raw[place[0] + 3 - place[1] // 8] |= 1 << place[1] % 8

    assert refusal(bytes(raw)) == f"{name}: clear must be 0"


@pytest.mark.parametrize("name", sorted(CLEARING))
def test_a_flag_that_clears_cannot_be_named(name: str) -> None:
    with pytest.raises(NotAllowedError, match=f"{name}: clear is no selector"):
        query(name, {"clear": 1})


@given(good(), st.binary(min_size=1, max_size=40))
def test_a_query_of_another_length_is_refused(asked: tuple[str, dict[str, int]], more: bytes) -> None:
    raw = query(*asked)

    assert "" not in (refusal(raw + more), refusal(raw[: -len(more)]))


def test_the_list_is_this_one() -> None:
    found = {row.opcode: (row.name, row.size, row.answer) for row in QUERIES.values() if row.name in QUERIES_ALLOWED}

    assert found == {opcode: row[:3] for opcode, row in ASKED.items()}


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("QUERY_HCA_CAP", {"cap_type": 0x0A}, "QUERY_HCA_CAP: cap_type 10 is not 0x0 to 0x9, or"),
        ("QUERY_HCA_CAP", {"other_function": 1}, "QUERY_HCA_CAP: other_function is no selector"),
        ("QUERY_NIC_VPORT_CONTEXT", {"allowed_list_type": 1}, "QUERY_NIC_VPORT_CONTEXT: allowed_list_type is no sel"),
        ("QUERY_VPORT_STATE", {"op_mod": 3}, "QUERY_VPORT_STATE: op_mod 3 is not 0x0 to 0x2"),
        ("QUERY_CONG_STATUS", {}, "QUERY_CONG_STATUS: cong_protocol 0 is not 0x1 to 0x2"),
        ("QUERY_VUID", {"query_vfs_vuid": 1}, "QUERY_VUID: query_vfs_vuid is no selector"),
        ("QUERY_LAG", {"op_mod": 0}, "QUERY_LAG: op_mod is no selector"),
        ("MODIFY_NIC_VPORT_CONTEXT", {}, "MODIFY_NIC_VPORT_CONTEXT is not on the list of commands that only ask"),
        ("SET_HCA_CAP", {}, "SET_HCA_CAP is not on the list of commands that only ask"),
    ],
)
def test_what_is_not_on_the_list_is_not_asked(name: str, fields: Mapping[str, int], words: str) -> None:
    with pytest.raises(NotAllowedError) as caught:
        query(name, fields)

    assert caught.value.message.startswith(words)


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("QUERY_HCA_CAP", {"cap_type": 0, "current": 1}, "01000000 00000001 00000000 00000000"),
        ("QUERY_HCA_CAP", {"cap_type": 0x20, "current": 1}, "01000000 00000041 00000000 00000000"),
        ("QUERY_HCA_CAP", {"cap_type": 4, "current": 0}, "01000000 00000008 00000000 00000000"),
        ("QUERY_ISSI", {}, "010a0000 00000000 00000000 00000000"),
        (
            "QUERY_VPORT_STATE",
            {"op_mod": 1, "other_vport": 1, "vport_number": 3},
            "07500000 00000001 80000003 00000000",
        ),
        ("QUERY_NIC_VPORT_CONTEXT", {}, "07540000 00000000 00000000 00000000"),
        ("QUERY_ROCE_ADDRESS", {"roce_address_index": 5}, "07600000 00000000 00050000 00000000"),
        ("QUERY_CONG_STATUS", {"priority": 3, "cong_protocol": 2}, "08220000 00000000 00000032 00000000"),
        ("QUERY_VPORT_COUNTER", {"port_num": 1}, f"07700000 00000000 00010000 00000000 {'00' * 16}"),
        ("QUERY_VUID", {"vhca_id": 0x102}, "0b220000 00000000 00000000 00000102"),
    ],
)
def test_a_query_has_these_bytes(name: str, fields: Mapping[str, int], expected: str) -> None:
    assert query(name, fields).hex() == expected.replace(" ", "")


def test_the_space_for_an_answer_is_what_the_layout_says() -> None:
    least = {name: {f: r[0][0] for f, r in row.fields.items()} for name, row in QUERIES_ALLOWED.items()}

    sizes = {name: answer_size(query(name, fields)) for name, fields in least.items()}

    assert sizes == {name: answer for name, _, answer, _ in ASKED.values()}


def _drawn(draw: st.DrawFn, fields: tuple[Field | Array, ...]) -> dict[str, int | tuple[int, ...]]:
    found: dict[str, int | tuple[int, ...]] = {}
    for field in fields:
        number = st.integers(0, (1 << field.width) - 1)
        if isinstance(field, Field):
            found[field.name] = draw(number)
        else:
            found[field.name] = tuple(draw(st.lists(number, min_size=field.count, max_size=field.count)))
    return found


@st.composite
def answers(draw: st.DrawFn) -> tuple[str, dict[str, int | tuple[int, ...]]]:
    """Draw values for every field of some answer."""
    name = draw(st.sampled_from(sorted(QUERIES)))
    return name, _drawn(draw, QUERIES[name].told)


@given(answers())
def test_fields_to_an_answer_and_back_are_the_fields(drawn: tuple[str, dict[str, int | tuple[int, ...]]]) -> None:
    name, values = drawn

    assert commands.decode(name, commands.encode(name, values)) == values


@given(answers())
def test_an_answer_is_no_request(drawn: tuple[str, dict[str, int | tuple[int, ...]]]) -> None:
    assert int.from_bytes(commands.encode(*drawn)[:2], "big") not in OPCODES


@given(answers(), st.integers(0, 600))
def test_an_answer_that_was_cut_yields_a_part_of_its_fields(
    drawn: tuple[str, dict[str, int | tuple[int, ...]]], size: int
) -> None:
    name, values = drawn

    found = commands.decode(name, commands.encode(name, values)[:size])

    assert found.items() <= values.items()


@st.composite
def parameters(draw: st.DrawFn) -> tuple[int, dict[str, int | tuple[int, ...]]]:
    """Draw values for every field of some block of congestion control parameters."""
    protocol = draw(st.sampled_from(sorted(PARAMETERS)))
    return protocol, _drawn(draw, PARAMETERS[protocol])


@given(parameters())
def test_congestion_parameters_to_bytes_and_back_are_the_same(
    drawn: tuple[int, dict[str, int | tuple[int, ...]]],
) -> None:
    protocol, values = drawn

    block = put_together("block", PARAMETERS[protocol], 256, values)

    assert take_apart(PARAMETERS[protocol], block) == values


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_the_fields_of_a_layout_lie_beside_each_other_and_inside(name: str) -> None:
    layout = QUERIES[name]
    taken = [
        {*range(field.offset, field.offset + field.width * (field.count if isinstance(field, Array) else 1))}
        for field in layout.told
    ]

    assert (sum(map(len, taken)), max((max(places) for places in taken), default=0) < layout.answer * 8) == (
        len(set().union(*taken)), True,
    )  # fmt: skip
