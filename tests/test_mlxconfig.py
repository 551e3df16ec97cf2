"""What a query's rows prove: a row is a row, what was cut is unknown, and what people write is no setting."""

from __future__ import annotations

import pytest

from sosmlx.model import Evidence, Item, Setting, Unparsed, Value
from sosmlx.parsers.mlxconfig import parse, sections
from sosmlx.parsers.recognise import recognise
from sosmlx.parsers.spec import ELIDED
from tests import fixtures
from tests.snapshots import query

THREE = {"NUM_OF_VFS": ("0", "8", "16"), "SRIOV_EN": ("False(0)", "True(1)", "True(1)")}
ONE = "Device #1:\n\nDevice type:  ConnectX6DX\nDevice:  3b:00.0\n\nConfigurations:      Next Boot\n"
FOOTER = "The '*' shows parameters with next value different from default/current value.\n"


def items(text: str) -> list[Item]:
    return list(parse(text, fixtures.record("mlxconfig.query", "pasted")))


def settings(text: str) -> dict[str, Value]:
    return {item.name: item.facets[-1][1].value for item in items(text) if isinstance(item, Setting)}


def elided(text: str) -> bool:
    return any(isinstance(item, Evidence) and item.kind == ELIDED for item in items(text))


def unknown(text: str) -> list[str]:
    return [item.text.strip() for item in items(text) if isinstance(item, Unparsed)]


@pytest.mark.parametrize(
    "row",
    [
        "        PF_LOG_BAR_SIZE                             5   ",
        "        PF_LOG_BAR_SIZE",
        "        PF_LOG_B",
        "*       SRI",
        "PF",
        "        LINK_TYPE_P1                                ETH(2)               ETH(2)               ET",
        "        LINK_TYPE_P1                                ETH(2)               ETH(2)               ETH(2",
        "        PF_LOG_BAR_SIZE      5      5      5     <-- this one",
    ],
)
def test_a_row_that_was_cut_proves_nothing_about_missing_names(row: str) -> None:
    text = query(THREE) + row

    assert (settings(text), elided(text), unknown(text)) == ({"NUM_OF_VFS": 16, "SRIOV_EN": True}, True, [row.strip()])


def test_a_whole_query_has_nothing_cut() -> None:
    assert [elided(query(THREE)), elided(query(THREE) + FOOTER)] == [False, False]


@pytest.mark.parametrize(
    "rows",
    [
        "        NUM_OF_VFS      8\n",
        "*       NUM_OF_VFS      0      8\n",
        "*       NUM_OF_VFS      0      4      8\n        SRIOV_EN        True(1)  True(1)  True(1)\n",
        "NUM_OF_VFS      8\n        SRIOV_EN      True(1)\n",
        "[root@n07 ~]# mlxconfig -d 3b:00.0 q | grep VFS\n*       NUM_OF_VFS      0      8\n",
    ],
)
def test_rows_without_a_head_are_recognised_and_prove_nothing_about_missing_names(rows: str) -> None:
    assert (recognise(rows), settings(rows)["NUM_OF_VFS"], elided(rows)) == ("mlxconfig.query", 8, True)


@pytest.mark.parametrize(
    "chatter",
    [
        "OK thanks",
        "FYI we changed this",
        "THIS is it",
        "P1 broken",
        "NUM_OF_VFS changed",
        "NUM_OF_VFS 9",
        "PLEASE   help",
    ],
)
@pytest.mark.parametrize("head", [ONE, query({})], ids=["one column", "three columns"])
def test_what_people_write_below_the_rows_is_no_setting(head: str, chatter: str) -> None:
    text = f"{head}        SRIOV_EN             {'True(1)    ' * (1 if head == ONE else 3)}\n{chatter}\n"

    assert (settings(text), unknown(text)) == ({"SRIOV_EN": True}, [chatter])


def test_after_the_footer_nothing_is_a_row_until_the_next_head() -> None:
    after = "        PF_LOG_BAR_SIZE      5      5      6\n"
    text = query(THREE) + FOOTER + after + query({"LOG_X_Y": ("1", "1", "1")}, number=2)

    assert (sorted(settings(text)), unknown(text)) == (["LOG_X_Y", "NUM_OF_VFS", "SRIOV_EN"], [after.strip()])


def test_a_ticket_that_made_every_run_of_blanks_one_keeps_its_rows() -> None:
    text = "\n".join(" ".join(line.split()) for line in query(THREE).split("\n"))

    assert settings(text) == {"NUM_OF_VFS": 16, "SRIOV_EN": True}


def test_two_spellings_of_one_address_are_one_device() -> None:
    text = query(THREE, "3b:00.0") + query(THREE, "0000:3b:00.0", 2) + query(THREE, "0001:3b:00.0", 3)

    devices = [item.device for item in items(text) if isinstance(item, Setting)]

    assert [*dict.fromkeys(devices)] == ["0000:3b:00.0", "0001:3b:00.0"]
    assert [section.key for section in sections(text)] == ["0000:3b:00.0", "0000:3b:00.0", "0001:3b:00.0"]


@pytest.mark.parametrize("number", ["02", "-3", "0x10", "9" * 40])
def test_an_enumerated_value_has_its_number(number: str) -> None:
    text = f"{ONE}        LINK_TYPE_P1     ETH({number})\n"

    assert settings(text) == {"LINK_TYPE_P1": int(number, 16) if "x" in number else int(number)}


@pytest.mark.parametrize("value", [f"ETH({'9' * 41})", f"ETH({'9' * 5000})", "9" * 5000, f"E(0x{'f' * 5000})"])
def test_a_number_that_no_device_has_stays_text(value: str) -> None:
    assert settings(f"{ONE}        LINK_TYPE_P1     {value}\n") == {"LINK_TYPE_P1": value}


def test_many_unknown_lines_are_kept_in_blocks_with_their_numbers() -> None:
    text = query(THREE) + "x\n\n" * 3000
    lines = text.split("\n")

    kept = [(item.line, item.text) for item in items(text) if isinstance(item, Unparsed)]

    assert len(kept) < 1010
    assert all(lines[line - 1 + at] == row for line, rows in kept for at, row in enumerate(rows.split("\n")))
    assert sum(rows.count("x") for _, rows in kept) == 3000


SLOW = {
    "device": "Device #" * 60_000, "dots": "." * 200_000 + "x", "blanks": " " * 200_000 + "y",
    "description": f"Description:{' ' * 200_000}y", "many lines": "x\n" * 500_000, "stars": "*\n" * 100_000,
    "heads": "".join(f"Device #{number}:\n" for number in range(20_000)),
}  # fmt: skip


@pytest.mark.parametrize("shape", SLOW)
def test_a_long_text_of_any_shape_is_read_and_kept(shape: str) -> None:
    text = query(THREE) + SLOW[shape] + "\n"

    assert list(fixtures.lines_lost(text, items(text))) == []
