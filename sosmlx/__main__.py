"""`python -m sosmlx`."""

from __future__ import annotations

import sys

from sosmlx.cli import main

if __name__ == "__main__":
    sys.exit(main())
