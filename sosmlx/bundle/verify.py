"""Verify that a bundle's bytes are the ones that were written; whatever is not is a damage with a name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping

from sosmlx.bundle.members import Member
from sosmlx.bundle.read import Contents, contents, malformed, rows
from sosmlx.bundle.sign import SIGNATURE_CAP, SUFFIXES, Signed, check
from sosmlx.bundle.write import CHECKSUMS, MANIFEST
from sosmlx.record import Outcome
from sosmlx.sources.files import read_path

SIGNATURES = {CHECKSUMS + suffix: tool for tool, suffix in SUFFIXES.items()}
"""The members that sign the list of check sums, and with what."""


def signed(found: Contents, trust: str = "") -> Signed:
    """Check the signature of a bundle's check sums, by the key in a file or the caller's keyring. Raises InputError."""
    sums = found.members.get(CHECKSUMS)
    made = {tool: found.members[name].data for name, tool in SIGNATURES.items() if name in found.members}
    return check(sums.data if sums else b"", {tool: data[:SIGNATURE_CAP] for tool, data in made.items()}, trust)


def verify(path: str) -> tuple[Contents, list[str]]:
    """Check every member against the check sums and the index; returns the contents and the damages, named.

    Raises InputError for what is no bundle, DamagedError where its index cannot be read.
    """
    found = contents(path, to_the_end=True)
    sums, damages = _sums(found.members.get(CHECKSUMS))
    damages = [*found.faults, *damages]
    indexed = _indexed(found.manifest)
    damages += _index_damages(found.manifest)
    for name, member in found.members.items():
        damages += _member_damages(name, hashlib.sha256(member.data).hexdigest(), sums, indexed)
    damages += [f"{name}: missing" for name in {**sums, **indexed} if name not in found.members]
    damages += _sidecar(path)
    return found, list(dict.fromkeys(damages))


def _member_damages(name: str, digest: str, sums: Mapping[str, str], indexed: Mapping[str, str]) -> Iterator[str]:
    """Compare one member with both lists; where they disagree, the one that the member contradicts is to blame."""
    in_sums = name in (CHECKSUMS, *SIGNATURES) or sums.get(name) == digest
    in_index = not indexed.get(name) or indexed[name] == digest
    if not in_sums and indexed.get(name) == digest and sums:
        yield f"{CHECKSUMS}: its line for {name} is wrong"
    elif not in_sums:
        yield f"{name}: {'its SHA-256 is not the recorded one' if name in sums else 'is not in the list of check sums'}"
    elif not in_index:
        yield f"{MANIFEST}: its SHA-256 of {name} is wrong"
    if name.startswith("sos_commands/") and name not in indexed:
        yield f"{MANIFEST}: has no record with {name}"


def _indexed(manifest: Mapping[str, object]) -> dict[str, str]:
    """Map every member that the index names to its check sum there; what tools said on stderr has none."""
    found: dict[str, str] = {}
    for row in rows(manifest, "records"):
        for key, digest in (("member", row.get("sha256")), ("stderr", "")):
            name = row.get(key)
            if isinstance(name, str) and name:
                found[name] = digest if isinstance(digest, str) else ""
    return found


def _index_damages(manifest: Mapping[str, object]) -> Iterator[str]:
    records = manifest.get("records")
    if not isinstance(records, list):
        yield f"{MANIFEST}: has no list of records"
        return
    for number, row in enumerate(records, 1):
        if not isinstance(row, dict):
            yield f"{MANIFEST}: record {number} is no object"
        elif malformed(row):
            yield f"{MANIFEST}: record {number} has no valid {', '.join(malformed(row))}"
        elif row.get("bytes") and not row["member"]:
            yield f"{MANIFEST}: record {number} has bytes, but names no member"


def _sums(member: Member | None) -> tuple[dict[str, str], list[str]]:
    """Read the list of check sums: the sums by name, and what is wrong with the list itself."""
    if member is None or not member.data:
        return {}, [f"{CHECKSUMS}: missing or empty"]
    *lines, last = member.data.decode("utf-8", "replace").split("\n")  # splitlines() also breaks at other characters
    sums: dict[str, str] = {}
    damages = [f"{CHECKSUMS}: its last line is not ended"] if last else []
    for number, line in enumerate(lines, 1):
        digest, _, name = line.partition("  ")
        if not name or name in sums:
            damages.append(f"{CHECKSUMS}: line {number} is no check sum, or one of a member that has one")
        else:
            sums[name] = digest
    return sums, damages


def _sidecar(path: str) -> list[str]:
    """Compare an archive with the check sum beside it, where there is one."""
    beside = read_path(f"{path}.sha256", "bytes", 4096)
    if os.path.isdir(path) or beside.outcome is Outcome.ABSENT:
        return []
    expected = beside.data.decode("utf-8", "replace").split(" ")[0].strip()
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as archive:
            for chunk in iter(lambda: archive.read(1 << 20), b""):
                digest.update(chunk)
    except OSError as error:
        return [f"{os.path.basename(path)}: {error.strerror or error}"]
    if digest.hexdigest() == expected:
        return []
    unread = beside.outcome is not Outcome.COLLECTED
    why = f"its .sha256 file cannot be read ({beside.reason})" if unread else "not the archive of its .sha256 file"
    return [f"{os.path.basename(path)}: {why}"]
