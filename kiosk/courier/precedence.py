"""Which goes first: the answer to a subsidy request before the eligibility result that asked for it, for a while."""

from __future__ import annotations

from kiosk.courier.alarms import NoticeBoard
from kiosk.courier.ledger import Ledger
from kiosk.courier.ledger import Subsidy as SubsidyState
from kiosk.courier.queue import Parcel


def may_go(ledger: Ledger, notices: NoticeBoard, parcel: Parcel, now: float) -> bool:
    """Whether an eligibility result may go at `now` (monotonic seconds); the ledger keeps how its wait ended."""
    if not parcel.request:
        return True
    item = ledger.item(parcel.file)
    if item.subsidy != "waiting":
        return True
    answers = ledger.answers_to(parcel.request)
    failed = any(answer.name.lower().endswith(".err") for answer in answers)
    if any(answer.state in ("published", "done") for answer in answers):
        ledger.set_subsidy(item, "failed" if failed else "result")
        if failed:
            notices.event("subsidy_failed", item)
        return True
    if now < parcel.wait_until:
        return False
    # An answer that is here but could not be put ahead is late as well.
    late: SubsidyState = "late_failed" if failed else "late_result"
    ledger.set_subsidy(item, late if answers else "unanswered")
    notices.event("subsidy_unanswered", item)
    if failed:
        notices.alarm("subsidy_failed_late", item)
    return True
