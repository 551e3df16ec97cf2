"""Saved results: the JSON document of a show, diff or check, read back as strictly as anything from outside.

Beside the data for programs a document holds `view`: what text and page show, word by word, so that a saved result can
be shown again without its sources, and shows the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sosmlx.errors import InputError
from sosmlx.jsonio import loads
from sosmlx.model import Snapshot, Verdict
from sosmlx.printable import visible
from sosmlx.report.page import Page
from sosmlx.report.plain import dump, restore
from sosmlx.report.result import CheckView
from sosmlx.report.show import ShowView
from sosmlx.report.view import DiffView
from sosmlx.snapshot_json import snapshot_from_json

Document = Mapping[str, object]

MOST_BYTES = 256 << 20
"""So large a document is read; more is no result of ours."""

KINDS = ("snapshot", "diff", "check")
"""Documents that can be shown again."""

HINT = "write one with `sosmlx diff LEFT RIGHT -o result.json`, or with show or check"

_SCHEMA = re.compile(r"sosmlx\.([a-z-]+)/(\d+)")


class View(Protocol):
    """What every view has: the verdict's word and sentence."""

    @property
    def status(self) -> str:
        """The verdict's word."""

    @property
    def sentence(self) -> str:
        """The verdict's sentence."""


V = TypeVar("V", bound=View)


@dataclass(frozen=True)
class Saved:
    """A document that was read back: its kind, its data, and where it came from, for messages."""

    kind: str
    document: Document
    path: str

    def view(self, cls: type[V]) -> V:
        """Return the view. Raises InputError where there is none of that shape, or one that says something else."""
        found = restore(cls, self._at("view"), f"{self.path}: view")
        own = _verdict(self)
        if (found.status, found.sentence) != (own.status, own.sentence):
            raise InputError(
                f"{self.path}: its verdict and what it shows of it are not the same",
                "somebody changed the document: make it again from the sources",
            )
        return found

    def diff_view(self) -> DiffView:
        """Return the view of a diff. Raises InputError as `view` does."""
        return self.view(DiffView)

    def check_view(self) -> CheckView:
        """Return the view of a check. Raises InputError as `view` does."""
        return self.view(CheckView)

    def show_view(self) -> ShowView:
        """Return the view of a snapshot. Raises InputError as `view` does."""
        return self.view(ShowView)

    def page(self) -> Page:
        """Return the rest of the page; a document without one gives a plain page. Raises InputError as `view` does."""
        found = self.document.get("page")
        return Page() if found is None else restore(Page, found, f"{self.path}: page")

    def snapshot(self) -> Snapshot:
        """Return the snapshot. Raises InputError where the document is none."""
        try:
            return snapshot_from_json(self.document)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            words = f"{self.path}: not a snapshot ({type(error).__name__}: {error})"
            raise InputError(words, "the document is damaged, or was written by something else") from None

    def _at(self, *names: str) -> object:
        found: object = self.document
        for name in names:
            if not isinstance(found, dict) or name not in found:
                hint = "it was written by an earlier version, or is damaged: make it again from the sources"
                raise InputError(f"{self.path}: no {'.'.join(names)!r} there", hint)
            found = found[name]
        return found


def _verdict(saved: Saved) -> Verdict:
    """Return the verdict that the data gives, made harmless as a view is."""
    side = ("right",) if saved.kind == "diff" else ()
    return restore(Verdict, saved._at("verdict", *side, "host"), f"{saved.path}: verdict")


def with_view(document: Mapping[str, object], view: View) -> dict[str, object]:
    """Add to a document what text and page show of it."""
    return {**document, "view": dump(view)}


def with_page(document: Document, page: Page) -> Document:
    """Add to a document what only a page shows; one that was read back has it."""
    return document if "page" in document else {**document, "page": dump(page)}


def read(text: str, path: str) -> Saved:
    """Read a saved result. Raises InputError for what is none, or of a major version that this one does not know."""
    document = loads(text, what=visible(path))
    name = document.get("schema") if isinstance(document, dict) else None
    match = _SCHEMA.fullmatch(name) if isinstance(name, str) else None
    if not isinstance(document, dict) or match is None:
        raise InputError(f"{path}: no result of sosmlx", HINT)
    kind, major = match[1], int(match[2])
    if kind not in KINDS:
        raise InputError(f"{path}: a {match[0]} document is nothing to render", HINT)
    if major != 1:
        raise InputError(f"{path}: {match[0]}, and this sosmlx reads sosmlx.{kind}/1", "render it with a newer sosmlx")
    return Saved(kind, document, path)
