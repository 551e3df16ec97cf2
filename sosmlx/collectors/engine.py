"""Carry out the reads of collectors on a Source: one record for each, whatever happens, within the time given.

Reads of the host go one after the other. Those of an adapter's firmware do so too, because it takes one command at a
time, but several adapters are read beside each other.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Callable, NamedTuple

from sosmlx.collectors.spec import (
    Collector,
    Command,
    File,
    Mailbox,
    Node,
    Read,
    Refusal,
    Register,
    Target,
    lane,
    parts,
    target,
)
from sosmlx.record import Answer, Outcome, Record
from sosmlx.sources.base import Source

BUDGET = "budget:"
"""Begins the reason of a read that the limits of the whole run ended or left out."""


MAX_LANES = 16
"""So many adapters are read at the same time."""


def _now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass
class Engine:
    """One collection. `max_seconds` and `max_bytes` bound the whole run: what does not fit is skipped, and says so."""

    source: Source
    max_seconds: float = 600.0
    max_bytes: int = 64 << 20
    now: Callable[[], datetime] = _now
    monotonic: Callable[[], float] = time.monotonic
    notice: Callable[[Record], None] = lambda record: None
    _done: dict[Target, Record] = field(default_factory=dict)
    _count: int = 0
    _bytes: int = 0
    _over: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def collect(self, collectors: Iterable[Collector]) -> list[Record]:
        """Run the collectors one after the other; never raises for what a read does."""
        until = self.monotonic() + self.max_seconds
        records: list[Record] = []
        try:
            for collector in collectors:
                for record in self._collector(collector, until):
                    self.notice(record)
                    records.append(record)
        finally:
            self.source.close()
        return records

    def _collector(self, collector: Collector, until: float) -> Iterator[Record]:
        lanes: dict[str, list[Read]] = {}
        host: deque[Read] = deque(collector.reads)
        for read, record in self._run(collector.name, host, until, lanes):
            yield from self._kept(read, record)
        if not lanes:
            return
        from concurrent.futures import ThreadPoolExecutor  # late: a plan and a host without fwctl need none

        with ThreadPoolExecutor(min(MAX_LANES, len(lanes))) as pool:
            try:
                for found in pool.map(
                    lambda reads: list(self._run(collector.name, deque(reads), until)), lanes.values()
                ):
                    for read, record in found:
                        yield from self._kept(read, record)
            except BaseException:
                self._over = True  # whoever was interrupted waits for one read of each adapter, not for all
                raise

    def _run(
        self, collector: str, waiting: deque[Read], until: float, lanes: dict[str, list[Read]] | None = None
    ) -> Iterator[tuple[_Done, Record]]:
        """Do reads and those that they lead to; with `lanes`, the reads of adapters are only sorted into theirs."""
        while waiting and not self._over:
            read = waiting.popleft()
            if lanes is not None and lane(read):
                lanes.setdefault(lane(read), []).append(read)
                continue
            where = target(read)
            known = self._done.get(where)
            record = known or self._record(collector, read, until)
            more, trouble = _expand(read, record)
            waiting.extend(more)
            if trouble:
                record = replace(record, answer=replace(record.answer, outcome=Outcome.FAILED, reason=trouble))
            if known is None:
                self._done[where] = record
                yield _Done(read, bool(more)), record

    def _kept(self, done: _Done, record: Record) -> Iterator[Record]:
        """Number a record; one of a probe that led to nothing is not kept."""
        if done.led_on or not _is_probe(done.read) or record.outcome not in (Outcome.COLLECTED, Outcome.ABSENT):
            self._count += 1
            record = self._done[target(done.read)] = replace(record, id=f"{self._count:05d}")
            yield record

    @property
    def cut(self) -> bool:
        """Whether the time or the bytes for the whole run ended a read, or left one out."""
        return any(record.answer.reason.startswith(BUDGET) for record in self._done.values())

    def _record(self, collector: str, read: Read, until: float) -> Record:
        start, began = self.now(), self.monotonic()
        left = until - began
        if isinstance(read, Refusal):
            answer = Answer(outcome=Outcome.SKIPPED, reason=read.reason)
        elif left <= 0:
            answer = Answer(
                outcome=Outcome.SKIPPED, reason=f"{BUDGET} {self.max_seconds:g} s for the whole run are over"
            )
        elif self._bytes >= self.max_bytes:
            answer = Answer(outcome=Outcome.SKIPPED, reason=f"{BUDGET} {self.max_bytes} bytes are stored")
        else:
            answer = ask(self.source, read, min(read.deadline, left))
            if left < read.deadline and answer.outcome in (Outcome.TIMEOUT, Outcome.ABANDONED):
                words = f"{BUDGET} the {self.max_seconds:g} s for the whole run ended it: {answer.reason}"
                answer = replace(answer, reason=words)
        with self._lock:
            self._bytes += len(answer.data) + len(answer.stderr)
        argv, path, register, mailbox = parts(read)
        return Record(
            id="", kind=read.kind, collector=collector, subject=read.subject, answer=answer,
            argv=argv, path=path, register=register, mailbox=mailbox, scope=read.scope, channel=read.channel,
            start=start.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            duration_ms=int((self.monotonic() - began) * 1000),
        )  # fmt: skip


class _Done(NamedTuple):
    """A read that was done, and whether it led to others."""

    read: Read
    led_on: bool


def ask(source: Source, read: File | Command | Node | Register | Mailbox, deadline: float) -> Answer:
    """Do one read on a Source; a fault of ours is an answer, too."""
    try:
        if isinstance(read, File):
            return source.read(read.path, read.how, deadline)
        if isinstance(read, Register):
            return source.register(read.access, deadline)
        if isinstance(read, Mailbox):
            return source.command(read.call, deadline)
        if isinstance(read, Node):
            return source.info(read.node, deadline)
        answer = source.run(read.argv, deadline)
        return answer if read.lines is None else _only(answer, read)
    except Exception as error:  # noqa: BLE001 - the house's one broad except: a fault of ours becomes a record
        return Answer(outcome=Outcome.FAILED, reason=f"sosmlx: {type(error).__name__}: {error}")


def _only(answer: Answer, read: Command) -> Answer:
    """Keep the lines that the declaration asks for; the reason says how many there were."""
    lines = answer.data.splitlines(keepends=True)
    kept = [line for line in lines if read.lines is not None and read.lines.search(line)]
    reason = answer.reason or f"{len(kept)} of {len(lines)} lines kept"
    return replace(answer, data=b"".join(kept), reason=reason)


def _expand(read: Read, record: Record) -> tuple[list[Read], str]:
    expand = None if isinstance(read, Refusal) else read.expand
    if expand is None:
        return [], ""
    try:
        return list(expand(record)), ""
    except (ValueError, LookupError, TypeError) as error:
        return [], f"sosmlx: {type(error).__name__} while choosing the next reads: {error}"


def _is_probe(read: Read) -> bool:
    return not isinstance(read, Refusal) and read.probe
