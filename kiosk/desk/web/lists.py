"""本日の受付, 要確認, the search, and the rows that a browser asks for when it was told "changed".

Owns which rows a list has; `kiosk.desk.web.news` makes what is new of them.
"""

from __future__ import annotations

from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from kiosk.desk import search
from kiosk.desk.pages import Filter
from kiosk.desk.people.roles import Act as Permission
from kiosk.desk.web.call import Call, Site, acting, notice, see
from kiosk.desk.web.words import WORDS, Chip

_EMPTY: Final = {Filter.all: "empty", Filter.waiting: "empty_waiting", Filter.open: "empty_open"}
# Seconds after which a browser without script asks again.
_REFRESH_S: Final = 30


def day(site: Site, call: Call) -> Response:
    """本日の受付."""
    site.permit(call, Permission.SEE_DAY)
    return listed(site, call, notice=notice(call))


def waiting(site: Site, call: Call) -> Response:
    """要確認: everything that waits for a person, oldest first."""
    site.permit(call, Permission.SEE_DAY)
    return listed(site, call, reasons=True, notice=notice(call))


def find(site: Site, call: Call) -> Response:
    """The search without script: a number that is somebody's goes to that row."""
    site.permit(call, Permission.SEE_DAY)
    wanted = call.form.get("wanted", "")
    rows = search.matching(site.desk.day().rows, wanted)
    if len(rows) == 1 and search.folded(rows[0].number) == search.folded(wanted):
        return see(f"/#v{rows[0].seq}")
    return listed(site, call, wanted=wanted)


def listed(
    site: Site, call: Call, *, wanted: str = "", reasons: bool = False, notice: Chip | None = None, status: int = 200
) -> Response:
    """The page of a list, with `notice` above it. `reasons`: as 要確認."""
    page = site.desk.day()
    which = Filter.open if reasons else _filter(call)
    rows = search.kept(page.rows, which)
    if wanted.strip():
        rows = search.matching(rows, wanted)
    made = site.renderer.rows(rows, page.header.day, acting=acting(call), reasons=reasons)
    others = (page.unserved, page.unsettled) if reasons else ((), ())
    path = "/open" if reasons else f"/?filter={which}" if which is not Filter.all else "/"
    return site.page(
        call,
        "day.html",
        page.header,
        status=status,
        here="open" if reasons else "day",
        reasons=reasons,
        filter="reasons" if reasons else "none" if wanted else which.value,
        rows=Markup().join(made.values()),
        unserved_rows=site.renderer.others(*others, acting=acting(call)),
        count=len(rows) + sum(map(len, others)),
        empty=WORDS["list"][_EMPTY[which]],
        arrivals=page.arrivals,
        arrival_rows=site.renderer.arrivals(page.arrivals or (), acting=acting(call)),
        wanted=wanted,
        back=path,
        notice=notice,
        refresh="" if wanted else f"{_REFRESH_S};url={path}{'&' if '?' in path else '?'}auto=1",
    )


def rows(site: Site, call: Call) -> Response:
    """The rows that changed since a revision, as JSON of ready HTML; see `News`."""
    site.permit(call, Permission.SEE_DAY)
    since = call.query.get("since", "")
    known = int(since) if since.isascii() and since.isdigit() and len(since) < 20 else 0
    page = site.desk.day()
    body = site.news.since(site.renderer, page, known, call.query.get("filter", ""), may_act=acting(call))
    return Response(body, media_type="application/json")


def _filter(call: Call) -> Filter:
    wanted = call.query.get("filter", "")
    return next((each for each in Filter if each.value == wanted), Filter.all)
