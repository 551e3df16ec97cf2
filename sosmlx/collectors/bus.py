"""The PCI side of each function beyond its identity: power, errors, the way up to the root, sensors, interrupts.

A function that belongs to VFIO is left alone: its data are its owner's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sosmlx.collectors.pci import DEVICES, Then, bound, functions
from sosmlx.collectors.spec import PLACEHOLDER, Collector, Command, File, Read, names
from sosmlx.record import Record

ATTRIBUTES = (
    "enable", "irq", "msi_bus", "dma_mask_bits", "consistent_dma_mask_bits", "d3cold_allowed", "reset_method",
    "ari_enabled", "broken_parity_status", "driver_override", "label", "acpi_index", "modalias", "sriov_offset",
    "sriov_stride", "sriov_vf_device", "sriov_vf_total_msix", "sriov_vf_msix_count", "power/control",
    "power/runtime_status", "link/clkpm", "link/l0s_aspm", "link/l1_aspm", "link/l1_1_aspm", "link/l1_2_aspm",
    "link/l1_1_pcipm", "link/l1_2_pcipm", "aer_dev_correctable", "aer_dev_nonfatal", "aer_dev_fatal",
    "ptp/*/clock_name", "ptp/*/max_adjustment", "ptp/*/n_programmable_pins", "ptp/*/pps_available",
)  # fmt: skip
LINK = (
    "vendor", "device", "class", "current_link_speed", "current_link_width", "max_link_speed", "max_link_width",
    "aer_rootport_total_err_cor", "aer_rootport_total_err_nonfatal", "aer_rootport_total_err_fatal",
)  # fmt: skip
SENSORS = "{name,temp*_label,temp*_input,temp*_highest,temp*_crit,temp*_crit_alarm}"
INTERRUPT = "{actions,chip_name,effective_affinity_list,smp_affinity_list,node}"
MOST_INTERRUPTS = 512

_PLACE = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]\Z")
_NUMBER = re.compile(r"\d{1,6}\Z")


def not_vfio(then: Then) -> Then:
    """Read on with `then(bdf)` unless a driver of VFIO owns the function."""

    def check(record: Record) -> Iterable[Read]:
        return () if "vfio" in record.data.decode("utf-8", "replace").rpartition("/")[2] else then(record.subject)

    def reads(bdf: str) -> Iterable[Read]:
        return [File("pci.link", f"{DEVICES}/{bdf}/driver", bdf, "link", expand=check, pattern=b"../mlx5_core")]

    return reads


def words(*each: str) -> str:
    """Write alternatives as a sweep does."""
    return "{" + ",".join(each) + "}" if len(each) > 1 else "".join(each)


def _bus(bdf: str) -> Iterable[Read]:
    here = f"{DEVICES}/{bdf}"
    yield File("pci.values", f"{here}/{words(*ATTRIBUTES)}", bdf, "values")
    yield File("pci.link", f"{here}/iommu_group", bdf, "link", expand=_group, pattern=b"../iommu_groups/{group}")


def _way_up(record: Record) -> Iterable[Read]:
    """Read of each port on the way up to the root what link it has and what it isolates, the function last.

    The function's path in sysfs names them.
    """
    steps = record.data.decode("utf-8", "replace").split("/")
    places = [step for step in steps if _PLACE.match(step) or PLACEHOLDER.match(step)]
    if not places:
        return []
    home = f"{DEVICES}/{words(*places)}"
    wakes = "the kernel wakes a port that sleeps for the time of the read"
    return [
        File("pci.upstream", f"{home}/{words(*LINK)}", record.subject, "values"),
        File("pci.config", f"{home}/config", record.subject, "config", hazard=wakes),
    ]


def _group(record: Record) -> Iterable[Read]:
    group = record.data.decode("utf-8", "replace").rpartition("/")[2]
    if not (_NUMBER.match(group) or PLACEHOLDER.match(group)):
        return []
    home = f"/sys/kernel/iommu_groups/{group}"
    return [
        File("pci.iommu", f"{home}/{words('type', 'reserved_regions')}", record.subject, "values"),
        File("folder.names", f"{home}/devices", record.subject, "names"),
    ]


def _driven(bdf: str) -> Iterable[Read]:
    here, bound_to = f"{DEVICES}/{bdf}", f"/sys/bus/pci/drivers/mlx5_core/{bdf}"
    yield File("pci.path", bound_to, bdf, "link", expand=_way_up, pattern=b"../../../../devices/{place}")
    hazard = "the kernel asks the firmware for its temperature"
    yield File("hwmon.values", f"{here}/hwmon/*/{SENSORS}", bdf, "values", hazard=hazard)
    yield File("folder.names", f"{here}/msi_irqs", bdf, "names", expand=_interrupts, pattern=b"{irq}")


def _interrupts(record: Record) -> Iterable[Read]:
    numbers = [name for name in names(record) if _NUMBER.match(name) or PLACEHOLDER.match(name)]
    if not numbers:
        return []
    path = f"/{words('sys/kernel', 'proc')}/irq/{words(*numbers[:MOST_INTERRUPTS])}/{INTERRUPT}"
    return [File("pci.irqs", path, record.subject, "values", deadline=15.0)]


BUS = Collector(
    "bus",
    "PCI functions: power, errors, ASPM, ports above and their ACS, IOMMU group, sensors, interrupts",
    (
        functions(not_vfio(_bus)),
        functions(bound("mlx5_core", _driven)),
        Command("lspci.show", ("lspci", "-D", "-nnvvv", "-d", "15b3:")),
    ),
)
