"""A child of test_panel.py: a demo whose every knob is touched, and a line for each effect that was seen.

Owns a Kivy window, which only a process of its own can have. It must never call what a knob does: it touches it.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drivers.simulated.escpos_stream import SlipJob
from kiosk.demo.face import WatchedFace
from kiosk.demo.hospital import READER_MIN_S, Hospital
from kiosk.demo.knobs import Knob, bench
from kiosk.demo.people import TARO, VISITORS
from kiosk.reception import assembly
from kiosk.screens.headless_lines import as_json
from kiosk.ui.pages import layout_at, stand_of
from kiosk.ui.window import Window

DEADLINE_S = 180.0


class Desk:
    """The demo's parts, and hands that touch them."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital = hospital
        self.panel: Any = None
        self.window = Window(hospital.config.screen, layout_at(stand_of(hospital.config)), beside=self._beside)
        self.face = WatchedFace(self.window, None, lambda: threading.Thread(target=self._begin).start())
        self.deadline = time.monotonic() + DEADLINE_S
        self.play: Callable[[Desk], None] = lambda desk: None
        self.failure: BaseException | None = None

    def _beside(self) -> Any:
        from kiosk.demo.panel import Panel

        self.panel = Panel(bench(self.hospital))
        return self.panel

    def _begin(self) -> None:
        try:
            self.play(self)
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self.failure = error
        finally:
            self.face.quit()

    def touch(self, label: str, number: int = 0) -> Knob:
        """A finger on the `number`-th knob whose label begins so."""
        from kivy.clock import Clock
        from kivy.core.window import Window as kivy_window  # noqa: N813 - the one window, no class

        from kiosk.ui.view import lift, touch

        found: list[tuple[Knob, Any]] = [each for each in self.panel.knobs if each[0].label.startswith(label)]
        knob, button = found[number]
        done = threading.Event()

        def down(_: float) -> None:
            x, y = button.to_window(*button.center)
            finger = touch(kivy_window, (x, kivy_window.height - y))

            def up(_: float) -> None:
                lift(finger)
                done.set()

            Clock.schedule_once(up, 0.05)

        Clock.schedule_once(down, 0)
        assert done.wait(DEADLINE_S)
        return knob

    def wait(self, true: Callable[[], object], what: str) -> None:
        pause = threading.Event()
        while not true():
            assert time.monotonic() < self.deadline and not self.face.over, what
            pause.wait(0.02)
        print(json.dumps({"seen": what}), flush=True)  # noqa: T201 - read by the test

    def wait_screen(self, name: str, after: int) -> None:
        self.face.wait_for(name, after, self.deadline)

    def events(self, process: str, event: str) -> int:
        return self.hospital.log(process).count(f'"{event}"')


def play(desk: Desk) -> None:
    hospital = desk.hospital
    desk.wait_screen("choose_card", 0)
    desk.wait(lambda: desk.events("courier", "share_up") == 4, "four shares up")
    turn_printer(desk)
    for number, visitor in enumerate(VISITORS):
        before = len(hospital.delivered())
        files = 1 + (visitor.insured.subsidy != "none")
        desk.touch(visitor.called)
        desk.wait(lambda want=before + files: len(hospital.delivered()) == want, f"tap {number}")  # type: ignore[misc]
    assert put_card_in(desk, "読めない", "insert_card") == "card_unreadable"
    desk.touch("カバー開")
    assert put_card_in(desk, "例示　", "done") == "cover_open"
    desk.touch("正常")
    turn_orca(desk)
    assert put_card_in(desk, "架空　", "already") is None
    desk.wait(lambda: len(hospital.printer.jobs) == 1, "a slip for the one who came when the cover was closed")
    desk.wait(lambda: desk.panel._slip.texture is not None, "the slip is on the panel")
    turn_line(desk)
    see_the_glance(desk, hospital.printer.jobs[-1])


def turn_printer(desk: Desk) -> None:
    for label, state in (("紙切れ", "paper_out"), ("カバー開", "cover_open"), ("正常", "ok")):
        knob = desk.touch(label)
        assert knob.is_on is not None
        desk.wait(lambda want=state: desk.hospital.printer_state == want, f"printer {state}")  # type: ignore[misc]
        desk.wait(knob.is_on, f"printer {state} is drawn as on")


def turn_orca(desk: Desk) -> None:
    """Every state of the hospital's system, and a window that registers somebody before the kiosk does."""
    orca = desk.hospital.orca
    assert orca is not None
    # Of knobs with the same label, the system's is the second.
    for label, number, state in (
        ("遅くする", 1, "slow"),
        ("ほかの端末", 0, "busy"),
        ("止める", 0, "off"),
        ("正常", 1, "up"),
    ):
        knob = desk.touch(label, number)
        assert knob.is_on is not None
        desk.wait(lambda want=state: orca.state == want, f"system {state}")  # type: ignore[misc]
        desk.wait(knob.is_on, f"system {state} is drawn as on")
    desk.touch("窓口で受付")
    desk.wait(lambda: [one.by_staff for one in orca.receptions(TARO)] == [True], "a window registered somebody")


def put_card_in(desk: Desk, label: str, leads_to: str) -> str | None:
    """The reason on the screen."""
    before = desk.face.count()
    desk.face.press("patient_card", desk.deadline)
    desk.wait_screen("insert_card", before)
    before = desk.face.count()
    desk.touch(label)
    desk.wait_screen(leads_to, before)
    reason: str | None = as_json(desk.face.screens[-1])["reason"]
    before = desk.face.count()
    desk.face.press("cancel" if leads_to == "insert_card" else "close", desk.deadline)
    desk.wait_screen("choose_card", before)
    desk.wait(lambda: True, f"card {label} {reason}")
    return reason


def turn_line(desk: Desk) -> None:
    desk.touch("切る")
    desk.wait(lambda: desk.hospital.line == "cut", "line cut")
    desk.wait(lambda: desk.events("courier", "share_down") >= 1, "the terminal's share is down")
    desk.touch("つながって")
    desk.wait(lambda: desk.hospital.line == "up" and shares_answer(desk), "line up")
    desk.wait(lambda: not as_json(desk.face.screens[-1])["unavailable"], "the card can be used again")
    desk.touch("遅くする")
    desk.wait(lambda: desk.hospital.line == "slow", "line slow")
    before = desk.face.count()
    desk.face.press("mynumber", desk.deadline)
    desk.wait_screen("preparing", before)
    desk.wait(lambda: True, "a slow share is on the screen")
    desk.touch("つながって")
    desk.wait_screen("tap_reader", before)
    threading.Event().wait(READER_MIN_S + 0.3)
    before = desk.face.count()
    desk.touch("見本")
    # The unreadable card's visit ended without knowing its patient, so this one is asked for the birth day.
    desk.wait_screen("birthday", before)
    for button in ("key_0", "key_7", "key_2", "key_0", "ok"):
        desk.face.press(button, desk.deadline)
    desk.wait_screen("other_day", before)
    assert as_json(desk.face.screens[-1])["reason"] == "no_appointment"
    desk.wait(lambda: True, "the birth day on the panel is the patient's")


def shares_answer(desk: Desk) -> bool:
    return desk.events("courier", "share_up") == 4 + desk.events("courier", "share_down")


def see_the_glance(desk: Desk, job: SlipJob) -> None:
    look = bench(desk.hospital).look
    # Nobody waits for the log: its line comes after the slip.
    desk.wait(lambda: any("other_day" in line for line in look().events), "the log is on the panel")
    glance = look()
    assert glance.slip is not None and (glance.slip.width, glance.slip.height) == job.picture.size
    assert glance.delivered[0].startswith(f"{len(desk.hospital.delivered())} 件")
    desk.wait(lambda: desk.panel._delivered.text.startswith(glance.delivered[0]), "the count is on the panel")


def main() -> int:
    os.environ["SDL_VIDEODRIVER"] = "offscreen"
    with Hospital(size=(540, 960), poll_s=2.0, his="orca") as hospital:
        desk = Desk(hospital)
        desk.play = play
        assembly.run(hospital.config, hospital.data, lambda: desk.face, own_courier=True, clean_start=True)
        if len(sys.argv) > 1:
            desk.panel.export_to_png(str(Path(sys.argv[1])))
        if desk.failure is not None:
            raise desk.failure
    return 0


if __name__ == "__main__":
    sys.exit(main())
