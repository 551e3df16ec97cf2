"""What the readers of firmware answers keep: their fixtures, every record, and that nothing is invented."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.model import Evidence, Fact, Item, Setting, Unparsed
from sosmlx.parsers.firmware import ACTIVE, TABLE, TOKENS, state
from sosmlx.parsers.spec import Parser
from sosmlx.record import Answer, Outcome, Record
from tests import fixtures, registers

CASES = registers.cases(state)
KINDS = [parser.kind for parser in TABLE]
FAILURES = [outcome for outcome in Outcome if outcome not in (Outcome.COLLECTED, Outcome.TRUNCATED)]


def rows(items: list[Item]) -> list[str]:
    return sorted(json.dumps(json.loads(fixtures.render([item]))) for item in items)


def settings(*records: Record) -> dict[str, object]:
    return {
        f"{item.name}.{name}": facet.value
        for item in state(records)
        if isinstance(item, Setting)
        for name, facet in item.facets
    }


def test_every_kind_is_in_a_fixture() -> None:
    found = {record.kind for folder, case in CASES for record in registers.records(folder, case) if record.has_bytes}

    assert found == set(KINDS)


@pytest.mark.parametrize(("folder", "case"), CASES)
def test_every_item_names_the_record_that_it_comes_from(folder: str, case: str) -> None:
    records = registers.records(folder, case)

    found = {item.record for item in state(records) if not isinstance(item, Fact)}

    assert found <= {record.id for record in records if record.has_bytes}


@pytest.mark.parametrize(("folder", "case"), CASES)
@given(seed=st.integers(0, 2**32))
def test_the_order_of_the_answers_changes_nothing(folder: str, case: str, seed: int) -> None:
    records = registers.records(folder, case)
    mixed = random.Random(seed).sample(records, len(records))

    assert rows(list(state(mixed))) == rows(list(state(records)))


@pytest.mark.parametrize("outcome", FAILURES)
def test_a_read_that_gave_nothing_yields_nothing(outcome: Outcome) -> None:
    failed = [
        replace(record, answer=replace(record.answer, outcome=outcome))
        for folder, case in CASES
        for record in registers.records(folder, case)
    ]

    assert list(state(failed)) == []


@pytest.mark.parametrize(("folder", "case"), CASES)
@given(data=st.data())
def test_any_damage_to_an_answer_is_survived(folder: str, case: str, data: st.DataObject) -> None:
    records = registers.records(folder, case)
    at = data.draw(st.integers(0, len(records) - 1))
    raw = bytearray(records[at].data)
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=4)) if raw else []:
        raw[place] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    records[at] = replace(records[at], answer=replace(records[at].answer, data=cut))

    assert fixtures.render(list(state(records)))


@pytest.mark.parametrize("parser", TABLE, ids=lambda parser: parser.kind)
@given(raw=st.binary(max_size=200))
def test_any_bytes_alone_are_read_as_they_are_read_together(parser: Parser, raw: bytes) -> None:
    record = Record("1", parser.kind, "fwctl", registers.BDF, Answer(raw))

    assert list(parser.parse(raw.decode("latin-1"), record)) == list(state([record]))


@given(st.integers(0, 15), st.integers(0, 63))
def test_a_token_is_active_only_by_its_status(status: int, more: int) -> None:
    answer = registers.told("MDSR", {"type_of_token": 0}, {"status": status, "additional_info": more})

    found = list(state([answer]))

    high = [item for item in found if isinstance(item, Evidence) and item.severity == "high"]
    value = settings(answer)["token.CS.current"]
    assert (bool(high), value in (status, None), value == ACTIVE) == (status == ACTIVE, True, status == ACTIVE)


def test_every_token_type_has_a_name_of_its_own() -> None:
    answers = [registers.told("MDSR", {"type_of_token": kind}, {"status": 3}) for kind in TOKENS]

    assert settings(*answers) == {f"token.{name}.current": 3 for name in TOKENS.values()}


@pytest.mark.parametrize(("additional", "told"), [(0, True), (1, True), (2, True), (4, False), (5, False)])
def test_a_status_of_zero_says_nothing_where_the_host_may_not_ask(additional: int, told: bool) -> None:
    answer = registers.told("MDSR", {"type_of_token": 0}, {"status": 0, "additional_info": additional})

    assert settings(answer) == {"token.CS.current": 0 if told else None}


def test_the_version_is_that_of_the_wide_fields() -> None:
    wide = {"fw_info.extended_major": 22, "fw_info.extended_minor": 43, "fw_info.extended_sub_minor": 2566}
    narrow = {"fw_info.major": 22, "fw_info.minor": 43, "fw_info.sub_minor": 2566 & 0xFF}

    assert settings(registers.told("MGIR", {}, {**wide, **narrow}))["fw.version.running"] == "22.43.2566"


@pytest.mark.parametrize(("low", "high", "word"), [(1, 0, "GA_SECURED"), (3, 0, "RMA"), (0, 1, "PRE_PRODUCTION")])
def test_the_life_cycle_is_put_together_from_both_fields(low: int, high: int, word: str) -> None:
    answer = registers.told("MGIR", {}, {"fw_info.life_cycle": low, "fw_info.life_cycle_msb": high})

    found = [item for item in state([answer]) if isinstance(item, Setting) and item.name == "mgir.life_cycle"]

    assert [item.facets[0][1].label for item in found] == [word]


def test_an_identity_of_zeros_is_none() -> None:
    found = list(state([registers.told("MGIR", {}, {})]))

    assert [item for item in found if isinstance(item, Fact)] == []


def test_a_truncated_answer_says_what_it_holds_and_is_not_told_twice() -> None:
    whole = registers.told("MGIR", {}, {"fw_info.debug": 1, "fw_info.extended_major": 22})
    cut = replace(whole, answer=replace(whole.answer, data=whole.data[:60], outcome=Outcome.TRUNCATED))

    found = list(state([cut]))

    unread = [item for item in found if isinstance(item, Unparsed)]
    assert (settings(cut)["mgir.debug.current"], "fw.version.running" in settings(cut), unread) == (True, False, [])


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60))
def test_a_string_that_comes_in_pieces_is_whole_again(text: str) -> None:
    raw = text.encode()
    answers = []
    for at in range(0, len(raw), 8):
        piece = raw[at : at + 8]
        said: dict[str, int | tuple[int, ...]] = {"info_length": len(raw), "info_string": (*piece.ljust(8, b"?"),)}
        asked = {"info_type": 1, "read_offset": at, "read_length": len(piece)}
        answers.append(registers.told("MQIS", asked, said))

    assert settings(*answers) == {"part-number.current": text}
