"""What a diff finds, and what a reader wants to see of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from sosmlx.diff.cause import Causes, Spans, causes
from sosmlx.model import SHOWN_CLASSES, Difference, Facet, Gap, Match, Snapshot

Place = tuple[str, str, str, str, str]
"""Device, plane, name, cmode and facet: what a difference is about."""


def place(row: Difference) -> Place:
    """Return what a difference is about, without its values."""
    return (row.device, row.plane, row.name, row.cmode, row.facet)


class Rename(NamedTuple):
    """One knob that has another name on each side, and equal values: no difference."""

    device: str
    plane: str
    left: str
    right: str
    source: str


class Symptom(NamedTuple):
    """A counter that rose between the two sides, and what that says; `note` tells of a restart in between."""

    device: str
    plane: str
    name: str
    left: int
    right: int
    increase: int
    meaning: str
    note: str = ""


class Origin(NamedTuple):
    """Where a difference comes from, seen from a common base.

    `moved` is `left`, `right`, `conflict` (both, to different values), `both` (to the same) or `unknown`, see `reason`.
    """

    moved: str
    base: Facet | None = None
    reason: str = ""


@dataclass(frozen=True)
class Comparison:
    """Everything that a diff found. `gaps` are unknown, `scope` is what was captured on one side only.

    `differences` are those that the reader asked for; `judged` are all that count for the verdict; `hidden_by` counts
    by kind those that are not shown. With a `base`, `origins` says of each difference who moved, `agreed` is what both
    sides changed alike, and `base_gaps` what could not be told about the base.
    """

    left: Snapshot
    right: Snapshot
    matches: tuple[Match, ...]
    differences: tuple[Difference, ...]
    gaps: tuple[Gap, ...]
    scope: tuple[Gap, ...]
    judged: tuple[Difference, ...] = ()
    hidden: int = 0
    hidden_by: Mapping[str, int] = field(default_factory=dict)
    renamed: tuple[Rename, ...] = ()
    symptoms: tuple[Symptom, ...] = ()
    notes: tuple[str, ...] = ()
    base: Snapshot | None = None
    origins: Mapping[Place, Origin] = field(default_factory=dict)
    agreed: tuple[Difference, ...] = ()
    base_gaps: tuple[Gap, ...] = ()

    @property
    def causes(self) -> Causes:
        """Count the shown differences by their cause."""
        return causes(self.differences, self.spans)

    @property
    def spans(self) -> Spans:
        """Return the running firmware of each device on the left and on the right."""
        sides = [{device.id: device.running for device in side.devices} for side in (self.left, self.right)]
        return {
            match.id: (sides[0].get(match.left or "", ""), sides[1].get(match.right or "", ""))
            for match in self.matches
        }

    def origin(self, row: Difference) -> Origin | None:
        """Say where a difference comes from; None where there is no base."""
        return self.origins.get(place(row))


@dataclass(frozen=True)
class Filter:
    """What a reader wants to see of a comparison; everything else is counted as hidden.

    `devices` are words that name a device of either side, `ignore` are globs.
    """

    everything: bool = False
    planes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def hides(self, row: Difference, devices: set[str] | None) -> str:
        """Say by which kind a difference is hidden, or nothing; `devices` are the ids that were chosen (None: all)."""
        if self.ignores(row):
            return "ignored"
        if self.planes and row.plane not in self.planes:
            return "other planes"
        if devices is not None and row.device not in devices:
            return "other devices"
        return "" if self.everything or row.cls in SHOWN_CLASSES else row.cls

    def asks(self, device: str, plane: str, devices: set[str] | None) -> bool:
        """Whether the reader asked for this plane of this device."""
        return (not self.planes or plane in self.planes) and (devices is None or device in devices)

    def ignores(self, row: Difference) -> bool:
        """Whether the reader said that this difference does not count."""
        names = (row.name, f"{row.plane}/{row.name}", f"{row.device}/{row.plane}/{row.name}")
        return any(fnmatchcase(name, glob) for glob in self.ignore for name in names)


DEFAULT = Filter()
"""What a reader sees who asked for nothing special."""
