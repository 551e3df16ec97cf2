"""What `show` prints of a snapshot, and in which order."""

from __future__ import annotations

from sosmlx.bundle.opening import open_source
from sosmlx.normalise import normalise
from sosmlx.report.limits import noteworthy
from sosmlx.report.show import ShowView, show_view
from sosmlx.report.text import show_text

BDF = "0000:3b:00.0"


def shown(*planes: str, everything: bool = False) -> ShowView:
    snapshot = normalise(open_source("sim:two-adapters-before"))
    return show_view(snapshot, [row for row in snapshot.settings if row.plane in planes], everything)


def test_flash_comes_first_and_the_host_last() -> None:
    view = shown("kernel", "caps", "nvconfig", "net")

    assert [group.plane for group in view.groups if group.device in (BDF, "host")] == [
        "nvconfig", "net", "caps", "kernel",
    ]  # fmt: skip


def test_capabilities_among_other_planes_are_counted_and_not_printed() -> None:
    view = shown("caps", "net")

    assert [line for line in show_text(view).splitlines() if "--plane caps" in line] == [
        f"  {len(group.rows)} settings say what it can do; --plane caps prints them"
        for group in view.groups if group.plane == "caps"
    ]  # fmt: skip


def test_capabilities_alone_or_with_everything_are_printed() -> None:
    assert [
        group.folded for view in (shown("caps"), shown("caps", "net", everything=True)) for group in view.groups
    ] == ([False] * 6)


def test_a_page_lays_out_no_capability_but_counts_them() -> None:
    view = shown("caps", "net")
    many = sum(len(group.rows) for group in view.groups if group.plane == "caps")

    assert noteworthy(view.groups, 1500) == ([group for group in view.groups if group.plane == "net"], many)
