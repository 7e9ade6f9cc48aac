"""No patient's data where anybody reads along: the `repr` of answers, `Trouble.what`, logs."""

from __future__ import annotations

import logging
import re

from drivers import reservations as rs
from tests.contract.behaviour import behaviour
from tests.contract.behaviours.line import bad, line_of
from tests.contract.scene import DEPARTMENTS, DOCTORS, NO_APPOINTMENT, STRANGER, TWO_TODAY, Patient
from tests.contract.subject import Subject, now, order, until


class _Log(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _answers(on: Subject, *patients: Patient) -> list[object]:
    answers: list[object] = [on.system.day_list(on.day, until()), on.system.departments(on.day, until())]
    for each in patients:
        answers.append(on.system.find(each.number, on.day, until()))
        registered = on.system.register(order(each, on.day), until())
        answers.append(registered)
        if isinstance(registered, rs.Registered):
            answers.append(on.system.find(each.number, on.day, until()))
            reception = registered.receptions[0]
            answers.append(on.system.cancel(each.number, reception, on.day, now(), "取り違え", until()))
            answers.append(on.system.register(order(each, on.day, not_after=now()), until()))
    if on.role != "system":
        answers += [on.reservations.entries(on.day, until()), on.reservations.unsettled(on.day, until())]
    return answers


def _silent_about(texts: list[str], *patients: Patient) -> None:
    secrets = {secret for each in patients for secret in (each.number, each.name)}
    secrets |= {each.name for each in DOCTORS} | {each.name for each in DEPARTMENTS} | {"取り違え"}
    for text in texts:
        # A moment's digits are no patient's, though they may be the same.
        plain = re.sub(r"datetime\.\w+\([\d, ]*", "", text)
        assert not [secret for secret in secrets if secret in plain], "a patient's data in a repr or a log"


def _listened_to(on: Subject, *patients: Patient) -> list[str]:
    log, root = _Log(), logging.getLogger()
    level = root.level
    root.addHandler(log)
    root.setLevel(logging.DEBUG)
    try:
        answers = _answers(on, *patients)
    finally:
        root.removeHandler(log)
        root.setLevel(level)
    troubles = [f"{each.what} {each.parameters}" for each in answers if isinstance(each, rs.Trouble)]
    return [*map(repr, answers), *log.lines, *troubles]


@behaviour(TWO_TODAY, NO_APPOINTMENT, STRANGER)
def no_patient_is_in_a_repr_or_a_log(on: Subject, *patients: Patient) -> None:
    _silent_about(_listened_to(on, *patients), *patients)


@behaviour(TWO_TODAY, STRANGER, line=True)
def no_patient_is_in_what_trouble_says(on: Subject, *patients: Patient) -> None:
    for tamper in (lambda piece: piece[::-1], lambda piece: piece[: len(piece) // 2] + b"<>" * 8):
        with bad(line_of(on)) as line:
            line.tamper = tamper
            texts = [text for each in patients for text in _troubles(on, each)]
        _silent_about(texts, *patients)


def _troubles(on: Subject, patient: Patient) -> list[str]:
    answers = (
        on.system.find(patient.number, on.day, until(0.3)),
        on.system.register(order(patient, on.day), until(0.3)),
    )
    return [f"{each!r} {each.what} {each.parameters}" for each in answers if isinstance(each, rs.Trouble)]
