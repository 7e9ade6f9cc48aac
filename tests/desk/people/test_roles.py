"""Who may do what, written out."""

from __future__ import annotations

import pytest

from kiosk.desk.people.roles import Act, Role, may

V, D, C = Role.VIEW, Role.DESK, Role.CHIEF
TABLE = {
    Act.SEE_DAY: {V, D, C},
    Act.SEE_VISIT: {D, C},
    Act.REGISTER: {D, C},
    Act.WALK_IN: {D, C},
    Act.CANCEL: {D, C},
    Act.PRINT_SHEET: {D, C},
    Act.PRINT_SLIP: {D, C},
    Act.CONFIRM_ELIGIBILITY: {D, C},
    Act.CONFIRM_SUBSIDIES: {D, C},
    Act.ACCEPT_CERTIFICATE: {D, C},
    Act.KEEP_CERTIFICATE: {D, C},
    Act.END_CERTIFICATE: {C},
    Act.SEND_REGISTRATION: {D, C},
    Act.CONFIRM_LOST: {D, C},
    Act.CONFIRM_UNSERVED: {D, C},
    Act.CONFIRM_UNSETTLED: {D, C},
    Act.SEE_REGISTRATIONS: {D, C},
    Act.SETTLE_OTHERS: {C},
    Act.MANAGE_USERS: {C},
    Act.SEE_AUDIT: {C},
    Act.SEE_STATE: {D, C},
}


def test_every_act_is_in_the_table() -> None:
    assert set(TABLE) == set(Act)


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("role", Role)
def test_a_role_may_what_the_table_says(role: Role, act: Act) -> None:
    assert may(role, act) is (role in TABLE[act])
