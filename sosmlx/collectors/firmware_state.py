"""What a function can do and how it stands, by its firmware's commands: what its capabilities announce, nothing else.

The general capabilities are read first; they announce the other types, and with them the commands that mean something.
Whether a command is announced: the checks of the kernel's driver before it asks (`drivers/net/ethernet/mellanox/mlx5/
core/`: `fw.c`, `vport.c`, `eswitch.c`, `lag/`, `en_dcbnl.c`, `diag/reporter_vnic.c`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Callable, NamedTuple

from sosmlx.collectors.adapters import adapters, answering
from sosmlx.collectors.pci import DEVICES
from sosmlx.collectors.spec import PLACEHOLDER, Collector, Expand, File, Mailbox, Read
from sosmlx.record import PATTERN, Call, Record

if TYPE_CHECKING:
    from sosmlx.fwctl.layout import Value

GENERAL, ROCE, ESWITCH, GENERAL_2 = 0x00, 0x04, 0x09, 0x20

MAX_ADDRESSES = 256
"""So many entries of the RoCE address table are read; the tables of known adapters are shorter."""

MAX_VPORTS = 128
"""So many virtual functions' ports are looked at: a command each, and two more in a full collection."""

INFINIBAND, ETHERNET = 0, 1
"""`port_type` of the general capabilities."""

_NIC, _ESW, _UPLINK = 0, 1, 2
"""op_mod of QUERY_VPORT_STATE."""

_COUNTED = (
    "nic_receive_steering_discard", "receive_discard_vport_down", "transmit_discard_vport_down", "eq_overrun_count",
    "invalid_command_count", "quota_exceeded_count", "vnic_env_int_rq_oob", "vnic_env_cq_overrun",
    "vnic_env_queue_counters", "vnic_env_cnt_steering_fail",
)  # fmt: skip
_WAKES = ("wol_a", "wol_b", "wol_g", "wol_m", "wol_p", "wol_s", "wol_u", "rol_s", "rol_g")


class _Function(NamedTuple):
    """What the reads of one function need to know."""

    node: str
    bdf: str

    @property
    def planned(self) -> bool:
        """Whether this is no function, but a plan's placeholder."""
        return bool(PLACEHOLDER.match(self.node))

    def ask(self, name: str, then: Expand | None = None, **fields: int) -> Mailbox:
        """Declare one command."""
        return Mailbox(f"mailbox.{name.lower()}", Call(self.node, name, tuple(sorted(fields.items()))), self.bdf, then)

    def capability(self, kind: int, current: int, then: Expand | None = None) -> Mailbox:
        """Declare the query of one type of capabilities, as they stand or as they could."""
        return self.ask("QUERY_HCA_CAP", then, cap_type=kind, current=current)


_General = Mapping[str, "Value"]
_Port = Callable[[_Function, _General, int], Iterator[Read]]
"""What is read of the port of one virtual function, by the capabilities of its physical function and its number."""


class _Wanted(NamedTuple):
    """A command without selectors, or with the ones given, and which general capabilities announce it."""

    command: str
    when: Callable[[Mapping[str, Value]], bool]
    selectors: tuple[Mapping[str, int], ...] = ({},)


def _always(general: Mapping[str, Value]) -> bool:
    return True


def _any(*names: str) -> Callable[[Mapping[str, Value]], bool]:
    return lambda general: any(general.get(name) for name in names)


def _all(*names: str) -> Callable[[Mapping[str, Value]], bool]:
    return lambda general: all(general.get(name) for name in names)


def _ethernet(general: Mapping[str, Value]) -> bool:
    return general.get("port_type") == ETHERNET


def _infiniband(general: Mapping[str, Value]) -> bool:
    return general.get("port_type") == INFINIBAND


_MANAGER = _all("vport_group_manager", "eswitch_manager")
_PLANNED: Mapping[str, Value] = {"vport_group_manager": 1, "eswitch_manager": 1, "port_type": ETHERNET}
"""What a plan takes the capabilities of a function for, that it may show all that could be asked."""

WANTED = (
    _Wanted("QUERY_ADAPTER", _always),
    _Wanted("QUERY_ISSI", _always),
    _Wanted("QUERY_NIC_VPORT_CONTEXT", _ethernet),
    _Wanted("QUERY_VPORT_STATE", _ethernet, ({"op_mod": _NIC},)),
    _Wanted("QUERY_VPORT_STATE", _MANAGER, ({"op_mod": _ESW}, {"op_mod": _UPLINK})),
    _Wanted("QUERY_ESW_VPORT_CONTEXT", _MANAGER),
    _Wanted("QUERY_HCA_VPORT_CONTEXT", _infiniband, ({"port_num": 1},)),
    _Wanted("QUERY_VNIC_ENV", _any(*_COUNTED)),
    _Wanted("QUERY_LAG", _all("vport_group_manager", "lag_master")),
    _Wanted("QUERY_WOL_ROL", _any(*_WAKES)),
    _Wanted("QUERY_CONG_PARAMS", _all("cc_query_allowed", "roce"), ({"cong_protocol": 1}, {"cong_protocol": 2})),
    _Wanted(
        "QUERY_CONG_STATUS",
        _all("cc_query_allowed", "roce"),
        tuple({"cong_protocol": protocol, "priority": priority} for protocol in (1, 2) for priority in range(8)),
    ),
)
"""What is asked of every function that announces it; each command costs about a millisecond."""

SWEPT = (
    _Wanted("QUERY_CONG_STATISTICS", _all("cc_query_allowed", "roce")),
    _Wanted("QUERY_VPORT_COUNTER", _all("vport_counters")),
)
"""Counters, for a full collection."""


def _state(node: str, bdf: str) -> Iterable[Read]:
    function = _Function(node, bdf)
    return [answering(node, bdf, lambda: [function.capability(*_first(function), _general(function))])]


def _first(function: _Function) -> tuple[int, int]:
    return (PATTERN, PATTERN) if function.planned else (GENERAL, 1)


def _general(function: _Function) -> Expand:
    def reads(record: Record) -> Iterator[Read]:
        if function.planned:
            yield from _planned(function, WANTED)
            yield function.ask("QUERY_ESW_FUNCTIONS")
            yield function.ask("QUERY_VUID", vhca_id=PATTERN)
            yield from _managed(function, _PLANNED, _vport_state)
            return
        general = _fields(record, GENERAL)
        if not general:
            return
        from sosmlx.fwctl.capabilities import CAPABILITIES, announced  # late: a plan has no answers

        yield function.capability(GENERAL, 0)
        then = {GENERAL_2: _named(function, general), ROCE: _congestion(function, general), ESWITCH: _manager(function)}
        for kind in CAPABILITIES:
            if kind != GENERAL and announced(kind, general):
                yield function.capability(kind, 1, then.get(kind))
                yield function.capability(kind, 0)
        yield from _wanted(function, WANTED, general)
        yield from _managed(function, general, _vport_state)

    return reads


def _managed(function: _Function, general: Mapping[str, Value], each: _Port) -> Iterator[Read]:
    """Look at the ports of the virtual functions that there are, where their physical function may."""

    def reads(record: Record) -> Iterator[Read]:
        if function.planned:
            yield from each(function, general, PATTERN)
            return
        text = record.data.strip()
        for number in range(1, min(int(text), MAX_VPORTS) + 1) if text.isdigit() else ():
            yield from each(function, general, number)

    if general.get("vport_group_manager"):
        yield File("pci.attribute", f"{DEVICES}/{function.bdf}/sriov_numvfs", function.bdf, expand=reads)


def _wanted(function: _Function, rows: Iterable[_Wanted], general: Mapping[str, Value]) -> Iterator[Read]:
    for row in rows:
        if row.when(general):
            yield from (function.ask(row.command, None, **selectors) for selectors in row.selectors)


def _planned(function: _Function, rows: Iterable[_Wanted]) -> Iterator[Read]:
    for row in rows:
        names = {name for selectors in row.selectors for name in selectors}
        yield function.ask(row.command, None, **dict.fromkeys(names, PATTERN))


def _named(function: _Function, general: Mapping[str, Value]) -> Expand:
    """Ask for the function's own VUID, by the number that the firmware gives it."""
    number = general.get("vhca_id")

    def reads(record: Record) -> Iterator[Read]:
        if _fields(record, GENERAL_2).get("query_vuid") and isinstance(number, int):
            yield function.ask("QUERY_VUID", vhca_id=number)

    return reads


def _congestion(function: _Function, general: Mapping[str, Value]) -> Expand:
    """Ask for the general parameters of RoCE's congestion control, which not every RoCE has."""

    def reads(record: Record) -> Iterator[Read]:
        if general.get("cc_query_allowed") and _fields(record, ROCE).get("roce_cc_general"):
            yield function.ask("QUERY_CONG_PARAMS", cong_protocol=3)

    return reads


def _manager(function: _Function) -> Expand:
    """Ask an embedded processor's function which functions of the host it manages."""

    def reads(record: Record) -> Iterator[Read]:
        if _fields(record, ESWITCH).get("esw_functions_changed"):
            yield function.ask("QUERY_ESW_FUNCTIONS")

    return reads


def _sweep(node: str, bdf: str) -> Iterable[Read]:
    function = _Function(node, bdf)
    return [answering(node, bdf, lambda: [function.capability(*_first(function), _swept(function))])]


def _swept(function: _Function) -> Expand:
    def reads(record: Record) -> Iterator[Read]:
        if function.planned:
            yield from _planned(function, SWEPT)
            yield function.ask("QUERY_ROCE_ADDRESS", roce_address_index=PATTERN)
            yield from _managed(function, _PLANNED, _vport)
            yield from _vport(function, {**_PLANNED, "port_type": INFINIBAND}, PATTERN)
            return
        general = _fields(record, GENERAL)
        yield from _wanted(function, SWEPT, general)
        if general.get("roce"):
            yield function.capability(ROCE, 1, _addresses(function))
        yield from _managed(function, general, _vport)

    return reads


def _addresses(function: _Function) -> Expand:
    def reads(record: Record) -> Iterator[Read]:
        size = _fields(record, ROCE).get("roce_address_table_size", 0)
        for index in range(min(size, MAX_ADDRESSES) if isinstance(size, int) else 0):
            yield function.ask("QUERY_ROCE_ADDRESS", roce_address_index=index)

    return reads


def _vport_state(function: _Function, general: _General, number: int) -> Iterator[Read]:
    if _MANAGER(general):
        yield function.ask("QUERY_VPORT_STATE", op_mod=_ESW, other_vport=1, vport_number=number)


def _vport(function: _Function, general: _General, number: int) -> Iterator[Read]:
    if _infiniband(general):
        yield function.ask("QUERY_HCA_VPORT_CONTEXT", other_vport=1, port_num=1, vport_number=number)
    elif _MANAGER(general):
        yield function.ask("QUERY_NIC_VPORT_CONTEXT", other_vport=1, vport_number=number)
        yield function.ask("QUERY_ESW_VPORT_CONTEXT", other_vport=1, vport_number=number)


def _fields(record: Record, kind: int) -> Mapping[str, Value]:
    """Take the capabilities of an answer apart; nothing where it holds none."""
    if not record.has_bytes:
        return {}
    from sosmlx.fwctl.capabilities import decode  # late: a plan has no answers

    return decode(kind, record.data)


FIRMWARE_STATE = Collector(
    "firmware-state",
    "capabilities and objects of each function, by firmware commands through fwctl",
    adapters(_state),
    needs=("root", "a fwctl device"),
)

FIRMWARE_SWEEP = Collector(
    "firmware-sweep",
    "counters, RoCE addresses and ports of virtual functions, by firmware commands through fwctl",
    adapters(_sweep),
    tier=2,
    needs=("root", "a fwctl device"),
)
