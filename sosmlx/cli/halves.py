"""Which commands are the analyst's, and whether they can run here: under this Python, from this file."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from typing import Callable, cast

from sosmlx.errors import UsageError

ANALYSIS_PYTHON = (3, 11)
ANALYSIS = ("analysis", "judge", "render")
"""Modules of the analyst's side; everything else runs under the older Python of a host."""


def elsewhere(run: str) -> bool:
    """Whether a command (`half:function`) did not come with this package: the collector as one file is the host's half.

    >>> elsewhere("host:collect")
    False
    """
    half = run.partition(":")[0]
    return half in ANALYSIS and importlib.util.find_spec(f"sosmlx.cli.{half}") is None


def command(run: str) -> Callable[[argparse.Namespace], int]:
    """Import what carries out a command (`half:function`). Raises UsageError where that cannot be done here."""
    half, _, name = run.partition(":")
    if elsewhere(run):
        raise UsageError(
            f"{name} is not in this file, which is the collector alone",
            "collect here, and run the rest on a workstation where all of sosmlx is installed",
        )
    if half in ANALYSIS and sys.version_info < ANALYSIS_PYTHON:
        running = ".".join(map(str, sys.version_info[:2]))
        raise UsageError(
            f"{name} needs Python 3.11 or later; this is {running}",
            "collect here, and run it on a workstation where sosmlx is installed under a newer Python",
        )
    return cast("Callable[[argparse.Namespace], int]", getattr(importlib.import_module(f"sosmlx.cli.{half}"), name))
