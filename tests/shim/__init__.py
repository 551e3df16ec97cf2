"""A stand-in for the kernel's fwctl: a preload library for the programs under test, and the server that answers it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

MAJOR = 240
"""The device number's major part, as `/sys/class/fwctl/fwctlN/dev` must say it, too."""

_HERE = Path(__file__).parent
_STRICT = ("-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-U_FORTIFY_SOURCE")


def missing() -> str:
    """Say what keeps the library from being built here, or an empty string."""
    if not sys.platform.startswith("linux") or platform.machine() not in ("x86_64", "aarch64"):
        return f"the preload library is for 64-bit x86 and ARM Linux, not {sys.platform} on {platform.machine()}"
    return "" if shutil.which("gcc") else "no gcc to build the preload library with"


class Door(NamedTuple):
    """The preload library, and the folder of the sockets that it connects to."""

    library: Path
    nodes: Path

    def run(self, *words: object, enter: Sequence[object] = ()) -> subprocess.CompletedProcess[str]:
        """Run a program in the checkout, with the library and nothing of the tests' own environment.

        `enter` is a command line that takes the program's behind it; it runs without the library.
        """
        loaded = ("/usr/bin/env", f"LD_PRELOAD={self.library}", *words)
        return subprocess.run(
            [str(word) for word in (*enter, *loaded)], env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            cwd=_HERE.parents[1], capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip


def build(factory: pytest.TempPathFactory) -> Door:
    """Compile the library for sockets in a folder of its own.

    The place of the sockets is compiled in: a program that cleans its environment still finds them.
    """
    door = Door(factory.mktemp("library") / "fwctl_shim.so", factory.mktemp("n"))
    named = (f'-DNODES="{door.nodes}"', f"-DMAJOR={MAJOR}")
    sources = (_HERE / "fwctl_shim.c", _HERE / "fwctl_core.c")
    ran = subprocess.run(
        ["gcc", *_STRICT, "-shared", "-fPIC", *named, "-o", door.library, *sources],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return door
