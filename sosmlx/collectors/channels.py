"""The ways into each device that are open on this host: names only, nothing of it is opened."""

from __future__ import annotations

from collections.abc import Iterable

from sosmlx.collectors.adapters import CLASS
from sosmlx.collectors.pci import DEVICES, functions
from sosmlx.collectors.spec import Collector, File, Read
from sosmlx.collectors.watched import MST


def _entries(bdf: str) -> Iterable[Read]:
    return [File("pci.entries", f"{DEVICES}/{bdf}", bdf, "names")]


CHANNELS = Collector(
    "channels",
    "ways into each device, by name: fwctl, RDMA nodes, PCI resources, VFIO, mlx5ctl, vendor nodes, rshim",
    (
        File("fwctl.nodes", CLASS, how="names"),
        MST,
        File("misc.nodes", "/sys/class/misc", how="names"),
        File("cuse.nodes", "/sys/class/cuse", how="names"),
        functions(_entries),
    ),
    tier=0,
)
