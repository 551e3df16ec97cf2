"""`docs/coverage.md`: every known source has its row, and every kind that a collector reads stands in one."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import NamedTuple

from sosmlx.collectors import COLLECTORS, selected
from sosmlx.collectors.plan import plan
from tests.layers import ROOT

EVERY = selected("full", vendor_access=True, options=[row.option for row in COLLECTORS if row.option])
KINDS = {(row.collector, row.read.kind) for row in plan(EVERY)}
SOURCES = {"A": 22, "B": 13, "C": 40, "D": 16, "E": 29, "F": 6}


NONE = "\u2013"
"""What stands for nothing in the table."""


class Row(NamedTuple):
    """A row of the table."""

    id: str
    kinds: list[str]
    collectors: list[str]
    tiers: str
    status: str


def rows() -> list[Row]:
    text = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.split("\n") if "|" in line]
    return [
        Row(name, re.findall("`(.+?)`", kinds), re.findall("`(.+?)`", collectors), tiers, status)
        for name, _, kinds, collectors, tiers, status in cells
        if re.fullmatch(r"[A-F]\d\d", name)
    ]


ROWS = rows()


def test_every_known_source_has_one_row() -> None:
    assert [row.id for row in ROWS] == [f"{part}{n:02}" for part, most in SOURCES.items() for n in range(1, most + 1)]


def test_every_kind_of_a_collector_stands_in_a_row_of_that_collector() -> None:
    told = [(name, kind) for row in ROWS for name in row.collectors for kind in row.kinds]
    untold = {(name, kind) for name, kind in KINDS if not any(name == n and fnmatchcase(kind, k) for n, k in told)}

    assert untold - {(name, kind) for name, kind in untold if kind in ("tool.version", "folder.names")} == set()


def test_no_row_names_a_kind_or_collector_that_is_none() -> None:
    known, names = {kind for _, kind in KINDS}, {row.name for row in EVERY}
    wrong = [
        (row.id, word)
        for row in ROWS
        for word in (
            *(kind for kind in row.kinds if not any(fnmatchcase(one, kind) for one in known)),
            *(name for name in row.collectors if name not in names),
        )
    ]

    assert wrong == []


def test_a_row_that_reads_has_the_tiers_of_its_collectors_and_one_that_does_not_says_why() -> None:
    tiers = {row.name: row.tier for row in EVERY}
    wrong = []
    for row in ROWS:
        expected = ", ".join(map(str, sorted({tiers[name] for name in row.collectors if name in tiers}))) or NONE
        reason = re.match(r"(?:never|not built|not run): .", row.status)
        if row.tiers != expected or (not row.collectors and not reason):
            wrong.append((row.id, row.tiers, expected, row.status))

    assert wrong == []
