"""The application: addresses, and what is asked before a handler runs.

Owns the order: wall (`guard`) → form → session → idle lock → first password → token → handler. Handlers run in threads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import parse_qsl, quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from kiosk.desk.people.gate import COOKIE_NAME
from kiosk.desk.web import admin, doors, lists, numbers, render, visits
from kiosk.desk.web.call import THEME_COOKIE, THEMES, Call, Handler, Lost, Site, see
from kiosk.desk.web.guard import Guard
from kiosk.desk.web.words import WORDS

MAX_FIELDS: Final = 60
_FOR_EVER: Final = "public, max-age=31536000, immutable"
# Addresses that scripts and pictures ask for: no page is made for them, and asking is no sign of a person.
_BY_SCRIPT: Final = frozenset({"/rows", "/events"})

_PAGES: Final[dict[str, Handler]] = {
    "/": lists.day,
    "/open": lists.waiting,
    "/rows": lists.rows,
    "/v/{number:int}": visits.visit,
    "/v/{number:int}/print": visits.sheet,
    "/v/{number:int}/sheet.png": visits.sheet_picture,
    "/a/{number:int}": visits.arrival,
    "/a/{number:int}/print": visits.slip,
    "/a/{number:int}/sheet.png": visits.slip_picture,
    "/numbers": numbers.numbers,
    "/n/{number:int}": numbers.number,
    "/admin": admin.admin,
    "/me": doors.me,
}
_FORMS: Final[dict[str, Handler]] = {
    "/search": lists.find,
    "/n/{number:int}/find": numbers.find,
    "/admin/users": admin.users,
    "/me/password": doors.password,
    "/me/pin": doors.pin,
    "/me/theme": doors.theme,
    "/lock": doors.lock,
    "/active": doors.active,
    **visits.ACTS,
    **numbers.ACTS,
}
# Who must choose a password first may do so, and leave.
_FIRST: Final = frozenset({"/me", "/me/password", "/active"})


class _Endpoint:
    """A handler behind what is asked before it."""

    def __init__(self, site: Site, handler: Handler) -> None:
        self._site = site
        self._handler = handler

    async def respond(self, request: Request) -> Response:
        """Read the form, then leave the event loop."""
        try:
            form = await _form(request) if request.method == "POST" else {}
        except ValueError:
            return await run_in_threadpool(self._message, _call(request, {}), Lost(400, "bad_form"))
        return await run_in_threadpool(self._answer, _call(request, form))

    def _answer(self, call: Call) -> Response:
        try:
            call = self._with_session(call)
            return self._before(call) or self._handler(self._site, call)
        except Lost as lost:
            return self._message(call, lost)
        except KeyError:
            return self._message(call, Lost(404, "not_found"))
        except OSError:
            return self._message(call, Lost(503, "store"))
        except Exception as fault:  # noqa: BLE001 - whatever it is, its text may hold a patient's data and goes nowhere
            self._site.report(type(fault).__name__)
            return self._message(call, Lost(500, "fault"))

    def _with_session(self, call: Call) -> Call:
        by_person = call.path not in _BY_SCRIPT and "auto" not in call.query
        session = self._site.gate.session(call.cookie, by_person=by_person) if call.cookie else None
        return _replaced(call, session)

    def _before(self, call: Call) -> Response | None:
        """What is answered instead of the page, None: the handler's turn."""
        session = call.session
        if session is None or session.idle:
            if call.path in _BY_SCRIPT or call.path == "/active" or call.path.endswith(".png"):
                return Response(status_code=401)
            if session is None:
                onward = f"?next={quote(call.path)}" if call.method == "GET" and call.path != "/" else ""
                return see(f"/login{onward}")
            return doors.lock_page(self._site, call)
        if call.method == "POST" and not self._site.gate.csrf_matches(session, call.form.get("csrf", "")):
            raise Lost(403, "bad_token")
        if session.user.must_change and call.path not in _FIRST:
            return see("/me")
        return None

    def _message(self, call: Call, lost: Lost) -> Response:
        return self._site.door(call, "message.html", status=lost.status, text=WORDS["message"][lost.text])


class _Door(_Endpoint):
    """A handler for who is not in, or locked out: log-in, unlock, log-out."""

    def _before(self, call: Call) -> Response | None:
        return None


def _replaced(call: Call, session: object) -> Call:
    return Call(**{**vars(call), "session": session})


def _call(request: Request, form: Mapping[str, str]) -> Call:
    number = request.path_params.get("number", 0)
    theme = request.cookies.get(THEME_COOKIE, "")
    return Call(
        path=request.url.path,
        method=request.method,
        # A number that no visit and no file of ours can have is no number of theirs.
        number=number if number < 2**53 else -1,
        query=dict(request.query_params),
        form=form,
        cookie=request.cookies.get(COOKIE_NAME, ""),
        session=None,
        address=request.client.host if request.client else "",
        secure=request.url.scheme == "https",
        theme=theme if theme in THEMES else "",
    )


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form. Raises ValueError."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise ValueError("no form")
    body = (await request.body()).decode("ascii")
    return dict(
        parse_qsl(body, keep_blank_values=True, strict_parsing=bool(body), errors="strict", max_num_fields=MAX_FIELDS)
    )


def _events(site: Site) -> Callable[[Request], object]:
    async def events(request: Request) -> Response:
        cookie = request.cookies.get(COOKIE_NAME, "")

        def holds() -> bool:
            session = site.gate.session(cookie, by_person=False) if cookie else None
            return session is not None and not session.idle and not session.user.must_change

        if not holds():
            # No error: a browser would ask again and again, and display a lost connection.
            return Response("event: session\ndata: over\n\n", media_type="text/event-stream")
        if site.live.full:
            return PlainTextResponse("", 503)
        head = await run_in_threadpool(site.desk.header)
        return StreamingResponse(site.live.stream(head.revision, holds), media_type="text/event-stream")

    return events


def _static(name: str, kind: str, read: Callable[[str], bytes]) -> Callable[[Request], object]:
    async def file(request: Request) -> Response:
        return Response(read(name), media_type=kind, headers={"Cache-Control": _FOR_EVER})

    return file


def application(site: Site, *, hosts: tuple[str, ...], allow: tuple[str, ...]) -> ASGIApp:
    """The pages of `site` as an ASGI application behind its wall; see `Guard`."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        site.live.begin()
        ended = site.desk.subscribe(site.live.changed)
        try:
            yield
        finally:
            ended()
            site.live.close()

    async def unknown(request: Request, fault: Exception) -> Response:
        text = WORDS["message"]["not_found"]
        return await run_in_threadpool(lambda: site.door(_call(request, {}), "message.html", status=404, text=text))

    routes = [
        *(Route(path, _Endpoint(site, handler).respond, methods=["GET"]) for path, handler in _PAGES.items()),
        *(Route(path, _Endpoint(site, handler).respond, methods=["POST"]) for path, handler in _FORMS.items()),
        Route("/login", _Door(site, doors.log_in_page).respond, methods=["GET"]),
        Route("/login", _Door(site, doors.log_in).respond, methods=["POST"]),
        Route("/unlock", _Door(site, doors.unlock).respond, methods=["POST"]),
        Route("/logout", _Door(site, doors.log_out).respond, methods=["POST"]),
        Route("/events", _events(site), methods=["GET"]),
        *(Route(f"/static/{name}", _static(name, kind, render.static)) for name, kind in render.STATIC.items()),
        *(Route(f"/static/fonts/{name}", _static(name, "font/ttf", render.font)) for name in render.FONTS),
    ]
    return Guard(
        Starlette(routes=routes, lifespan=lifespan, exception_handlers={404: unknown}),
        hosts=hosts,
        allow=allow,
        report=site.report,
    )
