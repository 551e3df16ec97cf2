"""How the engine reads adapters: one command at a time each, several beside each other, in an order that stays."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from sosmlx.collectors.engine import Engine
from sosmlx.collectors.spec import Collector, File, Read, Register
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


def test_adapters_are_read_beside_each_other_and_each_takes_one_command_at_a_time() -> None:
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
