"""Which collectors a run has: by profile, by option, and vendor access on request only."""

from __future__ import annotations

import pytest

from sosmlx import collectors
from sosmlx.cli import main
from sosmlx.cli.options import HEAVY
from sosmlx.collectors import selected
from sosmlx.collectors.spec import Collector
from sosmlx.collectors.vendor import VENDOR

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
