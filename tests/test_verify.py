"""`verify`: whatever is not as it was written is a damage with a name, and never an exception."""

from __future__ import annotations

import copy
import gzip
import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.bundle.read import read_bundle
from sosmlx.bundle.verify import verify
from sosmlx.bundle.write import CHECKSUMS, MANIFEST, member_name, write
from sosmlx.errors import SosmlxError
from sosmlx.normalise import normalise
from sosmlx.record import Outcome
from tests.test_bundle import META, RECORDS, flip, info

Files = dict[str, bytes]
Index = dict[str, Any]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Every member of a good bundle."""
    root = Path(write(RECORDS, META, str(tmp_path_factory.mktemp("good")), "dir"))
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def packed(path: Path, files: Files, *extra: tuple[tarfile.TarInfo, bytes], sums: bool = False) -> str:
    """Write members into a tar; `sums` makes the list of check sums fit them, as a forger would."""
    if sums:
        lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items() if name != CHECKSUMS]
        files = {**files, CHECKSUMS: "".join(lines).encode()}
    with tarfile.open(path, "w") as tar:
        for member, data in [*((info(f"t/{name}"), data) for name, data in files.items()), *extra]:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return str(path)


def test_a_bundle_that_was_packed_again_is_intact(files: Files, tmp_path: Path) -> None:
    assert verify(packed(tmp_path / "b.tar", files))[1] == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_in_an_archive_is_a_damage(files: Files, tmp_path: Path, kind: bytes) -> None:
    path = packed(tmp_path / "b.tar", files, (info("t/sosmlx/link", kind, "t/version.txt"), b""))

    assert verify(path)[1] == ["sosmlx/link: is a link, which no bundle of ours holds; not followed"]


def test_a_link_in_a_folder_is_a_damage(tmp_path: Path) -> None:
    path = Path(write(RECORDS, META, str(tmp_path), "dir"))
    (path / "sosmlx/link").symlink_to("/etc/hostname")

    assert verify(str(path))[1] == ["sosmlx/link: is a link, which no bundle of ours holds; not followed"]


def test_a_member_that_nobody_listed_is_a_damage(files: Files, tmp_path: Path) -> None:
    path = packed(tmp_path / "b.tar", files, (info("t/\x1b[2Jextra"), b"abc"))

    assert verify(path)[1] == ["\x1b[2Jextra: is not in the list of check sums"]


NAME = member_name(RECORDS[0])


def test_an_index_that_contradicts_a_member_is_a_damage(files: Files, tmp_path: Path) -> None:
    index = files[MANIFEST].replace(hashlib.sha256(files[NAME]).hexdigest().encode(), b"0" * 64)
    path = packed(tmp_path / "b.tar", {**files, MANIFEST: index}, sums=True)

    assert verify(path)[1] == [f"{MANIFEST}: its SHA-256 of {NAME} is wrong"]


def without(*keys: str) -> Callable[[Index], None]:
    def change(index: Index) -> None:
        for key in keys:
            index["records"][0].pop(key)

    return change


def having(**values: object) -> Callable[[Index], None]:
    return lambda index: index["records"][0].update(values)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("sha256"), "record 1 has no valid sha256"),
        (without("member"), "record 1 has no valid member"),
        (without("id", "kind"), "record 1 has no valid id, kind"),
        (having(member=5), "record 1 has no valid member"),
        (having(subject=None, outcome=["x"]), "record 1 has no valid subject, outcome"),
        (having(member=None), "record 1 has bytes, but names no member"),
        (lambda index: index["records"].insert(0, 7), "record 1 is no object"),
        (lambda index: index.update(records={}), "has no list of records"),
        (lambda index: index.pop("records"), "has no list of records"),
    ],
)
def test_an_index_that_lacks_something_is_a_damage(
    files: Files, tmp_path: Path, change: Callable[[Index], None], words: str
) -> None:
    index = json.loads(files[MANIFEST])
    change(index)
    path = packed(tmp_path / "b.tar", {**files, MANIFEST: json.dumps(index).encode()}, sums=True)

    assert verify(path)[1][0] == f"{MANIFEST}: {words}"


@given(where=st.sampled_from([MANIFEST, CHECKSUMS, "version.txt"]), at=st.floats(0, 1), bit=st.integers(0, 7))
def test_any_flipped_bit_of_a_list_is_found(
    files: Files, tmp_path_factory: pytest.TempPathFactory, where: str, at: float, bit: int
) -> None:
    data = bytearray(files[where])
    data[int(at * (len(data) - 1))] ^= 1 << bit
    path = packed(tmp_path_factory.mktemp("f") / "b.tar", {**files, where: bytes(data)})

    try:
        damages = verify(path)[1]
        normalise(read_bundle(path))
    except SosmlxError as error:
        damages = [error.message]

    assert damages != []


KEYS = ["records", "host", "created", "label", "complete", "security", "budgets", "schema"]
JUNK: tuple[object, ...] = (None, True, -1, 2.5, "x", [], [1], {}, {"euid": "x", "name": [1]})


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("junk", [*JUNK, "absent"])
def test_no_index_makes_reading_raise_anything_else(files: Files, tmp_path: Path, key: str, junk: object) -> None:
    index = copy.deepcopy(json.loads(files[MANIFEST]))
    index[key] = junk
    if junk == "absent":
        del index[key]
    path = packed(tmp_path / "b.tar", {**files, MANIFEST: json.dumps(index).encode()}, sums=True)

    try:
        bundle = read_bundle(path)
    except SosmlxError:
        assert key == "schema"
    else:
        assert (verify(path)[0].manifest, normalise(bundle).source.kind) == (index, "bundle")


def test_a_record_without_its_check_sum_is_a_failed_read(files: Files, tmp_path: Path) -> None:
    index = json.loads(files[MANIFEST])
    del index["records"][0]["sha256"]
    path = packed(tmp_path / "b.tar", {**files, MANIFEST: json.dumps(index).encode()}, sums=True)

    bundle = read_bundle(path)

    assert ([record.outcome for record in bundle.records].count(Outcome.FAILED), len(bundle.faults)) == (1, 1)


def test_a_line_of_the_check_sums_ends_at_a_newline_and_nowhere_else(files: Files, tmp_path: Path) -> None:
    path = packed(tmp_path / "b.tar", {**files, CHECKSUMS: files[CHECKSUMS].replace(b"\n", b"\x0b", 1)})

    assert [damage for damage in verify(path)[1] if damage.startswith(CHECKSUMS)] != []


@pytest.mark.parametrize("form", ["tar", "tar.gz", "tar.xz"])
@pytest.mark.parametrize(
    "tail", [b"\n", b"garbage" * 100, b"x" * 70_000, gzip.compress(b"x", mtime=0), lzma.compress(b"x")]
)
def test_whatever_follows_the_end_of_an_archive_is_a_damage(
    files: Files, tmp_path: Path, form: str, tail: bytes
) -> None:
    good = Path(packed(tmp_path / "good.tar", files)).read_bytes()
    pack: dict[str, Callable[[bytes], bytes]] = {"tar": bytes, "tar.gz": gzip.compress, "tar.xz": lzma.compress}
    path = tmp_path / f"b.{form}"

    found = []
    for data in (pack[form](good), pack[form](good) + tail, pack[form](good + tail)):
        path.write_bytes(data)
        found.append(verify(str(path))[1])

    assert (found[0], [len(damages) for damages in found]) == ([], [0, 1, 1])


def test_an_archive_without_its_end_mark_is_a_damage(files: Files, tmp_path: Path) -> None:
    path = Path(packed(tmp_path / "b.tar", files))
    with tarfile.open(path) as tar:
        last = tar.getmembers()[-1]
    path.write_bytes(path.read_bytes()[: last.offset_data + (last.size + 511) // 512 * 512])

    assert [damage.partition(", after")[0] for damage in verify(str(path))[1]] == [
        "b.tar: the archive ends before its end mark"
    ]


def test_who_made_a_bundle_is_read_back(files: Files, tmp_path: Path) -> None:
    found = []
    for euid in (0, 1000, -1, True, "0", None):
        index = {**json.loads(files[MANIFEST]), "security": {"euid": euid}}
        found.append(read_bundle(packed(tmp_path / "b.tar", {**files, MANIFEST: json.dumps(index).encode()})).maker)

    assert found == ["root", "uid 1000", "", "", "", ""]


def test_a_flipped_byte_of_a_member_is_one_damage(tmp_path: Path) -> None:
    path = Path(write(RECORDS, META, str(tmp_path), "dir"))
    flip(path / f"{NAME}.stderr", 1)

    assert verify(str(path))[1] == [f"{NAME}.stderr: its SHA-256 is not the recorded one"]
