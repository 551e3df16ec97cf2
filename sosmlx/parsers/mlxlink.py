"""`mlxlink` and `mstlink`: link, cable module, counters, FEC, eye, PCIe links and EEPROM, as text or `--json`.

Format as printed by mstflint's `mlxlink` (`mlxlink_cmd_print.cpp`, `mlxlink_record.cpp`): sections with an underlined
title, rows `name : value` whose values are coloured on terminals and in files alike. Rows that were grepped out of
their section are known by their name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sosmlx.errors import ParseError
from sosmlx.jsonio import tool_json
from sosmlx.model import Evidence, Fact, Item, Setting, SettingClass
from sosmlx.parsers import mlxlink_fields as fields
from sosmlx.parsers import values
from sosmlx.parsers.pasted import asked, device_facts, device_of, remark
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import HOST, Record

KIND = "mlxlink.show"
_TOOLS = ("mlxlink", "mstlink")
_PAINT = re.compile(r"(?:\s|\x1b\[[0-9;]*[A-Za-z])+")
_RULE = re.compile(r"-{3,}\Z")
_ERROR = re.compile(r"-[EWI]- |raised the following exception")
_MESSAGE = re.compile(
    r"-[EWI]- |raised the following exception|not (?:supported|available|applicable|loaded)|No (?:cable|such|supported)"
    r"|[Ff]ailed|[Uu]nable to|Invalid |Error\b|Warning|Please |Note: |must be"
)
_WRAPPED_AT = 68
"""A line at least this long may go on in the next one: mail wraps at 72 to 80 columns."""
_LONGEST = 2000
"""No value that mail wrapped is longer."""


@dataclass
class _Place:
    """Where a reader is: the device, the section with its class, and the PCIe link whose rows follow."""

    device: str
    section: str = ""
    cls: SettingClass = "health"
    instance: str = ""
    ports: int = 0

    def enter(self, title: str, pasted: bool) -> None:
        """Go to a section; where a pasted text has a second section of link state, that is the next device's."""
        self.section, self.cls = fields.section(title)
        if self.section not in fields.OF_A_PCIE_LINK:
            self.instance = ""
        if title.strip().lower() == fields.FIRST:
            self.ports += 1
            if pasted and self.ports > 1:
                self.device = f"device-{self.ports}"


def show(text: str, record: Record) -> Iterator[Item]:
    """Yield the settings of every section, text or JSON, and the firmware version as a fact."""
    return _document(text, record) if text.lstrip()[:1] == "{" else _sections(text, record)


def _sections(text: str, record: Record) -> Iterator[Item]:
    place = _Place(device_of(record, ()))
    lines = list(_unwrapped(text))
    for at, (number, line) in enumerate(lines):
        words = asked(line, _TOOLS)
        underlined = at + 1 < len(lines) and bool(_RULE.match(lines[at + 1][1]))
        if words is not None:
            place = _Place(device_of(record, words, "-d", "--device", otherwise=place.device))
            yield heading(place.device, line)
            yield from device_facts(place.device)
        elif _RULE.match(line):
            yield heading(place.device, line)
        elif fields.is_title(line) or underlined:
            place.enter(line, record.subject == HOST)
            yield heading(place.device, line)
        else:
            yield from _line(number, line, place)


def _unwrapped(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines that are not blank: without colours, values that mail wrapped joined."""
    number, whole, length = 0, "", 0
    for next_number, line in enumerate(text.split("\n"), 1):
        bare = _bare(line)
        if bare and length >= _WRAPPED_AT and len(whole) < _LONGEST and _goes_on(whole, line, bare):
            whole = f"{whole} {bare}"
        else:
            if whole:
                yield number, whole
            number, whole = next_number, bare
        length = len(line)
    if whole:
        yield number, whole


def _goes_on(before: str, line: str, bare: str) -> bool:
    """Whether a line in column 0 that has no name of its own belongs to the row before it."""
    named = ":" in bare or _RULE.match(bare) or fields.is_title(bare) or _MESSAGE.search(bare)
    return line.rstrip() == bare and ":" in before and not named and "\x1b" not in before


def _bare(line: str) -> str:
    r"""Take blanks and colours off both ends.

    >>> _bare("\x1b[0m State  : \x1b[32mActive \x1b[0m ")
    'State  : \x1b[32mActive'
    """
    if "\x1b" not in line:
        return line.strip()
    start = _PAINT.match(line)
    first, end = start.end() if start else 0, len(line)
    for run in _PAINT.finditer(line, first):
        if run.end() == len(line):
            end = run.start()
    return line[first:end]


def _line(number: int, line: str, place: _Place) -> Iterator[Item]:
    """Read `name : value`. Names are padded: a short one that touches its colon must be one that we know."""
    name, colon, value = line.partition(":")
    key, value = fields.slug(name), _bare(value)
    home = fields.home(key)
    padded = name[-1:].isspace() or len(name) >= fields.WIDTH
    is_row = colon and key and (home or (padded and (place.section or name.endswith("   "))))
    if place.section == fields.ERRORS:
        yield Evidence("tool.message", place.device, line, "medium")
    elif is_row and not _ERROR.search(line):
        yield from _row(place.section or home or "link", key, value, place, line)
    else:
        yield remark(number, line, place.device, _MESSAGE)


def _row(section: str, key: str, value: str, place: _Place, line: str, listed: bool = False) -> Iterator[Item]:
    device, known = place.device, value.lower() not in ("n/a", "null")
    if key in fields.LEGENDS or not value:
        if key == fields.PCIE_LINK:
            place.instance = "@" + ".".join(part.strip() for part in value.split(","))
        yield heading(device, line)
    elif (section, key) in fields.FIRMWARE:
        facet = values.text(value) if known else values.word(value)
        yield heading(device, line)
        yield Setting(device, "firmware", "fw.version", "", (("running", facet),), "firmware")
        if known:
            yield Fact(device, "fw.version.running", value)
    else:
        fact = fields.FACTS.get((section, key))
        if fact and known:
            yield Fact(device, fact, value)
        cls = fields.field_class(section, key, place.cls)
        for name, facet, part_class in fields.readings(section, key, cls, value, listed):
            yield Setting(device, "register", f"{name}{place.instance}", "", (("current", facet),), part_class)


def _document(text: str, record: Record) -> Iterator[Item]:
    try:
        document, repeated = tool_json(text)
    except ValueError as error:
        raise ParseError(f"{KIND}: not JSON ({error})") from None
    if not isinstance(document, dict):
        raise ParseError(f"{KIND}: a JSON object was expected")
    place = _Place(device_of(record, ()))
    if repeated:
        yield Evidence("json.repeated", place.device, f"{repeated} keys occur twice; the last one counts")
    for name, body in document.items():
        if name == "result" and isinstance(body, dict):
            yield from _result(body, place)
        elif name == "status" and isinstance(body, dict) and body.get("code") == 0:
            yield heading(place.device, f"{name}: {', '.join(_leaves(body))}")
        else:
            yield Evidence("tool.message", place.device, f"{name}: {', '.join(_leaves(body))}", "medium")


def _result(result: dict[str, object], place: _Place) -> Iterator[Item]:
    for name, body in result.items():
        if name != "output" or not isinstance(body, dict):
            yield from (Evidence("tool.message", place.device, f"{name}: {leaf}") for leaf in _leaves(body))
            continue
        for title, rows in body.items():
            place.enter(title, pasted=False)
            yield heading(place.device, title)
            for row, value in (rows if isinstance(rows, dict) else {"value": rows}).items():
                yield from _member(row, value, place)


def _member(row: str, value: object, place: _Place) -> Iterator[Item]:
    """Read a value of the document: a word, a list, or a mask with its words; written as the text form has them."""
    leaves = list(_leaves(value))
    mask = value.get("mask") if isinstance(value, dict) else None
    if mask is not None:
        words = ", ".join(leaf for leaf in leaves if leaf != mask)
        yield heading(place.device, f"{row}: {mask} ({words})")
        yield from _row(place.section, fields.slug(row) or "value", f"{mask} ({words})", place, row, listed=True)
    else:
        joined = ", ".join(leaves)
        listed = len(leaves) > 1
        yield from _row(place.section, fields.slug(row) or "value", joined, place, f"{row}: {joined}", listed)


def _leaves(value: object) -> Iterator[str]:
    """Yield the scalars of a document, in its order."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (dict, list)):
            waiting += reversed(list(part.values()) if isinstance(part, dict) else part)
        elif isinstance(part, bool) or part is None:
            yield str(part).lower() if part is not None else "null"
        else:
            yield str(part)


_TITLES = (
    r"Operational Info|Supported Info|Troubleshooting Info|Tool Information|Module Info|FEC Capability Info|Device Info"
    r"|Physical Counters and BER Info|PCIe Operational \(Enabled\) Info|Valid PCIe Links|Histogram of FEC Errors"
    r"|Management PCIe \w+ Counters Info|Cable DDM Information|Serdes Tuning Transmitter Info[^\n]{0,20}"
    r"|EYE Opening Info[^\n]{0,20}|Page: 0x\w+, Offset: \d+, Length: \w+"
)
_NAMES = (
    r"Temperature \[C\]|Voltage \[mV\]|Bias Current \[mA\]|[RT]x Power Current \[dBm\]"
    r"|[RT]x [\w ]{2,18}\[per lane\]|(?:Enabled Link|Supported Cable) Speed(?: \(Ext\.\))?|Cable Technology"
    r"|Vendor (?:Part|Serial) Number|Transfer Distance \[m\]|Digital Diagnostic Monitoring"
    r"|(?:Effective|Raw) Physical \w[\w ]{2,20}|Link Down Counter|Symbol (?:BER|Errors)|amBER Version"
    r"|Link (?:Speed|Width) Active \(Enabled\)"
)
_PADDED_NAMES = "State|Physical state|Speed|Width|Loopback Mode|Auto Negotiation|Recommendation|Status Opcode|FEC"
"""Names that other tools print as well, though not with the colon in that column."""

TABLE = (
    Parser(
        KIND,
        show,
        ("register",),
        re.compile(
            rf"^(?:[ \t]|\x1b\[[0-9;]*m)*(?:(?:{_TITLES})[ \t]*\n[ \t]*-{{5}}|(?:{_NAMES})[ \t]+: "
            rf"|(?:{_PADDED_NAMES})[ ]{{16,32}}: )",
            re.MULTILINE,
        ),
        ("result/output", "status/code"),
        identity=True,
    ),
)
