"""Many kiosks at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from drivers import reservations as rs
from tests.contract.behaviour import behaviour
from tests.contract.behaviours.asking import are, counts, counts_visit, keys, registered, same_receptions
from tests.contract.scene import ONE_TODAY, TWO_TODAY, Patient
from tests.contract.subject import Died, Fuse, Subject, order, until

KIOSKS = 16
# Of the longest registration, counted twice.
STEPS = 16


def _at_once(on: Subject, orders: Sequence[rs.Order]) -> list[rs.Registration]:
    """Each order from a kiosk of its own, all at the same moment."""
    one_visit = len({each.attempt for each in orders}) == 1 and on.role == "reservations"
    # An attempt is one process's, whose threads have the reservations in common; kiosks have their own.
    systems = [on.system if one_visit else on.another() for _ in orders]
    answers: list[rs.Registration | None] = [None] * len(orders)
    begin = threading.Barrier(len(orders))

    def kiosk(index: int) -> Callable[[], None]:
        def run() -> None:
            begin.wait()
            answers[index] = systems[index].register(orders[index], until(20))

        return run

    threads = [threading.Thread(target=kiosk(index)) for index in range(len(orders))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answer for answer in answers if answer is not None]


@behaviour(ONE_TODAY, needs=("keeps_attempts",))
def sixteen_kiosks_and_one_patient_are_one_reception(on: Subject, patient: Patient) -> None:
    answers = _at_once(on, [order(patient, on.day) for _ in range(KIOSKS)])
    counts(on, patient, 1)
    answered = [each for each in answers if isinstance(each, rs.Registered)]
    assert sum(each.ours for each in answered) == 1, "one kiosk registered the patient"
    # Who asks while another is at it may hear that the patient is taken, and asks again.
    assert all(isinstance(each, rs.Registered) or _is_busy(each) for each in answers), answers
    last = registered(on, order(patient, on.day))
    assert not last.ours
    assert {tuple(keys(each.receptions)) for each in [*answered, last]} == {tuple(keys(last.receptions))}


@behaviour(ONE_TODAY, needs=("keeps_attempts",))
def one_attempt_asked_by_many_threads_is_one_reception(on: Subject, patient: Patient) -> None:
    attempt = order(patient, on.day)
    answers = [each for each in _at_once(on, [attempt] * 4) if not _is_busy(each)]
    assert all(isinstance(each, rs.Registered) and each.ours for each in answers), answers
    assert registered(on, attempt).ours
    counts(on, patient, 1)


@behaviour(*(ONE_TODAY,) * KIOSKS)
def sixteen_patients_at_once_have_sixteen_receptions(on: Subject, *patients: Patient) -> None:
    orders = [order(each, on.day) for each in patients]
    answers = _at_once(on, orders)
    answers = [registered(on, orders[i]) if _is_busy(each) else each for i, each in enumerate(answers)]
    receptions = [each.receptions[0] for each in answers if isinstance(each, rs.Registered) and each.ours]
    assert len(receptions) == KIOSKS, answers
    assert len({each.key for each in receptions}) == KIOSKS
    if on.ability.gives_numbers:
        assert len({each.number for each in receptions}) == KIOSKS, "a number that two patients have"
    if on.without_gaps:
        numbers = sorted(int(each.number) for each in receptions)
        assert numbers == list(range(numbers[0], numbers[0] + KIOSKS)), "a gap"


@behaviour(*(TWO_TODAY,) * STEPS, needs=("keeps_attempts",), dies=True)
def wherever_a_kiosk_dies_there_is_one_visit(on: Subject, *patients: Patient) -> None:
    """Before and after each step of book and system in turn. Then the same attempt is asked again, by another kiosk."""
    assert on.dying is not None
    for step, patient in enumerate(patients, 1):
        fuse, attempt = Fuse(step), order(patient, on.day)
        try:
            on.dying(fuse).register(attempt, until())
        except Died:
            answer = on.another().register(attempt, until())
        else:
            assert step > 1, "no step was taken"
            return
        assert isinstance(answer, rs.Registered), answer
        assert answer.ours, f"registered by nobody else, dead at step {step}"
        counts_visit(on, patient, answer)
        are(answer.appointments, patient.due())
        again = registered(on, order(patient, on.day))
        assert not again.ours
        same_receptions(again.receptions, answer.receptions)
    raise AssertionError(f"a registration takes more than {STEPS} steps")


def _is_busy(answer: rs.Registration) -> bool:
    return isinstance(answer, rs.Trouble) and answer.kind == "busy" and not answer.maybe_done
