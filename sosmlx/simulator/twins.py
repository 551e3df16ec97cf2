"""Let a simulated adapter's registers say what the host's files and tools say of the same function."""

from __future__ import annotations

from collections.abc import Mapping

from sosmlx.simulator.state import Fields, State

_SPEEDS = {"2.5": 0x01, "5.0": 0x02, "8.0": 0x04, "16.0": 0x10, "32.0": 0x20, "64.0": 0x40}
"""PCI Express speeds in GT/s as MPEIN has them."""
_CELL = 144
"""Bytes of a cell of a receive buffer, as the healthy adapter's SBCAM tells."""
_TRUSTS_DSCP = 2
_LOSSY = 57
"""The bit of a buffer in PBMC that says that it drops frames."""
_FRAME = 22
"""Bytes of a frame around what a netdev's MTU counts: Ethernet's header, a VLAN tag, and the check sum."""


def of_host(function: Mapping[str, object]) -> State:
    """Give fields by register for a scenario's function; of several netdevs the first counts."""
    found: dict[str, Fields] = {}
    pci = _object(function.get("pci"))
    speed = _SPEEDS.get(str(pci.get("current_link_speed", "")).split(" ")[0])
    width = pci.get("current_link_width")
    if speed and isinstance(width, int):
        found["MPEIN"] = {"link_speed_active": speed, "link_width_active": width}
    for netdev in list(_object(function.get("netdevs")).values())[:1]:
        found.update(_of_netdev(_object(netdev)))
    return found


def _of_netdev(netdev: Mapping[str, object]) -> dict[str, Fields]:
    sysfs, pause, dcb = (_object(netdev.get(name)) for name in ("sysfs", "pause", "dcb"))
    found: dict[str, Fields] = {}
    mtu, rate = sysfs.get("mtu"), sysfs.get("speed")
    if isinstance(mtu, int):
        found["PMTU"] = {"admin_mtu": mtu + _FRAME, "oper_mtu": mtu + _FRAME}
    if isinstance(rate, int) and rate > 0:
        found["PTYS@4"] = {"data_rate_oper": rate // 100, "max_port_rate": rate // 1000}
    flow: dict[str, int] = {}
    for field, name in (("pprx", "RX"), ("pptx", "TX")):
        if name in pause:
            flow[field] = int(pause[name] == "on")
    priorities = _list(_object(dcb.get("pfc")).get("prio_pfc"))
    if priorities:
        flow["pfctx"] = flow["pfcrx"] = sum(1 << prio for prio, on in enumerate(priorities[:8]) if on)
    found["PFCC"] = flow
    lossless = [prio for prio, on in enumerate(priorities[:8]) if on]
    if lossless:
        found["PBMC"] = {"buffer": [1 << _LOSSY | 2000 << 32, 4000 << 32]}
        found["PPTB"] = {f"prio{prio}buff": 1 for prio in lossless}
    found.update(_of_buffers(_object(dcb.get("buffer"))))
    points = [pair for pair in _list(_object(dcb.get("app")).get("dscp_prio")) if isinstance(pair, list)]
    if points:
        priorities_of = {int(point): int(prio) for point, prio in points}
        found["QPTS"] = {"trust_state": _TRUSTS_DSCP}
        found["QPDPM"] = {"dscp": [priorities_of.get(point, 0) for point in range(64)]}
    for prio, tclass in enumerate(_list(_object(dcb.get("ets")).get("prio_tc"))[:8]):
        if isinstance(tclass, int):
            found[f"QTCT@{prio}"] = {"tclass": tclass & 0xF}
    if priorities or pause.get("Autonegotiate") is not None:
        found["PTYS"] = {"an_disable_admin": int(_object(netdev.get("link")).get("Auto-negotiation") == "off")}
    return found


def _of_buffers(buffers: Mapping[str, object]) -> dict[str, Fields]:
    sizes = [int(str(size)) // _CELL for size in _list(buffers.get("buffer_size"))]
    found: dict[str, Fields] = {}
    if sizes:
        found["PBMC"] = {"buffer": [size << 32 for size in sizes], "port_buffer_size": sum(sizes)}
    of_priorities = _list(buffers.get("prio_buffer"))[:8]
    if of_priorities:
        found["PPTB"] = {f"prio{prio}buff": int(str(buffer)) for prio, buffer in enumerate(of_priorities)}
    return found


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
