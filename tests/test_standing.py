"""How the collector stands: isolated from the environment, and, for root, in files that nobody else can change."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from release import pyz
from sosmlx.cli.host import Gathered, _denied
from sosmlx.cli.standing import reads_host
from sosmlx.isolation import meddling
from sosmlx.record import Answer, Bundle, Outcome, Record
from sosmlx.sources.trust import chain_fault, fault
from tests import layers

PLAN = ("collect", "--plan")
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused, and only root can give files away")
THIEF = 65534


def run(program: list[str], environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        program,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={"PATH": os.environ["PATH"], **(environment or {})},
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the package in it, without compiled files."""
    shutil.copytree(layers.PACKAGE, tmp_path / "home/sosmlx", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "home"


def started(home: Path, *words: str, file: str = "") -> list[str]:
    """The command line of the package in a folder, or of the one file in it."""
    if file:
        return [sys.executable, "-I", str(home / file), *words]
    script = f"import sys; sys.path.insert(0, {str(home)!r}); from sosmlx.__main__ import run; sys.exit(run())"
    return [sys.executable, "-c", script, *words]


def test_a_module_of_the_environment_is_not_imported_by_the_collector(home: Path, tmp_path: Path) -> None:
    (tmp_path / "lzma.py").write_text("raise SystemExit('taken over')\n")

    ran = run(
        started(home, "collect", "--source", "sim:two-adapters-before", "-o", str(tmp_path / "out")),
        {"PYTHONPATH": str(tmp_path)},
    )
    assert (ran.returncode, "taken over" in ran.stderr) == (0, False)


def test_the_words_of_the_command_line_survive_the_second_start(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "a folder; $(x)"

    ran = run(
        started(home, "collect", "--source", "sim:two-adapters-before", "-o", str(out), "--quiet", "--label", ""),
        {"PYTHONWARNINGS": "error"},
    )
    assert ran.stdout.startswith(f"{out}/sosmlx-n07-")


@pytest.mark.parametrize(
    ("words", "isolated"),
    [
        (["collect", "-o", "x"], True),
        (["devices"], True),
        (["show", "live:"], True),
        (["diff", "a.tar.xz", "b.tar.xz", "--base=live:"], True),
        (["show", "a.tar.xz"], False),
        (["--help"], False),
        ([], False),
    ],
)
def test_only_what_reads_a_host_starts_again(words: list[str], isolated: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "1")

    assert ("PYTHONHASHSEED" in meddling(words)) is isolated


def test_no_compiled_file_is_left_but_that_of_the_packages_name(home: Path, tmp_path: Path) -> None:
    run(started(home, "collect", "--source", "sim:two-adapters-before", "-o", str(tmp_path / "out")))

    left = {path.name.partition(".")[0] for path in home.rglob("*.pyc")}
    assert left <= {"__init__", "__main__"}


@pytest.mark.parametrize(
    ("run", "source", "reads"),
    [
        ("host:collect", "sim:x", True),
        ("plan:show", "sim:x", True),
        ("analysis:show", "live:", True),
        ("analysis:show", "a.tar.xz", False),
        ("host:verify", "a.tar.xz", False),
    ],
)
def test_a_command_that_reads_a_host_is_known(run: str, source: str, reads: bool) -> None:
    assert reads_host(argparse.Namespace(run=run, source=source, quiet=True)) is reads


def test_a_diff_with_this_host_reads_it() -> None:
    assert reads_host(argparse.Namespace(run="judge:baseline", sources=["a", "live:"]))


Harm = tuple[str, int | None, int]
"""What is changed: a path below the home, its mode or None, its owner."""

HARMS: dict[str, Harm] = {
    "a module that all can write": ("sosmlx/errors.py", 0o666, 0),
    "a data file that all can write": ("sosmlx/data/nvparams.csv", 0o646, 0),
    "a folder of the package": ("sosmlx/cli", 0o777, 0),
    "the folder that it is imported from": (".", 0o777, 0),
    "the same, sticky: a new file there would be imported": (".", 0o1777, 0),
    "a module of somebody else": ("sosmlx/errors.py", None, THIEF),
    "a folder of somebody else": ("sosmlx/parsers", None, THIEF),
}


@ROOT_ONLY
@pytest.mark.parametrize("name", HARMS)
def test_root_is_refused_what_others_can_write(home: Path, name: str) -> None:
    path, mode, owner = HARMS[name]
    if mode is not None:
        (home / path).chmod(mode)
    os.chown(home / path, owner, 0)

    ran = run(started(home, *PLAN))
    assert (ran.returncode, ran.stdout, str((home / path).resolve()) in ran.stderr, "chmod go-w" in ran.stderr) == (
        2, "", True, True,
    )  # fmt: skip


@ROOT_ONLY
def test_root_is_refused_a_single_file_that_others_can_write(tmp_path: Path) -> None:
    pyz.write(tmp_path).chmod(0o757)

    ran = run(started(tmp_path, *PLAN, file=pyz.NAME))
    assert (ran.returncode, ran.stdout, "everybody can write to it" in ran.stderr) == (2, "", True)


@ROOT_ONLY
def test_root_may_run_a_file_of_its_own_in_a_sticky_folder_of_root(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    pyz.write(tmp_path)

    ran = run(started(tmp_path, *PLAN, file=pyz.NAME))
    assert (ran.returncode, ran.stderr) == (0, "")


@ROOT_ONLY
def test_a_link_is_judged_by_what_it_leads_to(home: Path) -> None:
    (home / "sosmlx/errors.py").rename(home.parent / "elsewhere.py")
    (home.parent / "elsewhere.py").chmod(0o666)
    (home / "sosmlx/errors.py").symlink_to("../../elsewhere.py")

    ran = run(started(home, *PLAN))
    assert (ran.returncode, "elsewhere.py: everybody can write to it" in ran.stderr) == (2, True)


@ROOT_ONLY
def test_another_user_may_run_what_is_not_roots(home: Path, tmp_path: Path) -> None:
    os.chown(home / "sosmlx/errors.py", THIEF, 0)

    assert run(started(home, "list", "kinds")).returncode == 0


def _status(mode: int, uid: int = 0, gid: int = 0) -> os.stat_result:
    return os.stat_result((mode, 1, 1, 1, uid, gid, 0, 0, 0, 0))


GROUP = "/x: group 1000, or an access list, lets others than its owner write to it"
FILE, FOLDER = 0o100000, 0o040000


@pytest.mark.parametrize(
    ("status", "sticky", "words"),
    [
        (_status(FILE | 0o644), True, ""),
        (_status(FILE | 0o664), True, ""),  # the group of root, in which is nobody but root
        (
            _status(FILE | 0o664, gid=1000),
            True,
            "/x: group 1000, or an access list, lets others than its owner write to it",
        ),
        (_status(FILE | 0o1646), True, "/x: everybody can write to it"),  # sticky means nothing for a file
        (_status(FOLDER | 0o1777), True, ""),
        (_status(FOLDER | 0o1777), False, "/x: everybody can write to it"),
        (_status(FOLDER | 0o1777, uid=THIEF), True, f"/x: belongs to user {THIEF}, not to root"),
    ],
)
def test_owner_group_and_others_are_judged(status: os.stat_result, sticky: bool, words: str) -> None:
    assert fault("/x", status, sticky=sticky) == words


def test_what_cannot_be_looked_at_is_a_fault() -> None:
    assert chain_fault("/nowhere/at/all") == (
        "/nowhere/at/all: who can write to it cannot be told (No such file or directory)"
    )


def test_who_is_not_root_is_told_what_root_would_see() -> None:
    denied = Answer(outcome=Outcome.DENIED, reason="EACCES: Permission denied")
    kinds = ("pci.vpd", "fwctl.info", "pci.vpd")
    records = tuple(Record(str(n), kind, "c", "host", denied, path="/x") for n, kind in enumerate(kinds))

    assert _denied(Gathered("x", Bundle("live", "live:", records, maker="uid 1000"), {})) == [
        "run by uid 1000, 3 reads were denied; root would also see: fwctl.info, pci.vpd (2)"
    ]


def test_root_is_told_nothing_of_the_kind() -> None:
    record = Record("1", "x", "c", "host", Answer(outcome=Outcome.DENIED, reason="lockdown"), path="/x")

    assert _denied(Gathered("x", Bundle("live", "live:", (record,), maker="root"), {})) == []
