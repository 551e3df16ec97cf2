"""Operators, patterns, versions and selects: what holds, what does not, and that nothing unread ever holds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from sosmlx.model import Device, Facet, same_value
from sosmlx.parsers.values import flash
from sosmlx.policy import patterns, versions
from sosmlx.policy.operators import OPERATORS, same
from sosmlx.policy.patterns import Pattern
from sosmlx.policy.rules import Operand, Other, Rule, Select
from sosmlx.policy.select import Fit, fit, fits
from tests.snapshots import VALUES, facets

ETH = Facet(2, "ETH(2)", "ETH")
WORD = Facet("ETH", "ETH", "ETH")
UNREAD = Facet(None, "", reason="denied")


@pytest.mark.parametrize(
    ("operator", "operand", "facet", "answer"),
    [
        ("equals", 2, ETH, True),
        ("equals", "ETH", ETH, True),
        ("equals", "ETH(2)", ETH, True),
        ("equals", "ETH(2)", WORD, True),
        ("equals", "ETH(2)", Facet(2, "2"), True),
        ("equals", "IB", ETH, False),
        ("equals", 1, ETH, False),
        ("equals", True, Facet(1, "1"), True),
        ("equals", 1, Facet(True, "True(1)"), True),
        ("equals", "on", Facet(True, "true"), True),
        ("equals", "on", Facet(False, "off"), False),
        ("equals", "0x10", Facet("0x10", "0x10"), True),
        ("equals", 8, Facet("8", "8"), True),
        ("equals", "8", Facet(8, "8"), True),
        ("equals", 8, Facet("08", "08"), False),
        ("equals", (1, "on"), Facet((1, True), "[1, True]"), True),
        ("equals", (1, 2), Facet((1,), "[1]"), False),
        ("equals", 1, Facet((1,), "[1]"), False),
        ("equals", "", Facet("", ""), True),
        ("equals", "", Facet("x", "x"), False),
        ("one_of", (1, "ETH"), ETH, True),
        ("one_of", (1, 3), ETH, False),
        ("one_of", ((1, 2), 3), Facet((1, 2), ""), True),
        ("not_one_of", (1, 3), ETH, True),
        ("not_one_of", ("ETH",), ETH, False),
        ("range", (1, 2), ETH, True),
        ("range", (3, 4), ETH, False),
        ("range", ("22.39", "22.43"), Facet("22.43.9999", "22.43.9999"), True),
        ("range", ("22.39", "22.43"), Facet("22.44.1000", "22.44.1000"), False),
        ("at_least", 2, ETH, True),
        ("at_least", 3, ETH, False),
        ("at_least", 3, WORD, False),
        ("at_least", "22.39.1002", Facet("22.39.1002", ""), True),
        ("at_least", "22.39.1002", Facet("22.9.9999", ""), False),
        ("at_least", "22.39.1002", Facet("22.39", ""), False),
        ("at_least", "22.39.1002", Facet("22.39.1002-dev", ""), False),
        ("at_least", "22.39.1002", Facet(30, ""), False),
        ("at_most", 2, ETH, True),
        ("at_most", 1, ETH, False),
        ("at_most", 1, WORD, False),
        ("at_most", "22.39", Facet("22.39.5000", ""), True),
        ("matches", "ETH", ETH, True),
        ("matches", "2", ETH, True),
        ("matches", r"ETH\(\d\)", ETH, True),
        ("matches", "E", ETH, False),
        ("matches", "", Facet("", ""), True),
        ("matches", "", ETH, False),
        ("matches", ".*", Facet("x" * (1 << 17), "x" * (1 << 17)), False),
        ("absent", True, None, True),
        ("absent", True, ETH, False),
        ("absent", True, UNREAD, False),
        ("present", True, ETH, True),
        ("present", True, None, False),
        ("lacks_bits", (19,), Facet(4096, ""), True),
        ("lacks_bits", (12, 19), Facet(4096, ""), False),
        ("lacks_bits", (0,), Facet("4096", ""), False),
        ("lacks_bits", (0,), Facet(-2, ""), False),
        ("has_bits", (0, 12), Facet(4097, ""), True),
        ("has_bits", (0, 12), Facet(4096, ""), False),
        ("equals_facet", ETH, WORD, True),
        ("equals_name", Facet(3, "3"), ETH, False),
        ("same_per", Facet(2, "2"), ETH, True),
        ("same_per", UNREAD, ETH, False),
        ("at_most_name", Facet(105000, ""), Facet(42000, ""), True),
        ("at_most_name", Facet(40000, ""), Facet(42000, ""), False),
        ("at_most_name", UNREAD, Facet(42000, ""), False),
    ],
)
def test_an_operator_holds_as_its_word_says(operator: str, operand: Operand, facet: Facet | None, answer: bool) -> None:
    assert OPERATORS[operator].holds(facet, operand) is answer


EXAMPLES: dict[str, object] = {
    "equals": "x", "one_of": [1], "not_one_of": [1], "range": [0, 1], "at_least": 0, "at_most": 0, "matches": ".*",
    "absent": True, "present": True, "lacks_bits": [0], "has_bits": [0], "equals_facet": "next", "equals_name": "pci:n",
    "at_most_name": "n", "same_per": "psid",
}  # fmt: skip


def operand_of(name: str) -> Operand:
    read = OPERATORS[name].read(EXAMPLES[name])
    return Facet(0, "0") if OPERATORS[name].relation else read


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_what_was_not_read_never_holds(name: str) -> None:
    assert not OPERATORS[name].holds(UNREAD, operand_of(name))


@pytest.mark.parametrize("name", sorted(set(OPERATORS) - {"absent"}))
def test_what_is_not_there_holds_for_absent_only(name: str) -> None:
    assert not OPERATORS[name].holds(None, operand_of(name))


@given(facets())
def test_a_known_value_is_in_a_set_or_not(facet: Facet) -> None:
    inside, outside = (OPERATORS[name].holds(facet, (1, "x")) for name in ("one_of", "not_one_of"))

    assert [inside, outside].count(True) == (0 if facet.reason else 1)


@given(facets(), st.integers(-4, 4), st.integers(0, 4))
def test_a_range_is_both_of_its_limits(facet: Facet, low: int, width: int) -> None:
    high = low + width

    assert OPERATORS["range"].holds(facet, (low, high)) == (
        OPERATORS["at_least"].holds(facet, low) and OPERATORS["at_most"].holds(facet, high)
    )


@given(VALUES.filter(lambda value: value is not None))
def test_a_value_is_the_same_as_itself(value: bool | int | str | tuple[int, ...]) -> None:
    assert same(Facet(value, "another text"), value)


@given(st.one_of(st.sampled_from(["ETH(2)", "True(1)", "on", "0x10", "007", "8", "N/A"]), st.text(max_size=6)))
def test_what_a_tool_prints_is_the_same_as_its_own_text(raw: str) -> None:
    facet = flash(raw)

    assert same(facet, raw) == (not facet.reason)


@given(facets(), facets())
def test_two_known_facets_with_one_value_are_the_same_by_either_way(left: Facet, right: Facet) -> None:
    bare = Facet(right.value, "")

    assert not (not right.reason and right.value is not None and same_value(left, bare) and not same(left, right.value))


@pytest.mark.parametrize(
    ("operator", "raw", "words"),
    [
        ("equals", 1.5, "true or false, a whole number or a text was expected"),
        ("equals", [[1]], "true or false, a whole number or a text was expected"),
        ("equals", {}, "true or false, a whole number or a text was expected"),
        ("one_of", [], "a list with at least one value was expected"),
        ("one_of", "ETH", "a list with at least one value was expected"),
        ("range", [1], "a list of the lowest and the highest value was expected"),
        ("range", [1, "22.39"], "two numbers or two versions were expected"),
        ("range", ["22.40", "22.39"], "the first value must not be above the second"),
        ("at_least", True, 'a whole number, or a version such as "22.39.1002", was expected'),
        ("at_most", "22", 'a whole number, or a version such as "22.39.1002", was expected'),
        ("matches", 1, "a pattern in quotes was expected"),
        ("matches", "(", "`(` cannot be used as a pattern: a group is not closed"),
        ("absent", False, "only `true` can be said"),
        ("present", 1, "only `true` can be said"),
        ("lacks_bits", 19, "a list of bit numbers from 0 to 127 was expected"),
        ("has_bits", [True], "a list of bit numbers from 0 to 127 was expected"),
        ("has_bits", [128], "a list of bit numbers from 0 to 127 was expected"),
        ("equals_facet", "was", "one of default, current, next, max, running, stored was expected"),
        ("equals_name", "pci:", 'the name of a setting was expected, as "PLANE:NAME:FACET"'),
        ("equals_name", 1, 'the name of a setting was expected, as "PLANE:NAME:FACET"'),
        ("same_per", "host", "one of psid, part_number, model, board, asic was expected"),
    ],
)
def test_an_operand_of_the_wrong_kind_is_refused(operator: str, raw: object, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        OPERATORS[operator].read(raw)


@pytest.mark.parametrize(
    ("raw", "other"),
    [
        ("NUM_OF_VFS", Other("", "NUM_OF_VFS", "", "")),
        ("pci:sriov_totalvfs", Other("pci", "sriov_totalvfs", "", "")),
        ("pci:sriov_totalvfs:current", Other("pci", "sriov_totalvfs", "", "current")),
        ("NUM_OF_VFS:next", Other("", "NUM_OF_VFS", "", "next")),
        ("dcb:app.a:b", Other("dcb", "app.a:b", "", "")),
        ("x:y", Other("", "x:y", "", "")),
    ],
)
def test_another_setting_is_named_with_plane_and_facet(raw: str, other: Other) -> None:
    assert OPERATORS["equals_name"].read(raw) == other


@pytest.mark.parametrize(
    ("rule", "other"),
    [
        (Rule("r", "nvconfig", "N", "equals_facet", "default", "next", against="default"),
         Other("nvconfig", "N", "", "default")),
        (Rule("r", "nvconfig", "N", "equals_name", Other("pci", "x", "", "current")), Other("pci", "x", "", "current")),
        (Rule("r", "nvconfig", "N", "equals", 1), None),
    ],
)  # fmt: skip
def test_a_relation_says_what_it_compares_with(rule: Rule, other: Other | None) -> None:
    assert rule.other == other


def test_what_is_expected_is_said_in_words() -> None:
    said = [row.expected(row.read(EXAMPLES[row.name])) for row in OPERATORS.values()]

    assert said == [
        "x", "one of 1", "none of 1", "from 0 to 1", "at least 0", "at most 0", "all of it matches .*", "absent",
        "present", "without bits 0", "with bits 0", "the same as its next value", "the same as pci n", "at most n",
        "the same on all devices of one psid",
    ]  # fmt: skip


# Patterns.

ATOMS = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"[\w-]", r"\.", "[]a]", "[a-]", "é", "{", "a{,2}"]
)
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{2,}", "{0}"])).map(
            lambda p: f"(?:{p[0]}){p[1]}"
        ),
    ),
    max_leaves=8,
)
STRINGS = st.text(alphabet="abc1.-{}, é\n]", max_size=7)


@given(PATTERNS, STRINGS)
def test_a_plain_pattern_matches_what_it_matches_in_python(pattern: str, text: str) -> None:
    found = Pattern(pattern).fullmatch(text)

    assert found == (re.compile(pattern).fullmatch(text) is not None)


@given(st.text(alphabet=r"ab(|)*+?[]^-{}1,\d.$:&", max_size=12), STRINGS)
def test_what_is_taken_for_a_pattern_means_the_same_in_python(pattern: str, text: str) -> None:
    try:
        found = Pattern(pattern)
    except ValueError:
        reject()

    assert found.fullmatch(text) == (re.compile(pattern).fullmatch(text) is not None)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(a", "a group is not closed"),
        ("a)", "the `)` at character 2 closes nothing"),
        ("*a", "the `*` at character 1 stands for itself only as `\\*`"),
        ("^a$", "the `^` at character 1 stands for itself only as `\\^`"),
        ("a+?", "the repeat at character 3 repeats a repeat"),
        ("a{2}{3}", "the repeat at character 5 repeats a repeat"),
        ("a{3,2}", "the repeat `{3,2}` is not between 0 and 200, from low to high"),
        ("a{999}", "the repeat `{999}` is not between 0 and 200, from low to high"),
        ("((a{100}){100}){100}", "it repeats too much"),
        (r"(a)\1", r"`\1` is not known here"),
        ("(?=a)", "the group at character 1 is none of `(…)` and `(?:…)`"),
        ("(?i)a", "the group at character 1 is none of `(…)` and `(?:…)`"),
        ("[b-a]", "the range `b-a` is empty"),
        ("[a", "it ends too early"),
        ("[[a]", "the `[` at character 2 stands in a set only as `\\[`"),
        ("[a||b]", "the `|` at character 3 stands in a set only as `\\|`"),
        ("[+--]", "the `-` at character 4 stands in a set only as `\\-`"),
        ("a{99999}", "the repeat `{99999}` is not between 0 and 200, from low to high"),
        ("a\\", "it ends too early"),
        ("(" * 30 + ")" * 30, "it has groups in more than 20 groups"),
        ("a" * 501, "it is longer than 500 characters"),
    ],
)
def test_what_is_no_pattern_here_is_refused_in_words(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(words) + "$"):
        Pattern(pattern)


def steps(pattern: str, text: str) -> int:
    """Count how often a state is shown a character."""
    found = Pattern(pattern)
    counted = 0

    def count(test: patterns.Test) -> patterns.Test:
        def counting(character: str) -> bool:
            nonlocal counted
            counted += 1
            return test(character)

        return counting

    found._tests = [count(test) for test in found._tests]
    found.fullmatch(text)
    return counted


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a*)*b", "(.*)(.*)(.*)(.*)b"])
def test_a_pattern_that_runs_away_elsewhere_costs_as_much_as_its_text_is_long(pattern: str) -> None:
    assert steps(pattern, "a" * 2000) <= 20 * 2000


# Versions and selects.


@pytest.mark.parametrize(
    ("wanted", "found", "answer"),
    [
        (">=22.39,<22.44", "22.39.1002", True),
        (">=22.39,<22.44", "22.44.1000", False),
        (" >= 22.39 , < 22.44 ", "22.43.1014", True),
        ("22.39", "22.39.1002", True),
        ("=22.39.1002", "22.39.1002", True),
        ("==22.39.1002", "22.39.1003", False),
        ("!=22.39", "22.39.1002", False),
        ("<=22.39", "22.39.9999", True),
        (">22.39", "22.39.9999", False),
        (">22.9", "22.39.1002", True),
        ("<22.44.1000", "22.44", None),
        ("<22.44.1000", "22.43", True),
        (">=22.39", "", None),
        (">=22.39", "rel-22.39", None),
    ],
)
def test_a_version_condition_speaks_of_as_much_as_it_says(wanted: str, found: str, answer: bool | None) -> None:
    assert versions.holds(wanted, found) is answer


@pytest.mark.parametrize("text", ["", ">=", "22.x", ">=22.39,", "=>22.39", "22.39 || 22.40", "9" * 20, "٢٢.٣٩"])
def test_what_is_no_version_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no version condition"):
        versions.conditions(text)


NUMBERS = st.lists(st.integers(0, 60), min_size=1, max_size=4)


@given(NUMBERS, NUMBERS)
def test_a_version_is_below_within_or_above_a_limit(found: list[int], limit: list[int]) -> None:
    version, wanted = (".".join(map(str, numbers)) for numbers in (found, limit))
    answers = [versions.holds(sign + wanted, version) for sign in ("<", "==", ">")]

    assert answers.count(True) == (0 if None in answers else 1)


CARD = Device("0000:3b:00.0", "0000:3b:00.0", role="pf", psid="MT_1", running="22.39.1002", netdevs=("eth0", "eth1"))


@pytest.mark.parametrize(
    ("select", "answer"),
    [
        (Select(psid=("MT_1",)), Fit("yes")),
        (Select(psid=("MT_2", "MT_1"), role=("pf",)), Fit("yes")),
        (Select(psid=("MT_1",), role=("vf",)), Fit("no", "role is pf")),
        (Select(netdev=("eth1",)), Fit("yes")),
        (Select(device=("0000:3b:00.0",), bdf=("0000:3b:00.0",)), Fit("yes")),
        (Select(host=("n07",)), Fit("yes")),
        (Select(host=("n0*",)), Fit("no", "host is n07")),
        (Select(host=("n0*",), glob=True), Fit("yes")),
        (Select(firmware=">=22.39"), Fit("yes")),
        (Select(firmware="<22.39"), Fit("no", "firmware is 22.39.1002")),
        (Select(serial=("X",)), Fit("unread", "serial was not read")),
        (Select(serial=("X",), role=("vf",)), Fit("no", "role is pf")),
    ],
)
def test_a_device_is_meant_or_not_or_it_cannot_be_told(select: Select, answer: Fit) -> None:
    assert fit(select, CARD, "n07") == answer


@pytest.mark.parametrize(
    ("running", "answer"),
    [
        ("", Fit("unread", "the running firmware was not read")),
        ("22", Fit("unread", "firmware 22 cannot be compared with >=22.39")),
    ],
)
def test_a_firmware_that_was_not_read_selects_nothing_and_excludes_nothing(running: str, answer: Fit) -> None:
    assert fit(Select(firmware=">=22.39"), Device("d", running=running), "") == answer


@pytest.mark.parametrize(
    ("selects", "state"),
    [
        ((), "yes"),
        ((Select(role=("vf",)), Select(psid=("MT_1",))), "yes"),
        ((Select(role=("vf",)), Select(serial=("X",))), "unread"),
        ((Select(role=("vf",)), Select(role=("sf",))), "no"),
    ],
)
def test_one_select_of_several_is_enough(selects: tuple[Select, ...], state: str) -> None:
    assert fits(selects, CARD, "n07").state == state
