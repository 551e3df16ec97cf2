"""Write a bundle: a well-formed sos subtree that describes itself. Same records in, same bytes out."""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sosmlx
from sosmlx.bundle.place import Guard, Unnamed, make_folder, refusal
from sosmlx.bundle.seal import Seal, sealed
from sosmlx.bundle.sign import SUFFIXES, Signer, signature
from sosmlx.jsonio import dumps
from sosmlx.parsers.packages import owners
from sosmlx.record import Outcome, Record

FORMATS = ("tar.xz", "tar.gz", "dir")
MANIFEST = "sosmlx/manifest.json"
CHECKSUMS = "checksums.sha256"

_UNSAFE = re.compile(r"[^A-Za-z0-9._]+")


@dataclass(frozen=True)
class Meta:
    """What a bundle says of its own making."""

    host: str
    created: datetime
    rand: str
    label: str = ""
    plan: Sequence[Mapping[str, object]] = ()
    delta: Mapping[str, object] = field(default_factory=dict)
    budgets: Mapping[str, object] = field(default_factory=dict)
    euid: int = 0
    complete: bool = True
    signer: Signer | None = None
    redacted: str = ""
    """Id of the key whose tokens stand in the place of identities; empty for a bundle as it was read."""

    @property
    def name(self) -> str:
        """The bundle's name, without suffix."""
        parts = ["sosmlx", _plain(self.host) or "host", _plain(self.label), f"{self.created:%Y%m%dT%H%M%SZ}", self.rand]
        return "-".join(part for part in parts if part)


def _plain(text: str) -> str:
    return _UNSAFE.sub("-", text).strip("-.")[:40]


def write(records: Sequence[Record], meta: Meta, folder: str, form: str = "tar.xz", seal: Seal | None = None) -> str:
    """Write the bundle into `folder` (created 0700 when missing) and return its path.

    It appears under its name only when it is whole; with a `seal` an archive is encrypted on its way, and nothing plain
    is ever in the folder. Raises SosmlxError when nothing could be written.
    """
    try:
        make_folder(folder)
        if form == "dir":
            return _write_folder(records, meta, folder)
        return _write_archive(records, meta, folder, form, seal)
    except OSError as error:
        raise refusal(folder, error) from None


def contents(records: Sequence[Record], meta: Meta) -> Iterator[tuple[str, bytes]]:
    """Yield every member in the order of the format: version, manifest, then the rest, sorted."""
    rest: dict[str, bytes] = {
        "sosmlx/plan.json": dumps({"schema": "sosmlx.plan/1", "version": "1.0", "reads": list(meta.plan)}).encode(),
        "sosmlx/delta.json": dumps({"schema": "sosmlx.delta/1", "version": "1.0", **meta.delta}).encode(),
    }
    for record in records:
        if record.data:
            rest[member_name(record)] = record.data
        if record.answer.stderr:
            rest[f"{member_name(record)}.stderr"] = record.answer.stderr
    first = [
        ("version.txt", f"sosmlx: {sosmlx.__version__}\nbundle: 1\n".encode()),
        (MANIFEST, dumps(manifest(records, meta)).encode()),
    ]
    lines = sorted((name, hashlib.sha256(data).hexdigest()) for name, data in [*first, *rest.items()])
    rest[CHECKSUMS] = "".join(f"{digest}  {name}\n" for name, digest in lines).encode()
    if meta.signer:
        rest[CHECKSUMS + SUFFIXES[meta.signer.tool]] = signature(rest[CHECKSUMS], meta.signer)
    yield from first
    yield from sorted(rest.items())


def member_name(record: Record) -> str:
    """Name a record's member from our own words alone: collector, id and kind."""
    return f"sos_commands/sosmlx/{record.collector}/{record.id}-{record.kind}"


def manifest(records: Sequence[Record], meta: Meta) -> dict[str, object]:
    """Build the index of a bundle."""
    said = {record.path: record.data.decode("utf-8", "replace").strip() for record in records if record.path}
    lockdown = re.search(r"\[(\w+)\]", said.get("/sys/kernel/security/lockdown", ""))
    tools = {record.answer.tool: record for record in records if record.answer.tool}
    versions = {record.argv[0]: record.data for record in records if record.kind == "tool.version"}
    owned = {
        path: package
        for record in records
        if record.kind == "tool.package" and record.has_bytes
        for path, package in owners(record.data.decode("utf-8", "replace"), record.argv[-1])
    }
    return {
        "schema": "sosmlx.manifest/1",
        "version": "1.0",
        "tool": {"name": "sosmlx", "version": sosmlx.__version__},
        "created": f"{meta.created:%Y-%m-%dT%H:%M:%SZ}",
        "label": meta.label,
        "host": {
            "name": meta.host,
            "release": said.get("/proc/sys/kernel/osrelease", ""),
            "arch": said.get("/proc/sys/kernel/arch", ""),
            "boot_id": said.get("/proc/sys/kernel/random/boot_id", ""),
        },
        "security": {
            "lockdown": lockdown[1] if lockdown else None,
            "taint": said.get("/proc/sys/kernel/tainted") or None,
            "euid": meta.euid,
        },
        "channels": sorted({record.channel for record in records if record.has_bytes}),
        "tools": [
            {
                "path": path,
                "version": versions.get(record.argv[0], b"").decode("utf-8", "replace").strip(),
                "package": owned.get(path) or owned.get(path.replace("/usr/", "/", 1), ""),
            }
            for path, record in sorted(tools.items())
        ],
        "devices": sorted({record.function for record in records if record.kind == "pci.attribute"}),
        "registers": dict(sorted(Counter(record.register.node for record in records if record.register).items())),
        "commands": dict(sorted(Counter(record.mailbox.node for record in records if record.mailbox).items())),
        "records": [entry(record) for record in records],
        "skipped": [
            {"kind": record.kind, "subject": record.subject, "reason": record.answer.reason}
            for record in records
            if record.outcome is Outcome.SKIPPED
        ],
        "budgets": dict(meta.budgets),
        "complete": meta.complete,
        **({"redacted": {"key": meta.redacted}} if meta.redacted else {}),
    }


def entry(record: Record) -> dict[str, object]:
    """Render one record's row of the manifest."""
    answer = record.answer
    return {
        "id": record.id, "kind": record.kind, "collector": record.collector, "subject": record.subject,
        **_what(record),
        "scope": record.scope, "channel": record.channel, "outcome": answer.outcome.value, "reason": answer.reason,
        "rc": answer.rc, "signal": answer.signal, "pid": answer.pid, "start": record.start,
        "duration_ms": record.duration_ms, "bytes": len(answer.data),
        "truncated": answer.outcome is Outcome.TRUNCATED,
        "sha256": hashlib.sha256(answer.data).hexdigest(),
        "member": member_name(record) if answer.data else None,
        "stderr": f"{member_name(record)}.stderr" if answer.stderr else None,
        "tool": answer.tool or None,
        **({"sample": record.sample} if record.sample else {}),
    }  # fmt: skip


def _what(record: Record) -> dict[str, object]:
    if record.register is not None:
        node, name, fields = record.register
        return {"register": {"node": node, "name": name, "fields": dict(fields)}}
    if record.mailbox is not None:
        node, name, fields = record.mailbox
        return {"mailbox": {"node": node, "name": name, "fields": dict(fields)}}
    return {"path": record.path} if record.path else {"argv": list(record.argv)}


def _write_archive(records: Sequence[Record], meta: Meta, folder: str, form: str, seal: Seal | None) -> str:
    """Write the archive and the check sum beside it; neither has a name before both are whole."""
    name, digest = f"{meta.name}.{form}{seal.suffix if seal else ''}", hashlib.sha256()
    chunks = _compressed(_tar_bytes(records, meta), form, sum(len(record.data) for record in records))
    with Unnamed(folder, name) as archive, Unnamed(folder, f"{name}.sha256") as sidecar:
        for chunk in sealed(chunks, seal) if seal else chunks:
            digest.update(chunk)
            archive.write(chunk)
        sidecar.write(f"{digest.hexdigest()}  {name}\n".encode())
        archive.sync()
        sidecar.sync()
        return archive.publish(sidecar)


def _tar_bytes(records: Sequence[Record], meta: Meta) -> Iterator[bytes]:
    """Yield a tar stream: mode 0600, uid and gid 0, no owner names, one time for all members."""
    for name, data in contents(records, meta):
        info = tarfile.TarInfo(f"{meta.name}/{name}")
        info.size, info.mode, info.mtime = len(data), 0o600, int(meta.created.timestamp())
        yield info.tobuf(tarfile.PAX_FORMAT)
        yield data
        yield b"\0" * (-len(data) % 512)
    yield b"\0" * 1024


_PRESETS = ((2 << 20, 6), (8 << 20, 1))
"""Up to so many bytes, xz may take its time and memory; with more, its fastest preset is slow enough."""


def _compressed(chunks: Iterator[bytes], form: str, size: int) -> Iterator[bytes]:
    if form == "tar.gz":
        # A header of our own with no name and no time, then raw deflate: RFC 1952.
        deflate, crc, size = zlib.compressobj(6, zlib.DEFLATED, -15), 0, 0
        yield b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"
        for chunk in chunks:
            crc, size = zlib.crc32(chunk, crc), size + len(chunk)
            yield deflate.compress(chunk)
        yield deflate.flush() + crc.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
        return
    xz = lzma.LZMACompressor(preset=next((preset for most, preset in _PRESETS if size <= most), 0))
    for chunk in chunks:
        yield xz.compress(chunk)
    yield xz.flush()


def _write_folder(records: Sequence[Record], meta: Meta, folder: str) -> str:
    final = os.path.join(folder, meta.name)
    partial = os.path.join(folder, f".{meta.name}.partial")
    os.mkdir(partial, 0o700)
    with Guard(partial):
        for name, data in contents(records, meta):
            path = os.path.join(partial, name)
            make_folder(os.path.dirname(path))
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
        os.rename(partial, final)
    return final
