"""`kiosk metrics`: figures for Prometheus, on loopback ([metrics] listen) or as a file in a share ([metrics] push).

A process of its own, so that no question from outside can hold up a patient. Gathers by itself and serves what it has
gathered: a courier or a share that hangs makes the figures old, never a scrape slow. Reads no password but that of
[metrics]; never talks to the printer. Must never say anything of a patient.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from drivers.share import Missing, Share, ShareError, open_share
from kiosk.config import Config, password
from kiosk.operations import status
from kiosk.operations.metrics.families import families
from kiosk.process.ending import when_asked_to_end
from kiosk.process.locks import Unusable
from kiosk.process.stderr import complain
from kiosk.process.systemd import Notifier

GATHER_EVERY_S: Final = 10.0


class Figures(Collector):
    """What was gathered last. `gather` in one thread; `collect` in any, at once."""

    def __init__(self, config: Config, kiosk: str) -> None:
        self._config = config
        self._kiosk = kiosk
        self._families: tuple[Metric, ...] = ()

    def gather(self) -> None:
        """Ask everybody but the printer; seconds, when somebody hangs."""
        report = status.collect(self._config, acknowledge=False, ask_printer=False)
        is_open = self._config.open_at(datetime.now(self._config.site.zone))
        self._families = tuple(families(self._kiosk, report, round(time.time(), 1), is_open))

    def collect(self) -> Iterable[Metric]:
        return self._families


class Push:
    """The figures as a file in a folder of the hospital, for the textfile collector of Prometheus' node_exporter.

    Owns the two names it writes there; `kiosk`: the host name, part of both. A reader sees a whole file or, for an
    instant, none; never half of one. A share that is down costs one line of complaint, and the next round tries again.
    """

    def __init__(self, share: Share, kiosk: str, complain: Callable[[str], None]) -> None:
        self._share = share
        self._name = f"kiosk-{kiosk}.prom"
        self._part = f"kiosk-{kiosk}.part"  # the collector takes *.prom only
        self._complain = complain
        self._fails = False

    def write(self, text: bytes) -> bool:
        """Whether the file is there now. Ends within the share's deadlines."""
        try:
            self._publish(text)
        except ShareError as error:
            if not self._fails:
                self._complain(f"[metrics] push: the figures are not written: {error}")
            self._fails = True
            return False
        if self._fails:
            self._complain("[metrics] push: the figures are written again")
        self._fails = False
        return True

    def _publish(self, text: bytes) -> None:
        # Shares here never overwrite, so the old file goes just before the new one takes its name.
        self._remove(self._part)  # of a round that was cut off
        self._share.put(self._part, [text])
        self._remove(self._name)
        self._share.rename_new(self._part, self._name)

    def _remove(self, name: str) -> None:
        with suppress(Missing):
            self._share.remove(name)


def run(config: Config, *, once: bool) -> int:
    """`once`: print the figures and end. Else serve and write them until SIGTERM; 0 at once when neither is set.

    Only from the main thread. Raises ConfigError, Unusable.
    """
    kiosk = _host_name()
    figures = Figures(config, kiosk)
    registry = CollectorRegistry()
    registry.register(figures)
    if once:
        figures.gather()
        print(generate_latest(registry).decode(), end="")  # noqa: T201 - the command's answer
        return 0
    if not config.metrics.listen and not config.metrics.push:
        complain("[metrics] is not set: nothing is served or written")
        Notifier.from_environment().ready()  # an end before this word would be a failure of the service
        return 0
    notifier = Notifier.from_environment()
    stop = threading.Event()
    when_asked_to_end(stop.set)
    push = _push(config, kiosk)
    figures.gather()
    _listen(config.metrics.listen, registry)
    notifier.ready()
    _keep_on(figures, registry, push, config.metrics.push_every_s, stop, notifier)
    notifier.stopping()
    return 0


def _keep_on(
    figures: Figures,
    registry: CollectorRegistry,
    push: Push | None,
    push_every_s: float,
    stop: threading.Event,
    notifier: Notifier,
) -> None:
    """Gather and write in turn; the watchdog bites when either does not come back."""
    gathered_at = time.monotonic()
    write_at = gathered_at
    while not stop.is_set():
        if push is not None and time.monotonic() >= write_at:
            write_at = time.monotonic() + push_every_s
            push.write(generate_latest(registry))
        if time.monotonic() >= gathered_at + GATHER_EVERY_S:
            figures.gather()
            gathered_at = time.monotonic()
        notifier.alive()
        due = min(gathered_at + GATHER_EVERY_S, write_at if push is not None else gathered_at + GATHER_EVERY_S)
        stop.wait(max(0.0, due - time.monotonic()))


def _push(config: Config, kiosk: str) -> Push | None:
    settings = config.metrics
    if not settings.push:
        return None
    secret = password(config, "metrics", settings.push, settings.password_file)
    return Push(open_share(settings.push, secret.reveal() if secret else None), kiosk, complain)


def _listen(address: str, registry: CollectorRegistry) -> None:
    """`address`: 127.0.0.1:9105 or [::1]:9105; that nobody outside can reach it, the setting's check has seen to."""
    if not address:
        return
    split = urlsplit(f"//{address}")
    try:
        start_http_server(split.port or 0, split.hostname or "", registry)
    except OSError as error:
        raise Unusable(f"[metrics] listen: {address} cannot be used ({error.strerror})") from None


def _host_name() -> str:
    """The first part of this machine's name, fit for a file name and a label."""
    return re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname().partition(".")[0])[:63] or "kiosk"
