"""Views as one self-contained page: no network, a policy that allows only this page's own style, nothing unescaped."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

import sosmlx
from sosmlx.report.limits import noteworthy, worst
from sosmlx.report.page import Page
from sosmlx.report.result import CheckView
from sosmlx.report.show import ShowView
from sosmlx.report.view import DiffView

TEMPLATES = (
    "page.html.j2", "parts.html.j2", "diff.html.j2", "show.html.j2", "check.html.j2", "taint.svg.j2", "topology.svg.j2",
)  # fmt: skip

MOST_LINES = 1_000
"""So many differences or findings are laid out in a page, the worst first, with one element for each of their words;
all others are counted there, and are in the documents."""

MOST_SETTINGS = 1_500
"""So many settings of a snapshot are laid out; of more, those that are set or pending are. The search has all."""

MOST_ROWS = 250
"""So many rows of each of the other lists are laid out (what waits, what is unknown, …); the others are counted there,
and are in the text and in the documents."""

PLAIN = Page()


def diff_page(view: DiffView, page: Page = PLAIN) -> str:
    """Render a diff."""
    groups, cut = worst(view.groups, MOST_LINES)
    agreed, agreed_cut = worst(view.agreed, MOST_LINES)
    return _page("diff.html.j2", view, page, groups=groups, cut=cut, agreed=agreed, agreed_cut=agreed_cut)


def show_page(view: ShowView, page: Page = PLAIN) -> str:
    """Render a snapshot."""
    groups, cut = noteworthy(view.groups, MOST_SETTINGS)
    return _page("show.html.j2", view, page, groups=groups, cut=cut)


def check_page(view: CheckView, page: Page = PLAIN) -> str:
    """Render a check."""
    groups, cut = worst(view.groups, MOST_LINES)
    return _page("check.html.j2", view, page, groups=groups, cut=cut)


def _page(template: str, view: DiffView | ShowView | CheckView, page: Page, **parts: object) -> str:
    environment = Environment(
        loader=DictLoader({name: _file(name) for name in TEMPLATES}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["any_set"] = lambda sides: "set" in sides
    style, script = _file("style.css"), _file("page.js")
    return environment.get_template(template).render(
        view=view,
        page=page,
        style=Markup(style),  # noqa: S704 - our own file, not input
        style_hash=_hash(style),
        script=Markup(script),  # noqa: S704 - our own file, not input
        script_hash=_hash(script),
        data=Markup(page.island.document()),  # noqa: S704 - JSON in ASCII without `<`, `>` and `&`
        version=sosmlx.__version__,
        most=MOST_ROWS,
        **parts,
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _file(name: str) -> str:
    """Read a template: in the wheel's place, or in the checkout that an editable install runs from."""
    inside = resources.files("sosmlx.report") / "templates" / name
    if inside.is_file():
        return inside.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "templates" / name).read_text(encoding="utf-8")
