"""What a diff says beside the values: causes, renames, roles, severities, symptoms, and what it hides."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from fnmatch import fnmatchcase
from importlib import resources
from typing import Any, get_args

import jsonschema
import pytest

from sosmlx.cli import main
from sosmlx.diff.compare import Comparison, Filter, compare, compare_bundles
from sosmlx.diff.tables import severity, symptom
from sosmlx.diff.threeway import compare_bundles_from
from sosmlx.jsonio import dumps
from sosmlx.model import PLANES, SEVERITIES, Coverage, Device, Facet, Setting, SettingClass, Snapshot, SourceInfo, Value
from sosmlx.record import Bundle
from sosmlx.report.html import diff_page
from sosmlx.report.machine import diff_document
from sosmlx.report.text import diff_text
from sosmlx.report.view import diff_view
from sosmlx.sources.text import from_bytes
from tests.snapshots import query

BDF = "0000:3b:00.0"
Values = tuple[Value, Value, Value]


def flash(
    values: dict[str, Values], firmware: str = "28.39", psid: str = "MT_1", *, status: str = "complete"
) -> Snapshot:
    """Make a host with flash parameters: the factory's view, the current and the next one."""
    settings = [
        Setting(BDF, "nvconfig", name, "permanent", tuple(
            (facet, Facet(value, str(value))) for facet, value in zip(("default", "current", "next"), views)
        ))
        for name, views in values.items()
    ]  # fmt: skip
    device = Device(id=BDF, bdf=BDF, role="pf", running=firmware, psid=psid)
    return Snapshot(
        SourceInfo("bundle", "b", "h"),
        {"taint": 0},
        (device,),
        tuple(settings),
        (),
        (Coverage(BDF, "nvconfig", status),),
    )


def told(found: Comparison) -> list[tuple[str, str, str, str]]:
    return [(row.name, row.facet, row.cause, row.note) for row in found.differences]


def test_a_default_that_the_firmware_moved_is_told_from_a_set_value() -> None:
    left = flash({"MOVED": (0, 0, 0), "SET": (0, 0, 0), "BOTH": (0, 0, 0)})
    right = flash({"MOVED": (1, 1, 1), "SET": (0, 8, 8), "BOTH": (1, 8, 8)}, "28.43")

    found = compare(left, right)

    assert told(found) == [
        ("BOTH", "default", "moved with firmware", "the default differs"),
        ("BOTH", "current", "set", ""),
        ("BOTH", "next", "set", ""),
        ("MOVED", "default", "moved with firmware", "the default differs"),
        ("MOVED", "current", "moved with firmware", "the default differs"),
        ("MOVED", "next", "moved with firmware", "the default differs"),
        ("SET", "current", "set", ""),
        ("SET", "next", "set", ""),
    ]


def test_a_parameter_that_only_one_firmware_knows_came_or_went_with_it() -> None:
    found = compare(flash({"OLD": (0, 0, 0)}), flash({"NEW": (0, 0, 0)}, "28.43"))

    assert {(row.name, row.change, row.cause) for row in found.differences} == {
        ("NEW", "added", "introduced with firmware"),
        ("OLD", "removed", "gone with firmware"),
    }


@pytest.mark.parametrize(
    ("firmware", "psid", "why"),
    [
        ("28.39", "MT_1", "the firmware is the same"),
        ("28.43", "MT_2", "the PSIDs differ: MT_1, MT_2"),
        ("28.43", "", "the PSID of one side is not known"),
        ("", "MT_1", "the firmware of one side is not known"),
    ],
)
def test_a_cause_that_cannot_be_known_is_unknown_and_why(firmware: str, psid: str, why: str) -> None:
    found = compare(flash({"A": (0, 0, 0)}), flash({"A": (1, 1, 1)}, firmware, psid))

    causes = {(row.cause, row.note) for row in found.differences if row.plane == "nvconfig"}
    assert causes == {("unknown", f"the default differs, but {why}")}


def test_a_value_that_went_back_to_the_factory_s_is_said_to() -> None:
    found = compare(flash({"A": (0, 8, 8)}), flash({"A": (0, 0, 0)}))

    assert {(row.cause, row.note) for row in found.differences} == {("set", "back to the factory value")}


def test_the_causes_are_counted_by_setting_and_step_of_firmware() -> None:
    names = [f"P{n}" for n in range(5)]
    left = flash({**dict.fromkeys(names, (0, 0, 0)), "S": (0, 0, 0)})
    right = flash({**dict.fromkeys(names, (1, 1, 1)), "S": (1, 8, 8)}, "28.43")

    found = compare(left, right)

    assert found.causes.words == "of 6 settings that differ, 5 come from firmware 28.39 → 28.43, 1 was set"


def test_the_causes_are_said_before_the_values() -> None:
    found = compare(flash({"A": (0, 0, 0)}), flash({"A": (1, 1, 1)}, "28.43"))

    assert diff_text(diff_view(found)).split("\n")[3] == (
        "of 1 setting that differs, 1 comes from firmware 28.39 → 28.43"
    )


def text(values: dict[str, tuple[str, str, str]]) -> Bundle:
    return from_bytes(query({**values, "SRIOV_EN": ("True(1)",) * 3}).encode(), "t.txt")


def test_a_renamed_parameter_of_equal_value_is_no_difference() -> None:
    found = compare_bundles(
        text({"BOOT_RETRY_CNT": ("NONE(0)",) * 3}), text({"BOOT_RETRY_CNT1": ("NONE(0)",) * 3}), Filter(everything=True)
    )

    renamed = [(row.left, row.right) for row in found.renamed]
    assert (found.differences, found.gaps, found.scope, renamed) == (
        (),
        (),
        (),
        [("BOOT_RETRY_CNT", "BOOT_RETRY_CNT1")],
    )


@pytest.mark.parametrize("backwards", [False, True])
def test_a_renamed_parameter_of_another_value_is_one_change(backwards: bool) -> None:
    sides = [text({"HPCC_INT_EN": ("False(0)",) * 3}), text({"PCC_INT_EN": ("False(0)", "True(1)", "True(1)")})]

    found = compare_bundles(*reversed(sides) if backwards else sides)

    names = "PCC_INT_EN → HPCC_INT_EN" if backwards else "HPCC_INT_EN → PCC_INT_EN"
    back = "; back to the factory value" if backwards else ""
    assert told(found) == [("PCC_INT_EN", facet, "set", f"renamed: {names}{back}") for facet in ("current", "next")]


def test_a_side_that_has_both_names_has_no_renamed_parameter() -> None:
    both = text({"BOOT_RETRY_CNT": ("NONE(0)",) * 3, "BOOT_RETRY_CNT1": ("NONE(0)",) * 3})

    found = compare_bundles(text({"BOOT_RETRY_CNT1": ("NONE(0)",) * 3}), both)

    assert ([(row.name, row.change) for row in found.differences][:1], found.renamed) == (
        [("BOOT_RETRY_CNT", "added")],
        (),
    )


def role(name: str, *, status: str = "complete") -> Snapshot:
    device = Device(id=BDF, bdf=BDF, role=name)
    return Snapshot(
        SourceInfo("bundle", "b", "h"), {}, (device,), (), (), (Coverage(BDF, "pci", status, reason="denied"),)
    )


def test_a_function_with_another_role_is_said_to_have_it() -> None:
    found = compare(role("pf"), role("vfio-owned"))

    assert [(row.name, row.left and row.left.value, row.right and row.right.value, row.severity)
            for row in found.differences] == [("role", "pf", "vfio-owned", "high")]  # fmt: skip


def test_a_role_of_which_not_all_was_read_is_unknown() -> None:
    found = compare(role("vfio-owned"), role("pf", status="partial"))

    assert (found.differences, [(gap.side, gap.names) for gap in found.gaps]) == ((), [("right", ("role",))])


def test_a_role_that_was_not_seen_is_no_change() -> None:
    found = compare(role("pf"), role("other"))

    assert (found.differences, found.gaps) == ((), ())


def counters(values: dict[str, Value], boot: str = "b1", **more: Any) -> Snapshot:
    settings = [
        Setting(BDF, "ethtool", name, "", (("current", Facet(value, str(value))),), "counter")
        for name, value in values.items()
    ]
    device = Device(id=BDF, bdf=BDF, role="pf")
    coverage = (Coverage(BDF, "ethtool", "complete"),)
    return Snapshot(SourceInfo("bundle", "b", "h"), {"boot-id": boot}, (device,), tuple(settings), (), coverage, **more)


def rose(found: Comparison) -> list[tuple[str, int, str]]:
    return [(row.name, row.increase, row.note) for row in found.symptoms]


def test_counters_that_say_something_are_symptoms_where_they_rose() -> None:
    left = counters({"stats.rx_out_of_buffer": 5, "stats.rx_bytes": 1, "stats.rx_crc_errors_phy": 7, "stats.odd": "x"})
    right = counters({"stats.rx_out_of_buffer": 9, "stats.rx_bytes": 9, "stats.rx_crc_errors_phy": 7, "stats.odd": "y"})

    found = compare(left, right)

    assert (rose(found), found.differences, found.hidden_by) == (
        [("stats.rx_out_of_buffer", 4, "")], (), {"counter": 3},
    )  # fmt: skip


def test_a_counter_that_started_again_rose_from_nothing() -> None:
    found = compare(counters({"stats.rx_out_of_buffer": 50}), counters({"stats.rx_out_of_buffer": 9}))

    assert rose(found) == [("stats.rx_out_of_buffer", 9, "the counter started again")]


def test_a_counter_of_another_boot_rose_from_nothing() -> None:
    found = compare(counters({"stats.rx_out_of_buffer": 5}), counters({"stats.rx_out_of_buffer": 9}, "b2"))

    assert rose(found) == [("stats.rx_out_of_buffer", 9, "since another boot")]


def test_symptoms_leave_the_verdict_as_it_is() -> None:
    found = compare(counters({"stats.rx_out_of_buffer": 5}), counters({"stats.rx_out_of_buffer": 9}))

    same = compare(counters({"stats.rx_out_of_buffer": 5}), counters({"stats.rx_out_of_buffer": 5}))
    assert diff_view(found).sentence == diff_view(same).sentence


def test_symptoms_follow_what_the_reader_asked_for() -> None:
    sides = counters({"stats.rx_out_of_buffer": 5}), counters({"stats.rx_out_of_buffer": 9})

    assert compare(*sides, Filter(planes=("nvconfig",))).symptoms == ()


def test_what_is_hidden_is_counted_by_kind() -> None:
    def side(value: int) -> Snapshot:
        classes: dict[str, tuple[str, SettingClass]] = {
            "a": ("net", "config"), "b": ("net", "counter"), "c": ("net", "volatile"), "d": ("dcb", "config"),
            "e": ("net", "config"),
        }  # fmt: skip
        settings = tuple(
            Setting(BDF, plane, name, "", (("current", Facet(value, str(value))),), cls)  # type: ignore[arg-type]
            for name, (plane, cls) in classes.items()
        )
        coverage = tuple(Coverage(BDF, plane, "complete") for plane in ("net", "dcb"))
        return Snapshot(SourceInfo("bundle", "b", "h"), {}, (Device(BDF, BDF, role="pf"),), settings, (), coverage)

    found = compare(side(1), side(2), Filter(planes=("net",), ignore=("e",)))

    assert ([row.name for row in found.differences], found.hidden_by) == (
        ["a"], {"counter": 1, "ignored": 1, "other planes": 1, "volatile": 1},
    )  # fmt: skip


def test_what_was_captured_on_one_side_only_is_counted_before_the_values() -> None:
    left = flash({"A": (0, 0, 0)})
    extra = Setting(BDF, "dcb", "pfc", "", (("current", Facet(1, "1")),))
    right = replace(flash({"A": (0, 8, 8)}), settings=(*flash({"A": (0, 8, 8)}).settings, extra))

    lines = diff_text(diff_view(compare(left, right))).split("\n")

    assert lines[2].endswith("; 1 captured on one side only")


def test_two_devices_that_carry_one_identity_are_said_to() -> None:
    twins = tuple(Device(id=bdf, bdf=bdf, role="pf", serial="S1", asic="A1") for bdf in (BDF, "0000:5e:00.0"))
    side = Snapshot(SourceInfo("bundle", "b", "h"), {}, twins)

    found = compare(side, replace(side, devices=twins[:1]))

    assert found.notes == (
        "left: 0000:3b:00.0, 0000:5e:00.0 carry one identity (serial S1, ASIC A1), matched by weaker evidence",
    )


@pytest.mark.parametrize(
    ("plane", "name", "cls", "facet", "cause", "expected"),
    [
        ("nvconfig", "LINK_TYPE_P1", "config", "current", "set", "high"),
        ("nvconfig", "LINK_TYPE_P1", "config", "default", "moved with firmware", "low"),
        ("nvconfig", "NUM_OF_VFS", "config", "next", "set", "medium"),
        ("nvconfig", "NUM_OF_VFS", "config", "default", "unknown", "low"),
        ("kernel", "taint", "evidence", "current", "unknown", "high"),
        ("ethtool", "stats.rx_bytes", "counter", "current", "unknown", "info"),
    ],
)
def test_a_severity_is_the_first_row_of_the_table_that_matches(
    plane: str, name: str, cls: str, facet: str, cause: str, expected: str
) -> None:
    assert severity(plane, name, cls, facet, cause) == expected


def table(name: str, key: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads((resources.files("sosmlx.data") / f"{name}.json").read_text("utf-8"))[key]
    return rows


def test_every_class_has_a_severity_of_its_own() -> None:
    last = {row["class"] for row in table("severity", "severities") if set(row) == {"class", "severity", "why"}}

    assert last == set(get_args(SettingClass))


def test_the_tables_speak_of_planes_and_severities_that_there_are() -> None:
    rows = [*table("aliases", "aliases"), *table("symptoms", "symptoms"), *table("severity", "severities")]

    words = {row["plane"] for row in rows if "plane" in row} - set(PLANES)
    assert (words, {row["severity"] for row in rows if "severity" in row} <= set(SEVERITIES)) == (set(), True)


def test_every_alias_and_symptom_has_a_source() -> None:
    rows = [*table("aliases", "aliases"), *table("symptoms", "symptoms")]

    assert [row for row in rows if not row["source"].strip()] == []


def test_no_symptom_is_behind_another_that_matches_first() -> None:
    rows = table("symptoms", "symptoms")

    names = [(row["plane"], row["name"].replace("*", "")) for row in rows]
    assert [n for n, row in zip(names, rows) if symptom(*n) not in ("", row["meaning"])] == []


def test_no_name_is_old_and_new() -> None:
    rows = table("aliases", "aliases")

    assert {row["old"] for row in rows} & {row["new"] for row in rows} == set()


def test_the_new_names_are_those_of_the_catalogue_where_it_has_them() -> None:
    catalogue = (resources.files("sosmlx.data") / "nvparams.csv").read_text("utf-8").split("\n")
    known = {line.split(",")[6] for line in catalogue[1:] if line}

    assert [row["old"] for row in table("aliases", "aliases") if row["old"] in known] == []


def test_the_names_of_symptoms_are_globs_that_end_somewhere() -> None:
    assert [row["name"] for row in table("symptoms", "symptoms") if fnmatchcase("", row["name"])] == []


def test_a_base_is_a_source_of_the_command(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    paths = []
    for name, value in (("base", "8"), ("left", "8"), ("right", "16")):
        path = tmp_path / f"{name}.txt"
        path.write_text(query({"NUM_OF_VFS": ("0", value, value), "SRIOV_EN": ("True(1)",) * 3}))
        paths.append(str(path))

    code = main(["diff", *paths[1:], "--base", paths[0], "--format", "json"])

    document = json.loads(capsys.readouterr().out)
    rows = [(row["name"], row["facet"], row["moved"], row["base"]["value"]) for row in document["differences"]]
    assert (code, rows, document["base"]["path"]) == (
        1, [("NUM_OF_VFS", "current", "right", 8), ("NUM_OF_VFS", "next", "right", 8)], paths[0],
    )  # fmt: skip


def three_way() -> Comparison:
    texts = [text({"NUM_OF_VFS": ("0", a, a), "PF_TOTAL_SF": ("0", b, b), "TX_RATE_X": ("0", c, c)})
             for a, b, c in (("8", "1", "0"), ("16", "1", "4"), ("32", "2", "4"))]  # fmt: skip
    return compare_bundles_from(texts[0], texts[1], texts[2])


def test_a_diff_with_a_base_is_a_valid_document() -> None:
    schema = json.loads((resources.files("sosmlx.data") / "schemas" / "diff.json").read_text("utf-8"))

    document = json.loads(dumps(diff_document(three_way())))

    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(document)] == []


def test_a_text_says_who_moved_and_from_what() -> None:
    lines = diff_text(diff_view(three_way())).split("\n")

    rows = [" ".join(line.split()) for line in lines if "base 8" in line]
    assert rows == ["NUM_OF_VFS current, next 16 → 32 both moved: conflict; base 8; set"]


def test_the_sides_and_what_they_agree_on_are_counted() -> None:
    view = diff_view(three_way())

    assert (view.three_way, [line.name for group in view.agreed for line in group.lines]) == (
        "from the base: 2 right moved, 2 both moved: conflict, 2 both moved alike", ["TX_RATE_X"],
    )  # fmt: skip


def test_a_page_with_a_base_names_each_place_once() -> None:
    html = diff_page(diff_view(three_way()))

    ids = re.findall(r'id="([^"]+)"', html)
    heads = ('<th scope="col">Base</th>' in html, "both moved: conflict" in html)
    assert (len(ids) - len(set(ids)), heads) == (0, (True, True))


def test_a_base_that_could_not_be_read_leaves_no_clean_answer(tmp_path: Any) -> None:
    for name, content in (("side", query({"NUM_OF_VFS": ("0", "8", "8")})), ("base", "-E- No devices found\n")):
        (tmp_path / f"{name}.txt").write_text(content)
    side, base = str(tmp_path / "side.txt"), str(tmp_path / "base.txt")

    assert (main(["diff", side, side]), main(["diff", side, side, "--base", base])) == (0, 3)


def test_what_the_firmware_moved_is_folded_in_the_page_with_its_number_visible() -> None:
    left = flash({"A": (0, 0, 0), "B": (0, 0, 0)})
    right = flash({"A": (1, 1, 1), "B": (0, 0, 8)}, "28.43")

    view = diff_view(compare(left, right))

    assert re.findall(r'<details class="group"( open|)>.*?<code>([AB])</code>', diff_page(view), re.DOTALL) == [
        (" open", "B"), ("", "A"),
    ]  # fmt: skip
    assert "1 moved with the firmware" in diff_page(view)
