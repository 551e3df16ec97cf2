"""What a bundle itself says of whose it is: names, serials and addresses, to be found again wherever they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sosmlx.errors import ParseError
from sosmlx.fwctl.layout import Identity
from sosmlx.model import Fact, Item, Setting
from sosmlx.parsers import PARSERS
from sosmlx.parsers.ticket import decode
from sosmlx.record import Record
from sosmlx.redact.places import carried

SERIAL = re.compile(r"(?:\A|[._-])(?:serial(?:[_-]?number)?|sn|board|asset(?:[_-]?tag)?)(?:[@\[]|\Z)", re.IGNORECASE)
"""Names of settings and facts that hold a serial number or an asset tag."""

_HOST = frozenset({"hostname", "nodename"})
_PAIRS = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4,6}(?![0-9A-Fa-f])")
_GUID = re.compile(
    r"(?<![0-9A-Fa-f:])[0-9A-Fa-f]{4}(?::[0-9A-Fa-f]{4}){3}(?![0-9A-Fa-f:])"
    r"|(?i:(?:guid|mac|switch_id)s?\d?(?:_?addr(?:ess)?)?[^\w\n]{1,24})(?:0x)?([0-9A-Fa-f]{16}|[0-9A-Fa-f]{12})\b"
)
_IPV4 = re.compile(r"(?<![0-9A-Za-z.-])(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})(?![0-9A-Za-z.])")
_CMDLINE_HOSTS = re.compile(
    r"(?:\A|\s)(?:systemd\.hostname=([\w.-]{1,253})|hostname=([\w.-]{1,253})"
    r"|ip=[^\s:]*:[^\s:]*:[^\s:]*:[^\s:]*:([A-Za-z][\w.-]{0,252}):"
    r"|(?:nfsroot|root=nfs4?|netroot=nfs4?)[=:](?:[^\s@/]{0,64}@)?([A-Za-z][\w.-]{0,252}):)"
)

COMMON = frozenset(
    {
        "host", "node", "port", "link", "device", "devices", "driver", "kernel", "linux", "mlx5", "mellanox", "nvidia",
        "ethernet", "infiniband", "network", "net", "localhost", "localdomain", "none", "null", "unknown", "true",
        "false", "on", "off", "yes", "no", "name", "type", "state", "system", "server", "bus", "pci", "firmware",
        "version", "default", "data", "test", "lab", "admin", "root", "user", "box", "vm", "up", "down", "active",
        "speed", "mode",
    }
)  # fmt: skip
"""Words that tools use: a host of such a name is replaced where its name is asked for, not in every text."""

_SHORTEST_LOOSE = 8


@dataclass
class Known:
    """Values that identify, as they were found; `kinds` says what a word is (`serial`, `dom`, `name`)."""

    hosts: set[str] = field(default_factory=set)
    kinds: dict[str, str] = field(default_factory=dict)
    addresses: set[bytes] = field(default_factory=set)
    ouis: set[bytes] = field(default_factory=set)

    @property
    def loose(self) -> list[str]:
        """Serials that are so long and mixed that they are found inside other words, too."""
        return sorted(word for word, kind in self.kinds.items() if kind == "serial" and _is_loose(word))

    @property
    def words(self) -> list[str]:
        """What is only found as a word."""
        return sorted(word for word in set(self.kinds) - set(self.loose) if self.kinds[word] != "dom")

    @property
    def domains(self) -> list[str]:
        """The domains of hosts, the longest first."""
        return sorted((word for word, kind in self.kinds.items() if kind == "dom"), key=lambda word: (-len(word), word))

    def host(self, name: str) -> None:
        """Note a host's name, with and without its domain."""
        name = name.strip().rstrip(".")
        if not name or len(name) > 253:
            return
        short, _, domain = name.partition(".")
        for spelling in (name.lower(), short.lower()):
            if len(spelling) > 1 and spelling not in COMMON and not spelling.isdigit():
                self.hosts.add(spelling)
        if "." in domain:
            self.kinds.setdefault(domain, "dom")

    def serial(self, text: str) -> None:
        """Note a serial, if it can be one: not a word of the tool for none, not a small number."""
        text = text.strip()
        if 4 <= len(text) <= 128 and any(sign.isdigit() for sign in text) and len(set(text)) > 1 and not _small(text):
            self.kinds[text] = "serial"

    def address(self, data: bytes) -> None:
        """Note a MAC or GUID, and whose numbers it begins with."""
        if set(data) <= {0, 0xFF}:
            return
        if len(data) == 8 and data[:2] == b"\0\0":
            data = data[2:]
        self.addresses.add(data)
        if len(data) in (6, 8) and any(data[:3]) and not data[0] & 3:
            self.ouis.add(data[:3])


def _is_loose(word: str) -> bool:
    return len(word) >= _SHORTEST_LOOSE and re.search("[A-Za-z]", word) is not None


def _small(text: str) -> bool:
    return text.isdigit() and len(text) < 6


def learn(known: Known, records: Sequence[Record]) -> None:
    """Add what the records of a bundle say of whose they are."""
    for record in records:
        if record.path == "/proc/sys/kernel/hostname":
            known.host(record.data.decode("utf-8", "replace"))
        _learn_text(known, record)
    for item in _items(records):
        learn_item(known, item)
    for identity, data in carried(records):
        learn_bytes(known, identity, data)


def learn_bytes(known: Known, identity: Identity, data: bytes) -> None:
    """Add an identity that a firmware's answer carries."""
    if identity in ("mac", "guid", "gid"):
        for at in range(0, len(data), 8 if identity == "guid" else len(data)):
            known.address(data[at : at + 8] if identity == "guid" else data)
    elif identity == "ip" and len(data) == 4 and any(data):
        known.addresses.add(data)
    elif identity == "serial":
        known.serial(data.partition(b"\0")[0].decode("utf-8", "replace"))


def _learn_text(known: Known, record: Record) -> None:
    if b"\0" in record.data[:4096]:
        return
    for raw in (record.data, record.answer.stderr):
        learn_text(known, raw.decode("utf-8", "replace"))
    if record.kind == "kernel.cmdline":
        for match in _CMDLINE_HOSTS.finditer(record.data.decode("utf-8", "replace")):
            known.host(next(filter(None, match.groups())))


def learn_text(known: Known, text: str) -> None:
    """Add the addresses of a text that are spelled so that they cannot be anything else."""
    for match in _PAIRS.finditer(text):
        known.address(bytes.fromhex(match[0].replace(match[1], "")))
    for match in _GUID.finditer(text):
        known.address(bytes.fromhex((match[1] or match[0]).replace(":", "")))
    for match in _IPV4.finditer(text):
        octets = [int(octet) for octet in match[0].partition("/")[0].split(".")]
        if max(octets) < 256:
            known.addresses.add(bytes(octets))


def learn_item(known: Known, item: Item) -> None:
    """Add what one parsed item says of a host or card."""
    for name, value in _values(item):
        if SERIAL.search(name):
            known.serial(value)
        elif name in _HOST:
            known.host(value)


def _values(item: Item) -> Iterator[tuple[str, str]]:
    if isinstance(item, Fact):
        yield item.name, item.value
    elif isinstance(item, Setting) and item.cls == "identity":
        for _, facet in item.facets:
            yield item.name, facet.raw
            if facet.value is not None and not isinstance(facet.value, tuple):
                yield item.name, str(facet.value)


def _items(records: Sequence[Record]) -> Iterator[Item]:
    for record in records:
        parser = PARSERS.get(record.kind)
        if parser is None or parser.together is not None or not record.has_bytes or record.kind == "kernel.log":
            continue
        try:
            yield from parser.parse(decode(record.data), record)
        except ParseError:
            continue


def learn_document(known: Known, document: object) -> None:
    """Add what a result says of a host and its cards: the same words, by the names that its rows have."""
    for name, value in (*_leaves(document, ""), *_island(document)):
        if name in ("serial", "board") or SERIAL.search(name):
            known.serial(value)
        elif name in ("host", "hostname", "nodename"):
            known.host(value)
        learn_text(known, value)
        learn_text(known, f"{name}: {value}")


def _island(document: object) -> Iterator[tuple[str, str]]:
    """Yield names and values of the identities that a page's data tells by numbers of words (report/island.py)."""
    island = _member(_member(document, "page"), "island")
    words, knobs, cells = (_list(_member(island, name)) for name in ("words", "knobs", "cells"))
    for device in _list(_member(island, "devices")):
        runs, values = _numbers(_member(device, "knobs")), iter(_numbers(_member(device, "cells")))
        for first, length in zip(runs[::2], runs[1::2]):
            for knob, cell in zip(knobs[first : first + length], values):
                told = [str(words[word]) for word in _numbers(knob) if 0 <= word < len(words)]
                if "identity" in told[2:3] and 0 <= cell < len(cells):
                    yield from ((told[1], str(words[at])) for at in _numbers(cells[cell])[2:] if 0 <= at < len(words))


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, Mapping) else None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _numbers(value: object) -> list[int]:
    return [number for number in _list(value) if isinstance(number, int)]


def _leaves(value: object, name: str) -> Iterable[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, list):
        for element in value:
            yield from _leaves(element, name)
    elif isinstance(value, Mapping):
        own = value.get("name") if value.get("class") == "identity" or value.get("cls") == "identity" else None
        for key, below in value.items():
            inner = str(own) if isinstance(own, str) and key in ("value", "raw", "left", "right") else str(key)
            yield from _leaves(below, inner if key not in ("left", "right") or own is None else str(own))
            if isinstance(own, str) and isinstance(below, Mapping):
                yield from ((own, str(leaf)) for leaf in below.values() if isinstance(leaf, str))
