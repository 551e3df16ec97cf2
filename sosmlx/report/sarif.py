"""Results as a SARIF 2.1.0 log (OASIS, with errata 01): one run, a rule per check, a result per case that is news.

GitHub refuses the whole file where one result lacks a physical location, so each points at the line of its rule (or at
the left side of a diff), and the device is in `logicalLocations`. Cases that pass or do not apply are counted in the
run's properties, because code scanning shows every result as an alert, whatever its kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

import sosmlx
from sosmlx.jsonio import dumps
from sosmlx.model import Result
from sosmlx.report.cases import Case, Report, cut, details

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

MOST_RESULTS = 5000
"""GitHub takes 25,000 results of a run and keeps the first 5,000 of them."""

_LEVELS = {"info": "note", "low": "note", "medium": "warning", "high": "error", "critical": "error"}
_KINDS: Mapping[Result, str] = {"fail": "fail", "unknown": "open", "error": "open"}
"""XCCDF's word → SARIF's kind. `open`: "insufficient information to decide whether a problem exists"."""

_PLACE = re.compile(r"(.+?):(\d+)")
_SCHEME = re.compile("builtin:([A-Za-z0-9_-]+)")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def sarif(report: Report) -> str:
    """Render a report as a SARIF log."""
    news = [case for case in report.worst_first() if case.result in _KINDS]
    kept = news[:MOST_RESULTS]
    rules = sorted({case.rule for case in kept})
    index = {rule: at for at, rule in enumerate(rules)}
    first = {case.rule: case for case in reversed(kept)}
    run = {
        "tool": {
            "driver": {
                "name": "sosmlx",
                "version": sosmlx.__version__,
                "rules": [_rule(first[rule], report) for rule in rules],
            }
        },
        "invocations": [_invocation(report, len(news))],
        "results": [_result(case, index[case.rule], report) for case in kept],
        "columnKind": "unicodeCodePoints",
        "properties": {"verdict": report.status, "sentence": report.sentence, "counts": report.counts()},
    }
    return dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(case: Case, report: Report) -> dict[str, object]:
    """Describe a rule by what its cases say of it."""
    text = "\n".join(filter(None, [case.title, case.advice, f"Source: {case.source}" if case.source else ""]))
    return {
        "id": case.rule,
        "shortDescription": {"text": cut(case.title, 1000) or case.rule},
        "help": {"text": cut(text) or case.rule},
        "defaultConfiguration": {"level": _LEVELS[case.severity]},
        "properties": {"severity": case.severity, "tags": ["mlx5", report.kind]},
    }


def _result(case: Case, index: int, report: Report) -> dict[str, object]:
    kind = _KINDS[case.result]
    found: dict[str, object] = {
        "ruleId": case.rule,
        "ruleIndex": index,
        "kind": kind,
        "level": _LEVELS[case.severity] if kind == "fail" else "none",
        "message": {"text": _message(case, report)},
        "locations": [_location(case)],
        "partialFingerprints": {"sosmlx/v1": case.fingerprint},
        "properties": {"result": case.result, "severity": case.severity, "policy": case.policy},
    }
    if case.state:
        found["baselineState"] = case.state
    if case.waived is not None:
        found["suppressions"] = [_suppression(case)]
    return found


def _message(case: Case, report: Report) -> str:
    """Say it all in words: the first line is what a list of alerts shows."""
    where = " on ".join(filter(None, [case.key, case.device]))
    first = f"{where}: " if where else ""
    if case.result == "fail" and (case.expected or case.actual):
        first += f"{report.heads[0]} {cut(case.expected, 300)}, {report.heads[1]} {cut(case.actual, 300)}"
    else:
        first += cut(case.reason or case.title, 300)
    return "\n".join([first, *details(case, report)])


def _location(case: Case) -> dict[str, object]:
    match = _PLACE.fullmatch(case.where)
    path, line = (match[1], max(int(match[2][:9]), 1)) if match else (case.where or case.policy, 1)
    qualified = "/".join(filter(None, [case.device, case.key])) or case.rule
    return {
        "physicalLocation": {"artifactLocation": {"uri": uri(path)}, "region": {"startLine": line}},
        "logicalLocations": [
            {"name": case.key or case.device or case.rule, "fullyQualifiedName": qualified, "kind": "member"}
        ],
    }


def uri(path: str) -> str:
    """Turn a path into a URI reference; a built-in policy is named as the package has it.

    >>> uri("policies/a b.toml"), uri("/srv/g.toml"), uri("builtin:envelope"), uri("sim:bare")
    ('policies/a%20b.toml', 'file:///srv/g.toml', 'sosmlx/policy/builtin/envelope.toml', 'sim%3Abare')
    """
    builtin = _SCHEME.fullmatch(path)
    if builtin:
        return f"sosmlx/policy/builtin/{builtin[1]}.toml"
    if _DRIVE.match(path):
        return "file:///" + quote(path.replace("\\", "/"), safe="/:")
    slashed = quote(path.removeprefix("./"), safe="/", errors="replace")
    if path.startswith("/"):
        return f"file://{slashed}" if not path.startswith("//") else f"file:///{slashed.lstrip('/')}"
    return slashed or "sosmlx"


def _suppression(case: Case) -> dict[str, object]:
    """Say whose waiver it is; one that expired suppresses nothing any more."""
    waived = case.waived
    if waived is None:
        return {"kind": "external"}
    words = {"owner": waived.owner, "created": waived.created, "expires": waived.expires, "state": waived.state}
    return {
        "kind": "external",
        "status": "accepted" if case.is_waived else "rejected",
        "justification": cut(waived.reason),
        "properties": {name: word for name, word in words.items() if word},
    }


def _invocation(report: Report, news: int) -> dict[str, object]:
    found = {"executionSuccessful": True, "toolExecutionNotifications": _notes(report, news)}
    return {**found, "exitCode": report.code} if report.code is not None else found


def _notes(report: Report, news: int) -> Sequence[dict[str, object]]:
    """Say what the results do not: the verdict, what is not shown, and how many did not fit."""
    level = {"supported": "note", "undetermined": "warning"}.get(report.status, "error")
    rows = [(level, report.sentence), *(("warning", note) for note in report.notes)]
    if news > MOST_RESULTS:
        rows.append(("error", f"{news - MOST_RESULTS} more results are not in this file; the JSON document has them"))
    return [{"level": word, "message": {"text": cut(text)}} for word, text in rows]
