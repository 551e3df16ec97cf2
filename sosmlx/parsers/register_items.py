"""What readers of register answers make of a field: a knob of the plane `register`, or the twin of another plane's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Callable

from sosmlx.model import Facet, Item, Plane, Setting, SettingClass
from sosmlx.parsers.firmware_state import Answer

Others = Mapping[str, Answer]
"""One answer of each register of the function."""

Reader = Callable[[Answer, Others], Iterator[Item]]
"""What one answer tells beside its fields."""


def knob(found: Answer, name: str, facet: Facet, cls: SettingClass) -> Setting:
    """Make a setting of the plane `register`."""
    return found.setting(name, facet, cls, plane="register")


def twin(found: Answer, plane: Plane, name: str, facet: Facet, cls: SettingClass = "config") -> Setting:
    """Make a setting that another source tells, too: its key and unit are those of the other plane."""
    return found.setting(name, facet, cls, plane=plane)


def flag(value: bool) -> Facet:
    """Type a switch."""
    return Facet(value, "on" if value else "off")


def numeral(value: int) -> Facet:
    """Type a number."""
    return Facet(value, str(value))
