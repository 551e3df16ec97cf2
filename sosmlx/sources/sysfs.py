"""A copied folder of sysfs: one RDMA device, PCI function, netdev or hwmon, told by the files that it holds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from sosmlx.record import Bundle, Record
from sosmlx.sources.files import read_path

MAX_FILES = 4000
MAX_DEPTH = 4

_TREES: tuple[tuple[frozenset[str], str, str], ...] = (
    (frozenset({"fw_ver", "board_id"}), "rdma.attribute", "/sys/class/infiniband"),
    (frozenset({"vendor", "device", "class"}), "pci.attribute", "/sys/bus/pci/devices"),
    (frozenset({"operstate", "mtu"}), "net.attribute", "/sys/class/net"),
    (frozenset({"name", "temp1_input"}), "hwmon.attribute", "/sys/class/hwmon"),
)
"""The files that tell such a folder, the kind of its attributes, and where it stood on its host."""

_RDMA_NAME = re.compile(r"(?:mlx[45]_|roce|ibp|ibs)\w+\Z")
"""An RDMA device's name at the end of a folder's name: copies carry prefixes of their own."""

_SKIPPED = ("config", "vpd", "rom", "uevent", "modalias")
"""Attributes that are binary, or that only repeat others."""


def from_tree(path: str) -> Bundle | None:
    """Make a bundle of a copied sysfs folder; None where it is no such folder."""
    names = set(os.listdir(path))
    for markers, kind, home in _TREES:
        if markers <= names:
            name = os.path.basename(os.path.abspath(path))
            told = _RDMA_NAME.search(name) if kind == "rdma.attribute" else None
            subject = told[0] if told else name
            return Bundle("folder", path, tuple(_records(path, kind, f"{home}/{subject}", subject)))
    return None


def _records(path: str, kind: str, home: str, subject: str) -> Iterator[Record]:
    for number, name in enumerate(_attributes(path), 1):
        answer = read_path(os.path.join(path, name), "bytes")
        yield Record(f"{number:05d}", kind, "sysfs", subject, answer, path=f"{home}/{name}", channel="text")


def _attributes(path: str) -> list[str]:
    """List the attributes below a folder, in order; links are not followed."""
    found: list[str] = []
    for here, folders, files in os.walk(path, followlinks=False):
        depth = os.path.relpath(here, path).count("/")
        folders[:] = sorted(folders) if depth < MAX_DEPTH else []
        found += [os.path.relpath(os.path.join(here, name), path) for name in files if name not in _SKIPPED]
        if len(found) > MAX_FILES:
            return sorted(found)[:MAX_FILES]
    return sorted(found)
