"""The desk behind its pages (`acts.Desk`), and behind its feed (`feed.Sink`): every part asked for what is its own.

Owns what a page says and in which order an act is checked, carried out and noted. Must never carry out an act of a
visit that changed since it was displayed, accept anything by itself, or say that something was done which is not kept.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

from kiosk.config import Config
from kiosk.desk import acts, page_values
from kiosk.desk.acts import Act, Done, Outcome, Outdated, Refused
from kiosk.desk.compare import Compared
from kiosk.desk.day_list import DayList, Listed
from kiosk.desk.day_store import Entry, Noted
from kiosk.desk.departments import Departments
from kiosk.desk.export import Exports
from kiosk.desk.feed import Feed, Result
from kiosk.desk.feed import Subsidy as Answered
from kiosk.desk.kiosk_notices import KioskNotices
from kiosk.desk.lines import number_of
from kiosk.desk.numbers import Numbers
from kiosk.desk.page_values import appointment_text
from kiosk.desk.pages import (
    AdminPage,
    ArrivalPage,
    DayPage,
    Group,
    Header,
    Label,
    NumberPage,
    NumbersPage,
    VisitPage,
)
from kiosk.desk.papers import Papers
from kiosk.desk.people.audit import AuditChain
from kiosk.desk.receptions import Receptions
from kiosk.desk.sealed_register import SealedRegister
from kiosk.desk.standing import Standing
from kiosk.desk.today import Today
from kiosk.desk.unsettled import UnsettledOrders
from kiosk.desk.visits import ELIGIBILITY, SUBSIDIES, Attention, Settlement, answer_of, tap_of
from kiosk.process.sealing import Seals
from kiosk.results.pmh_names import Names
from kiosk.words.problems import Problem

Decision: TypeAlias = (
    acts.ConfirmEligibility
    | acts.ConfirmSubsidies
    | acts.AcceptCertificate
    | acts.KeepCertificate
    | acts.EndCertificate
)


@dataclass(frozen=True)
class Parts:
    """What the desk is made of. `exports`: None: `[desk] export` is off. `chain`: the audit."""

    config: Config
    today: Today
    register: SealedRegister
    receptions: Receptions
    departments: Departments
    papers: Papers
    numbers: Numbers
    exports: Exports | None
    feed: Feed
    kiosk: KioskNotices
    unsettled: UnsettledOrders
    standing: Standing
    chain: AuditChain
    seals: Seals
    names: Names
    clock: Callable[[], datetime]


class Service:
    """See `acts.Desk` and `feed.Sink`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._today, self._receptions, self._papers = parts.today, parts.receptions, parts.papers
        self._numbers, self._register, self._clock = parts.numbers, parts.register, parts.clock
        self._list = DayList(
            parts.today, parts.receptions, parts.departments, parts.numbers, parts.kiosk, parts.unsettled, parts.clock
        )  # fmt: skip
        # What is compared, decided and kept about certificates is one step: two of the staff may press at once.
        self._deciding = threading.Lock()
        self._acts: dict[type, Callable[..., Outcome]] = {
            acts.Register: lambda act, by: self._receptions.register(act.seq, by),
            acts.WalkIn: lambda act, by: self._receptions.walk_in(act.seq, act.department, by),
            acts.Cancel: lambda act, by: self._receptions.cancel(act.arrival, str(act.reason), by),
            acts.PrintSheet: lambda act, by: self._papers.print_sheet(act.seq, by, again=act.again),
            acts.PrintSlip: lambda act, by: self._papers.print_slip(act.arrival),
            acts.ConfirmEligibility: self._confirm_eligibility,
            acts.ConfirmSubsidies: self._confirm_subsidies,
            acts.AcceptCertificate: self._one_at_a_time(self._accept),
            acts.KeepCertificate: self._one_at_a_time(self._keep),
            acts.EndCertificate: self._one_at_a_time(self._end),
            acts.SendRegistration: self._send,
            acts.WithdrawRegistration: lambda act, by: self._numbers.withdraw(act.id),
            acts.SettleRegistration: lambda act, by: self._numbers.settle(act.id, there=act.there),
            acts.ConfirmLost: lambda act, by: parts.standing.confirm_lost(),
            acts.ConfirmUnserved: lambda act, by: parts.standing.confirm_unserved(act.line, act.code),
            acts.ConfirmUnsettled: lambda act, by: parts.standing.confirm_unsettled(act.attempt),
        }

    # --- what comes --------------------------------------------------------------------------------------------------

    def result(self, result: Result) -> None:
        """See Sink."""
        config = self._parts.config
        tap = tap_of(
            result.name, result.raw or b"", result.at.astimezone(config.site.zone),
            institution=config.site.institution_code, max_bytes=config.visit.result_max_bytes,
        )  # fmt: skip
        patient = self._numbers.patient_of(tap.number)
        seq = self._today.tapped(tap, result.change if tap.number else None, patient, result.file)
        if seq is None:
            # If it was taken right before a kill, what follows from that may not have been done.
            taken = (each.visit.seq for each in self._today.view().entries if each.file == result.file)
            seq = next((each for each in taken if self._today.entry(each)[0].visit.tap.at == tap.at), None)
        if seq is None:
            return
        self._receptions.tapped(seq)
        if patient and config.desk is not None and config.desk.print == "on_tap":
            self._papers.print_by_itself(seq, tap.at)

    def subsidy(self, subsidy: Answered) -> None:
        """See Sink."""
        max_bytes = self._parts.config.visit.result_max_bytes
        self._today.answered(subsidy.request, answer_of(subsidy.raw, self._parts.names, max_bytes))

    def registered(self, seq: int, at: datetime) -> None:
        """An arrival of a visit, by whomever, at this time (aware)."""
        desk = self._parts.config.desk
        if desk is not None and desk.print == "on_register":
            with suppress(KeyError):
                self._papers.print_by_itself(seq, at)

    # --- what pages say ----------------------------------------------------------------------------------------------

    def header(self) -> Header:
        """See Desk."""
        return self._header(self._list.now())

    def day(self) -> DayPage:
        """See Desk."""
        listed = self._list.now()
        view = listed.view
        return DayPage(
            self._header(listed), listed.rows, listed.arrivals, view.arrivals_revision, view.began, listed.unserved,
            listed.unsettled,
        )  # fmt: skip

    def visit(self, seq: int) -> VisitPage:
        """See Desk."""
        entry, revision = self._today.entry(seq)
        visit, row, now = entry.visit, self._list.row(entry, revision), self._clock()
        is_key_only = bool(visit.eligibility and visit.eligibility.key == "changed" and not visit.eligibility.changed)
        return VisitPage(
            header=self.header(),
            row=row,
            revision=self._today.content(seq),
            details=page_values.details_of(visit),
            subsidies=page_values.subsidies_of(visit),
            certificates_more=visit.subsidies.more,
            walk_in=self._parts.departments.receiving(now) if row.may_walk_in else (),
            events=page_values.history_of(entry),
            notes=("several_taps",) if len(visit.taps) > 1 else (),
            print_problem=self._papers.sheet_problem(entry),
            can_print=self._papers.possible and row.may_print,
            may_confirm_eligibility=page_values.may_confirm_eligibility(visit),
            may_confirm_subsidies=page_values.may_confirm_subsidies(visit),
            may_register_number=self._numbers.offers(visit),
            key_only=is_key_only,
            subsidy_notices=page_values.notices_of(visit),
        )

    def arrival(self, line: int) -> ArrivalPage:
        """See Desk."""
        listed, entry = self._list.now(), self._receptions.entry(line)
        slip = self._papers.slip_state(line)
        texts = tuple(
            f"{appointment_text(each)} {each.doctor}".strip() + number_of(entry, each) for each in entry.appointments
        )
        mine = [each for each in listed.view.entries if each.patient == entry.patient_number]
        arrival = self._list.arrival(entry, mine)
        return ArrivalPage(self._header(listed), arrival, texts, slip.printed, slip.problem, self._papers.possible)

    def sheet_picture(self, seq: int) -> bytes:
        """See Desk."""
        return self._papers.sheet_picture(seq)

    def slip_picture(self, line: int) -> bytes:
        """See Desk."""
        return self._papers.slip_picture(line)

    def numbers(self) -> NumbersPage:
        """See Desk."""
        listed = self._list.now()
        rows = tuple(row for row in listed.rows if Attention.not_registered in row.open)
        return NumbersPage(self._header(listed), rows, self._numbers.of_day(listed.view.day), self._numbers.off)

    def number(self, seq: int, wanted: str = "") -> NumberPage:
        """See Desk."""
        entry, revision = self._today.entry(seq)
        page = NumberPage(
            self.header(),
            self._list.row(entry, revision),
            self._today.content(seq),
            page_values.details_of(entry.visit),
        )
        return self._numbers.page(page, entry.visit, wanted, self._today.day)

    def admin(self) -> AdminPage:
        """See Desk."""
        labels = (Label(tag, meaning.label, Group(meaning.group)) for tag, meaning in self._parts.names.listed())
        return AdminPage(self.header(), self._parts.standing.parts(), tuple(labels))

    def person(self, *, visit: int = 0, arrival: int = 0) -> str:
        """See Desk."""
        number = ""
        with suppress(KeyError):
            if visit:
                number = self._today.entry(visit)[0].patient
            elif arrival:
                number = self._receptions.entry(arrival).patient_number
        return self._parts.seals.person(number) if number else ""

    def subscribe(self, changed: Callable[[int], None]) -> Callable[[], None]:
        """See Desk."""
        return self._today.subscribe(changed)

    def _header(self, listed: Listed) -> Header:
        return Header(
            revision=listed.view.revision,
            day=listed.view.day,
            now=self._clock(),
            open=listed.open,
            overdue=self._parts.standing.is_overdue(listed.since),
            not_registered=listed.not_registered,
            banners=self._parts.standing.banners(),
            changed_at=listed.view.changed_at,
        )

    # --- what staff do -----------------------------------------------------------------------------------------------

    def act(self, act: Act, user: str, address: str) -> Outcome:
        """See Desk."""
        seq = getattr(act, "seq", 0)
        person = self._person_of(act)
        try:
            outcome = self._acts[type(act)](act, user)
        except sqlite3.Error:
            outcome = Refused(Problem("not_done.store"))
        how = {Done: "done", Outdated: "outdated"}.get(type(outcome), "refused")
        self._parts.chain.write(user, act.permission.value, how, visit=seq, person=person, address=address)
        return outcome

    def _person_of(self, act: Act) -> str:
        if isinstance(act, acts.ConfirmUnsettled):
            found = self._parts.unsettled.of(act.attempt)
            return self._parts.seals.person(found.order.patient_number) if found else ""
        return self.person(visit=getattr(act, "seq", 0), arrival=getattr(act, "arrival", 0))

    def _confirm_eligibility(self, act: acts.ConfirmEligibility, by: str) -> Outcome:
        entry, _ = self._today.entry(act.seq)
        if self._today.content(act.seq) != act.revision:
            return Outdated()
        if not page_values.may_confirm_eligibility(entry.visit):
            return Done(already=True)
        if entry.visit.eligibility is not None and entry.visit.eligibility.alarm:
            self._parts.feed.settle(entry.visit.eligibility.mark)
        return self._settle(act, ELIGIBILITY, "confirmed", by)

    def _confirm_subsidies(self, act: acts.ConfirmSubsidies, by: str) -> Outcome:
        entry, _ = self._today.entry(act.seq)
        if self._today.content(act.seq) != act.revision:
            return Outdated()
        if not page_values.may_confirm_subsidies(entry.visit):
            return Done(already=True)
        return self._settle(act, SUBSIDIES, "confirmed", by)

    def _accept(self, act: acts.AcceptCertificate, by: str) -> Outcome:
        entry, compared = self._compared(act)
        if compared is None or compared.now is None or compared.standing == "same":
            return Outdated()
        number, exports = entry.visit.number, self._parts.exports
        also = partial(exports.store, entry.patient, compared.now) if exports is not None else lambda _: None
        try:
            self._register.accept(number, compared.accepted(self._register.hashed(number)), by, also)
        except KeyError:
            return Outdated()  # ended meanwhile, of another visit
        self._settle(act, act.slot, "accepted", by)  # else what came meanwhile was compared before: it is still open
        self._compare_others(entry)
        return Done()

    def _keep(self, act: acts.KeepCertificate, by: str) -> Outcome:
        _, compared = self._compared(act)
        if compared is None:
            return Outdated()
        return self._settle(act, act.slot, "kept", by)

    def _end(self, act: acts.EndCertificate, by: str) -> Outcome:
        entry, compared = self._compared(act)
        if compared is None or compared.then is None:
            return Outdated()
        if not self._today.day - timedelta(days=3660) <= act.last_day <= self._today.day:
            return Refused(Problem("not_done.last_day"))
        with suppress(KeyError):  # it was ended already
            self._register.end(entry.visit.number, compared.then.id, by, act.last_day)
        self._settle(act, act.slot, "ended", by)
        self._compare_others(entry)
        return Done()

    def _compared(
        self, act: acts.AcceptCertificate | acts.KeepCertificate | acts.EndCertificate
    ) -> tuple[Entry, Compared | None]:
        """The certificate that the act is about; None: it is not the one that was displayed, or is settled."""
        entry, _ = self._today.entry(act.seq)
        if self._today.content(act.seq) != act.revision or act.slot in entry.visit.settled or not entry.visit.number:
            return entry, None
        # At another visit of the patient something may have been accepted meanwhile: that was not displayed here.
        now = self._today.compared(act.seq)
        found = next((each for each in now.certificates if each.key == act.slot), None)
        if found is None:
            self._today.compare_again(act.seq)
        return entry, found

    def _compare_others(self, acted: Entry) -> None:
        """The patient's other visits of today, whose certificates may not be new any more."""
        for each in self._today.view().entries:
            other = each.visit
            if other.number == acted.visit.number and other.seq != acted.visit.seq and other.subsidies.certificates:
                with suppress(sqlite3.Error):  # it is compared once more before anybody decides
                    self._today.compare_again(other.seq)

    def _one_at_a_time(self, carry_out: Callable[..., Outcome]) -> Callable[..., Outcome]:
        def locked(act: Act, by: str) -> Outcome:
            with self._deciding:
                return carry_out(act, by)

        return locked

    def _send(self, act: acts.SendRegistration, by: str) -> Outcome:
        entry, _ = self._today.entry(act.seq)
        if self._today.content(act.seq) != act.revision:
            return Outdated()
        outcome = self._numbers.send(entry.visit, act.confirmation, by)
        if isinstance(outcome, Done):
            self._today.remember(act.seq, Noted(self._clock(), act.permission.value, by))
        return outcome

    def _settle(self, act: Decision, matter: str, how: str, by: str) -> Outcome:
        now = self._clock()
        settlement = Settlement(how, by, now)  # type: ignore[arg-type]  # one of its words
        noted = Noted(now, act.permission.value, by)
        return Done() if self._today.settle(act.seq, {matter: settlement}, noted, act.revision) else Outdated()
