"""From a scenario's function to a simulated adapter, and from that to the rows that mstconfig would print of it."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Callable

from sosmlx.errors import InputError
from sosmlx.fwctl.catalogue import Param, Tlv, builtin
from sosmlx.fwctl.commands import QUERIES
from sosmlx.fwctl.items import PRIORITIES, WRITERS
from sosmlx.fwctl.layout import Field
from sosmlx.fwctl.registers import REGISTERS
from sosmlx.simulator import values
from sosmlx.simulator.abilities import joined, kind_of, shown_by
from sosmlx.simulator.commands import capability_widths, object_fields
from sosmlx.simulator.flash import CURRENT, FACTORY, NEXT, Flash, Item, Kind, owned, split
from sosmlx.simulator.nic import Fault, Kernel, Nic
from sosmlx.simulator.profiles import BY_PCI_DEVICE, COMPONENTS, PENDING_RESET, PROFILES, TOKENS, Component, Profile
from sosmlx.simulator.state import HEALTHY, State, set_field
from sosmlx.simulator.twins import of_host

_Views = tuple[bytearray, bytearray, bytearray]

MLXCONFIG = 9
"""The writer that mlxconfig claims to be."""

MAX_DATA = 256
"""Bytes that an item can hold."""

_NO_WORDS: Mapping[str, int] = {}

Shows = Callable[[Param, int, Mapping[str, int]], bool]
"""Whether a parameter is shown: given the layout version that the firmware knows, and all fields by `tlv.field`."""

Object = Mapping[str, object]


def adapter(
    function: Object, number: int, *, flash: Flash | None = None, kernel: Kernel | None = None, strict: bool = True
) -> Nic:
    """Build the fwctl node of a scenario's function; `number` is the PCI function's (0 for 0000:3b:00.0).

    Functions of one ASIC share the `flash` of the first, and all nodes of a host one `kernel`. What the scenario does
    not say comes from a profile: the one that it names, or the one of its PCI device. Raises InputError.
    """
    firmware = _object(function.get("firmware"))
    profile = _profile(function, firmware)
    shared = flash or Flash(_kinds(profile), profile.ports)
    _furnish(shared, profile, number)
    _lay(shared, _object(function.get("flash")), _object(firmware.get("writers")), number)
    for place, raw in enumerate(_list(firmware.get("stored"))):
        _store(shared, _object(raw), number, f"firmware.stored[{place}]")
    rows = enumerate(_list(firmware.get("faults")))
    faults = [_fault(_object(row), f"firmware.faults[{place}]") for place, row in rows]
    node = str(function.get("fwctl", "fwctl0"))
    return Nic(profile, shared, faults, function=number, node=node, kernel=kernel, strict=strict)


def _profile(function: Object, firmware: Object) -> Profile:
    device = _number(_object(function.get("pci")).get("device", 0), "pci.device")
    name = str(firmware.get("profile", BY_PCI_DEVICE.get(device, "ConnectX-7")))
    if name not in PROFILES:
        raise InputError(f"firmware.profile: {name} is none of {', '.join(PROFILES)}")
    found = PROFILES[name]
    versions = _object(_object(_object(function.get("devlink")).get("info")).get("versions"))
    running = _version(versions.get("running"), found.firmware)
    stored = _version(versions.get("stored"), running)
    head = _object(function.get("flash_head"))
    names = {1: str(head.get("Name", found.strings[1])), 2: str(head.get("Description", found.strings[2]))}
    return replace(
        found,
        pci_device=device or found.pci_device,
        psid=str(_object(versions.get("fixed")).get("fw.psid", found.psid)),
        firmware=running,
        ports=_number(firmware.get("ports", found.ports), "firmware.ports", bits=8),
        base_mac=_base_mac(function) or found.base_mac,
        strings=names,
        mgir={**found.mgir, **_mgir(_object(firmware.get("mgir")))},
        components=_components(found, running, stored, firmware),
        tokens={**found.tokens, **_tokens(_object(firmware.get("tokens")))},
        lacks=found.lacks | {str(tlv) for tlv in _list(firmware.get("lacks"))},
        state=_over(of_host(function), _state(_object(firmware.get("state")))),
        registers=_announced(found.registers, firmware),
        missing=found.missing | {str(register) for register in _list(firmware.get("missing"))},
        capabilities={
            **found.capabilities,
            **kind_of(function),
            **_capabilities(_object(firmware.get("capabilities"))),
        },
        commands=joined(shown_by(function), _commands(_object(firmware.get("commands")))),
        uctx_caps=_number(firmware.get("uctx_caps", found.uctx_caps), "firmware.uctx_caps"),
        device_type=_number(firmware.get("device_type", found.device_type), "firmware.device_type"),
        factory_readable=bool(firmware.get("factory_readable", found.factory_readable)),
        current_readable=bool(firmware.get("current_readable", found.current_readable)),
        next_of_factory=bool(firmware.get("next_of_factory", found.next_of_factory)),
        echo=bool(firmware.get("echo", found.echo)),
    )


def _announced(registers: tuple[int, ...], firmware: Object) -> tuple[int, ...]:
    """Take out of what the masks announce what the scenario calls withheld, by name."""
    withheld = {str(name) for name in _list(firmware.get("withheld"))}
    for name in withheld - set(REGISTERS):
        raise InputError(f"firmware.withheld: there is no register {name}")
    return tuple(number for number in registers if number not in {REGISTERS[name].id for name in withheld})


def _state(texts: Object) -> State:
    """Read the fields of registers that a scenario sets: `{"PMAOS@0": {"oper_status": 2}}`. Raises InputError."""
    found: dict[str, dict[str, int | str | list[int]]] = {}
    for key, body in texts.items():
        name = key.partition("@")[0]
        if name not in HEALTHY:
            raise InputError(f"firmware.state.{key}: no register of configuration or state is called so")
        for field, value in _object(body).items():
            where = f"firmware.state.{key}.{field}"
            try:
                typed = _field_value(name, field, value, where)
                set_field(name, bytearray(REGISTERS[name].size), field, typed)
            except ValueError as error:
                raise InputError(f"{where}: {error}") from None
            found.setdefault(key, {})[field] = typed
    return found


def _over(under: State, over: State) -> State:
    """Lay fields over others, register by register."""
    return {key: {**under.get(key, {}), **over.get(key, {})} for key in {**under, **over}}


def _field_value(name: str, field: str, value: object, where: str) -> int | str | list[int]:
    if isinstance(value, list):
        return [_number(item, where, bits=REGISTERS[name].field(field).width) for item in value]
    if isinstance(REGISTERS[name].field(field), Field):
        return _number(value, where, bits=REGISTERS[name].field(field).width)
    return str(value)


def _capabilities(values: Object) -> dict[str, int]:
    widths = capability_widths()
    for name in values:
        if name not in widths:
            raise InputError(f"firmware.capabilities.{name}: no capability is called so")
    return {n: _number(value, f"firmware.capabilities.{n}", bits=widths[n]) for n, value in values.items()}


def _commands(rows: Object) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for command, told in rows.items():
        widths = object_fields(command)
        for name, value in _object(told).items():
            where = f"firmware.commands.{command}.{name}"
            if name not in widths:
                raise InputError(f"{where}: no command has such an answer")
            found.setdefault(command, {})[name] = _number(value, where, bits=widths[name])
    return found


def _base_mac(function: Object) -> int:
    """Take the base MAC out of an RDMA device's node GUID (EUI-64, 03:00 in its middle); 0 where there is none."""
    for rdma in _object(function.get("rdma")).values():
        digits = str(_object(rdma).get("node_guid", "")).replace(":", "")
        if re.match(r"[0-9a-f]{16}\Z", digits):
            return int(digits[:6] + digits[10:], 16)
    return 0


def _version(versions: object, other: str) -> str:
    """Take the firmware's version out of one group of devlink's; `other` where it is none that MGIR could hold."""
    found = str(_object(versions).get("fw.version", ""))
    return found if re.match(r"\d{1,9}\.\d{1,9}\.\d{1,9}\Z", found) else other


def _mgir(fields: Object) -> dict[str, int]:
    scalars = [field for field in REGISTERS["MGIR"].fields if isinstance(field, Field)]
    known = {name: field for field in scalars for name in (field.name, field.name.partition(".")[2])}
    for name in fields:
        if name not in known:
            raise InputError(f"firmware.mgir.{name}: MGIR has no such field")
    return {
        known[name].name: _number(value, f"firmware.mgir.{name}", bits=known[name].width)
        for name, value in fields.items()
    }


def _tokens(states: Object) -> dict[int, int]:
    for name in states:
        if name not in TOKENS:
            raise InputError(f"firmware.tokens.{name}: none of {', '.join(TOKENS)}")
    return {TOKENS[name]: _number(value, f"firmware.tokens.{name}", bits=4) for name, value in states.items()}


def _components(profile: Profile, running: str, stored: str, firmware: Object) -> tuple[Component, ...]:
    """Make the list of components: the scenario's, or the profile's with this host's firmware versions."""
    if "components" in firmware:
        rows = enumerate(_list(firmware["components"]))
        return tuple(_component(place, _object(row), f"firmware.components[{place}]") for place, row in rows)
    image = replace(profile.components[0], text=running)
    if stored != running:
        image = replace(image, pending_text=stored, update_state=PENDING_RESET)
    return (image, *profile.components[1:])


def _component(place: int, row: Object, where: str) -> Component:
    pending = str(row.get("pending", ""))
    known = Component(place, 0, pending_text=pending, update_state=PENDING_RESET if pending else Component.update_state)
    return replace(
        known,
        identifier=_number(row.get("identifier", 0), f"{where}.identifier", COMPONENTS, bits=16),
        text=str(row.get("version", "")),
        status=_number(row.get("status", known.status), f"{where}.status", bits=5),
        update_state=_number(row.get("state", known.update_state), f"{where}.state", bits=4),
        changer=_number(row.get("changer", known.changer), f"{where}.changer", bits=4),
    )


def _kinds(profile: Profile) -> dict[tuple[int, int], Kind]:
    return {
        (tlv.cls, tlv.index): Kind(tlv.size, profile.layouts.get(tlv.name, tlv.version), not tlv.capability)
        for tlv in builtin()
        if tlv.name not in profile.lacks
    }


def _furnish(flash: Flash, profile: Profile, function: int) -> None:
    """Give the flash what the factory sets, unless an earlier function of the ASIC has done so."""
    fresh: dict[int, bytearray] = {}
    for tlv in builtin():
        for _, word in values.instances(tlv, flash.ports):
            if flash.kind(word) is not None and owned(word, function) not in flash.factory:
                fresh[word] = bytearray(tlv.size)
    for name, value in profile.factory.items():
        for place in values.places(name, flash.ports):
            if place.word in fresh:
                for element, number in enumerate(value if isinstance(value, tuple) else (value,)):
                    one = place._replace(element=element) if isinstance(value, tuple) else place
                    values.store(fresh[place.word], one, number)
    flash.factory.update({owned(word, function): bytes(data) for word, data in fresh.items()})


def _lay(flash: Flash, texts: Object, writers: Object, function: int) -> None:
    """Lay a scenario's values over the factory's: default, current, and next as what mlxconfig has stored.

    A name that the catalogue or this firmware lacks is left to the tools that print it.
    """
    views: dict[int, _Views] = {}
    for name, value in texts.items():
        texts_of_views = [str(view) for view in value] if isinstance(value, list) else [str(value)] * 3
        places = [place for place in values.places(name, flash.ports) if flash.kind(place.word) is not None]
        views.update({p.word: _views(flash, p.word, function) for p in places if p.word not in views})
        try:
            for place in places:
                _lay_one(views[place.word], place, texts_of_views)
        except ValueError as error:
            raise InputError(f"flash.{name}: {error}") from None
    by = _writers(writers, flash.ports)
    for word in {**views, **by}:
        if flash.kind(word) is not None:
            _keep(flash, word, views.get(word) or _views(flash, word, function), by.get(word), function)


def _views(flash: Flash, word: int, function: int) -> _Views:
    size = flash.kinds[split(word)].size
    default, current, following = (
        bytearray(flash.view(word, view, function).data.ljust(size, b"\0")) for view in (FACTORY, CURRENT, NEXT)
    )
    return default, current, following


def _lay_one(views: tuple[bytearray, ...], place: values.Place, texts: list[str]) -> None:
    for data, text in zip(views, texts):
        value = values.parse(place.param, text)
        if value is not None:
            values.store(data, place, value)


def _keep(flash: Flash, word: int, views: _Views, writer: int | None, function: int) -> None:
    default, current, following = map(bytes, views)
    own, kind = owned(word, function), flash.kinds[split(word)]
    flash.factory[own], flash.current[own] = default, current
    if following != default or writer is not None:
        flash.store(Item(own, following, kind.version, MLXCONFIG if writer is None else writer))


def _writers(writers: Object, ports: int) -> dict[int, int]:
    """Map type words to writers; a scenario names a parameter or a TLV."""
    tlvs = {tlv.name: tlv for tlv in builtin()}
    numbers = {name: number for number, name in WRITERS.items()}
    found = {}
    for name, writer in writers.items():
        words = (
            [word for _, word in values.instances(tlvs[name], ports)]
            if name in tlvs
            else [place.word for place in values.places(name, ports)]
        )
        if not words:
            raise InputError(f"firmware.writers.{name}: no parameter and no TLV is called so")
        found.update(dict.fromkeys(words, _number(writer, f"firmware.writers.{name}", numbers)))
    return found


def _store(flash: Flash, raw: Object, function: int, where: str) -> None:
    """Store an item as a scenario gives it, field by field; its type is known to the firmware from here on."""
    word = _number(raw.get("type", 0), f"{where}.type")
    try:
        data = bytes.fromhex(str(raw.get("data", "")))
    except ValueError:
        raise InputError(f"{where}.data: hexadecimal digits were expected") from None
    if len(data) > MAX_DATA:
        raise InputError(f"{where}.data: an item holds at most {MAX_DATA} bytes")
    words = {"writer": WRITERS, "priority": PRIORITIES}
    fields = {
        field: _number(raw[name], f"{where}.{name}", {word: n for n, word in words.get(name, {}).items()}, bits)
        for name, (field, bits) in _ITEM_FIELDS.items()
        if name in raw
    }
    item = Item(word, data, **fields)
    flash.kinds.setdefault(split(word), Kind(len(data), item.version))
    flash.store(item if item.host_id_valid else item._replace(type=owned(word, function)))


_ITEM_FIELDS = {
    "version": ("version", 4), "writer": ("writer_id", 5), "priority": ("priority", 2), "over_en": ("over_en", 1),
    "rd_en": ("rd_en", 1), "host_id_valid": ("host_id_valid", 1), "writer_host": ("writer_host_id", 3),
}  # fmt: skip
"""What a scenario calls the fields of a stored item's header, and how many bits they have."""


def _fault(raw: Object, where: str) -> Fault:
    codes = {name: code for name, code in vars(errno).items() if name.startswith("E")}
    fields = {str(name): _number(value, f"{where}.fields.{name}") for name, value in _object(raw.get("fields")).items()}
    register = str(raw.get("register", ""))
    layout = REGISTERS[register].fields if register in REGISTERS else ()
    layout = QUERIES[register].asked if register in QUERIES else layout
    known = {field.name for field in layout}
    for name in fields:
        if name not in known:
            raise InputError(f"{where}.fields.{name}: {register or 'no register'} has no such field")
    if not any(raw.get(how) is not None for how in ("status", "errno", "short", "hang")):
        raise InputError(f"{where}: one of `status`, `errno`, `short` and `hang` says what goes wrong")
    return Fault(
        register, fields,
        _number(raw["status"], f"{where}.status", bits=8) if "status" in raw else None,
        _number(raw.get("syndrome", 0), f"{where}.syndrome"), _number(raw.get("errno", 0), f"{where}.errno", codes),
        _number(raw["short"], f"{where}.short") if "short" in raw else None, bool(raw.get("hang", False)),
        _number(raw.get("after", 0), f"{where}.after"),
    )  # fmt: skip


def by_version(param: Param, version: int, fields: Mapping[str, int]) -> bool:
    """Show what the firmware's layout has, whatever the parameter's expression says."""
    return param.since <= version


def query_rows(nic: Nic, shows: Shows = by_version) -> list[tuple[str, str, str, str]]:
    """List what `mstconfig -e query` would print of this adapter: name, default, current, next, as it spells them.

    Named parameters of every item that the firmware knows, per port and module, arrays by element.
    """
    fields = {
        param.key: values.number(param, nic.flash.view(word, NEXT, nic.function).data)
        for tlv, _, word in _known(nic)
        for param in tlv.params
        if not param.count
    }
    return [
        (name, *_spelled(nic, param, word, element))
        for tlv, number, word in _known(nic)
        for param in tlv.params
        if param.name and shows(param, nic.flash.kinds[tlv.cls, tlv.index].version, fields)
        for name, element in values.names(values.Place(tlv, param, word), number)
    ]


def _spelled(nic: Nic, param: Param, word: int, element: int) -> tuple[str, str, str]:
    default, current, following = (
        values.spell(param, nic.flash.view(word, view, nic.function).data, element) for view in (FACTORY, CURRENT, NEXT)
    )
    return default, current, following


def _known(nic: Nic) -> Iterator[tuple[Tlv, int, int]]:
    for tlv in builtin():
        for number, word in values.instances(tlv, nic.flash.ports):
            if nic.flash.kind(word) is not None:
                yield tlv, number, word


def _number(value: object, where: str, words: Mapping[str, int] = _NO_WORDS, bits: int = 32) -> int:
    """Read a number, a text that spells one (`0x101d`), or one of some words. Raises InputError."""
    try:
        found = words[value] if isinstance(value, str) and value in words else int(str(value), 0)
    except ValueError:
        if isinstance(value, bool):
            return int(value)
        known = f" or one of {', '.join(words)}" if words else ""
        raise InputError(f"{where}: {value} is no number{known}") from None
    if not 0 <= found < 1 << bits:
        raise InputError(f"{where}: {value} does not fit in {bits} bits")
    return found


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
