"""The table of collectors, in the order in which they run: evidence about the kernel first, firmware last."""

from __future__ import annotations

from sosmlx.collectors.devlink import DEVLINK
from sosmlx.collectors.fwctl import FWCTL
from sosmlx.collectors.kernel import KERNEL, LOG, MODULE
from sosmlx.collectors.netdev import NETDEV
from sosmlx.collectors.pci import PCI
from sosmlx.collectors.rdma import RDMA
from sosmlx.collectors.spec import Collector
from sosmlx.collectors.vendor import VENDOR

COLLECTORS: tuple[Collector, ...] = (KERNEL, MODULE, PCI, NETDEV, RDMA, DEVLINK, FWCTL, LOG)


def selected(*, vendor_access: bool = False) -> tuple[Collector, ...]:
    """Return the collectors of a run; vendor tools on PCI configuration space only on request."""
    return (*COLLECTORS, VENDOR) if vendor_access else COLLECTORS
