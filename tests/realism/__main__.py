"""`make realism`: run it, print what it measured, and fail where something is not as it should be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.realism.guest import MARK
from tests.realism.machine import LIMIT, missing, run

EXPECTED = {"scopes": [1], "outside": [], "same": True, "taint": 0, "lockdown": "none [integrity] confidentiality"}


def main() -> int:
    """Return 0 where all is well, or where this host cannot run it, which is said."""
    folder = Path(os.environ.get("SOSMLX_KERNEL", "/"))
    why = missing(folder)
    if why:
        sys.stdout.write(f"realism: skipped: {why}\n")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        try:
            console = run(folder, Path(scratch))
        except subprocess.TimeoutExpired:
            sys.stdout.write(f"realism: no end within {LIMIT} s\n")
            return 1
    told = [line.partition(MARK)[2] for line in console.splitlines() if MARK in line]
    if not told:
        sys.stdout.write(f"realism: the machine told nothing; the end of its console:\n{console[-3000:]}\n")
        return 1
    said: dict[str, Any] = json.loads(told[-1])
    wrong = {name: said[name] for name, value in EXPECTED.items() if said[name] != value}
    sys.stdout.write(
        f"realism: Linux {said['kernel']}, lockdown {said['lockdown']}: {said['commands']} commands through CUSE in "
        f"{said['seconds']} s, {said['outcomes']}, exit {said['exit']}; {wrong or 'as it should be'}\n"
    )
    return 1 if wrong or not said["commands"] else 0


if __name__ == "__main__":
    sys.exit(main())
