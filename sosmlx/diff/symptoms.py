"""Counters that rose, between two sides or while one was read: what a reader should see, outside the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sosmlx.diff.result import Symptom
from sosmlx.diff.tables import symptom
from sosmlx.model import Difference, Facet, Snapshot

ANOTHER_BOOT = "since another boot"
RESTARTED = "the counter started again"


def symptoms(rows: Iterable[Difference], left: Snapshot, right: Snapshot) -> Iterator[Symptom]:
    """Pick the counters whose increase says something, from all differences.

    A counter starts again at a boot and when its driver is loaded: what it shows then rose from nothing.
    """
    boots = (left.host.get("boot-id"), right.host.get("boot-id"))
    rebooted = all(boots) and boots[0] != boots[1]
    for row in rows:
        meaning = symptom(row.plane, row.name) if row.cls == "counter" else ""
        before, after = _count(row.left), _count(row.right)
        if not meaning or before is None or after is None:
            continue
        note = ANOTHER_BOOT if rebooted else RESTARTED if after < before else ""
        increase = after if note else after - before
        if increase > 0:
            yield Symptom(row.device, row.plane, row.name, before, after, increase, meaning, note)


def rising(snapshot: Snapshot) -> Iterator[Symptom]:
    """Pick the counters whose increase says something from those that one collection read twice."""
    for rate in snapshot.rates:
        increase, meaning = rate.second - rate.first, symptom(rate.plane, rate.name)
        if meaning and increase > 0:
            note = f"in {rate.seconds:.1f} s, {increase / rate.seconds:.0f} a second"
            yield Symptom(rate.device, rate.plane, rate.name, rate.first, rate.second, increase, meaning, note)


def _count(facet: Facet | None) -> int | None:
    value = facet.value if facet is not None else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
