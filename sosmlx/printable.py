"""Foreign words on a terminal or a page: what would act there is shown as its number."""

from __future__ import annotations

import re

# C0, DEL, C1, soft hyphen, zero-width and bidirectional controls, line and paragraph separators, tags, surrogates.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
    "|[\ud800-\udfff]"
)


def visible(text: str) -> str:
    r"""Show characters that would act on a terminal or a page as their number.

    >>> visible("a\x1b[2Jb\u202e")
    'a\\x1b[2Jb\\u202e'
    """
    return _HIDDEN.sub(lambda match: _escape(match[0]), text)


_MANY = re.compile(r"\{([^{},]*,[^{},]*),[^{}]*\}")


def abbreviated(pattern: str) -> str:
    """Leave of the words in braces only the first two: a message need not spell out a pattern of a hundred files.

    >>> abbreviated("/sys/x/{a,b,c,d}/{e,f}")
    '/sys/x/{a,b,…}/{e,f}'
    """
    return _MANY.sub(r"{\1,…}", pattern)


def _escape(character: str) -> str:
    number = ord(character)
    if number < 256:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"
