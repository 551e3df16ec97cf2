"""What devlink shows of flash: the same knobs as a query of flash, and never the whole of it."""

from __future__ import annotations

import json

import pytest

from sosmlx.collectors import selected
from sosmlx.collectors.engine import Engine
from sosmlx.coverage import NO_FWCTL, ONLY_DEVLINK
from sosmlx.diff.compare import Comparison, compare_bundles
from sosmlx.model import Coverage, Setting, Value
from sosmlx.normalise import normalise
from sosmlx.parsers import PARSERS
from sosmlx.policy.envelope import Baseline, judge
from sosmlx.record import Answer, Bundle, Outcome, Record
from sosmlx.simulator.host import ScenarioSource, load
from sosmlx.sources.text import from_bytes
from tests.snapshots import query

BDF = "0000:3b:00.0"
SHOWN = {"cqe_compress_type": "aggressive", "total_vfs": 16, "enable_sriov": True}


def devlink(shown: dict[str, object]) -> bytes:
    rows = [{"name": name, "values": [{"cmode": "permanent", "value": value}]} for name, value in shown.items()]
    return json.dumps({"param": {f"pci/{BDF}": rows}}).encode()


def pasted(shown: dict[str, object]) -> Bundle:
    return from_bytes(devlink(shown), "params.json", "devlink.param")


def flash(bundle: Bundle) -> list[tuple[str, str]]:
    return [(row.status, row.reason) for row in of_flash(bundle)]


def of_flash(bundle: Bundle) -> list[Coverage]:
    return [row for row in normalise(bundle).coverage if (row.device, row.plane) == (BDF, "nvconfig")]


def collected(*more: Record) -> Bundle:
    """Read the demo host without fwctl, and add what else was read of it."""
    records = Engine(ScenarioSource(load("no-fwctl"))).collect(selected())
    kept = [record for record in records if record.kind != "devlink.param"]
    return Bundle("sim", "sim:test", (*kept, *more), host="n07")


def read(kind: str, data: bytes, subject: str = BDF) -> Record:
    return Record(f"more-{kind}", kind, "law", subject, Answer(data), argv=(kind,))


def verdict(found: Comparison) -> tuple[str, int]:
    return judge(found.right, Baseline(found.judged, found.gaps, found.left)).host.status, len(found.differences)


@pytest.mark.parametrize(
    ("parameter", "word", "expected"),
    [
        ("cqe_compress_type", "balanced", ("CQE_COMPRESSION", 0, "BALANCED")),
        ("cqe_compress_type", "aggressive", ("CQE_COMPRESSION", 1, "AGGRESSIVE")),
        ("swp_l4_csum_mode", "default", ("SWP_L4_CHECKSUM_MODE", 0, "DEVICE_DEFAULT")),
        ("swp_l4_csum_mode", "full_csum", ("SWP_L4_CHECKSUM_MODE", 1, "FULL_CSUM")),
        ("swp_l4_csum_mode", "l4_only", ("SWP_L4_CHECKSUM_MODE", 2, "L4_ONLY")),
        ("swp_l4_csum_mode", "other", ("SWP_L4_CHECKSUM_MODE", "other", "other")),
    ],
)
def test_a_parameter_that_is_one_field_of_flash_is_that_field(
    parameter: str, word: str, expected: tuple[str, Value, str]
) -> None:
    items = PARSERS["devlink.param"].parse(devlink({parameter: word}).decode(), pasted({}).records[0])

    found = [
        (item.plane, item.name, facet.value, facet.label, facet.raw, name)
        for item in items
        if isinstance(item, Setting)
        for name, facet in item.facets
    ]

    assert found == [("nvconfig", *expected, word, "next")]


def test_a_host_of_which_only_devlink_tells_has_not_read_its_flash() -> None:
    assert flash(collected(read("devlink.param", devlink(SHOWN), "host"))) == [("partial", NO_FWCTL)]


def test_a_query_beside_devlink_has_read_the_flash() -> None:
    text = query({"CQE_COMPRESSION": ("BALANCED(0)", "BALANCED(0)", "AGGRESSIVE(1)")}, BDF)
    bundle = collected(read("devlink.param", devlink(SHOWN), "host"), read("mlxconfig.query", text.encode()))

    assert flash(bundle) == [("complete", "")]


def test_a_query_that_failed_is_the_reason_for_what_is_missing() -> None:
    answer = Answer(b"", Outcome.FAILED, "exit 3")
    failed = Record("more", "mlxconfig.query", "law", BDF, answer, argv=("mstconfig", "q"))
    bundle = collected(read("devlink.param", devlink(SHOWN), "host"), failed)

    assert flash(bundle) == [("partial", "mstconfig q: failed (exit 3)")]


def test_devlink_and_a_query_of_flash_agree_on_one_knob() -> None:
    text = query({"CQE_COMPRESSION": ("BALANCED(0)", "BALANCED(0)", "AGGRESSIVE(1)")}, BDF)
    snapshot = normalise(
        collected(read("devlink.param", devlink(SHOWN), "host"), read("mlxconfig.query", text.encode()))
    )

    found = [dict(row.facets) for row in snapshot.settings if row.name == "CQE_COMPRESSION"]

    values = [{name: facet.value for name, facet in facets.items()} for facets in found]
    assert (values, [row for row in snapshot.evidence if row.kind == "disagreement"]) == (
        [{"default": 0, "current": 0, "next": 1}],
        [],
    )


def test_a_pasted_answer_of_devlink_is_not_the_whole_flash() -> None:
    assert flash(pasted(SHOWN)) == [("partial", ONLY_DEVLINK)]


def test_two_pasted_answers_of_devlink_are_compared_for_what_they_hold() -> None:
    same = verdict(compare_bundles(pasted(SHOWN), pasted(SHOWN)))
    other = verdict(compare_bundles(pasted(SHOWN), pasted({**SHOWN, "total_vfs": 8})))
    less = verdict(compare_bundles(pasted(SHOWN), pasted({"total_vfs": 16})))

    assert (same, other, less) == (("supported", 0), ("changed", 1), ("undetermined", 0))


def test_what_devlink_does_not_show_of_flash_is_not_removed() -> None:
    rows = {"CQE_COMPRESSION": ("0", "0", "BALANCED(0)"), "NUM_OF_VFS": ("0", "8", "8")}
    text = from_bytes(query(rows, BDF).encode(), "q.txt", "mlxconfig.query")

    found = compare_bundles(text, pasted(SHOWN))

    assert [(row.name, row.facet, row.change) for row in found.differences if row.plane == "nvconfig"] == [
        ("CQE_COMPRESSION", "next", "changed")
    ]
