"""What the verdict makes of the device side: debug tokens, the kind of firmware, and what of them was not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from sosmlx.model import Coverage, Device, Finding, Reading, Setting, Snapshot, SourceInfo, Waived
from sosmlx.parsers.firmware import TOKENS, state
from sosmlx.policy.ending import exit_code
from sosmlx.policy.envelope import Baseline, judge
from sosmlx.record import HOST, Answer, Outcome, Record
from tests import registers

PF = Device(registers.BDF, registers.BDF, asic="b8cef60300112230", role="pf", fwctl="fwctl0")
VF = Device("0000:3b:00.2", "0000:3b:00.2", asic=PF.asic, role="vf", fwctl="fwctl1")
OTHER = Device("0000:af:00.0", "0000:af:00.0", asic="b8cef60300ffff00", role="pf")
BAD_PARAM = "BAD_PARAM (0x3): the firmware does not accept a value in the request"
NOT_ROOT = "EACCES: only root may open the node, or a security policy forbids it"


def mgir(**fields: int) -> Record:
    good = {"hw_info.device_id": 0x212, "fw_info.secured": 1, "fw_info.signed_fw": 1, "fw_info.life_cycle": 1}
    return registers.told("MGIR", {}, {**good, **{name.replace("__", "."): value for name, value in fields.items()}})


def token(kind: int, status: int = 3, more: int = 0) -> Record:
    return registers.told("MDSR", {"type_of_token": kind}, {"status": status, "additional_info": more})


def refused(register: str, outcome: Outcome = Outcome.UNSUPPORTED, reason: str = BAD_PARAM, kind: int = 0) -> Record:
    return registers.silent(register, {"type_of_token": kind} if register == "MDSR" else {}, outcome, reason)


QUIET = tuple(token(kind) for kind in TOKENS)


def host(told: Mapping[Device, Sequence[Record]], taint: int | None = 0, lockdown: str = "integrity") -> Snapshot:
    """Make a host whose kernel side is clean and known, and whose devices' firmware gave these answers."""
    settings: list[Setting] = []
    reads: list[Reading] = []
    for device, answers in told.items():
        own = [replace(record, subject=device.id, id=f"{device.id} {record.id}") for record in answers]
        settings += [item for item in state(own) if isinstance(item, Setting)]
        reads += [Reading(r.id, r.kind, r.subject, r.outcome.value, r.answer.reason) for r in own]
    planes = [(device.id, plane) for device in told for plane in ("firmware", "health")]
    return Snapshot(
        source=SourceInfo("bundle", "b", "n07"),
        host={"lockdown": lockdown} if taint is None else {"taint": taint, "lockdown": lockdown},
        devices=tuple(told),
        settings=tuple(settings),
        coverage=tuple(
            Coverage(name, plane, "complete")  # type: ignore[arg-type]
            for name, plane in [*planes, (HOST, "kernel"), (HOST, "module")]
        ),
        reads=tuple(reads),
    )


Judged = tuple[str, str, tuple[str, ...]]


def judged(snapshot: Snapshot) -> Judged:
    verdict = judge(snapshot).host
    return verdict.status, verdict.strength, verdict.reasons


def exposures(snapshot: Snapshot) -> str:
    return judge(snapshot).host.sentence.partition(". Strength ")[2].partition(";")[0]


def test_production_firmware_without_a_token_is_supported() -> None:
    assert judged(host({PF: [mgir(), *QUIET]})) == ("supported", "strong", ())


@pytest.mark.parametrize(("kind", "name"), TOKENS.items())
def test_an_active_token_of_any_type_is_taint(kind: int, name: str) -> None:
    answers = [token(other, 2 if other == kind else 3) for other in TOKENS]

    assert judged(host({PF: [mgir(), *answers]})) == (
        "tainted",
        "strong",
        (f"debug token {name} is active ({PF.id})",),
    )


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("fw_info__dev", "development firmware runs"),
        ("fw_info__debug", "debug firmware runs"),
        ("hw_info__development", "development firmware or a development device"),
    ],
)
def test_firmware_that_is_not_for_production_is_taint(field: str, words: str) -> None:
    found = judged(host({PF: [mgir(**{field: 1}), *QUIET]}))

    assert found == ("tainted", "strong", (f"{words} ({PF.id})",))


def test_firmware_that_is_neither_signed_nor_secured_is_no_taint() -> None:
    open_firmware = mgir(fw_info__secured=0, fw_info__signed_fw=0, fw_info__life_cycle=0)

    assert judged(host({PF: [open_firmware, *QUIET]})) == ("supported", "strong", ())


def test_a_challenge_that_waits_for_its_token_leaves_the_verdict_open() -> None:
    assert judged(host({PF: [mgir(), token(0, 4), *QUIET[1:]]}))[0] == "undetermined"


@pytest.mark.parametrize("status", [0, 5, 6])
def test_a_session_that_is_not_active_is_no_taint(status: int) -> None:
    assert judged(host({PF: [mgir(), token(0, status), *QUIET[1:]]})) == ("supported", "strong", ())


def test_a_kind_of_firmware_that_was_not_read_leaves_it_undetermined() -> None:
    found = judged(host({PF: [refused("MGIR", Outcome.TIMEOUT, "ETIMEDOUT"), *QUIET]}))

    assert found == ("undetermined", "strong", (f"the kind of firmware was not read: timeout (ETIMEDOUT) ({PF.id})",))


def test_an_identity_that_was_cut_short_leaves_it_undetermined() -> None:
    whole = mgir()
    cut = replace(whole, answer=replace(whole.answer, data=whole.data[:40]))

    found = judged(host({PF: [cut, *QUIET]}))

    reason = f"the kind of firmware was not read: the answer does not hold it ({PF.id})"
    assert found == ("undetermined", "strong", (reason,))


def test_tokens_of_which_none_could_be_read_leave_it_undetermined() -> None:
    denied = [refused("MDSR", Outcome.DENIED, "EPERM", kind) for kind in TOKENS]

    found = judged(host({PF: [mgir(), *denied]}))

    assert found == ("undetermined", "strong", (f"debug tokens were not read: denied (EPERM) ({PF.id})",))


def test_one_token_type_that_failed_leaves_it_undetermined() -> None:
    found = judged(host({PF: [mgir(), refused("MDSR", Outcome.FAILED, "INT_ERR (0x1)"), *QUIET[1:]]}))

    reason = f"1 of 8 types of debug token were not read: failed (INT_ERR (0x1)) ({PF.id})"
    assert found == ("undetermined", "strong", (reason,))


def test_a_token_type_that_the_firmware_does_not_know_is_not_missing() -> None:
    assert judged(host({PF: [mgir(), *QUIET[:-1], refused("MDSR", kind=8)]})) == ("supported", "strong", ())


def test_firmware_without_any_token_type_is_named_and_weak() -> None:
    snapshot = host({PF: [mgir(), *(refused("MDSR", kind=kind) for kind in TOKENS)]})

    words = f"weak: debug tokens are not known to the firmware of {PF.id}"
    assert (judged(snapshot), exposures(snapshot)) == (("supported", "weak", ()), words)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (token(0, 0, 4), "unread: status 0, but this host may not ask (additional_info 4)"),
        (token(0, 9), "unread: status 9, which has no public meaning"),
    ],
)
def test_a_status_that_tells_nothing_leaves_it_undetermined(answer: Record, words: str) -> None:
    found = judged(host({PF: [mgir(), answer, *QUIET[1:]]}))

    reason = f"1 of 8 types of debug token were not read: {words} ({PF.id})"
    assert found == ("undetermined", "strong", (reason,))


def test_a_node_that_could_not_be_opened_gives_the_reason() -> None:
    info = Record("1", "fwctl.info", "fwctl", PF.id, Answer(b"", Outcome.DENIED, NOT_ROOT), path="/dev/fwctl/fwctl0")

    found = judged(host({PF: [info]}))

    why = f"denied ({NOT_ROOT})"
    reason = f"the kind of firmware was not read: {why}; debug tokens were not read: {why} ({PF.id})"
    assert found == ("undetermined", "strong", (reason,))


def test_a_node_that_nobody_asked_leaves_it_undetermined() -> None:
    found = judged(host({PF: []}))

    why = "nothing asked for it"
    reason = f"the kind of firmware was not read: {why}; debug tokens were not read: {why} ({PF.id})"
    assert found == ("undetermined", "strong", (reason,))


def test_without_a_node_the_device_side_is_named_and_weak() -> None:
    snapshot = host({OTHER: []})

    words = "weak: debug tokens and firmware kind were not read (no fwctl device)"
    assert (judged(snapshot), exposures(snapshot)) == (("supported", "weak", ()), words)


def test_only_the_functions_without_a_node_are_named() -> None:
    snapshot = host({PF: [mgir(), *QUIET], OTHER: []})

    words = f"weak: debug tokens and firmware kind of {OTHER.id} were not read (no fwctl device)"
    assert (judged(snapshot), exposures(snapshot)) == (("supported", "weak", ()), words)


def test_a_function_without_a_node_is_told_by_another_of_its_asic() -> None:
    second = replace(PF, id="0000:3b:00.1", bdf="0000:3b:00.1", fwctl="")

    assert judged(host({PF: [mgir(), *QUIET], second: []})) == ("supported", "strong", ())


def test_a_virtual_function_that_is_refused_is_judged_by_its_physical_one() -> None:
    silent = [refused("MGIR"), *(refused("MDSR", kind=kind) for kind in TOKENS)]

    verdicts = judge(host({PF: [mgir(), token(0, 2), *QUIET[1:]], VF: silent})).devices

    assert {name: verdict.status for name, verdict in verdicts.items()} == {PF.id: "tainted", VF.id: "tainted"}


def test_a_virtual_function_alone_is_undetermined_where_it_is_refused() -> None:
    found = judged(host({VF: [refused("MGIR"), *QUIET]}))

    reason = f"the kind of firmware was not read: unsupported ({BAD_PARAM}) ({VF.id})"
    assert found == ("undetermined", "strong", (reason,))


def test_an_active_token_counts_where_the_kernel_side_was_not_read() -> None:
    found = judged(host({PF: [mgir(), token(0, 2), *QUIET[1:]]}, taint=None))

    reasons = ("the kernel's taint word was not read", f"debug token CS is active ({PF.id})")
    assert found == ("tainted", "strong", reasons)


def test_what_one_device_does_taints_no_other() -> None:
    third = replace(OTHER, fwctl="fwctl2")

    verdicts = judge(host({PF: [mgir(), token(0, 2), *QUIET[1:]], third: [mgir(), *QUIET]})).devices

    assert {name: verdict.status for name, verdict in verdicts.items()} == {PF.id: "tainted", OTHER.id: "supported"}


def test_a_token_that_ended_leaves_it_undetermined() -> None:
    before, after = host({PF: [mgir(), token(0, 2), *QUIET[1:]]}), host({PF: [mgir(), *QUIET]})

    found = judge(after, Baseline((), (), before)).host

    reason = (
        f"at the time of the baseline debug token CS is active; that it ended does not undo what was written ({PF.id})"
    )
    assert (found.status, found.reasons) == ("undetermined", (reason,))


def test_the_token_of_another_hosts_card_says_nothing_about_this_one() -> None:
    before, after = host({PF: [mgir(), token(0, 2), *QUIET[1:]]}), host({PF: [mgir(), *QUIET]})
    elsewhere = replace(before, source=replace(before.source, host="n08"))

    assert judge(after, Baseline((), (), elsewhere)).host.status == "supported"


def finding(rule: str, waiver: str = "") -> Finding:
    waived = Waived(waiver, "accepted") if waiver else None
    return Finding(rule, "fail", "high", "", device=PF.id, policy="builtin:envelope", waived=waived)


OPEN = finding("debug-token")
ACCEPTED = finding("debug-token", "active")
DEVELOPMENT = finding("fw-dev-debug", "active")


@pytest.mark.parametrize(
    ("development", "findings", "code"),
    [
        (0, [ACCEPTED], 0),
        (0, [OPEN], 1),
        (0, [DEVELOPMENT], 1),
        (1, [ACCEPTED], 1),
        (1, [ACCEPTED, DEVELOPMENT], 0),
        (1, [ACCEPTED, OPEN, DEVELOPMENT], 1),
    ],
)
def test_a_token_is_accepted_by_a_waiver_for_each_rule_that_says_so(
    development: int, findings: list[Finding], code: int
) -> None:
    snapshot = host({PF: [mgir(fw_info__dev=development), token(0, 2), *QUIET[1:]]})

    judgement = judge(snapshot, findings=findings)

    assert (judgement.host.status, exit_code(judgement, findings, "low")) == ("tainted", code)


def test_a_waiver_on_another_device_accepts_no_token() -> None:
    snapshot = host({PF: [mgir(), token(0, 2), *QUIET[1:]]})
    elsewhere = replace(ACCEPTED, device=OTHER.id)

    judgement = judge(snapshot, findings=[elsewhere])

    assert exit_code(judgement, [elsewhere], "low") == 1


def test_an_accepted_token_beside_another_that_was_not_read_is_undetermined() -> None:
    snapshot = host({PF: [mgir(), token(0, 2), refused("MDSR", Outcome.TIMEOUT, "ETIMEDOUT", 1), *QUIET[2:]]})

    judgement = judge(snapshot, findings=[ACCEPTED])

    assert (judgement.host.status, exit_code(judgement, [ACCEPTED], "low")) == ("tainted", 3)


def test_an_active_token_counts_on_a_function_that_no_policy_means() -> None:
    third = replace(OTHER, fwctl="fwctl2")
    passing = replace(ACCEPTED, rule="vfs", result="pass", waived=None, device=third.id)

    judgement = judge(host({PF: [mgir(), token(0, 2), *QUIET[1:]], third: [mgir(), *QUIET]}), findings=[passing])

    assert judgement.host.status == "tainted"


def test_a_token_that_was_not_read_counts_on_a_function_that_no_policy_means() -> None:
    third = replace(OTHER, fwctl="fwctl2")
    passing = replace(ACCEPTED, rule="vfs", result="pass", waived=None, device=third.id)

    judgement = judge(host({PF: [], third: [mgir(), *QUIET]}), findings=[passing])

    assert judgement.host.status == "undetermined"
