"""The notation in which the PRM's layouts are written here, and the one code that takes their bytes apart.

An image is an array of big-endian 32-bit words. A table spells the byte offset of a word, then its fields as
`name[high:low]` with bit 31 the most significant, `name[count*width]` for an array that starts there (element 0 at the
lowest address), or `name[width]` with more than 32 bits for one number that starts there. What a field is for follows a
colon where it is not what most fields of that table are for. Whose identity it holds follows an `@` (`@mac`): pieces of
one identity that adjoin each other in the image, in this order, are one value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Union, cast, get_args

FieldAccess = Literal["INDEX", "RO", "RW", "WO", "OP"]
"""The PRM's words: INDEX selects in a query, RO and RW are answers, WO and OP act and are 0 in a read."""

Identity = Literal["", "mac", "guid", "gid", "ip", "serial", "uuid", "name"]
"""What a field tells of one card, host or network; empty for what any other could have, too. An address in more bytes
than it needs has zeros before or behind it; `serial` and `name` are texts, filled up with NUL."""

Value = Union[int, tuple[int, ...]]
"""What a field holds; a tuple for an array."""


@dataclass(frozen=True)
class Field:
    """Bits of an image: `offset` counts from the most significant bit of byte 0, `width` is in bits."""

    name: str
    offset: int
    width: int
    access: FieldAccess
    identity: Identity = ""


@dataclass(frozen=True)
class Array:
    """`count` elements of `width` bits from bit `offset` on, each big-endian, in their natural order.

    An `identity` in elements of up to 32 bits is one value, in wider ones each element is a value.
    """

    name: str
    offset: int
    count: int
    width: int
    access: FieldAccess
    identity: Identity = ""


_FIELD = re.compile(r"([\w.]+)\[(\d+)(?:([:*])(\d+))?\](?::(INDEX|RO|RW|WO|OP))?(?:@([a-z]+))?")


def spelled(table: str, usual: FieldAccess = "RO") -> Iterator[Field | Array]:
    """Read the fields of a table in its order. Raises ValueError for what is none.

    >>> list(spelled("0x04 type[31:0]:INDEX"))
    [Field(name='type', offset=32, width=32, access='INDEX', identity='')]
    """
    for line in table.strip().splitlines():
        word, *items = line.split()
        start = int(word, 16) * 8
        for item in items:
            match = _FIELD.fullmatch(item)
            if match is None:
                raise ValueError(f"not a field: {item}")
            name, first, kind, second = match[1], int(match[2]), match[3], int(match[4] or match[2])
            access, identity = cast("FieldAccess", match[5] or usual), cast("Identity", match[6] or "")
            if identity not in get_args(Identity):
                raise ValueError(f"not an identity: {item}")
            if kind == "*":
                yield Array(name, start, first, second, access, identity)
            elif first > 31:
                yield Field(name, start, first, access, identity)
            else:
                yield Field(name, start + 31 - first, first - second + 1, access, identity)


class Whose(NamedTuple):
    """One identity in an image: `offset` and `width` in bits."""

    offset: int
    width: int
    identity: Identity


def identities(fields: Iterable[Field | Array]) -> list[Whose]:
    r"""List the identities in an image in the order of their places, each as one value.

    >>> identities(spelled("0x00 mac_47_32[15:0]@mac\n0x04 mac_31_0[31:0]@mac other[31:0]"))
    [Whose(offset=16, width=48, identity='mac')]
    """
    found: list[Whose] = []
    for field in sorted(fields, key=lambda field: field.offset):
        if not field.identity:
            continue
        if isinstance(field, Array) and field.width > 32:
            found += [Whose(at, field.width, field.identity) for at in _places(field)]
            continue
        width = field.count * field.width if isinstance(field, Array) else field.width
        before = found[-1] if found else Whose(-1, 0, "")
        if field.width <= 32 and (before.offset + before.width, before.identity) == (field.offset, field.identity):
            found[-1] = before._replace(width=before.width + width)
        else:
            found.append(Whose(field.offset, width, field.identity))
    return found


def take_apart(fields: Iterable[Field | Array], image: bytes) -> dict[str, Value]:
    """Read fields of an image by their names.

    A field that the image is too short for is left out, an array too where one element is missing; what no field names
    is not looked at.
    """
    bits, whole = len(image) * 8, int.from_bytes(image, "big")
    found: dict[str, Value] = {}
    for field in fields:
        if isinstance(field, Field):
            if field.offset + field.width <= bits:
                found[field.name] = _extract(whole, bits, field.offset, field.width)
        elif field.offset + field.count * field.width <= bits:
            found[field.name] = tuple(_extract(whole, bits, at, field.width) for at in _places(field))
    return found


def _extract(whole: int, bits: int, offset: int, width: int) -> int:
    return whole >> (bits - offset - width) & ((1 << width) - 1)


def _places(array: Array) -> Iterable[int]:
    return range(array.offset, array.offset + array.count * array.width, array.width)


def put_together(
    owner: str, fields: Iterable[Field | Array], size: int, values: Mapping[str, int | Sequence[int]]
) -> bytes:
    """Put fields together to an image of `size` bytes; what is not given is 0. `owner` is named in what is raised.

    Raises ValueError for a field that there is not or a value that does not fit.
    """
    known = {field.name: field for field in fields}
    whole = 0
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"{owner} has no field {name}")
        whole += _bits(owner, known[name], size, value)
    return whole.to_bytes(size, "big")


def _bits(owner: str, field: Field | Array, size: int, value: int | Sequence[int]) -> int:
    places = [field.offset] if isinstance(field, Field) else list(_places(field))
    elements = [value] if isinstance(value, int) else list(value)
    if isinstance(field, Field) != isinstance(value, int) or len(elements) != len(places):
        wanted = "a number" if isinstance(field, Field) else f"{field.count} numbers"
        raise ValueError(f"{owner}.{field.name} holds {wanted}, not {value!r}")
    if not all(0 <= element < 1 << field.width for element in elements):
        raise ValueError(f"{owner}.{field.name}: {value} does not fit in {field.width} bits")
    return sum(e << (size * 8 - at - field.width) for e, at in zip(elements, places))
