"""The table of collectors, in the order in which they run: evidence about the kernel first, firmware last."""

from __future__ import annotations

from collections.abc import Collection

from sosmlx.collectors.again import AGAIN
from sosmlx.collectors.bus import BUS
from sosmlx.collectors.channels import CHANNELS
from sosmlx.collectors.devlink import DEVLINK, DEVLINK_MORE, HEALTH_DUMPS, REGION_DUMPS
from sosmlx.collectors.ethtool import ETHTOOL, ETHTOOL_COUNTERS
from sosmlx.collectors.firmware_state import FIRMWARE_STATE, FIRMWARE_SWEEP
from sosmlx.collectors.fwctl import FWCTL
from sosmlx.collectors.host import GOVERNORS, HOST_SIDE, SERVICES
from sosmlx.collectors.kernel import KERNEL, LOG, MODULE
from sosmlx.collectors.netdev import NETDEV, NETDEV_MORE
from sosmlx.collectors.netlink import FORWARDING, NETLINK, TC_FILTERS
from sosmlx.collectors.packages import PACKAGE_OWNERS
from sosmlx.collectors.pci import PCI
from sosmlx.collectors.rdma import RDMA, RDMA_COUNTERS, RDMA_OBJECTS, RDMA_TABLES, RDMA_TOOL
from sosmlx.collectors.registers import REGISTERS, SWEEPS
from sosmlx.collectors.spec import Collector
from sosmlx.collectors.vendor import VENDOR

COLLECTORS: tuple[Collector, ...] = (
    KERNEL, MODULE, PCI, CHANNELS, NETDEV, RDMA, BUS, HOST_SIDE, SERVICES, NETDEV_MORE, RDMA_TABLES, RDMA_COUNTERS,
    DEVLINK, ETHTOOL, ETHTOOL_COUNTERS, NETLINK, RDMA_TOOL, PACKAGE_OWNERS, GOVERNORS,
    DEVLINK_MORE, FORWARDING, RDMA_OBJECTS, HEALTH_DUMPS, REGION_DUMPS, TC_FILTERS,
    FWCTL, AGAIN, REGISTERS, FIRMWARE_STATE, SWEEPS, FIRMWARE_SWEEP, LOG,
)  # fmt: skip

"""`AGAIN` stands late: the counters that it reads once more have then been read for a while."""

PROFILES = {"minimal": 0, "default": 1, "full": 2}
"""The highest tier of each profile; a collector of tier 3 runs only where its own option is given."""


def selected(
    profile: str = "default", vendor_access: bool = False, options: Collection[str] = ()
) -> tuple[Collector, ...]:
    """Return the collectors of a run; vendor tools on PCI configuration space only on request.

    `profile` is a key of PROFILES, `options` are names of options that collectors declare.
    """
    highest = PROFILES[profile]
    chosen = tuple(row for row in COLLECTORS if row.option in options or (row.tier <= highest and not row.option))
    return (*chosen, VENDOR) if vendor_access else chosen
