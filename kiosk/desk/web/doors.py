"""Log-in, idle lock, and what a user does for themselves.

Must never say which of name and password was wrong, or send anybody to another host.
"""

from __future__ import annotations

from math import ceil

from starlette.responses import Response

from kiosk.desk.people.gate import Ended, Locked, LoggedIn, Session, TooMany, Wrong
from kiosk.desk.web.call import (
    THEME_COOKIE,
    THEMES,
    Call,
    Lost,
    Site,
    local,
    notice,
    see,
    trouble,
    with_cookie,
)
from kiosk.desk.web.words import WORDS, Chip, problem
from kiosk.words.problems import Problem


def log_in_page(site: Site, call: Call) -> Response:
    """The log-in; whoever is in already goes on."""
    if call.session is not None:
        return see("/")
    return _log_in(site, call, None)


def _log_in(site: Site, call: Call, above: Chip | None, status: int = 200) -> Response:
    name, onward = call.form.get("name", ""), call.form.get("next") or call.query.get("next", "/")
    return site.door(
        call, "login.html", status=status, notice=above, name=name, next=local(onward), hospital=site.hospital
    )


def log_in(site: Site, call: Call) -> Response:
    """A try."""
    outcome = site.gate.log_in(call.form.get("name", "").strip(), call.form.get("password", ""), call.address)
    if isinstance(outcome, LoggedIn):
        path = "/me" if outcome.session.user.must_change else local(call.form.get("next", "/"))
        return with_cookie(see(path), call, outcome.cookie)
    return _log_in(site, call, trouble(_why_not("login", outcome), bad=True), 403)


def log_out(site: Site, call: Call) -> Response:
    """The session ends; its token was asked for."""
    site.gate.log_out(call.cookie)
    return with_cookie(see("/login"), call, "")


def lock(site: Site, call: Call) -> Response:
    """離席: the user locks the page before the idle lock does."""
    site.gate.lock(call.cookie)
    return see("/")


def lock_page(site: Site, call: Call, above: Chip | None = None, status: int = 200) -> Response:
    """What stands where a page would be while its session is idle."""
    user = call.user.user
    onward = call.path if call.method == "GET" else call.form.get("next", "/")
    return site.door(
        call, "lock.html", status=status, notice=above, owner=user.name, has_pin=user.has_pin, next=local(onward)
    )


def unlock(site: Site, call: Call) -> Response:
    """A try of PIN or password."""
    outcome = site.gate.unlock(call.cookie, call.form.get("secret", ""))
    if isinstance(outcome, Session):
        return see(local(call.form.get("next", "/")))
    if isinstance(outcome, Ended) or call.session is None:
        return with_cookie(_log_in(site, call, trouble(WORDS["login"]["ended"]), 403), call, "")
    return lock_page(site, call, trouble(_why_not("lock", outcome), bad=True), 403)


def _why_not(table: str, outcome: Wrong | Locked | TooMany) -> str:
    words = WORDS["login"]
    if isinstance(outcome, Locked):
        return str(words["locked"]).format(minutes=max(1, ceil(outcome.wait_s / 60)))
    if isinstance(outcome, TooMany):
        return str(words["busy"]).format(seconds=max(1, ceil(outcome.wait_s)))
    left = str(WORDS[table]["left"]).format(left=outcome.left) if outcome.left else ""
    return f"{WORDS[table]['wrong']}{left}"


def active(site: Site, call: Call) -> Response:
    """A person is there: asking for the session has said so to the gate."""
    return Response(status_code=204)


# --- 自分の設定 ------------------------------------------------------------------------------------------------------


def me(site: Site, call: Call) -> Response:
    """Password, PIN, theme."""
    return _me(site, call, notice(call))


def _me(site: Site, call: Call, above: Chip | None, status: int = 200) -> Response:
    return site.page(call, "me.html", site.desk.header(), status=status, here="me", notice=above)


def password(site: Site, call: Call) -> Response:
    """A new password."""
    if call.form.get("new", "") != call.form.get("repeat", ""):
        return _me(site, call, trouble(WORDS["me"]["differ"]), 409)
    outcome = site.gate.change_password(call.user, call.form.get("old", ""), call.form.get("new", ""))
    return _changed(site, call, outcome, "change_password")


def pin(site: Site, call: Call) -> Response:
    """A PIN for the idle lock, or none."""
    outcome = site.gate.set_pin(call.user, call.form.get("password", ""), call.form.get("pin", ""))
    return _changed(site, call, outcome, "set_pin")


def _changed(site: Site, call: Call, outcome: Problem | Wrong | Locked | TooMany | None, done: str) -> Response:
    if outcome is None:
        return see("/me", done)
    if isinstance(outcome, Problem):
        text = problem(outcome)
    elif isinstance(outcome, Wrong):
        text = str(WORDS["me"]["wrong"])
    else:
        text = _why_not("login", outcome)
    return _me(site, call, trouble(text, bad=True), 409)


def theme(site: Site, call: Call) -> Response:
    """Light, dark, or as the PC has it; of this browser."""
    wanted = call.form.get("theme", "")
    if wanted not in (*THEMES, "auto"):
        raise Lost(400, "bad_form")
    response = see("/me", "theme")
    age = 400 * 86400 if wanted in THEMES else 0
    response.set_cookie(THEME_COOKIE, wanted, max_age=age, httponly=True, samesite="strict", secure=call.secure)
    return response
