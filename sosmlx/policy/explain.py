"""What a name means that sosmlx shows: a rule, a flash parameter, a word, a taint bit, a register, an exit code.

One name may mean several things (`unknown` is a rule's result and a plane's coverage): all of them are said.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple

from sosmlx.errors import UsageError
from sosmlx.fwctl import catalogue
from sosmlx.fwctl.allowed import ALLOWED, NEVER
from sosmlx.fwctl.catalogue import Param, Tlv
from sosmlx.fwctl.items import WRITERS
from sosmlx.fwctl.layout import Field
from sosmlx.fwctl.registers import REGISTERS
from sosmlx.policy import document, taint
from sosmlx.policy.operators import OPERATORS
from sosmlx.policy.rules import Condition, Policy, Rule
from sosmlx.policy.words import EXITS, ITEM_CLASSES, WORDS
from sosmlx.printable import visible

WIDTH = 110
_LABEL = 11
_LONGEST = 200
_MOST = 3
"""So many near names are offered."""

_PARAMETER = re.compile(r"(?P<name>[A-Za-z]\w*?)(?:_[PM]\d{1,3})?(?:\[\d{1,4}(?:\.\.\d{1,4})?\])?\Z", re.IGNORECASE)
"""How mlxconfig writes a parameter: its name, the port or module it is of, the place in an array."""

_NOT_VALID = "where it is 0, the device's own default is in force, which flash does not tell"
_RESET = (
    "a value that is set is in force after a reset; which one suffices is not in the catalogue: MFRL names the resets "
    "that the firmware offers, and a power cycle is the thorough one"
)
_CLAIM = (
    "the kind of agent that the item's header names: of the whole item, not of one parameter; without a time, and "
    "nothing proves it. A kernel that writes may leave the one before."
)
_BEWARE = (
    "it is set for the whole host when a scope is asked for at which a device can be written, logged once, and may "
    "come from a tool that only meant to read"
)
_HELP = (
    "a rule, a flash parameter, a register, a word of the report, `taint 19`, `exit 3`; `sosmlx list policies` lists "
    "the rules"
)

_NUMBER = re.compile(r"(?:0x[0-9a-f]{1,16}|\d{1,20})\Z", re.IGNORECASE)
_ABOUT = re.compile(
    r"(taint|bit|exit|register|writer|rule|policy|builtin|parameter)(?:\s+(?:bit|code))?[\s:]+", re.IGNORECASE
)


class Article(NamedTuple):
    """One meaning of a name: what kind of thing it is, and rows of a label and a text."""

    title: str
    rows: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """Lay it out for a terminal."""
        lines = [self.title]
        for label, text in self.rows:
            if text:
                lines += textwrap.wrap(
                    text, WIDTH, initial_indent=f"  {label:<{_LABEL - 1}} ", subsequent_indent=" " * (_LABEL + 2),
                    break_long_words=False, break_on_hyphens=False,
                )  # fmt: skip
        return "\n".join(lines)


def explain(name: str) -> str:
    """Say what a name means: all that it can be, one after the other, with an empty line between.

    A word before it narrows that down: `taint 19`, `exit 3`, `writer 9`, `register MNVDA`. Raises UsageError, naming
    the nearest name, for what is not known.
    """
    asked = " ".join(name.split())
    if asked and len(asked) <= _LONGEST:
        about = _ABOUT.match(asked)
        found = list(_articles(asked[about.end() :], about[1].lower()) if about else ())
        found = found or list(_articles(asked))
        if found:
            return "\n\n".join(visible_lines(str(article)) for article in found)
    raise UsageError(f"`{visible(asked[:_LONGEST])}` is no name that sosmlx explains", _advice(asked))


def visible_lines(text: str) -> str:
    """Keep the line breaks, and show all else that would act on a terminal as its number."""
    return "\n".join(visible(line) for line in text.split("\n"))


def _articles(name: str, about: str = "") -> Iterator[Article]:
    sources = {
        "rule": _rules, "policy": _policies, "builtin": _policies, "parameter": _parameters, "word": _words,
        "taint": _taints, "register": _registers, "writer": _writers, "exit": _exits,
    }  # fmt: skip
    sources["bit"] = sources["taint"]
    for source in [sources[about]] if about else dict.fromkeys(sources.values()):
        yield from source(name, bool(about))


@cache
def _builtins() -> tuple[Policy, ...]:
    return tuple(document.load(f"builtin:{name}") for name in document.builtins())


def _rules(name: str, asked: bool) -> Iterator[Article]:
    """Explain a rule, or the rules that have a name in common (`roce-ecn` of `roce-ecn-3`)."""
    key = name.lower()
    every = [(policy, rule) for policy in _builtins() for rule in policy.rules]
    exact = [pair for pair in every if pair[1].id == key]
    yield from (_rule(policy, rule) for policy, rule in exact)
    family = [rule for _, rule in every if rule.id.startswith(f"{key}-")]
    if family and not exact:
        yield Article(f"{key}: {len(family)} rules", tuple((rule.id, rule.title) for rule in family))
    elif family:
        yield Article("related rules", tuple((rule.id, rule.title) for rule in family))


def _rule(policy: Policy, rule: Rule) -> Article:
    what = rule.kind if rule.kind != "setting" else f"setting of plane {rule.plane}"
    names = ", ".join(rule.names or (rule.name,))
    least = f", of severity {rule.least} or more" if rule.kind == "evidence" and rule.least != "info" else ""
    return Article(
        f"{rule.id}: a rule of {policy.name}",
        (
            ("says", f"{rule.title}."),
            ("why", rule.rationale),
            ("looks at", f"{what}: {names}{f' ({rule.facet})' if rule.facet else ''}{least}"),
            ("expects", OPERATORS[rule.operator].expected(rule.operand)),
            ("only where", "; ".join(map(_condition, rule.when))),
            ("meant for", _meant(rule)),
            ("rests on", ", ".join(rule.rests_on)),
            ("through", f"a {rule.channel} device; where there is none it is not checked" if rule.channel else ""),
            (
                "not yet",
                f"{rule.uncollected}; until then it is not checked, and never passes" if rule.uncollected else "",
            ),
            ("severity", rule.severity),
            ("advice", rule.advice),
            ("source", rule.source if rule.verified else f"{rule.source} (not verified)"),
            ("where", rule.where),
        ),
    )


def _condition(condition: Condition) -> str:
    expected = OPERATORS[condition.operator].expected(condition.operand)
    about = f"{'any ' if condition.glob else ''}{condition.plane} {condition.name}"
    return f"{about}{f' ({condition.facet})' if condition.facet else ''} is {expected}"


def _meant(rule: Rule) -> str:
    if rule.scope == "host":
        return "the host"
    roles = f"functions of role {', '.join(rule.roles)}" if rule.roles else "all functions"
    return f"{roles}{f' with an {rule.link} link' if rule.link else ''}"


def _policies(name: str, asked: bool) -> Iterator[Article]:
    for policy in _builtins():
        if name.lower() in (policy.name, policy.name.partition(":")[2]):
            rules = tuple((rule.severity, f"{rule.id}: {rule.title}") for rule in policy.rules)
            yield Article(f"{policy.name}: a built-in policy", (("about", f"{policy.title}."), *rules))


def _parameters(name: str, asked: bool) -> Iterator[Article]:
    """Explain a parameter as mlxconfig writes it, a field as `tlv.field`, or a whole item."""
    match = _PARAMETER.match(name)
    wanted = {name.upper(), match["name"].upper()} if match else {name.upper()}
    for tlv in catalogue.builtin():
        if tlv.name == name.lower():
            yield _item(tlv)
        for param in tlv.params:
            if (param.name and param.name.upper() in wanted) or param.key == name.lower():
                yield _parameter(tlv, param)


def _parameter(tlv: Tlv, param: Param) -> Article:
    suffix = {1: "_P1, _P2, … for each port", 9: "_M0, _M1, … for each module"}.get(tlv.cls, "")
    labels = ", ".join(f"{word} = {number}" for word, number in param.labels)
    return Article(
        f"{param.name or param.key}: a parameter of the flash configuration (plane nvconfig)",
        (
            ("item", f"{tlv.name}: {_owner(tlv)} (class {tlv.cls}), index 0x{tlv.index:x}, {tlv.size} bytes"),
            ("field", f"{param.field}, {_place(param)}"),
            ("type", f"{param.type}, {param.element_width} bits{f', {param.elements} times' * bool(param.elements)}"),
            ("values", labels),
            ("named", f"with {suffix}" if suffix else ""),
            ("valid bit", f"{param.valid_bit}: {_NOT_VALID}" if param.valid_bit else ""),
            ("since", f"layout version {param.since} of the item" if param.since else ""),
            ("shown", f"where {param.visible}" if param.visible not in ("", "always") else ""),
            ("secret", "its value is never shown" if tlv.secret else ""),
            ("reset", "" if tlv.capability else _RESET),
            ("changed by", "nobody: it says what the firmware can do" if tlv.capability else ""),
            ("source", "mstflint mlxconfig_host.db, tables tlvs and params"),
        ),
    )  # fmt: skip


def _owner(tlv: Tlv) -> str:
    return ITEM_CLASSES.get(tlv.cls, "of a kind that is not read")


def _place(param: Param) -> str:
    """Say where a field is, counted from the item's first bit, and in the words of the PRM."""
    word, high = param.offset // 32 * 4, 31 - param.offset % 32
    low = high - param.width + 1
    prm = f"0x{word:02x}[{high}:{low}]" if low >= 0 else f"from 0x{word:02x}[{high}] on"
    return f"bit {param.offset} on, {prm}"


def _item(tlv: Tlv) -> Article:
    kind = "an item that says what the firmware can do" if tlv.capability else "an item of the flash configuration"
    fields = ", ".join(param.name or param.field for param in tlv.params)
    return Article(
        f"{tlv.name}: {kind}",
        (
            ("class", f"{tlv.cls}, {_owner(tlv)}"),
            ("index", f"{tlv.index} (0x{tlv.index:x})"),
            ("size", f"{tlv.size} bytes, layout version {tlv.version}"),
            ("secret", "its values are never shown" if tlv.secret else ""),
            ("fields", fields),
        ),
    )


def _words(name: str, asked: bool) -> Iterator[Article]:
    for kind, table in WORDS.items():
        if name.lower() in table:
            yield Article(f"{name.lower()}: {kind}", (("means", table[name.lower()]),))


def _taints(name: str, asked: bool) -> Iterator[Article]:
    """Explain a bit by its number, its letter or its value; a larger number is a whole word."""
    if len(name) == 1 and name.isalpha():
        yield from map(_bit, taint.numbers(name))
    elif _NUMBER.match(name):
        number = int(name, 0) if name.lower().startswith("0x") else int(name)
        if number < 32 and not name.lower().startswith("0x"):
            yield from map(_bit, [number] if asked or taint.meanings(number) else [])
        elif 0 < number < 1 << taint.WIDTH:
            bits = [bit for bit in range(number.bit_length()) if number >> bit & 1]
            if len(bits) > 1:
                rows = tuple((f"bit {bit.number}", f"{bit.letter}: {bit.text}") for bit in taint.decode(number))
                yield Article(f"{number}: a taint word", rows)
            else:
                yield from map(_bit, bits)


def _bit(number: int) -> Article:
    meanings = taint.meanings(number)
    rows: list[tuple[str, str]] = [("value", f"{1 << number} (0x{1 << number:x})")]
    for whose, bit, source in meanings:
        rows += [("means", f"{bit.letter}: {bit.text} ({whose})"), ("source", source)]
    if not meanings:
        rows.append(("means", taint.UNKNOWN))
    if number == taint.FWCTL:
        rows.append(("beware", _BEWARE))
    letters = {bit.letter for _, bit, _ in meanings}
    rows += [("ubuntu", table.note) for table in taint.TABLES if "ubuntu" in table.ids and letters & set("KPO")]
    return Article(f"bit {number} of the kernel's taint word", tuple(rows))


def _registers(name: str, asked: bool) -> Iterator[Article]:
    """Explain a register by its name, or by its number after the word `register`."""
    key = name.upper()
    number = int(name, 0) if asked and _NUMBER.match(name) and (name[:2].lower() == "0x" or name[0] != "0") else 0
    for allowed in ALLOWED.values():
        register = REGISTERS[allowed.register]
        if key == register.name or (number and number == register.id):
            selectors = [
                field.name for field in register.fields if isinstance(field, Field) and field.access == "INDEX"
            ]
            yield Article(
                f"{register.name}: a firmware register that is read",
                (
                    ("tells", allowed.note), ("number", f"0x{register.id:x}"), ("size", f"{register.size} bytes"),
                    ("selectors", ", ".join(selectors)), ("source", register.source),
                ),
            )  # fmt: skip
    for never in NEVER:
        if key == never.register or (number and number == never.id):
            part = {
                "any": "it is never touched",
                "write": "it is never written",
                "bits": f"never with {', '.join(never.bits)}",
            }
            rows = (("why", f"{part[never.access]}: {never.why}"), ("number", f"0x{never.id:x}" if never.id else ""))
            yield Article(f"{never.register}: a firmware register with a part that has no place in an inspection", rows)


def _writers(name: str, asked: bool) -> Iterator[Article]:
    """Explain who claims to have written a stored item, by its name, or by its number after the word `writer`."""
    for number, word in WRITERS.items():
        if name.upper() == word or (asked and name == str(number)):
            yield Article(
                f"{word}: the last writer of a stored item, as claimed",
                (
                    ("number", str(number)),
                    ("means", _CLAIM),
                    ("source", "PRM config_item_ext, writer_id"),
                ),
            )  # fmt: skip


def _exits(name: str, asked: bool) -> Iterator[Article]:
    if name.isascii() and name.isdigit() and len(name) < 4 and int(name) in EXITS:
        yield Article(f"exit code {int(name)}", (("means", EXITS[int(name)]),))


def _advice(asked: str) -> str:
    folded = {known.lower(): known for known in _known()}
    near = get_close_matches(asked.lower()[:_LONGEST], folded, _MOST, 0.6)
    if near:
        return f"the nearest: {', '.join(folded[name] for name in near)}"
    return _HELP


@cache
def _known() -> tuple[str, ...]:
    rules: Iterable[str] = (rule.id for policy in _builtins() for rule in policy.rules)
    params = [name for tlv in catalogue.builtin() for name in (tlv.name, *(param.name for param in tlv.params)) if name]
    words = [word for table in WORDS.values() for word in table]
    never = [row.register for row in NEVER]
    return (*rules, *(policy.name for policy in _builtins()), *params, *words, *ALLOWED, *never, *WRITERS.values())
