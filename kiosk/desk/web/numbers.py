"""照会番号: who lacks one, looking for the patient, sending a registration, today's list.

Must never choose a patient: a candidate is there only for a number that somebody typed, scanned or pressed.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from kiosk.desk.people.roles import Act as Permission
from kiosk.desk.web.call import Call, Handler, Site, notice
from kiosk.desk.web.visits import act, send, settle, withdraw
from kiosk.desk.web.words import Chip


def numbers(site: Site, call: Call) -> Response:
    """The two lists."""
    site.permit(call, Permission.SEE_REGISTRATIONS)
    return _numbers(site, call, notice(call))


def _numbers(site: Site, call: Call, above: Chip | None, status: int = 200) -> Response:
    page = site.desk.numbers()
    return site.page(call, "numbers.html", page.header, status=status, here="numbers", page=page, notice=above)


def number(site: Site, call: Call) -> Response:
    """One visit without a 照会番号."""
    site.permit(call, Permission.SEE_VISIT, visit=call.number)
    return _number(site, call, notice(call))


def find(site: Site, call: Call) -> Response:
    """The same, with what was looked for."""
    site.permit(call, Permission.SEE_VISIT, visit=call.number)
    return _number(site, call, None)


def _number(site: Site, call: Call, above: Chip | None, status: int = 200) -> Response:
    wanted = (call.form.get("wanted") or call.form.get("number") or "").strip()
    page = site.desk.number(call.number, wanted)
    return site.page(
        call, "number.html", page.header, status=status, here="numbers", page=page, wanted=wanted, notice=above
    )


ACTS: Final[dict[str, Handler]] = {
    "/n/{number:int}/send": act(send, _number, "/numbers"),
    "/registrations/{number:int}/withdraw": act(withdraw, _numbers, "/numbers", "withdraw"),
    "/registrations/{number:int}/settle": act(settle, _numbers, "/numbers"),
}
