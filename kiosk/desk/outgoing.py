"""Files that the desk puts into folders of others, each at most once: requests to register a number, accepted items.

Every step has an earlier durable row: stored → prepared → put. The content is written under a temporary name while it
is `stored`, and written again from the start if that was broken off; from `prepared` on it is only renamed. A rename
happens once: the temporary file is there, then it was not put; it is gone, then it was. What nobody can tell (somebody
else took the temporary file away) counts as put. Must never make the content a second time once it is `prepared`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal
from uuid import uuid4

from drivers.share import Exists, Missing, Share
from kiosk.process.database import Database
from kiosk.process.sealing import Seals, Unsealable

NUMBERS_A_DAY: Final = 9999

Series = Literal["requests", "exports"]
State = Literal["stored", "prepared", "put", "stopped"]


@dataclass(frozen=True)
class Outgoing:
    """One file. `day` (yyyyMMdd) and `number` make its name; `stop`: why it is not wanted any more, "" while it is."""

    id: int
    series: Series
    day: str
    number: int
    state: State
    temp: str
    stop: str
    token: str


_COLUMNS = "id, series, day, number, state, temp, stop, token"


class OutgoingFiles:
    """The durable rows. Any thread."""

    def __init__(self, file: Database, seals: Seals) -> None:
        self.file = file
        self._seals = seals

    def store(self, db: sqlite3.Connection, series: Series, day: str, content: bytes) -> int:
        """A file that is wanted, within the transaction of `db`; its id. ValueError: the day has no number left."""
        return self.add(db, series, day, *self.sealed(content))

    def sealed(self, content: bytes) -> tuple[str, bytes]:
        """A new token, and the content sealed about it; for `add`."""
        token = uuid4().hex
        return token, self._seals.seal(content, token.encode())

    def add(self, db: sqlite3.Connection, series: Series, day: str, token: str, sealed: bytes) -> int:
        """As `store`, of what is sealed already."""
        cursor = db.execute(
            "INSERT INTO outgoing (series, day, number, state, token, content) VALUES (?, ?, ?, 'stored', ?, ?)",
            (series, day, _next_number(db, series, day), token, sealed),
        )
        return cursor.lastrowid or 0

    def waiting(self, series: Series) -> list[Outgoing]:
        """Not put yet, oldest first."""
        query = f"SELECT {_COLUMNS} FROM outgoing WHERE state IN ('stored', 'prepared') AND series = ? ORDER BY id"  # noqa: S608 - this module's text
        return [Outgoing(*row) for row in self.file.rows(query, series)]

    def item(self, file: int) -> Outgoing:
        return Outgoing(*self.file.rows(f"SELECT {_COLUMNS} FROM outgoing WHERE id = ?", file)[0])  # noqa: S608 - as above

    def content(self, item: Outgoing) -> bytes:
        """Raises Unsealable."""
        sealed = self.file.rows("SELECT content FROM outgoing WHERE id = ?", item.id)[0][0]
        return self._seals.open(sealed, item.token.encode())

    def stop(self, file: int, why: str) -> bool:
        """It is not wanted any more. False: it was put or stopped already."""
        changed = self.file.write(
            "UPDATE outgoing SET stop = ? WHERE id = ? AND state IN ('stored', 'prepared')", why, file
        )
        return changed > 0

    def set_temp(self, item: Outgoing, temp: str) -> None:
        self.file.write("UPDATE outgoing SET temp = ? WHERE id = ?", temp, item.id)

    def set_state(self, item: Outgoing, state: State, at: float | None = None) -> None:
        """Put and stopped: the content is forgotten. `at`: when it was put, seconds since the epoch."""
        with self.file.writing() as db:
            db.execute("UPDATE outgoing SET state = ?, put_at = ? WHERE id = ?", (state, at, item.id))
            if state in ("put", "stopped"):
                db.execute("UPDATE outgoing SET content = x'' WHERE id = ?", (item.id,))

    def renumber(self, item: Outgoing) -> None:
        """Another name, because somebody else has this one. ValueError as for `store`."""
        with self.file.writing() as db:
            number = _next_number(db, item.series, item.day)
            db.execute("UPDATE outgoing SET number = ? WHERE id = ?", (number, item.id))


def _next_number(db: sqlite3.Connection, series: Series, day: str) -> int:
    query = "SELECT coalesce(max(number), 0) + 1 FROM outgoing WHERE series = ? AND day = ?"
    number = int(db.execute(query, (series, day)).fetchone()[0])
    if number > NUMBERS_A_DAY:
        raise ValueError("no number is left for this day")
    return number


@dataclass
class Sender:
    """Puts the files of one series into `folder`. For one thread.

    `name`: of a file, from day and number. `taken`: a name is in use elsewhere. `clock`: seconds since the epoch.
    """

    files: OutgoingFiles
    series: Series
    folder: Share
    name: Callable[[str, int], str]
    taken: Callable[[str], bool]
    clock: Callable[[], float]

    def advance(self) -> bool:
        """Bring every waiting file as far as it goes. True: one was put or stopped. Raises ShareError."""
        return any([self._bring(item) for item in self.files.waiting(self.series)])

    def _bring(self, item: Outgoing) -> bool:
        if item.state == "stored" and not self._prepare(item):
            return self._end(item, "stopped")
        item = self.files.item(item.id)
        if item.stop:
            with suppress(Missing):
                self.folder.remove(item.temp)
                return self._end(item, "stopped")
            return self._is_gone(item) and self._end(item, "put")
        while True:
            try:
                if not self.taken(self.name(item.day, item.number)):
                    self.folder.rename_new(item.temp, self.name(item.day, item.number))
                    return self._end(item, "put")
            except Missing:
                return self._is_gone(item) and self._end(item, "put")
            except Exists:
                pass
            if self._is_gone(item):  # the name is in use by this very file or its answer: it was put before
                return self._end(item, "put")
            self.files.renumber(item)
            item = self.files.item(item.id)

    def _prepare(self, item: Outgoing) -> bool:
        """Write the content under a temporary name. False: it is not wanted or cannot be opened; nothing lies there."""
        if item.temp:
            with suppress(Missing):
                self.folder.remove(item.temp)
        if item.stop:
            return False
        try:
            content = self.files.content(item)
        except Unsealable:
            self.files.stop(item.id, "key")
            return False
        temp = f".desk-{uuid4().hex}.tmp"
        self.files.set_temp(item, temp)
        self.folder.put(temp, [content])
        self.files.set_state(item, "prepared")
        return True

    def _is_gone(self, item: Outgoing) -> bool:
        """Only a folder that can be listed proves that the file is gone, not the folder with it."""
        return not self.folder.entries(item.temp)

    def _end(self, item: Outgoing, state: State) -> bool:
        self.files.set_state(item, state, self.clock() if state == "put" else None)
        return True
