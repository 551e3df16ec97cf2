"""`flint`/`mstflint` `query [full]`: image, firmware stored and running, option ROMs, GUIDs and MACs, PSID, security.

Format as printed by mstflint's `flint/subcommands.cpp` (`QuerySubCommand::printInfo`): `Key:` padded to one column, a
row per option ROM, and a table of unique ids whose columns depend on the image's kind (FS2, or FS3 and later).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Callable, NamedTuple

from sosmlx.model import Evidence, Facet, Fact, Item, Plane, Setting, SettingClass
from sosmlx.parsers import values, vendor
from sosmlx.parsers.spec import BDF, Parser, heading
from sosmlx.record import Record

KIND = "flint.query"

HEAD = re.compile(
    r"\A(?![\s\S]*?^[^\S\n]*Configurations:[^\S\n])[\s\S]*?"
    r"^[^\S\n]*(?:Image type:[^\S\n]*(?:FS\w|PLDM|\w+ image)|FW Version(?:\(Running\))?:[^\S\n]*\d+\."
    r"|Rom Info:[^\S\n]*\w+=)",
    re.MULTILINE,
)

_FIRMWARE: Plane = "firmware"


class _Key(NamedTuple):
    """What a row's key means: setting, class, how its value is typed, and the fact that it states."""

    name: str
    cls: SettingClass
    typed: Callable[[str], Facet] = vendor.stated
    fact: str = ""
    facet: str = "current"


_KEYS: dict[str, _Key] = {
    "image type": _Key("image.type", "firmware"),
    "fw version": _Key("fw.version", "firmware", fact="fw.version.stored", facet="stored"),
    "fw version(running)": _Key("fw.version", "firmware", fact="fw.version.running", facet="running"),
    "fw release date": _Key("fw.release-date", "firmware"),
    "min fit version": _Key("fw.min-fit-version", "firmware"),
    "mic version": _Key("fw.mic-version", "firmware"),
    "product version": _Key("fw.product-version", "firmware"),
    "config sectors": _Key("image.config-sectors", "firmware", vendor.counted),
    "config pad": _Key("image.config-pad", "firmware", vendor.counted),
    "prs name": _Key("prs-name", "identity"),
    "orig prs name": _Key("orig.prs-name", "identity"),
    "part number": _Key("part-number", "identity", fact="part_number"),
    "description": _Key("description", "identity", fact="description"),
    "device id": _Key("device-id", "identity", vendor.counted),
    "chip revision": _Key("chip-revision", "identity"),
    "board id": _Key("board-id", "identity"),
    "hw access key": _Key("hw-access-key", "config"),
    "vsd": _Key("vsd", "identity"),
    "image vsd": _Key("vsd.image", "identity"),
    "device vsd": _Key("vsd.device", "identity"),
    "psid": _Key("fw.psid", "identity", fact="psid"),
    "orig psid": _Key("orig.fw.psid", "identity"),
    "security attributes": _Key("security-attributes", "firmware"),
    "default update method": _Key("default-update-method", "capability"),
    "life cycle": _Key("life-cycle", "evidence"),
    "secure boot capable": _Key("secure-boot-capable", "capability"),
    "efuse security ver": _Key("efuse-security-ver", "evidence", vendor.counted),
    "image security ver": _Key("image-security-ver", "firmware", vendor.counted),
    "security ver program": _Key("security-ver-program", "config"),
    "encryption": _Key("encryption", "capability"),
    "geographical address": _Key("geographical-address", "identity"),
    "board geo address": _Key("board-geo-address", "identity"),
}
_ROM = "rom info"
_FIRST = ("image type", "fw version", "psid")
"""Keys that a device states once: at the second the next device begins. (`Description` comes twice by itself.)"""

_NODE = re.compile(r"(?:/dev/mst/|/dev/fwctl/fwctl|fwctl\d|mt\d+_pci)[\w.]*:?\Z")
_TITLE = 160
_UID = re.compile(r"(?P<orig>orig )?base (?P<kind>guid|mac)(?P<index>\d*)\Z")
_COLUMNS = re.compile(r"Sys image|\w+")
_COLUMN_WORDS = ("uid", "guidsnumber", "step", "node", "port1", "port2", "sys", "image", "base", "switch")
_PAIR = re.compile(r"(?:^|(?<=\s))(\w+)=")
_ROM_LINE = re.compile(r"(?:type|version|version_id|devid|proto|cpu)=")
_UNSAFE = {
    "dev": "development firmware", "debug": "debug firmware", "dbg-token": "a debug token is active",
    "cs-token": "a customer support token is active",
}  # fmt: skip


class _Part(NamedTuple):
    """One device's lines, and the name by which the text calls it (empty where it does not)."""

    device: str
    lines: list[tuple[int, str]]
    keys: set[str]


class _Row(NamedTuple):
    number: int
    line: str
    key: str = ""
    value: str = ""


def query(text: str, record: Record) -> Iterator[Item]:
    """Yield what each device of a query states; a device without a name in the text is numbered."""
    count = 0
    for part in _parts(text):
        count += bool(part.keys)
        device = record.subject if record.subject != "host" else part.device or f"device-{max(count, 1)}"
        if part.keys:
            yield vendor.named(device)
        yield from _part(device, part.lines)


def _parts(text: str) -> Iterator[_Part]:
    """Split a text before each command line that names a device, and where a key comes that the device has stated."""
    part = _Part("", [], set())
    for number, line in enumerate(text.split("\n"), 1):
        key = vendor.key_value(line)[0].lower()
        device = "" if key in _KEYS else _named(line)
        again = key in _FIRST and (key in part.keys or (key == "image type" and bool(part.keys)))
        if again or (device and part.lines):
            yield part
            part = _Part(device, [], set())
        elif device:
            part = part._replace(device=device)
        part.lines.append((number, line))
        if key in _KEYS:
            part.keys.add(key)
    yield part


def _named(line: str) -> str:
    """Name the device of a line that only says whose answer comes next: a command, or a loop's own title."""
    words = line.strip(" \t=-#*[]:").split()
    if line.lstrip().startswith("-E-") or len(line) > _TITLE:
        return ""
    if words[:1] in (["Device:"], ["device:"], ["Device"]):
        del words[0]
    if words and (BDF.fullmatch(words[0]) or _NODE.match(words[0])):
        return vendor.address(words[0])
    return vendor.command(line) or ""


def _rows(lines: list[tuple[int, str]]) -> list[_Row]:
    """Pair each line with its key: option ROMs have one key for all, and a long description may be wrapped."""
    rows: list[_Row] = []
    for number, line in lines:
        bare = line.strip()
        key, value = vendor.key_value(line)
        if not bare:
            continue
        if key:
            rows.append(_Row(number, line, key.lower(), value))
        elif _ROM_LINE.match(bare):
            rows.append(_Row(number, line, _ROM, bare))
        elif rows and rows[-1].key == "description" and vendor.wraps(rows[-1].value, line):
            rows[-1] = rows[-1]._replace(value=f"{rows[-1].value} {bare}")
        else:
            rows.append(_Row(number, line))
    return rows


def _part(device: str, lines: list[tuple[int, str]]) -> Iterator[Item]:
    rows = _rows(lines)
    column = next((_column(row) for row in rows if row.key in _KEYS and row.value), -1)
    columns: tuple[str, ...] = ()
    seen: dict[str, int] = {}
    for row in rows:
        words = row.value.split()
        if row.key == "description" and words and all(word.lower() in _COLUMN_WORDS for word in words):
            columns = tuple(word.lower().replace(" ", "-") for word in _COLUMNS.findall(row.value))
            yield heading(device, row.line)
        elif row.key == _ROM:
            yield from _rom(device, row, seen)
        elif _UID.match(row.key) and words:
            yield from _uid(device, row.key, words)
        elif row.key in ("guids", "macs") and words:
            yield heading(device, row.line)
            yield from _table(device, row.key[:-1], words, columns)
        elif row.key in _KEYS:
            yield from _stated(device, row)
        elif row.key and row.value and _column(row) == column:
            name = re.sub(r"[^a-z0-9_]+", "-", row.key).strip("-")
            yield _setting(device, name, vendor.stated(row.value), "firmware")
        elif _named(row.line):
            yield heading(device, row.line)
        else:
            yield vendor.remark(row.number, row.line, device)


def _column(row: _Row) -> int:
    """Find where a row's value begins; the tool puts all of one answer in one column."""
    after = row.line.lstrip().partition(":")[2]
    return len(row.line.lstrip()) - len(after.lstrip())


def _stated(device: str, row: _Row) -> Iterator[Item]:
    key = _KEYS[row.key]
    facet = key.typed(row.value)
    yield _setting(device, key.name, facet, key.cls, key.facet)
    if row.key == "security attributes":
        for word in row.value.replace(",", " ").split():
            if word in _UNSAFE:
                yield Evidence("firmware.kind", device, f"{_UNSAFE[word]} ({row.value})", "high")
    if facet.reason or not row.value:
        return
    if key.fact:
        yield Fact(device, key.fact, row.value)
    if row.key == "device id" and isinstance(facet.value, int):
        yield Fact(device, "device_id", f"0x{facet.value:04x}")


def _rom(device: str, row: _Row, seen: dict[str, int]) -> Iterator[Item]:
    """Take one option ROM apart (`type=UEFI version=14.28.15 cpu=AMD64`); a type may hold blanks and come twice."""
    marks = list(_PAIR.finditer(row.value))
    ends = [mark.start() for mark in marks[1:]] + [len(row.value)]
    pairs = {mark[1]: row.value[mark.end() : end].strip() for mark, end in zip(marks, ends)}
    if not pairs:
        yield _setting(device, "rom", vendor.stated(row.value), "firmware")
        return
    kind = pairs.pop("type", "")
    name = "rom." + (re.sub(r"[^a-z0-9_]+", "-", kind.lower()).strip("-") or "unknown")
    seen[name] = seen.get(name, 0) + 1
    again = f"@{seen[name]}" if seen[name] > 1 else ""
    if "version_id" in pairs:
        yield heading(device, row.line)
    for key, value in pairs.items():
        if key in ("version", "version_id"):
            yield _setting(device, name + again, vendor.version(value), "firmware")
        else:
            yield _setting(device, f"{name}.{key}{again}", values.text(value), "firmware")
    if "version" not in pairs and "version_id" not in pairs:
        yield _setting(device, name + again, Facet(None, kind, reason="no version"), "firmware")


def _uid(device: str, key: str, words: list[str]) -> Iterator[Item]:
    """Read `Base GUID: UID, how many, and (two-port tables) the step`; `Orig` rows are what manufacturing burnt."""
    match = _UID.match(key)
    if match is None:
        return
    name = f"{'orig.' if match['orig'] else ''}base.{match['kind']}{match['index']}"
    typed = vendor.mac if match["kind"] == "mac" else vendor.stated
    yield _setting(device, name, typed(words[0]), "identity")
    for suffix, word in zip(("count", "step"), words[1:]):
        yield _setting(device, f"{name}.{suffix}", vendor.counted(word), "identity")
    for extra, word in enumerate(words[3:], 3):
        yield _setting(device, f"{name}.{extra}", values.text(word), "identity")
    if name == "base.guid" and vendor.asic(words[0]):
        yield Fact(device, "asic", vendor.asic(words[0]))


def _table(device: str, kind: str, words: list[str], columns: tuple[str, ...]) -> Iterator[Item]:
    """Read an FS2 row under its columns: only ports have a MAC, and the tool's blanks do not line up."""
    ports = tuple(column for column in columns if column.startswith("port"))
    names = columns if len(words) == len(columns) else ports if len(words) == len(ports) else ()
    for number, word in enumerate(words, 1):
        part = names[number - 1] if names else ""
        facet = vendor.mac(word) if kind == "mac" else vendor.stated(word)
        yield _setting(device, f"{kind}.{part}" if part else f"{kind}@{number}", facet, "identity")
        if kind == "guid" and part == "sys-image" and vendor.asic(word):
            yield Fact(device, "asic", vendor.asic(word))


def _setting(device: str, name: str, facet: Facet, cls: SettingClass, view: str = "current") -> Setting:
    return Setting(device, _FIRMWARE, name, "", ((view, facet),), cls)


TABLE = (Parser(KIND, query, (_FIRMWARE,), HEAD, identity=True),)
