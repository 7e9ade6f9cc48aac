"""The desk's day before one looks at it: what staff accepted at earlier visits, and who was here this morning.

Made with the very parts that a desk is made of, with the clock put back, before any of its processes runs. Must never
write into the folders of a desk that is not a demo's.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from drivers.reservations import Order, Reception, Registered
from drivers.reservations.opening import open_embedded
from drivers.reservations.ports import Reservations
from drivers.simulated import results
from drivers.simulated.results import Insured
from kiosk.config import Config
from kiosk.demo.desk_people import Patient
from kiosk.desk.day_store import DayStore, Entry, Noted
from kiosk.desk.sealed_register import SealedRegister
from kiosk.desk.today import ENDS_AT_H, Today
from kiosk.desk.visits import answer_of, subsidies_of, tap_of
from kiosk.process import private_folder
from kiosk.process.data_folder import DataFolder, DeskFolder
from kiosk.process.sealing import Seals, load_secret
from kiosk.results import names, pmh_names
from kiosk.tables.known_people import KnownPeople
from kiosk.words.problems import Problem

STAFF: Final = "佐藤"
LASTS: Final = timedelta(minutes=135)
_EARLIER: Final = timedelta(days=35)
_ANSWER_S: Final = 20.0
# No result that the courier will hand over has such a number.
_FIRST_FILE: Final = 1_000_000
_NO_PAPER: Final = Problem("print.not_printed", {"reason": Problem("print_reason.paper_out")})


@dataclass
class Morning:
    """What the parts of a desk keep, opened before the desk is. `known`: the courier's."""

    config: Config
    known: KnownPeople
    register: SealedRegister
    store: DayStore
    book: Reservations
    now: datetime

    def know(self, insured: Insured) -> None:
        """What staff accepted at the patient's last visit."""
        self.now, today = self.now - _EARLIER, self.now
        left = results.tap(insured, self.now, self.config.site.institution_code or "")
        tap = tap_of(left.result.name, left.result.content, self.now)
        if tap.confirmation is not None:
            self.known.compare(tap.number, tap.confirmation, self.now.date())
        if left.subsidy is not None:
            hashed = self.register.hashed(tap.number)
            found = subsidies_of(tap, answer_of(left.subsidy.content, pmh_names.load()), (), hashed)
            for each in found.certificates:
                self.register.accept(tap.number, each.accepted(hashed), STAFF)
        self.now = today

    def play(self, patients: Sequence[Patient]) -> None:
        """The patients come, one after the other, until now."""
        end = self.now
        day = (end - timedelta(hours=ENDS_AT_H)).replace(hour=ENDS_AT_H, minute=0, second=0, microsecond=0)
        begin = max(end - LASTS, day)
        self.now = begin
        wait = timedelta(seconds=self.config.terminal.subsidy_wait_s)
        today = Today(self.store, self.register, lambda: self.now, wait, keep_days=0)
        for place, patient in enumerate(patients):
            for tap in range(patient.taps):
                # Not every few minutes to the second.
                share = (place + 0.37 * (place % 3) + 0.3 * tap) / len(patients)
                self.now = begin + share * (end - begin)
                seq = self._tap(today, patient, _FIRST_FILE + 10 * place + tap)
            self._receive(today, patient, seq)
        self.now = end
        today.tick()

    def _tap(self, today: Today, patient: Patient, file: int) -> int:
        left = results.tap(patient.insured, self.now, self.config.site.institution_code or "")
        tap = tap_of(left.result.name, left.result.content, self.now)
        change = None
        if tap.number and tap.confirmation is not None:
            change = self.known.compare(tap.number, tap.confirmation, today.day)
        seq = today.tapped(tap, change, tap.number, file)
        if seq is None:
            raise ValueError("a result that came before")
        if left.subsidy is not None:
            failed = names.kind(left.subsidy.name) == "subsidy_error"
            answer = answer_of(None if failed else left.subsidy.content, pmh_names.load())
            today.answered(names.request_key(left.subsidy.name) or "", answer)
        return seq

    def _receive(self, today: Today, patient: Patient, seq: int) -> None:
        number = patient.insured.number
        if patient.then == "waiting" or number is None:
            return
        self.now += timedelta(seconds=40)
        until, soon = time.monotonic() + _ANSWER_S, datetime.now(UTC) + timedelta(seconds=_ANSWER_S)
        registered = self.book.register(Order(str(uuid.uuid4()), number, today.day, self.now, soon), until)
        if not isinstance(registered, Registered):
            raise TypeError("no appointment")
        receptions = registered.receptions
        if patient.then == "cancelled":
            left = self.now + timedelta(minutes=2)
            self.book.cancel(number, receptions[0], today.day, left, "left", until)
            today.change(seq, lambda old: self._noted(old, "register", "cancel"))
            return
        today.change(seq, lambda old: self._arrived(old, patient, receptions))

    def _arrived(self, old: Entry, patient: Patient, receptions: tuple[Reception, ...]) -> Entry:
        line = int(receptions[0].key)
        visit = replace(old.visit, arrival=line, receptions=receptions, unprinted=patient.then == "not_printed")
        if patient.then == "kiosk":
            return replace(old, visit=visit)
        entry = replace(old, visit=visit, registered_here=line)
        if patient.then == "desk":
            return self._noted(entry, "register")
        failed = patient.then == "not_printed"
        printed = replace(entry, printed="failed" if failed else "yes", print_problem=_NO_PAPER if failed else None)
        return self._noted(printed, "register", "print_sheet")

    def _noted(self, old: Entry, *done: str) -> Entry:
        return replace(old, history=(*old.history, *(Noted(self.now, act, STAFF) for act in done)))


def begin(config: Config, patients: Sequence[Patient], others: Sequence[Insured]) -> None:
    """Put into the folders of `config` what is known of `patients` and `others`, and this morning's visits."""
    folder, courier = DeskFolder(config.desk_dir, config.desk_run_dir), DataFolder(config.courier_dir)
    private_folder.make(folder.path)
    private_folder.make(folder.run, 0o711, own=True)
    with ExitStack() as stack:
        seals = Seals(load_secret(folder.key))
        known = KnownPeople(courier.known, Seals(load_secret(courier.known_key)))
        stack.callback(known.close)
        own_known = KnownPeople(folder.known, seals)
        stack.callback(own_known.close)
        register = SealedRegister(folder.accepted, seals, own_known, keep_values=True, today=lambda: morning.now.date())
        stack.callback(register.close)
        store = DayStore(folder.day, seals, durable=False)
        stack.callback(store.close)
        book = open_embedded(config.site.data_dir)
        morning = Morning(config, known, register, store, book, datetime.now(config.site.zone))
        for insured in (*(each.before for each in patients if each.before), *others):
            morning.know(insured)
        morning.play(patients)
