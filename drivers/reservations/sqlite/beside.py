"""Files beside the database that outlive it: the day's highest numbers, the arrivals, the imports, an unseen loss.

`reservations.number`: the highest reception number of the last days; `reservations.series`: of each other series.
`reservations-backup/arrivals-DAY.jsonl`: every arrival as it was committed with its receptions, every one that was
cancelled, and every order of which staff must know. `reservations.imports`: when each day was imported last,
and, after a loss, from when what we hold of it dates. `reservations.lost`: staff have not yet acknowledged that a
database was put aside.

Must never: be written without the exclusive lock (`reservations.lock`), but for the acknowledgement; be read by anybody
else (0600); lower a number. An OSError is the caller's to translate.
"""

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from drivers.durable import sync_folder, write_durably, write_whole

# Of the tables of appointments: `appointment`, `registered_appointment`, `walk_in`.
COLUMNS: Final = "day, patient_number, time, department, doctor, place, note"
CANCELLED_COLUMNS: Final = "day, number, patient_number, at, cancelled_at, reason"
RECEPTION_COLUMNS: Final = "day, line, of_system, place, number, at, department, key, entrance, series, counted"
CODE_COLUMNS: Final = (
    "day, patient_number, time, department, department_code, doctor_code, kind_code, kind, key, message"
)
BACKUP_FOLDER: Final = "reservations-backup"
_NUMBER: Final = "reservations.number"
_SERIES: Final = "reservations.series"
_IMPORTS: Final = "reservations.imports"
_LOST: Final = "reservations.lost"
_MOMENT: Final = "%Y%m%dT%H%M%S.%fZ"
# A clock that is set back a day must not cost the number of the day that was.
_DAYS_KEPT: Final = 3
# Far more than a day of any hospital; what is larger is not ours.
_BYTES_MAX: Final = 32 * 1024 * 1024


@dataclass(frozen=True)
class KeptLine:
    """What an arrival has besides: the attempt that made it; rows in the order of RECEPTION_COLUMNS, CODE_COLUMNS."""

    day: str
    line: int
    attempt: str
    receptions: tuple[tuple[str | int, ...], ...] = field(repr=False)
    codes: tuple[tuple[str, ...], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Kept:
    """An arrival as it was kept: `appointments` are rows in the order of COLUMNS, `walk_ins` some of them."""

    day: str
    patient_number: str = field(repr=False)
    number: int
    at: str
    appointments: tuple[tuple[str, ...], ...] = field(repr=False)
    walk_ins: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    line: KeptLine | None = None


@dataclass(frozen=True)
class KeptCancelled:
    """An arrival that was cancelled, as it was kept: the fields in the order of CANCELLED_COLUMNS."""

    day: str
    number: int
    patient_number: str = field(repr=False)
    at: str
    cancelled_at: str
    reason: str = field(repr=False)

    def values(self) -> tuple[str, int, str, str, str, str]:
        """The row of the table."""
        return self.day, self.number, self.patient_number, self.at, self.cancelled_at, self.reason


class Beside:
    """The files beside one database."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self.backups = data_dir / BACKUP_FOLDER

    def traces(self) -> bool:
        """Whether there has been a database here before."""
        return any((self._data_dir / name).exists() for name in (_NUMBER, _IMPORTS, _LOST, BACKUP_FOLDER))

    # --- the day's highest number ------------------------------------------------------------------------------------

    def number(self, day: date) -> int:
        """The highest number that may have been issued on `day`; 0: none is known."""
        return _whole(_read(self._data_dir / _NUMBER).get(day.isoformat()))

    def keep_number(self, day: date, number: int) -> None:
        """Before the number is issued, for whoever reads it. After a power cut its arrival knows it, which was made
        durable before: so nobody waits for the disk here.
        """
        known = _read(self._data_dir / _NUMBER)
        if day.isoformat() in known and _whole(known[day.isoformat()]) >= number:
            return
        numbers = {**known, day.isoformat(): number}
        kept = {each: numbers[each] for each in sorted(numbers)[-_DAYS_KEPT:]} | {day.isoformat(): number}
        write_whole(self._data_dir / _NUMBER, json.dumps(kept).encode())

    def series(self, day: date) -> dict[str, int]:
        """The same for the other series."""
        counted = _part(_read(self._data_dir / _SERIES), day.isoformat())
        return {series: _whole(number) for series, number in counted.items()}

    def keep_series(self, day: date, counted: Mapping[str, int]) -> None:
        """As `keep_number`."""
        known, on = _read(self._data_dir / _SERIES), day.isoformat()
        numbers = self.series(day)
        higher = {series: number for series, number in counted.items() if number > numbers.get(series, 0)}
        if higher:
            recent = {each: known[each] for each in sorted(known)[-_DAYS_KEPT:]}
            write_whole(self._data_dir / _SERIES, json.dumps({**recent, on: numbers | higher}).encode())

    # --- arrivals -----------------------------------------------------------------------------------------------------

    def keep_arrivals(self, day: str, arrivals: Iterable[Kept]) -> None:
        """Append; the same arrival may be there more than once."""
        records: list[list[object] | dict[str, object]] = []
        for each in arrivals:
            records.append([each.patient_number, each.number, each.at, each.appointments])
            if each.walk_ins:
                records.append({"walk_ins": each.walk_ins})
            if each.line:
                more = {"by": each.line.attempt, "receptions": each.line.receptions, "codes": each.line.codes}
                records.append({"line": each.line.line, **more})
        self._append(day, records)

    def keep_cancelled(self, day: str, cancelled: Iterable[KeptCancelled]) -> None:
        """Append; the same one may be there more than once."""
        self._append(
            day,
            [
                {"cancelled": [each.number, each.patient_number, each.at], "at": each.cancelled_at, "why": each.reason}
                for each in cancelled
            ],
        )

    def keep_unsettled(self, day: str, attempt: str, since: str, content: str | None) -> None:
        """Append that the order of `attempt` is on the list of staff (`content`: as the table has it), or no more."""
        self._append(day, [{"unsettled": attempt, "since": since, "content": content}])

    def _append(self, day: str, records: list[list[object] | dict[str, object]]) -> None:
        """An arrival is a list of four: a program of the version before passes over whatever else stands there."""
        if not records:
            return
        made = not self.backups.is_dir()
        self.backups.mkdir(mode=0o700, exist_ok=True)
        path = self.backups / f"arrivals-{day}.jsonl"
        new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "ab") as out:
            size = os.fstat(descriptor).st_size
            # A power cut may have left half a line; ours must not become part of it.
            broken = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            lines = "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records)
            out.write((b"\n" if broken else b"") + lines.encode())
            out.flush()
            os.fdatasync(descriptor)
        if new:
            sync_folder(self.backups)
        if made:
            sync_folder(self._data_dir)

    def arrivals_since(self, first: str) -> Iterator[Kept]:
        """Every arrival that was kept for `first` and later days, later cancelled or not; what cannot be read is passed
        over.
        """
        for day, record in self._since(first):
            with suppress(ValueError, TypeError, KeyError):
                number, reception, at, appointments = record
                yield Kept(day, str(number), int(reception), str(at), _rows(appointments))

    def walk_ins_since(self, first: str) -> Iterator[tuple[str, ...]]:
        """The row of every walk-in that was kept, likewise."""
        for _, record in self._since(first):
            with suppress(ValueError, TypeError, KeyError):
                yield from _rows(record["walk_ins"])

    def lines_since(self, first: str) -> Iterator[KeptLine]:
        """What was kept of arrivals besides, likewise."""
        for day, record in self._since(first):
            with suppress(ValueError, TypeError, KeyError):
                receptions = tuple(tuple(row) for row in record["receptions"])
                yield KeptLine(day, int(record["line"]), str(record["by"]), receptions, _rows(record["codes"]))

    def unsettled_since(self, first: str) -> list[tuple[str, str, str, str | None]]:
        """The rows of the list of staff, as they were kept last, likewise. Without content: it was dealt with."""
        listed = {}
        for day, record in self._since(first):
            with suppress(ValueError, TypeError, KeyError):
                attempt, since, content = str(record["unsettled"]), str(record["since"]), record["content"]
                listed[day, attempt] = day, attempt, since, content
        return list(listed.values())

    def cancelled_since(self, first: str) -> Iterator[KeptCancelled]:
        """Every arrival that was cancelled, likewise."""
        for day, record in self._since(first):
            with suppress(ValueError, TypeError, KeyError):
                number, patient_number, at = record["cancelled"]
                cancelled_at, why = str(record["at"]), str(record["why"])
                yield KeptCancelled(day, int(number), str(patient_number), str(at), cancelled_at, why)

    def _since(self, first: str) -> Iterator[tuple[str, Any]]:
        for path in sorted(self.backups.glob("arrivals-????-??-??.jsonl")):
            day = path.stem.removeprefix("arrivals-")
            if day < first:
                continue
            with suppress(OSError):
                for line in _content(path).splitlines():
                    with suppress(ValueError):
                        yield day, json.loads(line)

    def forget_arrivals(self, before: date) -> None:
        """Delete what was kept of days before `before`."""
        for path in self.backups.glob("arrivals-????-??-??.jsonl"):
            if path.stem.removeprefix("arrivals-") < before.isoformat():
                path.unlink(missing_ok=True)

    # --- imports ------------------------------------------------------------------------------------------------------

    def begin_imports(self, now: datetime) -> None:
        """From now on it is known when a day was imported; for one before, `now` stands. Puts right what a clock that
        was ahead has noted.
        """
        known = self._imports() or {"days": {}}
        right = {"begun": moment(now)} | _not_ahead(known, moment(now))
        if right != known:
            self._write_imports(right)

    def begun(self) -> datetime | None:
        """When `begin_imports` was called first."""
        with suppress(ValueError):
            return datetime.strptime(str((self._imports() or {}).get("begun")), _MOMENT).replace(tzinfo=UTC)
        return None

    def importing(self, days: Iterable[date], now: datetime) -> None:
        """An import of `days` is about to be committed."""
        known = self._imports() or {"begun": moment(now), "days": {}}
        # What is past is forgotten; "" stands for every day that is not named.
        recent = (now - timedelta(days=_DAYS_KEPT)).date().isoformat()
        for key in {"days", "have"} & known.keys():
            kept = {day: at for day, at in _part(known, key).items() if day >= recent or not day}
            if key == "days":
                # To a clock that is ahead today is past: for what it forgets this stands.
                gone = (_text(at) for day, at in _part(known, key).items() if day not in kept)
                known["forgotten"] = max((_text(known.get("forgotten")), *gone))
            known[key] = kept
        last = _part(known, "days") | {day.isoformat(): moment(now) for day in days}
        self._write_imports({**known, "days": last})

    def imported(self, days: Iterable[date], as_of: datetime) -> None:
        """After a loss: what we hold of `days` is from `as_of`. Without a loss there is nothing to note."""
        known = self._imports()
        if known and "have" in known:
            have = _part(known, "have") | {day.isoformat(): moment(as_of) for day in days}
            self._write_imports({**known, "have": have})

    def note_rebuilt(self, as_of: datetime | None, today: date) -> None:
        """The database is about to be replaced by one that dates from `as_of` (None: unknown, or an empty one); exports
        are due.
        """
        known = self._imports() or {"days": {}}
        have = {"": moment(as_of) if as_of else ""}
        self._write_imports({**known, "have": have, "exports_due": 2, "rebuilt": today.isoformat()})

    def is_rebuilt(self, day: date) -> bool:
        """Whether the database may lack what was begun on `day` and never ended: it was replaced then, or later."""
        return _text((self._imports() or {}).get("rebuilt")) >= day.isoformat()

    def held_since(self, day: date) -> str | None:
        """After a loss: from when what we hold of `day` is ("": nothing is held). None: there was no loss."""
        have = _part(self._imports() or {}, "have")
        return str(have.get(day.isoformat(), have.get("", ""))) if have else None

    def is_sure(self, day: date) -> bool:
        """Whether what we hold of `day` is all that was ever imported of it, so that who is not in it has nothing.

        Always, until a database is lost. Then: no import of the day is known that is newer than what we hold of it. A
        backup of the night is not enough when an export came in the morning; an export in `done/` that was the day's
        last, or any import after the loss, is.
        """
        known = self._imports()
        if not known or "have" not in known:
            return True
        last = _part(known, "days").get(day.isoformat(), known.get("begun"))
        if isinstance(last, str) and day.isoformat() not in _part(known, "days"):
            last = max(last, _text(known.get("forgotten")))
        held = self.held_since(day)
        return isinstance(last, str) and bool(held) and str(held) >= last

    def take_exports_due(self) -> bool:
        """Whether exports are to be read again after a loss. Counts: what kills us twice is not tried a third time."""
        known = self._imports() or {}
        left = _whole(known.get("exports_due"))
        if left:
            self._write_imports({**known, "exports_due": left - 1})
        return left > 0

    def exports_done(self) -> None:
        known = self._imports()
        if known:
            self._write_imports({key: value for key, value in known.items() if key != "exports_due"})

    def _imports(self) -> dict[str, Any] | None:
        """None: nothing was written yet. What cannot be read counts as a loss of which nothing is known."""
        path = self._data_dir / _IMPORTS
        return (_read(path) or {"days": {}, "have": {"": ""}}) if path.exists() else None

    def _write_imports(self, content: dict[str, Any]) -> None:
        write_durably(self._data_dir / _IMPORTS, json.dumps(content).encode())

    # --- a loss -------------------------------------------------------------------------------------------------------

    def lost(self, what: str) -> None:
        """A database was put aside automatically; staff are notified until they acknowledge it."""
        write_durably(self._data_dir / _LOST, json.dumps({"what": what}).encode())

    def loss(self) -> str | None:
        """What was lost and is not yet acknowledged."""
        path = self._data_dir / _LOST
        if not os.access(path, os.F_OK):  # False as well where this user may not look
            return None
        what = _read(path).get("what")
        return what if isinstance(what, str) else "a database was put aside"


def acknowledge(data_dir: Path) -> None:
    """Staff acknowledge the loss."""
    with suppress(OSError):
        (data_dir / _LOST).unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(_content(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _content(path: Path) -> bytes:
    """Of a plain file: root asks too (`kiosk status`), and a FIFO in its place would keep everybody for ever. Raises
    OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path.name} is not a file")
        return file.read(_BYTES_MAX)


def _not_ahead(known: dict[str, Any], now: str) -> dict[str, Any]:
    """What is noted of imports, without moments that are still to come: it was at `now` or before. What we hold is from
    then only if it is from such an import; else nobody knows from when it is.
    """
    days, have = _part(known, "days"), _part(known, "have")
    ahead = {day for day, at in days.items() if _text(at) > now}
    right: dict[str, Any] = {key: min(known[key], now) for key in ("begun", "forgotten") if _text(known.get(key))}
    right["days"] = {day: min(_text(at), now) for day, at in days.items()}
    if have:
        right["have"] = {
            day: at if _text(at) <= now else now if day in ahead else ""  # what was imported by that clock
            for day, at in have.items()
        }
    return {**known, **right}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _part(read: dict[str, Any], key: str) -> dict[str, Any]:
    part = read.get(key)
    return part if isinstance(part, dict) else {}


def _rows(rows: Iterable[Iterable[object]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(map(str, row)) for row in rows)


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def moment(at: datetime) -> str:
    """How moments (UTC) are written here, so that their texts compare as they do."""
    return at.strftime(_MOMENT)
