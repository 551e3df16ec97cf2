"""What `ibstat`, `ibstatus` and `ibv_devinfo` call the same thing, and in which notations they print it.

Names are those of the kernel's attributes (`stable/sysfs-class-infiniband`); notations those of rdma-core's sources.
"""

from __future__ import annotations

import re
from typing import Callable, NamedTuple

from sosmlx.model import Facet, SettingClass
from sosmlx.parsers import values

_ENUM = re.compile(r"(?P<word>.*\S)\s*\((?P<number>\d{1,9})\)\Z")
_CODED = re.compile(r"(?P<number>\d{1,3}): (?P<word>\S.*)\Z")
_RATE = re.compile(r"(\d{1,9})(?: Gb/sec(?: .*)?| \(FDR10\))?\Z")
_GUID = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{4}:?){3}[0-9a-fA-F]{4})\Z")
_HEX = re.compile(r"0x([0-9a-fA-F]{1,16})\Z")

_STATES: dict[str, int] = {
    "down": 1, "init": 2, "initializing": 2, "armed": 3, "active": 4, "nostatechange": 0, "sleep": 1, "polling": 2,
    "disabled": 3, "portconfigurationtraining": 4, "portconfigurationtrainning": 4, "linkup": 5,
    "linkerrorrecovery": 6, "phytest": 7,
}  # fmt: skip
"""Numbers of the logical and physical port states (IBA 14.2.5.6), which only some of the tools print."""


def _state(raw: str) -> Facet:
    """Type a state in any of its notations: `Active`, `4: ACTIVE`, `PORT_ACTIVE (4)`."""
    coded = _CODED.match(raw) or _ENUM.match(raw)
    if coded:
        return Facet(int(coded["number"]), raw, coded["word"])
    number = _STATES.get(raw.lower().replace(" ", "").replace("_", ""))
    return values.word(raw) if number is None else Facet(number, raw, raw)


def enum(raw: str) -> Facet:
    """Type `WORD (N)`; where the word is itself a number, as an MTU, that number is what counts."""
    coded = _ENUM.match(raw)
    if coded is None:
        return values.word(raw)
    plain = values.number(coded["word"])
    return Facet(plain.value, raw) if isinstance(plain.value, int) else Facet(int(coded["number"]), raw, coded["word"])


def _integer(raw: str) -> Facet:
    """Type a number that one tool prints in decimal and the other in hexadecimal."""
    digits = _HEX.match(raw)
    return Facet(int(digits[1], 16), raw) if digits else values.number(raw)


def _guid(raw: str) -> Facet:
    """Spell a GUID as the kernel does: `0c42:a103:0000:0001`."""
    match = _GUID.match(raw)
    if match is None:
        return values.text(raw)
    digits = match[1].replace(":", "").lower()
    return Facet(":".join(digits[at : at + 4] for at in range(0, 16, 4)), raw)


def _rate(raw: str) -> Facet:
    """Type a rate in Gb/s: `200`, `200 Gb/sec (4X HDR)`; one with a fraction stays text."""
    match = _RATE.match(raw)
    return Facet(int(match[1]), raw) if match else values.text(raw)


def _revision(raw: str) -> Facet:
    """Type a hardware revision, which one tool prints with `0x`."""
    digits = _HEX.match(raw)
    return Facet(digits[1].lower(), raw) if digits else values.text(raw)


class Knob(NamedTuple):
    """What a label stands for."""

    name: str
    cls: SettingClass
    typed: Callable[[str], Facet]


DEVICE: dict[str, Knob] = {
    "ca_type": Knob("hca_type", "identity", values.text),
    "node_guid": Knob("node_guid", "identity", _guid),
    "system_image_guid": Knob("sys_image_guid", "identity", _guid),
    "sys_image_guid": Knob("sys_image_guid", "identity", _guid),
    "hardware_version": Knob("hw_rev", "identity", _revision),
    "hw_ver": Knob("hw_rev", "identity", _revision),
    "board_id": Knob("board_id", "identity", values.text),
    "vendor_id": Knob("vendor_id", "identity", values.text),
    "vendor_part_id": Knob("vendor_part_id", "identity", values.text),
    "transport": Knob("transport", "config", enum),
    "number_of_ports": Knob("phys_port_cnt", "capability", values.number),
    "num_comp_vectors": Knob("num_comp_vectors", "config", values.number),
}
FIRMWARE = ("firmware_version", "fw_ver")

PORT: dict[str, Knob] = {
    "state": Knob("state", "health", _state),
    "physical_state": Knob("phys_state", "health", _state),
    "phys_state": Knob("phys_state", "health", _state),
    "rate": Knob("rate", "health", _rate),
    "base_lid": Knob("lid", "config", _integer),
    "port_lid": Knob("lid", "config", _integer),
    "lmc": Knob("lmc", "config", _integer),
    "port_lmc": Knob("lmc", "config", _integer),
    "sm_lid": Knob("sm_lid", "config", _integer),
    "capability_mask": Knob("cap_mask", "capability", values.text),
    "port_cap_flags": Knob("cap_mask", "capability", values.text),
    "port_cap_flags2": Knob("cap_mask2", "capability", values.text),
    "port_guid": Knob("guid", "identity", _guid),
    "link_layer": Knob("link_layer", "config", values.text),
    "max_mtu": Knob("max_mtu", "capability", enum),
    "max_msg_sz": Knob("max_msg_sz", "capability", values.text),
    "max_vl_num": Knob("max_vl_num", "capability", enum),
    "pkey_tbl_len": Knob("pkey_tbl_len", "capability", values.number),
    "gid_tbl_len": Knob("gid_tbl_len", "capability", values.number),
    "bad_pkey_cntr": Knob("bad_pkey_cntr", "counter", _integer),
    "qkey_viol_cntr": Knob("qkey_viol_cntr", "counter", _integer),
    "active_width": Knob("active_width", "health", enum),
    "active_speed": Knob("active_speed", "health", enum),
    "active_speed_ex": Knob("active_speed_ex", "health", enum),
}
