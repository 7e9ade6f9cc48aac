"""The kiosk's own PC: clock, fonts, display and what its size leaves of the letters, free disk.

Owns the questions to this machine. Must never change anything, open a window, or wait longer than `_ANSWER_S` for a
program.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kiosk.config import Display
from kiosk.machine.state import DRM, Size, connected_sizes
from kiosk.operations.check.devices import SAMPLE
from kiosk.operations.check.finding import Finding, ng, ok, skip
from kiosk.typography.coverage import MISSING, pieces
from kiosk.ui.scale import glass_mm, real_millimetre_px
from kiosk.words.problems import Parameter

FREE_MIN_MB = 500
# Capital heights for a reader at 500 mm (EN 301 549 5.1.4), and on keys.
LETTER_MIN_MM = 6.1
KEY_MIN_MM = 7.3
# What somebody in a wheelchair reaches, above the floor.
REACH_CM = (40, 110)
# Of slips and of the window; what they lack is drawn by the last one.
FONTS = (
    *("BIZUDGothic-Regular.ttf", "BIZUDGothic-Bold.ttf", "BIZUDPGothic-Regular.ttf", "BIZUDPGothic-Bold.ttf"),
    *("NotoSans-Regular.ttf", "NotoSans-Bold.ttf", "NotoSansSC-Regular.otf", "NotoSansSC-Bold.otf"),
    *("NotoSansKR-Regular.otf", "NotoSansKR-Bold.otf"),
)
LAST_FONT = "NotoSansCJKjp-Regular.otf"
_ANSWER_S = 5.0
_TIMESYNC = Path("/run/systemd/timesync/synchronized")
_XRANDR_SIZE = re.compile(r"current ([0-9]+) x ([0-9]+)")

Ask = Callable[..., str | None]


def answer_of(program: str, *arguments: str) -> str | None:
    """What a program answers; None when it is not installed, fails or does not answer."""
    found = shutil.which(program)
    if found is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command without anything from outside
            [found, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ANSWER_S,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def clock_sync(ask: Ask = answer_of, timesync: Path = _TIMESYNC) -> Finding:
    """Whether this machine's clock follows a time server: the day decides which appointments are today's."""
    code, do = "clock_sync", "do.set_time_server"
    synchronized = (ask("timedatectl", "show", "-p", "NTPSynchronized", "--value") or "").strip()
    if synchronized == "yes" or timesync.exists():
        return ok(code, "message.clock_synchronized")
    tracking = ask("chronyc", "-n", "tracking") or ""
    if re.search(r"^Leap status +: +Normal", tracking, re.MULTILINE):
        return ok(code, "message.clock_synchronized_by_chrony")
    if synchronized == "no" or tracking:
        return ng(code, "message.clock_not_synchronized", do)
    return skip(code, "message.clock_unknown", do)


def fonts(sample: str = SAMPLE, names: Sequence[str] = FONTS) -> Finding:
    """Whether the bundled fonts are there and draw hard names, on paper and on the screen."""
    code = "fonts"
    for name in names:
        try:
            drawn = pieces(sample, (name, LAST_FONT))
        except Exception:  # noqa: BLE001 - missing, or damaged in any of the ways the library knows
            return ng(code, "message.font_unreadable", "do.install_again", name=name, last=LAST_FONT)
        if any(MISSING in piece.text for piece in drawn):
            return ng(code, "message.font_lacks", "do.install_again", name=name, last=LAST_FONT)
    return ok(code, "message.fonts", count=len(names) + 1, sample=sample)


def screen(display: Display, sizes: Sequence[Size]) -> Finding:
    """The real size against [screen]. `sizes` of the displays as they are wired, before rotation, the usual first."""
    code = "screen"
    if not display.fullscreen:
        return skip(code, "message.no_full_screen")
    if not sizes:
        return skip(code, "message.no_display")
    turned = display.rotation in (90, 270)
    wanted = (display.width_px, display.height_px)
    wired = wanted[::-1] if turned else wanted
    if wired in sizes:
        return ok(code, "message.screen", width=wired[0], height=wired[1], rotation=display.rotation)
    width, height = sizes[0]
    is_px, set_px = f"{width}×{height}", f"{wanted[0]}×{wanted[1]}"
    do = ("do.turn_back" if turned else "do.turn") if wired[::-1] in sizes else "do.set_screen"
    width, height = (height, width) if turned else (width, height)
    sizes_px: dict[str, Parameter] = {"is_px": is_px, "set_px": set_px, "width": width, "height": height}
    return ng(code, "message.screen_differs", do, rotation=display.rotation, **sizes_px)


def letters(display: Display) -> Finding:
    """How large letters are on this glass: all are smaller, in proportion, where a page has not the room it needs."""
    share = glass_mm(display.width_px, display.height_px, display.diagonal_inch)
    low, key = (round(share * least, 1) for least in (LETTER_MIN_MM, KEY_MIN_MM))
    if share < 1:
        wanted: dict[str, Parameter] = {"least": LETTER_MIN_MM, "least_key": KEY_MIN_MM}
        return ok("letters", "message.letters_small", "do.larger_display", low=low, key=key, **wanted)
    return ok("letters", "message.letters", low=low)


def reach(display: Display) -> Finding:
    """Whether a wheelchair's user reaches what is touched: it lies in the lower half of the display then."""
    if not display.mounting_cm:
        return skip("reach", "message.no_mounting")
    real = real_millimetre_px(display.width_px, display.height_px, display.diagonal_inch)
    highest = round(display.mounting_cm + display.height_px / real / 10 / 2)
    if display.mounting_cm < REACH_CM[0] or highest > REACH_CM[1]:
        lowest = round(display.mounting_cm)
        return ok("reach", "message.out_of_reach", "do.mount_in_reach", lowest=lowest, highest=highest)
    return ok("reach", "message.in_reach", highest=highest)


def display_sizes(ask: Ask = answer_of, environ: Mapping[str, str] = os.environ, drm: Path = DRM) -> list[Size]:
    """Sizes the kiosk can have: what X has if there is one, else all that the connected displays offer."""
    if environ.get("DISPLAY") and (current := _XRANDR_SIZE.search(ask("xrandr", "--current") or "")):
        return [(int(current[1]), int(current[2]))]
    return connected_sizes(drm)


def disk(folder: Path, free_min_mb: int = FREE_MIN_MB) -> Finding:
    """Free space where the data lies or will lie."""
    code = "disk"
    try:
        free_mb = shutil.disk_usage(nearest(folder)).free // 1_000_000
    except OSError as error:
        return ng(code, "message.disk_unseen", "do.check_disk", why=str(error.strerror))
    if free_mb < free_min_mb:
        return ng(code, "message.disk_full", "do.free_disk", free_mb=free_mb, needed_mb=free_min_mb)
    return ok(code, "message.disk", free_mb=free_mb)


def nearest(folder: Path) -> Path:
    """`folder`, or the nearest folder above it that is there."""
    return next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
