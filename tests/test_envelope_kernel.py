"""What the verdict makes of the kernel's side: the taint word, whom the log names, forced modules, and boots."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sosmlx.model import Evidence, Snapshot
from sosmlx.policy.envelope import Baseline, Judgement, judge
from sosmlx.policy.kernel_side import BIT, limits
from sosmlx.record import HOST
from tests.hosts import FWCTL_BIT, PF, SECOND, host, module, used

NODE = replace(PF, fwctl="fwctl0")
OTHER_NODE = replace(SECOND, fwctl="fwctl1")
FOREIGN = Evidence("fwctl.node", HOST, "fwctl9")


def judged(snapshot: Snapshot) -> tuple[str, str]:
    """Give the host's status and its first reason."""
    verdict = judge(snapshot).host
    return verdict.status, next(iter(verdict.reasons), "")


def tainted(*lines: Evidence) -> Snapshot:
    return host(FWCTL_BIT, devices=(NODE, OTHER_NODE), evidence=lines)


def after(before: Snapshot, snapshot: Snapshot) -> Judgement:
    return judge(snapshot, Baseline((), (), before))


def test_a_bit_without_a_line_is_unattributed() -> None:
    assert judged(tainted()) == ("tainted", f"{BIT}, unattributed: no log line names a device")


def test_a_line_names_the_device_and_the_process_as_claimed() -> None:
    assert judged(tainted(used("fwctl0"))) == ("tainted", f"{BIT}, attributed to {PF.id} by tool (as claimed)")


@pytest.mark.parametrize("tool", ["mstconfig", "mlxconfig", "flint"])
def test_a_tool_whose_mere_query_may_do_so_is_said_to_be_one(tool: str) -> None:
    words = f"{BIT}, attributed to {PF.id} by {tool} (as claimed; some versions of it do so for a mere query)"

    assert judged(tainted(used("fwctl0", tool))) == ("tainted", words)


def test_the_device_that_is_named_is_tainted_and_no_other() -> None:
    judgement = judge(tainted(used("fwctl1")))

    assert [judgement.devices[device.id].status == "tainted" for device in (NODE, OTHER_NODE)] == [False, True]


def test_all_devices_that_are_named_are_tainted() -> None:
    judgement = judge(tainted(used("fwctl1"), used("fwctl0")))

    assert [verdict.status for verdict in judgement.devices.values()] == ["tainted", "tainted"]


def test_a_line_of_a_device_that_is_gone_is_unattributed() -> None:
    words = f"{BIT}, unattributed: fwctl9 is no device that can be seen here"

    assert judged(tainted(used("fwctl9"))) == ("tainted", words)


def test_another_device_that_is_named_leaves_ours_untainted() -> None:
    snapshot = host(FWCTL_BIT, evidence=(FOREIGN, used("fwctl9")))

    assert judged(snapshot) == ("supported", f"{BIT}, another device named: fwctl9")


def test_a_second_use_behind_another_device_would_not_be_logged() -> None:
    assert limits(host(FWCTL_BIT, evidence=(FOREIGN, used("fwctl9"))), None) == [
        "only the first use of fwctl is logged"
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_a_device_that_is_gone_counts_beside_another_that_is_named(order: int) -> None:
    lines = (used("fwctl9"), used("fwctl7"))[::order]

    assert judged(host(FWCTL_BIT, evidence=(FOREIGN, *lines)))[0] == "tainted"


def test_a_line_that_a_program_wrote_names_nobody() -> None:
    forged = used("fwctl0")._replace(kind="log.userspace")

    assert judged(tainted(forged)) == ("tainted", f"{BIT}, unattributed: no log line names a device")


def test_a_log_that_tells_of_a_use_beside_a_clean_word_settles_nothing() -> None:
    words = "the kernel log tells of a use of fwctl that taints, and the taint word does not"

    assert judged(host(0, devices=(NODE,), evidence=(used("fwctl0"),))) == ("undetermined", words)


@pytest.mark.parametrize("word", [1 << bit for bit in range(32) if bit != 19])
def test_every_other_bit_of_the_word_is_context(word: int) -> None:
    assert judged(host(word)) == ("supported", "")


def test_a_word_that_was_not_read_leaves_it_undetermined() -> None:
    assert judged(host(None)) == ("undetermined", "the kernel's taint word was not read")


@pytest.mark.parametrize("plane", ["kernel", "module"])
def test_kernel_evidence_that_was_not_read_leaves_it_undetermined(plane: str) -> None:
    words = f"{plane} evidence was not read completely (denied)"

    assert judged(host(unread={(HOST, plane): "denied"})) == ("undetermined", words)


@pytest.mark.parametrize("name", ["mlx5_core", "mlx5_ib", "ib_core", "ib_umad", "mlx_compat", "mst_pciconf", "fwctl"])
@pytest.mark.parametrize("letters", ["F", "FO", "R"])
def test_a_module_of_the_adapters_that_was_forced_taints(name: str, letters: str) -> None:
    assert judged(host(settings=module(name, letters))) == ("tainted", f"module {name} was forced")


@pytest.mark.parametrize(("name", "letters"), [("nvidia", "FPO"), ("vboxdrv", "F"), ("mlx5_core", "OE")])
def test_a_module_that_is_not_theirs_or_was_not_forced_does_not(name: str, letters: str) -> None:
    assert judged(host(settings=module(name, letters))) == ("supported", "")


def test_two_taints_are_both_said() -> None:
    snapshot = replace(tainted(used("fwctl0")), settings=tuple(module("mlx5_core", "F")))

    words = f"{BIT}, attributed to {PF.id} by tool (as claimed); module mlx5_core was forced"
    assert judged(snapshot) == ("tainted", words)


ENDED = {
    ("a", "a"): "the taint went away within one boot: one of the two is not what it says, or the baseline is the later "
    "one",
    ("a", "b"): "tainted before a reboot, which clears the word and not what was written",
    (None, "b"): "tainted before, and whether a reboot lies between was not read",
    ("a", None): "tainted before, and whether a reboot lies between was not read",
    (None, None): "tainted before, and whether a reboot lies between was not read",
}  # fmt: skip


@pytest.mark.parametrize(("left", "right"), ENDED)
def test_a_taint_that_is_gone_leaves_it_undetermined(left: str | None, right: str | None) -> None:
    found = after(host(FWCTL_BIT, boot=left), host(boot=right)).host

    assert (found.status, found.reasons[0]) == ("undetermined", ENDED[left, right])


def test_the_taint_of_another_host_says_nothing() -> None:
    assert after(host(FWCTL_BIT, name="n08"), host()).host.status == "supported"


BETWEEN = {
    ("a", "a"): [],
    ("a", "b"): ["a reboot lies between, and the taint word covers only what came after it"],
    ("a", None): ["whether a reboot lies between was not read"],
}


@pytest.mark.parametrize(("left", "right"), BETWEEN)
def test_a_clean_word_covers_one_boot(left: str, right: str | None) -> None:
    assert limits(host(boot=right), host(boot=left)) == BETWEEN[left, right]


def test_what_a_clean_word_cannot_tell_lowers_the_strength() -> None:
    sentence = after(host(boot="a"), host(boot="b")).host.sentence

    assert f", {BETWEEN['a', 'b'][0]}; " in sentence


def test_two_hosts_have_no_boot_in_common() -> None:
    assert "reboot" not in after(host(boot="a", name="n08"), host(boot="b")).host.sentence


def test_what_was_read_by_whom_is_said() -> None:
    assert judge(host()).host.sentence.endswith("; according to a bundle made by root on that host, unsigned.")
