"""Flash parameters as mlxconfig spells them, into a TLV's bytes and out of them: the simulated firmware's own code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from sosmlx.fwctl.catalogue import Param, Tlv, builtin
from sosmlx.simulator.bits import get, put
from sosmlx.simulator.flash import MODULE, PORT

_NAME = re.compile(r"(?P<base>[\w.]+?)(?:_P(?P<port>\d{1,3})|_M(?P<module>\d{1,3}))?(?:\[(?P<element>\d{1,3})\])?\Z")
_NUMBER = re.compile(r"(?:[\w ]*\()?(0x[0-9a-fA-F]+|[0-9]+)\)?\Z")
_BARE = {"true": 1, "false": 0, "on": 1, "off": 0, "yes": 1, "no": 0}


class Place(NamedTuple):
    """Where a parameter is: its field, the type word of its item (a function's own in its short form), its element."""

    tlv: Tlv
    param: Param
    word: int
    element: int | None = None


def places(name: str, ports: int) -> list[Place]:
    """Find what a name stands for: `NUM_OF_VFS`, `LINK_TYPE_P1`, `MODULE_SPLIT_M0[3]`, `nv_qos_conf.num_of_vl`.

    A name without its port or module stands for all of them; one that the catalogue lacks for nothing.
    """
    match = _NAME.match(name)
    found = _params().get(match["base"]) if match else None
    if match is None or found is None:
        return []
    tlv, param = found
    element = int(match["element"]) if match["element"] else None
    if element is not None and element >= param.elements:
        return []
    return [
        Place(tlv, param, word, element)
        for number, word in instances(tlv, ports)
        if match["port" if tlv.cls == PORT else "module"] in (None, str(number))
    ]


def instances(tlv: Tlv, ports: int) -> list[tuple[int, int]]:
    """List the items of one TLV, each with the number of its port (from 1) or module (from 0), which else is 0."""
    if tlv.cls == PORT:
        return [(port, PORT << 24 | port << 16 | tlv.index) for port in range(1, ports + 1)]
    if tlv.cls == MODULE:
        return [(module, MODULE << 24 | module << 14 | tlv.index) for module in range(ports)]
    return [(0, tlv.cls << 24 | tlv.index)]


@lru_cache(maxsize=1)
def _params() -> dict[str, tuple[Tlv, Param]]:
    """Map both names of every parameter, mlxconfig's and `tlv.field`."""
    return {name: (tlv, param) for tlv in builtin() for param in tlv.params for name in (param.key, param.name) if name}


def parse(param: Param, text: str) -> int | bytes | None:
    """Read a value as mlxconfig or its user spells it: `8`, `ETH(2)`, `ETH`, `True(1)`, `0x6C(108)`.

    None for what says nothing: `N/A`, `Array[0..7]`. Raises ValueError for what is no value of this parameter.
    """
    if text == "N/A" or text.startswith("Array["):
        return None
    if param.type == "STRING":
        return text.encode()
    if param.type == "BYTES":
        return bytes.fromhex(text)
    words = {**_BARE, **{label.lower(): number for label, number in param.labels}}
    if text.lower() in words:
        return words[text.lower()]
    match = _NUMBER.match(text)
    if match is None:
        raise ValueError(f"{text} is no value of {param.name or param.key}")
    return int(match[1], 0)


def store(data: bytearray, place: Place, value: int | bytes) -> None:
    """Write a value into an item's data and say, where there is a bit for that, that it is valid. Raises ValueError."""
    param = place.param
    if isinstance(value, bytes):
        if len(value) > param.count:
            raise ValueError(f"{param.name or param.key} has room for {param.count} bytes")
        start = param.offset // 8
        data[start : start + param.count] = value.ljust(param.count, b"\0")
        return
    for element in range(param.elements or 1) if place.element is None else (place.element,):
        put(data, param.offset + element * param.element_width, param.element_width, value)
    for other in place.tlv.params:
        if other.field == param.valid_bit:
            put(data, other.offset, other.width, 1)


def number(param: Param, data: bytes, element: int = 0) -> int:
    """Read what an item's data holds for a parameter that is a number."""
    return get(data, param.offset + element * param.element_width, param.element_width)


def spell(param: Param, data: bytes, element: int = 0) -> str:
    """Spell what an item's data holds for a parameter, as `mlxconfig -e query` does.

    >>> spell(builtin().named("LINK_TYPE"), bytes.fromhex("00000008"))
    'ETH(2)'
    """
    if param.type in ("STRING", "BYTES"):
        raw = data[param.offset // 8 :][: param.count]
        text = raw.partition(b"\0")[0].decode("ascii", "backslashreplace")
        return raw.hex().upper() if param.type == "BYTES" else text
    value = number(param, data, element)
    if param.type == "BOOL":
        return f"{'True' if value else 'False'}({value})"
    if param.type == "BINARY":
        return f"0x{value:X}({value})"
    words = sorted(label for label, number in param.labels if number == value)
    return f"{words[0]}({value})" if words else str(value)


def names(place: Place, number: int) -> Iterator[tuple[str, int]]:
    """Name a parameter as mlxconfig does, one row for every element of an array, each with the element's number."""
    suffix = {PORT: f"_P{number}", MODULE: f"_M{number}"}.get(place.tlv.cls, "")
    name = place.param.name + suffix
    if not place.param.elements:
        yield name, 0
    for element in range(place.param.elements):
        yield f"{name}[{element}]", element
