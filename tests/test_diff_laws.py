"""Laws of the diff, over hosts and texts that hypothesis makes."""

from __future__ import annotations

import json
import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sosmlx.diff.cancel import SHARED
from sosmlx.diff.compare import Comparison, Filter, compare, compare_bundles
from sosmlx.diff.digest import digests
from sosmlx.diff.result import place
from sosmlx.model import Difference, Facet, Setting, Snapshot, same_value
from sosmlx.normalise import normalise
from sosmlx.parsers import PARSERS
from sosmlx.parsers.values import CONFLICT
from sosmlx.record import HOST, Answer, Bundle, Record
from sosmlx.report.machine import difference_to_json
from sosmlx.snapshot_json import snapshot_from_json, snapshot_to_json
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


@st.composite
def obscured(draw: st.DrawFn) -> Snapshot:
    """Make a host some of whose values could not be told."""
    one = draw(snapshots())
    chance = random.Random(draw(st.integers()))
    settings = tuple(
        row._replace(facets=tuple((name, facet if chance.random() < 0.7 else _UNTOLD) for name, facet in row.facets))
        for row in one.settings
    )
    return replace(one, settings=settings)


_UNTOLD = Facet(None, "?", reason=CONFLICT)

Told = dict[tuple[str, str, str], Facet]


@given(obscured(), obscured())
def test_applying_the_differences_gives_the_other_side(one: Snapshot, other: Snapshot) -> None:
    found = compare(one, other, ALL)

    applied = _told(one, found)
    for row in found.differences:
        if row.right is None:
            applied.pop((row.device, row.name, row.facet), None)
        elif row.name != "device":
            applied[row.device, row.name, row.facet] = row.right

    expected = _told(other, found)
    assert {key: _alike(applied.get(key), expected.get(key)) for key in applied | expected} == dict.fromkeys(
        expected, True
    )


def _told(side: Snapshot, found: Comparison) -> Told:
    """Return the values that the diff says something about: of devices on both sides, but for what is unknown."""
    both = {match.id for match in found.matches if match.left and match.right}
    gaps = {(gap.device, name, gap.facet) for gap in (*found.gaps, *found.scope) for name in gap.names or ("",)}
    return {
        (row.device, row.name, name): facet
        for row in side.settings
        for name, facet in row.facets
        if row.device in both
        and not {(row.device, known, view) for known in ("", row.name) for view in ("", name)} & gaps
    }


def _alike(one: Facet | None, other: Facet | None) -> bool:
    return one is not None and other is not None and same_value(one, other)


@given(obscured(), obscured())
def test_what_is_unknown_never_becomes_a_value(one: Snapshot, other: Snapshot) -> None:
    found = compare(one, other, ALL)

    both = [row for row in found.differences if row.change == "changed"]
    assert [row for row in both if CONFLICT in (row.left and row.left.reason, row.right and row.right.reason)] == []


@given(snapshots(), snapshots())
def test_fingerprints_survive_the_drift_of_values(one: Snapshot, other: Snapshot) -> None:
    drifted = replace(other, settings=tuple(row._replace(facets=_drift(row.facets)) for row in other.settings))

    now, later = (_fingerprints(compare(one, side, ALL)) for side in (other, drifted))

    common = now.keys() & later.keys()
    assert {key: now[key] for key in common} == {key: later[key] for key in common}


def _drift(facets: tuple[tuple[str, Facet], ...]) -> tuple[tuple[str, Facet], ...]:
    return tuple((name, facet._replace(value=f"{facet.value}!", raw=f"{facet.raw}!")) for name, facet in facets)


def _fingerprints(found: Comparison) -> dict[tuple[str, ...], object]:
    return {(row.change, *place(row)): difference_to_json(row)["fingerprint"] for row in found.differences}


@given(snapshots(), snapshots())
def test_differences_of_different_places_have_different_fingerprints(one: Snapshot, other: Snapshot) -> None:
    found = _fingerprints(compare(one, other, ALL))

    assert len(set(found.values())) == len(found)


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


RAW = st.sampled_from(
    ["0", "1", "8", "16", "True(1)", "False(0)", "ETH(2)", "IB(1)", "007", "N/A", "Array[0..7]", "X", "BALANCED(0)"]
)
NAMES = st.sampled_from(
    ["NUM_OF_VFS", "SRIOV_EN", "LINK_TYPE_P1", "A_B", "CQE_COMPRESSION", "MODULE_SPLIT_M0", "MODULE_SPLIT_M0[3]"]
)
ROWS = st.dictionaries(NAMES, st.tuples(RAW, RAW, RAW))
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


def host(draw: st.DrawFn, rows: dict[str, tuple[str, str, str]], devlink: bool) -> Bundle:
    """Make a bundle of two functions: what identifies them, their flash, and perhaps another reader of one's flash."""
    records = []
    for number, bdf in enumerate(("0000:3b:00.0", "0000:af:00.0")):
        for name, text in (("vendor", "0x15b3"), ("device", "0x101d"), ("class", "0x020000")):
            path = f"/sys/bus/pci/devices/{bdf}/{name}"
            records.append(Record(f"{number}-{name}", "pci.attribute", "pci", bdf, Answer(text.encode()), path=path))
        text = query({**rows, **(draw(ROWS) if draw(st.booleans()) else {})}, bdf, draw(st.sampled_from([1, 1, 2])))
        argv = ("mstconfig", "-d", bdf, "-e", "q")
        records.append(Record(f"{number}-q", "mlxconfig.query", "vendor", bdf, Answer(text.encode()), argv=argv))
    if devlink:
        value = {"cmode": "permanent", "value": draw(st.sampled_from(["balanced", "aggressive"]))}
        param = {"name": "cqe_compress_type", "type": "driver-specific", "values": [value]}
        text = json.dumps({"param": {"pci/0000:3b:00.0": [param]}})
        argv = ("devlink", "-j", "dev", "param", "show")
        records.append(Record("p", "devlink.param", "devlink", "0000:3b:00.0", Answer(text.encode()), argv=argv))
    return Bundle("bundle", "b", tuple(records), host="n07")


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Bundle, Bundle]:
    """Make two bundles that have much in common."""
    rows, devlink = draw(ROWS), draw(st.booleans())
    return host(draw, rows, devlink), host(draw, rows, devlink)


@given(pairs())
def test_cancelling_what_is_equal_in_two_bundles_changes_no_difference(bundles: tuple[Bundle, Bundle]) -> None:
    left, right = bundles

    short = compare_bundles(left, right, ALL)

    whole = compare(normalise(left), normalise(right), ALL)
    assert (short.differences, _names(short), short.scope) == (whole.differences, _names(whole), whole.scope)


def _bundle(text: str) -> Bundle:
    return from_bytes(text.encode(), "t", "mlxconfig.query")


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    found = compare_bundles(_bundle(text), _bundle(text), ALL)

    assert (found.differences, found.gaps, found.scope) == ((), (), ())


def test_what_devlink_tells_under_the_same_name_never_cancels() -> None:
    told = [{"name": name, "type": "x", "values": [{"cmode": "permanent", "value": "1"}]} for name in _PERMANENT]
    text = json.dumps({"param": {"pci/0000:3b:00.0": told}})
    record = Record("p", "devlink.param", "devlink", HOST, Answer(text.encode()))

    items = PARSERS["devlink.param"].parse(text, record)

    names = {item.name for item in items if isinstance(item, Setting) and item.plane == "nvconfig"}
    assert names - set(_PERMANENT) == set(SHARED)


_PERMANENT = ("cqe_compress_type", "swp_l4_csum_mode", "enable_sriov", "total_vfs", "max_vfs", "enable_roce")
