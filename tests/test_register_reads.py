"""Which registers of configuration and state are asked: what masks and capabilities announce, and nothing else."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import pytest

from sosmlx.collectors import selected
from sosmlx.collectors.engine import Engine
from sosmlx.collectors.pci import PCI
from sosmlx.collectors.registers import REGISTERS, SWEEPS, WANTED
from sosmlx.fwctl.allowed import refusal
from sosmlx.fwctl.registers import BY_ID
from sosmlx.fwctl.registers import REGISTERS as LAYOUTS
from sosmlx.model import Snapshot
from sosmlx.normalise import normalise
from sosmlx.parsers import PARSERS
from sosmlx.record import Bundle, Outcome, Record
from sosmlx.simulator.host import ScenarioSource
from tests import flashes

GATED = ("SBCAM", "ROCE_ACCL", "NIC_CAP_REG", "DTOR", "VHCA_TRUST_LEVEL")
MASKS = ("PCAM", "QCAM", "MCAM")
USUAL = sorted({row.name for row in WANTED if row.usual})


class Read(NamedTuple):
    """What was read of an adapter, and the requests as they came to its node."""

    records: list[Record]
    requests: list[bytes]

    @property
    def asked(self) -> set[str]:
        """The names of the registers that were asked for, out of the bytes."""
        numbers = (int.from_bytes(request[10:12], "big") for request in self.requests if request[:2] == b"\x08\x05")
        return {BY_ID[number].name for number in numbers}

    @property
    def snapshot(self) -> Snapshot:
        return normalise(Bundle("sim", "sim:r", tuple(self.records), host="n07"))


def read(profile: str = "ConnectX-7", **firmware: object) -> Read:
    source = flashes.one(profile, **firmware)
    records = Engine(source).collect([PCI, REGISTERS, SWEEPS])
    return Read(records, [request for _, request in source.nics["fwctl0"].requests])


@pytest.mark.parametrize("profile", flashes.PROFILES)
def test_the_state_of_every_adapter_is_read_with_requests_of_the_allow_list_and_all_are_answered(profile: str) -> None:
    found = read(profile)

    failed = [str(row.register) for row in found.records if row.register and row.outcome is not Outcome.COLLECTED]
    assert ([refusal(request) for request in found.requests if refusal(request)], failed) == ([], [])


@pytest.mark.parametrize("profile", flashes.PROFILES)
def test_the_bytes_of_every_answer_are_in_the_bundle(profile: str) -> None:
    found = read(profile)

    sizes = Counter(row.register.register for row in found.records if row.register and len(row.data) >= 16)
    asked = Counter(
        BY_ID[int.from_bytes(request[10:12], "big")].name for request in found.requests if request[:2] == b"\x08\x05"
    )
    assert sizes == asked


MASKED = sorted({row.name for row in WANTED} | {"PMAOS", "MTMP"})


@pytest.mark.parametrize("name", MASKED)
def test_a_register_that_its_mask_withholds_is_never_asked(name: str) -> None:
    offered = "BlueField-3" if name == "MISOC" else "ConnectX-7"

    whole, without = read(offered), read(offered, withheld=[name])

    announced = name not in ("MGPIR",)  # which adapters have it, nobody has confirmed
    assert (name in whole.asked, name in without.asked, without.asked - whole.asked) == (announced, False, set())


@pytest.mark.parametrize(
    ("gate", "gone"),
    [
        ("dtor", ["DTOR"]), ("nic_cap_reg", ["NIC_CAP_REG"]), ("vhca_trust_level_reg", ["VHCA_TRUST_LEVEL"]),
        ("sbcam_reg", ["SBCAM"]), ("roce_accl", ["ROCE_ACCL"]),
    ],
)  # fmt: skip
def test_a_register_that_no_capability_announces_is_never_asked(gate: str, gone: list[str]) -> None:
    without = read(capabilities={f"general.{gate}": 0})

    assert sorted(read().asked - without.asked) == gone


@pytest.mark.parametrize(
    ("gate", "mask", "first"),
    [("pcam_reg", "PCAM", 0x5000), ("qcam_reg", "QCAM", 0x4000), ("mcam_reg", "MCAM", 0x9000)],
)
def test_without_a_mask_only_what_the_kernel_s_driver_reads_is_asked(gate: str, mask: str, first: int) -> None:
    without = read(capabilities={f"general.{gate}": 0})

    numbers = {row.name: row.id for row in WANTED}
    group = {name for name in without.asked if name in numbers and first <= numbers[name] < first + 0x200}
    assert (mask in without.asked, sorted(group)) == (
        False,
        [name for name in USUAL if first <= numbers[name] < first + 0x200],
    )


@pytest.mark.parametrize("mask", MASKS)
def test_a_mask_that_is_not_answered_leaves_only_what_the_kernel_s_driver_reads(mask: str) -> None:
    refused = read(faults=[{"register": mask, "status": 1}])

    first = {"PCAM": 0x5000, "QCAM": 0x4000, "MCAM": 0x9000}[mask]
    numbers = {row.name: row.id for row in WANTED}
    group = {name for name in refused.asked if name in numbers and first <= numbers[name] < first + 0x200}
    assert sorted(group) == [name for name in USUAL if first <= numbers[name] < first + 0x200]


def test_where_capabilities_are_not_told_the_masks_are_asked_and_what_only_those_announce_is_not() -> None:
    blind = read(faults=[{"register": "QUERY_HCA_CAP", "status": 1}])

    assert (read().asked - blind.asked, set(MASKS) <= blind.asked) == (set(GATED), True)


def register_plane(found: Snapshot) -> tuple[str, str]:
    (row,) = (row for row in found.coverage if (row.device, row.plane) == (flashes.BDF, "register"))
    return row.status, row.reason


FAULTS: dict[str, tuple[dict[str, object], str]] = {
    "a resource that is busy": ({"status": 6}, "RES_BUSY"),
    "an answer that is too short": ({"short": 18}, "2 of"),
    "less than a header": ({"short": 5}, "the answer has 5 bytes"),
    "a kernel that refuses": ({"errno": "EPERM"}, "EPERM"),
}
SWEPT_OVER = ["PAOS", "PTYS", "PFCC", "PPLM", "PDDR", "PMAOS", "QPTS", "QTCT", "QETCR", "MPEIN", "MTMP", "MRSI", "PBMC"]


@pytest.mark.parametrize("register", SWEPT_OVER)
@pytest.mark.parametrize("what", FAULTS)
def test_a_register_that_is_not_answered_makes_its_own_plane_partial_and_no_other(what: str, register: str) -> None:
    how, words = FAULTS[what]
    fault: dict[str, object] = {"register": register, **how}
    mine = {"register", *PARSERS[f"register.{register.lower()}"].tells}

    found = read(faults=[fault]).snapshot

    others = [[row for row in each.coverage if row.plane not in mine] for each in (found, WHOLE)]
    status, reason = register_plane(found)
    assert (status, words in reason, others[0]) == ("partial", True, others[1])


WHOLE = read().snapshot

OF_ETHERNET = ["DCBX_PARAM", "PBMC", "PCMR", "PFCC", "PPTB", "QETCR", "QPDPM", "QPTS", "QTCT"]


def test_an_infiniband_port_is_not_asked_what_only_ethernet_has_and_shows_no_knob_of_a_netdev() -> None:
    found = read(capabilities={"general.port_type": 0})

    planes = {row.plane for row in found.snapshot.settings}
    assert (sorted(read().asked - found.asked), planes & {"dcb", "ethtool"}) == (OF_ETHERNET, set())


@pytest.mark.parametrize(("port_type", "protocol"), [(1, 4), (0, 1)])
def test_a_port_is_asked_for_the_speeds_of_its_own_type_alone(port_type: int, protocol: int) -> None:
    found = read(capabilities={"general.port_type": port_type}).records

    asked = [
        dict(row.register.fields)["proto_mask"] for row in found if row.register and row.register.register == "PTYS"
    ]
    assert asked == [protocol]


def test_what_runs_on_a_dpu_and_what_waits_are_two_settings_and_no_disagreement() -> None:
    rows = [row.name for row in read("BlueField-3").snapshot.settings if row.name.startswith("misoc.query_not")]

    assert rows[:2] == ["misoc.query_not_available@0", "misoc.query_not_available@0.pending"]


DOWN: dict[str, tuple[dict[str, int], list[tuple[str, str]]]] = {
    "should be up": ({"admin_status": 1, "oper_status": 2}, [("the port is down: No cable (status 1024)", "medium")]),
    "should be down": (
        {"admin_status": 2, "oper_status": 2},
        [("the port is down, as its administrative state wants it: No cable (status 1024)", "info")],
    ),
    "is up": ({"admin_status": 1, "oper_status": 1}, []),
}


@pytest.mark.parametrize("how", DOWN)
def test_a_port_is_called_down_where_it_is_and_complained_of_where_it_should_be_up(how: str) -> None:
    state, said = DOWN[how]
    found = read(state={"PAOS": state, "PDDR": {"page_data": [0, 1024]}}).snapshot

    assert [(row.text, row.severity) for row in found.evidence if row.kind == "port.down"] == said


def test_nobody_complains_of_a_port_that_is_down_while_it_is_not_known_whether_it_should_be() -> None:
    fault = {"register": "PAOS", "status": 6}

    found = read(state={"PDDR": {"page_data": [0, 1024]}}, faults=[fault]).snapshot

    assert [row.severity for row in found.evidence if row.kind == "port.down"] == ["info"]


def test_a_register_that_the_firmware_does_not_know_is_not_there_and_makes_nothing_unknown() -> None:
    found = read(faults=[{"register": "MRSI", "status": 2}]).snapshot

    lost = {row.name for row in WHOLE.settings} - {row.name for row in found.settings}
    outcomes = {row.outcome for row in found.reads if row.kind == "register.mrsi"}
    assert (register_plane(found)[0], {name.partition(".")[0] for name in lost}, outcomes) == (
        "complete", {"mrsi"}, {"unsupported"},
    )  # fmt: skip


def test_an_adapter_that_answers_no_register_has_an_unknown_plane() -> None:
    found = read(faults=[{"register": name, "status": 2} for name in LAYOUTS]).snapshot

    assert register_plane(found)[0] == "unknown"


def test_a_firmware_that_hangs_at_a_register_is_asked_no_more() -> None:
    source = ScenarioSource(
        flashes.host({flashes.BDF: flashes.function("ConnectX-7", faults=[{"register": "PAOS", "hang": True}])})
    )

    records = Engine(source).collect([PCI, REGISTERS])

    outcomes = [row.outcome for row in records if row.register]
    assert set(outcomes[outcomes.index(Outcome.ABANDONED) + 1 :]) == {Outcome.SKIPPED}


def test_a_virtual_function_is_asked_for_no_register() -> None:
    function = {**flashes.function("ConnectX-7"), "physfn": "0000:3b:00.0"}
    source = ScenarioSource(flashes.host({"0000:3b:00.2": function}))

    Engine(source).collect(selected("full"))

    assert [request for _, request in source.nics["fwctl0"].requests] == []
