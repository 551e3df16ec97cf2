"""Which formats a result can be written in: name → a function that renders it, called only where it is asked for.

Everything but text and page is made from the document, so that `render` gives the same bytes as the command did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from types import ModuleType
from typing import TypeVar

from sosmlx.diff.result import DEFAULT, Comparison, Filter
from sosmlx.jsonio import dumps
from sosmlx.model import SHOWN_CLASSES, Setting, Snapshot
from sosmlx.record import Bundle
from sosmlx.report import page as pages
from sosmlx.report.brief import brief_text
from sosmlx.report.cases import Document, Report, check_report, diff_report, differences_from_json
from sosmlx.report.check_text import check_text
from sosmlx.report.github import github, show_github
from sosmlx.report.lines import lines
from sosmlx.report.machine import check_document, diff_document, snapshot_document
from sosmlx.report.markdown import Told, markdown, show_markdown
from sosmlx.report.page import Page
from sosmlx.report.result import CheckResult, CheckView, check_view
from sosmlx.report.saved import Saved, with_page, with_view
from sosmlx.report.show import ShowView, show_view
from sosmlx.report.text import diff_text, show_text
from sosmlx.report.view import DiffView, diff_view

Formats = dict[str, Callable[[], str]]

T = TypeVar("T")
Make = Callable[[], T]


def diff_formats(found: Comparison, only: Filter = DEFAULT, bundles: Sequence[Bundle] = ()) -> Formats:
    """Render a diff; `only` is what the reader asked for: of the rest nothing is said to be the same.

    `bundles` are the two sides, from which a page quotes its evidence.
    """

    @cache
    def view() -> DiffView:
        return diff_view(found)

    @cache
    def document() -> Document:
        asked = {"planes": list(only.planes), "devices": list(only.devices), "ignore": list(only.ignore)}
        return with_view({**diff_document(found), "asked": asked}, view())

    @cache
    def page() -> Page:
        return pages.diff_page(found, view(), bundles)

    return _diff(view, page, document, lambda: _tables().csv(_tables().differences_frame(found.differences)))


def show_formats(snapshot: Snapshot, settings: Sequence[Setting], everything: bool = False) -> Formats:
    """Render a snapshot with the settings that the reader asked for; `brief` is its text on one screen."""

    @cache
    def view() -> ShowView:
        return show_view(snapshot, settings, everything)

    @cache
    def document() -> Document:
        return with_view(snapshot_document(snapshot, settings, everything), view())

    @cache
    def page() -> Page:
        return pages.show_page(snapshot, settings, view())

    kept = [row for row in settings if everything or row.cls in SHOWN_CLASSES]
    table = lambda: _tables().csv(_tables().frame(kept))  # noqa: E731
    return _show(view, page, document, table)


def check_formats(result: CheckResult, bundle: Bundle | None = None) -> Formats:
    """Render a check; `bundle` is what was checked, from which a page quotes its evidence."""

    @cache
    def view() -> CheckView:
        return check_view(result)

    @cache
    def document() -> Document:
        return with_view(check_document(result), view())

    @cache
    def page() -> Page:
        return pages.check_page(result, view(), bundle)

    return _check(view, page, document)


def saved_formats(saved: Saved) -> Formats:
    """Render a saved result. The renderers raise InputError where the document is not of its shape."""
    page = cache(saved.page)
    if saved.kind == "snapshot":
        rows = cache(lambda: _tables().csv(_tables().frame(saved.snapshot().settings)))
        return _show(cache(saved.show_view), page, lambda: saved.document, rows)
    if saved.kind == "check":
        return _check(cache(saved.check_view), page, lambda: saved.document)
    rows = cache(lambda: _tables().csv(_tables().differences_frame(differences_from_json(saved.document))))
    return _diff(cache(saved.diff_view), page, lambda: saved.document, rows)


def _diff(view: Make[DiffView], page: Make[Page], document: Make[Document], csv: Make[str]) -> Formats:
    def report() -> Report:
        return diff_report(document(), view().coverage)

    return {
        "text": lambda: diff_text(view()),
        "html": lambda: _html().diff_page(view(), page()),
        "csv": csv,
        **_data(document, page),
        **_ci(report, view),
    }


def _check(view: Make[CheckView], page: Make[Page], document: Make[Document]) -> Formats:
    def table() -> str:
        from sosmlx.report.findings import findings_csv  # pandas again

        return findings_csv(document())

    return {
        "text": lambda: check_text(view()),
        "html": lambda: _html().check_page(view(), page()),
        "csv": table,
        **_data(document, page),
        **_ci(lambda: check_report(document(), view().title), view),
    }


def _show(view: Make[ShowView], page: Make[Page], document: Make[Document], csv: Make[str]) -> Formats:
    return {
        "text": lambda: show_text(view()),
        "brief": lambda: brief_text(view()),
        "html": lambda: _html().show_page(view(), page()),
        "csv": csv,
        **_data(document, page),
        "markdown": lambda: show_markdown(view()),
        "github": lambda: show_github(view()),
    }


def _data(document: Make[Document], page: Make[Page]) -> Formats:
    return {"json": lambda: dumps(with_page(document(), page())), "jsonl": lambda: lines(document())}


def _ci(make: Make[Report], view: Make[Told]) -> Formats:
    report = cache(make)
    return {
        "markdown": lambda: markdown(report(), view()),
        "github": lambda: github(report()),
        "sarif": lambda: _sarif()(report()),
        "junit": lambda: _junit()(report()),
    }


def _sarif() -> Callable[[Report], str]:
    from sosmlx.report.sarif import sarif  # this and the next pull in much of the library that nothing else needs

    return sarif


def _junit() -> Callable[[Report], str]:
    from sosmlx.report.junit import junit

    return junit


def _tables() -> ModuleType:
    from sosmlx.report import tables  # pandas costs half a second: only for tables

    return tables


def _html() -> ModuleType:
    from sosmlx.report import html  # jinja2 costs a tenth of a second: only for pages

    return html
