"""The reception desk of a demo: its part of site.toml, its processes, its log-in, and one who works at it by forms.

Owns the processes, and the folders for what is printed and handed on. Must never listen where other machines reach it.
"""

from __future__ import annotations

import http.cookiejar
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from drivers.share import ShareError
from drivers.simulated.registrations import RegistrationTerminal
from drivers.simulated.results import Insured
from kiosk.config import Config
from kiosk.demo import word
from kiosk.demo.desk_people import DEPARTMENTS, WALK_IN
from kiosk.demo.face import DidNotHappen
from kiosk.desk.people import passwords
from kiosk.desk.people.accounts import Accounts, By
from kiosk.desk.people.audit import AuditChain
from kiosk.desk.people.database import PeopleDatabase
from kiosk.desk.people.roles import Role
from kiosk.process.data_folder import DeskFolder

NAME: Final = "demo"
SHEETS: Final = "sheets"
ACCEPTED: Final = "accepted"
_STARTS_S: Final = 120.0
_STOPS_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.1
# As long as staff see that an answer is waited for.
_TERMINAL_EVERY_S: Final = 1.5


def tables(port: int, out: Path, folder: Path) -> str:
    """What site.toml has more with a desk. `out`: where prints and accepted items go; `folder`: of requests."""
    listed = ", ".join(f'"{code}"' for code in WALK_IN)
    departments = "".join(
        f'[[department]]\ncode = "{code}"\nname = "{name}"\nreading = "{reading}"\nplace = "{place}"\n'
        for code, name, reading, place in DEPARTMENTS
    )
    return f"""\
[desk]
listen = "127.0.0.1:{port}"
printer = "file://{out / SHEETS}"
export = "file://{out / ACCEPTED}"
requests = "file://{folder / "req"}"
answers = "file://{folder / "res"}"
patients = "{folder / "patients.csv"}"
[walk_in]
departments = [{listed}]
{departments}"""


def free_port() -> int:
    """A port of the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Office:
    """`kiosk desk` and `kiosk reservations serve` of `config`, and the terminal that registers reference numbers.

    `folder`: that of `tables`. `password`: of the chief `NAME`. Raises DidNotHappen where the pages do not come.
    """

    def __init__(self, config: Config, folder: Path) -> None:
        assert config.desk is not None  # noqa: S101 - `tables` was in its site.toml
        self._config, self._folder = config, folder
        self._stack = ExitStack()
        self._over = threading.Event()
        self._children: list[subprocess.Popen[bytes]] = []
        self.url = f"http://{config.desk.listen}"
        self.password = passwords.made()

    def card_of(self, insured: Insured) -> str:
        """The number of their patient card, as the hospital's list has it."""
        for line in (self._folder / "patients.csv").read_text(encoding="utf-8").splitlines():
            number, name, *_ = line.split(",")
            if name == insured.name:
                return number
        raise KeyError("not in the hospital's list")

    def __enter__(self) -> Self:
        with self._stack as stack:
            self._add_user()
            stack.callback(shutil.rmtree, self._config.desk_run_dir, ignore_errors=True)
            stack.callback(self._end)
            for words in (("reservations", "serve"), ("desk",)):
                self._children.append(self._start(stack, *words))
            threading.Thread(target=self._register_numbers, name="demo-terminal", daemon=True).start()
            self._wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    def _add_user(self) -> None:
        folder = DeskFolder(self._config.desk_dir, self._config.desk_run_dir)
        database = PeopleDatabase(folder.people)
        accounts = Accounts(database, AuditChain(database), folder.people_tries)
        accounts.add(NAME, Role.CHIEF, By(address="command line"), self.password, first=False)

    def _start(self, stack: ExitStack, *words: str) -> subprocess.Popen[bytes]:
        log: IO[bytes] = stack.enter_context((self._folder / f"{words[0]}.log").open("wb"))
        command = [sys.executable, "-P", "-m", "kiosk", *words, "--config", str(self._config.file)]
        # In a group of its own: Ctrl+C is for the demo, which ends what it started.
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0)  # noqa: S603 - our own program

    def _end(self) -> None:
        self._over.set()
        for child in self._children:
            child.terminate()
        for child in self._children:
            try:
                child.wait(_STOPS_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + _STARTS_S
        while time.monotonic() < deadline and all(child.poll() is None for child in self._children):
            try:
                urllib.request.urlopen(f"{self.url}/login", timeout=5).close()  # noqa: S310 - http, to ourselves
            except (urllib.error.URLError, OSError):
                time.sleep(_LOOK_EVERY_S)
            else:
                return
        printed = "".join(
            (self._folder / f"{name}.log").read_text("utf-8", "replace") for name in ("reservations", "desk")
        )
        raise DidNotHappen(word("failures.no_desk", output=printed[-2000:].strip()))

    def _register_numbers(self) -> None:
        terminal = RegistrationTerminal(*((self._folder / name).as_uri() for name in ("req", "res")))
        while not self._over.wait(_TERMINAL_EVERY_S):
            try:
                terminal.poll()
            except (ShareError, OSError):
                continue


def prepare(out: Path, folder: Path, patients: str) -> None:
    """The folders that `tables` names. `patients`: the hospital's list, CSV."""
    for each in (out / SHEETS, out / ACCEPTED, folder / "req", folder / "res"):
        each.mkdir(parents=True, exist_ok=True)
    (folder / "patients.csv").write_text(patients, encoding="utf-8")


class Worker:
    """One who is logged in, with a browser of ten lines. Raises OSError where the desk does not answer."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self._url = url
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self._form("/login", name=name, password=password)
        found = re.search(r'name="csrf" value="([^"]+)"', self.page("/me"))
        self._token = found[1] if found else ""

    def page(self, path: str) -> str:
        """Its HTML."""
        with self._opener.open(f"{self._url}{path}", timeout=60) as answer:
            return str(answer.read().decode())

    def press(self, path: str, **fields: str) -> str:
        """What a button sends; the page that comes."""
        return self._form(path, csrf=self._token, **fields)

    def rows(self) -> dict[int, str]:
        """The HTML of each row of the list, by the visit's number."""
        rows = re.finditer(r'<tr [^>]*data-visit="(\d+)".*?</tr>', self.page("/"), re.DOTALL)
        return {int(row[1]): row[0] for row in rows}

    def visit(self, name: str) -> int:
        """The number of the visit of somebody of this name; 0: they are not on the list."""
        return next((seq for seq, row in self.rows().items() if f'<span class="name">{name}</span>' in row), 0)

    def _form(self, path: str, **fields: str) -> str:
        body = urllib.parse.urlencode(fields).encode()
        with self._opener.open(f"{self._url}{path}", body, timeout=60) as answer:
            return str(answer.read().decode())
