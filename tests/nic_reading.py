"""Firmware bytes put together and taken apart by hand: offsets copied from the layouts, no code of the package.

Places are written as the layouts have them: byte offset of a big-endian word, then its bits from the most significant.
"""

from __future__ import annotations

from typing import NamedTuple

MGIR, MNVDA, MNVDI, MFRL, MNVQC, MNVIA, MNVGC, MNVGN = 0x9020, 0x9024, 0x9025, 0x9028, 0x9030, 0x9033, 0x9034, 0x9035
MCQS, MCQI, MQIS, MCAM, MDSR, PCAM, QCAM = 0x9060, 0x9061, 0x9064, 0x907F, 0x9110, 0x507F, 0x4019

SIZES = {
    MGIR: 160, MNVDA: 268, MNVDI: 12, MFRL: 8, MNVQC: 8, MNVIA: 8, MNVGC: 16, MNVGN: 284, MCQS: 16, MCQI: 148, MQIS: 24,
    MCAM: 72, MDSR: 48, PCAM: 80, QCAM: 72,
}  # fmt: skip


def command(register: int, *words: int, size: int | None = None, op_mod: int = 1, opcode: int = 0x0805) -> bytes:
    """ACCESS_REG: a header of 16 bytes, then the register's image, which begins with these words."""
    image = b"".join(word.to_bytes(4, "big") for word in words)
    header = [opcode, 0, 0, op_mod, 0, register, 0, 0]
    size = SIZES.get(register, len(image)) if size is None else size
    return b"".join(half.to_bytes(2, "big") for half in header) + image.ljust(size, b"\0")


def word(answer: bytes, at: int) -> int:
    """The word at this byte of the register's image."""
    return int.from_bytes(answer[16 + at : 20 + at], "big")


def bits(answer: bytes, at: int, high: int, low: int) -> int:
    """So many bits of the word at this byte of the register's image."""
    return word(answer, at) >> low & (1 << (high - low + 1)) - 1


class Identity(NamedTuple):
    device_id: int
    ports: int
    base_mac: int
    psid: str
    version: tuple[int, int, int]
    secured: int
    debug: int
    life_cycle: int


def identity(answer: bytes) -> Identity:
    """MGIR."""
    return Identity(
        bits(answer, 0x00, 15, 0), bits(answer, 0x04, 27, 16), bits(answer, 0x10, 15, 0) << 32 | word(answer, 0x14),
        answer[16 + 0x30 : 16 + 0x40].rstrip(b"\0").decode(),
        (word(answer, 0x44), word(answer, 0x48), word(answer, 0x4C)),
        bits(answer, 0x20, 24, 24), bits(answer, 0x20, 26, 26), bits(answer, 0x54, 1, 0),
    )  # fmt: skip


def has_register(answer: bytes, register: int) -> bool:
    """MCAM of the register's group: the mask's least significant bit is in byte 0x17."""
    number = register & 0x7F
    return bool(answer[16 + 0x17 - number // 8] >> number % 8 & 1)


class Supported(NamedTuple):
    type: int
    version: int
    write: int
    read: int


def supported(answer: bytes) -> Supported:
    """MNVQC."""
    return Supported(word(answer, 0), bits(answer, 4, 7, 4), bits(answer, 4, 1, 1), bits(answer, 4, 0, 0))


class Header(NamedTuple):
    priority: int
    over_en: int
    access_mode: int
    writer: int
    version: int
    host_id_valid: int
    type: int
    data: bytes


def item(answer: bytes, at: int = 0) -> Header:
    """MNVDA, or MNVGN with `at` 0x10."""
    begin = 16 + at + 0x0C
    return Header(
        bits(answer, at, 29, 28), bits(answer, at, 25, 25), bits(answer, at, 23, 22), bits(answer, at, 20, 16),
        bits(answer, at, 15, 12), bits(answer, at, 9, 9), word(answer, at + 4),
        answer[begin : begin + bits(answer, at, 8, 0)],
    )  # fmt: skip


def component(answer: bytes) -> dict[str, int]:
    """MCQS."""
    return {
        "last": bits(answer, 0, 31, 31), "index": bits(answer, 0, 15, 0), "identifier": bits(answer, 4, 15, 0),
        "status": bits(answer, 8, 8, 4), "state": bits(answer, 8, 3, 0), "changer": bits(answer, 12, 31, 28),
    }  # fmt: skip


def version(answer: bytes) -> tuple[int, str]:
    """MCQI with info_type 1: the version as a number and as text."""
    return word(answer, 0x18 + 4), answer[16 + 0x18 + 0x20 :][: bits(answer, 0x18, 7, 0)].decode()


def field(data: bytes, at: int, high: int, low: int) -> int:
    """So many bits of the word at this byte of an item's data."""
    return int.from_bytes(data[at : at + 4], "big") >> low & (1 << (high - low + 1)) - 1


PLACES = {
    (0x00, 0x80): {
        "sriov_valid": (0, 31, 31), "num_pfs_valid": (0, 28, 28), "NUM_OF_VFS": (4, 15, 0), "NUM_OF_PF": (4, 23, 16),
        "SRIOV_EN": (4, 31, 31), "PF_LOG_BAR_SIZE": (8, 5, 0), "VF_LOG_BAR_SIZE": (8, 11, 6),
        "NUM_PF_MSIX": (8, 21, 12), "NUM_VF_MSIX": (8, 31, 22),
    },
    (0x00, 0x81): {"sriov_support": (4, 31, 31), "max_vfs_per_pf": (4, 15, 0), "max_total_msix": (0x0C, 31, 0)},
    (0x00, 0x06): {"MEMIC_BAR_SIZE": (0, 7, 0), "MEMIC_SIZE_LIMIT": (0, 11, 8)},
    (0x00, 0x10A): {
        "CQE_COMPRESSION": (0, 2, 0), "UCTX_EN": (0, 8, 8), "LRO_LOG_TIMEOUT0": (4, 3, 0),
        "LRO_LOG_TIMEOUT3": (4, 15, 12),
    },
    (0x00, 0x11D): {"LOG_MAX_QUEUE": (0, 5, 0)},
    (0x00, 0x190): {"LOG_DCR_HASH_TABLE_SIZE": (0, 4, 0), "DCR_LIFO_SIZE": (4, 23, 0)},
    (0x01, 0x12): {"LINK_TYPE_P1": (0, 3, 2)},
    (0x01, 0x108): {
        "RPG_TIME_RESET_P1": (4, 16, 0), "RPG_GD_P1": (0x1C, 3, 0), "CNP_802P_PRIO_P1": (0x40, 2, 0),
        "CNP_DSCP_P1": (0x40, 13, 8),
    },
    (0x01, 0x192): {"NUM_OF_VL_P1": (0, 3, 0), "NUM_OF_TC_P1": (0, 7, 4), "NUM_OF_PFC_P1": (0, 11, 8)},
    (0x03, 0x112): {"ROCE_CONTROL": (0, 27, 26), "PCI_WR_ORDERING": (0, 29, 28)},
    (0x03, 0x221): {"BOOT_VLAN": (0, 11, 0), "LEGACY_BOOT_PROTOCOL": (0, 23, 16)},
    (0x07, 0x80): {"EXP_ROM_UEFI_x86_ENABLE": (0, 25, 25), "EXP_ROM_PXE_ENABLE": (0, 26, 26)},
    (0x07, 0x82): {"SAFE_MODE_THRESHOLD": (0, 7, 0), "SAFE_MODE_ENABLE": (0, 30, 30)},
}  # fmt: skip
"""Places of parameters by class and index of their item; of the ports the first."""


def type_word(cls: int, index: int) -> int:
    """The type word of an item: of the ASIC, of port 1, of the calling function or host."""
    return cls << 24 | (1 << 16 if cls == 1 else 0) | index
