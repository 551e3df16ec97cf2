"""Small hosts for the verdict: a kernel, its modules and its log, and functions of which nothing else is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sosmlx.model import Coverage, Device, Evidence, Facet, Finding, Setting, Snapshot, SourceInfo, Value, Waived
from sosmlx.record import HOST

PF = Device("0000:3b:00.0", "0000:3b:00.0", role="pf", channels=("devlink",))
SECOND = Device("0000:af:00.0", "0000:af:00.0", role="pf", channels=("devlink",))
FWCTL_BIT = 1 << 19


def module(name: str, letters: str | None = "", view: str = "current", **facts: Value) -> list[Setting]:
    """A module that is loaded, its taint letters (None: not read), and other facts of it."""
    rows: list[tuple[str, str, Value]] = [(name, "current", "Live")]
    rows += [] if letters is None else [(f"{name}.taint", "current", letters)]
    rows += [(f"{name}.{fact}", view, value) for fact, value in facts.items()]
    return [Setting(HOST, "module", key, "", ((where, Facet(value, str(value))),)) for key, where, value in rows]


def used(node: str, who: str = "tool") -> Evidence:
    """The kernel's line on the first use of fwctl that taints."""
    text = f"[    9.000000] fwctl {node}: {who}(7): has requested full access to the physical device"
    return Evidence("log.fwctl-taint", HOST, text, "high")


def host(
    taint: int | None = 0,
    lockdown: str | None = "integrity",
    devices: Sequence[Device] = (PF,),
    settings: Iterable[Setting] = (),
    evidence: Iterable[Evidence] = (),
    boot: str | None = "boot-1",
    unread: Mapping[tuple[str, str], str] = {},
    name: str = "n07",
) -> Snapshot:
    """Make a host of which everything was read, but for the planes of `unread` (with the reason)."""
    facts = {"taint": taint, "lockdown": lockdown, "boot-id": boot}
    planes = [(device.id, plane) for device in devices for plane in ("firmware", "health")]
    cells = [*planes, (HOST, "kernel"), (HOST, "module")]
    return Snapshot(
        SourceInfo("bundle", "b", name, maker="root"),
        {key: value for key, value in facts.items() if value is not None},
        tuple(devices),
        tuple(settings),
        tuple(evidence),
        tuple(
            Coverage(of, plane, "unknown" if (of, plane) in unread else "complete", reason=unread.get((of, plane), ""))  # type: ignore[arg-type]
            for of, plane in cells
        ),
    )


def text() -> Snapshot:
    """Make a snapshot of a text, which tells of no host."""
    return Snapshot(SourceInfo("text", "q.txt"), {}, (PF,))


def finding(
    result: str, rule: str = "vfs", policy: str = "golden.toml", device: str = PF.id, *, waiver: str = "", **more: str
) -> Finding:
    """Make a finding; `waiver` is the state of the waiver that meets it."""
    waived = Waived(waiver, "accepted", "net-team", "2026-01-01", "2026-12-31") if waiver else None
    severity = more.pop("severity", "medium")
    return Finding(rule, result, severity, "", device=device, policy=policy, waived=waived, **more)  # type: ignore[arg-type]
