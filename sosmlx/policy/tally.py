"""What was asked of each function, and what came of it: differences, findings, and what could not be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sosmlx.model import Difference, Finding, Gap, Snapshot
from sosmlx.policy.waivers import IN_FORCE
from sosmlx.record import HOST

ENVELOPE = "builtin:envelope"

INPUTS = frozenset((
    "taint-fwctl", "taint-forced", "raw-channel", "pf-not-vfio", "module-forced", "debug-token", "debug-token-asked",
    "fw-dev-debug", "fw-unsecured", "lockdown",
))  # fmt: skip
"""Rules of `builtin:envelope` that put into findings what taint and strength judge anyway: they count once."""

_BUILTIN = "builtin:"
_SHOWN = 4
"""So many rules are named one by one."""

_PRESENCE = (("pci", "device"), ("pci", "card"), ("pci", "slot"))


@dataclass(frozen=True)
class Baseline:
    """What a snapshot is compared with: where it differs, what could not be told, and the picture before."""

    differences: Sequence[Difference]
    gaps: Sequence[Gap]
    before: Snapshot


@dataclass(frozen=True)
class Tally:
    """What was asked of one function (or of the rest of the host), and what came of it.

    `failing` are findings that nobody waived, `evaluated` counts rules that passed or failed. `ruled` says that rules
    were put to it at all; without them the built-in envelope judges. `stranger` says that none was meant for it.
    """

    differences: tuple[Difference, ...] = ()
    gaps: tuple[Gap, ...] = ()
    failing: tuple[Finding, ...] = ()
    unknown: tuple[Finding, ...] = ()
    waived: int = 0
    evaluated: int = 0
    ruled: bool = False
    stranger: bool = False

    @property
    def asked(self) -> bool:
        """Whether anything was asked that could have been answered."""
        return not self.ruled or bool(self.evaluated or self.unknown or self.differences or self.gaps)

    @property
    def rules(self) -> int:
        """How many rules were evaluated; without policies, those of the built-in envelope count as one."""
        return self.evaluated if self.ruled else 1

    @property
    def differing(self) -> bool:
        """Whether anything is not as it should be."""
        return bool(self.differences or self.failing)

    def missing(self) -> list[str]:
        """Say what could not be compared or evaluated, and why."""
        words = [f"{gap.plane} could not be compared: {gap.reason}" for gap in self.gaps]
        reasons: dict[str, int] = {}
        for finding in self.unknown:
            reason = finding.reason or "no reason was given"
            reasons[reason] = reasons.get(reason, 0) + 1
        words += [f"{_count(n, 'rule')} could not be evaluated: {reason}" for reason, n in reasons.items()]
        return list(dict.fromkeys(words))

    def counted(self) -> list[str]:
        """Say how much is not as it should be."""
        words = [count_words(self.differences, "configuration ")] if self.differences else []
        if self.failing:
            rules = list(dict.fromkeys(finding.rule for finding in self.failing))
            more = f" and {len(rules) - _SHOWN} more" if len(rules) > _SHOWN else ""
            verb = "is" if len(rules) == 1 else "are"
            words.append(f"{_count(len(rules), 'rule')} {verb} not met: {', '.join(rules[:_SHOWN])}{more}")
        return words

    def accepted(self) -> list[str]:
        """Say how much somebody accepted."""
        return [f"{_count(self.waived, 'finding')} waived"] if self.waived else []


def tallies(baseline: Baseline | None, findings: Sequence[Finding] | None) -> Mapping[str, Tally]:
    """Sort what was asked by device (or `host`); a device that is not among them was not asked anything."""
    changes = [row for row in baseline.differences if counts(row)] if baseline else []
    gaps = list(baseline.gaps) if baseline else []
    rows: list[Difference | Gap | Finding] = [*changes, *gaps, *(findings or ())]
    names = dict.fromkeys(row.device or HOST for row in rows)
    return {
        name: tally(
            [row for row in changes if (row.device or HOST) == name],
            [row for row in gaps if (row.device or HOST) == name],
            None if findings is None else [row for row in findings if (row.device or HOST) == name],
        )
        for name in names
    }


def tally(changes: Sequence[Difference], gaps: Sequence[Gap], findings: Sequence[Finding] | None) -> Tally:
    """Count what was asked, wherever; `changes` are those that count."""
    rows = findings or ()
    failing = [row for row in rows if row.result == "fail" and not _input(row)]
    return Tally(
        tuple(changes),
        tuple(gaps),
        tuple(row for row in failing if not is_waived(row)),
        tuple(row for row in rows if row.result == "error" or (row.result == "unknown" and not _input(row))),
        sum(map(is_waived, rows)),
        sum(row.result in ("pass", "fail") for row in rows),
        findings is not None,
    )


def total(parts: Iterable[Tally], ruled: bool) -> Tally:
    """Add up the tallies of a host."""
    rows = list(parts)
    return Tally(
        tuple(row for part in rows for row in part.differences),
        tuple(row for part in rows for row in part.gaps),
        tuple(row for part in rows for row in part.failing),
        tuple(row for part in rows for row in part.unknown),
        sum(part.waived for part in rows),
        sum(part.evaluated for part in rows),
        ruled,
    )


def is_waived(finding: Finding) -> bool:
    """Whether a finding is a failure that somebody accepted, and whose waiver is in force."""
    return finding.result == "fail" and finding.waived is not None and finding.waived.state in IN_FORCE


def compared(baseline: Baseline | None, findings: Sequence[Finding] | None) -> bool:
    """Whether a baseline was given: another source, or a policy that is not built in."""
    return baseline is not None or any(not row.policy.startswith(_BUILTIN) for row in findings or ())


def counts(row: Difference) -> bool:
    """Whether a difference is one of the configuration: a knob, a firmware version, or the presence of a card."""
    return row.cls in ("config", "firmware") or (row.plane, row.name) in _PRESENCE


def count_words(changes: Sequence[Difference], kind: str = "") -> str:
    """Say how many knobs differ, however many of their facets do."""
    knobs = len({(row.device, row.plane, row.name, row.cmode) for row in changes})
    return f"{knobs} {kind}setting{' differs' if knobs == 1 else 's differ'}"


def _input(finding: Finding) -> bool:
    return finding.policy == ENVELOPE and finding.rule in INPUTS


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
