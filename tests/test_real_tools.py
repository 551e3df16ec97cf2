"""The tools of this machine, as its distribution built them: every read that we declare of them is understood."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import cast

import pytest

from sosmlx.bundle.write import Meta, manifest
from sosmlx.collectors.engine import Engine
from sosmlx.collectors.packages import PACKAGE_OWNERS
from sosmlx.sources.live import LiveSource

NETNS = ("unshare", "--net", "--", "sh", "-c")
MAKE = 'ip link add pair0 type veth peer name pair1 && ip link set pair0 up && ip link set pair1 up && exec "$@"'
TOOLS = ("ip", "ethtool", "lspci")
ROOT = Path(__file__).parents[1]


def _unable() -> str:
    missing = [tool for tool in (*TOOLS, "unshare") if not shutil.which(tool)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    made = subprocess.run([*NETNS, MAKE, "sh", "true"], capture_output=True, text=True, check=False)
    return f"no network namespace with a pair of netdevs: {made.stderr.strip()}" if made.returncode else ""


UNABLE = _unable()
pytestmark = [pytest.mark.provided, pytest.mark.skipif(bool(UNABLE), reason=UNABLE)]


@pytest.fixture(scope="module")
def read() -> list[dict[str, object]]:
    """Run every declared command that needs no adapter, about a netdev in a network namespace of its own."""
    ran = subprocess.run(
        [*NETNS, MAKE, "sh", sys.executable, "-m", "tests.real_tools", "pair0"],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return cast("list[dict[str, object]]", json.loads(ran.stdout or json.dumps([{"stderr": ran.stderr}])))


def test_what_a_real_tool_prints_is_understood_to_the_last_line(read: list[dict[str, object]]) -> None:
    assert [row for row in read if row["trouble"]] == []


def test_what_a_real_tool_cannot_tell_here_has_an_outcome_that_says_so(read: list[dict[str, object]]) -> None:
    assert [row for row in read if row["outcome"] not in ("collected", "absent", "unsupported")] == []


def test_the_tools_of_the_distribution_told_something(read: list[dict[str, object]]) -> None:
    told = {cast("list[str]", row["argv"])[0] for row in read if row["outcome"] == "collected"}

    assert {"ethtool", "ip", "lspci", "tc"} <= told


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="no dpkg-query")
def test_the_manifest_names_the_package_of_a_tool() -> None:
    records = Engine(LiveSource()).collect([PACKAGE_OWNERS])
    tools = cast(
        "list[dict[str, str]]", manifest(records, Meta("n07", datetime(2026, 1, 1, tzinfo=timezone.utc), "0"))["tools"]
    )

    assert {row["path"]: row["package"] for row in tools}["/usr/sbin/ethtool"] == "ethtool"
