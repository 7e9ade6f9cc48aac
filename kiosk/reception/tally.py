"""Counts of visits since the reception started: how they ended, why at the counter, how long, what became of slips.

Pure: counts the visit's records, knows the time only as an argument. Every label is of a closed set, so no number, name
or text of a patient can become one. Must never hold anything of one visit but its way, its outcome and its start.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kiosk.reception.run_status import Counts, VisitSeconds
from kiosk.visit.reasons import COUNTER_REASONS, NO_SLIP_REASONS

# What the visit began with; `no_card`: with the question whether a card is at hand.
WAYS: Final = ("mynumber", "patient_card", "no_card")
OUTCOMES: Final = ("done", "already", "custody", "counter", "cancelled", "timed_out")
OTHER: Final = "other"  # a reason of a courier of another version
REASONS: Final = (*COUNTER_REASONS, OTHER)
SLIPS: Final = ("printed", *NO_SLIP_REASONS, OTHER)
# Upper bounds in seconds. With the good-bye, a visit takes 15 s by patient card and 30 s at the face reader.
VISIT_BOUNDS_S: Final = (10, 20, 30, 45, 60, 90, 120, 180, 300, 600)


@dataclass
class _Visit:
    way: str
    began_at: float
    outcome: str | None = None
    reason: str | None = None


class Tally:
    """From one thread. `now`: seconds of a monotonic clock. `changes` grows whenever a count does."""

    def __init__(self, now: float) -> None:
        self._began_at = now
        self.changes = 0
        self._receptions = {way: dict.fromkeys(OUTCOMES, 0) for way in WAYS}
        self._reasons = dict.fromkeys(REASONS, 0)
        self._slips = dict.fromkeys(SLIPS, 0)
        self._within = [0] * (len(VISIT_BOUNDS_S) + 1)  # one for each bound, and one for what takes longer
        self._seconds = 0.0
        self._visit: _Visit | None = None

    def on_event(self, event: str, fields: Mapping[str, Any], now: float) -> None:
        """One line of the reception's event log; those of visits are counted."""
        code, visit = str(fields.get("code", "")), self._visit
        match event:
            case "visit_started":
                self._visit = _Visit(code if code in WAYS else WAYS[0], now)
            case "arrival_registered" if visit:
                visit.outcome = "already" if code == "again" else "done"
            case "arrival_in_custody" if visit:
                visit.outcome = "custody"
            case "sent_to_counter" if visit:
                visit.outcome, visit.reason = "counter", code if code in REASONS else OTHER
            case "slip_printed" | "slip_failed":
                result = "printed" if event == "slip_printed" else code
                self._slips[result if result in SLIPS else OTHER] += 1
                self.changes += 1
            case "visit_ended" if visit:
                self._visit = None
                if code != "stopped":  # the kiosk was switched off; these counts end with it
                    self._end(visit, visit.outcome or ("cancelled" if code == "cancelled" else "timed_out"), now)

    def _end(self, visit: _Visit, outcome: str, now: float) -> None:
        """Counted at its end, all at once: receptions, reasons and seconds always agree."""
        self._receptions[visit.way][outcome] += 1
        if visit.reason is not None:
            self._reasons[visit.reason] += 1
        seconds = now - visit.began_at
        self._within[bisect_left(VISIT_BOUNDS_S, seconds)] += 1
        self._seconds += seconds
        self.changes += 1

    def counts(self, now: float) -> Counts:
        """For status-run.json."""
        return Counts(
            up_s=round(now - self._began_at, 1),
            receptions=self._receptions,
            counter_reasons=self._reasons,
            slips=self._slips,
            visit_seconds=VisitSeconds(VISIT_BOUNDS_S, tuple(self._within), round(self._seconds, 1)),
        )
