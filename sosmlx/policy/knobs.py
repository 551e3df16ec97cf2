"""The settings of each function by knob, with what its ASIC, ports and host have in common with its sisters.

A snapshot holds a setting of the ASIC once, with the first of the functions that see it (`sosmlx.normalise`); a rule
asks every function, so that the others show it here, too.
"""

from __future__ import annotations

from collections.abc import Mapping

from sosmlx.model import Device, Setting, Snapshot

Knob = tuple[str, str, str]
"""Plane, name and cmode: a setting's key within one device."""

FLASH_ROLES = ("pf", "ecpf", "dpu-host", "dpu-nic-mode")
"""Roles of the functions that have a flash configuration of their own."""


def rows(snapshot: Snapshot) -> Mapping[str, Mapping[Knob, Setting]]:
    """Map every device (and the host) to its settings by knob; a device without settings has an empty map."""
    own: dict[str, dict[Knob, Setting]] = {device.id: {} for device in snapshot.devices}
    for setting in snapshot.settings:
        own.setdefault(setting.device, {})[setting.key[1:]] = setting
    found: dict[str, Mapping[Knob, Setting]] = {**own}
    for sisters in _sisters(snapshot.devices):
        common: dict[Knob, Setting] = {}
        for device in sisters:
            for knob, setting in own[device].items():
                if setting.shared:
                    common.setdefault(knob, setting)
        if common:
            found.update({device: {**common, **own[device]} for device in sisters})
    return found


def _sisters(devices: tuple[Device, ...]) -> list[list[str]]:
    """Group the functions with flash by their ASIC, which may span addresses, or else by the card's address."""
    flash = [device for device in devices if device.bdf and device.role in FLASH_ROLES]
    asics = {_slot(device): device.asic for device in flash if device.asic}
    groups: dict[str, list[str]] = {}
    for device in flash:
        groups.setdefault(device.asic or asics.get(_slot(device), "") or _slot(device), []).append(device.id)
    return list(groups.values())


def _slot(device: Device) -> str:
    return device.bdf.rpartition(".")[0]
