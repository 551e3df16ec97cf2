"""What tickets, mail and terminals do to a pasted text, undone: byte order marks, line ends, quoting, colours."""

from __future__ import annotations

import codecs
import re

from sosmlx.errors import InputError

BINARY_SHARE = 0.05
"""A text may hold a stray control character; where more than this share of its beginning are some, it is none."""

_CONTROLS = bytes(number for number in range(32) if number not in b"\t\n\r\x1b") + b"\x7f"
_QUOTED = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE)
# ECMA-48: control sequences (CSI), strings of the operating system (OSC) and others, and escapes of one character.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)|[ -/]{1,4}[0-~]|[0-OQ-WYZ\\`-~])"
)
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
    r"""Undo line ends of other systems, `>` quoting and what a terminal was told; the number of lines stays.

    >>> clean("> a\r\n>> b\r\n"), clean("\x1b[01;31m\x1b[KNUM_OF_VFS\x1b[m\x1b[K  8")
    ('a\nb\n', 'NUM_OF_VFS  8')
    """
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if ">" in text:
        text = _QUOTED.sub("", text)
    return text


def decode_paste(data: bytes, what: str) -> str:
    """Decode and clean something that a person pasted. Raises InputError for what is no text."""
    prefix = data[:4096]
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not wide and len(prefix) - len(prefix.translate(None, _CONTROLS)) > len(prefix) * BINARY_SHARE:
        raise InputError(f"{what}: binary data, not a text of a tool")
    return clean(decode(data))
