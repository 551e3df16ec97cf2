"""Counters that one collection reads twice: what rises meanwhile is a symptom, and nothing else is made of it."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from sosmlx.collectors import selected
from sosmlx.collectors.engine import Engine
from sosmlx.collectors.plan import plan, plan_row
from sosmlx.diff.symptoms import rising
from sosmlx.model import Snapshot
from sosmlx.normalise import normalise
from sosmlx.record import Answer, Bundle, Outcome, Record
from sosmlx.report.machine import snapshot_document
from sosmlx.report.show import show_view
from sosmlx.report.text import show_text
from sosmlx.simulator.host import ScenarioSource, load

BDF = "0000:3b:00.0"
NAMES = ("pci", "netdev", "ethtool-counters", "counters-again")
STATS = {"rx_out_of_buffer": [5, 1005], "rx_discards_phy": [9, 2], "rx_bytes": [1, 2]}


def records() -> list[Record]:
    scenario = load("two-adapters-before")
    functions = cast("dict[str, dict[str, dict[str, dict[str, object]]]]", scenario["functions"])
    functions[BDF]["netdevs"]["enp59s0np0"]["stats"] = STATS
    return Engine(ScenarioSource(scenario)).collect(row for row in selected() if row.name in NAMES)


RECORDS = records()


def read(found: list[Record]) -> Snapshot:
    return normalise(Bundle("sim", "sim:rising", tuple(found)))


def test_a_counter_that_rises_between_two_samples_is_a_symptom_with_its_rate() -> None:
    assert [(row.name, row.left, row.right, row.note) for row in rising(read(RECORDS)) if row.device == BDF] == [
        ("stats.rx_out_of_buffer", 5, 1005, "in 1.0 s, 1000 a second"),
    ]  # fmt: skip


def test_show_tells_it_as_text_and_as_json() -> None:
    snapshot = read(RECORDS)
    words = show_text(show_view(snapshot, snapshot.settings))
    document = snapshot_document(snapshot, snapshot.settings)

    assert ("Symptoms: counters that rose" in words, len(cast("list[object]", document["symptoms"]))) == (True, 1)


def test_a_later_sample_is_no_second_opinion_on_a_knob() -> None:
    without = read([record for record in RECORDS if not record.sample])

    assert replace(read(RECORDS), rates=()) == without


@pytest.mark.parametrize(
    "change",
    [
        lambda record: replace(record, answer=Answer(outcome=Outcome.TIMEOUT, reason="no answer")),
        lambda record: replace(record, answer=Answer(b"\xff\x00 garbage\n")),
        lambda record: replace(record, start="yesterday"),
        lambda record: replace(record, start=""),
        lambda record: replace(record, argv=("ethtool", "-S", "eth9")),
    ],
    ids=["timeout", "garbage", "no-time", "no-start", "no-first"],
)
def test_a_later_sample_that_tells_nothing_changes_nothing(change: object) -> None:
    spoiled = [change(record) if record.sample else record for record in RECORDS]  # type: ignore[operator]

    assert read(spoiled) == replace(read(RECORDS), rates=())


def test_a_plan_names_what_is_read_twice() -> None:
    rows = [plan_row(row) for row in plan(selected()) if row.sample]

    assert sorted((row["kind"], row["collector"], row["sample"]) for row in rows) == [
        ("ethtool.stats", "counters-again", 1), ("rdma.counters", "counters-again", 1),
    ]  # fmt: skip
