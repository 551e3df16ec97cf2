"""Start again isolated (`python -I`) where the environment would say what a collector imports."""

from __future__ import annotations

import os
import sys

import sosmlx

HOST = ("collect", "devices")
"""Commands that read this host unless they are told otherwise; others read it where they are told `live:`."""

_AGAIN = """\
import sys, __future__
sys.path.insert(0, sys.argv.pop(1))
import sosmlx
del sys.argv[0], sys.path[0]
from sosmlx.__main__ import run
sys.exit(run())
"""
"""What the isolated interpreter does: this very package, wherever it was found, and all else from its own places."""


def meddling(words: list[str]) -> list[str]:
    """Name the variables that would meddle with a command that reads a host; `words` are those after the program."""
    reads = words[:1] and (words[0] in HOST or any(word.endswith("live:") for word in words))  # also --baseline=live:
    return sorted(name for name in os.environ if name.startswith("PYTHON")) if reads and not sys.flags.isolated else []


def isolate() -> None:
    """Replace this process by an isolated one with the same words, where something meddles; else return.

    The environment stays as it is: the interpreter does not ask it any more, and programs get a clean one anyway.
    """
    names = meddling(sys.argv[1:])
    if not names:
        return
    if not sys.executable:
        sys.stderr.write(f"sosmlx: {', '.join(names)}: would change what is imported\n        run it with python3 -I\n")
        raise SystemExit(2)
    os.execv(sys.executable, [sys.executable, "-I", "-B", "-c", _AGAIN, home(), *sys.argv])  # noqa: S606


def home() -> str:
    """Return where this package is imported from: the folder that it is in, or the zip file."""
    return os.path.abspath(sosmlx.__file__).rpartition("/sosmlx/")[0]  # noqa: PTH100 - pathlib is not imported yet
