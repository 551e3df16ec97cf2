"""How strong the picture is: lockdown against every channel that was open, or that nobody could look at."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.bundle.opening import open_source
from sosmlx.diff.compare import compare_bundles
from sosmlx.model import Device, Evidence, Facet, Reading, Setting, Snapshot
from sosmlx.normalise import normalise
from sosmlx.policy.strength import GRADES, RAW_MODULES, mechanism, strength
from sosmlx.record import HOST
from tests.hosts import PF, host, module

VFIO = Device("0000:3b:00.1", "0000:3b:00.1", role="vfio-owned")
VIRTUAL = Setting(VFIO.id, "pci", "physfn", "", (("current", Facet(PF.id)),))
BLUEFIELD = replace(PF, role="dpu-host")


def loaded(*names: str, lockdown: str | None = "integrity") -> Snapshot:
    return host(lockdown=lockdown, settings=[row for name in names for row in module(name)])


def found(snapshot: Snapshot) -> str:
    return str(strength(snapshot))


@pytest.mark.parametrize("level", ["integrity", "confidentiality"])
def test_a_locked_down_host_without_other_channels_is_strong(level: str) -> None:
    assert found(loaded("mlx5_core", lockdown=level)) == "strong"


LOCKDOWN = {"none": "lockdown is off: PCI resources can be written", None: "lockdown was not read"}


@pytest.mark.parametrize("level", LOCKDOWN)
def test_without_lockdown_it_is_moderate_at_most(level: str | None) -> None:
    assert found(loaded("mlx5_core", lockdown=level)) == f"moderate: {LOCKDOWN[level]}"


@pytest.mark.parametrize(("name", "level"), list(product(RAW_MODULES, ["integrity", "confidentiality"])))
def test_an_access_module_makes_it_weak_locked_down_or_not(name: str, level: str) -> None:
    assert found(loaded(name, lockdown=level)) == f"weak: vendor access module {name} is loaded"


def test_a_vendor_node_makes_it_weak() -> None:
    node = Evidence("channel.mst", PF.id, "/dev/mst/mt4125_pciconf0 gives access to this device")

    assert found(host(evidence=[node])) == f"weak: vendor access nodes reach {PF.id}"


def test_a_vendor_node_of_which_nobody_knows_what_it_reaches_makes_it_weak() -> None:
    node = Evidence("channel.mst", "/dev/mst/mt9999_pciconf0", "/dev/mst/mt9999_pciconf0 is there")

    assert found(host(evidence=[node])) == "weak: vendor access nodes are there: /dev/mst/mt9999_pciconf0"


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ("mst", f"weak: vendor access nodes reach {PF.id}"),
        ("mlx5ctl", f"weak: mlx5ctl reaches {PF.id}"),
        ("devx", "moderate: DevX is open to whoever has CAP_SYS_RAWIO"),
        ("umad", "moderate: ib_umad is open to whoever may send management datagrams"),
        ("devlink", "strong"),
    ],
)
def test_a_channel_whose_module_is_built_in_counts_by_what_it_shows(channel: str, words: str) -> None:
    assert found(host(devices=(replace(PF, channels=(channel,)),))) == words


def test_rshim_in_user_space_makes_it_weak() -> None:
    served = Evidence("channel.rshim", HOST, "rshim0")

    assert found(host(evidence=[served])) == "weak: rshim0 gives access to the whole of a BlueField"


def test_fwctl_from_outside_the_tree_may_not_taint() -> None:
    words = "moderate: fwctl is a module from outside the kernel's tree: whether it taints is not known"

    assert found(host(settings=module("fwctl", "OE"))) == words


def read(kind: str, outcome: str) -> Reading:
    return Reading("1", kind, HOST, outcome)


@pytest.mark.parametrize(
    ("loaded", "reads", "words"),
    [
        (["fwctl"], {"fwctl.nodes": "collected"}, "a module, loaded since the boot at a time that"),
        ([], {"fwctl.nodes": "collected"}, "built into the kernel, there since the boot"),
        ([], {"fwctl.nodes": "absent"}, "not there now: that bit 19 is clear tells nothing"),
        ([], {"fwctl.nodes": "denied"}, "unknown: it was not read"),
        ([], {"fwctl.nodes": "collected", "kernel.modules": "denied"}, "unknown: it was not read"),
        ([], {}, "unknown: it was not read"),
    ],
)
def test_whether_fwctl_could_taint_is_told_by_its_class_and_the_list_of_modules(
    loaded: list[str], reads: dict[str, str], words: str
) -> None:
    told = replace(
        host(settings=[row for name in loaded for row in module(name)]),
        reads=tuple(read(kind, outcome) for kind, outcome in reads.items()),
    )

    assert mechanism(told).words.startswith(words)


def test_what_a_vendor_tool_says_of_a_module_that_is_not_loaded_opens_nothing() -> None:
    remark = Evidence("channel.mst", HOST, "MST PCI module is not loaded")

    assert found(host(evidence=[remark])) == "strong"


def test_a_physical_function_that_user_space_owns_makes_it_weak() -> None:
    assert found(host(devices=(PF, VFIO))) == f"weak: {VFIO.id} owned through VFIO"


def test_a_virtual_function_that_a_guest_owns_makes_it_moderate() -> None:
    snapshot = host(devices=(PF, VFIO), settings=[VIRTUAL])

    assert found(snapshot) == f"moderate: virtual function {VFIO.id} owned through VFIO"


def test_of_many_functions_a_few_are_named() -> None:
    owned = [replace(VFIO, id=f"0000:3b:01.{number}") for number in range(8)]

    words = "0000:3b:01.0, 0000:3b:01.1, 0000:3b:01.2, 0000:3b:01.3 and 4 more owned through VFIO"
    assert found(host(devices=owned)) == f"weak: {words}"


def test_the_rdma_stack_opens_devx() -> None:
    assert found(loaded("mlx5_ib", "ib_uverbs")) == "moderate: DevX is open to whoever has CAP_SYS_RAWIO"


@pytest.mark.parametrize("name", ["mlx5_ib", "ib_uverbs"])
def test_half_of_the_rdma_stack_opens_nothing(name: str) -> None:
    assert found(loaded(name)) == "strong"


def test_management_datagrams_are_a_channel() -> None:
    assert found(loaded("ib_umad")) == "moderate: ib_umad is open to whoever may send management datagrams"


@pytest.mark.parametrize("name", ["rshim", "rshim_pcie"])
def test_rshim_makes_it_weak(name: str) -> None:
    assert found(loaded(name)) == f"weak: {name} gives access to the whole of a BlueField"


def test_modules_that_were_not_read_count_as_the_worst_they_may_be() -> None:
    assert found(host(unread={(HOST, "module"): "denied"})) == "weak: which modules are loaded was not read"


def test_a_list_of_modules_that_failed_counts_though_their_attributes_were_read() -> None:
    snapshot = replace(host(), reads=(Reading("1", "kernel.modules", HOST, "denied", "EACCES"),))

    assert found(snapshot) == "weak: which modules are loaded was not read"


def test_a_device_side_that_was_not_read_makes_it_weak() -> None:
    assert str(strength(host(), ["debug tokens were not read"])) == "weak: debug tokens were not read"


def test_what_a_clean_word_cannot_tell_makes_it_moderate() -> None:
    assert str(strength(host(), (), ["a reboot lies between"])) == "moderate: a reboot lies between"


def test_the_worst_is_said_first() -> None:
    words = "weak: vendor access module mst_pci is loaded, lockdown is off: PCI resources can be written"

    assert found(loaded("mst_pci", lockdown="none")) == words


def test_a_bmc_cannot_be_seen_from_any_host() -> None:
    assert strength(host()).unseen == ("a BMC",)


def test_nor_can_rshim_in_user_space_beside_a_bluefield() -> None:
    assert strength(host(devices=(BLUEFIELD,))).unseen == ("a BMC", "rshim in user space")


@pytest.mark.parametrize("name", ["two-adapters-before", "two-adapters-after", "no-fwctl"])
def test_a_diff_sees_the_same_channels_as_a_look_at_one_side(name: str) -> None:
    bundle = open_source(f"sim:{name}")

    assert str(strength(compare_bundles(bundle, bundle).right)) == str(strength(normalise(bundle)))


NAMES = st.sets(st.sampled_from([*RAW_MODULES, "mlx5_core", "mlx5_ib", "ib_uverbs", "ib_umad", "rshim", "nfs"]))
LEVELS = st.sampled_from(["integrity", "confidentiality", "none", None])


@given(NAMES, NAMES, LEVELS)
def test_one_more_channel_never_makes_it_stronger(some: set[str], more: set[str], level: str | None) -> None:
    before, after = (strength(loaded(*sorted(names), lockdown=level)).word for names in (some, some | more))

    assert GRADES.index(after) >= GRADES.index(before)


@given(NAMES, LEVELS)
def test_it_is_strong_if_and_only_if_nothing_lowers_it(names: set[str], level: str | None) -> None:
    judged = strength(loaded(*sorted(names), lockdown=level))

    assert (judged.word == "strong") == (not judged.exposures)
