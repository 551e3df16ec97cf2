"""What tickets and mail do to a pasted text, undone: byte order marks, line ends, quoting."""

from __future__ import annotations

import codecs
import re

from sosmlx.errors import InputError

_QUOTED = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(data: bytes) -> str:
    """Decode a text: UTF-8, or UTF-16 where a byte order mark says so; undecodable bytes become U+FFFD."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    return data.decode("utf-8", "replace")


def clean(text: str) -> str:
    r"""Undo line ends of other systems and `>` quoting; the number of lines stays.

    >>> clean("> a\r\n>> b\r\n")
    'a\nb\n'
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if ">" in text:
        text = _QUOTED.sub("", text)
    return text


def decode_paste(data: bytes, what: str) -> str:
    """Decode and clean something that a person pasted. Raises InputError for what is no text."""
    if b"\0" in data[:4096] and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(f"{what}: binary data, not a text of a tool")
    return clean(decode(data))
