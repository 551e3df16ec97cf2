"""Waivers: who accepted which finding, until when; what became of each of them is always said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.model import Coverage, Device, Finding
from sosmlx.policy.check import Check, check
from sosmlx.policy.rules import Policy, Select, Waiver
from sosmlx.policy.tally import is_waived
from sosmlx.policy.waivers import standing
from tests.policies import CARD, TODAY, host, policy, rule, setting

OTHER = "0000:af:00.0"
DEVICES = (Device(CARD, CARD, role="pf", psid="MT_1"), Device(OTHER, OTHER, role="pf", psid="MT_1"))
MINE = Select(device=(CARD,))


def waiver(**more: Any) -> Waiver:
    fields: dict[str, Any] = {
        "rule": "r", "reason": "until the migration", "owner": "net-team", "created": date(2026, 1, 1),
        "expires": date(2026, 12, 31), "device": MINE, **more,
    }  # fmt: skip
    return Waiver(**fields)


def checked(*waivers: Waiver, value: int = 16, others: Sequence[Policy] = (), today: date = TODAY) -> Check:
    """Check two cards, of which the second is as it should be, or both fail where `value` says so."""
    snapshot = host(setting("NUM_OF_VFS", value), setting("NUM_OF_VFS", 8, OTHER), devices=DEVICES)
    return check(snapshot, [policy(rule("equals", 8), waivers=waivers), *others], today)


def states(found: Check) -> list[tuple[str, str, str | None]]:
    return [(row.device, row.result, row.waived.state if row.waived else None) for row in found.findings]


DAYS = {
    "before it begins": (date(2025, 12, 31), "not yet begun"),
    "on its first day": (date(2026, 1, 1), "active"),
    "long before its end": (date(2026, 11, 30), "active"),
    "thirty days before its end": (date(2026, 12, 1), "expiring"),
    "on its last day": (date(2026, 12, 31), "expiring"),
    "the day after": (date(2027, 1, 1), "expired"),
}


@pytest.mark.parametrize("when", DAYS)
def test_a_waiver_is_in_force_from_its_first_to_the_end_of_its_last_day(when: str) -> None:
    day, state = DAYS[when]

    assert standing(waiver(), day) == state


@pytest.mark.parametrize("when", DAYS)
def test_a_waived_finding_stays_visible_with_the_state_of_its_waiver(when: str) -> None:
    day, state = DAYS[when]

    found = checked(waiver(), today=day)

    shown = None if state == "not yet begun" else state
    assert states(found) == [(CARD, "fail", shown), (OTHER, "pass", None)]


@pytest.mark.parametrize("when", DAYS)
def test_a_finding_counts_unless_a_waiver_is_in_force(when: str) -> None:
    day, state = DAYS[when]

    found = checked(waiver(), today=day)

    assert found.counts == ({"waived": 1, "pass": 1} if state in ("active", "expiring") else {"fail": 1, "pass": 1})


def test_a_waived_finding_says_who_accepted_it_and_why() -> None:
    found = checked(waiver())

    (waived,) = [row.waived for row in found.findings if row.waived]
    assert vars(waived) == {
        "state": "active", "reason": "until the migration", "owner": "net-team", "created": "2026-01-01",
        "expires": "2026-12-31",
    }  # fmt: skip


REMARKS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "it is used": ({}, []),
    "its rule passes": ({"device": Select(device=(OTHER,))}, ["unused: its rule does not fail there"]),
    "its device is not here": (
        {"device": Select(device=("0000:99:00.0",))},
        ["unused: its rule was not evaluated on a device that it means"],
    ),
    "its device cannot be told": (
        {"device": Select(serial=("S1",))},
        ["unused: its rule was not evaluated on a device that it means"],
    ),
    "its rule was not evaluated": ({"rule": "another"}, ["unused: its rule was not evaluated"]),
    "it is pinned to the value": ({"value": 16}, []),
    "its value moved": ({"value": 4}, ["unused: the value is no longer 4"]),
    "it names no device": ({"device": Select()}, ["too broad: it names no device"]),
    "it means all devices and says so": ({"device": Select(), "many": True}, []),
}


@pytest.mark.parametrize("case", REMARKS)
def test_what_became_of_a_waiver_is_said(case: str) -> None:
    more, remarks = REMARKS[case]

    found = checked(waiver(**more))

    assert list(found.waivers[0].remarks) == remarks


def test_a_waiver_that_meets_several_devices_without_saying_so_is_too_broad() -> None:
    snapshot = host(setting("NUM_OF_VFS", 16), setting("NUM_OF_VFS", 16, OTHER), devices=DEVICES)

    found = check(snapshot, [policy(rule("equals", 8), waivers=[waiver(device=Select(host=("n07",)))])], TODAY)

    remark = "too broad: it meets 2 devices and does not say that it means several"
    assert (found.waivers[0].met, found.waivers[0].remarks) == (2, (remark,))


def test_a_value_that_moved_is_no_longer_waived() -> None:
    assert states(checked(waiver(value=16), value=32)) == [(CARD, "fail", None), (OTHER, "pass", None)]


def test_of_several_waivers_the_one_that_is_in_force_counts() -> None:
    found = checked(waiver(expires=date(2026, 2, 1)), waiver(expires=date(2026, 7, 1)), waiver())

    (waived,) = [row.waived for row in found.findings if row.waived]
    assert (waived.state, waived.expires) == ("active", "2026-12-31")


def test_a_waiver_does_not_accept_what_nobody_could_read() -> None:
    unread = [Coverage(CARD, "nvconfig", "unknown", reason="denied")]

    found = check(host(coverage=unread), [policy(rule("equals", 8), waivers=[waiver(device=MINE)])], TODAY)

    assert (found.counts, found.waivers[0].remarks) == ({"unknown": 1}, ("unused: its rule does not fail there",))


def test_a_file_of_waivers_alone_speaks_of_the_rules_of_other_policies() -> None:
    found = checked(others=[Policy("waivers.toml", waivers=(waiver(),))])

    assert states(found) == [(CARD, "fail", "active"), (OTHER, "pass", None)]


def test_a_waiver_of_a_policy_that_has_such_a_rule_leaves_those_of_others_alone() -> None:
    twin = policy(rule("equals", 4), name="twin.toml", waivers=[waiver()])

    found = checked(others=[twin])

    assert [(row.policy, is_waived(row)) for row in found.findings if row.device == CARD] == [
        ("site.toml", False),
        ("twin.toml", True),
    ]


# Laws.

WAIVERS = st.builds(
    lambda created, days, device, value, many: waiver(
        created=created, expires=created + timedelta(days), device=Select(device=device), value=value, many=many
    ),
    st.dates(date(2025, 1, 1), date(2027, 1, 1)),
    st.integers(0, 400),
    st.sampled_from([(), (CARD,), (OTHER,), (CARD, OTHER)]),
    st.sampled_from([None, 8, 16]),
    st.booleans(),
)


def bare(findings: Sequence[Finding]) -> list[tuple[str, str, str, str]]:
    return [(row.device, row.rule, row.result, row.actual) for row in findings]


@given(st.lists(WAIVERS, max_size=4), st.sampled_from([8, 16]))
def test_waivers_change_no_result_and_hide_no_finding(waivers: list[Waiver], value: int) -> None:
    assert bare(checked(*waivers, value=value).findings) == bare(checked(value=value).findings)


@given(st.lists(WAIVERS, max_size=4), st.sampled_from([8, 16]))
def test_something_is_said_of_every_waiver(waivers: list[Waiver], value: int) -> None:
    found = checked(*waivers, value=value)

    assert [(row.waiver, bool(row.met or row.remarks)) for row in found.waivers] == [(row, True) for row in waivers]


@given(st.lists(WAIVERS, max_size=4), st.dates(date(2025, 1, 1), date(2028, 12, 31)))
def test_a_finding_is_waived_only_within_the_days_of_a_waiver_that_meets_it(waivers: list[Waiver], day: date) -> None:
    found = checked(*waivers, today=day)

    days = [row for row in waivers if row.created <= day <= row.expires and row.value in (None, 16)]
    meets = [row for row in days if not row.device.device or CARD in row.device.device]
    assert any(map(is_waived, found.findings)) == bool(meets)
