"""`mlxconfig`/`mstconfig` queries: one, two or three columns, JSON, several devices in one text, `set` dialogues.

Format as printed by mstflint's `mlxconfig` (`mlxcfg_ui.cpp`): a head of `Key: value` lines per device, a line
`Configurations:` that names the columns, then one row per parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sosmlx.errors import ParseError
from sosmlx.jsonio import tool_json
from sosmlx.model import FACETS, Evidence, Facet, Fact, Item, Setting, Unparsed
from sosmlx.parsers.spec import BDF, Parser, Section, heading, unparsed
from sosmlx.parsers.values import flash, from_json
from sosmlx.record import Record

KIND = "mlxconfig.query"

HEAD = re.compile(
    r"^[ \t*]*(?:Device #\d+:|Configurations:[ \t]+(?:Default|Current|Next Boot)|Device type:[ \t]+\S)"
    r"|\A\s*?^(?:[ \t]+(?=[A-Z][A-Z0-9a-z]{1,40}_)\w{4,80}(?:\[\d+\])?[ \t]{2,}\S+[ \t]*(?:\n|\Z)){2,}",
    re.MULTILINE,
)
_STARTS = ("Device #", "Device type:", "Configurations:")
"""What begins a head line, in the order in which these lines follow each other within one device."""
_COLUMN = re.compile(r"Default|Current|Next Boot|New")
_FACET = {"Default": "default", "Current": "current", "Next Boot": "next", "New": "new"}
_NAME = re.compile(r"[A-Z][A-Z0-9][A-Za-z0-9_]*(?:\[\d+(?:\.\.\d+)?\])?\Z")
_HEAD_LINE = re.compile(r"\s*(Device type|Name|Description|Device|PCI device):\s*(.*?)\s*\Z")
_NO_GAP = re.compile(r"\s+|(?<=\))(?=[^\s)])")
_ELIDED = re.compile(r"[\s.()\[\]<>…]*(?:\.\.\.|…|snip)[\s.()\[\]<>…]*\Z")
_RULE = re.compile(r"\s*-+\s*\Z")
_FOOTER = "The '*' shows parameters"
_DIALOGUE = re.compile(r"\s*(?:Apply new Configuration\?|Applying\.\.\.|-[IEW]- )")

ELIDED = "elided"
"""Evidence kind: parts of the device's rows were left out of this text, so that a missing name proves nothing."""


def sections(text: str) -> list[Section]:
    """Split a text at its device heads; `key` is the id that `parse` gives the device."""
    marks = list(_groups(text))
    found = []
    for number, (start, rows) in enumerate(marks):
        end = marks[number + 1][0] if number + 1 < len(marks) else len(text)
        head, body = text[start:rows], text[rows:end]
        found.append(Section(_head(head).device or f"device-{number + 1}", head, body))
    return found


def parse(text: str, record: Record) -> Iterator[Item]:
    """Yield the settings, identity and remarks of a query, text or JSON."""
    if text.lstrip()[:1] == "{":
        yield from _parse_json(text, record)
        return
    parts = sections(text)
    before = text[: text.index(parts[0].head)] if parts else ""
    line = 1 + before.count("\n")
    if not parts:
        yield from _rows(text, 1, "device-1" if record.subject == "host" else record.function, ())
        return
    yield from unparsed(before)
    for number, part in enumerate(parts, 1):
        yield from _section(part, line, number, record)
        line += part.head.count("\n") + part.body.count("\n")


class _Head(NamedTuple):
    model: str = ""
    name: str = ""
    description: str = ""
    device: str = ""
    columns: tuple[str, ...] = ()
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
        at = text.find(word, at + 1)


def _head(text: str) -> _Head:
    found: dict[str, str] = {}
    columns: tuple[str, ...] = ()
    last = ""
    for line in text.split("\n"):
        stripped = line.strip()
        match = _HEAD_LINE.match(line)
        if stripped.startswith("Configurations:"):
            columns = tuple(_FACET[word] for word in _COLUMN.findall(stripped))
        elif match:
            last = match[1]
            found.setdefault(last, match[2])
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


def _section(part: Section, line: int, number: int, record: Record) -> Iterator[Item]:
    head = _head(part.head)
    device = record.function if record.subject != "host" else head.device or f"device-{number}"
    yield from (heading(device, row) for row in part.head.split("\n") if row.strip())
    yield Fact(device, "bdf" if BDF.fullmatch(device) else "device", device)
    if head.model:
        yield Fact(device, "model", head.model)
    if head.name:
        yield Fact(device, "part_number", head.name)
    if head.description:
        yield Fact(device, "description", head.description)
    if not head.numbered and not head.model:
        yield Evidence(ELIDED, device, "the text begins at its rows: it may hold only the parameters asked for")
    if head.columns:
        yield from _rows(part.body, line + part.head.count("\n"), device, head.columns)
    else:
        yield from _remarks(part.body, line + part.head.count("\n"), device)


def _remarks(text: str, first: int, device: str) -> Iterator[Item]:
    for number, line in enumerate(text.split("\n"), first):
        if line.strip():
            yield _remark(number, line, device)


def _rows(text: str, first: int, device: str, columns: tuple[str, ...]) -> Iterator[Item]:
    ended = False
    width = len(columns)
    for number, line in enumerate(text.split("\n"), first):
        words = line.split()
        if not words:
            continue
        if words[0] == "*" or words[0] == "RO":
            del words[0]
        elif words[0][0] == "*":
            words[0] = words[0][1:]
        name = words[0] if words else ""
        if not ended and len(words) > 1 and _NAME.match(name):
            values = words[1:]
            if width and len(values) != width:
                values = [word for word in _NO_GAP.split(" ".join(values)) if word]
            names = columns or _HEADLESS.get(len(values), ())
            if len(values) == len(names):
                yield from _row(device, name, dict(zip(names, values)))
                continue
        ended = ended or line.strip().startswith(_FOOTER)
        yield _remark(number, line, device)


_HEADLESS: dict[int, tuple[str, ...]] = {1: ("next",), 2: ("default", "next"), 3: ("default", "current", "next")}
"""Which columns a row without any header line has: the tool prints no other combination."""


def _row(device: str, name: str, values: dict[str, str]) -> Iterator[Item]:
    asked = values.pop("new", None)
    facets = tuple((facet, flash(raw)) for facet, raw in values.items())
    yield Setting(device, "nvconfig", name, "permanent", facets)
    if asked is not None:
        yield Evidence("nvconfig.set", device, f"{name}: {asked} was asked for")


def _remark(number: int, line: str, device: str) -> Item:
    """Tell what a line that is no row says: a dialogue's words, an elision, or nothing that we know."""
    if _ELIDED.match(line):
        return Evidence(ELIDED, device, f"rows were left out at line {number}")
    if line.strip().startswith(_FOOTER):
        return heading(device, line)
    if _DIALOGUE.match(line):
        words = line.strip()
        return Evidence("nvconfig.message", device, words, "medium" if words.startswith("-E-") else "info")
    return Unparsed(number, line)


def _parse_json(text: str, record: Record) -> Iterator[Item]:
    try:
        document, repeated = tool_json(text)
    except ValueError as error:
        raise ParseError(f"{KIND}: not JSON ({error})") from None
    if not isinstance(document, dict):
        raise ParseError(f"{KIND}: a JSON object per device was expected")
    if repeated:
        yield Evidence("json.repeated", record.subject, f"{repeated} keys occur twice; the last one counts")
    for number, (title, body) in enumerate(document.items(), 1):
        if not isinstance(body, dict):
            yield Unparsed(number, f"{title}: {body}")
            continue
        named = _device(str(body.get("device", "")))
        device = record.function if record.subject != "host" else named or f"device-{number}"
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
