"""What the registers of the whole adapter tell: PCI Express, temperature, versions that cannot go back, resets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sosmlx.model import Facet, Fact, Item
from sosmlx.parsers.firmware_state import Answer, ascii_text, bits
from sosmlx.parsers.register_items import Others, Reader, knob, numeral, twin
from sosmlx.parsers.register_tables import PCIE_SPEEDS, RESET_LEVELS, RESET_TYPES, SOC_PARTS, WORDS

POWER = "slot.power"
"""Evidence kind: the slot gives less power than the adapter needs."""
RESET = "firmware.reset"
"""Evidence kind: what the last reset was."""
ROLLBACK = "firmware.rollback"
"""Evidence kind: what keeps old firmware out, or does not yet."""
ACTIVATION = "firmware.activation"
"""Evidence kind: how activating a firmware image went."""
INJECTION = "device.error-injection"
"""Evidence kind: errors can be injected into the device."""
EVENT = "device.event"
"""Evidence kind: an entry of the firmware's own log."""

LEVELS = "mroq.reset_trigger"
"""Begins the names of the settings that hold the levels of one type of reset."""

_HARMLESS = (7, 8)
"""MIRC: already active, or active after a reset."""


def _pcie(found: Answer, others: Others) -> Iterator[Item]:
    """MPEIN: width and speed of the link in sysfs's words, and whether the slot gives enough power."""
    width, speed = found.number("link_width_active"), found.number("link_speed_active")
    if width:
        yield twin(found, "pci", "current_link_width", numeral(width), "capability")
    words = [PCIE_SPEEDS[bit] for bit in range(16) if (speed or 0) >> bit & 1 and bit in PCIE_SPEEDS]
    if len(words) == 1:
        text = f"{words[0]} GT/s PCIe"
        yield twin(found, "pci", "current_link_speed", Facet(text, text), "capability")
    if found.number("pwr_status") == 2:
        watts = found.number("pci_power") or 0
        yield found.evidence(POWER, f"the slot gives {watts} W, which is not sufficient", "medium")


def _temperature(found: Answer, others: Others) -> Iterator[Item]:
    """MTMP: the kernel's hwmon shows the first sensor of the ASIC, its highest, and its upper threshold as critical.

    Which of them is which: `drivers/net/ethernet/mellanox/mlx5/core/hwmon.c`.
    """
    value, sensor = found.number("temperature"), found.asked("sensor_index")
    name = b"".join((found.number(f"sensor_name_{half}") or 0).to_bytes(4, "big") for half in ("hi", "lo"))
    text = ascii_text(name)
    if text:
        yield knob(found, f"mtmp.sensor_name@{sensor}", Facet(text, text), "capability")
    highest, critical = found.number("max_temperature"), found.number("temperature_threshold_hi")
    if value is not None and sensor == 0:
        yield twin(found, "health", "hwmon.temp1_input", numeral(_degrees(value)), "health")
        if highest is not None and found.number("mte"):
            yield twin(found, "health", "hwmon.temp1_highest", numeral(_degrees(highest)), "health")
        if critical:
            yield twin(found, "health", "hwmon.temp1_crit", numeral(_degrees(critical)), "capability")


def _degrees(value: int) -> int:
    """Convert eighths of a degree, with a sign in 16 bits, to thousandths."""
    return (value - (1 << 16) if value & 0x8000 else value) * 125


def _board(found: Answer, others: Others) -> Iterator[Item]:
    """MSGI: the board's serial, part number and name."""
    for name, start, end in (("serial_number", 0, 24), ("part_number", 0x20, 0x34), ("product_name", 0x40, 0x80)):
        data = found.image[start:end]
        text = ascii_text(data) if len(data) == end - start else ""
        if text:
            yield knob(found, f"msgi.{name}", Facet(text, text), "identity")
            if name == "serial_number":
                yield Fact(found.record.function, "serial", text)
        elif text is None:
            yield found.unread(f"{name} is no text: {data.hex()}")


def _guids(found: Answer, others: Others) -> Iterator[Item]:
    """PGUID: GUIDs in the RDMA core's spelling."""
    for field, name in (("node_guid", "node_guid"), ("sys_guid", "sys_image_guid")):
        guid = found.number(field)
        if guid:
            digits = f"{guid:016x}"
            text = ":".join(digits[at : at + 4] for at in range(0, 16, 4))
            yield twin(found, "rdma", name, Facet(text, text), "identity")


def _stamp(found: Answer, others: Others) -> Iterator[Item]:
    """MVTS: firmware older than this date is not taken; the digits are decimal (BCD)."""
    parts = [found.number(f"ts_{name}") for name in ("year", "month", "day")]
    if None not in parts and any(part or 0 for part in parts):
        date = "-".join(f"{part:02x}" for part in parts if part is not None)
        yield knob(found, "mvts.time-stamp", Facet(date, date), "evidence")


def _security(found: Answer, others: Others) -> Iterator[Item]:
    """MFSV: security versions in fuses and image; once the fuses follow, older firmware is refused for ever."""
    index, state = found.asked("index"), found.number("fw_sec_ver_stat")
    fuses, image = found.number("efuses_sec_ver"), found.number("img_sec_ver")
    if state in (1, 2) and not found.number("fuse_failure"):
        word = WORDS["MFSV.fw_sec_ver_stat"][state]
        yield found.evidence(ROLLBACK, f"security version {index}: fuses {fuses}, image {image} ({word})")
    if found.number("fuse_failure"):
        yield found.evidence(ROLLBACK, f"security version {index}: writing the fuses failed", "medium")


def _reset_reason(found: Answer, others: Others) -> Iterator[Item]:
    reason, device = found.number("reset_reason"), found.asked("device")
    if reason is not None and device == 0:
        words = WORDS["MRSI.reset_reason"].get(reason, f"of reason {reason}")
        yield found.evidence(RESET, f"the last reset was {words}")


def _activation(found: Answer, others: Others) -> Iterator[Item]:
    code = found.number("status_code")
    if code:
        words = WORDS["MIRC.status_code"].get(code, f"status {code}")
        yield found.evidence(ACTIVATION, f"activating an image: {words}", "info" if code in _HARMLESS else "medium")


def _possible(found: Answer, others: Others) -> Iterator[Item]:
    """MROQ: at which levels a type of reset can be asked for; words only where the query is valid for that type."""
    levels, kind = found.number("reset_trigger"), found.asked("reset_type")
    if levels is not None:
        words = ", ".join(bits(levels, RESET_LEVELS)) if found.number("query_is_valid") else ""
        said = f"{RESET_TYPES.get(kind, f'type {kind}')}: {words}" if words else ""
        yield knob(found, f"{LEVELS}@{kind}", Facet(levels, f"{levels:#x}", said), "evidence")


def _injection(found: Answer, others: Others) -> Iterator[Item]:
    if found.number("support_error_injection"):
        yield found.evidence(INJECTION, "errors can be injected (MSGCR)", "info")


def _soc(found: Answer, others: Others) -> Iterator[Item]:
    """MISOC: a version of what runs beside the adapter on a DPU."""
    text = found.text("version")
    if text and not found.number("query_not_available"):
        view = "stored" if found.asked("query_pending") else "running"
        name = f"soc.{SOC_PARTS.get(found.asked('type'), found.asked('type'))}"
        yield found.setting(name, Facet(text, text), "firmware", view)


def _event(found: Answer, others: Others) -> Iterator[Item]:
    """MGNLE: an entry of the log of flash, with its time where one was known. Unconfirmed on a device."""
    high, low = found.number("time_h"), found.number("time_l")
    if high is None or low is None or not found.number("type"):
        return
    when = f"at {high << 32 | low} us{'' if found.number('synced_time') else ' since the start'}"
    lost = found.number("lost_events")
    more = f", {lost} before it are lost" if lost else ""
    yield found.evidence(EVENT, f"item {found.number('type') or 0:#x} {when}{more}")


READERS: Mapping[str, Reader] = {
    "MPEIN": _pcie, "MTMP": _temperature, "MSGI": _board, "PGUID": _guids, "MVTS": _stamp, "MFSV": _security,
    "MRSI": _reset_reason, "MIRC": _activation, "MROQ": _possible, "MSGCR": _injection, "MISOC": _soc,
    "MGNLE": _event,
}  # fmt: skip
"""Readers by register."""
