"""How commands end: one line and exit 2 for whatever goes wrong, output that fits any stream, nothing half written."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from sosmlx.bundle.write import MANIFEST
from sosmlx.cli import main
from sosmlx.cli.ending import Ending
from sosmlx.errors import InputError
from tests.snapshots import query

ROOT = Path(__file__).parents[1]
VALUES = {"NUM_OF_VFS": ("0", "8", "8"), "SRIOV_EN": ("False(0)", "True(1)", "True(1)")}
Capture = pytest.CaptureFixture[str]


def ended(error: BaseException, *, debug: bool = False) -> int:
    ending = Ending()
    ending.debug = debug
    with ending:
        raise error
    return ending.code


class OddError(Exception):
    """An exception that nobody has thought of."""


@pytest.mark.parametrize(
    "error",
    [OddError("odd"), RecursionError("deep"), MemoryError(), AssertionError("so"), OSError("alas"), KeyError(1)],
)
def test_an_error_of_our_own_is_one_line_and_exit_2(capsys: Capture, error: Exception) -> None:
    code = ended(error)

    said = capsys.readouterr().err
    words = f"sosmlx: internal error: {type(error).__name__}: {error}; run again with --debug for a traceback"
    assert (code, said) == (2, f"{words}, and report it\n")


def test_debug_adds_the_traceback_and_keeps_the_exit_code(capsys: Capture) -> None:
    codes = [ended(OddError("odd"), debug=True), ended(InputError("x: bad", "do that"), debug=True)]

    said = capsys.readouterr().err
    assert (codes, said.count("Traceback"), "x: bad\n        do that\n" in said) == ([2, 2], 2, True)


def test_a_message_cannot_act_on_the_terminal(capsys: Capture) -> None:
    ended(OddError("\x1b[2J\nsecond"))

    assert "internal error: OddError: \\x1b[2J\\x0asecond; run" in capsys.readouterr().err


def shell(words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = words.replace("sosmlx", f"'{sys.executable}' -m sosmlx")
    environ = {**os.environ, **environment}
    return subprocess.run(
        ["/bin/bash", "-c", command], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )


BIG = "schema snapshot"


@pytest.mark.parametrize("command", ["--help", "list kinds", BIG, "show sim:two-adapters-before", "collect --plan"])
@pytest.mark.parametrize(
    ("redirection", "words"), [(">/dev/full", "standard output: No space"), (">&-", "standard output is closed")]
)
def test_output_that_cannot_be_written_is_exit_2_with_a_line(command: str, redirection: str, words: str) -> None:
    ran = shell(f"sosmlx {command} {redirection}")

    assert (ran.returncode, ran.stderr.startswith(f"sosmlx: {words}"), ran.stderr.count("\n") <= 2) == (2, True, True)


def test_closed_output_ends_a_collection_before_it_writes(tmp_path: Path) -> None:
    ran = shell(f"sosmlx collect --source sim:bare -o '{tmp_path}/b' >&-")

    assert (ran.returncode, list(tmp_path.iterdir())) == (2, [])


def test_messages_do_not_get_into_the_data_where_stderr_is_closed(tmp_path: Path) -> None:
    ran = shell(f"sosmlx collect --source sim:bare -o '{tmp_path}' 2>&-")

    assert (ran.returncode, ran.stdout.count("\n")) == (3, 1)


@pytest.mark.parametrize("closed", ["<&-", "<&- 2>&-", "2>/dev/full"])
def test_a_host_is_read_and_told_of_whatever_becomes_of_input_and_messages(tmp_path: Path, closed: str) -> None:
    name = tmp_path / "host/proc/sys/kernel/hostname"
    name.parent.mkdir(parents=True)
    name.write_text("n7\n", encoding="utf-8")

    ran = shell(f"sosmlx collect --root '{tmp_path}/host' -o '{tmp_path}/b' {closed}")

    assert (ran.returncode, ran.stdout.startswith(f"{tmp_path}/b/sosmlx-n7-"), "interrupted" in ran.stderr) == (
        3, True, False,
    )  # fmt: skip


def test_a_path_that_standard_output_does_not_take_is_a_message(tmp_path: Path) -> None:
    ran = shell(f"sosmlx collect --source sim:bare --quiet -o '{tmp_path}' >/dev/full")

    [path] = tmp_path.glob("*.tar.xz")
    said = f"sosmlx: the bundle is {path}\nsosmlx: standard output: No space left on device\n"
    assert (ran.returncode, ran.stderr) == (2, said)


def test_closed_input_is_exit_2_with_a_line() -> None:
    ran = shell("sosmlx show - <&-")

    assert (ran.returncode, ran.stderr) == (2, "sosmlx: standard input: closed\n")


def test_a_stream_that_is_ascii_gets_every_other_character_as_a_number(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    path.write_text(query({**VALUES, "LINK_TYPE_P1": ("IB(1)", "é→(2)", "é→(2)")}), encoding="utf-8")

    ran = shell(f"sosmlx show '{path}' --all", PYTHONIOENCODING="ascii")

    assert (ran.returncode, "Traceback" in ran.stderr, ran.stdout.isascii(), "\\u2192" in ran.stdout) == (
        0, False, True, True,
    )  # fmt: skip


def test_the_path_of_a_bundle_is_printed_byte_for_byte(tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xc3\xa9")
    command = [sys.executable, "-m", "sosmlx", "collect", "--source", "sim:bare", "-o", folder, "--quiet"]

    ran = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, check=False
    )

    assert Path(os.fsdecode(ran.stdout.rstrip(b"\n"))).is_file()


@pytest.mark.parametrize(
    "words", [["--plan", "--source", "sim:nosuch"], ["--plan", "--source", "nope"], ["--json", "--source", "sim:bare"]]
)
def test_a_collection_that_cannot_be_is_exit_2(capsys: Capture, words: list[str]) -> None:
    try:
        code = main(["collect", *words])
    except SystemExit as error:
        code = int(error.code or 0)

    said = capsys.readouterr()
    assert (code, said.out, said.err != "") == (2, "", True)


@pytest.mark.parametrize("last", ["missing/x.json", "folder", "file/x.html"])
def test_no_file_is_written_where_one_of_them_cannot_be(tmp_path: Path, capsys: Capture, last: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("as it was")
    (tmp_path / "old.json").write_text("as it was")
    last_path = tmp_path / last if last != "folder" else tmp_path / "folder.json"
    if last == "folder":
        last_path.mkdir()

    code = main(["show", "sim:bare", "-o", f"{tmp_path}/a.json", "-o", f"{tmp_path}/old.json", "-o", str(last_path)])

    found = {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()}
    assert (code, capsys.readouterr().out, found) == (2, "", {"file": "as it was", "old.json": "as it was"})


def test_a_file_that_is_there_is_replaced_whole(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text("x" * 1_000_000)

    code = main(["show", "sim:bare", "-o", str(old)])

    assert (code, json.loads(old.read_text())["schema"]) == (0, "sosmlx.snapshot/1")


def test_every_folder_that_a_collection_makes_is_private(tmp_path: Path) -> None:
    code = main(["collect", "--source", "sim:bare", "-o", str(tmp_path / "a/b/c"), "--quiet"])

    assert (code, {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "a/b", "a/b/c")}) == (3, {0o700})


def scenario(path: Path, **members: object) -> str:
    path.write_text(json.dumps({"schema": "sosmlx.scenario/1", "extends": "two-adapters-before", **members}))
    return f"sim:{path}"


def test_what_a_tool_says_cannot_act_on_the_terminal(tmp_path: Path, capsys: Capture) -> None:
    fault = {"read": "ethtool -g enp59s0np0", "outcome": "denied", "reason": "\x1b[2Jno\x07"}
    spec = scenario(tmp_path / "s.json", faults=[fault], host={"taint": "\x1b[31m"})

    codes = [main(["collect", "--source", spec, "-o", str(tmp_path)]), main(["devices", spec])]

    said = "".join(capsys.readouterr())
    assert codes[0] == 3
    assert ([char for char in said if char != "\n" and not char.isprintable()], "\\x1b[2Jno\\x07" in said) == ([], True)


def test_a_member_name_cannot_act_on_the_terminal(tmp_path: Path, capsys: Capture) -> None:
    main(["collect", "--source", "sim:bare", "-o", str(tmp_path), "--format", "dir", "--quiet"])
    root = Path(capsys.readouterr().out.strip())
    (root / "\x1b[2Jevil\x07").write_text("x")

    code = main(["verify", str(root)])

    assert (code, capsys.readouterr().err) == (
        2, f"sosmlx: {root}: damaged: \\x1b[2Jevil\\x07: is not in the list of check sums\n"
    )  # fmt: skip


def test_a_cut_archive_is_told_in_a_few_lines(tmp_path: Path, capsys: Capture) -> None:
    main(["collect", "--source", "sim:two-adapters-before", "-o", str(tmp_path), "--quiet"])
    path = Path(capsys.readouterr().out.strip())
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])

    code = main(["verify", str(path)])

    lines = capsys.readouterr().err.splitlines()
    assert (code, len(lines), lines[-1].endswith(" more")) == (2, 6, True)


def test_a_bundle_of_a_simulated_host_claims_no_maker(tmp_path: Path, capsys: Capture) -> None:
    main(["collect", "--source", "sim:bare", "-o", str(tmp_path), "--quiet"])

    with tarfile.open(capsys.readouterr().out.strip()) as tar:
        file = tar.extractfile(next(member for member in tar if member.name.endswith(MANIFEST)))
        index = json.load(file) if file else {}
    assert index["security"]["euid"] == -1
