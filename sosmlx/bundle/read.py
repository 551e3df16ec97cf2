"""Read a bundle back to records, and verify that its bytes are the ones that were written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sosmlx.bundle.members import Member, members
from sosmlx.bundle.write import CHECKSUMS, MANIFEST
from sosmlx.errors import DamagedError, InputError
from sosmlx.jsonio import loads
from sosmlx.record import Answer, Bundle, Outcome, Record

SCHEMA = "sosmlx.manifest/"
MAJOR = "1"


@dataclass(frozen=True)
class Contents:
    """All members of a bundle in memory, the index among them, and what was wrong on the way."""

    path: str
    manifest: Mapping[str, object]
    members: Mapping[str, Member]
    faults: tuple[str, ...]


def read_bundle(path: str) -> Bundle:
    """Read a bundle; damaged members cost only themselves and are named in `faults`.

    Raises InputError for what is no bundle, DamagedError where its index cannot be read.
    """
    found = _contents(path)
    delta = _document(found, "sosmlx/delta.json")
    about = found.manifest.get("host")
    host = about if isinstance(about, dict) else {}
    faults = list(found.faults)
    records: list[Record] = []
    for row in _rows(found.manifest, "records"):
        record, fault = _record(row, found.members)
        records.append(record)
        if fault:
            faults.append(fault)
    return Bundle(
        kind="bundle", path=path, records=tuple(records), host=str(host.get("name", "")),
        collected=str(found.manifest.get("created", "")), label=str(found.manifest.get("label", "")),
        complete=bool(found.manifest.get("complete")), delta=delta, faults=tuple(dict.fromkeys(faults)),
    )  # fmt: skip


def verify(path: str) -> tuple[Contents, list[str]]:
    """Check every member against the check sums and the index; returns the contents and the damages, named.

    Raises InputError for what is no bundle, DamagedError where its index cannot be read.
    """
    found = _contents(path)
    damages = [fault for fault in found.faults if not fault.startswith("note:")]
    sums = _sums(found.members.get(CHECKSUMS))
    if not sums:
        damages.append(f"{CHECKSUMS}: missing or unreadable")
    indexed = {str(row["member"]): str(row["sha256"]) for row in _rows(found.manifest, "records") if row.get("member")}
    for name, member in found.members.items():
        digest = hashlib.sha256(member.data).hexdigest()
        if name != CHECKSUMS and digest != sums.get(name):
            blame = CHECKSUMS if sums and indexed.get(name) == digest else name
            words = "is not in the list of check sums" if name not in sums else "its SHA-256 is not the recorded one"
            damages.append(f"{blame}: {words}" if blame == name else f"{blame}: its line for {name} is wrong")
    damages += [f"{name}: missing" for name in {**sums, **indexed} if name not in found.members]
    damages += _sidecar(path)
    return found, list(dict.fromkeys(damages))


def _contents(path: str) -> Contents:
    kept: dict[str, Member] = {}
    faults: list[str] = []
    for member in members(path):
        if not member.name:
            faults.append(f"{os.path.basename(path)}: {member.fault}")
        elif member.name in kept:
            if member.name == MANIFEST:
                raise DamagedError(f"{path}: holds two indexes ({MANIFEST})")
            faults.append(f"{member.name}: occurs twice; the first one counts")
        else:
            kept[member.name] = member
            if member.fault:
                faults.append(f"{member.name}: {member.fault}")
    index = kept.get(MANIFEST)
    if index is None:
        broken = f" ({faults[0]})" if faults else ""
        raise (DamagedError if "version.txt" in kept else InputError)(
            f"{path}: no {MANIFEST} inside{broken}; this is no sosmlx bundle, or it is damaged at its beginning",
        )
    manifest = _index(path, index)
    return Contents(path, manifest, kept, tuple(faults))


def _index(path: str, member: Member) -> Mapping[str, object]:
    if member.fault:
        raise DamagedError(f"{path}: {MANIFEST}: {member.fault}", "the archive is cut off or damaged; ask for it again")
    try:
        manifest = loads(member.data.decode("utf-8", "replace"), what=MANIFEST)
    except InputError as error:
        raise DamagedError(f"{path}: {error.message}") from None
    schema = manifest.get("schema") if isinstance(manifest, dict) else None
    if not isinstance(manifest, dict) or not str(schema).startswith(SCHEMA):
        raise DamagedError(f"{path}: {MANIFEST} is not an index of a bundle")
    if str(schema)[len(SCHEMA) :] != MAJOR:
        raise InputError(f"{path}: written as {schema}, which this sosmlx does not read", "use a newer sosmlx")
    return manifest


def _document(found: Contents, name: str) -> Mapping[str, object]:
    member = found.members.get(name)
    try:
        document = loads(member.data.decode("utf-8", "replace"), what=name) if member else {}
    except InputError:
        return {}
    return document if isinstance(document, dict) else {}


def _rows(manifest: Mapping[str, object], name: str) -> Iterable[Mapping[str, object]]:
    rows = manifest.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _record(row: Mapping[str, object], kept: Mapping[str, Member]) -> tuple[Record, str]:
    """Build a record from its row; one whose bytes are not the recorded ones is a failed read, never a value."""
    name = row.get("member")
    member = kept.get(str(name)) if name else None
    data = member.data if member else b""
    outcome, reason, fault = _outcome(row), str(row.get("reason") or ""), ""
    if name and (member is None or hashlib.sha256(data).hexdigest() != row.get("sha256")):
        fault = f"{name}: {'missing' if member is None else 'its SHA-256 is not the recorded one'}"
        data, outcome, reason = b"", Outcome.FAILED, "damaged in the bundle"
    stderr = kept.get(str(row.get("stderr")))
    answer = Answer(
        data=data, outcome=outcome, reason=reason, rc=_number(row.get("rc")), signal=_number(row.get("signal")),
        pid=_number(row.get("pid")), stderr=stderr.data if stderr else b"", tool=str(row.get("tool") or ""),
    )  # fmt: skip
    argv = row.get("argv")
    return Record(
        id=str(row.get("id", "")), kind=str(row.get("kind", "")), collector=str(row.get("collector", "")),
        subject=str(row.get("subject", "host")), answer=answer,
        argv=tuple(str(word) for word in argv) if isinstance(argv, list) else (), path=str(row.get("path") or ""),
        scope=str(row.get("scope", "")), channel=str(row.get("channel", "")), start=str(row.get("start", "")),
        duration_ms=_number(row.get("duration_ms")) or 0,
    ), fault  # fmt: skip


def _outcome(row: Mapping[str, object]) -> Outcome:
    try:
        return Outcome(str(row.get("outcome")))
    except ValueError:
        return Outcome.FAILED


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _sums(member: Member | None) -> dict[str, str]:
    lines = member.data.decode("utf-8", "replace").splitlines() if member else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines) if name}


def _sidecar(path: str) -> list[str]:
    """Compare an archive with the check sum beside it, where there is one."""
    try:
        with open(f"{path}.sha256", encoding="utf-8", errors="replace") as beside:
            expected = beside.read(4096).split(" ")[0].strip()
        digest = hashlib.sha256()
        with open(path, "rb") as archive:
            for chunk in iter(lambda: archive.read(1 << 20), b""):
                digest.update(chunk)
    except OSError:
        return []
    return [] if digest.hexdigest() == expected else [f"{os.path.basename(path)}: not the archive of its .sha256 file"]
