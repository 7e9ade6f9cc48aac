"""The person of `--his orca --auto`: visits while the hospital's system is well, busy, off and back; and their proof.

Owns the order of what is done. Must never look into the kiosk: it waits for what a patient would see or hold in hand,
or for what the simulated ORCA has.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Final

from kiosk.demo import evidence, orca_desk, word
from kiosk.demo.evidence import Account
from kiosk.demo.face import WatchedFace
from kiosk.demo.hospital import READER_MIN_S, Hospital
from kiosk.demo.orca import Orca
from kiosk.demo.orca_desk import OrcaDesk
from kiosk.demo.people import AOI, HANAKO, ICHIRO, KEN, TARO, Visitor
from kiosk.demo.visit import Person

LISTED: Final = "orca-receptions.jsonl"
_TAP: Final = ("choose_card", "tap_reader")
_PASSED: Final = (
    *(*_TAP, "printing", "done"),
    *("choose_card", "insert_card", "printing", "done"),
    *(*_TAP, "printing", "already"),
    *(*_TAP, "counter"),
    *(*_TAP, "custody"),
    "choose_card",
)
_EVENTS: Final = {
    "arrival_registered": 3, "sent_to_counter": 1, "custody_kept": 1, "custody_delivered": 1,
}  # fmt: skip
_SLIPS: Final = 5  # one of them for the counter


def visits(hospital: Hospital, face: WatchedFace, out: Path, account: Account) -> None:
    """Five patients, and the desk's page of one of them. Raises DidNotHappen."""
    person = Person(hospital, face)
    with account.step(word("steps.start")):
        person.wait_until_open()
        person.wait(lambda: "day_list_kept" in hospital.log("run"), word("failures.no_day_list"))
    with ExitStack() as stack:
        with account.step(word("steps.orca_desk")):
            desk = stack.enter_context(orca_desk.opened(hospital.config, out, account))
        _well(person, hospital, account)
        _away(person, hospital, face, desk, account)
    with account.step(word("steps.delivery")):
        person.wait(lambda: not hospital.at_terminal(), word("failures.left_at_terminal"))
        person.wait(lambda: len(hospital.delivered()) >= len(hospital.written), word("failures.not_delivered"))


def _well(person: Person, hospital: Hospital, account: Account) -> None:
    """The system answers; at last it says for ever that somebody else has the patient."""
    orca = _orca(hospital)
    with account.step(word("steps.orca_up")):
        _tap(person, hospital, TARO)
        person.see("done")
        person.take_slip(1)
        person.leave()
    with account.step(word("steps.orca_two")):
        person.choose("patient_card", "insert_card")
        hospital.insert_card(HANAKO)
        person.see("done")
        person.take_slip(2)
        person.leave()
    with account.step(word("steps.orca_window")):
        orca.staff_register(KEN)
        _tap(person, hospital, KEN)
        person.see("already")
        person.take_slip(3)
        person.leave()
    with account.step(word("steps.orca_busy")):
        orca.state = "busy"
        _tap(person, hospital, AOI)
        person.see("counter")
        person.leave()


def _away(person: Person, hospital: Hospital, face: WatchedFace, desk: OrcaDesk, account: Account) -> None:
    """Nobody answers; then the system is back."""
    orca = _orca(hospital)
    with account.step(word("steps.orca_off")):
        orca.state = "off"
        _tap(person, hospital, ICHIRO)
        person.see("custody")
        person.take_slip(_SLIPS)
        person.wait(lambda: "close" in face.screens[-1].buttons, word("failures.no_slip", count=_SLIPS))
        person.leave()
    with account.step(word("steps.orca_list")):
        person.wait(desk.lists_custody, word("failures.no_custody"))
        desk.take(custody="/open")
    with account.step(word("steps.orca_back")):
        orca.state = "up"
        person.wait(lambda: "custody_delivered" in hospital.log("run"), word("failures.not_handed_in"))
        person.wait(lambda: not desk.lists_custody(), word("failures.still_custody"))
        desk.take(day="/")


def _tap(person: Person, hospital: Hospital, visitor: Visitor) -> None:
    person.choose("mynumber", "tap_reader")
    # A result that comes sooner after the choice than any person can tap does not count; waited as a person does.
    person.pause(READER_MIN_S + 0.3)
    hospital.tap(visitor)


def check(hospital: Hospital, face: WatchedFace, out: Path, account: Account) -> None:
    """Check, one by one, what really happened."""
    orca = _orca(hospital)
    (out / LISTED).write_text(orca.listed(), encoding="utf-8")
    evidence.check_screens(face, _PASSED, ["his_busy"], out, account)
    evidence.check_slips(hospital, _SLIPS, account)
    evidence.check_files(hospital, account)
    evidence.check_events(hospital, "run", _EVENTS, account)
    departments = {visitor: [one.department for one in orca.receptions(visitor)] for visitor in (TARO, HANAKO, ICHIRO)}
    account.check(word("checks.orca_once"), departments == {TARO: ["01"], HANAKO: ["02", "04"], ICHIRO: ["03"]})
    account.check(word("checks.orca_window"), [one.by_staff for one in orca.receptions(KEN)] == [True])
    account.check(word("checks.orca_busy"), orca.receptions(AOI) == [])


def _orca(hospital: Hospital) -> Orca:
    if hospital.orca is None:
        raise ValueError("this hospital has no system of its own")
    return hospital.orca
