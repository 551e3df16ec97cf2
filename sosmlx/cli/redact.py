"""Commands and options that redact: a bundle that was written before, and which key is used."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from sosmlx.bundle.write import Meta, write
from sosmlx.errors import InputError, SosmlxError
from sosmlx.printable import visible
from sosmlx.record import Bundle, Record
from sosmlx.redact.bundle import Redaction
from sosmlx.redact.key import Key, default_path, fresh, load, load_or_make
from sosmlx.redact.leaks import Leak, identities, scan
from sosmlx.redact.source import opened

SHOWN_LEAKS = 10


def redact(args: argparse.Namespace) -> int:
    """Write a redacted copy of a bundle; its path is the last line on stdout. Raises SosmlxError, InputError."""
    bundle, meta = opened(args.bundle)
    key = kept_key(args.key)
    if bundle.redacted:
        whose = "this key" if bundle.redacted == key.id else f"another key ({bundle.redacted})"
        raise InputError(f"{args.bundle}: is redacted already, with {whose}", "redact the bundle as it was collected")
    for fault in bundle.faults:
        print(f"sosmlx: {visible(f'{args.bundle}: {fault}')}", file=sys.stderr)
    records, marked = redacted(bundle.records, meta, key)
    if args.verify:
        verify(bundle.records, meta, records, marked)
    form = args.format or ("tar.gz" if args.bundle.endswith((".gz", ".tgz")) else "tar.xz")
    folder = args.folder or str(Path(args.bundle).absolute().parent)
    path = write(records, marked, folder, "dir" if Path(args.bundle).is_dir() and not args.format else form)
    said = "; looked for what should be gone, and found nothing" if args.verify else ""
    print(f"sosmlx: tokens of the key {key.id} ({visible(key.path)}){said}", file=sys.stderr)
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(path) + b"\n")
    return 0


def redacted(records: Sequence[Record], meta: Meta, key: Key) -> tuple[list[Record], Meta]:
    """Redact records and what a bundle says of its making."""
    redaction = Redaction(records, meta, key)
    return redaction.records(), redaction.meta()


def records_of(bundle: Bundle, key: Key) -> list[Record]:
    """Redact the records of a source that is only shown."""
    created = datetime.fromtimestamp(0, timezone.utc)  # of no use here: what is shown has no name of its own
    return Redaction(bundle.records, Meta(bundle.host, created, ""), key).records()


def verify(before: Sequence[Record], meta: Meta, after: Sequence[Record], marked: Meta) -> None:
    """Look through what would be written for what identifies the original. Raises SosmlxError where some is left."""
    found = list(leaks(before, meta, after, marked))
    for leak in found[:SHOWN_LEAKS]:
        print(f"sosmlx: left: {leak.what} in {visible(leak.where)}", file=sys.stderr)
    if found:
        raise SosmlxError(
            f"{len(found)} identities were found again after redaction: nothing was written",
            "please report it; without --verify the bundle is written all the same",
        )


def leaks(before: Sequence[Record], meta: Meta, after: Sequence[Record], marked: Meta) -> list[Leak]:
    """List what identifies the original and is still in the redacted records, or in what describes them."""
    from sosmlx.bundle.write import contents

    values = identities(before, (meta.host, meta.host.partition(".")[0]))
    return sorted(set(scan({"its name": marked.name.encode(), **dict(contents(after, marked))}, values)))


def kept_key(path: str | None) -> Key:
    """Take the key that was named, or the one of this user, which is made where there is none yet."""
    return load_or_make(default_path()) if path is None else load_or_make(path)


def result_key(path: str | None) -> Key:
    """Take the key for a result: the one that was named, this user's, or one of this run alone, which is said."""
    if path is not None:
        return load_or_make(path)
    if os.path.lexists(default_path()):
        return load(default_path())
    print("sosmlx: redacted with a key of this run alone; --key FILE makes tokens stable", file=sys.stderr)
    return fresh()
