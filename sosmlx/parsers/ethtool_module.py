"""`ethtool -m` and `--show-module`: what the plugged transceiver or cable says of itself, and its power mode.

Formats: ethtool's `sfpid.c`, `sfpdiag.c`, `qsfp.c`, `cmis.c`, `module-common.c`, `netlink/module.c`. The text has no
title: a module begins at its identifier. Labels changed over the years, and the JSON has its own; a table below maps
them to one name. Readings are rounded to what the text prints. The serial number here is the module's, not the card's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from sosmlx.model import Facet, Item, SettingClass
from sosmlx.parsers import values
from sosmlx.parsers.ethtool_text import NAMELESS, Block, Row, flat, head, knob, other, read, slug, title, typed
from sosmlx.parsers.spec import Parser, heading
from sosmlx.record import Record

_NAMES = {
    "length-smf-km": "length-smf", "length-50um": "length-om2", "length-62-5um": "length-om1",
    "length-copper": "length-copper-or-active-cable", "lowpwrallowrequesthw": "low-pwr-allow-request-hw",
    "lowpwrrequestsw": "low-pwr-request-sw", "module-temperature-measurement": "module-temperature",
    "module-voltage-measurement": "module-voltage", "extended-identifier-value": "extended-identifier",
}  # fmt: skip
"""Labels of older versions, and members of the JSON, by the name that the newest text has."""
_SINGLE = {"laser-tx-bias-current": "laser-bias-current", "transmit-avg-optical-power": "laser-output-power"}
"""Members that the text calls otherwise where a module has one channel only."""
_IDENTITY = ("vendor-", "date-code", "clei-code")
_CLASSES: dict[str, SettingClass] = {
    **dict.fromkeys(("low-pwr-allow-request-hw", "low-pwr-request-sw", "power-set", "power-override"), "config"),
    **dict.fromkeys(("active-firmware-version", "inactive-firmware-version"), "firmware"),
    **dict.fromkeys(("module-temperature", "module-voltage", "module-state", "module-fault-cause"), "health"),
}  # fmt: skip
_PER_LANE = ("alarm", "warning", "current", "optical-power", "output-power", "oma")
_FLAGS = ("loss-of-signal", "loss-of-lock", "fault")
_READINGS = (*_PER_LANE, *_FLAGS)
"""How the names of readings and of their alarms end; their thresholds are the module's own data."""
_PLACES = (("temperature", 2), ("current", 3))
_PER_CHANNEL = re.compile(r"(.*?)\s*\((?:Channel|Chan) (\d{1,3})\)\Z")
_HEX = re.compile(r"0x([0-9a-fA-F]{1,8})(?: (\(.*))?\Z")
_BYTES = re.compile(r"0x[0-9a-fA-F]{2}(?: 0x[0-9a-fA-F]{2})+\Z")
_AMOUNT = re.compile(
    r"(-?\d{1,9}(?:\.\d{1,9})?) ?(?:MBd|Mbps|Mb/s|km|m|nm|db|W|V|mA|%|mW / \S+ dBm|degrees C / \S+ degrees F)\Z"
)
_LANES = re.compile(r"\[ ?(?:Yes|No)(?: ?, ?(?:Yes|No))* ?\]\Z")
_REVISION = re.compile(r"Rev\. (\d+\.\d+)\Z")
_POWER = re.compile(r"(power-mode-policy|power-mode|low-power)\s+(\S+)\Z")


def module(text: str, record: Record) -> Iterator[Item]:
    """`ethtool -m`: identifier, vendor data, abilities, readings and alarms of the plugged module."""
    return read(text, record, NAMELESS, _module, _members, "Identifier")


def _module(block: Block) -> Iterator[Item]:
    repeated = Counter(row.name for row in block.rows)
    seen: Counter[str] = Counter()
    for row in block.rows:
        channel = _PER_CHANNEL.match(row.name)
        if not row.name or not (row.value or slug(row.name).startswith(_IDENTITY)):
            yield other(row, block.device)
            continue
        label = slug(channel[1] if channel else row.name)
        name = _named(label, row)
        if channel or name != label:
            yield heading(block.device, f"{row.name}:")
        seen[row.name] += 1
        suffix = f"@{channel[2]}" if channel else f"@{seen[row.name]}" if repeated[row.name] > 1 else ""
        yield _said(block.device, name, suffix, _printed(name, row.value))


def _named(name: str, row: Row) -> str:
    """Name a row; the older text has the length of single-mode fibre twice, in km and in m."""
    if name == "length-smf" and not row.value.endswith("km"):
        return "length-smf-m"
    return _NAMES.get(name, name)


def _printed(name: str, value: str) -> Facet:
    """Type a value of the text, without the unit that its name implies."""
    coded, amount = _HEX.match(value), _AMOUNT.match(value)
    if name.startswith(_IDENTITY):
        return values.text(value)
    if coded:
        meaning = coded[2] or ""
        plain = meaning[1:-1] if meaning.endswith(")") else meaning
        return Facet(int(coded[1], 16), value, plain)
    if _BYTES.match(value):
        return Facet(tuple(int(byte, 16) for byte in value.split()), value)
    if amount:
        return Facet(_rounded(name, float(amount[1])), value)
    if _LANES.match(value) or (value == "None" and name.endswith(_FLAGS)):
        return _lanes([word.strip() for word in value.strip("[]").split(",")], value)
    revision = _REVISION.match(value)
    if revision:
        return Facet(revision[1], value)
    return values.text(value) if "firmware-version" in name else values.word(value)


def _lanes(flags: list[str], raw: str) -> Facet:
    """Keep the numbers of the lanes that a flag is set for: of none, the text only says so."""
    return Facet(tuple(number for number, flag in enumerate(flags, 1) if flag.lower() in ("yes", "true")), raw)


def _rounded(name: str, value: float) -> int | str:
    """Round a reading to the digits that the text has; a whole number is one, whatever it was printed with."""
    places = next((digits for ending, digits in _PLACES if ending in name), 4)
    near = round(value, places)
    return int(near) if near.is_integer() else str(near)


def _said(device: str, name: str, suffix: str, facet: Facet) -> Item:
    return knob(device, f"module.{name}{suffix}", facet, _class(name))


def _class(name: str) -> SettingClass:
    if name.startswith(_IDENTITY):
        return "identity"
    return _CLASSES.get(name, "health" if name.endswith(_READINGS) else "capability")


def _members(device: str, body: dict[str, object]) -> Iterator[Item]:
    power = body.get("rx_power")
    if isinstance(power, dict) and "type" in power and ("value" in power or "values" in power):
        body[str(power["type"])] = power.get("values", power.get("value"))
        yield heading(device, f"type: {power['type']}")
        del body["rx_power"]
    for name in [name for name in body if f"{name}_description" in body]:
        meaning = str(body.pop(f"{name}_description"))
        yield heading(device, f"{name}_description: {meaning}")
        yield _said(device, _NAMES.get(slug(name), slug(name)), "", _coded(body.pop(name), meaning))
    for member, value in _flat(body).items():
        name = _NAMES.get(slug(member), slug(member))
        if isinstance(value, list) and _is_split(name):
            for number, entry in enumerate(value, 1):
                yield _said(device, name, f"@{number}", _member(name, entry))
        elif isinstance(value, list):
            yield _said(device, name, "", _listed(name, value))
        else:
            name = _SINGLE.get(name, name)
            yield _said(device, name, "", _member(name, value))


def _flat(body: Mapping[str, object]) -> dict[str, object]:
    """Flatten an answer, but for versions: they are objects of a major and a minor number."""
    found: dict[str, object] = {}
    for name, value in body.items():
        if isinstance(value, dict) and set(value) != {"major", "minor"}:
            found.update({f"{name} {inner}": deeper for inner, deeper in flat(value).items()})
        else:
            found[name] = value
    return found


def _is_split(name: str) -> bool:
    """Whether the text prints the entries of a list one by one: readings and alarms per channel, descriptions."""
    return name == "extended-identifier-description" or name.endswith(_PER_LANE)


def _listed(name: str, entries: list[object]) -> Facet:
    if name == "vendor-oui" and all(isinstance(entry, int) for entry in entries):
        return Facet(":".join(f"{entry:02x}" for entry in entries), str(entries))
    if name.endswith(_FLAGS):
        return _lanes([str(entry) for entry in entries], str(entries))
    return values.from_json(entries)


def _member(name: str, value: object) -> Facet:
    if isinstance(value, dict):
        said = ", ".join(f"{part}: {number}" for part, number in value.items())
        return Facet(f"{value['major']}.{value['minor']}", said)
    if isinstance(value, float):
        return Facet(_rounded(name, value), str(value))
    if isinstance(value, str):
        return _printed(name, value.strip())
    return typed(value)


def _coded(value: object, meaning: str) -> Facet:
    facet = typed(value)
    return facet._replace(label=meaning)


def power(text: str, record: Record) -> Iterator[Item]:
    """`ethtool --show-module`: the power mode of the module, and the policy behind it."""
    return read(text, record, title("Module parameters"), _power, _power_members)


def _power(block: Block) -> Iterator[Item]:
    for row in block.rows:
        match = _POWER.match(row.line.strip())
        yield _powered(block.device, match[1], values.word(match[2])) if match else other(row, block.device)


def _power_members(device: str, body: Mapping[str, object]) -> Iterator[Item]:
    for name, value in flat(body).items():
        yield _powered(device, name, typed(value))


def _powered(device: str, name: str, facet: Facet) -> Item:
    return knob(device, f"module-power.{name}", facet, "health" if name == "power-mode" else "config")


TABLE = (
    Parser(
        "ethtool.module",
        module,
        ("ethtool",),
        head(
            r"(?:Identifier|Extended identifier|Connector|Transceiver codes)[^\S\n]+:[^\S\n]*0x[0-9a-f]"
            r"|Vendor (?:name|OUI|PN|rev|SN)[^\S\n]{2,}:"
        ),
        ("[]/identifier", "[]/vendor_pn"),
    ),
    Parser(
        "ethtool.module-power",
        power,
        ("ethtool",),
        head(r"Module parameters for |power-mode(?:-policy)?[^\S\n]+(?:high|low|auto)\b"),
        ("[]/power-mode-policy", "[]/power-mode", "[]/low-power"),
    ),
)
