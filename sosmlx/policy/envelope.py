"""The verdict: whether this host is inside the support envelope, and how strong the picture is that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sosmlx.coverage import ONLY_DEVLINK
from sosmlx.model import Device, Evidence, Finding, Snapshot, Verdict
from sosmlx.policy.device import DeviceSide, Taint, names
from sosmlx.policy.kernel_side import host_taint, limits, missing, same_host
from sosmlx.policy.origin import origin
from sosmlx.policy.strength import WEAK, Strength, strength
from sosmlx.policy.tally import Baseline as Baseline
from sosmlx.policy.tally import Tally, compared, tallies, total
from sosmlx.policy.tally import count_words as count_words

ORDER = ("supported", "changed", "undetermined", "tainted")
"""Statuses from best to worst."""

NEEDED = ("health", "firmware")
"""Planes of a device that the envelope's rules read."""

NO_RULE = "no rule was evaluated"

_STATES = ("no", "unread", "yes")
"""States of taint evidence; the last of those that several inputs have counts."""

_IN_SCOPE = ("pf", "ecpf", "dpu-host", "dpu-nic-mode", "vf")


@dataclass(frozen=True)
class Judgement:
    """The host's verdict and each device's.

    `taints` is what makes it tainted, if it is. `determined` says whether everything that the verdict rests on was
    read: a tainted host may be that, too.
    """

    host: Verdict
    devices: Mapping[str, Verdict]
    taints: tuple[Taint, ...] = ()
    determined: bool = True


@dataclass(frozen=True)
class _Judged:
    """One function's verdict, what makes it tainted, whether all of it was read, and whether the host's rests on it."""

    verdict: Verdict
    taints: tuple[Taint, ...]
    determined: bool
    counts: bool


def decide(taint: str, unknown: int, evaluated: int, differing: int, in_scope: int = 1) -> str:
    """Find the status of a function or a host: the first line that fits.

    >>> decide("no", 0, 12, 0), decide("no", 1, 12, 3), decide("yes", 1, 0, 0)
    ('supported', 'undetermined', 'tainted')
    """
    if taint == "yes":
        return "tainted"
    if taint == "unread" or not evaluated or not in_scope:
        return "undetermined"
    if unknown:
        return "undetermined"
    return "changed" if differing else "supported"


def judge(snapshot: Snapshot, baseline: Baseline | None = None, findings: Sequence[Finding] | None = None) -> Judgement:
    """Judge a snapshot by what policies found (None: by the built-in envelope), and by its differences from a baseline.

    A text carries no taint evidence: it is judged by its findings and differences alone.
    """
    asked = tallies(baseline, findings)
    ruled = findings is not None
    if not snapshot.is_host:
        return _text(snapshot, baseline, total(asked.values(), ruled), compared(baseline, findings))
    scope = [device for device in snapshot.devices if device.role in _IN_SCOPE]
    before = baseline.before if baseline else None
    side = DeviceSide(snapshot, scope)
    picture = strength(snapshot, side.exposures(), limits(snapshot, before))
    kernel = host_taint(snapshot, before)
    earlier = _side(before) if before is not None and same_host(before, snapshot) else None
    nothing = Tally(ruled=ruled, stranger=ruled)
    judged = {}
    for device in scope:
        taints = (kernel.of(device.id), side.since(device, earlier) if device.fwctl else _NONE)
        judged[device.id] = _device(device, taints, snapshot, asked.get(device.id, nothing), picture.word)
    rest = {name: own for name, own in asked.items() if name not in judged}
    host = _Host(kernel, judged, rest, total(asked.values(), ruled))
    words = host.reasons()
    sentence = _sentence(snapshot, host, words, picture, compared(baseline, findings))
    devices = {name: own.verdict for name, own in judged.items()}
    verdict = Verdict(host.status(), sentence, picture.word, tuple(words))
    return Judgement(verdict, devices, host.taints(), host.determined())


_NONE = Taint("no", "")


def _side(snapshot: Snapshot) -> DeviceSide:
    return DeviceSide(snapshot, [device for device in snapshot.devices if device.role in _IN_SCOPE])


def _device(device: Device, taints: Sequence[Taint], snapshot: Snapshot, asked: Tally, strong: str) -> _Judged:
    """Judge one function: the host's taint where it is nobody else's, what its firmware told, what was asked of it."""
    state = max((taint.state for taint in taints), key=_STATES.index)
    reasons = [taint.words for taint in taints if taint.state != "no" and taint.words]
    gaps = [*([] if asked.ruled else _unread(device, snapshot)), *asked.missing()]
    sick = [] if asked.ruled else [row.text for row in snapshot.evidence if _is_sick(row, device)]
    status = decide(state, len(gaps), asked.rules, len(sick) + asked.differing)
    reasons += list(dict.fromkeys(gaps))
    reasons += [NO_RULE] if asked.stranger else []
    words = [*reasons, *sick, *asked.counted(), *asked.accepted()]
    words += [] if asked.asked or words else [NO_RULE]
    sentence = f"{status}: {'; '.join(words)}" if words else status
    verdict = Verdict(status, sentence, strong, (*reasons, *sick))
    sure = decide(_seen(taints), len(gaps), asked.rules, 0) == "supported"
    return _Judged(
        verdict, tuple(taint for taint in taints if taint.state == "yes"), sure, asked.asked or state != "no"
    )


def _is_sick(row: Evidence, device: Device) -> bool:
    return row.kind == "health" and row.subject == device.id


def _unread(device: Device, snapshot: Snapshot) -> list[str]:
    """Say which of the planes that the built-in envelope needs were not read completely."""
    return [
        f"{row.plane} was not read completely: {row.reason or row.status}"
        for row in snapshot.coverage
        if row.device == device.id and row.plane in NEEDED and missing(row)
    ]


def _seen(taints: Sequence[Taint]) -> str:
    """Tell whether all evidence of taint was read, whatever it says."""
    return "unread" if any(taint.state == "unread" or taint.partial for taint in taints) else "no"


class _Host(NamedTuple):
    """What the host's verdict rests on: its kernel, its functions, what was asked of anything else, and all of it."""

    kernel: Taint
    judged: Mapping[str, _Judged]
    rest: Mapping[str, Tally]
    whole: Tally

    def status(self) -> str:
        """Find the worst of the host's own and of those functions that were asked anything."""
        return max([self._own(), *self._statuses()], key=ORDER.index)

    def _own(self) -> str:
        missing = sum(len(own.missing()) for own in self.rest.values())
        differing = sum(own.differing for own in self.rest.values())
        return decide(self.kernel.state, missing, self.whole.rules, differing, len(self.judged))

    def _statuses(self) -> list[str]:
        return [own.verdict.status for own in self.judged.values() if own.counts]

    def taints(self) -> tuple[Taint, ...]:
        """List what makes the host tainted, each once."""
        own = [self.kernel] if self.kernel.state == "yes" else []
        return tuple(dict.fromkeys([*own, *(taint for row in self.judged.values() for taint in row.taints)]))

    def determined(self) -> bool:
        """Whether everything was read that the verdict rests on, whatever it says."""
        missing = sum(len(own.missing()) for own in self.rest.values())
        own = decide(_seen([self.kernel]), missing, self.whole.rules, 0, len(self.judged))
        return own == "supported" and all(row.determined for row in self.judged.values() if row.counts)

    def reasons(self) -> list[str]:
        """List why the verdict is what it is; a reason that several devices share is said once, with their names."""
        found = [self.kernel.words] if self.kernel.words else []
        found += [] if self.judged else ["no adapter in scope"]
        shared: dict[str, list[str]] = {}
        for name, verdict in ((name, own.verdict) for name, own in self.judged.items()):
            for reason in verdict.reasons:
                shared.setdefault(reason, []).append(name)
        for name, own in self.rest.items():
            for reason in own.missing():
                shared.setdefault(reason, []).append(name)
        found += [f"{reason} ({names(devices)})" for reason, devices in shared.items() if reason != self.kernel.words]
        found += [] if found or self.whole.rules else [NO_RULE]
        sure = self.determined()
        found += [words if sure else f"at least {words}" for words in self.whole.counted()]
        return found + self.whole.accepted()


def _sentence(snapshot: Snapshot, host: _Host, reasons: Sequence[str], picture: Strength, baseline: bool) -> str:
    """Build the one sentence that every output shows."""
    name = snapshot.source.host or "this host"
    status, whole = host.status(), host.whole
    asked = "is not what was asked for" if whole.failing and not whole.differences else "changed"
    words = {
        "tainted": f"{name} was accessed outside the support envelope",
        "undetermined": f"whether {name} is inside the support envelope cannot be told",
        "changed": f"{name} is inside the support envelope, but its configuration {asked}",
        "supported": f"{name} is inside the support envelope",
    }[status]
    why = f" — {'; '.join(reasons)}" if reasons else ""
    tail = [f"Strength {picture}", f"drivers: {origin(snapshot).words}"]
    tail.append(f"not visible from a host: {', '.join(picture.unseen)}")
    tail += [_ONLY_BUILTIN] if status == "supported" and not baseline else []
    return f"{status.upper()}: {words}{why}. {'; '.join([*tail, _according(snapshot)])}."


_ONLY_BUILTIN = "built-in policy only, nothing compared"


def _according(snapshot: Snapshot) -> str:
    """Say whose word all of this is."""
    source = snapshot.source
    if source.kind in ("sim", "tree"):
        return {"sim": "according to a simulation", "tree": "according to a copied tree"}[source.kind]
    what = "a bundle made" if source.kind == "bundle" else "what was read"
    by = f"by {source.maker} on that host" if source.maker else "by somebody whom it does not name"
    if source.kind != "bundle":
        return f"according to {what} {by}"
    signed = "with a signature that was not checked here (`sosmlx verify`)" if source.signed else "unsigned"
    return f"according to {what} {by}, {signed}"


def _text(snapshot: Snapshot, baseline: Baseline | None, whole: Tally, beside: bool) -> Judgement:
    """Judge a text: taint is no input, and what it does not hold it cannot tell."""
    if baseline is None and not whole.ruled:
        sentence = "UNDETERMINED: a text alone carries no evidence about the host, and nothing was compared."
        return Judgement(Verdict("undetermined", sentence, WEAK, ("nothing was compared",)), {}, determined=False)
    gaps = whole.missing() if whole.ruled else []
    if baseline is not None and _incomplete(snapshot, baseline):
        gaps = [*gaps, "one side is not complete"]
    status = decide("no", len(gaps), 1 if baseline else whole.evaluated, whole.differing)
    held = max(whole.evaluated - whole.waived, 0)
    met = f"{held} rule{' is' if held == 1 else 's are'} met" if whole.ruled else "no difference"
    words = {
        "undetermined": [*(f"at least {row}" for row in whole.counted()), *(gaps or [NO_RULE])],
        "changed": whole.counted(),
        "supported": [f"{met}, as far as a text can tell"],
    }[status] + whole.accepted()
    reason = "; ".join(words)
    only = f"; {_ONLY_BUILTIN}" if status == "supported" and not beside else ""
    sentence = f"{status.upper()}: {reason}. Strength weak: a text carries no evidence about the host{only}."
    return Judgement(Verdict(status, sentence, WEAK, (reason,)), {}, determined=status != "undetermined")


def _incomplete(snapshot: Snapshot, baseline: Baseline) -> bool:
    """Whether one side of a comparison of texts does not hold all that it should."""
    sides = (*snapshot.coverage, *baseline.before.coverage) if not baseline.before.is_host else snapshot.coverage
    return bool(baseline.gaps) or any(missing(row) and row.reason != ONLY_DEVLINK for row in sides)
