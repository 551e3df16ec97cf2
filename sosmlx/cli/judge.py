"""Commands that judge: check and baseline; and those that tell what is judged by: list policies, explain."""

from __future__ import annotations

import argparse
import sys
from datetime import date, datetime, timezone
from pathlib import Path

from sosmlx.cli.choice import devices, opened, planes
from sosmlx.cli.output import save, write
from sosmlx.model import Snapshot
from sosmlx.normalise import normalise
from sosmlx.policy.check import Only
from sosmlx.printable import visible
from sosmlx.record import Bundle

DAMAGED = 3
_SHOWN = 5
"""So many of the things that a baseline leaves out are named; the document names all."""


def check(args: argparse.Namespace) -> int:
    """Check a source against baselines and policies, and judge it."""
    from sosmlx.policy.named import named
    from sosmlx.report.formats import check_formats
    from sosmlx.report.result import evaluate

    asked = planes(args.plane)
    bundle = opened(args.source, args.as_kind)
    snapshot = normalise(bundle)
    only = Only(devices(snapshot, args.device, args.source), asked)
    earlier: list[Snapshot] = []
    others: list[Bundle] = []

    def reference(spec: str) -> Snapshot:
        others.append(opened(spec, args.as_kind))
        earlier.append(normalise(others[-1]))
        return earlier[-1]

    policies = named(args.baseline, snapshot, reference)
    before = next((row for row in earlier if row.is_host and row.source.host == snapshot.source.host), None)
    result = evaluate(snapshot, policies, _today(args), args.fail_on, only, before)
    write(args, check_formats(result, bundle), (bundle, *others))
    return result.code


def baseline(args: argparse.Namespace) -> int:
    """Write a baseline of one source, or of what several have in common; say on stderr what it leaves out."""
    from sosmlx.policy.baseline import consensus, to_toml

    snapshots = [normalise(opened(spec, args.as_kind)) for spec in args.sources]
    made = consensus(snapshots, _today(args).isoformat(), args.title)
    text = to_toml(made)
    if args.output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        save({Path(args.output): text})
    print(f"sosmlx: {len(made.rules)} rules from {len(snapshots)} source(s)", file=sys.stderr)
    for key, words in (("unread", "not read"), ("left_out", "left out")):
        _tell(words, made.provenance.get(key))
    return DAMAGED if any(_damaged(snapshot) for snapshot in snapshots) else 0


def _tell(words: str, found: object) -> None:
    rows = [str(row) for row in found] if isinstance(found, (list, tuple)) else []
    for row in rows[:_SHOWN]:
        print(f"sosmlx: {words}: {visible(row)}", file=sys.stderr)
    if len(rows) > _SHOWN:
        more = f"and {len(rows) - _SHOWN} more, named under [provenance]"
        print(f"sosmlx: {words}: {more}", file=sys.stderr)


def _damaged(snapshot: Snapshot) -> bool:
    return any(row.kind in ("bundle.damaged", "unparseable") for row in snapshot.evidence)


def policies(args: argparse.Namespace) -> int:
    """List the policies that come with sosmlx, and the baselines that need no file."""
    from sosmlx.policy.document import builtins, load
    from sosmlx.policy.named import RELATIONS

    for name in builtins():
        policy = load(f"builtin:{name}")
        count = f"{len(policy.rules)} rule{'' if len(policy.rules) == 1 else 's'}"
        print(f"{policy.name:<20} {count:<9} {visible(policy.title)}")
    for word, (_, words) in RELATIONS.items():
        print(f"{word:<20} {'':<9} {words}")
    return 0


def explain(args: argparse.Namespace) -> int:
    """Tell what a rule, parameter, outcome, taint bit or writer means. Raises UsageError for a name that is none."""
    from sosmlx.policy.explain import explain as words

    print(words(args.name).rstrip("\n"))
    return 0


def _today(args: argparse.Namespace) -> date:
    """Take the day that the user named, or this one: a waiver ends with its day in UTC."""
    named: date | None = args.today
    return named or datetime.now(timezone.utc).date()
