"""How one rule is answered of one device (or of the host): holds, fails, or cannot be told, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple, cast

from sosmlx.model import PLANES, SEVERITIES, Device, Facet, Plane, Result, Setting, Value, known
from sosmlx.parsers.values import untold
from sosmlx.policy import seen as see
from sosmlx.policy.operators import OPERATORS, shown
from sosmlx.policy.rules import Condition, Operand, Other, Rule
from sosmlx.policy.seen import Missing, Seen, outcome_words
from sosmlx.record import HOST

NATURAL = {"nvconfig": ("next", "current"), "firmware": ("running", "current")}
"""Facets that a rule means which names none, by plane: the first that a setting has."""

_ANSWERED = ("collected", "unsupported", "absent")
"""Outcomes of a read after which a rule that rests on it can be judged."""


class Answer(NamedTuple):
    """What a rule meets in one setting: the result, the name and facet it is about, what is there, and why."""

    result: Result
    name: str
    actual: str = ""
    reason: str = ""
    facet: Facet | None = None
    view: str = ""


class Asker:
    """Puts rules to one snapshot. `elsewhere` tells whether a setting that is shared is judged with its owner."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    def answers(self, rule: Rule, device: Device, elsewhere: Callable[[Setting], bool]) -> list[Answer]:
        """Answer a rule of a device: one answer per setting (or piece of evidence, or fact) that it names."""
        if rule.kind == "evidence":
            return list(self._evidence(rule, device))
        if rule.kind == "fact":
            return [self._fact(rule, device)]
        return [answer for name in names(rule) for answer in self._named(rule, name, device, elsewhere)]

    def condition(self, condition: Condition, device: Device) -> Answer:
        """Say whether a condition holds: `pass`, `fail`, or `unknown` with the reason."""
        rule = Rule(
            "", condition.plane, condition.name, condition.operator, condition.operand, condition.facet,
            condition.cmode, glob=condition.glob, scope=condition.scope,
        )  # fmt: skip
        about = Device(HOST) if condition.scope == "host" else device
        found = self.answers(rule, about, lambda setting: False)
        for result in ("pass", "unknown"):
            for answer in found:
                if answer.result == result:
                    return answer
        return found[0] if found else Answer("fail", condition.name)

    def rests(self, rule: Rule, device: Device) -> str:
        """Say which of the reads that a rule rests on gave nothing; empty where all of them did."""
        subjects = (HOST,) if device.id == HOST else (device.id, HOST)
        for kind in rule.rests_on:
            rows = [row for subject in subjects for row in self.seen.reads(subject) if row.kind == kind]
            if not rows:
                return f"nothing read it ({kind})"
            troubled = [row for row in rows if row.outcome not in _ANSWERED]
            if not troubled and not any(row.outcome == "collected" for row in rows):
                troubled = [row for row in rows if row.outcome == "absent"]
            if troubled:
                return outcome_words(troubled[0])
        return ""

    def _named(self, rule: Rule, name: str, device: Device, elsewhere: Callable[[Setting], bool]) -> Iterator[Answer]:
        """Answer for the settings of one name, or pattern."""
        found = self.seen.settings(device.id, rule.plane, name, rule.cmode, rule.glob)
        for setting in found:
            if setting.device != device.id and elsewhere(setting):
                reason = f"one setting of the {setting.shared}, judged with {setting.device}"
                yield Answer("notapplicable", setting.name, reason=reason)
            else:
                yield self._setting(rule, setting, device)
        if not found:
            yield self._missing(rule, name, device)
        elif rule.glob and (gap := self._gap(rule, name, device)):
            yield Answer("unknown", name, reason=gap)

    def _setting(self, rule: Rule, setting: Setting, device: Device) -> Answer:
        view = _view(rule, setting)
        facet = setting.facet(view)
        if facet is None:
            return Answer("unknown", setting.name, reason=f"the {view!r} view is not shown", view=view)
        operator = OPERATORS[rule.operator]
        if operator.relation:
            return self._relation(rule, setting, view, device)
        if facet.reason:
            return Answer("unknown", setting.name, facet.raw, facet.reason, facet, view)
        return Answer(_result(operator.holds(facet, rule.operand)), setting.name, _plain(facet), "", facet, view)

    def _relation(self, rule: Rule, setting: Setting, view: str, device: Device) -> Answer:
        """Answer a rule that compares a value with another one: of this setting, of this device, or of its peers."""
        mine = setting.facet(view) or Facet(None)
        if untold(mine):
            return Answer("unknown", setting.name, mine.raw, mine.reason, mine, view)
        if rule.operator == "same_per":
            return self._peers(rule, setting, view, device)
        other = rule.other
        if other is None:
            return Answer("error", setting.name, reason=f"{rule.operator} names no other setting")
        where = other.plane or rule.plane
        theirs_name = setting.name if other.name == rule.name else other.name
        found = self.seen.settings(device.id, where, theirs_name, other.cmode)
        if not found:
            missing = self.seen.missing(device.id, _plane(where), other.name)
            result: Result = "notapplicable" if missing.state == see.NOT_HERE else "unknown"
            return Answer(result, setting.name, _plain(mine), f"{where} {other.name}: {missing.reason}", mine, view)
        name = other.facet or _view(Rule("", where), found[0])
        theirs = found[0].facet(name)
        words = name if found[0].key[1:] == setting.key[1:] else f"{where} {other.name}"
        if theirs is None or untold(theirs):
            reason = theirs.reason if theirs else f"the {name!r} view is not shown"
            return Answer("unknown", setting.name, _plain(mine), f"{words}: {reason}", mine, view)
        holds = OPERATORS[rule.operator].holds(mine, theirs)
        return Answer(_result(holds), setting.name, f"{_plain(mine)} ({words}: {_plain(theirs)})", "", mine, view)

    def _peers(self, rule: Rule, setting: Setting, view: str, device: Device) -> Answer:
        """Answer whether all devices of a group have one value; where they differ, the rule fails on each of them."""
        group, mine = str(rule.operand), setting.facet(view) or Facet(None)
        key = getattr(device, group)
        if not key:
            return Answer("unknown", setting.name, _plain(mine), f"{group} was not read", mine, view)
        peers = [
            other for other in self.seen.snapshot.devices
            if other.id != device.id and other.role == device.role and getattr(other, group) == key
        ]  # fmt: skip
        if not peers:
            return Answer("notapplicable", setting.name, _plain(mine), f"no other device has this {group}", mine, view)
        words: dict[str, str] = {}
        for peer in peers:
            found = self.seen.settings(peer.id, setting.plane, setting.name, setting.cmode)
            theirs = found[0].facet(view) if found else None
            if theirs is None or untold(theirs):
                reason = theirs.reason if theirs else self.seen.missing(peer.id, setting.plane, setting.name).reason
                return Answer("unknown", setting.name, _plain(mine), f"{peer.id}: {reason}", mine, view)
            if not OPERATORS["same_per"].holds(mine, theirs):
                words[peer.id] = _plain(theirs)
        actual = "; ".join([_plain(mine), *(f"{peer}: {value}" for peer, value in words.items())])
        return Answer(_result(not words), setting.name, actual, "", mine, view)

    def _gap(self, rule: Rule, name: str, device: Device) -> str:
        """Say why not all settings that match a pattern can be seen; empty where they can."""
        if rule.rests_on:
            return self.rests(rule, device)
        return self.seen.gap(device.id, _plane(rule.plane), name)

    def _missing(self, rule: Rule, name: str, device: Device) -> Answer:
        """Answer for a knob that is not there."""
        missing = self._why_missing(rule, name, device)
        if missing.state == see.NOT_HERE:
            return Answer("notapplicable", name, reason=missing.reason)
        if missing.state == see.UNREAD:
            return Answer("unknown", name, reason=missing.reason)
        holds = OPERATORS[rule.operator].holds(None, rule.operand)
        if rule.glob and not holds and rule.operator != "present":
            return Answer("notapplicable", name, reason="no such setting is there")
        return Answer(_result(holds), name, "not there")

    def _why_missing(self, rule: Rule, name: str, device: Device) -> Missing:
        if rule.rests_on:
            trouble = self.rests(rule, device)
            return Missing(see.UNREAD, trouble) if trouble else Missing(see.GONE, "")
        if not rule.glob:
            return self.seen.missing(device.id, _plane(rule.plane), name)
        unseen = self.seen.unseen(device.id, rule.plane)
        gap = self.seen.gap(device.id, _plane(rule.plane), name)
        if unseen is not None or gap:
            return unseen or Missing(see.UNREAD, gap)
        if not self.seen.snapshot.is_host and rule.operator in ("absent", "present"):
            return Missing(see.UNREAD, "this text does not hold it")
        return Missing(see.GONE, "")

    def _evidence(self, rule: Rule, device: Device) -> Iterator[Answer]:
        """Answer a rule on what was observed: evidence of these kinds, at least that severe."""
        notes = self.seen.snapshot.evidence if rule.scope == "host" else self.seen.evidence(device.id)
        severe = SEVERITIES[SEVERITIES.index(rule.least) :]
        for name in names(rule):
            met = [
                note for note in notes
                if note.severity in severe and (fnmatchcase(note.kind, name) if rule.glob else note.kind == name)
            ]  # fmt: skip
            found = Facet("; ".join(dict.fromkeys(note.text for note in met))) if met else None
            holds = OPERATORS[rule.operator].holds(found, rule.operand)
            if found is None and (trouble := self._unobserved(rule, device)):
                yield Answer("unknown", name, reason=trouble)
            else:
                yield Answer(_result(holds), name, _plain(found) if found else "nothing of the kind", "", found)

    def _unobserved(self, rule: Rule, device: Device) -> str:
        """Say why evidence that is not there may have been; empty where everything that would show it was read."""
        if rule.rests_on:
            return self.rests(rule, device)
        plane = rule.plane or "kernel"
        unseen = self.seen.unseen(HOST if plane in ("kernel", "module") else device.id, plane)
        return unseen.reason if unseen is not None else ""

    def _fact(self, rule: Rule, device: Device) -> Answer:
        """Answer a rule on a fact of the device or of the host; one that is empty was not read."""
        values = self.seen.snapshot.host if device.id == HOST else vars(device)
        value = cast("Value", values.get(rule.name))
        if value in ("", (), None):
            return Answer("unknown", rule.name, reason=f"{rule.name} was not read")
        facet = Facet(value, value if isinstance(value, str) else "")
        return Answer(_result(OPERATORS[rule.operator].holds(facet, rule.operand)), rule.name, _plain(facet), "", facet)


def names(rule: Rule) -> Sequence[str]:
    """List the names that a rule speaks of."""
    return rule.names or (rule.name,)


def expected(rule: Rule) -> str:
    """Say what a rule asks for."""
    operand: Operand = rule.operand
    other = rule.other
    if rule.operator in ("equals_name", "at_most_name") and other is not None:
        operand = Other(other.plane or rule.plane, other.name, other.cmode, other.facet)
    return OPERATORS[rule.operator].expected(operand)


def _view(rule: Rule, setting: Setting) -> str:
    if rule.facet:
        return rule.facet
    natural = NATURAL.get(rule.plane, ("current",))
    return next((name for name in natural if setting.facet(name) is not None), natural[-1])


def _plane(word: str) -> Plane:
    return next(plane for plane in PLANES if plane == word)


def _plain(facet: Facet) -> str:
    """Spell a value as the tool did, or else plainly; a reason stands for a value that is not there."""
    if not known(facet):
        return f"{facet.raw} ({facet.reason})".strip()
    return facet.raw or shown(facet.value)


def _result(holds: bool) -> Result:
    return "pass" if holds else "fail"
