"""How the engine reads adapters: one command at a time each, several beside each other, in an order that stays."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import pytest

from sosmlx.collectors.engine import Engine
from sosmlx.collectors.lanes import Lanes, Place
from sosmlx.collectors.spec import Collector, Command, File, Read, Register
from sosmlx.collectors.watch import Began, Ended, Event
from sosmlx.record import Access, Answer, Call, Outcome, Record
from sosmlx.sources.base import How


class Adapters:
    """A host with nothing but fwctl nodes; the first command of each waits until all have one in flight."""

    kind = "sim"
    path = "sim:adapters"

    def __init__(self, together: int) -> None:
        self._meeting = threading.Barrier(together, timeout=30)
        self._flying: dict[str, int] = {}
        self.most = 0

    def read(self, path: str, how: How, deadline: float) -> Answer:
        return Answer(b"read")

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        return Answer(outcome=Outcome.ABSENT, reason="no programs here")

    def info(self, node: str, deadline: float) -> Answer:
        return Answer(b"")

    def command(self, call: Call, deadline: float) -> Answer:
        return Answer(b"fine")

    def register(self, access: Access, deadline: float) -> Answer:
        self._flying[access.node] = self._flying.get(access.node, 0) + 1
        self.most = max(self.most, self._flying[access.node])
        if access.register == "MGIR":
            self._meeting.wait()
        self._flying[access.node] -= 1
        return Answer(str(access).encode())

    def close(self) -> None:
        self.closed = True


def chain(node: str) -> Register:
    def more(record: Record) -> Iterable[Read]:
        return [Register("register.mnvqc", Access(node, "MNVQC", (("type", word),)), node) for word in range(3)]

    return Register("register.mgir", Access(node, "MGIR"), node, more)


NODES = [f"fwctl{number}" for number in range(8)]
ALL = Collector("c", "all adapters", (*(chain(node) for node in NODES), File("kernel.taint", "/x")))


def test_devices_are_read_beside_each_other_and_each_takes_one_command_at_a_time() -> None:
    source = Adapters(len(NODES))

    records = Engine(source).collect([ALL])

    assert (source.most, len(records), {record.outcome for record in records}) == (1, 33, {Outcome.COLLECTED})


def test_records_are_in_the_order_of_the_declarations_host_first() -> None:
    records = Engine(Adapters(len(NODES))).collect([ALL])

    reads = [(record.id, record.subject, record.kind.partition(".")[2]) for record in records]
    expected = [("host", "taint"), *((node, what) for node in NODES for what in ("mgir", "mnvqc", "mnvqc", "mnvqc"))]
    assert reads == [(f"{number:05d}", *row) for number, row in enumerate(expected, 1)]


def test_a_fault_of_ours_in_one_adapter_s_reads_is_a_record_there_and_the_others_go_on() -> None:
    class Broken(Adapters):
        def register(self, access: Access, deadline: float) -> Answer:
            if access.node == "fwctl3":
                raise ZeroDivisionError("planted")
            return Answer(b"fine")

    records = Engine(Broken(1)).collect([ALL])

    failed = [(record.subject, record.answer.reason) for record in records if record.outcome is not Outcome.COLLECTED]
    expected = ("fwctl3", "sosmlx: ZeroDivisionError: planted")
    assert (set(failed), len(records)) == ({expected}, 33)


class Jittery(Adapters):
    """A host whose answers come back in any order."""

    def __init__(self, seed: int) -> None:
        super().__init__(1)
        self._random = random.Random(seed)
        self.held: set[str] = set()
        self.most_held = 0

    def read(self, path: str, how: How, deadline: float) -> Answer:
        time.sleep(self._random.random() / 500)
        return Answer(path.encode())

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        self.held.add(argv[1])
        time.sleep(self._random.random() / 200)
        self.most_held = max(self.most_held, len(self.held))
        self.held.discard(argv[1])
        return Answer(argv[1].encode())


def branching(name: str) -> File:
    """A device's read that leads to one of the host, which several devices want, and to more of its own."""

    def more(record: Record) -> Iterable[Read]:
        shared = File("kernel.line", "/shared", expand=lambda found: [File("kernel.line", f"/{name}/after", name)])
        return [File("kernel.line", f"/{name}/1", name), shared, File("kernel.line", f"/{name}/2", name)]

    return File("kernel.line", f"/{name}", name, expand=more)


@pytest.mark.parametrize("seed", range(4))
def test_records_are_the_same_whatever_comes_back_first(seed: int) -> None:
    collector = Collector("c", "", tuple(branching(name) for name in ("a", "b", "c")))

    records = Engine(Jittery(seed)).collect([collector])

    of_each = [f"/{name}{rest}" for name in ("a", "b", "c") for rest in ("", "/1", "/2", "/after")]
    assert [(record.id, record.path) for record in records] == [
        (f"{number:05d}", path) for number, path in enumerate(["/shared", *of_each], 1)
    ]


def test_commands_that_hold_the_network_lock_go_one_after_the_other_on_all_devices() -> None:
    source = Jittery(0)
    commands = [Command("ip.link", ("ip", name), name, rtnl=True) for name in "abcdefgh"]

    Engine(source).collect([Collector("c", "", tuple(commands))])

    assert source.most_held == 1


class Waiting(Jittery):
    """A host on which the read of `/a/slow` does not come back before so many of `/b/late`."""

    def __init__(self, reads: int = 1) -> None:
        super().__init__(0)
        self._late = threading.Semaphore(0)
        self._reads = reads
        self.order: list[str] = []

    def read(self, path: str, how: How, deadline: float) -> Answer:
        wanted, self._reads = (self._reads, 0) if path == "/a/slow" else (0, self._reads)
        if not all(self._late.acquire(timeout=10) for _ in range(wanted)):
            return Answer(outcome=Outcome.TIMEOUT, reason="nobody came")
        self.order.append(path)
        if path == "/b/late":
            self._late.release()
        return Answer(b"fine")


def test_a_device_that_is_slow_keeps_no_other_from_the_collectors_that_follow() -> None:
    slow, late, after = (File("kernel.line", path, path[1:2]) for path in ("/a/slow", "/b/late", "/a/after"))
    source = Waiting()

    records = Engine(source).collect([Collector("one", "", (slow,)), Collector("two", "", (after, late))])

    assert (source.order, [record.path for record in records]) == (
        ["/b/late", "/a/slow", "/a/after"], ["/a/slow", "/a/after", "/b/late"],
    )  # fmt: skip


def test_what_is_to_come_after_all_others_waits_for_the_slowest() -> None:
    slow, late = File("kernel.line", "/a/slow", "a"), File("kernel.line", "/b/late", "b")
    source = Waiting()

    Engine(source).collect(
        [Collector("one", "", (slow, late)), Collector("log", "", (File("kernel.line", "/log"),), after=True)]
    )

    assert source.order[-1] == "/log"


COUNTER = File("kernel.line", "/counter", "a")
BOTH = (Collector("first", "", (COUNTER,)), Collector("again", "", (COUNTER,), sample=1))


def test_a_second_sample_is_taken_a_second_later_on_the_host_s_own_clock() -> None:
    records = Engine(Jittery(0)).collect(BOTH)

    first, again = [datetime.fromisoformat(record.start.replace("Z", "+00:00")) for record in records]
    assert ([record.sample for record in records], again - first >= timedelta(seconds=1)) == ([0, 1], True)


def test_a_device_that_is_slow_keeps_no_other_from_its_second_sample() -> None:
    reads = (File("kernel.line", "/a/slow", "a"), File("kernel.line", "/b/late", "b"))
    source = Waiting(reads=2)

    Engine(source).collect([Collector("first", "", reads), Collector("again", "", reads, sample=1)])

    assert source.order == ["/b/late", "/b/late", "/a/slow", "/a/slow"]


def test_on_a_running_host_a_second_sample_is_waited_for() -> None:
    class Live(Jittery):
        kind = "live"

    began = time.monotonic()
    records = Engine(Live(0)).collect(BOTH)

    assert (len(records), time.monotonic() - began >= 1.0) == (2, True)


def test_what_gave_no_bytes_is_not_sampled_again() -> None:
    class Absent(Jittery):
        def read(self, path: str, how: How, deadline: float) -> Answer:
            return Answer(outcome=Outcome.ABSENT, reason="not here")

    records = Engine(Absent(0)).collect(BOTH)

    assert [(record.sample, record.outcome) for record in records] == [(0, Outcome.ABSENT)]


def test_every_read_is_told_as_it_begins_and_as_it_ends() -> None:
    events: list[Event] = []

    Engine(Jittery(0), watch=events.append).collect([Collector("c", "", (COUNTER,))])

    told = [event._replace(seconds=0.0) if isinstance(event, Ended) else event for event in events]
    assert told == [Began("a", "/counter", 5.0), Ended("a", "/counter", Outcome.COLLECTED, "", 0.0, 8)]


def test_a_fault_in_a_task_reaches_the_one_who_waits() -> None:
    def work(task: int) -> list[int]:
        raise ZeroDivisionError(task)

    with pytest.raises(ZeroDivisionError):
        Lanes(work, lambda task: Place(str(task), 0), 2).run([1], lambda: 10.0)
