"""The flash of a simulated adapter: which items its firmware knows, what is stored, and which view shows what.

Type words: class in [31:24], selectors and index as in mstflint's `tools_open_layouts`. Items of class 3 belong to one
function; here they are kept under that function's number, and a caller sees its own without a selector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

NEXT, CURRENT, FACTORY = 0, 1, 2
"""The views of an item (MNVDA `access_mode`)."""

USER, OEM, MLNX = 0, 1, 3
"""Who is entitled to an item (header `priority`); a later one overrides an earlier one that allows it."""

PORT, FUNCTION, HOST, MODULE = 1, 3, 7, 9
"""Classes of items whose type word has a selector."""

_INDEX_BITS: Mapping[int, int] = {0: 24, 1: 16, 2: 13, 3: 10, 4: 16, 5: 24, 6: 24, 7: 18, 8: 24, 9: 14, 10: 12}

_FIRST_POINTER = 0x40


class Kind(NamedTuple):
    """What the firmware knows of an item type: bytes of data, newest layout version, whether it can be written."""

    size: int
    version: int = 0
    writable: bool = True


class Item(NamedTuple):
    """A stored item, in the terms of its header (mstflint `config_item_ext`)."""

    type: int
    data: bytes
    version: int = 0
    writer_id: int = 0
    priority: int = USER
    over_en: int = 1
    rd_en: int = 0
    host_id_valid: int = 0
    writer_host_id: int = 0


class Flash:
    """One ASIC's flash; several functions may share it.

    `kinds` is by class and index. `factory` and `current` are by type word, in the form that `owned` gives; what is
    not in `factory` is all zero, and in force is what the factory set unless `current` says otherwise.
    """

    def __init__(self, kinds: Mapping[tuple[int, int], Kind], ports: int = 1) -> None:
        self.kinds = dict(kinds)
        self.ports = ports
        self.factory: dict[int, bytes] = {}
        self.current: dict[int, bytes] = {}
        self.items: list[Item] = []

    def kind(self, word: int) -> Kind | None:
        """Say what the firmware knows of a type; None for one that it does not know or a port that is not there."""
        cls, index = split(word)
        if cls == PORT and not 1 <= word >> 16 & 0xFF <= self.ports:
            return None
        if cls == MODULE and word >> 14 & 0x3FF >= self.ports:
            return None
        return self.kinds.get((cls, index))

    def view(self, word: int, mode: int, function: int) -> Item:
        """Show an item as a function sees it: NEXT, CURRENT or FACTORY. Raises LookupError for an unknown type."""
        kind = self.kind(word)
        if kind is None:
            raise LookupError(hex(word))
        if mode == NEXT:
            stored = self.stored(word, function)
            if stored is not None:
                return stored
        own = owned(word, function)
        data = self.factory.get(own, b"")
        if mode == CURRENT:
            data = self.current.get(own, data)
        return Item(word, data.ljust(kind.size, b"\0"), kind.version, over_en=0)

    def stored(self, word: int, function: int) -> Item | None:
        """Find the stored item that will be in force: the latest level that no earlier one forbids."""
        own = owned(word, function)
        levels = {item.priority: item for item in self.items if item.type == own}
        for level in (MLNX, OEM):
            if level in levels and not levels[level].over_en:
                return levels[level]
        return next((levels[level] for level in (USER, OEM, MLNX) if level in levels), None)

    def store(self, item: Item) -> None:
        """Store an item, its type in the form of `owned`, in the place of one of the same type and level."""
        self.remove(item.type, item.priority)
        self.items.append(item)

    def remove(self, word: int, priority: int = USER) -> bool:
        """Remove a stored item; False where there is none."""
        kept = [item for item in self.items if (item.type, item.priority) != (word, priority)]
        found = len(kept) < len(self.items)
        self.items = kept
        return found

    def walk(self, function: int) -> list[tuple[int, Item]]:
        """List the stored items that a function may see, each with the pointer that its answer carries."""
        seen = []
        pointer = _FIRST_POINTER
        for item in self.items:
            pointer += 12 + len(item.data)
            if item.host_id_valid or item.type == owned(item.type, function):
                seen.append((pointer, item))
        return seen

    def pending(self, function: int) -> bool:
        """Whether a reset would change anything that a function sees."""
        return any(
            self.view(word, NEXT, function).data != self.view(word, CURRENT, function).data for word in self._touched()
        )

    def reset(self) -> None:
        """Put what is next into force, for every function, as a reset of the device does."""
        for word in self._touched():
            function = word >> 10 & 0xFF if split(word)[0] == FUNCTION else 0
            self.current[word] = self.view(word, NEXT, function).data

    def _touched(self) -> set[int]:
        """Name what may be in force or next otherwise than as it came from the factory."""
        words = {item.type for item in self.items} | set(self.current)
        return {word for word in words if self.kind(word) is not None}


def split(word: int) -> tuple[int, int]:
    """Take class and index out of a type word; an unknown class has 24 bits of index."""
    cls = word >> 24 & 0xFF
    return cls, word & (1 << _INDEX_BITS.get(cls, 24)) - 1


def owned(word: int, function: int) -> int:
    """Name an item by whom it belongs to: class 3 by the calling function, class 7 by the one host.

    >>> hex(owned(0x03000080, 1)), hex(owned(0x01020012, 1))
    ('0x3000480', '0x1020012')
    """
    cls, index = split(word)
    if cls == FUNCTION:
        return cls << 24 | function << 10 | index
    return cls << 24 | index if cls == HOST else word


def shown(word: int) -> int:
    """Name an item as its owner asks for it: without the selectors of class 3.

    >>> hex(shown(0x03000480))
    '0x3000080'
    """
    cls, index = split(word)
    return cls << 24 | index if cls == FUNCTION else word
