"""Commands that run on the host: collect, verify, and what there is. Standard library only, Python 3.9."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sosmlx.cli.ending import tell
from sosmlx.cli.progress import watching
from sosmlx.collectors import selected
from sosmlx.collectors.blame import Run, effects
from sosmlx.collectors.engine import Engine
from sosmlx.collectors.plan import below_root, plan, plan_row
from sosmlx.collectors.proof import delta, observe, parameters, sentence
from sosmlx.collectors.spec import Collector
from sosmlx.collectors.watch import Stage, Watch, nobody
from sosmlx.collectors.watched import PROOF
from sosmlx.errors import UsageError
from sosmlx.printable import visible
from sosmlx.record import Bundle, Outcome, Record, maker
from sosmlx.redact.key import Key

if TYPE_CHECKING:
    from sosmlx.bundle.seal import Seal
    from sosmlx.bundle.sign import Signer

COMPLETE, INCOMPLETE, DAMAGED = 0, 3, 2
SHOWN_DAMAGES = 5
"""A cut archive lacks most of its members: the first few damages tell, the rest is counted."""


AFTER = 3.0
"""Seconds that the look at the host after the run may add to the time for the whole run."""


@dataclass(frozen=True)
class Gathered:
    """A bundle that was just written, still in memory, and what changed on the host meanwhile."""

    path: str
    bundle: Bundle
    changed: Mapping[str, object]


class StoppedEarly(KeyboardInterrupt):
    """Somebody ended a collection; what had been read by then is a bundle at `path`."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def collect(args: argparse.Namespace) -> int:
    """Read a host and write a bundle; its path is the last line on stdout, also where somebody ended the reading."""
    lock = None
    if args.encrypt_to:
        from sosmlx.bundle.seal import seal

        lock = seal(args.encrypt_to)
    pen = None
    if args.sign:
        from sosmlx.bundle.sign import signer

        pen = signer(args.sign)
    key = None
    if args.redact:
        from sosmlx.cli.redact import kept_key  # late: most collections redact nothing

        key = kept_key(args.key)
    collectors = selected(args.profile, args.vendor_access, args.options)
    try:
        with watching(args.progress, quiet=args.quiet, max_seconds=args.max_seconds) as watch:
            found = gather(
                args.source, args.folder, collectors, label=args.label, form=args.format, max_seconds=args.max_seconds,
                max_bytes=args.max_bytes, root=args.root, devices=args.device, lock=lock, pen=pen,
                watch=watch, key=key,
            )  # fmt: skip
    except StoppedEarly as early:
        with contextlib.suppress(OSError):
            _print_path(early.path)
        raise
    code = _report(found, quiet=args.quiet)
    _print_path(found.path)
    return code


def _print_path(path: str) -> None:
    """Print where the bundle is, on standard error where standard output does not take it. Raises OSError then."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(path) + b"\n")  # the very bytes of the name, whatever the encoding
        sys.stdout.buffer.flush()
    except OSError:
        tell(f"sosmlx: the bundle is {path}")
        raise


def gather(
    spec: str,
    folder: str,
    collectors: Sequence[Collector],
    *,
    label: str = "",
    form: str = "tar.xz",
    max_seconds: float = 300.0,
    max_bytes: int = 64 << 20,
    root: str = "",
    devices: Sequence[str] = (),
    lock: Seal | None = None,
    pen: Signer | None = None,
    watch: Watch = nobody,
    key: Key | None = None,
) -> Gathered:
    """Collect from the host that `spec` names and write the bundle into `folder`.

    `root` is the folder of the host's files, where that is not the running one; `devices` names the only devices that
    are read; with a `lock` the bundle is encrypted, with a `pen` signed, with a `key` redacted; `watch` hears how it
    goes.

    Raises SosmlxError, and where somebody ends it KeyboardInterrupt: StoppedEarly where that left a bundle.
    """
    from datetime import datetime, timezone

    from sosmlx.bundle.opening import host_euid, hostname, source
    from sosmlx.bundle.place import prepare
    from sosmlx.bundle.write import Meta, write
    from sosmlx.sources.bounded import Bounded

    created, began = datetime.now(timezone.utc), time.monotonic()
    watch(Stage("looking at the host"))
    host = source(spec, root)
    if devices:
        from sosmlx.collectors.choose import functions_of, only

        collectors = only(collectors, functions_of(host, devices))

    prepare(folder)
    before = observe(Bounded(host, began + max_seconds))
    engine = Engine(host, max_seconds=max_seconds, max_bytes=max_bytes, began=began, watch=watch)
    watch(Stage("reading"))
    interrupted = False
    try:
        records = engine.collect(collectors)
    except KeyboardInterrupt:
        records, interrupted = engine.records(), True
        if not any(record.has_bytes for record in records):
            raise
    watch(Stage("looking at the host again"))
    end = time.monotonic() if interrupted else began + max_seconds
    late = Bounded(host, end + AFTER)
    programs = frozenset(record.argv[0] for record in records if record.answer.tool)
    run = Run(os.getpid(), programs, effects(records), engine.abandoned)
    changed = delta(before, observe(late), run, parameters(late, records))
    host.close()
    euid = host_euid(host)
    meta = Meta(
        host=hostname(records), created=created, rand=os.urandom(4).hex(), label=label,
        plan=_planned(collectors, root), delta=changed,
        budgets={"max_seconds": max_seconds, "max_bytes": max_bytes, "hit": engine.cut},
        euid=euid, complete=not engine.cut, signer=pen,
    )  # fmt: skip
    bundle = Bundle(host.kind, host.path, tuple(records), maker=maker(euid))
    if key is not None:
        from sosmlx.cli.redact import redacted

        records, meta = redacted(records, meta, key)
    watch(Stage("writing the bundle"))
    path = write(records, meta, folder, form, lock)
    if interrupted:
        raise StoppedEarly(path)
    return Gathered(path, bundle, changed)


def _planned(collectors: Sequence[Collector], root: str) -> list[dict[str, object]]:
    rows = plan((*collectors, PROOF))
    if root:
        from sosmlx.sources.tree import NOTHING_RUN

        rows = below_root(rows, NOTHING_RUN.reason)
    return [plan_row(row) for row in rows]


def _report(found: Gathered, *, quiet: bool) -> int:
    """Say on stderr what was read, what was not, and whether anything changed; return the exit code."""
    from sosmlx.coverage import NO_FWCTL
    from sosmlx.normalise import normalise

    snapshot = normalise(_without_floods(found.bundle))
    gaps = [row for row in snapshot.coverage if row.status in ("unknown", "partial")]
    changes = found.changed.get("delta")
    lines = [_outcomes(found.bundle.records)]
    if not snapshot.devices:
        lines.append("no adapter of vendor 0x15b3 on this host")
    if any(row.reason == NO_FWCTL for row in gaps):
        lines.append(
            f"flash configuration was not read: {NO_FWCTL}. A kernel with fwctl and mlx5_fwctl (Linux 6.15 or a "
            "backport) would let sosmlx read it; --vendor-access does it with mstconfig, which writes PCI "
            "configuration space"
        )
    lines += _denied(found)
    lines += [f"{row.device} {row.plane}: {row.status}: {row.reason}" for row in gaps if row.reason != NO_FWCTL]
    lines.append(sentence(found.changed))
    if not quiet:
        for line in lines:
            tell(f"sosmlx: {line}")
    return INCOMPLETE if gaps or changes or not found.changed.get("final", True) or not snapshot.devices else COMPLETE


def _without_floods(bundle: Bundle) -> Bundle:
    """Leave out the bytes of what did not end by itself: it is said to be incomplete, and parsing it takes long."""
    kept = (
        replace(record, answer=replace(record.answer, data=b""))
        if record.outcome in (Outcome.TRUNCATED, Outcome.TIMEOUT, Outcome.ABANDONED)
        else record
        for record in bundle.records
    )
    return replace(bundle, records=tuple(kept))


def _denied(found: Gathered) -> list[str]:
    """Say in one line what somebody who is not root did not get to see."""
    denied = Counter(record.kind for record in found.bundle.records if record.outcome is Outcome.DENIED)
    if not denied or found.bundle.maker in ("", "root"):
        return []
    kinds = ", ".join(kind if count == 1 else f"{kind} ({count})" for kind, count in sorted(denied.items()))
    return [f"run by {found.bundle.maker}, {sum(denied.values())} reads were denied; root would also see: {kinds}"]


def _outcomes(records: Sequence[Record]) -> str:
    counts = Counter(record.outcome.value for record in records)
    return f"{len(records)} reads: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())


def verify(args: argparse.Namespace) -> int:
    """Check a bundle: intact (complete or partial), or which member is damaged."""
    from sosmlx.bundle.verify import signed
    from sosmlx.bundle.verify import verify as check

    found, damages = check(args.bundle)
    signature = signed(found, args.trust)
    distrusted = signature.state == "bad" or (args.trust != "" and signature.state != "good")
    if distrusted:
        print(f"sosmlx: {visible(f'{args.bundle}: {signature.words}')}", file=sys.stderr)
    for damage in damages[:SHOWN_DAMAGES]:
        print(f"sosmlx: {visible(f'{args.bundle}: damaged: {damage}')}", file=sys.stderr)
    if len(damages) > SHOWN_DAMAGES:
        print(f"sosmlx: {visible(args.bundle)}: and {len(damages) - SHOWN_DAMAGES} more", file=sys.stderr)
    if damages or distrusted:
        return DAMAGED
    records = found.manifest.get("records")
    count = len(records) if isinstance(records, list) else 0
    state = "complete" if found.manifest.get("complete") else "partial: a limit or an interruption ended it"
    whole = f"intact, {state}; {count} records, {len(found.members)} members; {signature.words}"
    print(visible(f"{args.bundle}: {whole}"))
    return 0


def listing(args: argparse.Namespace) -> int:
    """List the record kinds that are parsed, or the scenarios in the package."""
    if args.what == "kinds":
        from sosmlx.parsers import PARSERS

        for parser in PARSERS.values():
            recognised = "recognised in a text" if parser.head or parser.members else "in bundles, or with --as"
            print(f"{parser.kind:<20} {recognised}")
        return 0
    from sosmlx.simulator.host import load, scenarios

    for name in scenarios():
        print(f"sim:{name:<24} {visible(str(load(name).get('title', '')))}")
    return 0


def schema(args: argparse.Namespace) -> int:
    """Print a JSON Schema of the package, or the names of all."""
    from importlib import resources

    folder = resources.files("sosmlx.data") / "schemas"
    names = sorted(item.name[: -len(".json")] for item in folder.iterdir() if item.name.endswith(".json"))
    if args.name is None:
        print("\n".join(names))
        return 0
    if args.name not in names:
        raise UsageError(f"schema {args.name}: there is none of that name", f"known ones: {', '.join(names)}")
    print((folder / f"{args.name}.json").read_text(encoding="utf-8"), end="")
    return 0
