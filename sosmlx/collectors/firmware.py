"""Flash configuration by the vendor's tool, where that is known not to taint; and what fwctl nodes there are.

mstflint 4.32.0-1 to 4.35.0-1.4 asks for the full debug-write scope for every fwctl access, reads included, which
taints the kernel (bit 19). 4.31 reads at scope 0, which the mainline driver refuses. By PCI address the tool writes
address and semaphore registers in PCI configuration space: that needs the user's word (`--vendor-access`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sosmlx.collectors.pci import bound, functions
from sosmlx.collectors.spec import Collector, Command, File, Read, Refusal, names
from sosmlx.record import Record

CLASS = "/sys/class/fwctl"
SAFE = (4, 35, 0)
SAFE_RELEASE = (1, 5)
VENDOR_DEADLINE = 60.0

_VERSION = re.compile(rb"mstflint (\d+)\.(\d+)\.(\d+)(?:-(\d+(?:\.\d+)*))?")


def safe_over_fwctl(version: bytes) -> bool:
    """Tell from `mstconfig --version` whether its queries leave the kernel untainted; unknown is unsafe.

    >>> safe_over_fwctl(b"mstconfig, mstflint 4.36.0-1, Git SHA Hash: x")
    True
    >>> safe_over_fwctl(b"mstconfig, mstflint 4.35.0, Git SHA Hash: x")
    False
    """
    match = _VERSION.search(version)
    if match is None:
        return False
    number = (int(match[1]), int(match[2]), int(match[3]))
    release = tuple(int(part) for part in (match[4] or b"0").split(b"."))
    return number > SAFE or (number == SAFE and release >= SAFE_RELEASE)


def _query(node: str) -> tuple[str, ...]:
    return ("mstconfig", "-d", node, "-e", "q")


def _nodes(record: Record) -> Iterable[Read]:
    """Read where each node belongs and, when there is one, ask the vendor tool for its version."""
    nodes = list(names(record))
    if not nodes:
        return []

    def of_node(link: Record) -> Iterable[Read]:
        bdf = link.data.decode("utf-8", "replace").rpartition("/")[2]
        return [Command("mlxconfig.query", _query(link.part), bdf, channel="fwctl", deadline=VENDOR_DEADLINE)]

    def asked(version: Record) -> Iterable[Read]:
        if not version.has_bytes:
            return []
        if not safe_over_fwctl(version.data):
            why = "unsafe-version: this mstflint may taint the kernel with a mere query over fwctl"
            return [Refusal("mlxconfig.query", "host", why, _query("fwctlN"), channel="fwctl")]
        return [_link(node, of_node) for node in nodes]

    reads: list[Read] = [_link(node, None) for node in nodes]
    pattern = b"mstconfig, mstflint 4.36.0-1"
    return [*reads, Command("tool.version", ("mstconfig", "--version"), expand=asked, pattern=pattern)]


def _link(node: str, then: object) -> File:
    expand = then if callable(then) else None
    path = f"{CLASS}/{node}/device"
    return File("fwctl.device", path, f"host/{node}", "link", expand=expand, pattern=b"../{bdf}")


def _by_address(bdf: str) -> Iterable[Read]:
    hazard = "writes address and semaphore registers in PCI configuration space"
    return [
        Command(
            "mlxconfig.query", _query(bdf), bdf, deadline=VENDOR_DEADLINE, hazard=hazard, scope="configuration",
            channel="pci-config",
        )
    ]  # fmt: skip


FIRMWARE = Collector(
    "firmware",
    "flash configuration: mstconfig over fwctl, where its version is known to be safe",
    (File("fwctl.nodes", CLASS, how="names", expand=_nodes, pattern=b"{fwctl}"),),
    needs=("root", "a fwctl device", "mstflint 4.35.0-1.5 or later"),
)
VENDOR = Collector(
    "vendor",
    "flash configuration: mstconfig by PCI address (--vendor-access)",
    (functions(bound("mlx5_core", _by_address)),),
    needs=("root", "mstflint", "no lockdown"),
)
