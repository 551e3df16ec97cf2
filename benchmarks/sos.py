"""What the plugin costs a run of sos beyond the collector that it runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sosmlx.simulator.host import load
from tests import sos_standin
from tests.shim.sysfs import tree

HOST = "two-adapters-before"


def plugin_against_collector(wall: Callable[[Callable[[], object], int], float]) -> None:
    """Run the plugin in what stands for sos, against the same collection without it."""
    if os.geteuid() != 0:
        print("plugin for sos: not measured, since only root's programs are run")
        return
    with tempfile.TemporaryDirectory() as name, sos_standin.loaded("4.12") as module:
        folder = Path(name)
        tree(folder / "sys", load(HOST))
        program = folder / "bin/sosmlx"
        program.parent.mkdir()
        source = f"sim:{HOST}"
        command = f'exec {sys.executable} -m sosmlx "$@" --source {source}\n'
        program.write_text(f"#!/bin/sh\ncd {Path(__file__).parents[1]}\n{command}", encoding="utf-8")
        program.chmod(0o755)
        words = [str(program), "collect", "--format", "dir", "-o", str(folder / "out")]
        direct = wall(lambda: subprocess.run(words, check=True, capture_output=True), 5)
        inside = wall(lambda: _plugin(module, folder).drive(), 5)
    print(f"plugin for sos: {inside / direct:.2f} x the collector alone (must be at most 1.2)")


def _plugin(module: Any, folder: Path) -> Any:
    """A plugin with an archive of its own, whose /sys holds adapters."""
    archive = Path(tempfile.mkdtemp(dir=folder))
    plugin = module.SosMlx(archive, root=Path("/"), path=str(folder / "bin"))
    plugin.rooted = lambda path: str(folder / path.lstrip("/")) if path.startswith("/sys") else path
    return plugin
