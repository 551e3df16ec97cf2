"""What a scenario's function tells of its firmware without naming it: its kind, and what the kernel shows of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sosmlx.simulator.commands import INFINIBAND, VIRTUAL

Object = Mapping[str, object]


def kind_of(function: Object) -> Mapping[str, int]:
    """Say what an InfiniBand port or a virtual function has otherwise."""
    found: dict[str, int] = {}
    if str(_object(function.get("pci")).get("class", "")).startswith("0x0207"):
        found.update(INFINIBAND)
    if "physfn" in function:
        found.update(VIRTUAL)
    return found


def shown_by(function: Object) -> dict[str, dict[str, int]]:
    """Give the firmware what the scenario's RDMA device and netdev show of it, too."""
    found: dict[str, int] = {}
    port: dict[str, int] = {}
    for rdma in list(_object(function.get("rdma")).values())[:1]:
        for name, field in (("node_guid", "node_guid"), ("sys_image_guid", "system_image_guid")):
            digits = str(_object(rdma).get(name, "")).replace(":", "")
            if re.match(r"[0-9a-f]{16}\Z", digits):
                found[field] = int(digits, 16)
        shown = _object(_object(_object(rdma).get("ports")).get("1"))
        port = {name: int(str(shown[name]), 0) for name in ("lid", "sm_lid") if name in shown}
        states = (("state", "vport_state"), ("phys_state", "port_physical_state"))
        numbers = {field: str(shown.get(name, ""))[:1] for name, field in states}
        port.update({field: int(number) for field, number in numbers.items() if number.isdigit()})
    told = {"QUERY_NIC_VPORT_CONTEXT": found, "QUERY_HCA_VPORT_CONTEXT": {**found, **port}, **_multiport(function)}
    for netdev in list(_object(function.get("netdevs")).values())[:1]:
        told = joined(told, _netdev(_object(netdev)))
    return told


_WAKES = {"p": 7, "u": 6, "m": 5, "b": 4, "a": 3, "g": 2, "s": 1}
_LINKS = {"disable": 0, "enable": 1, "auto": 2}


def _netdev(netdev: Object) -> dict[str, dict[str, int]]:
    """Say the address, what wakes the host, and what was set for virtual functions, whose ports count from 1."""
    found: dict[str, dict[str, int]] = {}
    digits = str(_object(netdev.get("sysfs")).get("address", "")).replace(":", "")
    if re.match(r"[0-9a-f]{12}\Z", digits):
        found["QUERY_NIC_VPORT_CONTEXT"] = {"permanent_address": int(digits, 16)}
    letters = _object(netdev.get("link")).get("Wake-on")
    if letters is not None:
        found["QUERY_WOL_ROL"] = {"wol_mode": sum(1 << _WAKES[letter] for letter in str(letters) if letter in _WAKES)}
    rows = _object(netdev.get("ip")).get("vfinfo_list")
    for vf in map(_object, rows if isinstance(rows, list) else []):
        port = _number(vf.get("vf")) + 1
        found[f"QUERY_VPORT_STATE@{port}"] = {"admin_state": _LINKS.get(str(vf.get("link_state")), 2)}
        vlans = vf.get("vlan_list")
        vlan = _object(vlans[0]) if isinstance(vlans, list) and vlans else {}
        if vlan.get("vlan"):
            context = {"cvlan_id": _number(vlan["vlan"]) & 0xFFF, "cvlan_pcp": _number(vlan.get("qos")) & 7}
            found[f"QUERY_ESW_VPORT_CONTEXT@{port}"] = {"vport_cvlan_strip": 1, "vport_cvlan_insert": 1, **context}
    return found


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _multiport(function: Object) -> dict[str, dict[str, int]]:
    """Say that the ports are joined where devlink says that they are one eswitch."""
    rows = _object(function.get("devlink")).get("params")
    for row in map(_object, rows if isinstance(rows, list) else []):
        values = row.get("values")
        if row.get("name") == "esw_multiport" and isinstance(values, list) and _object(values[0]).get("value") is True:
            return {"QUERY_LAG": {"lag_state": 1, "port_select_mode": 2}}
    return {}


def joined(*layers: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Lay answers over each other, field by field."""
    found: dict[str, dict[str, int]] = {}
    for layer in layers:
        for command, told in layer.items():
            found.setdefault(command, {}).update(told)
    return found


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
