"""`make bench`: what sosmlx costs, as ratios against a peer on the same work in the same run.

CPU times are user plus system of the process and its children, the best of some runs; the environment is printed, since
a ratio means little without it.
"""

from __future__ import annotations

import os
import platform
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import sosmlx
from benchmarks.archives import archives, trees, whole_tree_diff
from benchmarks.firmware import flash_commands, state_commands
from benchmarks.lanes import devices_beside_each_other
from benchmarks.pages import page_costs
from benchmarks.sos import plugin_against_collector
from sosmlx.bundle.opening import open_source
from sosmlx.collectors import COLLECTORS
from sosmlx.collectors.engine import Engine
from sosmlx.diff.compare import compare_bundles
from sosmlx.parsers import PARSERS
from sosmlx.parsers.recognise import JSON
from sosmlx.record import Record
from sosmlx.simulator.host import ScenarioSource, load
from sosmlx.sources.base import Source
from tests import fixtures
from tests.snapshots import query

BIN = Path(sys.executable).parent
PARAMETERS = 2000
CHANGES = 50


def cpu(words: list[str]) -> float:
    """Return the CPU seconds that a command took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cpu_of_both(ours: list[str], theirs: list[str], runs: int = 6) -> tuple[float, float]:
    """Return the least CPU seconds of two commands in turn: what slows the machine down meets both."""
    found = [(cpu(ours), cpu(theirs)) for _ in range(runs)]
    return min(first for first, _ in found), min(second for _, second in found)


def wall(work: Callable[[], object], runs: int = 5) -> float:
    """Return the least wall seconds that some work took."""
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def texts(folder: Path, devices: int) -> list[str]:
    """Write two queries of that many devices with 2,000 parameters in three views, 50 of them changed."""
    chance = random.Random(devices)
    rows = [
        {f"PARAM_{n:04d}_SETTING": (str(chance.randrange(64)),) * 3 for n in range(PARAMETERS)} for _ in range(devices)
    ]
    paths = []
    for side in ("left", "right"):
        path = folder / f"{side}-{devices}.txt"
        path.write_text("".join(query(values, f"0000:{n:02x}:00.0", n + 1) for n, values in enumerate(rows)))
        paths.append(str(path))
        for _ in range(CHANGES):
            values = rows[chance.randrange(devices)]
            name = chance.choice(list(values))
            values[name] = (*values[name][:2], "99")
    return paths


def diff_against_diffoscope(folder: Path) -> None:
    """Compare two pasted texts: sosmlx, diffoscope."""
    diffoscope = shutil.which("diffoscope", path=f"{BIN}:{os.environ['PATH']}")
    if diffoscope is None:
        print("diff of two texts: skipped, diffoscope is not installed")
        return
    for devices in (64, 8):
        left, right = texts(folder, devices)
        ours, theirs = cpu_of_both([str(BIN / "sosmlx"), "diff", left, right], [diffoscope, left, right])
        print(
            f"diff of two texts, {devices} devices x {PARAMETERS} x 3, {CHANGES} changes: CPU {ours:.2f} s, "
            f"diffoscope {theirs:.2f} s, ratio {ours / theirs:.2f} (must be at most 1)"
        )


def bundles_against_diffoscope(folder: Path) -> None:
    """Compare two archives of a large host: sosmlx, diffoscope."""
    devices = 64
    left, right = archives(folder, devices, PARAMETERS, CHANGES)
    what = f"diff of two bundles, {devices} devices x {PARAMETERS} x 3, {CHANGES} changes"
    diffoscope = shutil.which("diffoscope", path=f"{BIN}:{os.environ['PATH']}")
    if diffoscope is None:
        print(f"{what}: skipped, diffoscope is not installed")
        return
    ours, theirs = cpu_of_both([str(BIN / "sosmlx"), "diff", left, right], [diffoscope, left, right])
    print(f"{what}: CPU {ours:.2f} s, diffoscope {theirs:.2f} s, ratio {ours / theirs:.2f} (must be at most 1)")


def bundles_against_deepdiff(folder: Path) -> None:
    """Compare two archives of a large host, from open files to differences, with DeepDiff on the trees they hold."""
    paths = archives(folder / "trees", 64, PARAMETERS, CHANGES)
    left, right = (open_source(path) for path in paths)
    ours = wall(lambda: compare_bundles(left, right), 3)
    theirs = wall(whole_tree_diff(*trees(paths)), 1)
    print(
        f"compare two bundles: {ours:.2f} s with the parsing, DeepDiff on the parsed trees {theirs:.2f} s, "
        f"{theirs / ours:.0f} x (must be at least 10)"
    )


def start_up() -> None:
    """Start the command, against a bare interpreter."""
    bare = wall(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True), 15)
    for words in (["--help"], ["collect", "--help"], ["collect", "--plan"]):
        command = [str(BIN / "sosmlx"), *words]
        ours = wall(partial(subprocess.run, command, stdout=subprocess.DEVNULL, check=True), 15)
        print(f"start-up, {' '.join(words)}: {ours / bare:.1f} x a bare interpreter (must be at most 6)")


def collect_rate() -> None:
    """Collect a simulated host, against reading the same answers without an engine."""
    source = ScenarioSource(load("two-adapters-after"))
    records = Engine(source).collect(COLLECTORS)

    def bare() -> None:
        for record in records:
            _read_again(source, record)

    ours, theirs = wall(lambda: Engine(source).collect(COLLECTORS)), wall(bare)
    print(f"collect: {len(records) / ours:,.0f} reads/s, {ours / theirs:.1f} x the same reads without the engine")


def _read_again(source: Source, record: Record) -> object:
    """Read what a record holds through the same door of the source."""
    if record.register is not None:
        return source.register(record.register, 1.0)
    if record.mailbox is not None:
        return source.command(record.mailbox, 1.0)
    if record.kind == "fwctl.info":
        return source.info(record.name, 1.0)
    return source.read(record.path, "bytes", 1.0) if record.path else source.run(record.argv, 1.0)


def parse_rates() -> None:
    """Parse each kind's largest text fixture, against splitting it into words, and eight times as much of it."""
    largest: dict[str, str] = {}
    for kind, name in fixtures.cases():
        text = fixtures.text(kind, name)
        if not JSON.match(text) and len(text) > len(largest.get(kind, "")):
            largest[kind] = text
    for kind, text in sorted(largest.items()):
        many = max(1, 8_000 // len(text))
        once, words = text * many, text.split
        ours, theirs = wall(partial(_parse, kind, once), 3), wall(partial(_often, words, many), 3)
        eight = wall(partial(_parse, kind, once * 8), 3)
        print(
            f"parse {kind}: {len(once) / ours / 1e6:.1f} MB/s, {ours / max(theirs, 1e-9):.0f} x splitting into words, "
            f"8 times the text takes {eight / ours:.1f} x the time"
        )


def _parse(kind: str, text: str) -> object:
    return list(PARSERS[kind].parse(text, fixtures.record(kind, "fixture")))


def _often(work: Callable[[], object], times: int) -> None:
    for _ in range(times):
        work()


def main() -> None:
    """Run all benchmarks."""
    print(
        f"sosmlx {sosmlx.__version__}, Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} CPUs"
    )
    with tempfile.TemporaryDirectory() as folder:
        diff_against_diffoscope(Path(folder))
        bundles_against_diffoscope(Path(folder))
        bundles_against_deepdiff(Path(folder))
    start_up()
    collect_rate()
    flash_commands(wall)
    state_commands(wall)
    plugin_against_collector(wall)
    devices_beside_each_other(wall)
    page_costs()
    parse_rates()


if __name__ == "__main__":
    main()
