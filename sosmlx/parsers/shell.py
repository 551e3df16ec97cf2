"""The shell's part of a paste: the command line above an output, and where somebody left lines out."""

from __future__ import annotations

import re

_PROGRAMS = (
    "cat|dmesg|e?grep|head|ibstat|ibstatus|ibv_devinfo|journalctl|less|lsmod|modinfo|modprobe|mokutil|sed|sysctl"
    "|tail|uname|x?zcat"
)
_COMMAND = re.compile(
    r"\s*(?:(?:\[[^\]\n]{1,80}\]|[\w.@:~/()+-]{0,80}) ?[#$%>] {0,4}"
    rf"(?:sudo\s+)?(?:/\S{{1,80}}/)?(?:{_PROGRAMS})(?:\s.*)?"
    rf"|(?:sudo\s+)?(?:/\S{{1,80}}/)?(?:{_PROGRAMS})(?:\s+[^\s:=][^:]*)?)\Z"
)
_ELIDED = re.compile(r"[\s.()\[\]<>…-]*(?:\.\.\.|…|snip)[\s.()\[\]<>…-]*\Z")


def is_command(line: str) -> bool:
    """Whether a line is the command line of one of the programs whose outputs are read here.

    >>> is_command("[root@n07 ~]# cat /proc/cmdline"), is_command("# modinfo mlx5_core"), is_command("# a comment")
    (True, True, False)
    """
    return _COMMAND.match(line[:400]) is not None


def is_elision(line: str) -> bool:
    """Whether a line only says that others were left out.

    >>> is_elision("..."), is_elision("[snip]"), is_elision("[none]")
    (True, True, False)
    """
    return _ELIDED.match(line[:100]) is not None
