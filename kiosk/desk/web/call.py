"""A request as the pages' handlers get it, and how they answer.

Owns what every page has in common: header, user, token, notice. Handlers are plain functions, called in a thread: they
may wait for the desk and the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kiosk.desk.acts import Desk
from kiosk.desk.pages import Header
from kiosk.desk.people.gate import COOKIE_NAME, Gate, Session
from kiosk.desk.people.roles import Act as Permission
from kiosk.desk.people.roles import may
from kiosk.desk.web.live import SILENT_MS, Live
from kiosk.desk.web.news import News
from kiosk.desk.web.render import Renderer
from kiosk.desk.web.words import WORDS, Chip

THEME_COOKIE: Final = "theme"
THEMES: Final = ("light", "dark")


@dataclass(frozen=True)
class Call:
    """One request. `number`: of the path, 0: it has none. `session` is None for who is not logged in.

    `form`: the last value of each field; `secure`: it came by TLS.
    """

    path: str
    method: str
    number: int
    query: Mapping[str, str]
    form: Mapping[str, str] = field(repr=False)
    cookie: str = field(repr=False)
    session: Session | None
    address: str
    secure: bool
    theme: str

    @property
    def user(self) -> Session:
        """The session, of a handler that is behind the log-in."""
        if self.session is None:
            raise RuntimeError("this page is open to everybody")
        return self.session


class Lost(Exception):
    """A page that says why, instead of the wanted one. `text`: a key of the words' table `message`."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True)
class Site:
    """What handlers work with. `hospital`: its name, on the log-in. `report(kind)`: a fault, by its exception."""

    desk: Desk
    gate: Gate
    live: Live
    hospital: str
    report: Callable[[str], None]
    renderer: Renderer = field(default_factory=Renderer)
    news: News = field(default_factory=News)

    def page(self, call: Call, template: str, head: Header, *, status: int = 200, **values: Any) -> Response:
        """A page for who is logged in."""
        session = call.user
        token = Markup('<input type="hidden" name="csrf" value="{}">').format(escape(session.csrf))
        values = {"head": head, "user": session.user, "can": _can(session), "token": token, **values}
        values.setdefault("notice", notice(call))
        # Without script nobody says that the session is locked: the page asks for itself once it must be.
        # By itself, which is no sign of a person: two such pages would keep each other's session open for ever.
        values.setdefault("refresh", f"620;url={call.path}?auto=1")
        html = self.renderer.page(template, theme=call.theme, silent_ms=SILENT_MS, **values)
        return HTMLResponse(html, status)

    def door(self, call: Call, template: str, *, status: int = 200, **values: Any) -> Response:
        """A page for anybody: log-in, lock, a message."""
        return HTMLResponse(self.renderer.page(template, theme=call.theme, **values), status)

    def permit(self, call: Call, permission: Permission, *, visit: int = 0, arrival: int = 0) -> None:
        """Raises Lost where the user may not; what is recorded, is on the disk afterwards."""
        person = self.desk.person(visit=visit, arrival=arrival) if visit or arrival else ""
        if not self.gate.permit(call.user, permission, visit, person):
            raise Lost(403, "forbidden")


Handler: TypeAlias = Callable[[Site, Call], Response]


def _can(session: Session) -> Callable[[str], bool]:
    return lambda permission: may(session.user.role, Permission(permission))


def acting(call: Call) -> bool:
    """Whether rows have links and buttons for this user."""
    return may(call.user.user.role, Permission.SEE_VISIT)


def notice(call: Call) -> Chip | None:
    """What was done before this page, by the code in its address."""
    code = call.query.get("done", "")
    if code == "partly":
        return trouble(WORDS["message"][code])
    text = WORDS["done"].get(code)
    return Chip(str(text), "✓", "good") if text else None


def trouble(text: str, *, bad: bool = False) -> Chip:
    """A notice that something was not done."""
    return Chip(text, "✕" if bad else "▲", "bad" if bad else "warn")


def see(path: str, done: str = "") -> Response:
    """Go on to `path`, where the notice `done` stands."""
    place, mark, anchor = path.partition("#")
    query = f"{'&' if '?' in place else '?'}done={done}" if done else ""
    return RedirectResponse(f"{place}{query}{mark}{anchor}", 303)


def local(path: str, otherwise: str = "/") -> str:
    """`path` if it is one of ours to go on to, else `otherwise`."""
    plain = path.isascii() and path.isprintable() and not set(path) & set('\\"<> ')
    return path if plain and path.startswith("/") and not path.startswith("//") else otherwise


def with_cookie(response: Response, call: Call, value: str) -> Response:
    """`response` that begins or, with "", ends a session."""
    if value:
        response.set_cookie(COOKIE_NAME, value, httponly=True, samesite="strict", secure=call.secure)
    else:
        response.delete_cookie(COOKIE_NAME, httponly=True, samesite="strict", secure=call.secure)
    return response
