"""Documents and pages: every JSON that is emitted is valid by its own schema; pages are self-contained and escaped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sosmlx.bundle.opening import open_source
from sosmlx.cli import main
from sosmlx.diff.compare import compare_bundles
from sosmlx.normalise import normalise
from sosmlx.policy.baseline import of_snapshot
from sosmlx.policy.document import load
from sosmlx.policy.rules import Policy, Rule, Select, Waiver
from sosmlx.report.check_text import check_text
from sosmlx.report.html import check_page, diff_page, show_page
from sosmlx.report.result import CheckResult, check_view, evaluate
from sosmlx.report.show import show_view
from sosmlx.report.text import diff_text
from sosmlx.report.view import diff_view
from tests.snapshots import query

SCENARIOS = ["two-adapters-before", "two-adapters-after", "no-fwctl", "bare"]
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script></style>",
    "{{7*7}}{%raw%}",
    "javascript:alert(1)",
    "a\u2028b\u202ec\x00d\x1b[2J",
    "&lt;b&gt;",
]


def schema(name: str) -> dict[str, Any]:
    text = (resources.files("sosmlx.data") / "schemas" / f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def check(document: object) -> None:
    assert isinstance(document, dict)
    name = document["schema"].partition(".")[2].partition("/")[0]
    jsonschema.Draft202012Validator(schema(name)).validate(document)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_snapshot_document_is_valid(capsys: pytest.CaptureFixture[str], name: str) -> None:
    main(["show", f"sim:{name}", "--format", "json", "--all"])

    check(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("left", SCENARIOS)
@pytest.mark.parametrize("right", SCENARIOS)
def test_a_diff_document_is_valid(capsys: pytest.CaptureFixture[str], left: str, right: str) -> None:
    main(["diff", f"sim:{left}", f"sim:{right}", "--format", "json", "--all"])

    check(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("baseline", ["builtin:envelope", "builtin:links", "sim:two-adapters-before", "pending"])
def test_a_check_document_is_valid(capsys: pytest.CaptureFixture[str], name: str, baseline: str) -> None:
    main(["check", f"sim:{name}", "--baseline", baseline, "--format", "json"])

    check(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_documents_of_a_bundle_are_valid(tmp_path: Path, name: str) -> None:
    main(["collect", "--source", f"sim:{name}", "-o", str(tmp_path), "--format", "dir", "--quiet"])

    for path in next(tmp_path.iterdir()).glob("sosmlx/*.json"):
        check(json.loads(path.read_text()))


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_of_the_package_is_valid(name: str) -> None:
    check(json.loads((resources.files("sosmlx.data") / "scenarios" / f"{name}.json").read_text(encoding="utf-8")))


class Page(HTMLParser):
    """What a page holds: elements, attributes that could act, and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.acting: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in ("src", "style", "srcset", "action"):
                self.acting.append(f"{tag} {name}")
            if name == "href":
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def _pages() -> Iterator[tuple[str, str]]:
    found = compare_bundles(open_source("sim:two-adapters-before"), open_source("sim:two-adapters-after"))
    yield "diff", diff_page(diff_view(found))
    snapshot = normalise(open_source("sim:two-adapters-after"))
    yield "show", show_page(show_view(snapshot, snapshot.settings))
    yield "check", check_page(check_view(_checked()))


def _checked() -> CheckResult:
    """Check the tainted host against two policies that share their rules, and waive what a hostile hand wrote."""
    before, after = (normalise(open_source(f"sim:two-adapters-{when}")) for when in ("before", "after"))
    waiver = Waiver(
        "taint-fwctl", HOSTILE[0], HOSTILE[1], date(2026, 1, 1), date(2026, 12, 31), Select(host=("n07",)), where="w:1"
    )
    policies = [of_snapshot(before), replace(load("builtin:envelope"), waivers=(waiver,)), load("builtin:envelope")]
    return evaluate(after, policies, date(2026, 6, 15))


PAGES = list(_pages())


@pytest.mark.parametrize(("name", "html"), PAGES)
def test_a_page_is_self_contained(name: str, html: str) -> None:
    page = Page(html)

    outside = [link for link in page.links if not link.startswith("#")]
    assert (outside, page.acting, len(page.ids) == len(set(page.ids))) == ([], [], True)


@pytest.mark.parametrize(("name", "html"), PAGES)
def test_the_policy_of_a_page_allows_its_own_style_and_script_only(name: str, html: str) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)

    assert policy is not None
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; script-src 'sha256-[A-Za-z0-9+/=]+'; "
        r"img-src data:; base-uri 'none'; form-action 'none'",
        policy[1].replace("&#39;", "'"),
    )


def test_a_page_shows_what_the_terminal_shows() -> None:
    view = diff_view(compare_bundles(open_source("sim:two-adapters-before"), open_source("sim:two-adapters-after")))

    page, text = Page(diff_page(view)).text, diff_text(view)

    lines = [line for group in view.groups for line in group.lines]
    missing = [line.name for line in lines if line.name not in page or line.name not in text]
    assert (missing, view.sentence in page, view.sentence in text) == ([], True, True)


def test_the_demo_page_names_the_flash_change_the_taint_and_fwctl_in_plain_sight() -> None:
    html = dict(PAGES)["diff"]

    plain = Page(re.sub(r"<details class=\"proof\">.*?</details>", "", html, flags=re.DOTALL))
    closed = re.findall(r"<details(?! class=\"group\" open)(?! class=\"proof\")[^>]*>", html)
    assert (closed, [word in plain.text for word in ("NUM_OF_VFS", "taint", "fwctl")]) == ([], [True] * 3)


def test_the_page_of_a_check_shows_what_the_terminal_shows() -> None:
    view = check_view(_checked())

    page, text = Page(check_page(view)).text, check_text(view)

    words = [word for group in view.groups for line in group.lines for word in (line.rule, line.actual, line.waiver)]
    words += [view.sentence, view.count, *(row.remarks for row in view.waivers), *(row.what for row in view.unknown)]
    assert [word for word in words if word[:100] not in page or word[:100] not in text] == []


@pytest.mark.parametrize("evil", HOSTILE)
def test_hostile_words_of_a_policy_are_shown_and_do_not_act(evil: str) -> None:
    snapshot = normalise(open_source("sim:two-adapters-before"))
    hostile = Rule(evil, "nvconfig", "NUM_OF_VFS", operand=evil, title=evil, advice=evil, source=evil, where=evil)
    waiver = Waiver(evil, evil, evil, date(2026, 1, 1), date(2026, 12, 31), many=True, where=evil)
    policy = Policy(evil, evil, rules=(hostile, replace(hostile, uncollected=evil)), waivers=(waiver,), path=evil)

    view = check_view(evaluate(snapshot, [policy], date(2026, 6, 15)))

    page = Page(check_page(view))
    assert (page.acting, page.tags.count("script"), "img" in page.tags) == ([], 1, False)
    assert not re.search("[\x00\x1b\u2028\u202e]", page.text + check_text(view))


@pytest.mark.parametrize("evil", HOSTILE)
def test_hostile_text_is_shown_and_does_not_act(tmp_path: Path, evil: str) -> None:
    left, right = tmp_path / "l.txt", tmp_path / "r.txt"
    head = query({"NUM_OF_VFS": ("1", "1", "1")})
    left.write_text(head)
    word = evil.replace(" ", "_").replace("\n", "")
    right.write_text(head.replace("MCX623106AN-CDA_Ax", evil).replace("1  ", f"{word}  "))

    found = compare_bundles(open_source(str(left)), open_source(str(right)))
    page = Page(diff_page(diff_view(found)))

    snapshot = normalise(open_source(str(right)))
    shown = Page(show_page(show_view(snapshot, snapshot.settings)))
    assert (page.acting, page.tags.count("script"), "img" in page.tags, shown.acting) == ([], 1, False, [])
    assert not re.search("[\x00\x1b\u2028\u202e]", page.text + shown.text)


def test_the_same_input_gives_the_same_page(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(query({"NUM_OF_VFS": ("1", "1", "1")}))
    (tmp_path / "b.txt").write_text(query({"NUM_OF_VFS": ("1", "1", "2")}))

    rendered = {
        diff_page(
            diff_view(compare_bundles(open_source(str(tmp_path / "a.txt")), open_source(str(tmp_path / "b.txt"))))
        )
        for _ in range(2)
    }

    assert len(rendered) == 1
