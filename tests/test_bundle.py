"""Bundles: same records in, same bytes out; a flipped byte names its member; hostile archives are refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import os
import stat
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.bundle.read import read_bundle
from sosmlx.bundle.verify import verify
from sosmlx.bundle.write import FORMATS, Meta, member_name, write
from sosmlx.errors import DamagedError, InputError, SosmlxError
from sosmlx.record import Access, Answer, Call, Outcome, Record

META = Meta(host="n07", created=datetime(2026, 11, 1, tzinfo=timezone.utc), rand="00c0ffee", label="a b")


def record(number: int, data: bytes = b"x\n", outcome: Outcome = Outcome.COLLECTED) -> Record:
    answer = Answer(data, outcome, "", stderr=b"said\n" if number % 2 else b"")
    argv = ("ethtool", "-g", "e")
    return Record(f"{number:05d}", "ethtool.rings", "netdev", "0000:3b:00.0/e", answer, argv, sample=number // 5)


RECORDS = [record(number, f"data {number}\n".encode() * 50) for number in range(1, 6)]
FIRMWARE = [
    Record(
        "00006", "register.mcqs", "fwctl", "0000:3b:00.0", Answer(b"six"),
        register=Access("fwctl0", "MCQS", (("component_index", 3),)), channel="fwctl",
    ),
    Record(
        "00007", "mailbox.query_hca_cap", "fwctl", "0000:3b:00.0", Answer(b"seven"),
        mailbox=Call("fwctl0", "QUERY_HCA_CAP", (("cap_type", 9), ("current", 1))), channel="fwctl",
    ),
]  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_written_is_read_back(tmp_path: Path, form: str) -> None:
    records = (*RECORDS, *FIRMWARE)
    path = write(records, META, str(tmp_path), form)

    bundle = read_bundle(path)

    assert (bundle.records, bundle.host, bundle.label, bundle.faults) == (records, "n07", "a b", ())


@pytest.mark.parametrize("form", ["tar.xz", "tar.gz"])
def test_the_same_records_give_the_same_bytes(tmp_path: Path, form: str) -> None:
    paths = [write(RECORDS, META, str(tmp_path / name), form) for name in ("a", "b")]

    assert Path(paths[0]).read_bytes() == Path(paths[1]).read_bytes()


def test_an_archive_is_private_and_holds_no_names(tmp_path: Path) -> None:
    path = write(RECORDS, META, str(tmp_path / "new"))

    with tarfile.open(path) as tar:
        owners = {(i.uid, i.gid, i.uname, i.gname, i.mode, i.isreg()) for i in tar}
    modes = [stat.S_IMODE(Path(p).stat().st_mode) for p in (path, path + ".sha256", tmp_path / "new")]
    assert (owners, modes) == ({(0, 0, "", "", 0o600, True)}, [0o600, 0o600, 0o700])


def test_members_come_in_the_order_of_the_format(tmp_path: Path) -> None:
    with tarfile.open(write(RECORDS, META, str(tmp_path))) as tar:
        names = [name.partition("/")[2] for name in tar.getnames()]

    assert (names[:2], names[2:]) == (["version.txt", "sosmlx/manifest.json"], sorted(names[2:]))


@pytest.mark.parametrize("form", FORMATS)
def test_the_check_sums_are_for_sha256sum(tmp_path: Path, form: str) -> None:
    path = Path(write(RECORDS, META, str(tmp_path), form))
    root = path
    if form != "dir":
        with tarfile.open(path) as tar:
            tar.extractall(tmp_path, filter="data")
        root = tmp_path / META.name
        subprocess.run(["sha256sum", "-c", f"{path.name}.sha256"], cwd=tmp_path, check=True, capture_output=True)

    ran = subprocess.run(["sha256sum", "-c", "checksums.sha256"], cwd=root, capture_output=True, text=True, check=False)

    others = sum(1 for p in root.rglob("*") if p.is_file()) - 1
    assert (ran.returncode, ran.stdout.count(": OK")) == (0, others)


def test_a_name_made_of_foreign_strings_is_plain() -> None:
    meta = replace(META, host="../../é\x1b host", label="-a/b\n")

    assert meta.name == "sosmlx-host-a-b-20261101T000000Z-00c0ffee"


def test_a_bundle_is_never_replaced(tmp_path: Path) -> None:
    write(RECORDS, META, str(tmp_path))

    with pytest.raises(SosmlxError, match="File exists"):
        write(RECORDS, META, str(tmp_path))


class Interrupted(list[Record]):
    """Records that nobody can read to the end."""

    def __iter__(self) -> Iterator[Record]:
        yield self[0]
        raise KeyboardInterrupt


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_partial_is_left_where_writing_is_interrupted(tmp_path: Path, form: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(Interrupted(RECORDS), META, str(tmp_path), form)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", FORMATS)
def test_every_folder_that_is_made_is_private(tmp_path: Path, form: str) -> None:
    old = os.umask(0o022)
    try:
        write(RECORDS, META, str(tmp_path / "a/b/../c/d"), form)
    finally:
        os.umask(old)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_dir()}
    assert modes == {0o700}


def test_nothing_partial_is_left_where_writing_fails(tmp_path: Path) -> None:
    (tmp_path / f"{META.name}.tar.xz").write_text("in the way")

    with pytest.raises(SosmlxError):
        write(RECORDS, META, str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [f"{META.name}.tar.xz"]


@pytest.mark.parametrize("form", FORMATS)
def test_an_untouched_bundle_verifies(tmp_path: Path, form: str) -> None:
    assert verify(write(RECORDS, META, str(tmp_path), form))[1] == []


def test_a_flipped_byte_of_a_folder_names_its_member(tmp_path: Path) -> None:
    path = Path(write(RECORDS, META, str(tmp_path), "dir"))
    name = member_name(RECORDS[2])
    flip(path / name, 10)

    assert verify(str(path))[1] == [f"{name}: its SHA-256 is not the recorded one"]


def test_a_flipped_line_of_the_check_sums_names_them(tmp_path: Path) -> None:
    path = Path(write(RECORDS, META, str(tmp_path), "dir"))
    flip(path / "checksums.sha256", 3)

    assert [damage.partition(":")[0] for damage in verify(str(path))[1]] == ["checksums.sha256"]


def flip(path: Path, at: int, bit: int = 1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= bit
    path.write_bytes(data)


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("archives")
    return {form: Path(write(RECORDS, META, str(folder), form)).read_bytes() for form in ("tar.xz", "tar.gz")}


def _same_contents(left: bytes, right: bytes) -> bool:
    """Whether two gzip streams unpack to the same: of one that repeats bytes, a flip may point to their equal."""
    try:
        return gzip.decompress(left) == gzip.decompress(right)
    except (OSError, EOFError, zlib.error):
        return False


@pytest.mark.parametrize("form", ["tar.xz", "tar.gz"])
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_of_an_archive_is_found(
    archives: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, form: str, where: float, bit: int
) -> None:
    path = tmp_path_factory.mktemp("flip") / f"b.{form}"
    path.write_bytes(archives[form])
    flip(path, int(where * len(archives[form])), 1 << bit)
    harmless = form == "tar.gz" and _same_contents(path.read_bytes(), archives[form])

    try:
        damages = verify(str(path))[1]
    except (DamagedError, InputError) as error:
        damages = [error.message]

    assert bool(damages) is not harmless


def test_a_damaged_member_is_a_failed_read_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = Path(write(RECORDS, META, str(tmp_path), "dir"))
    flip(path / member_name(RECORDS[2]), 10)

    bundle = read_bundle(str(path))

    kept = [record.outcome.value for record in bundle.records]
    assert (kept, len(bundle.faults)) == (["collected", "collected", "failed", "collected", "collected"], 1)


def test_an_archive_that_is_cut_keeps_what_came_before(archives: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "b.tar.xz"
    tar = lzma.decompress(archives["tar.xz"])
    cut = tar[: tar.rindex(b"data 4")]
    path.write_bytes(lzma.compress(cut))

    bundle = read_bundle(str(path))

    assert [record.outcome.value for record in bundle.records] == ["collected"] * 3 + ["failed"] * 2


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> str:
    with tarfile.open(path, "w") as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return str(path)


def info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


INDEX = json.dumps({"schema": "sosmlx.manifest/1", "records": []}).encode()


@pytest.mark.parametrize("name", ["../evil", "x/../../evil", "/tmp/evil"])
def test_a_path_that_leaves_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    path = tar_of(tmp_path / "b.tar", (info("x/sosmlx/manifest.json"), INDEX), (info(name), b"evil"))

    with pytest.raises(InputError, match="leaves the archive"):
        read_bundle(path)


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_a_device_in_an_archive_is_refused(tmp_path: Path, kind: bytes) -> None:
    path = tar_of(tmp_path / "b.tar", (info("x/sosmlx/manifest.json"), INDEX), (info("x/d", kind), b""))

    with pytest.raises(InputError, match="device or pipe"):
        read_bundle(path)


def test_a_link_in_an_archive_is_not_followed(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "b.tar", (info("x/sosmlx/manifest.json", tarfile.SYMTYPE, "/etc/hostname"), b""))

    with pytest.raises(InputError, match=r"no sosmlx/manifest\.json"):
        read_bundle(path)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar.xz"
    with lzma.open(path, "wb") as out:
        for number in range(84):
            member = tarfile.TarInfo(f"x/{number}")
            member.size = 1 << 20
            out.write(member.tobuf())
            out.write(bytes(1 << 20))

    with pytest.raises(InputError, match="unpacks to more"):
        read_bundle(str(path))


def test_a_huge_header_is_refused_before_it_is_held(tmp_path: Path) -> None:
    path = tmp_path / "name.tar"
    path.write_bytes(tarfile.TarInfo("x/" + "n" * (5 << 20)).tobuf(tarfile.GNU_FORMAT))

    with pytest.raises(InputError, match="larger than it may be"):
        read_bundle(str(path))


def test_two_indexes_are_refused(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "b.tar", *[(info("x/sosmlx/manifest.json"), INDEX)] * 2)

    with pytest.raises(DamagedError, match="two indexes"):
        read_bundle(path)


def test_a_bundle_of_a_later_major_is_refused(tmp_path: Path) -> None:
    index = json.dumps({"schema": "sosmlx.manifest/2", "records": []}).encode()
    path = tar_of(tmp_path / "b.tar", (info("x/sosmlx/manifest.json"), index))

    with pytest.raises(InputError, match="does not read"):
        read_bundle(path)


@given(
    index=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["id", "kind", "member", "argv", "outcome", "pid", "sha256", "x"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_index_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, index: object) -> None:
    document = json.dumps({"schema": "sosmlx.manifest/1", "records": index, "host": index}).encode()
    path = tar_of(tmp_path_factory.mktemp("i") / "b.tar", (info("x/sosmlx/manifest.json"), document))

    bundle = read_bundle(path)

    assert all(isinstance(found, Record) for found in bundle.records)


def test_the_sidecar_of_another_archive_is_noticed(tmp_path: Path) -> None:
    path = Path(write(RECORDS, META, str(tmp_path)))
    Path(f"{path}.sha256").write_text(f"{hashlib.sha256(b'').hexdigest()}  {path.name}\n")

    assert verify(str(path))[1] == [f"{path.name}: not the archive of its .sha256 file"]
