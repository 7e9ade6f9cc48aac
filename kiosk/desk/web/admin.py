"""管理: state of the parts, users, audit, the table of names.

Must never keep a password: one for a single log-in stands in the answer to the form that made it, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.responses import Response

from kiosk.desk.people.roles import Act as Permission
from kiosk.desk.people.roles import Role, may
from kiosk.desk.web.call import Call, Lost, Site, notice, see, trouble
from kiosk.desk.web.words import Chip, problem
from kiosk.words.problems import Problem


@dataclass(frozen=True)
class NewPassword:
    """A password for one log-in of `name`."""

    name: str
    password: str = field(repr=False)


def admin(site: Site, call: Call) -> Response:
    """The page."""
    site.permit(call, Permission.SEE_STATE)
    return _admin(site, call, notice(call))


def _admin(
    site: Site, call: Call, above: Chip | None, status: int = 200, new_password: NewPassword | None = None
) -> Response:
    page, role = site.desk.admin(), call.user.user.role
    before = call.query.get("before", "")
    audit = None
    if may(role, Permission.SEE_AUDIT):
        site.permit(call, Permission.SEE_AUDIT)
        audit = site.gate.audit(int(before) if before.isascii() and before.isdigit() and len(before) < 12 else 0)
    return site.page(
        call,
        "admin.html",
        page.header,
        status=status,
        here="admin",
        page=page,
        users=site.gate.users() if may(role, Permission.MANAGE_USERS) else None,
        audit=audit,
        password=new_password,
        notice=above,
    )


def users(site: Site, call: Call) -> Response:
    """A form of the list of users."""
    site.permit(call, Permission.MANAGE_USERS)
    name, wanted = call.form.get("name", "").strip(), call.form.get("do", "")
    role = call.form.get("role", "")
    if wanted in ("add", "role") and role not in (each.value for each in Role):
        raise Lost(400, "bad_form")
    if wanted in ("add", "reset"):
        gate = site.gate
        made = gate.add_user(call.user, name, Role(role)) if wanted == "add" else gate.reset_password(call.user, name)
        if isinstance(made, Problem):
            return _admin(site, call, trouble(problem(made), bad=True), 409)
        return _admin(site, call, None, new_password=NewPassword(name, made))
    if wanted == "role":
        refused, done = site.gate.set_role(call.user, name, Role(role)), "set_role"
    elif wanted == "remove":
        refused, done = site.gate.remove_user(call.user, name), "remove_user"
    else:
        raise Lost(400, "bad_form")
    if refused is not None:
        return _admin(site, call, trouble(problem(refused), bad=True), 409)
    return see("/admin", done)
