"""What the outputs of iproute2's tools have in common: `name value` pairs, JSON lists of objects, words of refusal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from sosmlx.errors import ParseError
from sosmlx.jsonio import tool_json
from sosmlx.model import Evidence, Facet, Item, Plane, Setting, SettingClass, Unparsed
from sosmlx.parsers import shell, values
from sosmlx.parsers.spec import ELIDED, heading
from sosmlx.record import HOST, Record

Pair = tuple[str, str]
Classes = Mapping[str, SettingClass]

_JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")
_MESSAGE = re.compile(
    r"(?i)^\s*(?:(?:lspci|pcilib|ip|tc|bridge|dcb|rdma|devlink): |RTNETLINK answers|error\b|warning:|cannot |failed to "
    r"|no (?:such|data|route) |wrong device|device \"|object \"|dump terminated|usage:|what is \")"
    r"|not supported\s*$|not permitted\s*$|permission denied|does not exist|command not found"
    r"|^\s*Attribute (?:read|not)"
)
_PROMPT = re.compile(
    r"^\s*(?:\[?[\w.-]{1,64}@[\w.-]{1,64}[^#$]{0,80}[#$](?:\s|$)|[\w.-]{1,64}:[~/]\S{0,80} [#>]\s|[#$] \S)"
)
WRAPPED = 60
"""A line that a mailer broke has at least this length."""

DEPTH = 30
"""No tool nests its answer deeper than this."""

_TEXTS: tuple[SettingClass, ...] = ("identity", "firmware")


def is_json(text: str) -> bool:
    """Whether a text is the JSON form of an output, and not one below a prompt in brackets."""
    return _JSON.match(text) is not None


def objects(text: str, what: str) -> list[dict[str, object]]:
    """Return the objects of a tool's list, or the one object that it printed. Raises ParseError."""
    try:
        document, _ = tool_json(text)
    except ValueError as error:
        raise ParseError(f"{what}: not JSON ({error})") from None
    if not _shallow(document):
        raise ParseError(f"{what}: nested too deeply to be its answer")
    rows = document if isinstance(document, list) else [document]
    found: list[dict[str, object]] = []
    for row in rows:
        found += [item for item in (row if isinstance(row, list) else [row]) if isinstance(item, dict)]
    if not found and document != []:
        raise ParseError(f"{what}: a list of objects was expected")
    return found


def _shallow(document: object) -> bool:
    level = [document]
    for _ in range(DEPTH):
        inner: list[object] = []
        for value in level:
            inner += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        if not inner:
            return True
        level = inner
    return False


def flat(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    """Flatten nested objects to dotted names; a list of scalars stays a value, other lists are numbered.

    >>> list(flat("a", {"b": [1, 2], "c": [{"d": 3}], "e": {}}))
    [('a.b', [1, 2]), ('a.c.0.d', 3)]
    """
    waiting = [(prefix, value)]
    while waiting:
        name, inner = waiting.pop()
        if isinstance(inner, dict):
            waiting += [(f"{name}.{key}" if name else str(key), item) for key, item in reversed(list(inner.items()))]
        elif isinstance(inner, list) and any(isinstance(item, (dict, list)) for item in inner):
            waiting += [(f"{name}.{number}", item) for number, item in reversed(list(enumerate(inner)))]
        else:
            yield name, inner


def facet(value: object, cls: SettingClass = "config") -> Facet:
    """Type a word of a text or a JSON value; what identifies something stays text.

    >>> facet("off").value, facet("0012", "identity").value, facet([1]).value
    (False, '0012', (1,))
    """
    if isinstance(value, Facet):
        return value
    if isinstance(value, str):
        return values.text(value) if cls in _TEXTS else values.word(value)
    return values.from_json(value)


def setting(
    device: str, plane: Plane, name: str, value: object, classes: Classes, given: SettingClass = "config"
) -> Setting:
    """Make a setting of one value; its class comes from the table, by its name without the instance."""
    base, at, instance = name.partition("@")
    cls = classes.get(base.lower(), given)
    return Setting(device, plane, f"{base.lower()}{at}{instance}", "", (("current", facet(value, cls)),), cls)


def pairs(words: Sequence[str], alone: frozenset[str] = frozenset()) -> Iterator[Pair]:
    """Read words as `name value`; those in `alone` have no value, `<A,B>` is a list of flags of what stands before.

    >>> list(pairs("mtu 9000 xdp qdisc mq <UP>".split(), frozenset({"xdp"})))
    [('mtu', '9000'), ('xdp', ''), ('qdisc', 'mq'), ('flags', '<UP>')]
    """
    at = 0
    while at < len(words):
        word = words[at]
        if word.startswith("<"):
            yield "flags", word
        elif word in alone or at + 1 == len(words):
            yield word, ""
        else:
            yield word, words[at + 1]
            at += 1
        at += 1


def lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines that are not blank."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line


def is_chatter(line: str) -> bool:
    """Whether a line is a prompt, a refusal, or says that others were left out: no part of what stands before it."""
    return bool(_PROMPT.match(line) or _MESSAGE.search(line[:300])) or shell.is_elision(line)


def remark(number: int, line: str, device: str) -> Item:
    """Tell what a line that is no row says: a refusal, lines left out, the command typed, or nothing that we know."""
    if _MESSAGE.search(line[:300]):
        return Evidence("tool.message", device, line.strip())
    if shell.is_elision(line):
        return Evidence(ELIDED, device, f"rows were left out at line {number}: {line.strip()}")
    if _PROMPT.match(line) or shell.is_command(line):
        return heading(device, line)
    return Unparsed(number, line)


def named(record: Record, name: str) -> str:
    """Name the device that a part of an output is about: by the read's subject, else as the text itself does."""
    if record.subject == HOST:
        return name or "device-1"
    return record.subject if record.part or not name else f"{record.function}/{name}"


def unwrapped(text: str, start: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text with those joined that a mailer broke: they go on in column 0, after a long line.

    What matches `start` begins a line of the tool in column 0.
    """
    at = 0
    held: list[str] = []
    for number, line in lines(text):
        goes_on = held and len(held[-1]) >= WRAPPED and line[0] not in " \t" and not start.match(line)
        if not goes_on or is_chatter(line):
            if held:
                yield at, " ".join(held)
            at, held = number, []
        held.append(line)
    if held:
        yield at, " ".join(held)
