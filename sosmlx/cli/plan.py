"""`collect --plan`: print what would be read, and read nothing."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from sosmlx.cli.ending import tell
from sosmlx.collectors import selected
from sosmlx.collectors.plan import Planned, below_root, plan, plan_row
from sosmlx.collectors.spec import Refusal, described
from sosmlx.collectors.watched import PROOF

_WIDEST = 90
"""A cell that is wider pushes its own row to the right, and no other."""


def show(args: argparse.Namespace) -> int:
    """Print the plan of a collection. Raises InputError, UsageError where there is no such host."""
    if args.source != "live:":
        from sosmlx.bundle.opening import source

        source(args.source)
    planned = plan((*selected(args.profile, args.vendor_access, args.options), PROOF))
    if args.root:
        from sosmlx.sources.tree import NOTHING_RUN

        planned = below_root(planned, NOTHING_RUN.reason)
    if args.device:
        words = " ".join(args.device)
        tell(f"sosmlx: of devices only {words} would be read: a plan looks for none")
    print(_plan_json(planned) if args.json else _plan_text(planned), end="")
    return 0


def _plan_json(planned: Sequence[Planned]) -> str:
    from sosmlx.jsonio import dumps

    rows = [plan_row(row) for row in planned]
    return dumps({"schema": "sosmlx.plan/1", "version": "1.0", "reads": rows})


def _plan_text(planned: Sequence[Planned]) -> str:
    rows: list[list[str]] = [["what", "scope", "channel", "tier", "deadline", "needs", "option", "hazard"]]
    for row in planned:
        read = row.read
        deadline = "" if isinstance(read, Refusal) else f"{read.deadline:g} s"
        needs, option = ", ".join(row.needs), f"--with {row.option}" if row.option else ""
        hazard = f"NOT DONE: {row.refused}" if row.refused or isinstance(read, Refusal) else read.hazard
        what = f"{described(read)} (once more, at least a second later)" if row.sample else described(read)
        rows.append([what, read.scope, read.channel, str(row.tier), deadline, needs, option, hazard])
    widths = [max(len(row[column]) for row in rows if len(row[column]) <= _WIDEST) for column in range(len(rows[0]))]
    return "".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() + "\n" for row in rows)
