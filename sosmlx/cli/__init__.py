"""The entry point: choose the function, turn its errors into words and its answer into an exit code."""

from __future__ import annotations

import sys

from sosmlx.cli.ending import Ending, prepare, terminable
from sosmlx.cli.halves import command
from sosmlx.cli.options import parse
from sosmlx.cli.standing import refuse_root


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code; without `argv`, that of this process, whose files are judged."""
    ending = Ending()
    with ending, terminable():
        prepare()
        args = parse(argv)
        ending.debug = args.debug
        if argv is None:
            refuse_root(args)
        ending.code = command(args.run)(args)
        sys.stdout.flush()
    return ending.code
