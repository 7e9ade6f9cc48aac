"""Parts `register` and `touch`: what happens on the kiosk itself, in its database and on its screen."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench.figures import SPREAD, Row, Section, Table, at_most, p95, spread
from tests.bench.options import Options, folder, progress
from tests.bench.ours import Site, Tree, memory_mb, processor_s
from tests.hospital import wait_until
from tests.ui.test_window import x_server

_REGISTER_HOW = """Look up one of {rows:,} patients of today, then register the arrival, in a process of its own for
each kiosk. Floor, taking turns with it: one SELECT by key and one INSERT with its COMMIT by Python's sqlite3, on a
connection that stays open, with the journal and the fsync of the product (TRUNCATE, FULL). Microseconds."""
_TOUCH_HOW = """Windows of 1080 × 1920 on X servers of their own; a click by xdotool on a button that changes the
picture, until the frame with the change has been swapped in. Beside the kiosk's pages of start and patient card, of
which the other one is drawn ahead as the reception has it done, taking turns: a bare Kivy window of one button that
changes its colour. Before that each window is opened and closed again, in turns: from the start of the process to the
first frame that has the page."""

# Runs in a checkout: python -c … DATA_FOLDER ROUNDS. Patients as `tests.bench.ours.patient`.
_REGISTER = """
import json, sqlite3, sys, time, uuid
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo
from drivers import reservations
folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
if hasattr(reservations, "open_reservations"):  # of a version that is compared with
    system = reservations.open_reservations("sqlite", folder)
    find = lambda name: system.find(name, at.date())
    register = lambda name: system.register(name, at.date(), at, lambda: True)
else:
    from drivers.reservations.opening import open_embedded
    system = open_embedded(folder)
    find = lambda name: system.find(name, at.date(), time.monotonic() + 60)
    def register(name):
        order = reservations.Order(str(uuid.uuid4()), name, at.date(), at, at + timedelta(minutes=1))
        assert isinstance(system.register(order, time.monotonic() + 60), reservations.Registered)
bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
bare.execute("PRAGMA journal_mode=TRUNCATE")
bare.execute("PRAGMA synchronous=FULL")
bare.execute("CREATE TABLE IF NOT EXISTS row (number INTEGER PRIMARY KEY, at TEXT)")
def insert(number):
    bare.execute("BEGIN IMMEDIATE")
    bare.execute("INSERT INTO row VALUES (?, ?)", (number, at.isoformat()))
    bare.execute("COMMIT")
found = []
for number in range(rounds):
    name, at = f"9{number:07}", datetime.now(ZoneInfo("Asia/Tokyo"))
    moments = [time.perf_counter()]
    for work in (
        lambda: bare.execute("SELECT at FROM row WHERE number = ?", (number,)).fetchone(),
        lambda: find(name),
        lambda: insert(number),
        lambda: register(name),
    ):
        work()
        moments.append(time.perf_counter())
    found.append([(end - begin) * 1e6 for begin, end in zip(moments, moments[1:])])
print(json.dumps(found))
"""
_SPANS = ("floor: SELECT", "look-up", "floor: INSERT, COMMIT", "register")

# Each window prints (seconds of CLOCK_MONOTONIC, presses drawn so far) for every frame.
_KIOSK = """
import sys, threading, time
from kiosk.config import Display
from kiosk.visit.rules import Rules
from kiosk.visit import state as f
from kiosk.screens.of_state import screen_of
from kiosk.screens.wording import Wording
from kiosk.ui.frame import Stand
from kiosk.ui.pages import layout_at
from kiosk.ui.window import Window
window = Window(Display(), layout_at(Stand("架空総合病院")))
pages = [screen_of(f.Kiosk(Rules(), stage), Wording()) for stage in (f.Start(), f.AwaitingCard(1, 0.0))]
turn = 0
def show():
    window.show(pages[turn % 2])
    window.prepare((pages[(turn + 1) % 2],))  # as the reception does
def pressed(button):
    global turn
    turn += 1
    show()
window.listen(pressed, lambda: None)
from kivy.core.window import Window as kivy
def flipped(*_):
    drawn = turn if window._view.screen == pages[turn % 2] else turn - 1
    print(time.monotonic(), drawn, flush=True)
kivy.bind(on_flip=flipped)
show()
window.serve(threading.Event().wait)
"""
_BARE = """
import time
from kiosk.ui import kivy_setup
kivy_setup.prepare(1080, 1920, fullscreen=True)
from kivy.base import runTouchApp
from kivy.clock import Clock
Clock._max_fps = 60  # Kivy's own, in the place of the kiosk's pace; without, it would take a whole core
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
_AT = ("190", "1850")  # on the start page and on the card page there is a tool here
_CALM_S = 0.6  # longer than a new page takes no touch


def register(options: Options) -> Section:
    rounds = options.pick(200, 50)
    progress(f"register: {rounds} patients")
    rows: list[Row] = []
    with folder() as root:
        for number, tree in enumerate(options.trees):
            with Site(root / f"site{number}", tree=tree) as site:
                site.book_patients(rounds)
                found = json.loads(tree.run("-c", _REGISTER, str(site.data_dir), str(rounds)))
            rows += _register_rows(tree, list(zip(*found, strict=True)))
    how = _REGISTER_HOW.format(rows=rounds)
    return Section("register", "Look-up and register", how, (Table("SQLite; µs", SPREAD, tuple(rows)),))


def _register_rows(tree: Tree, spans: list[tuple[float, ...]]) -> Iterator[Row]:
    floor = 0.0
    for what, took in zip(_SPANS, spans, strict=True):
        if what.startswith("floor"):
            floor = statistics.median(took)
        yield spread(f"{tree.name}: {what}", took, floor)


class _Window:
    """One window under an X server of its own, and its frames: (seconds, presses drawn)."""

    def __init__(self, name: str, tree: Tree, program: str, root: Path, stack: ExitStack) -> None:
        self.name = name
        self._environment = {**os.environ, "DISPLAY": stack.enter_context(x_server())}
        self._environment.pop("SDL_VIDEODRIVER", None)
        self._frames = root / f"frames{len(list(root.iterdir()))}"
        began = time.monotonic()
        with self._frames.open("w", encoding="utf-8") as out:
            self.process = subprocess.Popen(
                [tree.python, "-c", program], cwd=tree.folder, env=self._environment, stdout=out
            )
        stack.callback(self.process.wait)
        stack.callback(self.process.kill)
        wait_until(lambda: self._page_at() or self.process.poll() is not None, "the first page")
        assert self.process.poll() is None, f"no window: {name}"
        self.start_s = self._page_at() - began
        self.presses = 0

    def frames(self) -> list[tuple[float, int]]:
        rows = self._frames.read_text(encoding="utf-8").splitlines(keepends=True)
        return [(float(row.split()[0]), int(row.split()[1])) for row in rows if row.endswith("\n")]

    def _page_at(self) -> float:
        """When the first page was there; 0.0: it is not yet. An empty frame before it is none."""
        return next((when for when, drawn in self.frames() if drawn >= 0), 0.0)

    def touch_ms(self) -> float:
        """Press once; milliseconds from the click to the frame that shows the change."""
        self.presses += 1
        self._x("mousemove", *_AT, "mousedown", "1")
        at = time.monotonic()
        self._x("mouseup", "1")
        wait_until(lambda: self.frames()[-1][1] >= self.presses, "the change")
        return (next(when for when, drawn in self.frames() if drawn >= self.presses) - at) * 1000

    def _x(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env=self._environment, check=True, timeout=30)


def touch(options: Options) -> Section:
    rounds, idle_s, starts = options.pick(40, 6), options.pick(20, 4), options.pick(15, 2)
    progress(f"touch: {starts} starts, {rounds} touches")
    started: defaultdict[str, list[float]] = defaultdict(list)
    touches: defaultdict[str, list[float]] = defaultdict(list)
    shown = [("bare Kivy", Tree(), _BARE), *((tree.name, tree, _KIOSK) for tree in options.trees)]
    with folder() as root, ExitStack() as stack:
        for _ in range(starts):
            for name, tree, program in shown:
                with ExitStack() as own:
                    started[name].append(_Window(name, tree, program, root, own).start_s)
        windows = [_Window(name, tree, program, root, stack) for name, tree, program in shown]
        time.sleep(2)
        before = [processor_s(window.process.pid) for window in windows]
        time.sleep(idle_s)
        idle = [
            (processor_s(window.process.pid) - spent) / idle_s * 100
            for window, spent in zip(windows, before, strict=True)
        ]
        for _ in range(rounds):
            for window in windows:
                touches[window.name].append(window.touch_ms())
            time.sleep(_CALM_S)
        costs = [(percent, memory_mb(window.process.pid)) for window, percent in zip(windows, idle, strict=True)]
    return Section("touch", "Touch and frame", _TOUCH_HOW, _touch_tables(touches, started, costs))


def _touch_tables(
    touches: dict[str, list[float]], started: dict[str, list[float]], costs: list[tuple[float, float]]
) -> tuple[Table, ...]:
    """Touches in ms, starts in s, costs as (idle in % of a core, memory in MB), by window; the bare one first."""
    (bare, *_), (bare_idle, _) = touches, costs[0]
    floor, start = statistics.median(touches[bare]), statistics.median(started[bare])
    rows, starts, windows = [], [], []
    for (name, took), cost in zip(touches.items(), costs, strict=True):
        ours = name != bare
        aims = at_most(statistics.median(took), 45, "≤ 45 ms"), at_most(p95(took), 80, "p95 ≤ 80 ms")
        rows.append(spread(name, took, floor, aims if ours else ()))
        at = started[name]
        aim = at_most(statistics.median(at), 1.3 * start, "≤ 1.3 × bare = {} s")
        starts.append(spread(name, at, start, (aim,) if ours else ()))
        windows.append(Row(name, cost, (at_most(cost[0], bare_idle, "idle ≤ bare"),) if ours else ()))
    return (
        Table("touch → frame; ms", SPREAD, tuple(rows)),
        Table("start → first page; s", SPREAD, tuple(starts)),
        Table("the window", ("idle, % of a core", "memory, MB"), tuple(windows)),
    )
