"""Commands of the analyst's side: show, devices, diff, demo. Python 3.11 and the packages; imported only when named."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from sosmlx.bundle.opening import open_source
from sosmlx.cli.output import Render, save, write
from sosmlx.collectors import selected
from sosmlx.diff.align import named
from sosmlx.diff.compare import Comparison, Filter, compare_bundles
from sosmlx.errors import UsageError
from sosmlx.model import PLANES, Setting, Snapshot, state
from sosmlx.normalise import normalise
from sosmlx.parsers import PARSERS
from sosmlx.record import Bundle, Record

SAME, DIFFERENT, TROUBLE, UNKNOWN = 0, 1, 2, 3


def devices(args: argparse.Namespace) -> int:
    """List the devices of a source, and the channels into them."""
    from sosmlx.report.devices import devices_tree

    print("\n".join(devices_tree(normalise(open_source(args.source)))))
    return 0


def show(args: argparse.Namespace) -> int:
    """Show one source."""
    from sosmlx.report.formats import show_formats

    bundle = _open(args.source, args)
    if args.raw is not None:
        return _raw(bundle, args)
    snapshot = normalise(bundle)
    chosen = _chosen(snapshot, args)
    write(args, show_formats(snapshot, chosen, args.everything), (bundle,))
    troubled = {"bundle.damaged", "unparseable", "kind.unknown"}
    errors = any(row.kind in troubled for row in snapshot.evidence)
    only_messages = bundle.is_text and all(record.kind == "tool.error" for record in bundle.records)
    return UNKNOWN if errors or only_messages else 0


def diff(args: argparse.Namespace) -> int:
    """Compare two sources, and each with their common base where one was given."""
    sides = [_open(spec, args) for spec in (args.left, args.right, args.base) if spec is not None]
    only = Filter(args.everything, _planes(args), tuple(args.device), tuple(args.ignore))
    if len(sides) > 2:
        from sosmlx.diff.threeway import compare_bundles_from

        found = compare_bundles_from(sides[2], sides[0], sides[1], only)
    else:
        found = compare_bundles(sides[0], sides[1], only)
    if args.device and not named((*found.left.devices, *found.right.devices), args.device):
        raise UsageError(f"--device {' '.join(args.device)}: neither side has such a device")
    write(args, _diff_renders(args, found, only, sides[:2]), sides)
    if found.differences:
        return DIFFERENT
    only_messages = any(all(record.kind == "tool.error" for record in side.records) for side in sides)
    return UNKNOWN if found.gaps or found.base_gaps or _damaged(found) or only_messages else SAME


def _diff_renders(
    args: argparse.Namespace, found: Comparison, only: Filter, bundles: Sequence[Bundle]
) -> Mapping[str, Render]:
    """Return what renders a diff; text alone, the most frequent wish, does not load all that CI outputs need."""
    if args.format == "text" and not args.outputs and not args.redact:
        from sosmlx.report.text import diff_text
        from sosmlx.report.view import diff_view

        return {"text": lambda: diff_text(diff_view(found))}
    from sosmlx.report.formats import diff_formats

    return diff_formats(found, only, bundles)


def _damaged(found: Comparison) -> bool:
    """Whether stored bytes of any side were damaged or could not be parsed."""
    snapshots = [found.left, found.right, *([found.base] if found.base else [])]
    return any(row.kind in ("bundle.damaged", "unparseable") for side in snapshots for row in side.evidence)


def demo(args: argparse.Namespace) -> int:
    """Collect a simulated host before and after a bad night, and compare."""
    from sosmlx.cli.host import gather
    from sosmlx.report.formats import diff_formats

    paths = [
        gather(f"sim:two-adapters-{when}", args.folder, selected(), label=when).path for when in ("before", "after")
    ]
    before, after = (open_source(path) for path in paths)
    found = compare_bundles(before, after)
    renders = diff_formats(found, bundles=(before, after))
    page = Path(args.folder) / "report.html"
    save({page: renders["html"]()})
    print(renders["text"](), end="")
    print("\nbundles:", *paths, sep="\n  ")
    print(f"report:\n  {page}")
    return 0


def _open(spec: str, args: argparse.Namespace) -> Bundle:
    if args.as_kind is not None and args.as_kind not in PARSERS:
        raise UsageError(f"--as {args.as_kind}: no such kind", "`sosmlx list kinds` names them")
    return open_source(spec, args.as_kind)


def _planes(args: argparse.Namespace) -> tuple[str, ...]:
    unknown = [plane for plane in args.plane if plane not in PLANES]
    if unknown:
        raise UsageError(f"--plane {unknown[0]}: no such plane", f"known ones: {', '.join(PLANES)}")
    return tuple(args.plane)


def _chosen(snapshot: Snapshot, args: argparse.Namespace) -> list[Setting]:
    planes = _planes(args)
    names = named(snapshot.devices, args.device)
    if args.device and not names:
        raise UsageError(f"--device {' '.join(args.device)}: no such device in {args.source}")
    return [
        setting
        for setting in snapshot.settings
        if (not planes or setting.plane in planes)
        and (not args.device or setting.device in names)
        and fnmatchcase(setting.name, args.name)
        and (not args.pending or "pending" in state(setting))
        and (not args.non_default or "set" in state(setting))
    ]


def _raw(bundle: Bundle, args: argparse.Namespace) -> int:
    records: Sequence[Record] = bundle.records
    if args.redact and not bundle.redacted:
        from sosmlx.cli.redact import records_of, result_key

        records = records_of(bundle, result_key(args.key))
    found = [record for record in records if args.raw in (record.id, record.id.lstrip("0"))]
    if not found:
        raise UsageError(f"--raw {args.raw}: no such record in {bundle.path}")
    sys.stdout.buffer.write(found[0].data)
    return 0
