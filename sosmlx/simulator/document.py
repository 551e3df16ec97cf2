"""What a scenario may hold, as data: a value of the wrong kind is named with its place when the scenario is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Callable

from sosmlx.record import Outcome

Problems = Iterator[tuple[str, str]]
"""Places in a document, each with what was expected there."""
Shape = Callable[[object, str], Problems]

MAX_DEPTH = 64


def scalar(value: object, place: str) -> Problems:
    """Expect what a file or a tool can print: a text, a number, or a Boolean."""
    if not isinstance(value, (str, int, float)):
        yield place, "a text or a number was expected"


def text(value: object, place: str) -> Problems:
    """Expect a text."""
    if not isinstance(value, str):
        yield place, "a text was expected"


def number(value: object, place: str) -> Problems:
    """Expect an integer."""
    if not isinstance(value, int) or isinstance(value, bool):
        yield place, "an integer was expected"


def boolean(value: object, place: str) -> Problems:
    """Expect true or false."""
    if not isinstance(value, bool):
        yield place, "true or false was expected"


def outcome(value: object, place: str) -> Problems:
    """Expect one of the words for how a read ends."""
    words = [word.value for word in Outcome]
    if value not in words:
        yield place, f"one of {', '.join(words)} was expected"


def anything(value: object, place: str) -> Problems:
    """Expect nothing: a tool's JSON is printed as it stands."""
    yield from ()


def rows(inner: Shape) -> Shape:
    """Expect a list."""

    def check(value: object, place: str) -> Problems:
        if not isinstance(value, list):
            yield place, "a list was expected"
            return
        for index, item in enumerate(value):
            yield from inner(item, f"{place}[{index}]")

    return check


def either(alternative: Shape) -> Shape:
    """Expect a scalar, or something else."""

    def check(value: object, place: str) -> Problems:
        yield from (scalar if isinstance(value, (str, int, float)) else alternative)(value, place)

    return check


def fields(known: Mapping[str, Shape], others: Shape | None = None) -> Shape:
    """Expect an object with these members, all optional (null is as good as absent), or with others of one shape."""

    def check(value: object, place: str) -> Problems:
        if not isinstance(value, dict):
            yield place, "an object was expected"
            return
        for name, item in value.items():
            shape = known.get(name, others)
            where = f"{place}.{name}" if place else name
            if shape is None:
                yield where, f"not a member of this object; known ones: {', '.join(known)}"
            elif item is not None:
                yield from shape(item, where)

    return check


def each(inner: Shape) -> Shape:
    """Expect an object whose members are all of one shape."""
    return fields({}, inner)


def files(value: object, place: str) -> Problems:
    """Expect absolute paths, not absurdly deep, with their texts."""
    yield from each(text)(value, place)
    for path in value if isinstance(value, dict) else ():
        if not path.startswith("/") or path.count("/") > MAX_DEPTH:
            yield f"{place}.{path[:80]}", "an absolute path was expected"


def fault(value: object, place: str) -> Problems:
    """Expect what is read, and how that ends."""
    yield from _FAULT(value, place)
    if isinstance(value, dict):
        yield from ((place, f"`{name}` is missing") for name in ("read", "outcome") if value.get(name) is None)


_FAULT = fields({"read": text, "outcome": outcome, "reason": text, "rc": number, "data": text, "stderr": text})

_SCALARS = each(scalar)
_PAIRS = each(either(rows(scalar)))
_NETDEV = fields({
    "sysfs": _SCALARS, "driver": _SCALARS, "features": _SCALARS, "rings": _PAIRS, "channels": _PAIRS,
    "priv_flags": _SCALARS, "link": _SCALARS, "pause": _SCALARS, "coalesce": _SCALARS, "fec": _SCALARS, "stats": _PAIRS,
    "dcb": each(anything), "ip": each(anything), "addresses": rows(each(anything)),
})  # fmt: skip
_FIRMWARE = fields({
    "profile": text, "ports": number, "uctx_caps": number, "device_type": number, "factory_readable": boolean,
    "current_readable": boolean, "next_of_factory": boolean, "echo": boolean, "lacks": rows(text),
    "missing": rows(text), "writers": _SCALARS, "tokens": _SCALARS, "mgir": _SCALARS,
    "state": each(each(either(rows(scalar)))), "withheld": rows(scalar),
    "capabilities": _SCALARS, "commands": each(_SCALARS),
    "components": rows(fields({
        "identifier": scalar, "version": text, "pending": text, "status": scalar, "state": scalar, "changer": scalar,
    })),
    "stored": rows(fields({
        "type": scalar, "data": text, "version": scalar, "writer": scalar, "priority": scalar, "over_en": scalar,
        "rd_en": scalar, "host_id_valid": scalar, "writer_host": scalar,
    })),
    "faults": rows(fields({
        "register": text, "fields": _SCALARS, "status": scalar, "syndrome": scalar, "errno": scalar, "short": number,
        "hang": boolean, "after": number,
    })),
})  # fmt: skip
_FUNCTION = fields({
    "driver": scalar, "physfn": scalar, "upstream": scalar, "iommu_group": scalar, "fwctl": scalar, "pci": _SCALARS,
    "netdevs": each(_NETDEV), "rdma": each(fields({"ports": each(_SCALARS)}, scalar)), "devlink": each(anything),
    "flash_head": _SCALARS, "flash": each(either(rows(scalar))), "firmware": _FIRMWARE,
})  # fmt: skip

SCENARIO = fields({
    "schema": text, "title": text, "extends": text,
    "host": fields({
        "hostname": scalar, "release": scalar, "arch": scalar, "boot_id": scalar, "cmdline": scalar, "taint": scalar,
        "lockdown": text, "os_release": _SCALARS, "modules": each(_SCALARS), "log": rows(text), "ovs": _SCALARS,
    }),
    "tools": _SCALARS, "functions": each(_FUNCTION), "files": files, "faults": rows(fault),
})  # fmt: skip
