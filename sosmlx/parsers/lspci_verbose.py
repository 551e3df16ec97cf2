"""What `lspci -v` to `-vvv` and `-x` print below the head of a function: registers, capabilities, VPD, hex dump.

Formats: pciutils `lspci.c`, `ls-caps.c`, `ls-ecaps.c`, `ls-vpd.c`. A row begins with its label and goes on for some
lines; mail breaks rows, forums strip their indentation. All lines are kept; settings are made of what support asks
for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Callable, NamedTuple

from sosmlx.model import Evidence, Facet, Fact, Item, Setting, SettingClass
from sosmlx.parsers import pairs, values
from sosmlx.parsers.lspci_names import LOST, coded, facts, ids
from sosmlx.parsers.spec import ELIDED

Typed = Callable[[str], Facet]
Line = tuple[int, str]

_LABEL = re.compile(r"^\s*(?P<label>[A-Z][A-Za-z0-9/-]{0,30}(?: [A-Za-z0-9/-]{1,20}){0,4}):(?P<rest>.*)$")
_OTHER = re.compile(
    r"^\s*(?:\[virtual\] )?(?:(?P<vpd>\[[A-Z][A-Z0-9]?[^\]]?\] [A-Z])|(?P<hex>[0-9a-f]{2,3}:(?: [0-9a-f]{2}){1,16}\s*$)"
    r"|(?:Expansion ROM|Memory|I/O ports) at |End$|No end tag found|Not readable|Unknown (?:small|large) |!!! )"
)
_VPD = re.compile(r"^\s*\[(?P<key>[A-Z][A-Z0-9]?)[^\]]?\] [^:]{1,40}: ?(?P<value>.*)$")
_FLAG = re.compile(r"(?<![\w+-])([<>]?[A-Za-z0-9][\w/-]{0,30})([+-])(?![\w+-])")
_VALUE = re.compile(r"^(?:MaxPayload|MaxReadReq|Speed|Width|ASPM) ?\d*")

_ASPM = r"not supported|unknown|Disabled|(?:L0s L1|L0s|L1)(?: Enabled)?"

KNOWN = frozenset((
    "Subsystem", "DeviceName", "Physical Slot", "Control", "Status", "Latency", "Interrupt", "NUMA node",
    "IOMMU group", "Flags", "Capabilities", "Kernel driver in use", "Kernel modules", "Bus", "Secondary status",
    "BridgeCtl", "I/O behind bridge", "Memory behind bridge", "Prefetchable memory behind bridge", "DevCap", "DevCtl",
    "DevSta", "LnkCap", "LnkCtl", "LnkSta", "DevCap2", "DevCtl2", "LnkCap2", "LnkCtl2", "LnkSta2", "LnkCtl3",
    "LaneErrStat", "SltCap", "SltCtl", "SltSta", "RootCap", "RootCtl", "RootSta", "RootCmd", "UESta", "UEMsk",
    "UESvrt", "CESta", "CEMsk", "AERCap", "HeaderLog", "ErrorSrc", "ARICap", "ARICtl", "IOVCap", "IOVCtl", "IOVSta",
    "Initial VFs", "VF offset", "Supported Page Size", "VF Migration", "ACSCap", "ACSCtl", "ATSCap", "ATSCtl",
    "PASIDCap", "PASIDCtl", "PRICtl", "PRISta", "PTMCap", "PTMControl", "Product Name", "Read-only fields",
    "Read/write fields", "Vector table", "PBA", "AtomicOpsCap", "AtomicOpsCtl", "Transmit Margin",
    "Compliance De-emphasis", "Compliance Preset/De-emphasis", "Address", "Masking",
    *(f"Region {number}" for number in range(6)),
))  # fmt: skip
"""Labels that begin a row wherever they stand in a line's first column."""


class Part(NamedTuple):
    """A value within a row: where it stands, its setting's name, class and type."""

    pattern: re.Pattern[str]
    name: str
    cls: SettingClass
    typed: Typed


def _speed(raw: str) -> Facet:
    """Spell a speed as sysfs does; a virtual function has no link of its own and says so.

    >>> _speed("8GT/s").value, _speed("unknown").reason
    ('8.0 GT/s PCIe', 'unsupported')
    """
    number = re.fullmatch(r"(\d+)(\.\d+)?GT/s", raw)
    if number:
        return Facet(f"{number[1]}{number[2] or '.0'} GT/s PCIe", raw)
    return Facet(None, raw, reason=values.UNSUPPORTED) if raw == "unknown" else values.text(raw)


def _width(raw: str) -> Facet:
    return Facet(None, raw, reason=values.UNSUPPORTED) if raw == "0" else values.number(raw)


def _watts(raw: str) -> Facet:
    """Drop the zeros that some versions print.

    >>> _watts("75.000").value
    '75'
    """
    return Facet(raw.rstrip("0").rstrip(".") if "." in raw else raw, raw)


def _part(pattern: str, name: str, cls: SettingClass, typed: Typed = values.number) -> Part:
    return Part(re.compile(pattern), name, cls, typed)


_DRIVER, _MODULES, _PRODUCT = "Kernel driver in use", "Kernel modules", "Product Name"
_NODE = _part(r"\bNUMA node:? (-?\d+)", "numa_node", "config")
_GROUP = _part(r"\bIOMMU group:? (\d+)", "iommu_group", "volatile", values.text)
PARTS: dict[str, tuple[Part, ...]] = {
    "Physical Slot": (_part(r"(\S.*)", "slot", "identity", values.text),),
    "DeviceName": (_part(r"(\S.*)", "slot-label", "identity", values.text),),
    "NUMA node": (_part(r"(-?\d+)", "numa_node", "config"),),
    "IOMMU group": (_part(r"(\d+)", "iommu_group", "volatile", values.text),),
    "Flags": (_NODE, _GROUP),
    _DRIVER: (_part(r"(\S+)", "driver", "config", values.text),),
    _MODULES: (_part(r"(\S.*)", "modules", "config", values.text),),
    "Interrupt": (_part(r"IRQ (\d+)", "irq", "volatile"),),
    "Status": (_part(r"^\s*(D[0-3]\w*) NoSoftRst", "power_state", "volatile", values.text),),
    "DevCap": (
        _part(r"MaxPayload (\d+) bytes", "express.max-payload-supported", "capability"),
        _part(r"SlotPowerLimit ([\d.]+)W", "express.slot-power-limit", "capability", _watts),
    ),
    "DevCtl": (
        _part(r"MaxPayload (\d+) bytes", "express.max-payload", "config"),
        _part(r"MaxReadReq (\d+) bytes", "express.max-read-request", "config"),
    ),
    "DevCtl2": (_part(r"Completion Timeout: ([^,]+)", "express.completion-timeout", "config", values.text),),
    "LnkCap": (
        _part(r"Port #(\d+)", "link.port", "identity"),
        _part(r"Speed ([^\s,]+)", "max_link_speed", "capability", _speed),
        _part(r"Width x(\d+)", "max_link_width", "capability"),
        _part(rf"ASPM ({_ASPM})", "link.aspm-supported", "capability", values.text),
    ),
    "LnkCtl": (
        _part(rf"ASPM ({_ASPM})", "link.aspm", "config", values.text),
        _part(r"RCB (\d+) bytes", "link.rcb", "config"),
    ),
    "LnkSta": (
        _part(r"Speed ([^\s,]+)", "current_link_speed", "capability", _speed),
        _part(r"Width x(\d+)", "current_link_width", "capability", _width),
    ),
    "LnkCap2": (_part(r"Supported Link Speeds: ([^,]+)", "link.speeds-supported", "capability", values.text),),
    "LnkCtl2": (_part(r"Target Link Speed: ([^\s,]+)", "link.target-speed", "config", _speed),),
    "Initial VFs": (
        _part(r"^\s*(\d+)", "sriov.initial-vfs", "capability"),
        _part(r"Total VFs: (\d+)", "sriov_totalvfs", "capability"),
        _part(r"Number of VFs: (\d+)", "sriov_numvfs", "config"),
    ),
    "VF offset": (
        _part(r"^\s*(\d+)", "sriov_offset", "capability"), _part(r"stride: (\d+)", "sriov_stride", "capability"),
        _part(r"Device ID: ([0-9a-f]{4})", "sriov_vf_device", "identity", values.text),
    ),
    "Supported Page Size": (_part(r"System Page Size: ([0-9a-f]+)", "sriov.page-size", "config", values.text),),
    "ARICap": (_part(r"Next Function: (\d+)", "ari.next-function", "identity"),),
    "ATSCtl": (_part(r"Smallest Translation Unit: ([0-9a-f]+)", "ats.stu", "config", values.text),),
    "Capabilities": (
        _part(r"MSI-X: Enable[+-] Count=(\d+)", "msix.count", "capability"),
        _part(r"Device Serial Number ([0-9a-f-]{8,40})", "device-serial-number", "identity", values.text),
        _part(r"\bExpress(?: \(v\d\))? ([A-Z][\w /-]+)", "express.type", "identity", values.text),
    ),
}  # fmt: skip
"""The values of each row, by its label. Names without a prefix are those of sysfs attributes."""

FLAGS: dict[str, tuple[str, SettingClass]] = {
    "DevCtl": ("express", "config"), "DevCtl2": ("express", "config"), "AtomicOpsCtl": ("express.atomics", "config"),
    "LnkCtl": ("link", "config"), "ACSCap": ("acs.cap", "capability"), "ACSCtl": ("acs", "config"),
    "ARICap": ("ari.cap", "capability"), "ARICtl": ("ari", "config"), "IOVCap": ("sriov.cap", "capability"),
    "IOVCtl": ("sriov", "config"), "ATSCtl": ("ats", "config"), "PASIDCtl": ("pasid", "config"),
    "PRICtl": ("pri", "config"),
}  # fmt: skip
"""Rows whose switches are settings of their own."""

SETS: dict[str, tuple[str, SettingClass]] = {
    "Control": ("command", "config"), "DevSta": ("express.status", "health"),
    "UESta": ("aer.uncorrectable-status", "health"), "UEMsk": ("aer.uncorrectable-mask", "config"),
    "UESvrt": ("aer.uncorrectable-severity", "config"), "CESta": ("aer.correctable-status", "health"),
    "CEMsk": ("aer.correctable-mask", "config"),
}  # fmt: skip
"""Rows whose switches together are one value: those that are on."""

_OLD_FLAGS = {
    "correctable": "correrr", "non-fatal": "nonfatalerr", "fatal": "fatalerr", "unsupported": "unsupreq",
}  # fmt: skip
_MESSAGES = (
    "<access denied>",
    "Not readable",
    "No end tag found",
    "!!! ",
    "Unknown small resource",
    "Unknown large resource",
)
_VPD_FACTS = {"PN": ("part_number",), "SN": ("serial", "board")}
_VPD_NOISE = ("RV", "RW")


@dataclass
class _Row:
    """A label and what belongs to it, over all its lines."""

    label: str
    first: int
    lines: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The row behind its label, in one line."""
        return " ".join(self.parts)


def begins(line: str) -> bool:
    """Whether a line begins a row of a verbose block, wherever it stands."""
    label = _LABEL.match(line)
    return bool(_OTHER.match(line) or (label and label["label"] in KNOWN))


def read(device: str, lines: Sequence[Line]) -> Iterator[Item]:
    """Yield what the lines below a head say."""
    dump: dict[str, list[str]] = {}
    for row in _rows(lines):
        if not row.label:
            yield pairs.remark(row.first, row.lines[0], device)
        elif row.label == "hex":
            words = row.text.split()
            dump[words[0]] = words[1:]
            yield Evidence("lspci.hex", device, row.text.strip())
        else:
            yield from _row(device, row)
            if "!!! Unknown header type" in row.lines[0]:
                yield Evidence("pci.lost", device, LOST, "high")
            kind = "tool.message" if any(word in row.lines[0] for word in _MESSAGES) else "lspci.line"
            yield from (Evidence(kind, device, line.strip()) for line in row.lines)
    yield from _dump(device, dump)


def _rows(lines: Sequence[Line]) -> Iterator[_Row]:
    """Put the lines of a block together to rows."""
    row: _Row | None = None
    for number, line in lines:
        name, _, subsystem = line.partition("\tSubsystem: ")
        if subsystem and name.strip():  # versions before 3.5 forget to end the line of a DeviceName
            starts = [name, f"\tSubsystem: {subsystem}"]
        else:
            starts = [line]
        for part in starts:
            label, rest = _label(part)
            inner = part[0] in " \t"
            goes_on = label is None and row is not None and row.label and not pairs.is_chatter(part)
            if row and goes_on and (inner or _belongs(row.lines[-1], part)):
                row.lines.append(part)
                row.parts.append(part.strip())
                continue
            if row:
                yield row
            row = _Row(label or "", number, [part], [rest])
    if row:
        yield row


def _label(line: str) -> tuple[str | None, str]:
    """Tell the label of a line and what stands behind it; no label where it may go on with the row before."""
    other, label = _OTHER.match(line), _LABEL.match(line)
    if other:
        kind = "vpd" if other["vpd"] else "hex" if other["hex"] else "other"
        return kind, line.strip()
    if label and (label["label"] in KNOWN or line[0] in " \t"):
        return label["label"], label["rest"].strip()
    return None, line.strip()


def _belongs(before: str, line: str) -> bool:
    """Whether a line in column 0 goes on with a row: a mailer broke it, or the text lost its indentation."""
    return len(before.expandtabs()) >= pairs.WRAPPED or bool(_FLAG.search(line[:200]) or _VALUE.match(line))


def _row(device: str, row: _Row) -> Iterator[Item]:
    text = row.text
    for part in PARTS.get(row.label, ()):
        found = part.pattern.search(text)
        if found:
            facet = part.typed(found[1].strip())
            yield Setting(device, "pci", part.name, "", (("current", facet),), part.cls)
    if row.label in FLAGS:
        prefix, cls = FLAGS[row.label]
        for name, state in _FLAG.findall(text):
            flag = _OLD_FLAGS.get(name.lower(), name.lower())
            facet = Facet(state == "+", f"{name}{state}")
            yield Setting(device, "pci", f"{prefix}.{flag}", "", (("current", facet),), cls)
    elif row.label in SETS:
        name, cls = SETS[row.label]
        on = tuple(flag for flag, state in _FLAG.findall(text) if state == "+")
        yield Setting(device, "pci", name, "", (("current", Facet(on, text)),), cls)
    yield from _special(device, row)


def _special(device: str, row: _Row) -> Iterator[Item]:
    """Rows that give more than settings: identity, the state of the link, what could not be read."""
    text = row.text
    if row.label == "vpd":
        yield from _vpd(device, text)
    elif row.label == "Subsystem":
        name, vendor, number = ids(text)
        if vendor:
            yield coded(device, "subsystem_vendor", vendor, vendor)
            yield coded(device, "subsystem_device", number, number)
        if name:
            yield Setting(device, "pci", "subsystem-name", "", (("current", values.text(name)),), "identity")
    elif row.label == _DRIVER and text:
        yield Fact(device, "driver", text.split()[0])
    elif row.label == _PRODUCT and text:
        yield Setting(device, "pci", "vpd.product-name", "", (("current", values.text(text)),), "identity")
        yield Fact(device, "description", text)
    elif row.label == "Capabilities" and "<access denied>" in text:
        yield Evidence(ELIDED, device, "capabilities are shown to root only: access was denied")
    elif row.label == "LnkSta":
        yield from _link_state(device, text)
    elif row.label.startswith("Region ") and "[size=" in text:
        size = text.partition("[size=")[2].partition("]")[0]
        name = f"{row.label.lower().replace(' ', '')}.size"
        yield Setting(device, "pci", name, "", (("current", values.text(size)),), "capability")


def _link_state(device: str, text: str) -> Iterator[Item]:
    """Tell a link that runs below what the device can; where there is no link (a VF), nothing is below it."""
    for what, pattern in (("speed", r"Speed (\S+) \((\w+)\)"), ("width", r"Width x(\d+) \((\w+)\)")):
        found = re.search(pattern, text)
        if found and found[1] not in ("unknown", "0"):
            facet = Facet(found[2], found[2], found[2])
            yield Setting(device, "pci", f"link.{what}-state", "", (("current", facet),), "health")
            if found[2] == "downgraded":
                yield Evidence("pci.link", device, f"the link's {what} is below what the device can: {found[0]}", "low")


def _vpd(device: str, text: str) -> Iterator[Item]:
    found = _VPD.match(text)
    if found and found["key"] not in _VPD_NOISE:
        key, value = found["key"], found["value"].strip()
        facet = Facet(None, value, reason=values.UNSUPPORTED) if value in ("N/A", "") else values.text(value)
        yield Setting(device, "pci", f"vpd.{key.lower()}", "", (("current", facet),), "identity")
        if facet.value:
            yield from (Fact(device, fact, value) for fact in _VPD_FACTS.get(key, ()))


def _dump(device: str, dump: dict[str, list[str]]) -> Iterator[Item]:
    """Read the numbers of a function from the hex dump of its configuration space (little endian)."""
    first, third = dump.get("00:", []), dump.get("20:", [])
    if len(first) < 16 or first[:2] == ["ff", "ff"]:
        return
    vendor, number = first[1] + first[0], first[3] + first[2]
    code = "".join(reversed(first[9:12]))
    yield coded(device, "vendor", vendor, " ".join(first[0:2]))
    yield coded(device, "device", number, " ".join(first[2:4]))
    yield coded(device, "revision", first[8], first[8])
    yield coded(device, "class", code, " ".join(first[9:12]))
    yield from facts(device, code[:4], {"vendor": vendor, "device": number})
    if len(third) == 16 and first[14] in ("00", "80"):
        yield coded(device, "subsystem_vendor", third[13] + third[12], " ".join(third[12:14]))
        yield coded(device, "subsystem_device", third[15] + third[14], " ".join(third[14:16]))
