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


def _attributes(name: str, subject: str) -> Iterable[Read]:
    return [File("net.attribute", f"{HOME}/{name}/{attribute}", subject) for attribute in ATTRIBUTES]


NETDEV = Collector("netdev", "netdevs: address, port, MTU, link", (netdevs(_attributes),), tier=0)
