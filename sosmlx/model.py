"""The nouns of sosmlx as frozen values; `docs/glossary.md` defines each in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Union

from sosmlx.record import HOST as HOST
from sosmlx.record import Answer as Answer
from sosmlx.record import Bundle as Bundle
from sosmlx.record import Outcome as Outcome
from sosmlx.record import Record as Record

Plane = Literal[
    "nvconfig", "devlink", "ethtool", "net", "rdma", "dcb", "pci", "module", "register", "caps", "firmware", "health",
    "kernel",
]  # fmt: skip
PLANES: tuple[Plane, ...] = (
    "nvconfig", "devlink", "ethtool", "net", "rdma", "dcb", "pci", "module", "register", "caps", "firmware", "health",
    "kernel",
)  # fmt: skip

Cmode = Literal["", "runtime", "driverinit", "permanent"]
"""devlink's configuration modes (`enum devlink_param_cmode`); empty where a plane has none."""

SettingClass = Literal["config", "firmware", "identity", "capability", "evidence", "health", "counter", "volatile"]
SHOWN_CLASSES: tuple[SettingClass, ...] = ("config", "firmware", "identity", "capability", "evidence")
"""The classes that a diff shows by default; `--all` adds the rest."""

FACETS: tuple[str, ...] = ("default", "current", "next", "max", "running", "stored")
"""Facets in the order in which they are shown."""

Value = Union[bool, int, str, None, tuple[Union[bool, int, str, None], ...]]


class Facet(NamedTuple):
    """One view of a knob: its value, or the reason why there is none.

    `value` is typed, `label` the word of an enumerated field, `raw` the tool's own text, `writer` the claimed last
    writer of the flash item.
    """

    value: Value
    raw: str = ""
    label: str = ""
    reason: str = ""
    writer: str = ""


class Setting(NamedTuple):
    """One knob of one subject: one row, with facets as columns (in the order of `FACETS`).

    `shared` says what it belongs to where that is more than the function it was read from: `asic`, `port` or `host`.
    """

    device: str
    plane: Plane
    name: str
    cmode: Cmode
    facets: tuple[tuple[str, Facet], ...]
    cls: SettingClass = "config"
    record: str = ""
    shared: str = ""

    @property
    def key(self) -> Key:
        """What identifies the knob within a snapshot."""
        return (self.device, self.plane, self.name, self.cmode)

    def facet(self, name: str) -> Facet | None:
        """The facet of that name, or None where this source did not show it."""
        return next((facet for facet_name, facet in self.facets if facet_name == name), None)


Key = tuple[str, str, str, str]


class Fact(NamedTuple):
    """Something that identifies or describes a subject: `psid`, `netdev`, `firmware.running`, …."""

    subject: str
    name: str
    value: str


class Evidence(NamedTuple):
    """An observation for the reader or the verdict that is no setting."""

    kind: str
    subject: str
    text: str
    severity: str = "info"
    strength: str = "reported"
    record: str = ""


class Unparsed(NamedTuple):
    """An input line that no parser understood: kept and counted, never dropped."""

    line: int
    text: str
    record: str = ""


Item = Union[Setting, Fact, Evidence, Unparsed]
"""What a parser yields."""


@dataclass(frozen=True)
class Device:
    """One PCI function, or the device that a text speaks of."""

    id: str
    bdf: str = ""
    board: str = ""
    asic: str = ""
    role: str = "other"
    model: str = ""
    part_number: str = ""
    psid: str = ""
    serial: str = ""
    running: str = ""
    stored: str = ""
    netdevs: tuple[str, ...] = ()
    rdma: tuple[str, ...] = ()
    fwctl: str = ""
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Coverage:
    """How much of one plane of one device was read: `complete`, `partial`, `unknown` or `notapplicable`.

    `read` counts settings, `unknown` reads that gave nothing or not all. In a diff, `equal` counts the lines (of a
    text) or records (of a bundle) that were the same on both sides and were not taken apart.
    """

    device: str
    plane: Plane
    status: str
    read: int = 0
    unknown: int = 0
    reason: str = ""
    equal: int = 0


@dataclass(frozen=True)
class SourceInfo:
    """Where a snapshot came from; `maker` is who collected it there ("root", "uid N"), where that is known.

    `signed`: a signature is in the bundle, which nobody has checked yet.
    `redacted` is the id of the key whose tokens stand in the place of identities, empty where there are none.
    """

    kind: str
    path: str
    host: str = ""
    collected: str = ""
    label: str = ""
    maker: str = ""
    signed: bool = False
    redacted: str = ""


class Reading(NamedTuple):
    """How one read of a snapshot ended: what a setting that is not there may rest on."""

    record: str
    kind: str
    subject: str
    outcome: str
    reason: str = ""


class Rate(NamedTuple):
    """A counter that two reads of one collection found different: what it was, and how far apart they were read."""

    device: str
    plane: Plane
    name: str
    first: int
    second: int
    seconds: float


@dataclass(frozen=True)
class Snapshot:
    """All devices, settings and evidence of one host, normalised."""

    source: SourceInfo
    host: Mapping[str, Value]
    devices: tuple[Device, ...] = ()
    settings: tuple[Setting, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    unparsed: tuple[Unparsed, ...] = ()
    reads: tuple[Reading, ...] = ()
    rates: tuple[Rate, ...] = ()

    @property
    def is_host(self) -> bool:
        """Whether this is a picture of a whole host, so that taint evidence is part of it."""
        return self.source.kind not in ("text", "folder")


def state(setting: Setting) -> tuple[str, ...]:
    """Derive the flags of a setting: `set` (current ≠ default), `pending` (next ≠ current), `observed` (no defaults).

    >>> state(Setting("d", "nvconfig", "N", "permanent", (("current", Facet(1)), ("next", Facet(2)))))
    ('pending',)
    """
    default, current, coming = (setting.facet(name) for name in ("default", "current", "next"))
    flags = []
    if default and current and known(default) and known(current) and not same_value(default, current):
        flags.append("set")
    if current and coming and known(current) and known(coming) and not same_value(current, coming):
        flags.append("pending")
    if setting.plane != "nvconfig":
        flags.append("observed")
    return tuple(flags)


def known(facet: Facet) -> bool:
    """Whether there is a value, and not the reason for its absence."""
    return not facet.reason


def same_value(left: Facet, right: Facet) -> bool:
    """Whether two facets hold the same value, whichever tool printed it.

    A tool that prints only the word of an enumerated value agrees with one that prints word and number; `True` and 1
    are the same bit in flash. Two absent values agree where the tool's own text does.

    >>> same_value(Facet(2, "ETH(2)", "ETH"), Facet("ETH", "ETH", "ETH"))
    True
    """
    if left.reason or right.reason:
        return bool(left.reason and right.reason) and left.raw == right.raw
    if left.value == right.value:
        return True
    return bool(left.label) and left.label == right.label and (left.value == left.label or right.value == right.label)


@dataclass(frozen=True)
class Difference:
    """One key whose values are not equal in two snapshots; `left` or `right` is None where the facet is not there."""

    device: str
    plane: str
    name: str
    cmode: str
    facet: str
    change: str
    cls: str
    left: Facet | None = None
    right: Facet | None = None
    severity: str = "medium"
    cause: str = "unknown"
    note: str = ""


@dataclass(frozen=True)
class Match:
    """Two devices taken for the same one, and by which evidence; one side is None for an added or removed device."""

    id: str
    match: str
    left: str | None
    right: str | None


@dataclass(frozen=True)
class Gap:
    """What one side of a diff could not tell about settings that the other has: shown as unknown, never as removed."""

    device: str
    plane: str
    side: str
    names: tuple[str, ...]
    reason: str
    facet: str = ""


Result = Literal["pass", "fail", "unknown", "notapplicable", "notchecked", "error"]
"""What a rule says of a device: XCCDF 1.2 result words."""

Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")
"""Severities from the least on."""


@dataclass(frozen=True)
class Waived:
    """A waiver that matched a finding: its state (`active`, `expiring`, `expired`), and what it says."""

    state: str
    reason: str
    owner: str = ""
    created: str = ""
    expires: str = ""


@dataclass(frozen=True)
class Finding:
    """What one rule says of one device (or of the host).

    `reason` tells why there is no pass or fail; `policy` names the policy as the user did, `where` is FILE:LINE of the
    rule; `source` is where the rule itself comes from.
    """

    rule: str
    result: Result
    severity: Severity
    title: str
    advice: str = ""
    device: str = ""
    plane: str = ""
    name: str = ""
    facet: str = ""
    expected: str = ""
    actual: str = ""
    reason: str = ""
    policy: str = ""
    where: str = ""
    source: str = ""
    waived: Waived | None = None


@dataclass(frozen=True)
class Verdict:
    """`supported`, `changed`, `tainted` or `undetermined`, with the sentence that says so everywhere."""

    status: str
    sentence: str
    strength: str
    reasons: tuple[str, ...] = ()
