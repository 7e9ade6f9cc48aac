"""Facts of `kiosk status` → Prometheus metric families. Pure.

Owns the names and the labels; deploy/monitoring is written for them. Every label is of a closed set or a word of the
machine (host name, version, sensor): must never take one from a file name, a message, or anything of a patient.
Families without a value keep their HELP and TYPE, so that a reader of `--once` sees every name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from kiosk.process.disk_room import DISK_TROUBLES
from kiosk.process.event_log import EVENTS
from kiosk.reception.tally import OTHER, OUTCOMES, REASONS, SLIPS, VISIT_BOUNDS_S, WAYS
from kiosk.reception.troubles import TROUBLES

SHARES: Final = ("terminal.results", "terminal.subsidies", "receipt_computer.results", "receipt_computer.subsidies")
Values = Iterable[tuple[tuple[str, ...], float | None]]
Facts = Mapping[str, Any]


def families(kiosk: str, facts: Facts, at: float, is_open: bool) -> Iterator[Metric]:
    """Every family. `kiosk`: the host name, the first label of all; `facts`: of `status.collect` at `at` (seconds since
    1970); `is_open`: whether the site's hours say so.
    """
    sheet = _Sheet(kiosk)
    yield sheet.one("facts_timestamp_seconds", "When these figures were gathered, by the kiosk's clock.", at)
    yield from _reception(sheet, facts, is_open)
    yield from _visits(sheet, facts.get("reception", {}).get("counts", {}))
    yield from _delivery(sheet, facts)
    yield from _machine(sheet, facts.get("machine", {}))


class _Sheet:
    """Makes families whose first label is the kiosk: the files of several kiosks may lie in one folder."""

    def __init__(self, kiosk: str) -> None:
        self._kiosk = kiosk

    def one(self, name: str, text: str, value: float | bool | None) -> Metric:
        return self.several(name, text, (), [((), None if value is None else float(value))])

    def several(self, name: str, text: str, labels: tuple[str, ...], values: Values) -> Metric:
        """A value None is left out."""
        family = GaugeMetricFamily(f"kiosk_{name}", text, labels=("kiosk", *labels))
        for words, value in values:
            if value is not None:
                family.add_metric((self._kiosk, *words), value)
        return family

    def counted(self, name: str, text: str, labels: tuple[str, ...], values: Values) -> Metric:
        family = CounterMetricFamily(f"kiosk_{name}", text, labels=("kiosk", *labels))
        for words, value in values:
            if value is not None:
                family.add_metric((self._kiosk, *words), value)
        return family

    def histogram(self, name: str, text: str, counts: list[int], total: float) -> Metric:
        """`counts`: for each of VISIT_BOUNDS_S, and one more; [] for not known."""
        family = HistogramMetricFamily(f"kiosk_{name}", text, labels=("kiosk",))
        if counts:
            bounds = (*(str(bound) for bound in VISIT_BOUNDS_S), "+Inf")
            family.add_metric((self._kiosk,), list(zip(bounds, accumulate(counts), strict=True)), total)
        return family


def _reception(sheet: _Sheet, facts: Facts, is_open: bool) -> Iterator[Metric]:
    seen = facts.get("reception", {})
    printer = facts.get("printer") or {}
    state = printer.get("state")
    card_reader = seen.get("card_reader")
    imports_ok = seen.get("imports") is None if "screen" in seen else None  # once the reception has said what it sees
    yield sheet.one("reception_up", "1: the process that serves patients runs.", seen.get("alive"))
    yield sheet.one("reception_up_seconds", "For how long it has run.", seen.get("counts", {}).get("up_s"))
    yield sheet.one("open", "1: within the reception hours of the site.", is_open)
    yield sheet.one("printer_ready", "1: the slip printer can print.", state and state == "ready")
    yield sheet.one("paper_near_end", "1: the printer's paper is near its end.", printer.get("paper_near_end"))
    yield sheet.one("card_reader_up", "1: the card reader answers.", card_reader and card_reader == "up")
    yield sheet.one("imports_ok", "1: the import of appointments works.", imports_ok)
    wrong = facts.get("troubles", {})
    # Nothing is claimed well that nobody looks at; `kiosk status` looks at the disk by itself.
    looked_at = set(TROUBLES) if "troubles" in seen else {*DISK_TROUBLES, *wrong} if "troubles" in facts else set()
    troubles = [((code,), float(code in wrong)) for code in TROUBLES if code in looked_at]
    yield sheet.several("trouble", "1: that is wrong, by code.", ("code",), troubles)


def _visits(sheet: _Sheet, counts: Facts) -> Iterator[Metric]:
    """Since the reception started. The words are ours, whatever the file says."""
    receptions, reasons, slips = (counts.get(each, {}) for each in ("receptions", "counter_reasons", "slips"))
    ways = [((way, outcome), receptions.get(way, {}).get(outcome)) for way in WAYS for outcome in OUTCOMES]
    yield sheet.counted("receptions", "Visits that ended, by card and outcome.", ("way", "outcome"), ways)
    why = [((reason,), reasons.get(reason)) for reason in REASONS]
    yield sheet.counted("counter", "Visits that ended at the counter, by reason.", ("reason",), why)
    results = [((result,), slips.get(result)) for result in SLIPS]
    yield sheet.counted("slips", "Slips, by what became of them.", ("result",), results)
    seconds = counts.get("visit_seconds", {})
    same_bounds = tuple(seconds.get("bounds", ())) == VISIT_BOUNDS_S
    yield sheet.histogram(
        "visit_seconds",
        "From the choice of a card to the start screen.",
        seconds["counts"] if same_bounds else [],
        seconds.get("sum", 0.0),
    )


def _delivery(sheet: _Sheet, facts: Facts) -> Iterator[Metric]:
    courier, delivery = facts.get("courier", {}), facts.get("delivery")
    states = {role: share.get("state") for role, share in facts.get("shares", {}).items()}
    codes = [each.get("code") if each.get("code") in EVENTS else OTHER for each in facts.get("alarms", [])]
    waiting, oldest = (delivery["undelivered"], delivery["oldest_undelivered_s"] or 0.0) if delivery else (None, None)
    yield sheet.one("courier_up", "1: the delivering process answers.", courier.get("alive"))
    yield sheet.one("courier_up_seconds", "For how long it has run.", courier.get("up_s"))
    yield sheet.one("queue_files", "Files not yet delivered.", waiting)
    yield sheet.one("queue_oldest_seconds", "For how long the oldest of them has waited.", oldest)
    shares = [((role,), None if states.get(role) is None else float(states[role] == "ok")) for role in SHARES]
    yield sheet.several("share_up", "1: the share answers; no value: not tried yet.", ("share",), shares)
    alarms = [((code,), float(codes.count(code))) for code in sorted(set(codes))]
    yield sheet.several("alarms", "Alarms that staff have not acknowledged, by code.", ("code",), alarms)


def _machine(sheet: _Sheet, machine: Facts) -> Iterator[Metric]:
    about = ("version", "slot", "keyring")
    words = tuple(str(machine.get(each, "")) for each in about)
    heat = [((sensor,), celsius) for sensor, celsius in machine.get("celsius", {}).items()]
    yield sheet.several("info", "Always 1. What runs; empty on a PC without the image.", about, [(words, 1.0)])
    yield sheet.one("disk_free_bytes", "Room for the kiosk's data.", machine.get("disk_free_bytes"))
    yield sheet.one("disk_size_bytes", "Size of that file system.", machine.get("disk_size_bytes"))
    yield sheet.several("temperature_celsius", "By the kernel's name of the sensor.", ("sensor",), heat)
    synchronised = machine.get("clock_synchronised")
    yield sheet.one("clock_synchronised", "1: a time server was reached since the start of the machine.", synchronised)
    yield sheet.one("boot_time_seconds", "When the machine was started.", machine.get("booted_at"))
