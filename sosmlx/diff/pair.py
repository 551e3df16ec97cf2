"""One device on both sides: which of its knobs differ, and what one side could not tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sosmlx.diff import cause
from sosmlx.diff.cause import Releases
from sosmlx.diff.flash import PLANES as FLASH_PLANES
from sosmlx.diff.flash import absent
from sosmlx.diff.result import Rename
from sosmlx.diff.side import FIRMWARE, Side
from sosmlx.diff.tables import alias, severity
from sosmlx.model import Difference, Facet, Gap, Match, Setting, same_value
from sosmlx.parsers.values import untold

_ROLELESS = ("", "other")
"""Roles that say only that the role was not seen."""


class Pair:
    """One device on both sides; `differences` fills `gaps`, `scope` and `renamed`."""

    def __init__(self, match: Match, left: Side, right: Side, pasted: bool) -> None:
        self.id = match.id
        self.names = (match.left or "", match.right or "")
        self.sides = (left, right)
        self.pasted = pasted
        self.rows = tuple(side.rows(name, pasted) for side, name in zip(self.sides, self.names))
        self.gaps: list[Gap] = []
        self.scope: list[Gap] = []
        self.renamed: list[Rename] = []
        self.columns: dict[str, set[str]] = {}
        self.devices = [side.devices.get(name) for side, name in zip(self.sides, self.names)]
        running, psid = ([getattr(device, word, "") for device in self.devices] for word in ("running", "psid"))
        self.releases = Releases((running[0], running[1]), (psid[0], psid[1]))

    def differences(self) -> Iterator[Difference]:
        """Yield what differs; fills `gaps` and `scope` with what one side could not tell."""
        missing: dict[tuple[int, str], list[Setting]] = {}
        self.columns = self._columns()
        yield from self._role()
        for knob in {**self.rows[0], **self.rows[1]}:
            one, other = self.rows[0].get(knob), self.rows[1].get(knob)
            if one is not None and other is not None:
                yield from self._facets(one, other)
            else:
                side, setting = (1, one) if one is not None else (0, other)
                if setting is not None:
                    missing.setdefault((side, knob[0]), []).append(setting)
        yield from self._renamed(missing)
        for (side, plane), settings in sorted(missing.items()):
            told = self._told(side, plane, settings) if plane in FLASH_PLANES else settings
            if told:
                yield from self._missing(side, plane, told)

    def _role(self) -> Iterator[Difference]:
        """Say that a function is something else now, where both sides saw what it is."""
        roles = [device.role if device else "" for device in self.devices]
        if self.pasted or roles[0] == roles[1] or any(role in _ROLELESS for role in roles):
            return
        for side, where in ((0, "left"), (1, "right")):
            row = self.sides[side].coverage.get((self.names[side], "pci"))
            if row is not None and row.status != "complete":
                self.gaps.append(Gap(self.id, "pci", where, ("role",), row.reason or row.status))
                return
        setting = Setting(self.id, "pci", "role", "", (), "identity")
        yield self._row(setting, "current", "changed", Facet(roles[0], roles[0]), Facet(roles[1], roles[1]))

    def _renamed(self, missing: Mapping[tuple[int, str], list[Setting]]) -> Iterator[Difference]:
        """Join knobs that have another name on each side; takes them out of what is missing."""
        for (side, plane), settings in missing.items():
            others = missing.get((0, plane), [])
            if side == 0 or not others:
                continue
            by_name = {(found.name, row.cmode): row for row in others if (found := alias(plane, row.name))}
            for one in list(settings):
                found = alias(plane, one.name)
                other = by_name.get((found.name, one.cmode)) if found else None
                if found is None or other is None:
                    continue
                settings.remove(one)
                others.remove(other)
                gaps = len(self.gaps)
                rows = list(self._facets(one._replace(name=found.name), other._replace(name=found.name)))
                words = f"renamed: {one.name} → {other.name}"
                yield from (replace(row, note="; ".join(filter(None, (words, row.note)))) for row in rows)
                if not rows and len(self.gaps) == gaps:
                    self.renamed.append(Rename(self.id, plane, one.name, other.name, found.source))

    def _told(self, side: int, plane: str, settings: Sequence[Setting]) -> list[Setting]:
        """Keep the settings whose absence says something; the others are a matter of scope, or unknown."""
        here, there = self.sides[side], self.sides[1 - side]
        names = [knob[1] for knob in self.rows[side] if knob[0] == plane]
        rows = absent(here, there, here.readers(plane, self.rows[side]), names, settings)
        untold: dict[tuple[str, bool], list[str]] = {}
        for row in rows:
            if not row.told:
                untold.setdefault((row.reason, row.known), []).append(row.setting.name)
        for (reason, known), left in sorted(untold.items()):
            gap = Gap(self.id, plane, ("left", "right")[side], tuple(sorted(left)), reason)
            (self.scope if known else self.gaps).append(gap)
        return [row.setting for row in rows if row.told]

    def _missing(self, side: int, plane: str, settings: Sequence[Setting]) -> Iterator[Difference]:
        """Judge knobs that one side does not have: its own word for it, or only its silence."""
        row = self.sides[side].coverage.get((self.names[side], plane))
        where = ("left", "right")[side]
        names = tuple(sorted(setting.name for setting in settings))
        if row is None or row.status == "notapplicable":
            self.scope.append(Gap(self.id, plane, where, names, "this plane was not captured there"))
        elif row.status == "unknown" and self.pasted:
            self.scope.append(Gap(self.id, plane, where, names, row.reason))
        elif row.status != "complete":
            self.gaps.append(Gap(self.id, plane, where, names, row.reason))
        else:
            yield from self._gone(side, settings)

    def _gone(self, side: int, settings: Sequence[Setting]) -> Iterator[Difference]:
        """Tell knobs that are gone from those whose own read gave nothing there, though the plane was read."""
        silent: dict[str, list[str]] = {}
        for setting in settings:
            kind = self.sides[1 - side].kinds.get(setting.record, "")
            read = self.sides[side].unread.get((kind, self.names[side]))
            if read is not None:
                silent.setdefault(f"{kind}: {read.outcome} ({read.reason})", []).append(setting.name)
                continue
            if kind.startswith(FIRMWARE) and (kind, self.names[side]) not in self.sides[side].asked:
                silent.setdefault("the firmware was not asked there", []).append(setting.name)
                continue
            change = ("added", "removed")[side]
            why, note = cause.lonely(setting, not side, self.releases)
            for facet_name, facet in setting.facets:
                left, right = (facet, None) if side else (None, facet)
                yield self._row(setting, facet_name, change, left, right, why, note)
        for reason, names in silent.items():
            self.gaps.append(Gap(self.id, settings[0].plane, ("left", "right")[side], tuple(sorted(names)), reason))

    def _facets(self, one: Setting, other: Setting) -> Iterator[Difference]:
        if one.facets == other.facets:
            return
        ones, others = dict(one.facets), dict(other.facets)
        for name in ones.keys() ^ others.keys():
            if name in self.columns.get(one.plane, ()):
                side = "right" if name in ones else "left"
                self.gaps.append(Gap(self.id, one.plane, side, (one.name,), "the tool gave no value", name))
        for name in (name for name in ones if name in others):
            facet, right = ones[name], others[name]
            if same_value(facet, right):
                continue
            if untold(facet) or untold(right):
                side = "left" if untold(facet) else "right"
                reason = facet.reason or right.reason
                self.gaps.append(Gap(self.id, one.plane, side, (one.name,), reason, name))
                continue
            why, note = cause.changed(one, other, name, self.releases)
            yield self._row(other, name, "changed", facet, right, why, note or _inside(facet, right))

    def _columns(self) -> dict[str, set[str]]:
        """Return the facets that both sides show, per plane; one that a side lacks altogether is a matter of scope."""
        shown: list[dict[str, set[str]]] = []
        for rows in self.rows:
            planes: dict[str, set[str]] = {}
            for setting in rows.values():
                planes.setdefault(setting.plane, set()).update(name for name, _ in setting.facets)
            shown.append(planes)
        for plane in sorted(set(shown[0]) & set(shown[1])):
            for side, where in ((0, "left"), (1, "right")):
                for facet in sorted(shown[1 - side][plane] - shown[side][plane]):
                    reason = f"the column {facet!r} is not there"
                    self.scope.append(Gap(self.id, plane, where, (), reason, facet))
        return {plane: shown[0][plane] & shown[1][plane] for plane in set(shown[0]) & set(shown[1])}

    def _row(
        self, setting: Setting, facet: str, change: str, left: Facet | None, right: Facet | None,
        why: str = cause.UNKNOWN, note: str = "",
    ) -> Difference:  # fmt: skip
        return Difference(
            self.id, setting.plane, setting.name, setting.cmode, facet, change, setting.cls, left, right,
            severity(setting.plane, setting.name, setting.cls, facet, why), why, note,
        )  # fmt: skip


def _inside(left: Facet, right: Facet) -> str:
    """Say where two lists differ; scalars need no words."""
    if not (isinstance(left.value, tuple) and isinstance(right.value, tuple)):
        return ""
    from deepdiff import DeepDiff  # imported late: most diffs hold no list

    found = DeepDiff(
        list(left.value), list(right.value), view="tree", threshold_to_diff_deeper=0, ignore_private_variables=False
    )
    places = sorted({str(level.path(output_format="list")) for levels in found.values() for level in levels})
    return f"elements {', '.join(places)}" if places else ""
