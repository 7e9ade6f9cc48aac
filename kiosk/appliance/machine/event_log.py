"""What the appliance's own programs did (events-staff.jsonl), and the last events of all programs for the technician.

Owns the ids of root's events and the merging of the logs. Must never write a PIN, a password, a key or a text that came
over a socket or from a stick: only ids and codes of the lists here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final

from kiosk.appliance.machine.places import Places
from kiosk.process import safe_files
from kiosk.process.data_folder import DataFolder
from kiosk.process.event_log import EventLog
from kiosk.words import texts

# In English for the system's journal; in Japanese, as those of kiosk.process.event_log, in assets/texts/ja/events.toml.
EVENTS: Final[Mapping[str, str]] = {
    "staff_unlocked": "The technician's page was opened with the right PIN.",
    "staff_wrong_pin": "A wrong PIN was entered.",
    "staff_locked": "The technician's page is locked after wrong PINs.",
    "staff_used": "The technician's page was used.",
    "staff_left": "The technician's page was left.",
    "site_taken": "A site was taken from a stick.",
    "site_unchanged": "The site on the stick is the one in use.",
    "site_refused": "A site on a stick was refused.",
    "secrets_wiped": "The secrets on the stick were overwritten and deleted.",
    "appointments_taken": "Appointments were taken from a stick.",
    "update_good": "A new version proved itself and stays.",
    "update_not_good": "A new version did not become good; the machine goes back.",
    "other_slot_started": "The usual version was started three times in vain; the other one runs.",
    "boot_block_mended": "The boot loader's variables were damaged; they were made anew, without the other version.",
    "update_fell_back": "The version before runs again after an update.",
}
MAX_BYTES: Final = 1_000_000
# Of the end of each log; a line is at most a few hundred bytes.
_TAIL_BYTES: Final = 128 * 1024
_LISTED_FIELDS: Final = ("what", "code", "where", "count", "seconds", "file")
_MAX_FIELD: Final = 80


class StaffLog(EventLog):
    """Writes the events of root's programs; `what` and `code` are words of their own lists."""

    def __init__(self, places: Places) -> None:
        places.appliance.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(places.appliance, "staff", events=EVENTS, max_bytes=MAX_BYTES)


def last(places: Places, zone: tzinfo, count: int = 50) -> list[str]:
    """The last `count` events of reception, courier, gate and staff, the newest first, in Japanese, times of `zone`."""
    logs = (
        DataFolder(places.data).event_log("run"),
        DataFolder(places.courier).event_log("courier"),
        DataFolder(places.his).event_log("his"),
        DataFolder(places.appliance).event_log("staff"),
    )
    found = sorted((event for log in logs for event in _tail(log, zone)), key=lambda event: event[0], reverse=True)
    sentences = texts.event_sentences()
    return [_line(at, fields, sentences) for at, fields in found[:count]]


def _tail(log: Path, zone: tzinfo) -> Iterator[tuple[datetime, dict[str, str]]]:
    """The last events of `log`, which lies in a folder of its writer and may say anything."""
    try:
        raw = safe_files.tail(log, _TAIL_BYTES)
    except OSError:
        return
    for line in raw.splitlines():
        # The first line may be cut, the last one half written.
        with suppress(ValueError, KeyError, TypeError, OverflowError, RecursionError):
            fields = json.loads(line)
            at = datetime.fromisoformat(fields["at"])
            listed = {name: str(fields[name])[:_MAX_FIELD] for name in ("event", *_LISTED_FIELDS) if name in fields}
            yield (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(zone), listed


def _line(at: datetime, fields: Mapping[str, str], sentences: Mapping[str, str]) -> str:
    event = fields.get("event", "")
    more = " ".join(fields[name] for name in _LISTED_FIELDS if name in fields)
    return f"{at:%m-%d %H:%M:%S} {sentences.get(event, event)}{f'（{more}）' if more else ''}"
