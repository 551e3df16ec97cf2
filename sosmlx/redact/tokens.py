"""Tokens: what stands in the place of an identity, of the same shape, always the same one for the same key.

Addresses, serials and UUIDs are mapped one to one; what says no more than a vendor, a protocol or a kind of address
stays: the OUI, the middle of an EUI-64, link-local and multicast prefixes, network masks, a UUID's version.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
import re
import string
from collections.abc import Sequence
from typing import Callable

from sosmlx.redact.permutation import permute

_LOCAL, _GROUP = 2, 1
"""Bits of a MAC's first byte: administered locally, of a group (IEEE 802)."""

_PROTOCOLS = tuple(
    bytes.fromhex(prefix) for prefix in ("0180c20000", "01000ccccc", "01005e0000", "3333000000", "011b190000")
)
"""Groups that stand in protocols: bridges, LLDP and PAUSE, Cisco, IPv4 and IPv6 multicast, PTP."""

_MIDDLES = (b"\xff\xfe", b"\x03\x00", b"\xff\xff")
"""Bytes 3 and 4 of an EUI-64 that was made of a MAC: IPv6, Mellanox GUIDs, PCI device serial numbers."""

VENDOR_OUIS = frozenset(
    bytes.fromhex(word)
    for word in (
        "0002c9", "043f72", "08c0eb", "0c42a1", "1070fd", "1c34da", "248a07", "2c5eab", "3825f3", "506b4b", "58a2e1",
        "5c2573", "5c25e7", "7c8c09", "7cfe90", "900a84", "946dae", "98039b", "9c0591", "9c63c0", "a088c2", "b0cf0e",
        "b83fd2", "b8599f", "b8cef6", "c470bd", "e09d73", "e41d2d", "e8ebd3", "ec0d9a", "f45214", "fc6a1c",
    )
)  # fmt: skip
"""OUIs of Mellanox and NVIDIA (IEEE MA-L): a bare run of hexadecimal digits that begins so is taken for an address."""

_CLASSES: tuple[str, ...] = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
_WORD = re.compile(r"(?:host|user|dom|name|dir)-[a-z2-7]{10}\Z")
_INSIDE: dict[int, range] = {100: range(64, 128), 169: range(254, 255), 172: range(16, 32), 192: range(168, 169)}
"""Second octets that make an IPv4 address one that is not routed, by the first."""


class Tokens:
    """The tokens of one key; every answer is kept, because the same few identities come again and again."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._known: dict[tuple[str, bytes], bytes] = {}

    def mac(self, mac: bytes) -> bytes:
        """Replace 6 bytes; the OUI stays, or where it was chosen locally, that it was."""
        return self._once("mac", mac, self._mac)

    def eui64(self, eui: bytes) -> bytes:
        """Replace 8 bytes: a GUID, half an address, or a MAC in 8 bytes; one that was made of a MAC stays so."""
        return self._once("eui64", eui, self._eui64)

    def ipv4(self, address: bytes) -> bytes:
        """Replace 4 bytes; networks that have a prefix in common (in whole octets) still have it."""
        return self._once("ipv4", address, self._ipv4)

    def ipv6(self, address: bytes) -> bytes:
        """Replace 16 bytes, which may be a GID; prefixes of whole groups that were equal still are."""
        return self._once("ipv6", address, self._ipv6)

    def uuid(self, uuid: bytes) -> bytes:
        """Replace 16 bytes; version and variant stay."""
        return self._once("uuid", uuid, self._uuid)

    def flat(self, data: bytes) -> bytes:
        """Replace bytes of any length that nothing is known of; zeros stay zeros."""
        if not any(data):
            return data
        return self._once("flat", data, lambda whole: self._bits("flat", whole, 8 * len(whole)))

    def serial(self, text: str) -> str:
        """Replace a text sign by sign: digits by digits, letters by letters, the rest stays.

        >>> Tokens(b"k").serial("MT-01") != "MT-01", Tokens(b"k").serial("MT-01")[2]
        (True, '-')
        """
        return self._once("serial", text.encode("utf-8", "surrogateescape"), self._serial).decode(
            "utf-8", "surrogateescape"
        )

    def word(self, kind: str, text: str) -> str:
        """Replace a name by a word that says what it was the name of; a token stays."""
        if _WORD.match(text):
            return text
        return f"{kind}-{self.mark(text.lower(), kind)}"

    def mark(self, text: str, tweak: str = "mark") -> str:
        """Draw ten characters that stand for a text."""
        digest = hmac.digest(self._secret, f"{tweak}:{text}".encode("utf-8", "surrogateescape"), "sha256")
        return base64.b32encode(digest).decode("ascii")[:10].lower()

    def digest(self, data: bytes, length: int) -> bytes:
        """Draw `length` bytes that stand for others, one way."""
        drawn = b""
        while len(drawn) < length:
            drawn += hmac.digest(self._secret, b"digest:%d:%b" % (len(drawn), data), "sha256")
        return drawn[:length]

    def _once(self, kind: str, value: bytes, make: Callable[[bytes], bytes]) -> bytes:
        found = self._known.get((kind, value))
        if found is None:
            found = self._known[kind, value] = make(value)
        return found

    def _bits(self, tweak: str, value: bytes, width: int) -> bytes:
        """Map a whole string of bytes."""
        return self._number(tweak, int.from_bytes(value, "big"), 1 << width).to_bytes(len(value), "big")

    def _number(self, tweak: str, number: int, size: int) -> int:
        return permute(self._secret, tweak.encode("ascii", "backslashreplace"), number, size)

    def _pick(self, tweak: str, number: int, choices: Sequence[int]) -> int:
        return choices[self._number(tweak, choices.index(number), len(choices))]

    def _mac(self, mac: bytes) -> bytes:
        if set(mac) <= {0x00, 0xFF} or mac.startswith(_PROTOCOLS):
            return mac
        if mac[0] & (_LOCAL | _GROUP) == _LOCAL:
            return mac[:1] + self._bits(f"local:{mac[0]}", mac[1:], 40)
        return mac[:3] + self._tail(mac[:3], mac[3:])

    def _tail(self, oui: bytes, tail: bytes) -> bytes:
        """Map what a vendor numbers; the bit that EUI-64 inverts does not matter."""
        return self._bits(f"oui:{oui[0] & ~_LOCAL:02x}{oui[1:].hex()}", tail, 24)

    def _eui64(self, eui: bytes) -> bytes:
        if set(eui) <= {0x00, 0xFF}:
            return eui
        if eui[:2] == b"\0\0":
            return eui[:2] + self.mac(eui[2:])
        if eui[3:5] == b"\xff\xfe" and eui[:3] not in VENDOR_OUIS:
            made = self.mac(bytes((eui[0] ^ _LOCAL,)) + eui[1:3] + eui[5:])
            return bytes((made[0] ^ _LOCAL,)) + made[1:3] + eui[3:5] + made[3:]
        if eui[3:5] in _MIDDLES:
            return eui[:5] + self._tail(eui[:3], eui[5:])
        if eui[6:] == b"\0\0":
            return self.mac(eui[:6]) + eui[6:]
        made = eui
        while made == eui or made[3:5] in _MIDDLES or made[6:] == b"\0\0":  # inside its own kind: one to one
            made = eui[:3] + self._bits(f"eui:{eui[:3].hex()}", made[3:], 40)
        return made

    def _ipv4(self, address: bytes) -> bytes:
        number = int.from_bytes(address, "big")
        inverse = ~number & 0xFFFFFFFF
        if address[0] in (0, 127) or inverse & (inverse + 1) == 0 or address[:3] == b"\xe0\0\0":
            return address  # this host, a mask, the groups of this link
        made = [address[0], *address[1:]]
        public = [octet for octet in range(1, 224) if octet not in (10, 127, *_INSIDE)]
        if address[0] in public:
            made[0] = self._pick("v4:", address[0], public)
        inside = _INSIDE.get(address[0])
        whole = range(256)
        choices = [octet for octet in whole if inside is None or (octet in inside) == (address[1] in inside)]
        made[1] = self._pick(f"v4:{address[:1].hex()}", address[1], choices)
        made[2] = self._pick(f"v4:{address[:2].hex()}", address[2], whole)
        if address[3] not in (0, 255):  # a network's own address, and the one that reaches all of it
            made[3] = self._pick(f"v4:{address[:3].hex()}", address[3], range(1, 255))
        return bytes(made)

    def _ipv6(self, address: bytes) -> bytes:
        prefix, own = address[:8], address[8:]
        if not any(prefix):
            if own[:4] == b"\0\0\xff\xff":
                return address[:12] + self.ipv4(own[4:])
            return prefix + (self.eui64(own) if own > b"\0\0\0\0\0\1\0\0" else own)
        if address[0] == 0xFF:
            if not any(address[2:12]) and not any(address[12:14]):
                return address
            if address[2:13] == b"\0\0\0\0\0\0\0\0\0\1\xff":
                return address[:13] + self._bits("solicited", address[13:], 24)
            return address[:2] + self._bits("group", address[2:], 112)
        if address[:2] == b"\xfe\x80" and not any(address[2:8]):
            return prefix + self._interface(own)
        made = address[:1] + self._bits(f"v6:{address[0]}", address[1:2], 8)
        for at in (2, 4, 6):
            made += self._bits(f"v6:{address[:at].hex()}", address[at : at + 2], 16)
        return made + self._interface(own)

    def _interface(self, own: bytes) -> bytes:
        if not any(own[:6]):  # counted by hand: ::1, ::2
            number = int.from_bytes(own, "big")
            return (1 + self._number("v6:own", number - 1, 0xFFFF)).to_bytes(8, "big") if number else own
        return self.eui64(own)

    def _uuid(self, uuid: bytes) -> bytes:
        if set(uuid) <= {0x00, 0xFF}:
            return uuid
        number = int.from_bytes(uuid, "big")
        fixed = 0xF << 76 | 0x3 << 62  # version, variant
        head = number >> 80 << 74 | (number >> 64 & 0xFFF) << 62 | number & (1 << 62) - 1
        made = self._number(f"uuid:{number & fixed:x}", head, 1 << 122)
        whole = made >> 74 << 80 | (made >> 62 & 0xFFF) << 64 | made & (1 << 62) - 1
        return (whole | number & fixed).to_bytes(16, "big")

    def _serial(self, raw: bytes) -> bytes:
        text = raw.decode("utf-8", "surrogateescape")
        sets = [_alphabet(sign, first=at == 0) for at, sign in enumerate(text)]
        number, size = 0, 1
        for sign, signs in zip(text, sets):
            number, size = number * len(signs) + signs.index(sign), size * len(signs)
        made = self._number("serial:" + "".join(str(len(signs)) + "." for signs in sets), number, size)
        out: list[str] = []
        for signs in reversed(sets):
            made, place = divmod(made, len(signs))
            out.append(signs[place])
        return "".join(reversed(out)).encode("utf-8", "surrogateescape")


def _alphabet(sign: str, *, first: bool) -> str:
    if first and sign in "123456789":  # a number keeps its length
        return "123456789"
    return next((signs for signs in _CLASSES if sign in signs), sign)


def spelled_ipv6(address: bytes, like: str) -> str:
    """Spell an IPv6 address as another one is spelled: in full, or as short as it goes, in its letters' case."""
    made = ipaddress.IPv6Address(address)
    groups = like.split(":")
    text = made.exploded if len(groups) == 8 and all(len(group) == 4 for group in groups) else made.compressed
    if "." in like and made.ipv4_mapped is not None:
        text = f"::ffff:{made.ipv4_mapped}"
    return text.upper() if any(sign in "ABCDEF" for sign in like) and not re.search("[a-f]", like) else text
