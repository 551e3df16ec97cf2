"""What a device that stops answering costs: one deadline a channel, two in all, and never another device's reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from sosmlx.collectors.engine import Engine
from sosmlx.collectors.spec import Collector, Command, File, Read
from sosmlx.record import Access, Answer, Call, Outcome, Record
from sosmlx.sources.base import How

ONE, OTHER = "0000:3b:00.0", "0000:af:00.0"


class Stuck:
    """A host on which the chosen reads (a path, or a command line) end as planted; it notes what it was asked."""

    kind = "sim"
    path = "sim:stuck"

    def __init__(self, ends: Mapping[str, Outcome]) -> None:
        self._ends = ends
        self.clock = 0.0
        self.asked: list[str] = []

    def _meet(self, what: str, deadline: float) -> Answer:
        self.asked.append(what)
        outcome = self._ends.get(what, Outcome.COLLECTED)
        if outcome not in (Outcome.TIMEOUT, Outcome.ABANDONED):
            return Answer(b"fine\n", outcome)
        self.clock += deadline
        return Answer(outcome=outcome, reason=f"no end within {deadline:g} s", pid=4711)

    def read(self, path: str, how: How, deadline: float) -> Answer:
        return self._meet(path, deadline)

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        return self._meet(" ".join(argv), deadline)

    def info(self, node: str, deadline: float) -> Answer:
        return self._meet(node, deadline)

    def register(self, access: Access, deadline: float) -> Answer:
        return self._meet(str(access), deadline)

    def command(self, call: Call, deadline: float) -> Answer:
        return self._meet(str(call), deadline)

    def close(self) -> None:
        """Nothing is open."""


def collected(source: Stuck, *reads: Read, **limits: float) -> list[Record]:
    engine = Engine(source, monotonic=lambda: source.clock, **limits)  # type: ignore[arg-type]
    return engine.collect([Collector("c", "", reads)])


def skipped(records: Sequence[Record]) -> dict[str, str]:
    return {
        record.argv[-1] if record.argv else record.path: record.answer.reason
        for record in records
        if record.outcome is Outcome.SKIPPED
    }


def tool(name: str, last: str, subject: str = ONE, **words: object) -> Command:
    return Command("k", (name, last), subject, channel=name, **words)  # type: ignore[arg-type]


@pytest.mark.parametrize("end", [Outcome.TIMEOUT, Outcome.ABANDONED])
def test_a_channel_that_gave_no_answer_once_is_left_alone_for_that_device(end: Outcome) -> None:
    source = Stuck({"devlink a": end})

    records = collected(
        source, tool("devlink", "a"), tool("devlink", "b"), tool("ethtool", "c"), tool("devlink", "d", OTHER)
    )

    assert skipped(records) == {"b": f"breaker: devlink of {ONE} gave no answer to `devlink a`"}


def test_after_a_second_channel_only_the_kernel_s_own_files_of_the_device_are_read() -> None:
    source = Stuck({"devlink a": Outcome.TIMEOUT, "ethtool b": Outcome.TIMEOUT})

    records = collected(
        source, tool("devlink", "a"), tool("ethtool", "b"), tool("rdma", "c"), File("k", "/sys/d", ONE),
        tool("rdma", "e", OTHER),
    )  # fmt: skip

    both = "devlink (`devlink a`) and ethtool (`ethtool b`)"
    assert skipped(records) == {"c": f"breaker: {ONE} gave no answer through {both}"}


def test_a_tool_that_did_not_end_for_the_host_is_run_for_nobody() -> None:
    source = Stuck({"devlink a": Outcome.TIMEOUT})
    waits = Command("k", ("devlink", "a"), expand=lambda record: [tool("devlink", "b"), tool("ethtool", "c")])

    records = collected(source, waits)

    assert skipped(records) == {"b": "breaker: `devlink a` did not end before"}


def test_a_file_of_the_host_that_hangs_keeps_no_other_from_being_read() -> None:
    records = collected(Stuck({"/a": Outcome.ABANDONED}), File("k", "/a"), File("k", "/b"))

    assert [(record.path, record.outcome.value) for record in records] == [("/a", "abandoned"), ("/b", "collected")]


def test_a_command_that_may_hold_the_network_lock_for_ever_is_the_last_of_its_sort() -> None:
    source = Stuck({"ip a": Outcome.ABANDONED})
    waits = tool(
        "ip", "a", expand=lambda record: [tool("tc", "b", OTHER, rtnl=True), tool("tc", "c", OTHER)], rtnl=True
    )

    records = collected(source, waits)

    assert skipped(records) == {"b": "breaker: `ip a` could not be ended, and may hold the network lock"}


def test_a_device_that_needs_too_long_in_all_is_left_and_the_others_are_read() -> None:
    source = Stuck({f"t{number} x": Outcome.TIMEOUT for number in range(1)})

    records = collected(
        source, tool("t0", "x", deadline=9.0), tool("u", "y"), tool("v", "z", OTHER), device_seconds=7.0
    )

    words = f"budget: the 7 s for {ONE} ended it: no end within 7 s"
    assert [record.answer.reason for record in records] == [words, f"budget: 7 s for {ONE} are over", ""]


def test_an_end_that_the_run_s_own_limit_brought_breaks_nothing() -> None:
    source = Stuck({"devlink a": Outcome.TIMEOUT})

    records = collected(source, tool("devlink", "a", deadline=9.0), tool("devlink", "b"), max_seconds=5.0)

    assert [record.answer.reason for record in records] == [
        "budget: the 5 s for the whole run ended it: no end within 5 s",
        "budget: 5 s for the whole run are over",
    ]


def test_processes_that_could_not_be_ended_are_named() -> None:
    source = Stuck({"devlink a": Outcome.ABANDONED, "ethtool b": Outcome.TIMEOUT})
    engine = Engine(source)

    engine.collect([Collector("c", "", (tool("devlink", "a"), tool("ethtool", "b")))])

    assert engine.abandoned == (4711,)


def test_bytes_that_no_longer_fit_are_cut_off_and_said_to_be() -> None:
    records = collected(Stuck({}), File("k", "/a"), File("k", "/b"), File("k", "/c"), max_bytes=7)

    words = "budget: 7 bytes are stored"
    assert [(record.data, record.outcome.value, record.answer.reason) for record in records] == [
        (b"fine\n", "collected", ""), (b"fi", "truncated", f"{words}; 3 more were cut off"), (b"", "skipped", words),
    ]  # fmt: skip
