"""The nouns of a policy as frozen values: which devices it selects, what it rules, what it waives, who wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple, Union

from sosmlx.model import Facet, Severity, Value

SCHEMA = "sosmlx.policy/1"
Kind = Literal["setting", "evidence", "fact"]
KINDS: tuple[Kind, ...] = ("setting", "evidence", "fact")
Scope = Literal["device", "host"]
SCOPES: tuple[Scope, ...] = ("device", "host")
Link = Literal["", "ethernet", "infiniband"]
LINKS: tuple[Link, ...] = ("ethernet", "infiniband")
ROLES: tuple[str, ...] = (
    "pf", "vf", "sf", "representor", "bridge", "ecpf", "dpu-host", "dpu-nic-mode", "vfio-owned", "mlx4", "other",
)  # fmt: skip
"""Roles of a function, as `sosmlx.model.Device.role` holds them."""


class Other(NamedTuple):
    """Another setting of the same device that a value is compared with."""

    plane: str
    name: str
    cmode: str = ""
    facet: str = ""


Operand = Union[Value, tuple[Value, ...], Other, Facet]
"""What a rule asks for: a value or several; another setting or, once it was looked up, its facet."""


@dataclass(frozen=True)
class Select:
    """Which devices are meant: every key that is not empty must match, one of a key's values is enough.

    `device` is the id of a device or its PCI address, `firmware` holds version conditions (`>=22.39,<22.44`); with
    `glob`, the other values are shell patterns.
    """

    device: tuple[str, ...] = ()
    bdf: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    psid: tuple[str, ...] = ()
    firmware: str = ""
    role: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    part_number: tuple[str, ...] = ()
    serial: tuple[str, ...] = ()
    board: tuple[str, ...] = ()
    asic: tuple[str, ...] = ()
    netdev: tuple[str, ...] = ()
    rdma: tuple[str, ...] = ()
    glob: bool = False
    where: str = ""


@dataclass(frozen=True)
class Condition:
    """What must hold of another setting for a rule to apply; with `glob`, of any setting whose name matches."""

    plane: str
    name: str
    operator: str
    operand: Operand
    cmode: str = ""
    facet: str = ""
    glob: bool = False
    scope: Scope = "device"
    where: str = ""


@dataclass(frozen=True)
class Rule:
    """One thing that must hold of a setting, of a fact or of the evidence.

    - `kind`: for `setting`, `name` is the setting's (a shell pattern only with `glob`) and `names` lists it, or
      several; for `evidence` it is the kind of the evidence, of which that below `least` does not count; for `fact` a
      fact of the device or, with `scope` `host`, of the host.
    - `cmode` and `facet`: empty stands for whichever mode the setting has, and for the facet natural to its plane.
    - `operator` is a name of `sosmlx.policy.operators.OPERATORS`, `operand` what it asks for, `against` the other
      facet or setting that a relation names, as it was written.
    - `select` (any of), `roles`, `link`, `channel` and `when` say to which functions the rule applies (empty: to all).
    - `rests_on`: record kinds without which nothing can be said. `uncollected`: why nothing collects this yet.
    - `verified` is false where no public source was seen for what the rule claims. `where` is FILE:LINE.
    """

    id: str
    plane: str = ""
    name: str = ""
    operator: str = "equals"
    operand: Operand = None
    facet: str = ""
    cmode: str = ""
    title: str = ""
    severity: Severity = "medium"
    advice: str = ""
    source: str = ""
    rationale: str = ""
    roles: tuple[str, ...] = ()
    scope: Scope = "device"
    link: Link = ""
    kind: Kind = "setting"
    against: str = ""
    glob: bool = False
    verified: bool = True
    where: str = ""
    names: tuple[str, ...] = ()
    when: tuple[Condition, ...] = ()
    rests_on: tuple[str, ...] = ()
    least: Severity = "info"
    channel: str = ""
    uncollected: str = ""
    select: tuple[Select, ...] = ()

    @property
    def other(self) -> Other | None:
        """The setting that a relation compares with, its empty parts taken from this rule; None for other rules."""
        if self.operator == "equals_facet":
            return Other(self.plane, self.name, self.cmode, self.against)
        return self.operand if isinstance(self.operand, Other) else None


@dataclass(frozen=True)
class Waiver:
    """A finding that somebody accepts for a time: which, where, why, who, from when, to the end of which day (UTC).

    `value` pins it: the waiver ends where the value is another one (None: any value). `many` says that several devices
    are meant; then `device` may be empty.
    """

    rule: str
    reason: str
    owner: str
    created: date
    expires: date
    device: Select = Select()
    value: Value = None
    many: bool = False
    where: str = ""


@dataclass(frozen=True)
class Policy:
    """A document of rules. `name` is what the user called it by, `path` its file (empty where it has none).

    `selects` is any-of (empty: every device). `digest` (SHA-256, hexadecimal) is of what it says, not of how that is
    written. `provenance` is what the document tells about its making.
    """

    name: str
    title: str = ""
    selects: tuple[Select, ...] = ()
    rules: tuple[Rule, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    path: str = ""
    digest: str = ""
    provenance: Mapping[str, object] = field(default_factory=dict)
