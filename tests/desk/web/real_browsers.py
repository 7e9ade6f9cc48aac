"""Debian's Chromium and Firefox, driven by playwright; a missing one skips on a desk and fails in CI."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Playwright

from kiosk.desk.web.call import THEME_COOKIE
from tests.desk.people.office import SATO
from tests.peers import need

KINDS = ("chromium", "firefox")
SCREEN = {"width": 1366, "height": 768}
# 200 % zoom of the same screen.
ZOOMED = {"width": 683, "height": 384}
# What a slow machine may take for one step, in ms.
PATIENCE_MS = 60_000
AXE = Path(__file__).parent / "axe/node_modules/axe-core/axe.min.js"


@contextmanager
def launched(playwright: Playwright, kind: str, *, script: bool = True) -> Iterator[Browser]:
    """A browser of the kind, without a window. There can be one `playwright` at a time.

    `script`: False for a Firefox that runs none; in Chromium that is of the page (`watched`).
    """
    program = need("chromium" if kind == "chromium" else "firefox-esr")
    if kind == "chromium":
        browser = playwright.chromium.launch(executable_path=program)
    else:
        browser = playwright.firefox.launch(
            executable_path=program, channel="moz-firefox", firefox_user_prefs={"javascript.enabled": script}
        )
    try:
        yield browser
    finally:
        browser.close()


class Served(Protocol):
    """Pages of a desk."""

    @property
    def url(self) -> str:
        """Where they are."""


class Watched:
    """A page whose every complaint (of script, of policy) is kept in `complaints`."""

    def __init__(self, context: BrowserContext) -> None:
        context.set_default_timeout(PATIENCE_MS)
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._console)

    def _console(self, line: ConsoleMessage) -> None:
        if line.type == "error":
            self.complaints.append(line.text)

    def enter(self, pages: Served, name: str = "佐藤", password: str = SATO, *, rash: bool = False) -> Page:
        """Log in; the list is displayed. `rash`: as in `fill`."""
        self.page.goto(f"{pages.url}/login")
        fill(self.page.get_by_label("利用者"), name, rash=rash)
        fill(self.page.get_by_label("パスワード"), password, rash=rash)
        self.page.get_by_role("button", name="ログイン").click(force=rash)
        self.page.wait_for_url(f"{pages.url}/")
        return self.page


def fill(field: Locator, value: str, *, rash: bool) -> None:
    """Give a field its value. `rash`: at once, since a Firefox without script never tells that a field is at rest."""
    if rash:
        field.evaluate("(field, value) => { field.value = value; }", value)
    else:
        field.fill(value)


@contextmanager
def watched(browser: Browser, *, script: bool = True, screen: dict[str, int] | None = None) -> Iterator[Watched]:
    """A page in a context of its own, which at the end must have had nothing to complain about."""
    size = screen or SCREEN
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]}, java_script_enabled=script, locale="ja-JP"
    )
    try:
        made = Watched(context)
        yield made
        assert made.complaints == []
    finally:
        context.close()


def is_firefox(browser: Browser) -> bool:
    """Whether it is."""
    return browser.browser_type.name == "firefox"


def log_in_page(page: Page, url: str, theme: str) -> None:
    """The page /login of the desk at `url`, which is from now on "light" or "dark"."""
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    if page.context.browser and is_firefox(page.context.browser):
        # Debian's does not follow that (playwright 1.60), but the choice that its user has made in the desk.
        page.context.add_cookies([{"name": THEME_COOKIE, "value": theme, "url": url}])
    page.goto(f"{url}/login")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall("[0-9]+", colour)[:3])) < 3 * 128) == (theme == "dark"), colour


def axe_source() -> str:
    """The source of axe-core, as `npm ci` brought it."""
    if not AXE.exists():
        reason = "axe-core is missing; deploy/setup --dev installs it (npm ci in tests/desk/web/axe)"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return AXE.read_text(encoding="utf-8")


def violations(page: Page, source: str) -> list[str]:
    """What axe-core finds, each with the first element."""
    page.evaluate(source)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", tags)
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found["violations"]]
