"""Pictures of every page of a busy morning, in both themes, at 100 % and 200 % zoom.

`python -m tests.desk.web.pictures FOLDER`
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.desk.people.office import CHIEF
from tests.desk.web.browser import serving
from tests.desk.web.fake_desk import busy_day
from tests.desk.web.real_browsers import SCREEN, ZOOMED, launched, watched

PAGES = {
    "day": "/", "open": "/open", "visit": "/v/7", "failed": "/v/9", "missing": "/v/11", "first": "/v/8",
    "arrival": "/a/1", "numbers": "/numbers", "number": "/n/12", "admin": "/admin", "me": "/me", "print": "/v/7/print",
}  # fmt: skip


def main(folder: Path) -> None:
    """Leave the pictures in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory() as people,
        serving() as running,
        running.of(busy_day(), Path(people), patch) as pages,
        sync_playwright() as playwright,
        launched(playwright, "chromium") as browser,
    ):
        for theme in ("light", "dark"):
            for zoom, size in (("", SCREEN), ("-200", ZOOMED)):
                with watched(browser, screen=size) as seen:
                    page = seen.page
                    page.emulate_media(color_scheme=theme)
                    page.goto(f"{pages.url}/login")
                    page.screenshot(path=folder / f"login-{theme}{zoom}.png")
                    seen.enter(pages, "chief", CHIEF)
                    for name, path in PAGES.items():
                        page.goto(f"{pages.url}{path}")
                        page.locator("#live.on").wait_for()
                        page.screenshot(
                            path=folder / f"{name}-{theme}{zoom}.png", full_page=name not in ("day", "open")
                        )
                    seen.complaints.clear()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
