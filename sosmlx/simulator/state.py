"""The registers of configuration and state of a simulated adapter: a healthy port, unless the scenario says otherwise.

Fields are named as in `sosmlx.fwctl.registers`; the values are plausible and no more. Nothing here is shared with the
code that asks for registers or reads their answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Union

from sosmlx.fwctl.layout import Array
from sosmlx.fwctl.registers import REGISTERS
from sosmlx.simulator.bits import get, put, read, write

Fields = Mapping[str, Union[int, str, Sequence[int]]]
"""Numbers by field; a text or a list for an array."""
State = Mapping[str, Fields]
"""Fields by register, or by one instance of it: `PMAOS@1` is the register PMAOS of module 1."""

ETHERNET = 4

INSTANCES: Mapping[str, str] = {
    "PMAOS": "module", "QTCT": "switch_prio", "QEEC": "element_index", "MTMP": "sensor_index", "MROQ": "reset_type",
    "MRSI": "device", "MFSV": "index", "MISOC": "type", "PTYS": "proto_mask", "MGNLE": "le_pointer",
    "MCAM": "access_reg_group", "PCAM": "access_reg_group",
}  # fmt: skip
"""The selector that tells instances of a register apart."""

HEALTHY: State = {
    "PAOS": {"admin_status": 1, "oper_status": 1, "physical_state_status": 5, "last_oper_status": 1},
    "PTYS": {"an_disable_cap": 1},
    "PTYS@4": {
        "an_status": 1, "max_port_rate": 100, "data_rate_oper": 1000, "ext_eth_proto_capability": 0x02F2,
        "eth_proto_capability": 0x3810F054, "ext_eth_proto_admin": 0x02F2, "eth_proto_admin": 0x3810F054,
        "ext_eth_proto_oper": 0x0200, "eth_proto_oper": 0x00100000, "connector_type": 7,
    },
    "PTYS@1": {
        "max_port_rate": 200, "data_rate_oper": 2000, "ib_link_width_capability": 0x7, "ib_proto_capability": 0x7F,
        "ib_link_width_admin": 0x7, "ib_proto_admin": 0x7F, "ib_link_width_oper": 0x4, "ib_proto_oper": 0x40,
        "connector_type": 7,
    },
    "PMLP": {"width": 4, "lane_module_mapping": [0x00000000, 0x01010000, 0x02020000, 0x03030000, 0, 0, 0, 0]},
    "PMTU": {"max_mtu": 9978, "admin_mtu": 9022, "oper_mtu": 9022},
    "PPLM": {
        "fec_mode_active": 0x4, "fec_override_cap_100g": 0x5, "fec_override_cap_50g": 0x7, "fec_override_cap_25g": 0x7,
        "fec_override_cap_10g_40g": 0x3,
    },
    "PFCC": {"pptx": 1, "pprx": 1, "cap_local_admin": 1},
    "PDDR": {},
    "PBMC": {
        "xoff_timer_value": 0xFFFF, "xoff_refresh": 0x7FFF, "port_buffer_size": 2600,
        "buffer": [(1 << 57) | (0x0850 << 32), 0, 0, 0, 0, 0, 0, 0, 0, 0],
    },
    "PPTB": {},
    "PPLR": {"lb_cap": 0x7},
    "PCMR": {"fcs_cap": 1, "fcs_chk": 1},
    "PGUID": {},
    "PMAOS": {"admin_status": 1, "oper_status": 1},
    "QPTS": {"trust_state": 1},
    "QPDPM": {"dscp": [number >> 3 for number in range(64)]},
    "QTCT": {},
    **{f"QTCT@{prio}": {"tclass": tclass} for prio, tclass in enumerate((1, 0, 2, 3, 4, 5, 6, 7))},
    "QETCR": {"tc_configuration": [(0x1 << 48) | (100 << 32)] * 8},
    "QEEC": {"max_shaper_rate": 0x7FFFFFFF},
    "ROCE_ACCL": {
        "roce_adp_retrans_field_select": 1, "roce_tx_window_field_select": 1, "roce_slow_restart_field_select": 1,
        "roce_adp_retrans_en": 1, "roce_slow_restart_en": 1,
    },
    "DCBX_PARAM": {"dcbx_ieee_cap": 1, "dcbx_cee_cap": 1, "version_admin": 3, "willing_admin": 1, "num_of_tc_oper": 8},
    "MSGI": {},
    "MTCAP": {"sensor_count": 1, "internal_sensor_count": 1, "sensor_map": 1},
    "MTMP": {
        "temperature": 416, "max_temperature": 480, "mte": 1, "temperature_threshold_hi": 840,
        "sensor_name_hi": 0x61736963,
    },
    "MPEIN": {
        "link_width_enabled": 16, "link_speed_enabled": 0x17, "link_width_active": 16, "link_speed_active": 0x10,
        "num_of_pfs": 2, "max_read_request_size": 2, "max_payload_size": 1, "pwr_status": 1, "pci_power": 75,
        "link_peer_max_speed": 0x10,
    },
    "MPIR": {"bus": 0x3B, "local_port": 1},
    "MPEGC": {},
    "MRTC": {"time_synced": 1, "time_h": 0x00061A2B, "time_l": 0x3C4D5E6F},
    "MMHI": {"host_number": 0, "host_en": 1},
    "MVTS": {"ts_year": 0x2024, "ts_month": 0x10, "ts_day": 0x22, "ts_hour": 0x14, "ts_minutes": 0x30},
    "MROQ": {},
    "MROQ@0": {"query_is_valid": 1, "reset_trigger": 0x48, "pci_sync_for_fw_update_start": 0x3},
    "MRSI": {"reset_reason": 0},
    "MIRC": {},
    "MISOC": {"query_not_available": 1},
    "MFSV": {},
    "MFSV@0": {"img_sec_ver": 3, "efuses_sec_ver": 3, "efuses_prog_method": 1},
    "MFCDR": {"status": 2},
    "MSGCR": {"fake_cable_detect_en": 1},
    "MGPIR": {"num_of_modules": 2},
    "MGNLE": {},
    "NIC_CAP_REG": {"ec_time": 1, "total_icm": 0xFFFFFFFF},
    "DTOR": {
        "PCIE_TOGGLE_TO.to_value": 2000, "HEALTH_POLL_TO.to_value": 2000, "FW_RESET_TO.to_value": 60000,
        "TEAR_DOWN_TO.to_value": 3000, "RECLAIM_PAGES_TO.to_value": 5000, "RECLAIM_VFS_PAGES_TO.to_value": 120000,
    },
    "VHCA_TRUST_LEVEL": {"trust_level": 1},
    "SBCAM": {"cap_total_buffer_size": 0x80000, "cap_cell_size": 144, "cap_max_pg_buffers": 8, "cap_max_tclass_sb": 8},
}  # fmt: skip
"""A port of 100 Gb/s on Ethernet whose module is in order, in an adapter that waits for nothing."""

NOT_MASKED = ("SBCAM", "ROCE_ACCL", "NIC_CAP_REG", "DTOR", "VHCA_TRUST_LEVEL")
"""Registers that no mask speaks of: general capabilities announce them."""


def masked(name: str) -> bool:
    """Whether a mask says if there is such a register."""
    return name in HEALTHY and name not in NOT_MASKED


def answer(name: str, image: bytes, said: bytearray, *states: State) -> None:
    """Fill in an answer: what was asked, then each state's fields, those of the one instance last."""
    indexes = [field.name for field in REGISTERS[name].fields if field.access == "INDEX"]
    write(name, said, dict(zip(indexes, read(name, image, *indexes))))
    instance = f"{name}@{read(name, image, INSTANCES[name])[0]}" if name in INSTANCES else name
    for state in states:
        for key in dict.fromkeys((name, instance)):
            for field, value in state.get(key, {}).items():
                set_field(name, said, field, value)


def set_field(name: str, image: bytearray, field: str, value: int | str | Sequence[int]) -> None:
    """Write a number, the numbers of an array, or a text. Raises ValueError for what there is not or does not fit."""
    place = REGISTERS[name].field(field)
    if isinstance(value, int):
        put(image, place.offset, place.width, value)
    elif isinstance(place, Array) and isinstance(value, str):
        size = place.count * place.width // 8
        write(name, image, {field: value.encode()[:size].ljust(size, b"\0")})
    elif isinstance(place, Array) and not isinstance(value, str) and len(value) <= place.count:
        for at, number in enumerate(value):
            put(image, place.offset + at * place.width, place.width, number)
    else:
        raise ValueError(f"{name}.{field} does not hold {value!r}")


def mask(image: bytearray, first: int, numbers: Sequence[int]) -> None:
    """Set the bits of a mask for the registers of one group: bit n of 128 is the register `first + n`."""
    for number in numbers:
        if first <= number < first + 0x80:
            put(image, 0x18 * 8 - 1 - (number - first), 1, 1)


def group(image: bytes) -> int:
    """Take the group that is asked for out of a request for a mask."""
    return get(image, 24, 8)
