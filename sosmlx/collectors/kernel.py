"""The kernel's own evidence: release, command line, taint, lockdown, modules, boot, and the log lines of mlx5."""

from __future__ import annotations

import re

from sosmlx.collectors.spec import Collector, Command, File

MODULES = (
    "mlx5_core", "mlx5_ib", "mlx5_vdpa", "mlx5_fwctl", "fwctl", "mlx_compat", "mst_pci", "mst_pciconf",
    "mstflint_access", "mlx5ctl", "vfio_pci",
)  # fmt: skip
MODULE_ATTRIBUTES = ("version", "srcversion", "taint", "initstate")

LOG_LINES = re.compile(rb"mlx5|mlx4|mlx_compat|mst_pci|mstflint|fwctl|taint|[Ll]ockdown:|mlxfw|15b3")
"""The kernel log lines that belong in a bundle: driver, fwctl, vendor access modules, taint and lockdown."""

KERNEL = Collector(
    "kernel",
    "kernel: release, command line, taint, lockdown, boot",
    (
        File("kernel.line", "/proc/sys/kernel/hostname"),
        File("kernel.line", "/proc/sys/kernel/osrelease"),
        File("kernel.line", "/proc/sys/kernel/arch"),
        File("kernel.line", "/proc/sys/kernel/random/boot_id"),
        File("kernel.os-release", "/usr/lib/os-release"),
        File("kernel.cmdline", "/proc/cmdline"),
        File("kernel.taint", "/proc/sys/kernel/tainted"),
        File("kernel.lockdown", "/sys/kernel/security/lockdown"),
        File("platform.bluefield", "/sys/bus/platform/drivers/mlxbf-bootctl", how="names"),
    ),
    tier=0,
)

MODULE = Collector(
    "module",
    "kernel modules: what is loaded, versions, per-module taint",
    (
        File("kernel.modules", "/proc/modules"),
        *(File("module.attribute", f"/sys/module/{module}/{name}") for module in MODULES for name in MODULE_ATTRIBUTES),
    ),
    tier=0,
)

LOG = Collector(
    "log",
    "kernel log: lines of mlx5, fwctl, taint and lockdown",
    (Command("kernel.log", ("dmesg", "-k"), lines=LOG_LINES),),
    needs=("root where dmesg_restrict is set",),
    after=True,  # what the other reads made the kernel say is in it
)
