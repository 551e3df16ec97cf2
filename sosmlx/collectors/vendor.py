"""Flash configuration by the vendor's tool, on the user's word (`--vendor-access`): over fwctl where that is clean.

mstflint 4.32.0-1 to 4.35.0-1.4 asks for the full debug-write scope for every fwctl access, reads included, which
taints the kernel (bit 19). 4.31 reads at scope 0, which the mainline driver refuses. By PCI address the tool writes
address and semaphore registers in PCI configuration space. What the firmware itself says (`collectors/fwctl.py`) needs
none of this: where fwctl is, the tool is a second witness.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sosmlx.collectors.adapters import CLASS
from sosmlx.collectors.pci import bound, functions
from sosmlx.collectors.spec import PLACEHOLDER, Collector, Command, File, Read, Refusal, names
from sosmlx.record import HOST, Record

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


def _ways(record: Record) -> Iterable[Read]:
    """Ask the tool for its version; then it queries each node, or each address where that is not to be."""
    nodes = list(names(record))

    def asked(version: Record) -> Iterable[Read]:
        by_address = functions(bound("mlx5_core", _by_address))
        if not version.has_bytes:
            return [by_address]
        if nodes and not safe_over_fwctl(version.data):
            why = "unsafe-version: this mstflint may taint the kernel with a mere query over fwctl"
            refused = Refusal("mlxconfig.query", HOST, why, _query("fwctlN"), channel="fwctl")
            return [refused, by_address]
        over_fwctl = [_link(node) for node in nodes]
        return [*over_fwctl, by_address] if PLACEHOLDER.match("".join(nodes[:1])) else over_fwctl or [by_address]

    pattern = b"mstconfig, mstflint 4.36.0-1"
    return [Command("tool.version", ("mstconfig", "--version"), expand=asked, pattern=pattern)]


def _link(node: str) -> File:
    def of_node(link: Record) -> Iterable[Read]:
        bdf = link.data.decode("utf-8", "replace").rpartition("/")[2]
        return [Command("mlxconfig.query", _query(link.part), bdf, channel="fwctl", deadline=VENDOR_DEADLINE)]

    return File("fwctl.device", f"{CLASS}/{node}/device", f"host/{node}", "link", expand=of_node, pattern=b"../{bdf}")


def _by_address(bdf: str) -> Iterable[Read]:
    hazard = "writes address and semaphore registers in PCI configuration space"
    return [
        Command(
            "mlxconfig.query", _query(bdf), bdf, deadline=VENDOR_DEADLINE, hazard=hazard, scope="configuration",
            channel="pci-config",
        )
    ]  # fmt: skip


VENDOR = Collector(
    "vendor",
    "flash configuration by mstconfig: over fwctl, or by PCI address (--vendor-access)",
    (File("fwctl.nodes", CLASS, how="names", expand=_ways, pattern=b"{fwctl}"),),
    needs=("root", "mstflint", "for an address: no lockdown"),
)
