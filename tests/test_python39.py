"""The host half on a real Python 3.9, where one runs: it imports, collects and verifies without any package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import layers
from tests.pythons import python

PYTHON = python("3.9")
pytestmark = pytest.mark.skipif(PYTHON is None, reason="no Python 3.9 runs on this machine")


def run(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a script on that Python: isolated, without site-packages."""
    head = f"import sys; sys.path.insert(0, {str(layers.ROOT)!r}); sys.dont_write_bytecode = True\n"
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        [PYTHON or "", "-I", "-S", "-c", head + script, *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def test_every_module_of_the_host_half_imports() -> None:
    names = sorted(name for name in layers.host_half() if name != "sosmlx.__main__")

    ran = run("".join(f"import {name}\n" for name in names))

    assert (ran.returncode, ran.stderr) == (0, "")


MAIN = "from sosmlx.cli import main\nsys.exit(main(sys.argv[1:]))\n"


def test_it_collects_and_verifies(tmp_path: Path) -> None:
    collected = run(MAIN, "collect", "--source", "sim:two-adapters-before", "-o", str(tmp_path))

    verified = run(MAIN, "verify", collected.stdout.strip())

    assert (collected.returncode, verified.returncode, verified.stderr) == (0, 0, "")


def test_it_collects_the_same_records_as_this_python(tmp_path: Path) -> None:
    old = run(MAIN, "collect", "--source", "sim:two-adapters-after", "-o", str(tmp_path)).stdout.strip()

    from sosmlx.bundle.opening import open_source

    there, here = open_source(old), open_source("sim:two-adapters-after")
    assert [(r.id, r.kind, r.answer) for r in there.records] == [(r.id, r.kind, r.answer) for r in here.records]


def test_analysis_says_that_it_needs_a_newer_python() -> None:
    ran = run(MAIN, "diff", "a", "b")

    assert (ran.returncode, "needs Python 3.11" in ran.stderr, "Traceback" in ran.stderr) == (2, True, False)


def test_this_python_is_the_one_of_the_analysis_half() -> None:
    assert sys.version_info >= (3, 11)
