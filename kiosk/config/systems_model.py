"""The settings of the hospital's own systems: [reservations], [his], [numbering].

As `model`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from drivers.reservations import EMBEDDED
from kiosk.config import checks, desk_checks, system_checks


@dataclass(frozen=True, kw_only=True)
class ReservationSystem:
    """[reservations] The book: where appointments of exports and arrivals are kept."""

    # "sqlite": in the data folder. Else one for all kiosks of the hospital, on a server.
    url: Annotated[str, system_checks.book_url()] = EMBEDDED
    # None (written ""): no folder is watched.
    import_dir: Annotated[Path | None, checks.optional_path()] = None
    # "": exports come into import_dir by themselves. Else the share they are fetched from into import_dir.
    share: Annotated[str, checks.optional_share_url()] = ""
    # Of `share`. Where no share needs one: of `url`.
    password_file: Annotated[str, checks.file_name()] = "appointments.secret"  # noqa: S105 - the name of a file
    # Of `url`; "": password_file. A share and a server each have a password of their own, and each is opened by another
    # service, so that a machine with both names this one.
    book_password_file: Annotated[str, checks.optional_file_name()] = ""
    # Who signed the certificate of the server of `url`; "": one of the authorities that the machine knows.
    ca_file: Annotated[str, checks.optional_file_name()] = ""
    # A file whose last line has no end may be half of one. "optional": it is taken after a longer wait.
    final_line_end: Literal["required", "optional"] = "required"
    # An export that takes more than a third of its appointments from a day is reported in both cases.
    shrunk_day: Literal["import", "refuse"] = "import"
    # Past appointments, arrivals and exports.
    keep_days: Annotated[int, checks.whole(1, 3650, "unit.days")] = 90

    @property
    def is_embedded(self) -> bool:
        """Whether the book is a file in the data folder."""
        return self.url == EMBEDDED

    @property
    def password_file_of_book(self) -> str:
        """The name of the file with the password of `url`."""
        return self.book_password_file or self.password_file


@dataclass(frozen=True, kw_only=True)
class HospitalSystem:
    """[his] The hospital's system that has appointments and takes arrivals. "": the book is all there is."""

    url: Annotated[str, system_checks.his_url()] = ""
    password_file: Annotated[str, checks.file_name()] = "his.secret"  # noqa: S105 - the name of a file
    # PEM: this kiosk's certificate and its key, in one file. "": the system asks for none.
    client_certificate_file: Annotated[str, checks.optional_file_name()] = ""
    # Who signed the system's certificate; "": one of the authorities that the machine knows.
    ca_file: Annotated[str, checks.optional_file_name()] = ""
    # Whether patients' data may cross the network unencrypted.
    plain_http: Annotated[bool, checks.flag()] = False
    # A patient who waits longer is sent to the counter. With the time in which an unknown outcome is asked for, both
    # must end before the reception gives up (`look_up_s` of the visit's rules, 12 s).
    find_s: Annotated[float, checks.number(1, 11, "unit.seconds")] = 5.0
    register_s: Annotated[float, checks.number(1, 8.5, "unit.seconds")] = 8.0
    # Whose reception numbers patients are given.
    numbers: Literal["book", "his"] = "book"
    # The doctor, by code, of whom an appointment or a department names none; "": the system is told of nobody.
    doctor: Annotated[str, desk_checks.optional_code()] = ""
    # When the system does not answer. "cached": what the last day list says is taken into custody, to be delivered.
    when_down: Literal["counter", "cached"] = "counter"
    cached_max_h: Annotated[float, checks.number(0.5, 48, "unit.hours")] = 12.0
    day_list_every_min: Annotated[float, checks.number(1, 240, "unit.minutes")] = 10.0
    # A registration that succeeds after its patient was sent to the counter.
    late: Literal["keep", "cancel"] = "keep"


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """[numbering] How the book numbers receptions."""

    # Whose numbers have no gap and no double within a day.
    series: Literal["hospital", "entrance", "department"] = "hospital"
    # The letters of the entrance at which this kiosk stands; before the number where `series` says so. "": it has none.
    entrance: Annotated[str, system_checks.entrance()] = ""
    # Before numbers that this kiosk gives by itself while the system is down: no other kiosk may have the same.
    offline_prefix: Annotated[str, system_checks.offline_prefix()] = ""
