"""Registers of a port and of the module in its cage: state, speed, FEC, flow control, buffers, why it is down.

Layouts and ids: `sosmlx.fwctl.register`; the notation: `sosmlx.fwctl.layout`.
"""

from __future__ import annotations

from sosmlx.fwctl.register import register

_PAOS = """
0x00 swid[31:24]:INDEX local_port[23:16]:INDEX lp_msb[13:12]:INDEX admin_status[11:8]:RW plane_ind[7:4]:INDEX
0x00 oper_status[3:0]
0x04 ase[31]:WO ee[30]:WO ee_ls[29]:WO ee_ps[28]:WO ee_nmxas[27]:WO ls_e[23:20]:RW logical_state_status[18:16]
0x04 ps_e[15:12]:RW sleep_cap[9] fd[8]:RW physical_state_status[7:4] e[1:0]:RW
0x08 phy_force_linkup_mode[31] last_oper_status[18:16] ps_e_ext[13:12]:RW nmxas_e[7:4]:RW nmx_adminstate_status[2:0]
"""

_PTYS = """
0x00 an_disable_admin[30]:RW an_disable_cap[29] ee_tx_ready[28]:WO tx_ready_e[27:26]:RW local_port[23:16]:INDEX
0x00 lp_msb[13:12]:INDEX port_type[11:8]:INDEX plane_ind[7:4]:INDEX transmit_allowed[3]:RW proto_mask[2:0]:INDEX
0x04 an_status[31:28] max_port_rate[27:16] data_rate_oper[15:0]
0x08 ext_eth_proto_capability[31:0]
0x0c eth_proto_capability[31:0]
0x10 ib_link_width_capability[31:16] ib_proto_capability[15:0]
0x14 ext_eth_proto_admin[31:0]:RW
0x18 eth_proto_admin[31:0]:RW
0x1c ib_link_width_admin[31:16]:RW ib_proto_admin[15:0]:RW
0x20 ext_eth_proto_oper[31:0]
0x24 eth_proto_oper[31:0]
0x28 ib_link_width_oper[31:16] ib_proto_oper[15:0]
0x2c xdr_2x_slow_cap[31] force_lt_frames_cap[30] force_lt_frames_admin[29:28]:RW xdr_2x_slow_admin[25]:RW
0x2c xdr_2x_slow_active[24] lane_rate_oper[23:4] connector_type[3:0]
0x38 ext_ib_proto_cap[31:0]
0x3c ext_ib_proto_admin[31:0]:RW
0x40 ext_ib_proto_oper[31:0]
"""

_PMLP = """
0x00 rxtx[31]:RW m_lane_m[28]:OP local_port[23:16]:INDEX lp_msb[13:12]:INDEX plane_ind[11:8]:INDEX width[7:0]:RW
0x04 lane_module_mapping[8*32]:RW
"""

_PMTU = """
0x00 protocol[31:28]:INDEX local_port[23:16]:INDEX lp_msb[13:12]:INDEX i_e[5:4]:INDEX itre[0]:RW
0x04 max_mtu[31:16]
0x08 admin_mtu[31:16]:RW
0x0c oper_mtu[31:16]
"""

_PPLM = """
0x00 resilink_fec_ind[28]:INDEX plr_reject_mode_override_to_default[27]:WO tx_crc_plr_override_to_default[26]:WO
0x00 plr_margin_th_override_to_default[25]:WO plr_reject_mode_vld[24]:WO local_port[23:16]:INDEX pnat[15:14]:INDEX
0x00 lp_msb[13:12]:INDEX port_type[11:8]:INDEX plane_ind[7:4]:INDEX tx_crc_plr_vld[3]:WO plr_vld[2]:WO
0x00 test_mode[1]:INDEX
0x04 plr_margin_th_oper[31:28] tx_crc_plr_oper[27] plr_reject_mode_oper[26:25] plr_reject_mode_support[22:19]
0x04 tx_crc_plr_support[18] plr_margin_th_support[16:9] fec_generation[3:0]
0x0c plr_margin_th[31:28]:RW tx_crc_plr[27]:RW plr_reject_mode[25:24]:RW fec_mode_active[23:0]
0x10 rs_fec_correction_bypass_cap[31:28] fec_override_cap_56g[19:16] fec_override_cap_100g[15:12]
0x10 fec_override_cap_50g[11:8] fec_override_cap_25g[7:4] fec_override_cap_10g_40g[3:0]
0x14 rs_fec_correction_bypass_admin[31:28]:RW fec_override_admin_56g[19:16]:RW fec_override_admin_100g[15:12]:RW
0x14 fec_override_admin_50g[11:8]:RW fec_override_admin_25g[7:4]:RW fec_override_admin_10g_40g[3:0]:RW
0x18 fec_override_cap_400g_8x[31:16] fec_override_cap_200g_4x[15:0]
0x1c fec_override_cap_100g_2x[31:16] fec_override_cap_50g_1x[15:0]
0x20 fec_override_admin_400g_8x[31:16]:RW fec_override_admin_200g_4x[15:0]:RW
0x24 fec_override_admin_100g_2x[31:16]:RW fec_override_admin_50g_1x[15:0]:RW
0x28 fec_override_cap_800g_8x[31:16] fec_override_cap_400g_4x[15:0]
0x2c fec_override_cap_200g_2x[31:16] fec_override_cap_100g_1x[15:0]
0x44 fec_override_admin_800g_8x[31:16]:RW fec_override_admin_400g_4x[15:0]:RW
0x48 fec_override_admin_200g_2x[31:16]:RW fec_override_admin_100g_1x[15:0]:RW
0x58 fec_override_cap_1600g_8x[31:16] fec_override_cap_800g_4x[15:0]
0x5c fec_override_cap_400g_2x[31:16] fec_override_cap_200g_1x[15:0]
0x60 fec_override_admin_1600g_8x[31:16]:RW fec_override_admin_800g_4x[15:0]:RW
0x64 fec_override_admin_400g_2x[31:16]:RW fec_override_admin_200g_1x[15:0]:RW
0x68 fec_page_data[192]:RW
"""

_PFCC = """
0x00 dcbx_operation_type[31:30]:INDEX cap_local_admin[29] cap_remote_admin[28] buf_ownership[27:26]
0x00 set_buf_ownership[25:24]:OP local_port[23:16]:INDEX pnat[15:14]:INDEX lp_msb[13:12]:INDEX
0x00 packet_ratio_mask[6]:OP cable_length_mask[5]:OP ppan_mask_n[4]:OP minor_stall_mask[3]:OP
0x00 critical_stall_mask[2]:OP
0x04 ppan[31:28]:RW mlb_mask[27]:OP mlb[26:24]:RW prio_mask_tx[23:16]:OP prio_mask_rx[7:0]:OP
0x08 pptx[31]:RW aptx[30] pptx_mask_n[29]:WO patx[28:27] pfctx[23:16]:RW fctx_disabled[8]
0x0c pprx[31]:RW aprx[30] pprx_mask_n[29]:OP parx[28:27] pfcrx[23:16]:RW
0x10 device_stall_minor_watermark[31:16]:RW device_stall_critical_watermark[15:0]:RW
0x14 device_auto_calculate[31:24] packet_ratio[12:8]:RW cable_length[7:0]:RW
0x18 pfc_rx_timer_mode[17:16]:RW pfc_rx_timer_value[15:0]:RW
"""

_PPLR = """
0x00 local_port[23:16]:INDEX lp_msb[13:12]:INDEX apply_im[9]:OP op_mod[8]:OP port_type[7:4]:INDEX
0x00 plane_ind[3:0]:INDEX
0x04 lb_cap_mode_idx[30]:INDEX lb_cap[27:16] lb_en[11:0]:RW
"""

_PMAOS = """
0x00 rst[31]:OP slot_index[27:24]:INDEX module[23:16]:INDEX admin_status[11:8]:RW oper_status[3:0]
0x04 ase[31]:WO ee[30]:WO secondary[29] rev_incompatible[28] operational_notification[19:16] error_type[12:8]
0x04 e[1:0]:RW
"""

_PBMC = """
0x00 local_port[23:16]:INDEX lp_msb[13:12]:INDEX
0x04 xoff_timer_value[31:16]:RW xoff_refresh[15:0]:RW
0x08 fullness_threshold[22:16]:RW port_buffer_size[15:0]
0x0c buffer[10*64]:RW
0x5c shared_headroom_pool.xon_xoff_threshold_mask_n[31]:WO shared_headroom_pool.drop_over_max_mask[26]:OP
0x5c shared_headroom_pool.lossy[25]:RW shared_headroom_pool.epsb[24]:RW shared_headroom_pool.size[15:0]:RW
0x60 shared_headroom_pool.thresholds[31:0]:RW
0x64 port_shared_buffer.xon_xoff_threshold_mask_n[31]:WO port_shared_buffer.drop_over_max_mask[26]:OP
0x64 port_shared_buffer.lossy[25]:RW port_shared_buffer.epsb[24]:RW port_shared_buffer.size[15:0]:RW
0x68 port_shared_buffer.thresholds[31:0]:RW
"""

_PPTB = """
0x00 mm[29:28]:INDEX local_port[23:16]:INDEX lp_msb[13:12]:INDEX cm[9]:WO um[8]:WO pm[7:0]:WO
0x04 prio7buff[31:28]:RW prio6buff[27:24]:RW prio5buff[23:20]:RW prio4buff[19:16]:RW prio3buff[15:12]:RW
0x04 prio2buff[11:8]:RW prio1buff[7:4]:RW prio0buff[3:0]:RW
0x08 pm_msb[31:24]:WO ctrl_buff[7:4]:RW untagged_buff[3:0]:RW
"""

_PCMR = """
0x00 local_port[23:16]:INDEX lp_msb[13:12]:INDEX
0x04 force_entropy_cap[31] entropy_calc_cap[30] entropy_gre_calc_cap[29] mpls_explicit_null_en_cap[26]
0x04 encap_replace_ipv4_id_en_cap[25] vendor_specific_vlan_type_en_cap[22] tx_ts_over_crc_cap[16]
0x04 tx_fcs_recalc_cap[15] rx_fcs_drop_cap[14] rx_ts_over_crc_cap[13] fcs_cap[1]
0x08 force_entropy[31]:RW entropy_calc[30]:RW entropy_gre_calc[29]:RW mpls_explicit_null_en[26]:RW
0x08 encap_replace_ipv4_id_en[25]:RW vendor_specific_vlan_type_en[22]:RW tx_ts_over_crc[16]:RW tx_fcs_recalc[15]:RW
0x08 rx_fcs_drop[14]:RW rx_ts_over_crc[13]:RW fcs_chk[1]:RW
"""

_PGUID = """
0x00 local_port[23:16]:INDEX pnat[15:14]:INDEX lp_msb[13:12]:INDEX
0x04 sys_guid_high[64]@guid
0x0c sys_guid[64]@guid
0x14 node_guid_high[64]@guid
0x1c node_guid[64]@guid
0x24 port_guid_high[64]@guid
0x2c port_guid[64]@guid
0x34 allocated_guid_high[64]@guid
0x3c allocated_guid[64]@guid
"""

_PDDR = """
0x00 local_port[23:16]:INDEX pnat[15:14]:INDEX lp_msb[13:12]:INDEX
0x04 page_select[7:0]:INDEX
0x08 page_data[62*32]
"""

_PDDR_TROUBLESHOOTING = """
0x00 group_opcode[15:0]
0x04 status_opcode[31:0]
0x0c status_message[236*8]
"""

REGISTERS = (
    register("PAOS", 0x5006, 16, _PAOS, "paos_reg"),
    register("PTYS", 0x5004, 68, _PTYS, "ptys_reg"),
    register("PMLP", 0x5002, 64, _PMLP, "pmlp_reg"),
    register("PMTU", 0x5003, 16, _PMTU, "pmtu_reg"),
    register("PPLM", 0x5023, 128, _PPLM, "pplm_reg"),
    register("PFCC", 0x5007, 32, _PFCC, "pfcc_reg"),
    register("PPLR", 0x5018, 8, _PPLR, "pplr_reg"),
    register("PMAOS", 0x5012, 16, _PMAOS, "pmaos_reg"),
    register("PBMC", 0x500C, 108, _PBMC, "pbmc_reg"),
    register("PPTB", 0x500B, 12, _PPTB, "pptb_reg"),
    register("PCMR", 0x5041, 12, _PCMR, "pcmr_reg"),
    register("PGUID", 0x5066, 96, _PGUID),
    register("PDDR", 0x5031, 256, _PDDR, "pddr_reg"),
    register("PDDR.TROUBLESHOOTING", 0, 248, _PDDR_TROUBLESHOOTING, "pddr_troubleshooting_page"),
)
