"""Results as tables: one row per knob with its facets as columns, for notebooks and for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from sosmlx.model import FACETS, Difference, Facet, Setting, state
from sosmlx.printable import visible

KEYS = ("device", "plane", "name", "cmode", "class")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula."""


def frame(settings: Iterable[Setting]) -> pd.DataFrame:
    """Lay out settings as a data frame: a row per knob; a value and a raw column per facet, and the flags.

    Values keep their type (`object` columns): an integer above 2**53 survives, and an absent facet is None, never NaN.
    """
    rows = [
        {
            "device": setting.device,
            "plane": setting.plane,
            "name": setting.name,
            "cmode": setting.cmode,
            "class": setting.cls,
            **{facet: _value(setting.facet(facet)) for facet in FACETS},
            **{f"{facet}_raw": view.raw if (view := setting.facet(facet)) else None for facet in FACETS},
            "state": " ".join(state(setting)),
        }
        for setting in sorted(settings, key=lambda setting: setting.key)
    ]
    columns = [*KEYS, *FACETS, *(f"{facet}_raw" for facet in FACETS), "state"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def differences_frame(differences: Sequence[Difference]) -> pd.DataFrame:
    """Lay out differences as a data frame, a row each, in the order in which they are shown."""
    rows = [
        {
            "device": row.device,
            "plane": row.plane,
            "name": row.name,
            "cmode": row.cmode,
            "class": row.cls,
            "facet": row.facet,
            "change": row.change,
            "severity": row.severity,
            "left": row.left.raw if row.left else None,
            "right": row.right.raw if row.right else None,
            "cause": row.cause,
            "note": row.note,
        }
        for row in differences
    ]
    columns = [*KEYS, "facet", "change", "severity", "left", "right", "cause", "note"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def csv(table: pd.DataFrame) -> str:
    """Write a table as CSV: empty columns left out, control characters visible, and no cell that acts as a formula."""
    shown = table.dropna(axis="columns", how="all") if len(table) else table
    return shown.map(_cell).to_csv(index=False, lineterminator="\n")


def _value(facet: Facet | None) -> object:
    return None if facet is None else facet.value


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
