"""What every collector obeys: declared reads, a plan without reading, and every outcome through the engine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

import pytest

from sosmlx.collectors import selected
from sosmlx.collectors.engine import Engine
from sosmlx.collectors.plan import plan
from sosmlx.collectors.spec import PLACEHOLDER, Collector, File, Refusal
from sosmlx.normalise import normalise
from sosmlx.parsers import PARSERS
from sosmlx.record import Answer, Bundle, Outcome, Record
from sosmlx.simulator.host import ScenarioSource, load
from sosmlx.sources.base import How

ALL = selected(vendor_access=True)
READS = [(row.collector, row.read) for row in plan(ALL)]


class Faulty:
    """A simulated host on which every read of one kind, or all, ends in one way."""

    kind = "sim"
    path = "sim:faulty"

    def __init__(self, answer: Answer | Exception, first: int = 0) -> None:
        self.inner = ScenarioSource(load("two-adapters-after"))
        self.answer = answer
        self.left = first

    def _meet(self, real: Answer) -> Answer:
        if self.left > 0:
            self.left -= 1
            return real
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def read(self, path: str, how: How, deadline: float) -> Answer:
        return self._meet(self.inner.read(path, how, deadline))

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        return self._meet(self.inner.run(argv, deadline))


def collect(source: Faulty | ScenarioSource, collector: Collector) -> list[Record]:
    return Engine(source, now=lambda: datetime(2026, 1, 1, tzinfo=timezone.utc)).collect([collector])


@pytest.mark.parametrize("collector", ALL, ids=lambda collector: collector.name)
@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("first", [0, 1, 4, 9])
def test_every_outcome_becomes_a_record_and_a_snapshot(collector: Collector, outcome: Outcome, first: int) -> None:
    data = b"\xff\x00garbage" if outcome in (Outcome.COLLECTED, Outcome.TRUNCATED) else b""
    answer = Answer(data, outcome, "planted", stderr=b"\x1b[2J")

    records = collect(Faulty(answer, first), collector)

    snapshot = normalise(Bundle("sim", "sim:faulty", tuple(records)))
    met = [record.outcome for record in records if record.answer is answer]
    assert (set(met) <= {outcome}, bool(records), snapshot.source.kind) == (True, True, "sim")


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
    planned = [(row.read.path,) if isinstance(row.read, File) else row.read.argv for row in plan([collector])]

    records = collect(ScenarioSource(load("two-adapters-before")), collector)

    unplanned = [
        record.path or record.argv
        for record in records
        if not any(_fits(pattern, (record.path,) if record.path else record.argv) for pattern in planned)
    ]
    assert unplanned == []


def _fits(pattern: Sequence[str], words: Sequence[str]) -> bool:
    return len(pattern) == len(words) and all(_word_fits(*pair) for pair in zip(pattern, words, strict=True))


def _word_fits(pattern: str, word: str) -> bool:
    parts, others = pattern.split("/"), word.split("/")
    return len(parts) == len(others) and all(
        part == other or PLACEHOLDER.match(part) is not None for part, other in zip(parts, others, strict=True)
    )


def test_vendor_tools_over_pci_are_not_in_a_default_run() -> None:
    channels = {row.read.channel for row in plan(selected())}

    assert channels == {"kernel", "devlink", "fwctl"}


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

    records = Engine(ScenarioSource(scenario)).collect(selected())

    assert {record.outcome for record in records if record.kind == "mlxconfig.query"} == {outcome}
