"""The verdict: whether this host is inside the support envelope, and how strong the picture is that says so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sosmlx.coverage import ONLY_DEVLINK
from sosmlx.model import Coverage, Device, Difference, Gap, Setting, Snapshot, Verdict
from sosmlx.policy import taint
from sosmlx.policy.device import DeviceSide, Taint
from sosmlx.record import HOST

ORDER = ("supported", "changed", "undetermined", "tainted")
"""Statuses from best to worst."""

RAW_MODULES = ("mst_pci", "mst_pciconf", "mstflint_access", "mlx5ctl")
"""Modules that give user space raw access to the device: untracked writes are possible while they are loaded."""

NEEDED = ("health", "firmware")
"""Planes of a device that the envelope's rules read."""

_STATES = ("no", "unread", "yes")
"""States of taint evidence; the last of those that several inputs have counts."""

_IN_SCOPE = ("pf", "ecpf", "dpu-host", "dpu-nic-mode", "vf")
_FWCTL_LINE = re.compile(r"fwctl (fwctl\d+): (.*?)(?:\(\d+\))?: has requested full access")


@dataclass(frozen=True)
class Judgement:
    """The host's verdict and each device's."""

    host: Verdict
    devices: Mapping[str, Verdict]


@dataclass(frozen=True)
class Baseline:
    """What a snapshot is compared with: where it differs, what could not be told, and the picture before."""

    differences: Sequence[Difference]
    gaps: Sequence[Gap]
    before: Snapshot


def judge(snapshot: Snapshot, baseline: Baseline | None = None) -> Judgement:
    """Judge a snapshot by the built-in envelope, and by its differences from a baseline where one was given.

    A text carries no taint evidence: it is judged by its differences alone.
    """
    changes = [row for row in baseline.differences if _counts(row)] if baseline else []
    gaps = list(baseline.gaps) if baseline else []
    if not snapshot.is_host:
        return _texts(snapshot, baseline, changes)
    scope, side = _scope(snapshot), _side(snapshot)
    strength, exposures = _strength(snapshot, side)
    found = _taint(snapshot)
    if baseline and found.state == "no":
        found = _after(baseline.before, snapshot)
    earlier = _side(baseline.before) if baseline and _same_host(baseline.before, snapshot) else None
    devices = {
        device.id: _device(device, (found, side.since(device, earlier)), snapshot, changes, gaps, strength)
        for device in scope
    }
    elsewhere = [row for row in changes if row.device not in devices]
    unread = any(gap.device not in devices for gap in gaps)
    own = _status(found.state, unread, len(elsewhere), len(devices))
    worst = max([own, *(verdict.status for verdict in devices.values())], key=ORDER.index)
    reasons = _reasons(found, changes, gaps, devices, own)
    sentence = _sentence(snapshot, worst, reasons, strength, exposures, baseline is not None)
    return Judgement(Verdict(worst, sentence, strength, tuple(reasons)), devices)


def _scope(snapshot: Snapshot) -> list[Device]:
    return [device for device in snapshot.devices if device.role in _IN_SCOPE]


def _side(snapshot: Snapshot) -> DeviceSide:
    return DeviceSide(snapshot, _scope(snapshot))


def _same_host(before: Snapshot, snapshot: Snapshot) -> bool:
    host = snapshot.source.host
    return before.is_host and bool(host) and before.source.host == host


def _counts(row: Difference) -> bool:
    """Whether a difference is one of the configuration: a knob, a firmware version, or the presence of a card."""
    return row.cls in ("config", "firmware") or (row.plane, row.name) in _PRESENCE


_PRESENCE = (("pci", "device"), ("pci", "card"), ("pci", "slot"))


def _after(before: Snapshot, snapshot: Snapshot) -> Taint:
    """Judge a clean word after a tainted one: a reboot clears the word, not what was written before it."""
    if not _same_host(before, snapshot) or _taint(before).state != "yes":
        return Taint("no", "")
    if before.host.get("boot-id") == snapshot.host.get("boot-id"):
        return Taint("unread", "the taint went away within one boot: one of the two is not what it says")
    return Taint("unread", "tainted before a reboot, which clears the word and not what was written")


def _device(
    device: Device,
    inputs: tuple[Taint, Taint],
    snapshot: Snapshot,
    changes: Sequence[Difference],
    gaps: Sequence[Gap],
    strength: str,
) -> Verdict:
    """Judge one function: the host's taint where it is nobody else's, what its firmware told, its own differences."""
    host, firmware = inputs
    mine = host if device.id in host.devices or not host.devices else Taint("no", "")
    told = firmware if device.fwctl else Taint("no", "")
    state = max(mine.state, told.state, key=_STATES.index)
    reasons = [found.words for found in (mine, told) if found.state != "no" and found.words]
    coverage = [row for row in snapshot.coverage if row.device == device.id]
    missing = [
        f"{row.plane} was not read completely: {row.reason or row.status}"
        for row in coverage
        if row.plane in NEEDED and _missing(row)
    ]
    missing += [f"{gap.plane} could not be compared: {gap.reason}" for gap in gaps if gap.device == device.id]
    reasons += list(dict.fromkeys(missing))
    sick = [row.text for row in snapshot.evidence if row.kind == "health" and row.subject == device.id]
    differing = [row for row in changes if row.device == device.id]
    status = _status(state, bool(missing), len(differing) + len(sick), 1)
    words = [*reasons, *sick, *([count_words(differing, "configuration ")] if differing else [])]
    sentence = f"{status}: {'; '.join(words)}" if words else status
    return Verdict(status, sentence, strength, (*reasons, *sick))


def _missing(row: Coverage) -> bool:
    return row.status in ("unknown", "partial")


def _status(tainted: str, missing: bool, changes: int, in_scope: int) -> str:
    if tainted == "yes":
        return "tainted"
    if tainted == "unread" or not in_scope or missing:
        return "undetermined"
    return "changed" if changes else "supported"


def _taint(snapshot: Snapshot) -> Taint:
    """Read the host-level evidence: taint word, per-module words and the kernel log are all needed to say no."""
    word = snapshot.host.get("taint")
    named = _attributed(snapshot) if isinstance(word, int) and word >> taint.FWCTL & 1 else Taint("no", "")
    if named.state == "yes":
        return named
    forced = [
        setting.name.partition(".")[0]
        for setting in snapshot.settings
        if setting.plane == "module" and setting.name.endswith(".taint") and _letters(setting) & {"F", "R"}
    ]
    if forced:
        return Taint("yes", f"module {', '.join(forced)} was forced")
    unread = [
        f"{row.plane} evidence was not read completely ({row.reason or row.status})"
        for row in snapshot.coverage
        if row.device == HOST and row.plane in ("kernel", "module") and _missing(row)
    ]
    if not isinstance(word, int):
        unread.insert(0, "the kernel's taint word was not read")
    return Taint("unread", "; ".join(unread)) if unread else named


def _letters(setting: Setting) -> set[str]:
    facet = setting.facet("current")
    return set(str(facet.value)) if facet is not None else set()


def _attributed(snapshot: Snapshot) -> Taint:
    """Name whom the kernel's one log line names; a process name is only as claimed.

    A line that names another fwctl device of this host says that ours was not the one; a line that names a device that
    nobody can see any more attributes nothing.
    """
    nodes = {device.fwctl: device for device in snapshot.devices if device.fwctl}
    others = {row.text for row in snapshot.evidence if row.kind == "fwctl.node"} - set(nodes)
    bit = f"fwctl taint (bit {taint.FWCTL})"
    state = Taint("yes", f"{bit}, unattributed: no log line names a device")
    for row in snapshot.evidence:
        match = _FWCTL_LINE.search(row.text) if row.kind == "log.fwctl-taint" else None
        if match is None:
            continue
        if match[1] in nodes:
            device = nodes[match[1]].id
            return Taint("yes", f"{bit}, attributed to {device} by {match[2]} (as claimed)", (device,))
        if match[1] in others:
            state = Taint("no", f"{bit}, another device named: {match[1]}")
        elif state.state == "yes":
            state = Taint("yes", f"{bit}, unattributed: {match[1]} is no device that can be seen here")
    return state


def _strength(snapshot: Snapshot, side: DeviceSide) -> tuple[str, list[str]]:
    """Judge how much could have happened unseen: lockdown against the channels that were open on this host."""
    exposures: list[str] = []
    loaded = {setting.name for setting in snapshot.settings if setting.plane == "module" and "." not in setting.name}
    exposures += [f"vendor access module {module} is loaded" for module in RAW_MODULES if module in loaded]
    owned = [device.id for device in snapshot.devices if device.role == "vfio-owned"]
    if owned:
        exposures.append(f"{', '.join(owned)} owned through VFIO")
    exposures += side.exposures()
    locked = snapshot.host.get("lockdown") in ("integrity", "confidentiality")
    if exposures:
        if not locked:
            exposures.append("lockdown is off" if "lockdown" in snapshot.host else "lockdown was not read")
        return "weak", exposures
    if locked:
        return "strong", []
    known = "lockdown" in snapshot.host
    return "moderate", ["lockdown is off: PCI resources can be written" if known else "lockdown was not read"]


def count_words(changes: Sequence[Difference], kind: str = "") -> str:
    """Say how many knobs differ, however many of their facets do."""
    knobs = len({(row.device, row.plane, row.name, row.cmode) for row in changes})
    return f"{knobs} {kind}setting{' differs' if knobs == 1 else 's differ'}"


def _reasons(
    found: Taint, changes: Sequence[Difference], gaps: Sequence[Gap], devices: Mapping[str, Verdict], own: str
) -> list[str]:
    """List why the verdict is what it is; a reason that several devices share is said once, with their names."""
    reasons = [found.words] if found.words else []
    if not devices:
        reasons.append("no adapter in scope")
    shared: dict[str, list[str]] = {}
    for name, verdict in devices.items():
        for reason in verdict.reasons:
            shared.setdefault(reason, []).append(name)
    for gap in gaps:
        if gap.device not in devices:
            shared.setdefault(f"{gap.plane} could not be compared: {gap.reason}", []).append(gap.device)
    reasons += [f"{reason} ({', '.join(names)})" for reason, names in shared.items() if reason != found.words]
    if changes:
        unsure = "undetermined" in (own, *(verdict.status for verdict in devices.values()))
        reasons.append(("at least " if unsure else "") + count_words(changes, "configuration "))
    return reasons


def _sentence(
    snapshot: Snapshot, status: str, reasons: Sequence[str], strength: str, exposures: Sequence[str], baseline: bool
) -> str:
    """Build the one sentence that every output shows."""
    host = snapshot.source.host or "this host"
    words = {
        "tainted": f"{host} was accessed outside the support envelope",
        "undetermined": f"whether {host} is inside the support envelope cannot be told",
        "changed": f"{host} is inside the support envelope, but its configuration changed",
        "supported": f"{host} is inside the support envelope",
    }[status]
    parts = [f"{status.upper()}: {words}"]
    parts += [f"{'; '.join(reasons)}"] if reasons else []
    sentence = " — ".join(parts)
    sentence += f". Strength {strength}" + (f": {', '.join(exposures)}" if exposures else "")
    if status == "supported" and not baseline:
        sentence += "; built-in policy only, nothing compared"
    return f"{sentence}; {_according(snapshot)}."


def _according(snapshot: Snapshot) -> str:
    """Say whose word all of this is."""
    source = snapshot.source
    if source.kind in ("sim", "tree"):
        return {"sim": "according to a simulation", "tree": "according to a copied tree"}[source.kind]
    what = "a bundle made" if source.kind == "bundle" else "what was read"
    by = f"by {source.maker} on that host" if source.maker else "by somebody whom it does not name"
    return f"according to {what} {by}"


def _texts(snapshot: Snapshot, baseline: Baseline | None, changes: Sequence[Difference]) -> Judgement:
    """Judge a text: taint is no input, and what it does not hold it cannot tell."""
    if baseline is None:
        sentence = "UNDETERMINED: a text alone carries no evidence about the host, and nothing was compared."
        return Judgement(Verdict("undetermined", sentence, "weak", ("nothing was compared",)), {})
    sides = (*snapshot.coverage, *baseline.before.coverage) if not baseline.before.is_host else snapshot.coverage
    if baseline.gaps or any(_missing(row) and row.reason != ONLY_DEVLINK for row in sides):
        counted = f"at least {count_words(changes)}; " if changes else ""
        status, words = "undetermined", f"{counted}one side is not complete"
    elif changes:
        status, words = "changed", count_words(changes, "configuration ")
    else:
        status, words = "supported", "no difference, as far as a text can tell"
    sentence = f"{status.upper()}: {words}. Strength weak: a text carries no evidence about the host."
    return Judgement(Verdict(status, sentence, "weak", (words,)), {})
