"""How many commands the flash of an adapter takes, and how long: against a reader that takes one parameter at a time.

Both read the same simulated firmware, each adapter in a process of its own, as on a host. A command takes its time
there, so that reading adapters beside each other can show what it is worth.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sosmlx.collectors.engine import Engine
from sosmlx.collectors.firmware_state import FIRMWARE_STATE, FIRMWARE_SWEEP
from sosmlx.collectors.fwctl import FWCTL
from sosmlx.collectors.pci import PCI
from sosmlx.collectors.registers import REGISTERS, SWEEPS
from sosmlx.fwctl.catalogue import builtin
from sosmlx.fwctl.client import Forked
from sosmlx.fwctl.items import ItemType, type_word
from sosmlx.record import Access, Record
from sosmlx.simulator.channel import NicNode
from sosmlx.simulator.host import ScenarioSource
from sosmlx.sources.live import LiveSource
from tests import flashes

LATENCY = 0.0002
"""Seconds that the firmware takes for a command, on top of what simulating it takes."""

FLASH = ("register.mnvgc", "register.mnvqc", "register.mnvda", "register.mnvgn")


class _Slow(NicNode):
    """A node whose firmware takes its time."""

    def rpc(self, request: bytes) -> bytes:
        time.sleep(LATENCY)
        return super().rpc(request)


def _source(devices: int) -> LiveSource:
    """Make a host with so many ConnectX-7, whose files are simulated and whose nodes are processes."""
    functions = {
        f"0000:{16 + number:02x}:00.0": {**flashes.function("ConnectX-7", ports=2), "fwctl": f"fwctl{number}"}
        for number in range(devices)
    }
    host = ScenarioSource(flashes.host(functions))
    return LiveSource(
        lambda path, how: host.read(path, how, 1.0), lambda name: Forked(name, lambda node: _Slow(host.nics[node]))
    )


def _ours(devices: int) -> list[Record]:
    return [record for record in Engine(_source(devices)).collect([PCI, FWCTL]) if record.register]


def _one_at_a_time(devices: int) -> int:
    """Read support and three views for each parameter, one adapter after the other; return the number of commands."""
    source, commands = _source(devices), 0
    for number in range(devices):
        for tlv in builtin():
            for port in (1, 2) if tlv.cls == 1 else (0,):
                word = type_word(ItemType(tlv.cls, tlv.index, port=port))
                for _ in (param for param in tlv.params if param.name):
                    asked = Access(f"fwctl{number}", "MNVQC", (("type", word),))
                    commands += 1
                    if not source.register(asked, 5).data[23] & 1:
                        continue
                    for view in range(3):
                        fields = (("access_mode", view), ("length", 256), ("type", word))
                        source.register(Access(f"fwctl{number}", "MNVDA", fields), 5)
                        commands += 1
    return commands


def flash_commands(wall: Callable[[Callable[[], object], int], float]) -> None:
    """Print commands and time per device, for 1 to 16 devices, beside those of the peer."""
    theirs = _one_at_a_time(1)
    ours = _ours(1)
    flash = sum(record.kind in FLASH for record in ours)
    print(
        f"flash of a ConnectX-7, two ports: {flash} register reads ({len(ours)} with identity, tokens and components; "
        f"must be at most 1100), one parameter at a time {theirs}, ratio {len(ours) / theirs:.2f}"
    )
    single = wall(lambda: _one_at_a_time(1), 1)
    for devices in (1, 2, 4, 8, 16):
        seconds = wall(lambda count=devices: _ours(count), 1)  # type: ignore[misc]
        print(
            f"flash of {devices} devices: {seconds:.2f} s, {seconds / devices:.3f} s each, "
            f"{seconds / devices / single:.2f} x one parameter at a time, one device after the other"
        )


def state_commands(wall: Callable[[Callable[[], object], int], float]) -> None:
    """Print how many commands configuration and state of each kind of adapter take, by default and for a full dump."""
    default, full = (FIRMWARE_STATE, REGISTERS), (FIRMWARE_STATE, REGISTERS, FIRMWARE_SWEEP, SWEEPS)
    for profile in flashes.PROFILES:
        counts = []
        for collectors in (default, full):
            source = flashes.one(profile)
            seconds = wall(lambda each=collectors, host=source: Engine(host).collect([PCI, *each]), 1)  # type: ignore[misc]
            counts.append(f"{len(source.nics['fwctl0'].requests)} commands, {seconds:.2f} s")
        print(f"run-time state of a {profile}: {counts[0]}; full: {counts[1]}")
