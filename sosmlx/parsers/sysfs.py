"""sysfs attributes of PCI functions, netdevs and RDMA devices: one value per file, typed by the file's name.

Formats: `Documentation/ABI/testing/sysfs-bus-pci`, `testing/sysfs-class-net`, `stable/sysfs-class-infiniband`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Callable

from sosmlx.model import Evidence, Facet, Fact, Item, Plane, Setting, SettingClass
from sosmlx.parsers import values
from sosmlx.parsers.spec import BDF, Parser, heading, unparsed
from sosmlx.record import HOST, Record

Typed = Callable[[str], Facet]
Row = tuple[SettingClass, Typed]

PCI: dict[str, Row] = {
    "vendor": ("identity", values.text), "device": ("identity", values.text), "class": ("identity", values.text),
    "revision": ("identity", values.text), "subsystem_vendor": ("identity", values.text),
    "subsystem_device": ("identity", values.text), "numa_node": ("config", values.number),
    "local_cpulist": ("config", values.text), "sriov_totalvfs": ("capability", values.number),
    "sriov_numvfs": ("config", values.number), "sriov_drivers_autoprobe": ("config", values.number),
    "current_link_speed": ("capability", values.text), "current_link_width": ("capability", values.number),
    "max_link_speed": ("capability", values.text), "max_link_width": ("capability", values.number),
    "power_state": ("volatile", values.text),
}  # fmt: skip
NET: dict[str, Row] = {
    "mtu": ("config", values.number), "tx_queue_len": ("config", values.number), "address": ("identity", values.text),
    "operstate": ("health", values.text), "speed": ("health", values.number), "duplex": ("health", values.text),
    "phys_port_name": ("identity", values.text), "phys_switch_id": ("identity", values.text),
    "dev_port": ("identity", values.number), "carrier_changes": ("counter", values.number),
}  # fmt: skip
RDMA: dict[str, Row] = {
    "fw_ver": ("firmware", values.text), "board_id": ("identity", values.text), "hca_type": ("identity", values.text),
    "node_guid": ("identity", values.text), "sys_image_guid": ("identity", values.text),
    "node_desc": ("config", values.text), "node_type": ("identity", values.text), "hw_rev": ("identity", values.text),
    "state": ("health", values.text), "phys_state": ("health", values.text), "rate": ("health", values.text),
    "link_layer": ("config", values.text), "lid": ("config", values.text), "sm_lid": ("config", values.text),
}  # fmt: skip

_FACTS = {
    "board_id": "psid", "fw_ver": "fw.version.running", "sys_image_guid": "asic", "class": "class",
    "device": "device_id", "phys_port_name": "phys_port_name",
}  # fmt: skip

_COUNTERS = re.compile(r"/((?:hw_)?counters|statistics)/[^/]+\Z")
_PORT = re.compile(r"/ports/(\d+)/")


def pci(text: str, record: Record) -> Iterator[Item]:
    """Read one attribute of `/sys/bus/pci/devices/BDF`."""
    yield from _attribute(text, record, "pci", PCI)


def net(text: str, record: Record) -> Iterator[Item]:
    """Read one attribute of `/sys/class/net/NAME`."""
    yield from _attribute(text, record, "net", NET)


def rdma(text: str, record: Record) -> Iterator[Item]:
    """Read one attribute of `/sys/class/infiniband/NAME` or of one of its ports."""
    yield from _attribute(text, record, "rdma", RDMA)


def hwmon(text: str, record: Record) -> Iterator[Item]:
    """Read one attribute of `/sys/class/hwmon/hwmonN`: temperatures are in thousandths of a degree Celsius."""
    value = text.strip()
    rows = [row for row in text.split("\n") if row.strip()]
    cls: SettingClass = "health" if record.name.endswith(("_input", "_highest", "_alarm")) else "capability"
    facet = values.number(rows[0].strip() if rows else value)
    yield Setting(record.subject, "health", f"hwmon.{record.name}", "", (("current", facet),), cls)
    yield from unparsed("\n".join(rows[1:]), 2)


def link(text: str, record: Record) -> Iterator[Item]:
    """Read a link of a PCI function (`driver`, `physfn`, `iommu_group`, a fwctl node's `device`): its target's name."""
    target = text.strip().rpartition("/")[2]
    if record.kind == "fwctl.device":
        if BDF.fullmatch(target):
            yield Fact(target, "fwctl", record.part)
        yield heading(record.subject, text)
        return
    if text.strip():
        yield heading(record.subject, text)
    yield Fact(record.function, record.name, target)
    cls: SettingClass = "volatile" if record.name == "iommu_group" else "config"
    yield Setting(record.function, "pci", record.name, "", (("current", Facet(target, target)),), cls)


def path(text: str, record: Record) -> Iterator[Item]:
    """Read where a function stands in the tree of buses: the ports above it, from the root on."""
    places = tuple(place for place in text.strip().split("/")[:-1] if BDF.fullmatch(place))
    if text.strip():
        yield heading(record.subject, text)
    if places:
        facet = Facet(places, " ".join(places) if len(places) == 1 else "")
        yield Setting(record.function, "pci", "upstream", "", (("current", facet),), "identity")


def names(text: str, record: Record) -> Iterator[Item]:
    """Read a folder's names: netdevs, RDMA devices or fwctl nodes of a function, or just what is there."""
    fact = {"pci.netdevs": "netdev", "pci.rdma": "rdma", "platform.bluefield": "bluefield"}.get(record.kind)
    for name in text.split("\n"):
        if name and record.kind == "fwctl.nodes":
            yield Evidence("fwctl.node", HOST, name)
            if record.subject != HOST:
                yield Fact(record.subject, "fwctl", name)
        elif name:
            yield heading(record.subject, name)
        if name and fact:
            yield Fact(record.function, fact, name)


def _attribute(text: str, record: Record, plane: Plane, table: dict[str, Row]) -> Iterator[Item]:
    value = text.strip()
    counters = _COUNTERS.search(record.path)
    cls, typed = table.get(record.name, ("counter" if counters else "config", values.word))
    port = _PORT.search(record.path)
    inner = f"{counters[1]}.{record.name}" if counters else record.name
    name = f"port{port[1]}.{inner}" if port else inner
    rows = [row for row in text.split("\n") if row.strip()]
    yield Setting(record.subject, plane, name, "", (("current", typed(rows[0].strip() if rows else value)),), cls)
    if record.name in _FACTS and value:
        yield Fact(record.subject, _FACTS[record.name], value)
    yield from unparsed("\n".join(rows[1:]), 2)


TABLE = (
    Parser("pci.attribute", pci, ("pci",), identity=True),
    Parser("pci.link", link, ("pci",), identity=True),
    Parser("pci.netdevs", names, (), identity=True),
    Parser("pci.rdma", names, (), identity=True),
    Parser("pci.functions", names),
    Parser("net.attribute", net, ("net",), identity=True),
    Parser("rdma.ports", names),
    Parser("rdma.attribute", rdma, ("rdma",), identity=True),
    Parser("hwmon.attribute", hwmon, ("health",)),
    Parser("pci.path", path, ("pci",)),
    Parser("folder.names", names),
    Parser("fwctl.nodes", names, (), identity=True),
    Parser("fwctl.device", link, (), identity=True),
    Parser("platform.bluefield", names, (), identity=True),
)
