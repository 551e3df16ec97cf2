"""Which formats a result can be written in: name → a function that renders it, called only where it is asked for.

Everything but text and page is made from the document, so that `render` gives the same bytes as the command did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from types import ModuleType

from sosmlx.diff.result import DEFAULT, Comparison, Filter
from sosmlx.jsonio import dumps
from sosmlx.model import SHOWN_CLASSES, Setting, Snapshot
from sosmlx.report.cases import Document, Report, check_report, diff_report, differences_from_json
from sosmlx.report.check_text import check_text
from sosmlx.report.github import github, show_github
from sosmlx.report.lines import lines
from sosmlx.report.machine import check_document, diff_document, snapshot_document
from sosmlx.report.markdown import markdown, show_markdown
from sosmlx.report.result import CheckResult, CheckView, check_view
from sosmlx.report.saved import Saved, with_view
from sosmlx.report.text import diff_text, show_text
from sosmlx.report.view import DiffView, ShowView, diff_view, show_view

Formats = dict[str, Callable[[], str]]


def diff_formats(found: Comparison, only: Filter = DEFAULT) -> Formats:
    """Render a diff; `only` is what the reader asked for: of the rest nothing is said to be the same."""

    @cache
    def view() -> DiffView:
        return diff_view(found)

    @cache
    def document() -> Document:
        asked = {"planes": list(only.planes), "devices": list(only.devices), "ignore": list(only.ignore)}
        return with_view({**diff_document(found), "asked": asked}, view())

    return _diff(view, document, lambda: _tables().csv(_tables().differences_frame(found.differences)))


def show_formats(snapshot: Snapshot, settings: Sequence[Setting], everything: bool = False) -> Formats:
    """Render a snapshot with the settings that the reader asked for."""

    @cache
    def view() -> ShowView:
        return show_view(snapshot, settings, everything)

    @cache
    def document() -> Document:
        return with_view(snapshot_document(snapshot, settings, everything), view())

    kept = [row for row in settings if everything or row.cls in SHOWN_CLASSES]
    return _show(view, document, lambda: _tables().csv(_tables().frame(kept)))


def check_formats(result: CheckResult) -> Formats:
    """Render a check."""

    @cache
    def view() -> CheckView:
        return check_view(result)

    @cache
    def document() -> Document:
        return with_view(check_document(result), view())

    return _check(view, document)


def saved_formats(saved: Saved) -> Formats:
    """Render a saved result. The renderers raise InputError where the document is not of its shape."""
    if saved.kind == "snapshot":
        rows = cache(lambda: _tables().csv(_tables().frame(saved.snapshot().settings)))
        return _show(cache(saved.show_view), lambda: saved.document, rows)
    if saved.kind == "check":
        return _check(cache(saved.check_view), lambda: saved.document)
    rows = cache(lambda: _tables().csv(_tables().differences_frame(differences_from_json(saved.document))))
    return _diff(cache(saved.diff_view), lambda: saved.document, rows)


def _diff(view: Callable[[], DiffView], document: Callable[[], Document], csv: Callable[[], str]) -> Formats:
    def report() -> Report:
        return diff_report(document(), view().coverage)

    return {
        "text": lambda: diff_text(view()),
        "html": lambda: _html().diff_page(view()),
        "csv": csv,
        **_data(document),
        **_ci(report),
    }


def _check(view: Callable[[], CheckView], document: Callable[[], Document]) -> Formats:
    def table() -> str:
        from sosmlx.report.findings import findings_csv  # pandas again

        return findings_csv(document())

    return {
        "text": lambda: check_text(view()),
        "html": lambda: _html().check_page(view()),
        "csv": table,
        **_data(document),
        **_ci(lambda: check_report(document(), view().title)),
    }


def _show(view: Callable[[], ShowView], document: Callable[[], Document], csv: Callable[[], str]) -> Formats:
    return {
        "text": lambda: show_text(view()),
        "html": lambda: _html().show_page(view()),
        "csv": csv,
        **_data(document),
        "markdown": lambda: show_markdown(view()),
        "github": lambda: show_github(view()),
    }


def _data(document: Callable[[], Document]) -> Formats:
    return {"json": lambda: dumps(document()), "jsonl": lambda: lines(document())}


def _ci(make: Callable[[], Report]) -> Formats:
    report = cache(make)
    return {
        "markdown": lambda: markdown(report()),
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
