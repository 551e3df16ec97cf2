"""Firmware answers as outcomes: errno and firmware status in words, one broken device at a time, secrets left out."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Mapping
from typing import Callable

from sosmlx.child import StuckError
from sosmlx.fwctl import abi
from sosmlx.fwctl.allowed import ALLOWED
from sosmlx.fwctl.client import Channel, OpenError
from sosmlx.fwctl.commands import QUERIES
from sosmlx.fwctl.items import is_secret, parse_type
from sosmlx.fwctl.mailbox import response, status_words
from sosmlx.parsers.values import NOT_STORED
from sosmlx.record import Access, Answer, Call, Outcome
from sosmlx.sources.base import BREAKER

WITHHELD = "a secret was left out; digest"
"""Begins the reason of an answer whose data was left out; 16 bits of a digest follow, in hexadecimal."""

_ERRNO: dict[int, Outcome] = {
    errno.ENOENT: Outcome.ABSENT,
    errno.EACCES: Outcome.DENIED,
    errno.EPERM: Outcome.DENIED,
    errno.ENODEV: Outcome.VANISHED,
    errno.ENXIO: Outcome.VANISHED,
    errno.ETIMEDOUT: Outcome.TIMEOUT,
    errno.EBADMSG: Outcome.UNSUPPORTED,
    errno.EOPNOTSUPP: Outcome.UNSUPPORTED,
    errno.ENOTTY: Outcome.UNSUPPORTED,
}
_GONE = (errno.ENODEV, errno.ENXIO, errno.ETIMEDOUT, errno.EPIPE)
"""After these the device will not answer the next command either."""

_BAD_RES = 0x05
_UNSUPPORTED = (0x02, 0x03, 0x04, 0x05, 0x0A)
"""Statuses for a register or a selector that the firmware lacks, or hides from this function (mstflint, logs)."""

_NO_ITEM = (0x03, 0x05, 0x0A)
"""Statuses of MNVQC that speak of the item that was asked for; any other speaks of the register."""

_NOT_STORED = (0x05, 0x0F)
"""Statuses of MNVDA and MNVGN where no item is stored (mstflint)."""


class Firmware:
    """The adapters of one host, by node. `connect` makes the channel to one."""

    def __init__(self, connect: Callable[[str], Channel]) -> None:
        self._connect = connect
        self._channels: dict[str, Channel] = {}
        self._broken: dict[str, str] = {}

    def info(self, node: str, deadline: float) -> Answer:
        """FWCTL_INFO of a node: device type and length (`=II`), then the driver's data."""
        answer = self._ask(node, "FWCTL_INFO", lambda channel: channel.info(deadline))
        return answer if isinstance(answer, Answer) else Answer(answer)

    def register(self, access: Access, deadline: float) -> Answer:
        """Read one register. The answer's data is the whole mailbox answer, whatever its status."""
        fields = dict(access.fields)
        answer = self._ask(
            access.node, "FWCTL_RPC", lambda channel: channel.register(access.register, fields, deadline)
        )
        return answer if isinstance(answer, Answer) else answered(access.register, fields, answer)

    def command(self, call: Call, deadline: float) -> Answer:
        """Ask one command. The answer's data is the whole mailbox answer, whatever its status."""
        fields = dict(call.fields)
        answer = self._ask(call.node, "FWCTL_RPC", lambda channel: channel.command(call.command, fields, deadline))
        return answer if isinstance(answer, Answer) else told(call.command, answer)

    def close(self) -> None:
        """Close all channels; what stopped answering stays left alone."""
        for channel in self._channels.values():
            channel.close()

    def _ask(self, node: str, what: abi.During, ask: Callable[[Channel], bytes]) -> Answer | bytes:
        if node in self._broken:
            return Answer(outcome=Outcome.SKIPPED, reason=f"{BREAKER} {self._broken[node]}")
        try:
            if node not in self._channels:
                self._channels[node] = self._connect(node)
            return ask(self._channels[node])
        except StuckError as stuck:
            self._broken[node] = f"{node} gave no answer before"
            outcome = Outcome.TIMEOUT if stuck.gone else Outcome.ABANDONED
            return Answer(outcome=outcome, reason=str(stuck), pid=stuck.pid)
        except OSError as error:
            number = error.errno or 0
            words = abi.errno_words(number, "open" if isinstance(error, OpenError) else what)
            if number in _GONE:
                self._broken[node] = f"{node} stopped answering ({words})"
            return Answer(outcome=_ERRNO.get(number, Outcome.FAILED), reason=words)


def answered(register: str, fields: Mapping[str, int], raw: bytes) -> Answer:
    """Tell from a mailbox answer how the read ended: firmware failure is no errno, it is a status in the answer."""
    raw, mark = _withheld(raw, *_ITEM[register]) if register in _ITEM else (raw, "")
    try:
        said = response(raw)
    except ValueError:
        return Answer(raw, Outcome.FAILED, f"the answer has {len(raw)} bytes, less than a mailbox header")
    if said.status:
        words = _reason(register, said.status, said.syndrome)
        return Answer(raw, _outcome(register, said.status), "; ".join(filter(None, [words, mark])))
    wanted = ALLOWED[register].size
    if len(said.data) < wanted:
        words = f"{len(said.data)} of {wanted} bytes of the register"
        return Answer(raw, Outcome.TRUNCATED, "; ".join(filter(None, [words, mark])))
    return Answer(raw, reason=mark)


def told(command: str, raw: bytes) -> Answer:
    """Tell from the answer to a command how it ended; every status but success gave nothing."""
    try:
        said = response(raw)
    except ValueError:
        return Answer(raw, Outcome.FAILED, f"the answer has {len(raw)} bytes, less than a mailbox header")
    if said.status:
        outcome = Outcome.UNSUPPORTED if said.status in _UNSUPPORTED else Outcome.FAILED
        return Answer(raw, outcome, status_words(said.status, said.syndrome))
    wanted = QUERIES[command].answer
    if len(raw) < wanted:
        return Answer(raw, Outcome.TRUNCATED, f"{len(raw)} of {wanted} bytes of the answer")
    return Answer(raw)


def _outcome(register: str, status: int) -> Outcome:
    if register in ("MNVDA", "MNVGN") and status in _NOT_STORED:
        return Outcome.ABSENT
    if register == "MDSR" and status == _BAD_RES:
        return Outcome.DENIED  # no token of that type, or not for this function to know: that is not to be called fine
    if register == "MNVQC" and status not in _NO_ITEM:
        return Outcome.FAILED  # not a word about the item: it may be there
    return Outcome.UNSUPPORTED if status in _UNSUPPORTED else Outcome.FAILED


def _reason(register: str, status: int, syndrome: int) -> str:
    words = status_words(status, syndrome)
    return f"{NOT_STORED}: {words}" if _outcome(register, status) is Outcome.ABSENT else words


_ITEM = {"MNVDA": (0x04, 0x0C), "MNVGN": (0x14, 0x1C)}
"""Where these registers hold the type word of a flash item, and where its data begins."""

_HEADER = 0x10


def _withheld(raw: bytes, type_at: int, data_at: int) -> tuple[bytes, str]:
    """Leave out the data of an item that is known to hold a secret, however the read ended.

    Sixteen bits of a digest stay: enough to see that it changed, too little to guess a password by.
    """
    word = int.from_bytes(raw[_HEADER + type_at : _HEADER + type_at + 4], "big")
    if not is_secret(parse_type(word)):
        return raw, ""
    begin = _HEADER + data_at
    mark = hashlib.blake2s(raw[begin:], digest_size=2).hexdigest()
    return raw[:begin] + bytes(len(raw) - begin), f"{WITHHELD} {mark}"
