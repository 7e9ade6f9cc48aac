"""Every call of the port as one question with named parts: for who passes questions on instead of answering them."""

from abc import ABC, abstractmethod
from datetime import date, datetime
from typing import Any

from drivers.reservations import (
    Answer,
    Cancellation,
    Count,
    DayList,
    Departments,
    Kept,
    Order,
    Reception,
    Register,
    Registered,
    Registration,
    Taken,
    Trouble,
    Unsettled,
    UnsettledList,
)


class Asking(ABC):
    """The calls of `Book`, and so of every role. See `ports` for what each means."""

    @abstractmethod
    def _ask(self, name: str, until: float, **parts: Any) -> Any:
        """Ask the call `name` with its parameters; the answer is one of those that it may have."""

    def find(self, patient_number: str, day: date, until: float) -> Answer:
        """See SystemOfRecord.find."""
        answer: Answer = self._ask("find", until, patient_number=patient_number, day=day)
        return answer

    def register(self, order: Order, until: float) -> Registration:
        """See SystemOfRecord.register."""
        answer: Registration = self._ask("register", until, order=order)
        return answer

    def cancel(
        self, patient_number: str, reception: Reception, day: date, at: datetime, reason: str, until: float
    ) -> Cancellation:
        """See SystemOfRecord.cancel."""
        answer: Cancellation = self._ask(
            "cancel", until, patient_number=patient_number, reception=reception, day=day, at=at, reason=reason
        )
        return answer

    def day_list(self, day: date, until: float) -> DayList | Trouble:
        """See SystemOfRecord.day_list."""
        answer: DayList | Trouble = self._ask("day_list", until, day=day)
        return answer

    def departments(self, day: date, until: float) -> Departments | Trouble:
        """See SystemOfRecord.departments."""
        answer: Departments | Trouble = self._ask("departments", until, day=day)
        return answer

    def entries(self, day: date, until: float) -> Register | Trouble:
        """See Reservations.entries."""
        answer: Register | Trouble = self._ask("entries", until, day=day)
        return answer

    def count(self, day: date, until: float) -> Count | Trouble:
        """See Reservations.count."""
        answer: Count | Trouble = self._ask("count", until, day=day)
        return answer

    def unsettled(self, day: date, until: float) -> UnsettledList | Trouble:
        """See Reservations.unsettled."""
        answer: UnsettledList | Trouble = self._ask("unsettled", until, day=day)
        return answer

    def noted_done(self, order: Order, until: float) -> Kept | Trouble:
        """See Reservations.noted_done."""
        answer: Kept | Trouble = self._ask("noted_done", until, order=order)
        return answer

    def take(self, order: Order, lease_s: float, until: float) -> Taken | Registered | Trouble:
        """See Book.take."""
        answer: Taken | Registered | Trouble = self._ask("take", until, order=order, lease_s=lease_s)
        return answer

    def settle(self, order: Order, outcome: Registration, until: float) -> Registration:
        """See Book.settle."""
        answer: Registration = self._ask("settle", until, order=order, outcome=outcome)
        return answer

    def note(self, unsettled: Unsettled, until: float) -> Kept | Trouble:
        """See Book.note."""
        answer: Kept | Trouble = self._ask("note", until, unsettled=unsettled)
        return answer
