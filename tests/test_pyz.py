"""The collector as one file: runs on a bare Python of a host, is the same bytes from any folder, and reads the same."""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from release import pyz
from sosmlx.bundle.opening import open_source
from tests import layers
from tests.pythons import python

THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"
VERSIONS = sorted({"3.9", "3.11", THIS})
HOST = "sim:two-adapters-after"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pyz.write(tmp_path_factory.mktemp("dist"))


@pytest.fixture(params=VERSIONS)
def bare(request: pytest.FixtureRequest) -> str:
    """A Python of a host, by version."""
    found = python(request.param)
    if found is None:
        pytest.skip(f"no Python {request.param} runs on this machine")
    return found


def run(program: str, made: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the file as on a host: isolated, without site-packages, with nothing in the environment."""
    return subprocess.run(
        [program, "-I", "-S", str(made), *words],
        capture_output=True, text=True, check=False, cwd="/", env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )  # fmt: skip


def test_it_collects_and_verifies_on_a_bare_python(made: Path, bare: str, tmp_path: Path) -> None:
    collected = run(bare, made, "collect", "--source", "sim:two-adapters-before", "-o", str(tmp_path))

    verified = run(bare, made, "verify", collected.stdout.strip())
    assert (collected.returncode, verified.returncode, verified.stderr) == (0, 0, "")


def test_it_reads_what_the_package_reads(made: Path, bare: str, tmp_path: Path) -> None:
    written = run(bare, made, "collect", "--source", HOST, "-o", str(tmp_path)).stdout.strip()

    there, here = open_source(written), open_source(HOST)
    assert [(r.id, r.kind, r.answer) for r in there.records] == [(r.id, r.kind, r.answer) for r in here.records]


def test_it_plans_this_host_as_the_package_does(made: Path, bare: str) -> None:
    package = subprocess.run(
        [sys.executable, "-m", "sosmlx", "collect", "--plan", "--json"],
        capture_output=True, text=True, check=False, cwd=layers.ROOT,
    )  # fmt: skip

    assert run(bare, made, "collect", "--plan", "--json").stdout == package.stdout


@pytest.mark.parametrize("words", [("list", "scenarios"), ("list", "kinds"), ("schema", "manifest"), ("--version",)])
def test_what_needs_data_finds_it_inside(made: Path, bare: str, words: tuple[str, ...]) -> None:
    package = subprocess.run(
        [sys.executable, "-m", "sosmlx", *words], capture_output=True, text=True, check=False, cwd=layers.ROOT
    )

    assert run(bare, made, *words).stdout == package.stdout != ""


@pytest.mark.parametrize("words", [("diff", "a", "b"), ("show", "a"), ("list", "policies"), ("demo",)])
def test_what_is_not_inside_says_where_it_runs(made: Path, bare: str, words: tuple[str, ...]) -> None:
    ran = run(bare, made, *words)

    assert (ran.returncode, "is not in this file" in ran.stderr, "all of sosmlx is installed" in ran.stderr) == (
        2, True, True,
    )  # fmt: skip


def test_the_help_says_what_is_not_inside(made: Path) -> None:
    lines = run(sys.executable, made, "--help").stdout.splitlines()

    marked = [line.split()[0] for line in lines if "(not in this file)" in line]
    assert marked == ["devices", "show", "diff", "check", "baseline", "explain", "render", "demo"]


def test_the_same_tree_in_two_folders_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    for name in ("one", "another/deeper"):
        shutil.copytree(layers.PACKAGE, tmp_path / name / "sosmlx")  # with no time kept, and compiled files in it
        for path in (tmp_path / name).rglob("*"):
            os.utime(path, (1_000_000_000 + len(name), 1_500_000_000))
            path.chmod(0o700 if path.is_dir() else 0o640)

    built = {pyz.write(tmp_path / name, tmp_path / name).read_bytes() for name in ("one", "another/deeper")}
    digests = {hashlib.sha256(data).hexdigest() for data in built}
    assert digests == {hashlib.sha256(made.read_bytes()).hexdigest()}


def test_it_starts_isolated_when_it_is_run_as_a_program(made: Path) -> None:
    head, _, rest = made.read_bytes().partition(b"\n")

    assert (head, rest[:2], made.stat().st_mode & 0o777) == (b"#!/usr/bin/python3 -I", b"PK", 0o755)


def test_its_members_tell_nothing_of_where_they_were_made(made: Path) -> None:
    infos = zipfile.ZipFile(made).infolist()

    told = {(info.date_time, info.external_attr >> 16, info.compress_type, info.extra, info.comment) for info in infos}
    assert told == {((1980, 1, 1, 0, 0, 0), 0o100644, zipfile.ZIP_STORED, b"", b"")}


def test_nothing_of_the_analysis_half_is_inside_and_all_of_the_host_half_is(made: Path) -> None:
    inside = {name for name in zipfile.ZipFile(made).namelist() if name.endswith(".py")}

    files = {*layers.host_half().values(), *layers.APART}
    wanted = {str(path.relative_to(layers.ROOT)) for path in files}
    assert inside == wanted | {"__main__.py"}


def test_its_beginning_parses_as_python_3_6() -> None:
    tree = ast.parse(pyz.MAIN, feature_version=(3, 6))

    assert tree.body


def test_an_older_python_is_told_what_is_needed(made: Path) -> None:
    old = next(filter(None, map(python, ("3.6", "3.7", "3.8"))), None)
    if old is None:
        pytest.skip("no Python older than 3.9 runs on this machine")

    ran = run(old, made, "collect")
    assert (ran.returncode, "Python 3.9 or later is needed" in ran.stderr, "Traceback" in ran.stderr) == (
        2, True, False,
    )  # fmt: skip
