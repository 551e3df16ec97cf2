"""The built-in policies: every rule has a host that passes, one that fails, and one of which nobody can tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.bundle.opening import open_source
from sosmlx.model import PLANES, Facet, Finding, Setting, Snapshot
from sosmlx.normalise import normalise
from sosmlx.parsers import PARSERS
from sosmlx.policy import document
from sosmlx.policy.check import check
from sosmlx.policy.rules import Policy, Rule
from tests import layers

FIXTURES = layers.ROOT / "fixtures" / "policies" / "builtin"
TODAY = date(2026, 11, 24)
DEVICE = "0000:3b:00.0"
POLICIES: Mapping[str, Policy] = {name: document.load(f"builtin:{name}") for name in document.builtins()}
RULES: Mapping[str, tuple[Policy, Rule]] = {
    rule.id: (policy, rule) for policy in POLICIES.values() for rule in policy.rules
}


def added(row: Mapping[str, object]) -> Setting:
    value = row["value"]
    facet = Facet(tuple(value) if isinstance(value, list) else value, str(value))  # type: ignore[arg-type]
    texts = [str(row[name]) for name in ("device", "plane", "name")]
    return Setting(texts[0], texts[1], texts[2], "", ((str(row["facet"]), facet),))  # type: ignore[arg-type]


@cache
def snapshot(spec: str) -> Snapshot:
    return normalise(open_source(spec))


def host(path: Path) -> Snapshot:
    """Open a fixture: a scenario, or a scenario's name with settings that no collector gives yet."""
    body = json.loads(path.read_text(encoding="utf-8"))
    if "source" not in body:
        return snapshot(f"sim:{path}")
    found = snapshot(body["source"])
    more = [added(row) for row in body["add"]]
    names = {(row.device, row.plane, row.name) for row in more}
    kept = [row for row in found.settings if (row.device, row.plane, row.name) not in names]
    return replace(found, settings=(*kept, *more))


def findings(name: str, found: Snapshot) -> list[Finding]:
    policy, rule = RULES[name]
    about = "host" if rule.scope == "host" else DEVICE
    return [row for row in check(found, [replace(policy, rules=(rule,))], TODAY).findings if row.device == about]


def results(name: str, case: str) -> list[str]:
    return sorted({row.result for row in findings(name, host(FIXTURES / name / f"{case}.json"))})


def expected(name: str, case: str) -> str:
    body = json.loads((FIXTURES / name / f"{case}.json").read_text(encoding="utf-8"))
    return cast("str", body.get("expect", case))


@pytest.mark.parametrize("case", ["pass", "fail", "unknown"])
@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_tells_a_good_host_from_a_bad_one_and_from_one_that_cannot_be_seen(name: str, case: str) -> None:
    assert results(name, case) == [expected(name, case)]


def test_every_policy_has_the_rules_that_support_asks_for() -> None:
    assert {name: [rule.id for rule in policy.rules] for name, policy in POLICIES.items()} == {
        "agreement": ["sources-agree"],
        "envelope": [
            "taint-fwctl", "raw-channel", "pf-not-vfio", "module-forced", "taint-forced", "debug-token",
            "debug-token-asked", "fw-dev-debug", "fw-unsecured", "lockdown", "health", "health-recovered", "fw-timeout",
            "unbound",
        ],
        "inbox": [
            "driver-origin", "driver-compat", "driver-mixed", "driver-mixed-rdma", "driver-installed",
            "module-unsigned",
        ],
        "infiniband": ["ib-state", "ib-sm", "ib-width"],
        "links": [
            "pcie-link", "pcie-link-width", "aer", "slot-power", "temperature", "temperature-sensor", "link-reason",
            "port-down", "port-module", "slot-power-firmware", "bond-members",
        ],
        "pending": ["fw-pending", "nv-pending", "fw-peers", "roce-reload"],
        "roce": [
            "roce-trust", *(f"roce-ecn-{priority}" for priority in range(8)), "roce-buffer",
            *(f"roce-cc-{priority}" for priority in range(8)), "roce-lag", "pause-storm",
        ],
        "sriov": [
            "sriov-flash", "sriov-flash-global", "sriov-flash-pf", "sriov-mmio", "esw-offload", "esw-offload-ovs",
            "esw-mode", "vf-link", "dpu-host",
        ],
    }  # fmt: skip


def test_every_rule_says_what_for_what_to_do_and_where_it_comes_from() -> None:
    silent = [
        (name, what)
        for name, (_, rule) in RULES.items()
        for what in ("title", "rationale", "advice", "source")
        if not getattr(rule, what)
    ]

    assert silent == []


def test_titles_and_advice_fit_a_line_of_the_report() -> None:
    long = [name for name, (_, rule) in RULES.items() if len(rule.title) > 90 or len(rule.advice) > 150]

    assert long == []


def test_there_are_hosts_for_every_rule_and_for_nothing_else() -> None:
    assert sorted(folder.name for folder in FIXTURES.iterdir()) == sorted(RULES)


def test_a_rule_that_rests_on_no_public_source_says_so_in_its_findings() -> None:
    found = check(snapshot("sim:two-adapters-before"), list(POLICIES.values()), TODAY).findings
    marked = {row.rule for row in found if row.source.endswith("(not verified)")}

    assert marked == {name for name, (_, rule) in RULES.items() if not rule.verified}


def test_an_infiniband_port_meets_no_rule_of_ethernet() -> None:
    port = snapshot(f"sim:{FIXTURES / 'ib-state' / 'pass.json'}")
    ethernet = [name for name, (_, rule) in RULES.items() if rule.plane in ("ethtool", "dcb") or "roce" in rule.id]

    assert {name: [row.result for row in findings(name, port)] for name in ethernet} == {
        name: ["notapplicable"] for name in ethernet
    }


@pytest.mark.parametrize(
    ("scenario", "failing"), [("two-adapters-before", []), ("two-adapters-after", ["raw-channel", "taint-fwctl"])]
)
def test_the_envelope_tells_a_host_as_it_should_be_from_one_after_a_bad_night(
    scenario: str, failing: list[str]
) -> None:
    found = check(snapshot(f"sim:{scenario}"), [POLICIES["envelope"]], TODAY).findings

    assert sorted(row.rule for row in found if row.result == "fail" and row.severity != "info") == failing


def unseen(whole: Snapshot, planes: frozenset[str]) -> Snapshot:
    """Take away all that was read on some planes, as if every read of them had been denied."""
    return replace(
        whole,
        settings=tuple(row for row in whole.settings if row.plane not in planes),
        evidence=tuple(row for row in whole.evidence if "kernel" not in planes or not row.kind.startswith("log.")),
        coverage=tuple(
            replace(row, status="unknown", read=0) if row.plane in planes else row for row in whole.coverage
        ),
        reads=tuple(
            row._replace(outcome="denied") if planes & set(PARSERS[row.kind].planes) else row for row in whole.reads
        ),
    )


@given(st.frozensets(st.sampled_from(PLANES)), st.sampled_from(["two-adapters-before", "two-adapters-after"]))
def test_what_was_not_read_passes_no_rule_that_failed_and_makes_none_fail_that_passed(
    planes: frozenset[str], scenario: str
) -> None:
    whole = snapshot(f"sim:{scenario}")
    before, after = (results_of(found) for found in (whole, unseen(whole, planes)))
    turned = {key: (before.get(key), now) for key, now in after.items() if now in ("pass", "fail")}

    assert [key for key, (then, now) in turned.items() if then != now] == []


def results_of(found: Snapshot) -> dict[tuple[str, str], str]:
    return {(row.rule, row.device): row.result for row in check(found, list(POLICIES.values()), TODAY).findings}


def test_a_host_of_which_nothing_was_read_passes_nothing() -> None:
    blind = unseen(snapshot("sim:two-adapters-before"), frozenset(PLANES))

    assert [key for key, result in results_of(blind).items() if result in ("pass", "fail")] == []


def test_a_text_is_judged_by_what_it_holds_and_by_nothing_else() -> None:
    text = snapshot(str(layers.ROOT / "docs" / "examples" / "before.txt"))
    judged = {rule: row for rule in RULES for row in findings(rule, text) if row.result in ("pass", "fail", "unknown")}

    assert (judged["nv-pending"].result, {name for name, row in judged.items() if row.result != "unknown"}) == (
        "unknown",  # it shows that there are arrays, and not what is in them
        set(),
    )


def test_a_slot_that_tells_no_power_is_not_called_sufficient(tmp_path: Path) -> None:
    scenario = json.loads((FIXTURES / "slot-power-firmware" / "pass.json").read_text(encoding="utf-8"))
    scenario["functions"][DEVICE]["firmware"]["state"] = {"MPEIN": {"pwr_status": 0}}
    path = tmp_path / "untold.json"
    path.write_text(json.dumps(scenario), encoding="utf-8")

    assert [row.result for row in findings("slot-power-firmware", host(path))] == ["notapplicable"]


@pytest.mark.parametrize("policy", ["links"])
def test_a_healthy_host_without_bonds_is_determined(policy: str) -> None:
    found = check(snapshot("sim:two-adapters-before"), [POLICIES[policy]], TODAY).findings

    assert sorted({row.result for row in found}) == ["notapplicable", "pass"]
