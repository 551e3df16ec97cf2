from __future__ import annotations

import re
from functools import cache

import pytest

from tests.golden import FOLDER, drawn

NAMES = sorted(path.name for path in FOLDER.iterdir())


@cache
def pages() -> dict[str, str]:
    return drawn()


def test_every_reference_page_is_drawn() -> None:
    assert sorted(pages()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_its_reference(name: str) -> None:
    """`make golden` draws the references again; then read their diff."""
    reference = (FOLDER / name).read_text(encoding="utf-8")

    assert pages()[name] == reference


@pytest.mark.parametrize("kind", ["diff", "check", "show-no-fwctl"])
def test_page_text_and_markdown_say_the_same_sentence(kind: str) -> None:
    html, text, markdown = (pages()[f"{kind}.{ending}"] for ending in ("html", "txt", "md"))
    sentence = text.partition("\n")[0]
    plain = re.sub(r"\*\*|<!-- -->|&#([0-9]+);", lambda match: chr(int(match[1])) if match[1] else "", markdown)

    assert (sentence in html, sentence in plain) == (True, True)


@pytest.mark.parametrize("kind", ["diff", "diff-texts", "check", "check-no-fwctl", "show-no-fwctl"])
def test_text_and_markdown_count_the_same(kind: str) -> None:
    text, markdown = (pages()[f"{kind}.{ending}"] for ending in ("txt", "md"))
    line = next(line for line in text.splitlines() if "pending a reset" in line).removeprefix("Checked: ")

    assert f"\n{line}.\n" in markdown
