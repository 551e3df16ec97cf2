"""The entry point: choose the function, turn its errors into words and its answer into an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import Callable, cast

from sosmlx.cli.options import parse
from sosmlx.errors import SosmlxError, UsageError

TROUBLE = 2
INTERRUPTED = 130
ANALYSIS_PYTHON = (3, 11)


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    args = parse(argv)
    try:
        return _call(args.run)(args)
    except SosmlxError as error:
        if args.debug:
            raise
        print(f"sosmlx: {_one_line(error.message)}", file=sys.stderr)
        if error.hint:
            print(f"        {_one_line(error.hint)}", file=sys.stderr)
        return TROUBLE
    except BrokenPipeError:
        # The reader went away (`sosmlx show … | head`): silence the flush at exit, too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return TROUBLE
    except KeyboardInterrupt:
        print("sosmlx: interrupted", file=sys.stderr)
        return INTERRUPTED


def _call(run: str) -> Callable[[argparse.Namespace], int]:
    half, _, name = run.partition(":")
    if half == "analysis" and sys.version_info < ANALYSIS_PYTHON:
        running = ".".join(map(str, sys.version_info[:2]))
        raise UsageError(
            f"{name} needs Python 3.11 or later; this is {running}",
            "collect here, and run it on a workstation where sosmlx is installed under a newer Python",
        )
    command = getattr(importlib.import_module(f"sosmlx.cli.{half}"), name)
    return cast("Callable[[argparse.Namespace], int]", command)


def _one_line(text: str) -> str:
    """Keep a message on its line and harmless on a terminal: it may quote a file's own words."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)[:2000]
