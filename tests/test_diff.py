"""What a diff says of hosts that changed in a certain way, from scenarios through the whole route."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from sosmlx.collectors import selected
from sosmlx.collectors.engine import Engine
from sosmlx.diff.compare import Comparison, Filter, compare_bundles
from sosmlx.policy.envelope import Baseline, judge
from sosmlx.record import Bundle
from sosmlx.simulator.host import ScenarioSource, load, merge
from sosmlx.sources.text import from_bytes
from tests.snapshots import query

BASE = "0000:3b:00.0"
OTHER = "0000:af:00.0"
MOVED = "0000:5e:00.0"


def scenario(**patch: object) -> dict[str, Any]:
    """The demo host without fwctl, patched: its verdict then rests on the kernel alone."""
    found = merge(load("no-fwctl"), patch)
    assert isinstance(found, dict)
    return copy.deepcopy(found)


def host(found: dict[str, Any]) -> Bundle:
    records = Engine(ScenarioSource(found)).collect(selected())
    return Bundle("sim", "sim:test", tuple(records), host="n07")


def moved(found: dict[str, Any], old: str = BASE, new: str = MOVED) -> dict[str, Any]:
    found["functions"][new] = found["functions"].pop(old)
    found["files"] = {path.replace(old, new): text for path, text in found["files"].items()}
    return found


def diff(left: dict[str, Any], right: dict[str, Any], *planes: str) -> Comparison:
    return compare_bundles(host(left), host(right), Filter(planes=planes))


def rows(found: Comparison) -> list[tuple[str, str, str]]:
    return [(row.device, row.name, row.change) for row in found.differences if row.plane != "ethtool"]


def verdict(found: Comparison) -> str:
    return judge(found.right, Baseline(found.judged, found.gaps, found.left)).host.status


def mtu(found: dict[str, Any], value: int, bdf: str = BASE) -> dict[str, Any]:
    for netdev in found["functions"][bdf]["netdevs"].values():
        netdev["sysfs"]["mtu"] = value
    return found


def test_the_same_host_is_unchanged_and_supported() -> None:
    found = diff(scenario(), scenario())

    assert (rows(found), verdict(found)) == ([], "supported")


def test_a_moved_card_keeps_its_settings_and_its_change_counts() -> None:
    found = diff(scenario(), moved(mtu(scenario(), 1500)))

    assert (rows(found), verdict(found)) == ([(MOVED, "mtu", "changed"), (MOVED, "slot", "moved")], "changed")


def test_two_cards_that_change_slots_are_not_compared_with_each_other() -> None:
    swapped = scenario()
    functions = swapped["functions"]
    functions[BASE], functions[OTHER] = functions[OTHER], functions[BASE]

    assert {name for _, name, _ in rows(diff(scenario(), swapped))} == {"slot"}


def test_a_card_of_another_serial_in_the_slot_is_said_to_be_swapped() -> None:
    info = {"serial_number": "b8cef6030099ffff", "board.serial_number": "MT2214X0ffff"}
    guid = {"sys_image_guid": "b8ce:f603:0099:ffff", "node_guid": "b8ce:f603:0099:ffff"}
    other = scenario(functions={BASE: {"devlink": {"info": info}, "rdma": {"mlx5_0": guid}}})

    found = diff(scenario(), other)

    assert [row.note for row in found.differences if row.name == "card"] == [
        "the card in this slot was swapped for another"
    ]


def test_a_removed_adapter_is_one_difference_and_a_changed_host() -> None:
    found = diff(scenario(), scenario(functions={BASE: None}))

    assert (rows(found), verdict(found)) == ([(BASE, "device", "removed")], "changed")


def test_a_card_in_the_slot_of_one_that_moved_has_an_id_of_its_own() -> None:
    right = moved(scenario())
    right["functions"][BASE] = copy.deepcopy(scenario()["functions"][OTHER])
    right["functions"][BASE]["devlink"]["info"] = {"serial_number": "new", "board.serial_number": "new"}
    right["functions"][BASE].pop("rdma")

    found = diff(scenario(), right)

    assert [row for row in rows(found) if row[1] in ("slot", "device")] == [
        (BASE, "device", "added"),
        (MOVED, "slot", "moved"),
    ]


def test_a_read_that_its_tool_refused_is_unknown_and_not_a_removal() -> None:
    fault = {"read": "ethtool -g enp59s0np0", "outcome": "unsupported", "reason": "not supported", "rc": 1}

    found = diff(scenario(), scenario(faults=[fault]))

    gaps = [(gap.device, gap.side, "rings.rx" in gap.names) for gap in found.gaps]
    assert (rows(found), gaps, verdict(found)) == ([], [(BASE, "right", True)], "undetermined")


def test_a_renamed_rdma_device_is_no_change_of_configuration() -> None:
    right = scenario()
    right["functions"][BASE]["rdma"] = {"rocep59s0f0": right["functions"][BASE]["rdma"]["mlx5_0"]}

    assert [row for row in diff(scenario(), right).differences if row.cls == "config"] == []


def test_representors_are_devices_of_their_own() -> None:
    right = scenario()
    netdevs = right["functions"][BASE]["netdevs"]
    netdevs["enp59s0npf0vf0"] = copy.deepcopy(netdevs["enp59s0np0"])
    netdevs["enp59s0npf0vf0"]["sysfs"]["phys_port_name"] = "pf0vf0"

    assert rows(diff(scenario(), right)) == [(f"{BASE}/enp59s0npf0vf0", "device", "added")]


TAINT = {"taint": 1 << 19}
LINE = "[    9.000000] fwctl fwctl0: tool(7): has requested full access to the physical device"


def tainted(**more: object) -> dict[str, Any]:
    return scenario(host={**TAINT, "log": [LINE], **more})


@pytest.mark.parametrize("boot", [None, "3f0c7b53-0000-4000-8000-000000000000"])
def test_a_clean_word_after_a_tainted_one_proves_nothing(boot: str | None) -> None:
    right = scenario(host={"boot_id": boot} if boot else {})

    found = diff(tainted(), right)

    assert verdict(found) == "undetermined"


def test_a_taint_of_another_fwctl_device_is_not_ours() -> None:
    right = tainted()
    right["files"] = {"/sys/class/fwctl/fwctl0/dev": "1:2"}

    found = judge(diff(right, right).right)

    assert (found.host.status, "another device named: fwctl0" in found.host.sentence) == ("supported", True)


def test_a_taint_of_a_device_that_cannot_be_seen_is_unattributed() -> None:
    found = judge(diff(tainted(), tainted()).right)

    assert (found.host.status, "unattributed" in found.host.sentence) == ("tainted", True)


def test_a_sick_health_reporter_is_a_finding() -> None:
    sick = [{"reporter": "fw", "state": "error", "error": 1, "recover": 0}]

    found = diff(scenario(), scenario(functions={BASE: {"devlink": {"health": sick}}}))

    assert verdict(found) == "changed"


def test_the_verdict_does_not_depend_on_what_is_shown() -> None:
    found = diff(scenario(), mtu(scenario(), 1500), "pci")

    assert (rows(found), verdict(found)) == ([], "changed")


def test_an_unbound_function_says_that_no_driver_tells_of_it() -> None:
    unbound = scenario(functions={BASE: {"driver": None}})

    cells = [row for row in diff(unbound, unbound).right.coverage if (row.device, row.plane) == (BASE, "firmware")]

    assert [(row.status, row.reason) for row in cells] == [("unknown", "no driver is bound to it")]


VALUES = {"NUM_OF_VFS": ("0", "8", "16"), "SRIOV_EN": ("True(1)",) * 3}


def text(content: str) -> Bundle:
    return from_bytes(content.encode(), "t.txt")


def test_what_is_pending_on_both_sides_is_still_shown() -> None:
    values = {"SETTLED_ROW": ("1",) * 3, **VALUES}

    found = compare_bundles(text(query(values)), text(query(values)))

    # The last row stays, too: it may be cut.
    assert [row.name for row in found.right.settings if row.plane == "nvconfig"] == ["NUM_OF_VFS", "SRIOV_EN"]


def test_an_array_whose_elements_only_one_side_shows_is_no_change() -> None:
    array = {"MODULE_SPLIT_M0": ("Array[0..7]",) * 3}
    elements = {**array, "MODULE_SPLIT_M0[3]": ("1",) * 3}
    sides = [query({**rows, "SRIOV_EN": ("0",) * 3}) for rows in (array, elements)]

    found = compare_bundles(text(sides[0]), text(sides[1]))

    assert (found.differences, [gap.names for gap in found.scope]) == ((), [("MODULE_SPLIT_M0[3]",)])


def test_a_last_row_that_is_cut_alike_on_both_sides_is_still_seen() -> None:
    cut = "Configurations:                 Next Boot\n  NUM_OF_VFS      8\n  SRIOV_EN        True(1"

    found = compare_bundles(text(f"Device #1:\n{cut}"), text(f"Device #1:\n{cut}"))

    assert {(row.plane, row.status) for row in found.right.coverage} == {("nvconfig", "partial")}


def test_a_device_that_a_text_does_not_speak_of_is_unknown() -> None:
    left = query(VALUES) + query(VALUES, "0000:3b:00.1", 2)

    found = compare_bundles(text(left), text(query(VALUES)))

    assert (found.differences, [gap.device for gap in found.gaps]) == ((), ["0000:3b:00.1"])


def test_a_text_without_identity_is_compared_with_the_device_that_was_chosen() -> None:
    anonymous = query(VALUES).replace("Device:             0000:3b:00.0\n", "").replace("16 ", "32 ")
    several = query(VALUES) + query(VALUES, "0000:3b:00.1", 2)

    found = compare_bundles(text(anonymous), text(several), Filter(devices=("0000:3b:00.1",)))

    assert [(row.device, row.name) for row in found.differences] == [("0000:3b:00.1", "NUM_OF_VFS")]


def test_one_device_with_two_values_in_a_paste_has_no_value() -> None:
    twice = query(VALUES) + query({**VALUES, "NUM_OF_VFS": ("0", "8", "32")})

    found = compare_bundles(text(query(VALUES)), text(twice))

    assert (found.differences, [gap.names for gap in found.gaps]) == ((), [("NUM_OF_VFS",)])
