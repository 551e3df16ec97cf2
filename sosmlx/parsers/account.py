"""The account of a text: which of its lines no item holds. What a parser let fall is then still shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sosmlx.jsonio import tool_json
from sosmlx.model import Fact, Item, Setting

_BREAKS = str.maketrans(dict.fromkeys("\"'{}[](),:;=|*/<>.-\t\\", " "))


def unheld(source: str, items: Iterable[Item]) -> Iterator[tuple[int, str]]:
    """Yield number and text of the non-blank lines (of a JSON document: of the values) that no item holds.

    A line is held when evidence, an unparsed line or a raw value contains it, or when all of its words are words of
    what was yielded: a row's name and its values are in different fields. Facts do not count: they name devices, and
    a snapshot does not show them as they were printed.
    """
    whole: list[str] = []
    for item in items:
        if isinstance(item, Setting):
            whole += [item.device, item.name, item.cmode, *(f"{name} {facet.raw}" for name, facet in item.facets)]
        elif not isinstance(item, Fact):
            whole += [str(part) for part in item]
    everything = "\n".join(whole)
    words = {*_words(everything), *_words(everything.replace("@", " "))}
    for number, line in enumerate(_leaves(source), 1):
        bare = line.strip()
        if bare and any(word not in words for word in _words(bare)) and bare not in everything:
            yield number, line


def _leaves(source: str) -> list[str]:
    """Take the lines of a text, or the values of a JSON document (its keys are structure)."""
    try:
        document, _ = tool_json(source)
    except ValueError:
        return source.split("\n")
    leaves: list[str] = []
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, (dict, list)):
            waiting += value.values() if isinstance(value, dict) else value
        elif value is not None:
            leaves.append(str(value))
    return leaves


def _words(text: str) -> list[str]:
    return text.lower().translate(_BREAKS).split()
