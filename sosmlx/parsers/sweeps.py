"""Sweeps of sysfs and procfs: many attributes in one read, a line `NAME = VALUE` each (`sources/sweep.py`).

Formats: `Documentation/ABI/testing/sysfs-bus-pci`, `sysfs-bus-pci-devices-aer_stats`, `sysfs-class-net-queues`,
`sysfs-class-hwmon`, `stable/sysfs-class-infiniband`, `testing/sysfs-kernel-warn_count`, `admin-guide/sysctl/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sosmlx.model import Evidence, Item, Plane, Setting, SettingClass, Unparsed
from sosmlx.parsers import values
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import Record

_LINE = re.compile(r"(?P<name>[^\s=!]+) (?P<mark>[=!]) ?(?P<value>.*)\Z")

Row = tuple[str, str]
"""A name and its value."""


class _Family(NamedTuple):
    """What sweeps of one kind are: their plane, the prefix of their names, and classes by a pattern of the name."""

    plane: Plane
    prefix: str = ""
    given: SettingClass = "config"
    classes: tuple[tuple[str, SettingClass], ...] = ()
    reading: Callable[[Sequence[Row]], Iterator[Row]] = iter


def _plain(rows: Sequence[Row]) -> Iterator[Row]:
    """Name a value by the path of its file."""
    return ((name.replace("/", "."), value) for name, value in rows)


def _without_number(rows: Sequence[Row]) -> Iterator[Row]:
    """Leave out the folder of a device that the kernel numbered: `hwmon3/temp1_input` is `temp1_input`."""
    return ((name.partition("/")[2] or name, value) for name, value in rows)


def _aer(rows: Sequence[Row]) -> Iterator[Row]:
    """Read counters of error kinds: `aer_dev_fatal = Undefined 0` is `aer_dev_fatal.Undefined`; the rest is plain."""
    for name, value in _plain(rows):
        kind, _, count = value.rpartition(" ")
        yield (f"{name}.{kind}", count) if name.startswith("aer_dev_") and kind else (name, value)


_QUEUE = re.compile(r"(?P<side>[rt]x)-\d+/(?P<name>.+)\Z")


def _queues(rows: Sequence[Row]) -> Iterator[Row]:
    """Tell once what all queues of a side share, and else of each queue what it has."""
    found: dict[str, list[Row]] = {}
    for name, value in rows:
        queue = _QUEUE.match(name)
        found.setdefault(f"{queue['side']}.{queue['name']}" if queue else name, []).append((name, value))
    for shared, each in found.items():
        alike = len({value for _, value in each}) == 1
        yield from [(shared.replace("/", "."), each[0][1])] if alike else list(_plain(each))


def _interrupts(rows: Sequence[Row]) -> Iterator[Row]:
    """Name the facts of an interrupt by its handler: numbers change from boot to boot."""
    handlers = {_irq(name): value.partition("@")[0] for name, value in rows if name.endswith("/actions")}
    for name, value in rows:
        yield f"{handlers.get(_irq(name)) or _irq(name)}.{name.rpartition('/')[2]}", value


def _irq(name: str) -> str:
    return name.rpartition("/")[0].rpartition("/")[2]


def _upstream(rows: Sequence[Row]) -> Iterator[Row]:
    """Number the ports above a function from the nearest on, and tell what the link below the nearest can be at most.

    The function itself comes last. A link runs at what both of its ends can do.
    """
    places = list(dict.fromkeys(name.partition("/")[0] for name, _ in rows))
    by_place: dict[str, dict[str, str]] = {place: {} for place in places}
    for name, value in rows:
        by_place[name.partition("/")[0]][name.partition("/")[2]] = value
    for distance, place in enumerate(reversed(places)):
        if distance:
            yield from ((f"upstream.{distance}.{name}", value) for name, value in by_place[place].items())
    ends = [by_place[place] for place in places[-2:]]
    for what in ("speed", "width"):
        most = [end[f"max_link_{what}"] for end in ends if f"max_link_{what}" in end]
        if most and len(most) == len(ends):
            yield f"link.expected_{what}", min(most, key=_leading)


def _leading(value: str) -> float:
    number = re.match(r"\d{1,9}(?:\.\d{1,3})?", value)
    return float(number[0]) if number else 0.0


_EMPTY_GID = re.compile(r"[0:]*\Z")


def _gids(rows: Sequence[Row]) -> Iterator[Row]:
    """Leave out the empty places of a port's table of GIDs, and what is told of them."""
    used = {name.rpartition("/")[2] for name, value in rows if "/gids/" in name and not _EMPTY_GID.match(value)}
    for name, value in rows:
        port, _, rest = name.partition("/")
        folder, _, place = rest.rpartition("/")
        if place in used and value:
            what = {"gids": "gid", "gid_attrs/types": "gid.type", "gid_attrs/ndevs": "gid.netdev"}.get(folder, folder)
            yield f"port{port}.{what}@{place}", value


def _pkeys(rows: Sequence[Row]) -> Iterator[Row]:
    """Leave out the empty places of a port's table of partition keys."""
    for name, value in rows:
        if value not in ("0x0000", "0"):
            port, _, rest = name.partition("/")
            yield f"port{port}.pkey@{rest.rpartition('/')[2]}", value


def _rdma_counters(rows: Sequence[Row]) -> Iterator[Row]:
    """Name counters of ports as single attributes are named: `port1.hw_counters.out_of_sequence`."""
    for name, value in rows:
        parts = name.split("/")
        yield ".".join([f"port{parts[1]}", *parts[2:]] if parts[0] == "ports" else parts), value


def _alike(rows: Sequence[Row]) -> Iterator[Row]:
    """Tell once what all CPUs share: `cpu7/cpufreq/scaling_governor` is `cpufreq.scaling_governor`, if all agree."""
    found: dict[str, list[Row]] = {}
    for name, value in rows:
        found.setdefault(re.sub(r"\Acpu\d+/", "", name).replace("/", "."), []).append((name, value))
    for shared, each in found.items():
        yield from [(shared, each[0][1])] if len({value for _, value in each}) == 1 else list(_plain(each))


_COUNTS: tuple[tuple[str, SettingClass], ...] = ((r".*(?:_count|_counter|carrier_changes)\Z", "counter"),)
_VOLATILE: tuple[tuple[str, SettingClass], ...] = ((r"(?:ifindex|irq|runtime_status)\Z", "volatile"),)

FAMILIES: dict[str, _Family] = {
    "pci.values": _Family(
        "pci", classes=(
            (r"aer_", "counter"), (r"power\.runtime_status|irq\Z", "volatile"), (r"ptp\.", "capability"),
            (r"(?:modalias|label|acpi_index|sriov_(?:vf_device|offset|stride)|reset_method|.*dma_mask)", "capability"),
        ), reading=_aer,
    ),
    "pci.upstream": _Family("pci", given="capability", classes=((r".*aer_", "counter"),), reading=_upstream),
    "pci.irqs": _Family("pci", "irq.", "volatile", reading=_interrupts),
    "pci.iommu": _Family("pci", "iommu."),
    "hwmon.values": _Family(
        "health", "hwmon.", "capability", ((r"hwmon\..*_(?:input|highest|lowest|alarm|fault)\Z", "health"),),
        _without_number,
    ),
    "net.values": _Family(
        "net", classes=(*_COUNTS, *_VOLATILE, (r"(?:carrier|addr_assign_type|name_assign_type|dev_id)\Z", "health")),
        reading=_plain,
    ),
    "net.queues": _Family("net", "queues.", reading=_queues),
    "net.counters": _Family("net", "statistics.", "counter", reading=_plain),
    "rdma.counters": _Family("rdma", "", "counter", ((r".*\.lifespan\Z", "config"),), _rdma_counters),
    "rdma.gids": _Family("rdma", given="identity", classes=((r".*\.gid\.type", "config"),), reading=_gids),
    "rdma.pkeys": _Family("rdma", reading=_pkeys),
    "rdma.cm": _Family("rdma", "cm.", reading=_plain),
    "rdma.cgroup": _Family("rdma", "cgroup.", reading=_plain),
    "kernel.sysctl": _Family("kernel", "sysctl.", reading=_plain),
    "kernel.counters": _Family("kernel", "", "counter", reading=_plain),
    "kernel.cpu": _Family("kernel", "cpu.", reading=_alike),
    "kernel.numa": _Family("kernel", "numa.", "capability", reading=_plain),
    "kernel.dmi": _Family("kernel", "dmi.", "identity", reading=_plain),
    "kernel.slots": _Family("kernel", "slot.", "identity", reading=_plain),
    "kernel.boot": _Family("kernel", "", "evidence", reading=_plain),
    "platform.values": _Family("kernel", "bluefield.", "evidence", reading=_plain),
    "mlx5.debug": _Family("health", "debugfs.", "health", ((r".*fw_pages", "counter"),), _plain),
}  # fmt: skip


def show(text: str, record: Record) -> Iterator[Item]:
    """Read one sweep, which the record's kind names."""
    family = FAMILIES.get(record.kind, FAMILIES["pci.values"])
    rows: list[Row] = []
    for number, line in enumerate(text.split("\n"), 1):
        match = _LINE.match(line.strip())
        if match is None:
            if line.strip():
                yield Unparsed(number, line)
        elif match["mark"] == "!":
            yield from _missing(match["name"], match["value"], record)
        else:
            rows.append((match["name"], match["value"].strip()))
            yield heading(record.subject, line)
    for name, value in family.reading(rows):
        full = f"{family.prefix}{name}"
        cls = next((cls for pattern, cls in family.classes if re.match(pattern, full)), family.given)
        facet = values.text(value) if cls == "identity" else values.word(value)
        yield Setting(record.subject, family.plane, full, "", (("current", facet),), cls)


def _missing(name: str, why: str, record: Record) -> Iterator[Item]:
    """Keep that a file gave nothing; one that says that it does not apply (EINVAL, EOPNOTSUPP) is nothing to tell."""
    if why.startswith("unsupported"):
        yield heading(record.subject, f"{name} ! {why}")
    else:
        yield Evidence("read.missing", record.subject, f"{name} ! {why}", "info")


TABLE = tuple(Parser(kind, show, (family.plane,)) for kind, family in FAMILIES.items())
