"""How the knobs of a network link are called, classed and typed, whichever form of `ip` printed them."""

from __future__ import annotations

import re

from sosmlx.model import Facet, Setting, SettingClass
from sosmlx.parsers import pairs, values
from sosmlx.parsers.pairs import Classes

_NAMES: dict[str, str] = {
    "txqlen": "tx_queue_len", "qlen": "tx_queue_len", "ifalias": "alias", "brd": "broadcast", "state": "operstate",
    "mode": "linkmode", "minmtu": "min_mtu", "maxmtu": "max_mtu", "addrgenmode": "inet6_addr_gen_mode",
    "numtxqueues": "num_tx_queues", "numrxqueues": "num_rx_queues", "portname": "phys_port_name",
    "portid": "phys_port_id", "switchid": "phys_switch_id", "protodown": "proto_down", "link-netns": "link_netns",
    "link-netnsid": "link_netnsid",
    "vf.mac": "vf.address", "vf.vlan_list.0.vlan": "vf.vlan", "vf.vlan_list.0.qos": "vf.qos",
    "vf.vlan_list.0.protocol": "vf.vlan_protocol", "vf.rate.max_tx": "vf.max_tx_rate",
    "vf.rate.min_tx": "vf.min_tx_rate", "vf.spoof checking": "vf.spoofchk", "vf.link-state": "vf.link_state",
    "vf.query_rss": "vf.query_rss_en", "vf.vlan protocol": "vf.vlan_protocol", "vf.tx rate": "vf.tx_rate",
    "inet.brd": "inet.broadcast", "inet.address": "inet.peer", "inet.valid_life_time": "inet.valid_lft",
    "inet.preferred_life_time": "inet.preferred_lft", "inet.proto": "inet.protocol", "inet6.address": "inet6.peer",
    "inet6.valid_life_time": "inet6.valid_lft", "inet6.preferred_life_time": "inet6.preferred_lft",
    "inet6.proto": "inet6.protocol",
    "bond.lacp_active": "bond.ad_lacp_active", "bond.lacp_rate": "bond.ad_lacp_rate",
    "bond.num_grat_arp": "bond.num_peer_notif", "bond.ad_aggregator": "bond.ad_info.aggregator",
    "bond.ad_num_ports": "bond.ad_info.num_ports", "bond.ad_actor_key": "bond.ad_info.actor_key",
    "bond.ad_partner_key": "bond.ad_info.partner_key", "bond.ad_partner_mac": "bond.ad_info.partner_mac",
    "vxlan.dstport": "vxlan.port",
}  # fmt: skip
_CLASSES: Classes = {
    "ifindex": "volatile", "link_index": "volatile", "link_netnsid": "volatile", "link": "identity",
    "link_type": "identity", "flags": "health", "operstate": "health", "address": "identity", "broadcast": "identity",
    "permaddr": "identity", "phys_port_name": "identity", "phys_port_id": "identity", "phys_switch_id": "identity",
    "parentbus": "identity", "parentdev": "identity", "altname": "identity", "min_mtu": "capability",
    "max_mtu": "capability", "tso_max_size": "capability", "tso_max_segs": "capability", "promiscuity": "volatile",
    "allmulti": "volatile", "event": "volatile", "vf.address": "identity", "vf.broadcast": "identity",
    "vf.link_type": "identity", "vf.node_guid": "identity", "vf.port_guid": "identity", "inet.valid_lft": "volatile",
    "inet.preferred_lft": "volatile", "inet6.valid_lft": "volatile", "inet6.preferred_lft": "volatile",
    "bond.active_slave": "health", "bond_slave.state": "health", "bond_slave.mii_status": "health",
    "bond_slave.perm_hwaddr": "identity", "bond_slave.link_failure_count": "counter",
    "bond_slave.ad_aggregator_id": "volatile", "bridge_slave.state": "health", "prog": "volatile",
}  # fmt: skip
_PATTERNS: tuple[tuple[re.Pattern[str], SettingClass], ...] = (
    (re.compile(r"(?:vf\.)?stats(?:64)?\."), "counter"),
    (
        re.compile(r"xdp\.prog|[\w.]*_timer$|bridge\.topology_change|bridge(?:_slave)?\.(?:root_|designated_)"),
        "volatile",
    ),
    (re.compile(r"bond\.ad_info\.|bond_slave\.ad_\w+_oper"), "health"),
)
_RATE = re.compile(r"(\d{1,10}) ?\(?Mb(?:ps|it)\)?\Z")


def named_as(word: str) -> str:
    """Give a word of the text or a member of the JSON the name that both have here.

    >>> named_as("qlen"), named_as("stats64.rx.bytes"), named_as("vf.link-state")
    ('tx_queue_len', 'stats.rx.bytes', 'vf.link_state')
    """
    return _NAMES.get(word, word.replace("stats64.", "stats.", 1))


def typed(device: str, name: str, value: object) -> Setting:
    """Make the setting of one knob of a link.

    >>> typed("eth0", "operstate", "UP").facets[0][1].value, typed("eth0", "vf.max_tx_rate@1", "50Mbps").cls
    ('up', 'config')
    """
    base = name.partition("@")[0]
    cls: SettingClass = next((cls for pattern, cls in _PATTERNS if pattern.match(base)), "config")
    if isinstance(value, str):
        rate = _RATE.match(value)
        if base == "operstate":  # sysfs spells it in lower case
            value = Facet(value.lower(), value)
        elif rate:
            value = Facet(int(rate[1]), value)
        elif base in ("phys_switch_id", "qdisc", "alias", "master"):
            value = values.text(value)
    return pairs.setting(device, "net", name, value, _CLASSES, cls)
