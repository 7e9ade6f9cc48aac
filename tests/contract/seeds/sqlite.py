"""The suite's appointments as an export, for books that hold the day's appointments themselves."""

from __future__ import annotations

from datetime import date

from drivers import reservations as rs
from drivers.reservations import csv_file
from drivers.reservations.adapter import Settings
from drivers.reservations.opening import open_book
from tests.contract.scene import Scene
from tests.contract.subject import Peer, until


def export(scene: Scene) -> bytes:
    """Every appointment of the scene, as CSV."""
    lines = ["patient_number,date,time,department,doctor,place"]
    for patient in scene.patients:
        lines += [
            f"{patient.number},{scene.date_of(due)},{due.time:%H:%M},{due.department.name},{due.doctor.name},"
            for due in patient.case.due
        ]
    return "\n".join(lines).encode()


def seed(scene: Scene, url: str, settings: Settings) -> Peer:
    """Import all of it. What is registered is asked of the book itself, by a connection of its own."""
    book = open_book(url, settings)
    book.import_rows(csv_file.read(export(scene)))

    def registered(patient_number: str, day: date) -> int:
        answer = book.entries(day, until(10))
        assert isinstance(answer, rs.Register), answer
        mine = [each for each in answer.entries if each.patient_number == patient_number and not each.cancelled]
        return sum(len(each.receptions) for each in mine)

    return Peer(registered)
