"""Views as one self-contained page: no network, a policy that allows only this page's own style, nothing unescaped."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

import sosmlx
from sosmlx.report.result import CheckView
from sosmlx.report.view import DiffView, ShowView

TEMPLATES = ("page.html.j2", "parts.html.j2", "diff.html.j2", "show.html.j2", "check.html.j2")


def diff_page(view: DiffView) -> str:
    """Render a diff."""
    return _page("diff.html.j2", view)


def show_page(view: ShowView) -> str:
    """Render a snapshot."""
    return _page("show.html.j2", view)


def check_page(view: CheckView) -> str:
    """Render a check."""
    return _page("check.html.j2", view)


def _page(template: str, view: DiffView | ShowView | CheckView) -> str:
    environment = Environment(
        loader=DictLoader({name: _file(name) for name in TEMPLATES}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = _file("style.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template(template).render(
        view=view,
        style=Markup(style),  # noqa: S704 - our own file, not input
        style_hash=f"sha256-{digest}",
        version=sosmlx.__version__,
    )


def _file(name: str) -> str:
    """Read a template: in the wheel's place, or in the checkout that an editable install runs from."""
    inside = resources.files("sosmlx.report") / "templates" / name
    if inside.is_file():
        return inside.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "templates" / name).read_text(encoding="utf-8")
