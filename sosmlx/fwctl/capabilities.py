"""What QUERY_HCA_CAP tells: which types there are, what announces each, and the fields of its block.

Types: the kernel's `enum mlx5_cap_type` (`include/linux/mlx5/device.h`), and what the driver looks at before it asks
for one (`core/fw.c`). Fields (`sosmlx/data/capabilities.csv`): `mlx5_ifc_*_cap_bits` of `include/linux/mlx5/mlx5_ifc.h`
as two headers of different age have them; bit 0 is the most significant bit of the block's byte 0. Headers differ in a
few bits, and grow: what the table does not name is counted, and the bytes stay in the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from sosmlx.fwctl.commands import CAPABILITY_AT
from sosmlx.fwctl.layout import Field, Value, take_apart

GENERAL = 0
"""The type that every function has, and that announces the others."""


class Capability(NamedTuple):
    """One type: the word that its settings begin with, and the structures in its block by prefix and first byte.

    `announced` names what of the general capabilities must be set: fields joined by `|` (one of them) or `+` (all), or
    a bit of an object bitmap (`general_obj_types.13`). A type without a structure here is kept as bytes.
    """

    type: int
    name: str
    announced: str
    blocks: tuple[tuple[str, int, str], ...] = ()


def _type(number: int, name: str, announced: str, structure: str = "") -> Capability:
    return Capability(number, name, announced, (("", 0, structure),) if structure else ())


_OFFLOADS = "per_protocol_networking_offload_caps"
_ESWITCH = "vport_group_manager+eswitch_manager"
_TABLE = "flow_table_properties"
_NIC_TABLES = (
    ("nic_receive", 0x40), ("nic_receive_rdma", 0x80), ("nic_receive_sniffer", 0xC0), ("nic_transmit", 0x100),
    ("nic_transmit_rdma", 0x140), ("nic_transmit_sniffer", 0x180),
)  # fmt: skip
_ESWITCH_TABLES = (("fdb", 0x40), ("acl_ingress", 0x80), ("acl_egress", 0xC0))

_ALL = (
    _type(GENERAL, "general", "", "cmd_hca_cap"),
    _type(0x01, "ethernet", "eth_net_offloads", _OFFLOADS),
    _type(0x02, "odp", "pg", "odp_cap"),
    _type(0x03, "atomic", "atomic", "atomic_caps"),
    _type(0x04, "roce", "roce", "roce_cap"),
    _type(0x05, "ipoib", "ipoib_basic_offloads", _OFFLOADS),
    _type(0x06, "ipoib_enhanced", "ipoib_enhanced_offloads", _OFFLOADS),
    Capability(
        0x07, "flow_table", "nic_flow_table|ipoib_enhanced_offloads",
        tuple((f"{name}.", at, _TABLE) for name, at in _NIC_TABLES),
    ),
    Capability(
        0x08, "eswitch_flow_table", _ESWITCH, tuple((f"{name}.", at, _TABLE) for name, at in _ESWITCH_TABLES)
    ),
    _type(0x09, "eswitch", _ESWITCH, "e_switch_cap"),
    _type(0x0C, "qos", "qos", "qos_cap"),
    _type(0x0D, "debug", "debug", "debug_cap"),
    _type(0x0F, "device_memory", "device_memory", "device_mem_cap"),
    _type(0x11, "tls", "tls_tx|tls_rx", "tls_cap"),
    _type(0x13, "virtio", "general_obj_types.13", "virtio_emulation_cap"),
    _type(0x14, "event", "event_cap"),
    _type(0x15, "ipsec", "ipsec_offload", "ipsec_cap"),
    _type(0x1A, "crypto", "crypto", "crypto_cap"),
    _type(0x1D, "shampo", "shampo"),
    _type(0x1F, "macsec", "general_obj_types.39", "macsec_cap"),
    _type(0x20, "general_2", "hca_cap_2", "cmd_hca_cap_2"),
    _type(0x25, "port_selection", "port_selection_cap"),
    _type(0x26, "adv_virtualization", "adv_virtualization", "adv_virtualization_cap"),
    _type(0x28, "adv_rdma", "adv_rdma"),
)  # fmt: skip

CAPABILITIES: Mapping[int, Capability] = {row.type: row for row in _ALL}
"""Every type that is asked for, by its number.

NVMF, PSP and TLP emulation are not: what announces them is not public.
"""


@lru_cache(maxsize=1)
def _structures() -> Mapping[str, tuple[Field, ...]]:
    import csv  # late: a plan asks nobody and needs no row
    from importlib import resources

    text = (resources.files("sosmlx.data") / "capabilities.csv").read_text(encoding="utf-8")
    found: dict[str, list[Field]] = {}
    for row in csv.DictReader(text.splitlines()):
        field = Field(row["field"], int(row["bit"]), int(row["width"]), "RO")
        found.setdefault(row["structure"], []).append(field)
    return {name: tuple(fields) for name, fields in found.items()}


@cache
def fields(kind: int) -> tuple[Field, ...]:
    """List the fields of a type's block; empty for a type whose layout is not public. Raises KeyError."""
    return tuple(
        Field(f"{prefix}{field.name}", field.offset + at * 8, field.width, "RO")
        for prefix, at, structure in CAPABILITIES[kind].blocks
        for field in _structures()[structure]
    )


def decode(kind: int, answer: bytes) -> dict[str, Value]:
    """Take the whole answer to a query of this type apart; what it is too short for is left out. Raises KeyError."""
    return take_apart(fields(kind), answer[CAPABILITY_AT:])


def others(kind: int, answer: bytes) -> int:
    """Count the bits that are set in an answer's block and that no field names. Raises KeyError."""
    block = answer[CAPABILITY_AT:]
    left = int.from_bytes(block, "big")
    for field in fields(kind):
        if field.offset + field.width <= len(block) * 8:
            left &= ~(((1 << field.width) - 1) << (len(block) * 8 - field.offset - field.width))
    return bin(left).count("1")


def announced(kind: int, general: Mapping[str, Value]) -> bool:
    """Whether the general capabilities, which are always there, announce a type. Raises KeyError.

    >>> announced(0x11, {"tls_rx": 1}), announced(0x09, {"eswitch_manager": 1}), announced(0x1F, {})
    (True, False, False)
    """
    words = CAPABILITIES[kind].announced
    if not words:
        return True
    return all(any(_is_set(word, general) for word in part.split("|")) for part in words.split("+"))


def _is_set(word: str, general: Mapping[str, Value]) -> bool:
    name, _, place = word.partition(".")
    value = general.get(name, 0)
    if not isinstance(value, int):
        return False
    return bool(value >> int(place) & 1) if place else bool(value)
