"""The face of the reception for patients: a window with one view.

Owns Kivy's loop and everything that crosses threads. Kivy is imported when a Window is made, never before: a window
takes its settings while it is imported. Screens come from the reception's thread and are drawn in the main thread.
"""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from datetime import time as datetime_time
from pathlib import Path
from typing import Any

from kiosk.config import ConfigError, Display
from kiosk.process.stderr import complain
from kiosk.screens.headless_lines import as_json
from kiosk.screens.views import Wait
from kiosk.ui import kivy_setup
from kiosk.ui.items import Box, Viewable
from kiosk.ui.pace import Pace, fingers
from kiosk.ui.pages import Layout
from kiosk.ui.scale import PATIENTS, Limits

# One frame is not shown by every display (KMSDRM); the third one is.
FIRST_FRAMES = 3
# Software drawing on a slow machine may take seconds for a page that it draws for the first time.
STUCK_S = 15.0
PICTURE_WAIT_S = 20.0
PRESS_WAIT_S = 5.0
TICK_S = 0.25
MOMENT_S = 0.1
BESIDE_SHARE = 0.62  # of the kiosk's height: the width of what is shown beside it


@dataclass
class _PictureWanted:
    path: Path
    done: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None


@dataclass
class _PressWanted:
    button: str
    give_up_at: float


class Window:
    """Raises NoDisplay; ConfigError if `screens_to` cannot be written. One in a process, because Kivy has but one.

    `screens_to`: a file for JSON lines as `--headless` writes them, with the boxes of the buttons; a line is written
    when the screen has been drawn. `beside`: makes a Kivy widget that is shown at the right of the kiosk. `layout` and
    `describe`: a view as items of a page and as a JSON line. `zone`: of the clock on the page; None: the machine's.
    """

    def __init__(
        self,
        display: Display,
        layout: Layout,
        *,
        screens_to: Path | None = None,
        beside: Callable[[], Any] | None = None,
        limits: Limits = PATIENTS,
        zone: tzinfo | None = None,
        describe: Callable[[Any], dict[str, Any]] = as_json,
    ) -> None:
        self._clock = time.monotonic
        self.started = threading.Event()
        self._log = None if screens_to is None else ScreenLog(screens_to, self._clock)
        self._describe = describe
        self._rotation: int = display.rotation
        width, height = display.width_px, display.height_px
        width += round(height * BESIDE_SHARE) if beside is not None else 0
        fullscreen = display.fullscreen and beside is None
        kivy_setup.prepare(width, height, fullscreen=fullscreen, rotation=self._rotation, styled=beside is not None)
        from kivy.core.window import Window as KivyWindow

        kivy_setup.paint(KivyWindow)
        from kiosk.ui.view import View

        self._window = KivyWindow
        self._newest: Viewable | None = None
        self._newest_at = 0.0
        self._coming = self._prepared = tuple[Viewable, ...]()
        self._drawn: Viewable | None = None
        self._frames, self._tick_at = 0, 0.0
        self._beat = self._clock()
        self._presses: queue.SimpleQueue[_PressWanted] = queue.SimpleQueue()
        self._press_next: _PressWanted | None = None
        self._finger: Any = None
        self._pictures: queue.SimpleQueue[_PictureWanted] = queue.SimpleQueue()
        self._pace = Pace(self._clock, fingers)
        self._press: Callable[[str], None] = lambda button: None
        self._quit: Callable[[], None] = lambda: None
        self._ended = threading.Event()
        self._gone = threading.Event()  # the window; the reception may not have listened yet
        self._failure: BaseException | None = None
        on_wall, inch = _clock_in(zone), display.diagonal_inch
        self._view = View(layout, inch, self._on_press, self._clock, None, limits, time_of_day=on_wall)
        share = display.width_px / (display.width_px + display.height_px * BESIDE_SHARE)
        self._root = self._view if beside is None else _side_by_side(self._view, share, beside())
        kivy_setup.call_on_input(self._window, self._pace.note_input)
        kivy_setup.close_escapes(self._window, lambda: self._quit())
        self._window.bind(on_flip=self._flipped)

    def _on_press(self, button: str) -> None:
        self._press(button)

    # -- the face: called by the reception, in any thread ---------------------------------------------------------

    def show(self, screen: Viewable) -> None:
        """Draw this next. Never waits; of several before the next frame, the last is drawn."""
        self._newest, self._newest_at = screen, self._clock()
        self._pace.wake()

    def prepare(self, screens: Sequence[Viewable]) -> None:
        """Have pages ready that may come next, the likely ones first; others are forgotten. Never waits."""
        self._coming = tuple(screens)
        self._pace.wake()

    def listen(self, press: Callable[[str], None], quit_: Callable[[], None]) -> None:
        """Whom to call when a button is touched, and when the window is closed."""
        self._press, self._quit = press, quit_
        if self._gone.is_set():
            quit_()

    def alive(self, now: float) -> bool:
        """Whether the first frames have been shown and more keep coming. `now`: time.monotonic()."""
        return self.started.is_set() and now - self._beat < STUCK_S

    def serve(self, work: Callable[[], None]) -> None:
        """Run `work` in a thread and the window in this one, the main thread, until `work` ends.

        Raises what `work` raised. If the window itself fails, the reception is asked to quit and the failure is raised.
        """
        from kivy.base import runTouchApp, stopTouchApp
        from kivy.clock import Clock

        def reception() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - raised again by serve, in the main thread
                self._failure = error
            finally:
                self._ended.set()
                self._pace.wake()

        def every_frame(_: float) -> None:
            self._pace.wait(at_once=self._drawn is not None)
            self._step()
            if self._ended.is_set():
                stopTouchApp()

        thread = threading.Thread(target=reception, name="reception")
        Clock.schedule_interval(every_frame, 0)
        self._beat = self._clock()
        thread.start()
        try:
            runTouchApp(self._root)
        finally:
            Clock.unschedule(every_frame)
            self._gone.set()
            self._quit()
            thread.join()
            self._refuse_pictures()
            if self._log is not None:
                self._log.close()
        if self._failure is not None:
            raise self._failure

    # -- for the demo and tests, in any thread but the main one ------------------------------------------------------

    def press(self, button: str) -> None:
        """Touch the middle of a button, as a finger would, as soon as it is shown and takes touches. Does not wait."""
        self._presses.put(_PressWanted(button, self._clock() + PRESS_WAIT_S))
        self._pace.wake()

    def picture(self, path: Path) -> None:
        """Write the kiosk as drawn, as PNG. Waits until it is there; raises OSError or TimeoutError if it cannot be."""
        wanted = _PictureWanted(path)
        self._pictures.put(wanted)
        self._pace.wake()
        if self._ended.is_set() or not wanted.done.wait(PICTURE_WAIT_S):
            raise TimeoutError("the window draws no pictures any more")
        if wanted.error is not None:
            raise OSError("the picture could not be written") from wanted.error

    # -- every frame, in Kivy's thread -------------------------------------------------------------------------------

    def _step(self) -> None:
        now = self._beat = self._clock()
        drawn, self._drawn = self._drawn, None
        if drawn is not None and drawn is self._view.screen:
            self._view.seen()
        self._record(drawn)
        newest, present = self._newest, self._view.screen
        if newest is not None and newest is not present:
            if newest == present:
                self._view.refresh_timeout(newest.timeout)
            elif not self._may_be_passed_over(newest, now):
                self._view.show(newest)
        elif (coming := self._coming) is not self._prepared and not self._view.touched:
            self._prepared = self._prepared if self._view.prepare(coming) else coming
        if now >= self._tick_at:
            self._tick_at = now + TICK_S
            self._view.tick()
        if self._frames < FIRST_FRAMES:
            self._window.canvas.ask_update()
        self._serve_press(now)
        self._serve_pictures()

    def _may_be_passed_over(self, newest: Viewable, now: float) -> bool:
        """A page that only asks to wait, for a moment: the one that follows would have to wait until it is drawn."""
        only_waits = isinstance(newest, Wait) and not newest.buttons
        return only_waits and now < self._newest_at + MOMENT_S and self._pictures.empty()

    def _record(self, drawn: Viewable | None) -> None:
        if self._log is None:
            return
        if drawn is not None:
            self._log.record(self._describe(drawn), self._boxes())
        if not self._view.calm:
            self._log.flush()

    def _flipped(self, *_: object) -> None:
        """A frame is about to be shown: by the next step it has been."""
        self._drawn = self._view.screen
        if self._drawn is None:  # an empty window, before the first page is laid out: nobody can use it yet
            return
        self._frames += 1
        if self._frames >= FIRST_FRAMES:
            self.started.set()

    def _serve_press(self, now: float) -> None:
        from kiosk.ui.view import lift, touch

        if self._finger is not None:
            lift(self._finger)
            self._finger = None
            return
        if self._press_next is None:
            if self._presses.empty():
                return
            self._press_next = self._presses.get()
        wanted = self._press_next
        box = self._boxes().get(wanted.button)
        if box is not None and self._view.takes_touches:
            self._finger = touch(self._window, box.middle)
            self._press_next = None
        elif now > wanted.give_up_at:
            self._press_next = None

    def _serve_pictures(self) -> None:
        while not self._pictures.empty():
            wanted = self._pictures.get()
            try:
                wanted.path.unlink(missing_ok=True)
                self._view.export_to_png(str(wanted.path))
                if not wanted.path.is_file():
                    raise FileNotFoundError("not written")
            except Exception as error:  # noqa: BLE001 - whoever asked for the picture gets it
                wanted.error = error
            wanted.done.set()

    def _refuse_pictures(self) -> None:
        while not self._pictures.empty():
            wanted = self._pictures.get()
            wanted.error = TimeoutError("the window is closed")
            wanted.done.set()

    def _boxes(self) -> dict[str, Box]:
        """The buttons in pixels of the display, from its top left corner, whichever way it is turned."""
        width, height = self._window.width, self._window.height
        left, top = self._view.x, height - self._view.y - self._view.height
        boxes = {}
        for name, box in self._view.buttons.items():
            x, y = box.x + left, box.y + top
            match self._rotation:
                case 90:
                    boxes[name] = Box(height - y - box.height, x, box.height, box.width)
                case 180:
                    boxes[name] = Box(width - x - box.width, height - y - box.height, box.width, box.height)
                case 270:
                    boxes[name] = Box(y, width - x - box.width, box.height, box.width)
                case _:
                    boxes[name] = Box(x, y, box.width, box.height)
        return boxes


def _side_by_side(view: Any, share: float, beside: Any) -> Any:
    from kivy.uix.boxlayout import BoxLayout

    row = BoxLayout()
    # Whole pixels, so that a picture of the kiosk has the size of its display.
    view.size_hint_x = None
    row.bind(width=lambda _, width: setattr(view, "width", round(width * share)))
    row.add_widget(view)
    row.add_widget(beside)
    return row


def _clock_in(zone: tzinfo | None) -> Callable[[], datetime_time]:
    return lambda: datetime.now(zone).time()


class ScreenLog:
    """`--screens-to FILE`, for a tester outside: what has been drawn, and where its buttons are.

    Writes a line for each screen that differs from the one before. Raises ConfigError if the file cannot be made.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        try:
            # It holds what patients read. Without waiting: a pipe that nobody empties must not hold the window up.
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC
            self._out = os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", buffering=1)
        except OSError as error:
            raise ConfigError(f"--screens-to: {path} cannot be written ({error.strerror}); name another file") from None
        self._clock = clock
        self._began = clock()
        self._newest: dict[str, Any] = {}
        self._waiting: dict[str, Any] | None = None
        self._lost = False

    def record(self, screen: dict[str, Any], boxes: dict[str, Box]) -> None:
        """A frame of this screen is on the display. `screen`: as JSON; `boxes`: in pixels, top left corner first.

        The line waits for `flush`, so that a tester who reads it can touch at once; `t` is the time of the frame.
        """
        line = {**screen, "boxes": {name: _whole(box) for name, box in boxes.items()}}
        if line == self._newest or self._lost:
            return
        self.flush()
        self._newest = line
        self._waiting = {**line, "t": round(self._clock() - self._began, 3)}

    def flush(self) -> None:
        """Write what waits."""
        line, self._waiting = self._waiting, None
        if line is None or self._lost:
            return
        try:
            print(json.dumps(line, ensure_ascii=False), file=self._out, flush=True)
        except OSError as error:  # a tester's full disk is no reason to send patients away
            self._lost = True
            complain(f"--screens-to: nothing is written any more ({error.strerror})")

    def close(self) -> None:
        self.flush()
        try:
            self._out.close()
        except OSError:
            return


def _whole(box: Box) -> list[int]:
    left, top = round(box.x), round(box.y)
    return [left, top, round(box.right) - left, round(box.bottom) - top]
