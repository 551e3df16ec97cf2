from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import tomllib
from hypothesis import given
from hypothesis import strategies as st

from sosmlx import __version__
from sosmlx.bundle.opening import open_source
from sosmlx.errors import InputError
from sosmlx.model import Device, Facet, Setting, Snapshot
from sosmlx.normalise import normalise
from sosmlx.parsers.values import NOT_SHOWN, UNREAD
from sosmlx.policy.baseline import consensus, of_snapshot, to_toml
from sosmlx.policy.document import loads
from sosmlx.policy.rules import Policy, Rule
from tests.baselines import FIRST, PSID, SECOND, device, host, hosts, knob, placeless, results, row, troubles
from tests.layers import ROOT

VERSION = [Setting(FIRST, "firmware", "fw.version", "", (("running", Facet("1")), ("stored", Facet("2"))), "firmware")]


def asked(policy: Policy) -> list[tuple[str, str, str, object]]:
    return [(rule.name, rule.facet, rule.operator, rule.operand) for rule in policy.rules]


def fleet(*values: str) -> list[Snapshot]:
    return [host([knob("A", value)], name=f"n{number}") for number, value in enumerate(values)]


def test_a_text_becomes_a_document_that_asks_for_what_it_held_and_of_its_only_device() -> None:
    before = normalise(open_source(str(ROOT / "docs/examples/before.txt")))

    document = tomllib.loads(to_toml(consensus([before], "2026-11-24")))

    assert document == {
        "schema": "sosmlx.policy/1",
        "title": "Baseline",
        "provenance": {
            "tool": f"sosmlx {__version__}",
            "created": "2026-11-24",
            "sources": ["before.txt"],
            "hosts": 0,
            "devices": 1,
            "left_out": ["nvconfig/ESWITCH_HAIRPIN_DESCRIPTORS: no value (elements not shown)"],
            "digest": document["provenance"]["digest"],
        },
        "rule": [
            {
                "id": f"nvconfig.{name}",
                "plane": "nvconfig",
                "name": name,
                "facet": "next",
                "equals": value,
                "severity": "medium",
                "advice": f"mlxconfig -d DEVICE set {name}={number}, then a reset",
            }
            for name, value, number in (
                ("CQE_COMPRESSION", "BALANCED(0)", 0),
                ("LINK_TYPE_P1", "ETH(2)", 2),
                ("NUM_OF_VFS", 8, 8),
                ("SRIOV_EN", True, 1),
            )
        ],
    }


def test_a_text_meets_its_own_baseline_and_a_changed_one_fails_where_it_changed() -> None:
    before, after = (normalise(open_source(str(ROOT / f"docs/examples/{name}.txt"))) for name in ("before", "after"))
    baseline = loads(to_toml(consensus([before])), "golden.toml")

    found = [results(before, baseline), results(after, baseline)]

    assert found == [[], [(FIRST, "CQE_COMPRESSION", "fail"), (FIRST, "NUM_OF_VFS", "fail")]]


def test_a_document_begins_with_what_it_does_not_ask_for() -> None:
    settings = [knob("A", "1"), row("kernel", "cmdline", "ro", "host"), row("pci", "numa_node", "1")]
    source = host(settings, unread=[(FIRST, "ethtool")])

    comments = [line for line in to_toml(consensus([source])).splitlines() if line.startswith("#")]

    assert comments == [
        "# What the devices that this baseline was made of have in common. What it does not ask for:",
        f"#   not read: ethtool of n07/{FIRST}: denied",
        "#   1 setting: names this host's disks",
        "#   1 setting: says where the card sits",
        "# Each is named under [provenance], left_out.",
    ]


def test_provenance_says_what_the_baseline_was_made_of() -> None:
    sources = [
        host([knob("A", "1")], [device(running="22.43.2566")], "n08"),
        host([knob("A", "1")], [device(running="22.39.1002")], "n07"),
    ]

    found = consensus(sources, "2026-11-24")

    assert found.provenance == {
        "tool": f"sosmlx {__version__}",
        "created": "2026-11-24",
        "sources": ["n07.tar", "n08.tar"],
        "hosts": 2,
        "devices": 2,
        "collected": ["2026-11-24T10:00:00Z"],
        "firmware": ["22.39.1002", "22.43.2566"],
        "digest": found.digest,
    }


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (["ETH(2)", "ETH(2)"], [("A", "next", "equals", "ETH(2)")]),
        (["ETH(2)", "ETH"], [("A", "next", "equals", "ETH(2)")]),
        (["True(1)", "1"], [("A", "next", "equals", True)]),
        (["8", "16", "8"], [("A", "next", "one_of", (8, 16))]),
        (["1", "2", "3", "4"], [("A", "next", "one_of", (1, 2, 3, 4))]),
        (["1", "2", "3", "4", "5"], []),
    ],
)
def test_values_that_vary_are_a_set_as_long_as_it_is_small(values: list[str], rule: list[object]) -> None:
    sources = [*fleet(*values), host([row("net", "mtu", "1500")], unread=[(FIRST, "nvconfig")])]

    found = [row for row in asked(consensus(sources)) if row[0] == "A"]

    assert found == rule


def test_firmware_is_asked_for_as_it_runs_and_as_it_is_stored() -> None:
    found = asked(of_snapshot(host(VERSION)))

    assert found == [("fw.version", "running", "equals", "1"), ("fw.version", "stored", "equals", "2")]


def test_flash_is_asked_for_as_it_is_after_a_reset_and_else_as_it_is_now() -> None:
    now = Setting(FIRST, "nvconfig", "B", "permanent", (("default", Facet(0)), ("current", Facet(1))))

    found = asked(of_snapshot(host([knob("A", "8", default="0", current="4"), now])))

    assert found == [("A", "next", "equals", 8), ("B", "current", "equals", 1)]


@pytest.mark.parametrize("cls", ["identity", "capability", "evidence", "health", "counter", "volatile"])
def test_what_is_no_configuration_is_neither_asked_for_nor_called_left_out(cls: str) -> None:
    found = of_snapshot(host([row("ethtool", "x", "1", cls=cls)]))

    assert (found.rules, found.provenance.get("left_out")) == ((), None)


_OWN = device(netdevs=("enp59s0np0", "enp59s0np1"), rdma=("mlx5_0",), serial="b8cef60300112230", board="MT2214X00042")


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        (row("ethtool", "rings.rx@enp59s0np1", "1"), "is named after one device"),
        (row("net", "enp59s0np0.mtu", "1"), "is named after one device"),
        (row("net", "x", "b8:ce:f6:11:22:30"), "holds a name or an address of one device"),
        (row("net", "x", "0xb8cef60300112230"), "holds a name or an address of one device"),
        (row("net", "x", "b8ce:f603:0011:2230"), "holds a name or an address of one device"),
        (row("net", "x", "master enp59s0np0"), "holds a name or an address of one device"),
        (row("net", "x", "behind 0000:3a:00.0"), "holds a name or an address of one device"),
        (row("net", "x", "root=2f0c7b53-7a0e-4be3-9f0f-3f0a7e0b6a11"), "holds a name or an address of one device"),
        (row("net", "x", "board MT2214X00042"), "holds a name or an address of one device"),
        (row("net", "x", "n07 mlx5"), "holds a name or an address of one device"),
        (row("rdma", "node_desc", "x"), "names the host"),
        (row("rdma", "port1.lid", "0x4"), "is given out by the subnet manager"),
        (row("pci", "local_cpulist", "0-31"), "says where the card sits"),
    ],
)
def test_what_belongs_to_one_device_or_host_is_left_out_by_name(setting: Setting, reason: str) -> None:
    found = of_snapshot(host([setting], [_OWN]))

    words = f"{setting.plane}/{setting.name} of {PSID} pf: {reason}"
    assert (found.rules, found.provenance["left_out"]) == ((), [words])


@pytest.mark.parametrize("value", ["0x0", "00:00:00:00:00:00", "n070", "0xffffffffffffffff", "eth", "mlx5_00"])
def test_what_only_looks_like_a_name_is_asked_for(value: str) -> None:
    found = asked(of_snapshot(host([row("net", "x", value)], [_OWN])))

    assert found == [("x", "current", "equals", value)]


@pytest.mark.parametrize(
    ("facet", "reason"),
    [
        (Facet(None, "N/A", reason="unsupported"), "no value (unsupported)"),
        (Facet(None, "Array[0..7]", reason=NOT_SHOWN), f"no value ({NOT_SHOWN})"),
        (Facet(None, reason=f"{UNREAD} status 3"), f"no value ({UNREAD} status 3)"),
        (Facet((1, None)), "no document can say its value"),
        (Facet("\ud800", "\ud800"), "no document can say its value"),
    ],
)
def test_a_value_that_was_not_read_or_cannot_be_written_is_left_out(facet: Facet, reason: str) -> None:
    setting = Setting(FIRST, "ethtool", "x", "", (("current", facet),))

    found = of_snapshot(host([setting]))

    assert (found.rules, found.provenance["left_out"]) == ((), [f"ethtool/x of {PSID} pf: {reason}"])


def test_what_some_devices_certainly_do_not_have_is_asked_of_none() -> None:
    sources = [host([knob("A", "1"), knob("B", "1")], name="n07"), host([knob("B", "1")], name="n08")]

    found = consensus(sources)

    assert (asked(found), found.provenance["left_out"]) == (
        [("B", "next", "equals", 1)],
        [f"nvconfig/A of {PSID} pf: not on 1 of 2 devices"],
    )


def test_a_device_that_could_not_be_read_disagrees_with_nobody() -> None:
    blind = host([], name="n08", unread=[(FIRST, "nvconfig")])

    found = consensus([host([knob("A", "1")]), blind])

    assert (asked(found), found.provenance["unread"]) == (
        [("A", "next", "equals", 1)],
        [f"nvconfig of n08/{FIRST}: denied"],
    )


def test_rules_for_adapters_of_several_kinds_say_whom_they_are_for() -> None:
    devices = [device(), device("0000:af:00.0", "MT_2")]
    found = of_snapshot(host([knob("A", "1"), knob("A", "2", "0000:af:00.0")], devices))

    rules = [(rule.id, [(select.psid, select.role) for select in rule.select], rule.operand) for rule in found.rules]

    assert rules == [
        (f"{PSID}.pf.nvconfig.A", [((PSID,), ("pf",))], 1),
        ("MT_2.pf.nvconfig.A", [(("MT_2",), ("pf",))], 2),
    ]


def test_what_an_asic_shares_is_asked_of_all_its_functions_and_fails_once() -> None:
    devices = [device(), device(SECOND)]
    golden = of_snapshot(host([knob("A", "1", shared="asic")], devices))

    found = [results(host([knob("A", value, shared="asic")], devices), golden) for value in ("1", "2")]

    elsewhere = (SECOND, "A", "notapplicable")
    assert found == [[elsewhere], [(FIRST, "A", "fail"), elsewhere]]


def test_the_baseline_of_a_text_with_a_psid_selects_by_it_and_assumes_no_role() -> None:
    found = of_snapshot(host([knob("A", "1")], kind="text"))

    assert [(select.psid, select.role) for select in found.selects] == [((PSID,), ())]


def test_several_kinds_of_devices_in_one_text_are_told_apart_by_part_number() -> None:
    devices = [device(psid="", part_number="MCX1"), device(SECOND, "", part_number="MCX2")]
    text = host([knob("A", "1"), knob("A", "2", SECOND), knob("B", "1", SECOND)], devices, kind="text")

    found = loads(to_toml(consensus([text])), "golden.toml")

    assert [(rule.id, rule.operand, rule.select[0].part_number) for rule in found.rules] == [
        ("MCX1.nvconfig.A", 1, ("MCX1",)),
        ("MCX2.nvconfig.A", 2, ("MCX2",)),
        ("MCX2.nvconfig.B", 1, ("MCX2",)),
    ]


def test_what_asks_for_the_same_has_the_same_digest_wherever_it_was_made() -> None:
    found = {of_snapshot(host([knob("A", "1")], name=name)).digest for name in ("n07", "n08")}

    assert len(found) == 1


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (Setting(FIRST, "ethtool", "x", "", (("current", Facet(1)),), "capability"), "cannot be set on every device"),
        (Setting(FIRST, "ethtool", "x", "", (("max", Facet(1)),)), "no facet of it is shown by all sources"),
        (row("ethtool", "x", "N/A"), "no value on 1 of 2 devices (unsupported)"),
    ],
)
def test_what_is_no_setting_on_some_devices_is_asked_of_none(other: Setting, reason: str) -> None:
    shared = knob("A", "1")

    found = consensus([host([shared, row("ethtool", "x", "1")]), host([shared, other], name="n08")])

    assert found.provenance["left_out"] == [f"ethtool/x of {PSID} pf: {reason}"]


def test_a_psid_that_looks_like_a_pattern_is_none() -> None:
    found = loads(to_toml(of_snapshot(host([knob("A", "1")], [device(psid="MT_*")]))), "golden.toml")

    assert [(select.psid, select.glob) for select in found.selects] == [(("MT_*",), False)]


def test_a_device_of_a_host_without_a_psid_is_left_out() -> None:
    found = of_snapshot(host([knob("A", "1")], [device(psid="")]))

    assert (found.rules, found.provenance["left_out"]) == (
        (),
        [f"pf n07/{FIRST}: no PSID was read, so that nothing tells whom its rules are for"],
    )


def test_nothing_to_ask_for_is_said_and_nothing_is_made() -> None:
    with pytest.raises(InputError) as error:
        consensus([host([], unread=[(FIRST, "nvconfig")])])

    assert (error.value.message, error.value.hint) == (
        "there is nothing that a baseline could ask for: no configured value was read",
        f"nvconfig of n07/{FIRST}: denied",
    )


def test_a_baseline_that_would_be_too_large_to_be_read_is_not_written() -> None:
    huge = Policy("x", rules=(Rule("a", "net", "x", operand="x" * (5 << 20)),))

    with pytest.raises(InputError, match="would have 1 rules, and more than the 4 MiB of a policy"):
        to_toml(huge)


@pytest.mark.parametrize("name", ["A\n[[rule]]\nid = 1", "A*", "X\u202e", "a b", "[0]", '"', "\x7f", "é" * 200])
def test_a_name_from_a_bundle_stays_a_name(name: str) -> None:
    source = host([row("net", name, name), row("net", f"{name}2", "n07")])

    found = loads(to_toml(consensus([source])), "golden.toml")

    assert asked(found) == [(name, "current", "equals", name)]


@pytest.mark.parametrize("name", ["A; rm -rf /", "$(x)", "a"])
def test_a_foreign_word_gets_into_no_command(name: str) -> None:
    found = of_snapshot(host([knob(name, "1"), knob("B", name), knob("C", f"{name}(1)")]))

    assert [rule.advice for rule in found.rules] == ["" if rule.name != "C" else _SET_C for rule in found.rules]


_SET_C = "mlxconfig -d DEVICE set C=1, then a reset"


@given(hosts())
def test_a_snapshot_meets_itself(snapshot: Snapshot) -> None:
    found = troubles(snapshot, of_snapshot(snapshot))

    assert found == []


@given(st.lists(hosts(), min_size=1, max_size=4))
def test_all_sources_meet_what_they_have_in_common(snapshots: list[Snapshot]) -> None:
    common = _common(snapshots)

    found = [troubles(snapshot, common) for snapshot in snapshots]

    assert found == [[]] * len(snapshots)


@given(st.lists(hosts(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_sources_devices_and_settings_changes_no_byte(
    snapshots: list[Snapshot], random: st.DataObject
) -> None:
    def mixed(rows: Sequence[Device] | Sequence[Setting] | Sequence[Snapshot]) -> list[object]:
        return random.sample(list(rows), len(rows))  # type: ignore[attr-defined,no-any-return]

    others = [
        replace(found, devices=tuple(mixed(found.devices)), settings=tuple(mixed(found.settings)))  # type: ignore[arg-type]
        for found in mixed(snapshots)
        if isinstance(found, Snapshot)
    ]

    assert to_toml(_common(others)) == to_toml(_common(snapshots))


@given(st.lists(hosts(), min_size=1, max_size=4))
def test_a_document_says_what_the_baseline_does(snapshots: list[Snapshot]) -> None:
    common = _common(snapshots)

    found = loads(to_toml(common), "golden.toml")

    assert placeless(found) == placeless(common)


def _common(snapshots: Sequence[Snapshot]) -> Policy:
    try:
        return consensus(snapshots)
    except InputError:
        return of_snapshot(host([]))
