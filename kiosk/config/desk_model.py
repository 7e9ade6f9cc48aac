"""The settings of the reception desk and of departments: [desk], [walk_in] and [[department]], as `model`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from kiosk.config import checks, desk_checks, network_checks
from kiosk.config.desk_checks import Hours


@dataclass(frozen=True, kw_only=True)
class Desk:
    """[desk] The staff's pages. Without this table there is no desk.

    Certificate, key and authority are named as a password file is: beside site.toml, or a systemd credential of that
    name; "": none.
    """

    # Off loopback only with a certificate and `allow`.
    listen: Annotated[str, network_checks.listening()] = "127.0.0.1:8443"
    certificate_file: Annotated[str, checks.optional_file_name()] = ""
    key_file: Annotated[str, checks.optional_file_name()] = ""
    # Not "": a browser must show a certificate that this one signed.
    client_ca_file: Annotated[str, checks.optional_file_name()] = ""
    # Networks ("192.0.2.0/24") whose browsers may connect; this machine always may.
    allow: Annotated[tuple[str, ...], network_checks.networks(32)] = ()
    # courier: the kiosk's courier hands over what it reads. watch: the terminal's folders are only read.
    feed: Literal["courier", "watch"] = "courier"
    # always: patients without an appointment are registered in `always_department`.
    register: Literal["manual", "with_appointment", "always"] = "manual"
    print: Literal["manual", "on_tap", "on_register"] = "manual"
    # "": no printer of the desk's own.
    printer: Annotated[str, desk_checks.optional_page_printer_url()] = ""
    # Where requests to register a reference number are put; "": none are made.
    requests: Annotated[str, checks.optional_share_url()] = ""
    # Where their answers are looked for; "": in [terminal] results.
    answers: Annotated[str, checks.optional_share_url()] = ""
    # number,name,kana,birth. None (written ""): the hospital's patients are not known.
    patients: Annotated[Path | None, checks.optional_path()] = None
    # False: only keyed hashes of accepted items are kept.
    keep_values: Annotated[bool, checks.flag()] = True
    # 0: today's visits are in memory only.
    keep_days: Annotated[int, checks.whole(0, 7, "unit.days")] = 0
    # Of the shares of requests, answers and export.
    password_file: Annotated[str, checks.file_name()] = "desk.secret"  # noqa: S105 - the name of a file
    # Where accepted items are put as CSV: the address of a share; a path was made one. "": nowhere.
    export: Annotated[str, desk_checks.optional_folder_or_share()] = ""
    # Code or name of a [[department]]. "": `always` acts as with_appointment.
    always_department: Annotated[str, checks.optional_text(60)] = ""
    # Longer than this nothing waits for a person without an alarm, in opening hours.
    attention_min: Annotated[int, checks.whole(1, 1440, "unit.minutes")] = 30

    @property
    def address(self) -> tuple[str, int]:
        """Address (IPv6 without brackets) and port of `listen`."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def on_loopback(self) -> bool:
        """Whether only browsers of this machine can connect."""
        return ipaddress.ip_address(self.address[0]).is_loopback

    def allows(self, client: str) -> bool:
        """Whether a browser at the address `client` may ask: of this machine always, else one of `allow`."""
        address = ipaddress.ip_address(client.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped or address
        return address.is_loopback or any(address in ipaddress.ip_network(each) for each in self.allow)


@dataclass(frozen=True, kw_only=True)
class WalkIn:
    """[walk_in] Patients who come without an appointment. The kiosk and the desk read the same table."""

    # Codes of [[department]]. (): nobody is received without an appointment.
    departments: Annotated[tuple[str, ...], desk_checks.department_codes(100)] = ()
    # Only who was here within so many months; 0: everybody.
    months: Annotated[int, checks.whole(0, 120, "unit.months")] = 0
    # Of whom a department itself names nobody; "": none.
    doctor: Annotated[str, checks.optional_text(60)] = ""

    def knows(self, last_day: date | None, today: date) -> bool:
        """Whether a patient who was here last on `last_day` (None: never, as far as is known) is received: within
        `months` calendar months, the last day included; without a limit everybody.
        """
        if not self.months or last_day is None:
            return not self.months
        ago = (today.year - last_day.year) * 12 + today.month - last_day.month
        return ago < self.months or (ago == self.months and today.day <= last_day.day)


@dataclass(frozen=True, kw_only=True)
class Department:
    """[[department]] A department (診療科) of the hospital."""

    code: Annotated[str, desk_checks.department_code()]
    name: Annotated[str, checks.text(60)]
    # (language, name) of other languages than Japanese: ("en", "Internal Medicine").
    names: Annotated[tuple[tuple[str, str], ...], desk_checks.names_by_language()] = ()
    # In kana.
    reading: Annotated[str, checks.optional_text(60)] = ""
    # Where to go; "": what [[place]] says.
    place: Annotated[str, checks.optional_text(60)] = ""
    # Whom a patient without an appointment sees; "": [walk_in] doctor.
    doctor: Annotated[str, checks.optional_text(60)] = ""
    # That doctor's code in the hospital's system; "": [his] doctor.
    doctor_code: Annotated[str, desk_checks.optional_code()] = ""
    # When it receives walk-ins; (): whenever the reception is open.
    hours: Annotated[tuple[Hours, ...], desk_checks.opening_hours(20)] = ()

    def goes_by(self, key: str) -> bool:
        """Whether `key` is its code or its name."""
        return key in (self.code, self.name)
