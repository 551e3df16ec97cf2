"""What a verdict about a host rests on must have been asked for, and must have answered something."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sosmlx.collectors import selected
from sosmlx.collectors.engine import Engine
from sosmlx.normalise import normalise
from sosmlx.policy.envelope import judge
from sosmlx.record import Bundle, Record
from sosmlx.simulator.host import ScenarioSource, load

RECORDS = Engine(ScenarioSource(load("two-adapters-before"))).collect(selected())


def status(records: list[Record]) -> str:
    return judge(normalise(Bundle("bundle", "x.tar", tuple(records), host="n07"))).host.status


def test_the_whole_host_is_supported() -> None:
    assert status(RECORDS) == "supported"


@pytest.mark.parametrize("kind", ["kernel.taint", "kernel.lockdown", "kernel.log", "kernel.modules"])
@pytest.mark.parametrize("emptied", [False, True])
def test_evidence_that_is_not_there_or_empty_leaves_the_verdict_open(kind: str, emptied: bool) -> None:
    nothing = [
        replace(record, answer=replace(record.answer, data=b"", reason="")) if record.kind == kind else record
        for record in RECORDS
        if emptied or record.kind != kind
    ]

    assert status(nothing) == "undetermined"


def test_a_log_of_which_no_line_is_of_interest_is_a_log() -> None:
    quiet = [
        replace(record, answer=replace(record.answer, data=b"", reason="0 of 1200 lines kept"))
        if record.kind == "kernel.log"
        else record
        for record in RECORDS
    ]

    assert status(quiet) == "supported"
