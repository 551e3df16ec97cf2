"""Tell which tool printed a text, from a bounded prefix of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sosmlx.jsonio import document_end, tool_json
from sosmlx.parsers import rows

PREFIX = 64 << 10
"""How many characters of a text are looked at to recognise it."""

JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")
"""How a JSON document begins; a bracket alone may be a prompt, a time stamp or a lockdown level."""

_HINTS: tuple[tuple[str, str], ...] = (
    (r"cmdline", "kernel.cmdline"),
    (r"dmesg|kern\.?log|journal", "kernel.log"),
)
"""What a file's name says where content alone is too little."""


def recognise(text: str, name: str = "") -> str | None:
    r"""Tell which kind a text is, from a bounded prefix and, where that is too little, from its file's name.

    >>> recognise("Ring parameters for eth0:\nPre-set maximums:\n")
    'ethtool.rings'
    >>> recognise("4097", "sys-kernel-tainted.txt"), recognise("4097")
    ('kernel.taint', None)
    """
    prefix = text[:PREFIX]
    if JSON.match(prefix):
        return _by_members(text)
    if re.fullmatch(r"\s*\d{1,10}\s*", prefix):
        return "kernel.taint" if re.search("taint", name, re.IGNORECASE) else None
    for parser in rows():
        if parser.head is not None and parser.head.search(prefix):
            return parser.kind
    return next((kind for pattern, kind in _HINTS if re.search(pattern, name, re.IGNORECASE)), None)


def _by_members(text: str) -> str | None:
    try:
        document, _ = tool_json(text)
    except ValueError:
        from sosmlx.parsers.kernel_log import JOURNAL

        first = text[: document_end(text, 0) or PREFIX]  # the journal prints one document an entry
        return "kernel.log" if JOURNAL.search(first) else None
    for parser in rows():
        if any(_has(document, path.split("/")) for path in parser.members):
            return parser.kind
    # An ethtool option for which the driver has no attribute prints the interface's name alone.
    alone = isinstance(document, list) and document and all(item == {"ifname": _name(item)} for item in document)
    return "ethtool.module-power" if alone else None


def _name(item: object) -> object:
    return item.get("ifname") if isinstance(item, dict) else None


def _has(value: object, path: Iterable[str]) -> bool:
    """Whether a document has a member: `*` is any name, `[]` any item of a list."""
    parts = list(path)
    if not parts:
        return True
    if parts[0] == "[]":
        return isinstance(value, list) and any(_has(inner, parts[1:]) for inner in value)
    if not isinstance(value, dict):
        return False
    if parts[0] == "*":
        return any(_has(inner, parts[1:]) for inner in value.values())
    return parts[0] in value and _has(value[parts[0]], parts[1:])
