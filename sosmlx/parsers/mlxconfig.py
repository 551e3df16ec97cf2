"""`mlxconfig`/`mstconfig` queries: one, two or three columns, JSON, several devices in one text, `set` dialogues.

Format as printed by mstflint's `mlxconfig` (`mlxcfg_ui.cpp`): a head of `Key: value` lines per device, a line
`Configurations:` that names the columns, then one row per parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sosmlx.errors import ParseError
from sosmlx.jsonio import tool_json
from sosmlx.model import FACETS, Evidence, Facet, Fact, Item, Setting, Unparsed
from sosmlx.parsers.mlxconfig_rows import Columns, remarks, rows
from sosmlx.parsers.spec import BDF, ELIDED, Parser, Section, heading, unparsed
from sosmlx.parsers.values import flash, from_json
from sosmlx.record import HOST, Record

KIND = "mlxconfig.query"

_INDENT = r"[^\S\n]*(?:\*[^\S\n]*|RO[^\S\n]+)|[^\S\n]+"
_PARAMETER = r"(?=[A-Z][A-Z0-9a-z]{1,40}_)\w{4,80}(?:\[\d+\])?"
_VALUES = r"(?:[^\S\n]{2,}\S+){1,3}[^\S\n]*(?:\n|\Z)"
_TYPED = r"(?:[^\S\n]{2,}(?:\d+|0x[0-9a-fA-F]+|N/A|[\w.]+\(\w+\)|Array\[[\d.]+\])){1,3}[^\S\n]*(?:\n|\Z)"
_ASKED = r"(?:[^\n]{0,200}[#$>] [^\n]{0,200}\n)?"

HEAD = re.compile(
    r"^[ \t*]*(?:Device #\d+:|Configurations:[ \t]+(?:Default|Current|Next Boot)|Device type:[ \t]+\S)"
    rf"|\A{_ASKED}\s*?^(?:(?:{_INDENT})?{_PARAMETER}{_VALUES}(?:(?:{_INDENT}){_PARAMETER}{_VALUES})+"
    rf"|(?:{_INDENT}){_PARAMETER}{_TYPED})",
    re.MULTILINE,
)
"""Recognises a query by its head, and rows without one: several, or one whose values are typed as only these are."""

_STARTS = ("Device #", "Device type:", "Configurations:")
"""What begins a head line, in the order in which these lines follow each other within one device."""
ALONE = "the text begins at its rows: it may hold only the parameters asked for"
_COLUMN = re.compile(r"Default|Current|Next Boot|New")
_APART = re.compile(r"\s\s|\t")
_FACET = {"Default": "default", "Current": "current", "Next Boot": "next", "New": "new"}
_HEAD_LINE = re.compile(r"(Device type|Name|Description|Device|PCI device):(.*)", re.DOTALL)


def sections(text: str) -> list[Section]:
    """Split a text at its device heads; `key` is the id that `parse` gives the device."""
    return [section for section, _ in _sections(text)]


def _sections(text: str) -> list[tuple[Section, _Head]]:
    marks = list(_groups(text))
    ends = [*(start for start, _ in marks[1:]), len(text)]
    parts = [(text[start:rows_at], text[rows_at:end]) for (start, rows_at), end in zip(marks, ends)]
    heads = [_head(head) for head, _ in parts]
    same = _spellings(head.device for head in heads)
    return [
        (Section(same.get(head.device, head.device) or f"device-{number}", *part), head)
        for number, (head, part) in enumerate(zip(heads, parts), 1)
    ]


def parse(text: str, record: Record) -> Iterator[Item]:
    """Yield the settings, identity and remarks of a query, text or JSON."""
    if text.lstrip()[:1] == "{":
        yield from _parse_json(text, record)
        return
    parts = _sections(text)
    if not parts:
        device = "device-1" if record.subject == HOST else record.function
        if text.strip():
            yield Evidence(ELIDED, device, ALONE)
        yield from rows(text, 1, device, Columns())
        return
    before = text[: text.index(parts[0][0].head)]
    line = 1 + before.count("\n")
    yield from unparsed(before)
    for part, head in parts:
        yield from _section(part, head, line, record)
        line += part.head.count("\n") + part.body.count("\n")


class _Head(NamedTuple):
    model: str = ""
    name: str = ""
    description: str = ""
    device: str = ""
    columns: Columns = Columns()
    numbered: bool = False


def _groups(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start of a section, start of its rows): a head line of a rank seen already opens the next section."""
    start, rank, rows = -1, -1, -1
    for at, mark_rank in sorted(mark for number, word in enumerate(_STARTS) for mark in _marks(text, word, number)):
        if start < 0 or mark_rank <= rank:
            if start >= 0:
                yield start, rows
            start = text.rfind("\n", 0, at) + 1
        rank = mark_rank
        line_end = text.find("\n", at)
        rows = len(text) if line_end < 0 else line_end + 1
    if start >= 0:
        yield start, rows


def _marks(text: str, word: str, rank: int) -> Iterator[tuple[int, int]]:
    """Find a word where it begins a line; searching for the word is much faster than matching every line."""
    at = text.find(word)
    while at >= 0:
        if not text[text.rfind("\n", 0, at) + 1 : at].strip():
            yield at, rank
        end = text.find("\n", at)  # a word later in the same line begins none
        at = text.find(word, end) if end >= 0 else -1


def _head(text: str) -> _Head:
    found: dict[str, str] = {}
    columns = Columns()
    last = ""
    for line in text.split("\n"):
        stripped = line.strip()
        match = _HEAD_LINE.match(stripped)
        if stripped.startswith("Configurations:"):
            names = tuple(_FACET[word] for word in _COLUMN.findall(stripped))
            columns = Columns(names, collapsed=not _APART.search(stripped))
        elif match:
            last = match[1]
            found.setdefault(last, match[2].strip())
        elif last == "Description" and stripped:
            found[last] += f" {stripped}"  # long descriptions wrap
    return _Head(
        model=_given(found.get("Device type", "")), name=_given(found.get("Name", "")),
        description=_given(found.get("Description", "")),
        device=_device(found.get("Device", "") or found.get("PCI device", "")),
        columns=columns, numbered="Device #" in text,
    )  # fmt: skip


def _given(word: str) -> str:
    return "" if word == "N/A" else word


def _device(text: str) -> str:
    """Take the address out of a sysfs path; any other name of a device stays as it is."""
    address = BDF.search(text)
    return address[0].lower() if address else text


def _spellings(devices: Iterable[str]) -> dict[str, str]:
    """Map each PCI address to the longest spelling that the text has of it: with its domain or without.

    >>> _spellings(["3b:00.0", "0000:3b:00.0", "0001:5e:00.0", "/dev/mst/mt4125_pciconf0"])["3b:00.0"]
    '0000:3b:00.0'
    """
    longest: dict[tuple[int, str], str] = {}
    found = {device: _place(device) for device in devices if BDF.fullmatch(device)}
    for device, place in found.items():
        longest[place] = max(longest.get(place, ""), device, key=len)
    return {device: longest[place] for device, place in found.items()}


def _place(address: str) -> tuple[int, str]:
    domain, _, place = address.rpartition(":")[0].rpartition(":")
    return int(domain or "0", 16), place + address[address.rindex(":") :]


def _section(part: Section, head: _Head, line: int, record: Record) -> Iterator[Item]:
    device = record.function if record.subject != HOST else part.key
    yield from (heading(device, row) for row in part.head.split("\n") if row.strip())
    yield Fact(device, "bdf" if BDF.fullmatch(device) else "device", device)
    if head.model:
        yield Fact(device, "model", head.model)
    if head.name:
        yield Fact(device, "part_number", head.name)
    if head.description:
        yield Fact(device, "description", head.description)
    if not head.numbered and not head.model:
        yield Evidence(ELIDED, device, ALONE)
    below = line + part.head.count("\n")
    if head.columns.names:
        yield from rows(part.body, below, device, head.columns)
    elif part.body.strip():
        yield from remarks(part.body, below, device)


def _parse_json(text: str, record: Record) -> Iterator[Item]:
    try:
        document, repeated = tool_json(text)
    except ValueError as error:
        raise ParseError(f"{KIND}: not JSON ({error})") from None
    if not isinstance(document, dict):
        raise ParseError(f"{KIND}: a JSON object per device was expected")
    if repeated:
        yield Evidence("json.repeated", record.subject, f"{repeated} keys occur twice; the last one counts")
    bodies = [body for body in document.values() if isinstance(body, dict)]
    same = _spellings(_device(str(body.get("device", ""))) for body in bodies)
    for number, (title, body) in enumerate(document.items(), 1):
        if not isinstance(body, dict):
            yield Unparsed(number, f"{title}: {body}")
            continue
        named = _device(str(body.get("device", "")))
        device = record.function if record.subject != HOST else same.get(named, named) or f"device-{number}"
        yield Fact(device, "bdf" if BDF.fullmatch(device) else "device", device)
        for key, fact in (("device_type", "model"), ("name", "part_number"), ("description", "description")):
            if _given(str(body.get(key) or "")):
                yield Fact(device, fact, str(body[key]))
                yield heading(device, f"{key}: {body[key]}")
        rows = body.get("tlv_configuration")
        marks: dict[str, list[str]] = {}
        for name, row in (rows if isinstance(rows, dict) else {}).items():
            yield from _json_row(device, str(name), row)
            for mark in ("read_only", "modified"):
                if isinstance(row, dict) and mark in row:
                    marks.setdefault(f"{mark} {row[mark]}", []).append(str(name))
        for words, names in marks.items():
            shown = f": {', '.join(names)}" if words.endswith("True") else f" for {len(names)} parameters"
            yield Evidence("nvconfig.marks", device, words + shown)


def _json_row(device: str, name: str, row: object) -> Iterator[Item]:
    values = row if isinstance(row, dict) else {"next_value": row}
    facets: list[tuple[str, Facet]] = []
    for facet in FACETS:
        value = values.get(f"{facet}_value")
        if value is not None:
            facets.append((facet, flash(value) if isinstance(value, str) else from_json(value)))
    if facets:
        yield Setting(device, "nvconfig", name, "permanent", tuple(facets))
    else:
        yield Unparsed(0, f"{name}: {row}")


TABLE = (Parser(KIND, parse, ("nvconfig",), HEAD, ("*/tlv_configuration",), sections),)
