"""How a firmware's answers become outcomes: error numbers, statuses, short answers, secrets, a device that is stuck."""

from __future__ import annotations

import errno
from collections.abc import Mapping

import pytest

from sosmlx.child import StuckError
from sosmlx.fwctl.client import OpenError
from sosmlx.fwctl.mailbox import status_words
from sosmlx.fwctl.registers import encode
from sosmlx.record import Access, Answer, Call, Outcome
from sosmlx.sources.firmware import Firmware, answered


class Script:
    """A channel that gives what it is told to, whatever it is asked; it counts what it was asked."""

    def __init__(self, answer: bytes | Exception) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def info(self, deadline: float) -> bytes:
        return self._next("info")

    def register(self, name: str, fields: Mapping[str, int], deadline: float) -> bytes:
        return self._next(name)

    def command(self, name: str, fields: Mapping[str, int], deadline: float) -> bytes:
        return self._next(name)

    def close(self) -> None:
        self.asked.append("close")

    def _next(self, what: str) -> bytes:
        self.asked.append(what)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


MGIR = Access("fwctl0", "MGIR")


def read(answer: bytes | Exception, access: Access = MGIR) -> Answer:
    return Firmware(lambda node: Script(answer)).register(access, 5)


@pytest.mark.parametrize(
    ("error", "outcome", "words"),
    [
        (OSError(errno.EBADMSG, ""), Outcome.UNSUPPORTED, "EBADMSG: the driver does not pass this command on"),
        (OSError(errno.ENODEV, ""), Outcome.VANISHED, "ENODEV: the driver let go of the device"),
        (OSError(errno.ETIMEDOUT, ""), Outcome.TIMEOUT, "ETIMEDOUT: the firmware did not answer"),
        (OSError(errno.EIO, ""), Outcome.FAILED, "EIO: the command was not delivered"),
        (OSError(errno.EMSGSIZE, ""), Outcome.FAILED, "EMSGSIZE: the request or the answer"),
        (OpenError(errno.EACCES, ""), Outcome.DENIED, "EACCES: only root may open the node"),
        (OpenError(errno.ENOENT, ""), Outcome.ABSENT, "ENOENT: there is no such node"),
        (StuckError(77, 5), Outcome.ABANDONED, "no answer within 5 s; process 77 was left behind"),
    ],
)
def test_an_error_of_the_kernel_is_an_outcome_in_words(error: Exception, outcome: Outcome, words: str) -> None:
    answer = read(error)

    assert (answer.outcome, answer.reason[: len(words)]) == (outcome, words)


def mailbox(status: int, image: bytes, syndrome: int = 0) -> bytes:
    return bytes([status, 0, 0, 0]) + syndrome.to_bytes(4, "big") + bytes(8) + image


@pytest.mark.parametrize(
    ("register", "status", "outcome"),
    [
        ("MGIR", 0x01, Outcome.FAILED),
        ("MGIR", 0x02, Outcome.UNSUPPORTED),
        ("MDSR", 0x03, Outcome.UNSUPPORTED),
        ("MNVQC", 0x05, Outcome.UNSUPPORTED),
        ("MNVDA", 0x05, Outcome.ABSENT),
        ("MNVGN", 0x0F, Outcome.ABSENT),
        ("MNVDA", 0x07, Outcome.FAILED),
        ("MNVDA", 0xEE, Outcome.FAILED),
    ],
)
def test_a_firmware_status_is_an_outcome_with_its_syndrome(register: str, status: int, outcome: Outcome) -> None:
    answer = answered(register, {}, mailbox(status, bytes(300), 0x1234))

    assert (answer.outcome, "0x1234" in answer.reason, len(answer.data)) == (outcome, True, 316)


@pytest.mark.parametrize(
    ("raw", "outcome", "reason"),
    [
        (b"", Outcome.FAILED, "the answer has 0 bytes, less than a mailbox header"),
        (bytes(16), Outcome.TRUNCATED, "0 of 160 bytes of the register"),
        (bytes(100), Outcome.TRUNCATED, "84 of 160 bytes of the register"),
        (bytes(176), Outcome.COLLECTED, ""),
        (bytes(1040), Outcome.COLLECTED, ""),
    ],
)
def test_a_short_answer_says_what_is_missing(raw: bytes, outcome: Outcome, reason: str) -> None:
    assert read(raw) == Answer(raw, outcome, reason)


def test_a_device_that_is_stuck_is_asked_once_and_costs_the_others_nothing() -> None:
    channels = {"fwctl0": Script(StuckError(77, 5)), "fwctl1": Script(bytes(176))}
    firmware = Firmware(lambda node: channels[node])

    outcomes = [firmware.register(Access(node, "MGIR"), 5).outcome for node in ("fwctl0", "fwctl0", "fwctl1")]

    assert (outcomes, channels["fwctl0"].asked) == (
        [Outcome.ABANDONED, Outcome.SKIPPED, Outcome.COLLECTED],
        ["MGIR"],
    )


def test_a_skipped_read_names_the_device_that_stopped_answering() -> None:
    firmware = Firmware(lambda node: Script(OSError(errno.ENODEV, "")))

    reasons = [firmware.register(MGIR, 5).reason for _ in range(2)]

    assert reasons[1] == f"breaker: fwctl0 stopped answering ({reasons[0]})"


LAG = Call("fwctl0", "QUERY_LAG")


@pytest.mark.parametrize(
    ("raw", "outcome", "reason"),
    [
        (bytes(16), Outcome.COLLECTED, ""),
        (bytes(8), Outcome.FAILED, "the answer has 8 bytes, less than a mailbox header"),
        (mailbox(0x02, b"", 0x1234), Outcome.UNSUPPORTED, status_words(0x02, 0x1234)),
        (mailbox(0x03, b""), Outcome.UNSUPPORTED, status_words(0x03, 0)),
        (mailbox(0x01, b""), Outcome.FAILED, status_words(0x01, 0)),
    ],
)
def test_the_answer_to_a_command_says_how_it_ended(raw: bytes, outcome: Outcome, reason: str) -> None:
    assert Firmware(lambda node: Script(raw)).command(LAG, 5) == Answer(raw, outcome, reason)


def test_a_short_answer_to_a_command_says_what_is_missing() -> None:
    answer = Firmware(lambda node: Script(bytes(100))).command(Call("fwctl0", "QUERY_ISSI"), 5)

    assert answer == Answer(bytes(100), Outcome.TRUNCATED, "100 of 112 bytes of the answer")


def test_a_device_that_is_stuck_is_asked_no_command_either() -> None:
    channel = Script(StuckError(77, 5))
    firmware = Firmware(lambda node: channel)

    outcomes = [firmware.register(MGIR, 5).outcome, firmware.command(LAG, 5).outcome]

    assert (outcomes, channel.asked) == ([Outcome.ABANDONED, Outcome.SKIPPED], ["MGIR"])


SECRET = encode("MNVDA", {"type": 3 << 24 | 569, "length": 8, "data": [0x73656372, 0x65740000, *[0] * 62]})
OPEN = encode("MNVDA", {"type": 3 << 24 | 128, "length": 8, "data": [0x73656372, 0x65740000, *[0] * 62]})


def test_the_data_of_an_item_that_holds_a_secret_is_not_kept() -> None:
    kept = [answered("MNVDA", {}, mailbox(0, image)) for image in (SECRET, OPEN)]

    assert [(b"secr" in answer.data, answer.reason[:27]) for answer in kept] == [
        (False, "a secret was left out; dige"),
        (True, ""),
    ]


def test_a_secret_that_changes_is_seen_to_change() -> None:
    other = SECRET[:12] + b"anotherone" + SECRET[22:]

    reasons = {answered("MNVDA", {}, mailbox(0, image)).reason for image in (SECRET, other)}

    assert len(reasons) == 2


@pytest.mark.parametrize("cut", [316, 200, 60])
@pytest.mark.parametrize("status", [0, 0x0F, 1])
def test_a_secret_is_left_out_of_an_answer_that_is_short_or_failed_too(status: int, cut: int) -> None:
    raw = mailbox(status, SECRET)[:cut]

    answer = answered("MNVDA", {}, raw)

    assert (b"secr" in raw, b"secr" in answer.data, "a secret was left out" in answer.reason) == (True, False, True)
