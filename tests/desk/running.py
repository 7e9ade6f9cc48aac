"""`kiosk desk` as a process, its pages as staff's browsers have them, and taps of people who do not exist.

Owns the process and a log-in. It is killed at the end, whatever it is doing.
"""

from __future__ import annotations

import html
import io
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from drivers.simulated.results import Insured, Tap, tap
from kiosk.__main__ import main
from tests import ROOT
from tests.desk.feeding import CODE, PERSON
from tests.desk.pmh import GUESSED, Hand, Paper, written
from tests.desk.web.browser import Browser
from tests.hospital import DEADLINE_S, ZONE, wait_until
from tests.keep import last_log, log_of

PASSWORD = "uketsuke-no-yama-15"
WALK_IN = """
[walk_in]
departments = ["01"]
[[department]]
code = "01"
name = "内科"
place = "2階 内科受付"
"""


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def tap_now(person: Insured = PERSON, *papers: Paper) -> Tap:
    """The files of a tap; with `papers` in the one of the subsidies, if there are any."""
    made = tap(replace(person, subsidy="fetched") if papers else person, datetime.now(ZONE), CODE)
    if not papers:
        return made
    assert made.subsidy is not None
    return replace(made, subsidy=replace(made.subsidy, content=written(papers, Hand(GUESSED))))


@contextmanager
def serving(site: Path) -> Iterator[None]:
    """`kiosk reservations serve`, which the desk asks; killed at the end."""
    command = [sys.executable, "-m", "kiosk", "reservations", "serve", "--config", str(site)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait(DEADLINE_S)


def rows(page: str) -> list[dict[str, str]]:
    """What each row of a list says of itself, the topmost first: `visit`, `state` and so on."""
    return [
        dict(re.findall(r'data-([a-z]+)="([^"]*)"', tag)) for tag in re.findall(r"<tr [^>]*data-visit=[^>]*>", page)
    ]


def hidden(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the first form that goes to `action`."""
    found = re.search(rf'<form [^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', page, re.DOTALL)
    assert found is not None, f"no form for {action}"
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found[1])
    return {name: html.unescape(value) for name, value in fields}


@dataclass
class Staff:
    """Somebody at a browser, logged in."""

    browser: Browser

    def list(self) -> list[dict[str, str]]:
        """The rows of 本日の受付."""
        return rows(self.page("/"))

    def page(self, path: str) -> str:
        """A page that must be there."""
        answer = self.browser.get(path)
        assert answer.status == 200, answer.text
        return answer.text

    def press(self, onto: str, action: str, **fields: str) -> str:
        """Send the form for `action` of the page `onto`, once it is there; the page that follows.

        A busy machine's reservations may not answer for a moment: what needs them is not offered then.
        """
        wait_until(lambda: f'action="{action}"' in self.page(onto), f"a form for {action}", every_s=0.5)
        sent = {**hidden(self.page(onto), action), **fields}
        answer = self.browser.post(action, token=sent.pop("csrf"), **sent)
        assert answer.status == 303, answer.text
        return self.page(answer.path)

    def until(self, seq: int, **wanted: str) -> None:
        """A visit has such a row; names as in `rows`."""

        def there() -> bool:
            found = next((row for row in self.list() if row["visit"] == str(seq)), {})
            return wanted.items() <= found.items()

        wait_until(there, f"visit {seq} with {wanted}")


class RunningDesk:
    """One `kiosk desk`; `start` again after `kill` or `stop`. As a context manager it is killed at the end.

    `program`: what stands for `kiosk`.
    """

    def __init__(self, site: Path, port: int, program: tuple[str, ...] = (sys.executable, "-m", "kiosk")) -> None:
        self.site, self.port, self._program = site, port, program
        self.process: subprocess.Popen[bytes] | None = None
        self._log = site.with_name("desk.log")
        log_of("desk", self._read_log)

    def __enter__(self) -> Self:
        self.add("chief", "chief")
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.kill()
        last_log("desk", self._read_log)

    @property
    def url(self) -> str:
        """Of its pages."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self.process is not None
        return self.process.pid

    def add(self, name: str, role: str) -> None:
        """An account."""
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()):
            patch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
            assert main(["desk", "user", "add", name, "--role", role, "--config", str(self.site)]) == 0

    def start(self) -> None:
        """Its pages answer when this returns."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._program, "desk", "--config", str(self.site)],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        wait_until(self._answers, "the desk's pages", every_s=0.05)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self._read_log()
        with suppress(OSError):
            return Browser(self.port).get("/login").status == 200
        return False

    def _read_log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def staff(self, name: str = "chief") -> Staff:
        """Somebody logs in."""
        return Staff(Browser(self.port).enter(name, PASSWORD))

    def kill(self) -> None:
        """SIGKILL, as the kernel does when memory is short."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(DEADLINE_S)

    def stop(self) -> int:
        """SIGTERM, as systemd does; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(DEADLINE_S)
