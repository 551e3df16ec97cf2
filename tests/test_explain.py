"""What `explain` says of a name, and what it does with a name that it does not know."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.errors import UsageError
from sosmlx.fwctl import catalogue
from sosmlx.fwctl.allowed import ALLOWED, NEVER
from sosmlx.fwctl.items import WRITERS
from sosmlx.policy import document
from sosmlx.policy.explain import WIDTH, explain
from sosmlx.policy.words import EXITS, WORDS
from sosmlx.printable import visible
from sosmlx.record import Outcome

RULES = [rule for name in document.builtins() for rule in document.load(f"builtin:{name}").rules]
PARAMETERS = [param.name for tlv in catalogue.builtin() for param in tlv.params if param.name]


def refused(name: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        explain(name)
    return caught.value


def titles(name: str) -> list[str]:
    return [article.partition("\n")[0] for article in explain(name).split("\n\n")]


def row(name: str, label: str) -> str:
    """Return the text of the first row of that label, its lines joined."""
    found = re.search(rf"^  {label} +(.+(?:\n {{10,}}.+)*)", explain(name), re.MULTILINE)
    assert found is not None
    return " ".join(found[1].split())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_explained_with_its_rationale_and_source(rule: document.Rule) -> None:
    source = rule.source if rule.verified else f"{rule.source} (not verified)"

    assert (row(rule.id, "why"), row(rule.id, "source")) == (rule.rationale, source)


def test_a_rule_says_what_it_looks_at_what_it_expects_and_whom_it_is_meant_for() -> None:
    assert [row("esw-offload", label) for label in ("looks at", "expects", "only where", "meant for")] == [
        "setting of plane ethtool: features.hw-tc-offload (current)",
        "true",
        "devlink eswitch.mode (current) is switchdev",
        "functions of role pf, ecpf, dpu-host, dpu-nic-mode with an ethernet link",
    ]


def test_the_common_beginning_of_rules_lists_them() -> None:
    assert explain("roce-ecn").count("\n") == 8


def test_a_policy_lists_its_rules() -> None:
    wanted = [f"{rule.id}: {rule.title}" for rule in document.load("builtin:pending").rules]

    assert [line.split(maxsplit=1)[1] for line in explain("builtin:pending").split("\n")[2:]] == wanted


@pytest.mark.parametrize("name", ["NUM_OF_VFS", "num_of_vfs", "parameter NUM_OF_VFS", "nv_global_pci_conf.total_vfs"])
def test_a_parameter_is_found_by_its_name_in_any_case_and_by_its_field(name: str) -> None:
    assert [row(name, label) for label in ("item", "field", "type", "valid bit")] == [
        "nv_global_pci_conf: of the ASIC (class 0), index 0x80, 12 bytes",
        "total_vfs, bit 48 on, 0x04[15:0]",
        "UNSIGNED, 16 bits",
        "sriov_valid: where it is 0, the device's own default is in force, which flash does not tell",
    ]


@pytest.mark.parametrize("name", ["LINK_TYPE", "LINK_TYPE_P1", "LINK_TYPE_P2"])
def test_a_parameter_of_a_port_is_found_with_and_without_the_port(name: str) -> None:
    assert (row(name, "values"), row(name, "named")) == ("IB = 1, ETH = 2", "with _P1, _P2, … for each port")


@pytest.mark.parametrize("suffix", ["[0]", "[0..7]", ""])
def test_an_array_is_found_with_and_without_a_place_in_it(suffix: str) -> None:
    assert row(f"HOST_CHAINING_DESCRIPTORS{suffix}", "type") == "UNSIGNED, 8 bits, 8 times"


def test_an_item_lists_its_fields() -> None:
    assert row("nv_vpi_link_type", "fields").startswith("LINK_TYPE")


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_of_the_catalogue_is_explained(name: str) -> None:
    assert f"{name}: a parameter of the flash configuration (plane nvconfig)" in titles(name)


@pytest.mark.parametrize("word", [outcome.value for outcome in Outcome])
def test_every_outcome_is_explained(word: str) -> None:
    assert f"{word}: an outcome of a read" in titles(word)


def test_a_word_with_several_meanings_is_explained_in_all_of_them() -> None:
    assert titles("unknown") == [
        "unknown: a rule's result", "unknown: a plane's coverage", "unknown: a change in a diff",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["taint 19", "bit 19", "taint bit 19", "J", "0x80000", "524288", "taint J"])
def test_a_taint_bit_is_found_by_its_number_its_letter_and_its_value(name: str) -> None:
    assert (titles(name), row(name, "value")) == (["bit 19 of the kernel's taint word"], "524288 (0x80000)")


def test_a_whole_taint_word_is_taken_apart() -> None:
    assert explain("528384").split("\n") == [
        "528384: a taint word",
        "  bit 12     O: an out-of-tree module was loaded",
        "  bit 19     J: user space used a mutating debug operation in fwctl",
    ]


def test_a_letter_that_is_several_bits_is_explained_as_all_of_them() -> None:
    assert titles("N") == [f"bit {number} of the kernel's taint word" for number in (18, 30, 31)]


def test_a_small_number_may_be_a_bit_and_an_exit_code() -> None:
    assert titles("3") == ["bit 3 of the kernel's taint word", "exit code 3"]


@pytest.mark.parametrize("code", EXITS)
def test_every_exit_code_is_explained(code: int) -> None:
    assert titles(f"exit {code}") == [f"exit code {code}"]


@pytest.mark.parametrize("name", sorted({*ALLOWED, *(never.register for never in NEVER)}))
def test_every_register_is_explained_whether_it_is_read_or_never_touched(name: str) -> None:
    expected = [f"{name}: a firmware register that is read"] * (name in ALLOWED)
    never = f"{name}: a firmware register with a part that has no place in an inspection"

    assert titles(f"register {name}") == expected + [never] * sum(row.register == name for row in NEVER)


def test_a_register_is_found_by_its_number() -> None:
    assert titles("register 0x9110") == titles("MDSR")


@pytest.mark.parametrize(("number", "word"), WRITERS.items())
def test_every_writer_is_explained_by_number_and_by_name(number: int, word: str) -> None:
    assert titles(f"writer {number}") == [f"{word}: the last writer of a stored item, as claimed"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("NUM_OF_VF", "the nearest: NUM_OF_VFS, NUM_OF_VL, NUM_OF_PF"),
        ("tant-fwctl", "the nearest: taint-fwctl, taint-forced"),
        ("undetermind", "the nearest: undetermined"),
    ],
)
def test_a_name_that_is_not_known_is_answered_with_the_nearest(name: str, near: str) -> None:
    error = refused(name)

    assert (error.message, error.hint) == (f"`{name}` is no name that sosmlx explains", near)


@pytest.mark.parametrize("name", ["", " ", "qqqqqqqq", "x" * 100_000, "99999999999999999999"])
def test_a_name_like_nothing_is_answered_with_what_there_is(name: str) -> None:
    assert "`sosmlx list policies`" in refused(name).hint


@given(st.one_of(st.text(max_size=40), st.sampled_from([word for table in WORDS.values() for word in table])))
def test_any_name_is_explained_or_refused_in_words_that_do_nothing_to_a_terminal(name: str) -> None:
    try:
        text = explain(name)
    except UsageError as error:
        text = f"{error.message}\n{error.hint}"

    assert [line for line in text.split("\n") if visible(line) != line] == []


def test_lines_fit_on_a_terminal() -> None:
    texts = [explain(name) for name in [*(rule.id for rule in RULES), *PARAMETERS, "envelope", "N"]]

    assert [line for text in texts for line in text.split("\n") if len(line) > WIDTH] == []
