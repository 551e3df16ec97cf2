"""Every register that sosmlx reads, by name and by id, and the two ways between an image and its fields.

A register image is an array of big-endian 32-bit words. What a layout is and where layouts come from:
`sosmlx.fwctl.register`; those of configuration and state are in `sosmlx.fwctl.layouts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sosmlx.fwctl.layout import Value, put_together, take_apart
from sosmlx.fwctl.layouts import capability, device, port, qos
from sosmlx.fwctl.register import Register, register


def _item(start: int) -> str:
    """Spell the header of a flash item (PRM `config_item_ext`) and the place of the data after it."""
    header = (
        "priority[29:28] over_en[25]:RW rd_en[24]:RW access_mode[23:22]:INDEX writer_id[20:16] version[15:12]:RW"
        " host_id_valid[9]:INDEX length[8:0]:RW"
    )
    return f"{start:#x} {header}\n{start + 4:#x} type[31:0]:INDEX\n{start + 12:#x} "


_MGIR = """
0x00 hw_info.device_hw_revision[31:16] hw_info.device_id[15:0]
0x04 hw_info.num_ports[27:16] hw_info.technology[15:11] hw_info.pvs[4:0]
0x08 hw_info.hw_dev_id[15:0]
0x0c hw_info.pci_switch_only_mode[31] hw_info.development[30] hw_info.ga_valid[28] hw_info.cpo_indication[27]
0x0c hw_info.module_master_fw_default[17:16]
0x10 hw_info.chip_type[27:24] hw_info.ga[21:16] hw_info.manufacturing_base_mac_47_32[15:0]@mac
0x14 hw_info.manufacturing_base_mac_31_0[31:0]@mac
0x1c hw_info.uptime[31:0]
0x20 fw_info.dev_sc[30] fw_info.string_tlv[28] fw_info.dev[27] fw_info.debug[26] fw_info.signed_fw[25]
0x20 fw_info.secured[24] fw_info.major[23:16] fw_info.minor[15:8] fw_info.sub_minor[7:0]
0x24 fw_info.build_id[31:0]
0x28 fw_info.month[31:24] fw_info.day[23:16] fw_info.year[15:0]
0x2c fw_info.BKV_major[27:24] fw_info.BKV_minor[23:20] fw_info.BKV_sub_minor[19:16] fw_info.hour[15:0]
0x30 fw_info.psid[16*8]
0x40 fw_info.ini_file_version[31:0]
0x44 fw_info.extended_major[31:0]
0x48 fw_info.extended_minor[31:0]
0x4c fw_info.extended_sub_minor[31:0]
0x50 fw_info.disabled_tiles_bitmap[31:16] fw_info.isfu_major[15:0]
0x54 fw_info.dev_counter[20:16] fw_info.ec_offload_engine_disabled[15] fw_info.pds[14] fw_info.issu_able[13]
0x54 fw_info.dev_state[11] fw_info.life_cycle_msb[6:4] fw_info.encryption[3] fw_info.sec_boot[2]
0x54 fw_info.life_cycle[1:0]
0x60 sw_info.major[23:16] sw_info.minor[15:8] sw_info.sub_minor[7:0]
0x64 sw_info.rom0_arch[31:28] sw_info.rom0_type[27:24] sw_info.rom1_arch[23:20] sw_info.rom1_type[19:16]
0x64 sw_info.rom2_arch[15:12] sw_info.rom2_type[11:8] sw_info.rom3_arch[7:4] sw_info.rom3_type[3:0]
0x68 sw_info.rom0_version.major[31:24] sw_info.rom0_version.minor[23:16] sw_info.rom0_version.build[15:0]
0x6c sw_info.rom1_version.major[31:24] sw_info.rom1_version.minor[23:16] sw_info.rom1_version.build[15:0]
0x70 sw_info.rom2_version.major[31:24] sw_info.rom2_version.minor[23:16] sw_info.rom2_version.build[15:0]
0x74 sw_info.rom3_version.major[31:24] sw_info.rom3_version.minor[23:16] sw_info.rom3_version.build[15:0]
0x80 dev_info.dev_branch_tag[28*8]
"""

_MCAM = """
0x00 feature_group[23:16]:INDEX access_reg_group[7:0]:INDEX
0x08 mng_access_reg_cap_mask[4*32]
0x28 mng_feature_cap_mask[4*32]
"""

_MNVQC = """
0x00 type[31:0]:INDEX
0x04 host_id_valid[9]:INDEX version[7:4] support_wr[1] support_rd[0]
"""

_MNVGC = "0x00 priv_nv_other_host[2] nvda_read_current_settings[1] nvda_read_factory_settings[0]"

_MNVDA = _item(0x00) + "data[64*32]:RW"

_MNVGN = "0x00 nv_pointer[31:0]:INDEX\n" + _item(0x10) + "data[64*32]:RW"

_MGNLE = (
    """
0x00 le_pointer[31:0]:INDEX
0x04 synced_time[31] lost_events[27:24] clr[0]:OP
0x08 time_h[31:0]
0x0c time_l[31:0]
"""
    + _item(0x10)
    + "log_data[1*32]"
)

_MFRL = """
0x04 pci_rescan_required[31] pci_sync_for_fw_update_start[30:29]:RW pci_sync_for_fw_update_resp[28:27]:WO
0x04 rst_type_sel[26:24]:RW pci_reset_req_method[23:21]:RW reset_state[19:16] reset_type[15:8] reset_trigger[7:0]:RW
"""

_MCQS = """
0x00 last_index_flag[31] component_not_supported[30] device_index[27:16]:INDEX component_index[15:0]:INDEX
0x04 identifier[15:0]
0x08 progress[15:9] component_status[8:4] component_update_state[3:0]
0x0c last_update_state_changer_type[31:28] last_update_state_changer_host_id[27:24] device_type[7:0]:INDEX
"""

_MCQI = """
0x00 read_pending_component[31]:INDEX device_index[27:16]:INDEX component_index[15:0]:INDEX
0x04 device_type[7:0]:INDEX
0x08 info_type[4:0]:INDEX
0x0c info_size[31:0]
0x10 offset[31:0]:INDEX
0x14 data_size[15:0]:INDEX
0x18 data[124*8]
"""

_MCQI_VERSION = """
0x00 build_time_valid[29] user_defined_time_valid[28] version_string_length[7:0]
0x04 version[31:0]
0x08 build_time.seconds[31:24] build_time.minutes[23:16] build_time.hours[15:8]
0x0c build_time.year[31:16] build_time.month[15:8] build_time.day[7:0]
0x10 user_defined_time.seconds[31:24] user_defined_time.minutes[23:16] user_defined_time.hours[15:8]
0x14 user_defined_time.year[31:16] user_defined_time.month[15:8] user_defined_time.day[7:0]
0x18 build_tool_version[31:0]
0x20 version_string[92*8]
"""

_MCQI_CAPABILITIES = """
0x00 supported_info_bitmask[31:0]
0x04 component_size[31:0]
0x08 max_component_size[31:0]
0x0c log_mcda_word_size[31:28] mcda_max_write_size[15:0]
0x10 rd_en[31] signed_updates_only[30]:RW match_chip_id[29]:RW match_psid[28]:RW check_user_timestamp[27]:RW
0x10 match_base_guid_mac[26]:RW
"""

_MCQI_ACTIVATION_METHOD = """
0x00 self_activation[6] pending_server_ac_power_cycle[5] pending_server_dc_power_cycle[4] pending_server_reboot[3]
0x00 pending_fw_reset[2] auto_activate[1] all_hosts_sync[0]
"""

_MQIS = """
0x00 info_type[7:0]:INDEX
0x04 info_length[15:0]
0x08 read_offset[31:16]:INDEX read_length[15:0]:RW
0x10 info_string[8*8]
"""

_MDSR = """
0x00 type_of_token[31:24]:INDEX additional_info[13:8] status[3:0]
0x04 end[31]:WO revoke_version[30]:WO
0x08 time_left[31:0]
"""

_ALL = (
    register("MGIR", 0x9020, 160, _MGIR),
    register("MNVDA", 0x9024, 268, _MNVDA, "mnvda_reg"),
    register("MFRL", 0x9028, 8, _MFRL, "mfrl_reg"),
    register("MNVQC", 0x9030, 8, _MNVQC),
    register("MNVGC", 0x9034, 16, _MNVGC),
    register("MNVGN", 0x9035, 284, _MNVGN),
    register("MGNLE", 0x9036, 32, _MGNLE),
    register("MCQS", 0x9060, 16, _MCQS, "mcqs_reg"),
    register("MCQI", 0x9061, 148, _MCQI, "mcqi_reg"),
    register("MQIS", 0x9064, 24, _MQIS),
    register("MCAM", 0x907F, 72, _MCAM, "mcam_reg"),
    register("MDSR", 0x9110, 48, _MDSR),
    register("MCQI.VERSION", 0, 124, _MCQI_VERSION, "mcqi_version", "RW"),
    register("MCQI.CAPABILITIES", 0, 124, _MCQI_CAPABILITIES, "mcqi_cap"),
    register("MCQI.ACTIVATION_METHOD", 0, 124, _MCQI_ACTIVATION_METHOD),
    *capability.REGISTERS,
    *device.REGISTERS,
    *port.REGISTERS,
    *qos.REGISTERS,
)

REGISTERS: Mapping[str, Register] = {row.name: row for row in _ALL}
"""Every layout by its name. An item of variable length (MNVGN) has the longest that an item can have."""

BY_ID: Mapping[int, Register] = {row.id: row for row in _ALL if row.id}
"""The registers by their id."""


def decode(name: str, image: bytes) -> dict[str, Value]:
    """Take a register's image apart.

    A field that the image is too short for is left out, an array too where one element is missing; bytes after the
    last field are not looked at, because registers grow. Raises KeyError for a register that is not described here.

    >>> decode("MNVQC", bytes.fromhex("01010012 00000003"))
    {'type': 16842770, 'host_id_valid': 0, 'version': 0, 'support_wr': 1, 'support_rd': 1}
    """
    return take_apart(REGISTERS[name].fields, image)


def encode(name: str, values: Mapping[str, int | Sequence[int]]) -> bytes:
    """Put fields together to a register's image: what a mailbox holds after its header. What is not given is 0.

    An image is no request: it has no opcode, and no function of this module can put one before it. Raises KeyError for
    a register that is not described here, ValueError for a field that it does not have or a value that does not fit.

    >>> encode("MNVQC", {"type": 0x01010012, "support_rd": 1}).hex()
    '0101001200000001'
    """
    register = REGISTERS[name]
    return put_together(name, register.fields, register.size, values)
