"""With which exit code a check ends: what was found beats what could not be told."""

from __future__ import annotations

from collections.abc import Sequence

from sosmlx.model import SEVERITIES, Finding, Severity
from sosmlx.policy.device import Taint
from sosmlx.policy.envelope import Judgement
from sosmlx.policy.tally import is_waived
from sosmlx.record import HOST

MET, FOUND, UNDETERMINED = 0, 1, 3


def exit_code(judgement: Judgement, findings: Sequence[Finding], threshold: Severity) -> int:
    """Return 1 for an unwaived finding at or above the threshold or an unwaived taint, 3 where it is undetermined.

    A waived taint leaves the verdict `tainted`, and ends like what is known beside it.
    """
    least = SEVERITIES.index(threshold)
    if any(_fails(row) and SEVERITIES.index(row.severity) >= least for row in findings):
        return FOUND
    if judgement.host.status == "tainted" and not all(accepted(taint, findings) for taint in judgement.taints):
        return FOUND
    return MET if judgement.determined else UNDETERMINED


def accepted(taint: Taint, findings: Sequence[Finding]) -> bool:
    """Whether somebody accepted a taint: every rule that says the same was evaluated there, failed, and is waived."""
    for rule in taint.rules:
        where = {*taint.devices, HOST, ""}
        said = [row for row in findings if row.rule == rule and row.result == "fail" and row.device in where]
        if not said or any(_fails(row) for row in said):
            return False
    return bool(taint.rules)


def _fails(finding: Finding) -> bool:
    return finding.result == "fail" and not is_waived(finding)
