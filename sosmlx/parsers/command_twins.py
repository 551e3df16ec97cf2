"""What a firmware command tells that another source tells, too: the same knob, under the same key and in the same unit.

Which they are, and which look alike and are not: `docs/precedence.md`. That they are the same: the kernel's driver
(`drivers/net/ethernet/mellanox/mlx5/core/`), which shows the host what it asks of the firmware by the same command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from sosmlx.fwctl.layout import Value
from sosmlx.model import Plane, Setting
from sosmlx.parsers.command_answers import ETHERNET, PHYSICAL_STATES, PORT_STATES, Answer, guid, mac, text, typed

Capabilities = Mapping[str, Value]
"""The function's general capabilities, by field."""

WAKE_BITS = {7: "p", 6: "u", 5: "m", 4: "b", 3: "a", 2: "g", 1: "s"}
"""Bits of `wol_mode` and ethtool's letters, in its order (`mlx5_ifc.h` SET_WOL_ROL, mlx5 `en_ethtool.c`)."""

LINK_STATES = {0: "disable", 1: "enable", 2: "auto"}
"""`admin_state` of a virtual function's port in the words of `ip link` (mlx5 `en_main.c` mlx5_vport_link2ifla)."""

MULTIPORT = 2
"""`port_select_mode` of a LAG that is a multiport eswitch (`mlx5_ifc.h`)."""

_TRAFFIC = {
    "received_eth_unicast": "rx_vport_unicast", "received_eth_multicast": "rx_vport_multicast",
    "received_eth_broadcast": "rx_vport_broadcast", "transmitted_eth_unicast": "tx_vport_unicast",
    "transmitted_eth_multicast": "tx_vport_multicast", "transmitted_eth_broadcast": "tx_vport_broadcast",
    "received_ib_unicast": "rx_vport_rdma_unicast", "received_ib_multicast": "rx_vport_rdma_multicast",
    "transmitted_ib_unicast": "tx_vport_rdma_unicast", "transmitted_ib_multicast": "tx_vport_rdma_multicast",
    "local_loopback": "vport_loopback",
}  # fmt: skip
TRAFFIC: Mapping[str, str] = {
    f"{field}.{unit}": f"{name}_{words}"
    for field, name in _TRAFFIC.items()
    for unit, words in (("packets", "packets"), ("octets", "bytes"))
}
"""Counters of QUERY_VPORT_COUNTER and their names in `ethtool -S` (mlx5 `en_stats.c` vport_stats_desc)."""

REPORTED = (
    "total_error_queues", "send_queue_priority_update_flow", "comp_eq_overrun", "async_eq_overrun", "cq_overrun",
    "invalid_command", "quota_exceeded_command", "nic_receive_steering_discard", "generated_pkt_steering_fail",
    "handled_pkt_steering_fail", "bar_uar_access", "odp_local_triggered_page_fault", "odp_remote_triggered_page_fault",
)  # fmt: skip
"""Counters of QUERY_VNIC_ENV that `devlink health diagnose ... reporter vnic` shows (mlx5 `diag/reporter_vnic.c`)."""

_COUNTED: Mapping[str, str] = {
    "nic_receive_steering_discard": "nic_receive_steering_discard",
    "receive_discard_vport_down": "receive_discard_vport_down",
    "transmit_discard_vport_down": "transmit_discard_vport_down", "async_eq_overrun": "eq_overrun_count",
    "comp_eq_overrun": "eq_overrun_count", "invalid_command": "invalid_command_count",
    "quota_exceeded_command": "quota_exceeded_count", "internal_rq_out_of_buffer": "vnic_env_int_rq_oob",
    "cq_overrun": "vnic_env_cq_overrun", "counter_error_queues": "vnic_env_queue_counters",
    "total_error_queues": "vnic_env_queue_counters",
    "send_queue_priority_update_flow": "vnic_env_queue_counters",
    "generated_pkt_steering_fail": "vnic_env_cnt_steering_fail",
    "handled_pkt_steering_fail": "vnic_env_cnt_steering_fail",
}  # fmt: skip
"""Counters of QUERY_VNIC_ENV, and the capability without which a 0 says nothing (`diag/reporter_vnic.c`)."""


_OWN: Mapping[str, tuple[str, ...]] = {
    "QUERY_NIC_VPORT_CONTEXT": ("node_guid", "system_image_guid", "permanent_address"),
    "QUERY_HCA_VPORT_CONTEXT": (
        "node_guid", "system_image_guid", "lid", "sm_lid", "vport_state", "port_physical_state",
    ),
    "QUERY_VNIC_ENV": REPORTED,
}  # fmt: skip
_OWN_OF_ETHERNET: Mapping[str, tuple[str, ...]] = {
    "QUERY_VPORT_COUNTER": tuple(TRAFFIC), "QUERY_WOL_ROL": ("wol_mode",),
}  # fmt: skip

TELLS: Mapping[str, tuple[Plane, ...]] = {
    "QUERY_NIC_VPORT_CONTEXT": ("rdma", "ethtool"), "QUERY_HCA_VPORT_CONTEXT": ("rdma",), "QUERY_VNIC_ENV": ("health",),
    "QUERY_VPORT_COUNTER": ("ethtool",), "QUERY_WOL_ROL": ("ethtool",), "QUERY_VPORT_STATE": ("net",),
    "QUERY_ESW_VPORT_CONTEXT": ("net",), "QUERY_LAG": ("devlink",),
}  # fmt: skip
"""Planes of which a command tells knobs that have a reader of their own."""


def elsewhere(row: Answer, general: Capabilities) -> tuple[str, ...]:
    """Name the fields of an answer that are settings of other planes, and of no use twice."""
    if row.where:
        return ()
    more = _OWN_OF_ETHERNET.get(row.command, ()) if general.get("port_type") == ETHERNET else ()
    return (*_OWN.get(row.command, ()), *more)


def counts(name: str, row: Answer, general: Capabilities) -> bool:
    """Whether a counter of QUERY_VNIC_ENV says something: one that is not announced does only where it is not 0."""
    return bool(general.get(_COUNTED.get(name, ""), 0) or row.number(name))


def twins(row: Answer, general: Capabilities) -> Iterator[Setting]:
    """Yield the settings of other planes that an answer tells."""
    if row.command in _READERS:
        yield from _READERS[row.command](row, general)


def _nic_port(row: Answer, general: Capabilities) -> Iterator[Setting]:
    if row.where:
        return
    yield from _guids(row)
    address = row.number("permanent_address")
    if address:
        yield row.setting("address.permanent", text(mac(address)), "identity", "ethtool")


def _guids(row: Answer) -> Iterator[Setting]:
    for name, known in (("node_guid", "node_guid"), ("system_image_guid", "sys_image_guid")):
        number = row.number(name)
        if number:
            yield row.setting(known, text(guid(number)), "identity", "rdma")


def _infiniband_port(row: Answer, general: Capabilities) -> Iterator[Setting]:
    if row.where:
        return
    yield from _guids(row)
    port = f"port{row.asked.get('port_num', 1)}"
    for name in ("lid", "sm_lid"):
        number = row.number(name)
        if number is not None:
            yield row.setting(f"{port}.{name}", text(f"{number:#x}"), "health", "rdma")
    states = (("vport_state", "state", PORT_STATES), ("port_physical_state", "phys_state", PHYSICAL_STATES))
    for name, known, words in states:
        number = row.number(name)
        if number is not None and number in words:
            yield row.setting(f"{port}.{known}", text(f"{number}: {words[number]}"), "health", "rdma")


def _link_state(row: Answer, general: Capabilities) -> Iterator[Setting]:
    """What a physical function set for the link of a virtual one, whose port is one above its number."""
    admin = row.number("admin_state")
    if row.vport and row.asked.get("op_mod") == 1 and admin in LINK_STATES:
        yield row.setting(f"vf.link_state@{row.vport - 1}", text(LINK_STATES[admin]), "config", "net")


def _vlan(row: Answer, general: Capabilities) -> Iterator[Setting]:
    """The VLAN of a virtual function, where its port's context has it; newer drivers have it in a flow table."""
    if row.vport and row.number("vport_cvlan_insert"):
        for name, field in (("vf.vlan", "cvlan_id"), ("vf.qos", "cvlan_pcp")):
            number = row.number(field)
            if number is not None:
                yield row.setting(f"{name}@{row.vport - 1}", typed(number, 12), "config", "net")


def _multiport(row: Answer, general: Capabilities) -> Iterator[Setting]:
    """Whether joined ports are one eswitch; where no ports are joined, there need be no such parameter."""
    mode = row.number("port_select_mode")
    if row.number("lag_state") and mode is not None:
        yield row.setting("esw_multiport", typed(int(mode == MULTIPORT), 1), "config", "devlink", "runtime")


def _wake(row: Answer, general: Capabilities) -> Iterator[Setting]:
    mode = row.number("wol_mode")
    if mode is None or general.get("port_type") != ETHERNET:
        return
    able = "".join(letter for letter in WAKE_BITS.values() if general.get(f"wol_{letter}")) or "d"
    on = "".join(letter for bit, letter in WAKE_BITS.items() if mode >> bit & 1) or "d"
    yield row.setting("link.wake-on", text(on), "config", "ethtool")
    yield row.setting("link.supports-wake-on", text(able), "capability", "ethtool")


def _traffic(row: Answer, general: Capabilities) -> Iterator[Setting]:
    if row.where or general.get("port_type") != ETHERNET:
        return
    for field, name in TRAFFIC.items():
        number = row.number(field)
        if number is not None:
            yield row.setting(f"stats.{name}", typed(number, 64), "counter", "ethtool")


def _environment(row: Answer, general: Capabilities) -> Iterator[Setting]:
    for name in REPORTED:
        number = row.number(name)
        if not row.where and number is not None and counts(name, row, general):
            yield row.setting(f"vnic.diagnose.vnic-env-counters.{name}", typed(number, 64), "counter", "health")


_READERS: Mapping[str, Callable[[Answer, Capabilities], Iterator[Setting]]] = {
    "QUERY_NIC_VPORT_CONTEXT": _nic_port, "QUERY_HCA_VPORT_CONTEXT": _infiniband_port,
    "QUERY_VPORT_STATE": _link_state, "QUERY_ESW_VPORT_CONTEXT": _vlan, "QUERY_LAG": _multiport,
    "QUERY_WOL_ROL": _wake, "QUERY_VPORT_COUNTER": _traffic, "QUERY_VNIC_ENV": _environment,
}  # fmt: skip
