"""A trace of the vendor's own tool, played to the simulated adapter: every request is understood and answered alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import pytest

from sosmlx.simulator.flash import Flash, Item, Kind, split
from sosmlx.simulator.nic import Nic
from sosmlx.simulator.profiles import PROFILES
from tests import nic_reading as raw
from tests.test_corpus import DATA

TRACE = DATA / "mstconfig-fwctl" / "mstconfig_q.trace"

pytestmark = [
    pytest.mark.provided,
    pytest.mark.skipif(not TRACE.is_file(), reason="no trace of the vendor's tool (SOSMLX_SHARED names its folder)"),
]

_LINE = re.compile(
    r" *\d+ scope=(\d) op=(0x\w+) (GET|SET) reg=(0x\w+) \w+ +arg=0x0 len= *(\d+) in=([\w ]*) -> st=(0x\w+) out=([\w ]*)"
)


class Step(NamedTuple):
    scope: int
    register: int
    request: bytes
    status: int
    image: bytes


def padded(words: str, size: int) -> bytes:
    """A register's image; a trace leaves the zeros at its end out, and prints one for an image of zeros."""
    return bytes.fromhex("" if words.strip() == "0" else words).ljust(size, b"\0")


@lru_cache(maxsize=1)
def steps() -> list[Step]:
    return list(_steps())


def _steps() -> Iterator[Step]:
    for line in TRACE.read_text().splitlines():
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            assert line in ("# open", "# close")
            continue
        scope, opcode, method, register, size, sent, status, received = match.groups()
        request = raw.command(int(register, 16), size=0, opcode=int(opcode, 16), op_mod=int(method == "GET"))
        image = padded(received, int(size))
        yield Step(int(scope), int(register, 16), request + padded(sent, int(size)), int(status, 16), image)


def tool_said(kind: int) -> str:
    """The string that the tool read in pieces."""
    pieces = [step.image for step in steps() if step.register == raw.MQIS and step.image[3] == kind]
    return b"".join(image[16 : 16 + int.from_bytes(image[10:12], "big")] for image in pieces).rstrip(b"\0").decode()


def device() -> Nic:
    """An adapter whose firmware knows what the trace's did, and whose flash holds what it answered."""
    flash = Flash({}, ports=2)
    for step in steps():
        if step.register == raw.MNVQC and step.image[7] & 1:
            word = int.from_bytes(step.image[:4], "big")
            flash.kinds.setdefault(split(word), Kind(0, step.image[7] >> 4, bool(step.image[7] & 2)))
    for step in steps():
        if step.register == raw.MNVDA:
            held = raw.item(bytes(16) + step.image)
            flash.kinds[split(held.type)] = Kind(len(held.data), held.version)
            flash.store(Item(held.type, held.data, held.version, held.writer, held.priority, held.over_en))
    cx7 = replace(PROFILES["ConnectX-7"], strings={kind: tool_said(kind) for kind in (1, 2)})
    return Nic(cx7, flash, strict=False)


@pytest.fixture(scope="module")
def answers() -> list[tuple[Step, bytes]]:
    nic = device()
    uid = nic.open()
    return [(step, nic.rpc(uid, step.scope, step.request, len(step.request))) for step in steps()]


def test_the_trace_is_whole() -> None:
    assert {hex(register): sum(step.register == register for step in steps()) for register in raw.SIZES} == {
        "0x9020": 2, "0x9024": 128, "0x9025": 0, "0x9028": 0, "0x9030": 993, "0x9033": 0, "0x9034": 0, "0x9035": 0,
        "0x9060": 0, "0x9061": 0, "0x9064": 11, "0x907f": 0, "0x9110": 0, "0x507f": 0, "0x4019": 0,
    }  # fmt: skip


def test_every_request_is_understood(answers: list[tuple[Step, bytes]]) -> None:
    assert [(step.register, answer[0]) for step, answer in answers if answer[0] != step.status] == []


def test_every_answer_is_as_long_and_repeats_the_same_selectors(answers: list[tuple[Step, bytes]]) -> None:
    selector = {raw.MNVQC: (0, 4), raw.MNVDA: (4, 8), raw.MQIS: (0, 4), raw.MGIR: (0, 4)}

    wrong = [
        step
        for step, answer in answers
        if len(answer) != 16 + len(step.image)
        or answer[16:][slice(*selector[step.register])] != step.image[slice(*selector[step.register])]
    ]
    assert wrong == []


@pytest.mark.parametrize("register", [raw.MNVDA, raw.MNVQC, raw.MQIS], ids=["MNVDA", "MNVQC", "MQIS"])
def test_a_flash_that_holds_what_the_tool_was_told_tells_the_same(
    answers: list[tuple[Step, bytes]], register: int
) -> None:
    wrong = [
        (step.image.hex(" ", 4), answer[16:].hex(" ", 4))
        for step, answer in answers
        if step.register == register and answer[16:] != step.image
    ]

    assert wrong == []


def test_a_query_of_the_vendors_tool_taints_nothing() -> None:
    nic = device()
    uid = nic.open()

    for step in steps():
        nic.rpc(uid, step.scope, step.request, len(step.request), comm="mstconfig")

    assert (nic.taint, nic.log) == (0, [])
