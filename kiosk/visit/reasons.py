"""Why a visit ended at the counter, or without a slip, and the code by which staff look it up. deploy/CONTRACT.md."""

from __future__ import annotations

from typing import Final

# Why a patient is at the counter, and how staff look it up.
COUNTER_CODES: Final[dict[str, str]] = {
    "no_appointment": "N1",
    "unknown_patient": "N2",
    "too_early": "N3",
    "too_late": "N4",
    "no_card": "N5",
    "see_staff": "N6",
    "not_registered": "K1",
    "ambiguous": "K2",
    "unreadable": "K3",
    "failed": "K4",
    "no_qualification": "K5",
    "no_result": "K6",
    "birthday_differs": "K7",
    "card_unreadable": "K8",
    "reservations_down": "S1",
    "his_busy": "S2",
    "outcome_unknown": "S3",
}
COUNTER_REASONS: Final = tuple(COUNTER_CODES)
# Of these patients of the day staff have a list, by the code of the slip.
LISTED_REASONS: Final = frozenset({"reservations_down", "his_busy", "outcome_unknown"})
# Why an arrival is in custody.
CUSTODY_REASON: Final = "his_down"
CUSTODY_CODE: Final = "S4"
# The same where the patient is registered and has no slip.
NO_SLIP_CODES: Final[dict[str, str]] = {
    "paper_out": "P1",
    "cover_open": "P2",
    "printer_offline": "P3",
    "printer_silent": "P4",
    "printer_stalled": "P5",
}
NO_SLIP_REASONS: Final = tuple(NO_SLIP_CODES)
UNKNOWN_CODE: Final = "S9"


def code_of(reason: str, visit: int) -> str:
    """The code at the counter: `N1`; `S1-47`, with the visit's last digits, where staff have a list."""
    code = COUNTER_CODES.get(reason, UNKNOWN_CODE)
    return f"{code}-{visit % 100:02}" if reason in LISTED_REASONS else code
