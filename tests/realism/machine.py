"""A virtual machine with a stock kernel and this host's files, read-only: what is built for it, and one run of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "cuse")
LIMIT = 900
"""Seconds: an emulated machine on two busy cores needs 270."""

INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
for module in {modules}; do /bin/busybox insmod /modules/$module; done
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /host
/bin/busybox mount --move /proc /host/proc
/bin/busybox mount --move /dev /host/dev
/bin/busybox mount -t sysfs sys /host/sys
/bin/busybox mount -t securityfs security /host/sys/kernel/security
/bin/busybox mount -t tmpfs tmp /host/mnt
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/mnt TMPDIR=/mnt PYTHONDONTWRITEBYTECODE=1
/bin/busybox chroot /host /bin/sh -c 'cd {root} && exec {python} -m tests.realism.guest'
/bin/busybox poweroff -f
"""


class Kernel(NamedTuple):
    """A kernel and its modules, as a distribution's package has them."""

    image: Path
    modules: Path


def kernel(folder: Path) -> Kernel | None:
    """Find the newest kernel below a folder that has both; packages are installed there, or were taken apart."""
    found = [
        Kernel(image, modules)
        for image in folder.glob("boot/vmlinuz-*")
        for modules in [folder / "lib/modules" / image.name.removeprefix("vmlinuz-") / "kernel"]
        if modules.is_dir()
    ]
    return max(found, key=lambda row: row.image.stat().st_mtime, default=None)


def missing(folder: Path) -> str:
    """Say what keeps this host from such a run, or an empty string."""
    for program in ("qemu-system-x86_64", "busybox"):
        if not shutil.which(program):
            return f"no {program} (Debian: qemu-system-x86, busybox-static)"
    if kernel(folder) is None:
        return f"no kernel with its modules below {folder} (Debian: linux-image-amd64; SOSMLX_KERNEL names the folder)"
    return ""


def run(folder: Path, scratch: Path) -> str:
    """Boot, and return what came on the console. Raises subprocess.TimeoutExpired, OSError."""
    found = kernel(folder)
    assert found is not None
    initramfs = scratch / "initramfs"
    initramfs.write_bytes(archive(found))
    words = [
        "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "1024", "-nographic", "-no-reboot", "-nic", "none",
        "-kernel", os.fspath(found.image), "-initrd", os.fspath(initramfs),
        "-append", "console=ttyS0 quiet panic=-1 lockdown=integrity rdinit=/init",
        "-fsdev", "local,id=host,path=/,readonly=on,security_model=none,multidevs=remap",
        "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
    ]  # fmt: skip
    ran = subprocess.run(words, capture_output=True, stdin=subprocess.DEVNULL, timeout=LIMIT, check=False)
    return (ran.stdout + ran.stderr).decode("utf-8", "replace")


def archive(found: Kernel) -> bytes:
    """Make an initramfs: busybox, the modules in the order in which they can be loaded, and what to do with them."""
    needed = list(dict.fromkeys(path for name in MODULES for path in _with_needs(found.modules, name)))
    init = INIT.format(modules=" ".join(path.name for path in needed), root=ROOT, python=sys.executable)
    busybox = Path(shutil.which("busybox") or "")
    rows = [(name, 0o040755, b"") for name in ("bin", "proc", "dev", "host", "modules")]
    rows += [("bin/busybox", 0o100755, busybox.read_bytes()), ("init", 0o100755, init.encode())]
    rows += [(f"modules/{path.name}", 0o100644, path.read_bytes()) for path in needed]
    return b"".join(_member(number, *row) for number, row in enumerate(rows, 1)) + _member(0, "TRAILER!!!", 0, b"")


def _with_needs(modules: Path, name: str) -> Iterator[Path]:
    """Walk a module and what it needs, the needs first; what is built in is not there."""
    path = next((each for spelled in (name, name.replace("_", "-")) for each in modules.rglob(f"{spelled}.ko")), None)
    if path is None:
        return
    told = path.read_bytes().partition(b"\0depends=")[2].partition(b"\0")[0].decode()
    for need in filter(None, told.split(",")):
        yield from _with_needs(modules, need)
    yield path


def _member(number: int, name: str, mode: int, data: bytes) -> bytes:
    """One member of a `newc` archive (the kernel's Documentation/driver-api/early-userspace/buffer-format.rst)."""
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return _filled(head) + _filled(data)


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
