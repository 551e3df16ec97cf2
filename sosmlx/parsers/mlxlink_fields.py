"""Which sections and fields `mlxlink` prints, what each of them tells, and how their values are typed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sosmlx.model import Facet, SettingClass
from sosmlx.parsers import values

Reading = tuple[str, Facet, SettingClass]
"""Name, value and class of a setting."""

ERRORS = "errors"
"""The section whose lines are what the tool could not read."""
FIRST = "operational info"
"""The section that every port's output begins with, in lower case."""
PCIE_LINK = "depth-pcie-index-node"
"""The field that says which PCIe link the next rows are about."""
OF_A_PCIE_LINK = ("pcie", "pcie-eye", "pcie-serdes-tx")
"""Sections whose rows are about the PCIe link that was named last."""
EEPROM = "eeprom"
WIDTH = 30
"""Names at least this long may touch their colon; shorter ones are padded."""

LEGENDS = (PCIE_LINK, "header", "legend", "channels", "thresholds", "serdes-tx-parameters")
"""Fields that name the columns of the rows below them, or whose rows these are."""

FIRMWARE = (("tool", "firmware-version"), ("device", "fw-version"))
"""Where the adapter's own firmware version stands; the one in the module's section is the module's."""
FACTS = {("device", "part-number"): "part_number", ("device", "serial-number"): "serial"}

_SECTIONS: dict[str, tuple[str, SettingClass]] = {
    "operational info": ("link", "health"), "supported info": ("link", "capability"),
    "troubleshooting info": ("troubleshooting", "health"), "tool information": ("tool", "volatile"),
    "module info": ("module", "capability"), "physical counters and ber info": ("counters", "counter"),
    "test mode info": ("prbs", "config"), "test mode info (prbs)": ("prbs", "config"),
    "pcie operational (enabled) info": ("pcie", "health"), "management pcie timers counters info": ("pcie", "counter"),
    "management pcie performance counters info": ("pcie", "counter"), "valid pcie links": ("pcie-links", "capability"),
    "eye opening info": ("eye", "health"), "eye opening info (pcie)": ("pcie-eye", "health"),
    "fec capability info": ("fec", "capability"), "histogram of fec errors": ("fec-histogram", "counter"),
    "serdes tuning transmitter info": ("serdes-tx", "config"),
    "serdes tuning transmitter info (pcie)": ("pcie-serdes-tx", "config"), "device info": ("device", "identity"),
    "rx recovery counters": ("rx-recovery", "counter"), "plr info": ("plr", "health"), "kr info": ("kr", "health"),
    "peq info": ("peq", "health"), "ber monitor info": ("ber-monitor", "health"),
    "external phy info": ("external-phy", "config"), "cable ddm information": ("ddm", "health"),
    "ddm flags": ("ddm", "health"), "ddm thresholds": ("ddm", "capability"), "errors": (ERRORS, "health"),
}  # fmt: skip

_FIELDS: dict[str, dict[SettingClass, str]] = {
    "link": {
        "health": "state|physical state|speed|width",
        "config": "fec|loopback mode|auto negotiation|enabled link speed|enabled link speed (ext.)",
        "capability": "supported link speed|supported link speed (ext.)|supported cable speed|"
                      "supported cable speed (ext.)|supported device speed|supported device speed (ext.)",
    },
    "troubleshooting": {
        "health": "status opcode|group opcode|recommendation|time to link up [msec]|time to link down to disable|"
                  "time to link down to rx loss",
    },
    "tool": {"volatile": "amber version|mft version|mstflint version", "firmware": "firmware version"},
    "module": {
        "identity": "oui|vendor name|vendor part number|vendor serial number|rev|manufacturing date",
        "firmware": "fw version",
        "health": "temperature [c]|voltage [mv]|bias current [ma]|rx power current [dbm]|tx power current [dbm]|"
                  "los alarm|snr media lanes [db]|snr host lanes [db]|module state|datapath state [per lane]|"
                  "rx output valid [per lane]|error code response|module fw fault|datapath fw fault|"
                  "tx fault [per lane]|tx los [per lane]|tx cdr lol [per lane]|rx los [per lane]|"
                  "rx cdr lol [per lane]|tx adaptive eq fault [per lane]",
        "config": "cdr rx|cdr tx|cable rx amp|cable rx emphasis|cable rx post emphasis|cable tx equalization|"
                  "active set host compliance code|active set media compliance code",
        "capability": "identifier|compliance|cable technology|cable type|wavelength [nm]|wavelength tolerance|"
                      "transfer distance [m]|attenuation (5g,7g,12g)[db]|attenuation (5g,7g,12g,25g)[db]|"
                      "digital diagnostic monitoring|power class|ib cable width|memory map revision|"
                      "linear direct drive|cable breakout|smf length|max power|nominal bit rate|rx power type",
    },
    "counters": {
        "volatile": "time since last clear [min]",
        "counter": "symbol errors|symbol ber|effective physical errors|effective physical ber|raw physical errors|"
                   "raw physical errors per lane|raw physical ber|raw physical ber per lane|link down counter|"
                   "link error recovery counter|total successful recovery events|unintentional link down events",
    },
    "pcie": {
        "health": "device status|link speed active (enabled)|link width active (enabled)",
        "counter": "dl down|rx errors|tx errors|crc error dllp|crc error tlp",
        "capability": PCIE_LINK,
    },
    "eye": {"health": "physical grade|height eye opening [mv]|phase eye opening [psec]"},
    "device": {"firmware": "fw version", "identity": "part number|part name|serial number|revision"},
}  # fmt: skip

_SLUG = re.compile(r"[^a-z0-9]+")
_TITLE = re.compile(r"[A-Z][\w ()/+-]{2,60}\Z")
_NUMERIC = re.compile(r"-?\d[\w.]*\Z")
_PAGE = re.compile(r"page: (0x[0-9a-f]+)\b")
_MASK = re.compile(r"(0x[0-9a-fA-F]+)[ \t]*\((.*)\)\Z")
_BIN = re.compile(r"(\[[\d:]*\])[\s,]+(\d+)\Z")
_ENABLED = "-active-enabled"
_TEXTS: tuple[SettingClass, ...] = ("identity", "firmware")


def slug(name: str) -> str:
    """Make a stable part of a setting's name of what the tool prints; units stay.

    >>> slug("Rx Power Current [dBm]"), slug("Enabled Link Speed (Ext.)")
    ('rx-power-current-dbm', 'enabled-link-speed-ext')
    """
    return _SLUG.sub("-", name.lower()).strip("-")


_CLASSES: dict[tuple[str, str], SettingClass] = {
    (section, slug(name)): cls
    for section, classes in _FIELDS.items()
    for cls, names in classes.items()
    for name in names.split("|")
}
_HOMES: dict[str, str] = {}
for _section, _key in _CLASSES:
    _HOMES.setdefault(_key, _section)


def is_title(line: str) -> bool:
    """Whether a line is the title of a section that we know, its rule perhaps cut away."""
    return line.strip().lower() in _SECTIONS


def section(title: str) -> tuple[str, SettingClass]:
    """Name a section and the class of its fields; one that nobody knows holds diagnostics."""
    lower = title.strip().lower()
    page = _PAGE.match(lower)
    if page:
        return f"{EEPROM}.page-{page[1]}", "volatile"
    return _SECTIONS.get(lower) or (slug(lower), "health")


def home(key: str) -> str:
    """Name the section of a field that was grepped out of it; empty for one that nobody knows."""
    return _HOMES.get(key, "")


def field_class(section_name: str, key: str, otherwise: SettingClass) -> SettingClass:
    """Tell the class of a field of a section."""
    return _CLASSES.get((section_name, key), otherwise)


def readings(section_name: str, key: str, cls: SettingClass, value: str, listed: bool = False) -> Iterator[Reading]:
    """Type a value as the text form has it; one with limits, a bin with its range and a PCIe pair are two settings.

    A mask is its number, with its words as label. `listed` says that the tool's document has a list here.
    """
    name = f"{section_name}.{key}"
    mask, bins = _MASK.match(value), _BIN.match(value)
    active, _, enabled = value.partition(" (")
    limits = value[value.rfind(" [") + 1 :]
    if value.lower() in ("n/a", "null"):
        yield name, Facet(None, value, reason=values.UNSUPPORTED), cls
    elif cls in _TEXTS or section_name.startswith(EEPROM):
        yield name, values.text(value), cls
    elif key.endswith(_ENABLED) and enabled.endswith(")"):
        base = name[: -len(_ENABLED)]
        yield f"{base}-active", values.word(active.strip()), "health"
        yield f"{base}-enabled", values.word(enabled[:-1]), "capability"
    elif mask:
        yield name, Facet(mask[1], mask[1] if listed else value, ",".join(_split(mask[2]))), cls
    elif bins:
        yield name, values.number(bins[2]), cls
        yield f"{name}.range", values.text(bins[1]), "capability"
    elif limits.startswith("[") and limits.endswith("]") and ".." in limits:
        yield name, _typed(value[: -len(limits)].rstrip(), listed), cls
        yield f"{name}.limits", values.text(limits), "capability"
    else:
        yield name, _typed(value, listed), cls


def _split(value: str) -> list[str]:
    """Split a list of the tool, whose elements may hold commas where a blank follows those between them."""
    between = ", " if ", " in value else ","
    return [part.strip() for part in value.split(between) if part.strip()]


def _typed(value: str, listed: bool) -> Facet:
    """Type a value; words with commas between them are a list, a sentence with commas is none."""
    parts = _split(value)
    bracketed = any(sign in value for sign in "()[]")
    is_list = listed or (not bracketed and (len(value.split()) == 1 or all(map(_NUMERIC.match, parts))))
    if len(parts) < 2 or not is_list:
        return values.word(value)
    elements = (values.word(part).value for part in parts)
    return Facet(tuple(element for element in elements if not isinstance(element, tuple)), value)
