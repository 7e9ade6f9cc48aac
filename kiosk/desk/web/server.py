"""The HTTP server: uvicorn, with TLS where the site has a certificate.

Owns the socket and its thread. Must never write a line of its own about requests: their addresses are not for logs.
"""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from kiosk.desk.acts import Desk
from kiosk.desk.people.gate import Gate
from kiosk.desk.web.app import application
from kiosk.desk.web.call import Site
from kiosk.desk.web.live import BEAT_S, Live
from kiosk.desk.web.render import at

_START_S: Final = 30.0
_STOP_S: Final = 10.0
_LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Listening:
    """Where and for which browsers. `hosts`: names and addresses that may stand in the Host header, beside the address
    itself; `allow`: networks beside this machine; `client_ca`: browsers must have a certificate that it signed.
    """

    host: str
    port: int
    hosts: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None


class NotStarted(Exception):
    """The server did not begin: the port is taken, a certificate cannot be read. The text holds no secret."""


class Server:
    """The pages of `desk` in a thread of their own. `report(kind)`: a fault in a page, by the name of its exception.

    `beat_s`: how often an open page is shown that the server is there, and its session is looked at.
    """

    def __init__(
        self,
        desk: Desk,
        gate: Gate,
        listening: Listening,
        hospital: str,
        report: Callable[[str], None],
        beat_s: float = BEAT_S,
    ) -> None:
        address = ipaddress.ip_address(listening.host)
        if not address.is_loopback and (listening.certificate is None or not listening.allow):
            raise ValueError("off loopback only with a certificate and the networks that may connect")
        live = Live(lambda: at(desk.header().now), beat_s)
        named = f"[{listening.host}]" if address.version == 6 else listening.host
        hosts = tuple(each.lower() for each in (*_LOOPBACK_HOSTS, named, *listening.hosts))
        app = application(Site(desk, gate, live, hospital, report), hosts=hosts, allow=listening.allow)
        self._live = live
        self._listening = listening
        self._server = uvicorn.Server(_config(app, listening))
        self._thread = threading.Thread(target=self._run, name="desk-web", daemon=True)
        self._ended = threading.Event()
        self._why = ""

    @property
    def port(self) -> int:
        """Where it listens; the one the system chose, for port 0."""
        return int(self._server.servers[0].sockets[0].getsockname()[1])

    @property
    def running(self) -> bool:
        """False before `start` and after the end, also one by itself."""
        return self._thread.is_alive() and self._server.started

    def start(self) -> None:
        """Listen. Raises NotStarted."""
        self._thread.start()
        begun = threading.Event()
        for _ in range(int(_START_S / 0.02)):
            if self._server.started or self._ended.is_set():
                break
            begun.wait(0.02)
        if not self._server.started:
            self.stop()
            raise NotStarted(self._why or "no answer in time")

    def stop(self) -> None:
        """End streams, then the server; waits for it."""
        self._live.close()
        self._server.should_exit = True
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        config = self._server.config
        try:
            config.load()
            if config.ssl is not None:
                config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
            self._server.run()
        except SystemExit:
            self._why = "the address cannot be used"
        except (OSError, ssl.SSLError) as error:
            self._why = error.strerror or type(error).__name__
        finally:
            self._ended.set()


def _config(app: ASGIApp, listening: Listening) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=listening.host,
        port=listening.port,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=2,
        limit_concurrency=1000,
        backlog=256,
        ssl_certfile=listening.certificate,
        ssl_keyfile=listening.key,
        ssl_ca_certs=None if listening.client_ca is None else str(listening.client_ca),
        ssl_cert_reqs=ssl.CERT_NONE if listening.client_ca is None else ssl.CERT_REQUIRED,
    )
