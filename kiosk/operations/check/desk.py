"""The reception desk: its certificate, printer, folders, patients' table, and whom it asks.

Owns the questions that `kiosk check` has about [desk]. Must never print a page, put a file anywhere, or open what the
desk's own user must own.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from drivers.page_printer import NotReady, Reason, open_page_printer
from drivers.reservations import Trouble
from drivers.reservations.over_socket import SocketReservations
from drivers.share import LogonGate
from kiosk.config import Config, ConfigError, password, tls
from kiosk.config.desk_model import Desk
from kiosk.desk import certificate as certificates
from kiosk.desk import desk_status
from kiosk.desk.patients import Patients
from kiosk.operations.check import shares
from kiosk.operations.check.finding import Finding, ng, ok, skip
from kiosk.operations.check.shares import Open, Role
from kiosk.process.courier_line import ask_once
from kiosk.words.problems import in_japanese, word

SHARES: Final = ("requests", "answers", "export")
_WARN_BEFORE: Final = timedelta(days=30)
_ANSWER_S: Final = 5.0

_PRINTER_NG: Final[dict[Reason, tuple[str, str]]] = {
    "printer_offline": ("cause.printer_offline", "do.check_desk_printer"),
    "printer_silent": ("cause.printer_silent", "do.restart_desk_printer"),
    "printer_refused": ("cause.page_refused", "do.check_desk_printer"),
    "printer_busy": ("cause.page_busy", "do.look_at_desk_printer"),
    "printer_stopped": ("cause.page_stopped", "do.look_at_desk_printer"),
    "printer_stalled": ("cause.printer_stalled", "do.look_at_desk_printer"),
    "paper_out": ("cause.paper_out", "do.load_paper"),
    "paper_jam": ("cause.page_jam", "do.look_at_desk_printer"),
    "cover_open": ("cause.cover_open", "do.close_cover"),
    "toner_out": ("cause.page_toner", "do.look_at_desk_printer"),
    "folder_unwritable": ("cause.page_folder", "do.check_desk_printer"),
}


def certificate(config: Config, now: datetime) -> Finding:
    """The certificate belongs to its key, and is valid now and for a while."""
    code = "desk_certificate"
    try:
        files = tls(config)
    except ConfigError as error:
        why = "".join(word(problem, "config", "ja") for problem in error.problems)
        return ng(code, "message.desk_certificate_bad", "do.mend_desk_certificate", why=why)
    if files is None:
        return skip(code, "message.desk_on_loopback")
    try:
        found = certificates.read(files.certificate)
    except (OSError, ValueError):
        return ng(code, "message.desk_certificate_unread", "do.mend_desk_certificate")
    day = found.valid_until.astimezone(config.site.zone).date().isoformat()
    if not found.valid_from <= now <= found.valid_until:
        return ng(code, "message.desk_certificate_expired", "do.renew_desk_certificate", day=day)
    near = found.valid_until - now < _WARN_BEFORE
    return ok(code, "message.desk_certificate", "do.renew_desk_certificate" if near else "", day=day)


def printer(desk: Desk) -> Finding:
    """The printer of pages answers, and could print one now."""
    code = "desk_printer"
    if not desk.printer:
        return skip(code, "message.not_set")
    status = open_page_printer(desk.printer).status()
    if isinstance(status, NotReady):
        what, do = _PRINTER_NG[status.reason]
        return ng(code, what, do)
    return ok(code, "message.desk_printer", paper=status.paper.upper())


def share(config: Config, key: str, url: str, opened: Open, gate: LogonGate) -> Finding:
    """One of the desk's shares can be reached and listed."""
    code = f"desk_{key}"
    if not url:
        return skip(code, "message.not_set")
    settings = config.desk.password_file if config.desk else ""
    try:
        secret = password(config, "desk", url, settings)
    except ConfigError:
        return ng(code, "message.desk_password_unreadable", "do.put_password_beside")
    role = Role(code, f"[desk] {key}", url, secret.reveal() if secret else None, gate)
    found = opened(url, role.password, gate)
    try:
        return shares.reachable(role, found)
    finally:
        found.drop()


def patients(file: Path | None) -> Finding:
    """The table of the hospital's patients."""
    code = "desk_patients"
    if file is None:
        return skip(code, "message.not_set", "do.set_patients")
    bad = Patients(file).refresh()
    if bad is not None:
        return ng(code, "message.desk_patients_bad", "do.mend_patients", why=in_japanese(bad.problem))
    return ok(code, "message.desk_patients")


def reservations(config: Config, now: datetime) -> Finding:
    """Whoever owns the reservations answers the desk."""
    code = "desk_reservations"
    answer = SocketReservations(config.reservations_dir).count(now.date(), time.monotonic() + _ANSWER_S)
    if isinstance(answer, Trouble):
        return skip(code, "message.reservations_not_served", "do.start_service", unit="kiosk-reservations")
    return ok(code, "message.reservations_served", count=answer.appointments)


def courier(config: Config) -> Finding:
    """The courier, which hands over what it reads; not where the desk watches the folder itself."""
    code = "desk_courier"
    if config.desk is None or config.desk.feed != "courier":
        return skip(code, "message.desk_watches")
    if ask_once(config.courier_dir, "status", _ANSWER_S) is None:
        return skip(code, "message.courier_stopped", "do.start_service", unit="kiosk-courier")
    return ok(code, "message.desk_courier")


def running(run: Path) -> Finding:
    """Whether the desk runs now. Not running is no fault: at installation it is started later."""
    if desk_status.read(run) is None:
        return skip("desk_running", "message.desk_stopped", "do.start_service", unit="kiosk-desk")
    return ok("desk_running", "message.desk_runs", "do.more_in_status")
