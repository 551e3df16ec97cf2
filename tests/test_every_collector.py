"""What every collector obeys: declared reads, a plan without reading, and every outcome through the engine."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timezone

import pytest

from sosmlx.collectors import selected, spec
from sosmlx.collectors.engine import Engine
from sosmlx.collectors.plan import plan
from sosmlx.collectors.spec import PLACEHOLDER, Collector, File, Refusal
from sosmlx.model import Coverage, Snapshot
from sosmlx.normalise import normalise
from sosmlx.parsers import PARSERS
from sosmlx.record import HOST, Access, Answer, Bundle, Call, Outcome, Record, target
from sosmlx.simulator.host import ScenarioSource, load
from sosmlx.sources.base import How

ALL = selected(vendor_access=True)
READS = [(row.collector, row.read) for row in plan(ALL)]


HOST_OF_ALL = "two-adapters-after"
Target = tuple[str, ...]


class Faulty:
    """A simulated host on which the chosen reads (all, where none are chosen) end in one way; it notes which did."""

    kind = "sim"
    path = "sim:faulty"

    def __init__(self, answer: Answer | Exception, chosen: Collection[Target] | None = None) -> None:
        self.inner = ScenarioSource(load(HOST_OF_ALL))
        self.answer = answer
        self.chosen = chosen
        self.met: set[Target] = set()

    def _meet(self, what: Target, real: Answer) -> Answer:
        if self.chosen is not None and what not in self.chosen:
            return real
        self.met.add(what)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def read(self, path: str, how: How, deadline: float) -> Answer:
        return self._meet(target((), path, None), self.inner.read(path, how, deadline))

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        return self._meet(target(tuple(argv), "", None), self.inner.run(argv, deadline))

    def info(self, node: str, deadline: float) -> Answer:
        return self._meet(target((), f"/dev/fwctl/{node}", None), self.inner.info(node, deadline))

    def register(self, access: Access, deadline: float) -> Answer:
        return self._meet(target((), "", access), self.inner.register(access, deadline))

    def command(self, call: Call, deadline: float) -> Answer:
        return self._meet(target((), "", None, call), self.inner.command(call, deadline))

    def close(self) -> None:
        self.inner.close()


def collect(source: Faulty | ScenarioSource, *collectors: Collector) -> list[Record]:
    return Engine(source, now=lambda: datetime(2026, 1, 1, tzinfo=timezone.utc)).collect(collectors)


CLEAN = collect(ScenarioSource(load(HOST_OF_ALL)), *ALL)
DEEP = ("fwctl", "registers", "firmware-state", "vendor")
"""Collectors of hundreds of reads that no other collector needs."""

PLANTED = b"\xff\x00 mlx5_core: garbage that no tool prints\n"
"""Bytes that no parser knows; they name the driver, so that a collector that keeps only some lines keeps this one."""


@pytest.mark.parametrize("collector", ALL, ids=lambda collector: collector.name)
@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("first", [0, 1, 4, 9])
def test_every_outcome_becomes_a_record_and_a_snapshot(collector: Collector, outcome: Outcome, first: int) -> None:
    chosen = [record.target for record in CLEAN if record.collector == collector.name and not record.sample][first:]
    has_bytes = outcome in (Outcome.COLLECTED, Outcome.TRUNCATED)
    answer = Answer(PLANTED if has_bytes else b"", outcome, "planted", stderr=b"\x1b[2J")
    source = Faulty(answer, chosen)

    records = collect(source, *(row for row in ALL if row.name not in DEEP or row is collector))

    met = [record for record in records if record.target in source.met]
    left = source.met - {record.target for record in met}
    assert [read for read in left if outcome not in (Outcome.COLLECTED, Outcome.ABSENT) or not _is_probe(read)] == []
    assert [record for record in met if record.answer != answer] == []
    assert bool(source.met) is bool(chosen)
    snapshot = normalise(Bundle("sim", "sim:faulty", tuple(records)))
    assert outcome is Outcome.COLLECTED or _complete_in_spite_of(met, snapshot) == []


def _is_probe(read: Target) -> bool:
    """Tell whether a read is declared as a probe: one that leads to nothing leaves no record."""
    return any(isinstance(row, File) and row.probe and _fits((row.path,), read) for _, row in READS)


def _complete_in_spite_of(met: Sequence[Record], snapshot: Snapshot) -> list[Coverage]:
    """Find the planes that are called complete though a read that tells of them failed.

    What is absent or unsupported makes a plane incomplete only where nothing else read it; nothing else excuses it.
    """
    lost = {record.id for record in met}
    read = {(row.device, row.plane) for row in snapshot.settings if row.record not in lost}
    excused = met[0].outcome in (Outcome.ABSENT, Outcome.UNSUPPORTED) if met else False
    return [
        row
        for row in snapshot.coverage
        if row.status == "complete"
        and any(row.plane in PARSERS[r.kind].planes and r.function in (row.device, HOST) for r in met)
        and not (excused and (row.device, row.plane) in read)
    ]


@pytest.mark.parametrize("collector", ALL, ids=lambda collector: collector.name)
def test_a_fault_of_our_own_becomes_a_failed_record(collector: Collector) -> None:
    records = collect(Faulty(RuntimeError("planted")), collector)

    assert {record.answer.reason for record in records} == {"sosmlx: RuntimeError: planted"}


@pytest.mark.parametrize("collector", ALL, ids=lambda collector: collector.name)
def test_a_spent_budget_skips_every_read_and_says_so(collector: Collector) -> None:
    engine = Engine(ScenarioSource(load("two-adapters-before")), max_seconds=0)

    records = engine.collect([collector])

    assert {(record.outcome, record.answer.reason[:7]) for record in records} == {(Outcome.SKIPPED, "budget:")}


@pytest.mark.parametrize(("collector", "read"), READS)
def test_a_declared_read_has_a_parser_a_deadline_and_a_scope(collector: str, read: File) -> None:
    known = read.kind in PARSERS
    inspection = read.scope == "inspection" or collector == "vendor"
    timed = isinstance(read, Refusal) or 0 < read.deadline <= 60

    assert (known, inspection, timed) == (True, True, True)


@pytest.mark.parametrize("collector", ALL, ids=lambda collector: collector.name)
def test_what_is_read_is_what_was_planned(collector: Collector) -> None:
    planned = [spec.target(row.read) for row in plan([collector])]

    records = collect(ScenarioSource(load("two-adapters-before")), collector)

    read = [record.target[:-1] if record.sample else record.target for record in records]
    unplanned = [what for what in read if not any(_fits(pattern, what) for pattern in planned)]
    assert unplanned == []


def _fits(pattern: Sequence[str], words: Sequence[str]) -> bool:
    return len(pattern) == len(words) and all(_word_fits(*pair) for pair in zip(pattern, words, strict=True))


def _word_fits(pattern: str, word: str) -> bool:
    parts, others = _PARTS.split(pattern), _PARTS.split(word)
    return len(parts) == len(others) and all(
        part == other or PLACEHOLDER.match(part) is not None for part, other in zip(parts, others, strict=True)
    )


_PARTS = re.compile(r"[/ =]")


def test_vendor_tools_over_pci_are_not_in_a_default_run() -> None:
    channels = {row.read.channel for row in plan(selected())}

    assert channels == {"kernel", "devlink", "ethtool", "netlink", "rdma", "fwctl"}


@pytest.mark.parametrize(
    ("version", "outcome"),
    [
        ("mstconfig, mstflint 4.36.0-1, Git SHA Hash: N/A", Outcome.COLLECTED),
        ("mstconfig, mstflint 4.35.0-1.5, Git SHA Hash: N/A", Outcome.COLLECTED),
        ("mstconfig, mstflint 4.35.0-1.4, Git SHA Hash: N/A", Outcome.SKIPPED),
        ("mstconfig, mstflint 4.33.0, Git SHA Hash: N/A", Outcome.SKIPPED),
        ("mstconfig, mstflint 4.21.0, Git SHA Hash: N/A", Outcome.SKIPPED),
        ("something else", Outcome.SKIPPED),
    ],
)
def test_a_vendor_tool_queries_fwctl_only_in_a_version_that_does_not_taint(version: str, outcome: Outcome) -> None:
    scenario = {**load("two-adapters-before"), "tools": {"mstconfig": version}}

    records = Engine(ScenarioSource(scenario)).collect(selected(vendor_access=True))

    over_fwctl = [record for record in records if record.kind == "mlxconfig.query" and record.channel == "fwctl"]
    assert {record.outcome for record in over_fwctl} == {outcome}
