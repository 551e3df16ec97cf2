"""One value, as a person sees it: what is shown of a facet, with control and bidirectional characters made visible."""

from __future__ import annotations

import re

from sosmlx.model import Facet

ABSENT = "-"

# C0, DEL, C1, zero-width and bidirectional controls, line and paragraph separators.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udfff]")


def visible(text: str) -> str:
    r"""Show characters that would act on a terminal or a page as their number.

    >>> visible("a\x1b[2Jb\u202e")
    'a\\x1b[2Jb\\u202e'
    """
    return _HIDDEN.sub(lambda match: _escape(match[0]), text)


def _escape(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def shown(facet: Facet | None) -> str:
    """Show a facet: the tool's own text, or the reason why there is none.

    >>> shown(Facet(2, "ETH(2)", "ETH")), shown(None), shown(Facet(None, "n/a", reason="unsupported"))
    ('ETH(2)', '-', 'n/a (unsupported)')
    """
    if facet is None:
        return ABSENT
    if facet.label and " " in facet.raw:
        return visible(facet.label)  # the raw text is a whole line of a table
    text = facet.raw if facet.raw else ("" if facet.value is None else str(facet.value))
    if facet.reason:
        return visible(f"{text} ({facet.reason})".strip())
    return visible(text) or '""'
