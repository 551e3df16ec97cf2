"""The only requests that sosmlx can make of a firmware: reads of some registers and queries, with selectors in ranges.

fwctl's scope for inspection does not keep anybody from writing: the mlx5 driver passes register writes on at every
scope and does not look into a register (`drivers/fwctl/mlx5/main.c`). So the list is here, as data, and it is held from
both ends: `request` and `query` put a request together from it, `refusal` takes bytes apart and says why they are
outside. Which registers act when they are read, or only when they are written: the PRM's register table in mstflint.
Which fields of a query clear counters or speak of other functions: the kernel's `include/linux/mlx5/mlx5_ifc.h`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from sosmlx.errors import SosmlxError
from sosmlx.fwctl.commands import BY_OPCODE, QUERIES
from sosmlx.fwctl.items import CANARY
from sosmlx.fwctl.layout import Array, Field, put_together, take_apart
from sosmlx.fwctl.mailbox import ACCESS_REG, OPCODES, READ, WRITE, Label, Request, parse_request
from sosmlx.fwctl.registers import BY_ID, REGISTERS, encode

Ranges = tuple[tuple[int, int], ...]
"""What a selector may hold: the first and the last number of each range."""


class NotAllowedError(SosmlxError):
    """The read is not on the list of inspection reads."""


class Allowed(NamedTuple):
    """One register that may be read: the size of its image in bytes, and what each selector may hold.

    Every bit that is no selector's is 0, and so is a selector that is not given.
    """

    register: str
    size: int
    fields: Mapping[str, Ranges]
    label: Label
    note: str


_ITEM: Ranges = (
    (0x00000000, 0x00FFFFFF),  # of the ASIC
    (0x01000000, 0x01FFFFFF),  # of a port
    (0x03000000, 0x030003FF),  # of the calling function: no host and no function is named
    (0x07000000, 0x0703FFFF),  # of the calling host: no host is named
    (0x09000000, 0x09FFFFFF),  # of a module
)
"""Type words of flash items (PRM `config_item_type`) that are read: nobody's items but the caller's."""


_PORT: Ranges = ((1, 16),)
"""Local ports count from 1; the port of a function is its port 1 (mlx5 `core/port.c`)."""

_FIRST: Ranges = ((0, 0),)
_MODULE: Ranges = ((0, 63),)


def _allowed(register: str, note: str, **fields: Ranges) -> Allowed:
    return Allowed(register, REGISTERS[register].size, fields, "inspection", note)


ALLOWED: Mapping[str, Allowed] = {
    row.register: row
    for row in (
        _allowed("MGIR", "who the adapter is, which firmware runs, and of which kind it is"),
        _allowed("MCAM", "which management registers there are", access_reg_group=((0, 3),), feature_group=((0, 0),)),
        _allowed("MNVGC", "which views of the flash can be read"),
        _allowed("MNVQC", "whether a flash item is known and can be read", type=_ITEM),
        _allowed(
            "MNVDA",
            "one flash item",
            type=_ITEM,
            access_mode=((0, 2),),
            length=((0, 256),),
            writer_id=((0, 0), (CANARY, CANARY)),
        ),
        _allowed("MNVGN", "the next item that is stored in flash", nv_pointer=((0, 0xFFFFFFFF),)),
        _allowed("MFRL", "which resets would do"),
        _allowed("MCQS", "the state of one firmware component", component_index=((0, 255),)),
        _allowed(
            "MCQI",
            "a firmware component's version, capabilities, or way to activate it",
            component_index=((0, 255),),
            info_type=((0, 1), (5, 5)),
            data_size=((124, 124),),
            read_pending_component=((0, 1),),
        ),
        _allowed(
            "MQIS",
            "a piece of a descriptive string",
            info_type=((1, 5),),
            read_offset=((0, 0xFFFF),),
            read_length=((0, 8),),
        ),
        _allowed("MDSR", "whether a debug token is active", type_of_token=((0, 6), (8, 8))),
        _allowed("PCAM", "which port registers there are", access_reg_group=((0, 1),), feature_group=((0, 1),)),
        _allowed("QCAM", "which registers of quality of service there are", access_reg_group=_FIRST),
        _allowed("SBCAM", "how the buffers can be shared", access_reg_group=_FIRST),
        _allowed("PAOS", "whether a port is up, and whether it should be", local_port=_PORT),
        _allowed("PTYS", "speeds of a port", local_port=_PORT, proto_mask=((1, 1), (4, 4))),
        _allowed("PMLP", "which module and which lanes serve a port", local_port=_PORT),
        _allowed("PMTU", "the port's MTU", local_port=_PORT),
        _allowed("PPLM", "forward error correction", local_port=_PORT),
        _allowed("PFCC", "pause frames and priority flow control", local_port=_PORT),
        _allowed("PPLR", "whether a port is in loopback", local_port=_PORT),
        _allowed("PBMC", "receive buffers", local_port=_PORT),
        _allowed("PPTB", "which buffer a priority fills", local_port=_PORT),
        _allowed("PCMR", "checks of frames", local_port=_PORT),
        _allowed("PGUID", "GUIDs of a port", local_port=_PORT),
        _allowed("PMAOS", "whether a module is plugged and in order", module=_MODULE),
        _allowed("PDDR", "why a port is down", local_port=_PORT, page_select=((1, 1),)),
        _allowed("QPTS", "what a port trusts to tell a priority", local_port=_PORT),
        _allowed("QPDPM", "the priority of each DSCP", local_port=_PORT),
        _allowed("QTCT", "the traffic class of a priority", local_port=_PORT, switch_prio=((0, 7),)),
        _allowed(
            "QEEC",
            "rate limits",
            local_port=_PORT,
            element_hierarchy=((0, 0), (2, 3)),
            element_index=((0, 15),),
        ),
        _allowed("QETCR", "bandwidth of traffic classes", port_number=_PORT),
        _allowed("ROCE_ACCL", "how RoCE is accelerated"),
        _allowed("DCBX_PARAM", "DCBX, as configured and as negotiated", port_number=_PORT),
        _allowed("MSGI", "serial and part number of the board"),
        _allowed("MTCAP", "which temperature sensors there are"),
        _allowed("MTMP", "one temperature", sensor_index=((0, 255),)),
        _allowed("MPEIN", "the PCI Express link, and the power of the slot"),
        _allowed("MPIR", "the place in the PCI Express tree"),
        _allowed("MPEGC", "PCI Express settings"),
        _allowed("MRTC", "the device's clock"),
        _allowed("MMHI", "how many hosts share the adapter"),
        _allowed("MVTS", "the time stamp that keeps old firmware out", running_flag=((0, 1),)),
        _allowed("MROQ", "whether a reset of one type is possible", reset_type=((0, 5),)),
        _allowed("MRSI", "what the last reset was", device=((0, 1),)),
        _allowed("MIRC", "how activating an image went"),
        _allowed("MISOC", "versions of what runs on a DPU", type=((0, 9),), query_pending=((0, 1),)),
        _allowed("MFSV", "security versions, in the fuses and in the image", index=((0, 4),)),
        _allowed("MFCDR", "whose make a cable is", query_type=((0, 1),), local_port=((0, 16),), module=_MODULE),
        _allowed("MSGCR", "whether errors can be injected"),
        _allowed("MGPIR", "how many modules there are", slot_index=_FIRST),
        _allowed("MGNLE", "one entry of the log", le_pointer=((0, 0xFFFFFFFF),)),
        _allowed("NCFG", "whether RoCE is switched off"),
        _allowed("NIC_CAP_REG", "further abilities"),
        _allowed("DTOR", "how long the driver is to wait"),
        _allowed("HOST_ENDIANNESS", "the byte order that the host has set"),
        _allowed("VHCA_TRUST_LEVEL", "how far a function is trusted", vhca_id=((0, 0xFFFF),)),
    )
}
"""Every register that is read, by name."""


class AllowedQuery(NamedTuple):
    """One command that may be asked, and what each selector of its request may hold.

    The opcode is the layout's (`sosmlx.fwctl.commands`), `op_mod` a selector where it is named or made of selectors.
    Every bit that is no selector's is 0, and so is a selector that is not given.
    """

    command: str
    fields: Mapping[str, Ranges]
    label: Label
    note: str


def _asked(command: str, note: str, **fields: Ranges) -> AllowedQuery:
    return AllowedQuery(command, fields, "inspection", note)


_FLAG: Ranges = ((0, 1),)
_NUMBER: Ranges = ((0, 0xFFFF),)
_OTHER: Mapping[str, Ranges] = {"other_vport": _FLAG, "vport_number": _NUMBER}

_CAPABILITIES: Ranges = (
    (0x00, 0x09), (0x0C, 0x0D), (0x0F, 0x0F), (0x11, 0x11), (0x13, 0x15), (0x1A, 0x1A), (0x1D, 0x1D), (0x1F, 0x20),
    (0x25, 0x26), (0x28, 0x28),
)  # fmt: skip
"""Types of QUERY_HCA_CAP for which it is known what announces them: `sosmlx.fwctl.capabilities`."""

QUERIES_ALLOWED: Mapping[str, AllowedQuery] = {
    row.command: row
    for row in (
        _asked("QUERY_HCA_CAP", "what the function can do", cap_type=_CAPABILITIES, current=_FLAG),
        _asked("QUERY_ADAPTER", "who made the adapter, and its parameter set"),
        _asked("QUERY_ISSI", "which interface steps the driver and the firmware agreed on"),
        _asked("QUERY_ESW_FUNCTIONS", "the functions that an embedded processor manages"),
        _asked("QUERY_VPORT_STATE", "the state of a virtual port", op_mod=((0, 2),), **_OTHER),
        _asked("QUERY_ESW_VPORT_CONTEXT", "VLAN handling of a virtual port in the eswitch", **_OTHER),
        _asked("QUERY_NIC_VPORT_CONTEXT", "addresses, MTU and modes of a virtual port", **_OTHER),
        _asked(
            "QUERY_ROCE_ADDRESS", "one entry of the RoCE address table", roce_address_index=_NUMBER,
            vhca_port_num=((0, 4),),
        ),
        _asked("QUERY_HCA_VPORT_CONTEXT", "an InfiniBand port as its function sees it", port_num=((0, 15),), **_OTHER),
        _asked("QUERY_VNIC_ENV", "what a virtual port had to drop, and why", **_OTHER),
        _asked("QUERY_VPORT_COUNTER", "traffic of a virtual port", port_num=((0, 15),), **_OTHER),
        _asked(
            "QUERY_CONG_STATUS", "whether congestion control is on for a priority", priority=((0, 7),),
            cong_protocol=((1, 2),),
        ),
        _asked("QUERY_CONG_PARAMS", "how congestion control is tuned", cong_protocol=((1, 3),)),
        _asked("QUERY_CONG_STATISTICS", "what congestion control did"),
        _asked("QUERY_WOL_ROL", "what wakes the host"),
        _asked("QUERY_LAG", "how the ports are joined"),
        _asked("QUERY_VUID", "the vendor's unique name of the function", vhca_id=_NUMBER),
    )
}  # fmt: skip
"""Every command that is asked, by name."""


class Never(NamedTuple):
    """A register, or what one can do, that has no place in an inspection.

    `access` says which part of it: all of it ("any"), writing it ("write"), or setting `bits`, which act even in a
    read. `id` is 0 where it is not public.
    """

    register: str
    id: int
    access: Literal["any", "write", "bits"]
    why: str
    bits: tuple[str, ...] = ()


NEVER: tuple[Never, ...] = (
    Never("MNVDI", 0x9025, "any", "deletes a flash item"),
    Never("MNVIA", 0x9033, "any", "deletes all flash items"),
    Never("MNVIAS", 0, "any", "invalidates flash items, by its name"),
    Never("MNVDA", 0x9024, "write", "changes a flash item"),
    Never("MVTS", 0x902C, "write", "changes the time stamp that keeps old firmware out"),
    Never("MFRL", 0x9028, "write", "resets the firmware or the chip"),
    Never("MIRC", 0x9162, "write", "activates a firmware image again"),
    Never("MCC", 0x9062, "any", "drives a firmware update"),
    Never("MCDA", 0x9063, "any", "moves the data of a firmware update"),
    Never("MCDD", 0x905C, "any", "moves the data of a firmware update by DMA"),
    Never("MFPA", 0x9010, "any", "parameters and write protection of the flash chip"),
    Never("MFBA", 0x9011, "any", "reads and writes the flash chip directly"),
    Never("MFBE", 0x9012, "any", "erases blocks of the flash chip"),
    Never("MMDIO", 0x9017, "any", "raw cycles on the MDIO bus"),
    Never("MJTAG", 0x901F, "any", "raw JTAG cycles"),
    Never("MTCQ", 0x9065, "any", "a read makes the device issue a token challenge and remember it"),
    Never("MKDC", 0x9066, "any", "keys or tokens; what it does is not public"),
    Never("MQDIK", 0x9116, "any", "keys of the device's identity; what it does is not public"),
    Never("MRPR", 0x9117, "any", "what it does is not public"),
    Never("CRYPTO_OPERATIONAL", 0xC002, "any", "state of cryptographic keys"),
    Never("IMPORT_KEK_HANDLE", 0xC004, "any", "keys"),
    Never("CREDENTIAL_HANDLE", 0xC005, "any", "credentials"),
    Never("HCA_CMD_ENCAP", 0xC009, "any", "carries another command, which nobody checks"),
    Never("MPEINJ", 0x9057, "any", "injects PCIe errors"),
    Never("MDPS", 0x9074, "any", "a debug facility; what it does is not public"),
    Never("MDTR", 0x9073, "any", "a debug facility; what it does is not public"),
    Never("MPEGC", 0x9056, "write", "unplugs the device from PCIe"),
    Never("MTRC_CAP", 0x9040, "any", "takes the firmware tracer away from the driver"),
    Never("MTRC_CONF", 0x9041, "any", "takes the firmware tracer away from the driver"),
    Never("MTRC_STDB", 0x9042, "any", "takes the firmware tracer away from the driver"),
    Never("MTRC_CTRL", 0x9043, "any", "takes the firmware tracer away from the driver"),
    Never("MTDC", 0x911D, "any", "a test and debug facility"),
    Never("CORE_DUMP", 0x402E, "any", "makes the firmware dump its core"),
    Never("MPTOR", 0x9705, "any", "a trigger"),
    Never("MTMR", 0x910E, "bits", "clears the history of temperatures", ("op",)),
    Never("SET_NODE", 0x6001, "any", "changes the node description"),
    Never("MGCR", 0x903A, "write", "changes general settings"),
    Never("MGLS", 0x9068, "any", "takes a lock"),
    Never("MLCR", 0x902B, "write", "switches LEDs"),
    Never("VHCA_ICM_CTRL", 0xC010, "write", "changes a function's memory limit"),
    Never("VHCA_GROUP_ICM_CTRL", 0xC021, "write", "changes a group's memory limit"),
    Never("HOST_OS_INIT_CTRL", 0xC020, "write", "keeps the host from booting"),
    Never("RESOURCE_DUMP", 0xC000, "any", "gives away the contents of objects and moves the dump's state on"),
    Never("MCIA", 0x9014, "bits", "drives the bus of a cable's module", ("l", "pnv", "bg_mode", "password")),
    Never("MPCNT", 0x9051, "bits", "clears counters", ("clr",)),
    Never("PPCNT", 0x5008, "bits", "clears counters", ("clr",)),
    Never("MTMP", 0x900A, "bits", "clears the highest temperature", ("mtr",)),
    Never("PMAOS", 0x5012, "bits", "resets a module or changes its events", ("rst", "ase", "ee")),
    Never("MGNLE", 0x9036, "bits", "erases a log entry", ("clr",)),
    Never("MDSR", 0x9110, "bits", "ends a debug session or revokes tokens", ("end", "revoke_version")),
    Never("MPCIR", 0x905A, "any", "drives an update of the running firmware"),
)
"""What must never be on the list, and why: reasons for refusals, and a promise that tests hold the list against."""

_NAMES = {row.id: row.register for row in NEVER if row.id} | {number: row.name for number, row in BY_ID.items()}


def request(register: str, fields: Mapping[str, int]) -> bytes:
    """Put together the request for one inspection read: ACCESS_REG, read, the register's image with its selectors.

    Raises NotAllowedError for a register or a selector that is not on the list, and for a value outside its range.
    """
    row = ALLOWED.get(register)
    if row is None:
        raise NotAllowedError(f"{register} is not on the list of inspection reads{_because(register, 'any')}")
    _check(register, row.fields, fields)
    header = struct.pack(">HHHHHHI", ACCESS_REG, 0, 0, READ, 0, REGISTERS[register].id, 0)
    return header + encode(register, fields)


def query(command: str, fields: Mapping[str, int]) -> bytes:
    """Put together the request for one command that only asks: its opcode, and its selectors.

    Raises NotAllowedError for a command or a selector that is not on the list, and for a value outside its range.
    """
    row = QUERIES_ALLOWED.get(command)
    if row is None:
        raise NotAllowedError(f"{command} is not on the list of commands that only ask")
    _check(command, row.fields, fields)
    layout = QUERIES[command]
    whole = put_together(command, layout.asked, layout.size, fields)
    return layout.opcode.to_bytes(2, "big") + whole[2:]


def _check(what: str, rows: Mapping[str, Ranges], fields: Mapping[str, int]) -> None:
    """Hold selectors against their ranges. Raises NotAllowedError."""
    for name in fields:
        if name not in rows:
            raise NotAllowedError(f"{what}: {name} is no selector of an inspection read")
    for name, ranges in rows.items():
        value = fields.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not _within(value, ranges):
            raise NotAllowedError(f"{what}: {name} {value!r} is not {_words(ranges)}")


def answer_size(raw: bytes) -> int:
    """Tell how many bytes the answer to a request of the list has; as many as the request where it is none."""
    known = BY_OPCODE.get(int.from_bytes(raw[:2], "big"))
    return known.answer if known else len(raw)


def refusal(raw: bytes) -> str:
    """Say why a request's bytes are outside the list of inspection reads; empty where they are inside."""
    try:
        asked = parse_request(raw)
    except ValueError as error:
        return str(error)
    return next(_objections(asked, raw), "")


def _objections(asked: Request, raw: bytes) -> Iterator[str]:
    known = BY_OPCODE.get(asked.opcode)
    if asked.opcode == ACCESS_REG:
        yield from _register_objections(asked)
    elif known is not None:
        if len(raw) != known.size:
            yield f"{known.name}: a request of {len(raw)} bytes, not {known.size}"
        yield from _bad_fields(known.name, known.asked, QUERIES_ALLOWED[known.name].fields, bytes(2) + raw[2:])
    else:
        other = OPCODES.get(asked.opcode)
        yield f"the command is {other.name if other else 'unknown'} ({asked.opcode:#x}), which is not on the list"


def _register_objections(asked: Request) -> Iterator[str]:
    name = _NAMES.get(asked.register_id, "unknown")
    where = f"{name} ({asked.register_id:#x})"
    if asked.op_mod == WRITE:
        yield f"op_mod 0 writes the register {where}{_because(name, 'write')}"
    if asked.op_mod != READ:
        yield f"op_mod {asked.op_mod} is no read of the register {where}"
    if name not in ALLOWED:
        yield f"the register {where} is not on the list of inspection reads{_because(name, 'any')}"
        return
    if len(asked.data) != ALLOWED[name].size:
        yield f"{name}: an image of {len(asked.data)} bytes, not {ALLOWED[name].size}"
    if asked.uid or asked.argument or asked.reserved:
        yield f"{name}: uid, argument and the reserved bits of the header must be 0"
    yield from _bad_fields(name, REGISTERS[name].fields, ALLOWED[name].fields, asked.data)


def _bad_fields(
    name: str, fields: Iterable[Field | Array], selectors: Mapping[str, Ranges], image: bytes
) -> Iterator[str]:
    """Object to what an image holds: fields that are no selectors, bits that are no field's, values out of range."""
    fields = tuple(fields)
    values, left = take_apart(fields, image), int.from_bytes(image, "big")
    for field in fields:
        value = values.get(field.name, 0)
        if isinstance(field, Field) and isinstance(value, int) and field.name in selectors:
            left -= value << (len(image) * 8 - field.offset - field.width)
            if not _within(value, selectors[field.name]):
                yield f"{name}: {field.name} {value:#x} is not {_words(selectors[field.name])}"
        elif value if isinstance(value, int) else any(value):
            yield f"{name}: {field.name} must be 0{_because(name, 'bits', field.name)}"
    if left:
        yield f"{name}: bits that are no selector's must be 0"


def _within(value: int, ranges: Ranges) -> bool:
    return any(first <= value <= last for first, last in ranges)


def _words(ranges: Ranges) -> str:
    """Spell what a selector may hold.

    >>> _words(((0, 6), (8, 8)))
    '0x0 to 0x6, or 0x8'
    """
    return ", or ".join(f"{first:#x}" if first == last else f"{first:#x} to {last:#x}" for first, last in ranges)


def _because(register: str, access: str, bit: str = "") -> str:
    """Give the reason that NEVER has, as the end of a sentence; empty where it has none.

    >>> _because("MNVDA", "write"), _because("MNVDA", "bits", "length")
    (': writing it changes a flash item', '')
    """
    for row in NEVER:
        if row.register == register and (access == "any" or row.access in ("any", access)) and (bit in ("", *row.bits)):
            how = {"any": "", "write": "writing it ", "bits": f"its {' or '.join(row.bits)} "}[row.access]
            return f": {how}{row.why}"
    return ""
