"""What firmware commands tell that the host tells, too: one setting, and a word where they disagree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import lru_cache

import pytest

from sosmlx.collectors import selected
from sosmlx.collectors.engine import Engine
from sosmlx.diff.compare import Filter, compare, compare_bundles
from sosmlx.model import Setting, Snapshot
from sosmlx.normalise import DISAGREEMENT, normalise, parse
from sosmlx.parsers import PARSERS
from sosmlx.parsers.command_twins import REPORTED, TELLS, TRAFFIC
from sosmlx.parsers.commands import state
from sosmlx.record import HOST, Bundle
from sosmlx.simulator.host import ScenarioSource, load, merge

BDF, NETDEV = "0000:3b:00.0", "enp59s0np0"
COUNTERS = dict.fromkeys(TRAFFIC.values(), 7)
VFS = [
    {"vf": 0, "link_type": "ether", "link_state": "enable", "vlan_list": [{"vlan": 120, "qos": 3}]},
    {"vf": 1, "link_type": "ether", "link_state": "auto", "vlan_list": [{}]},
]
RICH = {
    "functions": {
        "0000:af:00.0": None,
        BDF: {
            "pci": {"sriov_numvfs": 2},
            "netdevs": {
                NETDEV: {
                    "link": {"Supports Wake-on": "mg", "Wake-on": "g"}, "stats": COUNTERS, "ip": {"vfinfo_list": VFS},
                }
            },
            "devlink": {
                "params": [
                    {"name": "esw_multiport", "type": "generic", "values": [{"cmode": "runtime", "value": True}]}
                ],
                "health": [{"reporter": "vnic", "state": "healthy", "error": 0, "recover": 0}],
                "diagnoses": {"vnic": {"vnic env counters": dict.fromkeys(REPORTED, 0)}},
            },
        },
    }
}  # fmt: skip
"""A host that shows everything that a firmware command tells, too."""


@lru_cache(maxsize=16)
def host(patch: str = "{}") -> Bundle:
    scenario = merge(merge(load("two-adapters-before"), RICH), json.loads(patch))
    assert isinstance(scenario, dict)
    engine = Engine(ScenarioSource(scenario), now=lambda: datetime(2026, 1, 1, tzinfo=timezone.utc))
    return Bundle("sim", "sim:h", tuple(engine.collect(selected("full", options=("health-dumps",)))), host="n07")


@lru_cache(maxsize=16)
def snapshot(patch: str = "{}") -> Snapshot:
    return normalise(host(patch))


def commands(**told: Mapping[str, object]) -> str:
    return json.dumps({"functions": {BDF: {"firmware": {"commands": told}}}})


def disagreements(found: Snapshot) -> list[tuple[str, str]]:
    return [(row.text.partition(" current:")[0], row.severity) for row in found.evidence if row.kind == DISAGREEMENT]


def value(found: Snapshot, plane: str, name: str) -> object:
    (row,) = (row for row in found.settings if (row.device, row.plane, row.name) == (BDF, plane, name))
    facet = row.facet("current")
    return facet.value if facet else None


def told_by_commands(bundle: Bundle) -> set[str]:
    rows = state([record for record in bundle.records if PARSERS[record.kind].together is state])
    return {
        f"{row.plane} {row.name}" for row in rows if isinstance(row, Setting) and row.plane not in ("register", "caps")
    }


def told_by_the_host(bundle: Bundle) -> set[str]:
    rows = (
        item
        for record in bundle.records
        if record.has_bytes and PARSERS[record.kind].together is None and record.function in (BDF, HOST)
        for item in parse(record, pasted=False)
    )
    return {f"{row.plane} {row.name}" for row in rows if isinstance(row, Setting)}


def test_what_a_command_tells_has_the_name_that_the_host_s_own_read_gives_it() -> None:
    found = told_by_commands(host()) - told_by_the_host(host())

    assert sorted(found) == ["firmware vuid"]


def test_there_is_one_setting_for_each_knob_and_no_disagreement_on_a_host_that_is_in_order() -> None:
    found = [row.key for row in snapshot().settings]

    assert (len(found) - len(set(found)), disagreements(snapshot())) == (0, [])


PLANTED: Mapping[str, tuple[str, Mapping[str, object], str]] = {
    "ethtool link.wake-on": ("QUERY_WOL_ROL", {"wol_mode": 0}, "medium"),
    "ethtool address.permanent": ("QUERY_NIC_VPORT_CONTEXT", {"permanent_address": "0x020000000001"}, "high"),
    "devlink esw_multiport": ("QUERY_LAG", {"lag_state": 1, "port_select_mode": 0}, "medium"),
    "net vf.vlan@0": ("QUERY_ESW_VPORT_CONTEXT@1", {"cvlan_id": 130}, "medium"),
    "net vf.qos@0": ("QUERY_ESW_VPORT_CONTEXT@1", {"cvlan_pcp": 0}, "medium"),
    "net vf.link_state@1": ("QUERY_VPORT_STATE@2", {"admin_state": 0}, "info"),
}


@pytest.mark.parametrize("knob", PLANTED)
def test_a_planted_disagreement_is_found_and_the_host_s_own_read_counts(knob: str) -> None:
    command, fields, how_much = PLANTED[knob]
    plane, _, name = knob.partition(" ")

    planted = snapshot(commands(**{command: fields}))

    assert (disagreements(planted), value(planted, plane, name)) == ([(knob, how_much)], value(snapshot(), plane, name))


@pytest.mark.parametrize("knob", PLANTED)
def test_what_cancels_in_a_diff_changes_no_result(knob: str) -> None:
    command, fields, _ = PLANTED[knob]
    patch = commands(**{command: fields})

    found = compare_bundles(host(), host(patch), Filter(everything=True))

    whole = compare(snapshot(), snapshot(patch), Filter(everything=True))
    assert found.differences == whole.differences


def test_counters_of_two_reads_differ_and_nobody_is_told() -> None:
    found = snapshot(commands(QUERY_VPORT_COUNTER={"received_eth_unicast.packets": 99}))

    assert (disagreements(found), value(found, "ethtool", "stats.rx_vport_unicast_packets")) == ([], 7)


@pytest.mark.parametrize("command", TELLS)
def test_a_command_tells_of_the_planes_that_it_says_it_tells_of(command: str) -> None:
    kind = f"mailbox.{command.lower()}"
    records = [record for record in host().records if record.kind in (kind, "mailbox.query_hca_cap")]

    found = {row.plane for row in state(records) if isinstance(row, Setting)} - {"caps", "register", "firmware"}

    assert found <= set(PARSERS[kind].tells)


def test_what_the_host_s_own_read_could_not_tell_the_firmware_tells() -> None:
    denied = [{"read": f"ethtool {NETDEV}", "outcome": "denied", "reason": "EPERM"}]

    found = snapshot(json.dumps({"faults": denied}))

    kinds = {row.record: row.kind for row in found.reads}
    (row,) = (row for row in found.settings if (row.device, row.name) == (BDF, "link.wake-on"))
    assert (kinds[row.record], value(found, "ethtool", "link.wake-on")) == ("mailbox.query_wol_rol", "g")


def test_a_vlan_that_is_in_a_flow_table_is_not_missed_in_the_port_s_context() -> None:
    found = snapshot(commands(**{"QUERY_ESW_VPORT_CONTEXT@1": {"vport_cvlan_insert": 0, "cvlan_id": 0}}))

    assert (disagreements(found), value(found, "net", "vf.vlan@0")) == ([], 120)
