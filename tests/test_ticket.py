"""What tickets and terminals do to a text is undone, and no line goes with it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sosmlx.parsers.ticket import clean


@pytest.mark.parametrize(
    "coloured",
    [
        "\x1b[01;31m\x1b[KNUM_OF_VFS\x1b[m\x1b[K  8",
        "\x1b]0;root@n07: ~\x07NUM_OF_VFS  8",
        "\x1b]8;;http://x\x1b\\NUM_OF_VFS\x1b]8;;\x1b\\  8",
        "\x1b[?2004hNUM_OF_VFS  8\x1b[?2004l",
        "\x1b(BNUM_OF_VFS\x1b[38:5:1m  8\x1b7\x1bM",
    ],
)
def test_what_a_terminal_was_told_is_no_part_of_the_text(coloured: str) -> None:
    assert clean(coloured) == "NUM_OF_VFS  8"


def test_quoting_below_colours_is_undone() -> None:
    assert clean("\x1b[32m> \x1b[0mNUM_OF_VFS  8\r\n") == "NUM_OF_VFS  8\n"


@given(st.text(alphabet="\x1b[]m0;7\x07\\ ab>\n("))
def test_the_number_of_lines_stays(text: str) -> None:
    assert clean(text).count("\n") == text.count("\n")


@pytest.mark.parametrize("piece", ["\x1b[", "\x1b]", "\x1b", "\x1b[0", "\x1b(", ">", "> "])
def test_a_long_line_of_anything_is_cleaned_in_no_time(piece: str) -> None:
    begun = time.perf_counter()
    clean(piece * 200_000)

    assert time.perf_counter() - begun < 1
