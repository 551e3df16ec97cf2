"""Several outputs in one paste are told apart, and one output is never torn."""

from __future__ import annotations

import time

import pytest

from sosmlx.parsers import PARSERS
from sosmlx.parsers.recognise import JSON, recognise
from sosmlx.sources.split import BROAD, MESSAGE, split
from tests import fixtures


def _is_document(kind: str, name: str) -> bool:
    text = fixtures.text(kind, name)
    return bool(PARSERS[kind].members and JSON.match(text)) and recognise(text) == kind


TEXTS = {
    (kind, name): fixtures.text(kind, name)
    for kind, name in fixtures.cases()
    if PARSERS[kind].head is not None and not JSON.match(fixtures.text(kind, name))
}
FIRSTS = {
    kind: text for (kind, _), text in sorted(TEXTS.items(), reverse=True) if "# " not in text and "$ " not in text
}


@pytest.mark.parametrize("case", TEXTS, ids="/".join)
def test_one_output_stays_one(case: tuple[str, str]) -> None:
    kinds = {part.kind for part in split(TEXTS[case], case[1])}

    assert (kinds == {case[0]}) or "# " in TEXTS[case] or "$ " in TEXTS[case]


@pytest.mark.parametrize("case", TEXTS, ids="/".join)
def test_no_character_is_lost(case: tuple[str, str]) -> None:
    assert "".join(part.text for part in split(TEXTS[case], case[1])) == TEXTS[case]


UNSURE = BROAD | {MESSAGE, "rdma.system", "dcb.dcbx", "cma_roce_mode.show"}
"""Outputs of a line or two that may be part of almost any other output."""


def kinds_of(paste: str) -> list[str | None]:
    """Name the kinds of a paste in order, one word where the same kind goes on."""
    kinds = [part.kind for part in split(paste)]
    return [kind for number, kind in enumerate(kinds) if number == 0 or kinds[number - 1] != kind]


@pytest.mark.parametrize("first", FIRSTS)
@pytest.mark.parametrize("between", ["\n[root@n07 ~]# ethtool -x y\n", "\n\n"], ids=["prompt", "blank line"])
def test_two_outputs_are_two(first: str, between: str) -> None:
    wrong = []
    for second, text in FIRSTS.items():
        if first == second or {first, second} & UNSURE or (between == "\n\n" and _ambiguous(first, second)):
            continue
        kinds = kinds_of(f"{FIRSTS[first].rstrip()}{between}{text}")
        if kinds != [first, second]:
            wrong.append((second, kinds))

    assert wrong == []


def _ambiguous(first: str, second: str) -> bool:
    """Pairs that only a prompt can tell apart: a bare handle, or the wider of two kinds of one tool."""
    return {kind.partition(".")[0] for kind in (first, second)} in ({"devlink"}, {"ip"})


JSONS = {kind: fixtures.text(kind, name).strip() for kind, name in fixtures.cases() if _is_document(kind, name)}


def test_json_documents_one_after_the_other_are_told_apart() -> None:
    paste = "\n".join([*JSONS.values(), "kernel answers: Operation not supported"])

    kinds = [part.kind for part in split(paste)]

    assert kinds == [*JSONS, MESSAGE]


DOCUMENT = fixtures.text("mlxconfig.query", "json").strip()
AROUND = {
    "prompt": ("[root@n07 ~]# mlxconfig -d 3b:00.0 -e --json q\n", "\n[root@n07 ~]# \n"),
    "fence": ("```\n", "\n```\n"),
    "noformat": ("{noformat}\n", "\n{noformat}\n"),
    "chatter": ("Hello,\nsee below [1]:\n\n", "\n\nRegards {Jo}\n"),
    "indented": ("Here:\n   ", "\n"),
}


@pytest.mark.parametrize("around", AROUND)
def test_a_document_among_other_lines_is_found(around: str) -> None:
    before, after = AROUND[around]

    parts = split(before + DOCUMENT + after)

    assert [part.kind for part in parts if part.kind] == ["mlxconfig.query"]
    assert [part.text.strip() for part in parts if part.kind] == [DOCUMENT]
    assert "".join(part.text for part in parts) == before + DOCUMENT + after


def test_documents_below_prompts_are_told_apart_from_texts() -> None:
    prompt = "[root@n07 ~]# ethtool x\n"
    documents = {kind: text for kind, text in JSONS.items() if not kind.startswith("devlink.")}
    paste = prompt + f"\n{prompt}".join([*documents.values(), TEXTS["ethtool.rings", "demo-host"]])

    assert [kind for kind in kinds_of(paste) if kind] == [*documents, "ethtool.rings"]


@pytest.mark.parametrize("piece", ["{\n", "[\n", '{"a":\n', '[{"a": 1},\n', "[1]\n", '{"a": {}}\n'])
def test_many_brackets_are_no_burden(piece: str) -> None:
    begun = time.process_time()
    split("Hello\n" + piece * (200_000 // len(piece)))

    assert time.process_time() - begun < 2
