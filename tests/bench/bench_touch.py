"""The kiosk's window beside a bare Kivy window, in one run: start-up, idle processor time, memory, touch -> frame.

    python -m tests.bench.bench_touch [--rounds 40] [--idle-s 10]

Both run under an Xvfb of their own, 1080x1920, with the same settings of Kivy. Touch: a click by xdotool's own process
on a button that changes the picture; until the process has swapped the frame with the change. The bare window has one
button that changes its colour. Ratios matter, not milliseconds: they depend on the machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests import ROOT
from tests.hospital import wait_until
from tests.ui.test_window import x_server

_KIOSK = """
import sys, threading, time
from kiosk.words import texts
from kiosk.config import Display
from kiosk.visit import state as f
from kiosk.screens.of_state import screen_of
from kiosk.ui.window import Window
window = Window(Display(), texts.load())
words = texts.load()
pages = [screen_of(f.Kiosk(f.Rules(), stage), words) for stage in (f.Start(), f.AwaitingCard(1, 0.0))]
turn = 0
def pressed(button):
    global turn
    turn += 1
    window.show(pages[turn % 2])
window.listen(pressed, lambda: None)
from kivy.core.window import Window as kivy
def flipped(*_):
    drawn = turn if window._view.screen == pages[turn % 2] else turn - 1
    print(time.monotonic(), drawn, flush=True)
kivy.bind(on_flip=flipped)
window.show(pages[0])
window.serve(threading.Event().wait)
"""

_BARE = """
import time
from kiosk.ui import kivy_setup
kivy_setup.prepare(1080, 1920, fullscreen=True)
from kivy.base import runTouchApp
from kivy.clock import Clock
Clock._max_fps = 60.0  # Kivy's own; the kiosk has a pace of its own
from kivy.core.window import Window as kivy
from kivy.uix.button import Button
turn = 0
def pressed(button):
    global turn
    turn += 1
    button.background_color = (turn % 2, 0, 1, 1)
kivy.bind(on_flip=lambda *_: print(time.monotonic(), turn, flush=True))
runTouchApp(Button(text="touch", on_release=pressed))
"""
# On the start page and on the card page there is a button here.
_AT = (540, 1800)


class _Run:
    """One window and what it tells of its frames: (monotonic seconds, presses drawn)."""

    def __init__(self, program: str, display: str, told: Path) -> None:
        self.environment = {**os.environ, "DISPLAY": display}
        self.environment.pop("SDL_VIDEODRIVER", None)
        self.told = told
        self.began = time.monotonic()
        with told.open("w", encoding="utf-8") as out:
            self.process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=self.environment, stdout=out)
        wait_until(self.frames, "the first frame")
        self.start_s = self.frames()[0][0] - self.began

    def frames(self) -> list[tuple[float, int]]:
        rows = self.told.read_text(encoding="utf-8").splitlines(keepends=True)
        return [(float(row.split()[0]), int(row.split()[1])) for row in rows if row.endswith("\n")]

    def touch_ms(self, number: int) -> float:
        """Press once; milliseconds from the click to the frame that shows the change."""
        x, y = _AT
        self._x("mousemove", str(x), str(y), "mousedown", "1")
        at = time.monotonic()
        self._x("mouseup", "1")
        wait_until(lambda: self.frames()[-1][1] >= number, "the change")
        return (next(when for when, turn in self.frames() if turn >= number) - at) * 1000

    def processor_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def end(self) -> None:
        self.process.kill()
        self.process.wait()

    def _x(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env=self.environment, check=True, timeout=30)


def measure(program: str, told: Path, rounds: int, idle_s: float) -> dict[str, float]:
    with x_server() as display:
        run = _Run(program, display, told)
        try:
            pause(2)
            before = run.processor_s()
            pause(idle_s)
            idle = (run.processor_s() - before) / idle_s * 100
            touches = []
            for number in range(1, rounds + 1):
                touches.append(run.touch_ms(number))
                pause(0.6)  # longer than the calm after a new page
            return {
                "start-up, s": run.start_s,
                "idle, % of a core": idle,
                "memory, MB": run.resident_mb(),
                "touch -> frame, ms, median": statistics.median(touches),
                "touch -> frame, ms, p95": statistics.quantiles(touches, n=20)[-1],
            }
        finally:
            run.end()


def pause(seconds: float) -> None:
    """A bench measures over a time, it does not wait for a condition."""
    time.sleep(seconds)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--idle-s", type=float, default=10)
    parser.add_argument("--told", type=Path, default=Path("/tmp/kiosk-bench-frames"))
    arguments = parser.parse_args()
    kiosk, bare = (measure(program, arguments.told, arguments.rounds, arguments.idle_s) for program in (_KIOSK, _BARE))
    print(f"{'':30}{'kiosk':>10}{'bare Kivy':>12}{'ratio':>8}")  # noqa: T201 - the bench's answer
    for what, value in kiosk.items():
        ratio = value / bare[what] if bare[what] else float("nan")
        print(f"{what:30}{value:10.2f}{bare[what]:12.2f}{ratio:8.2f}")  # noqa: T201 - the bench's answer


if __name__ == "__main__":
    main()
