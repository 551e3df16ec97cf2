"""Capabilities and objects from the firmware's commands: what is asked, what is told, and what a fault costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sosmlx.bundle.read import read_bundle
from sosmlx.bundle.write import Meta, write
from sosmlx.collectors.engine import Engine
from sosmlx.collectors.firmware_state import FIRMWARE_STATE, FIRMWARE_SWEEP
from sosmlx.collectors.pci import PCI
from sosmlx.collectors.rdma import RDMA
from sosmlx.fwctl import capabilities
from sosmlx.fwctl.capabilities import CAPABILITIES, announced
from sosmlx.fwctl.layout import put_together
from sosmlx.model import Snapshot
from sosmlx.normalise import DISAGREEMENT, normalise
from sosmlx.record import Answer, Bundle, Outcome, Record
from sosmlx.simulator.host import ScenarioSource
from sosmlx.simulator.profiles import PROFILES

BDF = "0000:3b:00.0"
META = Meta(host="n07", created=datetime(2026, 11, 1, tzinfo=timezone.utc), rand="00c0ffee")
KINDS: Mapping[str, Mapping[str, object]] = {
    "Ethernet": {"pci": {"class": "0x020000"}},
    "InfiniBand": {"pci": {"class": "0x020700"}},
}
GUID = "b8ce:f603:00a0:b0c0"
DEVICE = {"mlx5_0": {"node_guid": GUID, "sys_image_guid": GUID, "ports": {"1": {"lid": "0x7", "sm_lid": "0x1"}}}}


def scenario(
    profile: str = "ConnectX-7", kind: str = "Ethernet", vfs: int = 0, **firmware: object
) -> dict[str, object]:
    """Describe a host of one adapter, whose firmware is as the profile says but for what is given."""
    pci = {"vendor": "0x15b3", "device": "0x1021", "sriov_numvfs": vfs, **cast("dict[str, object]", KINDS[kind]["pci"])}
    told = {"profile": profile, **firmware}
    function = {"driver": "mlx5_core", "fwctl": "fwctl0", "pci": pci, "rdma": DEVICE, "firmware": told}
    return {"schema": "sosmlx.scenario/1", "host": {}, "functions": {BDF: function}}


def host(profile: str = "ConnectX-7", kind: str = "Ethernet", vfs: int = 0, **firmware: object) -> ScenarioSource:
    return ScenarioSource(scenario(profile, kind, vfs, **firmware))


def collected(source: ScenarioSource) -> list[Record]:
    return Engine(source).collect((PCI, RDMA, FIRMWARE_STATE, FIRMWARE_SWEEP))


def snapshot(records: list[Record]) -> Snapshot:
    return normalise(Bundle("sim", "sim:commands", tuple(records)))


def asked(records: list[Record]) -> Counter[str]:
    return Counter(record.mailbox.command for record in records if record.mailbox)


def status(found: Snapshot) -> dict[str, str]:
    return {row.plane: row.status for row in found.coverage if row.device == BDF and row.plane in ("caps", "register")}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("profile", PROFILES)
def test_all_that_is_asked_was_announced_and_all_of_it_is_answered(profile: str, kind: str) -> None:
    found = collected(host(profile, kind, vfs=2))  # a strict node: what is not on the list ends the run

    refused = [str(r.mailbox) for r in found if r.mailbox and r.outcome is not Outcome.COLLECTED]
    assert (refused, status(snapshot(found))) == ([], {"caps": "complete", "register": "complete"})


def test_a_collection_asks_as_many_commands_as_this() -> None:
    counted = {
        profile: sum(asked(collected(host(profile, kind))).values()) for profile in PROFILES for kind in ("Ethernet",)
    }

    assert {profile: 60 <= count <= 120 for profile, count in counted.items()} == dict.fromkeys(PROFILES, True)


def test_capabilities_are_asked_as_they_are_and_as_they_could_be() -> None:
    found = [r.mailbox for r in collected(host("ConnectX-5")) if r.mailbox and r.mailbox.command == "QUERY_HCA_CAP"]

    views = {kind: {dict(call.fields)["current"] for call in found if dict(call.fields)["cap_type"] == kind}
             for kind in {dict(call.fields)["cap_type"] for call in found}}  # fmt: skip
    assert views == {kind: {0, 1} for kind in (0, 1, 2, 3, 4, 7, 8, 9, 12, 13, 15, 20, 32)}


WITHHELD = {
    "general.roce": ("QUERY_CONG_STATUS", "QUERY_CONG_PARAMS", "QUERY_ROCE_ADDRESS", "QUERY_CONG_STATISTICS"),
    "general.cc_query_allowed": ("QUERY_CONG_STATUS", "QUERY_CONG_PARAMS", "QUERY_CONG_STATISTICS"),
    "general.eswitch_manager": ("QUERY_ESW_VPORT_CONTEXT", "QUERY_ESW_FUNCTIONS"),
    "general.lag_master": ("QUERY_LAG",),
    "general.vport_counters": ("QUERY_VPORT_COUNTER",),
    "general.hca_cap_2": ("QUERY_VUID",),
    "general_2.query_vuid": ("QUERY_VUID",),
}


@pytest.mark.parametrize("name", WITHHELD)
def test_what_the_capabilities_withhold_is_not_asked(name: str) -> None:
    found = asked(collected(host("BlueField-3", vfs=2, capabilities={name: 0})))

    assert [command for command in WITHHELD[name] if command in found] == []


ANNOUNCING = (
    "general.adv_rdma", "general.adv_virtualization", "general.atomic", "general.cc_query_allowed", "general.crypto",
    "general.debug", "general.device_memory", "general.eq_overrun_count", "general.eswitch_manager",
    "general.eth_net_offloads", "general.event_cap", "general.general_obj_types", "general.hca_cap_2",
    "general.invalid_command_count", "general.ipsec_offload", "general.lag_master",
    "general.nic_flow_table", "general.nic_receive_steering_discard", "general.pg", "general.port_selection_cap",
    "general.qos", "general.quota_exceeded_count", "general.receive_discard_vport_down", "general.roce",
    "general.shampo", "general.tls_rx", "general.tls_tx", "general.transmit_discard_vport_down",
    "general.vport_counters", "general.vport_group_manager", "general.wol_g", "general.wol_m",
    "eswitch.esw_functions_changed", "general_2.query_vuid", "roce.roce_address_table_size", "roce.roce_cc_general",
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(PROFILES)), st.sampled_from(sorted(KINDS)), st.sets(st.sampled_from(ANNOUNCING)))
def test_whatever_the_capabilities_withhold_nothing_is_asked_that_the_firmware_refuses(
    profile: str, kind: str, withheld: set[str]
) -> None:
    found = collected(host(profile, kind, vfs=1, capabilities=dict.fromkeys(withheld, 0)))

    assert [str(r.mailbox) for r in found if r.mailbox and r.outcome is not Outcome.COLLECTED] == []


def test_a_function_that_manages_nobody_asks_about_no_other_port() -> None:
    none = {"general.vport_group_manager": 0, "general.eswitch_manager": 0}

    found = collected(host(vfs=4, capabilities=none))

    assert [str(r.mailbox) for r in found if r.mailbox and dict(r.mailbox.fields).get("other_vport")] == []


def test_an_infiniband_port_has_its_own_context_and_no_ethernet_s() -> None:
    found = asked(collected(host(kind="InfiniBand")))

    assert (found["QUERY_HCA_VPORT_CONTEXT"], found["QUERY_NIC_VPORT_CONTEXT"], found["QUERY_CONG_STATUS"]) == (1, 0, 0)


FAULTS: Mapping[str, Mapping[str, object]] = {
    "BAD_OP": {"status": 0x02}, "BAD_PARAM": {"status": 0x03}, "INT_ERR": {"status": 0x01}, "short": {"short": 8},
    "cut": {"short": 15}, "EIO": {"errno": "EIO"},
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("command", "fields", "plane"),
    [
        ("QUERY_HCA_CAP", {"cap_type": 9, "current": 1}, "caps"),
        ("QUERY_NIC_VPORT_CONTEXT", {}, "register"),
        ("QUERY_LAG", {}, "register"),
        ("QUERY_CONG_STATUS", {"priority": 3, "cong_protocol": 1}, "register"),
    ],
)
def test_an_answer_that_fails_makes_its_plane_incomplete_and_no_other(
    command: str, fields: Mapping[str, int], plane: str, fault: str
) -> None:
    planted = {"register": command, "fields": fields, **FAULTS[fault]}

    found = status(snapshot(collected(host(faults=[planted]))))

    assert found == {"caps": "complete", "register": "complete", plane: "partial"}


def test_the_firmware_alone_tells_that_an_infiniband_port_has_no_subnet_manager() -> None:
    port = "/sys/class/infiniband/mlx5_0/ports/1"
    denied = [{"read": f"{port}/{name}", "outcome": "denied"} for name in ("state", "phys_state", "sm_lid")]
    waiting = {"QUERY_HCA_VPORT_CONTEXT": {"vport_state": 2, "sm_lid": 0}}
    source = ScenarioSource({**scenario(kind="InfiniBand", commands=waiting), "faults": denied})

    found = snapshot(collected(source))

    told = {row.name: row.facets[0][1].value for row in found.settings if row.name in ("port1.state", "port1.sm_lid")}
    assert told == {"port1.state": "2: INIT", "port1.sm_lid": "0x0"}


def test_a_firmware_that_refuses_all_commands_leaves_nothing_called_fine() -> None:
    refused = snapshot(collected(host(faults=[{"register": "QUERY_HCA_CAP", "status": 2}])))

    values = [row.name for row in refused.settings if row.plane == "caps" and not row.name.startswith("fwctl.")
              and any(not facet.reason for _, facet in row.facets)]  # fmt: skip
    assert (values, status(refused)["caps"]) == ([], "partial")


def test_a_knob_that_sysfs_shows_too_is_one_setting_from_several_records() -> None:
    found = snapshot(collected(host()))

    guids = [(row.plane, row.name, row.facets[0][1].value) for row in found.settings if row.name == "node_guid"]
    disagreements = [row.text for row in found.evidence if row.kind == DISAGREEMENT]
    assert (guids, disagreements) == ([("rdma", "node_guid", GUID)], [])


@pytest.mark.parametrize(
    ("kind", "command", "told", "knob"),
    [
        ("Ethernet", "QUERY_NIC_VPORT_CONTEXT", {"node_guid": "0x1122334455667788"}, "rdma node_guid"),
        ("Ethernet", "QUERY_NIC_VPORT_CONTEXT", {"system_image_guid": "0x1122334455667788"}, "rdma sys_image_guid"),
        ("InfiniBand", "QUERY_HCA_VPORT_CONTEXT", {"sm_lid": 9}, "rdma port1.sm_lid"),
        ("InfiniBand", "QUERY_HCA_VPORT_CONTEXT", {"lid": 9}, "rdma port1.lid"),
    ],
)
def test_a_planted_disagreement_is_found(kind: str, command: str, told: Mapping[str, object], knob: str) -> None:
    found = snapshot(collected(host(kind=kind, commands={command: told})))

    texts = [row.text for row in found.evidence if row.kind == DISAGREEMENT]
    assert [text.startswith(knob) for text in texts] == [True]


def test_the_raw_of_every_answer_is_in_the_bundle(tmp_path: Path) -> None:
    found = collected(host("BlueField-3", vfs=1))
    path = write(found, META, str(tmp_path), "tar.gz")

    kept = {str(r.mailbox): r.data for r in read_bundle(path).records if r.mailbox}

    assert kept == {str(r.mailbox): r.data for r in found if r.mailbox}


@st.composite
def blocks(draw: st.DrawFn) -> tuple[int, dict[str, int]]:
    """Draw values for some fields of some type of capabilities."""
    kind = draw(st.sampled_from(sorted(CAPABILITIES)))
    known = capabilities.fields(kind)
    chosen = draw(st.lists(st.sampled_from(known), max_size=8)) if known else []
    return kind, {field.name: draw(st.integers(0, (1 << field.width) - 1)) for field in chosen}


def _packed(kind: int, values: Mapping[str, int]) -> bytes:
    return bytes(16) + put_together(CAPABILITIES[kind].name, capabilities.fields(kind), 4096, values)


@given(blocks())
def test_capabilities_to_bytes_and_back_are_the_same_and_leave_no_other_bits(drawn: tuple[int, dict[str, int]]) -> None:
    kind, values = drawn

    answer = _packed(kind, values)

    read = {name: value for name, value in capabilities.decode(kind, answer).items() if value}
    assert (read, capabilities.others(kind, answer)) == ({n: v for n, v in values.items() if v}, 0)


@given(blocks(), st.integers(16 * 8, 4112 * 8 - 1))
def test_a_bit_is_a_field_s_or_is_counted(drawn: tuple[int, dict[str, int]], place: int) -> None:
    kind = drawn[0]
    answer = (1 << 4112 * 8 - 1 - place).to_bytes(4112, "big")

    named = sum(bool(value) for value in capabilities.decode(kind, answer).values())

    assert named + capabilities.others(kind, answer) == 1


@pytest.mark.parametrize("kind", CAPABILITIES)
def test_the_fields_of_a_type_lie_beside_each_other(kind: int) -> None:
    known = capabilities.fields(kind)

    places = {place for field in known for place in range(field.offset, field.offset + field.width)}

    assert len(places) == sum(field.width for field in known)


@pytest.mark.parametrize("kind", [kind for kind in CAPABILITIES if kind])
def test_nothing_announces_a_type_where_the_general_capabilities_are_empty(kind: int) -> None:
    assert not announced(kind, {})


def test_a_capability_without_a_name_is_counted_and_shown() -> None:
    records = collected(host())
    at = next(at for at, r in enumerate(records) if str(r.mailbox) == "fwctl0 QUERY_HCA_CAP cap_type=4 current=1")
    data = bytearray(records[at].data)
    data[16 + 200] = 0x81
    records[at] = replace(records[at], answer=Answer(bytes(data)))

    found = {row.name: row.facet("current") for row in snapshot(records).settings if row.name == "roce.other_bits"}

    facet = found["roce.other_bits"]
    assert facet is not None
    assert str(facet.value).startswith("2 bits without a name, block sha256 ")
