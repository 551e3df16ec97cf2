"""Records in, one snapshot out: the same knob has the same key and unit whichever tool it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Callable

from sosmlx.coverage import Cell, coverage
from sosmlx.errors import InputError, ParseError
from sosmlx.identity import Facts, identify, slot_of
from sosmlx.model import (
    FACETS,
    Device,
    Evidence,
    Facet,
    Fact,
    Item,
    Rate,
    Reading,
    Setting,
    Snapshot,
    SourceInfo,
    Unparsed,
    Value,
    known,
    same_value,
)
from sosmlx.parsers import PARSERS, UNKNOWN
from sosmlx.parsers.account import unheld
from sosmlx.parsers.spec import HEADING, Together
from sosmlx.parsers.ticket import clean, decode, decode_paste
from sosmlx.parsers.values import AMBIGUOUS
from sosmlx.precedence import rank, severity
from sosmlx.rates import rates
from sosmlx.record import HOST, Bundle, Outcome, Record

MAX_ACCOUNT = 4 << 20
"""Texts up to this size are gone through once more for lines that their parser let fall."""

REDACTED = "bundle.redacted"
"""Evidence kind: what names a host or card was replaced by tokens, and of which key."""

DISAGREEMENT = "disagreement"
"""Evidence kind: two reads of one bundle gave one knob different values."""


@dataclass
class _Found:
    """What all records of a bundle said, before it is put together."""

    settings: list[Setting] = field(default_factory=list)
    facts: Facts = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)
    unparsed: list[Unparsed] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    together: dict[Together, list[Record]] = field(default_factory=dict)
    equal: Counter[Cell] = field(default_factory=Counter)
    pasted: bool = False


@dataclass(frozen=True)
class Reduced:
    """What is left of a record after everything that is equal on the other side of a diff has cancelled.

    `text` is parsed in place of the record's bytes (None: nothing is left); `equal` counts what cancelled, by device.
    """

    text: str | None
    equal: Mapping[str, int]


def normalise(bundle: Bundle, reduced: Mapping[str, Reduced] = MappingProxyType({})) -> Snapshot:
    """Parse all records of a bundle and put them together; never raises for what a record holds.

    `reduced` (by record id) is what a diff leaves to be parsed of a record.
    """
    found = _Found(pasted=bundle.is_text)
    for record in bundle.records:
        if record.sample:
            continue
        rest = reduced.get(record.id)
        if rest is not None:
            parser = PARSERS[record.kind]
            found.equal.update({(device, plane): n for device, n in rest.equal.items() for plane in parser.planes})
            data = (rest.text or "").encode()
            record = replace(record, answer=replace(record.answer, data=data))
            if rest.text is None:
                found.records.append(record)
                continue
        together = PARSERS[record.kind].together if record.kind in PARSERS else None
        if together is not None:
            found.together.setdefault(together, []).append(record)
            found.records.append(record)
        else:
            _read(record, found)
    for together, records in found.together.items():
        _read_together(together, records, found)
    found.evidence += [Evidence("bundle.damaged", HOST, fault, "high") for fault in bundle.faults]
    if bundle.redacted:
        words = f"names, addresses and serials are tokens of the key {bundle.redacted}"
        found.evidence.append(Evidence(REDACTED, HOST, words))
    devices = identify(found.facts, found.settings, bundle.is_text)
    owned = list(_shared(_owned(found.settings, devices, bundle.is_text), devices))
    kinds = {record.id: record.kind for record in found.records}
    settings, conflicts = _merge(owned, kinds, bundle.is_text)
    host = {name: values[0] for name, values in found.facts.get(HOST, {}).items() if values}
    return Snapshot(
        source=SourceInfo(bundle.kind, bundle.path, bundle.host or host.get("hostname", ""), bundle.collected,
                          bundle.label, bundle.maker, bundle.signed, bundle.redacted),
        host=_host(host, settings),
        devices=tuple(devices),
        settings=tuple(settings),
        evidence=(*found.evidence, *conflicts),
        coverage=tuple(coverage(devices, settings, found.records, found.facts, found.evidence, found.equal,
                                bundle.is_text)),
        unparsed=tuple(found.unparsed),
        reads=tuple(_reading(record) for record in found.records),
        rates=_rates(bundle.records, owned, devices),
    )  # fmt: skip


def _rates(records: Sequence[Record], first: Sequence[Setting], devices: Sequence[Device]) -> tuple[Rate, ...]:
    """Read the later samples, which tell of nothing else, and yield what moved meanwhile."""
    again = _Found()
    for record in records:
        if record.sample:
            _read(record, again)
    return tuple(rates(first, _shared(_owned(again.settings, devices, pasted=False), devices), records))


def _reading(record: Record) -> Reading:
    return Reading(record.id, record.kind, record.subject, record.outcome.value, record.answer.reason)


def parse(record: Record, pasted: bool) -> Iterator[Item]:
    """Parse one record; `pasted` undoes a ticket's quoting first. Raises ParseError."""
    parser = PARSERS.get(record.kind, PARSERS[UNKNOWN])
    try:
        text = decode_paste(record.data, record.path or record.kind) if pasted else decode(record.data)
    except InputError as error:
        raise ParseError(error.message) from None
    yield from parser.parse(text, record)


def _read(record: Record, found: _Found) -> None:
    """Sort what one record says into place; a text that its parser refuses is a failed read, and kept as lines."""
    if record.kind not in PARSERS:
        found.evidence.append(Evidence("kind.unknown", record.subject, f"kind {record.kind!r} is not known here"))
    if record.has_bytes:
        items: list[Item] = []
        try:
            items += parse(record, found.pasted)
        except ParseError as error:
            found.evidence.append(Evidence("unparseable", record.subject, error.message, "medium", record=record.id))
            record = replace(record, answer=replace(record.answer, outcome=Outcome.FAILED, reason=error.message))
        if found.pasted and len(record.data) <= MAX_ACCOUNT:
            items += [Unparsed(number, line) for number, line in unheld(clean(decode(record.data)), items)]
        for item in items:
            _place(item, record.id, found)
    found.records.append(record)


def _read_together(together: Together, records: Sequence[Record], found: _Found) -> None:
    """Read the records of each function as one; what was read of the host as a whole belongs to each of them."""
    functions: dict[str, list[Record]] = {}
    for record in records:
        functions.setdefault(record.function, []).append(record)
    whole = functions.pop(HOST, [])
    for own in functions.values():
        for item in together([*whole, *own]):
            _place(item, getattr(item, "record", ""), found)


def _place(item: Item, record: str, found: _Found) -> None:
    if isinstance(item, Setting):
        found.settings.append(item._replace(record=record))
    elif isinstance(item, Fact):
        found.facts.setdefault(item.subject, {}).setdefault(item.name, []).append(item.value)
    elif isinstance(item, Evidence) and (found.pasted or item.kind != HEADING):
        found.evidence.append(item._replace(record=record))
    elif isinstance(item, Unparsed):
        found.unparsed.append(item._replace(record=record))


def _owned(settings: Sequence[Setting], devices: Sequence[Device], pasted: bool) -> Iterator[Setting]:
    """Give each setting to its device; one of a further netdev or RDMA device carries that name in its own.

    The first netdev of a function needs no name in the key: interfaces are renamed between boots.
    """
    known_devices = {device.id for device in devices} | {HOST}
    primaries = {device.id: (*device.netdevs[:1], *device.rdma[:1]) for device in devices}
    for setting in settings:
        function, _, part = setting.device.partition("/")
        if setting.device in known_devices or pasted:
            yield setting
        elif function in primaries:
            primary = part in primaries[function]
            yield setting._replace(device=function, name=setting.name if primary else f"{setting.name}@{part}")


def _shared(settings: Iterable[Setting], devices: Sequence[Device]) -> Iterator[Setting]:
    """Give what belongs to an ASIC, a port or a host to the first of the functions that see it: it is one setting."""
    first: dict[str, str] = {}
    owner: dict[str, str] = {}
    for device in devices:
        slot = slot_of(device)
        owner[device.id] = first.setdefault(slot, device.id) if slot else device.id
    for setting in settings:
        yield setting._replace(device=owner.get(setting.device, setting.device)) if setting.shared else setting


def _merge(settings: Iterable[Setting], kinds: Mapping[str, str], pasted: bool) -> tuple[list[Setting], list[Evidence]]:
    """Join rows of one key; where two reads of a host disagree, `sosmlx.precedence` says which counts.

    Where two places of one paste disagree, nobody can tell which one is meant: then there is no value.
    """
    merged: dict[tuple[str, str, str, str], Setting] = {}
    conflicts: list[Evidence] = []
    for setting in settings:
        before = merged.get(setting.key)
        if before is None:
            merged[setting.key] = setting
        elif pasted:
            merged[setting.key] = _joined(before, setting, _ambiguous(kinds, conflicts))
        else:
            first, second = sorted((before, setting), key=lambda row: rank(row, kinds.get(row.record, "")))
            merged[setting.key] = _joined(first, second, _decided(kinds, conflicts))
    return list(merged.values()), conflicts


Settle = Callable[[Setting, Setting, str, Facet, Facet], Facet]
"""Two reads of one facet, that which counts first, to what is kept of it; what a reader should know is noted."""


def _joined(first: Setting, second: Setting, settle: Settle) -> Setting:
    """Join two reads of one knob: what only one of them tells is kept, what both tell is settled."""
    facets = dict(first.facets)
    for name, facet in second.facets:
        old = facets.get(name)
        if old is None or (known(facet) and not known(old)):
            facets[name] = facet
        elif known(facet):
            facets[name] = settle(first, second, name, old, facet)
    return first._replace(facets=tuple(sorted(facets.items(), key=lambda pair: FACETS.index(pair[0]))))


def _decided(kinds: Mapping[str, str], conflicts: list[Evidence]) -> Settle:
    """Settle for two reads of a host: the first counts, and a disagreement that matters is noted."""

    def settle(first: Setting, second: Setting, name: str, old: Facet, facet: Facet) -> Facet:
        if not same_value(old, facet):
            how_much = severity(first)
            if how_much:
                conflicts.append(_conflict(kinds, (first, second), name, (old, facet), how_much, "; the first counts"))
            return old
        # The same value from flash itself, with who wrote it, says more.
        return facet if facet.writer and not old.writer else old

    return settle


def _ambiguous(kinds: Mapping[str, str], conflicts: list[Evidence]) -> Settle:
    """Settle for two places of one paste: where they disagree, there is no value."""

    def settle(first: Setting, second: Setting, name: str, old: Facet, facet: Facet) -> Facet:
        if not same_value(old, facet):
            conflicts.append(_conflict(kinds, (first, second), name, (old, facet), "medium"))
            return Facet(None, facet.raw, reason=AMBIGUOUS)
        if facet.writer and not old.writer:
            return facet
        if facet.raw != old.raw:
            conflicts.append(_conflict(kinds, (first, second), name, (old, facet), "info"))
        return old

    return settle


def _conflict(
    kinds: Mapping[str, str],
    rows: tuple[Setting, Setting],
    name: str,
    facets: tuple[Facet, Facet],
    how_much: str,
    more: str = "",
) -> Evidence:
    said = ", ".join(
        f"{kinds.get(row.record, 'a read')} (record {row.record}) says {facet.raw!r}"
        for row, facet in zip(rows, facets)
    )
    text = f"{rows[0].plane} {rows[0].name} {name}: {said}{more}"
    return Evidence(DISAGREEMENT, rows[0].device, text, how_much, "reported", rows[1].record)


_HOST_FACTS = ("hostname", "release", "arch", "boot-id")


def _host(facts: Mapping[str, str], settings: Sequence[Setting]) -> dict[str, Value]:
    """Pick the facts about the host that a reader and the verdict need; what was not read is absent."""
    host: dict[str, Value] = {name: facts[name] for name in _HOST_FACTS if name in facts}
    host.update({name: value for name, value in facts.items() if name in ("os.ID", "os.VERSION_ID", "os.PRETTY_NAME")})
    host.update({name: value for name, value in facts.items() if name.startswith("tool.")})
    for setting in settings:
        if (
            setting.device == HOST
            and setting.plane == "kernel"
            and setting.name in ("taint", "lockdown", "panic_on_taint")
        ):
            facet: Facet | None = setting.facet("current")
            if facet is not None and known(facet):
                host[setting.name] = facet.value
    return host
