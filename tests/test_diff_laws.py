"""Laws of the diff, over hosts and texts that hypothesis makes."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sosmlx.diff.compare import Comparison, Filter, compare, compare_bundles
from sosmlx.diff.digest import digests
from sosmlx.jsonio import snapshot_from_json, snapshot_to_json
from sosmlx.model import Difference, Facet, Snapshot
from sosmlx.normalise import normalise
from sosmlx.record import Bundle
from sosmlx.sources.text import from_bytes
from tests.snapshots import query, snapshots

ALL = Filter(everything=True)


@given(snapshots())
def test_a_snapshot_does_not_differ_from_itself(one: Snapshot) -> None:
    found = compare(one, one, ALL)

    assert (found.differences, found.gaps, found.scope) == ((), (), ())


@given(snapshots(), snapshots())
def test_a_diff_mirrors(one: Snapshot, other: Snapshot) -> None:
    there, back = compare(one, other, ALL), compare(other, one, ALL)

    assert sorted(map(_key, there.differences)) == sorted(map(_key, map(_mirrored, back.differences)))


def _mirrored(row: Difference) -> Difference:
    change = {"added": "removed", "removed": "added"}.get(row.change, row.change)
    return replace(row, left=row.right, right=row.left, change=change)


def _key(row: Difference) -> tuple[str, ...]:
    return (row.device, row.plane, row.name, row.facet, row.change, str(row.left), str(row.right))


@given(snapshots(), snapshots())
def test_what_was_not_read_is_never_a_difference(one: Snapshot, other: Snapshot) -> None:
    found = compare(one, other, ALL)

    unread = {row.device for side in (one, other) for row in side.coverage if row.status == "unknown"}
    lost = [row for row in found.differences if row.change in ("added", "removed") and row.device in unread]
    assert [row for row in lost if row.name != "device" and _missing_side(row, one, other)] == []


def _missing_side(row: Difference, one: Snapshot, other: Snapshot) -> bool:
    side = other if row.change == "removed" else one
    return any(cell.device == row.device and cell.status != "complete" for cell in side.coverage)


@given(snapshots(), snapshots())
def test_applying_the_differences_gives_the_other_side(one: Snapshot, other: Snapshot) -> None:
    found = compare(one, other, ALL)
    values = {(s.device, s.name, name): facet for s in one.settings for name, facet in s.facets}

    for row in found.differences:
        if row.right is None:
            values.pop((row.device, row.name, row.facet), None)
        else:
            values[row.device, row.name, row.facet] = row.right

    expected = {(s.device, s.name, name): facet for s in other.settings for name, facet in s.facets}
    unknown = _unknown(found)
    assert {
        k: v for k, v in values.items() if k in expected and k[:2] not in unknown and not _same(v, expected[k])
    } == {}


def _unknown(found: Comparison) -> set[tuple[str, str]]:
    return {(gap.device, name) for gap in (*found.gaps, *found.scope) for name in gap.names}


def _same(one: Facet, other: Facet) -> bool:
    return (one.reason and other.reason) != "" or one.value == other.value


@given(snapshots(), snapshots(), st.integers())
def test_the_order_of_devices_and_settings_changes_nothing(one: Snapshot, other: Snapshot, seed: int) -> None:
    chance = random.Random(seed)
    mixed = replace(
        other,
        settings=tuple(chance.sample(other.settings, len(other.settings))),
        devices=tuple(chance.sample(other.devices, len(other.devices))),
    )

    assert compare(one, other, ALL).differences == compare(one, mixed, ALL).differences


@given(snapshots())
def test_a_snapshot_survives_json(one: Snapshot) -> None:
    document = snapshot_to_json(one)

    again = snapshot_from_json(document)

    assert snapshot_to_json(again) == document


@given(snapshots(), st.integers())
def test_digests_do_not_depend_on_order(one: Snapshot, seed: int) -> None:
    mixed = replace(one, settings=tuple(random.Random(seed).sample(one.settings, len(one.settings))))

    assert digests(mixed) == digests(one)


RAW = st.sampled_from(["0", "1", "8", "16", "True(1)", "False(0)", "ETH(2)", "IB(1)", "007", "N/A", "Array[0..7]", "X"])
ROWS = st.dictionaries(
    st.sampled_from(["NUM_OF_VFS", "SRIOV_EN", "LINK_TYPE_P1", "A_B", "MODULE_SPLIT_M0[3]"]), st.tuples(RAW, RAW, RAW)
)
TEXTS = st.lists(ROWS, min_size=1, max_size=3).map(
    lambda devices: "".join(query(rows, f"0000:{n:02x}:00.0", n + 1) for n, rows in enumerate(devices))
)


@given(TEXTS, TEXTS)
def test_cancelling_equal_lines_changes_no_difference(left: str, right: str) -> None:
    bundles = [from_bytes(text.encode(), name, "mlxconfig.query") for text, name in ((left, "l"), (right, "r"))]

    short = compare_bundles(bundles[0], bundles[1], ALL)

    whole = compare(normalise(bundles[0]), normalise(bundles[1]), ALL)
    assert (short.differences, _names(short)) == (whole.differences, _names(whole))


def _names(found: Comparison) -> list[tuple[str, ...]]:
    return sorted((gap.device, gap.side, *gap.names) for gap in found.gaps if gap.names)


def _bundle(text: str) -> Bundle:
    return from_bytes(text.encode(), "t", "mlxconfig.query")


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    found = compare_bundles(_bundle(text), _bundle(text), ALL)

    assert (found.differences, found.gaps, found.scope) == ((), (), ())
