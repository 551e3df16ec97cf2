"""The simulated firmware's own bit code: nothing here is shared with the client that is tested against it.

Bits are counted as in the PRM: bit 0 is the most significant bit of byte 0.
"""

from __future__ import annotations

from collections.abc import Mapping

from sosmlx.fwctl.registers import REGISTERS


def get(image: bytes | bytearray, offset: int, width: int) -> int:
    """Read so many bits as a number; what lies behind the end reads as 0.

    >>> get(bytes.fromhex("01010012"), 8, 8), get(b"", 0, 8)
    (1, 0)
    """
    value = 0
    for at in range(offset, offset + width):
        byte = image[at >> 3] if at >> 3 < len(image) else 0
        value = value * 2 + (byte >> (7 - at % 8) & 1)
    return value


def put(image: bytearray, offset: int, width: int, value: int) -> None:
    """Write a number into so many bits and leave the others as they are. Raises ValueError where it does not fit."""
    if not 0 <= value < 1 << width:
        raise ValueError(f"{value} does not fit in {width} bits")
    for at in range(offset + width - 1, offset - 1, -1):
        mask = 0x80 >> at % 8
        image[at >> 3] = image[at >> 3] | mask if value & 1 else image[at >> 3] & ~mask
        value >>= 1


def read(register: str, image: bytes, *names: str) -> tuple[int, ...]:
    """Read fields of a register's image by their names in `REGISTERS`. Raises KeyError."""
    places = {field.name: (field.offset, field.width) for field in REGISTERS[register].fields}
    return tuple(get(image, *places[name]) for name in names)


def write(register: str, image: bytearray, values: Mapping[str, int | bytes]) -> None:
    """Write fields of a register's image; bytes go where an array begins. Raises KeyError and ValueError."""
    places = {field.name: (field.offset, field.width) for field in REGISTERS[register].fields}
    for name, value in values.items():
        offset, width = places[name]
        if isinstance(value, bytes):
            image[offset // 8 : offset // 8 + len(value)] = value
        else:
            put(image, offset, width, value)
