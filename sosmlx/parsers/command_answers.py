"""One firmware command as it was answered, and how what it tells is spelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sosmlx.fwctl.layout import Value
from sosmlx.model import Cmode, Facet, Plane, Setting, SettingClass
from sosmlx.record import Record

ETHERNET = 1
"""`port_type` of the general capabilities."""

GUIDS = ("system_image_guid", "port_guid", "node_guid")

PORT_STATES = {1: "DOWN", 2: "INIT", 3: "ARMED", 4: "ACTIVE"}
PHYSICAL_STATES = {
    1: "Sleep", 2: "Polling", 3: "Disabled", 4: "PortConfigurationTraining", 5: "LinkUp", 6: "LinkErrorRecovery",
    7: "Phy Test",
}  # fmt: skip
"""An InfiniBand port's states, in sysfs's words (`drivers/infiniband/core/sysfs.c`)."""

_MAC_BITS = 48


class Answer(NamedTuple):
    """One command as the firmware answered it; a field that the answer is too short for is not in `fields`."""

    record: Record
    command: str
    asked: Mapping[str, int]
    fields: Mapping[str, Value]

    def number(self, name: str) -> int | None:
        """Return a field, or None where the answer does not hold it."""
        value = self.fields.get(name)
        return value if isinstance(value, int) else None

    def setting(
        self, name: str, facet: Facet, cls: SettingClass, plane: Plane = "register", cmode: Cmode = ""
    ) -> Setting:
        """Make a setting of the function that was asked."""
        return Setting(self.record.function, plane, name, cmode, (("current", facet),), cls, self.record.id)

    @property
    def vport(self) -> int | None:
        """The number of the other port that was asked about; None for the function's own."""
        return self.asked.get("vport_number", 0) if self.asked.get("other_vport") else None

    @property
    def where(self) -> str:
        """Begin the names of another port's settings: `vport[3].`; empty for the function's own."""
        return "" if self.vport is None else f"vport[{self.vport}]."


def typed(value: Value, width: int) -> Facet:
    """Make a facet of a field of so many bits: one bit is a Boolean, more than 64 are spelled in hexadecimal.

    >>> typed(1, 1).value, typed(7, 3).value, typed(1 << 70, 128).value
    (True, 7, '0x400000000000000000')
    """
    if not isinstance(value, int):
        return Facet(value, " ".join(map(str, value)))
    if width == 1:
        return Facet(bool(value), str(value))
    if width > 64:
        return Facet(f"{value:#x}", f"{value:#x}")
    return Facet(value, str(value))


def text(words: str) -> Facet:
    """Make a facet of a text."""
    return Facet(words, words)


def guid(value: int) -> str:
    """Spell a GUID as sysfs does.

    >>> guid(0xB8CEF60300A0B0C0)
    'b8ce:f603:00a0:b0c0'
    """
    digits = f"{value:016x}"
    return ":".join(digits[at : at + 4] for at in range(0, 16, 4))


def mac(value: int) -> str:
    """Spell a MAC address out of the low 48 bits of a number.

    >>> mac(0xB8CEF6A0B0C0)
    'b8:ce:f6:a0:b0:c0'
    """
    digits = f"{value & (1 << _MAC_BITS) - 1:012x}"
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))
