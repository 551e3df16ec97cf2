"""Items of flash configuration: their headers, their type words, and their payloads as values.

Header and type word: mstflint's `tools_layouts/tools_open_layouts.h` (`tools_open_nv_hdr_fifth_gen`,
`tools_open_*_type`), the PRM's `config_item_ext`, and the kernel's `mlx5_ifc_configuration_item_*`. Everything is
big-endian. Values are spelled as `mlxconfig -e q` prints them (`mlxcfg_param.cpp`, `mlxcfg_ui.cpp`), but for one
number: of 0xffffffff it says `N/A`, because it keeps that for what it does not know; here it stays a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sosmlx.fwctl.catalogue import INDEX_BITS, Param, Tlv
from sosmlx.fwctl.catalogue import ItemType as ItemType
from sosmlx.fwctl.catalogue import is_secret as is_secret
from sosmlx.fwctl.expression import holds

HEADER_SIZE = 12
"""Bytes of an item's header: the word below, the type word, and a word with a CRC that is not used here."""

WRITERS: Mapping[int, str] = {
    0: "UNSPECIFIED",
    1: "CHASSIS_BMC",
    2: "MAD",
    3: "BMC",
    4: "COMMAND_INTERFACE",
    5: "ICMD",
    6: "ICMD_UEFI_HII",
    7: "ICMD_UEFI_CLP",
    8: "ICMD_FLEXBOOT",
    9: "ICMD_MLXCONFIG",
    10: "ICMD_USER1",
    11: "ICMD_USER2",
    12: "ICMD_MLXCONFIG_SET_RAW",
    13: "ICMD_FLEXBOOT_CLP",
    31: "OTHER",
}
"""`writer_id`: which kind of agent says that it wrote the item (PRM `config_item_ext`); nothing proves it."""

PRIORITIES: Mapping[int, str] = {0: "USER", 1: "OEM", 2: "RESERVED", 3: "MLNX"}
"""`priority`: the stage of the device's life at which the item was written."""


class ItemHeader(NamedTuple):
    """The header of an item, in an MNVDA answer at byte 0, in an MNVGN answer at byte 0x10.

    `access_mode` is 0 next, 1 current, 2 factory. `length` is in bytes of data. Sources do not agree on `rd_en` (1 for
    readable by later levels, or for not readable), nor on bit 9: mstflint takes it for the lowest of the three bits of
    `writer_host_id`, the PRM and the kernel for `host_id_valid`; both fields hold it.
    """

    priority: int = 0
    over_en: int = 0
    rd_en: int = 0
    access_mode: int = 0
    writer_id: int = 0
    version: int = 0
    writer_host_id: int = 0
    host_id_valid: int = 0
    length: int = 0
    type: int = 0


_HEADER: Mapping[str, tuple[int, int]] = {
    "priority": (28, 2),
    "over_en": (25, 1),
    "rd_en": (24, 1),
    "access_mode": (22, 2),
    "writer_id": (16, 5),
    "version": (12, 4),
    "writer_host_id": (9, 3),
    "host_id_valid": (9, 1),
    "length": (0, 9),
}
"""Lowest bit and width of each field of the first word."""


def header(raw: bytes) -> ItemHeader:
    """Take an item's header apart. Raises ValueError for less than 12 bytes.

    >>> head = header(bytes.fromhex("0209000c 00000080 00000000"))
    >>> WRITERS[head.writer_id], PRIORITIES[head.priority], head.over_en, head.length, hex(head.type)
    ('ICMD_MLXCONFIG', 'USER', 1, 12, '0x80')
    """
    if len(raw) < HEADER_SIZE:
        raise ValueError(f"an item's header has {HEADER_SIZE} bytes, not {len(raw)}")
    word, kind = int.from_bytes(raw[:4], "big"), int.from_bytes(raw[4:8], "big")
    return ItemHeader(**{name: word >> low & (1 << width) - 1 for name, (low, width) in _HEADER.items()}, type=kind)


def pack_header(fields: ItemHeader) -> bytes:
    """Put a header together, its CRC 0. Raises ValueError for what does not fit.

    >>> pack_header(ItemHeader(length=12, type=0x80, access_mode=1)).hex(" ", 4)
    '0040000c 00000080 00000000'
    """
    word = 0
    for name, (low, width) in _HEADER.items():
        value = getattr(fields, name)
        word |= _fitting(name, value, width) << low
    if fields.writer_host_id & 1 != fields.host_id_valid:
        raise ValueError("host_id_valid is the lowest bit of writer_host_id")
    return word.to_bytes(4, "big") + _fitting("type", fields.type, 32).to_bytes(4, "big") + bytes(4)


def _fitting(name: str, value: int, width: int) -> int:
    if not 0 <= value < 1 << width:
        raise ValueError(f"{name} {value} does not fit into {width} bits")
    return value


_SELECTORS: Mapping[int, Mapping[str, tuple[int, int]]] = {
    1: {"port": (16, 8)},
    2: {"host": (18, 6), "channel": (13, 5)},
    3: {"host": (18, 6), "pf": (10, 8)},
    4: {"host": (18, 6), "port": (16, 2)},
    7: {"host": (18, 6)},
    9: {"module": (14, 10)},
}
"""Lowest bit and width of what selects an owner, in a type word of each class; the index is below, the class above."""


def parse_type(word: int) -> ItemType:
    """Take a type word apart; of an unknown class, all 24 bits are the index. Raises ValueError for over 32 bits.

    >>> parse_type(0x030C1512)
    ItemType(cls=3, index=274, host=3, pf=5, port=0, module=0, channel=0)
    """
    cls = _fitting("type", word, 32) >> 24
    parts = {name: word >> low & (1 << width) - 1 for name, (low, width) in _SELECTORS.get(cls, {}).items()}
    return ItemType(cls, word & (1 << INDEX_BITS.get(cls, 24)) - 1, **parts)


def type_word(item_type: ItemType) -> int:
    """Put a type word together. Raises ValueError for what does not fit, or has no place in that class.

    >>> hex(type_word(ItemType(1, 0x12, port=2))), hex(type_word(ItemType(9, 4, module=1)))
    ('0x1020012', '0x9004004')
    """
    cls = item_type.cls
    word = _fitting("class", cls, 8) << 24 | _fitting("index", item_type.index, INDEX_BITS.get(cls, 24))
    for name in ("host", "pf", "port", "module", "channel"):
        low, width = _SELECTORS.get(cls, {}).get(name, (0, 0))
        word |= _fitting(name, getattr(item_type, name), width) << low
    return word


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


def elsewhere(head: ItemHeader) -> bool:
    """Whether a stored item names a host or function, and so may be another's: only classes 3 and 7 have such owners.

    >>> elsewhere(ItemHeader(type=0x03000480, host_id_valid=1)), elsewhere(ItemHeader(type=0x80, host_id_valid=1))
    (True, False)
    """
    kind = parse_type(head.type)
    return kind.cls in (3, 7) and bool(head.host_id_valid or kind.host or kind.pf)
