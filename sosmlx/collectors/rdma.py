"""RDMA devices of each function: identity, firmware version and ports in sysfs, and what iproute2's rdma tells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable

from sosmlx.collectors.pci import DEVICES, functions
from sosmlx.collectors.spec import Collector, Command, File, Read, names
from sosmlx.record import Record

HOME = "/sys/class/infiniband"
ATTRIBUTES = ("fw_ver", "board_id", "hca_type", "hw_rev", "node_guid", "sys_image_guid", "node_type", "node_desc")
PORT_ATTRIBUTES = (
    "state", "phys_state", "rate", "link_layer", "lid", "lid_mask_count", "sm_lid", "sm_sl", "cap_mask", "has_smi",
)  # fmt: skip
SHOWN = (("rdma.dev", ("dev",)), ("rdma.link", ("link",)), ("rdma.resource", ("resource",)))
OBJECTS = (
    ("qp", "link"),
    ("cm_id", "link"),
    ("cq", "dev"),
    ("pd", "dev"),
    ("mr", "dev"),
    ("ctx", "dev"),
    ("srq", "dev"),
)
"""Kinds of objects, and whether rdma-resource(8) takes a link or a device for them."""
GIDS = ("gids", "gid_attrs/types", "gid_attrs/ndevs")
DEADLINE = 15.0

OfDevice = Callable[[str, str], Iterable[Read]]
"""An RDMA device's name and its subject to what is read of it."""


def devices(then: OfDevice) -> File:
    """Read on with `then(name, subject)` for each RDMA device of each function.

    Where there is one, the RDMA core is loaded: no tool that is asked about it makes the kernel load it.
    """

    def each(record: Record) -> Iterable[Read]:
        return [read for name in names(record) for read in then(name, f"{record.subject}/{name}")]

    def of_function(bdf: str) -> Iterable[Read]:
        return [File("pci.rdma", f"{DEVICES}/{bdf}/infiniband", bdf, "names", expand=each, pattern=b"{rdma}")]

    return functions(of_function)


def _ports(record: Record) -> Iterable[Read]:
    folder = record.path
    return [
        File("rdma.attribute", f"{folder}/{port}/{name}", record.subject)
        for port in names(record)
        for name in PORT_ATTRIBUTES
    ]


def _attributes(name: str, subject: str) -> Iterable[Read]:
    reads: list[Read] = [File("rdma.attribute", f"{HOME}/{name}/{attribute}", subject) for attribute in ATTRIBUTES]
    return [*reads, File("rdma.ports", f"{HOME}/{name}/ports", subject, "names", expand=_ports, pattern=b"{port}")]


def _command(kind: str, words: Iterable[str], subject: str = "host") -> Command:
    return Command(kind, ("rdma", *words), subject, deadline=DEADLINE, channel="rdma")


def _tool(name: str, subject: str) -> Iterable[Read]:
    yield from (_command(kind, ("-j", "-d", *words, "show", name), subject) for kind, words in SHOWN)
    yield _command("rdma.system", ("-j", "system", "show"))
    yield _command("tool.version", ("-V",))


def _objects(name: str, subject: str) -> Iterable[Read]:
    return [
        _command("rdma.resource", ("-j", "-d", "resource", "show", what, place, name), subject)
        for what, place in OBJECTS
    ]


def _sweeps(name: str, subject: str) -> Iterable[Read]:
    here = f"{HOME}/{name}"
    return [
        File("rdma.gids", f"{here}/ports/*/{{{','.join(GIDS)}}}/*", subject, "values", deadline=15.0),
        File("rdma.pkeys", f"{here}/ports/*/pkeys/*", subject, "values", deadline=15.0),
    ]


def counters(name: str, subject: str) -> Iterable[Read]:
    """Read the counters of an RDMA device and its ports."""
    path = f"{HOME}/{name}/{{ports/*/counters/*,ports/*/hw_counters/*,hw_counters/*}}"
    return [File("rdma.counters", path, subject, "values", deadline=15.0, hazard="the kernel asks the firmware")]


def _statistics(name: str, subject: str) -> Iterable[Read]:
    return [_command("rdma.statistic", ("-j", "statistic", "show", "link", f"{name}/1"), subject)]


RDMA = Collector("rdma", "RDMA devices: identity and port state", (devices(_attributes),), tier=0)
RDMA_TABLES = Collector(
    "rdma-tables",
    "RDMA devices: GIDs, partition keys, RoCE modes of the connection manager",
    (
        devices(_sweeps),
        File(
            "rdma.cm", "/sys/kernel/config/rdma_cm/*/ports/*/{default_roce_mode,default_roce_tos}", how="values",
        ),
    ),
)  # fmt: skip
RDMA_COUNTERS = Collector("rdma-counters", "RDMA devices: counters", (devices(counters),))
RDMA_TOOL = Collector(
    "rdma-tool", "rdma: devices, links and number of objects", (devices(_tool),), needs=("iproute2",)
)  # fmt: skip
RDMA_OBJECTS = Collector(
    "rdma-objects",
    "rdma: the objects of each device, and the counters that the tool knows",
    (devices(lambda name, subject: [*_statistics(name, subject), *_objects(name, subject)]),),
    tier=2,
    needs=("iproute2",),
)
