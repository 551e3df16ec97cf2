"""The command line as its users meet it: exit codes, words on stderr, and never a traceback."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sosmlx.cli import main
from tests.snapshots import query

ROOT = Path(__file__).parents[1]
BEFORE = {
    "NUM_OF_VFS": ("0", "8", "8"),
    "SRIOV_EN": ("False(0)", "True(1)", "True(1)"),
    "LINK_TYPE_P1": ("IB(1)", "ETH(2)", "ETH(2)"),
    "ESWITCH_HAIRPIN_DESCRIPTORS": ("Array[0..7]",) * 3,
}
AFTER = {**BEFORE, "NUM_OF_VFS": ("0", "8", "16")}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run one command line in this process: exit code, stdout, stderr."""

    def command(*words: object) -> tuple[int, str, str]:
        try:
            code = main([str(word) for word in words])
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Two pasted queries, before and after one change."""
    paths = (tmp_path / "before.txt", tmp_path / "after.txt")
    for path, values in zip(paths, (BEFORE, AFTER), strict=True):
        path.write_text(query(values))
    return paths


def differences(out: str) -> list[tuple[str, str, str, object, object]]:
    return [
        (row["device"], row["name"], row["facet"], row["left"]["value"], row["right"]["value"])
        for row in json.loads(out)["differences"]
    ]


def test_two_pasted_queries_show_the_changed_key_and_nothing_else(run: Run, pair: tuple[Path, Path]) -> None:
    code, out, err = run("diff", *pair, "--format", "json")

    assert (code, differences(out), err) == (1, [("0000:3b:00.0", "NUM_OF_VFS", "next", 8, 16)], "")


def test_the_same_text_twice_is_no_difference(run: Run, pair: tuple[Path, Path]) -> None:
    code, out, _ = run("diff", pair[0], pair[0])

    assert (code, "No difference." in out) == (0, True)


PASTES: dict[str, Callable[[str], str]] = {
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "byte order mark": lambda text: "\ufeff" + text,
    "quoted": lambda text: "".join(f"> {line}\n" for line in text.split("\n")),
    "quoted twice": lambda text: "".join(f">> {line}\n" for line in text.split("\n")),
    "quoted with blanks": lambda text: "".join(f"  > > {line}\n" for line in text.split("\n")),
    "indented": lambda text: "".join(f"      {line}\n" for line in text.split("\n")),
    "dedented": lambda text: "".join(f"{line.lstrip()}\n" for line in text.split("\n")),
    "trailing blanks": lambda text: "".join(f"{line}   \t\n" for line in text.split("\n")),
    "fenced": lambda text: f"Hello,\n\n```\n{text}\n```\n\nThanks\n",
    "jira": lambda text: f"{{noformat}}\n{text}\n{{noformat}}\n",
    "prompts": lambda text: f"[root@n07 ~]# mlxconfig -e -d 3b:00.0 q\n{text}\n[root@n07 ~]# exit\n",
    "chatter": lambda text: (
        f"Hi all,\nthis is what we see on the node:\n{text}\nCan you have a look? See BUG 123.\n-- \nJo\n"
    ),
    "no-break spaces": lambda text: text.replace("        ", "\u00a0   \u00a0   "),
    "tabs": lambda text: text.replace("        ", "\t"),
    "utf-16": lambda text: text,
}


@pytest.mark.parametrize("name", PASTES)
def test_what_a_ticket_does_to_a_text_changes_no_setting(run: Run, tmp_path: Path, name: str) -> None:
    plain, pasted = tmp_path / "plain.txt", tmp_path / "pasted.txt"
    plain.write_text(query(BEFORE))
    text = PASTES[name](query(AFTER))
    pasted.write_bytes(text.encode("utf-16") if name == "utf-16" else text.encode())

    code, out, _ = run("diff", plain, pasted, "--format", "json")

    assert (code, differences(out)) == (1, [("0000:3b:00.0", "NUM_OF_VFS", "next", 8, 16)])


def test_several_devices_in_one_paste_are_told_apart(run: Run, tmp_path: Path) -> None:
    left, right = tmp_path / "l.txt", tmp_path / "r.txt"
    left.write_text(query(BEFORE, "0000:3b:00.0", 1) + query(BEFORE, "0000:3b:00.1", 2))
    right.write_text(query(BEFORE, "0000:3b:00.0", 1) + query(AFTER, "0000:3b:00.1", 2))

    code, out, _ = run("diff", left, right, "--format", "json")

    assert (code, differences(out)) == (1, [("0000:3b:00.1", "NUM_OF_VFS", "next", 8, 16)])


def test_a_text_without_a_column_leaves_that_facet_out_of_the_comparison(run: Run, pair: tuple[Path, Path]) -> None:
    rows = "".join(f"  {name}  {values[2]}\n" for name, values in AFTER.items())
    head = "Device #1:\n----------\n\nDevice type: ConnectX6DX\nDevice: 0000:3b:00.0\n\nConfigurations:  Next Boot\n"
    pair[1].write_text(head + rows)

    code, out, _ = run("diff", *pair, "--format", "json")

    scope = [(row["side"], row["facet"]) for row in json.loads(out)["scope"]]
    assert (code, differences(out), scope) == (
        1,
        [("0000:3b:00.0", "NUM_OF_VFS", "next", 8, 16)],
        [("right", "current"), ("right", "default")],
    )


def test_rows_that_were_left_out_are_unknown_and_not_removed(run: Run, pair: tuple[Path, Path]) -> None:
    text = query({"NUM_OF_VFS": BEFORE["NUM_OF_VFS"]}) + "   (...)\n"
    pair[1].write_text(text)

    code, out, _ = run("diff", *pair, "--format", "json")

    gaps = [name for row in json.loads(out)["unknown"] for name in row["names"]]
    assert (code, differences(out), gaps) == (3, [], ["ESWITCH_HAIRPIN_DESCRIPTORS", "LINK_TYPE_P1", "SRIOV_EN"])


def test_a_text_can_come_from_standard_input(
    run: Run, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(query(AFTER).encode())))

    code, out, _ = run("diff", pair[0], "-", "--format", "json")

    assert (code, len(differences(out))) == (1, 1)


def test_a_text_can_come_through_a_pipe(pair: tuple[Path, Path]) -> None:
    words = f"'{sys.executable}' -m sosmlx diff '{pair[0]}' <(cat '{pair[1]}')"

    ran = subprocess.run(["/bin/bash", "-c", words], cwd=ROOT, capture_output=True, check=False)

    assert ran.returncode == 1


def hostile_tar(path: Path) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name in ("../../evil", "/tmp/evil"):
            tar.addfile(tarfile.TarInfo(name))


def long_line(path: Path) -> None:
    with path.open("wb") as out:
        out.seek(200 << 20)
        out.write(b"a")


def letters(path: Path) -> None:
    with path.open("wb") as out:
        for _ in range(200):
            out.write(b"a" * (1 << 20))


BAD: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "blank": lambda path: path.write_bytes(b"\n \n"),
    "binary": lambda path: path.write_bytes(Path(sys.executable).read_bytes()[:50_000]),
    "random": lambda path: path.write_bytes(os.urandom(50_000)),
    "web page": lambda path: path.write_text("<!DOCTYPE html><html><body>Device #1:</body></html>"),
    "truncated json": lambda path: path.write_text('{"info":{"pci/0000:03:00.0":{"driv'),
    "brackets": lambda path: path.write_text("[" * 200_000),
    "braces": lambda path: path.write_text('{"a":' * 200_000),
    "truncated archive": lambda path: path.write_bytes(b"\xfd7zXZ\x00\x00\x04garbage"),
    "truncated gzip": lambda path: path.write_bytes(b"\x1f\x8b\x08\x00"),
    "hostile tar": hostile_tar,
    "sparse 200 MB": long_line,
    "one line of 200 MB": letters,
    "folder without anything known": lambda path: path.mkdir(),
    "a path in a file": lambda path: path.write_text("x\n"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["show", "diff"])
def test_bad_input_is_one_or_two_lines_and_exit_2(run: Run, tmp_path: Path, name: str, command: str) -> None:
    bad = tmp_path / "bad"
    BAD[name](bad)
    good = tmp_path / "good.txt"
    good.write_text(query(BEFORE))

    code, out, err = run(*(["show", bad] if command == "show" else ["diff", good, bad]))

    assert (code, out, 1 <= err.count("\n") <= 2, "Traceback" in err) == (2, "", True, False)
    assert sorted(path.name for path in tmp_path.iterdir()) in (["bad", "good.txt"], ["good.txt"])


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["diff", "one"],
        ["show", "sim:nope"],
        ["show", "sim:bare", "--plane", "nope"],
        ["show", "sim:bare", "--device", "nope"],
        ["show", "sim:bare", "--as", "nope"],
        ["show", "sim:bare", "-o", "x.pdf"],
        ["show", "sim:bare", "--raw", "999"],
        ["collect", "--source", "nope"],
        ["collect", "--source", "sim:bare", "-o", "/proc/nope"],
        ["schema", "nope"],
        ["verify", "/nope"],
        ["collect", "--max-seconds", "-1"],
        ["collect", "-o", ""],
    ],
)
def test_a_wrong_command_line_is_exit_2_without_a_traceback(run: Run, words: list[str]) -> None:
    code, _, err = run(*words)

    assert (code, "Traceback" in err, err != "") == (2, False, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--max-bytes", "1M"], "'1M': a number of bytes above 0 was expected, such as 67108864"),
        (["--max-seconds", "5m"], "'5m': a number of seconds above 0 was expected"),
    ],
)
def test_a_limit_that_is_no_number_is_said_with_what_was_expected(run: Run, words: list[str], said: str) -> None:
    _, _, err = run("collect", *words)

    assert err.endswith(f"error: argument {words[0]}: {said}\n")


def test_one_long_pattern_does_not_push_all_rows_of_a_plan_aside(run: Run) -> None:
    _, out, _ = run("collect", "--plan", "--profile", "minimal")

    assert max(len(line) for line in out.splitlines() if "{" not in line) < 250


def test_a_host_without_adapter_gives_a_valid_bundle_and_exit_3(run: Run, tmp_path: Path) -> None:
    code, out, err = run("collect", "--source", "sim:bare", "-o", tmp_path)

    path = out.strip().splitlines()[-1]
    assert (code, "no adapter" in err, run("verify", path)[0]) == (3, True, 0)


def test_no_fwctl_is_said_once_with_what_would_help(run: Run, tmp_path: Path) -> None:
    code, _, err = run("collect", "--source", "sim:no-fwctl", "-o", tmp_path)

    assert (code, err.count("no fwctl device"), "--vendor-access" in err) == (3, 1, True)


def test_a_complete_host_is_exit_0(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("collect", "--source", "sim:two-adapters-before", "-o", tmp_path, "--label", "x")

    assert (code, re.search(r"sosmlx-n07-x-\d{8}T\d{6}Z-[0-9a-f]{8}\.tar\.xz\n\Z", out) is not None) == (0, True)


def test_this_machine_gives_a_valid_bundle_with_an_outcome_for_every_read(run: Run, tmp_path: Path) -> None:
    code, out, err = run("collect", "-o", tmp_path, "--format", "dir")

    manifest = json.loads((Path(out.strip()) / "sosmlx/manifest.json").read_text())
    unexplained = [r for r in manifest["records"] if r["outcome"] != "collected" and not r["reason"]]
    assert (code in (0, 3), unexplained, run("verify", out.strip())[0], "Traceback" in err) == (True, [], 0, False)


def test_a_bundle_that_lost_a_byte_names_the_member(run: Run, tmp_path: Path) -> None:
    _, out, _ = run("collect", "--source", "sim:two-adapters-before", "-o", tmp_path, "--format", "dir")
    victim = next(Path(out.strip()).glob("sos_commands/sosmlx/ethtool/*ethtool.rings"))
    data = bytearray(victim.read_bytes())
    data[7] ^= 1
    victim.write_bytes(data)

    code, _, err = run("verify", out.strip())

    assert (code, victim.name in err, err.count("\n")) == (2, True, 1)


def test_the_plan_reads_nothing_and_names_every_hazard(run: Run) -> None:
    code, out, _ = run("collect", "--plan", "--vendor-access", "--json")

    rows = json.loads(out)["reads"]
    hazards = {(row["scope"], row["hazard"].split()[0]) for row in rows if row["hazard"]}
    assert (code, hazards) == (
        0, {("configuration", "writes"), ("inspection", "opening"), ("inspection", "the")},
    )  # fmt: skip


@pytest.mark.parametrize(
    "words", [["--help"], ["collect", "--help"], ["collect", "--plan"], ["collect", "--plan", "--json"]]
)
def test_starting_imports_none_of_the_packages(words: list[str]) -> None:
    script = (
        "import sys; from sosmlx.cli import main\n"
        f"try: main({words!r})\nexcept SystemExit: pass\n"
        "sys.stderr.write(' '.join(sorted({name.partition('.')[0] for name in sys.modules} & set("
        "'pandas numpy jinja2 deepdiff tabulate zstandard tqdm jsonschema'.split()))))"
    )

    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert ran.stderr == ""


def test_a_diff_of_two_bundles_imports_no_pandas(run: Run) -> None:
    script = (
        "import sys; from sosmlx.cli import main; main(['diff', 'sim:two-adapters-before', 'sim:two-adapters-after'])\n"
        "sys.stderr.write(str('pandas' in sys.modules))"
    )

    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert ran.stderr == "False"


def test_no_output_holds_a_control_character(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "b.txt"
    bad.write_text(query({**BEFORE, "LINK_TYPE_P1": ("\x1b[2J", "\u202eX", "\x07")}))

    _, out, err = run("show", bad)

    assert [char for char in out + err if char != "\n" and not char.isprintable()] == []


def test_an_error_message_of_a_tool_is_evidence_and_exit_3(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("-E- No devices found or specified, mst might be stopped\n")

    code, out, _ = run("show", tmp_path / "t.txt")

    assert (code, "No devices found" in out) == (3, True)


@pytest.mark.parametrize("name", ["snapshot", "diff", "manifest"])
def test_a_schema_can_be_printed(run: Run, name: str) -> None:
    code, out, _ = run("schema", name)

    assert (code, json.loads(out)["$id"]) == (0, f"sosmlx.{name}/1")
