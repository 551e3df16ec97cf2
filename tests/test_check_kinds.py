"""What a rule may look at: patterns, what functions share, relations, peers, evidence, facts, what nobody collects."""

from __future__ import annotations

import pytest

from sosmlx.model import Coverage, Device, Evidence, Facet, Reading, Setting
from sosmlx.policy.check import Only, check
from sosmlx.policy.rules import Other
from sosmlx.record import HOST
from tests.policies import CARD, TODAY, brief, findings, host, policy, rule, setting

PARTIAL = Coverage(CARD, "ethtool", "partial", 3, 1, "ethtool -l: denied")
UNTOLD = Facet(None, "Array[0..7]", reason="elements not shown")


def test_a_pattern_comes_to_one_finding_where_nothing_fails() -> None:
    snapshot = host(setting("A", facets={"current": 1, "next": 1}), setting("B", facets={"current": 2, "next": 2}))

    found = findings(snapshot, rule("equals_facet", "current", "*", glob=True, against="current"))

    assert [(row.result, row.name, row.actual) for row in found] == [("pass", "*", "2 settings")]


def test_each_setting_that_fails_is_a_finding_of_its_own() -> None:
    rows = [setting(name, facets={"current": 1, "next": coming}) for name, coming in (("A", 1), ("B", 2), ("C", 3))]

    found = findings(host(*rows), rule("equals_facet", "current", "*", glob=True, against="current"))

    assert [(row.result, row.name, row.actual) for row in found] == [
        ("fail", "B", "2 (current: 1)"),
        ("fail", "C", "3 (current: 1)"),
    ]


def test_a_pattern_passes_only_where_all_of_its_plane_was_read() -> None:
    snapshot = host(setting("rings.rx", 8, plane="ethtool"), coverage=[PARTIAL])

    found = brief(snapshot, rule("equals", 8, "rings.*", plane="ethtool", glob=True))

    assert found == [(CARD, "unknown", PARTIAL.reason)]


def test_a_pattern_that_nothing_matches_asks_nothing_but_absence_and_presence() -> None:
    asked = [rule(word, True, "mst*", plane="pci", glob=True, id=word) for word in ("absent", "present", "equals")]

    found = {row.rule: row.result for row in findings(host(), *asked)}

    assert found == {"absent": "pass", "present": "fail", "equals": "notapplicable"}


def test_a_setting_of_the_asic_is_judged_with_the_function_that_shows_it() -> None:
    pair = tuple(Device(f"0000:3b:00.{n}", f"0000:3b:00.{n}", role="pf", asic="a") for n in (0, 1))
    snapshot = host(setting("NUM_OF_VFS", 16, shared="asic"), devices=pair)

    found = brief(snapshot, rule("equals", 8))

    assert found == [
        (pair[0].id, "fail", "16"),
        (pair[1].id, "notapplicable", f"one setting of the asic, judged with {CARD}"),
    ]


def test_a_setting_of_the_asic_is_judged_with_the_function_that_was_asked_for() -> None:
    pair = tuple(Device(f"0000:3b:00.{n}", f"0000:3b:00.{n}", role="pf", asic="a") for n in (0, 1))
    snapshot = host(setting("NUM_OF_VFS", 16, shared="asic"), devices=pair)

    found = findings(snapshot, rule("equals", 8), only=Only(frozenset([pair[1].id])))

    assert [(row.device, row.result) for row in found] == [(pair[1].id, "fail")]


VFS = setting("NUM_OF_VFS", 8)
RELATIONS: dict[str, tuple[list[Setting], tuple[str, str]]] = {
    "agree": ([VFS, setting("sriov_totalvfs", 8, plane="pci")], ("pass", "8 (pci sriov_totalvfs: 8)")),
    "differ": ([VFS, setting("sriov_totalvfs", 4, plane="pci")], ("fail", "8 (pci sriov_totalvfs: 4)")),
    "other not there": ([VFS], ("unknown", "pci sriov_totalvfs: it is not there")),
    "other not shown": (
        [VFS, setting("sriov_totalvfs", UNTOLD, plane="pci")], ("unknown", "pci sriov_totalvfs: elements not shown"),
    ),
    "own not shown": (
        [setting("NUM_OF_VFS", UNTOLD), setting("sriov_totalvfs", 8, plane="pci")], ("unknown", "elements not shown"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RELATIONS)
def test_a_relation_needs_both_of_its_values(case: str) -> None:
    rows, said = RELATIONS[case]

    found = brief(host(*rows), rule("equals_name", Other("pci", "sriov_totalvfs")))

    assert found == [(CARD, *said)]


PEERS = tuple(Device(f"0000:0{n}:00.0", f"0000:0{n}:00.0", role="pf", psid="MT_1") for n in (1, 2))


@pytest.mark.parametrize(
    ("values", "results"),
    [((1, 1), ["pass", "pass"]), ((1, 2), ["fail", "fail"]), ((1, UNTOLD), ["unknown", "unknown"])],
    ids=["agree", "differ", "one is not told"],
)
def test_peers_agree_or_fail_together(values: tuple[object, object], results: list[str]) -> None:
    rows = [setting("mtu", value, device.id, "net") for device, value in zip(PEERS, values, strict=True)]

    found = findings(host(*rows, devices=PEERS), rule("same_per", "psid", "mtu", plane="net"))

    assert [row.result for row in found] == results


def test_a_device_without_a_peer_has_nobody_to_agree_with() -> None:
    found = brief(host(setting("mtu", 1500, plane="net")), rule("same_per", "psid", "mtu", plane="net"))

    assert found == [(CARD, "notapplicable", "no other device has this psid")]


STUCK = Evidence("log.firmware-stuck", CARD, "mlx5_core: will cause a leak", "high")
LOG = Reading("1", "kernel.log", HOST, "collected")
OBSERVED: dict[str, tuple[list[Evidence], list[Reading], tuple[str, str]]] = {
    "seen": ([STUCK], [LOG], ("fail", STUCK.text)),
    "not seen": ([], [LOG], ("pass", "nothing of the kind")),
    "seen, although not all was read": ([STUCK], [LOG._replace(outcome="truncated")], ("fail", STUCK.text)),
    "not seen, and not all was read": ([], [LOG._replace(outcome="truncated")], ("unknown", "kernel.log: truncated")),
    "not seen, and not read": ([], [LOG._replace(outcome="absent")], ("unknown", "kernel.log: absent")),
    "not seen, and nothing asked": ([], [], ("unknown", "nothing read it (kernel.log)")),
    "less than what counts": ([STUCK._replace(severity="info")], [LOG], ("pass", "nothing of the kind")),
    "on another device": ([STUCK._replace(subject="0000:af:00.0")], [LOG], ("pass", "nothing of the kind")),
}


@pytest.mark.parametrize("case", OBSERVED)
def test_evidence_is_absent_only_where_its_reads_gave_an_answer(case: str) -> None:
    evidence, reads, said = OBSERVED[case]
    asked = rule("absent", True, STUCK.kind, plane="", kind="evidence", least="medium", rests_on=("kernel.log",))

    found = brief(host(evidence=evidence, reads=reads), asked)

    assert found == [(CARD, *said)]


def test_without_named_reads_evidence_rests_on_its_plane() -> None:
    asked = rule("absent", True, STUCK.kind, plane="kernel", kind="evidence")
    unread = Coverage(HOST, "kernel", "partial", reason="dmesg: denied")

    found = brief(host(coverage=[unread]), asked)

    assert found == [(CARD, "unknown", "dmesg: denied")]


def test_a_fact_that_was_not_read_is_unknown() -> None:
    asked = [
        rule("one_of", ("integrity",), "lockdown", plane="kernel", kind="fact", scope="host", id="lockdown"),
        rule("equals", "22.43.1000", "running", plane="firmware", kind="fact", id="running"),
        rule("equals", "22.43.1000", "stored", plane="firmware", kind="fact", id="stored"),
    ]

    found = {row.rule: (row.result, row.reason) for row in findings(host(facts={}), *asked)}

    assert found == {
        "lockdown": ("unknown", "lockdown was not read"),
        "running": ("pass", ""),
        "stored": ("unknown", "stored was not read"),
    }


def test_a_rule_that_nobody_collects_for_is_not_checked_unless_a_text_holds_it() -> None:
    asked = rule("at_most", 80, "temperature", plane="health", uncollected="temperatures are not collected")
    there = setting("temperature", 99, plane="health")

    found = [brief(host(), asked), brief(host(there), asked)]

    assert found == [[(CARD, "notchecked", "temperatures are not collected")], [(CARD, "fail", "99")]]


def test_without_a_channel_to_ask_through_a_rule_is_not_checked() -> None:
    asked = rule("not_one_of", (2,), "token.*", plane="firmware", glob=True, channel="fwctl")

    found = brief(host(), asked)

    assert found == [(CARD, "notchecked", "it has no fwctl device to be asked through")]


def test_a_register_that_the_firmware_lacks_is_an_answer() -> None:
    device = Device(CARD, CARD, role="pf", fwctl="fwctl0", channels=("fwctl",))
    reads = [Reading(word, "register.mdsr", CARD, how) for word, how in (("1", "collected"), ("2", "unsupported"))]
    snapshot = host(setting("token.CS", 0, plane="firmware"), devices=[device], reads=reads)

    found = brief(snapshot, rule("not_one_of", (2,), "token.*", plane="firmware", glob=True, channel="fwctl"))

    assert found == [(CARD, "pass", "0")]


def test_what_a_rule_rests_on_must_have_been_read_unless_it_fails_already() -> None:
    asked = rule("equals", 8, rests_on=("register.mnvda",))
    reads = [Reading("1", "register.mnvda", CARD, "timeout", "breaker")]

    found = [brief(host(setting("NUM_OF_VFS", value), reads=reads), asked) for value in (8, 16)]

    assert found == [[(CARD, "unknown", "register.mnvda: timeout (breaker)")], [(CARD, "fail", "16")]]


def test_a_finding_says_everything_about_its_rule() -> None:
    asked = rule(
        "equals", 8, id="vfs-8", title="Eight virtual functions", severity="high", advice="set it", source="site 12",
        verified=False, where="site.toml:7",
    )  # fmt: skip

    (found,) = findings(host(setting("NUM_OF_VFS", 16)), asked)

    assert vars(found) == {
        "rule": "vfs-8", "result": "fail", "severity": "high", "title": "Eight virtual functions", "advice": "set it",
        "device": CARD, "plane": "nvconfig", "name": "NUM_OF_VFS", "facet": "next", "expected": "8", "actual": "16",
        "reason": "", "policy": "site.toml", "where": "site.toml:7", "source": "site 12 (not verified)",
        "waived": None,
    }  # fmt: skip


def test_findings_are_counted_by_result() -> None:
    rules = [rule("equals", value, id=f"r{value}") for value in (8, 16, 32)]

    found = check(host(setting("NUM_OF_VFS", 8)), [policy(*rules)], TODAY)

    assert found.counts == {"pass": 1, "fail": 2}
