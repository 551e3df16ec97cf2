"""The `render` command: a saved result in another format, without its sources."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sosmlx.cli.output import write
from sosmlx.errors import InputError
from sosmlx.report.formats import saved_formats
from sosmlx.report.saved import MOST_BYTES, read


def render(args: argparse.Namespace) -> int:
    """Render the document that `args.result` names (`-`: standard input). Raises InputError for one that is none."""
    write(args, saved_formats(read(_text(args.result), args.result)))
    return 0


def _text(path: str) -> str:
    try:
        if path == "-":
            data = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with Path(path).open("rb") as stream:
                data = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}", "name a result.json") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: larger than {MOST_BYTES >> 20} MiB", "this is no result of sosmlx")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (at byte {error.start})", "this is no result of sosmlx") from None
