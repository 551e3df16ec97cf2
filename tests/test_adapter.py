"""A scenario's function becomes an adapter that holds what the scenario says, in bytes and as mstconfig prints it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from sosmlx.errors import InputError
from sosmlx.simulator.adapter import adapter, query_rows
from sosmlx.simulator.document import SCENARIO
from sosmlx.simulator.flash import NEXT, split
from sosmlx.simulator.host import load
from sosmlx.simulator.nic import Nic, OutsideError
from sosmlx.simulator.profiles import PROFILES
from tests import nic_reading as raw

BASE = "0000:3b:00.0"
VIEWS = {"default": 2, "current": 1, "next": 0}


def function(**members: object) -> dict[str, Any]:
    """The first function of the demo host, a single-port ConnectX-6 Dx, with other members."""
    functions: Any = load("two-adapters-before")["functions"]
    return {**copy.deepcopy(functions[BASE]), "firmware": {"ports": 1}, **members}


def ask(nic: Nic, register: int, *words: int) -> bytes:
    asked = raw.command(register, *words)
    return nic.rpc(nic.open(), 1, asked, len(asked))


def item(nic: Nic, word: int, mode: int = 0) -> raw.Header:
    return raw.item(ask(nic, raw.MNVDA, mode << 22 | 0x100, word))


def stored(nic: Nic) -> dict[int, raw.Header]:
    found: dict[int, raw.Header] = {}
    pointer = 0
    while True:
        answer = ask(nic, raw.MNVGN, pointer)
        pointer = raw.word(answer, 0)
        if answer[0] or not pointer:
            return found
        one = raw.item(answer, 0x10)
        found[one.type] = one


def row(nic: Nic, name: str) -> list[str]:
    return next((views for first, *views in query_rows(nic) if first == name), [])


FLASH: dict[str, list[int]] = {
    "NUM_OF_VFS": [8, 8, 16], "SRIOV_EN": [0, 1, 1], "NUM_OF_PF": [1, 1, 1], "PF_LOG_BAR_SIZE": [5, 5, 6],
    "NUM_PF_MSIX": [63, 63, 1023], "MEMIC_SIZE_LIMIT": [1, 1, 2], "CQE_COMPRESSION": [0, 0, 1], "UCTX_EN": [1, 1, 0],
    "LRO_LOG_TIMEOUT3": [13, 13, 15], "LOG_MAX_QUEUE": [17, 18, 19], "DCR_LIFO_SIZE": [16384, 16384, 65536],
    "LINK_TYPE_P1": [1, 2, 2], "RPG_TIME_RESET_P1": [300, 300, 131071], "CNP_DSCP_P1": [48, 48, 26],
    "NUM_OF_TC_P1": [0, 0, 7], "NUM_OF_VL_P1": [3, 3, 5], "ROCE_CONTROL": [2, 2, 1], "PCI_WR_ORDERING": [0, 0, 1],
    "BOOT_VLAN": [1, 1, 4094], "LEGACY_BOOT_PROTOCOL": [1, 1, 0], "EXP_ROM_PXE_ENABLE": [1, 1, 0],
    "SAFE_MODE_THRESHOLD": [10, 10, 255], "SAFE_MODE_ENABLE": [1, 1, 0],
}  # fmt: skip
"""Numbers of three views, in fields of every class."""


def test_what_a_scenario_says_is_in_the_bytes_at_the_places_of_the_layouts() -> None:
    nic = adapter(function(flash={name: list(map(str, views)) for name, views in FLASH.items()}), 0)

    found: dict[str, list[int]] = {}
    for (cls, index), fields in raw.PLACES.items():
        views = [item(nic, raw.type_word(cls, index), mode).data for mode in VIEWS.values()]
        found.update({name: [raw.field(data, *place) for data in views] for name, place in fields.items()})

    assert {name: found[name] for name in FLASH} == FLASH


def test_what_a_scenario_does_not_say_is_what_the_factory_set() -> None:
    nic = adapter(function(flash={}), 0)

    found = {
        name: [raw.field(item(nic, raw.type_word(cls, index), mode).data, *place) for mode in VIEWS.values()]
        for (cls, index), fields in raw.PLACES.items()
        for name, place in fields.items()
    }

    sample = {
        "sriov_valid": 1, "num_pfs_valid": 1, "NUM_OF_VFS": 8, "sriov_support": 1, "max_vfs_per_pf": 127,
        "max_total_msix": 16383, "UCTX_EN": 1, "RPG_GD_P1": 11, "NUM_OF_PFC_P1": 8, "VF_LOG_BAR_SIZE": 1,
    }  # fmt: skip
    assert {name: found[name] for name in sample} == {name: [value] * 3 for name, value in sample.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ETH(2)", "ETH(2)"), ("ETH", "ETH(2)"), ("eth", "ETH(2)"), ("2", "ETH(2)"), ("0x2", "ETH(2)"), ("3", "3"),
        ("N/A", "ETH(2)"), ("IB(1)", "IB(1)"),
    ],
)  # fmt: skip
def test_a_value_can_be_spelled_as_people_do(text: str, expected: str) -> None:
    assert row(adapter(function(flash={"LINK_TYPE_P1": text}), 0), "LINK_TYPE_P1") == [expected] * 3


def test_the_rows_say_what_the_demo_host_says() -> None:
    body = function()

    rows = {name: views for name, *views in query_rows(adapter(body, 0))}

    texts = {name: value if isinstance(value, list) else [value] * 3 for name, value in body["flash"].items()}
    unlike = {name: views for name, views in texts.items() if rows.get(name) != views}
    assert sorted(unlike) == ["BOOT_OPTION_ROM_EN_P1", "ESWITCH_HAIRPIN_DESCRIPTORS", "HOST_CHAINING_DESCRIPTORS"]


def test_a_row_is_for_every_port_and_every_element() -> None:
    nic = adapter({"firmware": {"profile": "ConnectX-7", "ports": 2}, "flash": {"MODULE_SPLIT_M1[3]": "1"}}, 0)

    names = [name for name, *_ in query_rows(nic) if name.startswith(("LINK_TYPE", "MODULE_SPLIT"))]

    assert (
        names[:2], len(names[2:]),
        row(nic, "MODULE_SPLIT_M0[3]"), row(nic, "MODULE_SPLIT_M1[3]"), row(nic, "MODULE_SPLIT_M1[4]"),
    ) == (["LINK_TYPE_P1", "LINK_TYPE_P2"], 32, ["0x0(0)"] * 3, ["0x1(1)"] * 3, ["0xFF(255)"] * 3)  # fmt: skip


def test_a_row_needs_a_layout_that_has_it() -> None:
    names = {
        profile: {name for name, *_ in query_rows(adapter({"firmware": {"profile": profile}}, 0))}
        for profile in ("ConnectX-5", "ConnectX-7")
    }

    sample = ("KEEP_ETH_LINK_UP_P1", "KEEP_IB_LINK_UP_P1", "DO_NOT_CLEAR_PORT_STATS_P1", "AUTO_POWER_SAVE_LINK_DOWN_P2")
    assert {profile: [name for name in sample if name in found] for profile, found in names.items()} == {
        "ConnectX-5": list(sample[:2]), "ConnectX-7": list(sample),
    }  # fmt: skip


def test_next_is_stored_where_it_differs_from_the_default_and_mlxconfig_wrote_it() -> None:
    nic = adapter(function(flash={"NUM_OF_VFS": ["8", "8", "16"], "LINK_TYPE_P1": ["2", "1", "2"]}), 0)

    assert {word: (one.writer, one.priority, one.over_en, one.version) for word, one in stored(nic).items()} == {
        0x80: (9, 0, 1, 0)
    }


@pytest.mark.parametrize(
    ("name", "writer", "expected"),
    [
        ("NUM_OF_VFS", "ICMD_MLXCONFIG_SET_RAW", {0x80: 12}), ("nv_global_pci_conf", 4, {0x80: 4}),
        ("LINK_TYPE_P2", "BMC", {0x01020012: 3}), ("LINK_TYPE", 31, {0x01010012: 31, 0x01020012: 31}),
    ],
)  # fmt: skip
def test_a_scenario_names_who_wrote_an_item(name: str, writer: object, expected: dict[int, int]) -> None:
    nic = adapter(function(flash={}, firmware={"ports": 2, "writers": {name: writer}}), 0)

    assert {word: one.writer for word, one in stored(nic).items()} == expected


def test_a_scenario_stores_an_item_that_no_catalogue_knows() -> None:
    raw_item = {"type": "0x777", "data": "0102 0304 05", "version": 3, "writer": "MAD", "priority": "OEM", "over_en": 0}
    nic = adapter(function(flash={}, firmware={"stored": [raw_item]}), 0)

    header = raw.Header(1, 0, 0, 2, 3, 0, 0x777, bytes.fromhex("0102030405"))
    assert (stored(nic), item(nic, 0x777), raw.supported(ask(nic, raw.MNVQC, 0x777))) == (
        {0x777: header}, header, (0x777, 3, 1, 1),
    )  # fmt: skip


def test_an_item_that_a_scenario_stores_belongs_to_the_function_of_which_it_says_so() -> None:
    nic = adapter(function(flash={}, firmware={"stored": [{"type": "0x03000080", "data": "01" * 16}]}), 1)

    assert list(stored(nic)) == [0x03000080]


def test_an_item_of_another_host_is_listed_and_not_answered() -> None:
    raw_item = {"type": "0x030c0080", "data": "00" * 16, "host_id_valid": 1}
    nic = adapter(function(flash={}, firmware={"stored": [raw_item]}), 0)

    assert ([(word, one.host_id_valid) for word, one in stored(nic).items()], item(nic, 0x03000080).data) == (
        [(0x030C0080, 1)], item(nic, 0x03000080, 2).data,
    )  # fmt: skip


def test_functions_of_one_adapter_share_its_flash_and_keep_their_own() -> None:
    flash = {"NUM_OF_VFS": ["4", "4", "16"], "ROCE_CONTROL": ["2", "2", "1"]}
    first = adapter(function(flash=flash), 0)
    second = adapter(function(flash={}), 1, flash=first.flash)

    both = [(row(nic, "NUM_OF_VFS"), row(nic, "ROCE_CONTROL")[2], sorted(stored(nic))) for nic in (first, second)]
    assert both == [
        (["4", "4", "16"], "ROCE_DISABLE(1)", [0x80, 0x03000112]), (["4", "4", "16"], "ROCE_ENABLE(2)", [0x80]),
    ]  # fmt: skip


def test_who_the_adapter_is_comes_from_what_the_kernel_says_of_it() -> None:
    nic = adapter(function(), 0)

    text = ask(nic, raw.MQIS, 1, 0, 8)[32:40]

    assert (raw.identity(ask(nic, raw.MGIR)), text, nic.node) == (
        (0x101D, 1, 0xB8CEF6112230, "MT_0000000359", (22, 43, 2566), 1, 0, 1), b"MCX62310", "fwctl0",
    )  # fmt: skip


def test_firmware_that_was_burned_and_waits_for_a_reset_is_a_pending_component() -> None:
    body = function()
    body["devlink"]["info"]["versions"]["stored"]["fw.version"] = "22.44.1036"

    nic = adapter(body, 0)

    versions = [raw.version(ask(nic, raw.MCQI, pending << 31, 0, 1, 0, 0, 124)) for pending in (0, 1)]
    assert (raw.component(ask(nic, raw.MCQS, 0))["state"], versions) == (
        4, [(0x162B0A06, "22.43.2566"), (0x162C040C, "22.44.1036")],
    )  # fmt: skip


FIRMWARE: Mapping[str, tuple[object, tuple[int, ...], tuple[int, int, int, int]]] = {
    "tokens": ({"CS": 2}, (raw.MDSR, 0), (0, 3, 0, 2)),
    "mgir": ({"debug": 1}, (raw.MGIR,), (0x20, 26, 26, 1)),
    "mgir, in full": ({"fw_info.dev": 1}, (raw.MGIR,), (0x20, 27, 27, 1)),
    "ports": (2, (raw.MGIR,), (4, 27, 16, 2)),
    "components": ([{"identifier": "LINKX_IMG", "version": "1.2.3"}], (raw.MCQS, 0), (4, 15, 0, 0xC)),
    "factory_readable": (False, (raw.MNVGC,), (0, 1, 0, 2)),
    "current_readable": (False, (raw.MNVGC,), (0, 1, 0, 1)),
    "lacks": (["nv_global_pci_conf"], (raw.MNVQC, 0x80), (4, 1, 0, 0)),
    "echo": (True, (raw.MNVDA, 21 << 16 | 0x100, 0x80), (0, 20, 16, 21)),
}


@pytest.mark.parametrize("name", FIRMWARE)
def test_a_scenario_says_what_its_firmware_is_like(name: str) -> None:
    value, words, (at, high, low, expected) = FIRMWARE[name]
    nic = adapter(function(firmware={name.partition(",")[0]: value}), 0)

    assert raw.bits(ask(nic, *words), at, high, low) == expected


STATUSES: Mapping[str, tuple[Mapping[str, object], tuple[int, ...], int]] = {
    "missing": ({"missing": ["MCQS"]}, (raw.MCQS, 0), 4),
    "uctx_caps": ({"uctx_caps": 0}, (raw.MFRL,), 5),
    "next_of_factory": ({"next_of_factory": False}, (raw.MNVDA, 0x100, 0x8A), 5),
    "fault": ({"faults": [{"register": "MNVDA", "fields": {"type": 138}, "status": 1}]}, (raw.MNVDA, 0x100, 0x8A), 1),
    "fault elsewhere": ({"faults": [{"register": "MNVDA", "fields": {"type": 1}, "status": 1}]}, (raw.MNVGC,), 0),
}


@pytest.mark.parametrize("name", STATUSES)
def test_a_scenario_says_what_its_firmware_refuses(name: str) -> None:
    firmware, words, status = STATUSES[name]

    assert ask(adapter(function(firmware=firmware), 0), *words)[0] == status


@pytest.mark.parametrize(("word", "number"), [("ENODEV", 19), ("EOPNOTSUPP", 95), (110, 110)])
def test_a_scenario_says_how_the_kernel_fails(word: object, number: int) -> None:
    nic = adapter(function(firmware={"faults": [{"register": "MGIR", "errno": word}]}), 0)

    with pytest.raises(OSError) as caught:  # noqa: PT011
        ask(nic, raw.MGIR)

    assert caught.value.errno == number


@pytest.mark.parametrize(
    ("device", "profile"),
    [("0x1017", "ConnectX-5"), ("0x101d", "ConnectX-6 Dx"), ("0x1021", "ConnectX-7"), ("0xa2dc", "BlueField-3"),
     ("0x7777", "ConnectX-7")],
)  # fmt: skip
def test_the_pci_device_chooses_the_profile(device: str, profile: str) -> None:
    nic = adapter({"pci": {"device": device}}, 0)

    assert (nic.profile.name, hex(nic.profile.pci_device)) == (profile, device)


def test_an_adapter_of_which_nothing_is_said_has_its_profiles_addresses() -> None:
    assert raw.identity(ask(adapter({"pci": {"device": "0x1021"}}, 0), raw.MGIR)).base_mac == 0x946DAEA0B0C0


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"firmware": {"profile": "ConnectX-9"}}, "firmware.profile: ConnectX-9 is none of ConnectX-5, "),
        ({"firmware": {"ports": 300}}, "firmware.ports: 300 does not fit in 8 bits"),
        ({"firmware": {"mgir": {"colour": 1}}}, "firmware.mgir.colour: MGIR has no such field"),
        ({"firmware": {"mgir": {"debug": 2}}}, "firmware.mgir.debug: 2 does not fit in 1 bits"),
        ({"firmware": {"tokens": {"XX": 1}}}, "firmware.tokens.XX: none of CS, "),
        ({"firmware": {"components": [{"identifier": "X"}]}}, r"firmware.components\[0\].identifier: X is no "),
        ({"firmware": {"writers": {"NO_SUCH": 1}}}, "firmware.writers.NO_SUCH: no parameter and no TLV"),
        ({"firmware": {"writers": {"NUM_OF_VFS": "me"}}}, "firmware.writers.NUM_OF_VFS: me is no number or one of "),
        ({"firmware": {"stored": [{"type": 1, "data": "xx"}]}}, r"firmware.stored\[0\].data: hexadecimal"),
        ({"firmware": {"stored": [{"type": 1, "data": "00" * 257}]}}, r"firmware.stored\[0\].data: an item holds"),
        ({"firmware": {"stored": [{"type": "1x"}]}}, r"firmware.stored\[0\].type: 1x is no number"),
        ({"firmware": {"faults": [{"register": "MGIR"}]}}, r"firmware.faults\[0\]: one of `status`"),
        ({"firmware": {"faults": [{"fields": {"type": 1}}]}}, r"firmware.faults\[0\].fields.type: no register"),
        ({"firmware": {"faults": [{"errno": "EX"}]}}, r"firmware.faults\[0\].errno: EX is no number or one of "),
        ({"flash": {"LINK_TYPE_P1": "FC"}}, "flash.LINK_TYPE_P1: FC is no value of LINK_TYPE"),
        ({"flash": {"LINK_TYPE_P1": "9"}}, "flash.LINK_TYPE_P1: 9 does not fit in 2 bits"),
    ],
)
def test_what_makes_no_adapter_is_named_with_its_place(members: dict[str, object], place: str) -> None:
    with pytest.raises(InputError, match=place):
        adapter(function(**members), 0)


FULL = {
    "profile": "ConnectX-7", "ports": 2, "uctx_caps": 4, "device_type": 1, "factory_readable": True,
    "current_readable": True, "next_of_factory": True, "echo": False, "lacks": ["x"], "missing": ["MGIR"],
    "writers": {"NUM_OF_VFS": 9}, "tokens": {"CS": 2}, "mgir": {"debug": 1},
    "components": [{"identifier": 1, "version": "", "pending": "", "status": 2, "state": 3, "changer": 0}],
    "stored": [{"type": 1, "data": "", "version": 0, "writer": 0, "priority": 0, "over_en": 1, "rd_en": 0,
                "host_id_valid": 0, "writer_host": 0}],
    "faults": [{"register": "MGIR", "fields": {}, "status": 1, "syndrome": 1, "errno": "EIO", "short": 1, "hang": True,
                "after": 1}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("firmware", "problems"),
    [
        (FULL, []),
        ({"colour": 1}, ["functions.x.firmware.colour"]),
        ({"echo": "no"}, ["functions.x.firmware.echo"]),
        ({"faults": [{"short": "x"}]}, ["functions.x.firmware.faults[0].short"]),
        ({"stored": {}}, ["functions.x.firmware.stored"]),
    ],
)
def test_a_scenarios_firmware_is_checked_when_it_is_loaded(firmware: object, problems: list[str]) -> None:
    found = SCENARIO({"functions": {"x": {"firmware": firmware}}}, "")

    assert [place for place, _ in found] == problems


def test_a_device_of_another_kind_has_no_mlx5_data_and_takes_no_command() -> None:
    nic = adapter({"firmware": {"device_type": 2}}, 0, strict=False)
    uid = nic.open()

    with pytest.raises(OSError, match="Bad message"):
        nic.rpc(uid, 1, raw.command(raw.MGIR), 176)

    assert nic.info(uid).hex(" ", 4) == "02000000 00000000"


def test_an_adapter_of_a_scenario_is_strict() -> None:
    nic = adapter(function(), 0)

    with pytest.raises(OutsideError):
        nic.rpc(nic.open(), 1, raw.command(raw.MNVIA, op_mod=0), 24)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_fresh_adapter_has_nothing_stored_and_nothing_pending(profile: str) -> None:
    nic = adapter({"firmware": {"profile": profile}}, 0)

    views = {word: nic.flash.view(word, NEXT, 0).data for word in nic.flash.factory}
    assert (stored(nic), nic.flash.pending(0), views == nic.flash.factory, {split(word) for word in views}) == (
        {}, False, True, set(nic.flash.kinds),
    )  # fmt: skip
