"""Configuration and state from firmware registers: every field in the plane `register`, and as the knob that it is.

A field that is also told by another source has a twin: the same key and unit as `ethtool`, `dcb`, sysfs or `rdma` give
it. What the twins are: `docs/precedence.md`. Bits that no field names are kept and shown as one number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Callable

from sosmlx.fwctl.layout import Field, Value
from sosmlx.fwctl.registers import REGISTERS, decode
from sosmlx.model import Facet, Fact, Item, Plane, Setting, SettingClass, Unparsed
from sosmlx.parsers.firmware_state import Answer, answer, ascii_text, named, short
from sosmlx.parsers.register_tables import (
    FEC_IN_USE,
    LINK_STATES,
    MODULE_ERRORS,
    PCIE_SPEEDS,
    PLUGGED_WITH_ERROR,
    RESET_TYPES,
    SOC_PARTS,
    WORDS,
    class_of,
)
from sosmlx.parsers.spec import Parser, alone
from sosmlx.parsers.values import UNREAD
from sosmlx.record import Record

DOWN = "port.down"
"""Evidence kind: why a port is down, as the firmware sees it."""
MODULE = "port.module"
"""Evidence kind: a module or cable that is not in order."""
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

_INSTANCES: Mapping[str, str] = {
    "PMAOS": "module", "QTCT": "switch_prio", "MTMP": "sensor_index", "MROQ": "reset_type", "MRSI": "device",
    "MFSV": "index", "MISOC": "type", "QEEC": "element_index", "MGNLE": "le_pointer",
}  # fmt: skip
"""The selector that tells several reads of a register apart."""

_ETHERNET, _INFINIBAND = 4, 1
_HIDDEN: Mapping[str, tuple[str, ...]] = {
    "PCAM": ("port_access_reg_cap_mask", "feature_cap_mask"),
    "QCAM": ("qos_access_reg_cap_mask", "qos_feature_cap_mask"),
    "PDDR": ("page_data",), "PBMC": ("buffer",), "QETCR": ("tc_configuration", "global_configuration"),
    "QPDPM": ("dscp",), "MISOC": ("version",), "MSGI": ("serial_number", "part_number", "product_name", "revision"),
    "PMLP": ("lane_module_mapping",), "PGUID": ("sys_guid", "node_guid", "port_guid", "allocated_guid"),
    "MTMP": ("sensor_name_hi", "sensor_name_lo"), "PMAOS": ("error_type",), "MGNLE": ("log_data",),
    "MVTS": ("ts_year", "ts_month", "ts_day", "ts_hour", "ts_minutes", "ts_seconds"),
}  # fmt: skip
"""Fields that are read as a whole, elsewhere, and not one by one."""


def told(records: Sequence[Record]) -> Iterator[Item]:
    """Yield what a function's registers of configuration and state tell, in any order of records."""
    answers: list[Answer] = []
    for record in records:
        if not record.has_bytes:
            continue
        found = answer(record)
        if isinstance(found, Unparsed):
            yield found
            yield _unread(record, found.text)
        else:
            answers.append(found)
    first = {found.register: found for found in reversed(answers)}
    for found in answers:
        yield from short(found)
        yield from _fields(found)
        if found.register in _READERS:
            yield from _READERS[found.register](found, first)


def _unread(record: Record, text: str) -> Setting:
    name = f"{record.kind.partition('.')[2]}.answer"
    facet = Facet(None, reason=f"{UNREAD} {text}")
    return Setting(record.function, "register", name, "", (("current", facet),), "evidence", record.id)


def _instance(found: Answer) -> str:
    if found.register == "QEEC":
        return f"@{found.asked('element_hierarchy')}.{found.asked('element_index')}"
    if found.register == "PTYS":
        return "@ib" if found.asked("proto_mask") == _INFINIBAND else ""
    selector = _INSTANCES.get(found.register)
    return f"@{found.asked(selector)}" if selector else ""


def _fields(found: Answer) -> Iterator[Item]:
    """Yield every field that is an answer, and what of the image no field names."""
    if (
        found.register == "PTYS"
        and found.asked("proto_mask") == _INFINIBAND
        and not found.number("ib_proto_capability")
    ):
        return  # an Ethernet port
    instance, hidden = _instance(found), _HIDDEN.get(found.register, ())
    lower = found.register.lower()
    for field in REGISTERS[found.register].fields:
        value = found.fields.get(field.name)
        if field.access in ("RO", "RW") and value is not None and field.name not in hidden:
            facet = _facet(f"{found.register}.{field.name}", value)
            yield _knob(found, f"{lower}.{field.name}{instance}", facet, class_of(found.register, field.name))
    left = _nameless(found)
    if left:
        yield _knob(found, f"{lower}.nameless-bits{instance}", Facet(left, left), "volatile")


def _knob(found: Answer, name: str, facet: Facet, cls: SettingClass, plane: Plane = "register") -> Setting:
    return found.setting(name, facet, cls, plane=plane)


def _facet(key: str, value: Value) -> Facet:
    if isinstance(value, tuple):
        return Facet(value, str(list(value)))
    return named(value, WORDS[key]) if key in WORDS else Facet(value, str(value))


@cache
def _known_bits(name: str) -> int:
    """Make a mask of the bits that a field names, as a number of the register's size."""
    register = REGISTERS[name]
    mask = 0
    for field in register.fields:
        width = field.width if isinstance(field, Field) else field.count * field.width
        mask |= ((1 << width) - 1) << (register.size * 8 - field.offset - width)
    return mask


def _nameless(found: Answer) -> str:
    """Show the bits that are set and that no field names: the whole image with all others cleared, in hexadecimal."""
    size = REGISTERS[found.register].size
    image = found.image[:size].ljust(size, b"\0")
    left = int.from_bytes(image, "big") & ~_known_bits(found.register)
    return left.to_bytes(size, "big").hex() if left else ""


Others = Mapping[str, Answer]
"""One answer of each register of the function."""


def _twin(found: Answer, plane: Plane, name: str, facet: Facet, cls: SettingClass = "config") -> Setting:
    return found.setting(name, facet, cls, plane=plane)


def _flag(value: bool) -> Facet:
    return Facet(value, "on" if value else "off")


def _number(value: int) -> Facet:
    return Facet(value, str(value))


def _speed(found: Answer, others: Others) -> Iterator[Item]:
    """PTYS: speed in Mb/s and auto-negotiation, where the port is an Ethernet port that has a link."""
    if found.asked("proto_mask") != _ETHERNET or not found.number("eth_proto_capability"):
        return
    rate = found.number("data_rate_oper")
    if rate:
        yield _twin(found, "ethtool", "link.speed", _number(rate * 100), "health")
    if found.number("an_disable_cap"):
        yield _twin(found, "ethtool", "link.auto-negotiation", _flag(not found.number("an_disable_admin")))


def _fec(found: Answer, others: Others) -> Iterator[Item]:
    """PPLM: the encoding in use, in ethtool's word, where it has one."""
    active = found.number("fec_mode_active") or 0
    words = [FEC_IN_USE[bit] for bit in range(24) if active >> bit & 1 and bit in FEC_IN_USE]
    if len(words) == 1:
        yield _twin(found, "ethtool", "fec.active", Facet(words[0], words[0]), "health")


def _flow(found: Answer, others: Others) -> Iterator[Item]:
    """PFCC: global pause, and priority flow control where both directions agree."""
    for name, field in (("pause.rx", "pprx"), ("pause.tx", "pptx")):
        value = found.number(field)
        if value is not None:
            yield _twin(found, "ethtool", name, _flag(bool(value)))
    tx, rx = found.number("pfctx"), found.number("pfcrx")
    if tx is not None and rx is not None and tx == rx:
        yield from (_twin(found, "dcb", f"pfc.prio{prio}", _flag(bool(tx >> prio & 1))) for prio in range(8))


def _down(found: Answer, others: Others) -> Iterator[Item]:
    """PDDR, the page that says why a port is down: a status code and the firmware's own sentence."""
    if found.asked("page_select") != 1:
        return
    page = decode("PDDR.TROUBLESHOOTING", found.image[8:])
    code, text = page.get("status_opcode"), page.get("status_message")
    if not isinstance(code, int):
        return
    words = ", ".join(LINK_STATES.get(code, ()))
    message = ascii_text(bytes(text)) if isinstance(text, tuple) else ""
    yield _knob(found, "pddr.status_opcode", Facet(code, str(code), words), "health")
    yield _knob(found, "pddr.status_message", Facet(message or "", message or ""), "health")
    if code in LINK_STATES:
        yield _twin(found, "ethtool", "link.link-state", Facet(LINK_STATES[code], words), "health")
    if code:
        admin = others["PAOS"].number("admin_status") if "PAOS" in others else None
        meant = " (and it should be: its administrative state is not up)" if admin not in (None, 1) else ""
        said = " ".join(filter(None, [words and f"{words}:", message])) or "no reason has a name"
        severity = "info" if meant else "medium"
        yield found.evidence(DOWN, f"the port is down{meant}: {said} (status {code})", severity)


def _module(found: Answer, others: Others) -> Iterator[Item]:
    """PMAOS: a module that is plugged with an error says which."""
    module, state, error = found.asked("module"), found.number("oper_status"), found.number("error_type")
    if state == PLUGGED_WITH_ERROR and error is not None:
        facet = Facet(error, str(error), MODULE_ERRORS.get(error, ""))
        yield _knob(found, f"pmaos.error_type@{module}", facet, "health")
        words = MODULE_ERRORS.get(error, f"error {error}")
        yield found.evidence(MODULE, f"module {module}: {words}", "high" if error in (0, 6, 12) else "medium")


def _lanes(found: Answer, others: Others) -> Iterator[Item]:
    """PMLP: which lane of which module each lane of the port is, as MODULE.LANE."""
    lanes, width = found.fields.get("lane_module_mapping"), found.number("width") or 0
    if isinstance(lanes, tuple):
        words = " ".join(f"{lane & 0xFF}.{lane >> 16 & 0xF}" for lane in lanes[:width])
        yield _knob(found, "pmlp.lanes", Facet(words, words), "capability")


def _buffers(found: Answer, others: Others) -> Iterator[Item]:
    """PBMC: receive buffers in bytes, where SBCAM says how large a cell is."""
    buffers = found.fields.get("buffer")
    cell = others["SBCAM"].number("cap_cell_size") if "SBCAM" in others else None
    if not isinstance(buffers, tuple):
        return
    for number, buffer in enumerate(buffers):
        size, lossy = buffer >> 32 & 0xFFFF, bool(buffer >> 57 & 1)
        yield _knob(found, f"pbmc.cells@{number}", _number(size), "config")
        yield _knob(found, f"pbmc.lossy@{number}", _flag(lossy), "config")
        yield _knob(found, f"pbmc.thresholds@{number}", _number(buffer & 0xFFFFFFFF), "config")
        if cell and number < 8:
            yield _twin(found, "dcb", f"buffer.size@{number}", _number(size * cell))


def _priority_buffers(found: Answer, others: Others) -> Iterator[Item]:
    for prio in range(8):
        value = found.number(f"prio{prio}buff")
        if value is not None:
            yield _twin(found, "dcb", f"buffer.prio-buffer@{prio}", _number(value))


def _trust(found: Answer, others: Others) -> Iterator[Item]:
    word = WORDS["QPTS.trust_state"].get(found.number("trust_state") or 0, "")
    if word in ("pcp", "dscp"):
        yield _twin(found, "dcb", "priority.trust-state", Facet(word, word, word))


_TRUSTS_DSCP = 2


def _code_points(found: Answer, others: Others) -> Iterator[Item]:
    """QPDPM: the kernel's table of applications shows this map where the port trusts DSCP, and only there."""
    entries = found.fields.get("dscp")
    if not isinstance(entries, tuple):
        return
    priorities = tuple(entry & 0xF for entry in entries)
    yield _knob(found, "qpdpm.priority", Facet(priorities, str(list(priorities))), "config")
    if "QPTS" in others and others["QPTS"].number("trust_state") == _TRUSTS_DSCP:
        yield from (_twin(found, "dcb", f"app.dscp-prio@{dscp}", _number(p)) for dscp, p in enumerate(priorities))


def _traffic_class(found: Answer, others: Others) -> Iterator[Item]:
    value = found.number("tclass")
    if value is not None:
        yield _twin(found, "dcb", f"ets.prio-tc@{found.asked('switch_prio')}", _number(value))


_RATES = {0: "unlimited", 3: "x 100 Mb/s", 4: "x 1 Gb/s"}


def _bandwidth(found: Answer, others: Others) -> Iterator[Item]:
    """QETCR: group, share and limit of each traffic class. What ETS shows of it hangs on all of them: no twin."""
    for number in range(8):
        element = decode("QETCR.ELEMENT", found.image[8 + 8 * number : 16 + 8 * number])
        if len(element) < 7:
            return
        for name in ("group", "bw_allocation", "max_bw_units", "max_bw_value"):
            value = element[name]
            if isinstance(value, int):
                facet = named(value, _RATES) if name == "max_bw_units" else _number(value)
                yield _knob(found, f"qetcr.{name}@{number}", facet, "config")


def _pcie(found: Answer, others: Others) -> Iterator[Item]:
    """MPEIN: width and speed of the link in sysfs's words, and whether the slot gives enough power."""
    width, speed = found.number("link_width_active"), found.number("link_speed_active")
    if width:
        yield _twin(found, "pci", "current_link_width", _number(width), "capability")
    words = [PCIE_SPEEDS[bit] for bit in range(16) if (speed or 0) >> bit & 1 and bit in PCIE_SPEEDS]
    if len(words) == 1:
        text = f"{words[0]} GT/s PCIe"
        yield _twin(found, "pci", "current_link_speed", Facet(text, text), "capability")
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
        yield _knob(found, f"mtmp.sensor_name@{sensor}", Facet(text, text), "capability")
    highest, critical = found.number("max_temperature"), found.number("temperature_threshold_hi")
    if value is not None and sensor == 0:
        yield _twin(found, "health", "hwmon.temp1_input", _number(_degrees(value)), "health")
        if highest is not None and found.number("mte"):
            yield _twin(found, "health", "hwmon.temp1_highest", _number(_degrees(highest)), "health")
        if critical:
            yield _twin(found, "health", "hwmon.temp1_crit", _number(_degrees(critical)), "capability")


def _degrees(value: int) -> int:
    """Convert eighths of a degree, with a sign in 16 bits, to thousandths."""
    return (value - (1 << 16) if value & 0x8000 else value) * 125


def _board(found: Answer, others: Others) -> Iterator[Item]:
    """MSGI: the board's serial, part number and name."""
    for name, start, end in (("serial_number", 0, 24), ("part_number", 0x20, 0x34), ("product_name", 0x40, 0x80)):
        data = found.image[start:end]
        text = ascii_text(data) if len(data) == end - start else ""
        if text:
            yield _knob(found, f"msgi.{name}", Facet(text, text), "identity")
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
            yield _twin(found, "rdma", name, Facet(text, text), "identity")


def _stamp(found: Answer, others: Others) -> Iterator[Item]:
    """MVTS: firmware older than this date is not taken; the digits are decimal (BCD)."""
    parts = [found.number(f"ts_{name}") for name in ("year", "month", "day")]
    if None not in parts and any(part or 0 for part in parts):
        date = "-".join(f"{part:02x}" for part in parts if part is not None)
        yield _knob(found, "mvts.time-stamp", Facet(date, date), "evidence")


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


_HARMLESS = (7, 8)
"""MIRC: already active, or active after a reset."""


def _activation(found: Answer, others: Others) -> Iterator[Item]:
    code = found.number("status_code")
    if code:
        words = WORDS["MIRC.status_code"].get(code, f"status {code}")
        yield found.evidence(
            "firmware.activation", f"activating an image: {words}", "info" if code in (7, 8) else "medium"
        )


def _possible(found: Answer, others: Others) -> Iterator[Item]:
    """MROQ: whether a type of reset is possible."""
    kind = found.asked("reset_type")
    facet = _flag(bool(found.number("query_is_valid")))._replace(label=RESET_TYPES.get(kind, ""))
    yield _knob(found, f"mroq.possible@{kind}", facet, "evidence")


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


_READERS: Mapping[str, Callable[[Answer, Others], Iterator[Item]]] = {
    "PTYS": _speed, "PPLM": _fec, "PFCC": _flow, "PDDR": _down, "PMAOS": _module, "PMLP": _lanes, "PBMC": _buffers,
    "PPTB": _priority_buffers, "QPTS": _trust, "QPDPM": _code_points, "QTCT": _traffic_class, "QETCR": _bandwidth,
    "MPEIN": _pcie, "MTMP": _temperature, "MSGI": _board, "PGUID": _guids, "MVTS": _stamp, "MFSV": _security,
    "MRSI": _reset_reason, "MIRC": _activation, "MROQ": _possible, "MSGCR": _injection, "MISOC": _soc,
    "MGNLE": _event,
}  # fmt: skip

_KINDS = (
    "PCAM", "QCAM", "SBCAM", "PAOS", "PTYS", "PMLP", "PMTU", "PPLM", "PFCC", "PPLR", "PMAOS", "PBMC", "PPTB", "PCMR",
    "PGUID", "PDDR", "QPTS", "QPDPM", "QTCT", "QEEC", "QETCR", "ROCE_ACCL", "DCBX_PARAM", "MSGI", "MTCAP", "MTMP",
    "MPEIN", "MPIR", "MPEGC", "MRTC", "MMHI", "MVTS", "MROQ", "MRSI", "MIRC", "MISOC", "MFSV", "MFCDR", "MSGCR",
    "MGPIR", "MGNLE",
)  # fmt: skip

_TELLS: Mapping[str, tuple[Plane, ...]] = {
    "PTYS": ("ethtool",), "PPLM": ("ethtool",), "PFCC": ("ethtool", "dcb"), "PDDR": ("ethtool",), "PBMC": ("dcb",),
    "PPTB": ("dcb",), "QPTS": ("dcb",), "QPDPM": ("dcb",), "QTCT": ("dcb",), "MPEIN": ("pci",), "MTMP": ("health",),
    "PGUID": ("rdma",), "MISOC": ("firmware",), "SBCAM": ("dcb",),
}  # fmt: skip
"""Planes of which a register tells knobs that have a reader of their own: those of the twins."""

TABLE = tuple(
    Parser(
        f"register.{name.lower()}", alone(told), ("register",), identity=True, together=told,
        tells=_TELLS.get(name, ()),
    )
    for name in _KINDS
)  # fmt: skip
