"""The page program under Xvfb, clicked with xdotool, against a small root's socket; and the corner that leads there."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import pytest

from kiosk.appliance.technician.program import NO_ANSWER, RootClient, display_of, read_page
from kiosk.appliance.technician.state import RequestedPage
from kiosk.config import Display
from kiosk.reception.staff_door import OPEN_ON, StaffDoor
from kiosk.screens.names import STAFF_CORNER
from kiosk.ui.theme import CORNER_MM
from tests import ROOT
from tests.hospital import DEADLINE_S, wait_until
from tests.ui.driver import DIAGONAL, PORTRAIT, Desk, needs_gl
from tests.ui.test_window import ShowingProgram, x_server

MISSING = [program for program in ("Xvfb", "xdotool") if shutil.which(program) is None]
peers = [pytest.mark.peers, pytest.mark.skipif(bool(MISSING), reason=f"missing: {' '.join(MISSING)}")]
PIN = "260718"
KEY = "0123abcd"
Answer = Callable[[dict[str, Any]], list[dict[str, Any]]]


class Root:
    """Root's socket, answering as `answer` says; the real one is kiosk.appliance.root.server."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answer = answer
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(8)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(DEADLINE_S)

    @property
    def done(self) -> list[Any]:
        return [each["do"] for each in self.asked if each["do"] not in ("state", "keep")]

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                with line, line.makefile("rwb") as file, suppress(OSError, ValueError):
                    request = json.loads(file.readline())
                    self.asked.append(request)
                    for each in self._answer(request):
                        file.write(json.dumps(each).encode() + b"\n")
                        file.flush()


def technician(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Root with the PIN above and one check."""
    match request["do"]:
        case "state":
            return [{"ok": True, "version": "1.2.3", "slot": "A", "site": True, "technician": True}]
        case "unlock":
            right = request["pin"] == PIN
            return [{"ok": True, "key": KEY} if right else {"ok": False, "reason": "wrong_pin", "left": 4}]
        case "check" if request.get("key") == KEY:
            return [{"line": "OK   clock_sync   合っています"}, {"line": "NG   fonts   ない"}, {"ok": True, "wrong": 1}]
        case "leave" | "keep":
            return [{"ok": True}]
        case _:
            return [{"ok": False, "reason": "no_session"}]


class Program(ShowingProgram):
    """`kiosk.appliance page` on a display; `lines` are the pages that it logged."""

    def __init__(self, folder: Path, display: str, *options: str) -> None:
        self.log = folder / "pages.jsonl"
        self.environment = {**os.environ, "DISPLAY": display, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
        self.environment.pop("SDL_VIDEODRIVER", None)
        self._read_to = 0
        self._errors = (folder / "errors.txt").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [
                sys.executable, "-P", "-m", "kiosk.appliance", "page", "--socket", str(folder / "s"),
                "--page-file", str(folder / "page.json"), "--site", str(folder / "site.toml"),
                "--screens-to", str(self.log), *options,
            ],
            env=self.environment, stderr=self._errors, cwd=folder,
        )  # fmt: skip

    def click(self, line: dict[str, Any], *buttons: str) -> None:
        for button in buttons:
            x, y, width, height = line["boxes"][button]
            subprocess.run(
                ["xdotool", "mousemove", str(x + width // 2), str(y + height // 2), "click", "1"],
                env=self.environment, check=True, timeout=DEADLINE_S,
            )  # fmt: skip

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE_S)
        self._errors.close()


@contextmanager
def program(folder: Path, display: str, *options: str) -> Iterator[Program]:
    started = Program(folder, display, *options)
    try:
        yield started
    finally:
        started.close()


def put(folder: Path, page: dict[str, Any]) -> None:
    """page.json as root replaces it."""
    part = folder / "page.new"
    part.write_text(json.dumps(page), encoding="utf-8")
    part.replace(folder / "page.json")


class TestOnADisplay:
    pytestmark = peers

    def test_a_technician_unlocks_checks_and_the_page_leaves_by_itself(self, tmp_path: Path) -> None:
        put(tmp_path, {"page": "technician"})
        with (
            Root(tmp_path / "s", technician) as root,
            x_server() as display,
            program(tmp_path, display, "--idle-s", "30") as page,
        ):
            pad = page.until("pin")
            page.click(pad, *(f"key_{digit}" for digit in "111111"), "ok")
            wait_until(lambda: any("あと 4 回" in "".join(line["lines"]) for line in page.lines), "the wrong PIN")
            page.click(pad, *(f"key_{digit}" for digit in PIN), "ok")
            page.click(page.until("menu"), "check")
            report = page.until("report_check")
            assert [line.split()[0] for line in report["lines"][1:]] == ["OK", "NG"]
            page.click(report, "back")
            page.until("menu")
            assert page.until("leaving")["leaving"]
            page.until("gone")
            wait_until(lambda: root.done[-1] == "leave", "root is asked for the reception")
            assert root.done == ["unlock", "unlock", "check", "leave"]
            assert PIN not in page.log.read_text(encoding="utf-8") + page.errors
            page.process.send_signal(signal.SIGTERM)
            assert page.process.wait(DEADLINE_S) == 0
            assert page.errors == ""

    def test_without_root_there_is_a_page_and_a_turned_site_ends_the_program(self, tmp_path: Path) -> None:
        with x_server(640, 480) as display, program(tmp_path, display) as page:
            assert page.until("no_site")["title"] == "設定がまだありません"
            put(tmp_path, {"page": "recovery", "reason": "fsck"})
            page.click(page.until("recovery"), "reboot")
            page.click(page.until("sure"), "yes")
            assert "応答がありません" in page.until("report_reboot")["lines"][0]
            (tmp_path / "site.toml").write_text("[screen]\nrotation = 90\n", encoding="utf-8")
            put(tmp_path, {"page": "provisioned", "accepted": True, "taken": ["病院名：架空"]})
            assert page.process.wait(DEADLINE_S) == 0


# -- root's socket ---------------------------------------------------------------------------------------------------


def ask(path: Path, body: dict[str, Any], limit_s: float = DEADLINE_S) -> list[dict[str, Any]]:
    """All objects of an answer."""
    objects: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    RootClient(path).ask(body, limit_s, objects.put)
    found = [objects.get(timeout=DEADLINE_S)]
    while "ok" not in found[-1]:
        found.append(objects.get(timeout=DEADLINE_S))
    return found


def test_an_answer_comes_object_by_object_and_ends_with_ok(tmp_path: Path) -> None:
    with Root(tmp_path / "s", technician):
        assert [list(each) for each in ask(tmp_path / "s", {"do": "check", "key": KEY})] == [
            ["line"], ["line"], ["ok", "wrong"],
        ]  # fmt: skip


@pytest.mark.parametrize("objects", [[], [{"line": "x"}], [{"line": "x" * 200_000}]], ids=["nothing", "no_end", "long"])
def test_an_answer_that_never_ends_well_is_no_answer(tmp_path: Path, objects: list[dict[str, Any]]) -> None:
    with Root(tmp_path / "s", lambda request: objects):
        assert ask(tmp_path / "s", {"do": "check"})[-1] == NO_ANSWER


def test_a_root_that_is_not_there_or_says_nothing_is_no_answer(tmp_path: Path) -> None:
    assert ask(tmp_path / "s", {"do": "check"}) == [NO_ANSWER]
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "t"))
        silent.listen(1)
        assert ask(tmp_path / "t", {"do": "check"}, limit_s=0.3) == [NO_ANSWER]


# -- what is shown at the start --------------------------------------------------------------------------------------


def test_a_page_file_that_is_missing_or_broken_is_no_site(tmp_path: Path) -> None:
    assert read_page(tmp_path / "page.json") == RequestedPage("no_site")
    (tmp_path / "page.json").write_bytes(b'{"page": "reco')
    assert read_page(tmp_path / "page.json") == RequestedPage("no_site")


@pytest.mark.parametrize(
    ("text", "rotation"),
    [
        ("[screen]\nrotation = 270\n", 270),
        ("[printer]\nurl = 7\n[screen]\nrotation = 90\n[nonsense]\n", 90),
        ("[screen]\nrotation = 45\n", 0),
        ("[screen\n", 0),
    ],
)
def test_the_display_is_turned_as_the_site_says_whatever_else_is_wrong(
    tmp_path: Path, text: str, rotation: int
) -> None:
    site = tmp_path / "site.toml"
    assert display_of(site) == Display()
    site.write_text(text, encoding="utf-8")
    assert display_of(site).rotation == rotation


# -- the corner ------------------------------------------------------------------------------------------------------


class TestCorner:
    pytestmark = needs_gl
    corner_px = CORNER_MM * 0.5 * (1080**2 + 1920**2) ** 0.5 / (DIAGONAL[PORTRAIT] * 25.4)

    def desk(self) -> Desk:
        from tests.ui.test_view import START

        desk = Desk()
        desk.show(START)
        return desk

    def rest(self, desk: Desk, seconds: float) -> None:
        for _ in range(round(seconds * 4)):
            desk.clock.now += 0.25
            desk.view.tick()

    def test_a_finger_that_rests_in_the_corner_counts_once(self) -> None:
        desk = self.desk()
        finger = desk.down(self.corner_px, self.corner_px)
        self.rest(desk, 4.5)
        assert desk.pressed == []
        self.rest(desk, 10)
        desk.up(finger)
        assert desk.pressed == [STAFF_CORNER]

    def test_a_finger_that_leaves_or_slides_away_is_not(self) -> None:
        desk = self.desk()
        desk.up(desk.down(self.corner_px, self.corner_px))
        self.rest(desk, 6)
        finger = desk.down(self.corner_px, self.corner_px)
        finger.x, finger.pos = 400.0, (400.0, finger.y)
        desk.view.dispatch("on_touch_move", finger)
        self.rest(desk, 6)
        assert desk.pressed == []

    def test_nor_one_that_rests_elsewhere_or_while_the_page_changes(self) -> None:
        from tests.ui.test_view import READER

        desk = self.desk()
        desk.down(4 * self.corner_px, self.corner_px)
        desk.down(self.corner_px, self.corner_px, finger=2)
        self.rest(desk, 3)
        desk.show(READER)
        self.rest(desk, 6)
        assert desk.pressed == []

    def test_a_finger_in_the_corner_hinders_no_other(self) -> None:
        desk = self.desk()
        desk.down(self.corner_px, self.corner_px)
        desk.up(desk.down(*desk.middle("mynumber"), finger=2))
        assert desk.pressed == ["mynumber"]


def test_the_corner_asks_root_only_where_no_visit_is_under_way(tmp_path: Path) -> None:
    pressed: list[str] = []
    with Root(tmp_path / "s", technician) as root:
        door = StaffDoor(pressed.append, tmp_path / "s")
        for screen in ("", "preparing", "tap_reader", "birthday", "done", "counter"):
            door.screen = screen
            door.pressed(STAFF_CORNER)
        door.pressed("cancel")
        for count, screen in enumerate(OPEN_ON, 1):
            door.screen = screen
            door.pressed(STAFF_CORNER)
            wait_until(lambda: not door.busy, "the answer")
            assert len(root.asked) == count
        assert root.asked == [{"do": "open"}] * len(OPEN_ON)
    assert pressed == ["cancel"]


def test_on_a_plain_pc_the_corner_does_nothing(tmp_path: Path) -> None:
    door = StaffDoor(lambda button: None, tmp_path / "nothing")
    door.screen = "choose_card"
    door.pressed(STAFF_CORNER)
    wait_until(lambda: not door.busy, "the end of the attempt")
