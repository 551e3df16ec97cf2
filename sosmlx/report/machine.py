"""Results as JSON documents for programs; each ships its schema in `sosmlx/data/schemas`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sosmlx.diff.compare import Comparison
from sosmlx.diff.digest import digests, fingerprint
from sosmlx.jsonio import facet_to_json, setting_rows, snapshot_to_json
from sosmlx.model import SHOWN_CLASSES, Coverage, Difference, Gap, Setting, Snapshot, SourceInfo, Verdict
from sosmlx.policy.envelope import Baseline, Judgement, judge

DIFF = "sosmlx.diff/1"


def snapshot_document(snapshot: Snapshot, settings: Sequence[Setting], everything: bool = False) -> dict[str, object]:
    """Build a `sosmlx.snapshot/1` document with the settings that the user asked for."""
    document = snapshot_to_json(snapshot)
    kept = [row for row in sorted(settings, key=lambda row: row.key) if everything or row.cls in SHOWN_CLASSES]
    document["settings"] = [row for setting in kept for row in setting_rows(setting)]
    document["digests"] = digests(snapshot)
    document["symptoms"] = []
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
        "base": None,
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
        "differences": [difference_to_json(row) for row in found.differences],
        "unknown": [_gap(gap) for gap in found.gaps],
        "coverage": {"left": _coverage(found.left.coverage), "right": _coverage(found.right.coverage)},
        "verdict": {
            "left": _judgement(left),
            "right": _judgement(right),
            "transition": f"{left.host.status} → {right.host.status}",
        },
        "summary": {
            "differences": len(found.differences),
            "hidden": found.hidden,
            "unknown": sum(max(len(gap.names), 1) for gap in found.gaps),
            "by_class": _count(row.cls for row in found.differences),
            "by_change": _count(row.change for row in found.differences),
        },
    }


def difference_to_json(row: Difference) -> dict[str, object]:
    """Render one difference with its fingerprints: one without values, one with."""
    key = (row.change, row.device, row.plane, row.name, row.cmode, row.facet)
    values = [str(facet_to_json(facet)) for facet in (row.left, row.right)]
    return {
        "device": row.device, "plane": row.plane, "name": row.name, "cmode": row.cmode, "facet": row.facet,
        "change": row.change, "class": row.cls, "severity": row.severity, "cause": row.cause,
        "left": facet_to_json(row.left), "right": facet_to_json(row.right), "note": row.note,
        "fingerprint": fingerprint(*key), "value_fingerprint": fingerprint(*key, *values),
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
