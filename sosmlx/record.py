"""What was read: answers, records and bundles. Nothing here knows what the bytes mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

HOST = "host"
"""Subject of a read, and device of a setting, that belongs to the host as a whole."""


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


class Access(NamedTuple):
    """One firmware register that is read: through which fwctl node, and with which selectors.

    The bytes of the request follow from these: `sosmlx.fwctl.allowed`.
    """

    node: str
    register: str
    fields: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        """Render as in plans and faults: `fwctl0 MNVDA type=0x80 access_mode=1`."""
        return " ".join([self.node, self.register, *(f"{name}={_shown(name, value)}" for name, value in self.fields)])


class Call(NamedTuple):
    """One firmware command that asks: through which fwctl node, and with which selectors.

    The bytes of the request follow from these: `sosmlx.fwctl.allowed`.
    """

    node: str
    command: str
    fields: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        """Render as in plans and faults: `fwctl0 QUERY_HCA_CAP cap_type=9 current=1`."""
        return str(Access(*self))


def _shown(name: str, value: int) -> str:
    if value == PATTERN:
        return f"{{{name}}}"
    return str(value) if value < 10 else hex(value)


PATTERN = -1
"""A selector that an answer decides: shown with its name, in plans."""


@dataclass(frozen=True)
class Record:
    """The bytes that one read gave, what was read, about which subject, and its outcome.

    `subject` is "host", a full BDF, or "BDF/NAME" for a part of a function (a netdev, an RDMA device).
    Exactly one of `argv`, `path`, `register` and `mailbox` is filled.
    """

    id: str
    kind: str
    collector: str
    subject: str
    answer: Answer
    argv: tuple[str, ...] = ()
    path: str = ""
    register: Access | None = None
    mailbox: Call | None = None
    scope: str = "inspection"
    channel: str = "kernel"
    start: str = ""
    duration_ms: int = 0
    sample: int = 0
    """0 for the first read of a target; 1 for the one that was done again, a second or more later."""

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
    def target(self) -> tuple[str, ...]:
        """What was read: two reads of one target are one read, unless one of them is a later sample."""
        return sampled(target(self.argv, self.path, self.register, self.mailbox), self.sample)

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


def target(argv: tuple[str, ...], path: str, register: Access | None, mailbox: Call | None = None) -> tuple[str, ...]:
    """Name what is read, in words.

    >>> target((), "", Access("fwctl0", "MGIR"))
    ('register', 'fwctl0 MGIR')
    """
    if register is not None:
        return ("register", str(register))
    if mailbox is not None:
        return ("mailbox", str(mailbox))
    return (path,) if path else ("run", *argv)


def sampled(what: tuple[str, ...], sample: int) -> tuple[str, ...]:
    """Name a later sample of a target: it is another read than the first."""
    return (*what, f"sample {sample}") if sample else what


@dataclass(frozen=True)
class Bundle:
    """The records of one host at one time, with what is known about their collection.

    `kind` is `bundle`, `live`, `sim`, `tree`, `text` or `folder`; the last two hold pasted texts, whose lines may carry
    a ticket's quoting. `faults` are damages found while reading, in words. `maker` says as whom the host was read, as
    the bundle claims: "root", "uid N", or empty where that is not known or was no host. `signed` says that a signature
    is inside, which nobody has checked yet. `redacted` is the id of the key whose tokens stand in the place of
    identities, empty where there are none.
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
    maker: str = ""
    signed: bool = False
    redacted: str = ""

    @property
    def is_text(self) -> bool:
        """Whether the records are texts that somebody pasted, not reads of ours."""
        return self.kind in ("text", "folder")


def maker(euid: object) -> str:
    """Say who an effective user id is; anything that is none gives an empty string.

    >>> maker(0), maker(1000), maker(-1), maker("0")
    ('root', 'uid 1000', '', '')
    """
    if not isinstance(euid, int) or isinstance(euid, bool) or euid < 0:
        return ""
    return f"uid {euid}" if euid else "root"
