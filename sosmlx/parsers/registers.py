"""Configuration and state from firmware registers: every field in the plane `register`, and as the knob that it is.

A field that is also told by another source has a twin: the same key and unit as `ethtool`, `dcb`, sysfs or `rdma` give
it. What the twins are: `docs/precedence.md`. Bits that no field names are kept and shown as one number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from sosmlx.fwctl.layout import Field, Value
from sosmlx.fwctl.registers import REGISTERS
from sosmlx.model import Facet, Item, Plane, Setting, Unparsed
from sosmlx.parsers import register_device as device
from sosmlx.parsers import register_port as port
from sosmlx.parsers.firmware_state import Answer, answer, named, short
from sosmlx.parsers.register_items import Reader, knob
from sosmlx.parsers.register_tables import WORDS, class_of
from sosmlx.parsers.spec import Parser, alone
from sosmlx.parsers.values import UNREAD
from sosmlx.record import Record

_INSTANCES: Mapping[str, str] = {
    "PMAOS": "module", "QTCT": "switch_prio", "MTMP": "sensor_index", "MROQ": "reset_type", "MRSI": "device",
    "MFSV": "index", "MGNLE": "le_pointer",
}  # fmt: skip
"""The selector that tells several reads of a register apart."""

_INFINIBAND = 1
_HIDDEN: Mapping[str, tuple[str, ...]] = {
    "PCAM": ("port_access_reg_cap_mask", "feature_cap_mask"),
    "QCAM": ("qos_access_reg_cap_mask", "qos_feature_cap_mask"),
    "PDDR": ("page_data",), "PBMC": ("buffer",), "QETCR": ("tc_configuration", "global_configuration"),
    "QPDPM": ("dscp",), "MISOC": ("version",), "MSGI": ("serial_number", "part_number", "product_name", "revision"),
    "PMLP": ("lane_module_mapping",), "PGUID": ("sys_guid", "node_guid", "port_guid", "allocated_guid"),
    "MTMP": ("sensor_name_hi", "sensor_name_lo"), "PMAOS": ("error_type",), "MGNLE": ("log_data",),
    "MVTS": ("ts_year", "ts_month", "ts_day", "ts_hour", "ts_minutes", "ts_seconds"), "MROQ": ("reset_trigger",),
}  # fmt: skip
"""Fields that are read as a whole, elsewhere, and not one by one."""


def told(records: Sequence[Record]) -> Iterator[Item]:
    """Yield what a function's registers of configuration and state tell, in any order of records."""
    answers: list[Answer] = []
    for record in records:
        if not record.has_bytes:
            continue
        found = answer(record)
        if isinstance(found, Unparsed):
            yield found
            yield _unread(record, found.text)
        else:
            answers.append(found)
    first = {found.register: found for found in reversed(answers)}
    for found in answers:
        yield from short(found)
        yield from _fields(found)
        if found.register in _READERS:
            yield from _READERS[found.register](found, first)


def _unread(record: Record, text: str) -> Setting:
    name = f"{record.kind.partition('.')[2]}.answer"
    facet = Facet(None, reason=f"{UNREAD} {text}")
    return Setting(record.function, "register", name, "", (("current", facet),), "evidence", record.id)


def _instance(found: Answer) -> str:
    if found.register == "QEEC":
        return f"@{found.asked('element_hierarchy')}.{found.asked('element_index')}"
    if found.register == "MISOC":
        return f"@{found.asked('type')}{'.pending' if found.asked('query_pending') else ''}"
    if found.register == "PTYS":
        return "@ib" if found.asked("proto_mask") == _INFINIBAND else ""
    selector = _INSTANCES.get(found.register)
    return f"@{found.asked(selector)}" if selector else ""


def _fields(found: Answer) -> Iterator[Item]:
    """Yield every field that is an answer, and what of the image no field names."""
    if (
        found.register == "PTYS"
        and found.asked("proto_mask") == _INFINIBAND
        and not found.number("ib_proto_capability")
    ):
        return  # an Ethernet port
    instance, hidden = _instance(found), _HIDDEN.get(found.register, ())
    lower = found.register.lower()
    for field in REGISTERS[found.register].fields:
        value = found.fields.get(field.name)
        if field.access in ("RO", "RW") and value is not None and field.name not in hidden:
            facet = _facet(f"{found.register}.{field.name}", value)
            yield knob(found, f"{lower}.{field.name}{instance}", facet, class_of(found.register, field.name))
    left = _nameless(found)
    if left:
        yield knob(found, f"{lower}.nameless-bits{instance}", Facet(left, left), "volatile")


def _facet(key: str, value: Value) -> Facet:
    if isinstance(value, tuple):
        return Facet(value, str(list(value)))
    return named(value, WORDS[key]) if key in WORDS else Facet(value, str(value))


@cache
def _known_bits(name: str) -> int:
    """Make a mask of the bits that a field names, as a number of the register's size."""
    register = REGISTERS[name]
    mask = 0
    for field in register.fields:
        width = field.width if isinstance(field, Field) else field.count * field.width
        mask |= ((1 << width) - 1) << (register.size * 8 - field.offset - width)
    return mask


def _nameless(found: Answer) -> str:
    """Show the bits that are set and that no field names: the whole image with all others cleared, in hexadecimal."""
    size = REGISTERS[found.register].size
    image = found.image[:size].ljust(size, b"\0")
    left = int.from_bytes(image, "big") & ~_known_bits(found.register)
    return left.to_bytes(size, "big").hex() if left else ""


_READERS: Mapping[str, Reader] = {**port.READERS, **device.READERS}

_KINDS = (
    "PCAM", "QCAM", "SBCAM", "PAOS", "PTYS", "PMLP", "PMTU", "PPLM", "PFCC", "PPLR", "PMAOS", "PBMC", "PPTB", "PCMR",
    "PGUID", "PDDR", "QPTS", "QPDPM", "QTCT", "QEEC", "QETCR", "ROCE_ACCL", "DCBX_PARAM", "MSGI", "MTCAP", "MTMP",
    "MPEIN", "MPIR", "MPEGC", "MRTC", "MMHI", "MVTS", "MROQ", "MRSI", "MIRC", "MISOC", "MFSV", "MFCDR", "MSGCR",
    "MGPIR", "MGNLE", "NIC_CAP_REG", "DTOR", "VHCA_TRUST_LEVEL",
)  # fmt: skip

_TELLS: Mapping[str, tuple[Plane, ...]] = {
    "PTYS": ("ethtool",), "PPLM": ("ethtool",), "PFCC": ("ethtool", "dcb"), "PDDR": ("ethtool",), "PBMC": ("dcb",),
    "PPTB": ("dcb",), "QPTS": ("dcb",), "QPDPM": ("dcb",), "QTCT": ("dcb",), "MPEIN": ("pci",), "MTMP": ("health",),
    "PGUID": ("rdma",), "MISOC": ("firmware",), "SBCAM": ("dcb",),
}  # fmt: skip
"""Planes of which a register tells knobs that have a reader of their own: those of the twins."""

TABLE = tuple(
    Parser(
        f"register.{name.lower()}", alone(told), ("register",), identity=True, together=told,
        tells=_TELLS.get(name, ()),
    )
    for name in _KINDS
)  # fmt: skip
