"""A bundle inside a sosreport: read where it stands, among files of any kind and size that are not ours."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from pathlib import Path
from typing import Literal

import pytest

from sosmlx.bundle.opening import open_source
from sosmlx.bundle.read import read_bundle
from sosmlx.bundle.verify import verify
from sosmlx.cli import main
from sosmlx.cli.host import gather
from sosmlx.collectors import selected
from sosmlx.errors import DamagedError, InputError
from sosmlx.record import Record
from tests import sosreports


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the simulated host, as a folder."""
    out = tmp_path_factory.mktemp("bundle")
    return Path(gather("sim:two-adapters-before", str(out), selected(), form="dir").path)


@pytest.fixture(scope="module")
def report(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sosreports.packed(tmp_path_factory.mktemp("report"), folder)


def _records(path: Path) -> tuple[Record, ...]:
    return open_source(str(path)).records


@pytest.mark.parametrize("form", ["gz", ""])
def test_a_sosreport_holds_the_records_of_its_bundle(folder: Path, tmp_path: Path, form: Literal["gz", ""]) -> None:
    packed = sosreports.packed(tmp_path, folder, form)

    assert _records(packed) == read_bundle(str(folder)).records


def test_an_xz_sosreport_is_read_without_a_fault(folder: Path, report: Path) -> None:
    found = open_source(str(report))

    assert (found.records, found.faults) == (read_bundle(str(folder)).records, ())


def test_an_unpacked_sosreport_is_read_the_same(folder: Path, tmp_path: Path) -> None:
    assert _records(sosreports.unpacked(tmp_path, folder)) == read_bundle(str(folder)).records


def test_a_sosreport_differs_in_nothing_from_its_bundle(
    folder: Path, report: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", str(folder), str(report)]) == 0, capsys.readouterr().out


def test_a_bundle_in_a_sosreport_verifies(report: Path) -> None:
    assert verify(str(report))[1] == []


def test_what_stands_behind_ours_is_not_unpacked(folder: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tar"
    cut.write_bytes(sosreports.packed(tmp_path, folder, "").read_bytes()[: -sosreports.HUGE])

    assert open_source(str(cut)).faults == ()


def test_a_sosreport_that_is_cut_before_ours_ends_says_so(folder: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tar"
    whole = sosreports.packed(tmp_path, folder, "").read_bytes()
    cut.write_bytes(whole[: whole.index(b"sos_commands/sosmlx/version.txt")])

    assert "truncated header" in " ".join(open_source(str(cut)).faults)


def test_a_sosreport_without_our_part_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "sosreport-n07.tar"
    with tarfile.open(path, "w:") as tar:
        tar.addfile(tarfile.TarInfo("sosreport-n07-1/sos_logs/sos.log"), io.BytesIO())

    with pytest.raises(InputError, match="nothing of sosmlx"):
        open_source(str(path))


def test_an_unpacked_one_without_our_part_says_the_same(tmp_path: Path) -> None:
    for name in ("proc", "sys", "sos_commands/networking", "sos_logs"):
        (tmp_path / name).mkdir(parents=True)

    with pytest.raises(InputError, match="nothing of sosmlx"):
        open_source(str(tmp_path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else for a while")
@pytest.mark.parametrize("closed", ["", "sos_commands"])
def test_an_unpacked_one_that_may_not_be_read_is_not_said_to_hold_nothing(folder: Path, closed: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        top = sosreports.unpacked(Path(name), folder)
        Path(name).chmod(0o755)
        (top / closed).chmod(0o700)
        os.seteuid(65534)
        try:
            with pytest.raises(InputError, match="Permission denied"):
                open_source(str(top))
        finally:
            os.seteuid(0)


def test_an_archive_of_sos_collect_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "sos-collector-lab.tar"
    with tarfile.open(path, "w:") as tar:
        tar.addfile(tarfile.TarInfo("sos-collector-lab-2026-11-24-abcde/sosreport-n07.tar.xz"))

    with pytest.raises(InputError, match="archive of sos collect"):
        open_source(str(path))


@pytest.mark.parametrize("top", [f"./{sosreports.TOP}/{sosreports.OURS}", "./sosmlx-n07"])
def test_one_that_was_packed_again_from_its_folder_is_read(folder: Path, tmp_path: Path, top: str) -> None:
    with tarfile.open(tmp_path / "again.tar", "w:") as tar:
        tar.add(tmp_path, "./", recursive=False)
        tar.add(folder, top)

    found = open_source(str(tmp_path / "again.tar"))
    assert (found.records, found.faults) == (read_bundle(str(folder)).records, ())


def test_verify_reads_a_sosreport_to_its_end(folder: Path, tmp_path: Path) -> None:
    path = sosreports.packed(tmp_path, folder, "")
    info = tarfile.TarInfo(f"{sosreports.TOP}/{sosreports.OURS}/sosmlx/manifest.json")
    with tarfile.open(path, "a:") as tar:
        tar.addfile(info)

    with pytest.raises(DamagedError, match="two indexes"):
        verify(str(path))


@pytest.mark.parametrize("name", ["sosmlx/../../../../x", "sosmlx/pipe"])
def test_a_hostile_member_of_our_part_is_refused(tmp_path: Path, name: str) -> None:
    path, info = tmp_path / "sosreport-n07.tar", tarfile.TarInfo(f"sosreport-n07-1/sos_commands/sosmlx/{name}")
    info.type = tarfile.FIFOTYPE if name.endswith("pipe") else tarfile.REGTYPE
    with tarfile.open(path, "w:") as tar:
        tar.addfile(info)

    with pytest.raises(InputError, match="not opened"):
        open_source(str(path))


def test_a_link_on_the_way_to_our_part_is_not_followed(folder: Path, tmp_path: Path) -> None:
    top = sosreports.unpacked(tmp_path, folder)
    (top / sosreports.OURS).rename(tmp_path / "elsewhere")
    (top / sosreports.OURS).symlink_to(tmp_path / "elsewhere")

    with pytest.raises(InputError, match="nothing of sosmlx"):
        open_source(str(top))


def test_masked_texts_are_read_and_counted(folder: Path, tmp_path: Path) -> None:
    top = sosreports.unpacked(tmp_path, folder)
    plain = {record.id: record for record in read_bundle(str(folder)).records}
    changed = next(record for record in plain.values() if record.kind == "net.attribute" and record.name == "address")
    member = next((top / sosreports.OURS).rglob(f"{changed.id}-net.attribute"))
    member.write_bytes(b"53:4f:53:00:00:01\n")

    found = open_source(str(top))
    masked = next(record for record in found.records if record.id == changed.id)
    assert (masked.data, masked.outcome, [fault.split(" (")[0] for fault in found.faults]) == (
        b"53:4f:53:00:00:01\n", changed.outcome, [
            f"1 of {len(plain)} records of this sosreport are not the bytes that were read: "
            "sos clean masked or removed them"
        ],
    )  # fmt: skip


def test_a_register_that_masking_removed_is_a_failed_read(folder: Path, tmp_path: Path) -> None:
    top = sosreports.unpacked(tmp_path, folder)
    register = next(record for record in read_bundle(str(folder)).records if record.register and record.data)
    next((top / sosreports.OURS).rglob(f"{register.id}-*")).unlink()

    found = next(record for record in _records(top) if record.id == register.id)
    assert (found.outcome.value, found.answer.reason) == ("failed", "damaged in the bundle")
