"""The host around the adapters: parameters, processors, memory, slots, modules on disk, bonds, Open vSwitch."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sosmlx.collectors.bus import words
from sosmlx.collectors.spec import Collector, Command, File, Read
from sosmlx.record import Record

OURS = ("mlx5_core", "mlx5_ib", "mlx5_vdpa", "mlx5_fwctl", "fwctl", "ib_core", "ib_uverbs", "mlx_compat", "mlxfw")
KERNEL_PARAMETERS = ("modules_disabled", "kptr_restrict", "dmesg_restrict", "unprivileged_bpf_disabled")
NETWORK_PARAMETERS = (
    "core/rmem_max", "core/wmem_max", "core/rmem_default", "core/wmem_default", "core/netdev_max_backlog",
    "core/netdev_budget", "core/busy_poll", "core/busy_read", "core/optmem_max", "core/somaxconn",
    "core/default_qdisc", "core/bpf_jit_enable", "core/bpf_jit_harden", "ipv4/tcp_rmem", "ipv4/tcp_wmem",
    "ipv4/tcp_mem", "ipv4/tcp_congestion_control", "ipv4/tcp_ecn", "ipv4/tcp_timestamps", "ipv4/tcp_sack",
)  # fmt: skip
MOST_FILES = 64
COUNTERS = ("oops_count", "warn_count", "hardlockup_count", "softlockup_count", "rcu_stall_count")
BOARD = ("sys_vendor", "product_name", "board_vendor", "board_name", "bios_vendor", "bios_version", "bios_date")
_LOADED = re.compile(rb"^(\w+) \d+ ", re.MULTILINE)


def _on_disk(record: Record) -> Iterable[Read]:
    """Ask for the modules that are loaded: as they lie on disk they may be others."""
    loaded = [name.decode() for name in _LOADED.findall(record.data)]
    return [Command("kernel.modinfo", ("modinfo", name)) for name in OURS if name in loaded]


def _rules(record: Record) -> Iterable[Read]:
    """Read what modprobe is told: options, aliases, and modules that are not to be loaded."""
    found = record.data.decode("utf-8", "replace").split("\n") if record.has_bytes else []
    files = [name for name in found if re.match(r"(?:\{file\}|[A-Za-z0-9_][\w.@+-]{0,80}\.conf)\Z", name)]
    return [File("kernel.modprobe", f"/etc/modprobe.d/{name}") for name in files[:MOST_FILES]]


_PATTERN = b"".join(b"%s 1 \n" % name.encode() for name in OURS)

HOST_SIDE = Collector(
    "host",
    "host: parameters, processors, memory nodes, board, slots, modules on disk",
    (
        File("kernel.sysctl", f"/proc/sys/{words(*(f'kernel/{name}' for name in KERNEL_PARAMETERS))}", how="values"),
        File("kernel.sysctl", f"/proc/sys/net/{words(*NETWORK_PARAMETERS)}", how="values"),
        File("kernel.counters", f"/sys/kernel/{words(*COUNTERS)}", how="values"),
        File("kernel.counters", "/sys/devices/system/edac/mc/mc*/{ce_count,ue_count}", how="values"),
        File("kernel.dmi", f"/sys/class/dmi/id/{words(*BOARD)}", how="values"),
        File("kernel.slots", "/sys/bus/pci/slots/*/{address,cur_bus_speed,max_bus_speed}", how="values"),
        File("kernel.cpu", "/sys/devices/system/cpu/{online,isolated,nohz_full,smt/control,smt/active}", how="values"),
        File("kernel.numa", "/sys/devices/system/node/{online,node*/cpulist,node*/distance}", how="values"),
        File("kernel.boot", "/sys/module/pcie_aspm/parameters/policy", how="values"),
        File("kernel.modules", "/proc/modules", expand=_on_disk, pattern=_PATTERN),
        File("folder.names", "/sys/fs/pstore", how="names"),
        File("folder.names", "/usr/lib/firmware/mellanox", how="names"),
        File("folder.names", "/etc/modprobe.d", how="names", expand=_rules, pattern=b"{file}"),
        Command("kernel.mokutil", ("mokutil", "--sb-state")),
        File("platform.values", "/sys/bus/platform/drivers/mlxbf-bootctl/*/{lifecycle_state,secure_boot_fuse_state}",
             how="values"),
    ),
)  # fmt: skip

GOVERNORS = Collector(
    "governors",
    "host: frequency governors of the processors, RDMA control groups",
    (
        File("kernel.cpu", "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor", how="values"),
        File("rdma.cgroup", "/sys/fs/cgroup/{*/rdma.max,*/*/rdma.max}", how="values"),
    ),
    tier=2,
)


def _bonds(record: Record) -> Iterable[Read]:
    found = record.data.decode("utf-8", "replace").split("\n") if record.has_bytes else []
    return [
        File("net.bond", f"/proc/net/bonding/{name}")
        for name in found
        if re.match(r"(?:\{bond\}|[\w.-]{1,15})\Z", name)
    ]


def _switch(record: Record) -> Iterable[Read]:
    """Ask Open vSwitch only where its database listens: the tool would wait for it, or start nothing."""
    if b"db.sock" not in record.data.split(b"\n"):
        return []
    argv = ("ovs-vsctl", "--timeout=5", "get", "Open_vSwitch", ".", "other_config")
    return [Command("ovs.other-config", argv, deadline=10.0)]


SERVICES = Collector(
    "services",
    "bonds, and Open vSwitch where it runs",
    (
        File("kernel.bonds", "/proc/net/bonding", how="names", expand=_bonds, pattern=b"{bond}"),
        File("folder.names", "/run/openvswitch", how="names", expand=_switch, pattern=b"db.sock", probe=True),
    ),
)
