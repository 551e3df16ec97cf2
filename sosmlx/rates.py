"""Counters that were read twice in one collection: what they were, and how many seconds apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sosmlx.model import Rate, Setting
from sosmlx.record import Record


def rates(first: Iterable[Setting], again: Iterable[Setting], records: Sequence[Record]) -> Iterator[Rate]:
    """Pair the settings of later samples with those of the same read's first, and yield the counters that moved.

    `records` are all of a bundle: they tell which read a sample repeats, and when both were done.
    """
    by_target = {record.target: record for record in records if not record.sample}
    pairs = {
        record.id: (one, _seconds(one, record))
        for record in records
        if record.sample and (one := by_target.get(record.target[:-1])) is not None
    }
    values = {(row.record, row.key): count for row in first if (count := _count(row)) is not None}
    for row in again:
        one, seconds = pairs.get(row.record, (None, 0.0))
        after = _count(row)
        before = values.get((one.id, row.key)) if one is not None else None
        if before is not None and after is not None and before != after and seconds > 0:
            yield Rate(row.device, row.plane, row.name, before, after, seconds)


def _seconds(first: Record, second: Record) -> float:
    """Say how far apart two reads began; 0 where a bundle does not tell."""
    try:
        begin, end = (datetime.fromisoformat(record.start.replace("Z", "+00:00")) for record in (first, second))
    except ValueError:
        return 0.0
    return round((end - begin).total_seconds(), 3)


def _count(setting: Setting) -> int | None:
    facet = setting.facet("current") if setting.cls == "counter" else None
    value = facet.value if facet is not None else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
