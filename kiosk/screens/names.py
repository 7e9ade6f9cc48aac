"""Names of what a patient can see and press: screens, buttons, tools, acts, notes. deploy/CONTRACT.md has them all."""

from __future__ import annotations

from typing import Final

from kiosk.visit.rules import LANGUAGES

MORE_TIME: Final = "more_time"
# No button: what a face calls a finger that rests in the corner that staff know of. Patients are not shown it.
STAFF_CORNER: Final = "staff_corner"
KEYS: Final = tuple(f"key_{digit}" for digit in range(10))
DEPARTMENTS_A_PAGE: Final = 6
DEPARTMENT_BUTTONS: Final = tuple(f"department_{place}" for place in range(DEPARTMENTS_A_PAGE))
LANGUAGE_TOOLS: Final = tuple(f"lang_{language}" for language in LANGUAGES)
# The bar of every page; each can be pressed on every page, also those of LANGUAGE_TOOLS.
TOOLS: Final = ("language", *LANGUAGE_TOOLS, "text_size", "contrast", "wheelchair")
# Every screen with the buttons it can have; one that is about to go by itself offers MORE_TIME as well.
SCREENS: Final[dict[str, tuple[str, ...]]] = {
    "choose_card": ("mynumber", "patient_card", "no_card"),
    "no_card": ("mynumber", "patient_card", "no", "call", "back"),
    "choose_language": (*LANGUAGE_TOOLS, "back"),
    "preparing": ("cancel",),
    "tap_reader": ("cancel",),
    "insert_card": ("cancel",),
    "birthday": (*KEYS, "clear", "ok", "cancel"),
    "looking_up": (),
    "early": ("close",),
    "other_day": ("walk_in", "close"),
    "choose_department": (*DEPARTMENT_BUTTONS, "more", "back"),
    "confirm_department": ("yes", "back"),
    "printing": (),
    "done": ("show_again", "close"),
    "already": ("show_again", "close"),
    "custody": ("show_again", "close"),
    "counter": ("call", "close"),
    "closed": (),
    "out_of_service": (),
}
# What a patient does next, by code. Acts have their sentences in [next] of the patient's catalogue; where a page asks
# for nothing but an answer, the sentence is the page's title.
NEXT: Final = (
    "answer",
    "put_card",
    "face_or_pin",
    "watch_screen",
    "insert_card",
    "take_slip",
    "note_number",
    "insurance_counter",
    "subsidy_counter",
    "rest_counter",
    "say_late",
    "message",
    "come_back",
    "go_place",
    "show_slip",
    "say_number",
    "wait_call",
    "wait",
    "go_counter",
    "hand_in_slip",
    "show_code",
    "come_later",
)
# The worst first.
STAFF: Final = (
    "disk_full",
    "courier_silent",
    "delivery_waits",
    "share_terminal",
    "share_receipt_computer",
    "reservations_down",
    "his_down",
    "orders_refused",
    "reservations_lost",
    "reference_numbers_refused",
    "alarms",
    "alarm_command_failed",
    "many_cards",
    "printer",
    "paper_near_end",
    "imports",
    "disk_low",
    "reservations_backup_old",
)
NOTES: Final = (
    "insurance_check",
    "subsidy_failed",
    "insurance_monthly",
    "arrived_late",
    "arrived_early",
    "walk_in",
    "incomplete",
    "partly",
    "no_slip",
)
