"""`make pyz`: the collector as one file for hosts without pip. The same tree gives the same bytes, wherever it lies.

The file is a zip archive with a line for the shell before it, which Python runs as it is (PEP 441). Its members are
those of the host half, stored and not compressed, so that no version of zlib shows in the bytes; with one time, one
mode and one order, which `zipapp` would take from the file system.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests import layers

NAME = "sosmlx-collect.pyz"
SHEBANG = b"#!/usr/bin/python3 -I\n"
"""Isolated: no variable of the environment and no folder of the user says what is imported."""

MAIN = '''\
"""The collector of sosmlx, as one file. This part runs on any Python 3, to say which one is needed."""
import sys

if sys.version_info < (3, 9):
    sys.stderr.write(
        "sosmlx: Python 3.9 or later is needed; this is %d.%d\\n"
        "        run it with a later one that is installed, such as: python3.9 -I %s\\n"
        % (sys.version_info[0], sys.version_info[1], sys.argv[0])
    )
    sys.exit(2)

from sosmlx.__main__ import run

sys.exit(run())
'''

_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16


def members(root: Path = layers.ROOT) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every member, sorted: the start, then the host half of the package with its data."""
    yield "__main__.py", MAIN.encode()
    for path in sorted((root / "sosmlx").rglob("*"), key=lambda path: path.relative_to(root).parts):
        inside = path.relative_to(root)
        if path.is_file() and not _left_out(inside):
            yield inside.as_posix(), path.read_bytes()


def _left_out(inside: Path) -> bool:
    """Whether a file is of the analysis half, or none of the package's own."""
    module = ".".join(inside.with_suffix("").parts)
    analysis = any(f"{module}.".startswith(f"{half}.") for half in layers.ANALYSIS)
    return analysis or "__pycache__" in inside.parts or inside.name.startswith(".") or inside.name.endswith("~")


def build(root: Path = layers.ROOT) -> bytes:
    """Build the file's bytes from a checkout."""
    out = io.BytesIO()
    out.write(SHEBANG)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_STORED) as archive:
        for name, data in members(root):
            info = zipfile.ZipInfo(name, _TIME)
            info.create_system, info.external_attr = 3, _MODE
            archive.writestr(info, data)
    return out.getvalue()


def write(folder: Path, root: Path = layers.ROOT) -> Path:
    """Write the file into a folder, executable, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    path.write_bytes(build(root))
    path.chmod(0o755)
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{write(Path(sys.argv[1] if len(sys.argv) > 1 else 'dist'))}\n")
