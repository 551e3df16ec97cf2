"""The flash catalogue: which TLVs there are, and what each of their fields is called, means and occupies.

Source of the built-in rows (`sosmlx/data/nvparams.csv`): mstflint's `mlxconfig_host.db`, tables `tlvs` and `params`.
There an offset counts from the least significant bit of each 32-bit word; here, as in the registers, bit 0 is the most
significant bit of byte 0. An installed vendor catalogue (`sosmlx.sources.catalogue`) adds what the built-in one lacks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Callable, NoReturn

from sosmlx.errors import InputError
from sosmlx.fwctl.items import INDEX_BITS, ItemType, is_secret

SCHEMA = "sosmlx.nvcatalogue/1"
"""The schema word of the document that holds an installed vendor catalogue."""

PAYLOAD = 256
"""Bytes that one MNVDA read can carry: what lies beyond them in a TLV cannot be read."""

TYPES = ("BOOL", "ENUM", "UNSIGNED", "INTEGER", "BINARY", "BYTES", "STRING")
"""Types of a field; BYTES and STRING are one value of `count` bytes, the others are numbers or arrays of numbers."""

MOST_TLVS, MOST_PARAMS = 2048, 8192
"""Rows that a vendor catalogue may have: five times as many as it has, and more."""

MOST_SPELLED = 1 << 19
"""Characters of all its expressions together, because each costs time. They have a tenth of that."""


@dataclass(frozen=True)
class Param:
    """One field of a TLV.

    `name` is mlxconfig's, without port, module or index, and empty for a field that mlxconfig hides. `offset` and
    `width` are in bits, of all elements together; `count` is 0 for a scalar, else the number of elements (of bytes, for
    BYTES and STRING). Where the field `valid_bit` of the same TLV is 0, the device's own default is in force. The
    field exists since layout version `since`. `visible` is an expression (`sosmlx.fwctl.expression`). `core` marks what
    support asks for first.
    """

    tlv: str
    cls: int
    field: str
    name: str
    offset: int
    width: int
    type: str
    count: int = 0
    valid_bit: str = ""
    since: int = 0
    labels: tuple[tuple[str, int], ...] = ()
    visible: str = ""
    core: bool = False

    @property
    def elements(self) -> int:
        """How many numbers an array has; 0 for a field that is one value."""
        return 0 if self.type in ("BYTES", "STRING") else self.count

    @property
    def element_width(self) -> int:
        """Bits of one number, or of the one value."""
        return self.width // self.elements if self.elements else self.width

    @property
    def key(self) -> str:
        """How expressions call the field: `tlv.field`."""
        return f"{self.tlv}.{self.field}"

    @property
    def listed(self) -> bool:
        """Whether mlxconfig ever lists it (`filterByDependency`): not without a name, nor without any expression."""
        return bool(self.name and (self.visible or self.since or self.count))

    def label(self, number: int) -> str:
        """Say the word for a number, or an empty string; of several, the first in ASCII order, as mlxconfig does."""
        return min((word for word, value in self.labels if value == number), default="")


@dataclass(frozen=True)
class Tlv:
    """One item of flash configuration: `size` in bytes, as far as it can be read, and the layout version of `params`.

    `rom`: the expansion ROM reads it, and mlxconfig takes it as supported without asking MNVQC. `capability`: it says
    what the firmware can do, and nobody configures it. `secret`: its values must not be shown.
    """

    name: str
    cls: int
    index: int
    size: int
    version: int
    params: tuple[Param, ...]
    rom: bool = False
    capability: bool = False
    secret: bool = False


@dataclass(frozen=True)
class Catalogue:
    """TLVs in the order of their source; `left_out` counts rows of a vendor catalogue that could not be used."""

    tlvs: tuple[Tlv, ...]
    left_out: int = 0

    def __iter__(self) -> Iterator[Tlv]:
        """Go through the TLVs."""
        return iter(self.tlvs)

    def __len__(self) -> int:
        """How many TLVs there are."""
        return len(self.tlvs)

    def tlv(self, cls: int, index: int) -> Tlv | None:
        """The TLV of this class and index, or None where the catalogue has none."""
        return self._by_key.get((cls, index))

    def named(self, name: str) -> Param:
        """The field that mlxconfig calls so (without `_P1`, `_M0` or `[0]`). Raises KeyError."""
        return self._by_name[name]

    @cached_property
    def _by_key(self) -> dict[tuple[int, int], Tlv]:
        return {(tlv.cls, tlv.index): tlv for tlv in self.tlvs}

    @cached_property
    def _by_name(self) -> dict[str, Param]:
        return {param.name: param for tlv in self.tlvs for param in tlv.params if param.name}


@lru_cache(maxsize=1)
def builtin() -> Catalogue:
    """The rows that come with sosmlx, read once."""
    import csv  # late, like the other imports below: a plan asks nobody and needs no row
    from importlib import resources

    text = (resources.files("sosmlx.data") / "nvparams.csv").read_text(encoding="utf-8")
    found: dict[str, tuple[dict[str, str], list[Param]]] = {}
    for row in csv.DictReader(text.splitlines()):
        found.setdefault(row["tlv"], (row, []))[1].append(_builtin_param(row))
    return Catalogue(
        tuple(
            _tlv(name, int(row["class"]), int(row["index"]), int(row["size"]), int(row["version"]), params)
            for name, (row, params) in found.items()
        )
    )


def _builtin_param(row: Mapping[str, str]) -> Param:
    pairs = [part.partition("=") for part in row["labels"].split(";") if part]
    return Param(
        row["tlv"], int(row["class"]), row["field"], row["name"], int(row["offset"]), int(row["width"]), row["type"],
        int(row["count"]), row["valid"], int(row["since"]), tuple((word, int(value)) for word, _, value in pairs),
        row["visible"], row["core"] == "1",
    )  # fmt: skip


def _tlv(name: str, cls: int, index: int, size: int, version: int, params: Sequence[Param]) -> Tlv:
    return Tlv(
        name, cls, index, size, version, tuple(params), name.startswith("nv_rom_"), name.endswith("_cap"),
        is_secret(ItemType(cls, index)),
    )  # fmt: skip


def extended(base: Catalogue, document: object) -> Catalogue:
    """Add to a catalogue what a vendor catalogue has more: fields, TLVs.

    `document` is the JSON object that `sosmlx.sources.catalogue` wrote, or its bytes, or anything else that a bundle
    holds in its place. A field that the base has, or a name that one of its fields has, stays as it is there. Rows that
    are wrong, contradict others, or lie beyond their TLV or beyond what can be read are left out and counted. Raises
    ValueError for what is no such document or has too many rows.
    """
    if isinstance(document, bytes):
        document = _document(document)
    tlv_rows, param_rows = _rows(document, "tlvs", MOST_TLVS), _rows(document, "params", MOST_PARAMS)
    draft = _Draft(base)
    for row in tlv_rows:
        draft.take(draft.add_tlv, row)
    for row in param_rows:
        draft.take(draft.add_param, row)
    return draft.finished()


@lru_cache(maxsize=4)
def installed(document: bytes) -> tuple[Catalogue, str]:
    """Extend the built-in rows by those of an installed catalogue; where that is none, they stand alone, and why."""
    try:
        return extended(builtin(), document), ""
    except ValueError as error:
        return builtin(), str(error)


class _RowError(Exception):
    """A row of a vendor catalogue cannot be used."""


def _document(data: bytes) -> object:
    from sosmlx.jsonio import loads

    try:
        return loads(data.decode("utf-8"), what=SCHEMA)
    except InputError as error:
        raise ValueError(str(error)) from None


def _rows(document: object, name: str, most: int) -> list[object]:
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ValueError(f'not a flash catalogue (its "schema" is not "{SCHEMA}")')
    rows = document.get(name)
    if not isinstance(rows, list) or len(rows) > most:
        raise ValueError(f"{SCHEMA}: {name} is no list of at most {most} rows")
    return rows


class _Draft:
    """A catalogue in the making: TLVs by class and index, and by the vendor's names."""

    def __init__(self, base: Catalogue) -> None:
        self.left_out = base.left_out
        self._tlvs = {(tlv.cls, tlv.index): tlv for tlv in base}
        self._names = {tlv.name for tlv in base}
        self._known = {param.key for tlv in base for param in tlv.params}
        self._added: dict[tuple[int, int], dict[str, Param]] = {}
        self._taken = {param.name for tlv in base for param in tlv.params if param.name}
        self._spelled = 0
        self._by_vendor_name: dict[str, tuple[int, int]] = {}
        self._seen: set[tuple[int, int]] = set()

    def take(self, add: Callable[[object], None], row: object) -> None:
        """Add a row, or count it as left out."""
        try:
            add(row)
        except _RowError:
            self.left_out += 1

    def add_tlv(self, row: object) -> None:
        """Take a row of the table `tlvs`. Raises _RowError."""
        fields = _Fields(row)
        name, cls = fields.word("name"), fields.number("class", max(INDEX_BITS))
        key = (cls, fields.number("id", (1 << INDEX_BITS[cls]) - 1))
        size = min(fields.number("size", 1 << 16), PAYLOAD)
        version, cap = fields.number("version", 15, 0), fields.number("cap", 1, 0)
        own = self._tlvs.get(key)
        if name in self._by_vendor_name or key in self._seen:
            raise _RowError
        if size == 0 or (own is None and name in self._names):
            raise _RowError
        if own is None:
            made, rom = _tlv(name, *key, size, version, ()), fields.text("target") == "EXP_ROM"
            own = replace(made, rom=made.rom or rom, capability=made.capability or cap == 1)
            self._names.add(name)
        self._by_vendor_name[name] = key
        self._seen.add(key)
        self._tlvs[key] = replace(own, size=max(own.size, size), version=max(own.version, version))

    def add_param(self, row: object) -> None:
        """Take a row of the table `params`. Raises _RowError."""
        fields = _Fields(row)
        key = self._by_vendor_name.get(fields.word("tlv_name"))
        if key is None:
            raise _RowError
        tlv, added = self._tlvs[key], self._added.setdefault(key, {})
        param = _vendor_param(fields, tlv)
        if param.key in self._known:
            return
        self._spelled += len(param.visible)
        if param.field in added or param.name in self._taken or self._spelled > MOST_SPELLED:
            raise _RowError
        added[param.field] = param
        if param.name:
            self._taken.add(param.name)

    def finished(self) -> Catalogue:
        """Give the catalogue."""
        tlvs = (
            replace(tlv, params=(*tlv.params, *self._added.get(key, {}).values())) for key, tlv in self._tlvs.items()
        )
        return Catalogue(tuple(tlvs), self.left_out)


def _vendor_param(fields: _Fields, tlv: Tlv) -> Param:
    kind, count = fields.text("type"), fields.number("array_length", PAYLOAD, 0)
    place, width = fields.bits("offset"), fields.bits("size")
    if kind not in TYPES or (kind in ("BYTES", "STRING") and width != 8 * count):
        raise _RowError
    # In the vendor's spelling, only the word counts for an array: its elements then follow in natural order.
    offset = place // 32 * 32 if count else place // 32 * 32 + 32 - place % 32 - width
    param = Param(
        tlv.name, tlv.cls, fields.word("name"), fields.public("mlxconfig_name"), offset, width, kind, count,
        fields.word("valid_bit", optional=True), fields.number("supported_from_version", 15, 0),
        fields.labels("textual_values") if kind == "ENUM" else (), fields.text("dependency"),
    )  # fmt: skip
    scalar = width > 0 and place % 32 + width <= 32
    array = param.elements and param.element_width in (8, 16, 32) and param.element_width * param.elements == width
    fits = array if param.elements else (width > 0 if count else scalar)
    if not fits or offset + width > 8 * tlv.size:
        raise _RowError
    return param


class _Fields:
    """One row, whose values are taken only where they are of the right type and within bounds; else _RowError."""

    _WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}\Z")
    _SUFFIX = re.compile(r"_[PM][0-9]+\Z")
    _LABEL = re.compile(r"(?!(?:True|False)=)([A-Za-z_][A-Za-z0-9_.+-]{0,79})=(?:0[xX])?([0-9A-Fa-f]{1,8})\Z")
    _BITS = re.compile(r"0x([0-9A-Fa-f]{1,4})\.([0-9]{1,2})\Z")
    _NUMBER = re.compile(r"[0-9]{1,8}\Z")
    _LONGEST = 16384

    def __init__(self, row: object) -> None:
        if not isinstance(row, dict):
            raise _RowError
        self._row = row

    def text(self, name: str) -> str:
        """A text, or an empty one where there is none."""
        value = self._row.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) and len(value) <= self._LONGEST else _wrong()

    def word(self, name: str, *, optional: bool = False) -> str:
        """An identifier."""
        value = self.text(name)
        return value if self._WORD.match(value) or (optional and not value) else _wrong()

    def public(self, name: str) -> str:
        """A name that mlxconfig shows, or an empty one; it must not look like that of a port or module."""
        value = self.word(name, optional=True)
        return _wrong() if self._SUFFIX.search(value) else value

    def number(self, name: str, largest: int, absent: int | None = None) -> int:
        """A number from 0 to the largest, perhaps written as a text; `absent` where there is none."""
        value = self._row.get(name, absent)
        if isinstance(value, str) and self._NUMBER.match(value):
            value = int(value)
        return value if type(value) is int and 0 <= value <= largest else _wrong()

    def bits(self, name: str) -> int:
        """A place or size as the database writes it: `0xB.b`, B bytes (hexadecimal) and b bits (decimal)."""
        match = self._BITS.match(self.text(name)) or _wrong()
        return 8 * int(match[1], 16) + int(match[2])

    def labels(self, name: str) -> tuple[tuple[str, int], ...]:
        """Pairs `LABEL=0xV`; one that mlxconfig's own output could not show unmistakably is passed over."""
        found = (self._LABEL.match(part) for part in self.text(name).split(","))
        return tuple((match[1], int(match[2], 16)) for match in found if match)


def _wrong() -> NoReturn:
    raise _RowError
