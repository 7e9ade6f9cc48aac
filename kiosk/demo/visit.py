"""The person of `--auto`: three visits, by touch and card, each step with its seconds.

Owns the order of what is done. Must never look into the kiosk: it waits for what a patient would see or hold in hand.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from kiosk.demo.account import Account
from kiosk.demo.face import DidNotHappen, WatchedFace
from kiosk.demo.hospital import READER_MIN_S, Hospital
from kiosk.demo.people import HANAKO, SAKURAKO, TARO

DEADLINE_S = 120.0
_LOOK_EVERY_S = 0.02


def visits(hospital: Hospital, face: WatchedFace, account: Account) -> None:
    """One reception by My Number card, one by patient card, one that ends at the counter. Raises DidNotHappen."""
    person = _Person(hospital, face)
    with account.step("起動して最初の画面、端末の共有につながるまで"):
        face.wait_for("choose_card", 0, person.until)
        person.wait(lambda: _terminal_answers(hospital), "端末の共有につながりません")
        person.wait(lambda: not face.screens[-1].unavailable, "マイナンバーカードが使えるようになりません")
    with account.step("マイナンバーカードで受付（予約1件）: 選択からお帰りまで"):
        person.choose("mynumber", "tap_reader")
        # A result that comes sooner after the choice than any person can tap is not believed; waited as a person does.
        person.pause(READER_MIN_S + 0.3)
        hospital.tap(TARO)
        person.see("done")
        person.take_slip(1)
        person.leave()
    with account.step("診察券で受付（予約2件）: 選択からお帰りまで"):
        person.choose("patient_card", "insert_card")
        hospital.insert_card(HANAKO)
        person.see("done")
        person.take_slip(2)
        person.leave()
    with account.step("窓口へご案内（照会番号が未登録）: 選択からお帰りまで"):
        person.choose("mynumber", "tap_reader")
        person.pause(READER_MIN_S + 0.3)
        hospital.tap(SAKURAKO)
        person.see("counter")
        person.leave()
    with account.step("レセコンのフォルダーに全部届くまで"):
        person.wait(lambda: not hospital.at_terminal(), "端末のフォルダーに結果が残っています")
        person.wait(lambda: len(hospital.delivered()) >= len(hospital.written), "レセコンに届いていない結果があります")


def _terminal_answers(hospital: Hospital) -> bool:
    lines = hospital.log("courier").splitlines()
    return any('"share_up"' in line and '"terminal.results"' in line for line in lines)


class _Person:
    def __init__(self, hospital: Hospital, face: WatchedFace) -> None:
        self._hospital = hospital
        self._face = face
        self._nothing = threading.Event()
        self._seen = 0  # the screen looked at last
        self.until = time.monotonic() + DEADLINE_S

    def choose(self, button: str, leads_to: str) -> None:
        self._face.press(button, self.until)
        self.see(leads_to)

    def see(self, name: str) -> None:
        self._seen = self._face.wait_for(name, self._seen, self.until)

    def leave(self) -> None:
        self._face.press("close", self.until)
        self.see("choose_card")

    def take_slip(self, count: int) -> None:
        left_s = max(0.0, self.until - time.monotonic())
        if self._hospital.printer.wait_for_job(left_s, count) is None:
            raise DidNotHappen(f"受付票 {count} 枚目が出ません")

    def pause(self, wait_s: float) -> None:
        self._nothing.wait(wait_s)

    def wait(self, true: Callable[[], object], otherwise: str) -> None:
        while not true():
            if self._face.over or time.monotonic() > self.until:
                raise DidNotHappen(otherwise)
            self._nothing.wait(_LOOK_EVERY_S)
