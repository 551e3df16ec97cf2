"""Netdevs of each function, wherever they hang: sysfs attributes, driver, features, rings and channels."""

from __future__ import annotations

from collections.abc import Iterable

from sosmlx.collectors.pci import DEVICES, functions
from sosmlx.collectors.spec import Collector, Command, File, Read, names
from sosmlx.record import Record

ATTRIBUTES = (
    "mtu", "tx_queue_len", "address", "operstate", "speed", "duplex", "phys_port_name", "phys_switch_id", "dev_port",
    "carrier_changes",
)  # fmt: skip
OPTIONS = (
    ("ethtool.driver", "-i"),
    ("ethtool.features", "-k"),
    ("ethtool.rings", "-g"),
    ("ethtool.channels", "-l"),
    ("ethtool.priv-flags", "--show-priv-flags"),
)


def _netdevs(record: Record) -> Iterable[Read]:
    reads: list[Read] = []
    for name in names(record):
        subject = f"{record.subject}/{name}"
        reads += [File("net.attribute", f"/sys/class/net/{name}/{attribute}", subject) for attribute in ATTRIBUTES]
        reads += [Command(kind, ("ethtool", option, name), subject) for kind, option in OPTIONS]
    return reads


def _of_function(bdf: str) -> Iterable[Read]:
    return [File("pci.netdevs", f"{DEVICES}/{bdf}/net", bdf, "names", expand=_netdevs, pattern=b"{netdev}")]


NETDEV = Collector(
    "netdev",
    "netdevs: attributes, driver, features, rings, channels",
    (functions(_of_function), Command("tool.version", ("ethtool", "--version"))),
    needs=("ethtool",),
)
