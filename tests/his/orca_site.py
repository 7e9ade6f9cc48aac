"""A whole kiosk, as processes, whose hospital has a (simulated) ORCA."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path

from drivers.simulated.orca import Patient, SimulatedOrca
from tests.hospital import Hospital, Line, Reception, today, wait_until

# Made-up people. Codes of the simulator's own tables.
PATIENT = "00012"
IN_TWO, BESIDES = "01", "26"


@dataclass
class OrcaSite:
    """`hospital`: the kiosk's; `orca`: the hospital's system."""

    hospital: Hospital
    orca: SimulatedOrca

    def patient(self, number: str, *departments: str, day: date | None = None) -> None:
        """Somebody with appointments at nine, eleven and one."""
        born = date(1940, 1, 1) + timedelta(days=int(number))
        self.orca.hospital.add(Patient(number, "架空　花子", "カクウ　ハナコ", born))
        for hour, department in zip((9, 11, 13), departments, strict=False):
            self.orca.hospital.book(number, day or today(), time(hour), department, "10001", note="職員だけのメモ")

    def receptions(self, number: str) -> list[str]:
        """The departments in which ORCA has the patient registered today."""
        return [each.department for each in self.orca.hospital.receptions_of(today(), number)]

    def insert(self, reception: Reception, number: str, *ends: str) -> Line:
        """Somebody puts the card in; the page that the visit ends with, closed again."""
        assert self.hospital.cards is not None
        reception.until("choose_card")
        self.hospital.cards.insert(number)
        line = reception.until(*(ends or ("done", "already", "counter", "custody")))
        while "close" not in line["buttons"]:  # the slip is being printed
            line = reception.until(line["screen"])
        reception.press("close")
        return line


@contextmanager
def orca_site(root: Path, his: dict[str, str] | None = None, **tables: dict[str, str]) -> Iterator[OrcaSite]:
    """`his`: keys of [his] besides url."""
    with SimulatedOrca() as orca:
        keys = {"url": f'"{orca.url}"', "password_file": '"his.secret"', "doctor": '"10001"', **(his or {})}
        secret = root / "his.secret"
        secret.write_text(orca.password + "\n")
        secret.chmod(0o600)
        with Hospital(root, card_reader=True, settings={"his": keys, **tables}) as hospital:
            yield OrcaSite(hospital, orca)


def opened(site: OrcaSite) -> Reception:
    """A reception whose gate answers; its first page is still to be read."""
    reception = site.hospital.open()
    wait_until(lambda: (site.hospital.data_dir / "his.sock").exists(), "the gate")
    return reception
