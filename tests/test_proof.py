"""The proof in a bundle: what changed while collecting, who did it, and which effects the collection had."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sosmlx.cli.host import gather
from sosmlx.collectors import selected
from sosmlx.collectors.blame import Run, blamed, effects
from sosmlx.collectors.engine import Engine
from sosmlx.collectors.proof import delta, observe, parameters, sentence
from sosmlx.record import Access, Answer, Outcome, Record
from sosmlx.simulator.host import ScenarioSource, load
from sosmlx.sources.base import How

BEFORE = load("two-adapters-before")
LINE = "[ 12.000000] fwctl fwctl0: mstconfig(4711): has requested full access to the physical device"


def seen(**more: object) -> dict[str, object]:
    """Make an observation of a quiet host."""
    quiet: dict[str, object] = {
        "taint": "0", "modules": ["mlx5_core"], "dev_mst": [], "configfs": [], "rdma_cm": [], "mounts": [],
        "log": ["old"], "unread": [],
    }  # fmt: skip
    return {**quiet, **more}


def test_a_host_on_which_nothing_happens_has_no_delta() -> None:
    host = ScenarioSource(BEFORE)

    found = delta(observe(host), observe(host))

    assert (found["delta"], found["changes"], found["log"], found["final"], sentence(found)) == (
        [], [], [], True, "taint, modules, /dev/mst, configfs, mounts and devlink parameters are as they were before",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("after", "change"),
    [
        ({"taint": "524288"}, "kernel taint: 0 → 524288"),
        ({"modules": ["mlx5_core", "mst_pci"]}, "module mst_pci appeared"),
        ({"modules": []}, "module mlx5_core went away"),
        ({"configfs": ["rdma_cm"]}, "configfs folder rdma_cm appeared"),
        ({"rdma_cm": ["mlx5_0"]}, "configfs folder in rdma_cm mlx5_0 appeared"),
        ({"mounts": ["configfs on /sys/kernel/config"]}, "mount configfs on /sys/kernel/config appeared"),
        ({"dev_mst": ["mt4125_pciconf0"]}, "/dev/mst node mt4125_pciconf0 appeared"),
    ],
)
def test_each_part_of_the_state_is_compared(after: Mapping[str, object], change: str) -> None:
    found = delta(seen(), seen(**after))

    assert (found["delta"], change in sentence(found)) == ([change], True)


@pytest.mark.parametrize(
    ("change", "log", "run", "by"),
    [
        ("kernel taint: 0 → 524288", [LINE], Run(), "somebody else"),
        ("kernel taint: 0 → 524288", [LINE], Run(4711), "us"),
        ("kernel taint: 0 → 524288", [LINE], Run(1, frozenset({"mstconfig"})), "perhaps us"),
        (
            "kernel taint: 0 → 524288",
            [LINE.replace("mstconfig", "mstdevices_info")],
            Run(1, frozenset({"mstdevices_info_x"})),
            "perhaps us",
        ),
        ("kernel taint: 0 → 4096", ["mst_pci: loading out-of-tree module taints kernel."], Run(), "unknown"),
        ("module sch_ingress appeared", [], Run(), "perhaps us"),
        ("module mst_pciconf appeared", [], Run(), "somebody else"),
        ("module nvme appeared", [], Run(), "unknown"),
        ("/dev/mst node mt4125_pciconf0 appeared", [], Run(), "somebody else"),
        ("devlink parameter x: 1 → 2", [], Run(), "somebody else"),
    ],
)
def test_a_change_is_ours_only_where_it_may_be(change: str, log: list[str], run: Run, by: str) -> None:
    found = blamed(change, log, run)

    assert (found.by, found.why.startswith(("us", "perhaps", "somebody", "nobody", "the log"))) == (by, True)


def test_a_taint_whose_log_could_not_be_read_is_nobodys() -> None:
    unread = ["dmesg -k: EPERM: Operation not permitted"]

    found = delta(seen(unread=unread), seen(taint="524288", unread=unread, log=[]))

    assert found["changes"] == [
        {
            "what": "kernel taint: 0 → 524288",
            "by": "unknown",
            "why": "the log, which may name somebody, could not be read",
        }
    ]


def test_new_lines_of_the_log_are_told_apart_from_old_ones_that_come_again() -> None:
    found = delta(seen(log=["a", "b"]), seen(log=["b", "b", "a", "c"]))

    assert found["log"] == ["b", "c"]


def test_a_child_that_was_left_behind_makes_the_after_state_not_final() -> None:
    found = delta(seen(), seen(), Run(abandoned=(99,)))

    assert (found["final"], found["abandoned"], "not final: 99" in sentence(found)) == (False, [99], True)


def devlink(value: str) -> bytes:
    return (
        '{"param":{"pci/0000:3b:00.0":[{"name":"enable_roce","type":"generic","values":'
        f'[{{"cmode":"driverinit","value":{value}}}]}}]}}}}\n'
    ).encode()


class Changing:
    """A host whose devlink gives another answer than it was asked before."""

    kind, path = "sim", "sim:changing"

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def run(self, argv: tuple[str, ...], deadline: float) -> Answer:
        return Answer(self.answer)

    def read(self, path: str, how: How, deadline: float) -> Answer:
        raise AssertionError(path)


@pytest.mark.parametrize(
    ("then", "words"),
    [
        ("true", []),
        ("false", ["devlink parameter param pci/0000:3b:00.0 enable_roce values driverinit value: True → False"]),
    ],
)
def test_a_parameter_that_is_another_value_afterwards_is_a_change(then: str, words: list[str]) -> None:
    argv = ("devlink", "-j", "dev", "param", "show")
    record = Record("1", "devlink.param", "devlink", "host", Answer(devlink("true")), argv)

    assert parameters(Changing(devlink(then)), [record]) == words  # type: ignore[arg-type]


def test_the_accepted_effects_are_counted() -> None:
    records = Engine(ScenarioSource(BEFORE)).collect(selected())

    counted = effects(records)

    firmware = [record for record in records if record.register is not None or record.mailbox is not None]
    failed = [record for record in firmware if record.outcome is not Outcome.COLLECTED]
    assert (counted["fwctl_opened"], counted["firmware_commands"], counted["firmware_commands_failed"]) == (
        2, len(firmware), len(failed),
    )  # fmt: skip


def test_a_vendor_tool_by_address_is_counted_as_a_write() -> None:
    answer = Answer(b"x", tool="/usr/bin/mstconfig")
    record = Record("1", "mlxconfig.query", "vendor", "0000:3b:00.0", answer, ("mstconfig",), scope="configuration")

    assert effects([record])["pci_config_writes"] == 1


def test_a_read_that_was_skipped_opened_nothing() -> None:
    answer = Answer(outcome=Outcome.SKIPPED, reason="breaker:")
    record = Record(
        "1", "fw.register", "fwctl", "0000:3b:00.0", answer, register=Access("fwctl0", "MGIR"), channel="fwctl"
    )

    assert effects([record])["fwctl_opened"] == 0


def test_the_proof_is_in_the_bundle(tmp_path: object) -> None:
    found = gather("sim:two-adapters-before", str(tmp_path), selected("minimal"), form="dir")

    assert {"before", "after", "delta", "changes", "effects", "final", "abandoned", "log"} <= set(found.changed)
