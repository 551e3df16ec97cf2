"""What a diff with a common base says: the base's value, and who moved."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from sosmlx.diff.compare import Comparison, Filter, compare
from sosmlx.diff.result import Origin, place
from sosmlx.diff.threeway import compare_bundles_from, compare_from
from sosmlx.model import Coverage, Device, Facet, Setting, Snapshot, SourceInfo, Value
from sosmlx.record import Bundle
from sosmlx.sources.text import from_bytes
from tests.snapshots import query, snapshots

ALL = Filter(everything=True)
BDF = "0000:3b:00.0"


def host(values: dict[str, Value], *, status: str = "complete", devices: tuple[str, ...] = (BDF,)) -> Snapshot:
    """Make a host whose every device has the same run-time settings."""
    settings = [
        Setting(device, "net", name, "", (("current", Facet(value, str(value))),))
        for device in devices
        for name, value in values.items()
        if status == "complete"
    ]
    reason = "" if status == "complete" else "denied"
    return Snapshot(
        SourceInfo("bundle", "b", "h"), {"taint": 0},
        tuple(Device(id=device, bdf=device, role="pf") for device in devices), tuple(settings), (),
        tuple(Coverage(device, "net", status, reason=reason) for device in devices),
    )  # fmt: skip


def moved(found: Comparison) -> list[tuple[str, str, Value]]:
    """List each difference with who moved, and the base's value."""
    origins = [(row.name, found.origin(row)) for row in found.differences]
    return [(name, origin.moved, origin.base.value if origin.base else None) for name, origin in origins if origin]


def test_the_side_that_left_the_base_is_named() -> None:
    base, left, right = host({"a": 1, "b": 1, "c": 1}), host({"a": 2, "b": 1, "c": 2}), host({"a": 1, "b": 2, "c": 3})

    found = compare_from(base, left, right)

    assert moved(found) == [("a", "left", 1), ("b", "right", 1), ("c", "conflict", 1)]


def test_what_both_sides_changed_alike_is_agreed_and_no_difference() -> None:
    found = compare_from(host({"a": 1}), host({"a": 2}), host({"a": 2}))

    agreed = [(row.name, row.left and row.left.value, row.right and row.right.value) for row in found.agreed]
    assert (found.differences, agreed) == ((), [("a", 1, 2)])


def test_a_setting_that_one_side_added_moved_there() -> None:
    found = compare_from(host({"a": 1}), host({"a": 1, "b": 1}), host({"a": 1}))

    assert moved(found) == [("b", "left", None)]


def test_who_moved_is_unknown_where_the_base_could_not_be_read() -> None:
    found = compare_from(host({"a": 1}, status="unknown"), host({"a": 1}), host({"a": 2}))

    origins = [found.origin(row) for row in found.differences]
    gaps = [(gap.side, gap.names, gap.reason) for gap in found.base_gaps]
    assert (origins, gaps) == ([Origin("unknown", None, "the base: denied")], [("base", ("a",), "denied")])


def test_a_device_that_the_base_does_not_have_has_no_origin() -> None:
    found = compare_from(host({}, devices=()), host({"a": 1}), host({"a": 2}))

    origin = found.origin(found.differences[0])
    assert origin == Origin("unknown", None, "the base does not have this device")


def test_a_device_that_one_side_lost_is_told_from_one_that_the_other_got() -> None:
    both = (BDF, "0000:af:00.0")
    one, two = host({}), host({}, devices=both)

    lost, got = compare_from(two, one, two), compare_from(one, one, two)

    assert (moved(lost), moved(got)) == ([("device", "left", both[1])], [("device", "right", None)])


def test_what_both_sides_lost_is_agreed() -> None:
    found = compare_from(host({}, devices=(BDF, "0000:af:00.0")), host({}), host({}))

    assert [(row.device, row.name, row.change) for row in found.agreed] == [("0000:af:00.0", "device", "removed")]


def text(value: str) -> Bundle:
    return from_bytes(query({"NUM_OF_VFS": ("0", value, value), "SRIOV_EN": ("True(1)",) * 3}).encode(), "t.txt")


def test_texts_are_compared_with_their_base() -> None:
    found = compare_bundles_from(text("8"), text("8"), text("16"))

    assert moved(found) == [("NUM_OF_VFS", "right", 8), ("NUM_OF_VFS", "right", 8)]


def test_a_base_that_names_a_knob_otherwise_is_understood() -> None:
    def retries(name: str, value: str) -> Bundle:
        return from_bytes(query({name: (value,) * 3, "SRIOV_EN": ("True(1)",) * 3}).encode(), "t.txt")

    found = compare_bundles_from(
        retries("BOOT_RETRY_CNT", "_1(1)"), retries("BOOT_RETRY_CNT1", "_1(1)"), retries("BOOT_RETRY_CNT1", "_2(2)")
    )

    assert {(name, who) for name, who, _ in moved(found)} == {("BOOT_RETRY_CNT1", "right")}


@given(snapshots(), snapshots())
def test_a_base_that_equals_the_left_side_gives_the_diff_of_the_two(one: Snapshot, other: Snapshot) -> None:
    found = compare_from(one, one, other, ALL)

    two = compare(one, other, ALL)
    origins = {found.origins[place(row)].moved for row in found.differences}
    assert (found.differences, found.gaps, found.agreed, origins <= {"right"}) == (
        two.differences, two.gaps, (), True,
    )  # fmt: skip


@given(snapshots(), snapshots())
def test_two_equal_sides_leave_nothing_but_what_they_agree_on(base: Snapshot, side: Snapshot) -> None:
    found = compare_from(base, side, side, ALL)

    assert (found.differences, found.gaps, found.agreed) == ((), (), compare(base, side, ALL).differences)


@given(snapshots(), snapshots(), snapshots())
def test_who_moved_mirrors(base: Snapshot, one: Snapshot, other: Snapshot) -> None:
    there, back = compare_from(base, one, other, ALL), compare_from(base, other, one, ALL)

    mirror = {"left": "right", "right": "left"}
    mirrored = {key: mirror.get(origin.moved, origin.moved) for key, origin in back.origins.items()}
    assert {key: origin.moved for key, origin in there.origins.items()} == mirrored


@given(snapshots(), snapshots(), snapshots())
def test_a_base_changes_nothing_of_the_diff_itself(base: Snapshot, one: Snapshot, other: Snapshot) -> None:
    found = compare_from(base, one, other, ALL)

    bare = replace(found, base=None, origins={}, agreed=(), base_gaps=())
    assert bare == compare(one, other, ALL)
