"""The taint word in words: by number, distribution and release."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.policy import taint

VENDORS = ["", "debian", *sorted({name for table in taint.TABLES for name in table.ids})]
RELEASES = ["", "6.10", "7.9", "8", "9.6", "10.1", "12.5", "15", "15.1", "15.2", "15.6", "16.0", "24.04", "rolling"]
KERNELS = ["", "6.15.4-300.el10.x86_64", "5.15.0-205.149.5.1.el9uek.x86_64"]


def words(bit: int, vendor: str = "", release: str = "", kernel: str = "") -> tuple[str, str]:
    (found,) = taint.decode(1 << bit, vendor, release, kernel)
    return found.letter, found.text


def test_mainline_has_the_letters_of_the_kernels_table_in_their_order() -> None:
    assert "".join(bit.letter for bit in taint.MAINLINE) == "PFSRMBUDAWCIOELKXTNJ"


@pytest.mark.parametrize("vendor", VENDORS)
def test_fwctl_is_bit_19_everywhere(vendor: str) -> None:
    assert words(19, vendor) == ("J", "user space used a mutating debug operation in fwctl")


@pytest.mark.parametrize(
    ("bit", "vendor", "release", "kernel", "letter", "text"),
    [
        (16, "", "", "", "X", "auxiliary taint, defined by the distribution"),
        (16, "sles", "15.1", "", "H", "hardware without support"),
        (16, "sles", "15.2", "", "X", "an externally supported module was loaded"),
        (18, "sles", "15.6", "", "H", "hardware without support"),
        (18, "sles", "12.5", "", "N", "an in-kernel test was run"),
        (30, "sles", "12.5", "", "N", "a module without support was loaded"),
        (31, "sles", "15", "", "X", "an externally supported module was loaded"),
        (31, "sles", "16.0", "", "N", "a module without support was loaded"),
        (31, "sle-micro", "5.5", "", "N", "a module without support was loaded"),
        (28, "rhel", "7.9", "", "H", "hardware without support"),
        (28, "rhel", "9.6", "", "?", taint.UNKNOWN),
        (27, "rhel", "9.6", "", "r", "hardware or a module whose support was removed"),
        (29, "rocky", "8.10", "", "t", "a technology preview is in use"),
        (30, "rhel", "10.1", "", "u", "unprivileged BPF is enabled"),
        (30, "ol", "9.4", "5.14.0-427.el9.x86_64", "u", "unprivileged BPF is enabled"),
        (30, "ol", "9.4", "5.15.0-205.el9uek.x86_64", "?", taint.UNKNOWN),
        (15, "ubuntu", "24.04", "", "K", "the kernel was live patched"),
        (31, "ubuntu", "24.04", "", "?", taint.UNKNOWN),
        (40, "", "", "", "?", taint.UNKNOWN),
    ],
)
def test_a_bit_means_what_the_kernel_that_set_it_means(
    bit: int, vendor: str, release: str, kernel: str, letter: str, text: str
) -> None:
    assert words(bit, vendor, release, kernel) == (letter, text)


def test_where_the_release_was_not_read_every_meaning_is_said() -> None:
    assert words(31, "sles") == (
        "X/N", "an externally supported module was loaded, or a module without support was loaded",
    )  # fmt: skip


def test_a_bit_that_only_some_releases_know_is_not_said_to_be_unknown() -> None:
    assert words(28, "rhel") == ("H", "hardware without support")


@given(
    st.integers(0, 2**64 - 1), st.sampled_from(VENDORS), st.sampled_from(RELEASES), st.sampled_from(KERNELS)
)  # fmt: skip
def test_every_bit_that_is_set_is_said_and_no_other(word: int, vendor: str, release: str, kernel: str) -> None:
    found = taint.decode(word, vendor, release, kernel)

    assert sum(1 << bit.number for bit in found) == word


@given(st.sampled_from(VENDORS), st.sampled_from(KERNELS))
def test_one_release_of_a_distribution_has_one_table(vendor: str, kernel: str) -> None:
    assert [release for release in RELEASES[1:-1] if len(list(taint.fitting(vendor, release, kernel or "x"))) > 1] == []


def test_a_letter_may_be_several_bits() -> None:
    assert {letter: taint.numbers(letter) for letter in "NXHJE"} == {
        "N": [18, 30, 31], "X": [16, 31], "H": [16, 18, 28], "J": [19], "E": [13],
    }  # fmt: skip


def test_every_meaning_names_its_source() -> None:
    silent = [(whose, bit) for number in range(64) for whose, bit, source in taint.meanings(number) if not source]

    assert silent == []
