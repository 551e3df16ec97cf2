"""What to do about what was not captured: a reason of a read, and the step that would lift it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Hint(NamedTuple):
    """Words that a reason holds (lower case, any of them), and what to do about it."""

    words: tuple[str, ...]
    step: str


HINTS: Sequence[Hint] = (
    Hint(("no fwctl",), "a kernel with fwctl and mlx5_fwctl (Linux 6.15 or a backport), or `collect --vendor-access`"),
    Hint(("the text does not speak",), "collect a bundle on the host: `sosmlx collect`"),
    Hint(("deny-list",), "not read on purpose: see docs/effects.md"),
    Hint(("lockdown",), "nothing: kernel lockdown forbids it; fwctl and devlink work under lockdown"),
    Hint(("breaker",), "look for a stuck device or firmware first, then collect again"),
    Hint(("budget", "for the whole run"), "collect again with a larger `--max-seconds` or `--max-bytes`"),
    Hint(("truncated", "more than"), "collect again with a larger `--max-bytes`"),
    Hint(("timeout", "no answer within", "no end within"), "look for a stuck device or firmware, then collect again"),
    Hint(("--profile", "not in this profile"), "`sosmlx collect --profile full`"),
    Hint(("vfio",), "nothing on this host: the function belongs to a guest or to user space; collect there"),
    Hint(("vanished", "no such device"), "the device went away while it was read: collect again"),
    Hint(("no such program",), "install the tool that is named, and collect again"),
    Hint(("denied", "not permitted", "permission"), "collect as root, outside a container"),
    Hint(("damaged", "could not be parsed"), "ask for the bundle again; `sosmlx verify BUNDLE` names what is damaged"),
    Hint(("unsupported", "not supported"), "a newer kernel, driver, firmware or tool may have it"),
)
"""The first that fits; the more particular ones come first."""

NOTHING = "collect again on the host with `sosmlx collect`, as root"


def hint(reason: str) -> str:
    """Say what would lift a reason.

    >>> hint("ethtool -l eth0: denied (Operation not permitted)")
    'collect as root, outside a container'
    """
    text = reason.lower()
    return next((row.step for row in HINTS if any(word in text for word in row.words)), NOTHING)
