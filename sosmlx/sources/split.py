"""Several outputs in one paste, as tickets have them, taken apart at the lines where another tool begins to speak."""

from __future__ import annotations

import re
from typing import NamedTuple

from sosmlx.jsonio import document_end
from sosmlx.parsers import rows
from sosmlx.parsers.recognise import JSON, recognise

MAX_SPLIT = 256 << 10
"""A larger text is one output: looking for every head in it would cost more than reading it."""

_MAX_MARKS = 2000
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
_PARAGRAPH = re.compile(r"\n[ \t]*\n(?=[^\n]*\S)")

MESSAGE = "tool.error"
"""A message between two prompts is an output; elsewhere it is part of the output around it."""

WITHIN = {"devlink.monitor": ("devlink.health",), "ip.addr": ("ip.link",)}
"""Kinds whose head may begin a paragraph of another kind's output."""

BROAD = frozenset({"kernel.log", "tool.error", "kernel.cmdline"})
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
    if len(text) > MAX_SPLIT:
        return [Part(whole, text)]
    if whole is None and JSON.match(text):
        return _documents(text)
    if whole is None or JSON.match(text):
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
        kind = recognise(piece)
        if parts and kind == parts[-1].kind == "kernel.log":  # the journal prints one document an entry
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
