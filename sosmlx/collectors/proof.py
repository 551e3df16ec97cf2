"""The proof that nothing changed: the same few reads before and after a collection, and what differs between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sosmlx.record import Answer
from sosmlx.sources.base import Source

TAINT = "/proc/sys/kernel/tainted"
MODULES = "/proc/modules"
MST = "/dev/mst"


def observe(source: Source) -> dict[str, object]:
    """Read the state that a collection must leave as it was: taint word, loaded modules, nodes of vendor drivers."""
    taint = source.read(TAINT, "bytes", 2.0)
    modules = source.read(MODULES, "bytes", 2.0)
    nodes = source.read(MST, "names", 2.0)
    return {
        "taint": _value(taint),
        "modules": sorted({line.split()[0] for line in _text(modules).splitlines() if line.split()}),
        "dev_mst": _text(nodes).split(),
        "unread": [
            f"{path}: {answer.reason}"
            for path, answer in ((TAINT, taint), (MODULES, modules))
            if answer.outcome.value != "collected"
        ],
    }


def delta(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, object]:
    """Compare two observations: the lists of what came and went, in words; empty where nothing changed."""
    changes: list[str] = []
    if before["taint"] != after["taint"]:
        changes.append(f"kernel taint: {before['taint']} → {after['taint']}")
    for name, words in (("modules", "module"), ("dev_mst", "/dev/mst node")):
        old, new = _names(before[name]), _names(after[name])
        changes += [f"{words} {item} appeared" for item in new if item not in old]
        changes += [f"{words} {item} went away" for item in old if item not in new]
    return {"before": dict(before), "after": dict(after), "delta": changes}


def _names(value: object) -> Sequence[str]:
    return value if isinstance(value, list) else []


def _text(answer: Answer) -> str:
    return answer.data.decode("utf-8", "replace")


def _value(answer: Answer) -> object:
    return _text(answer).strip() or None
