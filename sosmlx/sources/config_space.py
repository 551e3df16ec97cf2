"""PCI configuration space as a text: the registers that the walk along the capabilities asks for, and no others.

A device can take it ill to be read where it has no registers (`lspci(8)`, `-xxx`), and some of what stands there (the
Device Serial Number) names one card: neither is touched. A line is `OFFSET: BYTES`, both in hexadecimal; one without
bytes says that the space ends there.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Callable

from sosmlx.parsers.config_layout import HEADER, LostError, extended, standard
from sosmlx.record import Answer, Outcome

At = Callable[[int, int], bytes]
"""Offset and length to bytes, fewer where the space ends. Raises OSError."""

SIZE = 4096
"""So large is the configuration space of a function on PCI Express."""

DENIED = Answer(
    outcome=Outcome.DENIED,
    reason=f"EPERM: of configuration space the kernel gives only the first {HEADER} bytes; the rest is for root "
    "(CAP_SYS_ADMIN)",
)  # fmt: skip


def registers(read: At) -> Answer:
    r"""Read what the walk asks for. Raises OSError.

    >>> registers(lambda at, size: bytes(4096)[at : at + size]).data
    b'0006: 00 00\n0100: 00 00 00 00\n'
    """
    if not read(HEADER, 1):
        return DENIED
    asked: dict[int, bytes] = {}

    def get(at: int, size: int) -> bytes:
        if size > len(asked.get(at, b"")):
            asked[at] = read(at, size)
        return asked[at][:size]

    for walk in (standard, extended):
        with suppress(LostError):  # whoever reads the lines comes to the same place, and tells
            for _ in walk(get):
                pass
    return Answer("".join(f"{at:04x}: {data.hex(' ')}".rstrip() + "\n" for at, data in sorted(asked.items())).encode())


def dumped(text: str) -> At:
    """Make a space of a dump as `lspci -xxxx` prints it; what has no line is zero.

    Raises ValueError for what is no such dump.
    """
    space = bytearray(SIZE)
    for line in filter(None, text.split("\n")):
        offset, _, words = line.partition(":")
        data = bytes.fromhex(words)
        space[int(offset, 16) : int(offset, 16) + len(data)] = data
    return lambda at, size: bytes(space[at : at + size])
