"""Policies against a snapshot: a finding for every rule and every device that it is meant for, and none left unsaid.

A rule passes only on what was read. Whom it is meant for may be unknown, too: then nobody can tell whether it holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sosmlx.model import Device, Finding, Result, Setting, Severity, Snapshot
from sosmlx.policy import waivers
from sosmlx.policy.answer import Answer, Asker, expected, names
from sosmlx.policy.resets import resets, waits
from sosmlx.policy.rules import Condition, Policy, Rule, Select
from sosmlx.policy.seen import Seen
from sosmlx.policy.select import YES, Fit, fits
from sosmlx.policy.tally import is_waived
from sosmlx.policy.waivers import Ruled, Standing
from sosmlx.record import HOST

IN_SCOPE = ("pf", "ecpf", "dpu-host", "dpu-nic-mode", "vf")
"""Roles of the functions that a rule means which names none, in a policy that selects nothing."""

_QUIET: tuple[Result, ...] = ("error", "unknown", "pass", "notchecked", "notapplicable")
"""What a rule comes to where none of its answers fails: the first of these that one of them is."""


@dataclass(frozen=True)
class Only:
    """What the user asked to be checked: ids of devices (None: all) and planes (empty: all)."""

    devices: Collection[str] | None = None
    planes: Collection[str] = ()

    def asks(self, rule: Rule) -> bool:
        """Whether a rule is on a plane that was asked for."""
        return not self.planes or rule.plane in self.planes


EVERYTHING = Only()


@dataclass(frozen=True)
class Check:
    """What the policies found, sorted by device and rule; `strangers` are devices that no policy is meant for."""

    findings: tuple[Finding, ...]
    waivers: tuple[Standing, ...]
    today: date
    threshold: Severity
    strangers: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many findings there are by result; failures that are waived count as `waived`."""
        return Counter("waived" if is_waived(row) else row.result for row in self.findings)


def check(
    snapshot: Snapshot, policies: Sequence[Policy], today: date, threshold: Severity = "low", only: Only = EVERYTHING
) -> Check:
    """Check a snapshot against policies. `today` is the day on which waivers are judged."""
    judge = _Judge(snapshot, only)
    ruled = [row for policy in policies for rule in policy.rules if only.asks(rule) for row in judge.rule(policy, rule)]
    ruled += _damages(snapshot)
    ruled.sort(key=lambda row: _order(row.finding))
    findings, standings = waivers.apply(ruled, policies, snapshot, today)
    strangers = tuple(sorted(device.id for device in judge.devices if device.id not in judge.met))
    return Check(findings, standings, today, threshold, strangers)


DAMAGE = ("bundle.damaged", "unparseable")
"""Evidence of bytes that were stored and cannot be used."""

INTEGRITY = "integrity"
"""The rule of no policy: what a source holds can be used. Nothing that rests on a damaged source is determined."""


def _damages(snapshot: Snapshot) -> list[Ruled]:
    """Say that nobody knows what a damaged source would have told, also where no rule asks for it."""
    found = sorted({row.text for row in snapshot.evidence if row.kind in DAMAGE})
    if not found:
        return []
    more = f"; and {len(found) - 1} more" if len(found) > 1 else ""
    finding = Finding(
        INTEGRITY, "unknown", "high", "What was stored can be used", advice="get it again from the host", device=HOST,
        expected="whole", reason=f"{found[0]}{more}", policy=f"builtin:{INTEGRITY}",
    )  # fmt: skip
    return [Ruled(finding)]


def _order(finding: Finding) -> tuple[bool, str, str, str, str, str, str]:
    host = finding.device != HOST
    return (host, finding.device, finding.rule, finding.plane, finding.name, finding.policy, finding.where)


class _Judge:
    """Goes through the devices of a snapshot with one rule after the other."""

    def __init__(self, snapshot: Snapshot, only: Only) -> None:
        self.snapshot = snapshot
        self.asker = Asker(Seen(snapshot))
        chosen = only.devices
        self.devices = [device for device in snapshot.devices if chosen is None or device.id in chosen]
        self.by_id = {device.id: device for device in self.devices}
        self.all = dict.fromkeys(self.by_id, YES)
        self.met: set[str] = set()
        self.resets = resets(snapshot.settings)
        self._fits: dict[tuple[tuple[Select, ...], str], Fit] = {}

    def rule(self, policy: Policy, rule: Rule) -> Iterator[Ruled]:
        """Yield the findings of one rule."""
        asked = _Asked(policy.name, rule, expected(rule), bool(policy.selects or rule.select))
        fitting = {device.id: self._fit(policy, rule, device) for device in self.devices} if asked.selects else self.all
        meant = [device for device in self.devices if fitting[device.id].state != "no"]
        if rule.scope == "device":
            self.met.update(device.id for device in meant)
        if not meant and (rule.scope == "device" or policy.selects):
            yield asked.finding("", asked.answer("notchecked", self._nobody(fitting)))
        elif rule.scope == "host":
            yield from self._host(asked)
        else:
            for device in meant:
                yield from self._device(asked, device, fitting)

    def _fit(self, policy: Policy, rule: Rule, device: Device) -> Fit:
        """Say whether a rule is meant for a device: by its policy's selects and by its own."""
        answers = [self._fits_one(selects, device) for selects in (policy.selects, rule.select)]
        return next((answer for state in ("no", "unread") for answer in answers if answer.state == state), YES)

    def _fits_one(self, selects: tuple[Select, ...], device: Device) -> Fit:
        key = (selects, device.id)
        if key not in self._fits:
            self._fits[key] = fits(selects, device, self.snapshot.source.host)
        return self._fits[key]

    def _nobody(self, fitting: Mapping[str, Fit]) -> str:
        if not fitting:
            return "there is no device to check"
        reasons = list(dict.fromkeys(answer.reason for answer in fitting.values()))
        more = f", and {len(reasons) - 3} other reasons" if len(reasons) > 3 else ""
        return f"it is meant for none of the devices here: {'; '.join(reasons[:3])}{more}"

    def _host(self, asked: _Asked) -> Iterator[Ruled]:
        host = Device(HOST)
        barred = self._unmet_any(asked, host)
        answers = [barred] if barred else self.asker.answers(asked.rule, host, lambda setting: False)
        silent = all(answer.result == "unknown" for answer in answers)
        if silent and not self.snapshot.is_host:
            answers = [asked.answer("notchecked", "a text does not tell of the host")]
        if barred:
            yield asked.finding(host.id, answers[0])
        else:
            yield from self._findings(asked, host, answers)

    def _device(self, asked: _Asked, device: Device, fitting: Mapping[str, Fit]) -> Iterator[Ruled]:
        barred = self._barred(asked, device, fitting)
        if barred is not None:
            yield asked.finding(device.id, barred)
            return

        def elsewhere(setting: Setting) -> bool:
            owner = self.by_id.get(setting.device)
            if owner is None or fitting[owner.id].state != "yes":
                return False
            return self._barred(asked, owner, fitting) is None

        answers = self.asker.answers(asked.rule, device, elsewhere)
        fit = fitting[device.id]
        if fit.state == "unread" and any(answer.result != "notapplicable" for answer in answers):
            reason = f"whether it is meant for this device cannot be told: {fit.reason}"
            yield asked.finding(device.id, asked.answer("unknown", reason))
        else:
            yield from self._findings(asked, device, answers)

    def _barred(self, asked: _Asked, device: Device, fitting: Mapping[str, Fit]) -> Answer | None:
        """Say why a rule does not apply to a device, by its role, its link or a condition; None where it does."""
        rule = asked.rule
        if rule.roles and device.role not in rule.roles:
            return asked.answer("notapplicable", f"a function of role {device.role}")
        named = rule.roles or (asked.selects and fitting[device.id].state == "yes")
        if not named and self.snapshot.is_host and device.role not in IN_SCOPE:
            return asked.answer("notapplicable", f"a function of role {device.role} is not in scope")
        if rule.link:
            link = self.asker.seen.link(device.id)
            if not link:
                return asked.answer("unknown", "nothing tells which kind of link it has")
            if link != rule.link:
                return asked.answer("notapplicable", f"its link is {link}")
        return self._unmet_any(asked, device)

    def _unmet_any(self, asked: _Asked, device: Device) -> Answer | None:
        return next(filter(None, (self._unmet(asked, condition, device) for condition in asked.rule.when)), None)

    def _unmet(self, asked: _Asked, condition: Condition, device: Device) -> Answer | None:
        """Say why a condition keeps a rule from a device; None where it holds."""
        answer = self.asker.condition(condition, device)
        if asked.rule.uncollected and answer.facet is None:
            return asked.answer("notchecked", asked.rule.uncollected)
        if answer.result == "pass":
            return None
        about = f"{condition.plane} {condition.name}"
        if answer.result == "unknown":
            return asked.answer("unknown", f"whether it applies cannot be told: {about}: {answer.reason}")
        wanted = expected(Rule("", condition.plane, condition.name, condition.operator, condition.operand))
        return asked.answer("notapplicable", f"it applies only where {about} is {wanted}")

    def _findings(self, asked: _Asked, device: Device, answers: Sequence[Answer]) -> Iterator[Ruled]:
        """Fold the answers of one rule: each failure is a finding, and else the rule comes to one result."""
        rule = asked.rule
        if rule.uncollected:
            answers = [answer for answer in answers if answer.facet is not None]
            if not answers:
                yield asked.finding(device.id, asked.answer("notchecked", rule.uncollected))
                return
        failing = [answer for answer in answers if answer.result == "fail"]
        if failing:
            advice = self.resets.get(device.id, "") if waits(rule) else ""
            yield from (asked.finding(device.id, answer, advice) for answer in failing)
            return
        closed = rule.channel and device.id != HOST and not _open(rule.channel, device)
        if closed and all(answer.facet is None for answer in answers):
            reason = f"it has no {rule.channel} device to be asked through"
            yield asked.finding(device.id, asked.answer("notchecked", reason))
            return
        trouble = self.asker.rests(rule, device) if rule.rests_on else ""
        if trouble:
            answers = [*answers, asked.answer("unknown", trouble)]
        yield asked.finding(device.id, answers[0] if len(answers) == 1 else _folded(rule, answers))


class _Asked(NamedTuple):
    """A rule of a policy, and what is the same in all of its findings."""

    policy: str
    rule: Rule
    expected: str
    selects: bool

    def answer(self, result: Result, reason: str) -> Answer:
        """Answer for the rule as a whole."""
        return Answer(result, self.rule.name, reason=reason)

    def finding(self, device: str, answer: Answer, more: str = "") -> Ruled:
        """Make a finding of an answer; `more` is what there is to advise about this device."""
        rule = self.rule
        found = Finding(
            rule=rule.id, result=answer.result, severity=rule.severity,
            title=rule.title or title(rule.plane, answer.name, self.expected),
            advice="; ".join(filter(None, (rule.advice, more))), device=device, plane=rule.plane, name=answer.name,
            facet=answer.view or rule.facet, expected=self.expected, actual=answer.actual, reason=answer.reason,
            policy=self.policy, where=rule.where,
            source=rule.source if rule.verified else f"{rule.source} (not verified)".strip(),
        )  # fmt: skip
        return Ruled(found, answer.facet)


def title(plane: str, name: str, asked: str) -> str:
    """Make the title of a rule that has none: what it asks of which setting.

    >>> title("nvconfig", "NUM_OF_VFS", "8")
    'nvconfig NUM_OF_VFS: 8'
    """
    return f"{plane} {name}: {asked}".strip()


def _open(channel: str, device: Device) -> bool:
    return channel in device.channels or (channel == "fwctl" and bool(device.fwctl))


def _folded(rule: Rule, answers: Sequence[Answer]) -> Answer:
    """Make one answer of several, none of which fails; a reason that they share is said once, without a name."""
    met = {answer.result for answer in answers}
    result = next((word for word in _QUIET if word in met), _QUIET[-1])
    same = [answer for answer in answers if answer.result == result]
    if len(same) == 1:
        return same[0]
    told = {answer.reason: answer.name for answer in same if answer.reason}
    reasons = [reason if len(told) == 1 else f"{name}: {reason}" for reason, name in told.items()]
    reason = "; ".join(reasons[:3]) + (f"; and {len(reasons) - 3} more" if len(reasons) > 3 else "")
    return Answer(result, ", ".join(names(rule)), f"{len(same)} settings", reason)
