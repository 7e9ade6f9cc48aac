"""Kivy as an appliance needs it: no settings file, no log file, no command line, no way out by keyboard or mouse.

Must run before anything imports Kivy, which reads all this while it is imported.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from kiosk.config import ConfigError
from kiosk.machine.state import connected_sizes
from kiosk.ui.theme import PAGE, channels

_DRM = Path("/dev/dri")
# Fixed: what Kivy, and the SDL below it, take from the environment.
_ENVIRONMENT = {
    "KIVY_NO_ARGS": "1",
    "KIVY_NO_CONFIG": "1",
    "KIVY_NO_FILELOG": "1",
    "KIVY_NO_CONSOLELOG": "1",
    "KIVY_LOG_MODE": "PYTHON",
    # Kivy would try a provider of its own for X next, which ends the process.
    "KIVY_WINDOW": "sdl2",
    "KIVY_TEXT": "sdl2",
    # The reception ends by its own rules on SIGTERM.
    "SDL_NO_SIGNAL_HANDLERS": "1",
    # One finger is one touch, not a mouse besides.
    "SDL_TOUCH_MOUSE_EVENTS": "0",
    "SDL_MOUSE_TOUCH_EVENTS": "0",
}
_TITLE_BAR_PX = 80
_SILENT = logging.CRITICAL + 1


class NoDisplay(ConfigError):
    """There is no display, or none that can be drawn on. The message says what to do."""


def prepare(width_px: int, height_px: int, *, fullscreen: bool, rotation: int = 0, styled: bool = True) -> None:
    """Settings, then Kivy's window. Raises NoDisplay. The size is what the viewer sees, after `rotation`.

    A window (not `fullscreen`) that is too large for the desktop becomes smaller, in proportion. `styled`: Kivy's own
    buttons and lists can be used.
    """
    os.environ.update(_ENVIRONMENT)
    if "SDL_VIDEODRIVER" not in os.environ:  # SDL itself would draw where nobody sees it
        os.environ["SDL_VIDEODRIVER"] = _driver()
    if rotation in (90, 270):
        width_px, height_px = height_px, width_px
    desktop = _desktop() if os.environ["SDL_VIDEODRIVER"] == "x11" else None
    if desktop is not None:
        # Full screen by a change of size afterwards leaves a picture of the size before.
        width_px, height_px = desktop if fullscreen else _within(width_px, height_px, desktop)
    # Without X the display takes the size of site.toml, if it can; else SDL would try the next larger one, or none.
    own_size = os.environ["SDL_VIDEODRIVER"] == "KMSDRM" and (width_px, height_px) in connected_sizes()
    log = _quiet()
    _configure(
        width=width_px,
        height=height_px,
        # Here and not later: Kivy takes a window that is turned afterwards for one of another density.
        rotation=(360 - rotation) % 360,  # Kivy turns the other way round
        fullscreen=(1 if own_size else "auto") if fullscreen else 0,
        borderless=int(fullscreen),
        show_cursor=int(not fullscreen),
        **({"position": "custom", "left": 0, "top": 0} if fullscreen else {}),
    )
    if not styled:
        _leave_style_out()
    from kivy.core.window import Window

    if Window is None:
        raise NoDisplay(
            f"The window could not be opened on {os.environ['SDL_VIDEODRIVER']} (DISPLAY={os.environ.get('DISPLAY')}); "
            "is the display there, may this user use it, and are libgl1 and libegl1 installed?"
        )
    _connect_touches(Window)
    # Until here Kivy talks about what it tried and did without.
    log.setLevel(logging.WARNING)


def _leave_style_out() -> None:
    """Kivy reads the looks of its widgets while it is imported, from a folder that it has no setting for.

    They are a tenth of the time until the first page, which draws itself. After the settings: Kivy's clock reads them.
    """
    import kivy

    folder = kivy.kivy_data_dir
    kivy.kivy_data_dir = str(files("kiosk.ui") / "no_style")
    import kivy.lang.builder

    kivy.kivy_data_dir = folder


def _configure(**graphics: object) -> None:
    from kivy.config import Config

    # Frames without a limit of Kivy's: `pace` decides when the next one begins.
    # Smoothing of edges by the whole frame costs a processor without graphics card three times the time.
    always = {"resizable": 0, "maxfps": 0, "multisamples": 0, "vsync": 0, "allow_screensaver": 0}
    for key, value in {**always, **graphics}.items():
        Config.set("graphics", key, str(value))
    Config.set("kivy", "exit_on_escape", "0")
    Config.set("kivy", "window_title", "")
    Config.remove_section("modules")
    Config.add_section("modules")
    for name, _ in Config.items("input"):  # probesysfs would give every touch a second time
        Config.remove_option("input", name)
    Config.set("input", "mouse", "mouse,disable_multitouch")


def paint(window: Any) -> None:
    """An empty page at once: fonts and the first page take seconds on a slow PC, and black looks like a dead one."""
    window.clearcolor = (*channels(PAGE.ground), 1)
    window.clear()
    window.flip()


def close_escapes(window: Any, closed: Callable[[], None]) -> None:
    """No key, no dropped file and no text changes anything; a window manager that closes the window tells `closed`."""

    def swallow(*_: object) -> bool:
        return True

    def closing(*_: object, **__: object) -> bool:
        closed()
        return True  # the window goes when the reception has ended

    for event in ("on_key_down", "on_key_up", "on_keyboard", "on_textinput", "on_textedit", "on_drop_file"):
        window.bind(**{event: swallow})
    window.bind(on_request_close=closing)


def _connect_touches(window: Any) -> None:
    """Give touches of a panel to Kivy's own provider of touches: on Linux Kivy reads them from SDL and drops them.

    SDL could make a mouse of them on X11, but does not on KMSDRM. Once for a window.
    """
    from kivy.core.window.window_sdl2 import SDL2MotionEventProvider

    if not isinstance(window._win, _Fingers):  # noqa: SLF001 - Kivy has no public door
        window._win = _Fingers(window._win, SDL2MotionEventProvider.q.appendleft)  # noqa: SLF001


def call_on_input(window: Any, called: Callable[[], None]) -> None:
    """`called()` whenever something has been read that Kivy dispatches in its next round. Of a prepared window."""
    window._win.called = called  # noqa: SLF001 - the line of `_connect_touches`


class _Fingers:
    """Kivy's line to SDL, which calls `take` for each finger that comes, moves or goes, `called` for whatever comes."""

    def __init__(self, line: Any, take: Callable[[Any], None]) -> None:
        self._line = line
        self._take = take
        self.called: Callable[[], None] = lambda: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._line, name)

    def poll(self) -> Any:
        event = self._line.poll()
        if event and event[0] in ("fingerdown", "fingermotion", "fingerup"):
            self._take(event)
        if event:
            self.called()
        return event


def _driver() -> str:
    if os.environ.get("DISPLAY"):
        return "x11"
    if any(_DRM.glob("card*")):
        return "KMSDRM"
    raise NoDisplay(
        "There is no display: DISPLAY is not set and there is no graphics card (/dev/dri). "
        "Use `kiosk run --headless`, or SDL_VIDEODRIVER=offscreen for a window that nobody sees."
    )


def _desktop() -> tuple[int, int] | None:
    """The size of the X screen in pixels. Asked before Kivy, which can ask only when its window is there already."""
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:
        return None
    x11.XOpenDisplay.restype = ctypes.c_void_p
    screen = x11.XOpenDisplay(None)
    if not screen:
        return None
    pointer = ctypes.c_void_p(screen)
    size = int(x11.XDisplayWidth(pointer, 0)), int(x11.XDisplayHeight(pointer, 0))
    x11.XCloseDisplay(pointer)
    return size


def _within(width: int, height: int, desktop: tuple[int, int]) -> tuple[int, int]:
    if width <= desktop[0] and height <= desktop[1]:
        return width, height
    by = min(desktop[0] / width, (desktop[1] - _TITLE_BAR_PX) / height)
    return int(width * by), int(height * by)


def _quiet() -> logging.Handler:
    """What Kivy says goes to standard error, once it is asked for; it is silent at first."""
    kivy = logging.getLogger("kivy")
    kivy.propagate = False
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(logging.Formatter("kivy: %(message)s"))
    out.setLevel(_SILENT)
    kivy.addHandler(out)
    return out
