"""Reference pages: what the examples and the scenarios look like, at a fixed time. `make golden` draws them again.

A change of a page shows as a change of these files, so that it is reviewed like code.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from sosmlx.bundle.opening import host_euid, hostname, source
from sosmlx.collectors import selected
from sosmlx.collectors.engine import Engine
from sosmlx.diff.compare import compare_bundles
from sosmlx.normalise import normalise
from sosmlx.policy.document import load
from sosmlx.record import Bundle, maker
from sosmlx.report.formats import check_formats, diff_formats, show_formats
from sosmlx.report.result import evaluate
from sosmlx.sources.text import from_bytes

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "fixtures" / "golden"
FORMATS = {"html": "html", "text": "txt", "markdown": "md"}
WHEN = datetime(2026, 6, 15, 12, 0, tzinfo=timezone.utc)


def collected(scenario: str) -> Bundle:
    """Collect a simulated host on a clock that stands still: the same records give the same bytes."""
    host = source(f"sim:{scenario}")
    records = Engine(host, now=lambda: WHEN, monotonic=lambda: 0.0).collect(selected())
    return Bundle(
        host.kind,
        host.path,
        tuple(records),
        hostname(records),
        collected=records[0].start,
        maker=maker(host_euid(host)),
    )


def example(name: str) -> Bundle:
    """Open an example text by a path that is the same in every checkout."""
    path = f"docs/examples/{name}"
    return from_bytes((ROOT / path).read_bytes(), path)


def drawn() -> dict[str, str]:
    """Draw every reference page, with its text and its Markdown: file name to contents."""
    before, after = collected("two-adapters-before"), collected("two-adapters-after")
    unread = collected("no-fwctl")
    texts = [example("before.txt"), example("after.txt")]
    shown = normalise(unread)
    results = {
        "diff": diff_formats(compare_bundles(before, after), bundles=[before, after]),
        "diff-texts": diff_formats(compare_bundles(texts[0], texts[1]), bundles=texts),
        "show-no-fwctl": show_formats(shown, shown.settings),
        "check": check_formats(evaluate(normalise(after), [load("builtin:envelope")], WHEN.date()), after),
        "check-no-fwctl": check_formats(evaluate(shown, [load("builtin:envelope")], WHEN.date()), unread),
    }
    return {
        f"{name}.{ending}": formats[kind]() for name, formats in results.items() for kind, ending in FORMATS.items()
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, contents in drawn().items():
        (FOLDER / name).write_text(contents, encoding="utf-8")
