"""What is new in a list since a revision, as JSON of ready HTML, made once for all browsers that ask the same.

Owns the answers of the newest revision only: an older list is nobody's business any more.
"""

from __future__ import annotations

import json
from threading import Lock
from typing import Any, Final

from kiosk.desk import search
from kiosk.desk.pages import DayPage, Filter
from kiosk.desk.web.render import Renderer, at
from kiosk.desk.web.words import WORDS

# The list 要確認, as the pages call it.
REASONS: Final = "reasons"
# Browsers that missed something ask from different revisions.
_MOST: Final = 100


class News:
    """`{"revision", "at", "open", "overdue", "numbers", "banners", "rows": {seq: revision}}`, for a list with `"html":
    {seq: row}` of what changed and is in it, `"order": [seq]` of all that is in it, `"unserved"` (rows of REASONS that
    are no visits), `"count"`, `"arrivals"` (null: as before), `"arrivals_count"`, `"arrivals_empty"`.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._revision = -1
        self._answers: dict[tuple[int, str, bool], str] = {}

    def since(self, renderer: Renderer, page: DayPage, known: int, which: str, *, may_act: bool) -> str:
        """What is new after the revision `known` for the list `which`: a Filter, REASONS, or anything else for none."""
        head = page.header
        now = {"at": at(head.now), "open": head.open, "overdue": head.overdue, "numbers": head.not_registered}
        now["banners"] = renderer.banners(head, acting=may_act)
        key = (known, which, may_act)
        with self._lock:  # who comes second finds the work done
            if head.revision != self._revision or len(self._answers) >= _MOST:
                self._revision = head.revision
                self._answers.clear()
            if key not in self._answers:
                news = _news(renderer, page, known, which, may_act=may_act)
                self._answers[key] = json.dumps(news, ensure_ascii=False, separators=(",", ":"))
            return f"{json.dumps(now, ensure_ascii=False)[:-1]},{self._answers[key][1:]}"


def _news(renderer: Renderer, page: DayPage, known: int, which: str, *, may_act: bool) -> dict[str, Any]:
    head = page.header
    changed = page.rows if known < page.began else search.newer(page.rows, known)
    news: dict[str, Any] = {"revision": head.revision, "rows": {str(row.seq): row.revision for row in changed}}
    if which not in (*Filter, REASONS):
        return news
    listed = search.kept(page.rows, Filter.open if which == REASONS else Filter(which))
    fresh = {row.seq for row in changed}
    made = renderer.rows(
        [row for row in listed if row.seq in fresh], head.day, acting=may_act, reasons=which == REASONS
    )
    arrivals = page.arrivals or ()
    others = (page.unserved, page.unsettled) if which == REASONS else ((), ())
    words = WORDS["list"]
    return {
        **news,
        "html": {str(seq): html for seq, html in made.items()},
        "order": [row.seq for row in listed],
        "unserved": renderer.others(*others, acting=may_act),
        "count": f"{len(listed) + sum(map(len, others))}{words['people']}",
        "arrivals": renderer.arrivals(arrivals, acting=may_act) if page.arrivals_revision > known else None,
        "arrivals_count": "" if page.arrivals is None else f"{len(arrivals)}{words['people']}",
        "arrivals_empty": words["arrivals_down" if page.arrivals is None else "empty_arrivals"],
    }
