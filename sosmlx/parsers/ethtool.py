"""`ethtool -i -k -g -l` as text: driver, offload features, rings, channels.

Formats: ethtool's `ethtool.c` and `netlink/*.c`; a title line, then `name: value`, sub-features indented.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sosmlx.model import Evidence, Facet, Fact, Item, Record, Setting, SettingClass, Unparsed
from sosmlx.parsers import values
from sosmlx.parsers.spec import Parser, heading

_ROW = re.compile(r"^(\s*)([^:]+?)\s*:\s*(.*?)\s*$")
_DRIVER_VERSION = re.compile(r"^(\S+)(?:\s+\((\S+)\))?$")
_MAXIMA = "Pre-set maximums"
_CURRENT = "Current hardware settings"
_NOTES = ("fixed", "not requested", "requested on", "requested off")


def driver(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -i`: driver and firmware version with PSID; `bus-info` says which function this is."""
    rows = list(_lines(text))
    found = {name: value for _, _, name, value in rows if name}
    device = _device(record, found.get("bus-info", ""))
    for number, line, name, value in rows:
        if not name:
            yield Unparsed(number, line)
            continue
        if name == "firmware-version":
            match = _DRIVER_VERSION.match(value)
            if match and match[1] not in ("", "N/A"):
                yield Fact(device, "fw.version.running", match[1])
                if match[2]:
                    yield Fact(device, "psid", match[2])
        cls: SettingClass = "identity" if name in ("driver", "bus-info") else "firmware"
        if name.startswith("supports-"):
            yield Setting(device, "ethtool", f"driver.{name}", "", (("current", values.word(value)),), "capability")
        else:
            yield Setting(device, "ethtool", f"driver.{name}", "", (("current", values.text(value)),), cls)


def features(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -k`: each offload feature; one that the driver fixed is a capability, not a knob."""
    device = _device(record)
    for number, line, name, value in _lines(text):
        word, _, note = value.partition(" ")
        if line.strip().startswith("Features for "):
            yield heading(device, line)
        elif name and word in ("on", "off") and (not note or note.strip("[]") in _NOTES):
            cls: SettingClass = "capability" if "fixed" in note else "config"
            facet = Facet(word == "on", value)
            yield Setting(device, "ethtool", f"features.{name}", "", (("current", facet),), cls)
        else:
            yield _other(number, line, device)


def rings(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -g`: ring sizes in descriptors, and their maxima as capabilities."""
    return _two_parts(text, record, "rings")


def channels(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -l`: channel counts, and their maxima as capabilities."""
    return _two_parts(text, record, "channels")


def _two_parts(text: str, record: Record, prefix: str) -> Iterator[Item]:
    device = _device(record)
    part = ""
    for number, line, name, value in _lines(text):
        if line.strip().startswith((_MAXIMA, _CURRENT)):
            part = line.strip().rstrip(":")
            yield heading(device, line)
        elif line.strip().startswith(("Ring parameters for", "Channel parameters for")):
            yield heading(device, line)
        elif name and value and part:
            cls: SettingClass = "capability" if part == _MAXIMA else "config"
            suffix = "-max" if part == _MAXIMA else ""
            full = f"{prefix}.{name.lower().replace(' ', '-')}{suffix}"
            yield Setting(device, "ethtool", full, "", (("current", values.word(value)),), cls)
        else:
            yield _other(number, line, device)


def _lines(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield (line number, line, name, value) of lines that are not blank; the name is empty where there is no colon."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            row = _ROW.match(line)
            yield (number, line, row[2], row[3]) if row else (number, line, "", "")


def _other(number: int, line: str, device: str) -> Item:
    lower = line.lower()
    if lower.startswith(("netlink error", "cannot ")) or "not supported" in lower:
        return Evidence("tool.message", device, line.strip())
    return Unparsed(number, line)


def _device(record: Record, bus_info: str = "") -> str:
    """Name the function that a text is about: by its read, else by what the text says of itself."""
    if record.subject != "host":
        return record.subject
    return bus_info or "device-1"


TABLE = (
    Parser(
        "ethtool.driver",
        driver,
        ("ethtool",),
        re.compile(r"^\s*driver: *\S+ *\n\s*version:", re.MULTILINE),
        identity=True,
    ),
    Parser(
        "ethtool.features",
        features,
        ("ethtool",),
        re.compile(r"^\s*(?:Features for \S+:|rx-checksumming: o)", re.MULTILINE),
    ),
    Parser("ethtool.rings", rings, ("ethtool",), re.compile(r"^\s*Ring parameters for ", re.MULTILINE)),
    Parser("ethtool.channels", channels, ("ethtool",), re.compile(r"^\s*Channel parameters for ", re.MULTILINE)),
)
