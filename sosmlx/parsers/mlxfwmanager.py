"""`mlxfwmanager`/`mstfwmanager`/`mlxup`: each device's firmware and option ROMs, what an update would bring, progress.

Formats as printed by mstflint's `mlxfwupdate`: per device a numbered title, `Key: value` rows, a table `Versions:` and
a status; then the dialogue and progress of an update; or the same query as XML (`--query-format XML`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Callable, NamedTuple

from sosmlx.model import Evidence, Facet, Fact, Item, Plane, Setting, SettingClass
from sosmlx.parsers import vendor
from sosmlx.parsers.spec import Parser, heading, unparsed
from sosmlx.record import HOST, Record

KIND = "mlxfwmanager.query"

HEAD = re.compile(
    r"\A(?![\s\S]*?^[^\S\n]*Configurations:[^\S\n])[\s\S]*?"
    r"^[^\S\n]*(?:Querying \w+ devices firmware|PCI Device Name:|Versions:[^\S\n]+Current\b|<Device pciName=)",
    re.MULTILINE,
)

_FIRMWARE: Plane = "firmware"
_NOT_SHOWN = "not shown"
_Typed = Callable[[str], Facet]


class _Key(NamedTuple):
    """What a row's key means: setting, class, fact, and how its value is typed."""

    name: str
    cls: SettingClass = "identity"
    fact: str = ""
    typed: _Typed = vendor.stated


_KEYS: dict[str, _Key] = {
    "device type": _Key("device-type", fact="model"),
    "part number": _Key("part-number", fact="part_number"),
    "description": _Key("description", fact="description"),
    "psid": _Key("fw.psid", fact="psid"),
    "pci device name": _Key("pci-device-name"),
    "base guid": _Key("base.guid"),
    "base mac": _Key("base.mac", typed=vendor.mac),
    "port1 guid": _Key("guid.port1"),
    "port2 guid": _Key("guid.port2"),
    "port1 mac": _Key("mac.port1", typed=vendor.mac),
    "port2 mac": _Key("mac.port2", typed=vendor.mac),
    "status": _Key("update.status", "health"),
}
_ATTRIBUTES = {
    "type": "device type", "partNumber": "part number", "psid": "psid", "pciName": "pci device name",
    "Base_Guid": "base guid", "Base_Mac": "base mac", "Port1_Guid": "port1 guid", "Port2_Guid": "port2 guid",
    "Port1_Mac": "port1 mac", "Port2_Mac": "port2 mac",
}  # fmt: skip
"""Attributes of the XML form, and the keys of the text form that say the same."""

_TITLE = re.compile(r"\s*Device #(\d+):\s*\Z")
_PROGRESS = re.compile(
    r"\s*(?:Device #(?P<device>\d+):\s*\S|(?P<host>Found \d|Perform |Do you |Restart needed|Please (?:reboot|restart)|"
    r"Log File|Real log|No updates|To load new FW)|(?:Starting|Skipping|Downloading|Preparing|Extracting|Initializing|"
    r"Updating|Burning|Writing|Verifying|Image was|Interrupted|Done|Fail|Failed|FS\w{1,20}_\w+)\b)"
)
_RESTART = re.compile(r"(?i:restart|reboot)")
_VERSION = re.compile(r"(?:\d[\w.\-]*|N/A|--)\Z")
_CELLS = re.compile(r"[ \t\xa0]{2,}|\t")
_BACKSPACES = re.compile(r"[\x08]+")
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[^\s<>/]{1,40})(?=[\s/>])(?P<attributes>[^<>]*)>(?P<text>[^<]*)")
_ATTRIBUTE = re.compile(r'\b(\w{1,40})="([^"]*)"')


class _Part(NamedTuple):
    """One device's lines; `number` is what its title says, `keys` what it has stated so far."""

    number: str
    lines: list[tuple[int, str]]
    keys: dict[str, str]


def query(text: str, record: Record) -> Iterator[Item]:
    """Yield what each device states, its versions and what is available, and the course of an update."""
    if "<Device " in text and "Versions:" not in text:
        yield from _xml(text, record)
        return
    names: dict[str, str] = {}
    for part in _parts(text):
        device = _name(part.keys.get("pci device name", ""), part.number or str(len(names) + 1), record)
        if part.keys:
            names[part.number or str(len(names) + 1)] = device
            yield vendor.named(device)
        yield from _part(device if part.keys else HOST, part.lines, names)


def _name(stated: str, number: str, record: Record) -> str:
    if record.subject != HOST:
        return record.subject
    return vendor.address(stated) if stated and not vendor.stated(stated).reason else f"device-{number}"


def _parts(text: str) -> Iterator[_Part]:
    """Split a text at the devices' titles, and where a key comes that the device has stated."""
    part = _Part("", [], {})
    for number, line in enumerate(text.split("\n"), 1):
        title = _TITLE.match(line)
        key, value = vendor.key_value(line)
        key = key.lower()
        if title or (key in _KEYS and key in part.keys):
            yield part
            part = _Part(title[1] if title else "", [], {})
        part.lines.append((number, line))
        if key in _KEYS:
            part.keys[key] = value
    yield part


def _part(device: str, lines: list[tuple[int, str]], names: dict[str, str]) -> Iterator[Item]:
    table = False
    seen: dict[str, int] = {}
    about = HOST
    for number, line in _joined(lines):
        key, value = vendor.key_value(line)
        key = key.lower()
        progress = _PROGRESS.match(line)
        if not line.strip():
            continue
        if _TITLE.match(line) or key == "versions" or line.strip().startswith("Querying "):
            table = table or key == "versions"
            yield heading(device, line)
        elif key in _KEYS:
            table = table and key != "status"
            yield from _stated(device, key, value)
        elif progress and not (table and _cells(line)):
            about = HOST if progress["host"] else names.get(progress["device"] or "", about)
            yield _progress(about, line)
        elif table and _cells(line):
            yield from _versions(device, _cells(line), seen)
        elif line.rstrip().endswith((" OK", "%")):
            yield _progress(about, line)
        else:
            yield vendor.remark(number, line, device)


def _joined(lines: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Join a long description that a mail program wrapped."""
    waiting: tuple[int, str] | None = None
    for number, line in lines:
        key, _ = vendor.key_value(line)
        goes_on = waiting is not None and vendor.wraps(waiting[1], line)
        if waiting is not None and goes_on and not key and not _PROGRESS.match(line) and not _TITLE.match(line):
            waiting = (waiting[0], f"{waiting[1].rstrip()} {line.strip()}")
            continue
        if waiting is not None:
            yield waiting
            waiting = None
        if key.lower() == "description":
            waiting = (number, line)
        else:
            yield number, line
    if waiting is not None:
        yield waiting


def _stated(device: str, key: str, raw: str) -> Iterator[Item]:
    row = _KEYS[key]
    value = html.unescape(raw)
    facet = row.typed(value)._replace(raw=raw) if raw else Facet(None, reason=_NOT_SHOWN)
    yield Setting(device, _FIRMWARE, row.name, "", (("current", facet),), row.cls)
    if facet.reason or not value:
        return
    if row.fact:
        yield Fact(device, row.fact, value)
    if key == "base guid" and vendor.asic(value):
        yield Fact(device, "asic", vendor.asic(value))
    if key == "status" and vendor.ERROR.search(value):
        yield Evidence(vendor.MESSAGE, device, value, "medium")
    elif key == "status" and "required" in value:
        yield Evidence("firmware.update", device, value, "low")


def _cells(line: str) -> list[str]:
    """Split a row of the versions' table into a name, that may hold blanks, and one or two versions; else nothing."""
    cells = [cell.strip() for cell in _CELLS.split(line.strip()) if cell.strip()]
    words = " ".join(cells).split() if len(cells) < 2 else [*cells[:1], *" ".join(cells[1:]).split()]
    count = 0
    while count < 2 and count + 1 < len(words) and _VERSION.match(words[-1 - count]):
        count += 1
    return [" ".join(words[:-count]), *words[-count:]] if count and ":" not in words[:-count][-1] else []


def _versions(device: str, cells: list[str], seen: dict[str, int]) -> Iterator[Item]:
    """Read one row: what is in flash (or runs), and what the images at hand would bring (a state, no knob)."""
    title, current, *available = cells
    name, view, typed = _component(title)
    seen[title] = seen.get(title, 0) + 1
    again = f"@{seen[title]}" if seen[title] > 1 else ""
    facet = typed(current)
    yield Setting(device, _FIRMWARE, name + again, "", ((view, facet),), "firmware")
    if view != "current" and not facet.reason and not again:
        yield Fact(device, f"{name}.{view}", current)
    for word in available:
        full = f"{name}{'.running' if view == 'running' else ''}.available{again}"
        yield Setting(device, _FIRMWARE, full, "", (("current", typed(word)),), "health")


def _component(title: str) -> tuple[str, str, _Typed]:
    """Name the setting and facet of a component; everything but the firmware itself is an option ROM."""
    words = title.lower().split()
    if words[:1] == ["fw"]:
        return "fw.version", "running" if "running" in title.lower() else "stored", vendor.stated
    return "rom." + re.sub(r"[^a-z0-9_]+", "-", title.lower()).strip("-"), "current", vendor.version


def _progress(device: str, line: str) -> Evidence:
    words = _BACKSPACES.sub("", line).strip()
    severe = "medium" if _RESTART.search(words) or "Fail" in words else "info"
    return Evidence("firmware.update", device, words, severe)


def _xml(text: str, record: Record) -> Iterator[Item]:
    """Read the XML form tag by tag: what is cut off or mangled costs only itself."""
    device, count, end, line = HOST, 0, 0, 1
    seen: dict[str, int] = {}
    for tag in _TAG.finditer(text):
        yield from unparsed(text[end : tag.start()], line)
        line += text.count("\n", end, tag.end())
        end = tag.end()
        stated = dict(_ATTRIBUTE.findall(tag["attributes"]))
        if tag["name"] == "Device" and not tag["end"]:
            count, seen = count + 1, {}
            device = _name(stated.get("pciName", ""), str(count), record)
            yield vendor.named(device)
        yield heading(device, tag[0])
        if "current" in stated:
            cells = [tag["name"].replace("_", " "), stated["current"], *filter(None, [stated.get("available")])]
            yield from _versions(device, cells, seen)
        for name, value in stated.items():
            if name in _ATTRIBUTES:
                yield from _stated(device, _ATTRIBUTES[name], value)
        body = tag["text"].strip()
        if tag["name"].lower() in _KEYS and body:
            yield from _stated(device, tag["name"].lower(), body)
    yield from unparsed(text[end:], line)


TABLE = (Parser(KIND, query, (_FIRMWARE,), HEAD, identity=True),)
