"""How a collector is declared: reads as data, and pure functions that turn one answer into the next reads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from re import Pattern
from typing import Callable, NamedTuple, Union

from sosmlx.record import HOST, Access, Call, Record
from sosmlx.record import target as what
from sosmlx.sources.base import How

Expand = Callable[[Record], "Iterable[Read]"]
"""What one answer makes us read next. Called for every outcome; must be pure."""


class File(NamedTuple):
    """A path to read: a file's bytes, a link's target, or a folder's names.

    `pattern` is an answer that makes `expand` name its reads with placeholders, for `--plan`. A `probe` that leads to
    nothing leaves no record. `deadline` is in seconds.
    """

    kind: str
    path: str
    subject: str = HOST
    how: How = "bytes"
    expand: Expand | None = None
    pattern: bytes = b""
    probe: bool = False
    deadline: float = 5.0
    hazard: str = ""
    scope: str = "inspection"
    channel: str = "kernel"


class Command(NamedTuple):
    """A program to run, found in the fixed search list; `lines` keeps only the output lines that match.

    `rtnl` says that it holds the kernel's network lock for long: one such command at a time per host.
    """

    kind: str
    argv: tuple[str, ...]
    subject: str = HOST
    expand: Expand | None = None
    pattern: bytes = b""
    lines: Pattern[bytes] | None = None
    probe: bool = False
    deadline: float = 20.0
    hazard: str = ""
    scope: str = "inspection"
    channel: str = "kernel"
    rtnl: bool = False


class Refusal(NamedTuple):
    """A read that is not done, and why: it leaves a record with outcome `skipped`."""

    kind: str
    subject: str
    reason: str
    argv: tuple[str, ...]
    scope: str = "inspection"
    channel: str = "kernel"


class Node(NamedTuple):
    """A fwctl node that is asked who answers (FWCTL_INFO)."""

    kind: str
    node: str
    subject: str
    expand: Expand | None = None
    pattern: bytes = b""
    deadline: float = 10.0
    hazard: str = "opening allocates a firmware context, which closing frees"
    scope: str = "inspection"
    channel: str = "fwctl"
    probe: bool = False

    @property
    def path(self) -> str:
        """The device node."""
        return f"/dev/fwctl/{self.node}"


class Register(NamedTuple):
    """A firmware register to read through a fwctl node, at the inspection scope; one of the allow-list.

    A selector of -1 stands for a placeholder, in a plan.
    """

    kind: str
    access: Access
    subject: str
    expand: Expand | None = None
    pattern: bytes = b""
    deadline: float = 10.0
    hazard: str = ""
    scope: str = "inspection"
    channel: str = "fwctl"
    probe: bool = False


class Mailbox(NamedTuple):
    """A firmware command that asks, through a fwctl node at the inspection scope; one of the allow-list.

    A selector of -1 stands for a placeholder, in a plan.
    """

    kind: str
    call: Call
    subject: str
    expand: Expand | None = None
    pattern: bytes = b""
    deadline: float = 10.0
    hazard: str = ""
    scope: str = "inspection"
    channel: str = "fwctl"
    probe: bool = False


Question = Union[File, Command, Node, Register, Mailbox]
"""A read that is asked of a Source."""

Read = Union[Question, Refusal]


class Collector(NamedTuple):
    """A named set of reads. `tier`: 0 identity, 1 default, 2 extended, 3 heavy. `needs` is said, not enforced.

    `option` names the command-line option without which a collector of tier 3 is not run. With `sample=1` the reads
    that lead to no others are done once more, at least a second after they were done first, in a collector that stands
    before. With `after` they are done
    once those of all collectors before are.
    """

    name: str
    title: str
    reads: tuple[Read, ...]
    tier: int = 1
    needs: tuple[str, ...] = ()
    option: str = ""
    sample: int = 0
    after: bool = False


PLACEHOLDER = re.compile(r"\{\w+\}\Z")
_BDF = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]\Z")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,62}\Z")


def names(record: Record, kind: str = "name") -> Iterable[str]:
    """Return the names that a folder's answer lists and that are safe to use in a path or an argument.

    A name of the kernel is data from outside: only what looks like a BDF (`kind="bdf"`) or a plain name passes, or a
    placeholder of a plan.
    """
    allowed = _BDF if kind == "bdf" else _NAME
    found = record.data.decode("utf-8", "replace").split("\n") if record.has_bytes else []
    return [name for name in found if allowed.match(name) or PLACEHOLDER.match(name)]


Target = tuple[str, ...]
"""What a read reads: two reads of one target are one read."""


def target(read: Read) -> Target:
    """Tell what a read reads."""
    return what(*parts(read))


def is_last(read: Read) -> bool:
    """Tell whether a read leads to no others: such a one is what a second sample is of."""
    return not isinstance(read, Refusal) and read.expand is None


def parts(read: Read) -> tuple[tuple[str, ...], str, Access | None, Call | None]:
    """Take a read apart into what its record names: argv, path, register and command."""
    if isinstance(read, Register):
        return (), "", read.access, None
    if isinstance(read, Mailbox):
        return (), "", None, read.call
    if isinstance(read, (File, Node)):
        return (), read.path, None, None
    return read.argv, "", None, None


def device(read: Read) -> str:
    """Name the function that a read keeps busy, or the host: what belongs to one is read one after the other."""
    return read.subject.partition("/")[0]


def described(read: Read) -> str:
    """Say in words what a read reads: a register, a firmware command, a path or a command line."""
    words, path, register, mailbox = parts(read)
    return str(register or mailbox or path or " ".join(words))
