"""Two snapshots in, the differences out. `unknown` wins: what was not read is not evidence of a change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sosmlx.diff.align import SWAPPED, align, doubles, named, slot
from sosmlx.diff.cancel import cancel
from sosmlx.diff.pair import Pair
from sosmlx.diff.result import DEFAULT, Rename
from sosmlx.diff.result import Comparison as Comparison
from sosmlx.diff.result import Filter as Filter
from sosmlx.diff.side import Side
from sosmlx.diff.symptoms import symptoms
from sosmlx.diff.tables import severity
from sosmlx.model import FACETS, Difference, Facet, Gap, Match, Snapshot
from sosmlx.normalise import normalise
from sosmlx.parsers import PARSERS
from sosmlx.record import HOST, Bundle


def compare_bundles(left: Bundle, right: Bundle, only: Filter = DEFAULT) -> Comparison:
    """Compare two bundles: equal records cancel, what is left is parsed and joined by key."""
    rests = cancel(left, right, _same_places(left, right))
    return compare(normalise(left, rests[0]), normalise(right, rests[1]), only)


def _same_places(left: Bundle, right: Bundle) -> Mapping[str, bool]:
    """Tell which addresses name the same device on both sides, from the records that identify devices."""
    if left.is_text or right.is_text:
        return {}
    snapshots = [normalise(_identity(side)) for side in (left, right)]
    return {
        match.left: match.left == match.right
        for match in align(snapshots[0].devices, snapshots[1].devices)
        if match.left is not None
    }


def _identity(bundle: Bundle) -> Bundle:
    kept = tuple(record for record in bundle.records if record.kind in PARSERS and PARSERS[record.kind].identity)
    return replace(bundle, records=kept)


def compare(left: Snapshot, right: Snapshot, only: Filter = DEFAULT) -> Comparison:
    """Compare two snapshots by device and knob."""
    pasted = not (left.is_host and right.is_host)
    wanted = named((*left.devices, *right.devices), only.devices)
    matches = align(left.devices, right.devices, pasted, wanted)
    sides = (Side(left), Side(right))
    found: list[Difference] = []
    gaps: list[Gap] = []
    scope: list[Gap] = []
    renamed: list[Rename] = []
    for match in [*matches, Match(HOST, "host", HOST, HOST)]:
        if match.left is None or match.right is None:
            side = "right" if match.right is None else "left"
            if pasted:
                # Two texts should speak of the same devices; a text beside a host need not speak of all of its.
                silent = gaps if left.is_host == right.is_host else scope
                silent.append(Gap(match.id, "pci", side, ("device",), "the text does not speak of this device"))
            else:
                found.append(_lonely(match))
            continue
        found += _moved(match, sides)
        pair = Pair(match, sides[0], sides[1], pasted)
        found += pair.differences()
        gaps += pair.gaps
        scope += pair.scope
        renamed += pair.renamed
    chosen = chosen_ids(matches, wanted) if only.devices else None
    hidden_by = Counter(kind for row in found if (kind := only.hides(row, chosen)))
    return Comparison(
        left,
        right,
        tuple(matches),
        tuple(sorted((row for row in found if not only.hides(row, chosen)), key=order)),
        tuple(gap for gap in gaps if only.asks(gap.device, gap.plane, chosen)),
        tuple(gap for gap in scope if only.asks(gap.device, gap.plane, chosen)),
        judged=tuple(row for row in found if not only.ignores(row)),
        hidden=sum(hidden_by.values()),
        hidden_by=dict(sorted(hidden_by.items())),
        renamed=tuple(sorted(row for row in renamed if only.asks(row.device, row.plane, chosen))),
        symptoms=tuple(sorted(row for row in symptoms(found, left, right) if only.asks(row.device, row.plane, chosen))),
        notes=(*_keys(left, right), *doubles("left", left.devices), *doubles("right", right.devices)),
    )


def _keys(left: Snapshot, right: Snapshot) -> tuple[str, ...]:
    """Say that names and addresses of the two sides cannot be compared, because their tokens are of different keys."""
    keys = [side.source.redacted for side in (left, right)]
    if keys[0] == keys[1]:
        return ()
    words = " and the other ".join(f"with the key {key}" if key else "not at all" for key in keys)
    return (
        f"one side is redacted {words}: the same card has other names, addresses and serials on each, so these differ "
        "without being news, and devices are matched without them",
    )


def chosen_ids(matches: Sequence[Match], wanted: Sequence[str]) -> set[str]:
    """Return the ids of the devices that the reader chose, by the names that they have on either side."""
    return {match.id for match in matches if {match.left, match.right} & set(wanted)}


def order(row: Difference) -> tuple[str, str, str, str, int]:
    """Place a difference among others, as they are shown."""
    return (row.device, row.plane, row.name, row.cmode, FACETS.index(row.facet) if row.facet in FACETS else 99)


def _lonely(match: Match) -> Difference:
    """Say that a device is on one side only, once, instead of every setting that it had."""
    name = match.left or match.right or ""
    facet = Facet(name, name)
    left, right = (facet, None) if match.right is None else (None, facet)
    return Difference(match.id, "pci", "device", "", "current", match.match, "identity", left, right,
                      _severity("device"))  # fmt: skip


def _moved(match: Match, sides: tuple[Side, Side]) -> Iterator[Difference]:
    """Say that a card sits in another slot, or that a slot holds another card."""
    one, other = sides[0].devices.get(match.left or ""), sides[1].devices.get(match.right or "")
    if one is None or other is None or not (one.bdf and other.bdf):
        return
    name, values, note = "", ("", ""), ""
    if SWAPPED in match.match:
        known = [(getattr(one, word), getattr(other, word)) for word in ("serial", "asic", "board")]
        values = next((pair for pair in known if all(pair)), ("", ""))
        name, note = "card", "the card in this slot was swapped for another"
    elif slot(one) != slot(other) and not (len(one.bdf) != len(other.bdf) and one.bdf[-7:] == other.bdf[-7:]):
        name, values, note = "slot", (one.bdf, other.bdf), f"the same card by {match.match}, in another slot"
    if name:
        left, right = (Facet(value, value) for value in values)
        yield Difference(match.id, "pci", name, "", "current", "moved", "identity", left, right, _severity(name),
                         note=note)  # fmt: skip


def _severity(name: str) -> str:
    return severity("pci", name, "identity", "current", "unknown")
