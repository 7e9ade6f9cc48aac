"""What the visitor of a demo can do beside the kiosk, and what there is to look at, as plain values that `panel` draws.

Everything that might wait is done by one thread, in order; a touch never waits.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, get_args

from drivers.share import ShareError
from drivers.simulated.escpos_stream import SlipJob
from kiosk.demo import word
from kiosk.demo.hospital import Hospital, Line, PrinterState
from kiosk.demo.orca import Orca, OrcaState
from kiosk.demo.people import CARD_HOLDERS, TARO, VISITORS
from kiosk.process.data_folder import DataFolder
from kiosk.process.event_log import EVENTS
from kiosk.process.stderr import complain

_DELIVERED_MAX: Final = 4
_EVENTS_MAX: Final = 12
_TAIL_BYTES: Final = 8192
_TURNS_MAX: Final = 20


@dataclass(frozen=True)
class Knob:
    """A button: a label, a line that explains it ("" for none), what a touch does. `turn` must not wait.

    `is_on`: whether it is drawn as pressed in, asked now and then; None: never.
    """

    label: str
    note: str
    turn: Callable[[], None]
    is_on: Callable[[], bool] | None = None


@dataclass(frozen=True)
class Section:
    """Knobs under a title, in so many columns."""

    title: str
    knobs: tuple[Knob, ...]
    columns: int


@dataclass(frozen=True)
class Grey:
    """A picture: `pixels` are its rows from top to bottom, a byte each, 0 is black."""

    width: int
    height: int
    pixels: bytes = field(repr=False)


@dataclass(frozen=True)
class Glance:
    """What there is to see now. `slip`: the last one that came out."""

    slip: Grey | None
    delivered: tuple[str, ...] = field(repr=False)
    events: tuple[str, ...]


@dataclass(frozen=True)
class Bench:
    """All of the panel. `look` is called about twice a second and must be quick."""

    sections: tuple[Section, ...]
    look: Callable[[], Glance]


class Hands:
    """Does what the knobs ask for, one after the other, in a thread of its own."""

    def __init__(self) -> None:
        self._asked: queue.Queue[Callable[[], None]] = queue.Queue(_TURNS_MAX)
        threading.Thread(target=self._work, name="demo-hands", daemon=True).start()

    def later(self, do: Callable[[], None]) -> Callable[[], None]:
        """`do` as a touch may ask for it. Touches beyond twenty that wait are dropped."""

        def ask() -> None:
            try:
                self._asked.put_nowait(do)
            except queue.Full:
                complain("demo: one thing after the other, please")

        return ask

    def _work(self) -> None:
        while True:
            do = self._asked.get()
            try:
                do()
            except (ShareError, OSError) as error:
                complain(f"demo: {type(error).__name__}: the simulated part did not do it")


def bench(hospital: Hospital) -> Bench:
    """The panel of this hospital."""
    hands = Hands()
    taps = tuple(
        Knob(each.called, word(f"people.{each.what}"), hands.later(partial(hospital.tap, each))) for each in VISITORS
    )
    cards = tuple(
        Knob(each.insured.name, "", hands.later(partial(hospital.insert_card, each))) for each in CARD_HOLDERS
    )
    unreadable = Knob(word("panel.unreadable_card"), "", hands.later(hospital.insert_unreadable_card))
    return Bench(
        sections=(
            Section(word("panel.taps"), taps, 2),
            Section(word("panel.cards"), (*cards, unreadable), 3),
            Section(
                word("panel.printer"), _switch(hospital, hands, "printer_state", get_args(PrinterState), "printer"), 3
            ),
            Section(word("panel.line"), _switch(hospital, hands, "line", get_args(Line), "line"), 3),
            *(() if hospital.orca is None else (_of_orca(hospital.orca, hands),)),
        ),
        look=_Look(hospital),
    )


def _of_orca(orca: Orca, hands: Hands) -> Section:
    """What can be wrong with the hospital's own system, and a window that registers somebody first."""
    window = Knob(word("panel.window", name=TARO.insured.name), "", hands.later(partial(orca.staff_register, TARO)))
    return Section(word("panel.his"), (*_switch(orca, hands, "state", get_args(OrcaState), "his"), window), 3)


def _switch(owner: Hospital | Orca, hands: Hands, part: str, states: tuple[str, ...], words: str) -> tuple[Knob, ...]:
    """A knob for each state of `part` of the hospital, or of its system."""

    def knob(state: str) -> Knob:
        turn = hands.later(lambda: setattr(owner, part, state))
        return Knob(word(f"{words}.{state}"), "", turn, lambda: getattr(owner, part) == state)

    return tuple(knob(state) for state in states)


class _Look:
    """Reads what there is to see. A slip is turned into pixels once."""

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._job: SlipJob | None = None
        self._slip: Grey | None = None

    def __call__(self) -> Glance:
        return Glance(self._last_slip(), self._delivered(), self._events())

    def _last_slip(self) -> Grey | None:
        jobs = self._hospital.printer.jobs
        if jobs and jobs[-1] is not self._job:
            self._job = jobs[-1]
            grey = self._job.picture.convert("L")
            self._slip = Grey(grey.width, grey.height, grey.tobytes())
        return self._slip

    def _delivered(self) -> tuple[str, ...]:
        files = self._hospital.delivered()
        waiting = len(self._hospital.at_terminal())
        count = word("panel.count_waiting" if waiting else "panel.count", count=len(files), waiting=waiting)
        return (count, *(_short(path.name) for path in reversed(files[-_DELIVERED_MAX:])))

    def _events(self) -> tuple[str, ...]:
        lines = [line for name in ("run", "courier") for line in _tail(DataFolder(self._hospital.data).event_log(name))]
        newest = sorted(lines, key=lambda line: line["at"], reverse=True)[:_EVENTS_MAX]
        zone = self._hospital.config.site.zone
        return tuple(
            f"{datetime.fromisoformat(line['at']).astimezone(zone):%H:%M:%S} {_event(line)}" for line in newest
        )


def _event(line: dict[str, str]) -> str:
    detail = ", ".join(line[field] for field in ("where", "code") if field in line)
    return EVENTS.get(line["event"], line["event"]) + (f" ({detail})" if detail else "")


def _short(name: str) -> str:
    return name if len(name) <= 36 else f"{name[:20]}…{name[-15:]}"


def _tail(path: Path) -> list[dict[str, str]]:
    """The last lines of a log, whole ones only."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, 2)
            log.seek(max(0, size - _TAIL_BYTES))
            data = log.read()
    except OSError:
        return []
    whole = data[: data.rfind(b"\n") + 1].splitlines()
    if size > _TAIL_BYTES:
        whole = whole[1:]
    return [json.loads(line) for line in whole[-_EVENTS_MAX:]]
