"""RDMA devices of each function: identity, firmware version, and the state of each port."""

from __future__ import annotations

from collections.abc import Iterable

from sosmlx.collectors.pci import DEVICES, functions
from sosmlx.collectors.spec import Collector, File, Read, names
from sosmlx.record import Record

ATTRIBUTES = ("fw_ver", "board_id", "hca_type", "hw_rev", "node_guid", "sys_image_guid", "node_type", "node_desc")
PORT_ATTRIBUTES = ("state", "phys_state", "rate", "link_layer", "lid", "sm_lid")


def _ports(record: Record) -> Iterable[Read]:
    folder = record.path
    return [
        File("rdma.attribute", f"{folder}/{port}/{name}", record.subject)
        for port in names(record)
        for name in PORT_ATTRIBUTES
    ]


def _devices(record: Record) -> Iterable[Read]:
    reads: list[Read] = []
    for name in names(record):
        here, subject = f"/sys/class/infiniband/{name}", f"{record.subject}/{name}"
        reads += [File("rdma.attribute", f"{here}/{attribute}", subject) for attribute in ATTRIBUTES]
        reads.append(File("rdma.ports", f"{here}/ports", subject, "names", expand=_ports, pattern=b"{port}"))
    return reads


def _of_function(bdf: str) -> Iterable[Read]:
    return [File("pci.rdma", f"{DEVICES}/{bdf}/infiniband", bdf, "names", expand=_devices, pattern=b"{rdma}")]


RDMA = Collector("rdma", "RDMA devices: identity and port state", (functions(_of_function),))
