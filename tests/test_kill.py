"""Collections that are killed at any moment, that run beside each other, or whose device is pulled out."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sosmlx.bundle.place import Guard
from sosmlx.bundle.verify import verify
from sosmlx.record import Outcome
from sosmlx.sources.files import read_path

ROOT = Path(__file__).parents[1]
COLLECT = (sys.executable, "-m", "sosmlx", "collect", "--source", "sim:bare", "--quiet", "-o")
LIFE = 1.2
"""Seconds within which a collection is killed; most take less."""


def start(folder: Path, form: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COLLECT, str(folder), "--format", form], cwd=ROOT, stdout=subprocess.PIPE)


def ended(process: subprocess.Popen[bytes]) -> str:
    """Wait for a collection, and return the path that it printed."""
    said, _ = process.communicate(timeout=60)
    return said.decode().strip()


def settled(folder: Path) -> list[str]:
    """List what is in a folder, once what stands by has cleared away the rest; a moment is enough."""
    for _ in range(100):
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        if not any(name.startswith(".") for name in names):
            break
        time.sleep(0.02)
    return names


@pytest.mark.parametrize("form", ["tar.xz", "tar.gz", "dir"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_what_is_killed_leaves_nothing_or_a_bundle_that_verifies(tmp_path: Path, form: str, number: int) -> None:
    chance = random.Random(f"{form}{number}")
    faults = []
    for life in sorted(chance.uniform(0.05, LIFE) for _ in range(2)):
        process = start(tmp_path / "out", form)
        time.sleep(life)
        process.send_signal(number)
        ended(process)
        bundles = [name for name in settled(tmp_path / "out") if not name.endswith(".sha256")]
        faults += [name for name in bundles if name.startswith(".") or verify(str(tmp_path / "out" / name))[1]]

    assert faults == []


@pytest.mark.parametrize("form", ["tar.xz", "dir"])
def test_two_collections_at_once_do_not_disturb_each_other(tmp_path: Path, form: str) -> None:
    running = [start(tmp_path, form) for _ in range(2)]

    paths = [ended(process) for process in running]
    whole = [verify(path)[1] == [] and verify(path)[0].manifest["complete"] for path in paths]
    names = {name for name in settled(tmp_path) if not name.endswith(".sha256")}
    assert (whole, names) == ([True, True], {Path(path).name for path in paths})


def test_a_folder_that_is_being_written_goes_with_the_process_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\nfrom sosmlx.bundle.place import Guard\nos.mkdir(sys.argv[1])\n"
        "with Guard(sys.argv[1]):\n    open(sys.argv[1] + '/half', 'w').write('x')\n    os.kill(0, signal.SIGINT)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", "import signal; signal.signal(2, signal.SIG_IGN)\n" + script]

    ran = subprocess.run([*command, str(tmp_path / ".half")], cwd=ROOT, start_new_session=True, check=False)

    assert (ran.returncode, settled(tmp_path)) == (-signal.SIGKILL, [])


def test_a_guard_leaves_what_has_its_name(tmp_path: Path) -> None:
    (tmp_path / ".a").mkdir()

    with Guard(str(tmp_path / ".a")):
        (tmp_path / ".a").rename(tmp_path / "a")

    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(not Path("/sys/class/net/lo").is_dir(), reason="no /sys with a loopback device here")
@pytest.mark.parametrize(
    ("path", "outcome"),
    [("/sys/class/net/pulled0/mtu", Outcome.VANISHED), ("/sys/bus/pci/devices/ffff:ff:1f.7/vendor", Outcome.VANISHED),
     ("/sys/class/net/lo/no_such", Outcome.ABSENT), ("/sys/class/no_such", Outcome.ABSENT),
     ("/sys/class/dmi/id/no_such", Outcome.ABSENT)],
)  # fmt: skip
def test_an_attribute_of_a_device_that_was_pulled_out_has_vanished(path: str, outcome: Outcome) -> None:
    assert read_path(path, "bytes").outcome is outcome
