from __future__ import annotations

import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pages import HOSTILE, KINDS, formats, hostile_pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = shutil.which("chromium") or ""

pytestmark = [
    pytest.mark.provided,
    pytest.mark.skipif(not CHROMIUM, reason="no chromium: the pages are not looked at in a browser"),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    found = {kind: folder / f"{kind}.html" for kind in (*KINDS, "few")}
    for kind, path in found.items():
        path.write_text(formats(kind)["html"](), encoding="utf-8")
    for kind, html in hostile_pages():
        found[f"hostile {kind}"] = folder / f"hostile-{kind}.html"
        found[f"hostile {kind}"].write_text(html, encoding="utf-8")
    return found


class Seen:
    """A page, with everything that it asked for and complained about."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        self.page.goto(address)


def look(browser: Browser, path: Path, place: str = "", **options: object) -> Seen:
    context = browser.new_context(**options)  # type: ignore[arg-type]
    return Seen(context, f"{path.as_uri()}{place}")


@pytest.mark.parametrize("kind", [*KINDS, "hostile diff", "hostile show", "hostile check"])
def test_a_page_asks_for_nothing_and_complains_of_nothing(browser: Browser, paths: dict[str, Path], kind: str) -> None:
    seen = look(browser, paths[kind])

    hit = seen.page.evaluate("window.hit")
    assert (seen.requests, seen.complaints, hit) == ([paths[kind].as_uri()], [], None)


@pytest.mark.parametrize("kind", ["diff", "few", "check"])
@pytest.mark.parametrize(
    "scheme", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}], ids=str
)
def test_a_page_violates_no_accessibility_rule(
    browser: Browser, paths: dict[str, Path], kind: str, scheme: dict[str, str]
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = look(browser, paths[kind], bypass_csp=True, **scheme).page
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")

    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    found = Axe().run(page, options=rules).response["violations"]
    assert [(row["id"], row["nodes"][0]["html"]) for row in found] == []


@pytest.mark.parametrize("kind", ["diff", "check"])
def test_the_keyboard_reaches_the_first_finding_in_five_tabs(
    browser: Browser, paths: dict[str, Path], kind: str
) -> None:
    page = look(browser, paths[kind]).page

    for _ in range(5):
        page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.closest('tbody.finding') !== null")


def test_the_skip_link_leads_to_the_first_finding(browser: Browser, paths: dict[str, Path]) -> None:
    page = look(browser, paths["diff"]).page

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert page.evaluate("location.hash") == "#findings"


@pytest.mark.parametrize("kind", [*KINDS, "hostile diff", "hostile check"])
def test_a_narrow_page_does_not_scroll_sideways(browser: Browser, paths: dict[str, Path], kind: str) -> None:
    page = look(browser, paths[kind], viewport={"width": 320, "height": 800}).page

    assert page.evaluate("document.documentElement.scrollWidth") == 320


@pytest.mark.parametrize("kind", ["diff", "check"])
def test_a_link_to_a_finding_scrolls_to_it(browser: Browser, paths: dict[str, Path], kind: str) -> None:
    last = re.findall(r'<tbody id="(f-[^"]+)"', paths[kind].read_text(encoding="utf-8"))[-1]

    page = look(browser, paths[kind], f"#{last}", viewport={"width": 1000, "height": 300}).page

    top = page.evaluate("name => document.getElementById(name).getBoundingClientRect().top", last)
    assert (0 <= top < 300, page.evaluate("scrollY > 0")) == (True, True)


def test_a_printed_page_holds_the_verdict_every_finding_and_its_evidence(
    browser: Browser, paths: dict[str, Path], tmp_path: Path
) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext")
    page = look(browser, paths["diff"]).page

    page.pdf(path=str(tmp_path / "p.pdf"))
    text = subprocess.run(
        ["pdftotext", "-layout", str(tmp_path / "p.pdf"), "-"], capture_output=True, check=True
    ).stdout

    found = json.loads(formats("diff")["json"]())
    words = [row["name"] for row in found["differences"]] + ["VERDICT", "record"]
    flat = re.sub(rb"\s+", b"", text)
    assert [word for word in words if re.sub(rb"\s+", b"", word.encode()) not in flat] == []


@pytest.mark.parametrize("kind", ["diff", "check"])
def test_every_finding_is_there_without_scripts(browser: Browser, paths: dict[str, Path], kind: str) -> None:
    page = look(browser, paths[kind], java_script_enabled=False).page

    found = json.loads(formats(kind)["json"]())
    lines = sum(len(group["lines"]) for group in found["view"]["groups"])
    assert (page.locator("tbody.finding:visible").count(), page.locator("input, select, button").count()) == (lines, 0)


def test_the_lines_of_a_diff_are_the_differences_of_its_document(browser: Browser, paths: dict[str, Path]) -> None:
    page = look(browser, paths["diff"]).page
    found = json.loads(formats("diff")["json"]())

    facets = page.locator("tbody.finding > tr:first-child > td:nth-child(2)").all_inner_texts()
    count = sum(len(cell.split(", ")) for cell in facets)
    cells = [int(cell) for cell in page.locator(".heat td").all_inner_texts() if cell.isdecimal()]
    assert (count, sum(cells)) == (found["summary"]["differences"],) * 2


class _Strict(http.server.SimpleHTTPRequestHandler):
    """What Jenkins sends with an archived page."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", "sandbox; default-src 'none'; img-src 'self'; style-src 'self';")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_every_finding_is_there_under_a_server_that_allows_no_style_and_no_script(
    browser: Browser, paths: dict[str, Path]
) -> None:
    folder = str(paths["diff"].parent)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: _Strict(*args, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page = Seen(browser.new_context(), f"http://127.0.0.1:{server.server_port}/diff.html").page
        rows, dead = page.locator("tbody.finding").count(), page.locator("input, select, button").count()
    finally:
        server.shutdown()
        server.server_close()

    lines = sum(len(group["lines"]) for group in json.loads(formats("diff")["json"]())["view"]["groups"])
    assert (rows, dead) == (lines, 0)


@pytest.mark.parametrize("kind", ["hostile diff", "hostile show"])
def test_hostile_words_are_text_and_all_there(browser: Browser, paths: dict[str, Path], kind: str) -> None:
    from sosmlx.printable import visible

    page = look(browser, paths[kind]).page

    text = page.evaluate("document.body.textContent")
    made = page.evaluate("document.querySelectorAll('img, body script:not(#data):not(:last-of-type)').length")
    missing = [word[:40] for word in HOSTILE[:-1] if visible(word) not in text]
    assert (missing, made, page.evaluate("window.hit")) == ([], 0, None)


def test_the_search_finds_settings_that_are_not_laid_out(browser: Browser, paths: dict[str, Path]) -> None:
    page = look(browser, paths["diff"]).page

    page.keyboard.press("/")
    page.keyboard.type("rx-checksumming")

    status = page.locator("[role=status]").inner_text()
    assert (re.sub(r"^0 of \d+ lines below; ", "", status), page.locator("[data-tools] tbody tr").count()) == (
        "2 settings match",
        2,
    )


def test_filters_stay_in_the_address(browser: Browser, paths: dict[str, Path]) -> None:
    page = look(browser, paths["diff"]).page
    page.locator("details summary").first.click()
    page.get_by_label("plane").select_option("kernel")
    address = page.evaluate("location.href")

    again = Seen(page.context, address).page
    shown = again.locator("tbody.finding:visible").count()

    assert (address.endswith("#?plane=kernel"), shown) == (True, page.locator("tbody.finding:visible").count())


def _choose(page: Page, name: str, value: str) -> tuple[int, str]:
    """Choose a filter, and return how many lines are left and what the page says of the settings."""
    page.locator("[data-tools] > details > summary").first.click()
    label = page.locator("[data-tools] label", has_text=re.compile(f"^{name} "))
    label.locator("select").select_option(value, timeout=3000)
    said = page.locator("[role=status]").inner_text()
    return page.locator("tbody.finding:not([hidden])").count(), said.partition("; ")[2]


CHOICES = {
    "of a state that no line has": ("diff", "state", "pending", (0, "1 settings match")),
    "by the writer's name alone": ("diff", "writer", "ICMD_MLXCONFIG (9)", (2, "99 settings match")),
    "by what no finding has": ("check", "class", "firmware", (3, "15 settings match")),
    "by severity, which no setting has": ("diff", "severity", "high", (4, "")),
    "of one host by class": ("few", "class", "evidence", (2, "2 settings match")),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_a_filter_narrows_lines_and_settings(browser: Browser, paths: dict[str, Path], choice: str) -> None:
    kind, name, value, expected = CHOICES[choice]

    assert _choose(look(browser, paths[kind]).page, name, value) == expected


def test_a_link_shows_its_finding_whatever_was_filtered_out(browser: Browser, paths: dict[str, Path]) -> None:
    page = look(browser, paths["diff"], "#?plane=kernel").page
    name = page.locator("tbody.finding[hidden]").first.get_attribute("id")

    page.evaluate("name => { location.hash = name; }", name)

    assert page.locator(f"tbody#{name} th a").is_visible()


def test_a_page_that_is_printed_narrowed_says_so(browser: Browser, paths: dict[str, Path]) -> None:
    page = look(browser, paths["diff"], "#?plane=kernel").page

    page.emulate_media(media="print")

    said = page.locator("[role=status]")
    assert (said.is_visible(), said.inner_text().partition(";")[0]) == (True, "1 of 11 lines below")


def test_a_sorted_table_says_so(browser: Browser, paths: dict[str, Path]) -> None:
    page = look(browser, paths["check"]).page

    page.locator("th", has_text="Severity").first.click()

    shown = page.locator("tbody.finding:visible .sev").all_inner_texts()
    rank = ["critical", "high", "medium", "low", "info"]
    sort = page.locator("th", has_text="Severity").first.get_attribute("aria-sort")
    assert (sort, shown) == ("ascending", sorted(shown, key=rank.index))


def test_the_arrows_go_from_finding_to_finding(browser: Browser, paths: dict[str, Path]) -> None:
    page = look(browser, paths["diff"]).page
    links = page.locator("tbody.finding th a")
    links.nth(0).focus()

    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")

    assert page.evaluate("document.activeElement.getAttribute('href')") == links.nth(1).get_attribute("href")


def test_evidence_opens_to_the_lines_of_both_records(browser: Browser, paths: dict[str, Path]) -> None:
    page = look(browser, paths["diff"]).page
    row = page.locator("tbody.finding", has_text="rings.rx").first

    row.locator("summary").click()

    quoted = row.locator("figcaption").all_inner_texts()
    assert [words.split(":")[0] for words in quoted] == ["left", "right"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_result_gives_the_same_page(kind: str) -> None:
    formats.cache_clear()
    first = formats(kind)["html"]()
    formats.cache_clear()

    assert re.sub(r"2\d{3}-\d\d-\d\dT[\d:.]+Z", "", first) == re.sub(
        r"2\d{3}-\d\d-\d\dT[\d:.]+Z", "", formats(kind)["html"]()
    )


def test_the_script_parses_no_markup_and_is_small() -> None:
    script = (Path(__file__).parents[1] / "templates" / "page.js").read_text(encoding="utf-8")

    parsing = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script)
    assert (parsing, len(script.encode()) < 20_000) == ([], True)
