"""Three roles, and which of them may do what. Pure."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Role(Enum):
    """The values are a contract: `kiosk desk user --role`, the database and the audit chain have them."""

    VIEW = "view"  # the list of today, without addresses and certificates
    DESK = "desk"  # the daily work
    CHIEF = "chief"  # and what ends or opens something for others


class Act(Enum):
    """What a page has or does. The values stand in the audit chain and are never renamed."""

    SEE_DAY = "see_day"  # the list of today and what needs attention
    SEE_VISIT = "see_visit"  # one visit with address, insurance and certificates
    REGISTER = "register"
    WALK_IN = "walk_in"
    CANCEL = "cancel"
    PRINT_SHEET = "print_sheet"  # for the chart room
    PRINT_SLIP = "print_slip"
    CONFIRM_ELIGIBILITY = "confirm_eligibility"
    CONFIRM_SUBSIDIES = "confirm_subsidies"  # failed, late, missing or fewer was looked at
    ACCEPT_CERTIFICATE = "accept_certificate"
    KEEP_CERTIFICATE = "keep_certificate"
    END_CERTIFICATE = "end_certificate"
    SEND_REGISTRATION = "send_registration"  # of a reference number (照会番号)
    CONFIRM_LOST = "confirm_lost"  # taps that could not be listed were looked up elsewhere
    CONFIRM_UNSERVED = "confirm_unserved"  # somebody whom the kiosk could not register was taken care of
    CONFIRM_UNSETTLED = "confirm_unsettled"  # an order that is not settled at the hospital's system was taken care of
    SEE_REGISTRATIONS = "see_registrations"  # list of today's
    SETTLE_OTHERS = "settle_others"  # what another user began and left
    MANAGE_USERS = "manage_users"
    SEE_AUDIT = "see_audit"
    SEE_STATE = "see_state"  # of feed, printer and the table of names in force


# Looking at the list is not written down: it is on every screen all day. Who may see it is known from the log-ins.
NOT_RECORDED: Final = frozenset({Act.SEE_DAY, Act.SEE_STATE})

_CHIEFS: Final = frozenset({Act.END_CERTIFICATE, Act.SETTLE_OTHERS, Act.MANAGE_USERS, Act.SEE_AUDIT})

ACTS: Final = {
    Role.VIEW: frozenset({Act.SEE_DAY}),
    Role.DESK: frozenset(Act) - _CHIEFS,
    Role.CHIEF: frozenset(Act),
}


def may(role: Role, act: Act) -> bool:
    """Whether `role` may do `act`."""
    return act in ACTS[role]
