"""Debian's own `sos report`, on a host whose /sys holds simulated adapters and whose fwctl nodes answer real ioctls."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from sosmlx.bundle.opening import open_source
from sosmlx.bundle.verify import verify
from sosmlx.normalise import normalise
from sosmlx.simulator.adapter import adapter
from sosmlx.simulator.host import load
from sosmlx.simulator.nic import Kernel
from tests import shim
from tests.shim.server import Server
from tests.shim.sysfs import nodes, tree

HOST = load("two-adapters-before")
PACKAGE = Path("/usr/lib/python3/dist-packages/sos")
ENTER = (
    "unshare", "--mount", "--propagation", "private",
    "sh", "-c", f'mount --bind "$1" /sys && mount --bind "$2" {PACKAGE} && shift 2 && exec "$@"', "sh",
)  # fmt: skip


def _unable() -> str:
    if shim.missing():
        return shim.missing()
    if not PACKAGE.is_dir() or not Path("/usr/bin/sos").exists():
        return "no sos of the distribution"
    if not shutil.which("unshare"):
        return "no unshare(1) to make a mount namespace with"
    ran = subprocess.run([*ENTER, "/tmp", "/tmp", "true"], capture_output=True, text=True, check=False)
    return f"no mount namespace: {ran.stderr.strip()}" if ran.returncode else ""


UNABLE = _unable()
pytestmark = [pytest.mark.provided, pytest.mark.skipif(bool(UNABLE), reason=UNABLE)]


class Reported(NamedTuple):
    """One run of `sos report`: the archive, and the names of all that it left."""

    archive: Path
    left: set[str]


def _report(factory: pytest.TempPathFactory, *, sosmlx: bool) -> Reported:
    """Install the plugin into a copy of sos's package, which is seen in place of the package, and run sos."""
    door, folder = shim.build(factory), factory.mktemp("sos")
    tree(folder / "sys", HOST)
    shutil.copytree(PACKAGE, folder / "sos")
    out = folder / "out"
    out.mkdir()
    nics = {number: adapter(body, 0, kernel=Kernel(), strict=False) for number, body in nodes(HOST).items()}
    run = (
        f"{Path(sys.executable).with_name('sosmlx')} sos-plugin install && "
        f"{'' if sosmlx else f': > {PACKAGE}/report/plugins/sosmlx.path && '}"
        f"cd {out} && exec /usr/bin/sos report --batch -o sosmlx --tmp-dir {out} -z gzip"
    )
    with Server(door.nodes, nics):
        ran = door.run("sh", "-c", run, enter=(*ENTER, folder / "sys", folder / "sos"))
    archives = [path for path in out.iterdir() if path.name.endswith(".tar.gz")]
    assert archives, ran.stdout + ran.stderr
    return Reported(archives[0], {path.name for path in out.iterdir()})


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    return _report(tmp_path_factory, sosmlx=True)


def test_its_archive_holds_flash_and_run_time_settings(reported: Reported) -> None:
    snapshot = normalise(open_source(str(reported.archive)))

    expected = normalise(open_source("sim:two-adapters-before"))
    flash = {(row.device, row.name, row.facets) for row in snapshot.settings if row.plane == "nvconfig"}
    assert (flash, {row.plane for row in snapshot.settings} >= {"pci", "net", "firmware", "kernel"}) == (
        {(row.device, row.name, row.facets) for row in expected.settings if row.plane == "nvconfig"}, True,
    )  # fmt: skip


def test_what_it_holds_is_whole(reported: Reported) -> None:
    assert (verify(str(reported.archive))[1], open_source(str(reported.archive)).faults) == ([], ())


def test_nothing_is_left_beside_the_archive(reported: Reported) -> None:
    assert {name.removeprefix(reported.archive.name) for name in reported.left} == {"", ".md5"}


def test_without_sosmlx_its_archive_holds_what_plain_commands_tell(tmp_path_factory: pytest.TempPathFactory) -> None:
    found = open_source(str(_report(tmp_path_factory, sosmlx=False).archive))

    assert ({device.bdf for device in normalise(found).devices}, found.label) == (set(HOST["functions"]), "sos")  # type: ignore[call-overload]


def test_what_sos_clean_masked_is_read_and_counted(reported: Reported, tmp_path: Path) -> None:
    copy = tmp_path / reported.archive.name
    shutil.copy(reported.archive, copy)
    subprocess.run(
        ["/usr/bin/sos", "clean", "--batch", "--no-update", "--tmp-dir", tmp_path, copy],
        cwd=tmp_path, capture_output=True, check=True,
    )  # fmt: skip

    plain, masked = (open_source(str(path)) for path in (copy, next(tmp_path.glob("*-obfuscated.tar.gz"))))
    changed = sum(one.data != other.data for one, other in zip(plain.records, masked.records, strict=True))
    assert (
        [record.outcome for record in masked.records], [fault.split(" records ")[0] for fault in masked.faults]
    ) == (
        [record.outcome for record in plain.records], [f"{changed} of {len(plain.records)}"] if changed else [],
    )  # fmt: skip
