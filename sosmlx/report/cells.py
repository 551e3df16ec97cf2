"""One value, as a person sees it: what is shown of a facet, with control and bidirectional characters made visible."""

from __future__ import annotations

from sosmlx.model import Facet
from sosmlx.printable import visible

ABSENT = "-"


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
