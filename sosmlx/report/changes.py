"""Words for what a diff says beside its values: causes, renames, symptoms, what is hidden, and who moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sosmlx.diff.result import Comparison, Origin, Symptom
from sosmlx.model import Difference
from sosmlx.policy.taint import decode
from sosmlx.printable import visible
from sosmlx.report.cells import shown

MOVED: Mapping[str, str] = {
    "left": "left moved", "right": "right moved", "both": "both moved alike", "conflict": "both moved: conflict",
    "unknown": "who moved is unknown",
}  # fmt: skip


class Words(NamedTuple):
    """A row of words: a device, a plane, what it is about, and what there is to say."""

    device: str
    plane: str
    what: str
    why: str


def hidden_words(found: Comparison) -> str:
    """Count by kind what is not shown; empty where everything is."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in found.hidden_by.items())
    return f"{found.hidden} not shown ({kinds})" if found.hidden and kinds else ""


def renamed_words(found: Comparison) -> Iterator[Words]:
    """Say which knobs have another name on each side, and one value."""
    for row in found.renamed:
        yield Words(visible(row.device), row.plane, visible(f"{row.left} → {row.right}"), "the same value")


def symptom_words(symptoms: Iterable[Symptom]) -> Iterator[Words]:
    """Say which counters rose, and what that means."""
    for row in symptoms:
        note = f" ({row.note})" if row.note else ""
        yield Words(visible(row.device), row.plane, visible(row.name), f"+{row.increase}{note}: {row.meaning}")


def base_words(origin: Origin | None) -> tuple[str, str]:
    """Return the base's value and who moved, as cells; both are empty where there is no base."""
    if origin is None:
        return "", ""
    why = f" ({origin.reason})" if origin.reason else ""
    untold = origin.moved == "unknown" and origin.base is None
    return "" if untold else shown(origin.base), visible(MOVED[origin.moved] + why)


def conflicts(found: Comparison) -> str:
    """Count who moved, in a sentence; empty without a base."""
    if found.base is None:
        return ""
    counts: dict[str, int] = {}
    for row in found.differences:
        origin = found.origin(row)
        if origin is not None:
            counts[origin.moved] = counts.get(origin.moved, 0) + 1
    parts = [f"{counts[word]} {MOVED[word]}" for word in MOVED if word in counts]
    alike = [f"{len(found.agreed)} {MOVED['both']}"] if found.agreed else []
    return f"from the base: {', '.join([*parts, *alike]) or 'nobody moved'}"


def taint_words(row: Difference) -> str:
    """Say in words which bits of the taint word came or went."""
    if (row.plane, row.name) != ("kernel", "taint") or row.left is None or row.right is None:
        return ""
    before, after = row.left.value, row.right.value
    if not (isinstance(before, int) and isinstance(after, int)):
        return ""
    bits = [f"+{bit.number} {bit.text}" for bit in decode(after & ~before)]
    return "; ".join(bits + [f"-{bit.number} {bit.text}" for bit in decode(before & ~after)])
