"""When a frame begins: at once for a touch or a new page, else a twentieth second later, and never without a pause."""

from __future__ import annotations

import ctypes.util
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.ui import pace
from kiosk.ui.pace import UNREAD_MAX, Pace, fingers
from tests import ROOT

# A window that nobody sees. The page that only waits is followed at once the first time, and stays the second time.
WINDOW = """
import sys
from pathlib import Path
from kiosk.config import Display
from kiosk.screens.of_state import screen_of
from kiosk.ui.window import Window
from kiosk.visit import state as f
from kiosk.visit.specimen import SPECIMEN
from kiosk.screens.wording import Wording
from kiosk.ui.frame import Stand
from kiosk.ui.pages import layout_at
from kiosk.visit.rules import Rules
from tests.hospital import wait_until
log = Path(sys.argv[1])
CAME = f.Came("mynumber")
window = Window(Display(), layout_at(Stand()), screens_to=log)
def page(stage):
    return screen_of(f.Kiosk(Rules(), stage), Wording())
def drawn(name):
    wait_until(lambda: f'"screen": "{name}"' in log.read_text(), name)
def work():
    window.show(page(f.Start()))
    drawn("choose_card")
    window.prepare((page(f.Printing(0, 0.0, SPECIMEN, CAME, 99.0)),))
    window.show(page(f.LookingUp(1, 0.0, CAME)))
    window.show(page(f.Printing(1, 0.0, SPECIMEN, CAME, 99.0)))
    drawn("printing")
    window.show(page(f.LookingUp(1, 0.0, CAME)))
    drawn("looking_up")
window.listen(lambda button: None, lambda: None)
window.serve(work)
"""
LONG_S = 60.0  # a wait that nothing ends fails the test


@pytest.fixture
def panel() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def paced(panel: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[Pace]:
    """The first frame has begun; the next one is due in a minute."""
    monkeypatch.setattr(pace, "FRAME_S", LONG_S)
    made = Pace(time.monotonic, lambda: (panel[0],))
    made.wait()
    yield made
    made.close()


def waited_s(paced: Pace, *, at_once: bool = False) -> float:
    began = time.monotonic()
    paced.wait(at_once=at_once)
    return time.monotonic() - began


def test_a_new_page_is_not_kept_waiting_for_the_next_frame(paced: Pace) -> None:
    paced.wake()
    assert waited_s(paced) < LONG_S / 2
    threading.Timer(0.05, paced.wake).start()
    assert waited_s(paced) < LONG_S / 2
    assert waited_s(paced, at_once=True) < LONG_S / 2


def test_a_finger_begins_a_frame_and_what_was_read_is_dispatched_in_the_next_one(
    paced: Pace, panel: tuple[int, int]
) -> None:
    os.write(panel[1], b"touch")
    assert waited_s(paced) < LONG_S / 2
    os.read(panel[0], 10)
    paced.note_input()
    assert waited_s(paced) < LONG_S / 2


def test_without_either_a_frame_takes_its_time(paced: Pace, monkeypatch: pytest.MonkeyPatch) -> None:
    paced.wake()
    paced.wake()
    paced.wait()
    monkeypatch.setattr(pace, "FRAME_S", 0.1)
    assert waited_s(paced) > 0.05, "two wakes are one"


def test_a_descriptor_that_nobody_reads_does_not_hold_the_processor(
    paced: Pace, panel: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.write(panel[1], b"of somebody else")
    for _ in range(UNREAD_MAX + 1):
        assert waited_s(paced) < LONG_S / 2
    monkeypatch.setattr(pace, "FRAME_S", 0.1)
    assert waited_s(paced) > 0.05


def test_a_panel_that_is_unplugged_ends_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    made = Pace(time.monotonic, lambda: (reading,))
    made.wait()
    os.close(reading)
    monkeypatch.setattr(pace, "FRAME_S", 0.1)
    made.wait()
    made.wake()
    made.wait()
    os.close(writing)
    made.close()


def test_the_line_to_the_x_server_is_found_among_all_descriptors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_X_SERVER", f"{tmp_path}/")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as line, (tmp_path / "file").open("w"):
        server.bind(str(tmp_path / "X9"))
        server.listen()
        line.connect(str(tmp_path / "X9"))
        assert list(fingers()) == [line.fileno()]


@pytest.mark.peers
@pytest.mark.skipif(ctypes.util.find_library("EGL") is None, reason="libegl1 is missing")
def test_a_page_that_only_waits_is_drawn_when_it_lasts_and_never_keeps_the_next_one_waiting(tmp_path: Path) -> None:
    log = tmp_path / "screens.jsonl"
    environment = {**os.environ, "SDL_VIDEODRIVER": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", WINDOW, str(log)],
        cwd=ROOT,
        env=environment,
        timeout=300,
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()
    names = [json.loads(line)["screen"] for line in log.read_text(encoding="utf-8").splitlines()]
    assert names == ["choose_card", "printing", "looking_up"]
