"""Visibility expressions: what they mean, and that no text does anything but mean something or nothing."""

from __future__ import annotations

import operator
from typing import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.fwctl.expression import DEEPEST, LONGEST, holds

VALUES = {"a.b": 1, "a.c": 0, "t.d": 6}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$a.b==1", True),
        ("a.b == 1", True),
        ("a.b != 1", False),
        ("$d==6", True),
        ("$d>6", False),
        ("$d>=6&&$d<=6", True),
        ("$d<6||$d>5", True),
        ("(a.c == 1) or (a.b == 1)", True),
        ("a.b == 0 or a.b == 1 and a.c == 1", False),
        ("$a.c?$a.b==0:$a.b==1", True),
        ("$a.b?0:$a.c?0:1", False),
        ("2+3*4==14", True),
        ("10-4-3==3", True),
        ("16/4/2==2", True),
        ("7/2==3.5", True),
        ("2^3^2==512", True),
        ("-2^2==-4", True),
        ("2^-1==0.5", True),
        ("log2($d+2)==3", True),
        ("BitwiseOr(4,3)==7", True),
        ("BitwiseAnd($d,0x2)==2", True),
        ("1<2<2", True),
        ("$a.c==0?1:log2($d/$a.c)", True),
        ("$d/$a.c>1000000", True),
        ("log2(0)<0", True),
        ("10^400>0", True),
        ("ignore_dependency", True),
        (" Ignore_Dependency ", True),
        ("always", True),
        ("42", True),
        ("0x0", False),
        ("$d - 6", False),
    ],
)
def test_an_expression_means_what_the_vendors_parser_makes_of_it(text: str, expected: bool) -> None:
    found = holds(text, "t", VALUES)

    assert found is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a.x == 1",
        "$x==1",
        "a.b == 1 or a.x == 1",
        "a.b ==",
        "== 1",
        "(a.b == 1",
        "a.b == 1)",
        "a.b 1",
        "a.b = 1",
        "!a.b",
        "a.b ? 1",
        "sqrt(4)",
        "log2(1,2)",
        "BitwiseOr(1)",
        "log2()",
        "0/0",
        "log2(0-1)",
        "(0-8)^0.5",
        "BitwiseAnd(1/0,1)",
        "__import__('os')",
        "a.b; a.b",
        "1" * (LONGEST + 1),
        "0x1g",
        "1.2.3",
    ],
)
def test_what_is_no_answer_is_unknown(text: str) -> None:
    found = holds(text, "t", VALUES)

    assert found is None


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("-", ""), ("2^", ""), ("1?", ":1"), ("log2(", ")")])
def test_nesting_is_bounded(opening: str, closing: str) -> None:
    found = [holds(opening * depth + "1" + closing * depth, "t", {}) for depth in (DEEPEST + 1, 900)]

    assert found == [None, None]


def test_what_stands_side_by_side_is_not_nested() -> None:
    found = holds("(a.b == 1) and " * 100 + "(a.b == 1)", "t", VALUES)

    assert found is True


def test_a_chain_of_operators_may_be_as_long_as_the_text() -> None:
    found = holds("a.b == 1 or " * 300 + "a.b == 1", "t", VALUES)

    assert found is True


SIGNS = st.lists(
    st.sampled_from(
        [*"+-*/^()?:,<>", "==", "!=", "&&", "||", "and", "or", "log2(", "BitwiseOr(", "$a.b", "x.y", "7", "0x1F"]
    )
).map(" ".join)


@given(st.one_of(st.text(max_size=200), SIGNS))
def test_any_text_gives_true_false_or_unknown(text: str) -> None:
    found = holds(text, "t", VALUES)

    assert found in (True, False, None)


WORK: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">=": operator.ge,
    "&&": lambda left, right: bool(left) and bool(right),
    "||": lambda left, right: bool(left) or bool(right),
}

Worked = tuple[str, int]


def _joined(left: Worked, sign: str, right: Worked) -> Worked:
    return f"({left[0]}{sign}{right[0]})", int(WORK[sign](left[1], right[1]))


ARITHMETIC = st.recursive(
    st.integers(0, 9).map(lambda number: (str(number), number)),
    lambda inner: st.builds(_joined, inner, st.sampled_from(sorted(WORK)), inner),
    max_leaves=12,
)


@given(ARITHMETIC)
def test_arithmetic_and_logic_are_worked_out_as_by_hand(worked: Worked) -> None:
    text, number = worked

    found = holds(text, "t", {})

    assert found is (number != 0)
