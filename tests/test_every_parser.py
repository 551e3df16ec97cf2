"""What every parser must keep: its fixtures, its one exception, and every line that it was given."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.errors import ParseError
from sosmlx.model import Item, Setting
from sosmlx.normalise import normalise
from sosmlx.parsers import PARSERS, UNKNOWN
from sosmlx.parsers.recognise import recognise
from sosmlx.parsers.ticket import clean, decode
from sosmlx.record import Answer, Record
from sosmlx.sources.text import from_bytes
from tests import fixtures, registers

CASES = fixtures.cases()
KINDS = sorted(PARSERS)


def items(kind: str, text: str, name: str = "fixture") -> list[Item]:
    try:
        return list(PARSERS[kind].parse(text, fixtures.record(kind, name)))
    except ParseError:
        return []


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_fixture_yields_what_is_expected(kind: str, name: str) -> None:
    expected = (fixtures.TEXTS / kind / f"{name}.expected.json").read_text(encoding="utf-8")

    assert fixtures.parsed(kind, name) == expected


@pytest.mark.parametrize(("folder", "case"), registers.cases())
def test_a_fixture_of_firmware_answers_yields_what_is_expected(folder: str, case: str) -> None:
    expected = (registers.FOLDER / folder / f"{case}.expected.json").read_text(encoding="utf-8")

    assert registers.parsed(folder, case) == expected


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != UNKNOWN])
def test_every_kind_has_a_fixture(kind: str) -> None:
    held = registers.kinds() if PARSERS[kind].together else {case_kind for case_kind, _ in CASES}

    assert kind in held


@pytest.mark.parametrize(
    ("kind", "name"), [case for case in CASES if PARSERS[case[0]].head or PARSERS[case[0]].members]
)
def test_a_fixture_is_recognised_as_its_kind(kind: str, name: str) -> None:
    assert recognise(fixtures.text(kind, name), name) == kind


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_no_line_of_a_fixture_is_lost(kind: str, name: str) -> None:
    text = fixtures.text(kind, name)

    assert list(fixtures.lines_lost(text, items(kind, text, name))) == []


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.one_of(st.text(), st.binary().map(decode), st.text(alphabet="{}[]:,\"'0123456789abc \n\t-*>#")))
def test_any_text_is_parsed_or_refused(kind: str, text: str) -> None:
    found = items(kind, clean(text))

    assert all(isinstance(item, tuple) for item in found)


SUBJECTS = st.sampled_from(["host", "", "/", "0000:3b:00.0", "0000:3b:00.0/", "0000:3b:00.0/eth0", "//x", "\n"])
READS = st.builds(
    Record,
    st.just("1"),
    st.just(""),
    st.just("law"),
    SUBJECTS,
    st.just(Answer()),
    st.lists(st.sampled_from(["", "-", "ethtool", "/usr/bin/devlink", "-k", "eth0", "dev", "=", "é"])).map(tuple),
    st.one_of(st.sampled_from(["", "/", "x", "/x", "//", "x/", "/a/b/"]), st.text(alphabet="/ab.:\n", max_size=8)),
)


@pytest.mark.parametrize("kind", KINDS)
@given(read=READS, seed=st.integers(0, 2**32))
def test_any_read_is_parsed_or_refused(kind: str, read: Record, seed: int) -> None:
    texts = ["", "x", "1\n2", "a: b\n", *(fixtures.text(*case) for case in CASES if case[0] == kind)]

    try:
        found = list(PARSERS[kind].parse(random.Random(seed).choice(texts), replace(read, kind=kind)))
    except ParseError:
        found = []

    assert fixtures.render(found)


@pytest.mark.parametrize(("kind", "name"), CASES)
@given(seed=st.integers(0, 2**32))
def test_a_mutated_fixture_is_parsed_or_refused_and_invents_no_value(kind: str, name: str, seed: int) -> None:
    text = mutated(fixtures.text(kind, name), random.Random(seed))

    found = items(kind, text, name)

    raws = [facet.raw for item in found if isinstance(item, Setting) for _, facet in item.facets if facet.raw]
    squeezed = squeeze(text) + squeeze(text.replace("null", "none"))
    assert (fixtures.render(found) != "", [raw for raw in raws if squeeze(raw) not in squeezed]) == (True, [])


WRONG = ["\x00", "\x1b[2J", "é", "\t", ":", " = ", "{", "²", "9" * 5000, "(02)", "0x" + "f" * 5000]


def squeeze(text: str) -> str:
    """Leave out what a notation may change between an input and a raw value: blanks, quotes, and the case of true."""
    return "".join(text.split()).replace('"', "").replace("'", "").lower()


def mutated(text: str, chance: random.Random) -> str:
    """Cut, double, shuffle, re-wrap or mangle a text as tickets do."""
    lines = text.split("\n")
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(lines))
        kind = chance.randrange(6)
        if kind == 0:
            lines = lines[:at] or [""]
        elif kind == 1:
            lines.insert(at, lines[at])
        elif kind == 2:
            chance.shuffle(lines)
        elif kind == 3:
            cut = chance.randrange(len(lines[at]) + 1)
            lines[at : at + 1] = [lines[at][:cut], lines[at][cut:]]
        elif kind == 4:
            del lines[at]
            lines = lines or [""]
        else:
            cut = chance.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:cut] + chance.choice(WRONG) + lines[at][cut:]
    return "\n".join(lines)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_snapshot_of_any_text_holds_every_line(kind: str, name: str) -> None:
    lost = []
    for seed in range(6):
        text = mutated(fixtures.text(kind, name), random.Random(seed)) if seed else fixtures.text(kind, name)
        pasted = from_bytes(text.encode("utf-8", "replace"), name, kind)
        shown = normalise(pasted)
        lost += fixtures.lines_lost(clean(text), [*shown.settings, *shown.evidence, *shown.unparsed])

    assert lost == []
