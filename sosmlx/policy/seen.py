"""What a snapshot shows of a knob that a rule asks for, and what it means where the knob is not there.

A missing knob is a fact only where everything that could have shown it was read: else nobody can tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from sosmlx.fwctl import catalogue
from sosmlx.model import Coverage, Device, Evidence, Plane, Reading, Setting, Snapshot
from sosmlx.parsers import PARSERS
from sosmlx.parsers.firmware import MDSR, MGIR, PREFIX
from sosmlx.parsers.spec import ELIDED
from sosmlx.parsers.sweeps import FAMILIES
from sosmlx.policy.knobs import rows
from sosmlx.record import HOST

GONE, UNREAD, NOT_HERE = "gone", "unread", "not here"
"""What a missing knob means: it is not there; nobody can tell; this device has no such plane."""

_FILES = (".attribute", ".link", "kernel.bonds")
"""Kinds of one file or folder: that it is not there is an answer; that a command gave none is not."""

_SWEEPS = frozenset(FAMILIES) - {"hwmon.values"}
"""Kinds of many files: the same, but for sensors, which a driver may have and not show."""

_FIRMWARE = ("register.", "fwctl.info")
"""Kinds that are read only where a fwctl device is: not to have asked says nothing."""

_VENDOR_QUERY = "mlxconfig.query"
"""The vendor's query leaves out what it thinks useless: that it does not show a name says nothing."""

_READERS: tuple[tuple[str, str, str], ...] = (
    ("firmware", f"{PREFIX}*", MDSR),
    ("firmware", "mgir.*", MGIR),
    ("firmware", "mfrl.*", "register.mfrl"),
    ("firmware", "component.*", "register.mcqi"),
    ("pci", "driver", "pci.link"),
    ("pci", "physfn", "pci.link"),
    ("pci", "iommu_group", "pci.link"),
    ("kernel", "bonds", "kernel.bonds"),
)
"""Plane, names and the kind of read that tells of them, where other reads of the plane do not."""

_INSTANCE = re.compile(r"(?:_P\d+)?(?:_M\d+)?(?:\[\d+\])?\Z")
"""What mlxconfig puts behind the name of a parameter that exists several times."""

_INFINIBAND_CLASS, _ETHERNET_CLASS = "0x0207", "0x0200"


class Missing(NamedTuple):
    """Why a knob is not there: `gone`, `unread` or `not here`, and the reason in words."""

    state: str
    reason: str


class Seen:
    """A snapshot at hand for rules: knobs, coverage, reads and evidence by device."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._pasted = not snapshot.is_host
        self._knobs: dict[tuple[str, str], dict[str, list[Setting]]] = {}
        for device, found in rows(snapshot).items():
            for setting in found.values():
                self._knobs.setdefault((device, setting.plane), {}).setdefault(setting.name, []).append(setting)
        self._coverage: dict[tuple[str, str], Coverage] = {(row.device, row.plane): row for row in snapshot.coverage}
        self._kinds = {row.record: row.kind for row in snapshot.reads}
        self._told = self._tellers(snapshot.settings)
        self._reads: dict[str, list[Reading]] = {}
        for row in snapshot.reads:
            self._reads.setdefault(_function(row.subject), []).append(row)
        self._evidence: dict[str, list[Evidence]] = {}
        for note in snapshot.evidence:
            self._evidence.setdefault(_function(note.subject), []).append(note)
        self._links = {device.id: self._link_of(device) for device in snapshot.devices}

    def _tellers(self, settings: Iterable[Setting]) -> dict[tuple[str, str], set[str]]:
        """Map plane and name to the kinds of read that showed it of some device."""
        found: dict[tuple[str, str], set[str]] = {}
        for setting in settings:
            kind = self._kinds.get(setting.record)
            if kind is not None:
                found.setdefault((setting.plane, setting.name), set()).add(kind)
        return found

    def settings(self, device: str, plane: str, name: str, cmode: str = "", glob: bool = False) -> list[Setting]:
        """List the settings of that name (a shell pattern with `glob`); an empty `cmode` is any."""
        named = self._knobs.get((device, plane), {})
        names = sorted(known for known in named if fnmatchcase(known, name)) if glob else [name]
        return [row for known in names for row in named.get(known, ()) if cmode in ("", row.cmode)]

    def evidence(self, device: str) -> Sequence[Evidence]:
        """List the evidence on a device and its parts."""
        return self._evidence.get(device, ())

    def reads(self, device: str) -> Sequence[Reading]:
        """List the reads of a device and its parts."""
        return self._reads.get(device, ())

    def link(self, device: str) -> str:
        """Say which kind of link a device has, `ethernet` or `infiniband`; empty where nothing tells."""
        return self._links.get(device, "")

    def unseen(self, device: str, plane: str) -> Missing | None:
        """Say why a plane of a device cannot be relied on; None where it was read completely."""
        row = self._coverage.get((device, plane))
        if row is None:
            words = f"this {self.snapshot.source.kind} holds nothing of {plane}" if self._pasted else "nothing read it"
            return Missing(UNREAD, words)
        if row.status == "notapplicable":
            return Missing(NOT_HERE, row.reason)
        if row.status != "complete":
            return Missing(UNREAD, row.reason or f"{plane} is {row.status}")
        return None

    def missing(self, device: str, plane: Plane, name: str) -> Missing:
        """Say what it means that a knob is not there."""
        unseen = self.unseen(device, plane)
        if unseen is not None and unseen.state == NOT_HERE:
            return unseen
        kinds = self._kinds_of(plane, name)
        silent = self._silent(device, kinds) or self._silence_of_plane(device, plane, kinds)
        if silent or unseen is not None:
            return Missing(UNREAD, silent or (unseen.reason if unseen else ""))
        if self._pasted:
            return Missing(UNREAD, "this text does not hold it")
        if any(note.kind == ELIDED for note in self.evidence(device)):
            return Missing(UNREAD, "rows were left out where it would stand")
        if plane == "nvconfig":
            reason = self._not_asked_of_flash(device, name)
            if reason:
                return Missing(UNREAD, reason)
        return Missing(GONE, "it is not there")

    def gap(self, device: str, plane: Plane, pattern: str) -> str:
        """Say why not all knobs whose name matches a pattern may be seen; empty where they are."""
        unseen = self.unseen(device, plane)
        if unseen is not None:
            return unseen.reason
        kinds = self._kinds_of(plane, pattern)
        return self._silent(device, kinds)

    def _kinds_of(self, plane: str, name: str) -> set[str]:
        """Name the kinds of read that would have shown a knob, as far as that is known."""
        for of, pattern, kind in _READERS:
            if plane == of and fnmatchcase(name, pattern):
                return {kind}
        return self._told.get((plane, name), set())

    def _silent(self, device: str, kinds: Iterable[str]) -> str:
        """Say which of the reads that would have shown a knob gave nothing, or was not made."""
        for kind in sorted(kinds):
            own = [row for row in self.reads(device) if row.kind == kind]
            if not own and kind.startswith(_FIRMWARE):
                return "the firmware was not asked"
            silent = [row for row in own if not _answers(row)]
            if silent:
                return outcome_words(silent[0])
        return ""

    def _silence_of_plane(self, device: str, plane: Plane, kinds: set[str]) -> str:
        """Where nobody knows which read would have shown a knob, any of its plane's that gave nothing may be it."""
        if kinds or plane == "nvconfig":
            return ""
        for row in (*self.reads(device), *(self.reads(HOST) if device != HOST else ())):
            parser = PARSERS.get(row.kind)
            if parser is not None and plane in parser.planes and not _answers(row):
                return outcome_words(row)
        return ""

    def _not_asked_of_flash(self, device: str, name: str) -> str:
        """Say why flash may hold a parameter that is not shown: no reader of flash knows all names."""
        shown = self._knobs.get((device, "nvconfig"), {})
        kinds = {self._kinds.get(row.record, "") for settings in shown.values() for row in settings}
        if _VENDOR_QUERY in kinds:
            return "the vendor's tool did not show it"
        if not _catalogued(name):
            return "it is not in the catalogue by which flash was read"
        return ""

    def _link_of(self, device: Device) -> str:
        layers = {
            str(facet.value).lower()
            for setting in self.settings(device.id, "rdma", "port*.link_layer", glob=True)
            if (facet := setting.facet("current")) is not None
        }
        if len(layers) == 1 and layers <= {"ethernet", "infiniband"}:
            return layers.pop()
        for setting in self.settings(device.id, "pci", "class"):
            facet = setting.facet("current")
            words = str(facet.value) if facet is not None else ""
            if words.startswith((_INFINIBAND_CLASS, _ETHERNET_CLASS)):
                return "infiniband" if words.startswith(_INFINIBAND_CLASS) else "ethernet"
        return ""


def outcome_words(row: Reading) -> str:
    """Say how a read ended."""
    return f"{row.kind}: {row.outcome}" + (f" ({row.reason})" if row.reason else "")


def _answers(row: Reading) -> bool:
    """Whether a read gave an answer; a file that is not there is one, and so is a register that the firmware lacks."""
    if row.outcome == "absent":
        return row.kind.endswith(_FILES) or row.kind in _SWEEPS
    return row.outcome == "collected" or (row.outcome == "unsupported" and row.kind.startswith("register."))


def _function(subject: str) -> str:
    return subject.partition("/")[0]


def _catalogued(name: str) -> bool:
    known = catalogue.builtin()
    for word in (name, _INSTANCE.sub("", name)):
        try:
            known.named(word)
        except KeyError:
            continue
        return True
    return False
