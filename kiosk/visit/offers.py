"""What a patient may choose now: cards, a walk-in, departments. For the steps that take a choice and the screens."""

from __future__ import annotations

from typing import Final

from kiosk.visit.state import ChoosingDepartment, Done, Kiosk, Known, WalkInDepartment

DEPARTMENTS_A_PAGE: Final = 6


def ways_down(kiosk: Kiosk) -> dict[str, bool]:
    """For each way that the site has, whether it cannot be used now."""
    around = kiosk.surroundings
    ways = {"mynumber": around.terminal_down_since is not None}
    if kiosk.rules.patient_cards:
        ways["patient_card"] = around.card_reader_down_since is not None or kiosk.cards_rest_until is not None
    return ways


def is_out_of_service(kiosk: Kiosk) -> bool:
    """Whether no card can be used: then nobody is asked for one."""
    return all(ways_down(kiosk).values())


def may_walk_in(known: Known) -> bool:
    """Whether any department receives this patient now without an appointment."""
    return any(each.receives for each in known.found.walk_in)


def departments_on(stage: ChoosingDepartment) -> tuple[WalkInDepartment, ...]:
    """Those of the present page of the list."""
    begin = stage.page * DEPARTMENTS_A_PAGE
    return stage.known.found.walk_in[begin : begin + DEPARTMENTS_A_PAGE]


def pages_of(known: Known) -> int:
    """How many pages the list of departments has."""
    return -(-len(known.found.walk_in) // DEPARTMENTS_A_PAGE)


def may_reopen(stage: Done) -> bool:
    """Whether time and place can be seen once more: only by whom no slip says them."""
    return stage.no_slip is not None and stage.covered and not stage.reopened
