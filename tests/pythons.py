"""The Pythons of this machine, by version: a host's is not the one that runs the tests."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


@functools.cache
def python(version: str) -> str | None:
    """Return the path of a Python of this version ("3.9"), where one runs on this machine."""
    wanted = tuple(map(int, version.split(".")))
    for path in _candidates(version):
        if not Path(path).exists():
            continue
        ran = subprocess.run(
            [path, "-I", "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=False
        )
        if ran.returncode == 0 and tuple(map(int, ran.stdout.split())) == wanted:
            return path
    return None


def _candidates(version: str) -> Iterator[str]:
    yield sys.executable
    yield f"/usr/bin/python{version}"
    yield f"/usr/local/bin/python{version}"
    for pattern in (
        f".pyenv/versions/{version}.*/bin/python",
        f".local/share/uv/python/cpython-{version}*/bin/python3",
    ):
        yield from sorted(map(str, Path.home().glob(pattern)))
