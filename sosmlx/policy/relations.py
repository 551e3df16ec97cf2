"""Baselines without a file: the factory view, what waits for a reset, and what most devices of one kind have.

They are policies made from the snapshot that is checked: a relation of its own values, or a vote of its own devices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sosmlx.model import Snapshot
from sosmlx.policy.baseline import rule_id, spelling
from sosmlx.policy.consensus import ASKED, Member, Scope, Votes, facets, knobs, member, votes
from sosmlx.policy.document import digest_of
from sosmlx.policy.knobs import Knob, rows
from sosmlx.policy.rules import Policy, Rule, Select
from sosmlx.printable import visible

_RESET = "a reset of the adapter or a power cycle"


def factory(snapshot: Snapshot) -> Policy:
    """Ask that every flash parameter has its default: the factory view of this PSID, firmware and OEM layer."""
    rule = Rule(
        id="factory",
        plane="nvconfig",
        name="*",
        names=("*",),
        glob=True,
        facet="current",
        operator="equals_facet",
        operand="default",
        against="default",
        severity="low",
        title="a flash parameter is at its default",
        advice="mlxconfig -d DEVICE reset, then a reset of the adapter, brings back the defaults",
        rationale="what differs from the default was set by somebody; that is no fault",
    )
    return _policy("factory", "Factory defaults", [rule])


def pending(snapshot: Snapshot) -> Policy:
    """Ask that nothing waits for a reset: flash `next` is `current`, and the firmware that is stored runs.

    A text is asked only for what it could hold.
    """
    held = {row.plane for row in snapshot.settings if row.plane == "nvconfig" or row.name == _VERSION}
    asked = [
        _relation("nv-pending", "nvconfig", "*", ("next", "current"), "a flash parameter waits for no reset"),
        _relation("fw-pending", "firmware", _VERSION, ("stored", "running"), "the firmware in flash runs"),
    ]
    if not snapshot.is_host and held:
        asked = [rule for rule in asked if rule.plane in held]
    return _policy("pending", "Nothing waits for a reset", asked)


_VERSION = "fw.version"


def _relation(name: str, plane: str, asked: str, views: tuple[str, str], title: str) -> Rule:
    facet, against = views
    return Rule(
        id=name, plane=plane, name=asked, names=(asked,), glob="*" in asked, facet=facet, operator="equals_facet",
        operand=against, against=against, severity="medium", title=title, advice=_RESET,
        source="mlxconfig(1): Next Boot and Current; Documentation/networking/devlink/mlx5.rst: fw.version",
    )  # fmt: skip


def peers(snapshot: Snapshot, others: Iterable[Snapshot] = ()) -> Policy:
    """Ask that devices of one PSID and role have what most of them have, over this snapshot and others.

    Two that differ have no majority, nor has a device without others of its kind: such a rule is `notchecked`, and
    says why. A setting that functions of one ASIC share has one vote.
    """
    found: dict[Scope, list[Member]] = {}
    mine: list[Member] = []
    for each in (snapshot, *others):
        own = rows(each)
        for device in each.devices:
            if device.role not in ASKED:
                continue
            voter = member(each, device.id, own[device.id])
            kind = device.psid or device.part_number or device.model
            found.setdefault(Scope(kind, device.role), []).append(voter)
            if each is snapshot:
                mine.append(voter)
    asked = [rule for scope in sorted(found) for rule in _Ballot(scope, found[scope], mine).rules()]
    return _policy("peers", "Devices of one kind agree", asked)


class _Ballot:
    """The votes of the devices of one kind; `mine` are those of the snapshot that is checked."""

    def __init__(self, scope: Scope, members: Sequence[Member], mine: Sequence[Member]) -> None:
        self.members = members
        self._scope = scope
        self._mine = mine
        self._whom = f"devices of {scope}"

    def rules(self) -> Iterator[Rule]:
        """Yield a rule for every knob that at least two devices have, or one, for a device that is alone."""
        if len(self.members) < 2 or not self._scope.psid:
            known = bool(self._scope.psid)
            reason = "no other device of its kind was seen" if known else "nothing tells which devices are of its kind"
            name = ".".join(filter(None, ("peers", self._scope.psid, self._scope.role, "alone")))
            yield from self._undecided(name, ("", "peers", ""), self.members, reason)
            return
        for knob in knobs(self.members)[0]:
            electors = [voter for voter in self.members if _owns(voter, knob)]
            for facet in facets(electors, knob):
                yield from self._rule(knob, facet, votes(electors, knob, facet))

    def _rule(self, knob: Knob, facet: str, found: Votes) -> Iterator[Rule]:
        """Yield the rule of one knob: what most have, or that nobody can tell."""
        name = f"peers.{rule_id(self._scope, knob, facet if knob[0] == 'firmware' else '')}"
        voters = [voter for _, members in found.groups for voter in members]
        asked = [*voters, *found.silent]
        if not voters or len(asked) < 2:
            return  # what nobody else has is no vote
        value, most = found.groups[0]
        spelled = spelling(value)
        if len(voters) == 1:
            reason = f"of the other {self._whom} it was not read"
        elif len(most) * 2 <= len(voters):
            reason = f"{len(voters)} {self._whom}, and no value that most of them have"
        else:
            reason = "" if spelled else "no rule can say the value that most have"
        if reason:
            yield from self._undecided(name, knob, asked, reason)
            return
        for select in self._select(asked):
            yield Rule(
                id=name, plane=knob[0], name=knob[1], names=(knob[1],), cmode=knob[2] if knob[0] == "devlink" else "",
                facet=facet, operand=spelled[0], severity="low", select=(select,),
                title=visible(f"{knob[1]} as on {len(most)} of {len(voters)} {self._whom}"),
                rationale="devices of one kind are mostly meant to be set up alike",
            )  # fmt: skip

    def _undecided(self, name: str, knob: Knob, asked: Sequence[Member], reason: str) -> Iterator[Rule]:
        """Yield a rule that stays unchecked, and says why; there never is evidence of that kind."""
        for select in self._select(asked):
            yield Rule(
                id=name, plane=knob[0], name=knob[1], names=(knob[1],), kind="evidence", operator="absent",
                operand=True, severity="low", uncollected=visible(reason), select=(select,),
                title=visible(f"{knob[1]} as on most devices of the kind"),
            )  # fmt: skip

    def _select(self, asked: Sequence[Member]) -> list[Select]:
        """Select those of the devices that the snapshot that is checked holds; empty where it holds none of them."""
        names = sorted(voter.device for voter in asked if any(voter is own for own in self._mine))
        return [Select(device=tuple(names))] if names else []


def _owns(voter: Member, knob: Knob) -> bool:
    """Whether a device speaks for itself on a knob: what functions of one ASIC share is told by one of them."""
    setting = voter.rows.get(knob)
    return setting is None or setting.device == voter.device


def _policy(name: str, title: str, rules: Sequence[Rule]) -> Policy:
    return Policy(name, title, (), tuple(rules), digest=digest_of(title, (), rules))
