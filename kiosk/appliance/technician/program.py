"""`kiosk.appliance page`: the appliance's pages on the screen, while there is no reception on it.

Joins page.json, root's socket, the pure pages and the window. Runs as the screen's user. Must never do anything to the
machine itself: it can only ask root, which checks every request.
"""

from __future__ import annotations

import argparse
import queue
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from kiosk.appliance.machine.places import Places
from kiosk.appliance.machine.refused_usb import refused_devices
from kiosk.appliance.technician.layout import lay_out
from kiosk.appliance.technician.pages import as_json, page_of
from kiosk.appliance.technician.root_client import NO_ANSWER, Object, RootClient
from kiosk.appliance.technician.state import (
    Answered,
    Ask,
    Event,
    LineReceived,
    MachinePolled,
    PageSet,
    Pressed,
    Progressed,
    RequestedPage,
    Ticked,
    machine_of,
    percent_of,
    plain,
    requested_page,
)
from kiosk.appliance.technician.step import first, step
from kiosk.config import ConfigError, Display
from kiosk.process import safe_files
from kiosk.process.stderr import complain
from kiosk.process.systemd import Notifier
from kiosk.ui.window import Window
from kiosk.words import texts
from kiosk.words.texts import Texts

LOOP_S: Final = 0.2
MACHINE_EVERY_S: Final = 2.0
MACHINE_LIMIT_S: Final = 5.0
EVENTS_MAX: Final = 5000
EXIT_CONFIG: Final = 2


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
        window = Window(display, words, screens_to=arguments.screens_to, layout=lay_out, describe=as_json)
    except ConfigError as error:
        complain(str(error))
        return EXIT_CONFIG
    notifier.starting()

    def turned() -> bool:
        """A new site may rotate the display; Kivy can rotate its window only while it makes it."""
        return display_of(arguments.site) != display

    pages = Pages(arguments.page_file, turned, RootClient(arguments.socket), window, words, notifier, arguments.idle_s)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: pages.quit())
    window.serve(pages.run)
    notifier.stopping()
    return 0


@dataclass(frozen=True)
class Pages:
    """The loop: inbox -> step -> ask -> show. One thread; nothing in it waits for anybody.

    `turned`: whether the display's settings changed; then the loop ends, and the service manager starts us again.
    """

    file: Path
    turned: Callable[[], bool]
    client: RootClient
    window: Window
    words: Texts
    notifier: Notifier
    idle_s: float
    _inbox: queue.Queue[Event | None] = field(init=False, default_factory=lambda: queue.Queue(EVENTS_MAX))
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
                if self.turned():
                    return
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
            return self._inbox.get(timeout=LOOP_S) or Ticked()
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
        percent = percent_of(answer.get("progress"))
        if "ok" in answer:
            self._inbox.put(Answered(ask.number, answer))  # never lost: somebody waits for it
        elif percent is not None:
            self._post(Progressed(ask.number, percent))
        elif "line" in answer:
            self._post(LineReceived(ask.number, plain(answer["line"])))

    def _watch_machine(self) -> None:
        while not self._ended.wait(MACHINE_EVERY_S if self.window.started.is_set() else LOOP_S):
            answers = self.client.answers({"do": "state"}, MACHINE_LIMIT_S)
            body = next((each for each in answers if "ok" in each), dict(NO_ANSWER))
            if not body.get("version"):
                body = {**body, "version": Places().version}
            self._post(MachinePolled(machine_of(body, usb_lines())))


def read_page(file: Path) -> RequestedPage:
    """The page that root requests; no file: there is no site."""
    return requested_page(safe_files.json_of(file))


def display_of(site: Path) -> Display:
    """[screen] of site.toml, whatever else is wrong in it; without one, the display's own size, upright."""
    # Late import: the reader knows more of the settings than this program needs when there is no site.
    from kiosk.config import reading

    if not site.is_file():
        return Display()
    try:
        read = reading.read(reading.document(reading.text_of(site)), site.parent, [])
    except reading.Broken:
        return Display()
    try:
        return Display(**read.tables["screen"])
    except (KeyError, TypeError):
        return Display()


def usb_lines() -> tuple[str, ...]:
    """A line for each USB device that is not allowed, as [[usb]] wants it."""
    return tuple(plain(f'id = "{each.id}"　port = "{each.port}"　{each.product}') for each in refused_devices())
