"""What is read before and after a collection, to prove that nothing changed; a declaration as any other."""

from __future__ import annotations

from collections.abc import Mapping

from sosmlx.collectors.kernel import LOG_LINES
from sosmlx.collectors.spec import Collector, Command, File

TAINT = File("kernel.taint", "/proc/sys/kernel/tainted", deadline=2.0)
MODULES = File("kernel.modules", "/proc/modules", deadline=2.0)
MST = File("mst.nodes", "/dev/mst", how="names", deadline=2.0)
CONFIGFS = File("kernel.configfs", "/sys/kernel/config", how="names", deadline=2.0)
RDMA_CM = File("kernel.configfs", "/sys/kernel/config/rdma_cm", how="names", deadline=2.0)
MOUNTS = File("kernel.mounts", "/proc/self/mounts", deadline=2.0)
LOG = Command("kernel.log", ("dmesg", "-k"), lines=LOG_LINES, deadline=5.0)

READS: Mapping[str, File | Command] = {
    "taint": TAINT, "modules": MODULES, "dev_mst": MST, "configfs": CONFIGFS, "rdma_cm": RDMA_CM, "mounts": MOUNTS,
    "log": LOG,
}  # fmt: skip
PROOF = Collector(
    "proof", "the state before and after: taint, modules, configfs, mounts, log", tuple(READS.values()), tier=0
)
"""What is read before and after, for the plan: no records of a bundle come from it."""
