"""Where a bundle is put: tried before anything is read, whole or not there at all, whatever ends the writing."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sosmlx.bundle import place
from sosmlx.bundle.place import LEAST, Unnamed, prepare
from sosmlx.errors import SosmlxError

ROOT = Path(__file__).parents[1]
NAMESPACE = ("unshare", "--mount", "--propagation", "private", "sh", "-c")


@pytest.fixture(params=["without a name", "with a hidden one"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "with a hidden one":
        monkeypatch.setattr(place, "_NAMELESS", 0)
    return tmp_path


def test_two_files_get_their_names_together(folder: Path) -> None:
    with Unnamed(str(folder), "a") as one, Unnamed(str(folder), "a.sum") as other:
        one.write(b"bytes")
        other.write(b"sum")
        path = one.publish(other)

    assert (path, {file.name: file.read_bytes() for file in folder.iterdir()}) == (
        f"{folder}/a", {"a": b"bytes", "a.sum": b"sum"},
    )  # fmt: skip


def test_a_file_that_is_there_is_not_replaced_and_nothing_else_is_left(folder: Path) -> None:
    (folder / "a.sum").write_text("somebody's")

    with pytest.raises(FileExistsError), Unnamed(str(folder), "a") as one, Unnamed(str(folder), "a.sum") as other:
        one.publish(other)

    assert [(file.name, file.read_text()) for file in folder.iterdir()] == [("a.sum", "somebody's")]


def test_what_is_interrupted_leaves_nothing(folder: Path) -> None:
    with contextlib.suppress(KeyboardInterrupt), Unnamed(str(folder), "a") as file:
        file.write(b"half")
        raise KeyboardInterrupt

    assert list(folder.iterdir()) == []


def test_a_process_that_is_killed_while_it_writes_leaves_nothing(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\nfrom sosmlx.bundle.place import Unnamed\nfile = Unnamed(sys.argv[1], 'a')\n"
        "file.write(b'x' * 100_000)\nfile.sync()\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )

    ran = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, check=False)

    assert (ran.returncode, list(tmp_path.iterdir())) == (-signal.SIGKILL, [])


def _inside(mount: str, folder: Path, *, form: str = "tar.xz") -> subprocess.CompletedProcess[str]:
    """Run a collection in a mount namespace of its own, where something else is mounted over its output folder."""
    collect = f"'{sys.executable}' -m sosmlx collect --source sim:two-adapters-before --format {form} -o"
    return subprocess.run(
        [*NAMESPACE, f"{mount} '{folder}' && {collect} '{folder}'; code=$?; ls -A '{folder}'; exit $code"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def _unable() -> str:
    try:
        ran = subprocess.run([*NAMESPACE, "mount -t tmpfs x /mnt"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "no unshare(1) to make a mount namespace with"
    return f"no mount namespace: {ran.stderr.strip()}" if ran.returncode else ""


UNABLE = _unable()
mounted = pytest.mark.skipif(bool(UNABLE), reason=UNABLE)


@mounted
def test_a_disk_that_fills_while_it_is_written_is_exit_2_and_leaves_nothing(tmp_path: Path) -> None:
    ran = _inside("mount -t tmpfs -o size=144k x", tmp_path, form="dir")

    words = f"sosmlx: {tmp_path}: the bundle could not be written: No space left on device ("
    assert (ran.returncode, ran.stdout, words in ran.stderr) == (2, "", True)


@mounted
def test_a_disk_that_is_full_is_noticed_before_anything_is_read(tmp_path: Path) -> None:
    ran = _inside("mount -t tmpfs -o size=64k x", tmp_path)

    assert (ran.returncode, ran.stdout, f"and a bundle needs {LEAST} at least" in ran.stderr) == (2, "", True)


@mounted
def test_a_folder_that_is_read_only_is_noticed_before_anything_is_read(tmp_path: Path) -> None:
    ran = _inside("mount -t tmpfs -o ro x", tmp_path)

    assert (ran.returncode, ran.stdout, "Read-only file system" in ran.stderr) == (2, "", True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not write")
def test_a_folder_that_we_may_not_write_to_is_noticed(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setuid(65534)
            prepare("/root")
        except SosmlxError as error:
            os.write(writer, error.message.encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    os.close(writer)
    with os.fdopen(reader) as said:
        words = said.read()

    assert words == "/root: the bundle could not be written: Permission denied"
