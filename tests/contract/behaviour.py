"""A behaviour: one promise of the port, as a function that asks it of a `Subject` and asserts what must follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from tests.contract.scene import Case, Patient, Scene, patient
from tests.contract.subject import Fault, Role, Subject

_ROLES: tuple[Role, ...] = ("system", "reservations", "book")
FIRST_NUMBER = 20001


@dataclass(frozen=True)
class Behaviour:
    """`ask(subject, *patients)`: one patient of its own for each of `cases`. The rest says of what it can be asked:
    the abilities it needs, the least role, a line through the proxy, and what the seed can do at the system.
    """

    ask: Callable[..., None]
    cases: tuple[Case, ...]
    needs: tuple[str, ...] = ()
    role: Role = "system"
    line: bool = False
    fault: Fault | None = None
    hands: tuple[Literal["registered", "register_at_window"], ...] = ()
    without_gaps: bool = False
    numbered: bool = False
    dies: bool = False

    @property
    def name(self) -> str:
        """The promise as a sentence; also the test's id."""
        return self.ask.__name__.replace("_", " ")

    def not_asked(self, subject: Subject) -> str:
        """Why `subject` cannot be asked this; "": it can."""
        if _ROLES.index(subject.role) < _ROLES.index(self.role):
            return f"only of {self.role}"
        for ability in self.needs:
            if not getattr(subject.ability, ability):
                return f"its ability says not {ability}"
        if self.line and subject.line is None:
            return "there is no network"
        if self.numbered and subject.numbered is None:
            return "its kiosks all number in one way"
        if self.dies and subject.dying is None:
            return "its kiosks cannot be made to die"
        if self.without_gaps and not subject.without_gaps:
            return "it does not number by itself"
        if self.fault is not None and self.fault not in subject.peer.faults:
            return f"its peer cannot be made to do: {self.fault}"
        missing = [hand for hand in self.hands if getattr(subject.peer, hand) is None]
        return f"its seed has no {missing[0]}" if missing else ""

    def ask_of(self, subject: Subject) -> None:
        """Ask it. Raises AssertionError, and whatever the implementation raises, which must raise nothing."""
        self.ask(subject, *subject.scene.of(self.name))


BEHAVIOURS: list[Behaviour] = []


def behaviour(
    *cases: Case,
    needs: tuple[str, ...] = (),
    role: Role = "system",
    line: bool = False,
    fault: Fault | None = None,
    hands: tuple[Literal["registered", "register_at_window"], ...] = (),
    without_gaps: bool = False,
    numbered: bool = False,
    dies: bool = False,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Puts the function below it among BEHAVIOURS."""

    def keep(ask: Callable[..., None]) -> Callable[..., None]:
        BEHAVIOURS.append(Behaviour(ask, cases, needs, role, line, fault, hands, without_gaps, numbered, dies))
        return ask

    return keep


def scene(day: date, first_number: int = FIRST_NUMBER) -> Scene:
    """All patients of all behaviours, numbered from `first_number`."""
    number, patients = first_number, dict[str, tuple[Patient, ...]]()
    for each in BEHAVIOURS:
        patients[each.name] = tuple(patient(number + index, case) for index, case in enumerate(each.cases))
        number += len(each.cases)
    return Scene(day, patients)
