"""What a collection tells while it runs: lines that move on a terminal, events for programs, nothing when quiet."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from importlib import resources
from io import StringIO
from pathlib import Path

import jsonschema
import pytest

from sosmlx.cli import progress
from sosmlx.cli.board import SLOW, Board
from sosmlx.cli.progress import Events
from sosmlx.cli.screen import Bars, Plain
from sosmlx.collectors.watch import Began, Ended, Stage
from sosmlx.record import Outcome

ROOT = Path(__file__).parents[1]
ONE, OTHER = "0000:3b:00.0", "0000:af:00.0"


def ended(device: str, what: str, outcome: Outcome = Outcome.COLLECTED) -> Ended:
    return Ended(device, what, outcome, "", 0.1, 3)


def board() -> Board:
    shown = Board(300.0)
    shown.hear(Stage("reading"), 0.0)
    shown.hear(Began("host", "dmesg -k", 20.0), 0.5)
    shown.hear(Began(ONE, "devlink dev info", 15.0), 1.0)
    shown.hear(ended(ONE, "devlink dev info", Outcome.TIMEOUT), 2.0)
    shown.hear(Began(ONE, "ethtool -i e0", 15.0), 2.0)
    return shown


def test_a_line_per_device_says_what_runs_for_how_long_and_how_reads_ended() -> None:
    assert board().lines(3.0, 80, 24) == [
        "host               0 reads, 2.5 s dmesg -k",
        "0000:3b:00.0       1 reads, 1 timeout, 1.0 s ethtool -i e0",
        "3 of at most 300 s, 1 reads: reading",
    ]


def test_lines_move_while_a_device_is_read_and_point_out_what_is_slow() -> None:
    shown = board()

    assert [shown.lines(now, 80, 24)[1].partition("timeout, ")[2] for now in (3.0, 3.5, 5.0)] == [
        "1.0 s ethtool -i e0", "1.5 s ethtool -i e0", "SLOW 3.0 s ethtool -i e0",
    ]  # fmt: skip


def test_on_a_small_terminal_what_is_read_now_is_shown_and_the_rest_is_counted() -> None:
    shown = board()
    for number in range(20):
        shown.hear(Began(f"0000:{number:02x}:00.1", "x", 1.0), 2.0)
        shown.hear(ended(f"0000:{number:02x}:00.1", "x"), 2.1)

    assert [line[:20] for line in shown.lines(3.0, 20, 5)] == [
        "host               0", "0000:3b:00.0       1", "0000:00:00.1       1", "and 19 more, 19 read",
        "3 of at most 300 s, ",
    ]  # fmt: skip


def test_what_a_device_is_called_cannot_act_on_the_terminal() -> None:
    shown = Board(1.0)
    shown.hear(Began("\x1b[2J", "\x9b1m\n", 1.0), 0.0)

    assert [line for line in shown.lines(0.0, 80, 24) if not line.isprintable()] == []


def test_a_slow_read_is_pointed_out_once() -> None:
    shown = board()

    assert [[line.what for line in shown.slow(now)] for now in (1.0, SLOW + 1, SLOW + 2, SLOW + 3)] == [
        [], ["dmesg -k"], ["ethtool -i e0"], [],
    ]  # fmt: skip


def test_plain_lines_are_written_over_the_last_ones() -> None:
    stream = StringIO()
    plain = Plain(stream)

    plain.show(["a"])
    plain.show(["b", "c"])

    assert stream.getvalue() == "\r\x1b[Ka\n\x1b[1A\r\x1b[Kb\n\r\x1b[Kc\n"


@pytest.mark.provided
def test_tqdm_writes_the_same_lines() -> None:
    tqdm = pytest.importorskip("tqdm", reason="tqdm is not installed").tqdm
    stream = StringIO()
    bars = Bars(tqdm, stream)

    bars.show(["a"])
    bars.show(["b", "c"])
    bars.close()

    assert stream.getvalue().endswith("\rb\n\rc\n")


def test_events_are_documents_of_their_schema() -> None:
    schema = json.loads((resources.files("sosmlx.data") / "schemas/progress.json").read_text())
    reader, writer = os.pipe()
    events = Events(9.0, writer)
    events.hear(Stage("reading"), 0.0)
    events.hear(Began(ONE, "x", 5.0), 1.0)
    events.tell(1.0 + SLOW)
    events.hear(ended(ONE, "x", Outcome.FAILED), 5.0)
    events.close()
    os.close(writer)
    with os.fdopen(reader) as file:
        rows = [json.loads(line) for line in file]

    wrong = [row for row in rows if not jsonschema.Draft202012Validator(schema).is_valid(row)]
    assert ([(row["event"], row["elapsed"]) for row in rows], wrong) == (
        [("start", 0.0), ("stage", 0.0), ("began", 1.0), ("slow", 4.0), ("ended", 5.0), ("end", 5.0)], [],
    )  # fmt: skip


COLLECT = (sys.executable, "-m", "sosmlx", "collect", "--source", "sim:bare", "-o")


def _seen(folder: Path, *words: str, term: str = "xterm") -> str:
    """Run a collection on a terminal of 90 columns; returns what it wrote there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 90, 0, 0))
    process = subprocess.Popen(
        [*COLLECT, str(folder), *words], cwd=ROOT, env={**os.environ, "TERM": term}, stdin=theirs,
        stdout=subprocess.DEVNULL, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 1 << 16):
            said += chunk
    except OSError:  # EIO: nobody has the other side open any more
        pass
    finally:
        os.close(ours)
        process.wait()
    return said.decode()


@pytest.mark.parametrize(
    ("words", "term", "lines"),
    [((), "xterm", True), ((), "dumb", False), (("--progress", "none"), "xterm", False),
     (("--quiet", "--progress", "tty"), "xterm", False), (("--progress", "tty"), "dumb", True)],
)  # fmt: skip
def test_lines_are_for_a_terminal_that_can_show_them(
    tmp_path: Path, words: tuple[str, ...], term: str, lines: bool
) -> None:
    said = _seen(tmp_path, *words, term=term)

    assert ("reads: writing the bundle" in said, "\rhost" in said or "Khost" in said) == (lines, lines)


def test_a_terminal_of_no_known_size_gets_its_lines() -> None:
    plain = Plain(StringIO())

    assert plain.size() == (80, 24)


def test_a_program_reads_events_and_messages_apart(tmp_path: Path) -> None:
    ran = subprocess.run([*COLLECT, str(tmp_path), "--progress", "json"], cwd=ROOT, capture_output=True, check=False)

    said = ran.stderr.decode().splitlines()
    rows = [json.loads(line) for line in said if line.startswith("{")]
    began = sorted((row["device"], row["what"]) for row in rows if row["event"] == "began")
    done = sorted((row["device"], row["what"]) for row in rows if row["event"] == "ended")
    others = {line.partition(":")[0] for line in said if not line.startswith("{")}
    assert (rows[0]["event"], rows[-1]["event"], others, len(began) > 20, began == done) == (
        "start", "end", {"sosmlx"}, True, True,
    )  # fmt: skip


def test_who_does_not_read_events_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        began = time.monotonic()
        with progress.watching("json", quiet=False, max_seconds=1.0) as watch:
            for number in range(5_000):
                watch(Began(ONE, f"read {number}", 1.0))
        held = time.monotonic() - began
        os.close(reader)

    assert held < 5.0
