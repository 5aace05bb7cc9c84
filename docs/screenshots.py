"""Takes the screenshots in this folder anew, from a running chat: `python docs/screenshots.py [http://127.0.0.1:7860]`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

FOLDER = Path(__file__).parent
WIDTHS = {1440: 900, 1024: 768, 390: 844}
QUESTION = "how is keytruda given"


def ask(page: Page, question: str) -> None:
    """Ask, wait for the answer, and open its first quote in the article."""
    page.get_by_role("textbox", name="Your question").fill(question)
    page.keyboard.press("Enter")
    link = page.locator('#conversation .bot.message a[href^="/article/"]').first
    expect(link).to_be_visible(timeout=60_000)
    link.click()
    expect(page.frame_locator("iframe.article").locator("mark").first).to_be_visible()
    page.wait_for_timeout(800)  # scrolling


def main(address: str) -> None:
    """Take one for each width and colour scheme."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for width, height in WIDTHS.items():
            for scheme in ("light", "dark"):
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                page.goto(address)
                ask(page, QUESTION)
                if width < 700:
                    page.evaluate("window.scrollTo(0, 0)")
                page.screenshot(path=FOLDER / f"page-{width}-{scheme}.png")
                page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860")
