"""What `lspci` says that a PCI function is: names and numbers in all its notations, spelled as sysfs spells them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sosmlx.model import Evidence, Facet, Fact, Item, Setting, SettingClass
from sosmlx.parsers import values
from sosmlx.parsers.spec import BDF

_NOTE = re.compile(r"\s*\((rev|prog-if) ([0-9a-f]{2})(?: \[[^\]]*\])?\)\s*\Z")
_PAIR = re.compile(r"(?:\A|\s)(?:\[([0-9a-f]{4}):([0-9a-f]{4})\]|(?:Device )?([0-9a-f]{4}):([0-9a-f]{4}))\s*\Z")
_CODE = re.compile(r"(?:\A|\s)(?:\[([0-9a-f]{4})\]|([0-9a-f]{4}))\s*\Z")
_UNNAMED = ("Class", "Device", "Vendor", "")
_OURS = re.compile(r"Mellanox|ConnectX|BlueField")
_MODEL = re.compile(r"BlueField(?:-\d)?|ConnectX-\d{1,2}(?: ?(?:Lx|Dx|Ex|Pro)\b)?")
_VF_CODES = frozenset(("1002", "1004", "1014", "1016", "1018", "101a", "101c", "101e", "a2d3"))

VENDOR = "15b3"
CLASS_CODES = {
    "Ethernet controller": "0200", "Infiniband controller": "0207", "Network controller": "0280", "PCI bridge": "0604",
    "DMA controller": "0801",
}  # fmt: skip
"""Codes of the classes that adapters have, for lists that print only names."""

_CODES = ("vendor", "device", "subsystem_vendor", "subsystem_device", "revision")
_TEXTS: dict[str, SettingClass] = {
    "class-name": "identity", "name": "identity", "subsystem-name": "identity", "slot": "identity",
    "driver": "config", "modules": "config", "iommu_group": "volatile", "dt-node": "identity",
}  # fmt: skip

Found = dict[str, str]
"""What was read of a function: the name of a setting → the tool's own word (or, with `RAW`, a part of it)."""

RAW = ".raw"
LOST = "the function answers nothing but ones: it has dropped off the bus"
"""What a revision ff, or an impossible header type, says."""


def described(text: str) -> Found:
    """Read the name of a function, with its numbers and its revision where they are printed.

    >>> described("Mellanox Technologies MT27800 Family [ConnectX-5] [15b3:1017] (rev 01)")
    {'revision': '01', 'vendor': '15b3', 'device': '1017', 'name': 'Mellanox Technologies MT27800 Family [ConnectX-5]'}
    """
    found: Found = {}
    for _ in ("prog-if", "rev"):  # lspci prints the revision first
        note = _NOTE.search(text[-200:])
        if note:
            found["revision" if note[1] == "rev" else "prog_if"] = note[2]
            text = text[: len(text) - len(note[0])]
    name, vendor, device = ids(text)
    if vendor:
        found.update(vendor=vendor, device=device)
    if name:
        found["name"] = name
    return found


def ids(text: str) -> tuple[str, str, str]:
    """Take the numbers of vendor and device from the end of a name.

    >>> ids("15b3:0050"), ids("Mellanox Technologies Device [15b3:0050]")
    (('', '15b3', '0050'), ('Mellanox Technologies Device', '15b3', '0050'))
    """
    pair = _PAIR.search(text[-40:])
    if not pair:
        return text.strip(), "", ""
    name = text[: len(text) - len(pair[0])].strip()
    return name, pair[1] or pair[3], pair[2] or pair[4]


def code(text: str) -> tuple[str, str]:
    """Take one number from the end of a name.

    >>> code("Ethernet controller [0200]"), code("0207"), code("Device 101b"), code("MT27800 Family [ConnectX-5]")
    (('Ethernet controller', '0200'), ('', '0207'), ('', '101b'), ('MT27800 Family [ConnectX-5]', ''))
    """
    number = _CODE.search(text[-20:])
    if not number:
        return text.strip(), ""
    name = text[: len(text) - len(number[0])].strip()
    bare = number[2] is not None
    if bare and name not in _UNNAMED:
        return text.strip(), ""
    return ("" if name in _UNNAMED else name), number[1] or number[2]


def is_ours(found: Mapping[str, str]) -> bool:
    """Whether this is a function of an adapter that we know."""
    return found.get("vendor", "") == VENDOR or bool(_OURS.search(found.get("name", "")))


def identity(device: str, found: Mapping[str, str]) -> Iterator[Item]:
    """Yield what was read of a function as settings and facts."""
    if BDF.fullmatch(device):
        yield Fact(device, "bdf", device)
    for name in _CODES:
        if name in found:
            yield coded(device, name, found[name], found[name])
    number = found.get("class") or CLASS_CODES.get(found.get("class-name", ""), "")
    if found.get("class"):
        yield coded(device, "class", found["class"] + found.get("prog_if", "00"), found["class"])
    for name, cls in _TEXTS.items():
        if name in found:
            facet = Facet(found[name], found.get(f"{name}{RAW}", found[name]))
            yield Setting(device, "pci", name, "", (("current", facet),), cls)
    if "numa_node" in found:
        yield Setting(device, "pci", "numa_node", "", (("current", values.number(found["numa_node"])),))
    yield from facts(device, number, found)


def facts(device: str, class_code: str, found: Mapping[str, str]) -> Iterator[Item]:
    """Yield the facts that name a function: class, device, model, and that it is a virtual function."""
    if class_code:
        yield Fact(device, "class", f"0x{class_code}00")
    if "device" in found:
        yield Fact(device, "device_id", f"0x{found['device']}")
    if "driver" in found:
        yield Fact(device, "driver", found["driver"])
    name = found.get("name", "")
    model = _MODEL.search(name)
    if name:
        yield Fact(device, "description", name)
    if model:
        yield Fact(device, "model", model[0])
    if "Virtual Function" in name or (found.get("vendor") == VENDOR and found.get("device") in _VF_CODES):
        raw = "Virtual Function" if "Virtual Function" in name else found.get("device", "")
        yield Setting(device, "pci", "virtual-function", "", (("current", Facet(True, raw)),), "identity")
        yield Fact(device, "physfn", "not shown")
    if found.get("revision") == "ff":
        yield Evidence("pci.lost", device, LOST, "high")


def coded(device: str, name: str, number: str, raw: str) -> Setting:
    """Make a setting of a number in hexadecimal, spelled as sysfs does."""
    return Setting(device, "pci", name, "", (("current", Facet(f"0x{number.lower()}", raw)),), "identity")
