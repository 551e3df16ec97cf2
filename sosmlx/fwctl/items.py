"""Items of flash configuration: their headers, their type words, who writes them, and which of them hold secrets.

Header and type word: mstflint's `tools_layouts/tools_open_layouts.h` (`tools_open_nv_hdr_fifth_gen`,
`tools_open_*_type`), the PRM's `config_item_ext`, and the kernel's `mlx5_ifc_configuration_item_*`. Everything is
big-endian.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sosmlx.fwctl.layout import Identity

INDEX_BITS: Mapping[int, int] = {0: 24, 1: 16, 2: 13, 3: 10, 4: 16, 5: 24, 6: 24, 7: 18, 8: 24, 9: 14}
"""Classes of TLVs, and how many of the lowest bits of the type word are the index there.

Source: `tools_open_*_type` in mstflint's `tools_layouts/tools_open_layouts.h`, `config_item_ext` in the PRM's table.
"""

FILE_CLASS = 6
"""Class of what only files hold (signatures, tokens): no adapter has such an item."""

SECRETS = frozenset(
    {
        *((3, index) for index in (569, 583, 599)),  # nv_rom_iscsi_*_chap_pwd
        *((3, index) for index in (568, 581, 597)),  # nv_rom_iscsi_*_chap_id
        (0, 411),  # nv_secure_host: the key that locks the host out
        *((0, index) for index in (412, 413, 414)),  # nv_ls_nv_public_key_*
    }
)
"""(class, index) of the TLVs whose values a bundle must not show; all of class 6 (signatures, tokens) come on top."""


class Span(NamedTuple):
    """Bytes of an item's payload that hold an identity."""

    offset: int
    size: int
    identity: Identity


IDENTITIES: Mapping[tuple[int, int], tuple[Span, ...]] = {
    (0, 2): (Span(0, 8, "mac"), Span(8, 8, "guid")),  # nv_base_mac_guid
    (0, 293): (Span(0, 16, "uuid"),),  # nv_config_profile
    **{(0, index): (Span(0, 16, "uuid"),) for index in range(416, 424)},  # nv_dpa_app_*
    (3, 272): (Span(4, 8, "mac"),),  # nv_virt_net_addr
    (3, 273): (Span(4, 8, "guid"),),  # nv_virt_guid_addr
    **{(3, index): (Span(0, 16, "ip"),) for index in (*range(562, 567), 577, 593)},  # nv_rom_iscsi_*: texts
    **{(3, index): (Span(0, 224, "name"),) for index in (567, 580, 596)},  # nv_rom_iscsi_*_name
}
"""(class, index) of the TLVs that say whose card, host or network this is, and where; an `ip` is a text here.

Source: the tables `tlvs` and `params` of mstflint's `mlxconfig_host.db`.
"""


@dataclass(frozen=True)
class ItemType:
    """What a type word selects: a TLV by class and index, and whose item it is.

    Ports count from 1, the others from 0; what a class does not have is 0. `channel` is one of the BMC.
    """

    cls: int
    index: int
    host: int = 0
    pf: int = 0
    port: int = 0
    module: int = 0
    channel: int = 0


def is_secret(item_type: ItemType) -> bool:
    """Whether the values of such an item must not be shown, whosever it is.

    >>> is_secret(ItemType(3, 569, pf=1)), is_secret(ItemType(6, 8)), is_secret(ItemType(0, 128))
    (True, True, False)
    """
    return item_type.cls == FILE_CLASS or (item_type.cls, item_type.index) in SECRETS


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

CANARY = 21
"""A writer that no agent has. Sent with one read of a flash item: an answer that carries it echoes what was asked, and
then no answer of this firmware says who wrote an item."""

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


def elsewhere(head: ItemHeader) -> bool:
    """Whether a stored item names a host or function, and so may be another's: only classes 3 and 7 have such owners.

    >>> elsewhere(ItemHeader(type=0x03000480, host_id_valid=1)), elsewhere(ItemHeader(type=0x80, host_id_valid=1))
    (True, False)
    """
    kind = parse_type(head.type)
    return kind.cls in (3, 7) and bool(head.host_id_valid or kind.host or kind.pf)
