"""A desk's pages on a free port, and a browser of twenty lines: it keeps cookies and reads forms, no more."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest

from kiosk.desk.people.accounts import By
from kiosk.desk.people.roles import Role
from kiosk.desk.web.server import Listening, Server
from tests.desk.people.office import CHIEF, SATO, Office
from tests.desk.web.fake_desk import FakeDesk

VIEWER = "window-lantern-3"


@dataclass
class Answer:
    """What came back. `path`: where a redirection goes."""

    status: int
    text: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Browser:
    """One browser. `host`: what it calls the server."""

    port: int
    host: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """One request, as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        wanted = {"Host": self.host or f"127.0.0.1:{self.port}"}
        if self.cookies:
            wanted["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method == "POST":
            wanted["Content-Type"] = "application/x-www-form-urlencoded"
        wanted |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body or None, wanted)
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0].strip('"')
            self.cookies[name] = value
            if not value or "Max-Age=0" in line:
                del self.cookies[name]
        got = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, raw.decode("utf-8", "replace"), got.get("location", ""), got, raw)

    def get(self, path: str, **headers: str) -> Answer:
        """A page."""
        return self.send("GET", path, **headers)

    def post(self, path: str, token: str | None = None, **fields: str) -> Answer:
        """A form, with the token of the user's own settings unless there is another."""
        if token is None:
            token = self.token()
        body = urlencode({**({"csrf": token} if token else {}), **fields}).encode()
        return self.send("POST", path, body)

    def token(self) -> str:
        """The token that this session's forms carry; "" for none."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/me").text)
        return found[1] if found else ""

    def enter(self, name: str = "佐藤", password: str = SATO) -> Browser:
        """Log in."""
        answer = self.post("/login", token="", name=name, password=password)
        assert answer.status == 303, answer.text
        return self


@dataclass
class Pages:
    """The pages of `desk`, whose users are those of `office`, 佐藤, chief and 閲覧."""

    desk: FakeDesk
    office: Office
    server: Server
    faults: list[str]

    @property
    def port(self) -> int:
        """Where they are."""
        return self.server.port

    @property
    def url(self) -> str:
        """The same for a real browser."""
        return f"http://127.0.0.1:{self.port}"

    def browser(self, name: str = "佐藤", password: str = SATO) -> Browser:
        """A browser of somebody who is logged in."""
        return Browser(self.port).enter(name, password)

    def chief(self) -> Browser:
        """The same of the chief."""
        return self.browser("chief", CHIEF)

    def viewer(self) -> Browser:
        """The same of who may only look."""
        return self.browser("閲覧", VIEWER)


@contextmanager
def serving(desk: FakeDesk, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Pages]:
    """The pages of `desk`, whose people are kept in `folder`."""

    office = Office(folder, patch)
    office.people.accounts.add("閲覧", Role.VIEW, By(), VIEWER, first=False)
    faults: list[str] = []
    server = Server(desk, office.people, Listening("127.0.0.1", 0), "さくら病院", faults.append)
    server.start()
    try:
        yield Pages(desk, office, server, faults)
    finally:
        server.stop()
    assert not faults
