"""Two sides against a common base: of each difference, the base's value and who moved.

The sides are compared with each other as ever; two further comparisons, of the base with each side, tell where a
difference comes from. What could not be read of the base is unknown, and so is who moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sosmlx.diff.align import named
from sosmlx.diff.compare import chosen_ids, compare, compare_bundles, order
from sosmlx.diff.result import DEFAULT, Comparison, Filter, Origin, Place, place
from sosmlx.diff.tables import alias
from sosmlx.model import Difference, Facet, Gap, Match, Snapshot, same_value
from sosmlx.record import HOST, Bundle

LEFT, RIGHT, CONFLICT, BOTH, UNKNOWN = "left", "right", "conflict", "both", "unknown"

NEW = "the base does not have this device"
OTHERWISE = "the base matches these devices in another way"


def compare_bundles_from(base: Bundle, left: Bundle, right: Bundle, only: Filter = DEFAULT) -> Comparison:
    """Compare two bundles with each other, and each with their common base."""
    to_left, to_right = (compare_bundles(base, side, _all(only)) for side in (left, right))
    return against(compare_bundles(left, right, only), to_left, to_right, only)


def compare_from(base: Snapshot, left: Snapshot, right: Snapshot, only: Filter = DEFAULT) -> Comparison:
    """Compare two snapshots with each other, and each with their common base."""
    to_left, to_right = (compare(base, side, _all(only)) for side in (left, right))
    return against(compare(left, right, only), to_left, to_right, only)


def _all(only: Filter) -> Filter:
    return Filter(everything=True, devices=only.devices)


def against(found: Comparison, to_left: Comparison, to_right: Comparison, only: Filter = DEFAULT) -> Comparison:
    """Add to a comparison what the comparisons of the base with each side tell."""
    legs = (_Leg(to_left), _Leg(to_right))
    matches = {match.id: match for match in [*found.matches, Match(HOST, "host", HOST, HOST)]}
    wanted = named((*found.left.devices, *found.right.devices), only.devices)
    chosen = chosen_ids(found.matches, wanted) if only.devices else None
    origins = {place(row): _origin(row, matches[row.device], legs) for row in found.differences}
    agreed = [row for row in _agreed(found, legs) if not only.hides(row, chosen)]
    gaps = [gap for gap in _gaps(found, legs) if only.asks(gap.device, gap.plane, chosen)]
    return replace(
        found,
        base=to_right.left,
        origins=origins,
        agreed=tuple(sorted(agreed, key=order)),
        base_gaps=tuple(dict.fromkeys(gaps)),
    )


def _key(row: Difference) -> Place:
    """Return what a difference is about, by its newest name: the three comparisons may call a knob by another."""
    newest = alias(row.plane, row.name)
    return (row.device, row.plane, newest.name if newest else row.name, row.cmode, row.facet)


class _Leg:
    """The comparison of the base with one side, at hand by device and place."""

    def __init__(self, found: Comparison) -> None:
        self.found = found
        self.rows = {_key(row): row for row in found.differences}
        self.base = {match.right: match.left for match in found.matches if match.right is not None}
        self.base[HOST] = HOST
        self.side = {match.left: match.right for match in found.matches if match.left is not None}
        self.ids = {match.left: match.id for match in found.matches if match.left is not None}
        self._gaps: dict[tuple[str, str], list[Gap]] = {}
        for gap in (*found.gaps, *found.scope):
            self._gaps.setdefault((gap.device, gap.plane), []).append(gap)

    def untold(self, device: str, row: Difference) -> str:
        """Say why the base and this side could not be compared in one place; empty where they could."""
        names = {row.name, _key(row)[2]}
        for gap in self._gaps.get((device, row.plane), ()):
            if gap.facet in ("", row.facet) and (not gap.names or names & set(gap.names)):
                side = "the base" if gap.side == LEFT else "one side"
                return f"{side}: {gap.reason}"
        return ""


def _origin(row: Difference, match: Match, legs: tuple[_Leg, _Leg]) -> Origin:
    if match.left is None or match.right is None:
        return _lonely(match, legs)
    bases = [leg.base.get(name) for leg, name in zip(legs, (match.left, match.right), strict=True)]
    if bases[0] is None or bases[0] != bases[1]:
        return Origin(UNKNOWN, reason=OTHERWISE if any(bases) else NEW)
    key = _key(row)
    one, other = (leg.rows.get((name, *key[1:])) for leg, name in zip(legs, (match.left, match.right), strict=True))
    seen = one or other
    base = seen.left if seen is not None else None
    if one is not None and other is not None:
        return Origin(CONFLICT, base)
    silent = (legs[0], match.left) if one is None else (legs[1], match.right)
    reason = silent[0].untold(silent[1], row) or ("" if seen else legs[1].untold(match.right, row))
    if reason or seen is None:
        return Origin(UNKNOWN, base, reason or "the values could not be told apart from the base's")
    return Origin(RIGHT if one is None else LEFT, base)


def _lonely(match: Match, legs: tuple[_Leg, _Leg]) -> Origin:
    """Tell whether a device that only one side has came there, or went from the other side."""
    here, there = (1, 0) if match.left is None else (0, 1)
    owner = legs[here].base.get(match.right or match.left or "")
    if owner is None:
        return Origin((LEFT, RIGHT)[here])
    if legs[there].side.get(owner) is not None:
        return Origin(UNKNOWN, reason=OTHERWISE)
    return Origin((LEFT, RIGHT)[there], Facet(owner, owner))


def _agreed(found: Comparison, legs: tuple[_Leg, _Leg]) -> Iterator[Difference]:
    """Yield what both sides changed alike, as differences between the base and the right side."""
    partners = {
        match.right: match.left for match in found.matches if match.left is not None and match.right is not None
    }
    partners[HOST] = HOST
    for key, row in legs[1].rows.items():
        device, rest = key[0], key[1:]
        if row.change == "removed" and row.name == "device":
            # Both lost it: neither side has a device that could be matched.
            other = legs[0].rows.get((legs[0].ids.get(_word(row.left), ""), *rest))
        else:
            other = legs[0].rows.get((partners.get(device) or "", *rest))
        if other is not None and other.change == row.change and _alike(other.right, row.right, row.name):
            yield row


def _word(facet: Facet | None) -> str:
    return str(facet.value) if facet is not None else ""


def _alike(one: Facet | None, other: Facet | None, name: str) -> bool:
    if one is None or other is None:
        return one is other
    return name == "device" or same_value(one, other)


def _gaps(found: Comparison, legs: tuple[_Leg, _Leg]) -> Iterator[Gap]:
    """Yield what the base could not tell, or a side of what the base tells, by the names that the diff uses."""
    for leg, side, ids in (
        (legs[0], LEFT, {match.left: match.id for match in found.matches}),
        (legs[1], RIGHT, {match.right: match.id for match in found.matches}),
    ):
        for gap in leg.found.gaps:
            told = "base" if gap.side == LEFT else side
            yield replace(gap, device=ids.get(gap.device, gap.device), side=told)
