"""How root stands before it reads a host: nobody else may have a say in what it runs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

from sosmlx.errors import SosmlxError
from sosmlx.isolation import home
from sosmlx.sources.trust import chain_fault, tree_faults

LIVE = "live:"
_HOST = ("host:collect", "plan:show")


def reads_host(args: argparse.Namespace) -> bool:
    """Whether a command collects, from this host or a simulated one, or names this host as a source."""
    given = vars(args).values()
    return args.run in _HOST or any(value == LIVE or (isinstance(value, list) and LIVE in value) for value in given)


def refuse_root(args: argparse.Namespace) -> None:
    """Raise SosmlxError where root would read a host with code that somebody else can change."""
    if not reads_host(args) or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    found = next(filter(None, _faults()), "")
    if found:
        raise SosmlxError(
            f"{found}; run by root, sosmlx starts only from files that nobody else can change",
            "let root own it (chown root, chmod go-w), or copy sosmlx-collect.pyz to a folder of root's and run "
            "python3 -I FILE",
        )


def _faults() -> Iterator[str]:
    """Yield what is wrong with each file that takes part, and empty words for those that are right.

    The interpreter, the program that was started, every place that Python imports from, every file of the package.
    """
    yield from (chain_fault(path) for path in (sys.executable, sys.argv[0]) if path and os.path.isfile(path))
    for place in dict.fromkeys([home(), *(name or "." for name in sys.path)]):
        if os.path.exists(place):
            # A new file in a folder of imports would be imported: that it is sticky does not help.
            yield chain_fault(place, sticky=False)
    yield from tree_faults(f"{home()}/sosmlx")
