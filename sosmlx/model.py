"""The nouns of sosmlx as frozen values; `docs/glossary.md` defines each in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, NamedTuple, Union

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

HOST = "host"
"""Subject of a read, and device of a setting, that belongs to the host as a whole."""

Value = Union[bool, int, str, None, tuple[Union[bool, int, str, None], ...]]


class Outcome(str, Enum):
    """How a read ended; everything but COLLECTED carries a reason."""

    COLLECTED = "collected"
    ABSENT = "absent"
    DENIED = "denied"
    UNSUPPORTED = "unsupported"
    TIMEOUT = "timeout"
    ABANDONED = "abandoned"
    FAILED = "failed"
    VANISHED = "vanished"
    TRUNCATED = "truncated"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Answer:
    """What a Source gave for one read: the bytes and how the read ended, nothing interpreted."""

    data: bytes = b""
    outcome: Outcome = Outcome.COLLECTED
    reason: str = ""
    rc: int | None = None
    signal: int | None = None
    pid: int | None = None
    stderr: bytes = b""
    tool: str = ""
    """Absolute path of the program that ran, empty for a file."""


@dataclass(frozen=True)
class Record:
    """The bytes that one read gave, what was read, about which subject, and its outcome.

    `subject` is "host", a full BDF, or "BDF/NAME" for a part of a function (a netdev, an RDMA device).
    Exactly one of `argv` and `path` is filled.
    """

    id: str
    kind: str
    collector: str
    subject: str
    answer: Answer
    argv: tuple[str, ...] = ()
    path: str = ""
    scope: str = "inspection"
    channel: str = "kernel"
    start: str = ""
    duration_ms: int = 0

    @property
    def data(self) -> bytes:
        """The raw bytes."""
        return self.answer.data

    @property
    def outcome(self) -> Outcome:
        """How the read ended."""
        return self.answer.outcome

    @property
    def has_bytes(self) -> bool:
        """Whether there is something to parse: a truncated answer still holds facts."""
        return self.answer.outcome in (Outcome.COLLECTED, Outcome.TRUNCATED)

    @property
    def function(self) -> str:
        """The device part of the subject: a BDF, or "host"."""
        return self.subject.partition("/")[0]

    @property
    def part(self) -> str:
        """The part of the function that was read (a netdev or RDMA device), or empty."""
        return self.subject.partition("/")[2]

    @property
    def name(self) -> str:
        """The last component of the path that was read, or the program's name."""
        return (self.path or (self.argv[0] if self.argv else "")).rpartition("/")[2]


@dataclass(frozen=True)
class Bundle:
    """The records of one host at one time, with what is known about their collection.

    `kind` is `bundle`, `live`, `sim`, `tree`, `text` or `folder`; the last two hold pasted texts, whose lines may carry
    a ticket's quoting. `faults` are damages found while reading, in words.
    """

    kind: str
    path: str
    records: tuple[Record, ...]
    host: str = ""
    collected: str = ""
    label: str = ""
    complete: bool = True
    delta: Mapping[str, object] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether the records are texts that somebody pasted, not reads of ours."""
        return self.kind in ("text", "folder")


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
    """One knob of one subject: one row, with facets as columns (in the order of `FACETS`)."""

    device: str
    plane: Plane
    name: str
    cmode: Cmode
    facets: tuple[tuple[str, Facet], ...]
    cls: SettingClass = "config"
    record: str = ""

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
    """Where a snapshot came from."""

    kind: str
    path: str
    host: str = ""
    collected: str = ""
    label: str = ""


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


@dataclass(frozen=True)
class Verdict:
    """`supported`, `changed`, `tainted` or `undetermined`, with the sentence that says so everywhere."""

    status: str
    sentence: str
    strength: str
    reasons: tuple[str, ...] = ()
