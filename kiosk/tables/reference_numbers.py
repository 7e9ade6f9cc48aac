"""Reference number (照会番号) ↔ patient number of the card, for sites that registered another id.

Owns the mapping table: a CSV `reference_number,patient_number`, or nothing, then both are the same. Must never guess,
never use half of a bad table, and never put a number into a message.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from kiosk.tables.table_file import BadRow, BadTable, TableFile, checked_number

MAX_ROWS: Final = 1_000_000
_COLUMNS: Final = ("reference_number", "patient_number")


class ReferenceNumbers:
    """The mapping in force. May be used from several threads. A changed file is read again at the next look-up."""

    def __init__(self, table: TableFile[Mapping[str, str]] | None) -> None:
        """Use `load`."""
        self._table = table

    @classmethod
    def load(cls, path: Path | None, clock: Callable[[], float] = time.monotonic) -> ReferenceNumbers:
        """Read the table at `path`; None: no mapping, every reference number is the patient number.

        Raises BadTable when the first table cannot be used: a kiosk must not start without the one it was given.
        `clock`: monotonic seconds.
        """
        if path is None:
            return cls(None)
        table = TableFile(path, _COLUMNS, _numbers, clock)
        table.load()
        return cls(table)

    def patient_number_for(self, reference: str) -> str | None:
        """The patient number of `reference`, None when the table does not have it. Never raises."""
        if self._table is None:
            return reference
        return self._numbers(self._table).get(reference.strip())

    def references_of(self, patient: str) -> tuple[str, ...]:
        """Every reference number that leads to the patient number `patient`. Never raises.

        Looks through the whole table (40 ms for a million rows): for an act of a person, not for every tap.
        """
        if self._table is None:
            return (patient,)
        wanted = patient.strip()
        return tuple(reference for reference, number in self._numbers(self._table).items() if number == wanted)

    def refresh(self) -> BadTable | None:
        """Read the file again if it changed. What is wrong with it; None when the table in force is the file's."""
        return self._table.refresh() if self._table else None

    def _numbers(self, table: TableFile[Mapping[str, str]]) -> Mapping[str, str]:
        table.refresh()
        return table.content or {}


def _numbers(rows: Iterator[tuple[str, ...]]) -> Mapping[str, str]:
    numbers: dict[str, str] = {}
    for row in rows:
        reference, patient = (checked_number(cell, column) for cell, column in zip(row, _COLUMNS, strict=True))
        if numbers.setdefault(reference, patient) != patient:
            raise BadRow("reference_numbers.ambiguous")
        if len(numbers) > MAX_ROWS:
            raise BadRow("table.many", count=MAX_ROWS)
    return numbers
