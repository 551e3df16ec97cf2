"""Baselines: a policy made of what one snapshot shows, or of what many have in common, and the TOML that says so.

The same snapshots give the same bytes, in whatever order they come; what a baseline does not ask for, it names.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import tomli_w

from sosmlx import __version__
from sosmlx.errors import InputError
from sosmlx.model import Facet, Severity, Snapshot, Value
from sosmlx.policy.consensus import ANY, HOSTS, Electorate, Member, Scope, Votes, electorate, facets, knobs, votes
from sosmlx.policy.document import MAX_BYTES, digest_of
from sosmlx.policy.knobs import Knob
from sosmlx.policy.operators import OPERATORS
from sosmlx.policy.places import MAX_TEXT
from sosmlx.policy.portable import written
from sosmlx.policy.rules import SCHEMA, Operand, Policy, Rule, Select
from sosmlx.policy.tables import title
from sosmlx.printable import visible

MAX_VALUES = 4
"""A knob that has more values than this on devices of one kind is nothing that a baseline can ask for."""

SEVERITY: Severity = "medium"
_SHOWN = 20
"""So many of the things left out are named in comments; all of them are under [provenance]."""

_PLAIN = re.compile(r"[A-Za-z0-9_.@\[\]-]{1,120}\Z")
_PARAMETER = re.compile(r"[A-Z0-9_]+(?:\[[0-9]+\])?\Z")


def consensus(snapshots: Sequence[Snapshot], created: str = "", named: str = "") -> Policy:
    """Make a baseline of what the devices of one PSID and role have in common, over all snapshots.

    `created` (a date, as text) is part of the provenance where it is given: this function looks at no clock; `named` is
    the title. Raises InputError where nothing is left to ask for.
    """
    policy = _policy(snapshots, created, named)
    if not policy.rules:
        said = [*_texts(policy.provenance, "unread"), *_texts(policy.provenance, "left_out")]
        raise InputError(
            "there is nothing that a baseline could ask for: no configured value was read",
            "; ".join(visible(words) for words in said[:3]),
        )
    return policy


def of_snapshot(snapshot: Snapshot) -> Policy:
    """Take a snapshot itself for a baseline; without a rule where it holds nothing to ask for."""
    policy = _policy((snapshot,), "", "")
    return Policy(
        snapshot.source.path, policy.title, policy.selects, policy.rules,
        digest=policy.digest, provenance=policy.provenance,
    )  # fmt: skip


def _policy(snapshots: Sequence[Snapshot], created: str, named: str) -> Policy:
    voters = electorate(snapshots)
    scopes = sorted(voters.scopes)
    made = [_made(scope, voters.scopes[scope]) for scope in scopes]
    selects = {scope: _select(scope, voters.scopes) for scope in scopes if scope not in (ANY, HOSTS)}
    several = len(selects) > 1
    rules = tuple(
        _chosen(rule, selects[scope]) if several and scope in selects else rule
        for scope, part in zip(scopes, made)
        for rule in part.rules
    )
    left = sorted({*voters.left_out, *(words for part in made for words in part.left_out)})
    provenance = _provenance(snapshots, voters, created)
    provenance |= {"unread": _unread(snapshots, voters), "left_out": left}
    heading = visible(named) or _title(scopes)
    digest = digest_of(heading, tuple(selects.values()), rules)
    provenance["digest"] = digest
    return Policy(
        "baseline", heading, tuple(selects.values()), rules, digest=digest,
        provenance={name: value for name, value in provenance.items() if value not in ("", [])},
    )  # fmt: skip


class _Made(NamedTuple):
    rules: list[Rule]
    left_out: list[str]


def _made(scope: Scope, members: Sequence[Member]) -> _Made:
    """Make the rules of one scope, and say of each knob that gives none why that is so."""
    asked, left = knobs(members)
    made = _Made([], [_words(scope, knob, reason) for knob, reason in left])
    for knob in asked:
        names = facets(members, knob) if _nameable(knob[1]) else ()
        if not _nameable(knob[1]):
            made.left_out.append(_words(scope, knob, "no document can say its name"))
        elif not names:
            made.left_out.append(_words(scope, knob, "no facet of it is shown by all sources"))
        for name in names:
            found = votes(members, knob, name)
            reason = refusal(found, len(members))
            asks = None if reason else _asks([facet for facet, _ in found.groups])
            if asks is None:
                made.left_out.append(_words(scope, knob, reason or "no document can say its value"))
            else:
                made.rules.append(_rule(scope, knob, name, *asks))
    return made


def _nameable(name: str) -> bool:
    return bool(name.strip()) and len(name) <= MAX_TEXT and written(name)


def refusal(found: Votes, members: int) -> str:
    """Say why these votes make no rule; empty where they make one."""
    if not found.groups:
        return f"no value ({'; '.join(found.reasons)})" if found.reasons else "no value"
    if found.lacking:
        return f"not on {len(found.lacking)} of {members} devices"
    if found.empty:
        return f"no value on {len(found.empty)} of {members} devices ({'; '.join(found.reasons)})"
    if len(found.groups) > MAX_VALUES:
        return f"{len(found.groups)} different values"
    return ""


def _asks(values: Sequence[Facet]) -> tuple[str, Operand] | None:
    """Find the operator and operand that hold for all these values, and for no other; None where there are none."""
    spelled = [spelling(value) for value in values]
    if not all(spelled):
        return None
    ways = [way for found in spelled for way in found]
    if len(ways) == 1:
        return "equals", ways[0]
    return "one_of", tuple(sorted(ways, key=_order))


def _order(way: Value) -> tuple[str, int, str]:
    return (type(way).__name__, way if isinstance(way, int) else 0, repr(way))


def spelling(facet: Facet) -> list[Value]:
    """Spell a value so that a policy that asks for it holds of it; empty where no document can.

    An enumerated value keeps its word and its number: it then holds against either.

    >>> spelling(Facet(2, "ETH(2)", "ETH")), spelling(Facet(True, "True(1)")), spelling(Facet((1, None), "[1, null]"))
    (['ETH(2)'], [True], [])
    """
    labelled = isinstance(facet.value, int) and not isinstance(facet.value, bool) and bool(facet.label)
    ways: list[Value] = [f"{facet.label}({facet.value})"] if labelled else []
    ways += [facet.value] if isinstance(facet.value, tuple) else [facet.value, facet.raw or None]
    return [way for way in ways if written(way) and OPERATORS["equals"].holds(facet, way)][:1]


def _rule(scope: Scope, knob: Knob, facet: str, operator: str, asked: Operand) -> Rule:
    plane, name, cmode = knob
    rule = Rule(
        id=rule_id(scope, knob, facet if plane == "firmware" else ""),
        plane=plane,
        name=name,
        names=(name,),
        operator=operator,
        operand=asked,
        facet=facet,
        cmode=cmode if plane == "devlink" else "",
        severity=SEVERITY,
        advice=_advice(knob, operator, asked),
        scope="host" if scope == HOSTS else "device",
    )
    return replace(rule, title=title(rule))


def rule_id(scope: Scope, knob: Knob, facet: str = "") -> str:
    """Name a rule by what it asks and of whom, so that a waiver keeps its meaning when the baseline is made again.

    A name that has characters which an id cannot have is told from others by a digest.

    >>> rule_id(Scope("MT_0000000359", "pf"), ("nvconfig", "NUM_OF_VFS", "permanent"))
    'MT_0000000359.pf.nvconfig.NUM_OF_VFS'
    """
    plane, name, cmode = knob
    parts = (*scope[:2], scope.part, plane, name, cmode if plane == "devlink" else "", facet)
    words = ".".join(part for part in parts if part)
    if _PLAIN.match(words):
        return words
    mark = hashlib.sha256("\x1f".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9_.]+', '-', words)[:100].strip('-')}-{mark}"


def _advice(knob: Knob, operator: str, asked: Operand) -> str:
    """Say how to set a flash parameter; only words that are harmless in a shell are put into a command."""
    plane, name, _ = knob
    if plane != "nvconfig" or operator != "equals" or not _PARAMETER.match(name):
        return ""
    number = re.search(r"\((-?[0-9]+)\)\Z", asked) if isinstance(asked, str) else None
    if isinstance(asked, (bool, int)):
        value = str(int(asked))
    elif number:
        value = number[1]
    else:
        return ""
    return f"mlxconfig -d DEVICE set {name}={value}, then a reset"


def _select(scope: Scope, scopes: Mapping[Scope, Sequence[Member]]) -> Select:
    """Select by PSID and role; a text that names no role is only assumed to speak of a physical function."""
    if not scope.psid:
        return Select(part_number=(scope.part,))
    alone = sum(other.psid == scope.psid for other in scopes) == 1
    assumed = alone and scope.role == "pf" and all(member.pasted for member in scopes[scope])
    return Select(psid=(scope.psid,), role=() if assumed else (scope.role,))


def _chosen(rule: Rule, select: Select) -> Rule:
    return replace(rule, select=(select,))


def _words(scope: Scope, knob: Knob, reason: str) -> str:
    plane, name, cmode = knob
    mode = f" ({cmode})" if plane == "devlink" and cmode else ""
    return visible(f"{plane}/{name}{mode}{f' of {scope}' if str(scope) else ''}: {reason}")


def _title(scopes: Iterable[Scope]) -> str:
    """Name a baseline by whom it is for, and not by where it comes from: what asks for the same has one digest."""
    whom = sorted({str(scope) for scope in scopes if scope not in (ANY, HOSTS)})
    more = f" and {len(whom) - 3} more" if len(whom) > 3 else ""
    return visible(f"Baseline for {', '.join(whom[:3])}{more}" if whom else "Baseline")


def _base(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _provenance(snapshots: Sequence[Snapshot], voters: Electorate, created: str) -> dict[str, object]:
    sources = [snapshot.source for snapshot in snapshots]
    members = [member for scope, found in voters.scopes.items() if scope != HOSTS for member in found]
    return {
        "tool": f"sosmlx {__version__}",
        "created": visible(created),
        "sources": sorted({visible(_base(source.path)) for source in sources}),
        "hosts": len({source.host for source in sources if source.host}),
        "devices": len(members),
        "collected": sorted({visible(source.collected) for source in sources if source.collected}),
        "firmware": sorted({visible(member.running) for member in members if member.running}),
    }


def _unread(snapshots: Iterable[Snapshot], voters: Electorate) -> list[str]:
    """Name the planes that were not read completely of devices that were asked: there the baseline asks for little."""
    asked = {(member.host, member.device) for found in voters.scopes.values() for member in found}
    return sorted(
        {
            visible(f"{row.plane} of {snapshot.source.host}{'/' if snapshot.source.host else ''}{row.device}: "
                    f"{row.reason or row.status}")
            for snapshot in snapshots
            for row in snapshot.coverage
            if row.status in ("partial", "unknown") and (snapshot.source.host, row.device) in asked
        }
    )  # fmt: skip


def to_toml(policy: Policy) -> str:
    """Write a baseline as a `sosmlx.policy/1` document, with comments that say what it leaves out.

    Raises InputError where it would be too large to be read again.
    """
    document: dict[str, object] = {"schema": SCHEMA, "title": policy.title}
    selects = [_select_table(select) for select in policy.selects]
    if selects:
        document["select"] = selects
    document["provenance"] = dict(policy.provenance)
    document["rule"] = [_rule_table(rule) for rule in policy.rules]
    text = "".join(f"# {line}\n" for line in _comments(policy)) + "\n" + tomli_w.dumps(document)
    if len(text.encode()) > MAX_BYTES:
        raise InputError(
            f"the baseline would have {len(policy.rules)} rules, and more than the {MAX_BYTES >> 20} MiB of a policy",
            "make several baselines, each of sources with the same kinds of adapters",
        )
    return text


def _comments(policy: Policy) -> list[str]:
    """Say in a few lines what the document is, and what it does not ask for."""
    lines = ["What the devices that this baseline was made of have in common. What it does not ask for:"]
    unread = _texts(policy.provenance, "unread")
    lines += [f"  not read: {visible(words)}" for words in unread[:_SHOWN]]
    left = _texts(policy.provenance, "left_out")
    reasons = Counter(visible(words.partition(": ")[2]) for words in left)
    counted = [f"  {count} setting{'s' if count > 1 else ''}: {why}" for why, count in sorted(reasons.items())]
    lines += counted[:_SHOWN]
    if not unread and not left:
        lines[-1:] = ["What the devices that this baseline was made of have in common; nothing was left out."]
    elif left:
        lines.append("Each is named under [provenance], left_out.")
    return lines


def _texts(provenance: Mapping[str, object], name: str) -> list[str]:
    found = provenance.get(name, ())
    return [str(item) for item in found] if isinstance(found, (list, tuple)) else []


def _select_table(select: Select) -> dict[str, object]:
    table: dict[str, object] = {}
    for name, value in vars(select).items():
        if value and name != "where":
            table[name] = value if isinstance(value, str) or len(value) > 1 else value[0]
    return table | _literal(*select.psid, *select.part_number)


def _literal(*words: str) -> dict[str, object]:
    """Say that a word that looks like a pattern is none."""
    return {"glob": False} if any("*" in word or "?" in word for word in words) else {}


def _rule_table(rule: Rule) -> dict[str, object]:
    table: dict[str, object] = {"id": rule.id, "plane": rule.plane, "name": rule.name}
    table |= _literal(rule.name)
    optional = {"cmode": rule.cmode, "scope": rule.scope if rule.scope == "host" else "", "facet": rule.facet}
    table.update({name: value for name, value in optional.items() if value})
    table[rule.operator] = _plain(rule.operand)
    table["severity"] = rule.severity
    table.update({"advice": rule.advice} if rule.advice else {})
    chosen = [_select_table(select) for select in rule.select]
    table.update({"select": chosen} if chosen else {})
    return table


def _plain(value: object) -> object:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
