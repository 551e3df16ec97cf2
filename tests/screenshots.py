"""A gallery of the reference pages as people see them: light, dark, narrow, printed. `make screenshots` makes it.

Written to `screenshots/`, to be looked at; nothing compares pixels.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.golden import FOLDER, ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

GALLERY = ROOT / "screenshots"
LOOKS = {"light": ("light", 1280), "dark": ("dark", 1280), "narrow": ("light", 320)}


def _draw(browser: Browser, source: Path) -> None:
    for look, (scheme, width) in LOOKS.items():
        page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})  # type: ignore[arg-type]
        page.goto(source.as_uri())
        # What is far below the window is not drawn: make the window as high as the page.
        page.set_viewport_size({"width": width, "height": page.evaluate("document.documentElement.scrollHeight")})
        page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 100)))")
        page.screenshot(path=GALLERY / f"{source.stem}-{look}.png", full_page=True)
        page.close()
    page = browser.new_page()
    page.goto(source.as_uri())
    page.pdf(path=GALLERY / f"{source.stem}-print.pdf", format="A4")
    page.close()


def main() -> int:
    """Draw every reference page in every look; 1 where there is no browser to draw with."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.stderr.write("no chromium: install Debian's package, then run this again\n")
        return 1
    from playwright.sync_api import sync_playwright

    GALLERY.mkdir(exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for source in sorted(FOLDER.glob("*.html")):
            _draw(browser, source)
        browser.close()
    sys.stdout.write(f"{GALLERY}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
