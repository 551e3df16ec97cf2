"""The flash catalogue: the rows that come with sosmlx, and what a vendor catalogue may add to them."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.fwctl.catalogue import (
    MOST_PARAMS,
    MOST_TLVS,
    PAYLOAD,
    SCHEMA,
    TYPES,
    Catalogue,
    Param,
    Tlv,
    builtin,
    extended,
)
from sosmlx.fwctl.expression import holds
from sosmlx.fwctl.items import SECRETS
from sosmlx.jsonio import dumps

FACTS = Path(os.environ.get("SOSMLX_SHARED", Path(__file__).parents[2] / "shared")) / "reference" / "nvparams.csv"

PARAMS = [param for tlv in builtin() for param in tlv.params]


def test_the_built_in_rows_are_all_there() -> None:
    named = [param for param in PARAMS if param.name]
    core = [param for param in PARAMS if param.core]

    assert (len(builtin()), len(PARAMS), len(named), len(core)) == (68, 340, 311, 206)


@pytest.mark.provided
@pytest.mark.skipif(not FACTS.is_file(), reason="no table of facts to compare with (SOSMLX_SHARED names its folder)")
def test_the_built_in_rows_are_those_of_the_table_of_facts() -> None:
    with FACTS.open(newline="") as file:
        facts = [
            (
                row["tlv_name"], int(row["class"]), int(row["id_hex"], 16), int(row["tlv_size_bytes"]),
                int(row["tlv_version"]), row["field_name"], row["mlxconfig_name"], int(row["be_bit_offset"]),
                int(row["width_bits"]), row["type"], int(row["array_length"]), int(row["element_bits"]),
                row["valid_bit_field"], int(row["supported_from_version"]), row["enum"], row["visible_when"],
                row["core"] == "1",
            )
            for row in csv.DictReader(file)
        ]  # fmt: skip

    found = [
        (
            tlv.name, tlv.cls, tlv.index, tlv.size, tlv.version, param.field, param.name, param.offset, param.width,
            param.type, param.count, param.element_width, param.valid_bit, param.since,
            ";".join(f"{word}={number}" for word, number in param.labels), param.visible, param.core,
        )
        for tlv in builtin() for param in tlv.params
    ]  # fmt: skip
    assert found == facts


def _misfits(catalogue: Catalogue) -> list[str]:
    """Name fields that lie outside of their TLV, cross a word, or overlap another field of the catalogue's own."""
    found = []
    for tlv in catalogue:
        for param in tlv.params:
            crosses = not param.count and param.offset // 32 != (param.offset + param.width - 1) // 32
            if crosses or param.offset < 0 or param.width < 1 or param.offset + param.width > 8 * tlv.size:
                found.append(param.key)
            if param.elements and param.element_width * param.elements != param.width:
                found.append(param.key)
    return found


def test_every_field_lies_within_its_tlv() -> None:
    assert _misfits(builtin()) == []


@pytest.mark.parametrize("tlv", builtin().tlvs, ids=lambda tlv: tlv.name)
def test_no_two_fields_of_a_tlv_share_a_bit(tlv: Tlv) -> None:
    bits = [bit for param in tlv.params for bit in range(param.offset, param.offset + param.width)]

    assert len(bits) == len(set(bits))


def test_valid_bits_are_fields_of_the_same_tlv() -> None:
    fields = {param.key: param.type for param in PARAMS}

    named = {fields.get(f"{param.tlv}.{param.valid_bit}") for param in PARAMS if param.valid_bit}
    assert named == {"BOOL"}


@pytest.mark.parametrize("text", sorted({param.visible for param in PARAMS if param.visible}))
def test_every_rule_of_visibility_can_be_worked_out(text: str) -> None:
    class Ones(dict[str, int]):
        def get(self, key: str, default: object = None) -> int:
            return 1

    assert holds(text, "t", Ones()) in (True, False)


def test_fields_and_tlvs_are_found_by_name_and_number() -> None:
    tlv = builtin().tlv(1, 18)

    assert (tlv and tlv.name, tlv and tlv.params, builtin().tlv(1, 19)) == (
        "nv_vpi_link_type",
        (builtin().named("LINK_TYPE"),),
        None,
    )


@pytest.mark.parametrize("name", ["", "LINK_TYPE_P1", "no such parameter"])
def test_a_name_that_mlxconfig_does_not_have_is_none(name: str) -> None:
    with pytest.raises(KeyError):
        builtin().named(name)


def test_what_kind_of_item_a_tlv_is_follows_from_its_name() -> None:
    found = [(tlv.name, tlv.rom, tlv.capability) for tlv in builtin() if tlv.rom or tlv.capability]

    assert found == [
        ("nv_global_pci_cap", False, True),
        ("nv_rom_boot_conf1", True, False),
        ("nv_rom_boot_conf2", True, False),
        ("nv_rom_uefi_conf", True, False),
        ("nv_rom_ib_boot_conf", True, False),
    ]


def test_no_built_in_row_shows_a_secret() -> None:
    assert ([tlv.name for tlv in builtin() if tlv.secret], len(SECRETS)) == ([], 10)


BASE = Catalogue(
    (
        Tlv("own", 0, 1, 8, 0, (Param("own", 0, "a", "A", 24, 8, "UNSIGNED"), Param("own", 0, "b", "", 0, 1, "BOOL"))),
        Tlv("other_own", 0, 9, 4, 0, ()),
    )
)

ROW: dict[str, object] = {"name": "f", "tlv_name": "new", "offset": "0x0.0", "size": "0x0.8", "type": "UNSIGNED"}
NEW: dict[str, object] = {"name": "new", "class": 3, "id": 7, "size": 16, "version": "2", "target": "NIC", "cap": 0}


def _document(*params: object, tlvs: tuple[object, ...] = (NEW,)) -> dict[str, object]:
    return {"schema": SCHEMA, "version": "1.0", "tlvs": list(tlvs), "params": list(params)}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, Param("new", 3, "f", "", 24, 8, "UNSIGNED")),
        ({"offset": "0x4.16", "size": "0x0.16"}, Param("new", 3, "f", "", 32, 16, "UNSIGNED")),
        ({"offset": "0xC.31", "size": "0x0.1", "type": "BOOL"}, Param("new", 3, "f", "", 96, 1, "BOOL")),
        ({"offset": "0x8.0", "size": "0x4.0", "type": "BINARY"}, Param("new", 3, "f", "", 64, 32, "BINARY")),
        ({"offset": "0x4.24", "size": "0x8.0", "array_length": 8}, Param("new", 3, "f", "", 32, 64, "UNSIGNED", 8)),
        ({"offset": "0x4.16", "size": "0x4.0", "array_length": 2}, Param("new", 3, "f", "", 32, 32, "UNSIGNED", 2)),
        (
            {"offset": "0x0.24", "size": "0x10.0", "array_length": 16, "type": "BYTES"},
            Param("new", 3, "f", "", 0, 128, "BYTES", 16),
        ),
        (
            {
                "mlxconfig_name": "NAME_x", "type": "ENUM", "textual_values": "OFF=0x0,B=0xA,bad label=0x1,True=0x1",
                "dependency": "$new.x==1", "valid_bit": "f_valid", "supported_from_version": 2,
            },
            Param(
                "new", 3, "f", "NAME_x", 24, 8, "ENUM", 0, "f_valid", 2, (("OFF", 0), ("B", 10)), "$new.x==1"
            ),
        ),
        ({"textual_values": "A=0x1", "dependency": None}, Param("new", 3, "f", "", 24, 8, "UNSIGNED")),
    ],
)  # fmt: skip
def test_a_vendor_row_adds_a_field(row: dict[str, object], expected: Param) -> None:
    found = extended(BASE, _document({**ROW, **row}))

    assert (found.tlv(3, 7), found.left_out) == (Tlv("new", 3, 7, 16, 2, (expected,)), 0)


@pytest.mark.parametrize(
    ("row", "rom", "capability"),
    [
        ({"target": "EXP_ROM"}, True, False),
        ({"cap": 1}, False, True),
        ({"name": "nv_rom_new"}, True, False),
        ({"name": "new_cap"}, False, True),
        ({"target": None, "cap": None}, False, False),
    ],
)
def test_a_vendor_row_says_what_kind_of_item_a_tlv_is(row: dict[str, object], rom: bool, capability: bool) -> None:
    given_row = {name: value for name, value in {**NEW, **row}.items() if value is not None}

    found = extended(BASE, _document(tlvs=(given_row,))).tlv(3, 7)

    assert found == Tlv(str(given_row["name"]), 3, 7, 16, 2, (), rom, capability)


def test_what_the_base_has_stays_as_it_is() -> None:
    theirs = {"name": "their_name", "class": 0, "id": 1, "size": 16, "version": "1"}
    rows = (
        {**ROW, "tlv_name": "their_name", "name": "a", "mlxconfig_name": "OTHER", "offset": "0x4.0"},
        {**ROW, "tlv_name": "their_name", "name": "c", "mlxconfig_name": "C", "offset": "0xC.0"},
        {**ROW, "tlv_name": "their_name", "name": "d", "mlxconfig_name": "A", "offset": "0x4.0"},
    )

    found = extended(BASE, _document(*rows, tlvs=(theirs,)))

    added = Param("own", 0, "c", "C", 120, 8, "UNSIGNED")
    own, other = BASE.tlvs
    assert found == Catalogue((Tlv("own", 0, 1, 16, 1, (*own.params, added)), other), left_out=1)


WRONG_ROWS: list[object] = [
    None, 7, [], "row",
    {**ROW, "tlv_name": "nobody"},
    {**ROW, "tlv_name": None},
    {**ROW, "name": "a b"},
    {**ROW, "name": ""},
    {**ROW, "name": "x" * 81},
    {**ROW, "name": 5},
    {**ROW, "mlxconfig_name": "LINK_TYPE_P1"},
    {**ROW, "mlxconfig_name": "SPLIT_M0"},
    {**ROW, "mlxconfig_name": "A[0]"},
    {**ROW, "mlxconfig_name": "A"},
    {**ROW, "offset": "4.0"},
    {**ROW, "offset": "0x0.-8"},
    {**ROW, "offset": 4},
    {**ROW, "offset": "0x4"},
    {**ROW, "offset": "0x10.0"},
    {**ROW, "offset": "0x0.28"},
    {**ROW, "offset": "0xFFFF.0"},
    {**ROW, "size": "0x0.0"},
    {**ROW, "size": "0x5.0"},
    {**ROW, "size": "0x0.33"},
    {**ROW, "type": "FLOAT"},
    {**ROW, "type": None},
    {**ROW, "array_length": 3},
    {**ROW, "array_length": -1},
    {**ROW, "array_length": True},
    {**ROW, "array_length": 257, "size": "0x101.0"},
    {**ROW, "array_length": 8, "size": "0x20.0"},
    {**ROW, "array_length": 2, "size": "0x0.8"},
    {**ROW, "type": "BYTES", "array_length": 8, "size": "0x4.0"},
    {**ROW, "type": "STRING", "array_length": 17, "size": "0x11.0"},
    {**ROW, "type": "STRING"},
    {**ROW, "supported_from_version": 16},
    {**ROW, "supported_from_version": 1.5},
    {**ROW, "valid_bit": "$x"},
    {**ROW, "dependency": 1},
    {**ROW, "dependency": "1" * 20_000},
    {**ROW, "type": "ENUM", "textual_values": ["A"]},
]  # fmt: skip


@pytest.mark.parametrize("row", WRONG_ROWS, ids=repr)
def test_a_wrong_row_of_a_field_is_left_out_and_counted(row: object) -> None:
    right = {**ROW, "name": "right"}

    found = extended(BASE, _document(row, right))

    only = Param("new", 3, "right", "", 24, 8, "UNSIGNED")
    assert (found.tlv(3, 7), found.left_out) == (Tlv("new", 3, 7, 16, 2, (only,)), 1)


@pytest.mark.parametrize(
    "row",
    [
        None,
        "tlv",
        {},
        {**NEW, "name": "own"},
        {**NEW, "name": "a.b"},
        {**NEW, "class": 11},
        {**NEW, "class": "x"},
        {**NEW, "class": True},
        {**NEW, "class": None},
        {**NEW, "class": 1, "id": 1 << 16},
        {**NEW, "id": -1},
        {**NEW, "id": 1024},
        {**NEW, "size": 0},
        {**NEW, "size": "many"},
        {**NEW, "size": 10**9},
        {**NEW, "version": 16},
        {**NEW, "cap": 2},
        {**NEW, "target": 4},
    ],
    ids=repr,
)
def test_a_wrong_row_of_a_tlv_is_left_out_and_counted(row: object) -> None:
    found = extended(BASE, _document(tlvs=(row,)))

    assert found == Catalogue(BASE.tlvs, left_out=1)


def test_the_first_of_rows_that_contradict_each_other_counts() -> None:
    again = {**NEW, "size": 4}
    renamed = {**NEW, "name": "newer"}
    rows = (ROW, {**ROW, "offset": "0x8.0"}, {**ROW, "name": "g", "mlxconfig_name": "G"}, {**ROW, "name": "h"})
    last = {**ROW, "name": "i", "mlxconfig_name": "G"}

    found = extended(BASE, _document(*rows, last, tlvs=(NEW, again, renamed)))

    tlv = found.tlv(3, 7)
    assert (tlv and [(p.field, p.offset, p.name) for p in tlv.params], tlv and tlv.size, found.left_out) == (
        [("f", 24, ""), ("g", 24, "G"), ("h", 24, "")], 16, 4
    )  # fmt: skip


def test_of_a_tlv_that_is_too_long_to_be_read_the_readable_fields_stay() -> None:
    long = {**NEW, "size": 544}
    rows = ({**ROW, "offset": "0xFC.0"}, {**ROW, "name": "g", "offset": "0x100.0"})

    found = extended(BASE, _document(*rows, tlvs=(long,)))

    tlv = found.tlv(3, 7)
    assert (tlv and tlv.size, tlv and [p.field for p in tlv.params], found.left_out) == (PAYLOAD, ["f"], 1)


def test_a_vendors_secret_is_known_as_one() -> None:
    found = extended(BASE, _document(tlvs=({**NEW, "id": 569}, {**NEW, "name": "file", "class": 6, "id": 1})))

    assert [tlv.secret for tlv in found] == [False, False, True, True]


def test_the_document_may_come_as_its_bytes() -> None:
    document = _document(ROW)

    assert extended(BASE, dumps(document, indent=None).encode()) == extended(BASE, document)


@pytest.mark.parametrize(
    "document",
    [
        None,
        7,
        [],
        "{}",
        {},
        {"schema": "sosmlx.snapshot/1", "tlvs": [], "params": []},
        {"schema": SCHEMA},
        {"schema": SCHEMA, "tlvs": [], "params": {}},
        {"schema": SCHEMA, "tlvs": [{}] * (MOST_TLVS + 1), "params": []},
        {"schema": SCHEMA, "tlvs": [], "params": [{}] * (MOST_PARAMS + 1)},
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"schema": 1, "schema": 2}',
    ],
    ids=lambda document: repr(document)[:40],
)
def test_what_is_no_catalogue_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match=r"nvcatalogue|utf-8"):
        extended(BASE, document)


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 300), st.text(max_size=5), st.floats(), st.just([]),
    st.sampled_from([
        "new", "own", "A", "0x0.0", "0x4.8", "0x0.8", "0x8.0", "0xFC.24", "BYTES", "ENUM", "A=0x1", "$new.f==1", "3",
        *TYPES,
    ]),
)  # fmt: skip
NAMES = st.sampled_from(
    ["name", "tlv_name", "offset", "size", "type", "mlxconfig_name", "array_length", "class", "id", "dependency"]
)
PATCHES = st.lists(st.dictionaries(NAMES, CELLS, max_size=4), max_size=6)


@given(PATCHES, PATCHES)
def test_whatever_a_vendor_catalogue_holds_the_result_is_sound(
    tlvs: list[dict[str, object]], params: list[dict[str, object]]
) -> None:
    document = _document(*({**ROW, **patch} for patch in params), tlvs=tuple({**NEW, **patch} for patch in tlvs))

    found = extended(BASE, document)

    ours = [tlv and tlv.params[: len(own.params)] for own in BASE for tlv in [found.tlv(own.cls, own.index)]]
    names = [param.name for tlv in found for param in tlv.params if param.name]
    assert (_misfits(found), ours, len(names), found.left_out <= len(tlvs) + len(params)) == (
        [], [own.params for own in BASE], len(set(names)), True
    )  # fmt: skip


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=8,
)


@given(st.one_of(JSON, st.builds(lambda tlvs, params: {**_document(), "tlvs": tlvs, "params": params}, JSON, JSON)))
def test_any_json_is_a_catalogue_or_refused(document: object) -> None:
    found = _names(document)

    assert found in (["own", "other_own"], f'not a flash catalogue (its "schema" is not "{SCHEMA}")', _NO_LIST)


_NO_LIST = f"{SCHEMA}: tlvs is no list of at most {MOST_TLVS} rows"


def _names(document: object) -> list[str] | str:
    try:
        return [tlv.name for tlv in extended(BASE, document)]
    except ValueError as error:
        return str(error).replace("params", "tlvs").replace(str(MOST_PARAMS), str(MOST_TLVS))
