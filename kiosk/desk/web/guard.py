"""What stands before every page: who may connect, for which host, with how large a body; and the headers of answers.

Owns the outer wall. Must never look into a form or a session. A fault behind it becomes a plain 500 and one call of
`report`, with the kind of the exception and nothing that was in it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY: Final = 64 * 1024
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """`app` behind its wall. `hosts`: names in the Host header, without port, in lower case; `allow`: networks that may
    connect beside this machine; `report(kind)`: a fault, by the name of its exception.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: tuple[str, ...], allow: tuple[str, ...], report: Callable[[str], None]
    ) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._allow = tuple(ipaddress.ip_network(each) for each in allow)
        self._report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, answer)
            return
        try:
            await self._app(scope, _limited(receive), answer)
        except Exception as fault:  # noqa: BLE001 - whatever it is, its text may hold a patient's data and goes nowhere
            self._report(type(fault).__name__)
            if not started:
                await PlainTextResponse("プログラムの不具合です。", 500)(scope, receive, answer)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if not self._from_here(scope):
            return PlainTextResponse("", 403)
        host = headers.get("host", "").lower()
        if _without_port(host) not in self._hosts:
            return PlainTextResponse("", 421)
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("", 405)
        if int(headers.get("content-length") or 0) > MAX_BODY:
            return PlainTextResponse("", 413)
        # Beside the token of each form: a browser says where a request comes from.
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
        foreign = origin not in (None, f"{scope['scheme']}://{host}") or site not in ("same-origin", "none")
        return PlainTextResponse("", 403) if scope["method"] == "POST" and foreign else None

    def _from_here(self, scope: Scope) -> bool:
        client = scope.get("client")
        if client is None:
            return False
        address = ipaddress.ip_address(client[0].partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped or address
        return address.is_loopback or any(address in network for network in self._allow)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _limited(receive: Receive) -> Receive:
    size = 0

    async def limited() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_BODY:
            # Starlette answers this by itself; any other exception it would take for a fault of ours.
            raise HTTPException(413)
        return message

    return limited
