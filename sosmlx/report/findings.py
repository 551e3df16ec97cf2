"""The findings of a check as a table, a row each, for notebooks and for spreadsheets."""

from __future__ import annotations

import pandas as pd

from sosmlx.report.cases import Document, findings_from_json
from sosmlx.report.tables import csv

COLUMNS = (
    "device", "rule", "result", "severity", "title", "plane", "name", "facet", "expected", "actual", "reason", "advice",
    "policy", "where", "source", "waiver", "expires", "owner", "waiver_reason", "fingerprint",
)  # fmt: skip


def findings_frame(document: Document) -> pd.DataFrame:
    """Lay out the findings of a check document as a data frame. Raises InputError where one is not of their shape."""
    rows = []
    for found in findings_from_json(document):
        row: dict[str, object] = {name: value or None for name, value in found._asdict().items()}
        waiver = found.waiver
        if waiver is not None:
            row |= {"expires": waiver.expires or None, "owner": waiver.owner or None}
            row["waiver_reason"] = waiver.reason or None
        rows.append({**row, "waiver": waiver.state if waiver is not None else None})
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)


def findings_csv(document: Document) -> str:
    """Write the findings of a check document as CSV, safe for a spreadsheet."""
    return csv(findings_frame(document))
