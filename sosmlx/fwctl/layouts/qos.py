"""Registers of quality of service: trust, priorities, traffic classes, DCBX, and how RoCE is accelerated.

Layouts and ids: `sosmlx.fwctl.register`; the notation: `sosmlx.fwctl.layout`.
"""

from __future__ import annotations

from sosmlx.fwctl.register import register

_QPTS = """
0x00 local_port[23:16]:INDEX lp_msb[13:12]:INDEX
0x04 trust_state[2:0]:RW
"""

_QPDPM = """
0x00 local_port[23:16]:INDEX lp_msb[13:12]:INDEX
0x04 dscp[64*16]:RW
"""

_QTCT = """
0x00 operation_type[31:30]:INDEX cap_local_admin[29] cap_remote_admin[28] local_port[23:16]:INDEX
0x00 lp_msb[13:12]:INDEX switch_prio[3:0]:INDEX
0x04 tclass[3:0]:RW
"""

_QEEC = """
0x00 local_port[23:16]:INDEX pnat[15:14]:INDEX lp_msb[13:12]:INDEX
0x04 element_hierarchy[19:16]:INDEX element_index[7:0]:INDEX
0x08 next_element_index[7:0]:RW
0x10 mase[31]:RW max_shaper_rate[30:0]:RW
0x18 de[31]:RW dwrr[15]:RW dwrr_weight[7:0]:RW
"""

_ROCE_ACCL = """
0x00 adp_retx_profile_select[28]:RW ifa2_turn_around_select[27]:RW cc_probe_mp_mode_field_select[11]:RW
0x00 cc_burst_size_select[10]:RW ack_dscp_force_field_select[9]:RW cc_per_plane_en_field_select[8]:RW
0x00 dc_half_handshake_en_field_select[7]:RW selective_repeat_forced_en_field_select[6]:RW
0x00 adaptive_routing_forced_en_field_select[5]:RW min_ack_timeout_limit_disabled_field_select[4]:RW
0x00 roce_slow_restart_idle_field_select[3]:RW roce_slow_restart_field_select[2]:RW
0x00 roce_tx_window_field_select[1]:RW roce_adp_retrans_field_select[0]:RW
0x04 adp_retx_profile_id[30:28]:INDEX ifa2_turn_around_en[27]:RW cc_burst_size[26:24]:RW ack_dscp[15:10]:RW
0x04 ack_dscp_force[9]:RW cc_per_plane_en[8]:RW dc_half_handshake_en[7]:RW selective_repeat_forced_en[6]:RW
0x04 adaptive_routing_forced_en[5]:RW min_ack_timeout_limit_disabled[4]:RW roce_slow_restart_idle_en[3]:RW
0x04 roce_slow_restart_en[2]:RW roce_tx_window_en[1]:RW roce_adp_retrans_en[0]:RW
0x08 adp_retx_profile_max_range_num[30:28] adp_retx_profile_max_id[26:24] cc_probe_mp_mode[21:20]:RW
0x08 adp_retx_base_timeout_min[19:0]
0x10 adp_retx_profile.qp_total_timeout[31]:RW adp_retx_profile.range_num[30:28]:RW
0x10 adp_retx_profile.start_range_index[26:24]:RW adp_retx_profile.time_unit[23:22]:RW
0x10 adp_retx_profile.time_base[15:0]:RW
0x14 adp_retx_profile.retx_total_timeout[31:24]:RW adp_retx_profile.timeout_init_low_bound[15:8]:RW
0x14 adp_retx_profile.timeout_init_range_size[7:0]:RW
0x18 adp_retx_profile.timeout_range[4*32]:RW
"""

_DCBX_PARAM = """
0x00 dcbx_cee_cap[31] dcbx_ieee_cap[30] dcbx_standby_cap[29] port_number[23:16]:INDEX
0x00 max_application_table_size[5:0]
0x04 version_oper[10:8] version_admin[2:0]:RW
0x08 willing_admin[31]:RW pfc_cap_oper[27:24] pfc_cap_admin[19:16]:RW num_of_tc_oper[11:8] num_of_tc_admin[3:0]:RW
0x0c remote_willing[31] remote_pfc_cap[27:24] remote_num_of_tc[3:0]
0x10 error[7:0]
"""

_QETCR = """
0x00 port_number[23:16]:INDEX
0x08 tc_configuration[8*64]:RW
0x48 global_configuration[64]:RW
"""

_QETCR_ELEMENT = """
0x00 g[31] b[30] r[29] group[19:16] bw_allocation[6:0]
0x04 max_bw_units[19:16] max_bw_value[7:0]
"""

REGISTERS = (
    register("QPTS", 0x4002, 8, _QPTS, "qpts_reg"),
    register("QPDPM", 0x4013, 132, _QPDPM, "qpdpm_reg"),
    register("QTCT", 0x400A, 8, _QTCT, "qtct_reg"),
    register("QEEC", 0x400D, 32, _QEEC),
    register("ROCE_ACCL", 0x402C, 128, _ROCE_ACCL, "roce_accl_reg"),
    register("DCBX_PARAM", 0x4020, 64, _DCBX_PARAM, "dcbx_param"),
    register("QETCR", 0x4005, 80, _QETCR, "qetc_reg"),
    register("QETCR.ELEMENT", 0, 8, _QETCR_ELEMENT, "ets_tcn_config_reg", "RW"),
)
