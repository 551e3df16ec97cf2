"""What a firmware answered to commands: capabilities, and the objects and contexts of a function.

Commands and their fields: `sosmlx.fwctl.commands` and `sosmlx.fwctl.capabilities`. What numbers mean: the kernel's
`include/linux/mlx5/mlx5_ifc.h` and `vport.h`, and the driver's use of them. Names of settings are the header's, below
the object's; a knob that another source shows, too, is in `command_twins`.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sosmlx.fwctl import capabilities, commands
from sosmlx.fwctl.layout import Value, take_apart
from sosmlx.fwctl.mailbox import status_words
from sosmlx.model import Evidence, Facet, Fact, Item, Plane, Setting, SettingClass, Unparsed
from sosmlx.parsers.command_answers import GUIDS, PHYSICAL_STATES, PORT_STATES, Answer, guid, mac, text, typed
from sosmlx.parsers.command_twins import TELLS, counts, elsewhere, twins
from sosmlx.parsers.firmware_state import ascii_text, named
from sosmlx.parsers.spec import Parser, alone
from sosmlx.parsers.values import UNREAD
from sosmlx.record import Outcome, Record

CAPS = "mailbox.query_hca_cap"


class _Object(NamedTuple):
    """How the settings of one command begin, which class they usually have, and which have another or words."""

    prefix: str
    usual: SettingClass
    classes: Mapping[str, SettingClass] = {}
    words: Mapping[str, Mapping[int, str]] = {}


_ADMIN = {0: "down", 1: "up", 2: "auto"}
_INLINE = {0: "none", 1: "link", 2: "network", 3: "transport"}
_SELECT = {0: "queue affinity", 1: "port selection flow table", 2: "multiport eswitch"}
_VERSION = {0: "RoCE v1", 2: "RoCE v2"}
_IDENTITIES: Mapping[str, SettingClass] = {
    **dict.fromkeys((*GUIDS, "permanent_address"), "identity"), "affiliated_vhca_id": "volatile",
    "qkey_violation_counter": "counter", "pkey_violation_counter": "counter", "allowed_list_size": "volatile",
    "allowed_list_type": "volatile", "vhca_id_type": "volatile", "arm_change_event": "volatile",
    **dict.fromkeys(
        ("event_on_mtu", "event_on_promisc_change", "event_on_vlan_change", "event_on_mc_address_change",
         "event_on_uc_address_change"), "volatile",
    ),
}  # fmt: skip

OBJECTS: Mapping[str, _Object] = {
    "QUERY_ISSI": _Object("issi.", "capability"),
    "QUERY_ADAPTER": _Object("adapter.", "identity"),
    "QUERY_ESW_FUNCTIONS": _Object(
        "esw_functions.", "config", {"host_pci_bus": "identity", "host_pci_device": "identity",
                                     "host_pci_function": "identity"}
    ),
    "QUERY_VPORT_STATE": _Object("vport.", "config", {"state": "health"}, {"admin_state": _ADMIN}),
    "QUERY_ESW_VPORT_CONTEXT": _Object("esw_vport.", "config"),
    "QUERY_NIC_VPORT_CONTEXT": _Object(
        "nic_vport.", "config",
        {**_IDENTITIES, "promisc_uc": "health", "promisc_mc": "health", "promisc_all": "health"},
        {"min_wqe_inline_mode": _INLINE},
    ),
    "QUERY_HCA_VPORT_CONTEXT": _Object("hca_vport.", "config", {
        **_IDENTITIES, "vport_state": "health", "port_state": "health", "port_physical_state": "health",
        "lid": "health", "sm_lid": "health", "sm_sl": "health",
    }, {"vport_state": PORT_STATES, "port_state": PORT_STATES, "port_physical_state": PHYSICAL_STATES}),
    "QUERY_VNIC_ENV": _Object("vnic_env.", "counter"),
    "QUERY_VPORT_COUNTER": _Object("vport_counter.", "counter"),
    "QUERY_CONG_STATUS": _Object("cong.", "config"),
    "QUERY_CONG_STATISTICS": _Object("cong_statistics.", "counter"),
    "QUERY_WOL_ROL": _Object("wol.", "config"),
    "QUERY_LAG": _Object("lag.", "config", {"active_port": "health"}, {"port_select_mode": _SELECT}),
}  # fmt: skip
"""Commands whose answer is a row of fields; the others have functions below."""

_VPORT_KINDS = {0: "nic", 1: "esw", 2: "uplink"}
"""op_mod of QUERY_VPORT_STATE."""

_PROTOCOLS = {1: "rp", 2: "np", 3: "general"}
"""`cong_protocol`: reaction point, notification point, RoCE in general."""

_PLACES = ("vhca_id", "_start_addr", "_start_address")
"""How capabilities end that are places, not abilities: they change with every boot and host."""


def state(records: Sequence[Record]) -> Iterator[Item]:
    """Yield what a function's firmware answered to commands, in any order; an answer that says nothing is kept.

    A command that was announced and is refused leaves its settings unread: the plane is not complete without them.
    """
    found: list[Answer] = []
    for record in records:
        command = record.kind.partition(".")[2].upper()
        asked = dict(record.mailbox.fields) if record.mailbox is not None else {}
        if not record.has_bytes:
            if record.outcome is Outcome.UNSUPPORTED:
                yield _unread(record, command, asked, record.answer.reason)
            continue
        trouble = _trouble(record.data)
        if trouble:
            yield Unparsed(1, f"{command}: {trouble}", record.id)
            yield _unread(record, command, asked, trouble)
            continue
        found.append(Answer(record, command, asked, _fields(command, asked, record.data)))
    general = next((row.fields for row in found if row.command == "QUERY_HCA_CAP" and _is_general(row)), {})
    yield from _capabilities([row for row in found if row.command == "QUERY_HCA_CAP"])
    for row in found:
        if row.command != "QUERY_HCA_CAP":
            yield from _SPECIAL.get(row.command, _plain)(row, general)
            yield from twins(row, general)
        yield from _short(row)


def _is_general(row: Answer) -> bool:
    return row.asked.get("cap_type", 0) == capabilities.GENERAL and row.asked.get("current", 1) == 1


def _trouble(data: bytes) -> str:
    """Say why an answer tells nothing; empty where it tells something."""
    if len(data) < 16:
        return f"an answer of {len(data)} bytes, less than its header of 16"
    if data[0]:
        return status_words(data[0], int.from_bytes(data[4:8], "big"))
    if len(data) > 16 and not data[8:].strip(b"\xff"):
        return f"all bits of {len(data)} bytes are set: no device answers so"
    return ""


def _fields(command: str, asked: Mapping[str, int], data: bytes) -> Mapping[str, Value]:
    if command == "QUERY_HCA_CAP":
        kind = asked.get("cap_type", 0)
        return capabilities.decode(kind, data) if kind in capabilities.CAPABILITIES else {}
    if command == "QUERY_CONG_PARAMS":
        return take_apart(commands.PARAMETERS.get(asked.get("cong_protocol", 0), ()), data[commands.PARAMETERS_AT :])
    return commands.decode(command, data)


def _unread(record: Record, command: str, asked: Mapping[str, int], why: str) -> Setting:
    """Keep as unread what an answer should have told."""
    plane: Plane = "caps" if command == "QUERY_HCA_CAP" else "register"
    words = ".".join(f"{name}-{value}" for name, value in sorted(asked.items()))
    name = f"{command.lower()}.{words}.answer" if words else f"{command.lower()}.answer"
    facet = Facet(None, reason=f"{UNREAD} {why}")
    return Setting(record.function, plane, name, "", (("current", facet),), "evidence", record.id)


def _short(row: Answer) -> Iterator[Item]:
    size = commands.QUERIES[row.command].answer
    if len(row.record.data) < size and row.record.outcome is not Outcome.TRUNCATED:
        yield Unparsed(1, f"{row.command}: {len(row.record.data)} of {size} bytes", row.record.id)


def _capabilities(rows: Sequence[Answer]) -> Iterator[Item]:
    """Join what each capability is and could be: one setting with the facets `current` and `max`."""
    views: dict[int, dict[str, Answer]] = {}
    for row in rows:
        view = "current" if row.asked.get("current", 1) else "max"
        views.setdefault(row.asked.get("cap_type", 0), {})[view] = row
    for kind, seen in views.items():
        known = capabilities.CAPABILITIES.get(kind)
        prefix = known.name if known else f"type_{kind:#x}"
        first = next(iter(seen.values()))
        for field in capabilities.fields(kind) if known else ():
            facets = {
                view: typed(row.fields[field.name], field.width)
                for view, row in seen.items()
                if field.name in row.fields
            }
            if facets:
                cls: SettingClass = "volatile" if field.name.endswith(_PLACES) else "capability"
                yield _caps(first, f"{prefix}.{field.name}", facets, cls)
        others = {view: _others(kind if known else None, row.record.data) for view, row in seen.items()}
        if any(facet.value for facet in others.values()):
            yield _caps(first, f"{prefix}.other_bits", others, "capability")


def _caps(row: Answer, name: str, facets: Mapping[str, Facet], cls: SettingClass) -> Setting:
    ordered = tuple((view, facets[view]) for view in ("current", "max") if view in facets)
    return Setting(row.record.function, "caps", name, "", ordered, cls, row.record.id)


def _others(kind: int | None, data: bytes) -> Facet:
    """Count the bits that are set and in no table; the digest of the whole block tells whether they changed."""
    block = data[commands.CAPABILITY_AT :]
    count = bin(int.from_bytes(block, "big")).count("1") if kind is None else capabilities.others(kind, data)
    if not count:
        return Facet(0, "0")
    words = f"{count} bits without a name, block sha256 {hashlib.sha256(block).hexdigest()[:16]}"
    return Facet(words, words)


def _plain(row: Answer, general: Mapping[str, Value]) -> Iterator[Item]:
    """Yield the fields of an object, each as a setting of its own; a second row of names for another's port."""
    known = OBJECTS[row.command]
    widths = {field.name: field.width for field in commands.QUERIES[row.command].told}
    told_elsewhere = elsewhere(row, general)
    for name, value in row.fields.items():
        if name in told_elsewhere:
            continue
        facet = _field_facet(name, value, widths[name], known.words.get(name, {}))
        yield row.setting(f"{row.where}{known.prefix}{name}", facet, known.classes.get(name, known.usual))


def _field_facet(name: str, value: Value, width: int, words: Mapping[int, str]) -> Facet:
    if words and isinstance(value, int):
        return named(value, words)
    if name in GUIDS and isinstance(value, int):
        return text(guid(value))
    if name == "permanent_address" and isinstance(value, int):
        return text(mac(value))
    return typed(value, width)


def _adapter(row: Answer, general: Mapping[str, Value]) -> Iterator[Item]:
    """QUERY_ADAPTER: the PSID, which devlink and MGIR give, too, and whose numbers these are."""
    digits = row.fields.get("vsd_contd_psid")
    psid = ascii_text(bytes(digits)) if isinstance(digits, tuple) else None
    if psid:
        yield row.setting("fw.psid", text(psid), "identity", "firmware")
        yield Fact(row.record.function, "psid", psid)
    elif psid is None and digits is not None:
        yield Unparsed(1, f"QUERY_ADAPTER: the PSID is no text: {row.record.data[0x100:0x110].hex()}", row.record.id)
    for name in ("ieee_vendor_id", "vsd_vendor_id"):
        number = row.number(name)
        if number is not None:
            yield row.setting(f"adapter.{name}", Facet(number, f"{number:#x}"), "identity")


def _vport_state(row: Answer, general: Mapping[str, Value]) -> Iterator[Item]:
    """QUERY_VPORT_STATE: the states as an administrator set them, and as they are."""
    kind = _VPORT_KINDS.get(row.asked.get("op_mod", 0), "?")
    admin, now = row.number("admin_state"), row.number("state")
    where = row.where or "vport."
    if admin is not None and now is not None:
        yield row.setting(f"{where}{kind}.admin_state", named(admin, _ADMIN), "config")
        yield row.setting(f"{where}{kind}.state", named(now, {0: "down", 1: "up"}), "health")


def _vnic_env(row: Answer, general: Mapping[str, Value]) -> Iterator[Item]:
    """QUERY_VNIC_ENV: counters; one that the capabilities do not announce counts only where it is not 0."""
    for item in _plain(row, general):
        name = item.name.rpartition(".")[2] if isinstance(item, Setting) else ""
        if counts(name, row, general):
            yield item


def _roce_address(row: Answer, general: Mapping[str, Value]) -> Iterator[Item]:
    """QUERY_ROCE_ADDRESS: one entry of the table; an empty one is none."""
    if not any(row.fields.values()):
        return
    source, version = row.number("source_l3_address"), row.number("roce_version")
    high, low = row.number("source_mac_47_32"), row.number("source_mac_31_0")
    if source is None or version is None or high is None or low is None:
        return
    prefix = f"roce_address[{row.asked.get('roce_address_index', 0)}]"
    yield row.setting(f"{prefix}.gid", text(str(ipaddress.IPv6Address(source))), "identity")
    yield row.setting(f"{prefix}.mac", text(mac(high << 32 | low)), "identity")
    yield row.setting(f"{prefix}.version", named(version, _VERSION), "config")
    yield row.setting(f"{prefix}.l3_type", named(row.number("roce_l3_type") or 0, {0: "IPv4", 1: "IPv6"}), "config")
    if row.number("vlan_valid"):
        yield row.setting(f"{prefix}.vlan_id", Facet(row.number("vlan_id"), str(row.number("vlan_id"))), "config")


def _congestion(row: Answer, general: Mapping[str, Value]) -> Iterator[Item]:
    """QUERY_CONG_STATUS and QUERY_CONG_PARAMS: RoCE's congestion control as it runs, whatever flash holds."""
    point = _PROTOCOLS.get(row.asked.get("cong_protocol", 0), "?")
    status = row.command == "QUERY_CONG_STATUS"
    place = f"cong.{point}.prio{row.asked.get('priority', 0)}" if status else f"cong.{point}"
    block = commands.PARAMETERS.get(row.asked.get("cong_protocol", 0), ())
    widths = {field.name: field.width for field in (commands.QUERIES[row.command].told if status else block)}
    for name, value in row.fields.items():
        yield row.setting(f"{place}.{name}", typed(value, widths[name]), "config")


def _vuid(row: Answer, general: Mapping[str, Value]) -> Iterator[Item]:
    """QUERY_VUID: the function's own; the answer has no other."""
    digits = row.fields.get("vuid")
    if not row.number("num_of_entries") or not isinstance(digits, tuple):
        return
    words = ascii_text(bytes(digits))
    if words:
        yield row.setting("vuid", text(words), "identity", "firmware")
    elif words is None:
        yield Unparsed(1, f"QUERY_VUID: no text: {bytes(digits).hex()}", row.record.id)


def _lag(row: Answer, general: Mapping[str, Value]) -> Iterator[Item]:
    """QUERY_LAG: whether the firmware joined the ports, and how it spreads traffic over them."""
    yield from _plain(row, general)
    if row.number("lag_state"):
        mode = _SELECT.get(row.number("port_select_mode") or 0, "a way without a public name")
        yield Evidence("lag", row.record.function, f"the firmware has joined the ports: {mode}", record=row.record.id)


_SPECIAL: Mapping[str, Callable[[Answer, Mapping[str, Value]], Iterator[Item]]] = {
    "QUERY_ADAPTER": _adapter, "QUERY_VPORT_STATE": _vport_state, "QUERY_VNIC_ENV": _vnic_env,
    "QUERY_ROCE_ADDRESS": _roce_address, "QUERY_CONG_STATUS": _congestion, "QUERY_CONG_PARAMS": _congestion,
    "QUERY_VUID": _vuid, "QUERY_LAG": _lag,
}  # fmt: skip

_PLANES: Mapping[str, tuple[Plane, ...]] = {
    "QUERY_HCA_CAP": ("caps",), "QUERY_ADAPTER": ("firmware", "register"), "QUERY_VUID": ("firmware",),
}  # fmt: skip

TABLE = tuple(
    Parser(
        f"mailbox.{name.lower()}", alone(state), _PLANES.get(name, ("register",)), identity=True, together=state,
        tells=TELLS.get(name, ()),
    )
    for name in commands.QUERIES
)  # fmt: skip
