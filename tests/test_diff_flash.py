"""A diff of two flashes invents no difference where two readers, or two catalogues, differ; and misses none."""

from __future__ import annotations

import json

import pytest

from sosmlx.diff.compare import Comparison, compare_bundles
from sosmlx.fwctl.catalogue import SCHEMA
from sosmlx.simulator.host import ScenarioSource
from tests import flashes

VENDOR = {
    "schema": SCHEMA,
    "tlvs": [{"name": "nv_other_conf", "id": 0x197, "class": 0, "size": 4, "version": "0", "target": "NIC", "cap": 0}],
    "params": [{
        "name": "other", "tlv_name": "nv_other_conf", "offset": "0x0.0", "size": "0x0.8", "type": "UNSIGNED",
        "mlxconfig_name": "OTHER_KNOB", "dependency": "ignore_dependency", "supported_from_version": 0,
        "array_length": 0,
    }],
}  # fmt: skip
PLACE = "/usr/share/mstflint/mlxconfig_dbs/mlxconfig_host.db"


def source(catalogue: bool = False, **firmware: object) -> ScenarioSource:
    files = {PLACE: json.dumps(VENDOR)} if catalogue else {}
    return ScenarioSource(flashes.host({flashes.BDF: flashes.function("ConnectX-7", **firmware)}, files=files))


def diff(left: ScenarioSource, right: ScenarioSource) -> Comparison:
    return compare_bundles(flashes.bundle(left), flashes.bundle(right))


OTHER = {"type": 0x197, "data": "0000002a", "writer": "BMC"}


def test_a_catalogue_that_one_host_has_is_no_difference_of_its_adapter() -> None:
    plain, named = source(stored=[OTHER]), source(catalogue=True, stored=[OTHER])

    found = [diff(plain, named), diff(named, plain)]

    assert [(row.differences, row.gaps) for row in found] == [((), ()), ((), ())]


@pytest.mark.parametrize(
    "item", [OTHER, {"type": 3 << 24 | 569, "data": b"hunter2!".hex()}, {"type": 4 << 24, "data": "01"}]
)
def test_an_item_that_somebody_stored_meanwhile_is_a_difference_known_or_not(item: dict[str, object]) -> None:
    found = diff(source(), source(stored=[item]))

    assert {(row.change, row.name[:5]) for row in found.differences} == {("added", "item.")}


@pytest.mark.parametrize(
    "fault",
    [
        {"register": "MGIR", "status": 1},
        {"register": "MNVQC", "status": 4},
        {"register": "MNVQC", "fields": {"type": 0x80}, "status": 4},
        {"register": "MNVDA", "fields": {"type": 0x81}, "status": 1},
        {"register": "MNVDA", "status": 4},
        {"register": "MNVGC", "status": 4},
        {"register": "MNVGN", "status": 4},
        {"register": "MNVDA", "short": 40},
    ],
    ids=str,
)
def test_what_one_side_could_not_read_is_no_difference(fault: dict[str, object]) -> None:
    whole, broken = source(ports=2), source(ports=2, faults=[fault])

    found = [diff(whole, broken), diff(broken, whole)]

    wrong = [(row.name, row.facet, row.change) for one in found for row in one.differences if row.plane == "nvconfig"]
    assert wrong == []


@pytest.mark.parametrize("flag", ["factory_readable", "current_readable"])
def test_a_view_that_one_side_does_not_show_is_no_difference_but_is_said(flag: str) -> None:
    found = diff(source(), source(**{flag: False}))

    statuses = [row.status for row in found.right.coverage if row.plane == "nvconfig"]
    assert (found.differences, statuses) == ((), ["partial"])
