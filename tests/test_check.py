"""Rules against snapshots: a rule passes only on what was read, and every rule says something of every device."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.model import Coverage, Device, Evidence, Facet, Reading, Snapshot
from sosmlx.policy.check import Only, check
from sosmlx.policy.rules import Condition, Rule, Select
from sosmlx.record import HOST
from tests.policies import CARD, TODAY, brief, findings, host, policy, rule, setting
from tests.snapshots import snapshots

UNREAD_FLASH = Coverage(CARD, "nvconfig", "unknown", reason="no fwctl device on this host")
NO_FLASH = Coverage(CARD, "nvconfig", "notapplicable", reason="a function of role vf")
PARTIAL = Coverage(CARD, "ethtool", "partial", 3, 1, "ethtool -l: denied")
UNTOLD = Facet(None, "Array[0..7]", reason="elements not shown")

JUDGED: dict[str, tuple[Rule, Any, tuple[str, str]]] = {
    "a value that agrees": (rule("equals", 8), 8, ("pass", "8")),
    "a value that does not": (rule("equals", 8), 16, ("fail", "16")),
    "a word that stands for a number": (rule("equals", "ETH"), Facet(2, "ETH(2)", "ETH"), ("pass", "ETH(2)")),
    "a value out of a range": (rule("range", (0, 8)), 9, ("fail", "9")),
    "a value that should be absent": (rule("absent", True), 9, ("fail", "9")),
    "a value that should be present": (rule("present", True), 9, ("pass", "9")),
    "a value that is there and was not shown": (rule("equals", 8), UNTOLD, ("unknown", "elements not shown")),
    "presence of a value that was not shown": (rule("present", True), UNTOLD, ("unknown", "elements not shown")),
    "absence of a value that was not shown": (rule("absent", True), UNTOLD, ("unknown", "elements not shown")),
}


@pytest.mark.parametrize("case", JUDGED)
def test_a_setting_that_is_there_is_judged_by_its_value(case: str) -> None:
    asked, value, said = JUDGED[case]

    found = brief(host(setting("NUM_OF_VFS", value)), asked)

    assert found == [(CARD, *said)]


def test_the_view_that_a_rule_means_is_the_next_one_of_flash_unless_it_says_otherwise() -> None:
    snapshot = host(setting("NUM_OF_VFS", facets={"default": 0, "current": 8, "next": 16}))

    found = [brief(snapshot, rule("equals", 8, facet=view)) for view in ("", "current", "max")]

    assert found == [[(CARD, "fail", "16")], [(CARD, "pass", "8")], [(CARD, "unknown", "the 'max' view is not shown")]]


MISSING: dict[str, tuple[Rule, dict[str, Any], tuple[str, str]]] = {
    "read completely": (rule("equals", 8), {}, ("fail", "not there")),
    "read completely, and should be absent": (rule("absent", True), {}, ("pass", "not there")),
    "plane not read": (rule("equals", 8), {"coverage": [UNREAD_FLASH]}, ("unknown", UNREAD_FLASH.reason)),
    "plane not read, and should be absent": (
        rule("absent", True), {"coverage": [UNREAD_FLASH]}, ("unknown", UNREAD_FLASH.reason),
    ),
    "plane read in part": (
        rule("equals", 8, "rings.rx", plane="ethtool"), {"coverage": [PARTIAL]}, ("unknown", PARTIAL.reason),
    ),
    "a plane that this function has not": (
        rule("equals", 8), {"coverage": [NO_FLASH]}, ("notapplicable", NO_FLASH.reason),
    ),
    "a plane of which nothing was read": (
        rule("equals", 8, "tc.0", plane="dcb"), {}, ("unknown", "nothing read it"),
    ),
    "a name in no catalogue": (
        rule("equals", 8, "NO_SUCH_NAME"), {}, ("unknown", "it is not in the catalogue by which flash was read"),
    ),
    "rows left out": (
        rule("equals", 8), {"evidence": [Evidence("elided", CARD, "…")]},
        ("unknown", "rows were left out where it would stand"),
    ),
    "its own read failed": (
        rule("equals", 8, "channels.rx", plane="ethtool"),
        {"reads": [Reading("1", "ethtool.channels", f"{CARD}/eth0", "unsupported", "no such call")]},
        ("unknown", "ethtool.channels: unsupported (no such call)"),
    ),
    "the firmware was not asked": (
        rule("equals", 0, "token.CS", plane="firmware"), {}, ("unknown", "the firmware was not asked"),
    ),
    "a file that is not there": (
        rule("absent", True, "physfn", plane="pci"),
        {"reads": [Reading("1", "pci.link", CARD, "absent", "ENOENT")]}, ("pass", "not there"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MISSING)
def test_what_is_not_there_is_a_fact_only_where_everything_was_read(case: str) -> None:
    asked, more, said = MISSING[case]

    found = brief(host(**more), asked)

    assert found == [(CARD, *said)]


@pytest.mark.parametrize("operator", ["equals", "absent", "present", "at_least"])
def test_a_text_tells_nothing_of_what_it_does_not_hold(operator: str) -> None:
    asked = rule(operator, 1 if operator in ("equals", "at_least") else True, "SRIOV_EN")

    found = brief(host(setting("NUM_OF_VFS", 8), kind="text"), asked)

    assert found == [(CARD, "unknown", "this text does not hold it")]


def test_a_plane_that_a_text_does_not_speak_of_is_unknown() -> None:
    found = brief(host(setting("NUM_OF_VFS", 8), kind="text"), rule("equals", 1500, "mtu", plane="net"))

    assert found == [(CARD, "unknown", "this text holds nothing of net")]


def test_a_text_is_not_asked_about_the_host() -> None:
    asked = rule("lacks_bits", (19,), "taint", plane="kernel", scope="host")

    found = brief(host(setting("NUM_OF_VFS", 8), kind="text", facts={}), asked)

    assert found == [(HOST, "notchecked", "a text does not tell of the host")]


def test_a_condition_keeps_a_rule_from_the_host_too() -> None:
    asked = rule("equals", 8, scope="host", when=(Condition("nvconfig", "SRIOV_EN", "equals", True),))
    off = setting("SRIOV_EN", False, device=HOST), setting("NUM_OF_VFS", 4, device=HOST)

    found = brief(host(*off), asked)

    assert found == [(HOST, "notapplicable", "it applies only where nvconfig SRIOV_EN is true")]


def test_the_vendors_query_proves_no_absence() -> None:
    shown = setting("SRIOV_EN", True)._replace(record="1")
    snapshot = host(shown, reads=[Reading("1", "mlxconfig.query", CARD, "collected")])

    found = brief(snapshot, rule("equals", 8))

    assert found == [(CARD, "unknown", "the vendor's tool did not show it")]


# Whom a rule is meant for.

OTHER = Device("0000:af:00.0", "0000:af:00.0", role="pf", psid="MT_2", running="28.43.1000")
NAMELESS = Device("0000:d8:00.0", "0000:d8:00.0", role="pf")
CARDS = (Device(CARD, CARD, role="pf", psid="MT_1", running="22.43.1000"), OTHER, NAMELESS)


def test_a_policy_speaks_of_the_devices_that_it_selects_and_says_where_it_cannot_tell() -> None:
    snapshot = host(setting("NUM_OF_VFS", 8), setting("NUM_OF_VFS", 16, OTHER.id), devices=CARDS)

    found = brief(snapshot, rule("equals", 8), selects=(Select(psid=("MT_2",)),))

    reason = "whether it is meant for this device cannot be told: psid was not read"
    assert found == [(OTHER.id, "fail", "16"), (NAMELESS.id, "unknown", reason)]


def test_what_a_select_cannot_tell_matters_only_where_the_rule_could_apply() -> None:
    roles = {"0000:00:01.0": "bridge", "0000:3b:00.2": "vf"}
    devices = tuple(Device(name, name, role=role) for name, role in roles.items())
    snapshot = host(devices=devices, coverage=[Coverage("0000:3b:00.2", "nvconfig", "notapplicable", reason="a vf")])

    found = brief(snapshot, rule("equals", 8), selects=(Select(psid=("MT_1",)),))

    assert found == [
        ("0000:00:01.0", "notapplicable", "a function of role bridge is not in scope"),
        ("0000:3b:00.2", "notapplicable", "a vf"),
    ]


def test_a_rules_own_select_narrows_its_policys() -> None:
    snapshot = host(setting("NUM_OF_VFS", 8), devices=CARDS[:2])

    found = brief(snapshot, rule("equals", 8, select=(Select(psid=("MT_1",)),)), selects=(Select(role=("pf",)),))

    assert found == [(CARD, "pass", "8")]


def test_a_rule_that_is_meant_for_nobody_says_so_once() -> None:
    found = brief(host(devices=CARDS[:2]), rule("equals", 8), selects=(Select(psid=("MT_9",)),))

    reason = "it is meant for none of the devices here: psid is MT_1; psid is MT_2"
    assert found == [("", "notchecked", reason)]


def test_a_host_without_adapters_passes_nothing() -> None:
    assert brief(host(devices=()), rule("equals", 8)) == [("", "notchecked", "there is no device to check")]


def test_devices_that_no_policy_speaks_of_are_named() -> None:
    snapshot = host(setting("NUM_OF_VFS", 8), devices=CARDS[:2])

    found = check(snapshot, [policy(rule("equals", 8), selects=(Select(psid=("MT_1",)),))], TODAY)

    assert found.strangers == (OTHER.id,)


def test_only_the_devices_and_planes_that_were_asked_for_are_checked() -> None:
    snapshot = host(setting("NUM_OF_VFS", 8), setting("NUM_OF_VFS", 8, OTHER.id), devices=CARDS[:2])
    rules = (rule("equals", 8), rule("equals", 9000, "mtu", plane="net", id="mtu"))

    found = findings(snapshot, *rules, only=Only(frozenset([OTHER.id]), ("nvconfig",)))

    assert [(row.device, row.rule) for row in found] == [(OTHER.id, "r")]


BARRED: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "its role": ({"roles": ("vf",)}, ("notapplicable", "a function of role pf")),
    "its link": ({"link": "infiniband"}, ("notapplicable", "its link is ethernet")),
    "a condition that does not hold": (
        {"when": (Condition("nvconfig", "SRIOV_EN", "equals", True),)},
        ("notapplicable", "it applies only where nvconfig SRIOV_EN is true"),
    ),
    "a condition that cannot be told": (
        {"when": (Condition("dcb", "pfc", "equals", True),)},
        ("unknown", "whether it applies cannot be told: dcb pfc: nothing read it"),
    ),
    "a condition that nobody collects": (
        {"when": (Condition("pci", "pfc", "equals", True),), "uncollected": "pfc is not collected"},
        ("notchecked", "pfc is not collected"),
    ),
    "nothing": ({"roles": ("pf",), "link": "ethernet"}, ("pass", "8")),
    "a condition that holds": ({"when": (Condition("nvconfig", "SRIOV_EN", "equals", False),)}, ("pass", "8")),
}


@pytest.mark.parametrize("case", BARRED)
def test_a_rule_applies_by_role_link_and_condition(case: str) -> None:
    more, said = BARRED[case]
    snapshot = host(
        setting("NUM_OF_VFS", 8), setting("SRIOV_EN", False), setting("class", "0x020000", plane="pci"),
    )  # fmt: skip

    found = brief(snapshot, rule("equals", 8, **more))

    assert found == [(CARD, *said)]


def test_where_nothing_tells_the_kind_of_link_a_rule_for_one_kind_is_unknown() -> None:
    found = brief(host(setting("NUM_OF_VFS", 8)), rule("equals", 8, link="ethernet"))

    assert found == [(CARD, "unknown", "nothing tells which kind of link it has")]


def test_the_rdma_port_tells_the_kind_of_link() -> None:
    ports = setting("port1.link_layer", "InfiniBand", plane="rdma")

    found = brief(host(setting("NUM_OF_VFS", 8), ports), rule("equals", 8, link="infiniband"))

    assert found == [(CARD, "pass", "8")]


def test_a_function_out_of_scope_is_not_judged_by_a_rule_that_does_not_mean_it() -> None:
    snapshot = host(devices=(Device("0000:00:01.0", "0000:00:01.0", role="bridge"),))

    found = brief(snapshot, rule("equals", 8))

    assert found == [("0000:00:01.0", "notapplicable", "a function of role bridge is not in scope")]


# Laws.

RULES = st.builds(
    lambda number, name, operator, glob: rule(
        operator, True if operator in ("absent", "present") else 1, "*" if glob else name, id=f"r{number}", glob=glob
    ),
    st.integers(0, 99),
    st.sampled_from("ABCDE"),
    st.sampled_from(["equals", "at_least", "absent", "present"]),
    st.booleans(),
)
LISTS = st.lists(RULES, max_size=4, unique_by=lambda row: row.id)


@given(snapshots(), LISTS)
def test_no_rule_passes_or_fails_on_what_was_not_read(snapshot: Snapshot, rules: list[Rule]) -> None:
    blind = replace(snapshot, settings=(), coverage=tuple(replace(row, status="unknown") for row in snapshot.coverage))

    found = findings(blind, *rules)

    assert [row for row in found if row.result not in ("unknown", "notchecked", "notapplicable")] == []


@given(snapshots(), LISTS)
def test_every_rule_says_something_of_every_device_in_scope(snapshot: Snapshot, rules: list[Rule]) -> None:
    found = findings(snapshot, *rules)

    said = {(row.rule, row.device) for row in found}
    assert {(asked.id, device.id) for asked in rules for device in snapshot.devices} <= said


@given(snapshots(), LISTS, st.randoms(use_true_random=False))
def test_the_order_of_anything_changes_no_finding(snapshot: Snapshot, rules: list[Rule], random: Any) -> None:
    def shuffled(rows: Any) -> tuple[Any, ...]:
        return tuple(random.sample(list(rows), len(rows)))

    other = replace(
        snapshot, devices=shuffled(snapshot.devices), settings=shuffled(snapshot.settings),
        coverage=shuffled(snapshot.coverage),
    )  # fmt: skip

    assert findings(other, *shuffled(rules)) == findings(snapshot, *rules)


@given(snapshots(), LISTS)
def test_a_pass_rests_on_a_value_or_on_a_plane_that_was_read(snapshot: Snapshot, rules: list[Rule]) -> None:
    complete = {row.device for row in snapshot.coverage if row.status == "complete"}
    there = {(row.device, row.name) for row in snapshot.settings}

    passed = [row for row in findings(snapshot, *rules) if row.result == "pass"]

    assert [row for row in passed if (row.device, row.name) not in there and row.device not in complete] == []
