"""The verdict and the exit code, for every combination of what can be known of a host and of what was asked of it.

Taint (yes, no, unread), reads that the rules miss, rules that fail (none was evaluated, none fails, one fails, one
fails and is waived), a baseline or built-in policies only, and a waiver for the taint: each with each.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.cli import main
from sosmlx.model import SEVERITIES, Difference, Finding, Severity, Snapshot
from sosmlx.policy.device import KIND_RULE, TOKEN_RULE
from sosmlx.policy.document import load
from sosmlx.policy.ending import exit_code
from sosmlx.policy.envelope import ORDER, Baseline, Judgement, decide, judge
from sosmlx.policy.kernel_side import FORCED_RULE, FWCTL_RULE
from sosmlx.policy.tally import ENVELOPE, INPUTS
from sosmlx.record import HOST
from tests.hosts import FWCTL_BIT, PF, SECOND, finding, host, module, text

ANY = "*"


class Case(NamedTuple):
    """One combination; a star in the table stands for any value."""

    taint: str
    missing: str
    rules: str
    baseline: str
    accepted: str


class Line(NamedTuple):
    """A line of the table: which cases it is for, and what comes of them."""

    case: Case
    status: str
    code: int


TABLE = (
    Line(Case("yes", ANY, "none", ANY, ANY), "tainted", 1),
    Line(Case("yes", ANY, ANY, ANY, "no"), "tainted", 1),
    Line(Case("yes", ANY, "one fails", ANY, "yes"), "tainted", 1),
    Line(Case("yes", "yes", ANY, ANY, "yes"), "tainted", 3),
    Line(Case("yes", "no", ANY, ANY, "yes"), "tainted", 0),
    Line(Case("unread", ANY, "one fails", ANY, ANY), "undetermined", 1),
    Line(Case("unread", ANY, ANY, ANY, ANY), "undetermined", 3),
    Line(Case("no", ANY, "none", ANY, ANY), "undetermined", 3),
    Line(Case("no", "yes", "one fails", ANY, ANY), "undetermined", 1),
    Line(Case("no", "yes", ANY, ANY, ANY), "undetermined", 3),
    Line(Case("no", "no", "one fails", ANY, ANY), "changed", 1),
    Line(Case("no", "no", ANY, ANY, ANY), "supported", 0),
)
"""The first line that fits counts."""

CASES = tuple(
    Case(*words)
    for words in product(
        ("yes", "no", "unread"), ("no", "yes"), ("none", "all pass", "one fails", "one is waived"), ("no", "yes"),
        ("no", "yes"),
    )
)  # fmt: skip

STARTS = {
    "tainted": "TAINTED: n07 was accessed outside the support envelope",
    "undetermined": "UNDETERMINED: whether n07 is inside the support envelope cannot be told",
    "changed": "CHANGED: n07 is inside the support envelope, but its configuration is not what was asked for",
    "supported": "SUPPORTED: n07 is inside the support envelope",
}


def expected(case: Case) -> Line:
    return next(
        line for line in TABLE if all(asked in (ANY, word) for asked, word in zip(line.case, case, strict=True))
    )


def snapshot(case: Case) -> Snapshot:
    return host(taint={"yes": FWCTL_BIT, "no": 0, "unread": None}[case.taint])


def findings(case: Case) -> list[Finding]:
    """Make what the policies found: the rule on the taint, rules of the configuration, and one that could not tell."""
    policy = "golden.toml" if case.baseline == "yes" else "builtin:links"
    found = [finding("unknown", "mtu", policy, reason="denied")] if case.missing == "yes" else []
    if case.rules == "none":
        return found
    result = {"yes": "fail", "no": "pass", "unread": "unknown"}[case.taint]
    waiver = "active" if case.accepted == "yes" and result == "fail" else ""
    found += [finding(result, "taint-fwctl", "builtin:envelope", HOST, waiver=waiver, severity="high")]
    found += [finding("pass", "link", policy)]
    if case.rules != "all pass":
        found.append(finding("fail", "vfs", policy, waiver="active" if case.rules == "one is waived" else ""))
    return found


def judged(case: Case) -> tuple[Judgement, list[Finding]]:
    found = findings(case)
    return judge(snapshot(case), findings=found), found


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_every_combination_has_its_status_and_exit_code(case: Case) -> None:
    judgement, found = judged(case)

    line = expected(case)
    assert (judgement.host.status, exit_code(judgement, found, "low")) == (line.status, line.code)


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_every_sentence_begins_with_the_status_in_words(case: Case) -> None:
    judgement, _ = judged(case)

    start = STARTS[expected(case).status]
    assert judgement.host.sentence[: len(start)] == start


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_only_what_was_compared_with_nothing_says_so(case: Case) -> None:
    judgement, _ = judged(case)

    says = "built-in policy only, nothing compared" in judgement.host.sentence
    assert says == (expected(case).status == "supported" and case.baseline == "no")


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_failures_are_at_least_so_many_where_something_was_not_read(case: Case) -> None:
    judgement, _ = judged(case)

    words = [reason for reason in judgement.host.reasons if "not met" in reason]
    count = ("at least " if case.missing == "yes" or case.taint == "unread" else "") + "1 rule is not met: vfs"
    assert words == ([count] if case.rules == "one fails" else [])


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_a_waiver_changes_no_status_that_taint_decides(case: Case) -> None:
    statuses = [judged(case._replace(accepted=accepted))[0].host.status for accepted in ("no", "yes")]

    assert statuses[0] == statuses[1]


TEXTS = {
    ("none", "no"): ("undetermined", "UNDETERMINED: no rule was evaluated", 3),
    ("none", "yes"): ("undetermined", "UNDETERMINED: 1 rule could not be evaluated: denied", 3),
    ("all pass", "no"): ("supported", "SUPPORTED: 1 rule is met, as far as a text can tell", 0),
    ("all pass", "yes"): ("undetermined", "UNDETERMINED: 1 rule could not be evaluated: denied", 3),
    ("one fails", "no"): ("changed", "CHANGED: 1 rule is not met: vfs", 1),
    ("one fails", "yes"): (
        "undetermined",
        "UNDETERMINED: at least 1 rule is not met: vfs; 1 rule could not be evaluated: denied",
        1,
    ),
}


@pytest.mark.parametrize("baseline", ["no", "yes"])
@pytest.mark.parametrize(("rules", "missing"), TEXTS)
def test_a_text_is_judged_by_its_rules_alone(rules: str, missing: str, baseline: str) -> None:
    found = [row for row in findings(Case("no", missing, rules, baseline, "no")) if row.rule != "taint-fwctl"]

    judgement = judge(text(), findings=found)

    sentence = judgement.host.sentence
    only = "; built-in policy only, nothing compared" if (rules, missing, baseline) == ("all pass", "no", "no") else ""
    status, start, code = TEXTS[rules, missing]
    whole = f"{start}. Strength weak: a text carries no evidence about the host{only}."
    assert (judgement.host.status, sentence, exit_code(judgement, found, "low")) == (status, whole, code)


def difference(device: str = PF.id) -> Difference:
    return Difference(device, "nvconfig", "NUM_OF_VFS", "permanent", "next", "changed", "config")


def test_differences_from_a_baseline_count_like_findings() -> None:
    snapshot = host()

    found = judge(snapshot, Baseline([difference()], (), snapshot)).host

    assert (found.status, found.reasons) == ("changed", ("1 configuration setting differs",))


def test_rules_and_differences_are_said_apart() -> None:
    snapshot = host()

    found = judge(snapshot, Baseline([difference()], (), snapshot), [finding("fail"), finding("pass", "mtu")]).host

    assert (found.status, found.reasons) == ("changed", ("1 configuration setting differs", "1 rule is not met: vfs"))


def test_a_policy_that_evaluates_nothing_leaves_it_undetermined() -> None:
    judgement = judge(host(), findings=())

    reasons = (f"no rule was evaluated ({PF.id})",)
    assert (judgement.host.status, judgement.host.reasons) == ("undetermined", reasons)


@pytest.mark.parametrize("result", ["notapplicable", "notchecked"])
def test_a_result_that_is_neither_pass_nor_fail_is_no_evaluation(result: str) -> None:
    found = [finding(result)]

    judgement = judge(host(), findings=found)

    assert (judgement.host.status, judgement.host.reasons) == ("undetermined", ("no rule was evaluated",))


def test_a_rule_that_broke_down_is_missing_even_where_it_is_the_envelopes_own() -> None:
    found = [finding("pass"), finding("error", "lockdown", "builtin:envelope", HOST, reason="no operator")]

    judgement = judge(host(), findings=found)

    reason = "1 rule could not be evaluated: no operator (host)"
    assert (judgement.host.status, judgement.host.reasons) == ("undetermined", (reason,))


@pytest.mark.parametrize("rule", ["lockdown", "raw-channel", "fw-unsecured"])
@pytest.mark.parametrize("result", ["fail", "unknown"])
def test_what_strength_judges_counts_once(rule: str, result: str) -> None:
    found = [finding("pass"), finding(result, rule, "builtin:envelope", HOST)]

    assert judge(host(), findings=found).host.status == "supported"


def test_what_counts_once_are_rules_of_the_built_in_envelope() -> None:
    assert {rule.id for rule in load(ENVELOPE).rules} >= INPUTS


def test_what_accepts_a_taint_are_rules_of_the_built_in_envelope() -> None:
    names = {FWCTL_RULE, FORCED_RULE, TOKEN_RULE, KIND_RULE}

    assert {rule.id for rule in load(ENVELOPE).rules} >= names


def test_the_same_rule_in_a_policy_of_the_site_counts() -> None:
    found = [finding("pass"), finding("fail", "lockdown", "site.toml", HOST)]

    assert judge(host(), findings=found).host.status == "changed"


def test_a_function_that_no_policy_means_is_named_and_decides_nothing() -> None:
    judgement = judge(host(devices=(PF, SECOND)), findings=[finding("pass")])

    statuses = {name: verdict.status for name, verdict in judgement.devices.items()}
    assert (judgement.host.status, judgement.host.reasons, statuses) == (
        "supported",
        (f"no rule was evaluated ({SECOND.id})",),
        {PF.id: "supported", SECOND.id: "undetermined"},
    )


def test_the_host_is_as_bad_as_its_worst_function() -> None:
    found = [finding("pass"), finding("unknown", device=SECOND.id, reason="denied")]

    judgement = judge(host(devices=(PF, SECOND)), findings=found)

    statuses = [verdict.status for verdict in judgement.devices.values()]
    assert (judgement.host.status, statuses) == ("undetermined", ["supported", "undetermined"])


def test_a_finding_of_the_host_itself_counts() -> None:
    found = [finding("pass"), finding("fail", "cmdline", device=HOST)]

    judgement = judge(host(), findings=found)

    assert (judgement.host.status, judgement.devices[PF.id].status) == ("changed", "supported")


def test_a_host_without_adapters_is_undetermined() -> None:
    judgement = judge(host(devices=()), findings=[finding("pass", device=HOST)])

    assert (judgement.host.status, judgement.host.reasons) == ("undetermined", ("no adapter in scope",))


@pytest.mark.parametrize("state", ["expired", "not yet begun"])
def test_a_waiver_that_is_not_in_force_waives_nothing(state: str) -> None:
    found = [finding("fail", waiver=state)]

    judgement = judge(host(), findings=found)

    assert (judgement.host.status, exit_code(judgement, found, "low")) == ("changed", 1)


def test_a_waiver_that_is_about_to_expire_holds() -> None:
    found = [finding("fail", waiver="expiring")]

    judgement = judge(host(), findings=found)

    assert (judgement.host.status, judgement.host.reasons, exit_code(judgement, found, "low")) == (
        "supported",
        ("1 finding waived",),
        0,
    )


@pytest.mark.parametrize(("severity", "threshold"), list(product(SEVERITIES, SEVERITIES)))
def test_a_failure_below_the_threshold_changes_the_verdict_and_not_the_exit(
    severity: Severity, threshold: Severity
) -> None:
    found = [finding("fail", severity=severity)]

    judgement = judge(host(), findings=found)

    code = int(SEVERITIES.index(severity) >= SEVERITIES.index(threshold))
    assert (judgement.host.status, exit_code(judgement, found, threshold)) == ("changed", code)


def test_a_taint_that_no_policy_asked_about_ends_with_one_whatever_the_threshold() -> None:
    found = [finding("pass")]

    judgement = judge(host(taint=FWCTL_BIT), findings=found)

    assert exit_code(judgement, found, "critical") == 1


def test_a_waiver_for_one_of_two_taints_accepts_none() -> None:
    found = [finding("pass"), finding("fail", "taint-fwctl", "builtin:envelope", HOST, waiver="active")]
    found += [finding("fail", "module-forced", "builtin:envelope", HOST, severity="info")]

    judgement = judge(host(taint=FWCTL_BIT, settings=module("mlx5_core", "F")), findings=found)

    assert exit_code(judgement, found, "low") == 1


def test_an_accepted_taint_beside_evidence_that_was_not_read_is_undetermined() -> None:
    found = [finding("pass"), finding("fail", "taint-fwctl", "builtin:envelope", HOST, waiver="active")]

    judgement = judge(host(taint=FWCTL_BIT, unread={(HOST, "module"): "denied"}), findings=found)

    assert (judgement.host.status, exit_code(judgement, found, "low")) == ("tainted", 3)


TAINTED = "sim:two-adapters-after"
WAIVER = """
schema = "sosmlx.policy/1"

[[waiver]]
rule = "{rule}"
device = {{ host = "n07" }}
reason = "the vendor's engineer was here"
owner = "net-team"
created = 2026-01-01
expires = 2099-12-31
"""


def checked(folder: Path, source: str, *rules: str) -> tuple[int, str]:
    """Check a source by the built-in envelope with waivers for these rules: the exit code, and the verdict's word."""
    baselines = ["--baseline", "builtin:envelope"]
    for rule in rules:
        path = folder / f"{rule}.toml"
        path.write_text(WAIVER.format(rule=rule), encoding="utf-8")
        baselines += ["--baseline", str(path)]
    out = folder / "check.json"
    code = main(["check", source, *baselines, "-o", str(out)])
    return code, json.loads(out.read_text(encoding="utf-8"))["verdict"]["host"]["status"]


def test_the_command_ends_with_one_for_a_taint(tmp_path: Path) -> None:
    assert checked(tmp_path, TAINTED) == (1, "tainted")


def test_the_command_ends_with_one_where_only_another_rule_is_waived(tmp_path: Path) -> None:
    assert checked(tmp_path, TAINTED, "raw-channel") == (1, "tainted")


def test_the_command_ends_with_zero_where_all_is_waived_and_still_says_tainted(tmp_path: Path) -> None:
    assert checked(tmp_path, TAINTED, "raw-channel", "taint-fwctl") == (0, "tainted")


def test_the_command_ends_with_three_where_there_is_no_adapter(tmp_path: Path) -> None:
    assert checked(tmp_path, "sim:bare") == (3, "undetermined")


COUNTS = st.integers(0, 3)
STATES = st.sampled_from(["no", "unread", "yes"])


@given(STATES, COUNTS, COUNTS, COUNTS, COUNTS)
def test_knowing_less_never_makes_a_verdict_better(
    taint: str, unknown: int, evaluated: int, differing: int, scope: int
) -> None:
    now = ORDER.index(decide(taint, unknown, evaluated, differing, scope))

    worse = [
        decide("unread" if taint == "no" else taint, unknown, evaluated, differing, scope),
        decide(taint, unknown + 1, evaluated, differing, scope),
        decide(taint, unknown, 0, differing, scope),
        decide(taint, unknown, evaluated, differing, 0),
    ]
    assert all(ORDER.index(status) >= now for status in worse)


@given(STATES, COUNTS, COUNTS, COUNTS, COUNTS)
def test_supported_is_said_only_of_what_was_all_read_and_evaluated(
    taint: str, unknown: int, evaluated: int, differing: int, scope: int
) -> None:
    said = decide(taint, unknown, evaluated, differing, scope) == "supported"

    assert said == (taint == "no" and not unknown and evaluated > 0 and not differing and scope > 0)
