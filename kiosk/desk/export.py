"""Accepted subsidy certificates as CSV files in a folder, for receipt computers that cannot take PMH results.

`subsidies_<yyyyMMdd><NNNN>.csv`: one file for each certificate that staff accepted; UTF-8 with a byte-order mark, every
cell quoted, CRLF; one line for each value of the certificate:

    patient_number   of the card, as accepted
    accepted         local time, 2026-01-15T09:00:00
    certificate      its name on the page, "" where the file has none
    group            転記項目 · 券面項目 · その他
    item, tag        label of the row on the page, and its name in the file
    line             1, or more where the item stands there several times
    name, value      label of the value within the item, "" for the item's own; what the file says, not changed

A last line 他 n 件 says that the certificate has n values more than the page and the file take.

Names of files say nothing of a patient. A file appears whole, once, and is never looked at again. The values are
another system's: who opens such a file in a spreadsheet program imports it as text.
"""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Final

from drivers.share import Share, ShareError
from kiosk.desk.outgoing import OutgoingFiles, Sender
from kiosk.process.database import Database
from kiosk.process.sealing import Seals
from kiosk.results.pmh_names import Group
from kiosk.results.subsidies import Certificate
from kiosk.words.problems import Problem

COLUMNS: Final = (
    "patient_number", "accepted", "certificate", "group", "item", "tag", "line", "name", "value",
)  # fmt: skip
_GROUPS: Final[dict[Group, str]] = {"transfer": "転記項目", "face": "券面項目", "other": "その他"}


def to_csv(number: str, certificate: Certificate, at: datetime) -> bytes:
    """The file for one certificate. `number`: of the patient's card; `at`: the site's local time."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(number, certificate, at))
    return text.getvalue().encode("utf-8-sig")


def _rows(number: str, certificate: Certificate, at: datetime) -> Iterator[tuple[str | int, ...]]:
    same = (number, f"{at:%Y-%m-%dT%H:%M:%S}", certificate.by_role("certificate_name"))
    for item in certificate.items:
        for line, leaves in enumerate(item.lines, start=1):
            for leaf in leaves:
                yield *same, _GROUPS[item.group], item.label, item.name, line, leaf.label, leaf.value
    if certificate.more:
        yield *same, _GROUPS["other"], f"他 {certificate.more} 件", "", 1, "", ""


class Exports:
    """`store` from any thread; `advance` from one. `clock`: the site's local time.

    `accepted`: where certificates are accepted: one and its row are there together, or neither is. From there a row
    goes into `file`, `registrations.db`, where the version before looks for all of them.
    """

    def __init__(
        self, accepted: Database, file: Database, seals: Seals, folder: Share, clock: Callable[[], datetime]
    ) -> None:
        self._accepted, self._file = accepted, file
        self._files = OutgoingFiles(file, seals)
        self._clock = clock
        # No other program's name is taken: each of ours is new, and a rename never replaces.
        self._sender = Sender(
            self._files, "exports", folder, export_file, lambda _name: False, lambda: self._clock().timestamp()
        )
        # What is wrong with the folder; None while it is not.
        self.trouble: Problem | None = None

    def store(self, number: str, certificate: Certificate, db: sqlite3.Connection) -> None:
        """A certificate is accepted in the transaction of `db`; it is written whenever the folder can be reached.

        Raises sqlite3.Error.
        """
        row = self._files.sealed(to_csv(number, certificate, self._clock()))
        db.execute("INSERT INTO export (token, content) VALUES (?, ?)", row)

    @property
    def waiting(self) -> int:
        """Files that could not be put yet."""
        [(accepted,)] = self._accepted.rows("SELECT count(*) FROM export")
        return int(accepted) + len(self._files.waiting("exports"))

    def advance(self) -> bool:
        """Put what waits. True: something was put. Ends within the share's deadlines."""
        try:
            self._take_over()
            changed = self._sender.advance()
            self.trouble = None
        except ShareError as error:
            self.trouble = Problem("registrations.exports", {"what": str(error)})
        except (sqlite3.Error, ValueError) as error:  # ValueError: the day has no number left
            self.trouble = Problem("registrations.store", {"what": type(error).__name__})
        else:
            return changed
        return False

    def _take_over(self) -> None:
        """What was accepted gets the day and number of its file: once, by its token, wherever this is broken off."""
        for row, token, sealed in self._accepted.rows("SELECT id, token, content FROM export ORDER BY id"):
            with self._file.writing() as db:
                if not db.execute("SELECT 1 FROM outgoing WHERE token = ?", (token,)).fetchone():
                    self._files.add(db, "exports", f"{self._clock():%Y%m%d}", token, sealed)
            self._accepted.write("DELETE FROM export WHERE id = ?", row)

    def forget(self, before: date) -> None:
        """Delete the rows of files that were put before that day; the files are the receiver's."""
        self._file.write(
            "DELETE FROM outgoing WHERE series = 'exports' AND state IN ('put', 'stopped') AND day < ?",
            f"{before:%Y%m%d}",
        )


def export_file(day: str, number: int) -> str:
    """The name of a file. `day`: yyyyMMdd; `number`: 1–9999 of that day."""
    return f"subsidies_{day}{number:04d}.csv"
