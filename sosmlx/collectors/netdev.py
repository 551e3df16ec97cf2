"""Netdevs of each function, wherever they hang: sysfs attributes, and which of them are worth asking more."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Callable

from sosmlx.collectors.pci import DEVICES, functions
from sosmlx.collectors.spec import Collector, File, Read, names
from sosmlx.record import Record

HOME = "/sys/class/net"
ATTRIBUTES = (
    "mtu", "tx_queue_len", "address", "operstate", "speed", "duplex", "phys_port_name", "phys_switch_id", "dev_port",
    "carrier_changes", "type",
)  # fmt: skip

_ETHERNET = "1"
_REPRESENTOR = re.compile(r"(?:c\d+)?pf\d+(?:vf|sf)\d+\Z")

OfNetdev = Callable[[str, str], Iterable[Read]]
"""A netdev's name and its subject to what is read of it."""


def netdevs(then: OfNetdev) -> File:
    """Read on with `then(name, subject)` for each netdev of each function."""

    def each(record: Record) -> Iterable[Read]:
        return [read for name in names(record) for read in then(name, f"{record.subject}/{name}")]

    def of_function(bdf: str) -> Iterable[Read]:
        return [File("pci.netdevs", f"{DEVICES}/{bdf}/net", bdf, "names", expand=each, pattern=b"{netdev}")]

    return functions(of_function)


def ethernet(then: OfNetdev) -> File:
    """Read on with Ethernet netdevs, representors left out: an IPoIB netdev has neither ethtool's knobs nor DCB.

    The kernel tells by the ARP hardware type (`include/uapi/linux/if_arp.h`: 1 Ethernet, 32 InfiniBand), and names the
    port of a representor after the function that it stands for (`pf0vf3`).
    """

    def asked(name: str, subject: str) -> Iterable[Read]:
        def own_port(record: Record) -> Iterable[Read]:
            return () if _REPRESENTOR.match(_word(record)) else then(name, subject)

        def by_type(record: Record) -> Iterable[Read]:
            if record.has_bytes and _word(record) != _ETHERNET:
                return ()
            return [File("net.attribute", f"{HOME}/{name}/phys_port_name", subject, expand=own_port)]

        kind = File("net.attribute", f"{HOME}/{name}/type", subject, expand=by_type, pattern=_ETHERNET.encode())
        return [kind]

    return netdevs(asked)


def _word(record: Record) -> str:
    return record.data.decode("utf-8", "replace").strip()


MORE = (
    "addr_assign_type", "carrier", "carrier_up_count", "carrier_down_count", "dev_id", "flags", "ifalias", "ifindex",
    "link_mode", "name_assign_type", "threaded", "netdev_group", "gro_flush_timeout",
    "napi_defer_hard_irqs", "proto_down",
)  # fmt: skip
ECN = (
    "ecn/roce_np/cnp_802p_prio", "ecn/roce_np/cnp_dscp", "ecn/roce_np/min_time_between_cnps", "ecn/roce_np/enable/*",
    "ecn/roce_rp/enable/*", "ecn/roce_rp/clamp_tgt_rate", "ecn/roce_rp/rpg_gd", "ecn/roce_rp/rate_to_set_on_first_cnp",
)  # fmt: skip
COMPAT = (
    "compat/devlink/mode", "compat/devlink/encap", "compat/devlink/inline", "compat/devlink/steering_mode",
    "compat/devlink/vport_match_mode", "settings/hfunc", "settings/pfc_stall_prevention",
    "settings/force_local_lb_disable", "settings/prio_hp_num",
)  # fmt: skip
"""What the vendor's stack has in sysfs where the kernel has devlink and DCB: by name, no folder as a whole."""
QUEUES = (
    "rx-*/rps_cpus", "rx-*/rps_flow_cnt", "tx-*/xps_cpus", "tx-*/xps_rxqs", "tx-*/tx_maxrate",
    "tx-*/byte_queue_limits/limit_max",
)  # fmt: skip


def _attributes(name: str, subject: str) -> Iterable[Read]:
    return [File("net.attribute", f"{HOME}/{name}/{attribute}", subject) for attribute in ATTRIBUTES]


def _more(name: str, subject: str) -> Iterable[Read]:
    here = f"{HOME}/{name}"
    return [
        File("net.values", f"{here}/{{{','.join((*MORE, *ECN, *COMPAT))}}}", subject, "values"),
        File("net.queues", f"{here}/queues/{{{','.join(QUEUES)}}}", subject, "values", deadline=15.0),
        File("net.counters", f"{here}/statistics/*", subject, "values"),
    ]


NETDEV_MORE = Collector("netdev-queues", "netdevs: flags, queues, RoCE congestion control, counters", (netdevs(_more),))
NETDEV = Collector("netdev", "netdevs: address, port, MTU, link", (netdevs(_attributes),), tier=0)
