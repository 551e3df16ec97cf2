"""The check command as its users meet it: every cell of the exit-code table, formats, baselines of every kind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sosmlx.cli import main
from tests.snapshots import query

ROOT = Path(__file__).parents[1]
VALUES = {
    "NUM_OF_VFS": ("0", "8", "8"),
    "SRIOV_EN": ("False(0)", "True(1)", "True(1)"),
    "LINK_TYPE_P1": ("IB(1)", "ETH(2)", "ETH(2)"),
}
CHANGED = {**VALUES, "NUM_OF_VFS": ("0", "8", "16")}
HEAD = 'schema = "sosmlx.policy/1"\ntitle = "Site"\n'
RULE = """
[[rule]]
id = "vfs"
plane = "nvconfig"
name = "NUM_OF_VFS"
facet = "next"
equals = 8
severity = "{severity}"
"""
WAIVER = """
[[waiver]]
rule = "{rule}"
device = {{ {device} }}
reason = "until the migration"
owner = "net-team"
created = 2026-01-01
expires = {expires}
"""
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
def files(tmp_path: Path) -> Mapping[str, Path]:
    """The texts and policies that the cells speak of, by name."""
    card = 'device = "0000:3b:00.0"'
    texts = {
        "good.txt": query(VALUES),
        "bad.txt": query(CHANGED),
        "short.txt": query({"SRIOV_EN": VALUES["SRIOV_EN"]}),
        "error.txt": "-E- No devices found\n",
        "low.toml": HEAD + RULE.format(severity="low"),
        "high.toml": HEAD + RULE.format(severity="high"),
        "waived.toml": HEAD
        + RULE.format(severity="high")
        + WAIVER.format(rule="vfs", device=card, expires="2026-12-31"),
        "typo.toml": HEAD + RULE.format(severity="high").replace("equals", "equal"),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return {name: tmp_path / name for name in texts}


def findings(out: str) -> list[tuple[str, str, str]]:
    return [(row["rule"], row["device"], row["result"]) for row in json.loads(out)["findings"]]


CELLS: dict[str, tuple[list[str], int]] = {
    "nothing fails": (["good.txt", "--baseline", "low.toml"], 0),
    "a failure at the default threshold": (["bad.txt", "--baseline", "low.toml"], 1),
    "a failure below --fail-on": (["bad.txt", "--baseline", "low.toml", "--fail-on", "medium"], 0),
    "a failure at --fail-on": (["bad.txt", "--baseline", "high.toml", "--fail-on", "high"], 1),
    "a failure that is waived": (["bad.txt", "--baseline", "waived.toml", "--today", "2026-06-01"], 0),
    "a failure whose waiver expired": (["bad.txt", "--baseline", "waived.toml", "--today", "2027-01-01"], 1),
    "a text that does not hold what is asked": (["short.txt", "--baseline", "low.toml"], 3),
    "an error text": (["error.txt", "--baseline", "low.toml"], 3),
    "a text without a baseline": (["good.txt"], 3),
    "a failure beats what is unknown": (["bad.txt", "--baseline", "low.toml", "--baseline", "builtin:envelope"], 1),
    "no rule on the plane that was asked for": (["good.txt", "--baseline", "low.toml", "--plane", "net"], 3),
    "a bundle as baseline asks more than a text holds": (["good.txt", "--baseline", "sim:two-adapters-before"], 3),
    "a host inside the envelope": (["sim:two-adapters-before"], 0),
    "a tainted host": (["sim:two-adapters-after"], 1),
    "a tainted host, whatever is asked": (["sim:two-adapters-after", "--baseline", "low.toml", "--fail-on", "high"], 1),
    "a host without adapters": (["sim:bare"], 3),
    "a host whose flash was not read": (["sim:no-fwctl", "--baseline", "low.toml"], 3),
    "a policy with a typo": (["good.txt", "--baseline", "typo.toml"], 2),
    "a policy that is not there": (["good.txt", "--baseline", "none.toml"], 2),
    "a built-in policy that is not there": (["good.txt", "--baseline", "builtin:none"], 2),
    "a source that is not there": (["none.txt", "--baseline", "low.toml"], 2),
    "a device that is not there": (["good.txt", "--baseline", "low.toml", "--device", "eth9"], 2),
    "a plane that is none": (["good.txt", "--baseline", "low.toml", "--plane", "flash"], 2),
    "a severity that is none": (["good.txt", "--fail-on", "worst"], 2),
    "a day that is none": (["good.txt", "--today", "2026-02-30"], 2),
    "a suffix that is none": (["good.txt", "--baseline", "low.toml", "-o", "x.pdf"], 2),
}  # fmt: skip


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_of_the_exit_code_table(run: Run, files: Mapping[str, Path], cell: str) -> None:
    words, code = CELLS[cell]

    ended, out, err = run("check", *(files.get(word, word) for word in words))

    assert (ended, bool(out), "Traceback" in err) == (code, code != 2, False)


INSTALLED = ["nothing fails", "a failure at the default threshold", "a policy with a typo", "a host without adapters"]


@pytest.mark.parametrize("cell", INSTALLED)
def test_a_cell_of_the_exit_code_table_through_the_command(files: Mapping[str, Path], cell: str) -> None:
    words, code = CELLS[cell]
    argv = [sys.executable, "-m", "sosmlx", "check", *(str(files.get(word, word)) for word in words)]

    ran = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT)

    assert (ran.returncode, "Traceback" in ran.stderr) == (code, False)


def test_a_damaged_bundle_is_undetermined_whatever_the_rules_needed(run: Run, tmp_path: Path) -> None:
    run("collect", "--source", "sim:two-adapters-before", "-o", tmp_path, "--format", "dir", "--quiet")
    (bundle,) = tmp_path.iterdir()
    (member,) = bundle.rglob("*-devlink.param")
    member.write_bytes(member.read_bytes() + b"x")

    code, out, _ = run("check", bundle)

    assert (code, out.split(":")[0]) == (3, "UNDETERMINED")


def test_a_baseline_of_a_text_holds_for_it_and_tells_one_changed_parameter(
    run: Run, files: Mapping[str, Path], tmp_path: Path
) -> None:
    golden = tmp_path / "g.toml"

    made, _, _ = run("baseline", files["good.txt"], "-o", golden)
    same, _, _ = run("check", files["good.txt"], "--baseline", golden)
    other, out, _ = run("check", files["bad.txt"], "--baseline", golden, "--format", "json")

    failed = [row for row in findings(out) if row[2] != "pass"]
    assert (made, same, other, failed) == (0, 0, 1, [("nvconfig.NUM_OF_VFS", "0000:3b:00.0", "fail")])


def test_a_text_is_a_baseline_directly(run: Run, files: Mapping[str, Path]) -> None:
    codes = [run("check", files[name], "--baseline", files["good.txt"])[0] for name in ("good.txt", "bad.txt")]

    assert codes == [0, 1]


def test_a_host_whose_flash_could_not_be_read_is_undetermined_against_a_flash_baseline(
    run: Run, tmp_path: Path
) -> None:
    golden = tmp_path / "g.toml"
    run("baseline", "sim:two-adapters-before", "-o", golden)

    code, out, _ = run("check", "sim:no-fwctl", "--baseline", golden, "--plane", "nvconfig", "--format", "json")

    results = {row["result"] for row in json.loads(out)["findings"] if row["name"] != "NUM_OF_VFS"}
    assert (code, "unknown" in results, "fail" in results) == (3, True, False)


@pytest.mark.parametrize("word", ["factory", "pending", "peers"])
def test_a_relation_is_a_baseline_without_a_file(run: Run, word: str) -> None:
    code, out, _ = run("check", "sim:two-adapters-before", "--baseline", word, "--format", "json")

    assert (code in (0, 1, 3), {row["policy"] for row in json.loads(out)["findings"]}) == (True, {word})


def test_a_taint_that_a_host_had_in_its_baseline_does_not_go_away_by_itself(run: Run) -> None:
    code, out, _ = run("check", "sim:two-adapters-before", "--baseline", "sim:two-adapters-after", "--plane", "net")

    assert (code, "the taint went away within one boot" in out) == (3, True)


def test_a_waived_taint_stays_tainted_and_ends_with_0(run: Run, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    rules = ("taint-fwctl", "raw-channel")
    waivers = "".join(WAIVER.format(rule=rule, device='host = "n07"', expires="2026-12-31") for rule in rules)
    site.write_text(f'{HEAD}include = ["builtin:envelope"]\n{waivers}')

    code, out, err = run(
        "check", "sim:two-adapters-after", "--baseline", site, "--today", "2026-06-01", "--format", "json"
    )

    verdict = json.loads(out)["verdict"]["host"]["status"] if out else err
    assert (code, verdict) == (0, "tainted")


SUFFIXES = (".html", ".json", ".jsonl", ".csv", ".md", ".sarif", ".xml")


@pytest.mark.parametrize(("name", "code"), [("good.txt", 0), ("bad.txt", 1), ("short.txt", 3)])
def test_files_are_written_whatever_was_found(
    run: Run, files: Mapping[str, Path], tmp_path: Path, name: str, code: int
) -> None:
    outputs = [tmp_path / f"result{suffix}" for suffix in SUFFIXES]

    ended, _, _ = run(
        "check", files[name], "--baseline", files["low.toml"], *(word for path in outputs for word in ("-o", path))
    )

    assert (ended, [path.stat().st_size > 0 for path in outputs]) == (code, [True] * len(outputs))


def test_nothing_is_written_where_a_policy_is_wrong(run: Run, files: Mapping[str, Path], tmp_path: Path) -> None:
    page = tmp_path / "result.html"

    code, out, _ = run("check", files["good.txt"], "--baseline", files["typo.toml"], "-o", page)

    assert (code, out, page.exists()) == (2, "", False)


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "csv", "markdown", "github"])
def test_every_format_names_what_fails(run: Run, files: Mapping[str, Path], form: str) -> None:
    code, out, _ = run("check", files["bad.txt"], "--baseline", files["low.toml"], "--format", form)

    assert (code, "NUM_OF_VFS" in out) == (1, True)


def test_the_text_begins_with_the_verdict_and_says_what_to_do(run: Run, files: Mapping[str, Path]) -> None:
    _, out, _ = run("check", files["bad.txt"], "--baseline", files["waived.toml"], "--today", "2026-12-20")

    lines = [line.strip() for line in out.splitlines()]
    wanted = [
        "Checked: 1 waived; fails from severity low on; 1 pending a reset, 0 overridden at run time",
        "high  fail (waived)  vfs  nvconfig NUM_OF_VFS (next)  expected 8, actual 16",
        "waived until 2026-12-31: until the migration (net-team)",
        "rule: waived.toml:4",
        "vfs  expiring  until 2026-12-31  net-team  until the migration  meets 1 finding",
    ]
    assert (lines[0].split(":")[0], [line for line in wanted if line not in lines]) == ("SUPPORTED", [])


def document(run: Run, *words: object) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(run("check", *words, "--format", "json")[1])
    return loaded


def test_a_fingerprint_survives_another_value_and_another_text(run: Run, files: Mapping[str, Path]) -> None:
    marks = {
        (row["fingerprint"], row["result"])
        for name in ("good.txt", "bad.txt")
        for row in document(run, files[name], "--baseline", files["low.toml"])["findings"]
    }

    assert ({result for _, result in marks}, len({mark for mark, _ in marks})) == ({"pass", "fail"}, 1)


def test_the_summary_says_what_the_exit_code_says(run: Run, files: Mapping[str, Path]) -> None:
    found = document(run, files["bad.txt"], "--baseline", files["waived.toml"], "--today", "2026-06-01")

    assert found["summary"] == {
        "by_result": {"fail": 1}, "failed_by_severity": {}, "waived": 1, "fail_on": "low", "today": "2026-06-01",
        "exit_code": 0,
    }  # fmt: skip


def test_a_saved_check_renders_as_the_command_did(run: Run, files: Mapping[str, Path], tmp_path: Path) -> None:
    saved, again = tmp_path / "result.json", tmp_path / "again.html"
    page = tmp_path / "result.html"
    _, text, _ = run("check", files["bad.txt"], "--baseline", files["low.toml"], "-o", saved, "-o", page)

    code, out, _ = run("render", saved, "-o", again)

    assert (code, out, again.read_text()) == (0, text, page.read_text())


def test_the_policies_that_there_are_can_be_listed_and_used(run: Run) -> None:
    code, out, _ = run("list", "policies")

    words = [line.split()[0] for line in out.splitlines()]
    ended = [run("check", "sim:two-adapters-before", "--baseline", word)[0] for word in words]
    assert (code, words[-3:], 2 in ended) == (0, ["factory", "pending", "peers"], False)


def test_a_rule_can_be_explained(run: Run) -> None:
    code, out, _ = run("explain", "taint-fwctl")

    assert (code, out.splitlines()[0]) == (0, "taint-fwctl: a rule of builtin:envelope")


def test_what_nobody_knows_cannot_be_explained(run: Run) -> None:
    code, out, err = run("explain", "no-such-thing-at-all")

    assert (code, out, err.startswith("sosmlx: ")) == (2, "", True)


def test_a_baseline_goes_to_standard_output_and_its_gaps_to_standard_error(
    run: Run, files: Mapping[str, Path], tmp_path: Path
) -> None:
    golden = tmp_path / "g.toml"
    run("baseline", files["good.txt"], "-o", golden, "--today", "2026-06-01")

    code, out, err = run("baseline", files["good.txt"], "--today", "2026-06-01")

    assert (code, out, err.splitlines()[0]) == (0, golden.read_text(), "sosmlx: 3 rules from 1 source(s)")
