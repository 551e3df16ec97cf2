"""What `make realism` builds for its machine, without the machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.realism import machine


def test_it_says_what_is_missing_for_it(tmp_path: Path) -> None:
    assert machine.missing(tmp_path).startswith(("no qemu-system-x86_64", "no busybox", "no kernel with its modules"))


def module(folder: Path, name: str, needs: str) -> None:
    path = folder / "lib/modules/6.1.0/kernel/drivers" / f"{name}.ko"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF\0depends=" + needs.encode() + b"\0license=GPL\0")


@pytest.mark.skipif(not shutil.which("busybox"), reason="no busybox (Debian: busybox-static)")
def test_its_archive_holds_the_modules_and_loads_what_a_module_needs_before_it(tmp_path: Path) -> None:
    for name, needs in (("cuse", "fuse"), ("fuse", ""), ("9p", "9pnet"), ("9pnet", ""), ("unused", "")):
        module(tmp_path, name, needs)
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot/vmlinuz-6.1.0").touch()
    found = machine.kernel(tmp_path)
    assert found is not None

    archive = machine.archive(found)

    subprocess.run(["busybox", "cpio", "-i"], input=archive, cwd=tmp_path, check=True, capture_output=True)
    line = next(line for line in (tmp_path / "init").read_text().splitlines() if "insmod" in line)
    loaded = line.partition(" in ")[2].partition(";")[0].split()
    assert (loaded, {path.name for path in (tmp_path / "modules").iterdir()}) == (
        ["9pnet.ko", "9p.ko", "fuse.ko", "cuse.ko"], {"9p.ko", "9pnet.ko", "cuse.ko", "fuse.ko"},
    )  # fmt: skip
