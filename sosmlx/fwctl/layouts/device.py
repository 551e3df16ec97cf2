"""Registers of the adapter as a whole: PCI Express, temperature, resets, clock, versions that may not go back.

Layouts and ids: `sosmlx.fwctl.register`; the notation: `sosmlx.fwctl.layout`.
"""

from __future__ import annotations

from sosmlx.fwctl.register import Register, register

_MSGI = """
0x00 serial_number[6*32]@serial
0x20 part_number[5*32]
0x38 revision[31:0]
0x40 product_name[16*32]
"""

_MTCAP = """
0x00 slot_index[19:16]:INDEX sensor_count[6:0]
0x04 internal_sensor_count[7:0]
0x08 sensor_map[64]
"""

_MTMP = """
0x00 i[31]:INDEX ig[30:29]:INDEX asic_index[28:25]:INDEX slot_index[19:16]:INDEX sensor_index[11:0]:INDEX
0x04 temperature[15:0]
0x08 mte[31]:RW mtr[30]:OP weme[29]:OP sdme[28]:OP max_temperature[15:0]
0x0c tee[31:30]:RW sdee[29:28]:RW temperature_threshold_hi[15:0]:RW
0x10 temperature_threshold_lo[15:0]:RW
0x18 sensor_name_hi[31:0]
0x1c sensor_name_lo[31:0]
"""

_MPEIN = """
0x00 DPNv[30]:INDEX depth[29:24]:INDEX pcie_index[23:16]:INDEX node[15:8]:INDEX
0x08 link_width_enabled[23:16] link_speed_enabled[15:0]
0x0c lane0_physical_position[31:24] link_width_active[23:16] link_speed_active[15:0]
0x10 num_of_pfs[31:16] num_of_vfs[15:0]
0x14 bdf0[31:16]
0x18 max_read_request_size[31:28] max_payload_size[27:24] pwr_status[18:16] port_type[15:12] cmn_clk_mode[1]
0x18 lane_reversal[0]
0x1c link_peer_max_speed[31:16] pci_power[11:0]
0x20 precode_active[9] flit_active[8] precode_sup[1] flit_sup[0]
0x24 device_status[31:16]
"""

_MPIR = """
0x00 sdm[31] DPNv[30]:INDEX depth[29:24]:INDEX pcie_index[23:16]:INDEX node[15:8]:INDEX host_buses[3:0]
0x04 segment_cap[25] segment_valid[24] segment_base[23:16] secondary_bus[15:8] subordinate_bus[7:0]
0x08 local_port[31:24] bus[23:16] lp_msb[13:12] device[7:3] sd_group[2:0]
0x0c slot_cap[31] host_index[30:24] num_con_devices[23:16] slot_number[12:0]
"""

_MPEGC = """
0x00 DPNv[30]:INDEX depth[29:24]:INDEX pcie_index[23:16]:INDEX node[15:8]:INDEX
0x04 field_select[15:0]:WO
0x08 tx_overflow_sense[31]:RW mark_cqe[30]:RW mark_cnp[29]:RW segment_valid[24]:RW segment_base[23:16]:RW
0x08 tx_lossy_overflow_oper[1:0]:RW
0x0c outbound_stalled_reads_th[14:8]:RW outbound_stalled_writes_th[6:0]:RW
0x10 status[31:24] operation[19:16]:RW
"""

_MRTC = """
0x00 time_synced[31]
0x08 time_h[31:0]:RW
0x0c time_l[31:0]:RW
"""

_MMHI = """
0x04 host_number[7:0]
0x08 host_en[15:0]
"""

_MVTS = """
0x00 clear_all_ts_flag[31]:WO running_flag[30] check_timestamp_flag[29]:WO
0x04 fw_version_major[31:16]:RW
0x08 fw_version_minor[31:16]:RW fw_version_subminor[15:0]:RW
0x0c ts_year[31:16]:RW ts_month[15:8]:RW ts_day[7:0]:RW
0x10 ts_hour[31:24]:RW ts_minutes[23:16]:RW ts_seconds[15:8]:RW
"""

_MROQ = """
0x00 pci_reset_req_method[31:24] pci_sync_for_fw_update_start[20:17] query_is_valid[16] reset_type[15:8]:INDEX
0x00 reset_trigger[7:0]
"""

_MRSI = """
0x00 device[3:0]:INDEX
0x04 reset_reason[3:0]
0x08 crts[64]
0x14 ecos[7:0]
"""

_MIRC = """
0x00 status_code[7:0]
"""

_MISOC = """
0x00 query_not_available[31] query_pending[30]:INDEX type[3:0]:INDEX
0x10 version[256*8]
"""

_MFSV = """
0x00 index[19:16]:INDEX fuse_failure[9:8] dummy_ratchet_prog_en[6] pending_efuse_prog[5] revoke_efuse_prog[4]:RW
0x00 efuses_prog_method[3] fw_sec_ver_stat[2:1] efuses_prog_en[0]:RW
0x04 img_sec_ver[31:0]
0x08 efuses_sec_ver[31:0]
"""

_MFCDR = """
0x00 query_type[31]:INDEX local_port[23:16]:INDEX lp_msb[13:12]:INDEX module[7:0]:INDEX
0x04 status[1:0]
"""

_MSGCR = """
0x00 fake_cable_detect_en[0]:RW
0x04 support_error_injection[8] support_inter_asic_block[1] support_perst_gpio[0]
"""

_NCFG = """
0x00 field_select[64]:RW
0x08 roce_offload_disable[0]:RW
"""

_DTOR = """
0x04 PCIE_TOGGLE_TO.to_multiplier[31:29] PCIE_TOGGLE_TO.to_value[19:0]
0x14 HEALTH_POLL_TO.to_multiplier[31:29] HEALTH_POLL_TO.to_value[19:0]
0x18 FULL_CRDUMP_TO.to_multiplier[31:29] FULL_CRDUMP_TO.to_value[19:0]
0x1c FW_RESET_TO.to_multiplier[31:29] FW_RESET_TO.to_value[19:0]
0x20 FLUSH_ON_ERR_TO.to_multiplier[31:29] FLUSH_ON_ERR_TO.to_value[19:0]
0x24 PCI_SYNC_UPDATE_TO.to_multiplier[31:29] PCI_SYNC_UPDATE_TO.to_value[19:0]
0x28 TEAR_DOWN_TO.to_multiplier[31:29] TEAR_DOWN_TO.to_value[19:0]
0x2c FSM_REACTIVATE_TO.to_multiplier[31:29] FSM_REACTIVATE_TO.to_value[19:0]
0x30 RECLAIM_PAGES_TO.to_multiplier[31:29] RECLAIM_PAGES_TO.to_value[19:0]
0x34 RECLAIM_VFS_PAGES_TO.to_multiplier[31:29] RECLAIM_VFS_PAGES_TO.to_value[19:0]
0x38 DRIVER_UNLOAD_AND_RESET_TO.to_multiplier[31:29] DRIVER_UNLOAD_AND_RESET_TO.to_value[19:0]
0x3c EMBEDDED_CPU_OS_SHUTDOWN_TO.to_multiplier[31:29] EMBEDDED_CPU_OS_SHUTDOWN_TO.to_value[19:0]
"""

_HOST_ENDIANNESS = """
0x00 he[31]:RW
"""

_VHCA_TRUST_LEVEL = """
0x00 all_vhca[31]:INDEX vhca_id[15:0]:INDEX
0x04 trust_level[31:0]:RW
"""

_MGPIR = """
0x00 slot_index[31:28]:INDEX device_type[27:24] devices_per_flash[23:16] num_of_devices[7:0]
0x04 max_modules_per_slot[23:16] num_of_slots[15:8] num_of_modules[7:0]
"""

REGISTERS = (
    register("MSGI", 0x9021, 128, _MSGI),
    register("MTCAP", 0x9009, 16, _MTCAP, "mtcap_reg"),
    register("MTMP", 0x900A, 32, _MTMP, "mtmp_reg"),
    register("MPEIN", 0x9050, 48, _MPEIN, "mpein_reg"),
    register("MPIR", 0x9059, 16, _MPIR, "mpir_reg"),
    register("MPEGC", 0x9056, 44, _MPEGC, "mpegc_reg"),
    register("MRTC", 0x902D, 16, _MRTC, "mrtc_reg"),
    register("MMHI", 0x904A, 128, _MMHI),
    register("MVTS", 0x902C, 20, _MVTS),
    register("MROQ", 0x902F, 32, _MROQ),
    register("MRSI", 0x912A, 64, _MRSI),
    register("MIRC", 0x9162, 8, _MIRC, "mirc_reg"),
    register("MISOC", 0x9026, 288, _MISOC),
    register("MFSV", 0x9115, 48, _MFSV),
    register("MFCDR", 0x9178, 8, _MFCDR),
    register("MSGCR", 0x9179, 8, _MSGCR),
    register("NCFG", 0xC001, 64, _NCFG),
    register("DTOR", 0xC00E, 64, _DTOR, "dtor_reg"),
    register("HOST_ENDIANNESS", 0x7004, 16, _HOST_ENDIANNESS, "host_endianness"),
    register("VHCA_TRUST_LEVEL", 0xC007, 16, _VHCA_TRUST_LEVEL, "vhca_trust_level"),
    Register(
        "MGPIR", 0x9100, 160, _MGPIR, "RO", "Linux drivers/net/ethernet/mellanox/mlxsw/reg.h; on adapters unconfirmed"
    ),
)
