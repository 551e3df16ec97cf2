"""The proof that nothing changed: the same few reads before and after a collection, and what differs between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sosmlx.collectors.engine import ask
from sosmlx.collectors.spec import File
from sosmlx.record import Answer, Outcome
from sosmlx.sources.base import Source

TAINT = File("kernel.taint", "/proc/sys/kernel/tainted", deadline=2.0)
MODULES = File("kernel.modules", "/proc/modules", deadline=2.0)
MST = File("mst.nodes", "/dev/mst", how="names", deadline=2.0)

_READS = {"taint": TAINT, "modules": MODULES, "dev_mst": MST}


def observe(source: Source) -> dict[str, object]:
    """Read the state that a collection must leave as it was: taint word, loaded modules, nodes of vendor drivers.

    Never raises: what cannot be read is empty and named in `unread`. No `/dev/mst` means no nodes.
    """
    answers = {name: ask(source, read, read.deadline) for name, read in _READS.items()}
    if answers["dev_mst"].outcome is Outcome.ABSENT:
        answers["dev_mst"] = Answer()
    missing = {name: answer for name, answer in answers.items() if answer.outcome is not Outcome.COLLECTED}
    text = {name: "" if name in missing else _text(answer) for name, answer in answers.items()}
    return {
        "taint": text["taint"].strip() or None,
        "modules": sorted({line.split()[0] for line in text["modules"].splitlines() if line.split()}),
        "dev_mst": text["dev_mst"].split(),
        "unread": [f"{_READS[name].path}: {missing[name].reason or missing[name].outcome.value}" for name in missing],
    }


def delta(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, object]:
    """Compare two observations: the lists of what came and went, in words; empty where nothing changed.

    What one of them could not read is no change: `unread` names it.
    """
    both = {"before": dict(before), "after": dict(after)}
    missing = [reason.partition(": ")[0] for reason in unread(both)]
    changes: list[str] = []
    if TAINT.path not in missing and before["taint"] != after["taint"]:
        changes.append(f"kernel taint: {before['taint']} → {after['taint']}")
    for name, words in (("modules", "module"), ("dev_mst", "/dev/mst node")):
        if _READS[name].path not in missing:
            old, new = _names(before[name]), _names(after[name])
            changes += [f"{words} {item} appeared" for item in new if item not in old]
            changes += [f"{words} {item} went away" for item in old if item not in new]
    return {**both, "delta": changes}


def unread(compared: Mapping[str, object]) -> list[str]:
    """List what was not compared because one of the two observations could not read it."""
    sides = (compared.get("before"), compared.get("after"))
    reasons = [reason for side in sides if isinstance(side, Mapping) for reason in _names(side.get("unread"))]
    return list(dict.fromkeys(reasons))


def _names(value: object) -> Sequence[str]:
    return value if isinstance(value, list) else []


def _text(answer: Answer) -> str:
    return answer.data.decode("utf-8", "replace")
