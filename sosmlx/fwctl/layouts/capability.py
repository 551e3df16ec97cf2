"""What registers an adapter has: the masks that are asked before anything that they announce.

Layouts and ids: `sosmlx.fwctl.register`; the notation: `sosmlx.fwctl.layout`.
"""

from __future__ import annotations

from sosmlx.fwctl.register import register

_PCAM = """
0x00 feature_group[23:16]:INDEX pl_op[8]:OP access_reg_group[7:0]:INDEX
0x08 port_access_reg_cap_mask[4*32]
0x28 feature_cap_mask[128]
"""

_QCAM = """
0x00 feature_group[23:16]:INDEX access_reg_group[7:0]:INDEX
0x08 qos_access_reg_cap_mask[4*32]
0x28 qos_feature_cap_mask[4*32]
"""

_SBCAM = """
0x00 feature_group[23:16]:INDEX access_reg_group[7:0]:INDEX
0x08 sb_access_reg_cap_mask[4*32]
0x28 sb_feature_cap_mask[4*32]
0x3c cap_total_descriptors[31:16]
0x40 cap_total_buffer_size[31:0]
0x44 cap_cell_size[31:16] cap_max_pg_buffers[15:8] cap_num_pool_supported[7:0]
0x48 cap_sbsr_stat_size[23:16] cap_max_tclass_sb[15:8] cap_max_cpu_ingress_tclass_sb[7:0]
"""

_NIC_CAP_REG = """
0x00 host_os_init_ctrl_reg[18]:RW adp_retx_histogram[17] nic_cap_ext_reg[8] fw_cpu_monitoring_supported[7]
0x00 vnet_rx_cq_dm_supported[6] vhca_icm_ctrl[5] cmd_encap_sync_steering[4] rcr[3]
0x00 virtio_net_emu_tlv_enable_supported[2] ec_boot_options[1] ec_time[0]
0x04 fw_cpu_monitoring_enabled[2]:RW vnet_rx_cq_dm_enabled[1]:RW virtio_net_emu_tlv_enable[0]:RW
0x0c total_icm[31:0]
0x14 vhca_group_id_max[15:0]
"""

REGISTERS = (
    register("PCAM", 0x507F, 80, _PCAM, "pcam_reg"),
    register("QCAM", 0x4019, 72, _QCAM, "qcam_reg"),
    register("SBCAM", 0xB01F, 76, _SBCAM, "sbcam_reg"),
    register("NIC_CAP_REG", 0xC00D, 128, _NIC_CAP_REG, "nic_cap_reg"),
)
