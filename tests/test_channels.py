"""The channels into each device, from the names that a host shows to what `sosmlx devices` prints."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sosmlx.bundle.opening import open_source
from sosmlx.cli import main
from sosmlx.collectors import selected
from sosmlx.collectors.channels import CHANNELS
from sosmlx.collectors.engine import Engine
from sosmlx.identity import identify
from sosmlx.model import Device, Facet, Setting
from sosmlx.normalise import normalise
from sosmlx.record import HOST, Bundle
from sosmlx.report.devices import devices_tree
from sosmlx.simulator.host import ScenarioSource, load, merge

CX6, CX7 = "0000:3b:00.0", "0000:af:00.0"


def channels(**patch: object) -> dict[str, str]:
    """Collect a changed host and tell the channels into each device."""
    scenario = merge(load("two-adapters-before"), patch)
    assert isinstance(scenario, dict)
    records = Engine(ScenarioSource(scenario)).collect(selected("minimal"))
    found = normalise(Bundle("sim", "sim:patched", tuple(records)))
    return {device.id: " ".join(device.channels) for device in found.devices}


LOCKED = {"lockdown": "integrity"}
NOTHING_MORE = {CX6: "devlink devx", CX7: "devlink devx"}


def test_on_a_locked_down_host_the_kernels_own_channels_are_left() -> None:
    assert channels(host=LOCKED) == NOTHING_MORE


@pytest.mark.parametrize("level", ["integrity", "confidentiality"])
def test_lockdown_closes_the_resources(level: str) -> None:
    assert [name for name in channels(host={"lockdown": level}).values() if "pci" in name.split()] == []


def test_without_lockdown_the_resources_are_open() -> None:
    assert channels(host={"lockdown": "none"}) == {CX6: "devlink pci devx", CX7: "devlink pci devx"}


def test_where_lockdown_was_not_read_the_resources_are_not_said_to_be_open() -> None:
    assert channels(host={"lockdown": None}) == NOTHING_MORE


def test_a_vendor_node_reaches_the_devices_whose_id_it_carries() -> None:
    files = {"/dev/mst/mt4125_pciconf0": "", "/dev/mst/mt9_odd": ""}

    assert channels(host=LOCKED, files=files) == {CX6: "devlink mst devx", CX7: "devlink devx"}


def test_a_node_of_mlx5ctl_reaches_the_function_whose_auxiliary_device_it_is() -> None:
    files = {
        f"/sys/bus/pci/devices/{CX6}/mlx5_core.ctl.0/uevent": "",
        f"/sys/bus/pci/devices/{CX7}/mlx5_core.ctl.1/uevent": "",
        "/sys/class/misc/mlx5ctl-mlx5_core.ctl.1/dev": "10:57",
    }

    assert channels(host=LOCKED, files=files) == {CX6: "devlink devx", CX7: "devlink mlx5ctl devx"}


def test_management_datagrams_are_a_channel_of_the_function_that_has_the_node() -> None:
    files = {f"/sys/bus/pci/devices/{CX7}/infiniband_mad/umad0/dev": "231:0"}

    assert channels(host=LOCKED, files=files) == {CX6: "devlink devx", CX7: "devlink devx umad"}


def test_a_fwctl_device_is_a_channel_also_where_only_its_function_shows_it() -> None:
    files = {f"/sys/bus/pci/devices/{CX6}/fwctl/fwctl0/dev": "230:0"}

    assert channels(host=LOCKED, files=files, functions={CX7: {"fwctl": None}, CX6: {"fwctl": None}}) == {
        CX6: "fwctl devlink devx", CX7: "devlink devx",
    }  # fmt: skip


def test_a_function_with_a_vfio_device_is_owned_whatever_its_driver_is_called() -> None:
    facts = {CX6: {"class": ["0x020000"], "driver": ["some_vfio_pci"], "way": ["vfio", "bar"]}}

    found = [(device.role, device.channels) for device in identify(facts, [], pasted=False)]
    assert found == [("vfio-owned", ("vfio",))]


def test_channels_are_read_by_name_and_nothing_is_opened() -> None:
    source = ScenarioSource(load("two-adapters-before"))

    paths = {record.path for record in Engine(source).collect([CHANNELS]) if record.kind != "pci.attribute"}

    folders = {f"/sys/bus/pci/devices/{bdf}" for bdf in (CX6, CX7)}
    assert paths == {
        "/sys/class/fwctl",
        "/dev/mst",
        "/sys/class/misc",
        "/sys/class/cuse",
        "/sys/bus/pci/devices",
        *folders,
    }


TREE = """\
board  MT2214X00042
  ASIC  b8ce:f603:0011:2230  ConnectX-6 Dx  MT_0000000359  firmware 22.43.2566
    0000:3b:00.0  pf  net enp59s0np0  rdma mlx5_0  channels devlink devx
board  MT2347X00107
  ASIC  946d:ae03:0044:5560  ConnectX-7  MT_0000000838  firmware 28.43.2566
    0000:af:00.0  pf  net enp175s0np0  rdma mlx5_1  channels devlink devx
lockdown: integrity
taint: 0
fwctl: not there now: that bit 19 is clear tells nothing of vendor tools, which take other ways
"""


def test_devices_prints_boards_asics_functions_channels_and_what_the_host_lets_through(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["devices", "sim:no-fwctl"])

    assert (code, capsys.readouterr().out) == (0, TREE)


def _device(name: str, **more: object) -> Device:
    return Device(name, name if "/" not in name else "", **more)  # type: ignore[arg-type]


def tree(devices: list[Device], settings: tuple[Setting, ...] = ()) -> list[str]:
    return list(devices_tree(replace(normalise(open_source("sim:bare")), devices=tuple(devices), settings=settings)))


def test_two_functions_of_one_asic_and_what_hangs_on_them_are_told_together() -> None:
    first = _device("0000:3b:00.0", role="pf", board="B1", asic="A1", running="22.1", stored="22.2")
    second = _device("0000:3b:00.1", role="pf", board="B1", asic="A1", running="22.1", stored="22.1")
    virtual, face = _device("0000:3b:01.2", role="vf"), _device("0000:3b:00.0/eth3", role="representor")
    link = Setting(virtual.id, "pci", "physfn", "", (("current", Facet(first.id)),))

    assert tree([first, face, second, virtual], (link,))[:6] == [
        "board  B1",
        "  ASIC  A1  firmware 22.1 (stored 22.2)",
        "    0000:3b:00.0  pf  channels none",
        "    0000:3b:00.0/eth3  representor  channels none",
        "    0000:3b:00.1  pf  channels none",
        "    0000:3b:01.2  vf  channels none",
    ]


def test_a_board_with_two_asics_has_both() -> None:
    rows = [_device(f"0000:{bus}:00.0", role="pf", board="B1", asic=f"A{bus}") for bus in ("3b", "3c")]

    assert [line for line in tree(rows) if "board" in line or "ASIC" in line] == [
        "board  B1",
        "  ASIC  A3b",
        "  ASIC  A3c",
    ]


def test_devices_of_which_no_board_is_known_are_not_said_to_share_one() -> None:
    rows = [_device(name, role="pf") for name in ("0000:3b:00.0", "0000:3b:00.1", "0000:af:00.0")]

    assert tree(rows)[:7] == [
        "board  not known", "  ASIC  not known", "    0000:3b:00.0  pf  channels none",
        "    0000:3b:00.1  pf  channels none", "board  not known", "  ASIC  not known",
        "    0000:af:00.0  pf  channels none",
    ]  # fmt: skip


def test_a_name_with_escapes_is_harmless_in_the_tree() -> None:
    lines = tree([_device("0000:3b:00.0", role="pf", board="\x1b[2J", netdevs=("e\u202eth",))])

    assert [line for line in lines if "\x1b" in line or "\u202e" in line] == []


def test_what_was_not_read_of_the_host_is_unknown() -> None:
    lines = list(devices_tree(replace(normalise(open_source("sim:bare")), host={}, reads=())))

    assert lines == ["No adapter.", "lockdown: unknown", "taint: unknown", "fwctl: unknown: it was not read"]


def test_a_text_says_nothing_of_its_host() -> None:
    assert HOST not in " ".join(devices_tree(normalise(Bundle("text", "x", ()))))
