"""`sosmlx collect` on a host whose /sys holds two simulated adapters and whose fwctl nodes answer real ioctls."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from sosmlx.bundle.read import read_bundle
from sosmlx.collectors.engine import Engine
from sosmlx.collectors.firmware_state import FIRMWARE_STATE
from sosmlx.collectors.fwctl import FWCTL
from sosmlx.collectors.registers import REGISTERS
from sosmlx.fwctl.allowed import refusal
from sosmlx.record import Bundle, Record
from sosmlx.simulator.adapter import adapter
from sosmlx.simulator.host import ScenarioSource, load
from sosmlx.simulator.nic import Kernel, Nic
from sosmlx.sources.run import ENVIRONMENT, find
from tests import shim
from tests.shim.server import Command, Server
from tests.shim.sysfs import nodes, tree

MOST_READS = 1100
"""Register reads of one adapter: a budget, what the vendor's own query needs."""

NAMESPACE = ("unshare", "--mount", "--propagation", "private")
ENTER = 'mount --bind "$1" /sys && mount --bind "$2" "$3" && shift 3 && exec "$@"'
"""Puts a folder over /sys and a file over a program, for nobody but what comes behind it."""

SPY = "#!/bin/sh\ntr '\\0' '\\n' </proc/$$/environ | sed 's/^/mlx5: /'\n"
"""In the place of dmesg: shows the environment in which it was run, as lines that the log's collector keeps."""


def _unable() -> str:
    """Say what keeps this host from such a run, or an empty string."""
    if shim.missing():
        return shim.missing()
    if not shutil.which(NAMESPACE[0]):
        return "no unshare(1) to make a mount namespace with"
    if not find("dmesg") or Path(find("dmesg")).is_symlink():
        return "no dmesg of its own to put another in its place"
    ran = subprocess.run([*NAMESPACE, "mount", "--bind", "/tmp", "/sys"], capture_output=True, text=True, check=False)
    return f"no mount namespace: {ran.stderr.strip()}" if ran.returncode else ""


HOST = load("two-adapters-before")
UNABLE = _unable()
pytestmark = pytest.mark.skipif(bool(UNABLE), reason=UNABLE)


class Collected(NamedTuple):
    """One run of `sosmlx collect`: how it ended, its bundle, and what reached the adapters."""

    code: int
    words: str
    bundle: Bundle
    commands: list[Command]
    nics: dict[int, Nic]
    kernel: Kernel


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    door, folder, kernel = shim.build(tmp_path_factory), tmp_path_factory.mktemp("host"), Kernel()
    spy = folder / "dmesg"
    spy.write_text(SPY, encoding="utf-8")
    spy.chmod(0o755)
    tree(folder / "sys", HOST)
    nics = {number: adapter(body, 0, kernel=kernel, strict=False) for number, body in nodes(HOST).items()}
    enter = (*NAMESPACE, "sh", "-c", ENTER, "sh", folder / "sys", spy, find("dmesg"))
    with Server(door.nodes, nics) as server:
        ran = door.run(sys.executable, "-m", "sosmlx", "collect", "-o", folder / "out", "--format", "dir", enter=enter)
    assert ran.stdout, ran.stderr
    bundle = read_bundle(ran.stdout.splitlines()[-1])
    return Collected(ran.returncode, ran.stderr, bundle, server.commands, nics, kernel)


def test_it_ends_in_a_bundle(collected: Collected) -> None:
    assert (collected.code in (0, 3), "Traceback" in collected.words, collected.bundle.faults) == (True, False, ())


def test_nothing_but_inspection_reads_reaches_the_driver(collected: Collected) -> None:
    scopes = {command.scope for command in collected.commands}
    refused = [why for command in collected.commands if (why := refusal(command.request))]

    assert (scopes, refused) == ({1}, [])


def test_nothing_changes(collected: Collected) -> None:
    before, after = (collected.bundle.delta[side] for side in ("before", "after"))

    assert (collected.bundle.delta["delta"], before, collected.kernel.taint, collected.kernel.log) == ([], after, 0, [])


def test_the_reads_of_each_adapter_stay_within_their_budget(collected: Collected) -> None:
    counts = Counter(command.node for command in collected.commands)

    assert {node: 0 < count <= MOST_READS for node, count in counts.items()} == {0: True, 1: True}


def test_every_command_left_a_record(collected: Collected) -> None:
    asked = [record.register or record.mailbox for record in collected.bundle.records]
    records = Counter(access.node for access in asked if access is not None)

    assert records == Counter(f"fwctl{command.node}" for command in collected.commands)


def _answers(records: list[Record]) -> dict[tuple[str, ...], tuple[str, bytes, str]]:
    return {
        record.target: (record.outcome.value, record.data, record.answer.reason)
        for record in records
        if record.register is not None or record.mailbox is not None
    }


def test_the_bundle_holds_what_a_collection_without_a_kernel_between_would_hold(collected: Collected) -> None:
    simulated = Engine(ScenarioSource(HOST)).collect((FWCTL, FIRMWARE_STATE, REGISTERS))

    assert _answers(list(collected.bundle.records)) == _answers(simulated)


def test_programs_that_it_runs_get_a_clean_environment(collected: Collected) -> None:
    [log] = [record for record in collected.bundle.records if record.kind == "kernel.log"]

    lines = [line.removeprefix("mlx5: ") for line in log.data.decode().splitlines()]
    assert sorted(lines) == sorted(f"{name}={value}" for name, value in ENVIRONMENT.items())


def test_no_firmware_context_is_left_open(collected: Collected) -> None:
    newest = {number: nic.open() for number, nic in collected.nics.items()}
    left = []
    for number, nic in collected.nics.items():
        for uid in range(1, newest[number]):
            with contextlib.suppress(OSError):  # EBADF is what a closed one answers
                left.append((number, nic.info(uid)))

    assert (min(newest.values()) > 1, left) == (True, [])
