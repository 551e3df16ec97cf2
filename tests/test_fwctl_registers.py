"""Layouts of registers: laws over all of them, and answers whose meaning is known."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.fwctl.layout import Array, Field, Value, Whose, identities, spelled
from sosmlx.fwctl.register import Register
from sosmlx.fwctl.registers import BY_ID, REGISTERS, decode, encode

NAMES = sorted(REGISTERS)
ANY = st.sampled_from(NAMES)


def bits(register: Register) -> list[tuple[int, int]]:
    """List (first bit, bit after the last) of every number in an image."""
    found = []
    for field in register.fields:
        count = field.count if isinstance(field, Array) else 1
        found += [(field.offset + n * field.width, field.offset + (n + 1) * field.width) for n in range(count)]
    return sorted(found)


def defined(register: Register) -> int:
    """Make a mask of the bits that belong to a field, bit by bit."""
    places = {place for first, end in bits(register) for place in range(first, end)}
    return int("".join("1" if place in places else "0" for place in range(register.size * 8)), 2)


@st.composite
def images(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a register and any bytes of its size."""
    name = draw(ANY)
    size = REGISTERS[name].size
    return name, draw(st.binary(min_size=size, max_size=size))


@st.composite
def contents(draw: st.DrawFn) -> tuple[str, dict[str, Value]]:
    """Draw a register and numbers that fit for some of its fields."""
    name = draw(ANY)
    found: dict[str, Value] = {}
    for field in draw(st.lists(st.sampled_from(REGISTERS[name].fields), unique_by=lambda field: field.name)):
        number = st.integers(0, (1 << field.width) - 1)
        if isinstance(field, Array):
            found[field.name] = tuple(draw(st.lists(number, min_size=field.count, max_size=field.count)))
        else:
            found[field.name] = draw(number)
    return name, found


def test_registers_have_the_ids_and_sizes_of_the_prm() -> None:
    assert {row.name: (row.id, row.size) for row in REGISTERS.values()} == {
        "MGIR": (0x9020, 160),
        "MNVDA": (0x9024, 268),
        "MFRL": (0x9028, 8),
        "MNVQC": (0x9030, 8),
        "MNVGC": (0x9034, 16),
        "MNVGN": (0x9035, 284),
        "MGNLE": (0x9036, 32),
        "MCQS": (0x9060, 16),
        "MCQI": (0x9061, 148),
        "MQIS": (0x9064, 24),
        "MCAM": (0x907F, 72),
        "MDSR": (0x9110, 48),
        "MCQI.VERSION": (0, 124),
        "MCQI.CAPABILITIES": (0, 124),
        "MCQI.ACTIVATION_METHOD": (0, 124),
        "PCAM": (0x507F, 80),
        "QCAM": (0x4019, 72),
        "SBCAM": (0xB01F, 76),
        "NIC_CAP_REG": (0xC00D, 128),
        "MSGI": (0x9021, 128),
        "MTCAP": (0x9009, 16),
        "MTMP": (0x900A, 32),
        "MPEIN": (0x9050, 48),
        "MPIR": (0x9059, 16),
        "MPEGC": (0x9056, 44),
        "MRTC": (0x902D, 16),
        "MMHI": (0x904A, 128),
        "MVTS": (0x902C, 20),
        "MROQ": (0x902F, 32),
        "MRSI": (0x912A, 64),
        "MIRC": (0x9162, 8),
        "MISOC": (0x9026, 288),
        "MFSV": (0x9115, 48),
        "MFCDR": (0x9178, 8),
        "MSGCR": (0x9179, 8),
        "NCFG": (0xC001, 64),
        "DTOR": (0xC00E, 64),
        "HOST_ENDIANNESS": (0x7004, 16),
        "VHCA_TRUST_LEVEL": (0xC007, 16),
        "MGPIR": (0x9100, 160),
        "PAOS": (0x5006, 16),
        "PTYS": (0x5004, 68),
        "PMLP": (0x5002, 64),
        "PMTU": (0x5003, 16),
        "PPLM": (0x5023, 128),
        "PFCC": (0x5007, 32),
        "PPLR": (0x5018, 8),
        "PMAOS": (0x5012, 16),
        "PBMC": (0x500C, 108),
        "PPTB": (0x500B, 12),
        "PCMR": (0x5041, 12),
        "PGUID": (0x5066, 96),
        "PDDR": (0x5031, 256),
        "PDDR.TROUBLESHOOTING": (0, 248),
        "QPTS": (0x4002, 8),
        "QPDPM": (0x4013, 132),
        "QTCT": (0x400A, 8),
        "QEEC": (0x400D, 32),
        "ROCE_ACCL": (0x402C, 128),
        "DCBX_PARAM": (0x4020, 64),
        "QETCR": (0x4005, 80),
        "QETCR.ELEMENT": (0, 8),
    }


def test_a_register_is_found_by_its_id() -> None:
    assert {number: row.name for number, row in BY_ID.items()} == {r.id: r.name for r in REGISTERS.values() if r.id}


@pytest.mark.parametrize("name", NAMES)
def test_no_two_fields_share_a_bit_and_all_are_inside(name: str) -> None:
    found = bits(REGISTERS[name])

    ends = [0, *(end for _, end in found)]
    starts = [*(first for first, _ in found), REGISTERS[name].size * 8]
    assert [place for place in zip(ends, starts) if place[0] > place[1]] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_two_fields_share_a_name(name: str) -> None:
    fields = [field.name for field in REGISTERS[name].fields]

    assert sorted(set(fields)) == sorted(fields)


@given(contents())
def test_fields_survive_the_bytes(drawn: tuple[str, dict[str, Value]]) -> None:
    name, values = drawn

    found = decode(name, encode(name, values))

    assert {field: value for field, value in found.items() if field in values} == values


@given(contents())
def test_what_is_not_given_is_zero(drawn: tuple[str, dict[str, Value]]) -> None:
    name, values = drawn

    found = decode(name, encode(name, values))

    others = {field: value for field, value in found.items() if field not in values}
    assert [field for field, value in others.items() if (any(value) if isinstance(value, tuple) else value)] == []


@given(images())
def test_the_bytes_of_defined_fields_survive_the_fields(drawn: tuple[str, bytes]) -> None:
    name, image = drawn

    again = encode(name, decode(name, image))

    assert int.from_bytes(again, "big") == int.from_bytes(image, "big") & defined(REGISTERS[name])


@given(images(), st.integers(0, 300))
def test_a_short_image_gives_the_fields_that_it_holds_and_no_other(drawn: tuple[str, bytes], length: int) -> None:
    name, image = drawn

    found = decode(name, image[:length])

    held = {
        field.name
        for field in REGISTERS[name].fields
        if field.offset + (field.count if isinstance(field, Array) else 1) * field.width <= min(length, len(image)) * 8
    }
    assert found == {field: value for field, value in decode(name, image).items() if field in held}


@given(images(), st.binary(max_size=64))
def test_a_register_that_grew_gives_the_same_fields(drawn: tuple[str, bytes], more: bytes) -> None:
    name, image = drawn

    assert decode(name, image + more) == decode(name, image)


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("MNVQC", {"typ": 1}, "MNVQC has no field typ"),
        ("MNVDA", {"access_mode": 4}, "does not fit in 2 bits"),
        ("MNVDA", {"length": -1}, "does not fit in 9 bits"),
        ("MGIR", {"fw_info.psid": (256, *[0] * 15)}, "does not fit in 8 bits"),
        ("MGIR", {"fw_info.psid": (1, 2, 3)}, "holds 16 numbers"),
        ("MGIR", {"fw_info.psid": 1}, "holds 16 numbers"),
        ("MNVQC", {"type": (1,)}, "holds a number, not"),
    ],
)
def test_what_does_not_fit_is_not_encoded(name: str, values: Mapping[str, Value], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        encode(name, values)


@pytest.mark.parametrize("code", [lambda: decode("MNVDI", b""), lambda: encode("MNVDI", {})], ids=["decode", "encode"])
def test_a_register_that_is_not_described_has_no_layout(code: object) -> None:
    assert callable(code)

    with pytest.raises(KeyError):
        code()


PLACES = [
    ("MGIR", "hw_info.development", 0x0C, 30, 1),
    ("MGIR", "hw_info.num_ports", 0x04, 16, 12),
    ("MGIR", "hw_info.uptime", 0x1C, 0, 32),
    ("MGIR", "fw_info.dev_sc", 0x20, 30, 1),
    ("MGIR", "fw_info.dev", 0x20, 27, 1),
    ("MGIR", "fw_info.debug", 0x20, 26, 1),
    ("MGIR", "fw_info.signed_fw", 0x20, 25, 1),
    ("MGIR", "fw_info.secured", 0x20, 24, 1),
    ("MGIR", "fw_info.life_cycle", 0x54, 0, 2),
    ("MGIR", "fw_info.life_cycle_msb", 0x54, 4, 3),
    ("MGIR", "fw_info.sec_boot", 0x54, 2, 1),
    ("MNVQC", "support_rd", 0x04, 0, 1),
    ("MNVQC", "version", 0x04, 4, 4),
    ("MNVGC", "nvda_read_factory_settings", 0x00, 0, 1),
    ("MNVGC", "nvda_read_current_settings", 0x00, 1, 1),
    ("MNVDA", "writer_id", 0x00, 16, 5),
    ("MNVDA", "priority", 0x00, 28, 2),
    ("MNVDA", "rd_en", 0x00, 24, 1),
    ("MNVDA", "host_id_valid", 0x00, 9, 1),
    ("MNVGN", "nv_pointer", 0x00, 0, 32),
    ("MNVGN", "length", 0x10, 0, 9),
    ("MNVGN", "type", 0x14, 0, 32),
    ("MGNLE", "clr", 0x04, 0, 1),
    ("MFRL", "reset_trigger", 0x04, 0, 8),
    ("MFRL", "reset_state", 0x04, 16, 4),
    ("MFRL", "pci_rescan_required", 0x04, 31, 1),
    ("MCQS", "last_index_flag", 0x00, 31, 1),
    ("MCQS", "component_status", 0x08, 4, 5),
    ("MCQS", "component_update_state", 0x08, 0, 4),
    ("MCQI", "read_pending_component", 0x00, 31, 1),
    ("MCQI", "data_size", 0x14, 0, 16),
    ("MCQI.VERSION", "version_string_length", 0x00, 0, 8),
    ("MCQI.CAPABILITIES", "supported_info_bitmask", 0x00, 0, 32),
    ("MCQI.ACTIVATION_METHOD", "pending_fw_reset", 0x00, 2, 1),
    ("MQIS", "read_offset", 0x08, 16, 16),
    ("MDSR", "type_of_token", 0x00, 24, 8),
    ("MDSR", "status", 0x00, 0, 4),
    ("MDSR", "end", 0x04, 31, 1),
    ("MDSR", "revoke_version", 0x04, 30, 1),
]


@pytest.mark.parametrize(("name", "field", "word", "low", "width"), PLACES)
def test_a_field_is_where_the_prm_has_it(name: str, field: str, word: int, low: int, width: int) -> None:
    largest = (1 << width) - 1
    image = bytes(word) + (largest << low).to_bytes(4, "big") + bytes(REGISTERS[name].size - word - 4)

    found = decode(name, image)

    held = {key: value for key, value in found.items() if (any(value) if isinstance(value, tuple) else value)}
    assert held == {field: largest}


def test_an_answer_of_mnvqc_says_whether_an_item_is_known() -> None:
    assert decode("MNVQC", bytes.fromhex("01010012 00000003")) == {
        "type": 0x01010012, "host_id_valid": 0, "version": 0, "support_wr": 1, "support_rd": 1,
    }  # fmt: skip


def test_an_answer_of_mnvgc_says_which_views_there_are() -> None:
    assert decode("MNVGC", bytes.fromhex("00000003") + bytes(12)) == {
        "priv_nv_other_host": 0, "nvda_read_current_settings": 1, "nvda_read_factory_settings": 1,
    }  # fmt: skip


def test_an_answer_of_mgir_names_the_device_its_psid_and_firmware() -> None:
    image = bytearray(160)
    image[0x00:0x04] = bytes.fromhex("0000101d")
    image[0x30:0x40] = bytes.fromhex("4d545f30 30303030 30303335 39000000")
    image[0x44:0x50] = bytes.fromhex("00000016 0000002b 00000a06")

    found = decode("MGIR", bytes(image))

    psid = found["fw_info.psid"]
    assert (
        found["hw_info.device_id"],
        bytes(psid if isinstance(psid, tuple) else ()),
        [found[f"fw_info.extended_{part}"] for part in ("major", "minor", "sub_minor")],
    ) == (0x101D, b"MT_0000000359\0\0\0", [22, 43, 2566])


def test_an_answer_of_mcam_names_registers_by_bits_of_one_number() -> None:
    image = bytes(8) + bytes.fromhex("00000003 00000000 00000013 00000000") + bytes(48)

    assert decode("MCAM", image) == {
        "feature_group": 0, "access_reg_group": 0, "mng_access_reg_cap_mask": (3, 0, 0x13, 0),
        "mng_feature_cap_mask": (0, 0, 0, 0),
    }  # fmt: skip


def test_an_answer_of_mnvda_is_a_header_and_data() -> None:
    image = bytes.fromhex("0209000c 00000080 00000000 80000000 80000008 00000000").ljust(268, b"\0")

    assert decode("MNVDA", image) == {
        "priority": 0, "over_en": 1, "rd_en": 0, "access_mode": 0, "writer_id": 9, "version": 0, "host_id_valid": 0,
        "length": 12, "type": 0x80, "data": (0x80000000, 0x80000008, *[0] * 62),
    }  # fmt: skip


def test_an_array_of_bytes_keeps_its_order() -> None:
    image = bytes.fromhex("00000001 00000013 00080008 00000000 3641532d 4845415f")

    assert decode("MQIS", image)["info_string"] == tuple(b"6AS-HEA_")


def test_every_field_says_what_it_is_for() -> None:
    found = {field.access for register in REGISTERS.values() for field in register.fields}

    assert found == {"INDEX", "RO", "RW", "WO", "OP"}


def test_the_fields_that_act_are_these() -> None:
    acting = {
        register.name: {f.name for f in register.fields if isinstance(f, Field) and f.access in ("WO", "OP")}
        for register in REGISTERS.values()
    }

    assert {name: fields for name, fields in acting.items() if fields} == {
        "MDSR": {"end", "revoke_version"},
        "MFRL": {"pci_sync_for_fw_update_resp"},
        "MGNLE": {"clr"},
        "MPEGC": {"field_select"},
        "MTMP": {"mtr", "sdme", "weme"},
        "MVTS": {"check_timestamp_flag", "clear_all_ts_flag"},
        "PAOS": {"ase", "ee", "ee_ls", "ee_nmxas", "ee_ps"},
        "PBMC": {
            "port_shared_buffer.drop_over_max_mask",
            "port_shared_buffer.xon_xoff_threshold_mask_n",
            "shared_headroom_pool.drop_over_max_mask",
            "shared_headroom_pool.xon_xoff_threshold_mask_n",
        },
        "PCAM": {"pl_op"},
        "PFCC": {
            "cable_length_mask",
            "critical_stall_mask",
            "minor_stall_mask",
            "mlb_mask",
            "packet_ratio_mask",
            "ppan_mask_n",
            "pprx_mask_n",
            "pptx_mask_n",
            "prio_mask_rx",
            "prio_mask_tx",
            "set_buf_ownership",
        },
        "PMAOS": {"ase", "ee", "rst"},
        "PMLP": {"m_lane_m"},
        "PPLM": {
            "plr_margin_th_override_to_default",
            "plr_reject_mode_override_to_default",
            "plr_reject_mode_vld",
            "plr_vld",
            "tx_crc_plr_override_to_default",
            "tx_crc_plr_vld",
        },
        "PPLR": {"apply_im", "op_mod"},
        "PPTB": {"cm", "pm", "pm_msb", "um"},
        "PTYS": {"ee_tx_ready"},
    }


def test_the_pieces_of_the_base_mac_are_one_identity() -> None:
    assert identities(REGISTERS["MGIR"].fields) == [Whose(0x12 * 8, 48, "mac")]


def test_an_identity_that_is_none_is_no_layout() -> None:
    with pytest.raises(ValueError, match="not an identity: a"):
        list(spelled("0x00 a[31:0]@house"))
