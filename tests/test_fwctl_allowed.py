"""The list of inspection reads, held against the kernel's rules and against bytes that this test packs by itself."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.fwctl import abi, layout
from sosmlx.fwctl.allowed import ALLOWED, NEVER, Never, NotAllowedError, refusal, request
from sosmlx.fwctl.items import CANARY
from sosmlx.fwctl.mailbox import OPCODES
from sosmlx.fwctl.registers import REGISTERS, decode, encode
from tests.inside import INSIDE
from tests.test_fwctl_queries import ASKED, is_query


def is_inspection(raw: bytes) -> bool:
    """Whether bytes are a request for an inspection read, told from INSIDE and from the list of queries."""
    if is_query(raw):
        return True
    if len(raw) < 16:
        return False
    opcode, uid, gap, op_mod, upper, number, argument = struct.unpack(">HHHHHHI", raw[:16])
    if (opcode, uid, gap, op_mod, upper, argument) != (0x0805, 0, 0, 1, 0, 0) or number not in INSIDE:
        return False
    size, selectors = INSIDE[number]
    words = list(struct.unpack(f">{len(raw[16:]) // 4}I", raw[16 : 16 + len(raw[16:]) // 4 * 4]))
    if len(raw) != 16 + size:
        return False
    for place, low, width, values in selectors:
        value = words[place // 4] >> low & ((1 << width) - 1)
        if value not in values:
            return False
        words[place // 4] ^= value << low
    return not any(words)


def kernel_takes(raw: bytes) -> bool:
    """Whether fwctl passes these bytes on at the scope for inspection (drivers/fwctl/mlx5/main.c)."""
    opcode = OPCODES.get(int.from_bytes(raw[:2], "big")) if len(raw) >= 16 else None
    return opcode is not None and (opcode.scope_min is None or opcode.scope_min <= 1)


def packed(number: int, image: bytes, op_mod: int = 1) -> bytes:
    """Pack an ACCESS_REG request by hand."""
    return struct.pack(">HHHHHHI", 0x0805, 0, 0, op_mod, 0, number, 0) + image


NUMBERS = st.one_of(
    st.integers(0, 9), st.integers(-2, 300), st.integers(-(2**33), 2**33), st.sampled_from((21, 124, 0x03000480))
)


@st.composite
def good(draw: st.DrawFn) -> tuple[str, dict[str, int]]:
    """Draw a read of the list."""
    row = draw(st.sampled_from(sorted(ALLOWED.values(), key=lambda row: row.register)))
    value = {name: st.one_of([st.integers(*ends) for ends in ranges]) for name, ranges in row.fields.items()}
    return row.register, {name: draw(numbers) for name, numbers in value.items()}


@st.composite
def anything(draw: st.DrawFn) -> tuple[str, dict[str, int]]:
    """Draw any register's name with any of its fields, or a read of the list with something done to it."""
    name, fields = draw(good())
    if draw(st.booleans()):
        name = draw(st.one_of(st.sampled_from([*REGISTERS, *(row.register for row in NEVER)]), st.text(max_size=5)))
    known = [field.name for field in REGISTERS[name].fields] if name in REGISTERS else ["type"]
    more = st.dictionaries(st.one_of(st.sampled_from(known), st.text(max_size=5)), NUMBERS, max_size=3)
    return name, {**fields, **draw(more)} if draw(st.booleans()) else draw(more)


@given(anything())
def test_a_request_is_an_inspection_read_or_there_is_none(asked: tuple[str, dict[str, int]]) -> None:
    try:
        raw = request(*asked)
    except NotAllowedError:
        raw = None

    assert raw is None or is_inspection(raw)


@given(good())
def test_every_read_of_the_list_can_be_requested(asked: tuple[str, dict[str, int]]) -> None:
    raw = request(*asked)

    assert (is_inspection(raw), refusal(raw)) == (True, "")


@given(good())
def test_a_request_asks_for_what_was_named(asked: tuple[str, dict[str, int]]) -> None:
    name, fields = asked

    raw = request(name, fields)

    assert (REGISTERS[name].id, {f: decode(name, raw[16:])[f] for f in fields}) == (raw[10] << 8 | raw[11], fields)


@given(good(), st.data())
def test_a_request_with_bits_turned_is_refused_unless_it_is_another_inspection_read(
    asked: tuple[str, dict[str, int]], data: st.DataObject
) -> None:
    raw = bytearray(request(*asked))
    for place in data.draw(st.lists(st.integers(0, len(raw) * 8 - 1), min_size=1, max_size=3)):
        raw[place // 8] ^= 1 << place % 8

    assert (refusal(bytes(raw)) == "") == is_inspection(bytes(raw))


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_no_single_bit_outside_the_selectors_passes(name: str) -> None:
    raw = request(name, {field: ranges[0][0] for field, ranges in ALLOWED[name].fields.items()})
    turned = [(int.from_bytes(raw, "big") ^ 1 << place).to_bytes(len(raw), "big") for place in range(len(raw) * 8)]

    assert [one.hex() for one in turned if (refusal(one) == "") != is_inspection(one)] == []


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_unless_they_are_an_inspection_read(raw: bytes) -> None:
    assert (refusal(raw) == "") == is_inspection(raw)


@given(good(), st.binary(min_size=1, max_size=40))
def test_a_request_of_another_length_is_refused(asked: tuple[str, dict[str, int]], more: bytes) -> None:
    raw = request(*asked)

    assert "" not in (refusal(raw + more), refusal(raw[: -len(more)]))


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_op_mod_0_is_refused_as_a_write(name: str) -> None:
    raw = packed(REGISTERS[name].id, bytes(REGISTERS[name].size), op_mod=0)

    assert refusal(raw).startswith(f"op_mod 0 writes the register {name} ({REGISTERS[name].id:#x})")


@pytest.mark.parametrize("op_mod", [2, 0x100, 0xFFFF])
def test_an_op_mod_that_is_neither_is_refused(op_mod: int) -> None:
    assert refusal(packed(0x9034, bytes(16), op_mod)) == f"op_mod {op_mod} is no read of the register MNVGC (0x9034)"


@pytest.mark.parametrize("opcode", sorted(OPCODES.keys() - {0x0805} - ASKED.keys()))
def test_every_other_command_is_refused_by_its_name(opcode: int) -> None:
    raw = opcode.to_bytes(2, "big") + packed(0x9034, bytes(16))[2:]

    assert refusal(raw) == f"the command is {OPCODES[opcode].name} ({opcode:#x}), which is not on the list"


def test_a_command_without_a_name_is_refused() -> None:
    assert refusal(b"\x01\x04" + bytes(30)) == "the command is unknown (0x104), which is not on the list"


def test_less_than_a_header_is_refused() -> None:
    assert refusal(b"\x08\x05") == "a request of 2 bytes, less than its header of 16"


@pytest.mark.parametrize(("place", "what"), [(3, "uid"), (5, "gap"), (9, "upper half"), (15, "argument")])
def test_what_the_header_reserves_is_0(place: int, what: str) -> None:
    raw = bytearray(packed(0x9034, bytes(16)))
    raw[place] = 1

    assert refusal(bytes(raw)) == "MNVGC: uid, argument and the reserved bits of the header must be 0"


SIZE = {
    "MCIA": 148,
    "MPCNT": 256,
    "PPCNT": 256,
    "MTMP": 32,
    "MGNLE": 32,
    "MDSR": 48,
    "MNVDA": 268,
    "MFRL": 8,
    "PMAOS": 16,
}

ACTING = {
    ("MCIA", "l"): (0x00, 31),
    ("MCIA", "pnv"): (0x00, 29),
    ("MCIA", "bg_mode"): (0x08, 27),
    ("MCIA", "password"): (0x0C, 0),
    ("MPCNT", "clr"): (0x04, 31),
    ("PPCNT", "clr"): (0x04, 31),
    ("MTMP", "mtr"): (0x08, 30),
    ("PMAOS", "rst"): (0x00, 31),
    ("PMAOS", "ase"): (0x04, 31),
    ("PMAOS", "ee"): (0x04, 30),
    ("MGNLE", "clr"): (0x04, 0),
    ("MDSR", "end"): (0x04, 31),
    ("MDSR", "revoke_version"): (0x04, 30),
    ("MTMR", "op"): (0x00, 0),  # where it is, is not public
}


def _forbidden(row: Never) -> list[bytes]:
    size = SIZE.get(row.register, 64)
    if row.access == "bits":
        places = [ACTING[row.register, bit] for bit in row.bits]
        images = [bytes(word) + (1 << bit).to_bytes(4, "big") + bytes(size - word - 4) for word, bit in places]
        return [packed(row.id, image) for image in images]
    return [packed(row.id, bytes(size), op_mod) for op_mod in ((0, 1) if row.access == "any" else (0,))]


@pytest.mark.parametrize("row", [row for row in NEVER if row.id], ids=lambda row: row.register)
def test_what_must_never_be_done_is_refused_and_the_reason_named(row: Never) -> None:
    reasons = [refusal(raw) for raw in _forbidden(row)]

    assert [reason for reason in reasons if row.register not in reason or row.why not in reason] == []


@pytest.mark.parametrize("row", [row for row in NEVER if row.register not in ALLOWED], ids=lambda row: row.register)
def test_a_register_that_must_never_be_read_has_no_request(row: Never) -> None:
    with pytest.raises(NotAllowedError, match=f"{row.register} is not on the list.*{row.why.partition(';')[0]}"):
        request(row.register, {})


def test_of_what_must_never_be_done_these_registers_may_be_read() -> None:
    found = {row.register: row.access for row in NEVER if row.register in ALLOWED}

    assert found == {
        "MNVDA": "write",
        "MFRL": "write",
        "MVTS": "write",
        "MIRC": "write",
        "MPEGC": "write",
        "MTMP": "bits",
        "PMAOS": "bits",
        "MGNLE": "bits",
        "MDSR": "bits",
    }


def test_the_list_of_what_must_never_be_done_is_whole() -> None:
    assert {row.register: row.id for row in NEVER} == {
        "MNVDI": 0x9025, "MNVIA": 0x9033, "MNVIAS": 0, "MNVDA": 0x9024, "MVTS": 0x902C, "MFRL": 0x9028, "MIRC": 0x9162,
        "MCC": 0x9062, "MCDA": 0x9063, "MCDD": 0x905C, "MFPA": 0x9010, "MFBA": 0x9011, "MFBE": 0x9012, "MMDIO": 0x9017,
        "MJTAG": 0x901F, "MTCQ": 0x9065, "MKDC": 0x9066, "MQDIK": 0x9116, "MRPR": 0x9117, "CRYPTO_OPERATIONAL": 0xC002,
        "IMPORT_KEK_HANDLE": 0xC004, "CREDENTIAL_HANDLE": 0xC005, "HCA_CMD_ENCAP": 0xC009, "MPEINJ": 0x9057,
        "MDPS": 0x9074, "MDTR": 0x9073, "MPEGC": 0x9056, "MTRC_CAP": 0x9040, "MTRC_CONF": 0x9041, "MTRC_STDB": 0x9042,
        "MTRC_CTRL": 0x9043, "MTDC": 0x911D, "CORE_DUMP": 0x402E, "MPTOR": 0x9705, "MTMR": 0x910E, "SET_NODE": 0x6001,
        "MGCR": 0x903A, "MGLS": 0x9068, "MLCR": 0x902B, "VHCA_ICM_CTRL": 0xC010, "VHCA_GROUP_ICM_CTRL": 0xC021,
        "HOST_OS_INIT_CTRL": 0xC020, "RESOURCE_DUMP": 0xC000, "MCIA": 0x9014, "MPCNT": 0x9051, "PPCNT": 0x5008,
        "MTMP": 0x900A, "MGNLE": 0x9036, "MDSR": 0x9110, "MPCIR": 0x905A, "PMAOS": 0x5012,
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_a_field_that_is_no_selector_cannot_be_named(name: str) -> None:
    others = [field.name for field in REGISTERS[name].fields if field.name not in ALLOWED[name].fields]

    assert [_why_not(name, field) for field in others] == [
        f"{name}: {field} is no selector of an inspection read" for field in others
    ]


def _why_not(name: str, field: str) -> str:
    try:
        return f"asked: {request(name, {field: 0}).hex()}"
    except NotAllowedError as error:
        return error.message


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("02000000 00000080", "MNVDA: over_en must be 0"),
        ("00090000 00000080", "MNVDA: writer_id 0x9 is not 0x0, or 0x15"),
        ("00000000 04000001", "MNVDA: type 0x4000001 is not 0x0 to 0xffffff, or"),
        ("00000000 00000080 00000000 00000001", "MNVDA: data must be 0"),
        ("00000000 00000080 00000001", "MNVDA: bits that are no selector's must be 0"),
    ],
)
def test_a_refusal_names_the_field(image: str, reason: str) -> None:
    assert refusal(packed(0x9024, bytes.fromhex(image).ljust(268, b"\0")))[: len(reason)] == reason


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("MNVDA", {"type": 0x02000001}, "MNVDA: type 33554433 is not 0x0 to 0xffffff, or"),
        ("MNVDA", {"type": 0x0A000001}, "MNVDA: type"),
        ("MNVDA", {"type": 0x03000480}, "MNVDA: type"),
        ("MNVDA", {"type": 0x07080080}, "MNVDA: type"),
        ("MNVDA", {"type": 1 << 32}, "MNVDA: type"),
        ("MNVQC", {"type": 0x06000001}, "MNVQC: type"),
        ("MNVDA", {"access_mode": 3}, "MNVDA: access_mode 3 is not 0x0 to 0x2"),
        ("MNVDA", {"length": 257}, "MNVDA: length 257 is not 0x0 to 0x100"),
        ("MNVDA", {"writer_id": 9}, "MNVDA: writer_id 9 is not 0x0, or 0x15"),
        ("MNVDA", {"host_id_valid": 1}, "MNVDA: host_id_valid is no selector"),
        ("MNVGN", {"nv_pointer": 1 << 32}, "MNVGN: nv_pointer"),
        ("MNVGN", {"nv_pointer": -1}, "MNVGN: nv_pointer -1"),
        ("MCAM", {"access_reg_group": 4}, "MCAM: access_reg_group 4"),
        ("MCAM", {"feature_group": 1}, "MCAM: feature_group 1 is not 0x0"),
        ("MCQS", {"component_index": 256}, "MCQS: component_index 256"),
        ("MCQI", {}, "MCQI: data_size 0 is not 0x7c"),
        ("MCQI", {"info_type": 2, "data_size": 124}, "MCQI: info_type 2 is not 0x0 to 0x1, or 0x5"),
        ("MQIS", {}, "MQIS: info_type 0 is not 0x1 to 0x5"),
        ("MQIS", {"info_type": 1, "read_length": 9}, "MQIS: read_length 9"),
        ("MDSR", {"type_of_token": 7}, "MDSR: type_of_token 7 is not 0x0 to 0x6, or 0x8"),
        ("MFRL", {"reset_trigger": 1}, "MFRL: reset_trigger is no selector"),
        ("MDSR", {"type_of_token": True}, "MDSR: type_of_token True"),
        ("MCQI.VERSION", {}, "MCQI.VERSION is not on the list of inspection reads"),
        ("mgir", {}, "mgir is not on the list of inspection reads"),
    ],
)
def test_what_is_not_on_the_list_is_not_requested(name: str, fields: Mapping[str, int], words: str) -> None:
    with pytest.raises(NotAllowedError) as caught:
        request(name, fields)

    assert caught.value.message.startswith(words)


def _item(header: str, word: str) -> str:
    return f"08050000 00000001 00009024 00000000 {header} {word} 00000000 {'00' * 256}"


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("MNVDA", {"type": 0x80, "length": 12}, _item("0000000c", "00000080")),
        ("MNVDA", {"type": 0x80, "length": 12, "access_mode": 1}, _item("0040000c", "00000080")),
        ("MNVDA", {"type": 0x01010012, "length": 4}, _item("00000004", "01010012")),
        ("MNVDA", {"type": 0x01010012, "length": 4, "access_mode": 1}, _item("00400004", "01010012")),
        ("MNVDA", {"type": 0x03000112, "length": 4}, _item("00000004", "03000112")),
        ("MNVDA", {"type": 0x0000011D, "length": 8}, _item("00000008", "0000011d")),
        ("MNVDA", {"type": 0x0000010A, "length": 8, "access_mode": 1}, _item("00400008", "0000010a")),
        ("MNVDA", {"type": 0x03000080, "length": 16}, _item("00000010", "03000080")),
        ("MNVDA", {"type": 0x09000004, "length": 16}, _item("00000010", "09000004")),
        ("MNVDA", {"type": 0x07000080, "length": 4}, _item("00000004", "07000080")),
        ("MNVDA", {"type": 0x80, "length": 256, "access_mode": 2}, _item("00800100", "00000080")),
        ("MNVDA", {"type": 0x80, "length": 256, "writer_id": CANARY}, _item("00150100", "00000080")),
        ("MNVQC", {"type": 0x01010012}, "08050000 00000001 00009030 00000000 01010012 00000000"),
        ("MNVGC", {}, f"08050000 00000001 00009034 00000000 {'00' * 16}"),
        ("MGIR", {}, f"08050000 00000001 00009020 00000000 {'00' * 160}"),
        ("MCAM", {"access_reg_group": 0}, f"08050000 00000001 0000907f 00000000 {'00' * 72}"),
        ("MCAM", {"access_reg_group": 2}, f"08050000 00000001 0000907f 00000000 00000002 {'00' * 68}"),
        ("MNVGN", {"nv_pointer": 0x12345678}, f"08050000 00000001 00009035 00000000 12345678 {'00' * 280}"),
        ("MFRL", {}, "08050000 00000001 00009028 00000000 00000000 00000000"),
        ("MCQS", {"component_index": 3}, f"08050000 00000001 00009060 00000000 00000003 {'00' * 12}"),
        (
            "MCQI",
            {"component_index": 3, "info_type": 1, "data_size": 124, "read_pending_component": 1},
            f"08050000 00000001 00009061 00000000 80000003 00000000 00000001 {'00' * 8} 0000007c {'00' * 124}",
        ),
        (
            "MQIS",
            {"info_type": 1, "read_offset": 16, "read_length": 3},
            f"08050000 00000001 00009064 00000000 00000001 00000000 00100003 {'00' * 12}",
        ),
        ("MDSR", {"type_of_token": 8}, f"08050000 00000001 00009110 00000000 08000000 {'00' * 44}"),
    ],
)
def test_a_request_has_these_bytes(name: str, fields: Mapping[str, int], expected: str) -> None:
    assert request(name, fields).hex() == expected.replace(" ", "")


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_every_read_of_the_list_is_an_inspection_of_a_register_that_is_described(name: str) -> None:
    row = ALLOWED[name]

    selectors = {field.name for field in REGISTERS[name].fields if isinstance(field, layout.Field)}
    assert (row.register, row.size, row.label, set(row.fields) - selectors) == (
        name, REGISTERS[name].size, "inspection", set(),
    )  # fmt: skip


@given(*[st.integers(0, 2**32 - 1)] * 2, *[st.integers(0, 2**64 - 1)] * 2)
def test_the_argument_of_an_ioctl_is_no_request(in_len: int, out_len: int, in_ptr: int, out_ptr: int) -> None:
    made = [abi.pack_info(in_len, in_ptr), abi.pack_rpc(in_len, out_len, in_ptr, out_ptr)]

    assert [raw for raw in made if kernel_takes(raw)] == []


COMMANDS = st.builds(
    lambda opcode, op_mod, number, tail: struct.pack(">HHHHHHI", opcode, 0, 0, op_mod, 0, number, 0) + tail,
    st.sampled_from([0x0805, *OPCODES]),
    st.sampled_from((0, 1)),
    st.sampled_from([*INSIDE, *(row.id for row in NEVER)]),
    st.binary(max_size=284),
)


@given(st.sampled_from(sorted(REGISTERS)), COMMANDS)
def test_an_image_that_spells_a_command_is_refused_unless_it_spells_an_inspection_read(name: str, raw: bytes) -> None:
    image = encode(name, decode(name, raw.ljust(REGISTERS[name].size, b"\0")))

    assert not kernel_takes(image) or is_inspection(image) or refusal(image) != ""


@given(good())
def test_a_request_is_what_the_kernel_takes(asked: tuple[str, dict[str, int]]) -> None:
    assert kernel_takes(request(*asked))
