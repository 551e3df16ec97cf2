"""What a collection would read, without reading: every declared read, with placeholders where an answer decides."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from sosmlx.collectors.spec import (
    Collector,
    File,
    Mailbox,
    Node,
    Read,
    Refusal,
    Register,
    Target,
    is_last,
    parts,
    target,
)  # fmt: skip
from sosmlx.record import Answer, Record, sampled


class Planned(NamedTuple):
    """One row of a plan: a read as declared, with placeholders where an answer decides; `refused` says why not.

    With `sample=1` it is done once more, at least a second after it was done first.
    """

    collector: str
    tier: int
    read: Read
    needs: tuple[str, ...] = ()
    option: str = ""
    refused: str = ""
    sample: int = 0


def plan(collectors: Iterable[Collector]) -> list[Planned]:
    """List what would be read, without reading: an `expand` is asked with the pattern of its declaration."""
    rows: list[Planned] = []
    seen: set[Target] = set()
    for collector in collectors:
        waiting: deque[Read] = deque(collector.reads)
        while waiting:
            read = waiting.popleft()
            sample = collector.sample if is_last(read) else 0
            key = sampled(target(read), sample)
            if key not in seen:
                seen.add(key)
                refused = read.reason if isinstance(read, Refusal) else ""
                rows.append(
                    Planned(collector.name, collector.tier, read, collector.needs, collector.option, refused, sample)
                )
            if not isinstance(read, Refusal) and read.expand is not None:
                asked = Record("", read.kind, collector.name, read.subject, Answer(read.pattern), *parts(read))
                waiting.extend(read.expand(asked))
    return rows


def below_root(rows: Iterable[Planned], reason: str) -> list[Planned]:
    """Say of a plan for a host below a folder that only its files are read, and why the rest is not."""
    return [row if isinstance(row.read, File) else row._replace(refused=reason) for row in rows]


def plan_row(row: Planned) -> dict[str, object]:
    """Render one row of a plan for `plan.json`."""
    read = row.read
    return {
        **_what(read), "kind": read.kind, "collector": row.collector, "tier": row.tier, "scope": read.scope,
        "channel": read.channel, "needs": list(row.needs),
        "option": row.option, "refused": row.refused,
        "deadline": None if isinstance(read, Refusal) else read.deadline,
        "hazard": "" if isinstance(read, Refusal) else read.hazard,
        **({"sample": row.sample} if row.sample else {}),
    }  # fmt: skip


def _what(read: Read) -> dict[str, object]:
    if isinstance(read, Register):
        return {"register": str(read.access)}
    if isinstance(read, Mailbox):
        return {"mailbox": str(read.call)}
    if isinstance(read, (File, Node)):
        return {"path": read.path, "how": read.how if isinstance(read, File) else "info"}
    return {"argv": list(read.argv)}
