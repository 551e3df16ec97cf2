"""One side of a diff: its settings and coverage at hand by device, and how its reads ended."""

from __future__ import annotations

from collections.abc import Mapping

from sosmlx.model import Coverage, Device, Reading, Setting, Snapshot
from sosmlx.parsers.values import NOT_STORED

CATALOGUE = "nvconfig.catalogue"
"""Kind of an installed catalogue's rows: with them, more of a flash has names."""

Knob = tuple[str, str, str]
"""Plane, name and cmode: a setting's key within one device."""

FILES = (".attribute", ".link")
"""Kinds of one file: that such a file is not there is an answer; that a command gave none is not."""


FIRMWARE = ("register.", "fwctl.info")
"""Kinds that are read only where a fwctl device is: not to have asked says nothing."""

SLIGHT = ("devlink.param", "devlink.port-param")
"""Kinds that show a few fields of flash: what they do not show is not missing there."""


class Side:
    """One snapshot, its settings and coverage at hand by device."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.devices: dict[str, Device] = {device.id: device for device in snapshot.devices}
        self.settings: dict[str, dict[Knob, Setting]] = {}
        for setting in snapshot.settings:
            self.settings.setdefault(setting.device, {})[setting.key[1:]] = setting
        self.coverage: dict[tuple[str, str], Coverage] = {(row.device, row.plane): row for row in snapshot.coverage}
        self.kinds: dict[str, str] = {row.record: row.kind for row in snapshot.reads}
        self.unread: dict[tuple[str, str], Reading] = {}
        self.catalogued = any(row.kind == CATALOGUE and row.outcome == "collected" for row in snapshot.reads)
        self.asked = {(row.kind, row.subject.partition("/")[0]) for row in snapshot.reads}
        for row in snapshot.reads:
            answers = row.kind.endswith(FILES) or row.reason.startswith(NOT_STORED)
            if row.outcome != "collected" and not (row.outcome == "absent" and answers):
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
