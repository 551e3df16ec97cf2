"""Snapshots as JSON, there and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sosmlx.errors import InputError
from sosmlx.model import (
    FACETS,
    Cmode,
    Coverage,
    Device,
    Evidence,
    Facet,
    Key,
    Plane,
    Rate,
    Reading,
    Setting,
    SettingClass,
    Snapshot,
    SourceInfo,
    Unparsed,
    Value,
    state,
)

SNAPSHOT = "sosmlx.snapshot/1"


def snapshot_to_json(snapshot: Snapshot) -> dict[str, object]:
    """Render a snapshot as the body of a `sosmlx.snapshot/1` document, rows sorted by key."""
    return {
        "schema": SNAPSHOT,
        "version": "1.0",
        "source": dict(vars(snapshot.source)),
        "host": {name: _value_out(value) for name, value in snapshot.host.items()},
        "devices": [device_to_json(device) for device in sorted(snapshot.devices, key=lambda device: device.id)],
        "settings": [
            row for setting in sorted(snapshot.settings, key=lambda s: s.key) for row in setting_rows(setting)
        ],
        "evidence": evidence_rows(snapshot.evidence),
        "coverage": [dict(vars(row)) for row in sorted(snapshot.coverage, key=lambda row: (row.device, row.plane))],
        "reads": [row._asdict() for row in sorted(snapshot.reads)],
        "rates": [row._asdict() for row in sorted(snapshot.rates)],
        "unparsed": [line._asdict() for line in sorted(snapshot.unparsed, key=lambda row: (row.record, row.line))],
    }


def snapshot_from_json(document: Mapping[str, object]) -> Snapshot:
    """Read back what `snapshot_to_json` wrote. Raises InputError for another schema major."""
    if document.get("schema") != SNAPSHOT:
        raise InputError(f"schema {document.get('schema')!r} is not {SNAPSHOT!r}")
    rows = cast("dict[str, list[dict[str, object]]]", document)
    source = cast("dict[str, Any]", document["source"])
    return Snapshot(
        source=SourceInfo(**source),
        host={name: _value_in(value) for name, value in cast("dict[str, object]", document["host"]).items()},
        devices=tuple(device_from_json(row) for row in rows["devices"]),
        settings=_settings_from_rows(rows["settings"]),
        evidence=tuple(_evidence_from_row(row) for row in rows["evidence"]),
        coverage=tuple(Coverage(**cast("dict[str, str]", row)) for row in rows["coverage"]),  # type: ignore[arg-type]
        reads=tuple(Reading(**cast("dict[str, str]", row)) for row in rows.get("reads", ())),
        rates=tuple(Rate(**cast("dict[str, Any]", row)) for row in rows.get("rates", ())),
        unparsed=tuple(Unparsed(**cast("dict[str, str]", row)) for row in rows["unparsed"]),  # type: ignore[arg-type]
    )


def device_to_json(device: Device) -> dict[str, object]:
    """Render one device row, with the firmware versions nested as readers expect them."""
    row: dict[str, object] = dict(vars(device))
    row["firmware"] = {"running": row.pop("running"), "stored": row.pop("stored")}
    for name in ("netdevs", "rdma", "channels"):
        row[name] = list(cast("tuple[str, ...]", row[name]))
    return row


def device_from_json(row: Mapping[str, object]) -> Device:
    """Read back what `device_to_json` wrote."""
    fields: dict[str, object] = {name: value for name, value in row.items() if name != "firmware"}
    fields.update(cast("dict[str, str]", row["firmware"]))
    for name in ("netdevs", "rdma", "channels"):
        fields[name] = tuple(cast("list[str]", fields[name]))
    return Device(**fields)  # type: ignore[arg-type]


def setting_rows(setting: Setting) -> list[dict[str, object]]:
    """Render one setting as one row per facet."""
    flags = list(state(setting))
    return [
        {
            "device": setting.device, "plane": setting.plane, "name": setting.name, "cmode": setting.cmode,
            "facet": name, "class": setting.cls, "state": flags, "record": setting.record,
            "shared": setting.shared or None, **facet_to_json(facet),
        }
        for name, facet in setting.facets
    ]  # fmt: skip


def facet_to_json(facet: Facet | None) -> dict[str, object]:
    """Render one facet; an absent one is all null."""
    if facet is None:
        return {"value": None, "label": None, "raw": None, "reason": None, "writer": None}
    return {
        "value": _value_out(facet.value), "label": facet.label or None, "raw": facet.raw,
        "reason": facet.reason or None, "writer": facet.writer or None,
    }  # fmt: skip


def evidence_rows(evidence: Sequence[Evidence]) -> list[dict[str, object]]:
    """Render evidence rows with stable ids."""
    return [{"id": f"e{number}", **row._asdict()} for number, row in enumerate(sorted(evidence), 1)]


def _settings_from_rows(rows: Sequence[dict[str, object]]) -> tuple[Setting, ...]:
    found: dict[Key, Setting] = {}
    for row in rows:
        name = str(row["facet"])
        facet = Facet(
            value=_value_in(row["value"]), raw=str(row["raw"] or ""), label=str(row["label"] or ""),
            reason=str(row["reason"] or ""), writer=str(row["writer"] or ""),
        )  # fmt: skip
        key = cast("Key", tuple(str(row[part]) for part in ("device", "plane", "name", "cmode")))
        before = found[key].facets if key in found else ()
        facets = tuple(sorted((*before, (name, facet)), key=lambda pair: FACETS.index(pair[0])))
        device, plane, knob, cmode = cast("tuple[str, Plane, str, Cmode]", key)
        cls = cast("SettingClass", row["class"])
        shared = str(row.get("shared") or "")
        found[key] = Setting(device, plane, knob, cmode, facets, cls, str(row["record"]), shared)
    return tuple(found.values())


def _evidence_from_row(row: Mapping[str, object]) -> Evidence:
    return Evidence(**{name: str(row[name]) for name in Evidence._fields})


def _value_out(value: Value) -> object:
    return list(value) if isinstance(value, tuple) else value


def _value_in(value: object) -> Value:
    return cast("Value", tuple(value) if isinstance(value, list) else value)
