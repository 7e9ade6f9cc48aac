"""One thread a device: commands in, exactly one event out for each, whatever the device does.

A worker turns a return value or an exception into an event; the flow's own deadlines make sure that a worker that hangs
holds up nobody. Nothing here decides what a patient sees.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from datetime import datetime, time
from typing import Literal

from drivers import reservations as rs
from drivers.printer import NotPrinted, NotReady, Printer, PrinterStatus
from kiosk.appointments.reference_numbers import ReferenceNumbers
from kiosk.reception.troubles import Trouble
from kiosk.slip import content as slip
from kiosk.slip import picture as slip_picture
from kiosk.visit import commands as c
from kiosk.visit import events as e
from kiosk.visit.state import Appointment

QUEUE_MAX = 100
REFERENCES_EVERY_S = 10.0
Job = Callable[[], None]
Report = Callable[..., None]  # EventLog.write
Tell = Callable[[Trouble, str | None], None]  # Board.trouble


class Worker:
    """Runs jobs one after the other; `idle()` is called after `idle_s` without one (0: never)."""

    def __init__(self, name: str, idle_s: float = 0.0, idle: Job | None = None) -> None:
        self._jobs: queue.Queue[Job | None] = queue.Queue(QUEUE_MAX)
        self._idle_s = idle_s
        self._idle = idle
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def do(self, job: Job) -> bool:
        """False if too much is waiting already."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            return False
        return True

    def close(self, wait_s: float) -> None:
        self.do(lambda: None)
        self._jobs.put(None)
        self._thread.join(wait_s)

    def _run(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=self._idle_s or None)
            except queue.Empty:
                job = self._idle or (lambda: None)
            if job is None:
                return
            job()


class ReservationsWorker:
    """Look-up and arrival. `clock()`: the site's aware local time. `still_wanted(visit)`: nobody gave the visit up."""

    def __init__(
        self,
        reservations: rs.Reservations,
        references: ReferenceNumbers,
        places: dict[str, str],
        clock: Callable[[], datetime],
        still_wanted: Callable[[int], bool],
        post: Callable[[e.Event], None],
        report: Report,
        trouble: Tell,
    ) -> None:
        self._reservations = reservations
        self._references = references
        self._places = places
        self._clock = clock
        self._still_wanted = still_wanted
        self._post = post
        self._report = report
        self._trouble = trouble
        # Also between visits: staff must hear of a bad table before it sends a patient to the counter.
        self._worker = Worker("reservations", REFERENCES_EVERY_S, self._judge_references)

    def look_up(self, command: c.LookUp) -> None:
        self._submit(command.visit, lambda: self._look_up(command))

    def register(self, command: c.Register) -> None:
        self._submit(command.visit, lambda: self._register(command))

    def close(self) -> None:
        self._worker.close(2.0)

    def _submit(self, visit: int, work: Callable[[], e.Event]) -> None:
        def job() -> None:
            try:
                event = work()
            except rs.ReservationsDown as error:
                self._report("reservations_failed", visit=visit, what=str(error))
                event = e.ReservationsFailed(visit)
            except Exception as error:  # noqa: BLE001 - a fault of ours must end this visit at the counter, not hang it
                self._report("reservations_failed", visit=visit, what=type(error).__name__)
                event = e.ReservationsFailed(visit)
            self._post(event)

        if not self._worker.do(job):
            self._post(e.ReservationsFailed(visit))

    def _look_up(self, command: c.LookUp) -> e.Event:
        number: str | None = command.number
        if command.route == "mynumber":
            number = self._references.patient_number_for(command.number)
            self._judge_references()
        if number is None:
            return e.PatientUnknown(command.visit)
        now = self._clock()
        answer = self._reservations.find(number, now.date())
        if answer.patient_number != number:
            self._report("reservations_failed", visit=command.visit, what="answer about someone else")
            return e.ReservationsFailed(command.visit)
        if isinstance(answer, rs.Unknown):
            return e.PatientUnknown(command.visit)
        return e.AppointmentsFound(
            command.visit,
            now.date(),
            _clock_text(now.time()),
            number,
            self._shown(answer.appointments),
            answer.arrival is not None,
            answer.next_day,
        )

    def _judge_references(self) -> None:
        try:
            problem: Exception | None = self._references.refresh()
        except Exception as error:  # noqa: BLE001 - between visits nobody else would notice that this thread has ended
            problem = RuntimeError(type(error).__name__)
        self._trouble("reference_numbers_refused", None if problem is None else str(problem))

    def _register(self, command: c.Register) -> e.Event:
        answer = self._reservations.register(
            command.patient_number, command.day, self._clock(), lambda: self._still_wanted(command.visit)
        )
        if answer.patient_number != command.patient_number:
            self._report("reservations_failed", visit=command.visit, what="answer about someone else")
            return e.ReservationsFailed(command.visit)
        match answer:
            case rs.Registered() | rs.AlreadyRegistered():
                at = answer.arrival.at.astimezone(self._clock().tzinfo)
                return e.ArrivalRegistered(
                    command.visit,
                    command.day,
                    _clock_text(at.time()),
                    answer.patient_number,
                    answer.arrival.number,
                    self._shown(answer.appointments),
                    isinstance(answer, rs.AlreadyRegistered),
                )
            case rs.NothingToRegister():
                return e.NothingToRegister(command.visit)
            case rs.Withdrawn():
                return e.ReservationsFailed(command.visit)

    def _shown(self, appointments: tuple[rs.Appointment, ...]) -> tuple[Appointment, ...]:
        return tuple(
            Appointment(
                _clock_text(each.time),
                slip.shown(each.department),
                slip.shown(each.doctor),
                slip.shown(each.place or self._places.get(each.department, "")),
            )
            for each in appointments
        )


class PrinterWorker:
    """Slips. A slip whose visit is over is not begun: it would come out into the next patient's hands.

    `still_wanted(visit)`: that visit is still where it asked for the slip. `told(state, paper_near_end)` hears how the
    printer is: `ready` or a reason.
    """

    def __init__(
        self,
        printer: Printer,
        hospital: str,
        width_mm: Literal[58, 80],
        barcode: Literal["code128", "nw7", "qr"],
        poll_s: float,
        clock: Callable[[], datetime],
        still_wanted: Callable[[int], bool],
        post: Callable[[e.Event], None],
        told: Callable[[str, bool], None],
        report: Report,
    ) -> None:
        self._printer = printer
        self._hospital = hospital
        self._width_mm: Literal[58, 80] = width_mm
        self._barcode: Literal["code128", "nw7", "qr"] = barcode
        self._clock = clock
        self._still_wanted = still_wanted
        self._post = post
        self._told = told
        self._report = report
        self._worker = Worker("printer", poll_s, self._poll)
        self._worker.do(slip_picture.warm_up)  # the first patient must not wait for fonts to load
        if poll_s:  # staff see at once that the paper is out, not after the first pause
            self._worker.do(self._poll)

    def print_slip(self, command: c.PrintSlip) -> None:
        if not self._worker.do(lambda: self._print_slip(command)):
            self._post(e.SlipFailed(command.visit, "printer_stalled"))

    def print_counter_slip(self, command: c.PrintCounterSlip) -> None:
        self._worker.do(lambda: self._print_counter_slip(command))

    def close(self) -> None:
        self._worker.close(5.0)

    def _print_slip(self, command: c.PrintSlip) -> None:
        if not self._still_wanted(command.visit):
            return  # the flow has told the patient by its own deadline
        reception = command.reception
        composed = slip.reception_slip(
            hospital=self._hospital,
            day=reception.day,
            time=reception.clock,
            number=reception.number,
            appointments=tuple(
                slip.SlipAppointment(each.time, each.department, each.doctor, each.place)
                for each in reception.appointments
            ),
            notes=reception.notes,
            patient_number=reception.patient_number,
            again=reception.again,
        )
        failed = self._print(composed)
        self._post(e.SlipFailed(command.visit, failed) if failed else e.SlipPrinted(command.visit))

    def _print_counter_slip(self, command: c.PrintCounterSlip) -> None:
        if not self._still_wanted(command.visit):
            return
        now = self._clock()
        clock = _clock_text(now.time())
        composed = slip.counter_slip(hospital=self._hospital, day=now.date(), time=clock, reason=command.reason)
        if failed := self._print(composed):
            self._report("counter_slip_failed", visit=command.visit, code=failed)

    def _print(self, composed: slip.Slip) -> str | None:
        """None when the slip is out, else why not."""
        try:
            picture = slip_picture.draw(composed, width_mm=self._width_mm, barcode=self._barcode)
            outcome = self._printer.print(picture)
        except Exception as error:  # noqa: BLE001 - the arrival stays registered whatever goes wrong with its slip
            return self._fault(error)
        if isinstance(outcome, NotPrinted):
            self._told(outcome.reason, False)
            return outcome.reason
        self._told("ready", bool(outcome.paper_near_end))
        return None

    def _fault(self, error: Exception) -> str:
        """A fault of ours: for staff and patient the printer does not print, whoever is to blame."""
        self._report("printer_state", code="fault", what=type(error).__name__)
        self._told("printer_stalled", False)
        return "printer_stalled"

    def _poll(self) -> None:
        try:
            status = self._printer.status()
        except Exception as error:  # noqa: BLE001 - this thread prints; that it ended nobody would notice
            self._fault(error)
        else:
            self._tell(status)

    def _tell(self, status: PrinterStatus) -> None:
        if isinstance(status, NotReady):
            self._told(status.reason, False)
        else:
            self._told("ready", bool(status.paper_near_end))


def _clock_text(at: time) -> str:
    """HH:MM with two digits each."""
    return f"{at.hour:02}:{at.minute:02}"
