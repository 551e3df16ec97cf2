"""The first bytes of requests and answers, and the commands that fwctl lets through."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.fwctl.mailbox import OPCODES, STATUS, Request, Response, parse_request, response, status_words

STATUSES = {
    0x00: "OK",
    0x01: "INT_ERR",
    0x02: "BAD_OP",
    0x03: "BAD_PARAM",
    0x04: "BAD_SYS_STATE",
    0x05: "BAD_RES",
    0x06: "RES_BUSY",
    0x07: "NOT_READY",
    0x08: "LIM_ERR",
    0x09: "BAD_RES_STATE",
    0x0A: "IX_ERR",
    0x0F: "NO_RES",
    0x10: "BAD_QP_STATE",
    0x30: "BAD_PKT",
    0x40: "BAD_SIZE_OUTS_CQES",
    0x50: "BAD_INP_LEN",
    0x51: "BAD_OUTP_LEN",
}

AT_EVERY_SCOPE = {
    0x0100: "QUERY_HCA_CAP",
    0x0101: "QUERY_ADAPTER",
    0x0109: "SET_HCA_CAP",
    0x010E: "QUERY_OTHER_HCA_CAP",
    0x0731: "DELEGATE_VHCA_MANAGEMENT",
    0x0740: "QUERY_ESW_FUNCTIONS",
    0x0760: "QUERY_ROCE_ADDRESS",
    0x0762: "QUERY_HCA_VPORT_CONTEXT",
    0x0823: "MODIFY_CONG_STATUS",
    0x0B22: "QUERY_VUID",
    0x0B2E: "POSTPONE_CONNECTED_QP_TIMEOUT",
}

NEVER_LET_THROUGH = (
    0x102, 0x103, 0x104, 0x105, 0x108, 0x10B, 0x10D, 0x113, 0x118, 0x200, 0x301, 0x500, 0x50D, 0x751, 0x753, 0x755,
    0x761, 0x763, 0x80C, 0x825, 0x830, 0x840, 0xA00, 0xA01, 0xA04, 0xA08, 0xB0E, 0xB12, 0xB16,
)  # fmt: skip


def test_fwctl_lets_94_commands_through() -> None:
    assert Counter(row.scope_min for row in OPCODES.values()) == {0: 11, 1: 80, 2: 1, None: 2}


def test_the_commands_of_every_scope_are_these() -> None:
    assert {row.value: row.name for row in OPCODES.values() if row.scope_min == 0} == AT_EVERY_SCOPE


def test_the_commands_whose_scope_hangs_on_op_mod_access_registers() -> None:
    found = {row.value: row.name for row in OPCODES.values() if row.scope_min is None}

    assert found == {0x0805: "ACCESS_REG", 0x0B0C: "ACCESS_REGISTER_USER"}


def test_commands_that_fwctl_refuses_are_not_in_the_table() -> None:
    assert [value for value in NEVER_LET_THROUGH if value in OPCODES] == []


def test_a_command_is_found_by_its_number_and_has_a_name_of_its_own() -> None:
    assert ([row.value for row in OPCODES.values()], len({row.name for row in OPCODES.values()})) == (list(OPCODES), 94)


def test_a_command_that_changes_something_is_denied_and_no_other() -> None:
    denied = {row.name: row.label for row in OPCODES.values() if row.policy == "DENY"}

    assert (
        denied
        == {row.name: row.label for row in OPCODES.values() if row.label != "inspection"}
        == {
            "SET_HCA_CAP": "configuration",
            "DELEGATE_VHCA_MANAGEMENT": "configuration",
            "MODIFY_CONG_STATUS": "configuration",
            "POSTPONE_CONNECTED_QP_TIMEOUT": "configuration",
            "SET_DIAGNOSTIC_PARAMS": "invasive",
            "ACCESS_REGISTER_USER": "invasive",
        }
    )


def test_a_command_that_is_no_query_is_denied_or_constrained_or_does_nothing() -> None:
    others = {row.name: row.policy for row in OPCODES.values() if "QUERY" not in row.name and row.policy != "DENY"}

    assert others == {"ACCESS_REG": "CONSTRAIN", "NOP": "ALLOW"}


def test_queries_that_can_clear_are_constrained() -> None:
    found = {row.value for row in OPCODES.values() if row.policy == "CONSTRAIN"}

    assert found == {0x0770, 0x0773, 0x0805, 0x0826, 0x093B}


def test_every_status_has_the_kernels_name() -> None:
    assert {row.value: row.name for row in STATUS.values()} == STATUSES


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_a_status_is_said_in_words_and_with_its_number(status: int) -> None:
    words = status_words(status, 0xABCD)

    assert words == f"{STATUSES[status]} ({status:#x}): {STATUS[status].text}; syndrome 0xabcd"


def test_a_status_without_a_name_is_said_to_have_none() -> None:
    assert status_words(0xEE, 1) == "status 0xee, which has no public name; syndrome 0x1"


@given(st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary(min_size=3, max_size=3), st.binary(), st.binary())
def test_an_answer_is_status_syndrome_and_data(status: int, syndrome: int, gap: bytes, own: bytes, data: bytes) -> None:
    raw = bytes([status]) + gap + syndrome.to_bytes(4, "big") + own[:8].ljust(8, b"\0") + data

    assert response(raw) == Response(status, syndrome, data)


@given(st.binary(max_size=15))
def test_less_than_a_header_is_no_answer(raw: bytes) -> None:
    with pytest.raises(ValueError, match="less than its header"):
        response(raw)


@given(st.binary(max_size=15))
def test_less_than_a_header_is_no_request(raw: bytes) -> None:
    with pytest.raises(ValueError, match="less than its header"):
        parse_request(raw)


def test_a_request_is_taken_apart() -> None:
    raw = bytes.fromhex("08051234 00000001 00009030 00000007 01010012 00000000")

    assert parse_request(raw) == Request(0x805, 0x1234, 1, 0x9030, 7, bytes.fromhex("01010012 00000000"))


def test_reserved_bits_of_a_request_are_seen() -> None:
    raw = bytes.fromhex("08050000 abcd0001 00ef9030 00000000")

    assert parse_request(raw).reserved == 0xABCD00EF
