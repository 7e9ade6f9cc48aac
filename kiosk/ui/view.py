"""One page on the display, and the finger on it.

Draws pages; says which button was touched. Must keep nothing of a page that has been replaced: all that a page drew
hangs on one canvas group, which goes with it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

from kivy.base import EventLoop
from kivy.graphics import InstructionGroup
from kivy.input.motionevent import MotionEvent
from kivy.uix.widget import Widget

from kiosk.screens.names import STAFF_CORNER
from kiosk.screens.views import Timeout
from kiosk.typography.setting import Block
from kiosk.ui.items import (
    Anywhere,
    Box,
    Button,
    ClockTime,
    Dots,
    Item,
    Picture,
    SecondsLeft,
    TimeLeft,
    Viewable,
    Words,
)
from kiosk.ui.pages import Layout
from kiosk.ui.pen import Pen
from kiosk.ui.scale import PATIENTS, Limits, millimetre_px
from kiosk.ui.sheet import FRAMES, Sheet
from kiosk.ui.theme import CORNER_MM, CORNER_S, PAGE, SLIP_OFF_MM, TOUCHED

# A finger that was on its way when the page changed did not mean the new page.
CALM_S = 0.25
# A finger that was never seen to leave (a device unplugged) must not lock the others out for ever.
FINGER_MAX_S = 10.0
# Pages that are drawn ahead hold so many pixels, of four bytes: four of them on a usual display.
AHEAD_MAX_PIXELS = 9_000_000
# Of a drawing that moves: slow enough to be looked at, and no flicker.
FRAME_S = 1.5
_finger_numbers = itertools.count(1)


@dataclass(frozen=True)
class _Finger:
    touch: str
    button: str
    since: float
    anywhere: bool = False


class View(Widget):  # type: ignore[misc]  # Kivy ships no types
    """`press(button)` is called in Kivy's thread when a finger leaves the button it came down on."""

    def __init__(
        self,
        layout: Layout,
        diagonal_inch: float,
        press: Callable[[str], None],
        clock: Callable[[], float],
        size: tuple[int, int] | None = None,
        limits: Limits = PATIENTS,
        *,
        time_of_day: Callable[[], time],
    ) -> None:
        super().__init__()
        self._layout = layout
        self._limits = limits
        self._time_of_day = time_of_day
        self._diagonal_inch = diagonal_inch
        self._press = press
        self._clock = clock
        self._page = InstructionGroup()
        self._moving = InstructionGroup()
        self._touched = InstructionGroup()
        for group in (self._page, self._moving, self._touched):
            self.canvas.add(group)
        self._finger: _Finger | None = None
        self._corner: _Finger | None = None
        self._placed_at = -math.inf
        self._unseen = False
        self._deadline: float | None = None
        self._left_of: tuple[float, float] | None = None  # (deadline, seconds it had when first seen)
        self._drawn_moving: object = None
        self._pen_scale = 1.0
        self.screen: Viewable | None = None
        self._sheet: Sheet | None = None
        self._ahead: list[tuple[Viewable, Sheet]] = []
        if size is not None:
            self.size_hint, self.size = (None, None), size

    # -- pages --------------------------------------------------------------------------------------------------

    def show(self, screen: Viewable) -> None:
        """Replace the page. A finger stays valid only if the new page has the same buttons in the same places."""
        before = self.buttons
        same_page = self.screen is not None and self.screen.name == screen.name
        self.screen = screen
        self.refresh_timeout(screen.timeout)
        self._lay_out(screen)
        if not same_page or self.buttons != before:
            self._placed_at = self._clock()
            self._unseen = True
            self._lift()
        self.tick()

    def seen(self) -> None:
        """The page is on the display now; until then fingers could only mean the page before."""
        if self._unseen:
            self._unseen = False
            self._placed_at = self._clock()

    def refresh_timeout(self, timeout: Timeout | None) -> None:
        """The same screen lasts longer, or shorter."""
        self._deadline = timeout.deadline if timeout else None

    def on_size(self, *_: object) -> None:
        if self.screen is not None:
            self._lay_out(self.screen)
            self.tick()

    @property
    def items(self) -> tuple[Item, ...]:
        """What is on the page."""
        return self._sheet.items if self._sheet is not None else ()

    @property
    def fitted(self) -> list[tuple[Words, Block]]:
        """How the words among them were set."""
        return self._sheet.fitted if self._sheet is not None else []

    def _lay_out(self, screen: Viewable) -> None:
        before, self._sheet = self._sheet, self._sheet_of(screen)
        self._page.clear()
        self._page.add(self._sheet.picture)
        if before is not None and before is not self._sheet:
            before.give_back()
        # What showed the time of the page before must go even if the new one shows none.
        self._moving.clear()
        self._drawn_moving = None

    def _sheet_of(self, screen: Viewable) -> Sheet:
        size = round(self.width), round(self.height)
        wanted = _timeless(screen)
        for ready, sheet in self._ahead:
            if ready == wanted and sheet.size == size:
                self._ahead.remove((ready, sheet))
                return sheet
        items = self._items_of(screen)
        if self._sheet is not None and self._sheet.size == size and self._sheet.change(items):
            return self._sheet
        return Sheet(size, self._pen_scale, items)

    def _items_of(self, screen: Viewable) -> tuple[Item, ...]:
        self._pen_scale = scale = millimetre_px(self.width, self.height, self._diagonal_inch, self._limits)
        return self._layout(screen, self.width / scale, self.height / scale)

    def prepare(self, screens: Sequence[Viewable]) -> bool:
        """Draw the first of these that is not drawn yet, beside the page that is shown. False: nothing is left to do.

        What was prepared and is not among them is forgotten: nothing of a patient stays.
        """
        wanted = [_timeless(screen) for screen in screens]
        size = round(self.width), round(self.height)
        for screen, sheet in self._ahead:
            if screen not in wanted:
                sheet.give_back()
        self._ahead = [(screen, sheet) for screen, sheet in self._ahead if screen in wanted]
        ready = [screen for screen, _ in self._ahead]
        lacking = [screen for screen in wanted if screen not in ready]
        if not lacking or size[0] * size[1] * (len(ready) + 1) > AHEAD_MAX_PIXELS:
            return False
        sheet = Sheet(size, self._pen_scale, self._items_of(lacking[0]))
        sheet.finish()
        self._ahead.append((lacking[0], sheet))
        return True

    @property
    def buttons(self) -> dict[str, Box]:
        """The buttons of the page, in pixels of the view from its top left corner."""
        return {item.name: item.box.scaled(self._pen_scale) for item in self.items if isinstance(item, Button)}

    # -- time ---------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Redraw what shows the time, if it would look different. Call it a few times a second."""
        if self._finger is None:
            self._touched.clear()
        self._check_corner()
        now = self._time_of_day()
        moves = any(isinstance(item, Picture) and item.moves for item in self.items)
        frame = int(self._clock() / FRAME_S) % FRAMES if moves else 0
        moving = (self._left(), (now.hour, now.minute), frame)
        if moving != self._drawn_moving:
            self._drawn_moving = moving
            self._draw_moving(*moving)

    def _left(self) -> tuple[int, int] | None:
        """Seconds until the page goes by itself, and the same as a share of the time it had, in hundredths."""
        deadline = self._deadline
        if deadline is None:
            self._left_of = None
            return None
        left = max(0.0, deadline - self._clock())
        if self._left_of is None or self._left_of[0] != deadline:
            self._left_of = (deadline, max(left, 1.0))
        return math.ceil(left), min(math.ceil(100 * math.ceil(left) / self._left_of[1]), 100)

    def _draw_moving(self, left: tuple[int, int] | None, clock: tuple[int, int], frame: int) -> None:
        self._moving.clear()
        pen = Pen(self._moving, self._pen_scale, self.height)
        for item in self.items:
            match item:
                case Picture(moves=True):
                    pen.picture(item, frame)
                case ClockTime():
                    pen.clock(item, *clock)
                case TimeLeft() if left:
                    radius = item.box.height / 2
                    pen.panel(item.box, item.ground, radius)
                    pen.panel(item.box.left(max(item.box.width * left[1] / 100, 2 * radius)), item.colour, radius)
                case Dots() if left:
                    pen.dots(item, left[1])
                case SecondsLeft() if left:
                    pen.seconds(item, left[0])

    # -- the finger ---------------------------------------------------------------------------------------------

    @property
    def calm(self) -> bool:
        """True for a moment after a new page, while touches are not taken for it."""
        return self._clock() - self._placed_at < CALM_S

    @property
    def touched(self) -> bool:
        """A finger is on a button: what comes next must not wait."""
        return self._finger is not None

    @property
    def takes_touches(self) -> bool:
        return self._finger is None and not self.calm

    def on_touch_down(self, touch: Any) -> bool:
        if not self.collide_point(*touch.pos):
            return False
        now = self._clock()
        if ("button" in touch.profile and touch.button != "left") or self.calm:
            return True
        if self._finger is not None and now - self._finger.since < FINGER_MAX_S:
            return True
        x, y = self._from_top(touch)
        for name, box in self.buttons.items():
            if box.holds(x, y):
                self._finger = _Finger(touch.uid, name, now)
                self._mark(box)
                break
        else:
            if self._in_corner(x, y):
                self._corner = _Finger(touch.uid, STAFF_CORNER, now)
            for item in self.items:
                if isinstance(item, Anywhere):
                    self._finger = _Finger(touch.uid, item.name, now, anywhere=True)
        return True

    def on_touch_up(self, touch: Any) -> bool:
        finger = self._finger
        if self._corner is not None and self._corner.touch == touch.uid:
            self._corner = None
        if finger is None or finger.touch != touch.uid:
            return False
        # The mark goes with the next page or tick: a frame of its own would only keep the next page waiting.
        self._finger = None
        box = self.buttons[finger.button].inset(-SLIP_OFF_MM * self._pen_scale)
        if finger.anywhere or box.holds(*self._from_top(touch)):
            self._press(finger.button)
        return True

    def on_touch_move(self, touch: Any) -> bool:
        corner = self._corner
        if corner is not None and corner.touch == touch.uid and not self._in_corner(*self._from_top(touch)):
            self._corner = None
        return self._finger is not None

    def _in_corner(self, x: float, y: float) -> bool:
        return max(x, y) < CORNER_MM * self._pen_scale

    def _check_corner(self) -> None:
        corner = self._corner
        if corner is not None and self._clock() - corner.since >= CORNER_S:
            self._corner = None
            self._press(corner.button)

    def _from_top(self, touch: Any) -> tuple[float, float]:
        return touch.x - self.x, self.height - (touch.y - self.y)

    def _mark(self, box: Box) -> None:
        """At once, so that the patient knows that the touch was felt."""
        pen = Pen(self._touched, 1.0, self.height)
        thick = 2.5 * self._pen_scale
        pen.frame(box, TOUCHED, thick, 4 * self._pen_scale)
        pen.frame(box.inset(thick), PAGE.ink, thick / 2, 3 * self._pen_scale)

    def _lift(self) -> None:
        self._finger = self._corner = None
        self._touched.clear()


def _timeless(screen: Viewable) -> Viewable:
    """The screen as a page that is drawn: how long it lasts is drawn beside it."""
    if screen.timeout is None:
        return screen
    lasting: Viewable = replace(screen, timeout=replace(screen.timeout, deadline=0.0))  # type: ignore[type-var]
    return lasting


class _Touch(MotionEvent):  # type: ignore[misc]  # Kivy ships no types
    """A finger made by the program, on the way every real touch takes."""

    def depack(self, args: tuple[float, float]) -> None:
        self.sx, self.sy = args
        self.profile = ["pos"]
        super().depack(args)


def touch(window: Any, at: tuple[float, float]) -> Any:
    """Put a finger of the program down. `at`: pixels of the display from its top left corner."""
    width, height = window.system_size
    where = (at[0] / max(width - 1, 1), 1 - at[1] / max(height - 1, 1))
    finger = _Touch("kiosk", next(_finger_numbers), where, is_touch=True, type_id="touch")
    EventLoop.post_dispatch_input("begin", finger)
    return finger


def lift(finger: Any) -> None:
    """Take it away again."""
    EventLoop.post_dispatch_input("end", finger)
