"""The desk's demo: people who come to the kiosk and to the counter, and one who works at the desk.

Owns the order of what is done. Must never look into desk or kiosk: it waits for what people see or hold in hand.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from drivers.share import ShareError
from kiosk.demo import word
from kiosk.demo.desk import ACCEPTED, NAME, SHEETS, Office, Worker
from kiosk.demo.evidence import Account
from kiosk.demo.face import DidNotHappen, WatchedFace
from kiosk.demo.hospital import READER_MIN_S, Hospital
from kiosk.demo.people import AOI, JIRO, KEN, SAKURAKO, TARO, Visitor
from kiosk.demo.visit import DEADLINE_S, Person

# One comes, then another: the list is to be read meanwhile.
_EVERY_S: Final = 12.0
# As long as a patient looks at the last screen.
_READS_S: Final = 1.5
_AT_END: Final = ("done", "counter")
_LOOK_EVERY_S: Final = 0.3
_HAPPENS_S: Final = 60.0


def come(hospital: Hospital, face: WatchedFace, visitors: Sequence[Visitor]) -> None:
    """One after the other to the kiosk or to the reader at the counter, until the reception ends."""
    number = 0
    with suppress(DidNotHappen):
        Person(hospital, face).wait_until_open()
    while not face.over:
        visitor, person = visitors[number % len(visitors)], Person(hospital, face)
        with suppress(DidNotHappen, ShareError, OSError):
            # There is a reader at the counter too: whoever uses that one is registered by staff.
            if number % 3 == 2:
                hospital.tap(visitor)
            else:
                at_kiosk(hospital, person, face, visitor, _READS_S)
        number += 1
        person.pause(_EVERY_S)


def at_kiosk(hospital: Hospital, person: Person, face: WatchedFace, visitor: Visitor, reads_s: float = 0.0) -> None:
    """From the choice to the good-bye, after the last screen was read for `reads_s`. Raises DidNotHappen."""
    person.choose("mynumber", "tap_reader")
    # A result that comes sooner after the choice than any person can tap does not count; waited as a person does.
    person.pause(READER_MIN_S + 0.3)
    hospital.tap(visitor)
    person.wait(lambda: face.screens[-1].name in _AT_END, word("failures.no_end"))
    person.pause(reads_s)
    person.leave()


class Shift:
    """Who works at the desk for a while. `out`: the folder of what is printed. Everything raises DidNotHappen."""

    def __init__(self, hospital: Hospital, office: Office, out: Path, account: Account) -> None:
        self._hospital, self._office, self._out, self._account = hospital, office, out, account
        self._deadline = time.monotonic() + 2 * DEADLINE_S
        self.worker = Worker(office.url, NAME, office.password)

    def seq(self, visitor: Visitor) -> int:
        """The number of the visitor's visit; 0: not on the list."""
        return self.worker.visit(visitor.insured.name)

    def visits(self, face: WatchedFace) -> None:
        """Three at the kiosk, two at the counter, and what is done about them."""
        person = Person(self._hospital, face)
        with self._account.step(word("steps.desk_taps")):
            person.wait_until_open()
            for visitor in (TARO, AOI, SAKURAKO):
                at_kiosk(self._hospital, person, face, visitor)
            for visitor in (KEN, JIRO):
                self._hospital.tap(visitor)
            self._until(lambda: all(map(self.seq, (TARO, AOI, SAKURAKO, KEN, JIRO))), word("failures.not_on_list"))
        with self._account.step(word("steps.desk_acts")):
            self._accept(self.seq(AOI))
            self._register(self.seq(KEN))
            self._send_number(self.seq(SAKURAKO))

    def check(self, count: int) -> None:
        """Check, one by one, what really happened. `count`: visits that were there before."""
        check = self._account.check
        rows = len(re.findall(r'<tr [^>]*data-visit="\d+"', self.worker.page("/")))
        check(word("checks.desk_rows", count=rows), rows == count + 5)
        check(word("checks.desk_kiosk"), self._row(TARO, 'data-state="registered"', "受付機"))
        check(word("checks.desk_failed"), self._row(KEN, 'data-subsidy="failed"', "取得失敗"))
        check(word("checks.desk_register"), self._row(KEN, 'data-state="registered"', "受付済"))
        check(word("checks.desk_sheet"), self._soon(lambda: len(self._files(SHEETS)) == 1))
        check(word("checks.desk_accepted"), self._soon(lambda: len(self._files(ACCEPTED)) == 1))
        check(word("checks.desk_number"), self._soon(lambda: "登録済み" in self.worker.page("/numbers")))
        check(word("checks.desk_delivered"), self._soon(self._is_delivered))

    def _accept(self, seq: int) -> None:
        fields = self._form(f"/v/{seq}", "slot", "failures.no_certificate")
        self.worker.press(f"/v/{seq}/certificate", choice="accept", revision=fields["revision"], slot=fields["slot"])

    def _register(self, seq: int) -> None:
        self._until(lambda: f"/v/{seq}/register" in self.worker.page(f"/v/{seq}"), word("failures.no_register"))
        for what in ("register", "print"):
            revision = self._form(f"/v/{seq}", "revision", "failures.no_register")["revision"]
            self.worker.press(f"/v/{seq}/{what}", revision=revision)

    def _send_number(self, seq: int) -> None:
        number = self._office.card_of(SAKURAKO.insured)
        found = _fields(self.worker.press(f"/n/{seq}/find", wanted=number))
        if found.get("number") != number:
            raise DidNotHappen(word("failures.no_candidate"))
        self.worker.press(f"/n/{seq}/send", revision=found["revision"], number=number, confirmed="1")

    def _form(self, path: str, wanted: str, otherwise: str) -> dict[str, str]:
        self._until(lambda: wanted in _fields(self.worker.page(path)), word(otherwise))
        return _fields(self.worker.page(path))

    def _row(self, visitor: Visitor, *texts: str) -> bool:
        row = self.worker.rows().get(self.seq(visitor), "")
        return all(text in row for text in texts)

    def _files(self, folder: str) -> list[Path]:
        return [path for path in (self._out / folder).iterdir() if not path.name.startswith(".")]

    def _is_delivered(self) -> bool:
        # A running courier has files of its own there, too.
        whole = all(
            _content(self._hospital.destination(folder, file.name)) == file.content
            for folder, file in self._hospital.written
        )
        return whole and not self._hospital.at_terminal()

    def _soon(self, true: Callable[[], bool]) -> bool:
        with suppress(DidNotHappen):
            self._until(true, "")
            return True
        return False

    def _until(self, true: Callable[[], object], otherwise: str) -> None:
        end = min(self._deadline, time.monotonic() + _HAPPENS_S)
        while not true():
            if time.monotonic() > end:
                raise DidNotHappen(otherwise)
            threading.Event().wait(_LOOK_EVERY_S)


def _content(path: Path) -> bytes | None:
    with suppress(OSError):
        return path.read_bytes()
    return None


def _fields(page: str) -> dict[str, str]:
    """Names and values of what a page's forms hide; of the first form that has the name."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return dict(reversed(found))
