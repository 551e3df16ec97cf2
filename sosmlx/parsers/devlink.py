"""`devlink [-j]`: device info, parameters, E-Switch mode, health reporters, ports, and the table of all its kinds.

JSON shapes and text: iproute2 `devlink/devlink.c`; objects under the command's name, keyed by handle (`pci/BDF`,
`pci/BDF/PORT`, `auxiliary/NAME`). Unknown members are kept as settings, so that a newer iproute2 loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import cast, get_args

from sosmlx.model import Cmode, Evidence, Facet, Fact, Item, Plane, Setting, SettingClass
from sosmlx.parsers import devlink_events, devlink_objects
from sosmlx.parsers.devlink_read import (
    at,
    device_of,
    head,
    leaves,
    nested,
    port_of,
    read,
    scalar,
    settings,
    typed,
)
from sosmlx.parsers.devlink_text import HANDLE, Grammar, names
from sosmlx.parsers.spec import Parser
from sosmlx.record import Record

UNKNOWN_VERSION = "255.255.65535"
"""What mlx5 prints where the firmware did not tell: all bits set, no version."""

NO_VALUE = "no value shown"

_VERSION_FACET = {"fixed": "current", "running": "running", "stored": "stored"}
_INFO_FACTS = {"serial_number": "serial", "board.serial_number": "board", "driver": "driver"}
_HEALTH_CLASS: dict[str, SettingClass] = {
    "state": "health", "error": "counter", "recover": "counter", "last_dump_date": "volatile",
    "last_dump_time": "volatile",
}  # fmt: skip
_PORT_CLASS: dict[str, SettingClass] = {
    "netdev": "identity", "ibdev": "identity", "function.hw_addr": "identity", "function.opstate": "health",
    "lanes": "capability",
}  # fmt: skip

_FLASH: dict[str, tuple[str, dict[str, tuple[int, str]]]] = {
    "cqe_compress_type": ("CQE_COMPRESSION", {"balanced": (0, "BALANCED"), "aggressive": (1, "AGGRESSIVE")}),
    "swp_l4_csum_mode": (
        "SWP_L4_CHECKSUM_MODE",
        {"default": (0, "DEVICE_DEFAULT"), "full_csum": (1, "FULL_CSUM"), "l4_only": (2, "L4_ONLY")},
    ),
}
"""Permanent parameters that are one field of the ASIC's flash: its name and values as in an mlxconfig query.

Source: `drivers/net/ethernet/mellanox/mlx5/core/lib/nv_param.c`. The others (`enable_sriov`, `total_vfs`) stand for a
field of the ASIC or of the function, as a third field says: they keep devlink's names.
"""

_INFO = Grammar(frozenset(("driver", "serial_number", "board.serial_number", "function.uid")), loose=True)
_PARAM = Grammar(frozenset(("name", "type")), ("name",))
_ESWITCH = Grammar(frozenset(("mode", "inline-mode", "encap-mode")))
_HEALTH = Grammar(
    names(
        "reporter state error recover last_dump_date last_dump_time grace_period burst_period auto_recover auto_dump"
    ),
    ("reporter",),
)
_PORT = Grammar(
    names(
        "type des_type netdev ibdev flavour controller pfnum vfnum sfnum external lc port split_group splittable lanes "
        "hw_addr state opstate roce migratable ipsec_crypto ipsec_packet max_io_eqs max_uc_list trust"
    )
)


def info(text: str, record: Record) -> Iterator[Item]:
    """`devlink dev info`: firmware versions running and stored, PSID, serials."""
    blocks, items = read(text, ("info",), _INFO, record)
    for block in blocks:
        device = device_of(block.handle, record)
        for body in block.entries:
            yield from _versions(device, body.pop("versions", {}))
            for name, value in leaves(body):
                yield Setting(device, "firmware", name, "", (("current", _text(value)),), "identity")
                yield Fact(device, _INFO_FACTS.get(name, f"devlink.{name}"), str(value))
    yield from items


def _versions(device: str, versions: object) -> Iterator[Item]:
    """Make one setting of each component, with its running and stored versions as facets."""
    facets: dict[str, dict[str, Facet]] = {}
    for kind, components in (versions if isinstance(versions, dict) else {}).items():
        for name, version in (components if isinstance(components, dict) else {}).items():
            facets.setdefault(str(name), {})[_VERSION_FACET.get(kind, "current")] = _version(version)
    for name, views in facets.items():
        identity = name == "fw.psid"
        yield Setting(device, "firmware", name, "", tuple(views.items()), "identity" if identity else "firmware")
        for facet, view in views.items():
            if view.value not in ("", None):
                yield Fact(device, "psid" if identity else f"{name}.{facet}", str(view.value))


def params(text: str, record: Record) -> Iterator[Item]:
    """`devlink dev param show`, `port param show`: one setting per parameter and cmode.

    A permanent value is what flash holds for after the next reset: it belongs to the plane of flash.
    """
    blocks, items = read(text, ("param",), _PARAM, record)
    for block in blocks:
        device = device_of(block.handle, record)
        types: dict[str, list[str]] = {}
        for entry in block.entries:
            name = scalar(entry.get("name", ""))
            types.setdefault(scalar(entry.get("type", "")), []).append(name)
            yield from _param(device, at(name, port_of(block.handle)), name, entry.get("values"))
        for kind, members in types.items():
            yield Evidence("devlink.param-type", device, f"{kind}: {', '.join(members)}")
    yield from items


def _param(device: str, full: str, name: str, values: object) -> Iterator[Item]:
    rows = [row for row in values if isinstance(row, dict) and row] if isinstance(values, list) else []
    for row in rows:
        cmode, place = _cmode(row.get("cmode", ""))
        if place:
            yield Evidence("devlink.cmode", device, f"{name}: cmode {place} is not known here")
        permanent = cmode == "permanent"
        knob, words = _FLASH.get(full, (full, {})) if permanent else (full, {})
        facets = [("default", _value(name, row["default"], words))] if row.get("default", "") != "" else []
        # Text prints nothing for an empty string and for a type that this devlink does not know: no telling apart.
        value = row.get("value", "")
        facet = _value(name, value, words) if value != "" else Facet(None, reason=NO_VALUE)
        facets.append(("next" if permanent else "current", facet))
        plane: Plane = "nvconfig" if permanent else "devlink"
        shared = "asic" if words else ""
        yield Setting(device, plane, f"{knob}.{place}" if place else knob, cmode, tuple(facets), shared=shared)
    if not rows:
        yield Evidence("devlink.no-value", device, f"{name}: listed without a value")


def _value(name: str, value: object, words: Mapping[str, tuple[int, str]]) -> Facet:
    """Type a value; one of flash as the vendor's tool does, so that both can be compared."""
    if isinstance(value, str) and value in words:
        number, label = words[value]
        return Facet(number, value, label)
    return typed(name, value)


def _cmode(word: object) -> tuple[Cmode, str]:
    """Type the mode of a value; the second is a word that is none of devlink's modes, and becomes part of the name.

    >>> _cmode("runtime"), _cmode("once"), _cmode(["runtime"])
    (('runtime', ''), ('', 'once'), ('', "['runtime']"))
    """
    if isinstance(word, str) and word in get_args(Cmode):
        return cast("Cmode", word), ""
    return "", str(word)


def eswitch(text: str, record: Record) -> Iterator[Item]:
    """`devlink dev eswitch show`: mode, inline mode, encapsulation mode."""
    blocks, items = read(text, ("dev",), _ESWITCH, record)
    for block in blocks:
        for body in block.entries:
            yield from settings(device_of(block.handle, record), "devlink", "eswitch", body, {}, port_of(block.handle))
    yield from items


def health(text: str, record: Record) -> Iterator[Item]:
    """`devlink health show`: state, counts and settings of each reporter."""
    blocks, items = read(text, ("health",), _HEALTH, record)
    for block in blocks:
        device = device_of(block.handle, record)
        for entry in block.entries:
            reporter = scalar(entry.pop("reporter", ""))
            yield from settings(device, "health", reporter, entry, _HEALTH_CLASS, port_of(block.handle))
            if entry.get("state") == "error":
                yield Evidence("health", device, f"reporter {reporter} is in state error", "high")
    yield from items


def ports(text: str, record: Record) -> Iterator[Item]:
    """`devlink port show`: flavour, type, netdev and function attributes of each port."""
    blocks, items = read(text, ("port",), _PORT, record)
    for block in blocks:
        device, port = device_of(block.handle, record), port_of(block.handle)
        for body in block.entries:
            netdev = body.get("netdev")
            if isinstance(netdev, str):
                yield Fact(device, "netdev" if body.get("flavour") == "physical" else "representor", netdev)
            function = body.get("function")
            inner = dict(function) if isinstance(function, dict) else {}
            below = list(nested(device, "port.function", inner, port, one=True))
            yield from settings(
                device, "devlink", "port", {**body, "function": inner} if inner else body, _PORT_CLASS, port
            )
            yield from below
    yield from items


def _text(value: object) -> Facet:
    return Facet(value, value) if isinstance(value, str) else typed("", value)


def _version(value: object) -> Facet:
    return Facet(None, UNKNOWN_VERSION, reason="not known to the driver") if value == UNKNOWN_VERSION else _text(value)


TABLE = (
    *devlink_events.MONITOR,
    Parser(
        "devlink.info",
        info,
        ("firmware",),
        head("info", rf"{HANDLE}:[ \t]*\n[ \t]*(?:driver|serial_number|board\.serial_number|versions:)[ \t\n]"),
        members=("info",),
        identity=True,
    ),
    # What devlink shows of flash is not what makes that plane complete or not: it is not named here.
    Parser(
        "devlink.param",
        params,
        ("devlink",),
        head("param", r"name \S+[ \t]+type (?:generic|driver-specific)\b"),
        members=("param",),
        identity=True,
    ),
    Parser("devlink.port-param", params, ("devlink",), identity=True),
    Parser(
        "devlink.eswitch",
        eswitch,
        ("devlink",),
        re.compile(
            rf'^[ \t]*(?:{HANDLE}: mode (?:legacy|switchdev)|\{{\s*"dev"\s*:\s*\{{\s*"{HANDLE}"\s*:\s*\{{\s*"mode")',
            re.MULTILINE,
        ),
        members=("dev/*/mode",),
    ),
    Parser(
        "devlink.health",
        health,
        ("health",),
        head("health", r"reporter \S+[ \t]*\n[ \t]*state \S+ error \d"),
        members=("health",),
        identity=True,
    ),
    *devlink_events.TABLE,
    Parser(
        "devlink.port",
        ports,
        ("devlink",),
        head("port", rf"{HANDLE}: [ \t]*(?:type (?:eth|ib|auto|notset)\b|flavour (?:\w|<))"),
        members=("port",),
        identity=True,
    ),
    *devlink_objects.TABLE,
)
