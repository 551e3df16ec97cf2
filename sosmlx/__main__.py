"""Where every way to start sosmlx begins: `sosmlx`, `python -m sosmlx`, and the collector as one file."""

from __future__ import annotations

import sys


def run() -> int:
    """Run the command line of this process and return its exit code; leaves no compiled files behind."""
    sys.dont_write_bytecode = True
    from sosmlx.isolation import isolate

    isolate()
    from sosmlx.cli import main

    return main()


if __name__ == "__main__":
    sys.exit(run())
