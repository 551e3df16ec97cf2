"""PCI configuration space: the walk along its capabilities, and the fields that are told of them.

Layout, all little-endian: PCI Express Base Specification, chapter 7; Linux `pci_regs.h` (PCI_STATUS_CAP_LIST,
PCI_CAPABILITY_LIST, PCI_CAP_ID_EXP, PCI_EXP_FLAGS to PCI_EXP_DEVCTL, PCI_EXT_CAP_ID_ACS, PCI_ACS_CAP, PCI_ACS_CTRL,
PCI_ACS_EGRESS_CTL_V). The walk asks for the bytes that it needs and for no others: who answers from a device reads no
more than that (`sources/config_space.py`), and what it asked for is enough to walk once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Callable, NamedTuple, Union

Get = Callable[[int, int], Union[bytes, None]]
"""Offset and length to bytes: fewer where the space ends, None where nobody knows what stands there."""

STATUS, FIRST, EXTENDED = 0x06, 0x34, 0x100
"""Where the status register, the place of the first capability, and the extended space stand."""

EXPRESS, ACS = 0x10, 0x0D
"""Ids of the capability PCI Express, and of the extended capability Access Control Services."""

HEADER = 64
"""So many bytes the kernel gives to anybody; what is behind them takes CAP_SYS_ADMIN (`pci_read_config`)."""

_LIST = 0x10
_EXPRESS_SIZE = 10
_ACS_SIZE = 8
_EGRESS = 0x20
_MOST = 48
_MOST_EXTENDED = (4096 - EXTENDED) // 8

TYPES = {
    0: "Endpoint", 1: "Legacy Endpoint", 4: "Root Port", 5: "Upstream Port", 6: "Downstream Port",
    7: "PCI-Express to PCI/PCI-X Bridge", 8: "PCI/PCI-X to PCI-Express Bridge",
    9: "Root Complex Integrated Endpoint", 10: "Root Complex Event Collector",
}  # fmt: skip
"""PCI_EXP_FLAGS_TYPE, bits 7:4 of the capabilities register, in lspci's words."""

SERVICES = (
    (0x01, "SrcValid"), (0x02, "TransBlk"), (0x04, "ReqRedir"), (0x08, "CmpltRedir"), (0x10, "UpstreamFwd"),
    (_EGRESS, "EgressCtrl"), (0x40, "DirectTrans"),
)  # fmt: skip
"""Bits of PCI_ACS_CAP and of PCI_ACS_CTRL, in lspci's words."""


class LostError(Exception):
    """The walk cannot go on: why."""


class Capability(NamedTuple):
    """A capability, and as much of it as is told: of most, its header alone."""

    id: int
    data: bytes


def standard(get: Get) -> Iterator[Capability]:
    """Walk along the capabilities of the first 256 bytes. Raises LostError where that cannot be gone to its end."""
    status = _need(get, STATUS, 2)
    if status == b"\xff\xff":
        raise LostError("it answers nothing but ones")
    at = _need(get, FIRST, 1)[0] & 0xFC if status[0] & _LIST else 0
    for _ in range(_MOST):
        if at < HEADER:
            return
        head = _need(get, at, 2)
        data = _need(get, at, _EXPRESS_SIZE) if head[0] == EXPRESS else head
        yield Capability(head[0], data)
        at = head[1] & 0xFC
    raise LostError("its capabilities follow each other in a circle")


def extended(get: Get) -> Iterator[Capability]:
    """Walk along the extended capabilities. Raises LostError where that cannot be gone to its end."""
    at = EXTENDED
    for _ in range(_MOST_EXTENDED):
        if at < EXTENDED:
            return
        if at == EXTENDED and get(at, 4) == b"":
            raise LostError("of its configuration space only 256 bytes can be reached")
        head = _need(get, at, 4)
        number, following = head[0] | head[1] << 8, (head[2] >> 4 | head[3] << 4) & 0xFFC
        if not any(head) or head == b"\xff" * 4:
            return
        yield Capability(number, _services(get, at) if number == ACS else head)
        at = following
    raise LostError("its extended capabilities follow each other in a circle")


def vector_size(services: bytes) -> int:
    """Tell how many bytes the egress control vector has; 0 for a port that has none.

    Bits 15:8 of PCI_ACS_CAP are the number of its bits, where 0 stands for 256.
    """
    return ((services[5] or 256) + 31) // 32 * 4 if services[4] & _EGRESS else 0


def _services(get: Get, at: int) -> bytes:
    data = _need(get, at, _ACS_SIZE)
    more = vector_size(data)
    return data + _need(get, at + _ACS_SIZE, more) if more else data


def _need(get: Get, at: int, size: int) -> bytes:
    found = get(at, size)
    if found is None or len(found) < size:
        raise LostError(f"nothing is known of its configuration space at {at:#x}")
    return found
