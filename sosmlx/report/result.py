"""What a check came to: policies, findings and verdict together, and all that a page or a terminal shows of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from pathlib import PurePath

from sosmlx.diff.digest import fingerprint
from sosmlx.model import SEVERITIES, Finding, Result, Severity, Snapshot, SourceInfo
from sosmlx.policy.check import EVERYTHING, Check, Only, check, title
from sosmlx.policy.ending import exit_code
from sosmlx.policy.envelope import Baseline, Judgement, judge
from sosmlx.policy.rules import Policy
from sosmlx.policy.tally import is_waived
from sosmlx.policy.waivers import IN_FORCE, Standing
from sosmlx.printable import visible
from sosmlx.report.show import show_view
from sosmlx.report.view import CoverageView, Input, Row, device_title, override_rows, pending_rows, waiting_words

RESULTS: tuple[Result, ...] = ("fail", "error", "unknown", "notchecked", "notapplicable", "pass")
"""Results in the order in which a reader wants them."""

_UNKNOWN: tuple[Result, ...] = ("unknown",)
_UNCHECKED: tuple[Result, ...] = ("notchecked", "notapplicable")

_NAMED = 3
"""So many rules are named where they share a reason; the rest is counted, and in the document."""

WAIVED = "waived"
"""How the words of a waiver begin that is in force."""


@dataclass(frozen=True)
class CheckResult:
    """A check, with its verdict and exit code; `snapshot` is what was checked.

    `strangers` are devices that no policy is meant for.
    """

    source: SourceInfo
    policies: tuple[Policy, ...]
    findings: tuple[Finding, ...]
    judgement: Judgement
    snapshot: Snapshot
    waivers: tuple[Standing, ...] = ()
    today: date = date.min
    threshold: Severity = "low"
    strangers: tuple[str, ...] = ()

    @property
    def code(self) -> int:
        """The exit code: 0 fine and determined, 1 a failure or taint that nobody waived, 3 undetermined."""
        return exit_code(self.judgement, self.findings, self.threshold)


def evaluate(
    snapshot: Snapshot,
    policies: Sequence[Policy],
    today: date,
    threshold: Severity = "low",
    only: Only = EVERYTHING,
    before: Snapshot | None = None,
) -> CheckResult:
    """Check a snapshot against policies and judge it by what they found.

    `before` is an earlier picture of a host, where one was given: what was tainted then is not clean by a reboot.
    """
    found: Check = check(snapshot, policies, today, threshold, only)
    earlier = Baseline((), (), before) if before is not None and before.is_host and snapshot.is_host else None
    judgement = judge(snapshot, earlier, found.findings)
    return CheckResult(
        snapshot.source, tuple(policies), found.findings, judgement, snapshot, found.waivers, today, threshold,
        found.strangers,
    )  # fmt: skip


def mark(finding: Finding) -> str:
    """Name a finding by rule, device and key, and never by its values: it survives drift."""
    return fingerprint(finding.rule, finding.device, finding.plane, finding.name, finding.facet)


@dataclass(frozen=True)
class FindingLine:
    """One finding, ready to print: `knob` is what it is about, `waiver` what somebody said to it.

    `title` is empty where the rule has none of its own.
    """

    rule: str
    title: str
    severity: str
    result: str
    knob: str
    expected: str
    actual: str
    advice: str
    origin: str
    waiver: str
    anchor: str
    plane: str = ""

    @property
    def waived(self) -> bool:
        """Whether a waiver that is in force meets it: an expired one does not."""
        return self.result == "fail" and self.waiver.startswith(f"{WAIVED} ")

    @property
    def result_words(self) -> str:
        """Say what came of it."""
        return f"{self.result} (waived)" if self.waived else self.result


@dataclass(frozen=True)
class FindingGroup:
    """The failures on one device."""

    device: str
    title: str
    lines: tuple[FindingLine, ...]


@dataclass(frozen=True)
class WaiverLine:
    """One waiver: which rule, until when, whose word, and what became of it."""

    rule: str
    state: str
    until: str
    owner: str
    reason: str
    remarks: str
    where: str


@dataclass(frozen=True)
class PolicyLine:
    """One policy that was checked against."""

    name: str
    title: str
    rules: int
    origin: str


@dataclass(frozen=True)
class CheckView:
    """A check, ready to print. Rows of `unknown` and `unchecked` name rules that share a reason."""

    title: str
    status: str
    sentence: str
    count: str
    threshold: str
    policies: tuple[PolicyLine, ...]
    groups: tuple[FindingGroup, ...]
    unknown: tuple[Row, ...]
    unchecked: tuple[Row, ...]
    waivers: tuple[WaiverLine, ...]
    passed: tuple[Row, ...]
    strangers: tuple[str, ...]
    coverage: CoverageView
    evidence: tuple[Row, ...]
    inputs: tuple[Input, ...]
    pending: tuple[Row, ...] = ()
    overrides: tuple[Row, ...] = ()
    asides: tuple[tuple[str, tuple[Row, ...]], ...] = ()

    @property
    def counts(self) -> str:
        """Count in a line what a reader must know of, who reads only the start."""
        waiting = waiting_words(self.pending, self.overrides)
        return f"{self.count}; fails from severity {self.threshold} on; {waiting}"


def check_view(result: CheckResult) -> CheckView:
    """Compute what a check shows."""
    # What `show` says of the source is said here, too; its settings are not, and cost time.
    shown = show_view(replace(result.snapshot, settings=()), ())
    titles = {device.id: device_title(device) for device in result.snapshot.devices}
    rows = result.findings
    return CheckView(
        title=f"Check of {shown.title}",
        status=result.judgement.host.status,
        sentence=visible(result.judgement.host.sentence),
        count=count_words(rows),
        threshold=result.threshold,
        policies=tuple(_policy(policy) for policy in result.policies),
        groups=tuple(_groups(rows, titles)),
        unknown=tuple(_shared(rows, _UNKNOWN)),
        unchecked=tuple(_shared(rows, _UNCHECKED)),
        waivers=tuple(_waiver(standing) for standing in result.waivers),
        passed=tuple(_passed(rows)),
        strangers=tuple(visible(titles.get(name, name)) for name in result.strangers),
        coverage=shown.coverage,
        evidence=shown.evidence,
        inputs=shown.inputs,
        pending=tuple(pending_rows(result.snapshot)),
        overrides=tuple(override_rows(result.snapshot)),
    )


def count_words(findings: Iterable[Finding]) -> str:
    """Say how many findings there are of each result.

    >>> count_words([Finding("a", "pass", "low", ""), Finding("b", "fail", "low", "")])
    '1 fail, 1 pass'
    """
    counts = Counter("waived" if is_waived(row) else row.result for row in findings)
    words = [f"{counts[word]} {word}" for word in (*RESULTS[:1], "waived", *RESULTS[1:]) if counts[word]]
    return ", ".join(words) or "nothing was evaluated"


def _policy(policy: Policy) -> PolicyLine:
    origin = f"sha256 {policy.digest[:16]}" if policy.digest else ""
    return PolicyLine(visible(policy.name), visible(policy.title), len(policy.rules), origin)


def _groups(findings: Sequence[Finding], titles: Mapping[str, str]) -> Iterator[FindingGroup]:
    """Group the failures by device, worst first; one that is waived comes after those that are not."""
    for device, rows in groupby(anchors(findings), key=lambda row: row[1].device):
        lines = tuple(_line(row, anchor) for anchor, row in rows)
        yield FindingGroup(visible(device), visible(titles.get(device, device)), lines)


def anchors(findings: Sequence[Finding]) -> Iterator[tuple[str, Finding]]:
    """Yield the failures in the order in which they are shown, each with the name of its place on a page."""
    failing = [row for row in findings if row.result in ("fail", "error")]
    taken = Counter[str]()
    for _, rows in groupby(failing, key=lambda row: row.device):
        for row in sorted(rows, key=lambda row: (is_waived(row), -SEVERITIES.index(row.severity))):
            yield _anchor(row, taken), row


def _anchor(finding: Finding, taken: Counter[str]) -> str:
    """Name the place of a finding on a page; a rule that two policies share has two places."""
    name = f"f-{mark(finding)}"
    taken[name] += 1
    return name if taken[name] == 1 else f"{name}-{taken[name]}"


def _line(finding: Finding, anchor: str) -> FindingLine:
    knob = " ".join(filter(None, [finding.plane, finding.name, f"({finding.facet})" if finding.facet else ""]))
    return FindingLine(
        rule=visible(finding.rule),
        title="" if finding.title in _obvious(finding) else visible(finding.title),
        severity=finding.severity,
        result=finding.result,
        knob=visible(knob),
        expected=visible(finding.expected),
        actual=visible(finding.actual or finding.reason),
        advice=visible(finding.advice),
        origin=visible("; ".join(filter(None, [_brief(finding.where), finding.source]))),
        waiver=visible(_waived(finding)),
        anchor=anchor,
        plane=finding.plane,
    )


def _obvious(finding: Finding) -> tuple[str, ...]:
    """Spell titles that say no more than the row does beside which they would stand."""
    return (
        title(finding.plane, finding.name, finding.expected),
        f"{finding.name} ({finding.facet}): {finding.expected}",
    )


def _brief(where: str) -> str:
    """Leave out the folders of a rule's file: the documents have them."""
    path, _, line = where.rpartition(":")
    return f"{PurePath(path).name}:{line}" if path else where


def _waived(finding: Finding) -> str:
    waived = finding.waived
    if waived is None:
        return ""
    who = f" ({waived.owner})" if waived.owner else ""
    state = WAIVED if waived.state in IN_FORCE else f"waiver {waived.state}"
    return f"{state} until {waived.expires}: {waived.reason}{who}"


def _shared(findings: Sequence[Finding], results: Collection[Result]) -> Iterator[Row]:
    """Yield a row for all rules of a device that share a result and a reason: the reason, and which rules."""
    shared: dict[tuple[str, str, str, str], list[str]] = {}
    for row in findings:
        if row.result in results:
            shared.setdefault((row.device, row.plane, row.result, row.reason), []).append(row.rule)
    for (device, plane, result, reason), rules in shared.items():
        why = f"{result}: {reason}" if len(results) > 1 else reason
        yield Row(*map(visible, (device or "-", plane, why, _some(rules))))


def _some(rules: Sequence[str]) -> str:
    more = len(rules) - _NAMED
    return ", ".join(rules[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _passed(findings: Sequence[Finding]) -> Iterator[Row]:
    counts = Counter((row.device, row.policy) for row in findings if row.result == "pass")
    for (device, policy), count in counts.items():
        yield Row(visible(device), "", visible(policy), f"{count} pass")


def _waiver(standing: Standing) -> WaiverLine:
    waiver = standing.waiver
    met = f"meets {standing.met} finding{'' if standing.met == 1 else 's'}" if standing.met else ""
    return WaiverLine(
        rule=visible(waiver.rule),
        state=standing.state,
        until=waiver.expires.isoformat(),
        owner=visible(waiver.owner),
        reason=visible(waiver.reason),
        remarks=visible("; ".join(filter(None, [met, *standing.remarks]))),
        where=visible(_brief(waiver.where)),
    )
