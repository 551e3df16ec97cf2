"""What the page of a large host costs: bytes, elements, time to make, to load, and to search."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import time
from pathlib import Path

from sosmlx.diff.compare import compare
from sosmlx.report import page as pages
from sosmlx.report.html import diff_page, show_page
from sosmlx.report.show import show_view
from sosmlx.report.view import diff_view
from tests.pages import large

SEARCH = """async () => {
  const input = document.getElementById('search');
  const times = [];
  for (const word of ['P', 'PA', 'PARAM_19', 'PARAM_1999', '99', 'nothing', '0000:01']) {
    input.value = word;
    const start = performance.now();
    input.dispatchEvent(new Event('input'));
    times.push(performance.now() - start);
  }
  return Math.max(...times);
}"""
LOAD = "performance.getEntriesByType('navigation')[0].loadEventEnd"


def page_costs() -> None:
    """Make, load and search the pages of hosts with 64 and 512 devices of 2,000 flash parameters."""
    for devices, limit in ((64, "2 MB, 250 KB gzipped, 30,000 elements, 0.5 s, 50 ms, 2 s"), (512, "12 MB")):
        before, after = large(devices, 2000, 50)
        found = compare(before, after)
        view = diff_view(found)
        start = time.process_time()
        html = diff_page(view, pages.diff_page(found, view))
        made = time.process_time() - start
        print(f"page of a diff, {devices} devices x 2000: {_size(html)}, made in {made:.1f} s; {_browse(html)} "
              f"(at most {limit})")  # fmt: skip
        if devices == 64:
            shown = show_view(after, after.settings)
            start = time.process_time()
            html = show_page(shown, pages.show_page(after, after.settings, shown))
            made = time.process_time() - start
            print(f"page of a host, {devices} devices x 2000: {_size(html)}, made in {made:.1f} s; {_browse(html)}")


def _size(html: str) -> str:
    data = html.encode()
    return f"{len(data) / 1e6:.2f} MB, {len(gzip.compress(data)) / 1e3:.0f} KB gzipped"


def _browse(html: str) -> str:
    """Load a page in Chromium and type into its search."""
    program = shutil.which("chromium")
    if program is None:
        return "no chromium to load it"
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder) / "page.html"
        path.write_text(html, encoding="utf-8")
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(path.as_uri())
        nodes = page.evaluate("document.querySelectorAll('*').length")
        load, key = page.evaluate(LOAD), page.evaluate(SEARCH)
        browser.close()
    return f"{nodes} elements, loaded in {load:.0f} ms, a keystroke of the search takes at most {key:.0f} ms"
