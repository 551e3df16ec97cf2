"""One knob, several reads: one setting, the value of the read that counts, and a word where they disagree."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime, timezone
from functools import lru_cache

import pytest

from sosmlx.collectors import selected
from sosmlx.collectors.engine import Engine
from sosmlx.diff.compare import Filter, compare, compare_bundles
from sosmlx.model import Facet, Setting, Snapshot
from sosmlx.normalise import DISAGREEMENT, normalise, parse
from sosmlx.parsers import PARSERS
from sosmlx.parsers.registers import told
from sosmlx.precedence import ORDER, rank, severity
from sosmlx.record import Bundle, Record
from sosmlx.simulator.host import ScenarioSource, load, merge

BDF, NETDEV = "0000:3b:00.0", "enp59s0np0"
BUFFERS = {"prio_buffer": [0, 0, 0, 1, 0, 0, 0, 0], "buffer_size": [144000, 288000, 0, 0, 0, 0, 0, 0]}
BY_FIRMWARE_ALONE = {"dcb priority.trust-state", "health hwmon.temp1_highest"}
"""What no other collector reads yet of the host here."""


@lru_cache(maxsize=16)
def host(patch: str = "{}") -> Bundle:
    """Collect everything of the demo's first adapter, changed by a patch."""
    alone = {
        "functions": {"0000:af:00.0": None, BDF: {"netdevs": {NETDEV: {"dcb": {"buffer": BUFFERS}}}}},
    }
    scenario = merge(merge(load("two-adapters-before"), alone), json.loads(patch))
    assert isinstance(scenario, dict)
    source = ScenarioSource(scenario)
    engine = Engine(source, now=lambda: datetime(2026, 1, 1, tzinfo=timezone.utc))
    return Bundle("sim", "sim:h", tuple(engine.collect(selected("full"))), host="n07")


@lru_cache(maxsize=16)
def snapshot(patch: str = "{}") -> Snapshot:
    return normalise(host(patch))


def state(**registers: object) -> str:
    return json.dumps({"functions": {BDF: {"firmware": {"state": registers}}}})


def disagreements(found: Snapshot) -> list[tuple[str, str]]:
    return [(row.text, row.severity) for row in found.evidence if row.kind == DISAGREEMENT]


def value(snapshot: Snapshot, plane: str, name: str) -> object:
    (found,) = (row for row in snapshot.settings if (row.device, row.plane, row.name) == (BDF, plane, name))
    facet = found.facet("current")
    return facet.value if facet else None


def read_by(bundle: Bundle) -> dict[str, set[str]]:
    """Name the kinds that tell each knob outside the plane `register` that a firmware register tells."""
    kinds: dict[str, set[str]] = defaultdict(set)
    firmware: list[Record] = []
    for record in bundle.records:
        parser = PARSERS[record.kind]
        if parser.together is told:
            firmware.append(record)
        elif parser.together is None and record.has_bytes and record.function == BDF:
            for item in parse(record, pasted=False):
                if isinstance(item, Setting):
                    kinds[f"{item.plane} {item.name}"].add(record.kind)
    twins = [row for row in told(firmware) if isinstance(row, Setting) and row.plane != "register"]
    return {f"{row.plane} {row.name}": kinds[f"{row.plane} {row.name}"] for row in twins}


def test_what_a_register_tells_has_the_name_that_the_host_s_own_read_gives_it() -> None:
    nameless = {name for name, kinds in read_by(host()).items() if not kinds and not name.startswith("dcb app.dscp")}

    assert nameless == BY_FIRMWARE_ALONE


def test_there_is_one_setting_for_each_knob_and_no_disagreement_on_a_host_that_is_in_order() -> None:
    found = [row.key for row in snapshot().settings]

    assert (len(found) - len(set(found)), disagreements(snapshot())) == (0, [])


PLANTED = {
    "ethtool pause.rx": ("PFCC", {"pprx": 1}, "medium"),
    "ethtool pause.tx": ("PFCC", {"pptx": 1}, "medium"),
    "ethtool link.auto-negotiation": ("PTYS", {"an_disable_admin": 1}, "medium"),
    "ethtool link.speed": ("PTYS@4", {"data_rate_oper": 250}, "info"),
    "ethtool fec.active": ("PPLM", {"fec_mode_active": 1}, "info"),
    "dcb pfc.prio5": ("PFCC", {"pfctx": 0x28, "pfcrx": 0x28}, "medium"),
    "dcb ets.prio-tc@2": ("QTCT@2", {"tclass": 7}, "medium"),
    "dcb buffer.prio-buffer@3": ("PPTB", {"prio3buff": 0}, "medium"),
    "dcb buffer.size@0": ("PBMC", {"buffer": [999 << 32, 2000 << 32]}, "medium"),
    "pci current_link_width": ("MPEIN", {"link_width_active": 8}, "info"),
    "rdma node_guid": ("PGUID", {"node_guid": "0xdeadbeef"}, "info"),
}


@pytest.mark.parametrize("knob", PLANTED)
def test_a_planted_disagreement_is_found_and_the_host_s_own_read_counts(knob: str) -> None:
    register, fields, how_much = PLANTED[knob]
    plane, _, name = knob.partition(" ")

    planted = snapshot(state(**{register: fields}))

    found = [(text.partition(" current:")[0], word) for text, word in disagreements(planted)]
    assert ([row for row in found if row[0] == knob], value(planted, plane, name)) == (
        [(knob, how_much)],
        value(snapshot(), plane, name),
    )


def test_a_disagreement_names_both_reads_and_which_of_them_counts() -> None:
    ((text, _),) = disagreements(snapshot(state(PFCC={"pprx": 1})))

    words = text.split()
    assert [word for word in words if "." in word or word.startswith("'") or word == "counts"] == [
        "pause.rx", "ethtool.pause", "'off',", "register.pfcc", "'on';", "counts",
    ]  # fmt: skip


def test_what_the_host_s_own_read_could_not_tell_the_firmware_tells() -> None:
    denied = [{"read": f"ethtool -a {NETDEV}", "outcome": "denied", "reason": "EPERM"}]

    found = snapshot(json.dumps({"faults": denied}))

    kinds = {row.record: row.kind for row in found.reads}
    (row,) = (row for row in found.settings if row.name == "pause.rx")
    assert (kinds[row.record], value(found, "ethtool", "pause.rx")) == ("register.pfcc", False)


def test_a_register_that_contradicts_the_host_is_no_difference_of_the_knob_that_it_contradicts() -> None:
    planted = host(state(PFCC={"pprx": 1}))

    found = compare_bundles(host(), planted, Filter(everything=True))

    assert [(row.plane, row.name) for row in found.differences] == [("register", "pfcc.pprx")]


@pytest.mark.parametrize("knob", PLANTED)
def test_what_cancels_in_a_diff_changes_no_result(knob: str) -> None:
    register, fields, _ = PLANTED[knob]
    patch = state(**{register: fields})

    found = compare_bundles(host(), host(patch), Filter(everything=True))

    whole = compare(snapshot(), snapshot(patch), Filter(everything=True))
    assert found.differences == whole.differences


@pytest.mark.parametrize(
    ("plane", "kinds"),
    [
        ("ethtool", ["ethtool.pause", "register.pfcc"]),
        ("dcb", ["dcb.pfc", "register.pfcc"]),
        ("nvconfig", ["register.mnvda", "mlxconfig.query", "devlink.param"]),
        ("pci", ["pci.attribute", "lspci.show", "register.mpein"]),
        ("rdma", ["rdma.attribute", "rdma.link", "register.pguid"]),
        ("firmware", ["register.mgir", "devlink.info", "flint.query"]),
    ],
)
def test_the_order_of_reads_is_the_one_that_is_written_down(plane: str, kinds: list[str]) -> None:
    rows = [(Setting("d", plane, "x", "", (("current", Facet(1, "1")),)), kind) for kind in reversed(kinds)]  # type: ignore[arg-type]

    assert [kind for _, kind in sorted(rows, key=lambda row: rank(*row))] == kinds


def test_a_read_without_a_value_counts_less_than_one_with_it() -> None:
    nothing = Setting("d", "ethtool", "x", "", (("current", Facet(None, "n/a", reason="unsupported")),))
    something = Setting("d", "ethtool", "x", "", (("current", Facet(1, "1")),))

    assert rank(nothing, "ethtool.pause") > rank(something, "register.pfcc")


def test_every_kind_of_the_order_is_one_that_there_is() -> None:
    begins = [start for starts in ORDER.values() for start in starts]

    assert [start for start in begins if not any(kind.startswith(start) for kind in PARSERS)] == []


@pytest.mark.parametrize(
    ("plane", "cls", "how_much"),
    [
        ("nvconfig", "config", "medium"), ("firmware", "firmware", "high"), ("pci", "identity", "high"),
        ("ethtool", "health", "info"), ("ethtool", "counter", None), ("net", "volatile", None),
        ("health", "health", None),
    ],
)  # fmt: skip
def test_what_a_disagreement_matters_depends_on_what_it_is_about(plane: str, cls: str, how_much: str | None) -> None:
    assert severity(Setting("d", plane, "x", "", (), cls)) == how_much  # type: ignore[arg-type]
