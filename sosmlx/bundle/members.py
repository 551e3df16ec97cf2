"""The members of a bundle, from a folder or an archive, one after the other: nothing is extracted, no link followed."""

from __future__ import annotations

import os
import tarfile
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Callable, cast

from sosmlx.bundle import sosreport
from sosmlx.bundle.encrypted import refuse_encrypted
from sosmlx.bundle.inflate import STEP, Decoder, Gzip, Inflated, Plain, Xz
from sosmlx.errors import InputError
from sosmlx.sources.files import read_path

MAX_MEMBERS = 65_536
MAX_MEMBER = 64 << 20
MAX_DEPTH = 8
_HEADERS = 1 << 20
"""How many bytes the headers of one member may take: a hostile long name or extended header is larger."""

_MAGIC: tuple[tuple[int, bytes, Callable[[], Decoder]], ...] = (
    (0, b"\xfd7zXZ\x00", Xz),
    (0, b"\x1f\x8b", Gzip),
    (257, b"ustar", Plain),
)
_LINK = "is a link, which no bundle of ours holds; not followed"
_ZSTD = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class Member:
    """One file of a bundle: its path below the bundle's root, and its bytes as far as they could be read.

    A link has no bytes, whatever it points to. A nameless one is the archive itself, and only carries a fault.
    `report` says that it comes out of a sosreport.
    """

    name: str
    data: bytes
    fault: str = ""
    link: bool = False
    report: bool = False


def is_archive(head: bytes) -> bool:
    """Tell an archive from a text by its first 512 bytes."""
    return head.startswith(_ZSTD) or any(head[at : at + len(magic)] == magic for at, magic, _ in _MAGIC)


def members(path: str) -> Generator[Member, None, None]:
    """Yield the members of a bundle, or of one in a sosreport; the last may carry a fault of the archive as a whole.

    Raises InputError for what is no archive of ours, or passes a limit (count, size, ratio).
    """
    if os.path.isdir(path):
        root = sosreport.root(path)
        yield from _folder(root or path, report=root is not None)
    else:
        yield from _archive(path)


def _folder(path: str, *, report: bool) -> Iterator[Member]:
    names: list[str] = []
    for here, folders, files in os.walk(path, followlinks=False):
        depth = os.path.relpath(here, path).count("/")
        folders[:] = sorted(folders) if depth < MAX_DEPTH else []
        names += [os.path.relpath(os.path.join(here, name), path) for name in files]
        if len(names) > MAX_MEMBERS:
            raise InputError(f"{path}: more than {MAX_MEMBERS} files; this is no bundle")
    for name in sorted(filter(sosreport.is_member, names) if report else names):
        where = os.path.join(path, name)
        if os.path.islink(where):
            yield Member(name, b"", _LINK, link=True, report=report)
            continue
        answer = read_path(where, "bytes", MAX_MEMBER)
        if answer.outcome.value == "truncated":
            raise InputError(f"{path}: {name} is larger than {MAX_MEMBER} bytes")
        yield Member(name, answer.data, answer.reason, report=report)


def _archive(path: str) -> Iterator[Member]:
    try:
        with open(path, "rb") as raw:
            head = raw.read(512)
            raw.seek(0)
            if head.startswith(_ZSTD):
                stream = _zstd(path, raw)
            else:
                decoder = next((make for at, magic, make in _MAGIC if head[at : at + len(magic)] == magic), None)
                if decoder is None:
                    refuse_encrypted(path, head)
                    raise InputError(f"{path}: not an archive (tar, tar.gz, tar.xz)")
                stream = Inflated(raw, decoder, path)
            yield from _tar(path, stream)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None


def _zstd(path: str, raw: BinaryIO) -> Inflated:
    try:
        import zstandard
    except ImportError:
        raise InputError(
            f"{path}: a zstd archive needs the package zstandard", "pip install zstandard, or unpack with zstd -d"
        ) from None

    class Zstd(Plain):
        """zstd, through a reader of its own: `feed` only passes on."""

    return Inflated(
        cast("BinaryIO", zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(raw)), Zstd, path
    )


_HEADER_ERRORS = (tarfile.TarError, EOFError, ValueError, ArithmeticError, LookupError, TypeError, zlib.error)
"""What tarfile raises for headers that are none: its own errors, and those of its arithmetic on them."""


def _tar(path: str, stream: Inflated) -> Iterator[Member]:
    stream.allowance = _HEADERS
    size, current = 0, ""
    room = _Room(path)
    try:
        with tarfile.open(fileobj=cast("BinaryIO", stream), mode="r|") as tar:
            while True:
                stream.allowance = _HEADERS + size
                info = tar.next()
                if info is None:
                    stream.fault = stream.fault or _after_end(tar, stream)
                    break
                size, current = info.size if info.isreg() else 0, info.name
                name = room.place(info, stream)
                if name is None:
                    continue
                if info.issym() or info.islnk():
                    yield Member(name, b"", _LINK, link=True, report=room.report)
                if info.isreg():
                    data, fault = _member(path, tar, info, stream)
                    yield Member(name, data, fault, report=room.report)
                    size = 0
    except _HEADER_ERRORS as error:
        stream.fault = stream.fault or f"{error or 'unreadable header'}"
    if room.report and not room.ours:
        raise sosreport.nothing(path, stream.fault)
    if stream.fault:
        yield Member("", b"", f"{stream.fault}, after {_inside(current) or 'its beginning'}", report=room.report)


class _Room:
    """Decides from its first member with a name what an archive is: a bundle, of which all is ours, or a sosreport."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._count = 0
        self._known = False
        self.ours = 0
        self.report = False

    def place(self, info: tarfile.TarInfo, stream: Inflated) -> str | None:
        """Return a member's path below the bundle's root; None for what is to be passed over.

        Raises InputError for what no bundle of ours holds, and above a limit.
        """
        if not self._known and info.name.strip("./"):
            self._known = True
            sosreport.refuse_collected(self._path, info.name)
            self.report = sosreport.is_report(info.name)
            if self.report:
                stream.widen(sosreport.MAX_TOTAL, sosreport.RATIO_FROM)
        self._count += 1
        limit = sosreport.MAX_MEMBERS if self.report else MAX_MEMBERS
        if self._count > limit:
            raise InputError(f"{self._path}: more than {limit} members; this is no bundle")
        name = sosreport.inside(info.name) if self.report else _inside(info.name)
        if name is None:
            return None
        self.ours += 1
        if not (info.isreg() or info.isdir() or info.issym() or info.islnk()):
            raise InputError(f"{self._path}: holds a device or pipe ({info.name[:80]!r}); not opened")
        if info.name.startswith("/") or ".." in info.name.split("/"):
            raise InputError(f"{self._path}: holds a path that leaves the archive ({info.name[:80]!r}); not opened")
        return name


def _after_end(tar: tarfile.TarFile, stream: Inflated) -> str:
    """Read on after the last member: two blocks of zeros end an archive, and nothing but zeros follows them."""
    rest = 0
    while tar.fileobj is not None:
        stream.allowance = STEP + 2 * tarfile.RECORDSIZE
        chunk = tar.fileobj.read(STEP)
        if chunk.strip(b"\0"):
            return "something is there that is neither a member nor the end of an archive"
        if not chunk:
            break
        rest += len(chunk)
    # The first of the two blocks was read as a header already.
    return stream.fault or ("" if rest >= tarfile.BLOCKSIZE else "the archive ends before its end mark")


def _member(path: str, tar: tarfile.TarFile, info: tarfile.TarInfo, stream: Inflated) -> tuple[bytes, str]:
    if info.size > MAX_MEMBER or info.issparse():
        raise InputError(f"{path}: member {info.name[:80]!r} is larger than {MAX_MEMBER} bytes")
    stream.allowance = info.size + 2 * STEP
    source = tar.extractfile(info)
    chunks: list[bytes] = []
    fault = ""
    try:
        while source is not None:
            chunk = source.read(STEP)
            if not chunk:
                break
            chunks.append(chunk)
    except (tarfile.TarError, EOFError) as error:
        fault = f"breaks off ({error})"
    data = b"".join(chunks)
    if len(data) < info.size and not fault:
        fault = "breaks off"
    return data, fault


def _inside(name: str) -> str:
    """Take off the bundle's top folder, and what `tar -c .` puts before it."""
    name = name[2:] if name.startswith("./") else name
    top, _, rest = name.partition("/")
    return rest if rest and top not in ("sosmlx", "sos_commands") else name
