"""The tables of a policy as nouns: `[[select]]`, `[[rule]]` with its conditions, `[[waiver]]`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import cast

from sosmlx.model import FACETS, PLANES, SEVERITIES, Device, Severity, Value
from sosmlx.policy import versions
from sosmlx.policy.operators import OPERATORS
from sosmlx.policy.places import Places, Problems, Row, meant
from sosmlx.policy.rules import (
    KINDS,
    LINKS,
    ROLES,
    SCOPES,
    Condition,
    Kind,
    Link,
    Operand,
    Other,
    Rule,
    Scope,
    Select,
    Waiver,
)

_ID = re.compile(r"[^\s\x00-\x1f\x7f]{1,200}\Z")
_MODES = ("runtime", "driverinit", "permanent")
_EVIDENCE = ("absent", "present", "matches")
"""The operators that can be asked of evidence: lines have no other value than their text."""

SELECT_KEYS: tuple[str, ...] = (
    "device", "bdf", "host", "psid", "firmware", "role", "model", "part_number", "serial", "board", "asic", "netdev",
    "rdma", "glob",
)  # fmt: skip
CONDITION_KEYS: tuple[str, ...] = ("plane", "name", "cmode", "facet", "glob", "scope", *OPERATORS)
RULE_KEYS: tuple[str, ...] = (
    "id", "kind", "plane", "name", "names", "glob", "cmode", "facet", *OPERATORS, "severity", "title", "advice",
    "source", "rationale", "verified", "roles", "scope", "link", "channel", "select", "when", "rests_on", "least",
    "uncollected",
)  # fmt: skip
WAIVER_KEYS: tuple[str, ...] = ("rule", "device", "many", "value", "reason", "owner", "created", "expires")

FACTS: tuple[str, ...] = tuple(field.name for field in fields(Device))
"""What a rule of kind `fact` can ask of a device; the facts of a host are whatever was read of it."""


def select(row: Row) -> Select:
    """Read which devices are meant; a select that names no key is a mistake."""
    row.known(SELECT_KEYS)
    glob = row.flag("glob")
    held = {key: row.words(key) for key in SELECT_KEYS if key not in ("firmware", "glob", "role")}
    role = row.words("role") if glob else row.choices("role", ROLES)
    firmware = row.text("firmware")
    if "firmware" in row.table and isinstance(row.table["firmware"], str):
        row.read("firmware", lambda value: versions.conditions(str(value)))
    if not any(key in row.table for key in SELECT_KEYS if key != "glob"):
        row.wrong("", "it selects by nothing; leave it out to mean every device")
    for key, words in held.items():
        _no_accident(row, key, words)
    return Select(**held, role=role, firmware=firmware, glob=glob, where=row.place.where)


def rule(table: Mapping[str, object], places: Places, number: int, problems: Problems) -> Rule:
    """Read the nth `[[rule]]` (from 0)."""
    label = table.get("id")
    label = label[:80] if isinstance(label, str) else ""
    row = Row(table, places.row("rule", number, label), problems)
    near = row.known(RULE_KEYS)
    kind = cast("Kind", row.choice("kind", KINDS, "setting"))
    plane, names = row.choice("plane", PLANES), _names(row)
    if kind == "setting" and "plane" not in table:
        row.wrong("", "`plane` is missing")
    operator, operand = _operator(row, plane, near)
    written = table.get(operator)
    found = Rule(
        id=_id(row), plane=plane, name=names[0] if names else "", operator=operator, operand=operand,
        facet=row.choice("facet", FACETS), cmode=row.choice("cmode", _MODES), title=row.text("title"),
        severity=cast("Severity", row.choice("severity", SEVERITIES, "medium")), advice=row.text("advice"),
        source=row.text("source"), rationale=row.text("rationale"), roles=row.choices("roles", ROLES),
        scope=cast("Scope", row.choice("scope", SCOPES, "device")), link=cast("Link", row.choice("link", LINKS)),
        kind=kind, against=written if OPERATORS[operator].relation and isinstance(written, str) else "",
        glob=row.flag("glob"), verified=row.flag("verified", True), where=row.place.where, names=names,
        when=tuple(_conditions(row, places, number, label, problems)), rests_on=row.words("rests_on"),
        least=cast("Severity", row.choice("least", SEVERITIES, "info")), channel=row.text("channel"),
        uncollected=row.text("uncollected"), select=tuple(_selects(row, places, number, label, problems)),
    )  # fmt: skip
    _sense(row, found)
    return found


def waiver(table: Mapping[str, object], places: Places, number: int, problems: Problems) -> Waiver | None:
    """Read the nth `[[waiver]]` (from 0); None where a date is missing, which is noted."""
    label = table.get("rule")
    label = label[:80] if isinstance(label, str) else ""
    row = Row(table, places.row("waiver", number, label), problems)
    row.known(WAIVER_KEYS)
    texts = {key: row.text(key, required=True) for key in ("rule", "reason", "owner")}
    many, device = row.flag("many"), table.get("device")
    value = cast("Value", row.read("value", OPERATORS["equals"].read)) if "value" in table else None
    selected = Select()
    if isinstance(device, dict):
        selected = select(Row(device, places.inner("waiver", number, "device", 0, label), problems))
    elif device == "any":
        many = True
    elif device is not None:
        row.wrong("device", '`device` must be a table such as { host = "n07" }, or "any"')
    created, expires = row.day("created"), row.day("expires")
    if created is None or expires is None:
        return None
    if expires < created:
        row.wrong("expires", f"`expires` ({expires}) is before `created` ({created})")
    return Waiver(**texts, created=created, expires=expires, device=selected, value=value, many=many,
                  where=row.place.where)  # fmt: skip


def title(found: Rule) -> str:
    """Say what a rule without a title demands.

    >>> title(Rule("r", "nvconfig", "NUM_OF_VFS", "equals", 8, facet="next"))
    'NUM_OF_VFS (next): 8'
    """
    name = found.name + (f" and {len(found.names) - 1} more" if len(found.names) > 1 else "")
    facet = f" ({found.facet})" if found.facet else ""
    return f"{name}{facet}: {OPERATORS[found.operator].expected(found.operand)}"


def _id(row: Row) -> str:
    found = row.text("id", required=True)
    if found and not _ID.match(found):
        row.wrong("id", "`id` must be at most 200 characters without blanks")
    return found


def _names(row: Row) -> tuple[str, ...]:
    """Take `name` or `names`; a pattern says that it is one."""
    if "name" in row.table and "names" in row.table:
        row.wrong("names", "`name` and `names` are both there; keep one")
    key = "names" if "names" in row.table else "name"
    found = row.words("names") if key == "names" else tuple(filter(None, [row.text("name", required=True)]))
    _no_accident(row, key, found)
    return found


def _no_accident(row: Row, key: str, words: Iterable[str]) -> None:
    """Note a value that looks like a pattern where nothing says whether it is one."""
    if "glob" not in row.table and any("*" in word or "?" in word for word in words):
        row.wrong(key, f"`{key}` looks like a pattern: say `glob = true` if it is one, `glob = false` if it is not")


def _operator(row: Row, plane: str, near: Sequence[str]) -> tuple[str, Operand]:
    """Take the one operator; where an unknown key was perhaps meant for one (`near`), that key is the problem."""
    found = [name for name in OPERATORS if name in row.table]
    if len(found) > 1:
        row.wrong(found[1], f"several operators ({', '.join(found)}); a rule has one")
    if not found and not any(name in OPERATORS for name in near):
        row.wrong("", f"it asks for nothing; one of {', '.join(OPERATORS)} is needed")
    if not found:
        return "equals", None
    operand = cast("Operand", row.read(found[0], OPERATORS[found[0]].read))
    return found[0], operand._replace(plane=plane) if isinstance(operand, Other) and not operand.plane else operand


def _conditions(row: Row, places: Places, number: int, label: str, problems: Problems) -> Iterable[Condition]:
    for index, table in enumerate(row.rows("when")):
        inner = Row(table, places.inner("rule", number, "when", index, label), problems)
        near = inner.known(CONDITION_KEYS)
        plane = inner.choice("plane", PLANES)
        if "plane" not in table:
            inner.wrong("", "`plane` is missing")
        operator, operand = _operator(inner, plane, near)
        if OPERATORS[operator].relation and operator != "equals_facet":
            inner.wrong(operator, f"`{operator}` cannot be a condition")
        names = _names(inner)
        yield Condition(
            plane=plane, name=names[0] if names else "", operator=operator, operand=operand,
            cmode=inner.choice("cmode", _MODES), facet=inner.choice("facet", FACETS), glob=inner.flag("glob"),
            scope=cast("Scope", inner.choice("scope", SCOPES, "device")), where=inner.place.where,
        )  # fmt: skip


def _selects(row: Row, places: Places, number: int, label: str, problems: Problems) -> Iterable[Select]:
    for index, table in enumerate(row.rows("select")):
        yield select(Row(table, places.inner("rule", number, "select", index, label), problems))


def _sense(row: Row, found: Rule) -> None:
    """Note what is well formed and cannot be meant: a rule that always holds, or that nothing can judge."""
    if found.kind == "evidence" and found.operator not in _EVIDENCE:
        row.wrong(found.operator, f"evidence is asked with {', '.join(_EVIDENCE)} only")
    if found.kind != "evidence" and "least" in row.table:
        row.wrong("least", "`least` speaks of evidence only")
    if found.kind == "fact" and found.scope == "device":
        for name in found.names:
            if name not in FACTS:
                row.wrong("name", f"`{name[:80]}` is no fact of a device: {', '.join(FACTS)}{meant(name, FACTS)}")
    if found.kind != "setting" and OPERATORS[found.operator].relation:
        row.wrong(found.operator, f"`{found.operator}` speaks of settings only")
    if found.operator == "equals_facet" and not found.facet:
        row.wrong(found.operator, "say with `facet` which value is compared")
    if found.scope == "host" and found.operator == "same_per":
        row.wrong(found.operator, "`same_per` compares devices; the host is one")
    other = found.other
    if other is not None and (other.plane, other.name) == (found.plane, found.name) and (
        found.facet == (other.facet or found.facet)
    ):  # fmt: skip
        row.wrong(found.operator, "a value is always the same as itself")
    if found.scope == "host" and (found.roles or found.link or found.channel or found.select):
        row.wrong("scope", "a rule on the host has no `roles`, `link`, `channel` or `select`")
