"""Pictures of the desk's pages, light and dark, where there is a Chromium.

Must never stop a demo: a picture that cannot be taken is said.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from kiosk.demo.chromium import Browser, Theme
from kiosk.demo.desk import Worker

FOLDER: Final = "desk"
THEMES: Final[tuple[Theme, ...]] = ("light", "dark")
# Of whom a page is displayed, by their place in the morning, from 1.
CHANGED, MISSING, TWO, ADDRESS, NO_NUMBER = 12, 13, 17, 14, 16
_VISITS: Final = {"changed": CHANGED, "missing": MISSING, "two": TWO, "eligibility": ADDRESS}
PAGES: Final = (
    "login", "day", "open", *(f"visit-{name}" for name in _VISITS), "arrival", "numbers", "number", "print",
    "admin", "me",
)  # fmt: skip


def take(program: str, url: str, worker: Worker, card: str, folder: Path) -> int:
    """A picture of each of PAGES in each theme; how many. `program`: the Chromium; `card`:
    the number of the patient card of NO_NUMBER. Raises NoPicture, OSError.
    """
    folder.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="kiosk-demo-chromium-", ignore_cleanup_errors=True) as profile,
        Browser(program, Path(profile)) as browser,
    ):
        for theme in THEMES:
            browser.look_like(theme)
            _Album(browser, url, folder, theme).fill(worker, card)
    return len(PAGES) * len(THEMES)


class _Album:
    def __init__(self, browser: Browser, url: str, folder: Path, theme: Theme) -> None:
        self._browser, self._url, self._folder, self._theme = browser, url, folder, theme

    def fill(self, worker: Worker, card: str) -> None:
        """All of PAGES."""
        self._browser.log_out()
        self._page("login", "/login")
        self._browser.log_in(self._url, worker.cookies)
        self._page("day", "/", whole=False)
        self._page("open", "/open", whole=False)
        for name, seq in _VISITS.items():
            self._page(f"visit-{name}", f"/v/{seq}")
        self._page("arrival", "/a/1")
        self._page("numbers", "/numbers")
        self._browser.go(f"{self._url}/n/{NO_NUMBER}")
        self._browser.send("wanted", card, ".compare")
        self._picture("number", whole=True)
        self._page("print", f"/v/{CHANGED}/print")
        self._page("admin", "/admin")
        self._page("me", "/me")

    def _page(self, name: str, path: str, *, whole: bool = True) -> None:
        self._browser.go(f"{self._url}{path}")
        self._picture(name, whole=whole)

    def _picture(self, name: str, *, whole: bool) -> None:
        self._browser.picture(self._folder / f"{name}-{self._theme}.png", whole=whole)
