"""What every use of gpg has in common: which program, what it is always told, and whose keyring it uses."""

from __future__ import annotations

import os
import re

from sosmlx.sources.run import find

ALONE = ("--batch", "--no-tty", "--no-options", "--disable-dirmngr", "--no-auto-key-locate", "--no-permission-warning")
"""Ask nobody, read no options of a file, use no network."""

_FINGERPRINT = re.compile(r"(?:0x)?([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})\Z")


def fingerprint(text: str) -> str:
    """Read a full fingerprint as people write them, in capitals; empty for all else, such as a name or a short number.

    >>> fingerprint("0x" + "ab12 " * 10), fingerprint("AB12AB12")
    ('AB12AB12AB12AB12AB12AB12AB12AB12AB12AB12', '')
    """
    found = _FINGERPRINT.match(re.sub(r"\s", "", text))
    return found[1].upper() if found else ""


def program() -> str:
    """Return the name under which GnuPG 2 is installed."""
    return "gpg" if find("gpg") else "gpg2"


def keyring() -> str:
    """Return the home folder of the caller's GnuPG."""
    return os.environ.get("GNUPGHOME") or os.path.join(os.path.expanduser("~"), ".gnupg")
