"""The flash configuration as the firmware gave it: support, values and writers of each item, read together.

Registers MNVGC (which views can be read), MNVQC (what is known, in which layout), MNVDA (an item in one view) and MNVGN
(what is stored, and by whom): PRM register table as in mstflint, `sosmlx.fwctl.registers`. The items and their fields
are facts of a catalogue; names and values are spelled as `mlxconfig -e q` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sosmlx.fwctl.catalogue import Catalogue, Param, Tlv, builtin, installed
from sosmlx.fwctl.items import (
    CANARY,
    PRIORITIES,
    WRITERS,
    ItemHeader,
    ItemType,
    elsewhere,
    header,
    parse_type,
    type_word,
)
from sosmlx.fwctl.nvconfig import display_name, shows, values
from sosmlx.fwctl.registers import decode
from sosmlx.model import Cmode, Evidence, Facet, Item, Plane, Setting, SettingClass, Unparsed
from sosmlx.parsers.spec import UNKNOWN_ITEM, VIEW, Parser, alone
from sosmlx.parsers.values import NOBODY, NOT_STORED, UNREAD
from sosmlx.record import HOST, Outcome, Record

CATALOGUE = "nvconfig.catalogue"
_VIEWS = {0: "next", 1: "current", 2: "default"}
_SHARED = {0: "asic", 1: "port", 7: "host", 9: "asic"}
"""Classes of items that do not belong to one function alone (PRM class field of the type word)."""

_MAX_DATA = 256
_MAILBOX = 16


class _Stored(NamedTuple):
    """An item of the NV area, as MNVGN gave it."""

    header: ItemHeader
    data: bytes
    record: Record


class _View(NamedTuple):
    """One item in one view: its data, or the reason why there is none."""

    data: bytes
    reason: str
    record: str
    header: ItemHeader = ItemHeader()


@dataclass
class _Flash:
    """What the registers of one function said."""

    device: str
    catalogue: Catalogue
    support: dict[int, int] = field(default_factory=dict)
    unsupported: set[int] = field(default_factory=set)
    asked: set[int] = field(default_factory=set)
    views: dict[int, dict[str, _View]] = field(default_factory=dict)
    stored: dict[int, list[_Stored]] = field(default_factory=dict)
    others: list[_Stored] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    met: bool = False
    walked: bool = False
    unread: str = ""
    echoes: bool | None = None


def flash(records: Sequence[Record]) -> Iterator[Item]:
    """Yield the settings of a function's flash, and what is to be said of them; raises nothing."""
    device = next((record.function for record in records if record.function != HOST), HOST)
    rows = next((record for record in records if record.kind == CATALOGUE and record.has_bytes and record.data), None)
    catalogue, trouble = installed(rows.data) if rows else (builtin(), "")
    if rows and trouble:
        yield Evidence("unparseable", HOST, trouble, "medium", record=rows.id)
    if rows and catalogue.left_out:
        words = f"{catalogue.left_out} rows of the installed catalogue could not be used"
        yield Evidence("nvconfig.catalogue", HOST, words, record=rows.id)
    found = _Flash(device, catalogue)
    for record in records:
        if record.kind == "register.mnvgc":
            yield from _readable(record)
        elif record.kind == "register.mnvqc":
            _support(found, record)
        elif record.kind == "register.mnvda":
            yield from _value(found, record)
        elif record.kind == "register.mnvgn":
            yield from _walk(found, record)
    if found.met and not (found.walked or found.unread):
        found.unread = "its pointers come to no end"
    if found.wrong:
        more = f", and {len(found.wrong) - 1} like it" if len(found.wrong) > 1 else ""
        yield Evidence("nvconfig.answer", found.device, found.wrong[0] + more, "medium")
    capabilities = _capabilities(found)
    for word in sorted(found.views):
        kind = parse_type(word)
        tlv = found.catalogue.tlv(kind.cls, kind.index)
        yield from (_known(found, word, tlv, capabilities) if tlv is not None else _unknown(found, word))
    yield from (_item(found, word) for word in sorted(set(found.stored) - set(found.views)))
    yield from _other_hosts(found)
    yield from _not_in_force(found)


def _fields(record: Record) -> Mapping[str, int]:
    return dict(record.register.fields) if record.register is not None else {}


def _readable(record: Record) -> Iterator[Item]:
    """Say which views this firmware does not let anybody read (MNVGC)."""
    if not record.has_bytes:
        words = f"the 'current' and 'default' views of the flash were not read: MNVGC: {record.answer.reason}"
        yield Evidence(VIEW, record.function, words, record=record.id)
        return
    said = decode("MNVGC", record.data[_MAILBOX:])
    for view, name in (("default", "nvda_read_factory_settings"), ("current", "nvda_read_current_settings")):
        if not said.get(name):
            words = f"the firmware does not let the {view!r} view of the flash be read (MNVGC)"
            yield Evidence(VIEW, record.function, words, record=record.id)


def _support(found: _Flash, record: Record) -> None:
    said = decode("MNVQC", record.data[_MAILBOX:]) if record.has_bytes else {}
    version, word = said.get("version"), _fields(record).get("type", 0)
    found.asked.add(word)
    if said.get("support_rd") and isinstance(version, int):
        found.support[word] = version
    elif isinstance(version, int) or record.outcome is Outcome.UNSUPPORTED:
        found.unsupported.add(word)


def _value(found: _Flash, record: Record) -> Iterator[Item]:
    """Sort one MNVDA answer into place."""
    asked = _fields(record)
    word, view = asked.get("type", 0), _VIEWS.get(asked.get("access_mode", 0), "")
    if not view:
        yield Unparsed(1, f"MNVDA: access mode {asked['access_mode']} is none that is asked for", record.id)
        return
    image = record.data[_MAILBOX:]
    if asked.get("writer_id") == CANARY:
        if record.has_bytes and len(image) >= 12:
            found.echoes = header(image[:12]).writer_id == CANARY
        return
    if not record.has_bytes or len(image) < 12:
        absent = record.outcome is Outcome.ABSENT
        why = NOT_STORED if absent else f"{UNREAD} {record.outcome.value}, {record.answer.reason}"
        found.views.setdefault(word, {})[view] = _View(b"", why, record.id)
        return
    head = header(image[:12])
    length = head.length
    if head.type != word:
        why = f"{UNREAD} the answer is about item {head.type:#010x}"
        found.views.setdefault(word, {})[view] = _View(b"", why, record.id)
        found.wrong.append(f"item {word:#010x} ({view}): {why[len(UNREAD) + 1 :]}")
        return
    if length > _MAX_DATA or len(image) < 12 + length:
        why = f"{UNREAD} the answer names {length} bytes of data and holds {max(len(image) - 12, 0)}"
        found.views.setdefault(word, {})[view] = _View(b"", why, record.id)
        found.wrong.append(f"item {word:#010x} ({view}): {why[len(UNREAD) + 1 :]}")
        return
    found.views.setdefault(word, {})[view] = _View(image[12 : 12 + (length or _MAX_DATA)], "", record.id, head)


def _walk(found: _Flash, record: Record) -> Iterator[Item]:
    """Sort one stored item into place. The walk is over with a pointer of 0, or where nothing is stored at all."""
    found.met = True
    if not record.has_bytes:
        if record.outcome is Outcome.ABSENT:
            found.walked = True
        else:
            found.unread = f"{record.outcome.value}, {record.answer.reason}"
        return
    image = record.data[_MAILBOX:]
    following = decode("MNVGN", image).get("nv_pointer")
    if following == 0:
        found.walked = True
        return
    if following is None or len(image) < 0x1C:
        found.unread = f"an answer of {len(image)} bytes"
        yield Unparsed(1, f"MNVGN: {len(image)} bytes, too few for an item's header", record.id)
        return
    head = header(image[0x10:0x1C])
    item = _Stored(head, image[0x1C : 0x1C + min(head.length, _MAX_DATA)], record)
    if elsewhere(head):
        found.others.append(item)
    else:
        found.stored.setdefault(head.type, []).append(item)
    if head.length > len(image) - 0x1C:
        yield Unparsed(1, f"item {head.type:#010x}: {head.length} bytes of data are named", record.id)


def _capabilities(found: _Flash) -> dict[str, int]:
    """Collect what the firmware says that it can do; an item of capabilities that it does not know says no to all.

    mlxconfig also hides a parameter because of another parameter's value. It is in flash all the same.
    """
    known: dict[str, int] = {}
    for tlv in found.catalogue:
        word = type_word(ItemType(tlv.cls, tlv.index, port=int(tlv.cls == _PORT)))
        view = found.views.get(word, {}).get("next")
        if tlv.capability and word in found.unsupported:
            known.update({param.key: 0 for param in tlv.params})
        elif tlv.capability and view is not None and not view.reason:
            rows = values(tlv, view.data)
            known.update({row.param.key: int(row.value) for row in rows if isinstance(row.value, int)})
        elif tlv.capability and word in found.asked:
            # It could not be read: what depends on it is left out, and the item's own read says that it failed.
            known.update({param.key: 0 for param in tlv.params})
    return known


_PORT = 1


def _known(found: _Flash, word: int, tlv: Tlv, capabilities: Mapping[str, int]) -> Iterator[Item]:
    """Yield the fields of an item that the catalogue describes, each with its views as facets."""
    kind, version = parse_type(word), found.support.get(word)
    writer = _writer(found, word)
    facets: dict[str, dict[str, Facet]] = {}
    order: dict[str, str] = {}
    plane: Plane = "caps" if tlv.capability else "nvconfig"
    cls: SettingClass = "capability" if tlv.capability else "config"
    whole = _in_force(found.views[word], found.stored.get(word, []))
    if word not in found.support and all(view.reason for view in whole.values()):
        return  # nobody said that this firmware knows the item
    shown = {param.field for param in tlv.params if shows(param, version, capabilities)}
    full = version is not None and version >= tlv.version
    for view in _FACET_ORDER:
        seen = whole.get(view)
        if seen is None:
            continue
        by = writer if view == "next" or (view == "current" and _same(whole)) else ""
        for row in values(tlv, seen.data.ljust(tlv.size, b"\0")):
            reason = seen.reason or _cut(row.param, row.element, seen.data)
            if row.param.field not in shown or (reason and not seen.reason and not full):
                continue  # an older layout ends there
            name = display_name(row.param, kind, row.element)
            order.setdefault(name, seen.record)
            facet = Facet(None, reason=reason) if reason else Facet(row.value, row.raw, row.label, "", by)
            facets.setdefault(name, {})["current" if tlv.capability else view] = facet
    for name, views in facets.items():
        shared = _SHARED.get(kind.cls, "")
        mode: Cmode = "" if tlv.capability else "permanent"
        yield Setting(found.device, plane, name, mode, tuple(views.items()), cls, order[name], shared)


def _cut(param: Param, element: int | None, data: bytes) -> str:
    """Say that a field lies beyond the data that the answer holds; empty where it does not."""
    end = param.offset + ((element or 0) + 1) * param.element_width
    return "" if end <= len(data) * 8 else f"{UNREAD} the answer holds {len(data)} bytes"


_FACET_ORDER = ("default", "current", "next")


def _in_force(views: Mapping[str, _View], stored: Sequence[_Stored]) -> Mapping[str, _View]:
    """Put in the place of an item that is said not to be stored what the walk found, or else the default.

    That is what the device uses then.
    """
    found = dict(views)
    coming, default = views.get("next"), views.get("default")
    if coming is not None and coming.reason == NOT_STORED and stored:
        first = min(stored, key=lambda item: item.header.priority)
        found["next"] = _View(first.data, "", first.record.id, first.header)
    if default is None or default.reason:
        return found
    return {
        name: default._replace(record=view.record) if view.reason == NOT_STORED else view
        for name, view in found.items()
    }


def _same(views: Mapping[str, _View]) -> bool:
    """Whether what is stored is also what is in force."""
    coming, current = views.get("next"), views.get("current")
    return coming is not None and current is not None and not coming.reason and coming.data == current.data


def _writer(found: _Flash, word: int) -> str:
    """Say who claims to have written an item, from the walk over the NV area.

    Where that cannot be read, the header of the item's own answer counts, unless this firmware was seen to repeat there
    what it was asked.
    """
    items = found.stored.get(word)
    if items:
        return "; ".join(writer_words(item.header) for item in sorted(items, key=lambda item: item.header.priority))
    if any(_same_kind(item.header.type, word) for item in found.others):
        return "unknown: stored items of this kind name a function or host, and which is ours is not told"
    if found.unread and found.echoes is False and found.views[word]["next"].header.writer_id:
        return f"{writer_words(found.views[word]['next'].header)}, by the item's own answer"
    if found.unread:
        echo = ", and the firmware repeats what it is asked" if found.echoes else ""
        return f"unknown: the NV area was not walked to its end ({found.unread}){echo}"
    return NOBODY if found.walked else ""


def _same_kind(word: int, other: int) -> bool:
    one, two = parse_type(word), parse_type(other)
    return (one.cls, one.index) == (two.cls, two.index)


def writer_words(head: ItemHeader) -> str:
    """Word the header of a stored item: nothing in it is authenticated, and it carries no time.

    >>> writer_words(ItemHeader(writer_id=9, over_en=1))
    'ICMD_MLXCONFIG (9), host 0, priority USER, over-ride allowed, read-enable 0'
    """
    name = WRITERS.get(head.writer_id, "unassigned")
    priority = PRIORITIES.get(head.priority, str(head.priority))
    allowed = "allowed" if head.over_en else "not allowed"
    return (
        f"{name} ({head.writer_id}), host {head.writer_host_id}, priority {priority}, over-ride {allowed}, "
        f"read-enable {head.rd_en}"
    )


def _unknown(found: _Flash, word: int) -> Iterator[Item]:
    """Yield an item that no catalogue describes: length and digest of each view."""
    views = found.views[word]
    facets = tuple(
        (view, Facet(None, reason=seen.reason) if seen.reason else _digest(_used(seen.data, found, word)))
        for view in _FACET_ORDER
        for seen in [views.get(view)]
        if seen is not None
    )
    writer = _writer(found, word)
    facets = tuple((name, facet._replace(writer=writer if name == "next" else "")) for name, facet in facets)
    first = next(iter(views.values()))
    yield from _named_by_type(found, word, facets, first.record)


def _used(data: bytes, found: _Flash, word: int) -> bytes:
    """Cut the data of an answer to the length that the walk gave, where the answer itself names none."""
    items = found.stored.get(word)
    return data[: items[0].header.length] if items and len(data) == _MAX_DATA else data


def _item(found: _Flash, word: int) -> Setting:
    """Yield a stored item that was not read in its views: one that holds a secret, or that is not to be read."""
    items = sorted(found.stored[word], key=lambda item: item.header.priority)
    first = items[0]
    told = [_withheld(item) or str(_digest(item.data).value) for item in items]
    facet = Facet("; ".join(told), "; ".join(told))
    return _setting(found, word, (("next", facet._replace(writer=_writer(found, word))),), first.record.id)


def _withheld(item: _Stored) -> str:
    """Say what is left of a secret; empty for an item that holds none."""
    words = item.record.answer.reason
    return f"{len(item.data)} bytes; {words}" if words else ""


def _digest(data: bytes) -> Facet:
    words = f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()[:16]}"
    return Facet(words, words)


def _named_by_type(found: _Flash, word: int, facets: tuple[tuple[str, Facet], ...], record: str) -> Iterator[Item]:
    yield _setting(found, word, facets, record)
    if word in found.stored:
        text = f"item {word:#010x} is stored and in no catalogue: compared by its digest"
        yield Evidence(UNKNOWN_ITEM, found.device, text, record=record)


def _setting(found: _Flash, word: int, facets: tuple[tuple[str, Facet], ...], record: str) -> Setting:
    shared = _SHARED.get(parse_type(word).cls, "")
    return Setting(found.device, "nvconfig", f"item.{word:#010x}", "permanent", facets, "config", record, shared)


def _other_hosts(found: _Flash) -> Iterator[Item]:
    for item in found.others:
        kind: ItemType = parse_type(item.header.type)
        words = f"item {item.header.type:#010x} of host {kind.host}, function {kind.pf}: not visible from here"
        yield Evidence("nvconfig.other-function", found.device, words, record=item.record.id)


def _not_in_force(found: _Flash) -> Iterator[Item]:
    """Name the parameters whose valid bit is 0: what flash holds for them is not what the device uses."""
    names: list[str] = []
    for word, views in sorted(found.views.items()):
        kind, view = parse_type(word), views.get("next")
        tlv = found.catalogue.tlv(kind.cls, kind.index)
        if tlv is None or view is None or view.reason:
            continue
        rows = list(values(tlv, view.data))
        clear = {row.param.field for row in rows if row.value in (0, False)}
        names += [
            display_name(row.param, kind, row.element)
            for row in rows
            if row.param.valid_bit in clear and row.param.name and row.element in (None, 0)
        ]
    if names:
        text = f"{len(names)} parameters are not in force, their valid bit is 0: {', '.join(names)}"
        yield Evidence("nvconfig.device-default", found.device, text)


TABLE = (
    Parser("register.mnvgc", alone(flash), ("nvconfig",), together=flash),
    Parser("register.mnvqc", alone(flash), ("nvconfig",), together=flash),
    Parser("register.mnvda", alone(flash), ("nvconfig",), together=flash),
    Parser("register.mnvgn", alone(flash), ("nvconfig",), together=flash),
    Parser(CATALOGUE, alone(flash), together=flash),
)
