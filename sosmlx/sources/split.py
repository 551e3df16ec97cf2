"""Several outputs in one paste, as tickets have them, taken apart at the lines where another tool begins to speak."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from sosmlx.jsonio import document_end
from sosmlx.parsers import rows
from sosmlx.parsers.recognise import JSON, recognise

MAX_SPLIT = 256 << 10
"""A larger text is one output: looking for every head in it would cost more than reading it."""

_MAX_MARKS = 2000

MAX_EMBEDDED = 4 << 20
"""A larger text is not searched for documents among other lines."""

_MAX_DOCUMENTS = 300
_TITLE = 300

# A shell prompt and a command line: `[root@n07 ~]# ethtool -g eth0`, `$ mlxconfig -d … q`, `+ devlink dev show`.
_TOOLS = (
    "ethtool|devlink|(?:mst|mlx)[a-z]+|flint|mst|lspci|ip|tc|bridge|dcb|rdma|ibstat|ibstatus|ibdev2netdev|ibv_devinfo|"
    "show_gids|mlnx_qos|cma_roce_mode|dmesg|journalctl|modinfo|lsmod|mokutil|cat|uname"
)
_PROMPT = re.compile(
    r"^[ \t]*(?:\[[^\]\n]{1,80}\][#$%>]|[\w.@:~/-]{0,80}[#$%>]|\+{1,3})[ \t]+(?:sudo[ \t]+)?(?:/[\w./-]*/)?"
    rf"(?:{_TOOLS})\b[^\n]*$",
    re.MULTILINE,
)
_OPENS = re.compile(r"^[ \t]*(?:\{[ \t]*(?:[\"}]|$)|\[[ \t]*(?:[\[{\"\]]|$))", re.MULTILINE)
"""Where a JSON document may begin within a text; a bracket alone may be a prompt or a time stamp."""

_ENTRIES = re.compile(r"(?:\s*^[ \t]*\{[^\n]*\}[ \t]*$)*", re.MULTILINE)
"""The further entries of a journal: it prints one document a line."""

_OWN = "devlink."
"""Kinds whose parsers find the document below a prompt themselves: the prompt says what they need to know."""

_PARAGRAPH = re.compile(r"\n[ \t]*\n(?=[^\n]*\S)")

MESSAGE = "tool.error"
"""A message between two prompts is an output; elsewhere it is part of the output around it."""

JOURNAL = "kernel.log"
WITHIN = {"devlink.monitor": ("devlink.health",), "ip.addr": ("ip.link",)}
"""Kinds whose head may begin a paragraph of another kind's output."""

BROAD = frozenset({JOURNAL, "tool.error", "kernel.cmdline"})
"""Kinds whose head may be any line of another tool's output: they begin at a paragraph or a prompt only."""


class Part(NamedTuple):
    """One output of a paste: its kind, or None where nobody recognises it, and its text."""

    kind: str | None
    text: str


def split(text: str, name: str = "") -> list[Part]:
    """Take a paste apart; a text that is one output, or that is not recognised at all, is one part.

    No character is lost: the parts joined are the text.
    """
    whole = recognise(text, name)
    if JSON.match(text):
        return [Part(whole, text)] if whole is not None or len(text) > MAX_SPLIT else _documents(text)
    documents = embedded(text)
    if documents:
        return _around(text, documents)
    return _outputs(text, whole)


def embedded(text: str) -> list[tuple[int, int, str]]:
    """Find the JSON documents of known kinds below a prompt, in a code fence, or among what somebody wrote.

    The answer has start, end and kind of each; the search is bounded where a text opens very many of them.
    """
    found: list[tuple[int, int, str]] = []
    at = 0
    for _ in range(_MAX_DOCUMENTS if len(text) <= MAX_EMBEDDED else 0):
        mark = _OPENS.search(text, at)
        if mark is None:
            break
        start = mark.end() - len(mark[0].lstrip())
        end = document_end(text, start)
        kind = recognise(text[start:end]) if end is not None else None
        at = mark.end() if end is None else end
        more = _ENTRIES.match(text, at) if kind == JOURNAL else None
        at = more.end() if more else at
        if kind is not None and not kind.startswith(_OWN):
            found.append((start, at, kind))
    return found


def _around(text: str, documents: Sequence[tuple[int, int, str]]) -> list[Part]:
    """Take a text apart at its documents; what stands between them is taken apart as any text."""
    parts: list[Part] = []
    at = 0
    for start, end, kind in (*documents, (len(text), len(text), "")):
        between = text[at:start]
        if between.strip():
            parts += _documents(between) if JSON.match(between) else _outputs(between, recognise(between))
        elif parts:
            parts[-1] = Part(parts[-1].kind, parts[-1].text + between)
        if kind:
            parts.append(Part(kind, text[start:end]))
        at = end
    return parts


def _outputs(text: str, whole: str | None) -> list[Part]:
    """Take a text without documents apart, or leave it whole."""
    if whole is None or len(text) > MAX_SPLIT:
        return [Part(whole, text)]
    marks = _marks(text)
    if len(marks) < 2:
        return [Part(whole, text)]
    bounds = sorted({0, len(text), *marks})
    parts: list[Part] = []
    for start, end in zip(bounds, bounds[1:]):
        piece = Part(_kind(text, start, end), text[start:end])
        before = parts[-1] if parts else None
        if before is None or (marks.get(start) and before.kind is not None) or not _goes_on(before, piece.kind):
            parts.append(piece)
        else:
            parts[-1] = Part(_stronger(before, piece.kind), before.text + piece.text)
    return parts if len(parts) > 1 else [Part(whole, text)]


def _documents(text: str) -> list[Part]:
    """Take JSON documents apart that stand one after the other, or before a message."""
    parts: list[Part] = []
    at = 0
    while at < len(text):
        end = document_end(text, at) if JSON.match(text, at) else None
        piece = text[at:end]
        if end is None and not JSON.match(piece):
            if piece.strip():
                return [*parts, *split(piece)]
            return [*parts[:-1], Part(parts[-1].kind, parts[-1].text + piece)]
        kind = recognise(piece)
        if parts and kind == parts[-1].kind == JOURNAL:  # the journal prints one document an entry
            piece = parts.pop().text + piece
        parts.append(Part(kind, piece))
        at = len(text) if end is None else end
    return parts if any(part.kind for part in parts) else [Part(None, text)]


def _kind(text: str, start: int, end: int) -> str | None:
    """Recognise a piece; the titles that two tools share need a look at what follows them."""
    piece = text[start:end]
    if piece.lstrip().startswith("Device #") and len(piece) < _TITLE:
        after = text.find("Device #", start + len("Device #"), start + 4 * _TITLE)
        piece = text[start : after if after > 0 else start + 4 * _TITLE]
    asked = _PROMPT.match(piece)
    return (recognise(piece[asked.end() :]) if asked else None) or recognise(piece)


def _goes_on(before: Part, kind: str | None) -> bool:
    """Whether a piece belongs to the output before it: messages do, and a part that looks like a lesser kind."""
    if before.kind is None or kind is None or kind == before.kind or MESSAGE in (before.kind, kind):
        return True
    return kind in _lesser(before.kind) or _stronger(before, kind) == kind


def _stronger(before: Part, kind: str | None) -> str | None:
    """Choose the kind of two pieces that belong together: a bare handle or title begins what comes after it."""
    if before.kind in (None, MESSAGE):
        return kind or before.kind
    opens = before.text.rstrip().endswith(":") or before.kind == "ip.link"
    return kind if kind and opens and before.kind in _lesser(kind) else before.kind


def _lesser(kind: str) -> tuple[str, ...]:
    return ("devlink.dev", *WITHIN.get(kind, ())) if kind.startswith("devlink.") else WITHIN.get(kind, ())


def _marks(text: str) -> dict[int, bool]:
    """Find where an output may begin; True at a prompt, where one does."""
    marks = {mark.end(): False for mark in _PARAGRAPH.finditer(text)}
    for parser in rows():
        if parser.head is None or parser.kind in BROAD:
            continue
        for number, mark in enumerate(parser.head.finditer(text)):
            if number > _MAX_MARKS:
                break
            blank = len(mark[0]) - len(mark[0].lstrip())
            marks.setdefault(text.rfind("\n", 0, mark.start() + blank) + 1, False)
    marks.update({mark.start(): True for mark in _PROMPT.finditer(text)})
    return marks
