"""`sosmlx collect` where tools hang, ignore signals, flood, print what acts, lie, crash, or vanish: real processes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from sosmlx.bundle.read import read_bundle
from sosmlx.bundle.verify import verify
from sosmlx.record import Bundle, Outcome, Record
from tests.shim.sysfs import tree

SECONDS = 14
GRACE = 10
MEMORY = 200 << 20
NAMESPACE = ("unshare", "--mount", "--propagation", "private", "sh", "-c")
ENTER = 'mount --bind "$1" /sys && mount --bind "$2" /usr/sbin && shift 2 && exec "$@"'
"""Puts folders over /sys and over the first place where programs are looked for, for nobody but what comes behind."""

TOOLS = {
    # One device's ethtool hangs with a child of its own, both deaf to SIGTERM; another's never stops printing.
    "ethtool": """trap '' TERM
case "$*" in
*stuck0*) sleep 600 & echo $! >>PIDS; while :; do sleep 600; done ;;
*flood*) exec yes 'a line of a tool that never stops' ;;
*crash6*) kill -SEGV $$ ;;
*fails7*) echo 'cannot do that' >&2; exit 77 ;;
esac
printf '\\033]0;title\\007\\033[2J\\000\\377\\376 odd\\n'
""",
    "devlink": "echo '{\"dev\": [[[ garbage'\n",
    "ip": "head -c 1073741824 /dev/zero\n",
    "tc": 'printf "%0100000d" 0 | tr 0 "["\n',
    "dcb": 'rm -f "$0"; echo gone\n',
    "dmesg": "echo 'mlx5_core 0000:3b:00.0: firmware version: 22.31.1014'\n",
}
NETDEVS = ("stuck0", "odd1", "flood2", "flood3", "flood4", "flood5", "crash6", "fails7")
HOST = {
    "functions": {
        f"0000:{0x3B + number:02x}:00.0": {
            "driver": "mlx5_core",
            "pci": {"device": "0x101d", "class": "0x020000"},
            "netdevs": {name: {"sysfs": {"mtu": "1500"}}},
        }
        for number, name in enumerate(NETDEVS)
    }
}


MEASURE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""
"""Run a command and write down how large it was: a process begins as large as the one that starts it, so that one that
is started by the tests is as large as they are."""


def _unable() -> str:
    if not shutil.which(NAMESPACE[0]):
        return "no unshare(1) to make a mount namespace with"
    probe = [*NAMESPACE, "mount --bind /tmp /sys"]
    ran = subprocess.run(probe, capture_output=True, text=True, check=False)
    return f"no mount namespace: {ran.stderr.strip()}" if ran.returncode else ""


UNABLE = _unable()
pytestmark = pytest.mark.skipif(bool(UNABLE), reason=UNABLE)


class Ran(NamedTuple):
    """A run of `sosmlx collect`: how long it took (seconds), its memory (bytes), its bundle, and who it started."""

    code: int
    words: str
    seconds: float
    memory: int
    path: str
    bundle: Bundle
    pids: frozenset[int]

    def of(self, tool: str, netdev: str = "") -> Iterator[Record]:
        """The records of a tool that was run for a device."""
        return (record for record in self.bundle.records if record.argv[:1] == (tool,) and netdev in ("", *record.argv))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("faults")
    tree(folder / "sys", HOST)
    pids = folder / "pids"
    for name, text in TOOLS.items():
        tool = folder / "sbin" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f"#!/bin/sh\necho $$ >>PIDS\n{text}".replace("PIDS", str(pids)))
        tool.chmod(0o755)
    collect = (
        sys.executable,
        "-m",
        "sosmlx",
        "collect",
        "--max-seconds",
        str(SECONDS),
        "--progress",
        "json",
        "-o",
        folder / "out",
    )
    measured = (sys.executable, "-c", MEASURE, folder / "memory", *collect)
    words = [*NAMESPACE, ENTER, "sh", folder / "sys", folder / "sbin", *measured]
    began = time.monotonic()
    with (folder / "said").open("w+") as err, (folder / "path").open("w+") as out:
        process = subprocess.Popen(
            [str(word) for word in words],
            cwd=Path(__file__).parents[1],
            stdout=out,
            stderr=err,
            stdin=subprocess.DEVNULL,
        )
        process.wait()
    seconds = time.monotonic() - began
    said, path = (folder / "said").read_text(), (folder / "path").read_text().strip()
    assert path, said
    started = frozenset(int(line) for line in pids.read_text().split())
    return Ran(
        process.returncode, said, seconds, int((folder / "memory").read_text()) << 10, path, read_bundle(path), started
    )


def test_it_comes_back_in_time_with_a_bundle_that_verifies(ran: Ran) -> None:
    found, damages = verify(ran.path)

    late = ran.seconds - SECONDS - GRACE
    assert (ran.code, late < 0, damages, found.manifest["complete"], "Traceback" in ran.words) == (
        3, True, [], False, False,
    )  # fmt: skip


def test_it_stays_small(ran: Ran) -> None:
    assert ran.memory < MEMORY


def test_nothing_that_it_started_still_runs(ran: Ran) -> None:
    assert (len(ran.pids) > 20, [pid for pid in ran.pids if _runs(pid)]) == (True, [])


def _runs(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return words[0] != "Z" and b"/sbin/" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_tool_that_hangs_and_ignores_sigterm_is_named_with_its_device_and_the_others_are_read(ran: Ran) -> None:
    [record] = [record for record in ran.of("ethtool", "stuck0") if record.answer.pid]
    others = {record.outcome for record in ran.of("ethtool", "odd1")}

    assert (record.outcome, record.function, "no end within" in record.answer.reason, others) == (
        Outcome.TIMEOUT, "0000:3b:00.0", True, {Outcome.COLLECTED},
    )  # fmt: skip


def test_a_tool_that_never_stops_printing_is_cut_off_and_said_to_be(ran: Ran) -> None:
    found = [record for netdev in NETDEVS if netdev.startswith("flood") for record in ran.of("ethtool", netdev)]

    cut = [record for record in found if record.outcome is Outcome.TRUNCATED]
    unsaid = [record for record in cut if not re.match(r"more than \d+ bytes|budget: ", record.answer.reason)]
    assert (len(cut) > 4, unsaid, max(len(record.data) for record in cut) <= 1 << 20) == (True, [], True)


def test_what_a_tool_prints_that_acts_is_kept_as_it_is_and_shown_as_numbers(ran: Ran) -> None:
    said = {record.data for record in ran.of("ethtool", "odd1")}

    odd = [line for line in ran.words.splitlines() if not line.isprintable()]
    assert (said, odd) == ({b"\x1b]0;title\x07\x1b[2J\x00\xff\xfe odd\n"}, [])


def test_a_tool_that_lies_about_its_success_gives_no_settings(ran: Ran) -> None:
    record = next(record for record in ran.bundle.records if record.argv == ("devlink", "-j", "dev", "show"))

    assert (record.outcome, record.data) == (Outcome.COLLECTED, b'{"dev": [[[ garbage\n')
    assert "devlink: unknown: devlink -j dev show: failed (devlink dev: not JSON" in ran.words


def test_a_tool_that_vanishes_is_absent_from_then_on(ran: Ran) -> None:
    outcomes = {record.outcome for record in ran.of("dcb") if record.outcome is not Outcome.SKIPPED}

    assert outcomes == {Outcome.COLLECTED, Outcome.ABSENT}


def test_a_tool_that_crashes_or_fails_says_how(ran: Ran) -> None:
    ends = {(record.outcome, record.answer.reason) for name in NETDEVS[-2:] for record in ran.of("ethtool", name)}

    assert ends == {(Outcome.FAILED, "ended by signal 11"), (Outcome.FAILED, "cannot do that")}
