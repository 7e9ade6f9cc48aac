"""Fingers as SDL hears them from a touch panel, through Kivy's loop to the reception. Found on KMSDRM: Kivy drops them.

xdotool has a mouse only, so SDL itself is told of the fingers: by SDL_PushEvent, in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests import ROOT
from tests.hospital import DEADLINE_S
from tests.ui.driver import needs_gl

pytestmark = needs_gl

PROGRAM = """
import ctypes, json, threading, time
from kiosk.screens.wording import Wording
from kiosk.ui.frame import Stand
from kiosk.ui.pages import layout_at
from kiosk.visit.rules import Rules
from kiosk.config import Display
from kiosk.visit import state as f
from kiosk.screens.of_state import screen_of
from kiosk.ui.window import FIRST_FRAMES, Window

window = Window(Display(fullscreen=False), layout_at(Stand()))
from kivy.core.window import Window as kivy
library = next(line.split()[-1] for line in open("/proc/self/maps") if "libSDL2-2" in line)
sdl = ctypes.CDLL(library)
DOWN, UP = 0x700, 0x701  # SDL_FINGERDOWN, SDL_FINGERUP

class Finger(ctypes.Structure):  # SDL_TouchFingerEvent of <SDL_events.h>, with room for all of SDL_Event
    _fields_ = [("type", ctypes.c_uint32), ("at", ctypes.c_uint32),
                ("panel", ctypes.c_int64), ("finger", ctypes.c_int64),
                ("x", ctypes.c_float), ("y", ctypes.c_float), ("rest", ctypes.c_char * 64)]

def push(kind, finger, x, y):
    sdl.SDL_PushEvent(ctypes.byref(Finger(kind, 0, 1, finger, x, y)))

def wait(condition):
    due = time.monotonic() + 30
    while not condition() and time.monotonic() < due:
        threading.Event().wait(0.01)

flips, heard = [], []
kivy.bind(on_flip=lambda *_: flips.append(1))
window.listen(heard.append, lambda: None)

def tap(name, *others):
    box = window._view.buttons[name]
    x, y = box.middle[0] / kivy.width, box.middle[1] / kivy.height
    told = len(heard)
    push(DOWN, 7, x, y)
    for other in others:  # a second finger, while the first is down
        push(DOWN, other, x, 0.1)
        push(UP, other, x, 0.1)
    push(UP, 7, x, y)
    wait(lambda: len(heard) > told)

def work():
    wait(lambda: len(flips) > FIRST_FRAMES)
    empty = window.alive(time.monotonic())
    window.show(screen_of(f.Kiosk(Rules(), f.Start()), Wording()))
    wait(lambda: window.started.is_set() and window._view.takes_touches)
    shown = window.alive(time.monotonic())
    tap("mynumber")
    tap("patient_card", 8)
    print(json.dumps({"alive when empty": empty, "alive when shown": shown, "heard": heard}))

window.serve(work)
"""


def test_a_finger_on_a_touch_panel_presses_what_it_touches_and_an_empty_window_is_not_ready() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env={**os.environ, "SDL_VIDEODRIVER": "offscreen"},
        capture_output=True, text=True, timeout=4 * DEADLINE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "alive when empty": False, "alive when shown": True, "heard": ["mynumber", "patient_card"],
    }  # fmt: skip
