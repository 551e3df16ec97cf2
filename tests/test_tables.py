"""Tables keep what a data frame likes to change: big integers, absence, and text that looks like a formula."""

from __future__ import annotations

from sosmlx.diff.compare import compare
from sosmlx.model import Coverage, Device, Facet, Setting, Snapshot, SourceInfo
from sosmlx.report.tables import csv, differences_frame, frame


def setting(name: str, *facets: tuple[str, Facet]) -> Setting:
    return Setting("d", "nvconfig", name, "permanent", facets)


def test_a_counter_above_two_to_the_53_survives() -> None:
    table = frame([setting("A", ("current", Facet(2**60 + 1, "x")))])

    assert table["current"].tolist() == [2**60 + 1]


def test_an_absent_facet_is_none_and_its_column_is_left_out_of_the_csv() -> None:
    rows = [setting("A", ("next", Facet(True, "True(1)"))), setting("B", ("next", Facet(None, "N/A", reason="x")))]

    assert csv(frame(rows)) == (
        "device,plane,name,cmode,class,next,next_raw,state\n"
        "d,nvconfig,A,permanent,config,True,True(1),\n"
        "d,nvconfig,B,permanent,config,,N/A,\n"
    )


def test_no_cell_is_a_formula_or_a_control_sequence() -> None:
    table = frame([setting("A", ("next", Facet("=cmd()", "=cmd()"))), setting("B", ("next", Facet("\x1b[2J", "\x1b")))])

    assert ("'=cmd()" in csv(table), "\x1b" in csv(table)) == (True, False)


def test_differences_are_a_table() -> None:
    device, covered = Device(id="d"), Coverage("d", "nvconfig", "complete")
    sides = [
        Snapshot(SourceInfo("text", "t"), {}, (device,), (setting("A", ("next", Facet(n, str(n)))),), (), (covered,))
        for n in (1, 2)
    ]

    table = differences_frame(compare(sides[0], sides[1]).differences)

    assert table[["name", "facet", "left", "right"]].to_numpy().tolist() == [["A", "next", "1", "2"]]
