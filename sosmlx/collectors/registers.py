"""Configuration and state that the firmware keeps in registers: what its own masks announce, and nothing else.

A mask (MCAM, PCAM, QCAM) says of 128 registers each which of them there are: bit n of its last word is the register
`first + n` (PRM). It is read first, and before it the general capabilities, which say whether there is such a mask, and
a few registers that no mask speaks of (`core/fw.c`, `core/lib/tout.c` of the kernel's driver). Where a firmware has no
mask, only what the driver reads without looking at one is asked (`core/port.c`). A function's own port is its local
port 1, of the type that the general capabilities name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Callable, NamedTuple

from sosmlx.collectors.adapters import adapters, answering
from sosmlx.collectors.firmware_state import ETHERNET, INFINIBAND
from sosmlx.collectors.spec import PLACEHOLDER, Collector, Expand, Mailbox, Read, Register
from sosmlx.record import PATTERN, Access, Call, Record

if TYPE_CHECKING:
    from sosmlx.fwctl.layout import Value

_MAILBOX = 16
"""Bytes of a mailbox's header; a register's image follows."""
_MASK = slice(_MAILBOX + 0x08, _MAILBOX + 0x18)
"""Where MCAM, PCAM and QCAM have the mask of registers: 128 bits, big-endian."""
_GROUP = 0x80
MAX_SENSORS = 64
MAX_LOG = 64
"""So many entries of a log are walked; an end where pointers run in a circle."""

Selectors = tuple[tuple[str, tuple[int, ...]], ...]
"""The values of each selector that are asked for: every combination is a read."""

Announced = Callable[[int], bool]
"""Whether a register is announced, by its id."""


class _Wanted(NamedTuple):
    """A register to read where its mask announces it; `usual` is one that the driver reads without looking.

    `link` is the only type of port that has it, as `port_type` of the general capabilities; None where both have it.
    """

    name: str
    id: int
    selectors: Selectors = ()
    usual: bool = False
    wide: bool = False
    link: int | None = None


_PORT: Selectors = (("local_port", (1,)),)
_OF_DCB: Selectors = (("port_number", (1,)),)
_BY_INFINIBAND: Selectors = (*_PORT, ("proto_mask", (1,)))
_BY_ETHERNET: Selectors = (*_PORT, ("proto_mask", (4,)))
WANTED = (
    _Wanted("PAOS", 0x5006, _PORT, usual=True),
    _Wanted("PTYS", 0x5004, _BY_ETHERNET, usual=True, link=ETHERNET),
    _Wanted("PTYS", 0x5004, _BY_INFINIBAND, usual=True, link=INFINIBAND),
    _Wanted("PMLP", 0x5002, _PORT, usual=True),
    _Wanted("PMTU", 0x5003, _PORT, usual=True),
    _Wanted("PPLM", 0x5023, _PORT),
    _Wanted("PFCC", 0x5007, _PORT, usual=True, link=ETHERNET),
    _Wanted("PDDR", 0x5031, (*_PORT, ("page_select", (1,)))),
    _Wanted("PBMC", 0x500C, _PORT, link=ETHERNET),
    _Wanted("PPTB", 0x500B, _PORT, link=ETHERNET),
    _Wanted("PPLR", 0x5018, _PORT, wide=True),
    _Wanted("PCMR", 0x5041, _PORT, wide=True, link=ETHERNET),
    _Wanted("PGUID", 0x5066, _PORT, wide=True),
    _Wanted("QPTS", 0x4002, _PORT, link=ETHERNET),
    _Wanted("QPDPM", 0x4013, _PORT, link=ETHERNET),
    _Wanted("QTCT", 0x400A, (*_PORT, ("switch_prio", tuple(range(8)))), usual=True, link=ETHERNET),
    _Wanted("QETCR", 0x4005, _OF_DCB, usual=True, link=ETHERNET),
    _Wanted("DCBX_PARAM", 0x4020, _OF_DCB, link=ETHERNET),
    _Wanted("QEEC", 0x400D, (*_PORT, ("element_hierarchy", (0,)), ("element_index", (0,))), wide=True),
    _Wanted("QEEC", 0x400D, (*_PORT, ("element_hierarchy", (3,)), ("element_index", tuple(range(8)))), wide=True),
    _Wanted("MSGI", 0x9021),
    _Wanted("MPEIN", 0x9050),
    _Wanted("MPIR", 0x9059),
    _Wanted("MTCAP", 0x9009),
    _Wanted("MVTS", 0x902C, (("running_flag", (1,)),)),
    _Wanted("MROQ", 0x902F, (("reset_type", tuple(range(6))),)),
    _Wanted("MRTC", 0x902D),
    _Wanted("MMHI", 0x904A),
    _Wanted("MRSI", 0x912A, (("device", (0, 1)),)),
    _Wanted("MIRC", 0x9162),
    _Wanted("MFSV", 0x9115, (("index", tuple(range(5))),)),
    _Wanted("MSGCR", 0x9179),
    _Wanted("MGNLE", 0x9036, wide=True),
    _Wanted("MPEGC", 0x9056, wide=True),
    _Wanted("MISOC", 0x9026, (("type", tuple(range(10))), ("query_pending", (0, 1))), wide=True),
    _Wanted("MGPIR", 0x9100, wide=True),
    _Wanted("MFCDR", 0x9178, _PORT, wide=True),
)
"""What is read of each function; what PMLP, MTCAP and MGNLE lead to is asked after their answers.

Flow control, buffers, priorities and DCBX are Ethernet's: the driver asks for them on such a port alone
(`en_ethtool.c`, `en_dcbnl.c`), and for the speed by the one protocol of the port (`core/port.c`).
"""

_PMAOS, _MTMP = 0x5012, 0x900A


class _Mask(NamedTuple):
    """A mask: the capability that announces it, the first register that it speaks of, and how it is asked for."""

    name: str
    gate: str
    first: int
    fields: Mapping[str, int]


_MASKS = (
    _Mask("PCAM", "pcam_reg", 0x5000, {"access_reg_group": 0, "feature_group": 0}),
    _Mask("QCAM", "qcam_reg", 0x4000, {"access_reg_group": 0}),
    _Mask("MCAM", "mcam_reg", 0x9000, {"access_reg_group": 0, "feature_group": 0}),
    _Mask("MCAM", "mcam_reg", 0x9100, {"access_reg_group": 2, "feature_group": 0}),
)

_BY_CAPABILITY: tuple[tuple[str, str, Mapping[str, int]], ...] = (
    ("SBCAM", "sbcam_reg", {"access_reg_group": 0}),
    ("ROCE_ACCL", "roce_accl", {}),
    ("NIC_CAP_REG", "nic_cap_reg", {}),
    ("DTOR", "dtor", {}),
)
"""Registers that a general capability announces, and no mask."""


class _Device(NamedTuple):
    """Who is asked; `link` is the type of its port, None until it is known."""

    node: str
    bdf: str
    link: int | None = None

    @property
    def planned(self) -> bool:
        """Whether this is no device, but a plan's placeholder."""
        return bool(PLACEHOLDER.match(self.node))

    def register(self, name: str, then: Expand | None = None, **fields: int) -> Register:
        """Declare one read of a register of this device."""
        access = Access(self.node, name, tuple(sorted(fields.items())))
        return Register(f"register.{name.lower()}", access, self.bdf, then)


def _of(wide: bool) -> Callable[[str, str], Iterable[Read]]:
    def of_function(node: str, bdf: str) -> Iterable[Read]:
        device = _Device(node, bdf)
        return [answering(node, bdf, lambda: [_capabilities(device, wide)])]

    return of_function


def _capabilities(device: _Device, wide: bool) -> Mailbox:
    """Ask what the function can do, and then for the masks and registers that this announces.

    Where that gave nothing, the masks are asked for themselves.
    """

    def reads(record: Record) -> Iterator[Read]:
        general = None if device.planned or not record.has_bytes else _general(record)
        link = (general or {}).get("port_type")
        typed = device._replace(link=link) if isinstance(link, int) else device
        for mask in _MASKS:
            if general is None or general.get(mask.gate):
                yield device.register(mask.name, _announced_by(typed, mask.first, wide), **mask.fields)
            else:
                yield from _wanted(typed, mask.first, wide, None)
        if not wide:
            yield from _announced_otherwise(device, general)

    selectors = (PATTERN, PATTERN) if device.planned else (0, 1)
    call = Call(device.node, "QUERY_HCA_CAP", tuple(zip(("cap_type", "current"), selectors)))
    return Mailbox("mailbox.query_hca_cap", call, device.bdf, reads)


def _general(record: Record) -> Mapping[str, Value]:
    from sosmlx.fwctl.capabilities import GENERAL, decode  # late: a plan has no answers

    return decode(GENERAL, record.data)


def _announced_otherwise(device: _Device, general: Mapping[str, Value] | None) -> Iterator[Read]:
    """Read what general capabilities announce: how far the function is trusted is asked by the number it has."""
    for name, gate, fields in _BY_CAPABILITY:
        if device.planned or (general or {}).get(gate):
            yield device.register(name, None, **fields)
    number = PATTERN if device.planned else (general or {}).get("vhca_id")
    if isinstance(number, int) and (device.planned or (general or {}).get("vhca_trust_level_reg")):
        yield device.register("VHCA_TRUST_LEVEL", vhca_id=number)


def _announced_by(device: _Device, first: int, wide: bool) -> Expand:
    """Read what one mask announces."""

    def reads(record: Record) -> Iterator[Read]:
        mask = int.from_bytes(record.data[_MASK], "big") if len(record.data) >= _MASK.stop else 0
        return _wanted(device, first, wide, mask if record.has_bytes else None)

    return reads


def _wanted(device: _Device, first: int, wide: bool, mask: int | None) -> Iterator[Read]:
    """Read the registers of one group that its mask announces; without a mask (None) the usual ones."""

    def announced(number: int) -> bool:
        return device.planned or (0 <= number - first < _GROUP and bool((mask or 0) >> (number - first) & 1))

    for row in WANTED:
        mine = 0 <= row.id - first < _GROUP and row.wide == wide and _has(device, row)
        if mine and (announced(row.id) or (row.usual and mask is None)):
            for fields in _combinations(device, row.selectors):
                yield device.register(row.name, _further(device, row, announced), **fields)


def _has(device: _Device, row: _Wanted) -> bool:
    """Whether the type of a function's port may have a register; a plan, and a type that was not told, have all."""
    return row.link is None or device.link is None or row.link == device.link


def _combinations(device: _Device, selectors: Selectors) -> list[dict[str, int]]:
    found: list[dict[str, int]] = [{}]
    for name, values in selectors:
        shown = (PATTERN,) if device.planned and len(values) > 1 else values
        found = [{**fields, name: value} for fields in found for value in shown]
    return found


def _further(device: _Device, row: _Wanted, announced: Announced) -> Expand | None:
    """Tell what a register's answer leads to."""
    if row.name == "PMLP" and announced(_PMAOS):
        return lambda record: [device.register("PMAOS", module=module) for module in _modules(device, record)]
    if row.name == "MTCAP" and announced(_MTMP):
        return lambda record: [device.register("MTMP", sensor_index=sensor) for sensor in _sensors(device, record)]
    if row.name == "MGNLE" and not device.planned:
        return _next_entry(device, (0,))
    return None


def _modules(device: _Device, record: Record) -> list[int]:
    """Name the modules that a port's lanes run to: one number of 8 bits for each lane in use."""
    if device.planned:
        return [PATTERN]
    width = record.data[_MAILBOX + 3] if record.has_bytes and len(record.data) > _MAILBOX + 4 else 0
    lanes = [record.data[_MAILBOX + 4 + 4 * lane : _MAILBOX + 8 + 4 * lane] for lane in range(min(width, 8))]
    return sorted({lane[3] for lane in lanes if len(lane) == 4 and lane[3] < MAX_SENSORS})


def _sensors(device: _Device, record: Record) -> list[int]:
    """Name the sensors of the map, or so many as are counted where there is no map."""
    if device.planned:
        return [PATTERN]
    if not record.has_bytes or len(record.data) < _MAILBOX + 4:
        return []
    count = record.data[_MAILBOX + 3] & 0x7F
    sensors = int.from_bytes(record.data[_MAILBOX + 8 : _MAILBOX + 16], "big")
    listed = [sensor for sensor in range(MAX_SENSORS) if sensors >> sensor & 1]
    return listed or list(range(min(count, MAX_SENSORS)))


def _next_entry(device: _Device, pointers: tuple[int, ...]) -> Expand:
    """Walk the log like the stored items: each answer names the next entry, 0 ends it. Unconfirmed on a device."""

    def reads(record: Record) -> Iterator[Read]:
        following = int.from_bytes(record.data[_MAILBOX : _MAILBOX + 4], "big") if record.has_bytes else 0
        if following and following not in pointers and len(pointers) < MAX_LOG:
            yield device.register("MGNLE", _next_entry(device, (*pointers, following)), le_pointer=following)

    return reads


_NEEDS = ("root", "a fwctl device")

REGISTERS = Collector(
    "registers",
    "firmware registers: ports, modules, quality of service, resets, PCI Express, temperature",
    adapters(_of(wide=False)),
    needs=_NEEDS,
)

SWEEPS = Collector(
    "register-sweeps",
    "further firmware registers: rate limits, loopback, GUIDs, DPU versions, the firmware's log",
    adapters(_of(wide=True)),
    tier=2,
    needs=_NEEDS,
)
