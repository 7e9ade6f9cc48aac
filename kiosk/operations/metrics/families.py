"""The report of `kiosk status` → Prometheus metric families. Pure.

Owns the names and the labels; deploy/monitoring is written for them. Every label is of a closed set or a word of the
machine (host name, version, sensor): must never take one from a file name, a message, or anything of a patient.
Families without a value keep their HELP and TYPE, so that a reader of `--once` sees every name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from kiosk.machine.state import MachineState
from kiosk.operations.report import DeskState, StatusReport
from kiosk.process.disk_room import DISK_TROUBLES
from kiosk.process.event_log import EVENTS
from kiosk.reception.run_status import TROUBLES, Counts, HisState, PrinterState
from kiosk.reception.tally import OTHER, OUTCOMES, REASONS, SLIPS, VISIT_BOUNDS_S, WAYS

SHARES: Final = ("terminal.results", "terminal.subsidies", "receipt_computer.results", "receipt_computer.subsidies")
Values = Iterable[tuple[tuple[str, ...], float | None]]


def families(kiosk: str, report: StatusReport, at: float, is_open: bool) -> Iterator[Metric]:
    """Every family. `kiosk`: the host name, the first label of all; `report`: as it was at `at` (seconds since 1970);
    `is_open`: whether the site's hours say so.
    """
    sheet = _Sheet(kiosk)
    yield sheet.one("facts_timestamp_seconds", "When these figures were gathered, by the kiosk's clock.", at)
    yield from _reception(sheet, report, is_open)
    yield from _visits(sheet, report.reception.counts or Counts())
    yield from _his(sheet, report.reception.his or HisState(), at)
    yield from _delivery(sheet, report)
    yield from _desk(sheet, report.desk)
    yield from _machine(sheet, report.machine)


class _Sheet:
    """Makes families whose first label is the kiosk: the files of several kiosks may lie in one folder."""

    def __init__(self, kiosk: str) -> None:
        self._kiosk = kiosk

    def one(self, name: str, text: str, value: float | bool | None) -> Metric:
        return self.several(name, text, (), [((), None if value is None else float(value))])

    def several(
        self,
        name: str,
        text: str,
        labels: tuple[str, ...],
        values: Values,
        kind: type[GaugeMetricFamily | CounterMetricFamily] = GaugeMetricFamily,
    ) -> Metric:
        """A value None is left out."""
        family = kind(f"kiosk_{name}", text, labels=("kiosk", *labels))
        for words, value in values:
            if value is not None:
                family.add_metric((self._kiosk, *words), value)
        return family

    def counted(self, name: str, text: str, labels: tuple[str, ...], values: Values) -> Metric:
        return self.several(name, text, labels, values, CounterMetricFamily)

    def histogram(self, name: str, text: str, counts: Sequence[int], total: float) -> Metric:
        """`counts`: for each of VISIT_BOUNDS_S, and one more; () for not known."""
        family = HistogramMetricFamily(f"kiosk_{name}", text, labels=("kiosk",))
        if counts:
            bounds = (*(str(bound) for bound in VISIT_BOUNDS_S), "+Inf")
            family.add_metric((self._kiosk,), list(zip(bounds, accumulate(counts), strict=True)), total)
        return family


def _reception(sheet: _Sheet, report: StatusReport, is_open: bool) -> Iterator[Metric]:
    reception = report.reception
    printer = report.printer or PrinterState()
    ready, near_end = (printer.state == "ready", printer.paper_near_end) if printer.state else (None, None)
    card_reader_up = reception.card_reader == "up" if reception.card_reader else None
    imports_ok = reception.imports is None if reception.screen else None  # once the reception has written what it sees
    alive = reception.alive if report.has("reception") else None
    yield sheet.one("reception_up", "1: the process that serves patients runs.", alive)
    up_s = reception.counts.up_s if reception.counts else None
    yield sheet.one("reception_up_seconds", "For how long it has run.", up_s)
    yield sheet.one("open", "1: within the reception hours of the site.", is_open)
    yield sheet.one("printer_ready", "1: the slip printer can print.", ready)
    yield sheet.one("paper_near_end", "1: the printer's paper is near its end.", near_end)
    yield sheet.one("card_reader_up", "1: the card reader answers.", card_reader_up)
    yield sheet.one("imports_ok", "1: the import of appointments works.", imports_ok)
    # Nothing is claimed well that nobody looks at; `kiosk status` looks at the disk by itself.
    wrong = report.troubles
    watched = TROUBLES if reception.troubles is not None else (*DISK_TROUBLES, *wrong) if wrong is not None else ()
    troubles = [((code,), float(code in (wrong or ()))) for code in TROUBLES if code in watched]
    yield sheet.several("trouble", "1: that is wrong, by code.", ("code",), troubles)


def _visits(sheet: _Sheet, counts: Counts) -> Iterator[Metric]:
    """Since the reception started. The words are ours, whatever the file says."""
    ways = [((way, outcome), counts.receptions.get(way, {}).get(outcome)) for way in WAYS for outcome in OUTCOMES]
    yield sheet.counted("receptions", "Visits that ended, by card and outcome.", ("way", "outcome"), ways)
    why = [((reason,), counts.counter_reasons.get(reason)) for reason in REASONS]
    yield sheet.counted("counter", "Visits that ended at the counter, by reason.", ("reason",), why)
    results = [((result,), counts.slips.get(result)) for result in SLIPS]
    yield sheet.counted("slips", "Slips, by what became of them.", ("result",), results)
    seconds = counts.visit_seconds
    same_bounds = len(seconds.counts) == len(VISIT_BOUNDS_S) + 1 and seconds.bounds == VISIT_BOUNDS_S
    counted = seconds.counts if same_bounds else ()
    yield sheet.histogram("visit_seconds", "From the choice of a card to the start screen.", counted, seconds.sum)


def _his(sheet: _Sheet, his: HisState, at: float) -> Iterator[Metric]:
    """No value where the book in the data folder is all there is."""
    known = his.up is not None
    waits_s = None if his.oldest_at is None else max(0.0, at - his.oldest_at)
    listed_s = None if his.day_list_at is None else max(0.0, at - his.day_list_at)
    yield sheet.one("his_up", "1: the hospital's system, or the book on a server, answers.", his.up)
    yield sheet.one("his_seconds", "How long it took to answer last.", his.seconds)
    yield sheet.one("outcome_unknown", "Registrations of today whose outcome is not known.", _if(known, his.unknown))
    yield sheet.one("pending_arrivals", "Arrivals of today in custody, to be delivered.", _if(known, his.custody))
    yield sheet.one("refused_arrivals", "Those that staff must register.", _if(known, his.refused))
    yield sheet.one(
        "outbox_oldest_seconds", "For how long the oldest in custody has waited.", _if(known, waits_s or 0.0)
    )
    yield sheet.one("day_list_age_seconds", "Age of the day list that answers while the system is down.", listed_s)


def _if(known: bool, value: float) -> float | None:
    return value if known else None


def _delivery(sheet: _Sheet, report: StatusReport) -> Iterator[Metric]:
    courier, delivery = report.courier, report.delivery
    states = {role: share.state for role, share in report.shares.items()}
    codes = [alarm.code if alarm.code in EVENTS else OTHER for alarm in report.alarms or ()]
    waiting, oldest = (delivery.undelivered, delivery.oldest_undelivered_s or 0.0) if delivery else (None, None)
    alive = courier.alive if report.has("courier") else None
    yield sheet.one("courier_up", "1: the delivering process answers.", alive)
    yield sheet.one("courier_up_seconds", "For how long it has run.", courier.up_s)
    yield sheet.one("queue_files", "Files not yet delivered.", waiting)
    yield sheet.one("queue_oldest_seconds", "For how long the oldest of them has waited.", oldest)
    shares = [((role,), None if states.get(role) is None else float(states[role] == "ok")) for role in SHARES]
    yield sheet.several("share_up", "1: the share answers; no value: not tried yet.", ("share",), shares)
    alarms = [((code,), float(codes.count(code))) for code in sorted(set(codes))]
    yield sheet.several("alarms", "Alarms that staff have not acknowledged, by code.", ("code",), alarms)


def _desk(sheet: _Sheet, desk: DeskState | None) -> Iterator[Metric]:
    """No value where there is no desk."""
    state = desk or DeskState()
    feed_up = None if state.feed is None else state.feed == "ok"
    yield sheet.one("desk_up", "1: the reception desk runs.", None if desk is None else desk.alive)
    yield sheet.one("desk_up_seconds", "For how long it has run.", state.up_s)
    yield sheet.one("desk_feed_up", "1: it learns of the reader's users.", feed_up)
    yield sheet.one("desk_visits", "The reader's users of today.", state.visits)
    yield sheet.one("desk_open", "How many of them wait for a person.", state.open)
    oldest_s = None if state.open is None else state.oldest_open_s or 0.0
    yield sheet.one("desk_oldest_seconds", "For how long the oldest of these has waited.", oldest_s)
    overdue = None if state.open is None else state.overdue_s is not None
    yield sheet.one("desk_overdue", "1: it has waited for longer than the site bears, within the hours.", overdue)
    yield sheet.one("desk_missed", "Results of today that it could not show.", state.missed)


def _machine(sheet: _Sheet, machine: MachineState) -> Iterator[Metric]:
    about = ("version", "slot", "keyring")
    words = (machine.version or "", machine.slot or "", machine.keyring or "")
    heat = [((sensor,), celsius) for sensor, celsius in (machine.celsius or {}).items()]
    yield sheet.several("info", "Always 1. What runs; empty on a PC without the image.", about, [(words, 1.0)])
    yield sheet.one("disk_free_bytes", "Room for the kiosk's data.", machine.disk_free_bytes)
    yield sheet.one("disk_size_bytes", "Size of that file system.", machine.disk_size_bytes)
    yield sheet.several("temperature_celsius", "By the kernel's name of the sensor.", ("sensor",), heat)
    yield sheet.one(
        "clock_synchronised", "1: a time server was reached since the start of the machine.", machine.clock_synchronised
    )
    yield sheet.one("boot_time_seconds", "When the machine was started.", machine.booted_at)
