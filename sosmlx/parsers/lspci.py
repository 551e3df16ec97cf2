"""`lspci`: one-line lists (`-n`, `-nn`, `-mm`), records (`-vmm`), and the heads of verbose blocks and hex dumps.

Format: pciutils `lspci.c`. A text often lists a whole host: the adapter's functions become devices, what is said of
others is kept as lines; a text about a single function is about it. What stands below a head: `lspci_verbose`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice

from sosmlx.model import Evidence, Item
from sosmlx.parsers import lspci_names, lspci_verbose, pairs
from sosmlx.parsers.lspci_names import Found
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import HOST, Record

_BDF = r"(?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[01][0-9a-fA-F]\.[0-7]"
_CLASS = r"(?:Class )?[0-9a-f]{4}|[A-Z0-9][A-Za-z0-9 /.-]{2,60}?(?: \[[0-9a-f]{4}\])?"
_PATH = rf"^[ \t]*(?:{_BDF}/|[0-9a-f]{{2}}\.[0-7]/)*"
_HEAD = re.compile(rf"{_PATH}(?P<bdf>{_BDF}) (?P<class>{_CLASS}): (?P<name>\S.*)$", re.MULTILINE)
_MACHINE = re.compile(rf'{_PATH}(?P<bdf>{_BDF}) (?P<fields>".*)$', re.MULTILINE)
_SLOT = re.compile(rf"^[ \t]*(?:Slot|Device):[ \t]+(?P<bdf>{_BDF})[ \t]*$", re.MULTILINE)
_RECORD = rf"^[ \t]*(?:Slot:[ \t]+{_BDF}|Device:[ \t]+{_BDF}[ \t]*\n[ \t]*Class:[ \t])"
_FIELD = re.compile(r'"([^"]*)"|-([rp])([0-9a-f]{2})')
_REST = re.compile(r"[\[(]|Virtual Function")
_KEY = re.compile(r"^\s*(?P<key>[A-Z][A-Za-z]{2,12}):\s+(?P<value>\S.*)$")

_VMM: dict[str, str] = {
    "Class": "class", "Vendor": "vendor", "Device": "device", "SVendor": "subsystem_vendor",
    "SDevice": "subsystem_device", "Rev": "revision", "ProgIf": "prog_if", "PhySlot": "slot", "Driver": "driver",
    "Module": "modules", "NUMANode": "numa_node", "IOMMUGroup": "iommu_group", "DTNode": "dt-node",
}  # fmt: skip
_ORDER = ("class", "vendor", "device", "subsystem_vendor", "subsystem_device")
_NAMED = {"class": "class-name", "vendor": "name", "device": "name", "subsystem_vendor": "subsystem-name",
          "subsystem_device": "subsystem-name"}  # fmt: skip


class _Block:
    """The head of one function, and the lines below it."""

    def __init__(self, device: str, taken: bool) -> None:
        self.device, self.taken = device, taken
        self.heads: list[str] = []
        self.lines: list[tuple[int, str]] = []

    def items(self) -> Iterator[Item]:
        """Yield what the block says."""
        if self.heads:
            found = _found(" ".join(self.heads))
            if not self.taken and not lspci_names.is_ours(found):
                yield from (Evidence("lspci.line", self.device, line.strip()) for line in self.heads)
                yield from (Evidence("lspci.line", self.device, line.strip()) for _, line in self.lines)
                return
            yield from lspci_names.identity(self.device, found)
            yield from (heading(self.device, line) for line in self.heads)
        yield from lspci_verbose.read(self.device, self.lines)


def show(text: str, record: Record) -> Iterator[Item]:
    """Every function that an output of `lspci` speaks of."""
    if re.search(_RECORD, text, re.MULTILINE):
        yield from _records(text, record)
        return
    single = sum(1 for _ in islice(chain(_HEAD.finditer(text), _MACHINE.finditer(text)), 2)) < 2
    block = _Block(_device(record, "", single), True)
    for number, line in pairs.lines(text):
        head = _HEAD.match(line) or _MACHINE.match(line)
        if head:
            yield from block.items()
            block = _Block(_device(record, head["bdf"], single), single)
            block.heads.append(line)
        elif block.heads and not block.lines and _goes_on(block.heads[-1], line):
            block.heads.append(line)
        else:
            block.lines.append((number, line))
    yield from block.items()


def _device(record: Record, bdf: str, single: bool) -> str:
    if record.subject != HOST and (single or not bdf):
        return record.function
    return bdf.lower() or "device-1"


def _goes_on(head: str, line: str) -> bool:
    """Whether a mailer broke a head: it goes on in column 0, and what is left of a name has brackets."""
    return (
        len(head) >= pairs.WRAPPED
        and bool(_REST.search(line[:200]))
        and line[0] not in " \t"
        and not lspci_verbose.begins(line)
        and not pairs.is_chatter(line)
    )


def _found(line: str) -> Found:
    head = _HEAD.match(line)
    if head:
        found = _classed(head["class"])
        found.update(lspci_names.described(head["name"]))
        return found
    machine = _MACHINE.match(line)
    fields = list(_FIELD.finditer(machine["fields"])) if machine else []
    words = [field[1] for field in fields if field[1] is not None]
    found = _joined(dict(zip(_ORDER, words)))
    found.update({"revision" if field[2] == "r" else "prog_if": field[3] for field in fields if field[2]})
    return found


def _classed(text: str) -> Found:
    name, number = lspci_names.code(text)
    return {key: value for key, value in (("class-name", name), ("class", number)) if value}


def _joined(words: dict[str, str]) -> Found:
    """Put the fields of a machine-readable line or record together: names of vendor and device are one name."""
    found: Found = {}
    for key, word in words.items():
        if key not in _NAMED:
            found[key] = word
            continue
        name, number = lspci_names.code(word)
        if number:
            found[key] = number
        if name:
            whole = _NAMED[key]
            found[whole] = f"{found[whole]} {name}" if whole in found else name
            found[f"{whole}{lspci_names.RAW}"] = name
    return found


def _records(text: str, record: Record) -> Iterator[Item]:
    """`-vmm`: a record of `Key: value` lines per function, a blank line between them."""
    single = sum(1 for _ in islice(_SLOT.finditer(text), 2)) < 2
    device = ""
    fields: dict[str, str] = {}
    kept: list[str] = []
    for number, line in pairs.lines(text):
        slot, row = _SLOT.match(line), _KEY.match(line)
        if slot:
            yield from _record(device, fields, kept, single)
            device, fields, kept = _device(record, slot["bdf"], single), {}, [line]
        elif row and row["key"] in _VMM and device:
            fields.setdefault(_VMM[row["key"]], row["value"].strip())
            kept.append(line)
        else:
            yield pairs.remark(number, line, device or _device(record, "", single))
    yield from _record(device, fields, kept, single)


def _record(device: str, fields: dict[str, str], kept: list[str], single: bool) -> Iterator[Item]:
    found = _joined(fields)
    ours = bool(device) and (single or lspci_names.is_ours(found))
    if ours:
        yield from lspci_names.identity(device, found)
    yield from (heading(device, line) if ours else Evidence("lspci.line", device, line.strip()) for line in kept)


TABLE = (
    Parser(
        "lspci.show",
        show,
        ("pci",),
        re.compile(
            rf"{_PATH}{_BDF} (?:(?:{_CLASS}): \S|\")|{_RECORD}"
            r"|^[ \t]*(?:LnkCap|LnkSta|LnkCtl|DevCap|DevCtl|DevSta|ACSCtl|IOVCtl):[ \t]+\S"
            r"|^[ \t]*Capabilities: (?:\[[0-9a-f]{2,3}(?: v\d)?\] \S|<access denied>)",
            re.MULTILINE,
        ),
        identity=True,
    ),
)  # fmt: skip
