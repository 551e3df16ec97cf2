"""How much of a result a page lays out: a browser takes so many elements, and a reader fewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from sosmlx.model import SEVERITIES
from sosmlx.report.result import FindingGroup
from sosmlx.report.show import SettingGroup
from sosmlx.report.view import Group

G = TypeVar("G", Group, FindingGroup)


def worst(groups: Sequence[G], most: int) -> tuple[list[G], int]:
    """Keep at most so many lines, the most severe, in the order in which they came; and count the others."""
    places = [
        (-SEVERITIES.index(line.severity) if line.severity in SEVERITIES else 0, at, number)
        for at, group in enumerate(groups) for number, line in enumerate(group.lines)
    ]  # fmt: skip
    kept = {(at, number) for _, at, number in sorted(places)[:most]}
    if len(kept) == len(places):
        return list(groups), 0
    cut = [
        replace(group, lines=tuple(line for number, line in enumerate(group.lines) if (at, number) in kept))
        for at, group in enumerate(groups)
    ]
    return [group for group in cut if group.lines], len(places) - len(kept)


def noteworthy(groups: Sequence[SettingGroup], most: int) -> tuple[list[SettingGroup], int]:
    """Keep all settings where there are few, else those with a state (set, pending); count the others."""
    total = sum(len(group.rows) for group in groups)
    laid = [group for group in groups if not group.folded]
    many = sum(len(group.rows) for group in laid)
    if many <= most:
        return laid, total - many
    found: list[SettingGroup] = []
    room = most
    for group in laid:
        rows = tuple(row for row in group.rows if row.flags)[:room]
        room -= len(rows)
        if rows:
            found.append(replace(group, rows=rows))
    return found, total - (most - room)
