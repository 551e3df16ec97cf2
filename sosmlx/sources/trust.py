"""Who could have put a file where it is: what root runs, or believes, must not be somebody else's to change."""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Iterator

_PEOPLE = 1000
"""Groups from this number on are people's (UID_MIN, GID_MIN of login.defs); those below are in the host's own files."""

_ACL = "system.posix_acl_access"


def above(path: str) -> Iterator[str]:
    """Yield the folders that a path stands in, up to the root."""
    folder = os.path.dirname(path)
    yield folder
    if folder != os.path.dirname(folder):
        yield from above(folder)


def fault(path: str, status: os.stat_result, *, sticky: bool = True) -> str:
    """Say who else can change what is at a path: its owner, where that is neither root nor we; all; or a group.

    In a sticky folder others can replace no file, so that it is none; `sticky=False` is for a folder in which a new
    file already does harm. A group in which nobody is (Debian's `staff`) can do nothing. Empty where nobody else can.
    """
    if status.st_uid not in (0, os.geteuid()):
        return f"{path}: belongs to user {status.st_uid}, not to root"
    if sticky and stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX:
        return ""
    if status.st_mode & stat.S_IWOTH:
        return f"{path}: everybody can write to it"
    if status.st_mode & stat.S_IWGRP and (_has_people(status.st_gid) or _has_list(path)):
        return f"{path}: group {status.st_gid}, or an access list, lets others than its owner write to it"
    return ""


def chain_fault(path: str, *, sticky: bool = True) -> str:
    """Say who else can change a file or folder, or put another in its place; a link is judged by what it leads to.

    Empty where nobody else can. `sticky` is about the path itself; a folder above it may always be sticky. What cannot
    be looked at is a fault.
    """
    real = os.path.realpath(path)
    try:
        found = fault(real, os.stat(real), sticky=sticky)
        return found or next(filter(None, (fault(folder, os.stat(folder)) for folder in above(real))), "")
    except OSError as error:
        return f"{path}: who can write to it cannot be told ({error.strerror or error})"


def tree_faults(folder: str) -> Iterator[str]:
    """Yield, for each file and folder below one, who else can change it; a link is judged as in `chain_fault`."""
    for here, folders, files in os.walk(folder):
        yield from (_below(os.path.join(here, name)) for name in (*folders, *files))


def _below(path: str) -> str:
    try:
        status = os.lstat(path)
    except FileNotFoundError:  # a compiler just gave it its name
        return ""
    return chain_fault(path) if stat.S_ISLNK(status.st_mode) else fault(path, status)


@functools.cache
def _has_people(gid: int) -> bool:
    """Whether anybody but root is in a group, as far as the host's own files tell; where they do not, somebody is."""
    if gid >= _PEOPLE:
        return True
    try:
        groups, users = _rows("/etc/group"), _rows("/etc/passwd")
    except OSError:
        return True
    members = [row[3] for row in groups if len(row) > 3 and row[2] == str(gid)]
    named = {name for names in members for name in names.split(",") if name}
    own = {row[0] for row in users if len(row) > 3 and row[3] == str(gid) and row[2] != "0"}
    return not members or bool((named | own) - {"root"})


def _rows(path: str) -> list[list[str]]:
    with open(path, encoding="utf-8", errors="replace") as file:
        return [line.rstrip("\n").split(":") for line in file]


def _has_list(path: str) -> bool:
    """Whether a file has an access list: then the bits of the group are its mask, and say nothing of the group."""
    try:
        return bool(os.getxattr(path, _ACL))
    except (OSError, AttributeError):  # none, none on this file system, no such call on this system
        return False
