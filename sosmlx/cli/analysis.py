"""Commands of the analyst's side: show, devices, diff, demo. Python 3.11 and the packages; imported only when named."""

from __future__ import annotations

import argparse
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType

from sosmlx.bundle.opening import open_source
from sosmlx.cli.output import Render, save, write
from sosmlx.collectors import selected
from sosmlx.diff.align import named
from sosmlx.diff.compare import Comparison, Filter, compare_bundles
from sosmlx.errors import UsageError
from sosmlx.jsonio import dumps
from sosmlx.model import PLANES, SHOWN_CLASSES, Setting, Snapshot, state
from sosmlx.normalise import normalise
from sosmlx.parsers import PARSERS
from sosmlx.printable import visible
from sosmlx.record import Bundle

SAME, DIFFERENT, TROUBLE, UNKNOWN = 0, 1, 2, 3


def devices(args: argparse.Namespace) -> int:
    """List the devices of a source."""
    from sosmlx.report.text import devices_lines

    snapshot = normalise(open_source(args.source))
    lines = [*devices_lines(snapshot.devices)]
    lines += [f"{name}: {snapshot.host.get(name, 'unknown')}" for name in ("lockdown", "taint")]
    print("\n".join(visible(line) for line in lines))
    return 0


def show(args: argparse.Namespace) -> int:
    """Show one source."""
    from sosmlx.report.machine import snapshot_document
    from sosmlx.report.text import show_text
    from sosmlx.report.view import show_view

    bundle = _open(args.source, args)
    if args.raw is not None:
        return _raw(bundle, args.raw)
    snapshot = normalise(bundle)
    chosen = _chosen(snapshot, args)
    renders: dict[str, Render] = {
        "text": lambda: show_text(show_view(snapshot, chosen, args.everything)),
        "json": lambda: dumps(snapshot_document(snapshot, chosen, args.everything)),
        "csv": lambda: _tables().csv(
            _tables().frame(row for row in chosen if args.everything or row.cls in SHOWN_CLASSES)
        ),
        "html": lambda: _html().show_page(show_view(snapshot, chosen, args.everything)),
    }
    write(args, renders)
    troubled = {"bundle.damaged", "unparseable", "kind.unknown"}
    errors = any(row.kind in troubled for row in snapshot.evidence)
    only_messages = bundle.is_text and all(record.kind == "tool.error" for record in bundle.records)
    return UNKNOWN if errors or only_messages else 0


def diff(args: argparse.Namespace) -> int:
    """Compare two sources."""
    left, right = _open(args.left, args), _open(args.right, args)
    only = Filter(args.everything, _planes(args), tuple(args.device), tuple(args.ignore))
    found = compare_bundles(left, right, only)
    if args.device and not named((*found.left.devices, *found.right.devices), args.device):
        raise UsageError(f"--device {' '.join(args.device)}: neither side has such a device")
    write(args, _diff_renders(found))
    if found.differences:
        return DIFFERENT
    damaged = any(
        row.kind in ("bundle.damaged", "unparseable") for row in (*found.left.evidence, *found.right.evidence)
    )
    only_messages = any(all(record.kind == "tool.error" for record in side.records) for side in (left, right))
    return UNKNOWN if found.gaps or damaged or only_messages else SAME


def _diff_renders(found: Comparison) -> dict[str, Render]:
    from sosmlx.report.machine import diff_document
    from sosmlx.report.text import diff_text
    from sosmlx.report.view import diff_view

    return {
        "text": lambda: diff_text(diff_view(found)),
        "json": lambda: dumps(diff_document(found)),
        "csv": lambda: _tables().csv(_tables().differences_frame(found.differences)),
        "html": lambda: _html().diff_page(diff_view(found)),
    }


def demo(args: argparse.Namespace) -> int:
    """Collect a simulated host before and after a bad night, and compare."""
    from sosmlx.cli.host import gather

    paths = [
        gather(f"sim:two-adapters-{when}", args.folder, selected(), label=when).path for when in ("before", "after")
    ]
    found = compare_bundles(open_source(paths[0]), open_source(paths[1]))
    renders = _diff_renders(found)
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


def _raw(bundle: Bundle, record_id: str) -> int:
    found = [record for record in bundle.records if record_id in (record.id, record.id.lstrip("0"))]
    if not found:
        raise UsageError(f"--raw {record_id}: no such record in {bundle.path}")
    sys.stdout.buffer.write(found[0].data)
    return 0


def _tables() -> ModuleType:
    from sosmlx.report import tables  # pandas costs half a second: only for tables

    return tables


def _html() -> ModuleType:
    from sosmlx.report import html  # jinja2 costs a tenth of a second: only for pages

    return html
