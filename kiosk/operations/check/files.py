"""What lies on the kiosk's own disk: settings, secrets, data, appointments, the table of numbers, the alarm program.

Owns the questions about owners, rights and contents. Must never make a file: a check run as root would leave files that
the kiosk's own user cannot open. Never shows what is inside.
"""

from __future__ import annotations

import os
import pwd
import stat
import time
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Final

from drivers.reservations import Trouble
from drivers.reservations.opening import open_embedded
from drivers.reservations.sqlite.beside import Beside
from kiosk.config import Config
from kiosk.operations.check.finding import Finding, Findings, ng, ok, skip
from kiosk.operations.check.machine import nearest
from kiosk.process import locks
from kiosk.process.data_folder import DataFolder
from kiosk.tables.reference_numbers import ReferenceNumbers
from kiosk.tables.table_file import BadTable
from kiosk.words.problems import Problem, word

_ANSWER_S: Final = 20.0

APPOINTMENT_CODES = ("reservations", "appointments_today", "import_dir")


def site_toml(file: Path) -> Finding:
    """A loaded site.toml; it decides where patients' files go, so nobody else may write it."""
    mode = file.stat().st_mode
    if mode & 0o002:
        return ng("site_toml", "message.others_may_write", "do.take_write_right", file=str(file))
    return ok("site_toml", "message.site_toml_read", file=str(file))


def broken_site_toml(problems: Iterable[Problem]) -> Iterator[Finding]:
    """A finding for each problem of a site.toml that cannot be used."""
    for problem in problems:
        why = word(problem, "config", "ja")
        yield ng("site_toml", "message.site_toml_wrong", "do.mend_site_toml", problem=why)


def secrets(config: Config) -> Finding:
    """The password files in use. Modes were checked when they were loaded; a stranger may own one all the same."""
    code = "secrets"
    tables = (config.terminal, config.receipt_computer)
    names = dict.fromkeys(table.password_file for table in tables if table is not None and table.password is not None)
    files = [config.file.parent / name for name in names] + list(_secrets_of_systems(config))
    if not files:
        return skip(code, "message.no_secrets")
    homes = (config.site.data_dir, config.courier_dir, config.his_dir)
    trusted = {0, os.geteuid()}.union(*(_owner(home) for home in homes))
    for file in files:
        # A systemd credential needs no file beside site.toml.
        if (owner := _owner(file)) and not owner <= trusted:
            return ng(code, "message.owner", "do.change_owner", path=str(file), user=_user(*owner))
        if owner and stat.S_IMODE(file.stat().st_mode) & 0o077:
            return ng(code, "message.others_may_read", "do.take_read_right", file=str(file))
    return ok(code, "message.secrets", count=len(files))


def _secrets_of_systems(config: Config) -> Iterator[Path]:
    """Those that are there: one that is missing is said where the system is looked at."""
    names = (
        config.his.password_file if config.his.url else "",
        "" if config.reservations.is_embedded else config.reservations.password_file_of_book,
    )
    yield from (config.file.parent / name for name in names if name and (config.file.parent / name).exists())


def data_dir(folder: Path) -> Finding:
    """The data folder, or the place where it will be made."""
    code, path = "data_dir", str(folder)
    try:
        found = folder.stat()
    except FileNotFoundError:
        above = nearest(folder)
        if os.access(above, os.W_OK | os.X_OK):
            return ok(code, "message.data_dir_to_come", "do.nothing_yet", path=path)
        return ng(code, "message.data_dir_missing", "do.make_data_dir", path=path)
    except OSError as error:
        return ng(code, "message.data_dir_unseen", "do.run_as_kiosk", path=path, why=str(error.strerror))
    if not stat.S_ISDIR(found.st_mode):
        return ng(code, "message.no_folder", "do.mend_data_dir", path=path)
    mode, user = stat.S_IMODE(found.st_mode), _user(found.st_uid)
    if mode & 0o077:
        return ng(code, "message.data_dir_open", "do.close_data_dir", path=path, mode=mode)
    if os.geteuid() not in (0, found.st_uid):
        return ng(code, "message.owner", "do.run_as_owner", path=path, user=user)
    return ok(code, "message.data_dir", path=path, user=user, mode=mode)


def appointments(config: Config) -> Findings:
    """`APPOINTMENT_CODES`."""
    folder, today = config.site.data_dir, datetime.now(config.site.zone).date()
    if not config.reservations.is_embedded:
        yield skip("reservations", "message.appointments_on_server")
        yield skip("appointments_today", "message.appointments_on_server")
    elif os.access(folder, os.F_OK) and not os.access(folder, os.R_OK | os.X_OK):
        yield skip("reservations", "message.may_not_look", "do.run_as_kiosk", path=str(folder))
        yield skip("appointments_today", "message.reservations_unseen")
    # Asking a database that is not there would make one, unless there was one before.
    elif not os.access(DataFolder(folder).reservations, os.F_OK) and not Beside(folder).traces():
        if config.his.url:
            yield skip("reservations", "message.nothing_registered")
            yield skip("appointments_today", "message.appointments_of_his")
        else:
            yield skip("reservations", "message.nothing_imported", "do.import_appointments")
            yield skip("appointments_today", "message.nothing_imported")
    else:
        answer = open_embedded(folder).count(today, time.monotonic() + _ANSWER_S)
        if isinstance(answer, Trouble):
            yield ng("reservations", "message.reservations_down", "do.restore_reservations", why=answer.what)
            yield skip("appointments_today", "message.reservations_unseen")
        else:
            yield ok("reservations", "message.reservations")
            yield _appointments_today(config, today, answer.appointments)
    yield _import_dir(config.reservations.import_dir)


def _appointments_today(config: Config, today: date, count: int) -> Finding:
    if config.his.url:
        return skip("appointments_today", "message.appointments_of_his")
    hint = "do.closed_today" if config.closed_on(today) else "do.check_import"
    return ok("appointments_today", "message.appointments", "" if count else hint, day=today.isoformat(), count=count)


def _import_dir(folder: Path | None) -> Finding:
    code = "import_dir"
    if folder is None:
        return skip(code, "message.not_set")
    path = str(folder)
    if not folder.is_dir():
        return ng(code, "message.import_dir_missing", "do.make_import_dir", path=path)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return ng(code, "message.import_dir_not_writable", "do.give_import_dir_rights", path=path)
    return ok(code, "message.import_dir", path=path)


def reference_numbers(table: Path | None) -> Finding:
    """The table of reference numbers."""
    code = "reference_numbers"
    if table is None:
        return skip(code, "message.no_reference_numbers")
    try:
        ReferenceNumbers.load(table)
    except BadTable as bad:
        return ng(code, "message.reference_numbers_bad", "do.mend_reference_numbers", why=str(bad))
    return ok(code, "message.reference_numbers")


def alarm(command: tuple[str, ...]) -> Finding:
    """The alarm program; it is not run."""
    code = "alarm"
    if not command:
        return skip(code, "message.not_set", "do.set_alarm")
    program = Path(command[0])
    if program.is_file() and os.access(program, os.X_OK):
        return ok(code, "message.alarm", program=str(program))
    return ng(code, "message.alarm_not_there", "do.check_alarm", program=str(program))


def running(config: Config) -> Findings:
    """Whether courier and reception run now. Not running is no fault: at installation they are started later."""
    if config.receipt_computer is None:
        yield skip("courier_running", "message.not_set")
    elif locks.is_held(config.courier_dir, "courier"):
        yield ok("courier_running", "message.courier_runs", "do.more_in_status")
    else:
        yield skip("courier_running", "message.courier_stopped", "do.start_service", unit="kiosk-courier")
    if config.printer is None:
        yield skip("reception_running", "message.not_set")
    elif locks.is_held(config.site.data_dir, "run"):
        yield ok("reception_running", "message.reception_runs", "do.more_in_status")
    else:
        yield skip("reception_running", "message.reception_stopped", "do.start_service", unit="kiosk")


def _owner(path: Path) -> set[int]:
    try:
        return {path.stat().st_uid}
    except OSError:
        return set()


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
