"""The real window: `kiosk run` under Xvfb, clicked with xdotool by the boxes it tells, against real peers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

import pytest

from kiosk.config import ConfigError
from kiosk.ui.window import ScreenLog
from tests import ROOT
from tests.hospital import DEADLINE_S, PATIENT_OF, Hospital, wait_until

MISSING = [program for program in ("Xvfb", "xdotool", "import", "smbd") if shutil.which(program) is None]
pytestmark = [
    pytest.mark.long,
    pytest.mark.peers,
    pytest.mark.skipif(bool(MISSING), reason=f"missing: {' '.join(MISSING)}"),
]
USABLE = next(label for label, patient in PATIENT_OF.items() if patient)
# Anything that a settings page, an inspector or a screenshot of Kivy would open.
KEYS = (
    "Escape", "F1", "F5", "F11", "F12", "ctrl+e", "ctrl+q", "ctrl+w", "ctrl+c", "alt+F4", "alt+Tab", "super",
    "ctrl+alt+Delete", "Return", "space", "Tab", "BackSpace", "Print", "Menu",
)  # fmt: skip


@contextmanager
def x_server(width: int = 1080, height: int = 1920) -> Iterator[str]:
    """A display of its own that nobody sees, without a window manager."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"],
        pass_fds=(write,), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    try:
        with os.fdopen(read) as answer:
            yield f":{answer.readline().strip()}"
    finally:
        server.terminate()
        server.wait(DEADLINE_S)


class ShowingProgram:
    """A program with --screens-to `log`: what it has shown and what it complained of."""

    process: subprocess.Popen[Any]
    log: Path
    _errors: IO[str]
    _read_to: int

    @property
    def errors(self) -> str:
        self._errors.seek(0)
        return self._errors.read()

    @property
    def lines(self) -> list[dict[str, Any]]:
        text = self.log.read_text(encoding="utf-8") if self.log.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def until(self, screen: str) -> dict[str, Any]:
        """The next line of this screen; what came before is passed over."""

        def find() -> int | None:
            assert self.process.poll() is None, self.errors
            rows = enumerate(self.lines[self._read_to :], start=self._read_to)
            return next((at for at, line in rows if line["screen"] == screen), None)

        wait_until(lambda: find() is not None, screen)
        at = find()
        assert at is not None
        self._read_to = at + 1
        return self.lines[at]

    def until_ready(self) -> dict[str, Any]:
        """The start page with every button to be pressed."""
        wait_until(lambda: (line := self.lines[-1:]) and not line[0]["unavailable"], "the start page")
        return self.lines[-1]


class WindowReception(ShowingProgram):
    """One `kiosk run` in a window on `display`; `lines` are the screens that it told of."""

    def __init__(self, site: Path, display: str, log: Path, cwd: Path) -> None:
        self.log = log
        self.environment = {**os.environ, "DISPLAY": display, "PYTHONPATH": str(ROOT), "HOME": str(cwd)}
        self.environment.pop("SDL_VIDEODRIVER", None)
        self.cwd = cwd
        self._read_to = 0
        self._errors = (cwd.parent / "errors.txt").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kiosk", "run", "--config", str(site), "--screens-to", str(log)],
            cwd=cwd, env=self.environment, stdout=subprocess.PIPE, stderr=self._errors, text=True,
            start_new_session=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(DEADLINE_S)
        if self.process.stdout:
            self.process.stdout.close()
        self._errors.close()

    def click(self, line: dict[str, Any], *buttons: str) -> None:
        for button in buttons:
            x, y, width, height = line["boxes"][button]
            self.x("mousemove", str(x + width // 2), str(y + height // 2), "click", "1")

    def x(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env=self.environment, check=True, timeout=DEADLINE_S)

    def photograph(self, path: Path) -> bytes:
        subprocess.run(["import", "-window", "root", str(path)], env=self.environment, check=True, timeout=DEADLINE_S)
        return path.read_bytes()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_S)


@contextmanager
def reception(hospital: Hospital, display: str) -> Iterator[WindowReception]:
    cwd = hospital.root / "cwd"
    cwd.mkdir()
    with WindowReception(hospital.site, display, hospital.root / "screens.jsonl", cwd) as window:
        yield window


def test_a_whole_my_number_visit_by_touch(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital, x_server() as display, reception(hospital, display) as window:
        hospital.book(f"{PATIENT_OF[USABLE]},{{today}},23:50,内科,佐藤,A棟1階2番窓口")
        start = window.until_ready()
        window.photograph(tmp_path / "1-start.png")
        window.click(start, "mynumber")
        reader = window.until("tap_reader")
        assert reader["buttons"] == ["cancel"]
        assert set(reader["boxes"]) == {"cancel", "language", "text_size", "contrast", "wheelchair"}
        window.photograph(tmp_path / "2-reader.png")
        hospital.tap(USABLE)
        done = window.until("done")
        window.photograph(tmp_path / "3-done.png")
        assert any("内科" in line for line in done["lines"])
        window.click(done, "close")
        window.until("choose_card")
        hospital.wait_delivered(USABLE)
        assert hospital.printer.wait_for_job(DEADLINE_S) is not None
        assert window.end() == 0
        assert window.process.stdout
        assert window.process.stdout.read() == ""
        assert not any(word in window.errors for word in ("kivy", "Traceback", str(PATIENT_OF[USABLE])))
        assert list(window.cwd.iterdir()) == []


def test_a_whole_patient_card_visit_by_touch_on_a_landscape_display(tmp_path: Path) -> None:
    screen = {"width_px": "1280", "height_px": "1024", "diagonal_inch": "19.0"}
    with (
        Hospital(tmp_path, card_reader=True, settings={"screen": screen}) as hospital,
        x_server(1280, 1024) as display,
        reception(hospital, display) as window,
    ):
        hospital.book("00012345,{today},23:50,眼科,高橋,A棟2階5番窓口")
        window.click(window.until_ready(), "patient_card")
        window.until("insert_card")
        window.photograph(tmp_path / "1-card.png")
        assert hospital.cards is not None
        hospital.cards.insert("00012345")
        done = window.until("done")
        window.photograph(tmp_path / "2-done.png")
        window.click(done, "close")
        window.until("choose_card")
        assert window.end() == 0


def test_no_key_and_no_other_mouse_button_leads_out(tmp_path: Path) -> None:
    with (
        Hospital(tmp_path, card_reader=True) as hospital,
        x_server() as display,
        reception(hospital, display) as window,
    ):
        start = window.until_ready()
        window.x("mousemove", "5", "5")
        before = window.photograph(tmp_path / "before.ppm")
        for key in KEYS:
            window.x("key", key)
        x, y, width, height = start["boxes"]["mynumber"]
        for button in ("2", "3", "4", "5"):
            window.x("mousemove", str(x + width // 2), str(y + height // 2), "click", button)
        window.x("mousemove", "5", "5")
        # A machine under load may have lost sight of the courier: the page comes back, and was never left.
        wait_until(lambda: window.photograph(tmp_path / "after.ppm") == before, "the page as it was")
        assert {line["screen"] for line in window.lines} == {"choose_card"}
        assert "visit_started" not in [each["event"] for each in hospital.events("run")]
        # It still works, and only now is there another screen.
        window.click(start, "patient_card")
        window.until("insert_card")
        assert {line["screen"] for line in window.lines} == {"choose_card", "insert_card"}
        assert list(window.cwd.iterdir()) == []
        assert window.end() == 0


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_display_takes_touches_where_it_shows_buttons(tmp_path: Path, rotation: int) -> None:
    turned = rotation in (90, 270)
    seen = {"width_px": "1080", "height_px": "1920", "rotation": str(rotation)}
    with (
        Hospital(tmp_path, card_reader=True, settings={"screen": seen}) as hospital,
        x_server(*((1920, 1080) if turned else (1080, 1920))) as display,
        reception(hospital, display) as window,
    ):
        start = window.until_ready()
        window.photograph(tmp_path / f"turned-{rotation}.png")
        boxes = start["boxes"]
        # The choices are in the lower half as the patient sees it: left, above or right on the display itself.
        middle = boxes["mynumber"][0] + boxes["mynumber"][2] / 2, boxes["mynumber"][1] + boxes["mynumber"][3] / 2
        assert {90: middle[0] < 960, 180: middle[1] < 960, 270: middle[0] > 960}[rotation]
        window.click(start, "patient_card")
        card = window.until("insert_card")
        window.click(card, "cancel")
        window.until("choose_card")
        assert window.end() == 0


def test_without_a_display_the_message_says_so(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "SDL_VIDEODRIVER")}
        done = subprocess.run(
            hospital.command("run"), cwd=ROOT, env={**environment, "DISPLAY": ":987"},
            capture_output=True, text=True, timeout=DEADLINE_S, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert "window could not be opened" in done.stderr
        assert "Traceback" not in done.stderr
        unwritable = hospital.command("run", "--screens-to", str(tmp_path / "no" / "such" / "folder"))
        done = subprocess.run(unwritable, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        assert done.returncode == 2
        assert "--screens-to" in done.stderr


def test_a_full_disk_under_screens_to_stops_nothing(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    with Hospital(tmp_path, card_reader=True) as hospital, x_server() as display:
        cwd = tmp_path / "cwd"
        cwd.mkdir()
        with WindowReception(hospital.site, display, Path("/dev/full"), cwd) as window:
            wait_until(lambda: "nothing is written any more" in window.errors, "the complaint")
            board = hospital.data_dir / "status-run.json"
            wait_until(lambda: board.exists() or window.process.poll() is not None, "a beat")
            assert window.process.poll() is None
            assert window.end() == 0


LONG_LIFE = """
import threading
from pathlib import Path
from kiosk.screens.wording import Wording
from kiosk.ui.frame import Stand
from kiosk.ui.pages import layout_at
from kiosk.visit.rules import Rules
from kiosk.config import Display
from kiosk.ui.pictures import screens
from kiosk.ui.window import Window

window = Window(Display(width_px=540, height_px=960), layout_at(Stand()))
every = [screen for _, screen in screens()]

def flip(rounds):
    # every screen so often, each until it is on the display
    tick = threading.Event()
    for screen in every * rounds:
        window.show(screen)
        while window._view.screen != screen:
            tick.wait(0.01)
        tick.wait(0.02)
    return int(Path("/proc/self/statm").read_text().split()[1])

def work():
    window.show(every[0])
    assert window.started.wait(300)
    print(flip(2), flip(3), window.alive(__import__("time").monotonic()))

window.serve(work)
"""


def test_three_hundred_screens_leave_no_memory_behind() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SDL_VIDEODRIVER"}
    # A quarter of the usual display, which costs a quarter of the drawing; a page that stayed would still be half a MB.
    with x_server(540, 960) as display:
        done = subprocess.run(
            [sys.executable, "-c", LONG_LIFE], cwd=ROOT, env={**environment, "DISPLAY": display},
            capture_output=True, text=True, timeout=1000, check=False,  # ten seconds of computing
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    before, after, alive = done.stdout.split()
    assert (int(after) - int(before)) * 4096 < 20e6
    assert alive == "True"


FAILS_AT_ONCE = """
import threading
from kiosk.screens.wording import Wording
from kiosk.ui.frame import Stand
from kiosk.ui.pages import layout_at
from kiosk.visit.rules import Rules
from kiosk.config import Display
from kiosk.ui.window import Window

window = Window(Display(fullscreen=False), layout_at(Stand()))
from kivy.clock import Clock  # not before the window: Kivy takes its settings while it is imported
failed, ended = threading.Event(), threading.Event()

def fail(_):
    failed.set()
    raise RuntimeError("no graphics")

def work():
    assert failed.wait(60)
    threading.Event().wait(0.5)  # the window is gone before the reception listens
    window.listen(lambda button: None, ended.set)
    print(ended.wait(60))

Clock.schedule_once(fail, 0)
window.serve(work)
"""


def test_a_window_that_fails_before_the_reception_listens_ends_it_all_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILS_AT_ONCE],
        cwd=ROOT, env={**os.environ, "SDL_VIDEODRIVER": "offscreen"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["True"]
    assert done.stderr.rstrip().endswith("RuntimeError: no graphics")


def test_the_log_of_screens_is_its_owners_alone(tmp_path: Path) -> None:
    log = ScreenLog(tmp_path / "screens.jsonl", time.monotonic)
    log.record({"screen": "done"}, {})
    log.close()
    assert (tmp_path / "screens.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_pipe_that_nobody_empties_holds_no_screen_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="--screens-to"):
        ScreenLog(pipe, time.monotonic)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        log = ScreenLog(pipe, time.monotonic)
        for number in range(2000):
            log.record({"screen": f"screen {number}", "title": "あ" * 100}, {})
        log.close()
    finally:
        os.close(reader)
    assert capsys.readouterr().err.count("nothing is written any more") == 1
