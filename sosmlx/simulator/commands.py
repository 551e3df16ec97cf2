"""The simulated firmware's answers to commands that ask: capabilities and objects as data, put into bytes here.

A command or a type of capabilities that the general capabilities do not announce is refused, so that a reader who asks
for it is seen. The values are plausible and no more: they are of no real board.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Callable, NamedTuple

from sosmlx.fwctl.capabilities import CAPABILITIES, announced, fields
from sosmlx.fwctl.commands import BY_OPCODE, PARAMETERS, QUERIES
from sosmlx.fwctl.layout import Array, Field
from sosmlx.simulator.bits import get, put
from sosmlx.simulator.profiles import Profile

Values = Mapping[str, int]

_COMMON: Values = {
    "general.hca_cap_2": 1, "general.log_max_qp_sz": 15, "general.log_max_qp": 17, "general.event_cap": 1,
    "general.log_max_srq": 16, "general.log_max_cq_sz": 22, "general.log_max_cq": 24, "general.log_max_mkey": 24,
    "general.log_max_eq": 7, "general.roce_accl": 1, "general.cc_query_allowed": 1, "general.cc_modify_allowed": 1,
    "general.sbcam_reg": 1, "general.qcam_reg": 1, "general.gid_table_size": 5, "general.vport_counters": 1,
    "general.debug": 1, "general.vport_group_manager": 1, "general.vhca_group_manager": 1, "general.ib_virt": 1,
    "general.eth_virt": 1, "general.ets": 1, "general.nic_flow_table": 1, "general.eswitch_manager": 1,
    "general.device_memory": 1, "general.mcam_reg": 1, "general.pcam_reg": 1, "general.port_type": 1,
    "general.num_ports": 1, "general.max_tc": 8, "general.dcbx": 1, "general.wol_g": 1, "general.wol_m": 1,
    "general.cqe_version": 1, "general.striding_rq": 1, "general.qos": 1, "general.eth_net_offloads": 1,
    "general.roce": 1, "general.atomic": 1, "general.pg": 1, "general.dct": 1, "general.uar_4k": 1,
    "general.log_pg_sz": 12, "general.bf": 1, "general.lag_master": 1, "general.num_lag_ports": 2,
    "general.nic_receive_steering_discard": 1, "general.receive_discard_vport_down": 1,
    "general.transmit_discard_vport_down": 1, "general.eq_overrun_count": 1, "general.invalid_command_count": 1,
    "general.quota_exceeded_count": 1, "general.log_max_rq": 17, "general.log_max_sq": 17, "general.log_max_uctx": 8,
    "general.max_num_eqs": 64, "general.device_frequency_khz": 156250, "general.cqe_compression": 1,
    "general.dtor": 1, "general.nic_cap_reg": 1, "general.vhca_trust_level_reg": 1,
    "general.native_port_num": 1, "general.num_vhca_ports": 1, "general.uctx_cap": 0x7, "general.max_num_sf": 0,
    "ethernet.csum_cap": 1, "ethernet.vlan_cap": 1, "ethernet.lro_cap": 1, "ethernet.max_lso_cap": 18,
    "ethernet.wqe_inline_mode": 2, "ethernet.rss_ind_tbl_cap": 11, "ethernet.swp": 1,
    "ethernet.tunnel_stateless_vxlan": 1, "ethernet.tunnel_stateless_gre": 1, "odp.mem_page_fault": 1,
    "atomic.atomic_operations": 0x3, "atomic.atomic_size_qp": 0x8, "roce.roce_apm": 1, "roce.roce_version": 0x5,
    "roce.l3_type": 0x6, "roce.r_roce_dest_udp_port": 4791, "roce.r_roce_max_src_udp_port": 0xFFFF,
    "roce.r_roce_min_src_udp_port": 0xC000, "roce.roce_address_table_size": 16,
    "flow_table.nic_receive.ft_support": 1, "flow_table.nic_receive.log_max_ft_size": 24,
    "flow_table.nic_receive.max_ft_level": 64, "flow_table.nic_transmit.ft_support": 1,
    "eswitch_flow_table.fdb.ft_support": 1, "eswitch_flow_table.fdb.log_max_ft_size": 22,
    "eswitch.vport_svlan_strip": 1, "eswitch.vport_cvlan_strip": 1, "eswitch.merged_eswitch": 1,
    "eswitch.vxlan_encap_decap": 1, "eswitch.max_encap_header_size": 128, "qos.packet_pacing": 1,
    "qos.esw_scheduling": 1, "qos.esw_rate_limit": 1, "qos.packet_pacing_max_rate": 100000000,
    "qos.packet_pacing_min_rate": 1000, "qos.packet_pacing_rate_table_size": 127, "debug.resource_dump": 1,
    "device_memory.memic": 1, "device_memory.max_memic_size": 0x10000, "general_2.query_vuid": 1,
    "general_2.max_reformat_insert_size": 64,
}  # fmt: skip

_NEWER: Values = {
    **_COMMON, "general.steering_format_version": 1, "general.tls_tx": 1, "general.tls_rx": 1, "general.crypto": 1,
    "general.ipsec_offload": 1, "general.max_num_sf": 1024, "general.sf": 1, "general.log_max_sf": 10,
    "general.vhca_state": 1, "general.hairpin": 1, "general.ats": 1, "general.adv_virtualization": 1,
    "general.general_obj_types": 1 << 13, "tls.tls_1_2_aes_gcm_128": 1, "tls.tls_1_3_aes_gcm_256": 1,
    "crypto.log_max_num_deks": 12, "ipsec.ipsec_full_offload": 1, "ipsec.ipsec_crypto_offload": 1,
    "ipsec.log_max_ipsec_offload": 20, "virtio.virtio_version_1_0": 1, "virtio.max_num_virtio_queues": 256,
    "adv_virtualization.pg_track_max_num_range": 8,
}  # fmt: skip

_BY_PROFILE: Mapping[str, Values] = {
    "ConnectX-5": _COMMON,
    "ConnectX-6 Dx": _NEWER,
    "ConnectX-7": {
        **_NEWER, "general.steering_format_version": 2, "general.shampo": 1, "general.port_selection_cap": 1,
        "general.general_obj_types": 1 << 13 | 1 << 39, "macsec.macsec_epn": 1, "macsec.log_max_macsec_offload": 14,
        "roce.roce_cc_general": 1,
    },
    "BlueField-3": {
        **_NEWER, "general.steering_format_version": 2, "general.adv_rdma": 1, "eswitch.ecpf_vport_exists": 1,
        "eswitch.esw_functions_changed": 1, "roce.roce_cc_general": 1,
    },
}  # fmt: skip

INFINIBAND: Values = {
    "general.port_type": 0, "general.roce": 0, "general.roce_accl": 0, "general.eth_net_offloads": 0,
    "general.ipoib_basic_offloads": 1, "general.ipoib_enhanced_offloads": 1, "general.cc_query_allowed": 0,
    "general.lag_master": 0,
}  # fmt: skip
"""What an InfiniBand port has otherwise."""

VIRTUAL: Values = {
    "general.vport_group_manager": 0, "general.vhca_group_manager": 0, "general.eswitch_manager": 0,
    "general.lag_master": 0, "general.cc_query_allowed": 0, "general.cc_modify_allowed": 0, "general.sf": 0,
}  # fmt: skip
"""What a virtual function lacks."""

_MAXIMA: Values = {
    "general.log_max_qp": 18,
    "general.cqe_compression": 1,
    "general.roce": 1,
    "general.log_max_uctx": 10,
}
"""What could be more than it is."""

_OBJECTS: Mapping[str, Values] = {
    "QUERY_ISSI": {"current_issi": 1, "supported_issi_dw0": 0x3},
    "QUERY_ADAPTER": {"ieee_vendor_id": 0x2C9, "vsd_vendor_id": 0x15B3},
    "QUERY_VPORT_STATE": {"admin_state": 2, "state": 1},
    "QUERY_NIC_VPORT_CONTEXT": {"min_wqe_inline_mode": 0, "roce_en": 1, "mtu": 1522},
    "QUERY_HCA_VPORT_CONTEXT": {
        "grh_required": 0, "port_physical_state": 5, "port_state": 4, "vport_state": 4, "lid": 7, "sm_lid": 1,
        "subnet_timeout": 18, "cap_mask1": 0x2651E848,
    },
    "QUERY_ESW_FUNCTIONS": {"host_num_of_vfs": 0, "host_total_vfs": 8, "host_pci_bus": 3},
    "QUERY_CONG_STATUS": {"enable": 1, "tag_enable": 1},
    "QUERY_WOL_ROL": {"wol_mode": 0x04},
    "QUERY_VUID": {"num_of_entries": 1},
}  # fmt: skip

_RATES: Mapping[int, Values] = {
    1: {
        "rpg_time_reset": 300, "rpg_byte_reset": 32767, "rpg_threshold": 1, "rpg_ai_rate": 5, "rpg_hai_rate": 50,
        "rpg_gd": 11, "rpg_min_dec_fac": 50, "rpg_min_rate": 1, "dce_tcp_g": 1019, "dce_tcp_rtt": 1,
        "rate_reduce_monitor_period": 4, "initial_alpha_value": 1023, "clamp_tgt_rate_after_time_inc": 1,
    },
    2: {"min_time_between_cnps": 4, "cnp_dscp": 48, "cnp_802p_prio": 6},
    3: {"rtt_resp_dscp_valid": 0},
}  # fmt: skip
"""Congestion control as the factory tunes it."""


class _Need(NamedTuple):
    """Capabilities without which a command is refused where it asks for these values: all, and one of `any`.

    An empty command is any of them.
    """

    command: str
    asked: Values
    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()

    def bars(self, name: str, asked: Values, known: Values) -> bool:
        """Whether a command is refused to a function with these capabilities."""
        if self.command not in ("", name) or any(asked.get(field) != value for field, value in self.asked.items()):
            return False
        return not all(map(known.get, self.all)) or bool(self.any and not any(map(known.get, self.any)))


_MANAGING = ("general.vport_group_manager", "general.eswitch_manager")
_CONTROL = ("general.cc_query_allowed", "general.roce")
_COUNTED = (
    "nic_receive_steering_discard", "receive_discard_vport_down", "transmit_discard_vport_down", "eq_overrun_count",
    "invalid_command_count", "quota_exceeded_count", "vnic_env_int_rq_oob", "vnic_env_cq_overrun",
    "vnic_env_queue_counters", "vnic_env_cnt_steering_fail",
)  # fmt: skip

_NEEDS = (
    _Need("", {"other_vport": 1}, _MANAGING[:1]),
    _Need("QUERY_ESW_VPORT_CONTEXT", {}, _MANAGING),
    _Need("QUERY_ESW_FUNCTIONS", {}, (*_MANAGING, "eswitch.esw_functions_changed")),
    _Need("QUERY_VPORT_STATE", {"op_mod": 1}, _MANAGING),
    _Need("QUERY_VPORT_STATE", {"op_mod": 2}, _MANAGING),
    _Need("QUERY_NIC_VPORT_CONTEXT", {}, ("general.port_type",)),
    _Need("QUERY_VNIC_ENV", {}, (), tuple(f"general.{name}" for name in _COUNTED)),
    _Need("QUERY_VPORT_COUNTER", {}, ("general.vport_counters",)),
    _Need("QUERY_CONG_STATUS", {}, _CONTROL),
    _Need("QUERY_CONG_PARAMS", {}, _CONTROL),
    _Need("QUERY_CONG_PARAMS", {"cong_protocol": 3}, ("roce.roce_cc_general",)),
    _Need("QUERY_CONG_STATISTICS", {}, _CONTROL),
    _Need("QUERY_ROCE_ADDRESS", {}, ("general.roce",)),
    _Need(
        "QUERY_WOL_ROL",
        {},
        (),
        tuple(f"general.{name}" for name in ("rol_g", "rol_s", *(f"wol_{x}" for x in "abgmpsu"))),
    ),
    _Need("QUERY_LAG", {}, ("general.vport_group_manager", "general.lag_master")),
    _Need("QUERY_VUID", {}, ("general.hca_cap_2", "general_2.query_vuid")),
)

Refuse = Callable[[str, int], Exception]
"""Makes the exception that ends a command: a status by its name, and a syndrome."""


def abilities(profile: Profile) -> dict[str, int]:
    """List the capabilities of an adapter by `type.field`: its profile's, then what the scenario says otherwise."""
    return {**_BY_PROFILE.get(profile.name, _COMMON), "general.vhca_id": 1, **profile.capabilities}


def answer(profile: Profile, request: bytes, function: int, refuse: Refuse) -> bytes:
    """Answer a command that `sosmlx.fwctl.commands` describes: all of it, with a header that says success."""
    query = BY_OPCODE[get(request, 0, 16)]
    asked = {field.name: get(request, field.offset, field.width) for field in query.asked}
    if query.name in profile.missing:
        raise refuse("BAD_OP", 0x1B0001)
    if len(request) != query.size:
        raise refuse("BAD_INP_LEN", 0x1B0002)
    known = abilities(profile)
    general = _of_type("general", known)
    _admit(query.name, asked, known, refuse)
    whole = bytearray(query.answer)
    if query.name == "QUERY_HCA_CAP":
        if asked["cap_type"] not in CAPABILITIES or not announced(asked["cap_type"], general):
            raise refuse("BAD_PARAM", 0x1B0003)
        values = _of_type(CAPABILITIES[asked["cap_type"]].name, known if asked["current"] else {**known, **_MAXIMA})
        _lay(whole, 16, fields(asked["cap_type"]), values)
    elif query.name == "QUERY_CONG_PARAMS":
        values = {**_RATES[asked["cong_protocol"]], **profile.commands.get(query.name, {})}
        _lay(whole, 16, PARAMETERS[asked["cong_protocol"]], values)
    else:
        said = profile.commands.get(_place(query.name, asked), {})
        values = {**_OBJECTS.get(query.name, {}), **_own(profile, query.name, asked, function), **said}
        _lay(whole, 0, query.told, values)
        _texts(whole, query.name, profile, function)
    return bytes(whole)


def _place(name: str, asked: Values) -> str:
    """Say where a scenario has what a command answers: that of another port stands behind an `@`."""
    return f"{name}@{asked['vport_number']}" if asked.get("other_vport") else name


def _admit(name: str, asked: Values, known: Values, refuse: Refuse) -> None:
    """Refuse what this function may not ask, or what it does not have."""
    if any(need.bars(name, asked, known) for need in _NEEDS):
        raise refuse("BAD_OP", 0x1B0004)
    if name == "QUERY_HCA_VPORT_CONTEXT" and known["general.port_type"]:
        raise refuse("BAD_PARAM", 0x1B0005)
    if name == "QUERY_ROCE_ADDRESS" and asked["roce_address_index"] >= known.get("roce.roce_address_table_size", 0):
        raise refuse("BAD_PARAM", 0x1B0006)


def _of_type(name: str, known: Values) -> dict[str, int]:
    prefix = f"{name}."
    return {key[len(prefix) :]: value for key, value in known.items() if key.startswith(prefix)}


def _own(profile: Profile, name: str, asked: Values, function: int) -> Values:
    """Give what differs from one function and one port to the next: addresses, GUIDs."""
    mac = profile.base_mac + function
    guid = mac >> 24 << 40 | 0x03 << 32 | (mac & 0xFFFFFF)
    base = profile.base_mac
    system = base >> 24 << 40 | 0x03 << 32 | (base & 0xFFFFFF)
    if name in ("QUERY_NIC_VPORT_CONTEXT", "QUERY_HCA_VPORT_CONTEXT"):
        found = {"system_image_guid": system, "node_guid": guid, "port_guid": guid}
        number = asked["vport_number"]
        address = mac if not number else 0x020000000000 | number
        return {**found, "permanent_address": address} if name == "QUERY_NIC_VPORT_CONTEXT" else found
    if name == "QUERY_ROCE_ADDRESS" and asked["roce_address_index"] < 2:
        link_local = 0xFE80 << 112 | ((mac >> 24 << 40 | 0xFFFE << 24 | (mac & 0xFFFFFF)) ^ 1 << 57)
        version = 2 if asked["roce_address_index"] else 0
        return {
            "source_l3_address": link_local, "source_mac_47_32": mac >> 32, "source_mac_31_0": mac & 0xFFFFFFFF,
            "roce_l3_type": 1, "roce_version": version,
        }  # fmt: skip
    return {}


def _texts(whole: bytearray, name: str, profile: Profile, function: int) -> None:
    if name == "QUERY_ADAPTER":
        whole[0x100:0x110] = profile.psid.encode().ljust(16, b"\0")[:16]
    elif name == "QUERY_VUID":
        text = f"{profile.hw_device:04x}MT24{profile.base_mac & 0xFFFFFF:06x}MLNXS0D0F{function}"
        whole[0x40:] = text.encode().ljust(128, b"\0")


def _lay(whole: bytearray, at: int, known: tuple[Field, ...] | tuple[Field | Array, ...], values: Values) -> None:
    places = {field.name: field for field in known}
    for name, value in values.items():
        field = places.get(name)
        if field is not None:
            put(whole, at * 8 + field.offset, field.width, value)


def capability_widths() -> dict[str, int]:
    """Name every capability as a scenario may, `type.field`, with its width in bits."""
    return {f"{row.name}.{field.name}": field.width for row in CAPABILITIES.values() for field in fields(row.type)}


def object_fields(command: str) -> dict[str, int]:
    """Give the fields of a command's answer that are numbers, and their widths; empty for another.

    `COMMAND@3` is the answer about the port number 3.
    """
    command = command.partition("@")[0]
    if command == "QUERY_CONG_PARAMS":
        return {field.name: field.width for block in PARAMETERS.values() for field in block}
    query = QUERIES.get(command)
    return {field.name: field.width for field in query.told if isinstance(field, Field)} if query else {}
