"""来院, 受付 and 印刷; and every act of staff: a form becomes an act, the desk's outcome becomes a page.

Owns which address is which act. Must never carry out anything by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from starlette.responses import Response

from kiosk.desk import acts
from kiosk.desk.acts import Act, CancelReason, Done, EndReason, Outdated
from kiosk.desk.people.roles import Act as Permission
from kiosk.desk.registration import Confirmation
from kiosk.desk.web import lists
from kiosk.desk.web.call import Call, Handler, Lost, Site, local, notice, see, trouble
from kiosk.desk.web.words import WORDS, Chip, problem

Maker = Callable[[Call], Act]
Again = Callable[[Site, Call, Chip, int], Response]


def visit(site: Site, call: Call) -> Response:
    """来院."""
    site.permit(call, Permission.SEE_VISIT, visit=call.number)
    return _visit(site, call, notice(call))


def _visit(site: Site, call: Call, above: Chip | None, status: int = 200) -> Response:
    page = site.desk.visit(call.number)
    return site.page(call, "visit.html", page.header, status=status, page=page, notice=above)


def arrival(site: Site, call: Call) -> Response:
    """受付, one of 患者受付登録一覧."""
    site.permit(call, Permission.SEE_VISIT, arrival=call.number)
    return _arrival(site, call, notice(call))


def _arrival(site: Site, call: Call, above: Chip | None, status: int = 200) -> Response:
    page = site.desk.arrival(call.number)
    return site.page(
        call, "arrival.html", page.header, status=status, page=page, notice=above, reasons=tuple(CancelReason)
    )


def sheet(site: Site, call: Call) -> Response:
    """印刷: the chart-room sheet for the browser's own printer."""
    site.permit(call, Permission.SEE_VISIT, visit=call.number)
    return _print(site, call, f"/v/{call.number}", bool(site.desk.sheet_picture(call.number)))


def slip(site: Site, call: Call) -> Response:
    """印刷: a 受付票 for the browser's own printer."""
    site.permit(call, Permission.SEE_VISIT, arrival=call.number)
    return _print(site, call, f"/a/{call.number}", bool(site.desk.slip_picture(call.number)))


def _print(site: Site, call: Call, back: str, has_picture: bool) -> Response:
    head = site.desk.header()
    return site.page(call, "print.html", head, back=back, picture=f"{back}/sheet.png", has_picture=has_picture)


def sheet_picture(site: Site, call: Call) -> Response:
    """The picture on that page: who has it, can print it."""
    site.permit(call, Permission.PRINT_SHEET, visit=call.number)
    return _picture(site.desk.sheet_picture(call.number))


def slip_picture(site: Site, call: Call) -> Response:
    """The same of a 受付票."""
    site.permit(call, Permission.PRINT_SLIP, arrival=call.number)
    return _picture(site.desk.slip_picture(call.number))


def _picture(made: bytes) -> Response:
    if not made:
        raise Lost(404, "not_found")
    return Response(made, media_type="image/png")


# --- acts ------------------------------------------------------------------------------------------------------------


def act(make: Maker, again: Again, onto: str, done: str = "") -> Handler:
    """The handler of an act. `again`: the page that says why it was not done. `onto`: where it goes on, `{}` is the
    number of the path; a form of a list has the field `back` instead. `done`: code of the notice, else the act's own.
    """

    def handler(site: Site, call: Call) -> Response:
        try:
            wanted = make(call)
        except (KeyError, ValueError):
            raise Lost(400, "bad_form") from None
        visit, arrival = (call.number if call.path.startswith(f"/{each}/") else 0 for each in ("v", "a"))
        visit = visit or (call.number if call.path.startswith("/n/") else 0)
        site.permit(call, wanted.permission, visit=visit, arrival=arrival)
        outcome = site.desk.act(wanted, call.user.user.name, call.address)
        if isinstance(outcome, Done):
            path = local(call.form["back"]) if "back" in call.form else onto.format(call.number)
            code = "partly" if outcome.partly else "already" if outcome.already else done or wanted.permission.value
            return see(path, code)
        if isinstance(outcome, Outdated):
            why = trouble(WORDS["message"]["outdated"])
        else:
            why = trouble(problem(outcome.why), bad=True)
        return again(site, call, why, 409)

    return handler


def _where_it_was(site: Site, call: Call, above: Chip, status: int) -> Response:
    """An act of a list is answered by the list, one of a visit by the visit."""
    if "back" in call.form:
        return lists.listed(site, call, reasons=call.form["back"].startswith("/open"), notice=above, status=status)
    return _visit(site, call, above, status)


def _register(call: Call) -> Act:
    return acts.Register(call.number)


def _walk_in(call: Call) -> Act:
    return acts.WalkIn(call.number, call.form["department"])


def _print_sheet(call: Call) -> Act:
    return acts.PrintSheet(call.number, again=call.form.get("again") == "1")


def _print_slip(call: Call) -> Act:
    return acts.PrintSlip(call.number)


def _cancel(call: Call) -> Act:
    return acts.Cancel(call.number, CancelReason(call.form["reason"]))


def _eligibility(call: Call) -> Act:
    return acts.ConfirmEligibility(call.number, revision(call))


def _subsidies(call: Call) -> Act:
    return acts.ConfirmSubsidies(call.number, revision(call))


def _certificate(call: Call) -> Act:
    slot, choice = call.form["slot"], call.form["choice"]
    if choice == "accept":
        return acts.AcceptCertificate(call.number, slot, revision(call))
    if choice == "keep":
        return acts.KeepCertificate(call.number, slot, revision(call))
    raise ValueError("no choice of ours")


def _end(call: Call) -> Act:
    last_day = date.fromisoformat(call.form["last_day"])
    return acts.EndCertificate(call.number, call.form["slot"], revision(call), last_day, EndReason(call.form["reason"]))


def _lost(call: Call) -> Act:
    return acts.ConfirmLost()


def _unserved(call: Call) -> Act:
    return acts.ConfirmUnserved(call.number, call.form["code"])


def _unsettled(call: Call) -> Act:
    return acts.ConfirmUnsettled(call.form["attempt"])


def _in_list(site: Site, call: Call, above: Chip, status: int) -> Response:
    return lists.listed(site, call, reasons=call.path.startswith("/u"), notice=above, status=status)


def revision(call: Call) -> int:
    """The revision that the form was displayed with. Raises KeyError, ValueError."""
    return int(call.form["revision"])


def send(call: Call) -> Act:
    """照会番号の登録, of the page of `numbers`."""
    ticks = {name: call.form.get(name) == "1" for name in ("confirmed", "same_person")}
    confirmation = Confirmation(call.form["number"].strip(), call.form.get("birth", "").strip(), **ticks)
    return acts.SendRegistration(call.number, revision(call), confirmation)


def withdraw(call: Call) -> Act:
    """A registration that was not sent."""
    return acts.WithdrawRegistration(call.number)


def settle(call: Call) -> Act:
    """A registration that was looked up at the terminal."""
    return acts.SettleRegistration(call.number, {"1": True, "0": False}[call.form["there"]])


_AT_VISIT: Final = "/v/{}"
_AT_ARRIVAL: Final = "/a/{}"
ACTS: Final[dict[str, Handler]] = {
    "/v/{number:int}/register": act(_register, _where_it_was, _AT_VISIT),
    "/v/{number:int}/walk-in": act(_walk_in, _where_it_was, _AT_VISIT),
    "/v/{number:int}/print": act(_print_sheet, _where_it_was, _AT_VISIT),
    "/v/{number:int}/eligibility": act(_eligibility, _where_it_was, _AT_VISIT),
    "/v/{number:int}/subsidies": act(_subsidies, _where_it_was, _AT_VISIT),
    "/v/{number:int}/certificate": act(_certificate, _where_it_was, _AT_VISIT),
    "/v/{number:int}/end": act(_end, _where_it_was, _AT_VISIT),
    "/a/{number:int}/cancel": act(_cancel, _arrival, _AT_ARRIVAL),
    "/a/{number:int}/print": act(_print_slip, _arrival, _AT_ARRIVAL),
    "/lost": act(_lost, _in_list, "/"),
    "/u/{number:int}/served": act(_unserved, _in_list, "/open"),
    "/unsettled": act(_unsettled, _in_list, "/open"),
}
