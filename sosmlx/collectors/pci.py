"""Discovery from sysfs, by vendor and nothing else; PCI link, SR-IOV, NUMA and driver of each function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable

from sosmlx.collectors.spec import Collector, File, Read, names
from sosmlx.record import Record

DEVICES = "/sys/bus/pci/devices"
MELLANOX = b"0x15b3"

ATTRIBUTES = (
    "vendor", "device", "class", "revision", "subsystem_vendor", "subsystem_device", "numa_node", "local_cpulist",
    "sriov_totalvfs", "sriov_numvfs", "sriov_drivers_autoprobe", "current_link_speed", "current_link_width",
    "max_link_speed", "max_link_width", "power_state",
)  # fmt: skip
LINKS = ("driver", "physfn", "iommu_group")

Then = Callable[[str], Iterable[Read]]


def functions(then: Then) -> File:
    """Find every PCI function of vendor 0x15b3, any class, any domain, and read on with `then(bdf)`."""

    def ours(record: Record) -> Iterable[Read]:
        return then(record.subject) if record.data.strip() == MELLANOX else ()

    def each(record: Record) -> Iterable[Read]:
        return [
            File("pci.attribute", f"{DEVICES}/{bdf}/vendor", bdf, expand=ours, pattern=MELLANOX, probe=True)
            for bdf in names(record, "bdf")
        ]

    return File("pci.functions", DEVICES, how="names", expand=each, pattern=b"{bdf}")


def bound(driver: str, then: Then) -> Then:
    """Read on with `then(bdf)` only where the function is bound to that driver."""

    def check(record: Record) -> Iterable[Read]:
        return then(record.subject) if record.data.decode("utf-8", "replace").endswith(f"/{driver}") else ()

    def reads(bdf: str) -> Iterable[Read]:
        pattern = f"../{driver}".encode()
        return [File("pci.link", f"{DEVICES}/{bdf}/driver", bdf, "link", expand=check, pattern=pattern)]

    return reads


def _attributes(bdf: str) -> list[Read]:
    here = f"{DEVICES}/{bdf}"
    files: list[Read] = [File("pci.attribute", f"{here}/{name}", bdf) for name in ATTRIBUTES]
    return files + [File("pci.link", f"{here}/{name}", bdf, "link") for name in LINKS]


PCI = Collector("pci", "PCI functions: identity, link, SR-IOV, NUMA, driver", (functions(_attributes),), tier=0)
