"""What a user installs: the built wheel, in an empty environment outside the checkout, does the whole job."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from release import pyz
from sosmlx.bundle.opening import open_source

ROOT = Path(__file__).parents[1]


def run(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sdist, as an installer would."""
    out = tmp_path_factory.mktemp("dist")
    ran = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with nothing but the wheel and what it asks for; its bin folder."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=True)
    ran = run(home / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=home)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return home / "bin"


def test_every_file_of_the_package_and_every_template_is_inside(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    package = [path.relative_to(ROOT) for path in (ROOT / "sosmlx").rglob("*") if path.is_file()]
    wanted = {str(path) for path in package if "__pycache__" not in path.parts}
    wanted |= {f"sosmlx/report/templates/{path.name}" for path in (ROOT / "templates").iterdir()}
    assert (wanted - names, [name for name in names if name.startswith(("tests", "fixtures"))]) == (set(), [])


def test_the_demo_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    ran = run(installed / "sosmlx", "demo", tmp_path / "demo", cwd=tmp_path)

    made = sorted(path.suffix for path in (tmp_path / "demo").iterdir())
    assert (ran.returncode, "NUM_OF_VFS" in ran.stdout, made) == (
        0,
        True,
        [".html", ".sha256", ".sha256", ".xz", ".xz"],
    )


def test_the_module_runs_as_a_program(installed: Path, tmp_path: Path) -> None:
    ran = run(installed / "python", "-m", "sosmlx", "list", "scenarios", cwd=tmp_path)

    assert (ran.returncode, "sim:two-adapters-before" in ran.stdout) == (0, True)


def gathered(*program: object, source: str, folder: Path) -> list[tuple[object, ...]]:
    """Collect, and tell what was read and how each read ended."""
    ran = run(*program, "collect", "--source", source, "-o", folder, cwd=folder.parent)
    records = open_source(ran.stdout.splitlines()[-1]).records
    bytes_too = source != "live:"
    return [(r.id, r.kind, r.subject, r.target, r.outcome, r.data if bytes_too else b"") for r in records]


@pytest.mark.parametrize("source", ["sim:two-adapters-after", "live:"])
def test_the_collector_as_one_file_reads_what_the_wheel_reads(installed: Path, tmp_path: Path, source: str) -> None:
    file = pyz.write(tmp_path)

    one = gathered(sys.executable, "-I", "-S", file, source=source, folder=tmp_path / "one")
    assert one == gathered(installed / "sosmlx", source=source, folder=tmp_path / "wheel")


def test_an_older_python_would_get_no_package_with_it(wheel: Path) -> None:
    metadata = next(name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("METADATA"))
    text = zipfile.ZipFile(wheel).read(metadata).decode()

    needs = [line for line in text.splitlines() if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert (bool(needs), [line for line in needs if "python_version >= '3.11'" not in line]) == (True, [])
