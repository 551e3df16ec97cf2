"""Hosts and texts with adapters of several kinds, for tests of baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from hypothesis import strategies as st

from sosmlx.model import Coverage, Device, Facet, Finding, Setting, Snapshot, SourceInfo
from sosmlx.parsers.values import UNREAD, flash
from sosmlx.policy.check import check
from sosmlx.policy.rules import Policy, Rule, Select
from tests.snapshots import facets

DAY = date(2026, 11, 24)
PSID = "MT_0000000359"
FIRST, SECOND = "0000:3b:00.0", "0000:3b:00.1"


def device(name: str = FIRST, psid: str = PSID, role: str = "pf", **more: object) -> Device:
    bdf = name if name.startswith("0000:") else ""
    return replace(Device(id=name, bdf=bdf, psid=psid, role=role), **more)  # type: ignore[arg-type]


def knob(name: str, raw: str, of: str = FIRST, shared: str = "", **views: str) -> Setting:
    """Make a flash parameter: `raw` is what it will be after a reset."""
    found = {"next": raw, **views}
    order = [view for view in ("default", "current", "next") if view in found]
    values = tuple((view, flash(found[view])) for view in order)
    return Setting(of, "nvconfig", name, "permanent", values, shared=shared)


def row(plane: str, name: str, value: str, of: str = FIRST, cls: str = "config") -> Setting:
    return Setting(of, plane, name, "", (("current", flash(value)),), cls)  # type: ignore[arg-type]


def host(
    settings: Sequence[Setting],
    devices: Sequence[Device] = (device(),),
    name: str = "n07",
    unread: Sequence[tuple[str, str]] = (),
    kind: str = "bundle",
) -> Snapshot:
    """Make a host of which everything was read but the planes (of devices) that are named."""
    planes = {(found.device, found.plane) for found in settings} | {(found.id, "nvconfig") for found in devices}
    coverage = [
        Coverage(of, plane, *(("partial", 0, 0, "denied") if (of, plane) in unread else ("complete",)))  # type: ignore[arg-type]
        for of, plane in sorted({*planes, *unread})
    ]
    source = SourceInfo(kind, f"/bundles/{name}.tar", name if kind == "bundle" else "", "2026-11-24T10:00:00Z")
    facts = {"hostname": name} if kind == "bundle" else {}
    return Snapshot(source, facts, tuple(devices), tuple(settings), coverage=tuple(coverage))


def results(snapshot: Snapshot, policy: Policy) -> list[tuple[str, str, str]]:
    """List device, name and result of what a policy says of a snapshot, but for what passes."""
    found = check(snapshot, [policy], DAY).findings
    return [(finding.device, finding.name, finding.result) for finding in found if finding.result != "pass"]


def troubles(snapshot: Snapshot, policy: Policy) -> list[Finding]:
    """List the findings that a snapshot's own words do not excuse: failures, and unknowns of what it did read."""
    complete = {(found.device, found.plane) for found in snapshot.coverage if found.status == "complete"}
    by_psid = any(select.psid for select in policy.selects)
    named = {found.id for found in snapshot.devices if found.psid or not by_psid}
    unread = {
        (found.device, found.name, view) for found in snapshot.settings for view, facet in found.facets if facet.reason
    }
    return [
        finding
        for finding in check(snapshot, [policy], DAY).findings
        if finding.result in ("fail", "error")
        or (
            finding.result == "unknown"
            and (finding.device, finding.plane) in complete
            and finding.device in named
            and (finding.device, finding.name, finding.facet) not in unread
        )
    ]


def placeless(policy: Policy) -> Policy:
    """Forget where a policy was written, and what it is called."""
    return replace(
        policy, name="", path="", selects=tuple(map(_nowhere, policy.selects)), rules=tuple(map(_rule, policy.rules))
    )


def _rule(rule: Rule) -> Rule:
    return replace(rule, where="", select=tuple(map(_nowhere, rule.select)))


def _nowhere(select: Select) -> Select:
    return replace(select, where="")


_UNTOLD = st.just(Facet(None, "", reason=f"{UNREAD} status 3"))
_PLANES = st.sampled_from(
    [("nvconfig", "permanent"), ("ethtool", ""), ("devlink", "runtime"), ("devlink", "driverinit")]
)


@st.composite
def _settings(draw: st.DrawFn, of: str) -> dict[tuple[str, str, str, str], Setting]:
    found = {}
    for name in draw(st.lists(st.sampled_from(["A", "B", "C[1]", "d@e", "n07.x", "\n*"]), max_size=6)):
        plane, cmode = draw(_PLANES)
        views = draw(st.sampled_from([("next",), ("current", "next")])) if plane == "nvconfig" else ("current",)
        values = tuple((view, draw(st.one_of(facets(), facets(), facets(), _UNTOLD))) for view in views)
        cls = draw(st.sampled_from(["config", "config", "firmware", "counter"]))
        shared = draw(st.sampled_from(["", "asic"])) if plane == "nvconfig" else ""
        setting = Setting(of, plane, name, cmode, values, cls, shared=shared)  # type: ignore[arg-type]
        found[setting.key] = setting
    return found


@st.composite
def hosts(draw: st.DrawFn, kinds: Sequence[str] = ("bundle", "bundle", "text")) -> Snapshot:
    """Draw a host, or a text, with adapters of few kinds, of which not everything could be read."""
    kind = draw(st.sampled_from(kinds))
    ids = draw(st.lists(st.sampled_from([FIRST, SECOND, "0000:af:00.0", "0000:af:00.1"]), unique=True, max_size=4))
    devices, rows, coverage = [], [], []
    for name in ids:
        psid = draw(st.sampled_from([PSID, PSID, "MT_2", ""]))
        # A text tells nobody's role: whatever device it speaks of counts as a physical function.
        role = "pf" if kind == "text" else draw(st.sampled_from(["pf", "pf", "pf", "vf", "other"]))
        devices.append(device(name, psid, role, running=draw(st.sampled_from(["22.39", "22.43"]))))  # fmt: skip
        rows += list(draw(_settings(name)).values())
        for plane in ("nvconfig", "ethtool", "devlink"):
            status = draw(st.sampled_from(["complete", "complete", "complete", "partial"]))
            coverage.append(Coverage(name, plane, status, reason="" if status == "complete" else "denied"))
    rows += list(draw(_settings("host")).values()) if kind == "bundle" else []
    name = draw(st.sampled_from(["n07", "n08"]))
    source = SourceInfo(kind, f"{name}.tar", name if kind == "bundle" else "", draw(st.sampled_from(["", "2026"])))
    facts = {"hostname": name} if kind == "bundle" else {}
    return Snapshot(source, facts, tuple(devices), tuple(rows), (), tuple(coverage))
