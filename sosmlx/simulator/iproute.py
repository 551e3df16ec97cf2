"""What iproute2's tools print as JSON about a scenario's functions: devlink, ip, tc, bridge, dcb and rdma."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

Functions = Mapping[str, object]
Words = tuple[str, ...]

NO_SUCH_DEVICE = "No such device"
NOT_SUPPORTED = "Operation not supported"


class Refused(Exception):
    """The kernel does not answer: the words that the tool prints for why."""


_WHOLE: dict[Words, tuple[str, str]] = {
    ("dev", "show"): ("dev", "dev"), ("dev", "param", "show"): ("param", "params"),
    ("health", "show"): ("health", "health"), ("port", "show"): ("port", "ports"),
    ("port", "param", "show"): ("param", "port_params"), ("port", "function", "rate", "show"): ("rate", "rates"),
    ("region", "show"): ("regions", "regions"), ("lc", "show"): ("lc", "cards"), ("sb", "show"): ("sb", "sb"),
    ("sb", "pool", "show"): ("pool", "pools"), ("sb", "port", "pool", "show"): ("port_pool", "port_pools"),
    ("sb", "tc", "bind", "show"): ("tc_bind", "bindings"), ("trap", "show"): ("trap", "traps"),
    ("trap", "group", "show"): ("trap_group", "trap_groups"),
    ("trap", "policer", "show"): ("trap_policer", "trap_policers"),
}  # fmt: skip
"""Commands for the whole host: the member of the answer, and of a function's `devlink` in a scenario."""

_ONE: dict[Words, tuple[str, str]] = {
    ("dev", "info"): ("info", "info"), ("dev", "eswitch", "show"): ("dev", "eswitch"),
    ("resource", "show"): ("resources", "resources"),
}  # fmt: skip
_PLACES = ("ports", "port_params", "rates", "regions")
"""Members whose rows belong to something below a function: a port by its number, a region by its name."""


def devlink(words: Words, functions: Functions) -> str:
    """Answer `devlink -j WORDS`. Raises Refused."""
    if words in _WHOLE:
        member, key = _WHOLE[words]
        found: dict[str, object] = {}
        for bdf, body in functions.items():
            held = _object(_object(body).get("devlink"))
            value = held.get(key) if held else None
            if isinstance(value, dict) and key in _PLACES:
                found.update({f"pci/{bdf}/{place}": row for place, row in value.items()})
            elif value is not None or (held and key == "dev"):
                found[f"pci/{bdf}"] = value if value is not None else {}
        return _compact({member: found})
    if words[:2] == ("health", "diagnose") or words[:3] == ("health", "dump", "show"):
        member = "diagnoses" if words[1] == "diagnose" else "dumps"
        reporters = _of(functions, words[-3], member)
        if words[-1] not in reporters:
            raise Refused(NOT_SUPPORTED)
        return _compact(reporters[words[-1]])
    if words[:-1] in _ONE:
        member, key = _ONE[words[:-1]]
        return _compact({member: {words[-1]: _of(functions, words[-1], key)}})
    raise Refused(NOT_SUPPORTED)


def _of(functions: Functions, handle: str, key: str) -> Mapping[str, object]:
    body = functions.get(handle.split("/")[1] if "/" in handle else "")
    if "devlink" not in _object(body):
        raise Refused(NO_SUCH_DEVICE)
    held = _object(_object(body).get("devlink")).get(key)
    if held is None:
        raise Refused(NOT_SUPPORTED)
    return _object(held)


def links(tool: str, words: Words, functions: Functions) -> str:
    """Answer `ip`, `tc`, `bridge` and `dcb`, where the word after `dev` names a netdev. Raises Refused."""
    name = words[words.index("dev") + 1] if "dev" in words else ""
    for number, (known, netdev) in enumerate(_netdevs(functions), 2):
        if known == name:
            return _compact(_link(tool, words, name, number, netdev))
    raise Refused(NO_SUCH_DEVICE)


def _link(tool: str, words: Words, name: str, number: int, netdev: Mapping[str, object]) -> object:
    if tool == "dcb":
        held = _object(netdev.get("dcb"))
        if words[0] not in held:
            raise Refused(NOT_SUPPORTED)
        return held[words[0]]
    if tool == "tc":
        return [] if "filter" in words else [_queue(name)]
    if tool == "bridge":
        return []
    sysfs = _object(netdev.get("sysfs"))
    up = sysfs.get("operstate") == "up"
    row = {
        "ifindex": number, "ifname": name, "flags": ["BROADCAST", "MULTICAST", *(["UP", "LOWER_UP"] if up else [])],
        "mtu": sysfs.get("mtu", 1500), "qdisc": "mq", "operstate": str(sysfs.get("operstate", "down")).upper(),
        "group": "default", "txqlen": sysfs.get("tx_queue_len", 1000), "link_type": "ether",
        "address": sysfs.get("address", ""), "promiscuity": 0, **_object(netdev.get("ip")),
    }  # fmt: skip
    return [{**row, "addr_info": netdev.get("addresses", [])} if "addr" in words else row]


def _queue(name: str) -> Mapping[str, object]:
    return {
        "kind": "mq", "handle": "0:", "dev": name, "root": True, "options": {}, "bytes": 0, "packets": 0, "drops": 0,
        "overlimits": 0, "requeues": 0, "backlog": 0, "qlen": 0,
    }  # fmt: skip


def _netdevs(functions: Functions) -> Iterator[tuple[str, Mapping[str, object]]]:
    for body in functions.values():
        for name, netdev in _object(_object(body).get("netdevs")).items():
            yield name, _object(netdev)


def rdma(words: Words, functions: Functions) -> str:
    """Answer `rdma -j WORDS`. Raises Refused."""
    if words == ("system", "show"):
        return _compact({"netns": "shared", "copy-on-fork": "on"})
    name = words[-1].partition("/")[0]
    found = [_object(_object(body).get("rdma")) for body in functions.values()]
    devices = [(known, _object(held)) for each in found for known, held in each.items()]
    for number, (known, held) in enumerate(devices):
        if known == name:
            return _compact(_device(words, number, name, held))
    raise Refused(NO_SUCH_DEVICE)


def _device(words: Words, number: int, name: str, held: Mapping[str, object]) -> object:
    row: dict[str, object] = {"ifindex": number, "ifname": name}
    if words[0] == "dev":
        ids = {key: held[key] for key in ("node_guid", "sys_image_guid") if key in held}
        return [{**row, "node_type": "ca", "protocol": "roce", "fw": held.get("fw_ver", ""), **ids}]
    if words[0] == "link":
        ports = _object(held.get("ports")).items()
        return [{**row, "port": int(port), **_states(_object(attributes))} for port, attributes in ports]
    return (
        [{**row, "pd": 2, "cq": 3, "qp": 1, "mr": 0}] if words[:2] == ("resource", "show") and len(words) == 3 else []
    )


def _states(port: Mapping[str, object]) -> Mapping[str, object]:
    """Say the states of a port as the tool does, from sysfs's `4: ACTIVE` and `5: LinkUp`."""
    state, physical = (str(port.get(key, "")).partition(": ")[2] for key in ("state", "phys_state"))
    return {"state": state, "physical_state": "LINK_UP" if physical == "LinkUp" else physical.upper()}


def _compact(document: object) -> str:
    return json.dumps(document, separators=(",", ":")) + "\n"


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
