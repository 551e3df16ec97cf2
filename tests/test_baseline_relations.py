from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from sosmlx.bundle.opening import open_source
from sosmlx.model import Facet, Setting, Snapshot, state
from sosmlx.normalise import normalise
from sosmlx.parsers.values import UNREAD
from sosmlx.policy.check import check
from sosmlx.policy.relations import factory, peers, pending
from sosmlx.policy.rules import Policy
from tests.baselines import DAY, FIRST, PSID, SECOND, device, host, hosts, knob, results, row
from tests.layers import ROOT

NAMES = [FIRST, SECOND, "0000:af:00.0", "0000:af:00.1", "0000:d8:00.0"]
VERSION = "fw.version"


def said(snapshot: Snapshot, policy: Policy) -> list[tuple[str, str, str, str]]:
    """List device, name, result and what was expected (or why there is no result) of all findings."""
    return [
        (row.device, row.name, row.result, row.reason or row.expected)
        for row in check(snapshot, [policy], DAY).findings
    ]


def versions(running: str, stored: str) -> Setting:
    views = (("running", Facet(running, running)), ("stored", Facet(stored, stored)))
    return Setting(FIRST, "firmware", VERSION, "", views, "firmware")


def same(*values: str) -> Snapshot:
    """Make a host with an adapter of one kind for each value."""
    names = NAMES[: len(values)]
    return host([knob("A", value, of) for of, value in zip(names, values)], [device(name) for name in names])


def test_factory_finds_what_was_set_and_not_what_waits_for_a_reset() -> None:
    settings = [
        knob("SET", "1", current="1", default="0"),
        knob("WAITS", "1", current="0", default="0"),
        knob("LEFT", "0", current="0", default="0"),
    ]

    found = results(host(settings), factory(host(settings)))

    assert found == [(FIRST, "SET", "fail")]


def test_factory_cannot_tell_where_no_default_is_shown() -> None:
    found = said(host([knob("A", "1")]), factory(host([knob("A", "1")])))

    assert found == [(FIRST, "A", "unknown", "the 'current' view is not shown")]


def test_factory_and_pending_never_pass_on_flash_that_was_not_read() -> None:
    blind = host([versions("1", "1")], unread=[(FIRST, "nvconfig")])

    found = [results(blind, policy(blind)) for policy in (factory, pending)]

    assert found == [[(FIRST, "*", "unknown")]] * 2


def test_pending_finds_flash_and_firmware_that_wait_for_a_reset() -> None:
    snapshot = host([knob("A", "1", current="0"), knob("B", "1", current="1"), versions("22.39", "22.43")])

    found = results(snapshot, pending(snapshot))

    assert found == [(FIRST, VERSION, "fail"), (FIRST, "A", "fail")]


def test_pending_passes_where_nothing_waits() -> None:
    snapshot = host([knob("B", "1", current="1"), versions("22.43", "22.43")])

    found = {row.result for row in check(snapshot, [pending(snapshot)], DAY).findings}

    assert found == {"pass"}


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ([knob("A", "1", current="1")], ["nv-pending"]),
        ([versions("1", "1")], ["fw-pending"]),
        ([knob("A", "1"), versions("1", "1")], ["nv-pending", "fw-pending"]),
        ([row("net", "mtu", "9000")], ["nv-pending", "fw-pending"]),
    ],
)
def test_pending_asks_of_a_text_what_it_could_hold(settings: list[Setting], asked: list[str]) -> None:
    found = pending(host(settings, kind="text"))

    assert [rule.id for rule in found.rules] == asked


@given(hosts(("bundle",)))
def test_pending_misses_nothing_that_waits(snapshot: Snapshot) -> None:
    found = {
        (row.device, row.name) for row in check(snapshot, [pending(snapshot)], DAY).findings if row.result == "fail"
    }

    waiting = {
        (row.device, row.name)
        for row in snapshot.settings
        if row.plane == "nvconfig" and "pending" in state(row) and _role(snapshot, row.device) in ("pf", "vf")
    }
    assert waiting <= found


def _role(snapshot: Snapshot, name: str) -> str:
    return next((found.role for found in snapshot.devices if found.id == name), "")


@pytest.mark.parametrize(
    ("values", "odd"),
    [
        (["1", "1"], []),
        (["1", "1", "1"], []),
        (["1", "2", "1"], [(SECOND, "A", "fail", "1")]),
        (["ETH(2)", "ETH", "2", "IB(1)"], [(NAMES[3], "A", "fail", "ETH(2)")]),
    ],
)
def test_peers_finds_the_odd_one_out(values: list[str], odd: list[object]) -> None:
    snapshot = same(*values)

    found = [row for row in said(snapshot, peers(snapshot)) if row[2] != "pass"]

    assert found == odd


@pytest.mark.parametrize("values", [["1", "2"], ["1", "2", "3"], ["1", "1", "2", "2"], ["1", "1", "2", "2", "3"]])
def test_peers_without_a_majority_check_nothing_and_say_so(values: list[str]) -> None:
    snapshot = same(*values)

    found = said(snapshot, peers(snapshot))

    reason = f"{len(values)} devices of {PSID} pf, and no value that most of them have"
    assert found == [(name, "A", "notchecked", reason) for name in NAMES[: len(values)]]


def test_a_device_without_others_of_its_kind_is_not_checked() -> None:
    snapshot = host([knob("A", "1"), knob("A", "2", SECOND)], [device(), device(SECOND, "MT_2")])

    found = said(snapshot, peers(snapshot))

    alone = "no other device of its kind was seen"
    assert found == [(FIRST, "peers", "notchecked", alone), (SECOND, "peers", "notchecked", alone)]


def test_devices_of_which_nobody_knows_the_kind_are_not_checked() -> None:
    snapshot = host([knob("A", "1"), knob("A", "2", SECOND)], [device(psid=""), device(SECOND, "")])

    found = {row[2:] for row in said(snapshot, peers(snapshot))}

    assert found == {("notchecked", "nothing tells which devices are of its kind")}


def test_a_peer_that_could_not_be_read_is_unknown_and_has_no_vote() -> None:
    snapshot = same("1", "1", "1")
    blind = Setting(FIRST, "nvconfig", "A", "permanent", (("next", Facet(None, reason=f"{UNREAD} status 3")),))
    partly = replace(snapshot, settings=(blind, *snapshot.settings[1:]))

    found = results(partly, peers(partly))

    assert found == [(FIRST, "A", "unknown")]


def test_one_reading_among_unread_peers_is_no_majority() -> None:
    snapshot = same("1", "1")
    partly = host(snapshot.settings[:1], snapshot.devices, unread=[(SECOND, "nvconfig")])

    found = {row[2:] for row in said(partly, peers(partly))}

    assert found == {("notchecked", f"of the other devices of {PSID} pf it was not read")}


def test_a_knob_that_only_some_peers_have_is_asked_of_those() -> None:
    settings = [knob("A", "1", of) for of in NAMES[:3]] + [knob("B", "1"), knob("A", "1", NAMES[3])]
    snapshot = host(settings, [device(name) for name in NAMES[:4]])

    found = [(rule.name, [select.device for select in rule.select]) for rule in peers(snapshot).rules]

    assert found == [("A", [tuple(NAMES[:4])])]


def test_what_functions_of_one_asic_share_has_one_vote() -> None:
    values = {NAMES[0]: "2", NAMES[2]: "1", NAMES[4]: "1"}
    settings = [knob("A", value, of, shared="asic") for of, value in values.items()]
    snapshot = host(settings, [device(name) for name in NAMES])

    found = results(snapshot, peers(snapshot))

    assert found == [(FIRST, "A", "fail")]


def test_peers_of_other_hosts_vote_and_are_not_judged() -> None:
    mine, theirs = same("2"), [same("1", "1"), same("1")]

    found = said(mine, peers(mine, theirs))

    assert found == [(FIRST, "A", "fail", "1")]


def test_identities_and_places_are_no_matter_of_peers() -> None:
    settings = [row("pci", "numa_node", str(number), of) for number, of in enumerate(NAMES)]
    snapshot = host(settings, [device(name) for name in NAMES])

    assert peers(snapshot).rules == ()


@given(hosts(("bundle",)))
def test_peers_never_fails_the_larger_part(snapshot: Snapshot) -> None:
    outliers: dict[str, set[str]] = {}
    passing: dict[str, set[str]] = {}
    for finding in check(snapshot, [peers(snapshot)], DAY).findings:
        if finding.result in ("pass", "fail"):
            kind = passing if finding.result == "pass" else outliers
            kind.setdefault(finding.rule, set()).add(finding.device)

    assert [rule for rule, devices in outliers.items() if len(devices) >= len(passing.get(rule, ()))] == []


def test_the_simulated_host_after_a_bad_night_has_something_pending() -> None:
    snapshot = normalise(open_source("sim:two-adapters-after"))

    found = results(snapshot, pending(snapshot))

    assert found == [(FIRST, "NUM_OF_VFS", "fail")]


def test_a_pasted_query_is_judged_by_its_own_factory_view() -> None:
    snapshot = normalise(open_source(str(ROOT / "docs/examples/before.txt")))

    found = results(snapshot, factory(snapshot))

    assert found == [(FIRST, name, "fail") for name in ("LINK_TYPE_P1", "NUM_OF_VFS", "SRIOV_EN")]
