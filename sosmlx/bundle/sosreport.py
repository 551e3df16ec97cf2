"""Where a sosreport keeps a bundle: below `sos_commands/sosmlx/`, among the files of a whole host that are not ours.

Layout (sos 4.0 to 4.12): one top folder `sosreport-HOST-…`, in it `sos_commands/PLUGIN/…`; the members of a bundle
stand below `sos_commands/sosmlx/` without a top folder of their own. Masking (`sos clean`) rewrites texts in place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection

from sosmlx.errors import InputError

PLACE = "sos_commands/sosmlx"
"""The folder that sos gives to a plugin named sosmlx."""

MAX_MEMBERS = 1 << 20
MAX_TOTAL = 64 << 30
RATIO_FROM = 4 << 30
"""Limits of a sosreport: what is not ours is only passed over, yet it costs the time of unpacking it."""

MASKED = (
    "of this sosreport are not the bytes that were read: sos clean masked or removed them (its --keep-binary-files "
    "keeps binary ones), or somebody changed them"
)

_COLLECTED = re.compile(r"(?:\./)?sos-collector-")
_TOP = re.compile(r"(?:^|/)sosreport-[^/]*(?:/|$)")
_MEMBER = r"(?:(?:sosmlx|sos_commands/sosmlx)/[^\0]+|version\.txt|checksums\.sha256)\Z"
_BELOW = re.compile(_MEMBER)
_OURS = re.compile(rf"(?:(?!sosreport-)[^/]+/)*sosreport-[^/]*/{PLACE}/({_MEMBER})")
"""Members of ours; a report that a host happened to keep, deeper in this one, is not ours."""


def is_report(name: str) -> bool:
    """Tell a sosreport by the name of a member.

    >>> is_report("sosreport-n07-2026-11-24-abcdefg/sos_logs/sos.log"), is_report("sosmlx-n07-1/version.txt")
    (True, False)
    """
    return _TOP.search(name) is not None


def is_folder(names: Collection[str]) -> bool:
    """Tell an unpacked sosreport by what stands at its top."""
    return "sos_commands" in names and bool({"sos_logs", "sos_reports"} & set(names))


def nothing(path: str, fault: str = "") -> InputError:
    """Make the error for a sosreport that holds no bundle; `fault` says how its archive broke off."""
    return InputError(
        f"{path}: a sosreport in which there is nothing of sosmlx{f' ({fault})' if fault else ''}",
        "run sosmlx sos-plugin install on that host, then sos report again",
    )


def refuse_collected(path: str, name: str) -> None:
    """Refuse what `sos collect` packs: an archive of sosreports, told by its first member. Raises InputError."""
    if _COLLECTED.match(name):
        raise InputError(f"{path}: an archive of sos collect, with a sosreport of each host in it", "unpack it first")


def inside(name: str) -> str | None:
    """Return the path below the bundle's root of a member of a sosreport, or None where it is not ours.

    >>> inside("sosreport-n07/sos_commands/sosmlx/sosmlx/manifest.json")
    'sosmlx/manifest.json'
    >>> inside("sosreport-n07/sos_commands/networking/ip_link") is None
    True
    """
    found = _OURS.match(name)
    return found[1] if found else None


def is_member(name: str) -> bool:
    """Tell a member of the bundle from what sos itself keeps beside it: the output of the command that wrote it."""
    return _BELOW.match(name) is not None


def root(path: str) -> str | None:
    """Find the bundle's root in an unpacked sosreport; None where the folder is none, or has none of ours.

    A link on the way is not followed: it would lead out of the report.
    """
    here = path
    for part in (*PLACE.split("/"), "sosmlx"):
        here = os.path.join(here, part)
        if os.path.islink(here) or not os.path.isdir(here):
            return None
    return os.path.dirname(here)
