"""What the site lends to the words of its screens, and the words themselves in each language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kiosk.screens.views import AppointmentRow, NextStep, Where
from kiosk.typography import ruby
from kiosk.visit.state import VisitAppointment
from kiosk.words import texts
from kiosk.words.departments import DepartmentNames
from kiosk.words.patient import place_parts, word_building, word_clock, word_doctor, word_floor, word_window
from kiosk.words.texts import Texts

_JAPANESE = frozenset({"ja", "ja_simple"})


def _load(language: str) -> Texts:
    return texts.load("patient", language)


@dataclass(frozen=True)
class Wording:
    """`counter_window`, `counter_text`: where staff wait ([counter]). `phone_card`, `phone_mynumber`: whether a phone
    may be held to the card reader, to the face reader. `slip_at`: where slips come out and patient cards go in
    ([screen] slip_at). `load(language)`: the patient's catalogue.
    """

    departments: DepartmentNames = field(default_factory=DepartmentNames)
    counter_window: str = ""
    counter_text: str = ""
    phone_card: bool = False
    phone_mynumber: bool = False
    slip_at: str = ""
    load: Callable[[str], Texts] = _load

    def in_language(self, language: str) -> Words:
        """Raises FileNotFoundError for a language that has no catalogue."""
        return Words(self, self.load(language))


@dataclass(frozen=True)
class Words:
    """The words of one page: `texts` in the language of whoever stands there."""

    site: Wording
    texts: Texts

    def __getitem__(self, table: str) -> dict[str, str]:
        """A table of the catalogue whose entries are sentences."""
        return self.texts[table]  # type: ignore[return-value]

    def lines(self, table: str, key: str = "lines") -> tuple[str, ...]:
        return tuple(self.texts[table][key])

    def act(self, code: str, **values: str) -> NextStep:
        """One of names.NEXT that has a sentence of its own."""
        return NextStep(code, self.texts["next"][code].format(**values))

    @property
    def counter(self) -> Where:
        """Where staff wait."""
        window = word_window(self.site.counter_window, self.texts)
        return Where(self.site.counter_window, window or self["counter"]["where"], ruby.name(self.site.counter_text))

    @property
    def outlet(self) -> str:
        """Where slips come out and patient cards go in, or ""."""
        return self["slip_at"].get(self.site.slip_at, "")

    def department(self, department: str) -> str:
        return self.site.departments.worded(department, self.texts).text

    def number(self, *numbers: str) -> str:
        """Reception numbers as a line."""
        return self["parts"]["number"].format(number=self["parts"]["between"].join(numbers))

    def row(self, appointment: VisitAppointment, number: str = "") -> AppointmentRow:
        """An appointment; who came without one has no time. `number`: its own reception number."""
        named = self.site.departments.worded(appointment.department, self.texts)
        parts = appointment.building, appointment.floor, appointment.window
        house, level, window = parts if any(parts) else place_parts(appointment.place)
        building, floor = word_building(house, self.texts), word_floor(level, self.texts)
        return AppointmentRow(
            self["parts"]["walk_in"] if appointment.walk_in else word_clock(appointment.time, self.texts),
            named.text,
            word_doctor(appointment.doctor, self.texts),
            self._place(appointment.place, building, floor, window),
            window,
            floor,
            building,
            "" if self._japanese or ruby.plain(named.text) == named.japanese else ruby.name(named.japanese),
            self.number(number) if number else "",
        )

    def _place(self, place: str, building: str, floor: str, window: str) -> str:
        """As the hospital words it, for who reads Japanese; else its parts, where they are known."""
        parts = [part for part in (building, floor, word_window(window, self.texts)) if part]
        if place and (self._japanese or not parts):
            return ruby.name(place)
        return ("" if self._japanese else " ").join(parts)

    @property
    def _japanese(self) -> bool:
        return self.texts["language"]["code"] in _JAPANESE
