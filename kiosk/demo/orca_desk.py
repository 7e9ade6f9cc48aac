"""The reception desk of `--his orca --auto`: what staff see of an order that waits for the hospital's system.

Owns the desk's processes for as long as it is open. Must never act at the desk: the pages are looked at.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kiosk.config import Config
from kiosk.demo import chromium, desk, word
from kiosk.demo.desk import Office, Worker
from kiosk.demo.desk_pictures import FOLDER, THEMES
from kiosk.demo.evidence import Account
from kiosk.demo.face import DidNotHappen
from kiosk.process import private_folder

IN_CUSTODY: Final = 'data-unsettled="custody"'


def table() -> str:
    """What site.toml has more with a desk; its port is one that nobody uses now."""
    return f'[desk]\nlisten = "127.0.0.1:{desk.free_port()}"\n'


class OrcaDesk:
    """Its pages. `out`: where pictures go. Raises DidNotHappen where the desk does not answer."""

    def __init__(self, office: Office, out: Path, account: Account) -> None:
        self._url, self._out, self._account = office.url, out, account
        self._worker = Worker(office.url, desk.NAME, office.password)

    def lists_custody(self) -> bool:
        """Whether 要確認 has an order in custody."""
        try:
            return IN_CUSTODY in self._worker.page("/open")
        except OSError as error:
            raise DidNotHappen(word("failures.no_desk", output=error)) from None

    def take(self, **pages: str) -> None:
        """A picture of each page in each theme, by name and path; without a browser a line that says so."""
        program = chromium.program()
        if program is None:
            self._account.write(word("account.no_browser"))
            return
        folder = self._out / FOLDER
        folder.mkdir(exist_ok=True)
        try:
            with (
                tempfile.TemporaryDirectory(prefix="kiosk-demo-chromium-", ignore_cleanup_errors=True) as profile,
                chromium.Browser(program, Path(profile)) as browser,
            ):
                browser.log_in(self._url, self._worker.cookies)
                for theme in THEMES:
                    browser.look_like(theme)
                    for name, path in pages.items():
                        browser.go(f"{self._url}{path}")
                        browser.picture(folder / f"{name}-{theme}.png", whole=False)
        except (chromium.NoPicture, OSError) as error:
            raise DidNotHappen(word("failures.no_picture", why=error)) from None


@contextmanager
def opened(config: Config, out: Path, account: Account) -> Iterator[OrcaDesk]:
    """`config`: its site.toml has `table()`. Raises DidNotHappen."""
    with tempfile.TemporaryDirectory(prefix="kiosk-demo-desk-") as made:
        folder = Path(made)
        for each in ("req", "res"):
            (folder / each).mkdir()
        private_folder.make(config.desk_dir)
        private_folder.make(config.desk_run_dir, 0o711, own=True)
        with Office(config, folder) as office:
            yield OrcaDesk(office, out, account)
