"""The payloads of flash items as values, by what the catalogue says of their fields.

Everything is big-endian. Values are spelled as `mlxconfig -e q` prints them (`mlxcfg_param.cpp`, `mlxcfg_ui.cpp`), but
for one number: of 0xffffffff it says `N/A`, because it keeps that for what it does not know; here it stays a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sosmlx.fwctl.catalogue import Param, Tlv
from sosmlx.fwctl.expression import holds
from sosmlx.fwctl.items import ItemType


class NvValue(NamedTuple):
    """One value of a payload: typed, as mlxconfig spells it (`raw`), and the word of an enumerated one (`label`).

    `element` is the place in an array, None for a field that is one value. BINARY is a number, which mlxconfig shows in
    both notations, the hexadecimal one in the place of a label; BYTES are hexadecimal digits, STRING is text.
    """

    param: Param
    element: int | None
    value: bool | int | str
    raw: str
    label: str


def values(tlv: Tlv, data: bytes) -> Iterator[NvValue]:
    """Yield the fields of a payload, in the catalogue's order; what lies beyond its end is left out."""
    whole, size = int.from_bytes(data, "big"), 8 * len(data)
    for param in tlv.params:
        width = param.element_width
        for number in range(param.elements or 1):
            end = param.offset + (number + 1) * width
            if end > size:
                break
            if param.type in ("BYTES", "STRING"):
                text = data[param.offset // 8 : end // 8]
                yield _bytes(param, text) if param.type == "BYTES" else _string(param, text)
            else:
                yield _number(param, number if param.elements else None, whole >> size - end & (1 << width) - 1)


def _number(param: Param, element: int | None, number: int) -> NvValue:
    if param.type == "BOOL" and number < 2:
        return NvValue(param, element, number == 1, ("False(0)", "True(1)")[number], "")
    label = f"0x{number:X}" if param.type == "BINARY" else param.label(number)
    return NvValue(param, element, number, f"{label}({number})" if label else str(number), label)


_DECIMAL = re.compile(r"[1-9][0-9]{0,39}\Z")


def _bytes(param: Param, data: bytes) -> NvValue:
    raw = data.hex().upper()
    # Digits alone are a number in mlxconfig's text, where nothing tells what they are: the two readings must be equal.
    value: int | str = int(raw) if _DECIMAL.match(raw) else raw
    return NvValue(param, None, value, raw, raw if raw[:1].isalpha() else "")


def _string(param: Param, data: bytes) -> NvValue:
    text = data.partition(b"\0")[0].decode("ascii", "backslashreplace")
    return NvValue(param, None, text, text, "")


def display_name(param: Param, item_type: ItemType, element: int | None = None) -> str:
    """Name a value as mlxconfig does; a field that it hides is called `tlv.field`.

    >>> display_name(Param("t", 1, "f", "LINK_TYPE", 28, 2, "ENUM"), ItemType(1, 18, port=2))
    'LINK_TYPE_P2'
    >>> display_name(Param("t", 9, "f", "MODULE_SPLIT", 0, 128, "BINARY", 16), ItemType(9, 4, module=0), 3)
    'MODULE_SPLIT_M0[3]'
    """
    owner = {1: f"_P{item_type.port}", 9: f"_M{item_type.module}"}.get(item_type.cls, "")
    place = "" if element is None else f"[{element}]"
    return f"{param.name or param.key}{owner}{place}"


def shows(param: Param, version: int | None, capabilities: Mapping[str, int]) -> bool:
    """Whether nothing speaks against this field's meaning something on this device, by the rules of mlxconfig.

    `version` is the layout version that MNVQC named, None where it was not asked; `capabilities` maps `tlv.field` to
    the numbers that are known. False where the layout is older than the field, or the field's expression is known not
    to hold. mlxconfig lists an array whatever its expression says. It never lists a field without a name, nor a field
    without an expression unless `since` is above 0: they are facts of the device all the same.
    """
    if version is not None and param.since > version:
        return False
    return param.count > 0 or holds(param.visible, param.tlv, capabilities) is not False
