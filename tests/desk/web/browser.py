"""A desk's pages on a free port, and a browser of twenty lines: it keeps cookies and reads forms, no more."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import pytest

from kiosk.desk.acts import Desk
from kiosk.desk.people.accounts import By
from kiosk.desk.people.gate import Gate
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

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, as it is; a body in pieces has no length beforehand."""
        connection = self.connection()
        wanted = {"Host": self.host or f"127.0.0.1:{self.port}"}
        if self.cookies:
            wanted["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method == "POST":
            wanted["Content-Type"] = "application/x-www-form-urlencoded"
        wanted |= headers or {}
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

    def connection(self) -> http.client.HTTPConnection:
        """One that is not open yet."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def get(self, path: str) -> Answer:
        """A page."""
        return self.send("GET", path)

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


class Stand:
    """What stands for a desk or a gate that a test exchanges while the server runs."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@dataclass
class Pages:
    """The pages of `desk`, whose users are those of `office`, 佐藤, chief and 閲覧. `faults`: what was reported."""

    server: Server
    desk: FakeDesk
    office: Office
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


class Serving:
    """One server for many tests: each has a desk and people of its own."""

    def __init__(self, listening: Listening | None = None) -> None:
        self._desk, self._gate, self._faults = Stand(FakeDesk()), Stand(None), list[str]()
        self.server = Server(
            cast(Desk, self._desk),
            cast(Gate, self._gate),
            listening or Listening("127.0.0.1", 0),
            "さくら病院",
            self._faults.append,
            beat_s=0.5,
        )

    @contextmanager
    def of(self, desk: FakeDesk, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Pages]:
        """The pages of `desk`, whose people are kept in `folder`."""
        office = Office(folder, patch)
        office.people.accounts.add("閲覧", Role.VIEW, By(), VIEWER, first=False)
        desk.subscribe(self._desk.inner.changed)
        self._desk.inner, self._gate.inner = desk, office.people
        self._faults.clear()
        yield Pages(self.server, desk, office, self._faults)
        assert not self._faults


@contextmanager
def serving() -> Iterator[Serving]:
    """A server that runs."""
    made = Serving()
    made.server.start()
    try:
        yield made
    finally:
        made.server.stop()
