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
    nic = dict(found)
    for netdev in list(_object(function.get("netdevs")).values())[:1]:
        digits = str(_object(_object(netdev).get("sysfs")).get("address", "")).replace(":", "")
        if re.match(r"[0-9a-f]{12}\Z", digits):
            nic["permanent_address"] = int(digits, 16)
    return {"QUERY_NIC_VPORT_CONTEXT": nic, "QUERY_HCA_VPORT_CONTEXT": {**found, **port}}


def joined(*layers: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Lay answers over each other, field by field."""
    found: dict[str, dict[str, int]] = {}
    for layer in layers:
        for command, told in layer.items():
            found.setdefault(command, {}).update(told)
    return found


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
