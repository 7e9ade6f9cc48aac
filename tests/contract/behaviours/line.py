"""What a network does: it refuses, is silent, drips, mangles, and cuts at the worst moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from drivers import reservations as rs
from drivers.simulated.tcp_proxy import Proxy
from tests.contract.behaviour import behaviour
from tests.contract.behaviours.asking import are, counts, found, nothing_registered, registered, same_receptions
from tests.contract.scene import ONE_TODAY, TWO_TODAY, Patient
from tests.contract.subject import Subject, now, order, until

SHORT_S = 0.3
# The pieces of the longest dialogue that a registration may be.
PIECES = 16
HUGE = b"9" * (9 * 1024 * 1024)


def _calls(on: Subject, patient: Patient) -> dict[str, Callable[[float], object]]:
    """Every call of the port, for one patient."""
    system, number, reception = on.system, patient.number, rs.Reception("1", now(), key="1")
    return {
        "find": lambda end: system.find(number, on.day, end),
        "register": lambda end: system.register(order(patient, on.day), end),
        "cancel": lambda end: system.cancel(number, reception, on.day, now(), "", end),
        "day_list": lambda end: system.day_list(on.day, end),
        "departments": lambda end: system.departments(on.day, end),
    }


def _all_end_in_trouble(on: Subject, patient: Patient) -> None:
    wanted = {"find", "register"} | {
        call
        for call, ability in (("cancel", "cancels"), ("day_list", "lists_day"), ("departments", "walk_in"))
        if getattr(on.ability, ability)
    }
    if on.role == "reservations":
        wanted.discard("cancel")  # the book, which is here, has nothing to cancel
    for name, call in _calls(on, patient).items():
        begin = time.monotonic()
        answer = call(begin + SHORT_S)
        late = time.monotonic() - begin - SHORT_S
        assert late < on.late_s, f"{name} ended {late:.1f} s after its `until`"
        assert isinstance(answer, rs.Trouble) or name not in wanted, f"{name}: {answer!r}"


def line_of(on: Subject) -> Proxy:
    """The proxy; behaviours that need it say `line`."""
    assert on.line is not None
    return on.line


@contextmanager
def bad(line: Proxy) -> Generator[Proxy, None, None]:
    """While it lasts a behaviour spoils the line; after it the line is well again."""
    try:
        yield line
    finally:
        line.mute, line.tamper, line.drip_s, line.slow_s, line.lose, line.halve = False, None, 0.0, 0.0, 0, False
        line.cut()  # also what a dripping answer is still being sent on
        line.mend()


def _well_again(on: Subject, patient: Patient) -> None:
    """The same object serves the next patient at once."""
    begin = time.monotonic()
    assert found(on, patient).appointments
    assert registered(on, order(patient, on.day)).receptions
    assert time.monotonic() - begin < SHORT_S + on.late_s + 2, "the visit after the trouble had to wait"


@behaviour(ONE_TODAY, line=True)
def a_peer_that_refuses_is_trouble_in_time(on: Subject, patient: Patient) -> None:
    found(on, patient)
    with bad(line_of(on)) as line:
        line.cut()
        _all_end_in_trouble(on, patient)
    nothing_registered(on, patient)
    _well_again(on, patient)


@behaviour(ONE_TODAY, line=True)
def a_mute_peer_is_trouble_in_time(on: Subject, patient: Patient) -> None:
    found(on, patient)
    with bad(line_of(on)) as line:
        line.mute = True
        _all_end_in_trouble(on, patient)
    _well_again(on, patient)
    counts(on, patient, 1)


@behaviour(ONE_TODAY, line=True)
def a_dripping_peer_is_trouble_in_time(on: Subject, patient: Patient) -> None:
    found(on, patient)
    with bad(line_of(on)) as line:
        line.drip_s = 0.2
        _all_end_in_trouble(on, patient)
    _well_again(on, patient)
    counts(on, patient, 1)


@behaviour(ONE_TODAY, line=True)
def a_slow_peer_is_waited_for(on: Subject, patient: Patient) -> None:
    with bad(line_of(on)) as line:
        line.slow_s = SHORT_S
        assert found(on, patient).appointments
    assert registered(on, order(patient, on.day)).ours


@behaviour(TWO_TODAY, ONE_TODAY, line=True)
def a_late_answer_is_not_taken_for_that_to_the_next_question(on: Subject, two: Patient, one: Patient) -> None:
    found(on, two)
    line = line_of(on)
    line.slow_s = 2 * SHORT_S
    answer = on.system.find(two.number, on.day, until(SHORT_S))
    line.slow_s = 0.0
    assert isinstance(answer, rs.Trouble), answer
    are(found(on, one).appointments, one.due())
    are(found(on, two).appointments, two.due())


@behaviour(ONE_TODAY, line=True)
def garbage_is_trouble(on: Subject, patient: Patient) -> None:
    found(on, patient)
    for garbage in (b"\x00\xff\xfe" * 50, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", HUGE):
        with bad(line_of(on)) as line:
            line.tamper = lambda piece, answer=garbage: answer
            _all_end_in_trouble(on, patient)
    _well_again(on, patient)
    counts(on, patient, 1)


@behaviour(TWO_TODAY, line=True)
def half_an_answer_is_trouble_or_asked_again(on: Subject, patient: Patient) -> None:
    expected = found(on, patient)
    with bad(line_of(on)) as line:
        for _ in range(3):
            line.halve = True
            answer = on.system.find(patient.number, on.day, until(3))
            assert isinstance(answer, rs.Trouble) or answer == expected, "half an answer was believed"
    _well_again(on, patient)


@behaviour(ONE_TODAY, line=True)
def a_kept_connection_that_was_closed_costs_no_visit(on: Subject, patient: Patient) -> None:
    found(on, patient)
    line = line_of(on)
    line.cut()
    line.mend()
    assert found(on, patient).appointments
    line.cut()
    line.mend()
    answer = on.system.register(order(patient, on.day), until())
    assert isinstance(answer, rs.Registered), "a connection that had been closed before anything was sent"


@behaviour(*(ONE_TODAY,) * PIECES, line=True)
def wherever_the_line_is_cut_there_is_one_reception(on: Subject, *patients: Patient) -> None:
    """Question lost, reply lost, and what lies between: each patient's registration is cut one piece later."""
    for piece, patient in enumerate(patients, 1):
        attempt = order(patient, on.day)
        with bad(line_of(on)) as line:
            line.lose = piece
            first = on.system.register(attempt, until(4))
            whole = line.lose > 0
        _settled(on, patient, attempt, first)
        if whole:
            return
    raise AssertionError(f"a registration takes more than {PIECES} pieces")


@behaviour(*(ONE_TODAY,) * PIECES, ONE_TODAY, line=True, needs=("cancels",))
def wherever_the_line_is_cut_cancelling_may_be_repeated(on: Subject, *patients: Patient) -> None:
    *cut, other = patients
    kept = registered(on, order(other, on.day))
    for piece, patient in enumerate(cut, 1):
        reception = registered(on, order(patient, on.day)).receptions[0]
        with bad(line_of(on)) as line:
            line.lose = piece
            first = on.system.cancel(patient.number, reception, on.day, now(), "", until(4))
            whole = line.lose > 0
        assert isinstance(first, rs.Cancelled | rs.Trouble), first
        again = on.system.cancel(patient.number, reception, on.day, now(), "", until())
        gone = (rs.Cancelled, rs.NotRegistered) if on.role == "system" else rs.Cancelled
        assert isinstance(again, gone), again
        nothing_registered(on, patient)
        if whole:
            break
    same_receptions(found(on, other).receptions, kept.receptions)


@behaviour(ONE_TODAY, line=True)
def an_outcome_that_nobody_knows_is_settled_by_asking(on: Subject, patient: Patient) -> None:
    attempt = order(patient, on.day)
    with bad(line_of(on)) as line:
        line.mute = True
        first = on.system.register(attempt, until(SHORT_S))
    assert isinstance(first, rs.Trouble), first
    _settled(on, patient, attempt, first)


def _settled(on: Subject, patient: Patient, attempt: rs.Order, first: rs.Registration) -> None:
    """What the port asks of a caller after `first`: look before writing again. Then there is one reception."""
    if isinstance(first, rs.Trouble):
        stored = on.peer.registered(patient.number, on.day) if on.peer.registered else 0
        assert first.maybe_done or not stored, "registered, and said to be not"
    else:
        assert isinstance(first, rs.Registered), first
        assert first.ours, "the first registration was said to be somebody else's"
    if on.ability.keeps_attempts or not found(on, patient).receptions:
        assert registered(on, attempt).ours
    assert len(found(on, patient).receptions) == 1
    counts(on, patient, 1)
