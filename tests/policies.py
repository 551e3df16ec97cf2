"""Policies and small hosts for the tests of judging."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sosmlx.model import Coverage, Device, Evidence, Facet, Finding, Reading, Setting, Snapshot, SourceInfo
from sosmlx.policy.check import EVERYTHING, Only, check
from sosmlx.policy.rules import Policy, Rule, Waiver
from sosmlx.record import HOST

TODAY = date(2026, 6, 15)
CARD = "0000:3b:00.0"
PLANES = ("nvconfig", "devlink", "ethtool", "net", "rdma", "pci", "firmware", "health")


def setting(name: str, value: object = None, device: str = CARD, plane: str = "nvconfig", **more: Any) -> Setting:
    """Make a setting with one facet, or with those of `facets` (name → value or Facet)."""
    facets = more.pop("facets", None) or {"next" if plane == "nvconfig" else "current": value}
    rows = tuple((view, held if isinstance(held, Facet) else Facet(held, str(held))) for view, held in facets.items())
    cmode = "permanent" if plane == "nvconfig" else more.pop("cmode", "")
    return Setting(device, plane, name, cmode, rows, **more)  # type: ignore[arg-type]


def host(
    *settings: Setting,
    devices: Sequence[Device] = (Device(CARD, CARD, role="pf", psid="MT_1", running="22.43.1000"),),
    coverage: Sequence[Coverage] = (),
    evidence: Sequence[Evidence] = (),
    reads: Sequence[Reading] = (),
    facts: dict[str, Any] | None = None,
    kind: str = "bundle",
) -> Snapshot:
    """Make a snapshot of a host (or, with kind `text`, of a text) that was read completely but for `coverage`."""
    rows = {(device.id, plane): Coverage(device.id, plane, "complete") for device in devices for plane in PLANES}  # type: ignore[arg-type]
    rows |= {(HOST, plane): Coverage(HOST, plane, "complete") for plane in ("kernel", "module")}
    rows |= {(row.device, row.plane): row for row in coverage}
    if kind == "text":
        rows = {(row.device, row.plane): row for row in coverage}
        rows |= {(row.device, row.plane): Coverage(row.device, row.plane, "complete") for row in settings}
    facts = {"taint": 0, "lockdown": "integrity"} if facts is None else facts
    return Snapshot(
        SourceInfo(kind, "b", "n07"), facts, tuple(devices), settings, tuple(evidence), tuple(rows.values()),
        reads=tuple(reads),
    )  # fmt: skip


def rule(operator: str = "equals", operand: Any = None, name: str = "NUM_OF_VFS", **more: Any) -> Rule:
    """Make a rule of a flash parameter, unless `more` says otherwise."""
    more.setdefault("plane", "nvconfig")
    return Rule(more.pop("id", "r"), name=name, operator=operator, operand=operand, **more)


def policy(*rules: Rule, name: str = "site.toml", waivers: Sequence[Waiver] = (), **more: Any) -> Policy:
    return Policy(name, rules=rules, waivers=tuple(waivers), **more)


def findings(snapshot: Snapshot, *rules: Rule, only: Only = EVERYTHING, **more: Any) -> tuple[Finding, ...]:
    return check(snapshot, [policy(*rules, **more)], TODAY, only=only).findings


def brief(snapshot: Snapshot, *rules: Rule, **more: Any) -> list[tuple[str, str, str]]:
    """Say of each finding the device, the result, and what is there or why nobody can tell."""
    return [(row.device, row.result, row.reason or row.actual) for row in findings(snapshot, *rules, **more)]
