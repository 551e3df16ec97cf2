"""The firmware's own word, through fwctl: identity, components, debug tokens, and the flash configuration.

Every answer decides what is asked next: who answers, how many ports there are, which views of the flash can be read,
which items are known and which are stored. Registers and their selectors: `sosmlx.fwctl.allowed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sosmlx.collectors.adapters import adapters, answering
from sosmlx.collectors.spec import PLACEHOLDER, Collector, Expand, File, Read, Register
from sosmlx.fwctl.items import CANARY, ItemType, elsewhere, header, is_secret, parse_type, type_word
from sosmlx.record import PATTERN, Access, Outcome, Record

if TYPE_CHECKING:
    from sosmlx.fwctl.catalogue import Catalogue, Tlv

PLACES = (
    "/usr/share/mstflint/mlxconfig_dbs/mlxconfig_host.db",
    "/usr/share/mft/mlxconfig_dbs/mlxconfig_host.db",
    "/usr/local/share/mstflint/mlxconfig_dbs/mlxconfig_host.db",
    "/etc/mft/mlxconfig_dbs/mlxconfig_host.db",
)
"""Where distributions' mstflint, NVIDIA's MFT, mstflint built from source, and old MFT put it."""

MAX_PORTS = 16
UNKNOWN_PORTS = 4
"""So many are asked for where the firmware does not say how many it has; a port that is not there has no items."""
MAX_ITEMS = 512
"""So many stored items are walked: far more than a device holds, and an end where pointers run in a circle."""
MAX_COMPONENTS = 64

TOKENS = (0, 1, 2, 3, 4, 5, 6, 8)
"""Token types of MDSR: CS, debug firmware, FRC, RMCS, RMDT, CRCS, CRDT, MTFA."""

NEXT, CURRENT, FACTORY = 0, 1, 2

CANARY_ITEM = 0x80
"""nv_global_pci_conf, which every adapter has: one of its reads carries a writer that no agent has."""

_MODEL_NAME = 1
_MAILBOX = 16
"""Bytes of a mailbox's header; a register's image follows."""
_ITEM_HEADER = slice(_MAILBOX + 0x10, _MAILBOX + 0x1C)
"""Where an MNVGN answer holds an item's header."""
_PIECE = 8
"""MQIS gives a string in pieces of so many bytes."""


class _Device(NamedTuple):
    """What the reads of one device need to know."""

    node: str
    bdf: str
    catalogue: Catalogue | None
    ports: int = 1

    @property
    def planned(self) -> bool:
        """Whether this is no device, but a plan's placeholder."""
        return self.catalogue is None

    def register(self, name: str, then: Expand | None = None, **fields: int) -> Register:
        """Declare one read of a register of this device."""
        access = Access(self.node, name, tuple(sorted(fields.items())))
        return Register(f"register.{name.lower()}", access, self.bdf, then)


def _asked(node: str, bdf: str, places: Sequence[str] = PLACES) -> Read:
    """Look for an installed catalogue of the vendor's, then ask who answers."""
    if not places:
        return _info(node, bdf, None if PLACEHOLDER.match(node) else _catalogue())

    def found(record: Record) -> Iterable[Read]:
        if record.has_bytes and record.data:
            return [_info(node, bdf, _catalogue(record.data))]
        return [_asked(node, bdf, places[1:])]

    return File("nvconfig.catalogue", places[0], how="catalogue", expand=found, probe=True)


def _catalogue(document: bytes = b"") -> Catalogue:
    from sosmlx.fwctl.catalogue import builtin, installed  # late: a plan asks nobody, and needs none of its rows

    return installed(document)[0] if document else builtin()


def _info(node: str, bdf: str, catalogue: Catalogue | None) -> Read:
    device = _Device(node, bdf, catalogue)
    return answering(node, bdf, lambda: [device.register("MGIR", _identity(device))])


def _identity(device: _Device) -> Expand:
    def reads(record: Record) -> Iterator[Read]:
        ports = _field(record, "MGIR", "hw_info.num_ports")
        known = device._replace(ports=min(ports or UNKNOWN_PORTS, MAX_PORTS))
        yield from (known.register("MCAM", access_reg_group=group, feature_group=0) for group in (0, 2))
        yield known.register("MFRL")
        yield from (known.register("MDSR", type_of_token=token) for token in _each(device, TOKENS))
        yield _component(known, 0)
        yield _string(known, _MODEL_NAME)
        yield known.register("MNVGC", _flash(known))

    return reads


def _component(device: _Device, index: int) -> Register:
    """Read one component's state, its running and its pending version, and then the next component."""
    shown = PATTERN if device.planned else index

    def reads(record: Record) -> Iterator[Read]:
        if not (record.has_bytes or device.planned):
            return
        if not _field(record, "MCQS", "component_not_supported"):
            for pending in _each(device, (0, 1)):
                yield device.register(
                    "MCQI", component_index=shown, info_type=1, data_size=124, read_pending_component=pending
                )
        last = device.planned or _field(record, "MCQS", "last_index_flag")
        if not last and index + 1 < MAX_COMPONENTS:
            yield _component(device, index + 1)

    return device.register("MCQS", reads, component_index=shown)


def _string(device: _Device, info: int) -> Register:
    """Read a string piece by piece: the first answer says how long it is."""
    if device.planned:
        return device.register("MQIS", info_type=info, read_offset=PATTERN, read_length=PATTERN)

    def rest(record: Record) -> Iterator[Read]:
        whole = _field(record, "MQIS", "info_length")
        for at in range(_PIECE, min(whole, 256), _PIECE):
            yield device.register("MQIS", info_type=info, read_offset=at, read_length=min(_PIECE, whole - at))

    return device.register("MQIS", rest, info_type=info, read_offset=0, read_length=_PIECE)


def _flash(device: _Device) -> Expand:
    def reads(record: Record) -> Iterator[Read]:
        views = [NEXT]
        if record.has_bytes:
            readable = {CURRENT: "nvda_read_current_settings", FACTORY: "nvda_read_factory_settings"}
            views += [view for view, name in readable.items() if _field(record, "MNVGC", name)]
        items = _items(device)
        known = frozenset(item for item, _ in items)
        yield from (_supported(device, item, tlv, views) for item, tlv in items)
        yield _stored(device, (0,), known, views)

    return reads


def _items(device: _Device) -> list[tuple[int, Tlv | None]]:
    """List the type words of the catalogue's items: one for the ASIC, the host or the function, one for each port."""
    if device.catalogue is None:
        return [(PATTERN, None)]
    found: list[tuple[int, Tlv | None]] = []
    for tlv in device.catalogue:
        for number in range(device.ports):
            if tlv.cls == 1:
                found.append((type_word(ItemType(1, tlv.index, port=number + 1)), tlv))
            elif tlv.cls == 9:
                found.append((type_word(ItemType(9, tlv.index, module=number)), tlv))
            elif tlv.cls in (0, 3, 7) and number == 0 and not tlv.secret:
                found.append((type_word(ItemType(tlv.cls, tlv.index)), tlv))
    return found


def _supported(device: _Device, item: int, tlv: Tlv | None, views: Sequence[int]) -> Register:
    """Ask whether an item is known and readable, then read it; what only the expansion ROM reads is not asked for."""
    if tlv is not None and tlv.rom:
        return _value(device, item, NEXT, _more_views(device, item, views))

    def reads(record: Record) -> Iterator[Read]:
        if device.planned or _field(record, "MNVQC", "support_rd"):
            shown = [NEXT] if tlv is not None and tlv.capability else views
            yield from (_value(device, item, view) for view in _each(device, shown))
            if item in (CANARY_ITEM, PATTERN):
                yield _value(device, item, NEXT, writer=CANARY)

    return device.register("MNVQC", reads, type=item)


def _more_views(device: _Device, item: int, views: Sequence[int]) -> Expand:
    """Read the other views of an item unless the firmware does not know it."""
    known = (Outcome.COLLECTED, Outcome.TRUNCATED, Outcome.ABSENT)
    return lambda record: [_value(device, item, view) for view in views if view != NEXT and record.outcome in known]


def _value(device: _Device, item: int, view: int, then: Expand | None = None, writer: int = 0) -> Register:
    return device.register("MNVDA", then, type=item, access_mode=view, length=256, writer_id=writer)


def _stored(device: _Device, pointers: tuple[int, ...], known: frozenset[int], views: Sequence[int]) -> Register:
    """Walk the stored items; one that no catalogue knows is read like the others, unless it holds a secret."""

    def reads(record: Record) -> Iterator[Read]:
        following = _field(record, "MNVGN", "nv_pointer")
        if following == 0 or len(record.data) < _ITEM_HEADER.stop:
            return
        item = _field(record, "MNVGN", "type")
        kind = parse_type(item)
        ours = kind.cls in (0, 1, 3, 7, 9) and not elsewhere(header(record.data[_ITEM_HEADER]))
        if item not in known and ours and not is_secret(kind):
            yield _supported(device, item, None, views)
        if following not in pointers and len(pointers) < MAX_ITEMS:
            yield _stored(device, (*pointers, following), known | {item}, views)

    return device.register("MNVGN", reads, nv_pointer=PATTERN if device.planned else pointers[-1])


def _each(device: _Device, values: Iterable[int]) -> Iterable[int]:
    """Give each value of a selector; a plan's placeholder instead where there is no device."""
    return (PATTERN,) if device.planned else values


def _field(record: Record, register: str, name: str) -> int:
    """Take one field out of an answer; 0 where it is too short for it."""
    if not (record.has_bytes and record.data):
        return 0
    from sosmlx.fwctl.registers import decode  # late: a plan has no answers

    value = decode(register, record.data[_MAILBOX:]).get(name, 0)
    return value if isinstance(value, int) else 0


FWCTL = Collector(
    "fwctl",
    "firmware identity, components, debug tokens and flash configuration, through fwctl",
    adapters(lambda node, bdf: [_asked(node, bdf)]),
    needs=("root", "a fwctl device"),
)
