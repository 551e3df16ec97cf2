"""Where facts come from: this host, a recording, a copied tree, pasted texts."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from sosmlx.bundle.opening import open_source
from sosmlx.collectors import COLLECTORS
from sosmlx.collectors.engine import Engine
from sosmlx.errors import InputError
from sosmlx.record import Answer, Outcome
from sosmlx.simulator.host import ScenarioSource, load, scenarios
from sosmlx.sources.base import How
from sosmlx.sources.live import LiveSource, read_path
from sosmlx.sources.recorded import BundleSource, TreeSource
from sosmlx.sources.text import from_bytes, from_folder


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


def test_a_read_that_blocks_is_abandoned_and_the_next_one_works() -> None:
    def read(path: str, how: How) -> Answer:
        if path == "/stuck":
            time.sleep(5)
        return Answer(b"fine")

    source = LiveSource(read)

    answers = [source.read(path, "bytes", 0.2) for path in ("/stuck", "/other")]

    assert [answer.outcome for answer in answers] == [Outcome.ABANDONED, Outcome.COLLECTED]


def test_a_recorded_bundle_answers_as_the_host_did() -> None:
    host = ScenarioSource(load("two-adapters-after"))
    records = Engine(host).collect(COLLECTORS)
    bundle = open_source("sim:two-adapters-after")

    again = Engine(BundleSource(bundle)).collect(COLLECTORS)

    kept = [(r.id, r.kind, r.subject, r.answer) for r in records if r.answer.reason != "not-stored"]
    assert [(r.id, r.kind, r.subject, r.answer) for r in again] == kept


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
