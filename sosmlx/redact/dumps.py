"""Dumps of a device's memory in text: no layout tells what stands in them, so each of their rows becomes a digest.

`devlink -j region dump` writes the bytes of an address as a list of numbers, and so does a health dump for what a
driver calls binary; without `-j` a region is rows of an address and up to 16 bytes (devlink.c of iproute2).
"""

from __future__ import annotations

import re

from sosmlx.redact.tokens import Tokens

KINDS = frozenset({"devlink.health-dump", "devlink.region-dump"})
"""Kinds of records that hold such dumps."""

_LIST = re.compile(rb"\[\s*\d{1,3}(?:\s*,\s*\d{1,3}){3,}\s*\]")
_ROW = re.compile(rb"(?m)(?<=^[0-9a-f]{16})(?: [0-9a-f]{2}){1,16}(?=[ \t\r]*$)")
_NUMBER, _PAIR = re.compile(rb"\d+"), re.compile(rb"[0-9a-f]{2}")


def opaque(data: bytes, tokens: Tokens) -> bytes:
    """Make the bytes that a dump lists a keyed digest of themselves; zeros stay, and what stands around them."""

    def numbers(match: re.Match[bytes]) -> bytes:
        found = [int(number) for number in _NUMBER.findall(match[0])]
        if max(found) > 255 or not any(found):
            return match[0]
        drawn = iter(tokens.digest(bytes(found), len(found)))
        return _NUMBER.sub(lambda _: b"%d" % next(drawn), match[0])

    def pairs(match: re.Match[bytes]) -> bytes:
        found = bytes.fromhex(match[0].decode("ascii"))
        drawn = iter(tokens.digest(found, len(found)) if any(found) else found)
        return _PAIR.sub(lambda _: b"%02x" % next(drawn), match[0])

    return _ROW.sub(pairs, _LIST.sub(numbers, data))
