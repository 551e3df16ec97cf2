"""Where a tool comes from, the distribution or the vendor: the host's own package database tells, without a network."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sosmlx.collectors.spec import Collector, Command, Expand, File, Read
from sosmlx.record import Outcome, Record

TOOLS = (
    ("devlink", "-V"), ("ip", "-V"), ("rdma", "-V"), ("ethtool", "--version"), ("lspci", "--version"),
    ("mstconfig", "--version"),
)  # fmt: skip
PACKAGES = re.compile(
    rb"(?i)mlnx|mlx|ofed|doca|\bmft\b|mstflint|rdma|\bucx|ibverbs|iproute|ethtool|pciutils|openvswitch|kmod-"
    rb"|linux-(?:image|firmware)|^kernel|^sos"
)
"""Packages that belong to adapters, to what reads them, or to the kernel."""


def _owners(query: tuple[str, ...], inside: str) -> Expand:
    """Ask who owns each tool that is there, by the path where it was found.

    dpkg may know a file of `/usr/sbin` as one of `/sbin`: it is asked for the path's end, and names each that fits.
    """

    def owner(record: Record) -> Iterable[Read]:
        path = record.answer.tool
        if not path and record.outcome is not Outcome.COLLECTED:  # not there, or not run
            return []
        tail = path.replace("/usr/", "/", 1)[1:]
        asked = (tail or "{tail}") if inside == "dpkg" else (path or "{path}")  # a plan knows no path
        return [Command("tool.package", (*query, asked))]

    def tools(record: Record) -> Iterable[Read]:
        if not any(
            name.startswith(inside) or name == "status" for name in record.data.decode("utf-8", "replace").split("\n")
        ):
            return []
        every = ("dpkg-query", "-W") if inside == "dpkg" else ("rpm", "-qa")
        listed = Command("kernel.packages", every, lines=PACKAGES)
        return [listed, *(Command("tool.version", argv, expand=owner) for argv in TOOLS)]

    return tools


_DPKG, _RPM = ("dpkg-query", "-S"), ("rpm", "-qf")
PACKAGE_OWNERS = Collector(
    "packages",
    "packages of adapters and tools, and which of them owns each tool",
    (
        File(
            "folder.names", "/var/lib/dpkg", how="names", expand=_owners(_DPKG, "dpkg"), pattern=b"status", probe=True
        ),
        File("folder.names", "/var/lib/rpm", how="names", expand=_owners(_RPM, "rpm"), pattern=b"rpmdb", probe=True),
    ),
)
