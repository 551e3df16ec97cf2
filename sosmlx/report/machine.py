"""Results as JSON documents for programs; each ships its schema in `sosmlx/data/schemas`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sosmlx.diff.compare import Comparison
from sosmlx.diff.digest import digests, fingerprint
from sosmlx.diff.result import Origin
from sosmlx.diff.symptoms import rising
from sosmlx.model import SHOWN_CLASSES, Coverage, Difference, Finding, Gap, Setting, Snapshot, SourceInfo, Verdict
from sosmlx.policy.envelope import Baseline, Judgement, judge
from sosmlx.policy.tally import is_waived
from sosmlx.policy.waivers import Standing
from sosmlx.report.result import CheckResult, mark
from sosmlx.snapshot_json import device_to_json, facet_to_json, setting_rows, snapshot_to_json

DIFF = "sosmlx.diff/1"
CHECK = "sosmlx.check/1"


def snapshot_document(snapshot: Snapshot, settings: Sequence[Setting], everything: bool = False) -> dict[str, object]:
    """Build a `sosmlx.snapshot/1` document with the settings that the user asked for."""
    document = snapshot_to_json(snapshot)
    kept = [row for row in sorted(settings, key=lambda row: row.key) if everything or row.cls in SHOWN_CLASSES]
    document["settings"] = [row for setting in kept for row in setting_rows(setting)]
    document["digests"] = digests(snapshot)
    document["symptoms"] = [row._asdict() for row in sorted(rising(snapshot))]
    document["verdict"] = _judgement(judge(snapshot))
    return document


def diff_document(found: Comparison) -> dict[str, object]:
    """Build a `sosmlx.diff/1` document."""
    left, right = judge(found.left), judge(found.right, Baseline(found.judged, found.gaps, found.left))
    bdfs = [{device.id: device.bdf for device in side.devices} for side in (found.left, found.right)]
    return {
        "schema": DIFF,
        "version": "1.0",
        "left": _source(found.left.source),
        "right": _source(found.right.source),
        "base": _source(found.base.source) if found.base else None,
        "devices": [
            {
                "id": match.id,
                "match": match.match,
                "left_bdf": bdfs[0].get(match.left or "") or None,
                "right_bdf": bdfs[1].get(match.right or "") or None,
            }
            for match in found.matches
        ],
        "scope": [_gap(gap) for gap in found.scope],
        "differences": [difference_to_json(row, found.origin(row)) for row in found.differences],
        "agreed": [difference_to_json(row) for row in found.agreed],
        "renamed": [row._asdict() for row in found.renamed],
        "symptoms": [row._asdict() for row in found.symptoms],
        "unknown": [_gap(gap) for gap in (*found.gaps, *found.base_gaps)],
        "coverage": {"left": _coverage(found.left.coverage), "right": _coverage(found.right.coverage)},
        "verdict": {
            "left": _judgement(left),
            "right": _judgement(right),
            "transition": f"{left.host.status} → {right.host.status}",
        },
        "summary": {
            "differences": len(found.differences),
            "hidden": found.hidden,
            "hidden_by": dict(found.hidden_by),
            "by_cause": _count(row.cause for row in found.differences),
            "causes": found.causes.words,
            "moved": _count(origin.moved for row in found.differences if (origin := found.origin(row))),
            "notes": list(found.notes),
            "unknown": sum(max(len(gap.names), 1) for gap in (*found.gaps, *found.base_gaps)),
            "by_class": _count(row.cls for row in found.differences),
            "by_change": _count(row.change for row in found.differences),
        },
    }


def check_document(result: CheckResult) -> dict[str, object]:
    """Build a `sosmlx.check/1` document."""
    failed = [row for row in result.findings if row.result == "fail" and not is_waived(row)]
    return {
        "schema": CHECK,
        "version": "1.0",
        "source": _source(result.source),
        "policies": [
            {"name": row.name, "title": row.title, "path": row.path, "digest": row.digest, "rules": len(row.rules)}
            for row in result.policies
        ],
        "devices": [device_to_json(row) for row in sorted(result.snapshot.devices, key=lambda row: row.id)],
        "strangers": list(result.strangers),
        "findings": [finding_to_json(row) for row in result.findings],
        "waivers": [_standing(row) for row in result.waivers],
        "coverage": _coverage(result.snapshot.coverage),
        "verdict": _judgement(result.judgement),
        "summary": {
            "by_result": _count(row.result for row in result.findings),
            "failed_by_severity": _count(row.severity for row in failed),
            "waived": sum(map(is_waived, result.findings)),
            "fail_on": result.threshold,
            "today": result.today.isoformat(),
            "exit_code": result.code,
        },
    }


def finding_to_json(row: Finding) -> dict[str, object]:
    """Render one finding with its fingerprints: one without values, one with."""
    return {
        "rule": row.rule, "result": row.result, "severity": row.severity, "title": row.title, "advice": row.advice,
        "device": row.device, "plane": row.plane, "name": row.name, "facet": row.facet or None,
        "expected": row.expected, "actual": row.actual, "reason": row.reason, "policy": row.policy,
        "where": row.where, "source": row.source, "waiver": dict(vars(row.waived)) if row.waived else None,
        "fingerprint": mark(row), "value_fingerprint": fingerprint(mark(row), row.expected, row.actual),
    }  # fmt: skip


def _standing(row: Standing) -> dict[str, object]:
    waiver = row.waiver
    return {
        "rule": waiver.rule, "policy": row.policy, "state": row.state, "met": row.met, "remarks": list(row.remarks),
        "reason": waiver.reason, "owner": waiver.owner, "created": waiver.created.isoformat(),
        "expires": waiver.expires.isoformat(), "where": waiver.where,
    }  # fmt: skip


def difference_to_json(row: Difference, origin: Origin | None = None) -> dict[str, object]:
    """Render one difference with its fingerprints, one without values and one with; `origin` is seen from a base."""
    key = (row.change, row.device, row.plane, row.name, row.cmode, row.facet)
    values = [str(facet_to_json(facet)) for facet in (row.left, row.right)]
    return {
        "device": row.device, "plane": row.plane, "name": row.name, "cmode": row.cmode, "facet": row.facet,
        "change": row.change, "class": row.cls, "severity": row.severity, "cause": row.cause,
        "left": facet_to_json(row.left), "right": facet_to_json(row.right), "note": row.note,
        "fingerprint": fingerprint(*key), "value_fingerprint": fingerprint(*key, *values),
        "base": facet_to_json(origin.base) if origin else None, "moved": origin.moved if origin else None,
        "moved_reason": (origin.reason or None) if origin else None,
    }  # fmt: skip


def _count(words: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return counts


def _source(source: SourceInfo) -> dict[str, object]:
    return dict(vars(source))


def _coverage(rows: Sequence[Coverage]) -> list[dict[str, object]]:
    return [dict(vars(row)) for row in sorted(rows, key=lambda row: (row.device, row.plane))]


def _gap(gap: Gap) -> dict[str, object]:
    return {
        "device": gap.device, "plane": gap.plane, "side": gap.side, "facet": gap.facet or None,
        "names": list(gap.names), "reason": gap.reason,
    }  # fmt: skip


def _verdict(verdict: Verdict) -> dict[str, object]:
    return {
        "status": verdict.status, "sentence": verdict.sentence, "strength": verdict.strength,
        "reasons": list(verdict.reasons),
    }  # fmt: skip


def _judgement(judgement: Judgement) -> Mapping[str, object]:
    devices = {name: _verdict(verdict) for name, verdict in judgement.devices.items()}
    return {"host": _verdict(judgement.host), "devices": devices}
