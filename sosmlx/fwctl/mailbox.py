"""Firmware commands and their answers: what fwctl lets through, and how a mailbox's first 16 bytes are read.

Everything in a mailbox is big-endian. Header layouts and status values: the kernel's `include/linux/mlx5/mlx5_ifc.h`
and `drivers/net/ethernet/mellanox/mlx5/core/cmd.c`; which command passes at which scope:
`drivers/fwctl/mlx5/main.c` (Linux 6.15; QUERY_ADJACENT_FUNCTIONS_ID, DELEGATE_VHCA_MANAGEMENT and QUERY_DELEGATED_VHCA
came later). There is nothing here that puts a request together: `sosmlx.fwctl.allowed`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Literal, NamedTuple, cast

HEADER_SIZE = 16
"""Bytes before the command's own data, in a request as in an answer; fwctl takes none shorter."""

ACCESS_REG = 0x0805
"""The command that reads a register (op_mod 1), or writes one (op_mod 0)."""

WRITE, READ = 0, 1
"""op_mod of ACCESS_REG."""

Label = Literal["inspection", "configuration", "invasive"]
Policy = Literal["ALLOW", "CONSTRAIN", "EXCLUDE", "SKIP", "DENY"]


class Opcode(NamedTuple):
    """A command that fwctl lets through.

    `scope_min` is the smallest scope at which the mlx5 driver passes it on; None where that hangs on op_mod (0, a
    register write, at every scope; anything else from 1 on). `policy` is what sosmlx makes of it: ALLOW, CONSTRAIN
    (with bits that must be 0), EXCLUDE (harmless, but it discloses objects or says nothing about configuration), SKIP
    (the answer's layout is not public), DENY. `label` is what the command does when its policy is kept, and the most
    that it can do where the policy is DENY.
    """

    value: int
    name: str
    scope_min: Literal[0, 1, 2] | None
    label: Label
    policy: Policy


_TABLE = """
0x0100 0 ALLOW     QUERY_HCA_CAP
0x0101 0 ALLOW     QUERY_ADAPTER
0x0107 1 ALLOW     QUERY_PAGES
0x0109 0 DENY      SET_HCA_CAP
0x010a 1 ALLOW     QUERY_ISSI
0x010c 1 SKIP      QUERY_DRIVER_VERSION
0x010e 0 ALLOW     QUERY_OTHER_HCA_CAP
0x0111 1 ALLOW     QUERY_SF_PARTITION
0x0117 1 ALLOW     QUERY_VHCA_MIGRATION_STATE
0x0201 1 EXCLUDE   QUERY_MKEY
0x0203 1 EXCLUDE   QUERY_SPECIAL_CONTEXTS
0x0303 1 EXCLUDE   QUERY_EQ
0x0402 1 EXCLUDE   QUERY_CQ
0x050b 1 EXCLUDE   QUERY_QP
0x0512 1 EXCLUDE   QUERY_RDB
0x0602 1 EXCLUDE   QUERY_PSV
0x0702 1 EXCLUDE   QUERY_SRQ
0x0707 1 EXCLUDE   QUERY_XRC_SRQ
0x0713 1 EXCLUDE   QUERY_DCT
0x0716 1 EXCLUDE   QUERY_DC_CNAK_TRACE
0x0719 1 EXCLUDE   QUERY_XRQ
0x0722 1 EXCLUDE   QUERY_NVMF_BACKEND_CONTROLLER
0x0725 1 EXCLUDE   QUERY_XRQ_DC_PARAMS_ENTRY
0x0727 1 EXCLUDE   QUERY_XRQ_ERROR_PARAMS
0x0728 1 EXCLUDE   QUERY_NVMF_NAMESPACE_CONTEXT
0x0730 1 SKIP      QUERY_ADJACENT_FUNCTIONS_ID
0x0731 0 DENY      DELEGATE_VHCA_MANAGEMENT
0x0732 1 ALLOW     QUERY_DELEGATED_VHCA
0x0740 0 ALLOW     QUERY_ESW_FUNCTIONS
0x0750 1 ALLOW     QUERY_VPORT_STATE
0x0752 1 ALLOW     QUERY_ESW_VPORT_CONTEXT
0x0754 1 ALLOW     QUERY_NIC_VPORT_CONTEXT
0x0760 0 ALLOW     QUERY_ROCE_ADDRESS
0x0762 0 ALLOW     QUERY_HCA_VPORT_CONTEXT
0x0764 1 ALLOW     QUERY_HCA_VPORT_GID
0x0765 1 ALLOW     QUERY_HCA_VPORT_PKEY
0x076f 1 ALLOW     QUERY_VNIC_ENV
0x0770 1 CONSTRAIN QUERY_VPORT_COUNTER
0x0773 1 CONSTRAIN QUERY_Q_COUNTER
0x0781 1 SKIP      QUERY_RATE_LIMIT
0x0784 1 EXCLUDE   QUERY_SCHEDULING_ELEMENT
0x0805 - CONSTRAIN ACCESS_REG
0x080b 1 EXCLUDE   QUERY_MAD_DEMUX
0x080d 1 ALLOW     NOP
0x0813 1 SKIP      QUERY_BURST_SIZE
0x0819 1 EXCLUDE   QUERY_DIAGNOSTIC_PARAMS
0x0820 2 DENY      SET_DIAGNOSTIC_PARAMS
0x0821 1 EXCLUDE   QUERY_DIAGNOSTIC_COUNTERS
0x0822 1 ALLOW     QUERY_CONG_STATUS
0x0823 0 DENY      MODIFY_CONG_STATUS
0x0824 1 ALLOW     QUERY_CONG_PARAMS
0x0826 1 CONSTRAIN QUERY_CONG_STATISTICS
0x082a 1 EXCLUDE   QUERY_L2_TABLE_ENTRY
0x0831 1 ALLOW     QUERY_WOL_ROL
0x0842 1 ALLOW     QUERY_LAG
0x0903 1 EXCLUDE   QUERY_TIR
0x0907 1 EXCLUDE   QUERY_SQ
0x090b 1 EXCLUDE   QUERY_RQ
0x090f 1 EXCLUDE   QUERY_RMP
0x0911 1 SKIP      QUERY_DELAY_DROP_PARAMS
0x0915 1 EXCLUDE   QUERY_TIS
0x0919 1 EXCLUDE   QUERY_RQT
0x0932 1 EXCLUDE   QUERY_FLOW_TABLE
0x0935 1 EXCLUDE   QUERY_FLOW_GROUP
0x0937 1 EXCLUDE   QUERY_FLOW_TABLE_ENTRY
0x093b 1 CONSTRAIN QUERY_FLOW_COUNTER
0x093f 1 EXCLUDE   QUERY_PACKET_REFORMAT_CONTEXT
0x0942 1 EXCLUDE   QUERY_MODIFY_HEADER_CONTEXT
0x0962 1 EXCLUDE   FPGA_QUERY_QP
0x0964 1 EXCLUDE   FPGA_QUERY_QP_COUNTERS
0x0971 1 EXCLUDE   QUERY_AFU
0x0981 1 EXCLUDE   QUERY_CAPI_PEC
0x0a02 1 EXCLUDE   QUERY_GENERAL_OBJECT
0x0a05 1 EXCLUDE   QUERY_UCTX
0x0a09 1 EXCLUDE   QUERY_UMEM
0x0b02 1 EXCLUDE   QUERY_NVMF_CC_RESPONSE
0x0b03 1 SKIP      QUERY_EMULATED_FUNCTIONS_INFO
0x0b05 1 EXCLUDE   QUERY_REGEXP_PARAMS
0x0b07 1 EXCLUDE   QUERY_REGEXP_REGISTER
0x0b08 1 EXCLUDE   USER_QUERY_XRQ_DC_PARAMS_ENTRY
0x0b0a 1 EXCLUDE   USER_QUERY_XRQ_ERROR_PARAMS
0x0b0c - DENY      ACCESS_REGISTER_USER
0x0b0d 1 ALLOW     QUERY_VHCA_STATE
0x0b0f 1 EXCLUDE   QUERY_EMULATION_DEVICE_EQ_MSIX_MAPPING
0x0b13 1 EXCLUDE   QUERY_MATCH_SAMPLE_INFO
0x0b14 1 SKIP      QUERY_CRYPTO_STATE
0x0b22 0 ALLOW     QUERY_VUID
0x0b28 1 SKIP      QUERY_DPA_PARTITION
0x0b2a 1 SKIP      QUERY_DPA_PARTITIONS
0x0b2e 0 DENY      POSTPONE_CONNECTED_QP_TIMEOUT
0x0b2f 1 SKIP      QUERY_EMULATED_RESOURCES_INFO
0x8000 1 EXCLUDE   QUERY_RSV_RESOURCES
0x8001 1 EXCLUDE   QUERY_MTT
0x8006 1 EXCLUDE   QUERY_SCHED_QUEUE
"""

_LABELS: Mapping[str, Label] = {
    "SET_HCA_CAP": "configuration",
    "DELEGATE_VHCA_MANAGEMENT": "configuration",
    "MODIFY_CONG_STATUS": "configuration",
    "POSTPONE_CONNECTED_QP_TIMEOUT": "configuration",
    "SET_DIAGNOSTIC_PARAMS": "invasive",
    "ACCESS_REGISTER_USER": "invasive",
}


def _opcode(line: str) -> Opcode:
    value, scope, policy, name = line.split()
    scope_min = None if scope == "-" else cast("Literal[0, 1, 2]", int(scope))
    return Opcode(int(value, 16), name, scope_min, _LABELS.get(name, "inspection"), cast("Policy", policy))


OPCODES: Mapping[int, Opcode] = {row.value: row for row in map(_opcode, _TABLE.strip().splitlines())}
"""The 94 commands that fwctl lets through at some scope; it answers EBADMSG to every other."""


class Status(NamedTuple):
    """How the firmware ended a command: the kernel's name (`MLX5_CMD_STAT_NAME_ERR`, shortened) and plain words."""

    value: int
    name: str
    text: str


STATUS: Mapping[int, Status] = {
    value: Status(value, name, text)
    for value, name, text in (
        (0x00, "OK", "done"),
        (0x01, "INT_ERR", "the firmware met an error of its own"),
        (0x02, "BAD_OP", "this firmware does not know the command, or not in this form"),
        (0x03, "BAD_PARAM", "the firmware does not accept a value in the request"),
        (0x04, "BAD_SYS_STATE", "not possible in the state that the device is in"),
        (0x05, "BAD_RES", "there is no such item, or not for this caller"),
        (0x06, "RES_BUSY", "somebody else uses it at the moment"),
        (0x07, "NOT_READY", "a part of the device is not ready yet"),
        (0x08, "LIM_ERR", "over a limit of the device"),
        (0x09, "BAD_RES_STATE", "not possible in the state that the item is in"),
        (0x0A, "IX_ERR", "the index is out of range"),
        (0x0F, "NO_RES", "the device has no resources left for it"),
        (0x10, "BAD_QP_STATE", "not possible in the state that the queue pair is in"),
        (0x30, "BAD_PKT", "the packet in the request is malformed"),
        (0x40, "BAD_SIZE_OUTS_CQES", "completions that are outstanding do not fit the new size"),
        (0x50, "BAD_INP_LEN", "the request has the wrong length for this firmware"),
        (0x51, "BAD_OUTP_LEN", "the space for the answer is too small for this firmware"),
    )
}
"""Every status that the kernel has a name for."""


class Response(NamedTuple):
    """An answer: `status` 0 is success, `syndrome` a number that only the firmware's makers can explain."""

    status: int
    syndrome: int
    data: bytes


def response(raw: bytes) -> Response:
    """Read an answer: status in byte 0, syndrome in bytes 4 to 7; `data` (a register's image) begins at byte 16.

    Raises ValueError for less than a header.
    """
    if len(raw) < HEADER_SIZE:
        raise ValueError(f"an answer of {len(raw)} bytes, less than its header of {HEADER_SIZE}")
    status, syndrome = struct.unpack_from(">B3xI", raw)
    return Response(status, syndrome, raw[HEADER_SIZE:])


def status_words(status: int, syndrome: int) -> str:
    """Say how the firmware ended a command.

    >>> status_words(5, 0x1234)
    'BAD_RES (0x5): there is no such item, or not for this caller; syndrome 0x1234'
    >>> status_words(0x77, 0)
    'status 0x77, which has no public name'
    """
    known = STATUS.get(status)
    words = f"{known.name} ({status:#x}): {known.text}" if known else f"status {status:#x}, which has no public name"
    return f"{words}; syndrome {syndrome:#x}" if syndrome else words


class Request(NamedTuple):
    """A request taken apart. `register_id` and `argument` are what ACCESS_REG has there; `data` begins at byte 16.

    `reserved` is what the bits hold that must be 0: bytes 4 and 5, and for ACCESS_REG bytes 8 and 9.
    """

    opcode: int
    uid: int
    op_mod: int
    register_id: int
    argument: int
    data: bytes
    reserved: int = 0


def parse_request(raw: bytes) -> Request:
    """Read a request: opcode, uid (which the driver overwrites), op_mod, register id, argument.

    Raises ValueError for less than a header.
    """
    if len(raw) < HEADER_SIZE:
        raise ValueError(f"a request of {len(raw)} bytes, less than its header of {HEADER_SIZE}")
    opcode, uid, gap, op_mod, upper, register_id, argument = struct.unpack_from(">HHHHHHI", raw)
    return Request(opcode, uid, op_mod, register_id, argument, raw[HEADER_SIZE:], gap << 16 | upper)
