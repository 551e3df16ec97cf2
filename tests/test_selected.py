"""Which collectors a run has: by profile, by option, and vendor access on request only."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sosmlx import collectors
from sosmlx.cli import main
from sosmlx.cli.options import HEAVY
from sosmlx.collectors import selected
from sosmlx.collectors.engine import Engine
from sosmlx.collectors.packages import PACKAGE_OWNERS
from sosmlx.collectors.spec import Collector
from sosmlx.collectors.vendor import VENDOR
from sosmlx.record import Answer, Outcome
from sosmlx.simulator.host import ScenarioSource, load
from sosmlx.sources.base import How

ROWS = (
    Collector("identity", "", (), tier=0), Collector("usual", "", (), tier=1), Collector("more", "", (), tier=2),
    Collector("dumps", "", (), tier=3, option="health-dumps"), Collector("again", "", (), tier=1, sample=1),
)  # fmt: skip


@pytest.mark.parametrize(
    ("profile", "options", "expected"),
    [
        ("minimal", (), "identity"),
        ("default", (), "identity usual again"),
        ("full", (), "identity usual more again"),
        ("full", ("health-dumps",), "identity usual more dumps again"),
        ("minimal", ("health-dumps",), "identity dumps"),
    ],
)
def test_a_profile_is_a_highest_tier_and_an_option_adds_its_collector(
    monkeypatch: pytest.MonkeyPatch, profile: str, options: tuple[str, ...], expected: str
) -> None:
    monkeypatch.setattr(collectors, "COLLECTORS", ROWS)

    assert " ".join(row.name for row in selected(profile, options=options)) == expected


def test_what_can_be_asked_for_is_what_collectors_declare() -> None:
    assert set(HEAVY) == {row.option for row in collectors.COLLECTORS if row.tier == 3}


def test_what_is_asked_for_is_in_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    main(["collect", "--plan", "--with", "tc-filters"])

    assert "tc -j -s filter show dev {netdev} ingress" in capsys.readouterr().out


def test_vendor_access_is_asked_for() -> None:
    assert [VENDOR in selected("full", vendor_access=asked) for asked in (True, False)] == [True, False]


def test_nobody_is_asked_who_owns_a_tool_that_was_not_run() -> None:
    source = Refusing(load("bare"))

    records = Engine(source).collect([PACKAGE_OWNERS])

    assert [record.argv for record in records if record.kind == "tool.package"] == []


class Refusing(ScenarioSource):
    """A host with a package database, on which no program can be run."""

    def read(self, path: str, how: How, deadline: float) -> Answer:
        return Answer(b"status\n") if path == "/var/lib/dpkg" else super().read(path, how, deadline)

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        return Answer(outcome=Outcome.SKIPPED, reason="none")
