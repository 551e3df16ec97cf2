"""Layouts of the firmware commands that sosmlx asks, and the one code that takes their answers apart.

Opcodes and layouts: the kernel's `include/linux/mlx5/mlx5_ifc.h` (`mlx5_ifc_query_*_in_bits`, `..._out_bits`), compared
with that of the vendor's driver. Places count from the first byte of a request or an answer, its header included, in
the notation of `sosmlx.fwctl.layout`. Fields of a request that are no selectors (INDEX) act: they are 0 in a query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sosmlx.fwctl.layout import Array, Field, Value, put_together, spelled, take_apart

CAPABILITY_AT = 16
"""Where the block of a QUERY_HCA_CAP answer begins: `sosmlx.fwctl.capabilities` has its layouts."""

PARAMETERS_AT = 16
"""Where the block of a QUERY_CONG_PARAMS answer begins: `PARAMETERS` has its layouts."""


@dataclass(frozen=True)
class Query:
    """One command: its opcode, and the sizes in bytes of the whole request and of the whole answer."""

    name: str
    opcode: int
    size: int
    answer: int
    asks: str
    tells: str

    @cached_property
    def asked(self) -> tuple[Field | Array, ...]:
        """The fields of the request beside its opcode."""
        return tuple(spelled(self.asks, "INDEX"))

    @cached_property
    def told(self) -> tuple[Field | Array, ...]:
        """The fields of the answer."""
        return tuple(spelled(self.tells, "RO"))

    @property
    def source(self) -> str:
        """Where the layout comes from."""
        return f"mlx5_ifc.h {self.name.lower()}_in, {self.name.lower()}_out"


def _query(name: str, opcode: int, answer: int, tells: str, asks: str = "", size: int = 16) -> Query:
    return Query(name, opcode, size, answer, asks, tells)


_VPORT = "0x08 other_vport[31] vport_number[15:0]"
_VPORT_PORT = "0x08 other_vport[31] port_num[19:16] vport_number[15:0]"

_OTHER_FUNCTION = """
0x04 cap_type[15:1] current[0]
0x08 other_function[31]:OP ec_vf_function[30]:OP function_id_type[28]:OP function_id[15:0]:OP
"""

_ADAPTER = """
0x28 ieee_vendor_id[23:0]
0x2c vsd_vendor_id[15:0]
0x100 vsd_contd_psid[16*8]
"""

_ISSI = """
0x08 current_issi[15:0]
0x6c supported_issi_dw0[31:0]
"""

_ESW_FUNCTIONS = """
0x10 host_number[31:24] host_pf_not_exist[18] host_pf_disabled[16] host_num_of_vfs[15:0]
0x14 host_total_vfs[31:16] host_pci_bus[15:0]
0x18 host_pci_device[15:0]
0x1c host_pci_function[15:0]
"""

_ESW_VPORT = """
0x10 fdb_to_vport_reg_c[31] vport_svlan_strip[28] vport_cvlan_strip[27] vport_svlan_insert[26]
0x10 vport_cvlan_insert[25:24] fdb_to_vport_reg_c_id[23:16]
0x18 svlan_cfi[31] svlan_pcp[30:28] svlan_id[27:16] cvlan_cfi[15] cvlan_pcp[14:12] cvlan_id[11:0]
"""

_NIC_VPORT = """
0x10 min_wqe_inline_mode[26:24] disable_mc_local_lb[2] disable_uc_local_lb[1] roce_en[0]
0x14 arm_change_event[31] event_on_mtu[4] event_on_promisc_change[3] event_on_vlan_change[2]
0x14 event_on_mc_address_change[1] event_on_uc_address_change[0]
0x18 vhca_id_type[31] affiliation_criteria[19:16] affiliated_vhca_id[15:0]
0x30 sd_group[30:28]
0x34 mtu[15:0]
0x38 system_image_guid[64]@guid
0x40 port_guid[64]@guid
0x48 node_guid[64]@guid
0x78 qkey_violation_counter[31:16]
0x100 promisc_uc[31] promisc_mc[30] promisc_all[29] allowed_list_type[26:24] allowed_list_size[11:0]
0x104 permanent_address[64]@mac
"""

_ROCE_ADDRESS = """
0x10 source_l3_address[128]@gid
0x20 vlan_valid[28] vlan_id[27:16] source_mac_47_32[15:0]@mac
0x24 source_mac_31_0[31:0]@mac
0x28 roce_l3_type[11:8] roce_version[7:0]
"""

_HCA_VPORT = """
0x30 sm_virt_aware[31] has_smi[30] has_raw[29] grh_required[28] num_port_plane[23:16] port_physical_state[15:12]
0x30 vport_state_policy[11:8] port_state[7:4] vport_state[3:0]
0x38 system_image_guid[64]@guid
0x40 port_guid[64]@guid
0x48 node_guid[64]@guid
0x50 cap_mask1[31:0]
0x58 cap_mask2[31:0]
0x70 lid[31:16] init_type_reply[11:8] lmc[7:5] subnet_timeout[4:0]
0x74 sm_lid[31:16] sm_sl[15:12]
0x78 qkey_violation_counter[31:16] pkey_violation_counter[15:0]
"""

_VNIC_ENV = """
0x10 counter_error_queues[31:0]
0x14 total_error_queues[31:0]
0x18 send_queue_priority_update_flow[31:0]
0x20 nic_receive_steering_discard[64]
0x28 receive_discard_vport_down[64]
0x30 transmit_discard_vport_down[64]
0x38 async_eq_overrun[31:0]
0x3c comp_eq_overrun[31:0]
0x44 invalid_command[31:0]
0x48 quota_exceeded_command[31:0]
0x4c internal_rq_out_of_buffer[31:0]
0x50 cq_overrun[31:0]
0x54 eth_wqe_too_small[31:0]
0x70 generated_pkt_steering_fail[64]
0x78 handled_pkt_steering_fail[64]
0x80 bar_uar_access[31:0]
0x84 odp_local_triggered_page_fault[31:0]
0x88 odp_remote_triggered_page_fault[31:0]
"""

_TRAFFIC = (
    "received_errors", "transmit_errors", "received_ib_unicast", "transmitted_ib_unicast", "received_ib_multicast",
    "transmitted_ib_multicast", "received_eth_broadcast", "transmitted_eth_broadcast", "received_eth_unicast",
    "transmitted_eth_unicast", "received_eth_multicast", "transmitted_eth_multicast", "local_loopback",
)  # fmt: skip
_VPORT_COUNTER = "\n".join(
    f"{0x10 + 0x10 * at:#x} {name}.packets[64]\n{0x18 + 0x10 * at:#x} {name}.octets[64]"
    for at, name in enumerate(_TRAFFIC)
)

_CONG_STATISTICS = """
0x10 rp_cur_flows[31:0]
0x14 sum_flows[31:0]
0x18 rp_cnp_ignored[64]
0x20 rp_cnp_handled[64]
0x48 time_stamp[64]
0x50 accumulators_period[31:0]
0x54 np_ecn_marked_roce_packets[64]
0x5c np_cnp_sent[64]
"""

_LAG = """
0x08 fdb_selection_mode[31] port_select_mode[10:8] lag_state[2:0]
0x0c active_port[19:16] tx_remap_affinity_2[11:8] tx_remap_affinity_1[3:0]
"""

VUID_SIZE = 128
"""Bytes of one VUID, NUL-padded; a function's own is the only entry of the answer that is asked for."""

_ALL = (
    _query("QUERY_HCA_CAP", 0x100, 16 + 4096, "", _OTHER_FUNCTION),
    _query("QUERY_ADAPTER", 0x101, 272, _ADAPTER),
    _query("QUERY_ISSI", 0x10A, 112, _ISSI),
    _query("QUERY_ESW_FUNCTIONS", 0x740, 128, _ESW_FUNCTIONS),
    _query("QUERY_VPORT_STATE", 0x750, 16, "0x0c admin_state[7:4] state[3:0]", f"0x04 op_mod[15:0]\n{_VPORT}"),
    _query("QUERY_ESW_VPORT_CONTEXT", 0x752, 272, _ESW_VPORT, _VPORT),
    _query("QUERY_NIC_VPORT_CONTEXT", 0x754, 272, _NIC_VPORT, f"{_VPORT}\n0x0c allowed_list_type[26:24]"),
    _query("QUERY_ROCE_ADDRESS", 0x760, 48, _ROCE_ADDRESS, "0x08 roce_address_index[31:16] vhca_port_num[3:0]"),
    _query("QUERY_HCA_VPORT_CONTEXT", 0x762, 528, _HCA_VPORT, _VPORT_PORT),
    _query("QUERY_VNIC_ENV", 0x76F, 528, _VNIC_ENV, _VPORT),
    _query("QUERY_VPORT_COUNTER", 0x770, 528, _VPORT_COUNTER, f"{_VPORT_PORT}\n0x18 clear[31]:OP", 32),
    _query(
        "QUERY_CONG_STATUS", 0x822, 16, "0x0c enable[31] tag_enable[30]", "0x08 priority[7:4] cong_protocol[3:0]"
    ),
    _query("QUERY_CONG_PARAMS", 0x824, 272, "", "0x08 cong_protocol[3:0]"),
    _query("QUERY_CONG_STATISTICS", 0x826, 272, _CONG_STATISTICS, "0x08 clear[31]:OP"),
    _query("QUERY_WOL_ROL", 0x831, 16, "0x08 rol_mode[15:8] wol_mode[7:0]"),
    _query("QUERY_LAG", 0x842, 16, _LAG),
    _query(
        "QUERY_VUID", 0xB22, 64 + VUID_SIZE, "0x3c num_of_entries[15:0]\n0x40 vuid[128*8]@name",
        "0x0c query_vfs_vuid[31]:OP data_direct[30]:OP vhca_id[15:0]",
    ),
)  # fmt: skip

QUERIES: Mapping[str, Query] = {query.name: query for query in _ALL}
"""Every command by its name. Of an answer with a list at its end, what is not in `told` is kept and not read."""

BY_OPCODE: Mapping[int, Query] = {query.opcode: query for query in _ALL}
"""The commands by their opcode."""

_RATES = """
0x14 rpg_time_reset[31:0]
0x18 rpg_byte_reset[31:0]
0x1c rpg_threshold[31:0]
0x20 rpg_max_rate[31:0]
0x24 rpg_ai_rate[31:0]
0x28 rpg_hai_rate[31:0]
0x2c rpg_gd[31:0]
0x30 rpg_min_dec_fac[31:0]
0x34 rpg_min_rate[31:0]
"""

PARAMETERS: Mapping[int, tuple[Field | Array, ...]] = {
    1: tuple(
        spelled(
            "0x0c clamp_tgt_rate[27] clamp_tgt_rate_after_time_inc[23]"
            + _RATES
            + "0x54 rate_to_set_on_first_cnp[31:0]\n0x58 dce_tcp_g[31:0]\n0x5c dce_tcp_rtt[31:0]\n"
            "0x60 rate_reduce_monitor_period[31:0]\n0x68 initial_alpha_value[31:0]"
        )
    ),
    2: tuple(spelled("0x14 min_time_between_cnps[31:0]\n0x18 cnp_dscp[13:8] cnp_prio_mode[3] cnp_802p_prio[2:0]")),
    3: tuple(spelled("0x10 rtt_resp_dscp_valid[15] rtt_resp_dscp[5:0]")),
}
"""What the block of QUERY_CONG_PARAMS holds, by `cong_protocol` (`mlx5_ifc_cong_control_*_bits`).

These are the reaction point and the notification point of RoCE's ECN, and RoCE in general. Places count from the first
byte of the block.
"""


def decode(name: str, answer: bytes) -> dict[str, Value]:
    """Take the whole answer to a command apart, its header included.

    A field that the answer is too short for is left out. Raises KeyError for a command that is not described here.

    >>> decode("QUERY_LAG", bytes(8) + bytes.fromhex("00000201 00000102"))["port_select_mode"]
    2
    """
    return take_apart(QUERIES[name].told, answer)


def encode(name: str, values: Mapping[str, int | Sequence[int]]) -> bytes:
    """Put fields together to a whole answer, with a header that says success. What is not given is 0.

    An answer is no request: its first two bytes, where a request has its opcode, are 0. Raises KeyError for a command
    that is not described here, ValueError for a field that it does not have or a value that does not fit.

    >>> encode("QUERY_LAG", {"port_select_mode": 2, "lag_state": 1}).hex()
    '00000000000000000000020100000000'
    """
    query = QUERIES[name]
    return put_together(name, query.told, query.answer, values)
