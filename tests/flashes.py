"""Simulated adapters and their bundles, for tests of the flash: the whole way through collector and parsers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from sosmlx.collectors.engine import Engine
from sosmlx.collectors.fwctl import FWCTL
from sosmlx.collectors.pci import PCI
from sosmlx.record import Bundle, Record
from sosmlx.simulator.host import ScenarioSource, merge

BDF = "0000:3b:00.0"
PROFILES = {"ConnectX-5": "0x1017", "ConnectX-6 Dx": "0x101d", "ConnectX-7": "0x1021", "BlueField-3": "0xa2dc"}
"""Profiles of the simulator with the PCI device id of each."""


def function(profile: str, **firmware: object) -> dict[str, object]:
    """Make a scenario's function: an adapter of that profile with a fwctl node, and nothing else."""
    return {
        "driver": "mlx5_core", "fwctl": "fwctl0", "pci": {"device": PROFILES[profile], "class": "0x020000"},
        "firmware": {"profile": profile, **firmware},
    }  # fmt: skip


def host(functions: Mapping[str, object], **members: object) -> dict[str, object]:
    """Make a scenario: a locked-down host with these functions and no tool at all."""
    base = {
        "schema": "sosmlx.scenario/1",
        "host": {
            "hostname": "n07", "taint": 0, "lockdown": "integrity", "modules": {"mlx5_core": {}, "mlx5_fwctl": {}},
        },
        "functions": dict(functions),
    }  # fmt: skip
    merged = merge(base, members)
    assert isinstance(merged, dict)
    return merged


def one(profile: str = "ConnectX-7", **firmware: object) -> ScenarioSource:
    """Make a host with one adapter."""
    return ScenarioSource(host({BDF: function(profile, **firmware)}))


def records(source: ScenarioSource) -> list[Record]:
    """Read functions and firmware of a simulated host."""
    return Engine(source, now=lambda: datetime(2026, 1, 1, tzinfo=timezone.utc)).collect([PCI, FWCTL])


def bundle(source: ScenarioSource) -> Bundle:
    """Collect a simulated host into a bundle in memory."""
    return Bundle("sim", source.path, tuple(records(source)), host="n07")
