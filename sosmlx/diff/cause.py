"""Why a flash parameter differs: the firmware moved it, or somebody set it; otherwise unknown, and why.

It can be told where both sides read the factory view of one PSID. A run-time setting has no factory view.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sosmlx.model import Difference, Facet, Setting, known, same_value

MOVED, INTRODUCED, GONE = "moved with firmware", "introduced with firmware", "gone with firmware"
SET, UNKNOWN = "set", "unknown"

WITH_FIRMWARE = (MOVED, INTRODUCED, GONE)
"""Causes that are nobody's doing but the firmware's."""

NO_VIEW = "no factory view on both sides"
OBSERVED = "a setting without a factory view"


class Releases(NamedTuple):
    """The running firmware and the PSID of one device on both sides; empty where they were not read."""

    firmware: tuple[str, str]
    psid: tuple[str, str]

    def untold(self) -> str:
        """Say why the firmware cannot be the known cause of a change; empty where it is."""
        if not all(self.psid):
            return "the PSID of one side is not known"
        if self.psid[0] != self.psid[1]:
            return f"the PSIDs differ: {self.psid[0]}, {self.psid[1]}"
        if not all(self.firmware):
            return "the firmware of one side is not known"
        return "the firmware is the same" if self.firmware[0] == self.firmware[1] else ""


def changed(one: Setting, other: Setting, facet: str, releases: Releases) -> tuple[str, str]:
    """Tell why one facet of a knob changed: the cause, and why it is not known or what else there is to say."""
    if one.plane != "nvconfig":
        return UNKNOWN, ""
    defaults = (one.facet("default"), other.facet("default"))
    if not (_told(defaults[0]) and _told(defaults[1])):
        return UNKNOWN, NO_VIEW
    values = (one.facet(facet), other.facet(facet))
    factory = [_same(value, default) for value, default in zip(values, defaults, strict=True)]
    if not all(factory):
        return SET, "back to the factory value" if factory[1] else ""
    why = releases.untold()
    return (UNKNOWN, f"the default differs, but {why}") if why else (MOVED, "the default differs")


def lonely(setting: Setting, added: bool, releases: Releases) -> tuple[str, str]:
    """Tell why one side has a knob that the other, which was read, has not."""
    if setting.plane != "nvconfig":
        return UNKNOWN, ""
    if not _told(setting.facet("default")):
        return UNKNOWN, NO_VIEW
    why = releases.untold()
    return (UNKNOWN, f"only one side has it, but {why}") if why else (INTRODUCED if added else GONE, "")


def _told(facet: Facet | None) -> bool:
    return facet is not None and known(facet)


def _same(one: Facet | None, other: Facet | None) -> bool:
    return one is not None and other is not None and same_value(one, other)


Spans = Mapping[str, tuple[str, str]]
"""Device → its running firmware on the left and on the right."""


@dataclass(frozen=True)
class Causes:
    """How many of the settings that differ have which cause; `firmware` counts by the step from one to another."""

    total: int
    firmware: Mapping[tuple[str, str], int]
    set: int
    unknown: Mapping[str, int]

    @property
    def words(self) -> str:
        """Say it in a sentence; empty where the firmware moved nothing, and every flash parameter was set.

        >>> Causes(214, {("28.39", "28.43"): 209}, 3, {"no factory view on both sides": 2}).words
        'of 214 settings that differ, 209 come from firmware 28.39 → 28.43, 3 were set, 2 of unknown cause (2 no factory view on both sides)'
        """  # noqa: E501
        if not self.firmware and set(self.unknown) <= {OBSERVED}:
            return ""
        parts = [
            f"{count} come{'s' if count == 1 else ''} from firmware {old} → {new}"
            for (old, new), count in sorted(self.firmware.items())
        ]
        parts += [f"{self.set} {'was' if self.set == 1 else 'were'} set"] if self.set else []
        if self.unknown:
            whys = "; ".join(f"{count} {why}" for why, count in sorted(self.unknown.items()))
            parts.append(f"{sum(self.unknown.values())} of unknown cause ({whys})")
        return f"of {self.total} setting{'s that differ' if self.total > 1 else ' that differs'}, {', '.join(parts)}"


def causes(rows: Iterable[Difference], spans: Spans) -> Causes:
    """Count settings by cause; one of which any facet was set was set, whatever its default did."""
    knobs: dict[tuple[str, str, str, str], list[Difference]] = {}
    for row in rows:
        knobs.setdefault((row.device, row.plane, row.name, row.cmode), []).append(row)
    firmware: dict[tuple[str, str], int] = {}
    unknown: dict[str, int] = {}
    was_set = 0
    for (device, plane, _, _), facets in knobs.items():
        found = {row.cause for row in facets}
        if SET in found:
            was_set += 1
        elif UNKNOWN in found:
            why = OBSERVED if plane != "nvconfig" else _why(facets)
            unknown[why] = unknown.get(why, 0) + 1
        else:
            span = spans.get(device, ("", ""))
            firmware[span] = firmware.get(span, 0) + 1
    return Causes(len(knobs), firmware, was_set, unknown)


def _why(facets: Iterable[Difference]) -> str:
    """Return why a cause is not known: the last part of the note, which may say before it that the knob was renamed."""
    return next(row.note.rpartition("; ")[2] for row in facets if row.cause == UNKNOWN)
