"""What waits for a reset is said with the resets that this device's firmware names."""

from __future__ import annotations

from datetime import date

import pytest

from sosmlx.collectors.engine import Engine
from sosmlx.collectors.fwctl import FWCTL
from sosmlx.collectors.pci import PCI
from sosmlx.collectors.registers import REGISTERS
from sosmlx.model import Finding, Snapshot
from sosmlx.normalise import normalise
from sosmlx.policy import document, relations
from sosmlx.policy.check import check
from sosmlx.policy.resets import resets
from sosmlx.record import Bundle
from sosmlx.simulator.host import ScenarioSource
from tests import flashes, policies

MFRL = "reset levels that the firmware names (MFRL): PCIe link disable or hot reset, warm reboot (PERST)"
MROQ = "resets that it offers (MROQ): full chip: PCIe link disable or hot reset, warm reboot (PERST)"


def host(profile: str, **firmware: object) -> Snapshot:
    """Read an adapter of which a parameter was set and waits."""
    function = {**flashes.function(profile, **firmware), "flash": {"NUM_OF_VFS": ["8", "8", "16"]}}
    source = ScenarioSource(flashes.host({flashes.BDF: function}))
    return normalise(Bundle("sim", "sim:p", tuple(Engine(source).collect([PCI, FWCTL, REGISTERS])), host="n07"))


def pending(found: Snapshot) -> list[Finding]:
    rows = check(found, [document.load("builtin:pending"), relations.pending(found)], date(2026, 11, 24)).findings
    return [row for row in rows if row.result == "fail"]


@pytest.mark.parametrize(
    ("profile", "firmware", "words"),
    [
        ("ConnectX-7", {}, [MFRL, MROQ]),
        ("ConnectX-7", {"state": {"MROQ@3": {"query_is_valid": 1, "reset_trigger": 2}}}, [MFRL, MROQ, "ARM only: imm"]),
        ("ConnectX-7", {"state": {"MROQ@0": {"query_is_valid": 0}}}, [MFRL]),
        ("ConnectX-5", {}, [MFRL]),
        ("ConnectX-7", {"missing": ["MFRL"], "withheld": ["MROQ"]}, []),
    ],
)
def test_a_parameter_that_waits_is_advised_the_resets_that_the_firmware_names(
    profile: str, firmware: dict[str, object], words: list[str]
) -> None:
    found = pending(host(profile, **firmware))

    said = [[word for word in (MFRL, MROQ, "ARM only: imm") if word in row.advice] for row in found]
    assert ([row.name for row in found], said) == (["NUM_OF_VFS"] * 2, [words, words])


def test_what_waits_for_no_reset_is_advised_none() -> None:
    found = host("ConnectX-7")
    rule = policies.rule("equals", 3, "NUM_OF_VFS", facet="next", advice="set it")

    assert [row.advice for row in policies.findings(found, rule)] == ["set it"]


def test_no_resets_are_told_of_a_device_whose_firmware_was_not_asked() -> None:
    assert resets(policies.host(policies.setting("NUM_OF_VFS", 8)).settings) == {}
