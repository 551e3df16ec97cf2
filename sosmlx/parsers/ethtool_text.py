"""What ethtool's outputs have in common: rows under a title, the tool's messages, and JSON with an object a netdev.

Formats: ethtool's `ethtool.c`, `common.c` and `netlink/*.c`. The title names the netdev; without one, a command line in
the paste may. `--json` is honoured by one option after the other since ethtool 5.10, and the exit status says nothing
about it: what an answer holds tells which of the two formats it has.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from re import Pattern
from typing import Callable, NamedTuple

from sosmlx.errors import ParseError
from sosmlx.jsonio import tool_json
from sosmlx.model import Evidence, Facet, Item, Setting, SettingClass, Unparsed
from sosmlx.parsers import values
from sosmlx.parsers.pasted import asked
from sosmlx.parsers.spec import heading
from sosmlx.record import HOST, Record

NAMELESS = re.compile(r"(?!)")
"""The title of outputs that have none."""

_INDENT = r"^[^\S\n]*"
_JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")
_MESSAGES = (
    "netlink error", "netlink warning", "cannot ", "can not ", "can't ", "ethtool:", "ethtool (", "failed to ",
    "for more information run ethtool", "no data available", "no such device", "no stats available",
    "no private flags defined", "only showing first ", "sfp module not in cage", "malformed ", "rxclass:", "rmgr:",
    "rx classification rule", "invalid kernel response", "operation not permitted",
)  # fmt: skip
_FOREIGN = re.compile(
    r"[A-Z][\w ]{2,40} for \S{1,64}(?: with \d+ RX ring\(s\)[^:]*)?:\Z|(?:NIC|PHY) statistics:\Z|driver: *\S+\Z"
)
"""How the output of an option begins: what follows is no row of another option's."""
_LABEL = re.compile(r"[A-Za-z][\w ,./()+-]{0,60}\Z")
_REFUSED = ("not supported", "not permitted", "no such device")
_SLUG = re.compile(r"[\W_]+")


class Row(NamedTuple):
    """A line with its number, taken apart at its first colon; `name` is empty where nothing before it is a label."""

    number: int
    line: str
    name: str
    value: str


class Block(NamedTuple):
    """What was printed about one netdev: its title, what is no row, and the rows."""

    device: str
    title: str
    remarks: list[Item]
    rows: list[Row]


ReadBlock = Callable[[Block], Iterator[Item]]
ReadObject = Callable[[str, dict[str, object]], Iterator[Item]]


def head(pattern: str) -> Pattern[str]:
    """Make a pattern that recognises a line by its beginning."""
    return re.compile(f"{_INDENT}(?:{pattern})", re.MULTILINE)


def title(words: str) -> Pattern[str]:
    """Make the pattern of a title line that ends in the netdev's name."""
    return re.compile(rf"(?:{words}) for (?P<device>\S+):\Z")


def read(
    text: str, record: Record, pattern: Pattern[str], rows: ReadBlock, members: ReadObject, opening: str = ""
) -> Iterator[Item]:
    """Read an answer of one option, whichever of its two formats it has. Raises ParseError."""
    if _JSON.match(text):
        yield from _objects(text, record, members)
        return
    for block in blocks(text, record, pattern, opening):
        yield from block.remarks
        yield from rows(block)


def blocks(text: str, record: Record, pattern: Pattern[str], opening: str = "") -> Iterator[Block]:
    """Take a text apart at its titles, at command lines, and at rows named `opening`."""
    unnamed = 0
    part = _Part()
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped:
            continue
        name, _, value = stripped.partition(":")
        opens = bool(opening) and name.rstrip() == opening
        mark = pattern.match(stripped) if stripped[-1] == ":" else None
        words = asked(line, ("ethtool",)) if "ethtool" in line else None
        foreign = not mark and not opens and _is_foreign(stripped)
        if (part.rows or part.title) and (mark or opens or foreign or words is not None):
            unnamed += not part.name
            yield part.block(record, unnamed)
            part = _Part()
        if mark:
            part.title = stripped
            part.name = mark.groupdict().get("device") or part.name
        elif words is not None:
            part.name = next((word for word in words if not word.startswith("-")), "")
        part.foreign = (part.foreign or foreign) and not mark and not opens
        if mark or words is not None:
            part.remarks.append((False, line))
        elif stripped.lower().startswith(_MESSAGES):
            part.remarks.append((True, line))
        else:
            label = name.rstrip() if len(name) < len(stripped) and _LABEL.match(name.rstrip()) else ""
            part.rows.append(Row(number, line, label, value.lstrip() if label else ""))
    if part.rows or part.remarks:
        yield part.block(record, unnamed + (not part.name))


def _is_foreign(line: str) -> bool:
    return (line[-1] == ":" or line.startswith("driver:")) and _FOREIGN.match(line) is not None


class _Part:
    """A block that is being read: which netdev it is about may be said after its first lines."""

    def __init__(self) -> None:
        self.name = self.title = ""
        self.foreign = False
        self.remarks: list[tuple[bool, str]] = []
        self.rows: list[Row] = []

    def block(self, record: Record, unnamed: int) -> Block:
        device = device_of(record, self.name or f"device-{unnamed}")
        remarks: list[Item] = [message(device, line) if said else heading(device, line) for said, line in self.remarks]
        if self.foreign:
            remarks += [other(row, device) for row in self.rows]
            self.rows = []
        return Block(device, self.title, remarks, self.rows)


def device_of(record: Record, named: str) -> str:
    """Name the function that a text is about: by its read, else by what the text says of itself."""
    return named if record.subject == HOST else record.subject


def message(device: str, line: str) -> Evidence:
    """Keep what the tool said instead of an answer, or beside it."""
    return Evidence("tool.message", device, line.strip())


def other(row: Row, device: str) -> Item:
    """Keep a line that no row of this option explains."""
    lower = row.line.lower()
    return message(device, row.line) if any(word in lower for word in _REFUSED) else Unparsed(row.number, row.line)


def joined(rows: Iterable[Row], names: Collection[str]) -> Iterator[Row]:
    """Put the values of these rows together that go on in lines of their own."""
    parts: list[str] = []
    first = last = Row(0, "", "", "")
    for row in rows:
        if parts and not row.name and row.number == last.number + 1:
            parts.append(row.line.strip())
        else:
            if first.number:
                yield first._replace(value=" ".join(parts)) if parts else first
            first = row
            parts = [row.value] if row.name in names else []
        last = row
    if first.number:
        yield first._replace(value=" ".join(parts)) if parts else first


def run(rows: Sequence[Row], at: int, pattern: Pattern[str]) -> int:
    """Find where the adjacent rows end that are the entries of one list; the first of them is `at`."""
    end = at
    while end < len(rows) and pattern.match(rows[end].line.strip()):
        if end > at and rows[end].number != rows[end - 1].number + 1:
            break
        end += 1
    return end


def together(rows: Iterable[Row]) -> str:
    """Give the text of some adjacent rows."""
    return " ".join(row.line.strip() for row in rows)


def knob(device: str, name: str, facet: Facet, cls: SettingClass = "config") -> Setting:
    """Make a setting of the ethtool plane."""
    return Setting(device, "ethtool", name, "", (("current", facet),), cls)


def slug(name: str) -> str:
    """Spell a label as part of a setting's name.

    >>> slug("TX push buff len"), slug("Length (SMF,km)")
    ('tx-push-buff-len', 'length-smf-km')
    """
    return _SLUG.sub("-", name.lower()).strip("-")


def typed(value: object) -> Facet:
    """Type a member as the text of the same answer is typed: `"on"` is a Boolean there, too."""
    if isinstance(value, str):
        return values.word(value)
    if isinstance(value, float):
        return Facet(int(value) if value.is_integer() else str(value), str(value))
    return values.from_json(value)


def flat(body: Mapping[str, object]) -> dict[str, object]:
    """Flatten an object to dotted names. Raises ParseError where it is nested too deeply."""
    try:
        return dict(values.flatten("", dict(body)))
    except RecursionError:
        raise ParseError("ethtool: nested too deeply to be an answer") from None


def _objects(text: str, record: Record, members: ReadObject) -> Iterator[Item]:
    try:
        document, repeated = tool_json(text)
    except ValueError as error:
        raise ParseError(f"ethtool: not JSON ({error})") from None
    entries: Sequence[object] = document if isinstance(document, list) else [document]
    if repeated:
        yield Evidence("json.repeated", record.subject, f"{repeated} keys occur twice; the last one counts")
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            yield Unparsed(number, str(entry))
            continue
        named = str(entry.pop("ifname", "") or "")
        device = device_of(record, named or f"device-{number}")
        if named:
            yield heading(device, f"ifname: {named}")
        yield from members(device, entry)
