"""Where facts come from: this host, a recording, a copied tree, pasted texts."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from sosmlx.bundle.opening import open_source
from sosmlx.collectors import selected
from sosmlx.collectors.engine import Engine
from sosmlx.collectors.proof import delta, observe, unread
from sosmlx.collectors.spec import Collector, Command
from sosmlx.errors import InputError
from sosmlx.normalise import normalise
from sosmlx.record import Access, Answer, Call, Outcome, maker
from sosmlx.simulator.host import ScenarioSource, load, scenarios
from sosmlx.sources.base import How
from sosmlx.sources.files import read_path
from sosmlx.sources.live import LiveSource
from sosmlx.sources.recorded import BundleSource
from sosmlx.sources.text import from_bytes, from_folder
from sosmlx.sources.tree import TreeSource


def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 70_000)

    assert read_path(str(tmp_path / "a"), "bytes") == Answer(b"x" * 70_000)


def test_a_file_over_the_cap_is_truncated(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 20)

    assert read_path(str(tmp_path / "a"), "bytes", 8) == Answer(b"x" * 8, Outcome.TRUNCATED, "more than 8 bytes")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "a").symlink_to("secret")

    assert read_path(str(tmp_path / "a"), "bytes").outcome is Outcome.FAILED


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")

    assert read_path(str(tmp_path / "a"), "bytes").reason == "not a regular file"


def test_a_missing_file_is_absent(tmp_path: Path) -> None:
    assert read_path(str(tmp_path / "a"), "bytes").outcome is Outcome.ABSENT


def test_a_read_that_blocks_is_ended_and_the_next_one_works() -> None:
    def read(path: str, how: How) -> Answer:
        if path == "/stuck":
            time.sleep(5)
        return Answer(b"fine")

    source = LiveSource(read)

    answers = [source.read(path, "bytes", 0.2) for path in ("/stuck", "/other")]

    assert [answer.outcome for answer in answers] == [Outcome.TIMEOUT, Outcome.COLLECTED]


def test_a_reader_that_ends_by_itself_is_no_interruption() -> None:
    def read(path: str, how: How) -> Answer:
        os._exit(1)

    answer = LiveSource(read).read("/a", "bytes", 5.0)

    assert (answer.outcome, answer.reason) == (Outcome.FAILED, "the process that read it was ended")


def test_a_copied_tree_leaves_no_process_behind(tree: Path) -> None:
    source = TreeSource(str(tree))
    before = children()
    source.read("/proc/sys/kernel/tainted", "bytes", 5.0)
    reading = children() - before

    source.close()

    assert (len(reading), reading & children()) == (1, set())


def children() -> set[str]:
    """List the processes that this one has started and that are there, by /proc (proc(5): state, then parent)."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if status.read_text().rpartition(")")[2].split()[1] == str(os.getpid()):
                found.add(status.parent.name)
    return found


def test_a_recorded_bundle_answers_as_the_host_did() -> None:
    host = ScenarioSource(load("two-adapters-after"))
    records = Engine(host).collect(selected())
    bundle = open_source("sim:two-adapters-after")

    again = Engine(BundleSource(bundle)).collect(selected())

    first = [(r.id, r.kind, r.subject, r.answer) for r in again if not r.sample]  # a recording does not go on counting
    assert first == [(r.id, r.kind, r.subject, r.answer) for r in records if not r.sample]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copied tree as a real host has it: PCI functions are links into /sys/devices."""
    function = tmp_path / "sys/devices/pci0000:3a/0000:3b:00.0"
    function.mkdir(parents=True)
    (function / "vendor").write_text("0x15b3\n")
    (function / "device").write_text("0x101d\n")
    (function / "class").write_text("0x020000\n")
    (function / "driver").symlink_to("../../../bus/pci/drivers/mlx5_core")
    (tmp_path / "sys/bus/pci/devices").mkdir(parents=True)
    (tmp_path / "sys/bus/pci/devices/0000:3b:00.0").symlink_to("../../../devices/pci0000:3a/0000:3b:00.0")
    (tmp_path / "proc/sys/kernel").mkdir(parents=True)
    (tmp_path / "proc/sys/kernel/tainted").write_text("0\n")
    return tmp_path


def test_a_copied_tree_is_collected_like_a_host(tree: Path) -> None:
    bundle = open_source(str(tree))

    found = {record.path: record.data for record in bundle.records if record.data}
    assert found["/sys/bus/pci/devices/0000:3b:00.0/driver"].endswith(b"/mlx5_core")


def test_a_link_in_a_tree_cannot_leave_it(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").write_text("secret")
    (tree / "up").symlink_to("../" * 30 + str(outside).lstrip("/"))
    (tree / "absolute").symlink_to(outside)

    answers = [TreeSource(str(tree)).read(f"/{name}/secret", "bytes", 1.0) for name in ("up", "absolute")]

    assert [answer.outcome for answer in answers] == [Outcome.ABSENT, Outcome.ABSENT]


def test_links_in_a_circle_end(tree: Path) -> None:
    (tree / "a").symlink_to("b")
    (tree / "b").symlink_to("a")

    assert TreeSource(str(tree)).read("/a/x", "bytes", 1.0).outcome is Outcome.FAILED


def test_a_folder_of_texts_keeps_what_it_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "rings.txt").write_text("Ring parameters for eth0:\nPre-set maximums:\nRX: 8\n")
    (tmp_path / "notes.md").write_text("nothing of a tool\n")

    kinds = {record.path: record.kind for record in from_folder(str(tmp_path)).records}

    assert kinds == {"rings.txt": "ethtool.rings", "notes.md": "unknown"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\x7fELF\x00\x00", "binary"),
        (b"<!doctype html><p>x", "web page"),
        (b'{"info":{"pci', "cut off"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a": 1}', "JSON, but of no known tool"),
        (b"hello\n", "not recognised"),
    ],
)
def test_a_text_that_is_none_is_named_for_what_it_is(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        from_bytes(data, "x.txt")


@pytest.mark.parametrize("name", scenarios())
def test_a_scenario_loads_and_collects(name: str) -> None:
    bundle = open_source(f"sim:{name}")

    assert (bundle.kind, bundle.host != "") == ("sim", True)


def test_a_scenario_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(InputError, match="no such scenario") as caught:
        open_source("sim:nope")

    assert "two-adapters-before" in caught.value.hint


def test_scenarios_in_a_circle_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"schema": "sosmlx.scenario/1", "extends": "a.json"}')

    with pytest.raises(InputError, match="circle"):
        load(str(path))


GOOD_FAULT = {"read": "dmesg", "outcome": "denied"}


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"faults": [GOOD_FAULT, {"read": "dmesg", "outcome": "exploded"}]}, r"faults\[1\]\.outcome: one of collected"),
        ({"faults": [{"read": "dmesg", "outcome": ["denied"]}]}, r"faults\[0\]\.outcome: one of"),
        ({"faults": [{"outcome": "denied"}]}, r"faults\[0\]: `read` is missing"),
        ({"faults": [{**GOOD_FAULT, "rc": "1"}]}, r"faults\[0\]\.rc: an integer"),
        ({"faults": [{**GOOD_FAULT, "when": "now"}]}, r"faults\[0\]\.when: not a member"),
        ({"faults": {}}, "faults: a list"),
        ({"fault": []}, "fault: not a member"),
        ({"host": []}, "host: an object"),
        ({"host": {"log": "text"}}, r"host\.log: a list"),
        ({"host": {"taint": [1]}}, r"host\.taint: a text or a number"),
        ({"host": {"modules": {"mlx5_core": 1}}}, r"host\.modules\.mlx5_core: an object"),
        ({"files": {"relative": "x"}}, r"files\.relative: an absolute path"),
        ({"files": {"/a" * 500: "x"}}, "an absolute path"),
        ({"functions": {"0000:3b:00.0": {"netdevs": {"e": {"rings": {"RX": {}}}}}}}, r"netdevs\.e\.rings\.RX: a list"),
        ({"functions": []}, "functions: an object"),
        ({"tools": {"ethtool": ["x"]}}, r"tools\.ethtool: a text"),
    ],
)
def test_a_scenario_with_something_wrong_names_the_place(
    tmp_path: Path, members: dict[str, object], words: str
) -> None:
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"schema": "sosmlx.scenario/1", **members}))

    with pytest.raises(InputError, match=rf"sim:.*s\.json: .*{words}"):
        open_source(f"sim:{path}")


class Broken:
    """A host of which one path, or all, cannot be read at one time."""

    kind = "sim"
    path = "sim:broken"

    def __init__(self, answer: Answer | Exception, only: str = "") -> None:
        self.inner = ScenarioSource(load("two-adapters-before"))
        self.answer = answer
        self.only = only

    def read(self, path: str, how: How, deadline: float) -> Answer:
        if self.only not in ("", path):
            return self.inner.read(path, how, deadline)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        return self.inner.run(argv, deadline)

    def info(self, node: str, deadline: float) -> Answer:
        return self.inner.info(node, deadline)

    def register(self, access: Access, deadline: float) -> Answer:
        return self.inner.register(access, deadline)

    def command(self, call: Call, deadline: float) -> Answer:
        return self.inner.command(call, deadline)

    def close(self) -> None:
        self.inner.close()


@pytest.mark.parametrize("answer", [ValueError("planted"), Answer(b"x", Outcome.DENIED, "planted")])
@pytest.mark.parametrize("path", ["/proc/sys/kernel/tainted", "/proc/modules", "/dev/mst"])
@pytest.mark.parametrize("turned", [False, True])
def test_what_could_be_read_only_once_is_no_change(answer: Answer | Exception, path: str, turned: bool) -> None:
    seen = [observe(ScenarioSource(load("two-adapters-before"))), observe(Broken(answer, path))]

    compared = delta(seen[1], seen[0]) if turned else delta(seen[0], seen[1])

    named = [reason.startswith(f"{path}: ") and "planted" in reason for reason in unread(compared)]
    assert (compared["delta"], named) == ([], [True])


def test_what_came_and_went_is_a_change() -> None:
    nodes = Answer(b"mt4125_pciconf0\n")

    found = delta(observe(Broken(nodes, "/nothing")), observe(Broken(nodes, "/dev/mst")))

    assert found["delta"] == ["/dev/mst node mt4125_pciconf0 appeared"]


class Slow:
    """A host whose programs need all the time that they are given."""

    kind = "sim"
    path = "sim:slow"

    def __init__(self) -> None:
        self.inner = ScenarioSource(load("two-adapters-before"))
        self.clock = 0.0

    def read(self, path: str, how: How, deadline: float) -> Answer:
        return self.inner.read(path, how, deadline)

    def run(self, argv: Sequence[str], deadline: float) -> Answer:
        self.clock += deadline
        return Answer(outcome=Outcome.TIMEOUT, reason=f"no end within {deadline:g} s")

    def info(self, node: str, deadline: float) -> Answer:
        return self.inner.info(node, deadline)

    def register(self, access: Access, deadline: float) -> Answer:
        return self.inner.register(access, deadline)

    def command(self, call: Call, deadline: float) -> Answer:
        return self.inner.command(call, deadline)

    def close(self) -> None:
        self.inner.close()


def test_a_read_that_the_limit_of_the_run_cut_makes_the_run_a_cut_one() -> None:
    dmesg = Collector("log", "the log", (Command("kernel.log", ("dmesg",), deadline=20.0),))
    short, long = Slow(), Slow()
    engines = [
        Engine(short, max_seconds=5, monotonic=lambda: short.clock),
        Engine(long, max_seconds=50, monotonic=lambda: long.clock),
    ]

    records = [engine.collect([dmesg])[0] for engine in engines]

    cuts = [engine.cut for engine in engines]
    assert [(cut, r.outcome, r.answer.reason) for cut, r in zip(cuts, records, strict=True)] == [
        (True, Outcome.TIMEOUT, "budget: the 5 s for the whole run ended it: no end within 5 s"),
        (False, Outcome.TIMEOUT, "no end within 20 s"),
    ]  # fmt: skip


def test_this_host_says_who_read_it_and_others_do_not(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    makers = [open_source(spec).maker for spec in ("live:", "sim:bare", str(tmp_path))]

    assert makers == [maker(os.geteuid()), "", ""]


def test_a_copied_folder_of_an_rdma_device_is_read_as_one(tmp_path: Path) -> None:
    port = tmp_path / "mlx5_4" / "ports" / "1"
    (port / "counters").mkdir(parents=True)
    for path, text in {"fw_ver": "28.43.2566", "board_id": "MT_0000000838", "ports/1/state": "4: ACTIVE",
                       "ports/1/counters/port_rcv_data": "18446744073709551000"}.items():  # fmt: skip
        (tmp_path / "mlx5_4" / path).write_text(f"{text}\n")

    snapshot = normalise(open_source(str(tmp_path / "mlx5_4")))

    found = {setting.name: (setting.device, setting.cls) for setting in snapshot.settings}
    assert (found, snapshot.devices[0].psid) == (
        {
            "board_id": ("mlx5_4", "identity"),
            "fw_ver": ("mlx5_4", "firmware"),
            "port1.counters.port_rcv_data": ("mlx5_4", "counter"),
            "port1.state": ("mlx5_4", "health"),
        },
        "MT_0000000838",
    )
