"""The event log: what happened, in one sentence each, for staff and technicians; never a patient's data.

Only ids of a closed set can be written (EVENTS, or the appliance's own), with fields of a closed set: numbers, codes
and places (host and share). A file is named by its number in the courier's ledger. `events-<process>.jsonl` in the data
folder, one JSON object a line, two old files kept; the same line goes to standard error for the system's journal.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

from kiosk.process import safe_files
from kiosk.process.data_folder import DataFolder

EVENTS: Final[Mapping[str, str]] = {
    # the courier
    "courier_started": "The courier started.",
    "courier_stopped": "The courier stopped.",
    "courier_failed": "The courier stopped because of a fault of its own; it is started again.",
    "journal_lost": "The delivery ledger could not be read and was put aside; a new one was begun.",
    "file_seen": "A complete file was seen.",
    "file_published": "A file was put into the receipt computer's folder.",
    "file_done": "A file was delivered and taken out of the terminal's folder.",
    "file_reappeared": "A delivered file was back in the terminal's folder; it is deleted again, not sent again.",
    "file_resent": "The receipt computer's server lost a rename; it is done again.",
    "file_lost_to_other": "Another program took a file before it could be delivered; the kiosk did not deliver it.",
    "file_replaced": "A file changed before it could be delivered; its new content is handled as a new file.",
    "file_held": "A file is held back; a person must look.",
    "file_unreadable": "A file could not be read as a result; it is delivered as it is.",
    "temp_lost": "An unfinished file of ours vanished from the receipt computer's folder.",
    "foreign_temps": "Unfinished files of another kiosk lie in the receipt computer's folder.",
    "folder_not_emptied": "Nobody empties the receipt computer's folder.",
    "other_files": "Files of other kinds lie in the terminal's folder; they are left alone.",
    "institution_differs": "A result of another institution was delivered and not shown.",
    "subsidy_refused": "A result refers to a subsidy file by a name that is not acceptable; none is looked for.",
    "subsidy_failed": "A subsidy request failed; its error file came in time.",
    "subsidy_failed_late": "A subsidy request failed; its error file came after its result had gone.",
    "subsidy_late": "A subsidy result came after its eligibility result had gone.",
    "subsidy_unanswered": "No subsidy answer came within the wait; the eligibility result goes first.",
    "share_down": "A share does not answer.",
    "share_refused": "A share refuses us; a person must look.",
    "share_up": "A share answers.",
    "source_shared": "Another kiosk uses the same terminal folder; it stands back and this one goes on delivering.",
    "source_taken": "Another kiosk already uses this terminal folder; this one stands back and delivers nothing.",
    "journal_full": "The delivery ledger cannot be written.",
    "delivery_waits": "A file has been waiting for more than a minute to be delivered.",
    "desk_known_failed": "What is known of patients' eligibility cannot be used; results are delivered, not compared.",
    "desk_known_up": "What is known of patients' eligibility can be used again.",
    "desk_known_begun_anew": "What was known of patients' eligibility could not be read; each patient is a first one.",
    "desk_spool_failed": "Results cannot be handed to the desk; they are delivered.",
    "desk_spool_up": "Results are handed to the desk again.",
    "desk_behind": "The desk does not take what it is handed; the oldest of it is dropped.",
    "desk_caught_up": "The desk takes what it is handed again.",
    "desk_handover_failed": "A result was not handed to the desk because of a fault of the program; it is delivered.",
    # both
    "disk_low": "The disk with the kiosk's data has little room left.",
    "disk_full": "The disk with the kiosk's data is full or cannot be written.",
    "alarm_told": "The alarm command was run.",
    "alarm_command_failed": "The alarm command failed; it is run again.",
    # the reception
    "kiosk_started": "The reception started.",
    "kiosk_stopped": "The reception stopped.",
    "reception_failed": "A part of the reception stopped because of a fault of its own; the reception is started anew.",
    "courier_restarted": "The courier had ended and was started again.",
    "reservations_restarted": "The process that serves the reservations had ended and was started again.",
    "courier_silent": "The courier does not answer; perhaps nothing is delivered.",
    "courier_heard": "The courier answers again.",
    "courier_unclear": "A message of the courier could not be understood; it may be of another version.",
    "visit_started": "A patient chose a card.",
    "tap_awaited": "The face reader's result is awaited.",
    "result_too_early": "A result came too early to be this patient's; it is not shown.",
    "asked_to_tap_again": "The patient was asked to hold the card once more.",
    "birthday_asked": "The patient was asked for the birth day.",
    "patient_asked": "The patient has no appointment now and was asked what to do.",
    "unserved_lost": "A patient who could not be registered is missing in the list of the unserved.",
    "birth_days_unknown": "The hospital's patients cannot be read; the birth day of cards is not asked anew.",
    "cards_refused": "Many different card numbers came within a minute; the card reader rests for a minute.",
    "staff_called": "A patient called staff.",
    "identified": "A patient number was read.",
    "arrival_registered": "An arrival was registered.",
    "arrival_in_custody": "The hospital's system is down; an arrival was taken into custody and is not registered.",
    "arrival_registered_late": "An arrival was registered after the patient had been sent to the counter.",
    "slip_printed": "A slip was printed.",
    "slip_failed": "A slip was not printed.",
    "counter_slip_failed": "A slip for the counter was not printed.",
    "paper_near_end": "The printer's paper is near its end.",
    "sent_to_counter": "A patient was sent to the counter.",
    "visit_ended": "A visit ended.",
    "reservations_failed": "The reservations did not answer.",
    "reservations_down": "Appointments and arrivals cannot be looked up or written.",
    "reservations_lost": "The reservations could not be read, were put aside and begun anew.",
    "reservations_backup_old": "There is no backup of the reservations of the last two days.",
    "his_down": "The hospital's system, or the book on a server, does not answer.",
    "his_notice": "The hospital's system did not say something that the reception can do without.",
    "his_outcome_unknown": "Whether the hospital's system took a registration is not known; it is asked again.",
    "his_settled": "What became of a registration whose outcome was unknown is known now.",
    "orders_refused": "The hospital's system did not take an order in custody; staff must register the patient.",
    "custody_kept": "The hospital's system is down; a patient's order was taken into custody.",
    "custody_delivered": "An order in custody was registered in the hospital's system.",
    "custody_refused": "An order in custody was not registered in the hospital's system.",
    "day_list_kept": "The day list of the hospital's system was kept for an outage.",
    "day_list_failed": "The day list of the hospital's system could not be had.",
    "his_restarted": "The process that talks to the hospital's systems had ended and was started again.",
    "reservations_pruned": "Old appointments and arrivals were deleted.",
    "reservations_upkeep_failed": "The backup of the reservations, or the deletion of old ones, failed.",
    "reference_numbers_refused": "The table of reference numbers was refused; the last good one stays.",
    "printer_state": "The printer's state changed.",
    "card_reader_up": "The card reader answers.",
    "card_reader_down": "The card reader does not answer.",
    "import_done": "A file of appointments was imported.",
    "import_failed": "A file of appointments was refused.",
    "data_folder_lost": "The data folder or its files vanished; the process ends, to be started anew.",
    "imports": "The import of appointments needs a look.",
    "trouble_over": "A trouble of the reception is over.",
    "import_folder_failed": "The folder for appointments cannot be used.",
    # the process that talks to the hospital's systems
    "his_served": "The hospital's systems are asked for the reception.",
    "his_not_served": "The hospital's systems are asked no more.",
    # the process that answers the reception desk
    "reservations_served": "Appointments and arrivals are served to the reception desk.",
    "reservations_not_served": "Appointments and arrivals are no longer served to the reception desk.",
    # the reception desk; `desk_gone` is the reception's word
    "desk_started": "The reception desk started.",
    "desk_stopped": "The reception desk stopped.",
    "desk_failed": "The reception desk stopped because of a fault of its own; it is started again.",
    "desk_gone": "The reception desk does not run, or hangs; staff see no list. Delivery and reception go on.",
    "desk_back": "The reception desk runs again.",
    "desk_waits": "At the reception desk something has been waiting for a person for too long.",
    "desk_feed_down": "The reception desk does not learn of the reader's users; its list is not complete.",
    "desk_feed_up": "The reception desk learns of the reader's users again.",
    # the process that fetches exports
    "appointments_fetched": "An export of appointments was fetched.",
    "appointments_too_large": "An export of appointments is too large and was left where it is.",
    "appointments_listing_cut": "The share holds many exports of appointments; only the newest are looked at.",
    "appointments_share_failed": "Exports of appointments cannot be fetched.",
    "appointments_share_up": "Exports of appointments can be fetched.",
    # the reception desk's printer
    "page_printed": "A page was printed.",
    "page_not_printed": "A page was not printed.",
    # the reception desk's people
    "desk_audit": "The last line of the audit chain, by its number and hash.",
    "desk_locked_out": "Too many wrong passwords for a name at the desk; it is locked.",
    "desk_chief_set": "The desk's chief has the first password that the site brought.",
    # the desk
    "registration_sent": "A request to register a reference number was put into the terminal's folder.",
    "registration_not_sent": "A request to register a reference number ended before it was sent.",
    "registration_registered": "The terminal registered a reference number.",
    "registration_failed": "The terminal refused to register a reference number.",
    "registration_unsure": "The answer to a registration is neither yes nor no; a person must look.",
}
FIELDS: Final = frozenset({"file", "visit", "code", "where", "count", "seconds", "what"})
MAX_BYTES: Final = 5_000_000
_MODE: Final = 0o600


class _LogFile(RotatingFileHandler):
    """The process that fetches exports logs into a folder that others may write to."""

    def _open(self) -> TextIOWrapper:
        log = safe_files.open_log(Path(self.baseFilename), _MODE)
        return os.fdopen(log, "a", encoding="utf-8", errors="backslashreplace")


class EventLog:
    """Writes events of one process. `folder`: its data folder; `process`: see DataFolder.

    `events`: the ids that it may write, each with its sentence. `max_bytes`: of one file.
    """

    def __init__(
        self,
        folder: Path,
        process: str,
        *,
        events: Mapping[str, str] = EVENTS,
        max_bytes: int = MAX_BYTES,
        echo: bool = True,
    ) -> None:
        self._process = process
        self._events = events
        self._echo = echo
        self._handler = _LogFile(DataFolder(folder).event_log(process), maxBytes=max_bytes, backupCount=2)
        self._on_event: Callable[[str, Mapping[str, Any]], None] | None = None
        # A full disk must not stop a delivery: what cannot be logged is still echoed.
        self._handler.handleError = lambda record: None  # type: ignore[method-assign]

    def listen(self, on_event: Callable[[str, Mapping[str, Any]], None]) -> None:
        """Call `on_event(event, fields)` for each event from now on, in the thread that writes it."""
        self._on_event = on_event

    def write(self, event: str, **fields: str | float) -> None:
        """Write one event. Raises ValueError for an id or field that is not known: a fault of the program."""
        if event not in self._events or not FIELDS.issuperset(fields):
            raise ValueError(f"unknown event or field: {event} {sorted(fields)}")
        if self._on_event is not None:
            self._on_event(event, fields)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"at": at, "process": self._process, "event": event, **fields}, ensure_ascii=False)
        self._handler.handle(logging.LogRecord("kiosk", logging.INFO, "", 0, line, None, None))
        if self._echo:
            details = " ".join(f"{name}={value}" for name, value in fields.items())
            with suppress(OSError, ValueError):  # nobody reads it any more: no reason to stop
                print(f"{event}: {self._events[event]} {details}".rstrip(), file=sys.stderr, flush=True)  # noqa: T201 - the system's journal reads stderr

    def close(self) -> None:
        self._handler.close()
