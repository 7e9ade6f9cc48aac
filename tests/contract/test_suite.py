"""The suite itself: it passes what keeps the contract, and finds every fault that is planted."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from typing import cast, get_args

import pytest

from drivers.reservations.ports import Ability, SystemOfRecord
from drivers.simulated.tcp_proxy import Proxy
from tests.contract import running
from tests.contract.behaviour import Behaviour, scene
from tests.contract.behaviours import every
from tests.contract.memory import Memory
from tests.contract.memory_line import MemoryBook, MemoryServer
from tests.contract.scene import ZONE, Department
from tests.contract.subject import Dying, Fault, Peer, Subject, order

BY_NAME = {each.ask.__name__: each for each in every()}


@contextmanager
def memory(planted: str = "", *, atomic: bool = True) -> Generator[Subject, None, None]:
    """The book in memory behind a line, with that fault or none."""
    mine = frozenset({planted} - {""})
    made = scene(datetime.now(ZONE).date())
    held = Memory(mine)
    held.seed(made)
    server = MemoryServer(held)

    def registered(number: str, day: date) -> int:
        return sum(
            len(each.receptions) for each in held.lines[day] if each.patient_number == number and not each.cancelled
        )

    def at_window(number: str, department: Department) -> None:
        patient = next(each for each in made.patients if each.number == number)
        held.register(order(patient, made.day))

    def fault(name: str) -> Callable[[str], AbstractContextManager[None]]:
        return lambda number: server.does(name)

    # A system that takes all of a visit or nothing refuses all of it.
    does = {name: name for name in get_args(Fault)} | ({"refuses_one": "refuses"} if atomic else {})
    faults = {name: fault(done) for name, done in does.items()}
    peer = Peer(registered, register_at_window=at_window, faults=faults)
    ability = Ability(True, True, True, True, True, atomic_visit=atomic, keeps_attempts=True)
    with Proxy(server.port, framed=False) as proxy:
        subject = Subject(
            "memory",
            lambda: MemoryBook(proxy.port, mine, ability),
            made,
            "book",
            peer,
            proxy,
            without_gaps=True,
            numbered=lambda numbering: MemoryBook(proxy.port, mine, ability, numbering),
            dying=lambda fuse: cast("SystemOfRecord", Dying(MemoryBook(proxy.port, mine, ability), fuse)),
            patience_s=1.0 if planted else 20.0,
            late_s=0.5 if planted else 2.5,  # what is planted is a second late
        )
        try:
            yield subject
        finally:
            subject.close()
            server.close()


@pytest.fixture(scope="module")
def sound() -> Generator[Subject, None, None]:
    with memory() as subject:
        yield subject


@running.each_behaviour
def test_what_keeps_the_contract_passes(
    sound: Subject, behaviour: Behaviour, record_property: Callable[[str, object], None]
) -> None:
    assert not behaviour.not_asked(sound), "the suite's own test asks everything"
    running.ask(behaviour, sound, record_property)


def test_a_visit_that_is_registered_in_part_passes_too(record_property: Callable[[str, object], None]) -> None:
    with memory(atomic=False) as subject:
        BY_NAME["what_the_system_did_not_take_is_left_out"].ask_of(subject)


# Each behaviour, and faults that it has to find.
PLANTED = {
    "appointments_of_the_day_come_in_time_order_with_names_as_written": (
        "order", "old_encoding", "greenwich", "every_day",
    ),
    "the_next_day_is_named_with_its_departments_in_time_order": ("no_next_day", "order"),
    "each_day_has_its_own_appointments": ("every_day",),
    "a_day_that_has_passed_is_neither_today_nor_next": ("past_is_next",),
    "an_unknown_patient_is_not_one_without_an_appointment": ("unknown_is_empty",),
    "who_is_in_no_list_has_no_appointment": ("strangers_due",),
    "name_and_birth_date_are_the_patients_or_missing": ("birth_date",),
    "patients_are_not_mixed_up_on_one_connection": ("mixed_up",),
    "another_thread_may_ask_next": ("own_thread",),
    "departments_are_those_of_the_system": ("few_departments",),
    "all_that_is_due_is_registered_and_found_again": (
        "one_appointment", "not_found_again", "no_zone", "no_key", "never_ours",
    ),
    "what_find_gave_may_be_ordered": ("doubles_ordered",),
    "nothing_to_register_writes_nothing": ("writes_nothing",),
    "a_stranger_is_not_registered": ("strangers",),
    "the_second_time_has_the_same_numbers_and_is_not_ours": ("again", "all_ours", "time_of_asking"),
    "the_same_attempt_again_is_ours": ("never_ours", "last_attempt"),
    "too_late_is_withdrawn_and_writes_nothing": ("late",),
    "a_call_whose_time_is_over_ends_at_once_and_writes_nothing": ("asks_late",),
    "each_day_has_its_own_reception": ("tomorrow", "one_day"),
    "numbers_begin_at_one_each_day_and_leave_nobody_out": ("gap", "gap_of_late", "number_again", "numbers_go_on"),
    "who_was_registered_at_the_window_is_not_ours": ("all_ours", "again"),
    "several_departments_are_one_visit": ("one_appointment", "first_department"),
    "who_has_no_appointment_may_walk_in_once": ("doubled_walk_in",),
    "a_walk_in_is_added_to_a_visit_unless_its_department_is_in_it": ("doubled_walk_in", "adds_nothing"),
    "a_stranger_may_not_walk_in": ("strangers",),
    "a_cancelled_visit_may_be_registered_with_another_number": ("number_again", "not_cancelled", "appointments_go"),
    "cancelling_twice_is_safe": ("last_reason", "not_cancelled"),
    "cancelling_an_old_reception_leaves_the_new_one": ("cancels_any",),
    "a_reception_of_somebody_else_or_of_nobody_is_not_cancelled": ("cancels_all", "cancels_any", "cancels_others"),
    "who_is_not_registered_has_nothing_to_cancel": ("cancels_nothing",),
    "of_several_receptions_a_visit_or_one_is_cancelled": ("not_cancelled",),
    "a_walk_in_goes_with_its_reception": ("walk_in_stays",),
    "each_entrance_has_its_letters_and_its_counter": ("one_counter", "no_entrance"),
    "another_entrance_names_where_the_patient_was_registered": ("no_entrance", "again"),
    "each_department_has_its_counter": ("one_series",),
    "a_visit_of_several_numbers_is_cancelled_as_one": ("one_key", "cancels_one", "number_again"),
    "the_day_list_says_what_find_says": ("list_of_all", "list_without_receptions", "list_twice"),
    "the_list_of_another_day_is_that_days": ("list_of_all",),
    "the_register_has_every_visit_in_the_order_of_registration": (
        "register_of_counting", "register_backwards", "cancelled_appointments",
    ),
    "the_appointments_of_a_day_are_counted": ("count",),
    "followers_hear_of_what_another_kiosk_registers": ("deaf",),
    "sixteen_kiosks_and_one_patient_are_one_reception": ("race", "all_ours"),
    "one_attempt_asked_by_many_threads_is_one_reception": ("race", "never_ours"),
    "sixteen_patients_at_once_have_sixteen_receptions": ("number_twice", "every_second"),
    "wherever_a_kiosk_dies_there_is_one_visit": ("again", "never_ours"),
    "a_peer_that_refuses_is_trouble_in_time": ("keeps_dead",),
    "a_mute_peer_is_trouble_in_time": ("hangs",),
    "a_dripping_peer_is_trouble_in_time": ("hangs",),
    "a_slow_peer_is_waited_for": ("impatient",),
    "a_late_answer_is_not_taken_for_that_to_the_next_question": ("keeps_late",),
    "garbage_is_trouble": ("believes_garbage",),
    "half_an_answer_is_trouble_or_asked_again": ("believes_garbage",),
    "a_kept_connection_that_was_closed_costs_no_visit": ("stale",),
    "wherever_the_line_is_cut_there_is_one_reception": ("not_done", "retries"),
    "wherever_the_line_is_cut_cancelling_may_be_repeated": ("lost_is_none", "not_cancelled"),
    "an_outcome_that_nobody_knows_is_settled_by_asking": ("not_done",),
    "busy_is_busy_and_writes_nothing": ("busy_is_down",),
    "who_was_busy_for_a_moment_registers_after_it": ("busy_is_down", "never_ours"),
    "who_is_held_up_by_a_frozen_kiosk_is_busy_in_time": ("hangs_on",),
    "a_login_that_is_refused_is_named_as_that": ("login_is_down",),
    "a_refusal_is_refused_and_not_done": ("refuses_is_down",),
    "what_the_system_did_not_take_is_left_out": ("forgets_left_out",),
    "an_answer_about_somebody_else_is_misunderstood": ("believes_all",),
    "a_code_that_nobody_knows_is_misunderstood": ("believes_codes",),
    "nonsense_is_misunderstood": ("believes_codes",),
    "a_huge_answer_is_trouble": ("believes_garbage",),
    "a_hostile_answer_is_misunderstood": ("believes_codes",),
    "an_error_of_the_transport_is_trouble": ("error_is_empty",),
    "a_wrong_address_is_trouble_and_no_unknown_patient": ("not_there_is_empty",),
    "a_clock_that_is_a_day_off_registers_nobody_for_another_day": ("believes_day",),
    "an_answer_about_another_day_is_not_believed": ("believes_day",),
    "who_is_registered_at_the_window_meanwhile_is_not_ours": ("all_ours", "again"),
    "a_reply_that_was_lost_is_settled_by_asking": ("not_done",),
    "done_with_warnings_is_done": ("no_warnings",),
    "another_way_to_say_well_is_well": ("no_zeros",),
    "an_empty_row_is_no_appointment": ("believes_stubs",),
    "a_list_that_was_cut_is_not_taken_for_the_whole": ("believes_cut",),
    "other_leading_zeros_are_the_same_patient": ("no_padding",),
    "no_patient_is_in_a_repr_or_a_log": ("logs",),
    "no_patient_is_in_what_trouble_says": ("says_who",),
    "one_attempt_has_the_row_and_another_waits": ("takes_all",),
    "who_crashed_before_the_system_answered_asks_it_first": ("never_ask_first", "asks_first_others"),
    "when_the_lease_has_ended_the_next_attempt_asks_first": ("never_ask_first", "long_lease"),
    "what_the_system_took_is_kept_and_numbered": ("system_number", "never_ours"),
    "who_is_in_the_book_needs_no_system": ("takes_registered",),
    "the_line_keeps_the_systems_own_keys": ("forgets_system",),
    "an_outcome_that_is_none_frees_the_row": ("none_keeps",),
    "an_unknown_outcome_is_on_the_list_until_it_is_settled": ("list_forgets", "stays_listed"),
    "after_an_unknown_outcome_whoever_comes_next_asks_first": ("unknown_is_free",),
    "two_attempts_that_both_say_done_have_one_number": ("settles_twice",),
    "who_was_at_the_window_before_is_not_ours": ("at_of_kiosk", "all_ours"),
    "staff_see_what_is_noted_until_it_is_dealt_with": ("notes_once", "stays_listed"),
    "a_book_without_a_system_registers_what_it_holds": ("takes_registered",),
}  # fmt: skip


@pytest.mark.parametrize(("finds", "planted"), [(finds, each) for finds, some in PLANTED.items() for each in some])
def test_a_planted_fault_is_found(planted: str, finds: str) -> None:
    with memory(planted, atomic=False) as subject, pytest.raises(AssertionError):
        BY_NAME[finds].ask_of(subject)


def test_no_behaviour_passes_whatever_it_is_asked_of() -> None:
    assert set(PLANTED) == set(BY_NAME)
