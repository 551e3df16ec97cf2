"""What the registers of a port tell: speed, FEC, flow control, why it is down, its module, its buffers, priorities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sosmlx.fwctl.registers import decode
from sosmlx.model import Facet, Item, Severity
from sosmlx.parsers.firmware_state import Answer, ascii_text, named
from sosmlx.parsers.register_items import Others, Reader, flag, knob, numeral, twin
from sosmlx.parsers.register_tables import FEC_IN_USE, LINK_STATES, MODULE_ERRORS, PLUGGED_WITH_ERROR, WORDS

DOWN = "port.down"
"""Evidence kind: why a port is down, as the firmware sees it."""
LOSSY = "port.lossy-priority"
"""Evidence kind: a priority whose frames flow control should keep, in a buffer that drops them."""
MODULE = "port.module"
"""Evidence kind: a module or cable that is not in order."""

_ETHERNET = 4
_UP = 1
"""The word of PAOS for a port that is up, or should be."""
_LOSSY = 57
"""The bit of a buffer in PBMC that says so (`mlx5_ifc.h`, `bufferx_reg`)."""


def _speed(found: Answer, others: Others) -> Iterator[Item]:
    """PTYS: speed in Mb/s and auto-negotiation, where the port is an Ethernet port that has a link."""
    if found.asked("proto_mask") != _ETHERNET or not found.number("eth_proto_capability"):
        return
    rate = found.number("data_rate_oper")
    if rate:
        yield twin(found, "ethtool", "link.speed", numeral(rate * 100), "health")
    if found.number("an_disable_cap"):
        yield twin(found, "ethtool", "link.auto-negotiation", flag(not found.number("an_disable_admin")))


def _is_infiniband(others: Others) -> bool:
    """Whether the function was asked for the speeds of InfiniBand, and for no others: no netdev shows such a port."""
    return "PTYS" in others and others["PTYS"].asked("proto_mask") != _ETHERNET


def _fec(found: Answer, others: Others) -> Iterator[Item]:
    """PPLM: the encoding in use, in ethtool's word, where it has one."""
    if _is_infiniband(others):
        return
    active = found.number("fec_mode_active") or 0
    words = [FEC_IN_USE[bit] for bit in range(24) if active >> bit & 1 and bit in FEC_IN_USE]
    if len(words) == 1:
        yield twin(found, "ethtool", "fec.active", Facet(words[0], words[0]), "health")


def _flow(found: Answer, others: Others) -> Iterator[Item]:
    """PFCC: global pause, and priority flow control where both directions agree."""
    for name, field in (("pause.rx", "pprx"), ("pause.tx", "pptx")):
        value = found.number(field)
        if value is not None:
            yield twin(found, "ethtool", name, flag(bool(value)))
    tx, rx = found.number("pfctx"), found.number("pfcrx")
    if tx is not None and rx is not None and tx == rx:
        yield from (twin(found, "dcb", f"pfc.prio{prio}", flag(bool(tx >> prio & 1))) for prio in range(8))


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
    yield knob(found, "pddr.status_opcode", Facet(code, str(code), words), "health")
    yield knob(found, "pddr.status_message", Facet(message or "", message or ""), "health")
    if "PAOS" in others and others["PAOS"].number("oper_status") == _UP:
        return  # what kept it down once, if anything
    if code in LINK_STATES and not _is_infiniband(others):
        yield twin(found, "ethtool", "link.link-state", Facet(LINK_STATES[code], words), "health")
    if code:
        meant, severity = _meant(others)
        said = ": ".join(filter(None, [words, message])) or "no reason has a name"
        yield found.evidence(DOWN, f"the port is down{meant}: {said} (status {code})", severity)


def _meant(others: Others) -> tuple[str, Severity]:
    """Say whether a port should be down (PAOS), and how much it matters that it is."""
    admin = others["PAOS"].number("admin_status") if "PAOS" in others else None
    if admin is None:
        return ", and whether it should be was not read", "info"
    return ("", "medium") if admin == _UP else (", as its administrative state wants it", "info")


def _module(found: Answer, others: Others) -> Iterator[Item]:
    """PMAOS: a module that is plugged with an error says which."""
    module, state, error = found.asked("module"), found.number("oper_status"), found.number("error_type")
    if state == PLUGGED_WITH_ERROR and error is not None:
        facet = Facet(error, str(error), MODULE_ERRORS.get(error, ""))
        yield knob(found, f"pmaos.error_type@{module}", facet, "health")
        words = MODULE_ERRORS.get(error, f"error {error}")
        yield found.evidence(MODULE, f"module {module}: {words}", "high" if error in (0, 6, 12) else "medium")


def _lanes(found: Answer, others: Others) -> Iterator[Item]:
    """PMLP: which lane of which module each lane of the port is, as MODULE.LANE."""
    lanes, width = found.fields.get("lane_module_mapping"), found.number("width") or 0
    if isinstance(lanes, tuple):
        words = " ".join(f"{lane & 0xFF}.{lane >> 16 & 0xF}" for lane in lanes[:width])
        yield knob(found, "pmlp.lanes", Facet(words, words), "capability")


def _buffers(found: Answer, others: Others) -> Iterator[Item]:
    """PBMC: receive buffers in bytes, where SBCAM says how large a cell is."""
    buffers = found.fields.get("buffer")
    cell = others["SBCAM"].number("cap_cell_size") if "SBCAM" in others else None
    if not isinstance(buffers, tuple):
        return
    for number, buffer in enumerate(buffers):
        size, lossy = buffer >> 32 & 0xFFFF, bool(buffer >> _LOSSY & 1)
        yield knob(found, f"pbmc.cells@{number}", numeral(size), "config")
        yield knob(found, f"pbmc.lossy@{number}", flag(lossy), "config")
        yield knob(found, f"pbmc.thresholds@{number}", numeral(buffer & 0xFFFFFFFF), "config")
        if cell and number < 8:
            yield twin(found, "dcb", f"buffer.size@{number}", numeral(size * cell))


def _priority_buffers(found: Answer, others: Others) -> Iterator[Item]:
    """PPTB: a priority that sends pauses (PFCC) has to fill a buffer that is lossless (PBMC): no other asks for one."""
    paused = (others["PFCC"].number("pfctx") if "PFCC" in others else None) or 0
    buffers = others["PBMC"].fields.get("buffer") if "PBMC" in others else None
    for prio in range(8):
        place = found.number(f"prio{prio}buff")
        if place is None:
            continue
        yield twin(found, "dcb", f"buffer.prio-buffer@{prio}", numeral(place))
        if paused >> prio & 1 and isinstance(buffers, tuple) and place < len(buffers) and buffers[place] >> _LOSSY & 1:
            text = (
                f"priority {prio} has flow control (PFC), and fills buffer {place}, which is lossy: it sends no pauses"
            )
            yield found.evidence(LOSSY, text, "medium")


def _trust(found: Answer, others: Others) -> Iterator[Item]:
    word = WORDS["QPTS.trust_state"].get(found.number("trust_state") or 0, "")
    if word in ("pcp", "dscp"):
        yield twin(found, "dcb", "priority.trust-state", Facet(word, word, word))


_TRUSTS_DSCP = 2


def _code_points(found: Answer, others: Others) -> Iterator[Item]:
    """QPDPM: the kernel's table of applications shows this map where the port trusts DSCP, and only there."""
    entries = found.fields.get("dscp")
    if not isinstance(entries, tuple):
        return
    priorities = tuple(entry & 0xF for entry in entries)
    yield knob(found, "qpdpm.priority", Facet(priorities, str(list(priorities))), "config")
    if "QPTS" in others and others["QPTS"].number("trust_state") == _TRUSTS_DSCP:
        yield from (twin(found, "dcb", f"app.dscp-prio@{dscp}", numeral(p)) for dscp, p in enumerate(priorities))


def _traffic_class(found: Answer, others: Others) -> Iterator[Item]:
    value = found.number("tclass")
    if value is not None:
        yield twin(found, "dcb", f"ets.prio-tc@{found.asked('switch_prio')}", numeral(value))


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
                facet = named(value, _RATES) if name == "max_bw_units" else numeral(value)
                yield knob(found, f"qetcr.{name}@{number}", facet, "config")


READERS: Mapping[str, Reader] = {
    "PTYS": _speed, "PPLM": _fec, "PFCC": _flow, "PDDR": _down, "PMAOS": _module, "PMLP": _lanes, "PBMC": _buffers,
    "PPTB": _priority_buffers, "QPTS": _trust, "QPDPM": _code_points, "QTCT": _traffic_class, "QETCR": _bandwidth,
}  # fmt: skip
"""Readers by register."""
