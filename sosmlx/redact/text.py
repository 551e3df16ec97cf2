"""A text in, the same text with tokens out: what it says of hosts and cards stays readable, and tells none apart."""

from __future__ import annotations

import ipaddress
import re
from typing import Callable

from sosmlx.redact.known import Known
from sosmlx.redact.patterns import expression
from sosmlx.redact.tokens import VENDOR_OUIS, Tokens, spelled_ipv6
from sosmlx.secrets import without_secrets

VERSIONED = frozenset(
    {
        "tool.version", "devlink.info", "ethtool.driver", "flint.query", "mlxfwmanager.query", "mst.status",
        "module.attribute", "kernel.modinfo", "kernel.os-release", "pci.vpd", "lspci.show",
    }
)  # fmt: skip
"""Kinds in which four numbers with dots are a version, unless the address is known from elsewhere."""

_VERSION = re.compile(
    r"(?:\bv|\bver|version|firmware|release|\brev|\bfw|\bmft|\bofed|\bkernel)[\w ]{0,16}[:=(\"' ]{0,4}\Z", re.I
)
_ADDRESS = re.compile(
    r"(?:mac|guid|gid|addr(?:ess)?|machine[_-]?id)s?\d?(?:_?addr(?:ess)?)?\W{1,24}(?:[0-9A-Fa-f]{12,16}\W{1,16}){0,3}\Z",
    re.I,
)
_BEFORE = 120
"""So many signs before a bare number tell whether it is an address."""

_RELEASE = re.compile(r"(?<!\d\.)(?<!\d\d\.)(?<!\d\d\d\.)\b\d{1,3}(?:\.\d{1,3}){0,2}-\Z")
"""A release before a version of four numbers: 24.10-1.1.4.0; behind four numbers it is a range of addresses."""

_SERIAL_END = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_NAME_END = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_CODED = re.compile(r"(?:0x|\\x)([0-9A-Fa-f]{2})", re.I)
_NAMED = re.compile(r"([A-Za-z]+?x|ibp|rocep)([0-9A-Fa-f]+)\Z", re.I)
_KEPT_HOSTS = frozenset({"localhost", "localdomain"})


class Text:
    """Redacts texts by what is known of a host, and by what identities look like."""

    def __init__(self, tokens: Tokens, known: Known) -> None:
        self._tokens, self._known = tokens, known
        self._pattern = expression(known.words, known.loose, known.hosts, known.domains)
        self._names = {name.lower(): kind for name, kind in known.kinds.items()}
        shapes = (
            self._iqn, self._mail, self._url, self._login, self._loose, self._host,
            self._fqdn, self._word, self._home, self._user, self._disk, self._told, self._account, self._uuid,
            self._mapped, self._colons, self._dashes, self._blanks, self._coded, self._halves, self._dots,
            self._ipv4, self._named, self._hex,
        )  # fmt: skip
        self._shapes: dict[str, Callable[[str, str, str], str]] = {shape.__name__[1:]: shape for shape in shapes}

    def data(self, data: bytes, kind: str = "") -> bytes:
        """Redact the bytes of a text; what is no UTF-8 in it stays."""
        text = without_secrets(data).decode("utf-8", "surrogateescape")
        return self._sub(text, kind).encode("utf-8", "surrogateescape")

    def text(self, text: str, kind: str = "") -> str:
        """Redact a text; `kind` is the record's, where it is one's."""
        return self.data(text.encode("utf-8", "surrogatepass"), kind).decode("utf-8", "surrogatepass")

    def _sub(self, text: str, kind: str) -> str:
        def replaced(match: re.Match[str]) -> str:
            shape = match.lastgroup or ""
            line = text.rfind("\n", 0, match.start()) + 1
            before = text[max(line, match.start() - _BEFORE) : match.start()]
            return self._shapes[shape](match[0], before, kind)

        return self._pattern.sub(replaced, text)

    def _loose(self, found: str, before: str, kind: str) -> str:
        return self._tokens.serial(found)

    def _word(self, found: str, before: str, kind: str) -> str:
        what = self._names.get(found.lower(), "name")
        return self._tokens.serial(found) if what == "serial" else self._tokens.word(what, found)

    def _host(self, found: str, before: str, kind: str) -> str:
        user, at, found = found.rpartition("@")
        return (self._tokens.word("user", user) if user else "") + at + self._host_name(found)

    def _host_name(self, found: str) -> str:
        name, dot, domain = found, "", ""
        while name.lower() not in self._known.hosts and "." in name:
            name, _, last = name.rpartition(".")
            dot, domain = ".", f"{last}.{domain}".rstrip(".")
        if domain and domain.rpartition(".")[2].lower() in ("log", "txt", "conf", "json", "service", "ko"):
            return self._tokens.word("host", name) + dot + domain
        return self.host(f"{name}{dot}{domain}")

    def host(self, name: str) -> str:
        """Replace a host's name; one with a domain gets a token for each of the two."""
        short, dot, domain = name.partition(".")
        if name.lower() in _KEPT_HOSTS or not name:
            return name
        return self._tokens.word("host", short) + (dot + self._tokens.word("dom", domain) if domain else dot)

    def _url(self, found: str, before: str, kind: str) -> str:
        user, at, host = found.rpartition("@")
        name, _, rest = user.partition(":")
        shown = self._tokens.word("user", name) + (f":{rest}" if rest else "") if name else ""
        bare = host.strip("[]")
        try:
            ipaddress.ip_address(bare)
        except ValueError:
            return shown + at + self.host(host)
        return shown + at + host.replace(bare, self._sub(bare, kind))

    def _iqn(self, found: str, before: str, kind: str) -> str:
        head = found.partition(".")[0]
        return f"{head}.{self._tokens.word('name', found)}" if "name-" not in found else found

    def _mail(self, found: str, before: str, kind: str) -> str:
        user, _, domain = found.partition("@")
        return f"{self._tokens.word('user', user)}@{self._tokens.word('dom', domain)}"

    def _login(self, found: str, before: str, kind: str) -> str:
        return self._tokens.word("user", found)

    def _fqdn(self, found: str, before: str, kind: str) -> str:
        domain = next(name for name in self._known.domains if found.lower().endswith(name.lower()))
        name = found[: -len(domain)].rstrip(".")
        return (self._tokens.word("host", name) + "." if name else "") + self._tokens.word("dom", domain)

    def _mapped(self, found: str, before: str, kind: str) -> str:
        return self._colons(found, before, kind)

    def _home(self, found: str, before: str, kind: str) -> str:
        return self._tokens.word("user", found)

    def _user(self, found: str, before: str, kind: str) -> str:
        head, equals, name = found.partition("=")
        quote = name[:1] if name[:1] in "\"'" else ""
        return f"{head}{equals}{quote}{self._tokens.word('user', name[len(quote) :])}"

    def _disk(self, found: str, before: str, kind: str) -> str:
        """Replace a disk's name, in which its serial or world wide name stands; a partition's number stays."""
        disk, part, number = found.partition("-part")
        return self._tokens.word("name", disk) + part + number if "name-" not in disk else found

    def _told(self, found: str, before: str, kind: str) -> str:
        """Replace what a text calls a serial number, also one that the bundle's own rows do not tell."""
        head, serial = _SERIAL_END.split(found)[0], ""
        serial = found[len(head) :]
        if set(serial) <= {"0"} or (not re.search("[0-9]", serial) and serial != serial.upper()):
            return found  # a word: unknown, none, true
        made = self._sub(serial, kind)
        return head + (made if made != serial else self._tokens.serial(serial))

    def _account(self, found: str, before: str, kind: str) -> str:
        head = _NAME_END.split(found)[0]
        return head + self._tokens.word("user", found[len(head) :])

    def _uuid(self, found: str, before: str, kind: str) -> str:
        return respelled(found, self._tokens.uuid(_bytes(found)))

    def _colons(self, found: str, before: str, kind: str) -> str:
        if found.endswith(":") and not found.endswith("::"):
            return self._colons(found[:-1], before, kind) + ":"
        groups = found.split(":")
        if all(len(group) == 2 for group in groups):
            return self._run(found)
        if len(groups) == 4 and all(len(group) == 4 for group in groups):
            return respelled(found, self._tokens.eui64(_bytes(found)))
        try:
            address = ipaddress.IPv6Address(found)
        except ValueError:
            return self._inside(found)
        made = self._tokens.ipv6(address.packed)
        return found if made == address.packed else spelled_ipv6(made, found)

    def _inside(self, found: str) -> str:
        """Find a MAC behind other words with colons: `eth0:b8:ce:f6:11:22:30`."""
        head, mac = found[:-17], found[-17:]
        pairs = mac.split(":")
        if len(pairs) == 6 and all(len(pair) == 2 for pair in pairs) and head.endswith(":"):
            return head + self._run(mac)
        if re.fullmatch("(?:[0-9A-Fa-f]{4}:){2}[0-9A-Fa-f]{4}", found):
            return self._halves(found, "", "")
        return found

    def _dashes(self, found: str, before: str, kind: str) -> str:
        return self._run(found)

    def _blanks(self, found: str, before: str, kind: str) -> str:
        """Bytes with blanks between them are a dump: an address only where it is known, or a vendor's."""
        data = _bytes(found)
        if len(data) in (6, 8) and self._is_address(data):
            return self._run(found)
        return respelled(found, self._dumped(data))

    def _dumped(self, data: bytes) -> bytes:
        """Replace what is known in one row of a dump: addresses in either order of their bytes, and serials."""
        made, known = bytearray(data), self._known.addresses
        for size in (8, 6):
            for at in range(len(data) - size + 1):
                part = data[at : at + size]
                if made[at : at + size] != part:
                    continue
                if part in known or part[::-1] in known:
                    made[at : at + size] = self._eui64(part) if size == 8 else self._mac(part)
        for word in self._known.loose:
            at = data.find(word.encode())
            if at >= 0:
                made[at : at + len(word)] = self._tokens.serial(word).encode()
        return bytes(made)

    def _mac(self, data: bytes) -> bytes:
        """Replace 6 bytes; those that are known backwards are replaced backwards."""
        backwards = data[::-1] in self._known.addresses and data not in self._known.addresses
        return self._tokens.mac(data[::-1])[::-1] if backwards else self._tokens.mac(data)

    def _coded(self, found: str, before: str, kind: str) -> str:
        """Replace what is known in bytes that are spelled one by one, each behind its own `0x`."""
        pairs = _CODED.findall(found)
        made = iter(respelled("".join(pairs), self._coded_bytes(_bytes("".join(pairs)))))
        return _CODED.sub(lambda match: match[0][:-2] + next(made) + next(made), found)

    def _coded_bytes(self, data: bytes) -> bytes:
        return self._mac(data) if len(data) == 6 and self._is_address(data) else self._dumped(data)

    def _halves(self, found: str, before: str, kind: str) -> str:
        return self._run(found) if self._is_address(_bytes(found)) else found

    def _dots(self, found: str, before: str, kind: str) -> str:
        return self._run(found) if self._is_address(_bytes(found)) or re.search("[A-Fa-f]", found) else found

    def _run(self, found: str) -> str:
        """Replace a run of bytes in hexadecimal by what its length says that it is; a key or a mask stays."""
        data = _bytes(found)
        made = {
            6: self._tokens.mac, 7: self._hardware, 8: self._eui64, 16: self._tokens.ipv6, 20: self._infiniband,
        }.get(len(data), bytes)(data)  # fmt: skip
        return respelled(found, made)

    def _hardware(self, data: bytes) -> bytes:
        return data[:1] + self._tokens.mac(data[1:])  # BOOTIF=01-…: the type of hardware, then the address

    def _infiniband(self, data: bytes) -> bytes:
        """Replace the address of an InfiniBand netdev: flags and queue pair, subnet prefix, port GUID (RFC 4391)."""
        return data[:4] + self._tokens.ipv6(data[4:])

    def _eui64(self, data: bytes) -> bytes:
        """Replace 8 bytes; those that are known backwards (a switch id) are replaced backwards."""
        if data[::-1] in self._known.addresses and data not in self._known.addresses:
            return self._tokens.eui64(data[::-1])[::-1]
        return self._tokens.eui64(data)

    def _ipv4(self, found: str, before: str, kind: str) -> str:
        try:
            address = ipaddress.IPv4Address(found).packed
        except ValueError:
            return found
        if address not in self._known.addresses and (kind in VERSIONED or _VERSION.search(before)):
            return found
        if address not in self._known.addresses and _RELEASE.search(before):
            return found
        return str(ipaddress.IPv4Address(self._tokens.ipv4(address)))

    def _named(self, found: str, before: str, kind: str) -> str:
        match = _NAMED.match(found)
        if match is None:
            return found
        data = _bytes(match[2])
        return match[1] + respelled(match[2], self._tokens.mac(data) if len(data) == 6 else self._eui64(data))

    def _hex(self, found: str, before: str, kind: str) -> str:
        """Replace digits without a separator only where something says that they are an address."""
        head = found[:2] if found[:2].lower() == "0x" else ""
        data = _bytes(found[len(head) :])
        return head + respelled(found[len(head) :], self._digits(data, before))

    def _digits(self, data: bytes, before: str) -> bytes:
        if len(data) == 4:
            return self._quad(data)
        if len(data) == 20:
            return self._infiniband(data) if self._is_address(data[12:]) else data
        told = _ADDRESS.search(before) is not None
        if len(data) == 16:
            # A UUID that was drawn (version 4, RFC 9562) and lost its dashes: a machine's id in paths and boot entries.
            drawn = data in self._known.addresses or (data[6] >> 4 == 4 and data[8] >> 6 == 2)
            if "machine" in before.lower() or (drawn and not told):
                return self._tokens.uuid(data)
            return self._tokens.ipv6(data) if told or self._is_address(data) else data
        if not told and not self._is_address(data):
            return data
        return self._tokens.mac(data) if len(data) == 6 else self._eui64(data)

    def _quad(self, data: bytes) -> bytes:
        """Replace an IPv4 address of the bundle in 8 digits, in either order; one that is mostly zeros is a number."""
        if data.count(0) < 2 and data in self._known.addresses:
            return self._tokens.ipv4(data)
        if data.count(0) < 2 and data[::-1] in self._known.addresses:
            return self._tokens.ipv4(data[::-1])[::-1]
        return data

    def _is_address(self, data: bytes) -> bool:
        bare = data[2:] if len(data) == 8 and data[:2] == b"\0\0" else data
        addresses, ouis = self._known.addresses, self._known.ouis | VENDOR_OUIS
        if len(data) == 16:
            linked = data[:8] == b"\xfe\x80\0\0\0\0\0\0"
            return linked or data in addresses or (any(data[8:]) and self._is_address(data[8:]))
        if len(data) == 8 and data[3:5] == b"\xff\xfe" and data[0] & 2:  # of an IPv6 address (RFC 4291)
            mac = bytes((data[0] ^ 2,)) + data[1:3] + data[5:]
            return mac in addresses or mac[:3] in ouis
        return bare in addresses or bare[::-1] in addresses or bare[:3] in ouis


def _bytes(found: str) -> bytes:
    return bytes.fromhex("".join(sign for sign in found if sign not in ":-. _"))


def respelled(like: str, data: bytes) -> str:
    """Spell bytes as other ones are spelled: separators and case stay."""
    digits = iter(data.hex().upper() if re.search("[A-F]", like) and not re.search("[a-f]", like) else data.hex())
    return "".join(sign if sign in ":-. _" else next(digits) for sign in like)
