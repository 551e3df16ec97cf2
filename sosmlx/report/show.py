"""What `show` shows of one snapshot, computed once; renderers only print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sosmlx.diff.digest import digests
from sosmlx.diff.symptoms import rising
from sosmlx.model import PLANES, SHOWN_CLASSES, Device, Setting, Snapshot, state
from sosmlx.policy.envelope import Judgement, judge
from sosmlx.printable import visible
from sosmlx.record import HOST
from sosmlx.report.cells import shown
from sosmlx.report.changes import symptom_words
from sosmlx.report.view import (
    CoverageView,
    Input,
    Row,
    claimed,
    coverage_view,
    evidence_rows,
    input_row,
    lines_not_understood,
    override_rows,
    pending_rows,
    source_name,
    waiting_words,
)

CAPABILITIES = "caps"
"""A thousand numbers that nobody configures: among other planes they are counted, alone they are printed."""


@dataclass(frozen=True)
class SettingRow:
    """One knob of a shown snapshot, with a cell per facet; `writer` is empty where nothing is stored."""

    name: str
    cells: tuple[str, ...]
    flags: str
    writer: str
    cls: str = ""


@dataclass(frozen=True)
class SettingGroup:
    """The knobs of one plane of one device; `folded` where they are counted, and printed only on request."""

    device: str
    plane: str
    facets: tuple[str, ...]
    rows: tuple[SettingRow, ...]
    digest: str
    folded: bool = False

    @property
    def folded_words(self) -> str:
        """Say what is not printed, and how to have it printed."""
        return f"{len(self.rows)} settings say what it can do; --plane {self.plane} prints them"

    @property
    def written(self) -> bool:
        """Whether a writer is known of any of them."""
        return any(row.writer for row in self.rows)


@dataclass(frozen=True)
class ShowView:
    """A snapshot, ready to print."""

    title: str
    status: str
    sentence: str
    devices: tuple[Device, ...]
    verdicts: Mapping[str, str]
    groups: tuple[SettingGroup, ...]
    pending: tuple[Row, ...]
    coverage: CoverageView
    evidence: tuple[Row, ...]
    inputs: tuple[Input, ...]
    unparsed: int
    hidden: int
    overrides: tuple[Row, ...] = ()
    symptoms: tuple[Row, ...] = ()

    @property
    def counts(self) -> str:
        """Count in a line what a reader must know of, who reads only the start."""
        return waiting_words(self.pending, self.overrides)


def _visible_device(device: Device) -> Device:
    """Make every word of a device harmless to show: all of them come from the bundle."""
    words = {name: visible(value) for name, value in vars(device).items() if isinstance(value, str)}
    lists = {name: tuple(map(visible, getattr(device, name))) for name in ("netdevs", "rdma", "channels")}
    return Device(**words, **lists)  # type: ignore[arg-type]


def show_view(snapshot: Snapshot, settings: Sequence[Setting], everything: bool = False) -> ShowView:
    """Compute what `show` prints of a snapshot; `settings` are those that the user asked for."""
    verdict: Judgement = judge(snapshot)
    marks = {(row["device"], row["plane"]): row["digest"] for row in digests(snapshot)}
    kept = [row for row in settings if everything or row.cls in SHOWN_CLASSES]
    many = not everything and len({row.plane for row in kept}) > 1
    groups = []
    for (device, plane), rows in groupby(
        sorted(kept, key=lambda row: (row.device == HOST, row.device, PLANES.index(row.plane), row.key)),
        key=lambda row: (row.device, row.plane),
    ):
        members = list(rows)
        names = [name for name in ("default", "current", "next", "running", "stored", "max")
                 if any(row.facet(name) for row in members)]  # fmt: skip
        lines = tuple(
            SettingRow(
                visible(f"{row.name} ({row.cmode})" if row.cmode in ("runtime", "driverinit") else row.name),
                tuple(shown(row.facet(name)) if row.facet(name) else "" for name in names),
                " ".join(flag for flag in state(row) if flag != "observed"),
                visible(claimed(row)),
                row.cls,
            )
            for row in members
        )
        mark = marks.get((device, plane), "")
        groups.append(SettingGroup(visible(device), plane, tuple(names), lines, mark, many and plane == CAPABILITIES))
    return ShowView(
        title=visible(source_name(snapshot)),
        status=verdict.host.status,
        sentence=visible(verdict.host.sentence),
        devices=tuple(_visible_device(device) for device in snapshot.devices),
        verdicts={name: visible(own.sentence) for name, own in verdict.devices.items()},
        groups=tuple(groups),
        pending=tuple(pending_rows(snapshot)),
        coverage=coverage_view([snapshot], [{}]),
        evidence=tuple(evidence_rows(snapshot)),
        inputs=(input_row("source", snapshot),),
        unparsed=lines_not_understood(snapshot),
        hidden=len(settings) - len(kept),
        overrides=tuple(override_rows(snapshot)),
        symptoms=tuple(Row(*words) for words in symptom_words(sorted(rising(snapshot)))),
    )
