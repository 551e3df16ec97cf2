"""What stands between a declared read and the host: a command line or a path that is not fit is never touched.

It is asked where programs and files are opened (`sources/run.py`, `sources/live.py`, `sources/tree.py`), so that a
wrong declaration, or a device with a hostile name, ends in a record that says so, and in nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sosmlx.sources import deny, shapes
from sosmlx.sources.base import How

DENY = "deny-list:"
"""Begins the reason of a read that is refused."""

NAMES_ONLY = "/dev"
"""Of device nodes only the names are read, and never a node: fwctl's are opened by the firmware client alone."""


def command_refusal(argv: Sequence[str]) -> str:
    """Say why a command line is not run; empty where it may be.

    >>> command_refusal(("ethtool", "-K", "eth0", "tso", "off"))
    'deny-list: ethtool -K: changes the device, disturbs the link, waits, or reads registers and EEPROM'
    """
    if not argv or not argv[0]:
        return f"{DENY} no program is named"
    why = deny.denied_words(argv)
    if not why and not shapes.fits(argv):
        why = (
            f"not one of the command lines of {argv[0]} that are known to read only"
            if argv[0] in shapes.programs()
            else f"{argv[0]} is not one of the programs that are run"
        )
    return f"{DENY} {why}" if why else ""


def path_refusal(path: str, how: How) -> str:
    """Say why a path of the host is not read; empty where it may be.

    >>> path_refusal("/etc/../root/x", "bytes")
    'deny-list: a path is absolute, and has no empty part, no `.` and no `..`'
    """
    parts = path.split("/")
    words = re.split("[/{},]", path) if how in ("values", "config") else parts
    if parts[0] or len(parts) < 2 or "" in parts[1:] or {".", ".."} & set(words) or "\0" in path:
        return f"{DENY} a path is absolute, and has no empty part, no `.` and no `..`"
    if parts[1] == NAMES_ONLY[1:] and how == "bytes":
        return f"{DENY} of {NAMES_ONLY} only names are read"
    why = deny.denied_path(path)
    return f"{DENY} {why}" if why else ""
