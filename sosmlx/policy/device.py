"""What the firmware itself tells about access outside the envelope: debug tokens, and what kind of firmware runs.

Registers MDSR and MGIR, as `sosmlx.parsers.firmware` reads them. Both speak of the ASIC, whichever function asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sosmlx.model import Device, Facet, Reading, Setting, Snapshot, known
from sosmlx.parsers.firmware import ACTIVE, CHALLENGED, INFO, MDSR, MGIR, PREFIX
from sosmlx.parsers.firmware_state import PRODUCTION

_KINDS = {
    "mgir.dev": "development firmware runs", "mgir.debug": "debug firmware runs",
    "mgir.development": "development firmware or a development device",
}  # fmt: skip
TOKEN_RULE, KIND_RULE = "debug-token", "fw-dev-debug"
"""The rules of `builtin:envelope` that say the same as an active token, and as firmware that is not for production."""

_SHOWN = 4
"""So many functions are named one by one."""


class Taint(NamedTuple):
    """Evidence of access outside the envelope: `yes`, `no` or `unread`, why, and for whom (empty: the whole host).

    `rules` names the rules of `builtin:envelope` that say the same: who waives all of them accepts the taint. `partial`
    says that beside it something was not read.
    """

    state: str
    words: str
    devices: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    partial: bool = False

    def of(self, device: str) -> Taint:
        """What this says of one function: a taint that was somebody else's is none of its own."""
        return self if not self.devices or device in self.devices else Taint("no", "")


class DeviceSide:
    """What the firmware of each function of a snapshot told, at hand by device."""

    def __init__(self, snapshot: Snapshot, scope: Sequence[Device]) -> None:
        self._scope = scope
        self._told: dict[str, dict[str, Setting]] = {}
        for setting in snapshot.settings:
            if setting.plane == "firmware" and setting.name.startswith((PREFIX, "mgir.")):
                self._told.setdefault(setting.device, {})[setting.name] = setting
        self._reads: dict[tuple[str, str], list[Reading]] = {}
        for row in snapshot.reads:
            if row.kind in (INFO, MGIR, MDSR):
                self._reads.setdefault((row.subject.partition("/")[0], row.kind), []).append(row)

    def taint(self, device: Device) -> Taint:
        """Judge one function that has a fwctl node. A virtual function runs the firmware of its ASIC's others."""
        own = self._own(device.id)
        if own.state != "unread" or device.role != "vf":
            return own
        others = (self._own(other.id) for other in self._scope if other.role != "vf" and _same_asic(device, other))
        return next((found for found in others if found.state != "unread"), own)

    def since(self, device: Device, before: DeviceSide | None) -> Taint:
        """Judge one function by what its firmware tells now and told before: what ended is not undone."""
        now = self.taint(device)
        if before is None or now.state != "no":
            return now
        known_then = [other for other in before._scope if (other.id, other.asic) == (device.id, device.asic)]
        then = before.taint(known_then[0]) if known_then else now
        if then.state != "yes":
            return now
        words = f"at the time of the baseline {then.words}; that it ended does not undo what was written"
        return Taint("unread", words, (device.id,))

    def exposures(self) -> list[str]:
        """Say of which functions the device side cannot be told at all: that caps the strength of a verdict."""
        nodes = [device for device in self._scope if device.fwctl]
        closed = [
            device.id
            for device in self._scope
            if not device.fwctl and not any(_same_asic(device, other) for other in nodes)
        ]
        mute = [device.id for device in nodes if self._has_no_tokens(device.id)]
        found = []
        if closed:
            of = "" if len(closed) == len(self._scope) else f" of {names(closed)}"
            found.append(f"debug tokens and firmware kind{of} were not read (no fwctl device)")
        if mute:
            found.append(f"debug tokens are not known to the firmware of {names(mute)}")
        return found

    def _own(self, name: str) -> Taint:
        told = self._told.get(name, {})
        active = [f"debug token {token} is active" for token, facet in _tokens(told) if facet.value == ACTIVE]
        kinds = [words for kind, words in _KINDS.items() if _is_set(told.get(kind))]
        asked = [
            f"a challenge for debug token {t} waits for its token" for t, f in _tokens(told) if f.value == CHALLENGED
        ]
        unread = [*asked, *self._kind_unread(name, told), *self._tokens_unread(name, told)]
        if active or kinds:
            rules = (*([TOKEN_RULE] if active else []), *([KIND_RULE] if kinds else []))
            return Taint("yes", "; ".join([*active, *kinds]), (name,), rules, bool(unread))
        return Taint("unread", "; ".join(unread), (name,)) if unread else Taint("no", "")

    def _kind_unread(self, name: str, told: dict[str, Setting]) -> Iterator[str]:
        """Say why it cannot be told which kind of firmware runs, where that is so."""
        if any(kind not in told for kind in PRODUCTION):
            yield f"the kind of firmware was not read: {self._why(name, MGIR)}"

    def _tokens_unread(self, name: str, told: dict[str, Setting]) -> Iterator[str]:
        """Say which token types could not be read; a type that this firmware does not know is none of them."""
        if self._has_no_tokens(name):
            return
        answered = {setting.record for setting in told.values()}
        rows = self._reads.get((name, MDSR), [])
        silent = [row for row in rows if row.record not in answered and row.outcome != "unsupported"]
        untold = [facet.reason for _, facet in _tokens(told) if not known(facet)]
        reasons = list(dict.fromkeys([*map(_outcome, silent), *untold]))
        count = len(silent) + len(untold)
        if not rows:
            yield f"debug tokens were not read: {self._why(name, MDSR)}"
        elif reasons:
            types = "debug tokens were" if count == len(rows) else f"{count} of {len(rows)} types of debug token were"
            yield f"{types} not read: {'; '.join(reasons)}"

    def _has_no_tokens(self, name: str) -> bool:
        """Whether the firmware knows none of the token types: there is no token that could be active."""
        rows = self._reads.get((name, MDSR), [])
        return bool(rows) and all(row.outcome == "unsupported" for row in rows)

    def _why(self, name: str, kind: str) -> str:
        """Say how the read ended, or that of the node which stood before it."""
        rows = self._reads.get((name, kind), [])
        if not rows:
            rows = [row for row in self._reads.get((name, INFO), []) if row.outcome != "collected"]
        return _outcome(rows[0]) if rows else "nothing asked for it"


def _tokens(told: dict[str, Setting]) -> Iterator[tuple[str, Facet]]:
    for name, setting in told.items():
        facet = setting.facet("current")
        if name.startswith(PREFIX) and facet is not None:
            yield name[len(PREFIX) :], facet


def _is_set(setting: Setting | None) -> bool:
    facet = setting.facet("current") if setting is not None else None
    return facet is not None and facet.value is True


def _same_asic(one: Device, other: Device) -> bool:
    return bool(one.asic) and one.asic == other.asic


def _outcome(row: Reading) -> str:
    if row.outcome in ("collected", "truncated"):
        return "the answer does not hold it"
    return f"{row.outcome} ({row.reason})" if row.reason else row.outcome


def names(devices: Sequence[str]) -> str:
    """Name a few functions one by one, and count the rest."""
    more = len(devices) - _SHOWN
    return ", ".join(devices[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
