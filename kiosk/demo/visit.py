"""The person of `--auto`: three visits, by touch and card, each step with its seconds.

Owns the order of what is done. Must never look into the kiosk: it waits for what a patient would see or hold in hand.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from kiosk.demo import word
from kiosk.demo.evidence import Account
from kiosk.demo.face import DidNotHappen, WatchedFace
from kiosk.demo.hospital import READER_MIN_S, Hospital
from kiosk.demo.people import HANAKO, SAKURAKO, TARO
from kiosk.screens.headless_lines import as_json

DEADLINE_S = 120.0
_LOOK_EVERY_S = 0.02


def visits(hospital: Hospital, face: WatchedFace, _out: Path, account: Account) -> None:
    """One reception by My Number card, one by patient card, one that ends at the counter. Raises DidNotHappen."""
    person = Person(hospital, face)
    with account.step(word("steps.start")):
        person.wait_until_open()
    with account.step(word("steps.my_number")):
        person.choose("mynumber", "tap_reader")
        # A result that comes sooner after the choice than any person can tap does not count; waited as a person does.
        person.pause(READER_MIN_S + 0.3)
        hospital.tap(TARO)
        person.see("done")
        person.take_slip(1)
        person.leave()
    with account.step(word("steps.patient_card")):
        person.choose("patient_card", "insert_card")
        hospital.insert_card(HANAKO)
        person.see("done")
        person.take_slip(2)
        person.leave()
    with account.step(word("steps.counter")):
        person.choose("mynumber", "tap_reader")
        person.pause(READER_MIN_S + 0.3)
        hospital.tap(SAKURAKO)
        person.see("counter")
        person.leave()
    with account.step(word("steps.delivery")):
        person.wait(lambda: not hospital.at_terminal(), word("failures.left_at_terminal"))
        person.wait(lambda: len(hospital.delivered()) >= len(hospital.written), word("failures.not_delivered"))


class Person:
    """Somebody in front of the kiosk. Everything raises DidNotHappen once `deadline` (monotonic) is over."""

    def __init__(self, hospital: Hospital, face: WatchedFace) -> None:
        self._hospital = hospital
        self._face = face
        self._nothing = threading.Event()
        self._seen = 0  # the screen looked at last
        self.deadline = time.monotonic() + DEADLINE_S

    def wait_until_open(self) -> None:
        """Wait until both cards can be chosen."""
        self._face.wait_for("choose_card", 0, self.deadline)
        self.wait(self._hospital.is_ready, word("failures.no_share"))
        self.wait(lambda: not as_json(self._face.screens[-1])["unavailable"], word("failures.no_card"))

    def choose(self, button: str, leads_to: str) -> None:
        """Touch a button, until a screen is there."""
        self._face.press(button, self.deadline)
        self.see(leads_to)

    def see(self, name: str) -> None:
        """Wait for a screen after the one looked at last."""
        self._seen = self._face.wait_for(name, self._seen, self.deadline)

    def leave(self) -> None:
        """Touch 閉じる, until the kiosk is free."""
        self._face.press("close", self.deadline)
        self.see("choose_card")

    def take_slip(self, count: int) -> None:
        """Wait for the slip of this number."""
        left_s = max(0.0, self.deadline - time.monotonic())
        if self._hospital.printer.wait_for_job(left_s, count) is None:
            raise DidNotHappen(word("failures.no_slip", count=count))

    def pause(self, wait_s: float) -> None:
        """Do nothing."""
        self._nothing.wait(wait_s)

    def wait(self, true: Callable[[], object], otherwise: str) -> None:
        """Wait until it is true. `otherwise`: what did not happen."""
        while not true():
            if self._face.over or time.monotonic() > self.deadline:
                raise DidNotHappen(otherwise)
            self._nothing.wait(_LOOK_EVERY_S)
