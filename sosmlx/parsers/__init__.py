"""The table of parsers, by record kind; and how a pasted text is recognised for one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sosmlx.jsonio import tool_json
from sosmlx.parsers import devlink, ethtool, kernel, mlxconfig, sysfs
from sosmlx.parsers.spec import Parser, unparsed

PREFIX = 64 << 10
"""How many characters of a text are looked at to recognise it."""

UNKNOWN = "unknown"
"""The kind of a text that nobody recognised: its lines are kept and counted."""

JSON = re.compile(r"\s*(?:\{|\[\s*[\[{\"\]])")
"""How a JSON document begins; a bracket alone may be a prompt, a time stamp or a lockdown level."""

_ROWS: tuple[Parser, ...] = (
    *mlxconfig.TABLE,
    *devlink.TABLE,
    *ethtool.TABLE,
    *sysfs.TABLE,
    *kernel.TABLE,
    Parser(UNKNOWN, lambda text, record: unparsed(text)),
)
"""Every kind; a text is recognised by the first row that claims it."""

PARSERS: dict[str, Parser] = {parser.kind: parser for parser in _ROWS}

_HINTS: tuple[tuple[str, str], ...] = (
    (r"taint", "kernel.taint"),
    (r"cmdline", "kernel.cmdline"),
    (r"dmesg|kern\.?log|journal", "kernel.log"),
)
"""What a file's name says where content alone is too little (a bare taint word is just a number)."""


def recognise(text: str, name: str = "") -> str | None:
    r"""Tell which kind a text is, from a bounded prefix and, where that is too little, from its file's name.

    >>> recognise("Ring parameters for eth0:\\nPre-set maximums:\\n")
    'ethtool.rings'
    >>> recognise("4097", "sys-kernel-tainted.txt"), recognise("4097")
    ('kernel.taint', None)
    """
    prefix = text[:PREFIX]
    if JSON.match(prefix):
        return _by_members(text)
    for parser in _ROWS:
        if parser.head is not None and parser.head.search(prefix):
            return parser.kind
    if re.fullmatch(r"\s*\d{1,10}\s*", prefix):
        return "kernel.taint" if re.search("taint", name, re.IGNORECASE) else None
    return next((kind for pattern, kind in _HINTS if re.search(pattern, name, re.I) and kind != "kernel.taint"), None)


def _by_members(text: str) -> str | None:
    try:
        document, _ = tool_json(text)
    except ValueError:
        return None
    for parser in _ROWS:
        if any(_has(document, path.split("/")) for path in parser.members):
            return parser.kind
    return None


def _has(value: object, path: Iterable[str]) -> bool:
    parts = list(path)
    if not parts:
        return True
    if not isinstance(value, dict):
        return False
    if parts[0] == "*":
        return any(_has(inner, parts[1:]) for inner in value.values())
    return parts[0] in value and _has(value[parts[0]], parts[1:])
