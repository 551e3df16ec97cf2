"""Look for what should be gone, in another way than it was replaced: every byte of a bundle, whatever it means.

The redactor knows formats; this knows none. It takes what identifies out of the original with expressions of its own,
and looks for it as bytes in either order, as text, and as hexadecimal digits with anything or nothing between them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sosmlx.record import Record


class Leak(NamedTuple):
    """An identity that was found again: where, and which class it is of; never the value itself."""

    where: str
    what: str


_HEX_RUN = re.compile(rb"(?:[0-9a-f][:\-. _]?){11,200}[0-9a-f]")
_SEPARATORS = re.compile(rb"[^0-9a-f]")
_MAC = re.compile(rb"(?<![0-9a-f:])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![0-9a-f:-])")
_GUID = re.compile(rb"(?<![0-9a-f:])[0-9a-f]{4}(?::[0-9a-f]{4}){3}(?![0-9a-f:])")
_QUAD = re.compile(rb"(?<![0-9a-z.-])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?=/[0-9])")
_UUID = re.compile(rb"(?<![0-9a-f-])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-f-])")
_SERIAL = re.compile(
    rb"(?:serial[ _-]?number|vendor sn|\[sn\][^:\n]{0,40}|\bsn)[\"' ]*[:=][\"' ]*([a-z0-9][a-z0-9._-]{5,40})"
)
_HOME = re.compile(rb"/home/([a-z0-9._-]+)")
_COLONS = re.compile(rb"(?<![0-9a-f:])[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7}(?![0-9a-f:])")
_PLAIN = re.compile(rb"(?:\x00|\xff)*\Z")


def identities(records: Iterable[Record], names: Iterable[str] = ()) -> dict[bytes, str]:
    """Gather what identifies from the records of an original: the value in lower case, or its bytes, and its class."""
    found: dict[bytes, str] = {}
    for record in records:
        text = record.data.lower()
        for expression, what in ((_MAC, "MAC"), (_GUID, "GUID"), (_UUID, "UUID")):
            for match in expression.finditer(text):
                found[bytes.fromhex(_SEPARATORS.sub(b"", match[0]).decode())] = what
        found.update({_interface(mac): "MAC in an IPv6 address" for mac, what in found.items() if what == "MAC"})
        found.update((address, "IPv6") for address in _ipv6(text) if address[0] >> 5 == 1)
        found.update((match[0], "IP") for match in _QUAD.finditer(text))
        found.update(
            (match[1], "serial") for match in _SERIAL.finditer(text) if any(48 <= sign < 58 for sign in match[1])
        )
        found.update((match[1], "user") for match in _HOME.finditer(text))
    found.update((name.lower().encode(), "host name") for name in names if len(name) > 2)
    return {value: what for value, what in found.items() if not _common(value)}


_BINARY = frozenset({"MAC", "MAC in an IPv6 address", "GUID", "UUID", "IPv6"})
_SHARED = (b"\x01\x80\xc2", b"\x33\x33\x00", b"\x01\x00\x5e\x00", b"\x01\x00\x0c", b"\x01\x1b\x19")


def _interface(mac: bytes) -> bytes:
    """Make the half of an IPv6 address that holds a MAC (RFC 4291)."""
    return bytes((mac[0] ^ 2,)) + mac[1:3] + b"\xff\xfe" + mac[3:]


def _ipv6(text: bytes) -> Iterator[bytes]:
    """Yield the IPv6 addresses in a text, however they are shortened."""
    for match in _COLONS.finditer(text):
        try:
            yield ipaddress.IPv6Address(match[0].decode("ascii")).packed
        except ValueError:  # noqa: PERF203 - each address is judged for itself
            continue


def _common(value: bytes) -> bool:
    """Whether a value is of no host: zeros, ones, groups of protocols, addresses of every host, network masks."""
    quad = (
        [int(part) for part in value.split(b".")] if re.fullmatch(rb"[0-9.]+", value) and value.count(b".") == 3 else []
    )
    if quad:
        return quad[0] in (0, 127, 255) or quad[:3] == [224, 0, 0]
    return _PLAIN.match(value) is not None or value.startswith(_SHARED) or value in (b"localhost", b"none", b"unknown")


def scan(texts: Mapping[str, bytes], values: Mapping[bytes, str]) -> Iterator[Leak]:
    """Look for values in texts by name, however they are spelled there."""
    binary = {value: what for value, what in values.items() if what in _BINARY}
    words = {value: what for value, what in values.items() if value not in binary}
    digits = {value.hex().encode(): what for value, what in binary.items()}
    for where, data in texts.items():
        lower = data.lower()
        runs = b"|".join(_SEPARATORS.sub(b"", match[0]) for match in _HEX_RUN.finditer(lower))
        for value, what in binary.items():
            if value in data or value[::-1] in data:
                yield Leak(where, f"{what} as bytes")
        if any(what == "IPv6" for what in binary.values()):
            yield from (Leak(where, "IPv6") for address in set(_ipv6(lower)) if binary.get(address) == "IPv6")
        for spelled, what in digits.items():
            if spelled in runs:
                yield Leak(where, what)
        for word, what in words.items():
            if re.search(rb"(?<![a-z0-9])" + re.escape(word) + rb"(?![a-z0-9])", lower):
                yield Leak(where, what)
