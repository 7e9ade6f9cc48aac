"""`kiosk.appliance page`: the appliance's pages on the screen, while there is no reception on it.

Joins page.json, root's socket, the pure pages and the window. Runs as the screen's user. Owns the screen's end of the
socket: JSON objects, one a line; the last one has "ok". Must never do anything to the machine itself (it can only ask
root, which checks every request), wait for ever for an answer, or keep the PIN or the key outside `State`.
"""

from __future__ import annotations

import argparse
import json
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from kiosk.appliance.machine.places import Places
from kiosk.appliance.machine.refused_usb import refused_devices
from kiosk.appliance.technician.layout import layout_in
from kiosk.appliance.technician.pages import as_json, page_of
from kiosk.appliance.technician.state import (
    Answered,
    Ask,
    Event,
    MachinePolled,
    PageSet,
    Pressed,
    RequestedPage,
    Ticked,
    machine_of,
    plain,
    requested_page,
)
from kiosk.appliance.technician.step import first, step
from kiosk.config import ConfigError, Display, reading
from kiosk.process import safe_files
from kiosk.process.stderr import complain
from kiosk.process.systemd import Notifier
from kiosk.ui.scale import STAFF
from kiosk.ui.window import Window
from kiosk.words import texts
from kiosk.words.texts import Texts

LOOP_S: Final = 0.2
MACHINE_EVERY_S: Final = 2.0
MACHINE_LIMIT_S: Final = 5.0
EVENTS_MAX: Final = 5000
EXIT_CONFIG: Final = 2
LINE_MAX_BYTES: Final = 65_536
LINES_MAX: Final = 20_000
AT_ONCE_MAX: Final = 8
_CONNECT_S: Final = 5.0

Object = dict[str, Any]
NO_ANSWER: Final[Mapping[str, Any]] = {"ok": False, "reason": "no_answer"}


def main(argv: Sequence[str]) -> int:
    """Entry point. 0: asked to end; 2: usage, or no display."""
    places = Places()
    parser = argparse.ArgumentParser(prog="kiosk.appliance page", description="the appliance's pages on the screen")
    parser.add_argument("--socket", type=Path, default=places.staff_socket, metavar="PATH", help="root's socket")
    parser.add_argument("--page-file", type=Path, default=places.page, metavar="PATH", help="what root wants shown")
    parser.add_argument("--site", type=Path, default=places.site_file, metavar="PATH", help="for [screen]")
    parser.add_argument("--screens-to", type=Path, metavar="FILE", help="the pages as JSON lines")
    parser.add_argument("--idle-s", type=float, default=60.0, metavar="SECONDS", help="a page stays so long untouched")
    arguments = parser.parse_args(argv)
    notifier = Notifier.from_environment()
    words, display = texts.load("technician"), display_of(arguments.site)
    notifier.starting()
    try:
        window = Window(display, layout_in(words), screens_to=arguments.screens_to, limits=STAFF, describe=as_json)
    except ConfigError as error:
        complain(str(error))
        return EXIT_CONFIG
    notifier.starting()
    client = RootClient(arguments.socket)
    pages = Pages(arguments.page_file, arguments.site, display, client, window, words, notifier, arguments.idle_s)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: pages.quit())
    window.serve(pages.run)
    notifier.stopping()
    return 0


class RootClient:
    """`path`: root's socket; it need not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._free = threading.BoundedSemaphore(AT_ONCE_MAX)

    def ask(self, body: Mapping[str, Any], limit_s: float, on_object: Callable[[Object], None]) -> None:
        """Send a request; never waits. `on_object` gets every object of `answers`, in another thread."""
        if not self._free.acquire(blocking=False):
            on_object(dict(NO_ANSWER))
            return

        def run() -> None:
            try:
                for each in self.answers(body, limit_s):
                    on_object(each)
            finally:
                self._free.release()

        threading.Thread(target=run, name="staff-line", daemon=True).start()

    def answers(self, body: Mapping[str, Any], limit_s: float) -> Iterator[Object]:
        """The objects of the answer; the last one has "ok". NO_ANSWER if root hung up, the time was over, or what came
        is no protocol of ours.
        """
        until = time.monotonic() + limit_s
        with (
            suppress(OSError, ValueError),
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as line,
        ):
            line.settimeout(min(_CONNECT_S, limit_s))
            line.connect(str(self._path))
            line.sendall(json.dumps(dict(body)).encode() + b"\n")
            for each in _read_objects(line, until):
                yield each
                if "ok" in each:
                    return
        yield dict(NO_ANSWER)


def _read_objects(line: socket.socket, until: float) -> Iterator[Object]:
    kept = b""
    for _ in range(LINES_MAX):
        while b"\n" not in kept:
            left = until - time.monotonic()
            if left <= 0 or len(kept) > LINE_MAX_BYTES:
                return
            line.settimeout(left)
            data = line.recv(LINE_MAX_BYTES)
            if not data:
                return
            kept += data
        text, _, kept = kept.partition(b"\n")
        each = json.loads(text)
        if isinstance(each, dict):
            yield each


@dataclass(frozen=True)
class Pages:
    """The loop: inbox -> step -> ask -> show. One thread; nothing in it waits for anybody."""

    file: Path
    site: Path
    display: Display
    client: RootClient
    window: Window
    words: Texts
    notifier: Notifier
    idle_s: float
    _inbox: queue.Queue[Event] = field(init=False, default_factory=lambda: queue.Queue(EVENTS_MAX))
    _ended: threading.Event = field(init=False, default_factory=threading.Event)

    def quit(self) -> None:
        """End; from any thread, and from a signal handler."""
        self._ended.set()

    def run(self) -> None:
        """Serve until asked to end."""
        requested = read_page(self.file)
        state = replace(first(RequestedPage("updating"), time.monotonic()), idle_s=self.idle_s)
        self._post(PageSet(requested))
        self.window.listen(lambda button: self._post(Pressed(button)), self.quit)
        threading.Thread(target=self._watch_machine, name="machine", daemon=True).start()
        ready = False
        while not self._ended.is_set():
            newest = read_page(self.file)
            if newest != requested:
                requested = newest
                self._post(PageSet(newest))
                if display_of(self.site) != self.display:
                    return  # Kivy rotates a window only while it makes it: the service manager starts us again
            event = self._next()
            now = time.monotonic()
            state, asks = step(state, event, now)
            for ask in asks:
                self._ask(ask)
            self.window.show(page_of(state, self.words, now))
            if self.window.alive(now):
                if not ready:
                    ready = True
                    self.notifier.ready()
                self.notifier.alive()

    def _next(self) -> Event:
        try:
            return self._inbox.get(timeout=LOOP_S)
        except queue.Empty:
            return Ticked()

    def _post(self, event: Event) -> None:
        try:
            self._inbox.put_nowait(event)
        except queue.Full:  # a flood of touches or lines: what is lost is one of thousands
            return

    def _ask(self, ask: Ask) -> None:
        self.client.ask(ask.body, ask.limit_s, lambda answer: self._on_answer(ask, answer))

    def _on_answer(self, ask: Ask, answer: Object) -> None:
        event = Answered(ask.number, answer)
        if "ok" in answer:
            self._inbox.put(event)  # never lost: somebody waits for it
        else:
            self._post(event)

    def _watch_machine(self) -> None:
        while not self._ended.wait(MACHINE_EVERY_S if self.window.started.is_set() else LOOP_S):
            *_, body = self.client.answers({"do": "state"}, MACHINE_LIMIT_S)
            if not body.get("version"):
                body = {**body, "version": Places().version}
            # As [[usb]] wants it.
            usb = (plain(f'id = "{each.id}"　port = "{each.port}"　{each.product}') for each in refused_devices())
            self._post(MachinePolled(machine_of(body, tuple(usb))))


def read_page(file: Path) -> RequestedPage:
    """The page that root requests; no file: there is no site."""
    return requested_page(safe_files.json_of(file))


def display_of(site: Path) -> Display:
    """[screen] of site.toml, whatever else is wrong in it; without one, the display's own size, upright."""
    if not site.is_file():
        return Display()
    try:
        return Display(**reading.read(reading.document(reading.text_of(site)), site.parent, []).tables["screen"])
    except (reading.Broken, KeyError, TypeError):
        return Display()
