"""Carry out the reads of collectors on a Source: one record for each, whatever happens, within the time given.

A device takes one read at a time; several devices, and the host, are read beside each other. The records come in the
order in which the declarations lead to them, whatever came back first.
"""

from __future__ import annotations

import io
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Callable

from sosmlx.collectors.breaker import Breaker
from sosmlx.collectors.lanes import Lanes, Place
from sosmlx.collectors.spec import (
    Collector,
    Command,
    File,
    Mailbox,
    Node,
    Question,
    Read,
    Refusal,
    Register,
    Target,
    described,
    device,
    is_last,
    parts,
    target,
)  # fmt: skip
from sosmlx.collectors.watch import Began, Ended, Watch, nobody
from sosmlx.record import HOST, Answer, Outcome, Record, sampled
from sosmlx.secrets import without_secrets
from sosmlx.sources.base import INTERRUPTED, Source

BUDGET = "budget:"
"""Begins the reason of a read that the limits of the whole run ended or left out."""

MAX_LANES = 16
"""So many devices are read at the same time, and the host beside them."""

SPACING = 1.0
"""A second sample is taken so many seconds after the first, or later."""

_SURE = 256 << 10
"""An answer may take a quarter of the bytes that are left to store, or so many: a flood leaves others room."""

OVERDUE = 5.0
"""A read that has not come back so many seconds after the end of the run is left behind."""


def _now() -> datetime:
    return datetime.now(timezone.utc)


class _Claim:
    """A target that somebody reads, or has read; `waiting` are tasks that want the same."""

    __slots__ = ("answer", "at", "duration", "start", "waiting")

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.start = ""
        self.duration = self.at = 0.0
        self.waiting: list[_Task] = []


class _Task:
    """A read as a collector, the `rank`th, came to it: what it led to is known once it is done."""

    __slots__ = ("ahead", "children", "claim", "collector", "key", "needless", "rank", "read", "sample", "trouble")

    def __init__(self, read: Read, collector: Collector, rank: int) -> None:
        self.read, self.collector, self.rank = read, collector, rank
        self.sample = collector.sample if is_last(read) else 0
        self.key: Target = sampled(target(read), self.sample)
        self.children: list[_Task] = []
        self.claim: _Claim | None = None
        self.trouble = ""
        self.needless = False
        self.ahead = 0.0

    @property
    def is_probe(self) -> bool:
        """Whether it may leave no record."""
        return not isinstance(self.read, Refusal) and self.read.probe

    def record(self, over: str) -> Record:
        """Make its record; `over` says why it has no answer, where it has none."""
        claim = self.claim or _Claim()
        answer = claim.answer or Answer(outcome=Outcome.SKIPPED, reason=over)
        if self.trouble:
            answer = replace(answer, outcome=Outcome.FAILED, reason=self.trouble)
        read = self.read
        argv, path, register, mailbox = parts(read)
        return Record(
            id="", kind=read.kind, collector=self.collector.name, subject=read.subject, answer=answer,
            argv=argv, path=path, register=register, mailbox=mailbox, scope=read.scope, channel=read.channel,
            start=claim.start, duration_ms=int(claim.duration * 1000), sample=self.sample,
        )  # fmt: skip


@dataclass
class Engine:
    """One collection. The limits bound the whole run, and the seconds of one device: what does not fit is skipped.

    `began` is when the run began on the clock `monotonic`, where that was before `collect` is called. `watch` hears of
    every read as it begins and ends, from several threads.
    """

    source: Source
    max_seconds: float = 300.0
    max_bytes: int = 64 << 20
    device_seconds: float = 120.0
    now: Callable[[], datetime] = _now
    monotonic: Callable[[], float] = time.monotonic
    began: float | None = None
    watch: Watch = nobody
    _claims: dict[Target, _Claim] = field(default_factory=dict)
    _stages: list[list[_Task]] = field(default_factory=list)
    _spent: dict[str, float] = field(default_factory=dict)
    _breaker: Breaker = field(default_factory=Breaker)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _rtnl: threading.Lock = field(default_factory=threading.Lock)
    _until: float = 0.0
    _bytes: int = 0
    _over: str = ""

    def collect(self, collectors: Iterable[Collector]) -> list[Record]:
        """Run the collectors; never raises for what a read does.

        Each device has its reads done in the order of the collectors, whatever the others wait for. Raises
        KeyboardInterrupt where somebody ends it: then `records` has what was read until then.
        """
        self._until = (self.monotonic() if self.began is None else self.began) + self.max_seconds
        rows = list(collectors)
        self._stages = [[_Task(read, row, rank) for read in row.reads] for rank, row in enumerate(rows)]
        lanes = Lanes(self._do, lambda task: Place(device(task.read), task.rank), MAX_LANES + 1)
        try:
            for tasks in _together(self._stages, rows):
                if not lanes.run(tasks, lambda: self._until + OVERDUE - self.monotonic()):
                    self._over = f"{BUDGET} no answer when the {self.max_seconds:g} s for the whole run were long over"
                    break
        except KeyboardInterrupt:
            self._over = f"{INTERRUPTED} before it was read"
            self.source.close()
            lanes.settle(OVERDUE)
            raise
        finally:
            lanes.close()
            self.source.close()
        return self.records()

    def records(self) -> list[Record]:
        """Return what was read so far, numbered: by collector, the host first, then one device after the other."""
        done = [task for stage in self._stages for task in _in_order(stage)]
        led_on = {task.key for task in done if task.children or not task.is_probe}
        trouble = {task.key: task.trouble for task in reversed(done) if task.trouble}
        kept: dict[Target, Record] = {}
        for task in done:
            if task.key not in kept:
                task.trouble = trouble.get(task.key, "")
                record = task.record(self._over)
                if task.key in led_on or record.outcome not in (Outcome.COLLECTED, Outcome.ABSENT):
                    kept[task.key] = replace(record, id=f"{len(kept) + 1:05d}")
        return list(kept.values())

    @property
    def cut(self) -> bool:
        """Whether a limit or an interruption ended a read, or left one out."""
        answers = [claim.answer for claim in list(self._claims.values())]
        return any(answer is None or answer.reason.startswith((BUDGET, INTERRUPTED)) for answer in answers)

    @property
    def abandoned(self) -> tuple[int, ...]:
        """Processes that could not be ended: what they do to the host may be yet to come."""
        answers = [claim.answer for claim in list(self._claims.values())]
        pids = {answer.pid for answer in answers if answer and answer.outcome is Outcome.ABANDONED and answer.pid}
        return tuple(sorted(pids))

    def _do(self, task: _Task) -> list[_Task]:
        """Read what a task wants, or take it from the one who has read it, and return what it leads to."""
        if task.sample and not self._due(task):
            return []
        with self._lock:
            claim = self._claims.get(task.key)
            if claim is not None and claim.answer is None:
                claim.waiting.append(task)
                return []
            mine = claim is None
            task.claim = claim = claim or self._claims.setdefault(task.key, _Claim())
        if mine:
            self._fill(claim, task.read, task.ahead)
        reads, task.trouble = _expand(task.read, task.record(self._over))
        task.children = [_Task(read, task.collector, task.rank) for read in reads]
        return task.children + (claim.waiting if mine else [])

    def _due(self, task: _Task) -> bool:
        """Wait until a second sample is due; one of what gave no bytes the first time is needless."""
        first = self._claims.get(target(task.read))
        answer = first.answer if first else None
        if first is None or answer is None or answer.outcome not in (Outcome.COLLECTED, Outcome.TRUNCATED):
            task.needless = True
            return False
        early = max(0.0, min(first.at + SPACING, self._until) - self.monotonic())
        if self.source.kind == "live":
            time.sleep(early)
        else:  # nothing passes there but what we say has passed
            task.ahead = early
        return True

    def _fill(self, claim: _Claim, read: Read, ahead: float) -> None:
        """Answer a claim, `ahead` seconds from now as the host counts; from then on others may take it."""
        self.watch(Began(device(read), described(read), 0.0 if isinstance(read, Refusal) else read.deadline))
        where = device(read)
        with self._turn(read):
            start, began = self.now() + timedelta(seconds=ahead), self.monotonic()
            answer = self._answer(read, self._until - began)
            duration = self.monotonic() - began
        self._spent[where] = self._spent.get(where, 0.0) + duration
        with self._lock:
            claim.start, claim.duration = start.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), duration
            claim.at = began + duration
            claim.answer = answer = self._fitted(answer)
        self.watch(Ended(where, described(read), answer.outcome, answer.reason, duration, len(answer.data)))

    @contextmanager
    def _turn(self, read: Read) -> Iterator[None]:
        """Let commands that hold the kernel's network lock for long go one after the other."""
        if not (isinstance(read, Command) and read.rtnl):
            yield
            return
        if self._rtnl.acquire(timeout=max(0.0, self._until - self.monotonic())):
            try:
                yield
            finally:
                self._rtnl.release()
        else:
            yield  # the time for the whole run is over, which is what it will be told

    def _answer(self, read: Read, left: float) -> Answer:
        if isinstance(read, Refusal):
            return Answer(outcome=Outcome.SKIPPED, reason=read.reason)
        of_device = self.device_seconds - self._spent.get(device(read), 0.0) if device(read) != HOST else left
        why = self._objection(read, left, of_device)
        if why:
            return Answer(outcome=Outcome.SKIPPED, reason=why)
        answer = ask(self.source, read, min(read.deadline, left, of_device))
        late = answer.outcome in (Outcome.TIMEOUT, Outcome.ABANDONED)
        if not late or min(left, of_device) >= read.deadline:
            self._breaker.note(read, answer)
            return answer
        limit = f"{self.max_seconds:g} s for the whole run" if left <= of_device else self._of_device(device(read))
        return replace(answer, reason=f"{BUDGET} the {limit} ended it: {answer.reason}")

    def _objection(self, read: Question, left: float, of_device: float) -> str:
        """Say which limit, breaker or person keeps a read from being done."""
        if self._over:
            return self._over
        if left <= 0:
            return f"{BUDGET} {self.max_seconds:g} s for the whole run are over"
        if of_device <= 0:
            return f"{BUDGET} {self._of_device(device(read))} are over"
        if self._bytes >= self.max_bytes:
            return f"{BUDGET} {self.max_bytes} bytes are stored"
        return self._breaker.objection(read)

    def _of_device(self, name: str) -> str:
        return f"{self.device_seconds:g} s for {name}"

    def _fitted(self, answer: Answer) -> Answer:
        """Count an answer's bytes, and cut off those that no longer fit, or that would take what others need."""
        left = max(0, self.max_bytes - self._bytes)
        room = min(left, max(left // 4, _SURE))
        data, stderr = answer.data[:room], answer.stderr[: max(0, room - len(answer.data))]
        self._bytes += len(data) + len(stderr)
        if len(data) == len(answer.data):
            return answer if len(stderr) == len(answer.stderr) else replace(answer, stderr=stderr)
        lost = f"{len(answer.data) - len(data)} more were cut off"
        stored = f"{self.max_bytes} bytes are stored" if room == left else f"of {self.max_bytes} bytes {left} are left"
        reason = f"{BUDGET} {stored}; {lost}"
        outcome = Outcome.TRUNCATED if answer.outcome is Outcome.COLLECTED else answer.outcome
        return replace(answer, data=data, stderr=stderr, outcome=outcome, reason=reason)


def _together(stages: Sequence[list[_Task]], rows: Sequence[Collector]) -> Iterator[list[_Task]]:
    """Put together what can be done beside each other: all up to a collector that waits for those before it."""
    tasks: list[_Task] = []
    for stage, row in zip(stages, rows):
        if row.after:
            yield tasks
            tasks = []
        tasks += stage
    yield tasks


def _in_order(stage: Sequence[_Task]) -> Iterator[_Task]:
    """Walk the tasks of a collector, the host's first, then each device's in the order in which they were met."""
    found: dict[str, list[_Task]] = {HOST: []}
    waiting = deque(stage)
    while waiting:
        task = waiting.popleft()
        waiting.extend(task.children)
        if not task.needless:
            found.setdefault(device(task.read), []).append(task)
    for tasks in found.values():
        yield from tasks


def ask(source: Source, read: Question, deadline: float) -> Answer:
    """Do one read on a Source; a fault of ours is an answer, too."""
    try:
        if isinstance(read, File):
            return _stored(source.read(read.path, read.how, deadline))
        if isinstance(read, Register):
            return source.register(read.access, deadline)
        if isinstance(read, Mailbox):
            return source.command(read.call, deadline)
        if isinstance(read, Node):
            return source.info(read.node, deadline)
        answer = source.run(read.argv, deadline)
        return _stored(answer if read.lines is None else _only(answer, read))
    except Exception as error:  # noqa: BLE001 - the house's one broad except: a fault of ours becomes a record
        return Answer(outcome=Outcome.FAILED, reason=f"sosmlx: {type(error).__name__}: {error}")


def _stored(answer: Answer) -> Answer:
    """Cut out what must not be stored, whatever was asked for."""
    data, stderr = without_secrets(answer.data), without_secrets(answer.stderr)
    return answer if (data, stderr) == (answer.data, answer.stderr) else replace(answer, data=data, stderr=stderr)


def _only(answer: Answer, read: Command) -> Answer:
    """Keep the lines that the declaration asks for; the reason says how many there were."""
    count, kept = 0, []
    for line in io.BytesIO(answer.data):  # a list of all of them may be many times as large as they are
        count += 1
        if read.lines is not None and read.lines.search(line):
            kept.append(line)
    reason = answer.reason or f"{len(kept)} of {count} lines kept"
    return replace(answer, data=b"".join(kept), reason=reason)


def _expand(read: Read, record: Record) -> tuple[list[Read], str]:
    expand = None if isinstance(read, Refusal) else read.expand
    if expand is None:
        return [], ""
    try:
        return list(expand(record)), ""
    except (ValueError, LookupError, TypeError) as error:
        return [], f"sosmlx: {type(error).__name__} while choosing the next reads: {error}"
