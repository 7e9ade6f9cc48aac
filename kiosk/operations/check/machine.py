"""The kiosk's own PC: clock, fonts, display, free disk.

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
from kiosk.machine import displays
from kiosk.operations.check.devices import SAMPLE
from kiosk.operations.check.finding import Finding, ng, ok, skip
from kiosk.typography.coverage import MISSING, pieces

FREE_MIN_MB = 500
# Of slips and of the window; what they lack is drawn by the last one.
FONTS = ("BIZUDGothic-Regular.ttf", "BIZUDGothic-Bold.ttf", "BIZUDPGothic-Regular.ttf", "BIZUDPGothic-Bold.ttf")
LAST_FONT = "NotoSansCJKjp-Regular.otf"
_ANSWER_S = 5.0
_TIMESYNC = Path("/run/systemd/timesync/synchronized")
_XRANDR_SIZE = re.compile(r"current ([0-9]+) x ([0-9]+)")

Ask = Callable[..., str | None]


def asked(program: str, *arguments: str) -> str | None:
    """What a program says; None when it is not installed, fails or does not answer."""
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


def clock_sync(ask: Ask = asked, timesync: Path = _TIMESYNC) -> Finding:
    """Whether this machine's clock follows a time server: the day decides which appointments are today's."""
    code = "clock_sync"
    do = "院内の NTP サーバーを設定してください（専用機は site.toml の [time]、PC は systemd-timesyncd か chrony）"
    said = (ask("timedatectl", "show", "-p", "NTPSynchronized", "--value") or "").strip()
    if said == "yes" or timesync.exists():
        return ok(code, "時計は合わされています")
    tracking = ask("chronyc", "-n", "tracking") or ""
    if re.search(r"^Leap status +: +Normal", tracking, re.MULTILINE):
        return ok(code, "時計は合わされています（chrony）")
    if said == "no" or tracking:
        return ng(code, "時計が合わされていません", do)
    return skip(code, "わかりません（systemd も chrony も動いていません）", do)


def fonts(sample: str = SAMPLE, names: Sequence[str] = FONTS) -> Finding:
    """Whether the bundled fonts are there and draw hard names, on paper and on the screen."""
    code, again = "fonts", "もう一度インストールしてください（deploy/install）"
    for name in names:
        try:
            drawn = pieces(sample, (name, LAST_FONT))
        except Exception:  # noqa: BLE001 - missing, or damaged in any of the ways the library knows
            return ng(code, f"同梱のフォント {name} か {LAST_FONT} を読めません", again)
        if any(MISSING in piece.text for piece in drawn):
            return ng(code, f"{name} と {LAST_FONT} に字が足りません", again)
    return ok(code, f"フォント {len(names) + 1} 個があり、{sample} を表示できます")


def screen(display: Display, sizes: Sequence[displays.Size]) -> Finding:
    """The real size against [screen]. `sizes` of the displays as they are wired, before rotation, the usual first."""
    code = "screen"
    if not display.fullscreen:
        return skip(code, "[screen] fullscreen = false です")
    if not sizes:
        return skip(code, "つながっている画面が見つかりません")
    turned = display.rotation in (90, 270)
    wanted = (display.width_px, display.height_px)
    wired = wanted[::-1] if turned else wanted
    if wired in sizes:
        return ok(code, f"{wired[0]}×{wired[1]}、回転 {display.rotation} 度、設定と一致します")
    width, height = sizes[0]
    said = f"画面は {width}×{height} ですが、設定は {wanted[0]}×{wanted[1]}（回転 {display.rotation} 度）です"
    if wired[::-1] in sizes:
        turn = "0（または 180）" if turned else "90（または 270）"
        return ng(code, said, f"画面の向きに合わせて、[screen] rotation = {turn} か、縦横の値を直してください")
    width, height = (height, width) if turned else (width, height)
    return ng(code, said, f"[screen] width_px = {width}、height_px = {height} にしてください")


def display_sizes(
    ask: Ask = asked, environ: Mapping[str, str] = os.environ, drm: Path = displays.DRM
) -> list[displays.Size]:
    """Sizes the kiosk can have: what X says if there is one, else all that the connected displays offer."""
    if environ.get("DISPLAY") and (said := _XRANDR_SIZE.search(ask("xrandr", "--current") or "")):
        return [(int(said[1]), int(said[2]))]
    return displays.sizes(drm)


def disk(folder: Path, free_min_mb: int = FREE_MIN_MB) -> Finding:
    """Free space where the data lies or will lie."""
    code = "disk"
    try:
        free_mb = shutil.disk_usage(nearest(folder)).free // 1_000_000
    except OSError as error:
        return ng(code, f"空きを調べられません（{error.strerror}）", "[site] data_dir のディスクを確かめてください")
    if free_mb < free_min_mb:
        return ng(code, f"空きが {free_mb} MB しかありません", f"{free_min_mb} MB 以上空けてください")
    return ok(code, f"空き {free_mb} MB")


def nearest(folder: Path) -> Path:
    """`folder`, or the nearest folder above it that is there."""
    return next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
