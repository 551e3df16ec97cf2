"""Pages for tests: made from scenarios, from large results, and from bundles whose every word is hostile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache

from sosmlx.bundle.opening import open_source
from sosmlx.diff.compare import compare, compare_bundles
from sosmlx.model import Device, Evidence, Facet, Setting, Snapshot
from sosmlx.normalise import normalise
from sosmlx.policy.document import load
from sosmlx.policy.rules import Policy, Rule
from sosmlx.report import page
from sosmlx.report.formats import Formats, check_formats, diff_formats, show_formats
from sosmlx.report.html import check_page, diff_page, show_page
from sosmlx.report.result import check_view, evaluate
from sosmlx.report.show import show_view
from sosmlx.report.view import diff_view

BEFORE, AFTER = "sim:two-adapters-before", "sim:two-adapters-after"


@cache
def formats(kind: str) -> Formats:
    """Return the renderers of a diff, a show and a check of the scenarios."""
    bundles = [open_source(name) for name in (BEFORE, AFTER)]
    if kind == "diff":
        return diff_formats(compare_bundles(bundles[0], bundles[1]), bundles=bundles)
    snapshot = normalise(bundles[1])
    if kind == "show":
        return show_formats(snapshot, snapshot.settings)
    if kind == "few":  # every kind of element of `show`, without the many rows that a browser walks for minutes
        return show_formats(snapshot, [row for row in snapshot.settings if row.plane in ("kernel", "health", "pci")])
    return check_formats(evaluate(snapshot, [load("builtin:envelope")], date(2026, 6, 15)), bundles[1])


KINDS = ("diff", "show", "check")

HOSTILE = (
    "<img src=x onerror=window.hit=1>", '"><script>window.hit=1</script>', "</script><script>window.hit=1</script>",
    "javascript:window.hit=1", "{{7*7}}${7*7}<%= 7*7 %>", "a\u2028b\u2029c", "\u202egnp.exe", "nul\x00l",
    "\x1b[2J\x1b]0;x\x07", "' onmouseover='window.hit=1", "<!--<script>", "&lt;b&gt;", "x" * 1_000_000,
)  # fmt: skip
"""Words that act somewhere: tags, attributes, ends of scripts, templates, line ends of scripts, controls, a flood."""


def hostile(snapshot: Snapshot) -> Snapshot:
    """Fill every field of a snapshot that a bundle controls with hostile words, one after the other."""
    words = _forever()
    return replace(
        snapshot,
        source=replace(snapshot.source, host=next(words), label=next(words), path=next(words), collected=next(words)),
        host={**snapshot.host, "hostname": next(words)},
        devices=tuple(_device(row, words) for row in snapshot.devices),
        settings=tuple(
            row._replace(facets=tuple((name, _facet(facet, words)) for name, facet in row.facets))
            for row in snapshot.settings
        ) + tuple(Setting(HOST, "net", word, "", (("current", Facet(word, word)),)) for word in HOSTILE),
        evidence=tuple(
            Evidence(row.kind, next(words), next(words), "high", row.strength, row.record) for row in snapshot.evidence
        ),
        coverage=tuple(replace(row, reason=next(words)) for row in snapshot.coverage),
    )  # fmt: skip


HOST = "host"


def _forever() -> Iterator[str]:
    while True:
        yield from HOSTILE[:-1]


def _device(device: Device, words: Iterator[str]) -> Device:
    return replace(
        device, model=next(words), part_number=next(words), psid=next(words), serial=next(words), board=next(words),
        asic=next(words), running=next(words), netdevs=(next(words), next(words)), rdma=(next(words),),
    )  # fmt: skip


def _facet(facet: Facet, words: Iterator[str]) -> Facet:
    return facet._replace(raw=next(words), label="", writer=next(words))


def hostile_pages() -> Iterator[tuple[str, str]]:
    """Render a diff, a show and a check whose every word is hostile."""
    before, after = (normalise(open_source(name)) for name in (BEFORE, AFTER))
    found = compare(before, hostile(after))
    view = diff_view(found)
    yield "diff", diff_page(view, page.diff_page(found, view))
    snapshot = hostile(after)
    shown = show_view(snapshot, snapshot.settings)
    yield "show", show_page(shown, page.show_page(snapshot, snapshot.settings, shown))
    names = [Rule(f"present-{at}", "net", word, "absent", title=word, advice=word) for at, word in enumerate(HOSTILE)]
    policy = Policy(HOSTILE[0], title=HOSTILE[1], rules=tuple(names))
    result = evaluate(snapshot, [load("builtin:envelope"), policy], date(2026, 6, 15))
    checked = check_view(result)
    yield "check", check_page(checked, page.check_page(result, checked))


def large(devices: int, parameters: int, changes: int) -> tuple[Snapshot, Snapshot]:
    """Make two snapshots of a host with many devices of many flash parameters, a few of which differ."""
    sides = []
    for side in range(2):
        settings, functions = [], []
        for number in range(devices):
            bdf = f"{number >> 5:04x}:{number & 31:02x}:00.0"
            functions.append(Device(bdf, bdf, f"MT{number:06d}", f"asic{number:04d}", "pf", "ConnectX-7"))
            for at in range(parameters):
                value = (at * 7 + number * 13) % 64
                coming = 99 if side and number < changes and at == number else value
                facets = tuple(
                    (name, Facet(seen, str(seen)))
                    for name, seen in (("default", value), ("current", value), ("next", coming))
                )
                settings.append(Setting(bdf, "nvconfig", f"PARAM_{at:04d}_SETTING", "permanent", facets))
        base = normalise(open_source("sim:bare"))
        sides.append(replace(base, devices=tuple(functions), settings=tuple(settings), coverage=(), evidence=()))
    return sides[0], sides[1]
