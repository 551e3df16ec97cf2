"""What the firmware says of itself through fwctl: all of a function's answers, read together.

`fwctl.info` is FWCTL_INFO (`include/uapi/fwctl/fwctl.h`, `mlx5.h`); the registers are those of the PRM's register table
as mstflint holds it (`sosmlx.fwctl.registers`). Flash items are read elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sosmlx.fwctl import abi
from sosmlx.model import Evidence, Facet, Fact, Item, Setting, Unparsed
from sosmlx.parsers.firmware_state import (
    Answer,
    answer,
    bits,
    components,
    identity,
    named,
    short,
    strings,
)
from sosmlx.parsers.register_tables import RESET_LEVELS
from sosmlx.parsers.spec import Parser, alone
from sosmlx.parsers.values import UNREAD
from sosmlx.record import Record

INFO = "fwctl.info"
MGIR = "register.mgir"
MDSR = "register.mdsr"

TOKENS = {
    0: "CS", 1: "DBG_FW", 2: "FRC", 3: "RMCS", 4: "RMDT", 5: "CRCS", 6: "CRDT", 8: "MTFA",
}  # fmt: skip
"""Debug tokens by their type in MDSR."""

PREFIX = "token."
"""Begins the names of the settings that hold a token's status."""

ACTIVE = 2
"""Status of a token with which a debug session is open."""

CHALLENGED = 4
"""Status of a token for which somebody asked for a challenge: a session is being prepared."""

STATUS = {
    0: "NO_SESSION", 1: "QUERY_FAILED", 2: "SESSION_ACTIVE", 3: "NO_TOKEN", 4: "CHALLENGE_WITHOUT_TOKEN",
    5: "TIMED_OUT_BEFORE_TOKEN", 6: "ACTIVE_TOKEN_TIMED_OUT",
}  # fmt: skip
_FAILED = 1
_QUIET = (0, 1, 3)
"""Statuses of a device on which nobody opened a session."""
_UNEASY = (CHALLENGED, 6)
"""Statuses of a session that was being opened, or was open."""
_ADDITIONAL = {
    1: "no debug session is in progress", 2: "the firmware is not secured", 3: "ending the session was refused",
    4: "this host may not ask", 5: "a debug session is active", 6: "debug firmware runs",
}  # fmt: skip
_NO_SESSION = (1, 2)
_FORBIDDEN, _SESSION, _DEBUG_FIRMWARE = 4, 5, 6


def state(records: Sequence[Record]) -> Iterator[Item]:
    """Yield what a function's firmware told: `fwctl.info` and the registers of TABLE, in any order.

    A read that gave nothing yields nothing; an answer that cannot be read is kept as unparsed.
    """
    answers: dict[str, list[Answer]] = {}
    for record in records:
        if not record.has_bytes:
            continue
        if record.kind == INFO:
            yield from _info(record)
            continue
        found = answer(record)
        if isinstance(found, Unparsed):
            yield found
            yield _unanswered(record, found.text)
            continue
        yield from _echo(found)
        answers.setdefault(found.register, []).append(found)
    for found in answers.get("MGIR", []):
        yield from identity(found)
    for found in answers.get("MCAM", []):
        yield from _capabilities(found)
    yield from components(answers.get("MCQS", []), answers.get("MCQI", []))
    for found in answers.get("MFRL", []):
        yield from _reset(found)
    yield from strings(answers.get("MQIS", []))
    for found in answers.get("MDSR", []):
        yield from _token(found)


def _unanswered(record: Record, text: str) -> Setting:
    """Keep as unread what an answer should have told: a plane is not complete without it."""
    name = f"{record.kind.partition('.')[2]}.answer"
    return Setting(record.function, "firmware", name, "", (("current", Facet(None, reason=f"{UNREAD} {text}")),),
                   "evidence", record.id)  # fmt: skip


def _info(record: Record) -> Iterator[Item]:
    """FWCTL_INFO: the kind of device, and what the firmware grants to whoever opens its node."""
    try:
        info = abi.info(record.data)
    except ValueError as error:
        yield Unparsed(1, f"FWCTL_INFO: {error}", record.id)
        return
    names = {kind.value: kind.name.rpartition("_")[2].lower() for kind in abi.DeviceType}
    yield Fact(record.function, "fwctl.type", names.get(info.device_type, str(info.device_type)))
    if info.device_type != abi.DeviceType.FWCTL_DEVICE_TYPE_MLX5:
        yield Evidence(INFO, record.function, f"fwctl device of type {info.device_type}, not mlx5", record=record.id)
        return
    if info.uctx_caps is None:
        yield Unparsed(1, f"FWCTL_INFO: no user context in {record.data.hex()}", record.id)
        return
    words = abi.uctx_words(info.uctx_caps)
    facet = Facet(info.uctx_caps, f"{info.uctx_caps:#x}", ", ".join(words))
    yield Setting(record.function, "caps", "fwctl.uctx_caps", "", (("current", facet),), "capability", record.id)


_SELECTORS: Mapping[str, tuple[str, ...]] = {
    "MCAM": ("access_reg_group", "feature_group"),
    "MCQS": ("component_index",),
    "MCQI": ("component_index", "info_type", "read_pending_component"),
    "MQIS": ("info_type", "read_offset"),
    "MDSR": ("type_of_token",),
}


def _echo(found: Answer) -> Iterator[Item]:
    """Say where an answer names another instance than the one that was asked for; what was asked counts."""
    for name in _SELECTORS.get(found.register, ()):
        asked, said = found.asked(name), found.number(name)
        if said is not None and said != asked:
            text = f"{found.register}: asked for {name} {asked}, the answer names {said}"
            yield found.evidence("register.echo", text)


def _capabilities(found: Answer) -> Iterator[Item]:
    """MCAM: which registers and features there are. A hint: firmware has registers whose bit it does not set."""
    yield from short(found)
    masks = (
        ("mng_access_reg_cap_mask", f"mcam.{found.asked('access_reg_group')}"),
        ("mng_feature_cap_mask", f"mcam.features.{found.asked('feature_group')}"),
    )
    for field, name in masks:
        words = found.fields.get(field)
        if isinstance(words, tuple):
            mask = "0x" + "".join(f"{word:08x}" for word in words)
            yield found.setting(name, Facet(mask, mask), "capability", plane="caps")


_TYPES = {
    0: "full chip", 1: "network port stays up", 3: "ARM only", 4: "ARM OS shut down", 5: "network",
}  # fmt: skip
_STATES = {
    0: "IDLE", 1: "NEGOTIATION_IN_PROGRESS", 2: "RESET_IN_PROGRESS", 3: "NEGOTIATION_TIMED_OUT",
    4: "NEGOTIATION_REFUSED", 5: "DRIVER_UNLOAD_TIMED_OUT", 6: "ERROR", 7: "ARM_OS_SHUT_DOWN_IN_PROGRESS",
    8: "WAITING_FOR_RESET_TRIGGER",
}  # fmt: skip


def _reset(found: Answer) -> Iterator[Item]:
    """MFRL: which resets the firmware offers. What it means by them is not documented: nothing is decided by it."""
    yield from short(found)
    trigger, kinds, status = (found.number(name) for name in ("reset_trigger", "reset_type", "reset_state"))
    if trigger is None or kinds is None or status is None:
        return
    yield found.setting("mfrl.reset_trigger", _masked(trigger, RESET_LEVELS), "volatile")
    yield found.setting("mfrl.reset_type", _masked(kinds, _TYPES), "capability")
    yield found.setting("mfrl.reset_state", named(status, _STATES), "health")
    if trigger:
        levels = ", ".join(bits(trigger, RESET_LEVELS))
        text = f"reset levels that the firmware names (MFRL): {levels}; that a reset is due it does not say"
        yield found.evidence("firmware.reset-levels", text)


def _masked(number: int, words: Mapping[int, str]) -> Facet:
    return Facet(number, f"{number:#x}", ", ".join(bits(number, words)))


def _token(found: Answer) -> Iterator[Item]:
    """MDSR: whether a debug token of one type is active.

    The status is 0 also where the firmware does not let this host ask; `additional_info` says so.
    """
    yield from short(found)
    kind, status, more = found.asked("type_of_token"), found.number("status"), found.number("additional_info")
    if status is None or more is None:
        return
    name = TOKENS.get(kind, str(kind))
    facet = named(status, STATUS)
    other = found.number("type_of_token")
    untold = _untold(status, more) if other == kind else f"the answer is about type {other}"
    if untold:
        facet = Facet(None, facet.raw, reason=f"{UNREAD} {untold}")
    yield found.setting(f"{PREFIX}{name}", facet)
    if status in _QUIET and not untold and more != _DEBUG_FIRMWARE:
        return
    words = f"debug token {name}: {untold or _words(status)}"
    left = found.number("time_left")
    if status == ACTIVE and left is not None:
        words += f", {left} s left"
    if more in _ADDITIONAL and not untold:
        words += f" ({_ADDITIONAL[more]})"
    uneasy = bool(untold) or status in _UNEASY or more == _DEBUG_FIRMWARE
    severity = "high" if status == ACTIVE else "medium" if uneasy else "info"
    yield found.evidence("debug-token", words, severity)


def _untold(status: int, more: int) -> str:
    """Say why an answer does not tell whether the token is active; empty where it does.

    A query that fails because there is no session, or because this firmware is open to everybody, tells.
    """
    if status == ACTIVE or (status == _FAILED and more in _NO_SESSION):
        return ""
    if more in (_FORBIDDEN, _SESSION):
        return f"status {status}, but {_ADDITIONAL[more]} (additional_info {more})"
    if status == _FAILED:
        return f"the firmware could not carry the query out (additional_info {more})"
    return "" if status in STATUS else f"status {status}, which has no public meaning"


def _words(status: int) -> str:
    return STATUS[status].lower().replace("_", " ")


TABLE = (
    Parser(INFO, alone(state), ("caps", "firmware", "nvconfig"), identity=True, together=state),
    Parser(MGIR, alone(state), ("firmware",), identity=True, together=state),
    Parser("register.mcam", alone(state), ("caps",), identity=True, together=state),
    Parser("register.mcqs", alone(state), ("firmware",), identity=True, together=state),
    Parser("register.mcqi", alone(state), ("firmware",), identity=True, together=state),
    Parser("register.mfrl", alone(state), ("firmware",), identity=True, together=state),
    Parser("register.mqis", alone(state), ("firmware",), identity=True, together=state),
    Parser(MDSR, alone(state), ("firmware",), identity=True, together=state),
)
