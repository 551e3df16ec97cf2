"""The entry point: choose the function, turn its errors into words and its answer into an exit code."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Callable, cast

from sosmlx.cli.ending import Ending, prepare, terminable
from sosmlx.cli.options import parse
from sosmlx.errors import UsageError

ANALYSIS_PYTHON = (3, 11)
ANALYSIS = ("analysis", "judge", "render")
"""Modules of the analyst's side; everything else runs under the older Python of a host."""


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    ending = Ending()
    with ending, terminable():
        prepare()
        args = parse(argv)
        ending.debug = args.debug
        ending.code = _call(args.run)(args)
        sys.stdout.flush()
    return ending.code


def _call(run: str) -> Callable[[argparse.Namespace], int]:
    half, _, name = run.partition(":")
    if half in ANALYSIS and sys.version_info < ANALYSIS_PYTHON:
        running = ".".join(map(str, sys.version_info[:2]))
        raise UsageError(
            f"{name} needs Python 3.11 or later; this is {running}",
            "collect here, and run it on a workstation where sosmlx is installed under a newer Python",
        )
    command = getattr(importlib.import_module(f"sosmlx.cli.{half}"), name)
    return cast("Callable[[argparse.Namespace], int]", command)
