"""Programs that misbehave: an outcome for every way in which one can end, and nothing left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from sosmlx.record import Answer, Outcome
from sosmlx.sources.base import COMMAND_CAP
from sosmlx.sources.run import ENVIRONMENT, run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs process groups as Linux has them")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder that is the whole search list."""
    return tmp_path


def tool(folder: Path, body: str) -> str:
    path = folder / "tool"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return "tool"


def anything(argv: Sequence[str]) -> str:
    """Say nothing against any program."""
    return ""


def outcome(folder: Path, body: str, deadline: float = 10.0, cap: int = COMMAND_CAP) -> Answer:
    return run((tool(folder, body),), deadline, grace=0.3, search=[str(folder)], refusal=anything, cap=cap)


def gone(pid: int | None) -> bool:
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z"


def test_a_program_that_ends_well_is_collected_with_both_outputs(tools: Path) -> None:
    answer = outcome(tools, "echo out; echo err >&2")

    assert answer == Answer(b"out\n", rc=0, stderr=b"err\n", tool=str(tools / "tool"))


def test_a_program_that_is_not_there_is_absent(tools: Path) -> None:
    answer = run(("no-such-tool",), 1.0, search=[str(tools)], refusal=anything)

    assert (answer.outcome, "no such program" in answer.reason) == (Outcome.ABSENT, True)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("kernel answers: Operation not supported", Outcome.UNSUPPORTED),
        ("netlink error: Operation not permitted", Outcome.DENIED),
        ("dmesg: read kernel buffer failed: Permission denied", Outcome.DENIED),
        ("kernel answers: No such device", Outcome.VANISHED),
        ("ethtool: bad command line argument(s)", Outcome.UNSUPPORTED),
        ("something else", Outcome.FAILED),
    ],
)
def test_a_program_that_fails_says_why(tools: Path, message: str, expected: Outcome) -> None:
    answer = outcome(tools, f"echo '{message}' >&2; exit 1")

    assert (answer.outcome, answer.reason, answer.rc) == (expected, message, 1)


def test_a_program_that_hangs_is_ended_at_its_deadline(tools: Path) -> None:
    answer = outcome(tools, "echo early; sleep 60", deadline=0.3)

    assert (answer.outcome, answer.data, gone(answer.pid)) == (Outcome.TIMEOUT, b"early\n", True)


def test_a_program_that_ignores_sigterm_is_killed(tools: Path) -> None:
    answer = outcome(tools, "trap '' TERM; while :; do sleep 0.1; done", deadline=0.3)

    assert (answer.outcome, answer.signal, gone(answer.pid)) == (Outcome.TIMEOUT, 9, True)


def test_a_flood_is_cut_at_the_cap(tools: Path) -> None:
    answer = outcome(tools, "exec yes", cap=100_000)

    assert (answer.outcome, len(answer.data)) == (Outcome.TRUNCATED, 100_000)


def test_a_flood_of_errors_neither_blocks_nor_grows(tools: Path) -> None:
    answer = outcome(tools, "head -c 3000000 /dev/zero >&2; echo done")

    assert (answer.outcome, answer.data, len(answer.stderr)) == (Outcome.COLLECTED, b"done\n", 64 << 10)


def test_a_program_that_dies_of_a_signal_is_failed(tools: Path) -> None:
    answer = outcome(tools, "kill -SEGV $$")

    assert (answer.outcome, answer.signal) == (Outcome.FAILED, 11)


def test_a_grandchild_that_holds_the_pipe_does_not_hold_us(tools: Path) -> None:
    answer = outcome(tools, "sleep 60 & echo said")

    assert (answer.outcome, answer.data) == (Outcome.COLLECTED, b"said\n")


CHILD = "echo $! > {folder}/child"


def child(folder: Path) -> int:
    return int((folder / "child").read_text())


def soon(pid: int) -> bool:
    """Whether a process is gone, or is so before long: the kernel needs a moment after SIGKILL."""
    until = time.monotonic() + 5
    while not gone(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return gone(pid)


@pytest.mark.parametrize(
    ("body", "deadline", "expected"),
    [
        ("sleep 60 & {child}; echo said", 10.0, Outcome.COLLECTED),
        ("sleep 60 >/dev/null 2>&1 & {child}; echo said", 10.0, Outcome.COLLECTED),
        ("(trap '' TERM; exec sleep 60) & {child}; sleep 60", 0.3, Outcome.TIMEOUT),
        ("(trap '' TERM; while :; do echo x; sleep 0.05; done) & {child}; exec yes", 10.0, Outcome.TRUNCATED),
        ("sleep 60 & {child}; exit 3", 10.0, Outcome.FAILED),
    ],
)
def test_nothing_that_a_program_started_outlives_it(tools: Path, body: str, deadline: float, expected: Outcome) -> None:
    answer = outcome(tools, body.format(child=CHILD.format(folder=tools)), deadline, cap=100_000)

    assert (answer.outcome, soon(child(tools))) == (expected, True)


def test_a_program_that_closes_its_output_and_works_on_has_its_whole_deadline(tools: Path) -> None:
    answer = outcome(tools, "echo part; exec >&- 2>&-; sleep 1; exit 0")

    assert (answer.outcome, answer.data, answer.rc) == (Outcome.COLLECTED, b"part\n", 0)


def test_a_program_that_closes_its_output_and_never_ends_is_a_timeout(tools: Path) -> None:
    answer = outcome(tools, "echo part; exec >&- 2>&-; sleep 60", deadline=0.5)

    assert (answer.outcome, answer.reason, answer.data) == (Outcome.TIMEOUT, "no end within 0.5 s", b"part\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_interrupted_takes_the_running_program_with_it(tools: Path, number: int) -> None:
    tool(tools, f"(trap '' TERM INT HUP; exec sleep 60) & {CHILD.format(folder=tools)}; trap '' TERM INT HUP; sleep 60")
    script = (
        "import signal, sys\nfrom sosmlx.cli.ending import Ending, terminable\nfrom sosmlx.sources.run import run\n"
        "for number in (signal.SIGTERM, signal.SIGHUP): signal.signal(number, signal.SIG_DFL)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\nending = Ending()\n"
        "with ending, terminable():\n"
        f"  run(('tool',), 60.0, grace=0.3, search=({str(tools)!r},), refusal=lambda argv: '')\nsys.exit(ending.code)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[1], stderr=subprocess.PIPE, text=True
    ) as ours:
        while not (tools / "child").exists() or not (tools / "child").read_text().strip():
            time.sleep(0.02)
        ours.send_signal(number)
        said = ours.communicate(timeout=20)[1]

    assert (ours.returncode, said, soon(child(tools))) == (130, "sosmlx: interrupted\n", True)


def test_the_environment_is_clean_and_stdin_is_empty(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "/tmp/evil.so")

    answer = outcome(tools, "cat; env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort")

    assert answer.data.decode().split("\n")[:-1] == sorted(f"{name}={value}" for name, value in ENVIRONMENT.items())


def test_a_file_that_cannot_be_executed_is_failed(tools: Path) -> None:
    (tools / "tool").write_bytes(b"\x7fELF garbage")
    (tools / "tool").chmod(0o755)

    answer = run(("tool",), 1.0, search=[str(tools)], refusal=anything)

    assert answer.outcome is Outcome.FAILED


def test_binary_output_is_kept_as_it_is(tools: Path) -> None:
    answer = outcome(tools, r"printf '\033[2J\000\377'")

    assert answer.data == b"\x1b[2J\x00\xff"


def test_a_program_is_ended_at_once_where_somebody_says_so(tools: Path) -> None:
    tool(tools, "echo early; sleep 60")
    began = time.monotonic()

    answer = run(("tool",), 30.0, search=[str(tools)], refusal=anything, stop=lambda: time.monotonic() > began + 0.3)

    assert (answer.outcome, answer.reason, answer.data) == (
        Outcome.FAILED, "interrupted: it was ended", b"early\n",
    )  # fmt: skip


def test_a_program_can_neither_dump_core_nor_fill_the_disk(tools: Path) -> None:
    answer = outcome(
        tools, f"sleep 0.3; ulimit -c; dd if=/dev/zero of={tools}/big bs=1M count=32; ls -s {tools}/big >&2"
    )

    assert (answer.data, (tools / "big").stat().st_size <= 16 << 20) == (b"0\n", True)
