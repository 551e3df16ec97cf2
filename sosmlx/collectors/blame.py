"""Who changed what changed while we were collecting: this collection, perhaps it, or somebody else.

Only what the kernel's log names, and what this program cannot do at all, is said for certain; a process's name in the
log is its own claim. Sources: `drivers/fwctl/main.c` (the line on the first tainting use), `kernel/module/` (autoload).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sosmlx.record import Outcome, Record

US, PERHAPS, OTHERS, UNKNOWN = "us", "perhaps us", "somebody else", "unknown"

_ACCESS = re.compile(r"fwctl (?P<node>fwctl\d+): (?P<comm>.{1,15})\((?P<pid>\d+)\): has requested full access")
_COMM = 15
"""So much of a program's name does the kernel keep (TASK_COMM_LEN - 1)."""

_AUTOLOADED = re.compile(
    r"module (?:(?:sch|cls|act|em)_\w+|\w*_diag|ip\w*_tables?|x_tables|nf_\w+|nfnetlink\w*|xfrm\w*|macsec"
    r"|vdpa|bridge|8021q|rdma_\w+|ib_core|af_\w+) appeared\Z"
)
"""Modules that the kernel may load for a mere query of `tc`, `ip`, `bridge`, `rdma` or `vdpa`."""


class Run(NamedTuple):
    """What a collection is known to have done: its process, the programs that it ran, and effects by name."""

    pid: int = 0
    programs: frozenset[str] = frozenset()
    effects: Mapping[str, int] = {}
    abandoned: tuple[int, ...] = ()


class Change(NamedTuple):
    """One difference between before and after, who made it (`us`, `perhaps us`, `somebody else`, `unknown`), why."""

    what: str
    by: str
    why: str


def blamed(what: str, log: Sequence[str] | None, run: Run) -> Change:
    """Say of a change who made it, by the log lines that appeared meanwhile and by what the collection did.

    `log` is None where it could not be read.
    """
    if what.startswith("kernel taint:"):
        return Change(what, *_taint(log, run))
    if _AUTOLOADED.match(what):
        return Change(what, PERHAPS, "perhaps us: the kernel may load it for a query")
    if what.startswith(("module mst", "/dev/mst")):
        return Change(what, OTHERS, "somebody else: nothing that is run here loads vendor modules")
    if what.startswith(("module ", "mount ", "configfs ")):
        return Change(what, UNKNOWN, "nobody is named; nothing that is run here does it")
    return Change(what, OTHERS, "somebody else: nothing that is run here sets it")


def _taint(log: Sequence[str] | None, run: Run) -> tuple[str, str]:
    if log is None:
        return UNKNOWN, "the log, which may name somebody, could not be read"
    for line in log:
        found = _ACCESS.search(line)
        if found:
            who = f"{found['comm'].strip()}({found['pid']})"
            if int(found["pid"]) == run.pid:
                return US, f"us: the log names this process, {who}, for {found['node']}"
            if found["comm"].strip() in {program[:_COMM] for program in run.programs}:
                return PERHAPS, f"perhaps us: the log names {who} for {found['node']}, and such a program was run"
            return OTHERS, f"somebody else, as the log claims: {who} for {found['node']}"
    return UNKNOWN, "the log names nobody"


def effects(records: Iterable[Record]) -> dict[str, int]:
    """Count the accepted effects of reads (docs/effects.md), by name; those that there were none of are 0."""
    rows = list(records)
    asked = [row for row in rows if row.channel == "fwctl" and not row.argv and row.outcome is not Outcome.SKIPPED]
    nodes = {_node(row) for row in asked} - {""}
    firmware = [row for row in asked if row.register is not None or row.mailbox is not None]
    ran = [row for row in rows if row.answer.tool]
    return {
        "fwctl_opened": len(nodes),
        "firmware_commands": len(firmware),
        "firmware_commands_failed": sum(row.outcome is not Outcome.COLLECTED for row in firmware),
        "pci_config_writes": sum(row.scope != "inspection" for row in ran),
        "programs_run": len(ran),
        "reads_failed": sum(row.outcome in (Outcome.FAILED, Outcome.TIMEOUT, Outcome.ABANDONED) for row in rows),
    }


def _node(row: Record) -> str:
    if row.register is not None:
        return row.register.node
    if row.mailbox is not None:
        return row.mailbox.node
    return row.path.rpartition("/")[2] if row.path.startswith("/dev/fwctl/") else ""
