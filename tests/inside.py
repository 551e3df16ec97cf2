"""The list of inspection reads once more, by number and by hand: what the package's own list is held against."""

from __future__ import annotations

from collections.abc import Container, Mapping


class _Items:
    """Type words of flash items: classes 0, 1, 3, 7 and 9, nobody's but the caller's."""

    def __contains__(self, word: object) -> bool:
        assert isinstance(word, int)
        cls, rest = word >> 24, word & 0xFFFFFF
        return cls in (0, 1, 9) or (cls == 3 and rest < 1 << 10) or (cls == 7 and rest < 1 << 18)


Selector = tuple[int, int, int, Container[int]]
"""Byte offset of a word of the image, lowest bit, width, and what may stand there."""

PORT: Selector = (0x00, 16, 8, range(1, 17))

INSIDE: Mapping[int, tuple[int, tuple[Selector, ...]]] = {
    0x9020: (160, ()),
    0x9024: (
        268,
        ((0x00, 22, 2, range(3)), (0x00, 16, 5, (0, 21)), (0x00, 0, 9, range(257)), (0x04, 0, 32, _Items())),
    ),
    0x9028: (8, ()),
    0x9030: (8, ((0x00, 0, 32, _Items()),)),
    0x9034: (16, ()),
    0x9035: (284, ((0x00, 0, 32, range(1 << 32)),)),
    0x9060: (16, ((0x00, 0, 16, range(256)),)),
    0x9061: (
        148,
        ((0x00, 31, 1, (0, 1)), (0x00, 0, 16, range(256)), (0x08, 0, 5, (0, 1, 5)), (0x14, 0, 16, (124,))),
    ),
    0x9064: (24, ((0x00, 0, 8, range(1, 6)), (0x08, 16, 16, range(1 << 16)), (0x08, 0, 16, range(9)))),
    0x907F: (72, ((0x00, 0, 8, range(4)),)),
    0x9110: (48, ((0x00, 24, 8, (0, 1, 2, 3, 4, 5, 6, 8)),)),
    0x507F: (80, ((0x00, 0, 8, (0, 1)), (0x00, 16, 8, (0, 1)))),
    0x4019: (72, ()),
    0xB01F: (76, ()),
    0x5006: (16, (PORT,)),
    0x5004: (68, (PORT, (0x00, 0, 3, (1, 4)))),
    0x5002: (64, (PORT,)),
    0x5003: (16, (PORT,)),
    0x5023: (128, (PORT,)),
    0x5007: (32, (PORT,)),
    0x5018: (8, (PORT,)),
    0x500C: (108, (PORT,)),
    0x500B: (12, (PORT,)),
    0x5041: (12, (PORT,)),
    0x5066: (96, (PORT,)),
    0x5012: (16, ((0x00, 16, 8, range(64)),)),
    0x5031: (256, (PORT, (0x04, 0, 8, (1,)))),
    0x4002: (8, (PORT,)),
    0x4013: (132, (PORT,)),
    0x400A: (8, (PORT, (0x00, 0, 4, range(8)))),
    0x400D: (32, (PORT, (0x04, 16, 4, (0, 2, 3)), (0x04, 0, 8, range(16)))),
    0x4005: (80, (PORT,)),
    0x402C: (128, ()),
    0x4020: (64, (PORT,)),
    0x9021: (128, ()),
    0x9009: (16, ()),
    0x900A: (32, ((0x00, 0, 12, range(256)),)),
    0x9050: (48, ()),
    0x9059: (16, ()),
    0x9056: (44, ()),
    0x902D: (16, ()),
    0x904A: (128, ()),
    0x902C: (20, ((0x00, 30, 1, (0, 1)),)),
    0x902F: (32, ((0x00, 8, 8, range(6)),)),
    0x912A: (64, ((0x00, 0, 4, (0, 1)),)),
    0x9162: (8, ()),
    0x9026: (288, ((0x00, 0, 4, range(10)), (0x00, 30, 1, (0, 1)))),
    0x9115: (48, ((0x00, 16, 4, range(5)),)),
    0x9178: (8, ((0x00, 31, 1, (0, 1)), (0x00, 16, 8, range(17)), (0x00, 0, 8, range(64)))),
    0x9179: (8, ()),
    0x9100: (160, ()),
    0x9036: (32, ((0x00, 0, 32, range(1 << 32)),)),
    0xC001: (64, ()),
    0xC00D: (128, ()),
    0xC00E: (64, ()),
    0x7004: (16, ()),
    0xC007: (16, ((0x00, 0, 16, range(1 << 16)),)),
}
"""The inspection reads once more: register id, size of its image, selectors; every other bit of the request is 0."""
