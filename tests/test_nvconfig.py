"""Flash items: headers and type words there and back, and payloads as values in the vendor tool's spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.fwctl.catalogue import Param, Tlv, builtin
from sosmlx.fwctl.items import (
    CANARY,
    INDEX_BITS,
    PRIORITIES,
    WRITERS,
    ItemHeader,
    ItemType,
    header,
    is_secret,
    pack_header,
    parse_type,
    type_word,
)
from sosmlx.fwctl.nvconfig import NvValue, display_name, shows, values
from sosmlx.parsers.values import flash

HEADERS = [
    ("0000000c 00000080 00000000", ItemHeader(length=12, type=0x80)),
    ("0040000c 00000080 00000000", ItemHeader(length=12, type=0x80, access_mode=1)),
    ("02090100 00000080 00000000", ItemHeader(length=256, type=0x80, over_en=1, writer_id=9)),
    ("02490100 00000080 00000000", ItemHeader(length=256, type=0x80, over_en=1, writer_id=9, access_mode=1)),
    ("02890100 00000080 00000000", ItemHeader(length=256, type=0x80, over_en=1, writer_id=9, access_mode=2)),
    ("00000210 03000480 00000000", ItemHeader(length=16, type=0x03000480, host_id_valid=1, writer_host_id=1)),
    ("33000004 01010012 00000000", ItemHeader(3, 1, 1, length=4, type=0x01010012)),
    ("00041000 0000010a 00000000", ItemHeader(writer_id=4, version=1, type=0x10A)),
]


@pytest.mark.parametrize(("raw", "fields"), HEADERS)
def test_an_item_header_is_read(raw: str, fields: ItemHeader) -> None:
    found = header(bytes.fromhex(raw))

    assert found == fields


@pytest.mark.parametrize(("raw", "fields"), HEADERS)
def test_an_item_header_is_written(raw: str, fields: ItemHeader) -> None:
    found = pack_header(fields)

    assert found == bytes.fromhex(raw)


KNOWN = 0x33DFFFFF
"""The bits of a header's first word that have a field."""


@given(st.binary(min_size=12, max_size=12))
def test_a_header_survives_reading_and_writing(raw: bytes) -> None:
    again = pack_header(header(raw))

    first = int.from_bytes(raw[:4], "big") & KNOWN
    assert again == first.to_bytes(4, "big") + raw[4:8] + bytes(4)


@pytest.mark.parametrize(
    "fields",
    [
        ItemHeader(length=512),
        ItemHeader(priority=-1),
        ItemHeader(type=1 << 32),
        ItemHeader(host_id_valid=1),
        ItemHeader(writer_host_id=1),
    ],
)
def test_a_header_that_cannot_be_is_refused(fields: ItemHeader) -> None:
    with pytest.raises(ValueError, match=r"fit|bit"):
        pack_header(fields)


@pytest.mark.parametrize("size", [0, 4, 11])
def test_a_short_header_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"12 bytes, not {size}"):
        header(bytes(size))


TYPES = [
    (0x0000010A, ItemType(0, 0x10A)),
    (0x00000080, ItemType(0, 0x80)),
    (0x01010012, ItemType(1, 0x12, port=1)),
    (0x01020012, ItemType(1, 0x12, port=2)),
    (0x03000112, ItemType(3, 0x112)),
    (0x03000080, ItemType(3, 0x80)),
    (0x03000480, ItemType(3, 0x80, pf=1)),
    (0x030C1512, ItemType(3, 0x112, host=3, pf=5)),
    (0x07000080, ItemType(7, 0x80)),
    (0x07080080, ItemType(7, 0x80, host=2)),
    (0x09000004, ItemType(9, 4)),
    (0x09004004, ItemType(9, 4, module=1)),
    (0x02086001, ItemType(2, 1, host=2, channel=3)),
    (0x04060010, ItemType(4, 0x10, host=1, port=2)),
    (0x0A123456, ItemType(10, 0x123456)),
]


@pytest.mark.parametrize(("word", "parts"), TYPES)
def test_a_type_word_is_read(word: int, parts: ItemType) -> None:
    found = parse_type(word)

    assert found == parts


@given(st.one_of(st.integers(0, 0xFFFFFFFF), st.integers(0, 0x0AFFFFFF)))
def test_a_type_word_survives_reading_and_writing(word: int) -> None:
    again = type_word(parse_type(word))

    assert again == word


@pytest.mark.parametrize(
    "parts",
    [
        ItemType(0, 1, port=1),
        ItemType(0, 1 << 24),
        ItemType(1, 1 << 16, port=1),
        ItemType(1, 1, port=256),
        ItemType(3, 1 << 10),
        ItemType(3, 1, module=1),
        ItemType(9, 1, module=1 << 10),
        ItemType(256, 0),
        ItemType(0, -1),
    ],
)
def test_a_type_word_that_cannot_be_is_refused(parts: ItemType) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        type_word(parts)


def test_a_type_word_of_more_than_32_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        parse_type(1 << 32)


def test_every_tlv_of_the_catalogue_has_a_type_word_of_its_own() -> None:
    words = {type_word(ItemType(tlv.cls, tlv.index)) for tlv in builtin()}

    assert len(words) == len(builtin())


def test_agents_are_those_of_the_register_table() -> None:
    common = {number: WRITERS[number] for number in (0, 2, 4, 5, 6, 8, 9, 12, 31)}

    assert (common, len(WRITERS), CANARY in WRITERS) == (
        {
            0: "UNSPECIFIED", 2: "MAD", 4: "COMMAND_INTERFACE", 5: "ICMD", 6: "ICMD_UEFI_HII", 8: "ICMD_FLEXBOOT",
            9: "ICMD_MLXCONFIG", 12: "ICMD_MLXCONFIG_SET_RAW", 31: "OTHER",
        },
        15, False,
    )  # fmt: skip


def test_priorities_are_those_of_the_register_table() -> None:
    assert list(PRIORITIES.items()) == [(0, "USER"), (1, "OEM"), (2, "RESERVED"), (3, "MLNX")]


@pytest.mark.parametrize(
    ("cls", "index", "secret"),
    [(3, 569, True), (3, 581, True), (0, 411, True), (0, 413, True), (6, 1, True), (0, 569, False), (3, 411, False)],
)
def test_what_holds_secrets_is_known_whosever_it_is(cls: int, index: int, secret: bool) -> None:
    found = [is_secret(ItemType(cls, index)), is_secret(ItemType(cls, index, host=1, pf=2, port=3))]

    assert found == [secret, secret]


def _shown(word: int, payload: str) -> dict[str, str]:
    """Read a payload as mlxconfig would print it: fields that hold something, by name."""
    kind = parse_type(word)
    tlv = builtin().tlv(kind.cls, kind.index)
    assert tlv is not None
    found = {display_name(row.param, kind, row.element): row for row in values(tlv, bytes.fromhex(payload))}
    return {name: row.raw for name, row in found.items() if row.value}


PAYLOADS = [
    (
        0x00000080, "80000000 80000008 00000000",
        {"nv_global_pci_conf.sriov_valid": "True(1)", "SRIOV_EN": "True(1)", "NUM_OF_VFS": "8"},
    ),
    (0x01010012, "00000008", {"LINK_TYPE_P1": "ETH(2)"}),
    (0x01020012, "00000004", {"LINK_TYPE_P2": "IB(1)"}),
    (0x01010012, "0000000c", {"LINK_TYPE_P1": "3"}),
    (0x03000112, "18000000", {"ROCE_CONTROL": "ROCE_ENABLE(2)", "PCI_WR_ORDERING": "force_relax(1)"}),
    (0x0000011D, "00000011 00000000", {"LOG_MAX_QUEUE": "17"}),
    (
        0x0000010A, "12b50101 00800000",
        {
            "CQE_COMPRESSION": "AGGRESSIVE(1)", "UCTX_EN": "True(1)", "IP_OVER_VXLAN_PORT": "4789",
            "VF_MIGRATION_MODE": "MIGRATION_ENABLED(2)",
        },
    ),
    (
        0x03000080, "00400000 00000000 00000010 00000000",
        {"nv_pf_pci_conf.pf_total_vf_en": "True(1)", "PF_NUM_OF_VF": "16"},
    ),
    (
        0x09000004, "0102030a 00000000 00000000 000000ff",
        {
            "MODULE_SPLIT_M0[0]": "0x1(1)", "MODULE_SPLIT_M0[1]": "0x2(2)", "MODULE_SPLIT_M0[2]": "0x3(3)",
            "MODULE_SPLIT_M0[3]": "0xA(10)", "MODULE_SPLIT_M0[15]": "0xFF(255)",
        },
    ),
    (0x07000080, "80400000", {"ADVANCED_PCI_SETTINGS": "True(1)", "ATS_ENABLED": "True(1)"}),
    (
        0x00000013, "00000009 00000000 07000000 00000000",
        {"ESWITCH_HAIRPIN_DESCRIPTORS[3]": "9", "ESWITCH_HAIRPIN_TOT_BUFFER_SIZE[0]": "7"},
    ),
    (0x01010201, "00000000 ffffffff", {"PHY_RATE_MASK_P1": "4294967295"}),
    (0x01020190, "0000003c", {
        "DO_NOT_CLEAR_PORT_STATS_P2": "True(1)", "KEEP_LINK_UP_ON_BOOT_P2": "True(1)",
        "KEEP_LINK_UP_ON_STANDBY_P2": "True(1)", "AUTO_POWER_SAVE_LINK_DOWN_P2": "True(1)",
    }),
]  # fmt: skip


@pytest.mark.parametrize(("word", "payload", "expected"), PAYLOADS)
def test_a_payload_reads_as_the_vendors_tool_prints_it(word: int, payload: str, expected: dict[str, str]) -> None:
    found = _shown(word, payload)

    assert found == expected


ODD = Tlv(
    "odd",
    0,
    1,
    64,
    0,
    (
        Param("odd", 0, "on", "ON", 0, 2, "BOOL"),
        Param("odd", 0, "kind", "KIND", 8, 8, "ENUM", 0, labels=(("B", 1), ("A", 1), ("C", 2))),
        Param("odd", 0, "kinds", "KINDS", 32, 32, "ENUM", 2, labels=(("X", 1),)),
        Param("odd", 0, "words", "WORDS", 64, 64, "UNSIGNED", 2),
        Param("odd", 0, "id", "ID", 128, 64, "BYTES", 8),
        Param("odd", 0, "text", "TEXT", 192, 64, "STRING", 8),
        Param("odd", 0, "mask", "MASK", 256, 16, "BINARY"),
    ),
)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            "40010000 00010002 00000005 00000006 00ab000000000001 6162003400000000 00100000",
            [
                ("ON", None, True, "True(1)", ""),
                ("KIND", None, 1, "A(1)", "A"),
                ("KINDS", 0, 1, "X(1)", "X"),
                ("KINDS", 1, 2, "2", ""),
                ("WORDS", 0, 5, "5", ""),
                ("WORDS", 1, 6, "6", ""),
                ("ID", None, "00AB000000000001", "00AB000000000001", ""),
                ("TEXT", None, "ab", "ab", ""),
                ("MASK", None, 16, "0x10(16)", "0x10"),
            ],
        ),
        ("c0020000", [("ON", None, 3, "3", ""), ("KIND", None, 2, "C(2)", "C")]),
        (
            "00000000 00000000 00000000 00000000 1234567890123456 6f6e000000000000",
            [
                ("ON", None, False, "False(0)", ""),
                ("KIND", None, 0, "0", ""),
                ("KINDS", 0, 0, "0", ""),
                ("KINDS", 1, 0, "0", ""),
                ("WORDS", 0, 0, "0", ""),
                ("WORDS", 1, 0, "0", ""),
                ("ID", None, 1234567890123456, "1234567890123456", ""),
                ("TEXT", None, "on", "on", ""),
            ],
        ),
        ("", []),
    ],
)
def test_every_type_of_field_is_read(payload: str, expected: list[tuple[object, ...]]) -> None:
    found = [(row.param.name, *row[1:]) for row in values(ODD, bytes.fromhex(payload))]

    assert found == expected


def test_text_that_is_no_ascii_is_kept_readable() -> None:
    found = [row.raw for row in values(ODD, bytes(24) + b"a\xff\x1b\0b\0\0\0") if row.param.type == "STRING"]

    assert found == ["a\\xff\x1b"]


TLVS = st.one_of(st.just(ODD), st.sampled_from(builtin().tlvs))
READ = st.one_of(
    TLVS.flatmap(lambda tlv: st.tuples(st.just(tlv), st.binary(min_size=tlv.size, max_size=tlv.size))),
    st.tuples(TLVS, st.binary(max_size=256)),
)


@given(READ)
def test_values_are_those_that_the_tools_text_would_give(read: tuple[Tlv, bytes]) -> None:
    rows = [row for row in values(*read) if row.param.type != "STRING"]

    typed = [flash(row.raw) for row in rows]

    assert [(row.value, type(row.value), row.label, "") for row in rows] == [
        (facet.value, type(facet.value), facet.label, facet.reason) for facet in typed
    ]


@given(READ, st.integers(0, 256))
def test_of_a_shorter_payload_exactly_the_fields_within_it_are_read(read: tuple[Tlv, bytes], size: int) -> None:
    tlv, data = read

    found = list(values(tlv, data[:size]))

    assert found == [row for row in values(tlv, data) if _end(row) <= 8 * size]


def _end(row: NvValue) -> int:
    return row.param.offset + ((row.element or 0) + 1) * row.param.element_width


def _encoded(rows: list[NvValue], size: int) -> bytes:
    """Put fields into a payload by setting bit after bit."""
    bits = ["0"] * (8 * size)
    for row in rows:
        start = row.param.offset + (row.element or 0) * row.param.element_width
        number = int(row.raw, 16) if row.param.type == "BYTES" else int(row.value)
        bits[start : start + row.param.element_width] = f"{number:0{row.param.element_width}b}"
    return int("0" + "".join(bits), 2).to_bytes(size, "big")


def _covered(tlv: Tlv, size: int) -> int:
    """Say which bits of a payload belong to a field that lies within it."""
    mask = 0
    for param in tlv.params:
        for element in range(param.elements or 1):
            end = param.offset + (element + 1) * param.element_width
            if end <= 8 * size and param.type != "STRING":
                mask |= (1 << param.element_width) - 1 << 8 * size - end
    return mask


@given(READ)
def test_a_payload_survives_reading_and_writing(read: tuple[Tlv, bytes]) -> None:
    tlv, data = read

    again = _encoded([row for row in values(tlv, data) if row.param.type != "STRING"], len(data))

    assert int.from_bytes(again, "big") == int.from_bytes(data, "big") & _covered(tlv, len(data))


@pytest.mark.parametrize(
    ("cls", "name", "kind", "element", "expected"),
    [
        (0, "SRIOV_EN", ItemType(0, 128), None, "SRIOV_EN"),
        (1, "LINK_TYPE", ItemType(1, 18, port=2), None, "LINK_TYPE_P2"),
        (3, "ROCE_CONTROL", ItemType(3, 274, host=1, pf=1), None, "ROCE_CONTROL"),
        (7, "ATS_ENABLED", ItemType(7, 128), None, "ATS_ENABLED"),
        (9, "MODULE_SPLIT", ItemType(9, 4, module=1), 3, "MODULE_SPLIT_M1[3]"),
        (0, "ARRAY", ItemType(0, 19), 0, "ARRAY[0]"),
        (0, "", ItemType(0, 128), None, "a_tlv.a_field"),
        (1, "", ItemType(1, 18, port=1), None, "a_tlv.a_field_P1"),
    ],
)
def test_a_value_is_named_as_the_vendors_tool_names_it(
    cls: int, name: str, kind: ItemType, element: int | None, expected: str
) -> None:
    found = display_name(Param("a_tlv", cls, "a_field", name, 0, 1, "BOOL"), kind, element)

    assert found == expected


def _param(since: int = 0, visible: str = "", count: int = 0, name: str = "N") -> Param:
    return Param("t", 0, "f", name, 0, 32, "UNSIGNED", count, since=since, visible=visible)


@pytest.mark.parametrize(
    ("param", "version", "capabilities", "expected"),
    [
        (_param(visible="c.x == 1"), 0, {"c.x": 1}, True),
        (_param(visible="c.x == 1"), 0, {"c.x": 0}, False),
        (_param(visible="c.x == 1"), 0, {}, True),
        (_param(visible="c.x == 1 and c.y == 1"), 0, {"c.x": 0}, True),
        (_param(visible="$own==2"), 0, {"t.own": 1}, False),
        (_param(since=2, visible="always"), 1, {}, False),
        (_param(since=2, visible="always"), 2, {}, True),
        (_param(since=2, visible="always"), None, {}, True),
        (_param(visible="c.x == 1", count=4), 0, {"c.x": 0}, True),
        (_param(since=1, visible="c.x == 1", count=4), 0, {"c.x": 1}, False),
        (_param(visible="no expression at all"), 0, {}, True),
        (_param(), 0, {}, True),
        (_param(name=""), 0, {}, True),
    ],
)
def test_a_field_is_hidden_only_where_it_is_known_to_mean_nothing(
    param: Param, version: int | None, capabilities: dict[str, int], expected: bool
) -> None:
    found = shows(param, version, capabilities)

    assert found is expected


def test_every_class_has_room_for_its_index_below_its_selectors() -> None:
    highest = {cls: parse_type((cls << 24) | (1 << bits) - 1) for cls, bits in INDEX_BITS.items()}

    assert highest == {cls: ItemType(cls, (1 << bits) - 1) for cls, bits in INDEX_BITS.items()}
