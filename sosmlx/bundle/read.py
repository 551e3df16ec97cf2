"""Read a bundle back to records: what is damaged costs only itself, and is named."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from sosmlx.bundle.members import Member, members
from sosmlx.bundle.sign import SUFFIXES
from sosmlx.bundle.sosreport import MASKED
from sosmlx.bundle.write import CHECKSUMS, MANIFEST
from sosmlx.errors import DamagedError, InputError
from sosmlx.jsonio import loads
from sosmlx.record import HOST, Access, Answer, Bundle, Call, Outcome, Record, maker

SCHEMA = "sosmlx.manifest/"
MAJOR = "1"
LAST = "version.txt"
"""The member of a bundle that sorts behind all others: a sosreport, in which members are sorted, is then through."""


@dataclass(frozen=True)
class Contents:
    """All members of a bundle in memory, the index among them, and what was wrong on the way.

    `report`: it came out of a sosreport, where masking may have rewritten it.
    """

    path: str
    manifest: Mapping[str, object]
    members: Mapping[str, Member]
    faults: tuple[str, ...]
    report: bool = False


def read_bundle(path: str) -> Bundle:
    """Read a bundle; damaged members cost only themselves and are named in `faults`.

    Raises InputError for what is no bundle, DamagedError where its index cannot be read.
    """
    found = contents(path)
    index = found.manifest
    faults = list(found.faults)
    records: list[Record] = []
    masked = 0
    for row in rows(index, "records"):
        record, fault = _record(row, found.members, report=found.report)
        records.append(record)
        if fault == MASKED:
            masked += 1
        elif fault:
            faults.append(fault)
    if masked:
        faults.append(f"{masked} of {len(records)} records {MASKED}")
    return Bundle(
        kind="bundle", path=path, records=tuple(records), host=_text(_object(index.get("host")).get("name")),
        collected=_text(index.get("created")), label=_text(index.get("label")),
        complete=index.get("complete") is True, delta=document(found, "sosmlx/delta.json"),
        faults=tuple(dict.fromkeys(faults)), maker=maker(_object(index.get("security")).get("euid")),
        signed=any(CHECKSUMS + suffix in found.members for suffix in SUFFIXES.values()),
        redacted=_text(_object(index.get("redacted")).get("key")),
    )  # fmt: skip


def contents(path: str, *, to_the_end: bool = False) -> Contents:
    """Read all members of a bundle, and its index; of a sosreport, what follows them only where it is asked for.

    Raises InputError for what is no bundle, DamagedError where its index cannot be read.
    """
    kept: dict[str, Member] = {}
    faults: list[str] = []
    report = False
    with closing(members(path)) as found:
        for member in found:
            report = report or member.report
            if not member.name:
                faults.append(f"{os.path.basename(path)}: {member.fault}")
            elif member.link:
                faults.append(f"{member.name}: {member.fault}")
            elif member.name in kept:
                if member.name == MANIFEST:
                    raise DamagedError(f"{path}: holds two indexes ({MANIFEST})")
                faults.append(f"{member.name}: occurs twice; the first one counts")
            else:
                kept[member.name] = member
                if member.fault:
                    faults.append(f"{member.name}: {member.fault}")
            if report and not to_the_end and member.name == LAST and _whole(path, kept):
                break  # what follows is of the host, and may take a minute to unpack
    index = kept.get(MANIFEST)
    if index is None:
        broken = f" ({faults[0]})" if faults else ""
        raise (DamagedError if "version.txt" in kept else InputError)(
            f"{path}: no {MANIFEST} inside{broken}; this is no sosmlx bundle, or it is damaged at its beginning",
        )
    manifest = _index(path, index)
    return Contents(path, manifest, kept, tuple(faults), report)


def _whole(path: str, kept: Mapping[str, Member]) -> bool:
    """Tell whether everything that the index of a bundle in a sosreport names was seen."""
    if MANIFEST not in kept or CHECKSUMS not in kept:
        return False
    named = {row.get(key) for row in rows(_index(path, kept[MANIFEST]), "records") for key in ("member", "stderr")}
    return kept.keys() >= {name for name in named if isinstance(name, str)}


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


def document(found: Contents, name: str) -> Mapping[str, object]:
    """Return a document beside the index; empty where there is none, or none that can be read."""
    member = found.members.get(name)
    try:
        document = loads(member.data.decode("utf-8", "replace"), what=name) if member else {}
    except InputError:
        return {}
    return _object(document)


def rows(manifest: Mapping[str, object], name: str) -> list[dict[str, object]]:
    """Return the rows of a list in the index; what is none is left out."""
    found = manifest.get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def malformed(row: Mapping[str, object]) -> list[str]:
    """Name the keys of a record's row without which nobody can say what its bytes are, where they are missing."""
    wrong = [name for name in ("id", "kind", "subject", "outcome", "sha256") if not isinstance(row.get(name), str)]
    if not isinstance(row.get("member"), (str, type(None))) or "member" not in row:
        wrong.append("member")
    return wrong


def _record(row: Mapping[str, object], kept: Mapping[str, Member], *, report: bool) -> tuple[Record, str]:
    """Build a record from its row; one whose bytes are not the recorded ones is a failed read, never a value.

    In a `report`, a text that was rewritten still counts: masking replaces names and addresses, and nothing else.
    """
    name = _text(row.get("member"))
    member = kept.get(name)
    data = member.data if member else b""
    outcome, reason, fault = _outcome(row), _text(row.get("reason")), ""
    wrong = malformed(row)
    if wrong:
        fault = f"{MANIFEST}: a record ({_text(row.get('id')) or 'unnamed'}) has no valid {', '.join(wrong)}"
    elif name and (member is None or hashlib.sha256(data).hexdigest() != row.get("sha256")):
        fault = f"{name}: {'missing' if member is None else 'its SHA-256 is not the recorded one'}"
        fault = MASKED if report else fault
    if fault and (fault != MASKED or member is None or b"\0" in data or not {"argv", "path"} & row.keys()):
        data, outcome, reason = b"", Outcome.FAILED, "damaged in the bundle"
    stderr = kept.get(_text(row.get("stderr")))
    answer = Answer(
        data=data, outcome=outcome, reason=reason, rc=_number(row.get("rc")), signal=_number(row.get("signal")),
        pid=_number(row.get("pid")), stderr=stderr.data if stderr else b"", tool=_text(row.get("tool")),
    )  # fmt: skip
    argv = row.get("argv")
    return Record(
        id=_text(row.get("id")), kind=_text(row.get("kind")), collector=_text(row.get("collector")),
        subject=_text(row.get("subject")) or HOST, answer=answer,
        argv=tuple(str(word) for word in argv) if isinstance(argv, list) else (), path=_text(row.get("path")),
        register=_access(row.get("register")), mailbox=_call(row.get("mailbox")),
        scope=_text(row.get("scope")), channel=_text(row.get("channel")),
        start=_text(row.get("start")),
        duration_ms=_number(row.get("duration_ms")) or 0,
        sample=_number(row.get("sample")) or 0,
    ), fault  # fmt: skip


def _access(value: object) -> Access | None:
    """Read which register a record holds; selectors that are no numbers are left out."""
    if not isinstance(value, dict):
        return None
    fields = _object(value.get("fields")).items()
    numbers = tuple((name, number) for name, number in fields if isinstance(number, int) and 0 <= number < 1 << 32)
    return Access(_text(value.get("node")), _text(value.get("name")), numbers)


def _call(value: object) -> Call | None:
    """Read which command a record holds the answer of."""
    found = _access(value)
    return Call(*found) if found else None


def _outcome(row: Mapping[str, object]) -> Outcome:
    try:
        return Outcome(str(row.get("outcome")))
    except ValueError:
        return Outcome.FAILED


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
