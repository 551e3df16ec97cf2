"""Two snapshots in, the differences out. `unknown` wins: what was not read is not evidence of a change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from sosmlx.diff.align import SWAPPED, align, named, slot
from sosmlx.diff.cancel import cancel
from sosmlx.model import (
    FACETS,
    SHOWN_CLASSES,
    Coverage,
    Device,
    Difference,
    Facet,
    Gap,
    Match,
    Reading,
    Setting,
    Snapshot,
    same_value,
)
from sosmlx.normalise import AMBIGUOUS, normalise
from sosmlx.parsers import PARSERS
from sosmlx.parsers.values import CONFLICT, NOT_SHOWN, NOT_STORED, UNREAD
from sosmlx.record import HOST, Bundle

Knob = tuple[str, str, str]
"""Plane, name and cmode: a setting's key within one device."""

SEVERITY: Mapping[str, str] = {
    "config": "medium", "firmware": "medium", "evidence": "high", "health": "medium", "identity": "low",
    "capability": "low", "counter": "info", "volatile": "info",
}  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """Everything that a diff found. `gaps` are unknown, `scope` is what was captured on one side only.

    `differences` are those that the reader asked for; `judged` are all that count for the verdict.
    """

    left: Snapshot
    right: Snapshot
    matches: tuple[Match, ...]
    differences: tuple[Difference, ...]
    gaps: tuple[Gap, ...]
    scope: tuple[Gap, ...]
    judged: tuple[Difference, ...] = ()
    hidden: int = 0


@dataclass(frozen=True)
class Filter:
    """What a reader wants to see of a comparison; everything else is counted as hidden.

    `devices` are words that name a device of either side, `ignore` are globs.
    """

    everything: bool = False
    planes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def shows(self, row: Difference, devices: set[str] | None) -> bool:
        """Whether a difference is shown; `devices` are the ids that the reader chose (None: all)."""
        return (
            (self.everything or row.cls in SHOWN_CLASSES)
            and (not self.planes or row.plane in self.planes)
            and (devices is None or row.device in devices)
            and not self.ignores(row)
        )

    def ignores(self, row: Difference) -> bool:
        """Whether the reader said that this difference does not count."""
        names = (row.name, f"{row.plane}/{row.name}", f"{row.device}/{row.plane}/{row.name}")
        return any(fnmatchcase(name, glob) for glob in self.ignore for name in names)


def compare_bundles(left: Bundle, right: Bundle, only: Filter = Filter()) -> Comparison:
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


def compare(left: Snapshot, right: Snapshot, only: Filter = Filter()) -> Comparison:
    """Compare two snapshots by device and knob."""
    pasted = not (left.is_host and right.is_host)
    wanted = named((*left.devices, *right.devices), only.devices)
    matches = align(left.devices, right.devices, pasted, wanted)
    sides = (_Side(left), _Side(right))
    found: list[Difference] = []
    gaps: list[Gap] = []
    scope: list[Gap] = []
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
        pair = _Pair(match, sides[0], sides[1], pasted)
        found += pair.differences()
        gaps += pair.gaps
        scope += pair.scope
    chosen = {match.id for match in matches if {match.left, match.right} & set(wanted)} if only.devices else None
    shown = sorted((row for row in found if only.shows(row, chosen)), key=_order)
    kept = [[gap for gap in rows if _asked(gap, only.planes, chosen)] for rows in (gaps, scope)]
    judged = [row for row in found if not only.ignores(row)]
    return Comparison(
        left, right, tuple(matches), tuple(shown), tuple(kept[0]), tuple(kept[1]), tuple(judged),
        hidden=len(found) - len(shown),
    )  # fmt: skip


def _asked(gap: Gap, planes: Sequence[str], devices: set[str] | None) -> bool:
    return (not planes or gap.plane in planes) and (devices is None or gap.device in devices)


def _order(row: Difference) -> tuple[str, str, str, str, int]:
    return (row.device, row.plane, row.name, row.cmode, FACETS.index(row.facet) if row.facet in FACETS else 99)


def _lonely(match: Match) -> Difference:
    """Say that a device is on one side only, once, instead of every setting that it had."""
    name = match.left or match.right or ""
    facet = Facet(name, name)
    left, right = (facet, None) if match.right is None else (None, facet)
    return Difference(match.id, "pci", "device", "", "current", match.match, "identity", left, right, "medium")


def _moved(match: Match, sides: tuple[_Side, _Side]) -> Iterator[Difference]:
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
        yield Difference(match.id, "pci", name, "", "current", "moved", "identity", left, right, "medium", note=note)


_FILES = (".attribute", ".link")
"""Kinds of one file: that such a file is not there is an answer; that a command gave none is not."""


_FIRMWARE = ("register.", "fwctl.info")
"""Kinds that are read only where a fwctl device is: not to have asked says nothing."""

_SLIGHT = ("devlink.param", "devlink.port-param")
"""Kinds that show a few fields of flash: what they do not show is not missing there."""


class _Side:
    """One snapshot, its settings and coverage at hand by device."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.devices: dict[str, Device] = {device.id: device for device in snapshot.devices}
        self.settings: dict[str, dict[Knob, Setting]] = {}
        for setting in snapshot.settings:
            self.settings.setdefault(setting.device, {})[setting.key[1:]] = setting
        self.coverage: dict[tuple[str, str], Coverage] = {(row.device, row.plane): row for row in snapshot.coverage}
        self.kinds: dict[str, str] = {row.record: row.kind for row in snapshot.reads}
        self.unread: dict[tuple[str, str], Reading] = {}
        self.asked = {(row.kind, row.subject.partition("/")[0]) for row in snapshot.reads}
        for row in snapshot.reads:
            if row.outcome != "collected" and not (row.outcome == "absent" and row.kind.endswith(_FILES)):
                self.unread[row.kind, row.subject.partition("/")[0]] = row

    def rows(self, name: str, beside_text: bool) -> dict[Knob, Setting]:
        """Return a device's settings by knob.

        A text tells of one function what the ASIC, its ports and the host have in common; a host's snapshot holds that
        with the first of the ASIC's functions, so that beside a text the others show it, too.
        """
        own = self.settings.get(name, {})
        device = self.devices.get(name)
        if not beside_text or device is None or not device.bdf:
            return own
        common: dict[Knob, Setting] = {}
        for other in self.devices.values():
            if other.id != name and other.bdf[:-2] == device.bdf[:-2]:
                rows = self.settings.get(other.id, {})
                common.update({knob: row for knob, row in rows.items() if row.shared})
        return {**common, **own}

    def readers(self, plane: str, rows: Mapping[Knob, Setting]) -> set[str]:
        """Return the kinds of the records that these settings of a plane come from."""
        return {self.kinds.get(row.record, "") for knob, row in rows.items() if knob[0] == plane}


class _Pair:
    """One device on both sides."""

    def __init__(self, match: Match, left: _Side, right: _Side, pasted: bool) -> None:
        self.id = match.id
        self.names = (match.left or "", match.right or "")
        self.sides = (left, right)
        self.pasted = pasted
        self.rows = tuple(side.rows(name, pasted) for side, name in zip(self.sides, self.names))
        self.gaps: list[Gap] = []
        self.scope: list[Gap] = []
        self.columns: dict[str, set[str]] = {}
        devices = [side.devices.get(name) for side, name in zip(self.sides, self.names)]
        self.firmware = [device.running if device else "" for device in devices]
        self.psid = [device.psid if device else "" for device in devices]

    def differences(self) -> Iterator[Difference]:
        """Yield what differs; fills `gaps` and `scope` with what one side could not tell."""
        missing: dict[tuple[int, str], list[Setting]] = {}
        self.columns = self._columns()
        for knob in {**self.rows[0], **self.rows[1]}:
            one, other = self.rows[0].get(knob), self.rows[1].get(knob)
            if one is not None and other is not None:
                yield from self._facets(one, other)
            else:
                side, setting = (1, one) if one is not None else (0, other)
                if setting is not None:
                    missing.setdefault((side, knob[0]), []).append(setting)
        for (side, plane), settings in sorted(missing.items()):
            told = settings if plane != "nvconfig" else self._told(side, settings)
            if told:
                yield from self._missing(side, plane, told)

    def _told(self, side: int, settings: Sequence[Setting]) -> list[Setting]:
        """Keep the flash parameters whose absence says something: two readers of flash do not know the same names.

        The vendor's tool hides what it thinks useless, and a catalogue of ours may not have all of what it shows.
        """
        readers = self.sides[side].readers("nvconfig", self.rows[side])
        others: dict[str, list[str]] = {}
        kept = []
        for setting in settings:
            kind = self.sides[1 - side].kinds.get(setting.record, "")
            if kind in readers or readers <= set(_SLIGHT):
                kept.append(setting)
            else:
                others.setdefault(kind, []).append(setting.name)
        known = "mlxconfig.query" in readers
        for kind, names in sorted(others.items()):
            reason = "the vendor's tool did not show it" if known else "not in the catalogue that was used there"
            if kind in _SLIGHT:
                reason = "only devlink calls it so"
            gap = Gap(self.id, "nvconfig", ("left", "right")[side], tuple(sorted(names)), reason)
            (self.scope if known or kind != "mlxconfig.query" else self.gaps).append(gap)
        return kept

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
            if kind.startswith(_FIRMWARE) and (kind, self.names[side]) not in self.sides[side].asked:
                silent.setdefault("the firmware was not asked there", []).append(setting.name)
                continue
            change = ("added", "removed")[side]
            for facet_name, facet in setting.facets:
                yield self._row(setting, facet_name, change, *((facet, None) if side else (None, facet)))
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
            if _untold(facet) or _untold(right):
                side = "left" if _untold(facet) else "right"
                reason = facet.reason or right.reason
                self.gaps.append(Gap(self.id, one.plane, side, (one.name,), reason, name))
                continue
            cause, note = self._cause(one, other, name)
            yield self._row(one, name, "changed", facet, right, cause, note or _inside(facet, right))

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

    def _cause(self, one: Setting, other: Setting, facet: str) -> tuple[str, str]:
        """Tell a changed default from a set value, where both sides read the factory view of one PSID."""
        if one.plane != "nvconfig":
            return "unknown", ""
        defaults = (one.facet("default"), other.facet("default"))
        if defaults[0] is None or defaults[1] is None:
            return "unknown", "no factory view on both sides"
        if not same_value(defaults[0], defaults[1]):
            moved = self.psid[0] == self.psid[1] and all(self.firmware) and self.firmware[0] != self.firmware[1]
            return ("moved with firmware" if moved else "unknown"), "the default differs"
        return "set", ""

    def _row(
        self, setting: Setting, facet: str, change: str, left: Facet | None, right: Facet | None,
        cause: str = "unknown", note: str = "",
    ) -> Difference:  # fmt: skip
        return Difference(
            self.id, setting.plane, setting.name, setting.cmode, facet, change, setting.cls, left, right,
            SEVERITY[setting.cls], cause, note,
        )  # fmt: skip


NO_VALUE = (CONFLICT, NOT_SHOWN, AMBIGUOUS, NOT_STORED)
"""Reasons that say that there is a value, and that this source does not tell which."""


def _untold(facet: Facet) -> bool:
    return facet.reason in NO_VALUE or facet.reason.startswith(UNREAD)


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
