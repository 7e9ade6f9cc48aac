"""The settings: every table of site.toml as a frozen dataclass, every key once, with its check and its default.

Owns the names. The reader of the file is derived from these classes, so a name cannot differ between the two. Must
never read anything.

A Literal is its own check. A key without a default is required. Times are seconds or minutes as their names say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, is_dataclass
from datetime import date, datetime
from pathlib import Path
from types import UnionType
from typing import Annotated, Literal, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

from kiosk.config import checks, network_checks
from kiosk.config.checks import WEEKDAYS, ClosedDay
from kiosk.config.desk_checks import Hours
from kiosk.config.desk_model import Department, Desk, WalkIn
from kiosk.config.passwords import Secret
from kiosk.config.patient_model import Arrival, CardReader, Counter, Display, Insurance, Place
from kiosk.config.systems_model import HospitalSystem, Numbers, ReservationSystem

# Of a department, for patients without an appointment, at a moment of the day.
Standing = Literal["open", "later", "ended", "closed"]

_Share = checks.share_url()


@dataclass(frozen=True, kw_only=True)
class Site:
    """[site] The hospital, and where the kiosk keeps its data."""

    name: Annotated[str, checks.text(60)]
    institution_code: Annotated[str, checks.digits(10)]
    # 1: a terminal added for the kiosk. 2: the existing terminal, with a folder for the kiosk.
    pattern: Annotated[int, checks.choice(1, 2)]
    data_dir: Annotated[Path, checks.absolute_folder()]
    timezone: Annotated[str, checks.timezone()] = "Asia/Tokyo"
    closed_days: Annotated[tuple[ClosedDay, ...], checks.closed_days()] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of everything the patient reads."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """[terminal] The shares of the confirmation terminal; files are taken from here."""

    results: Annotated[str, _Share]
    subsidies: Annotated[str | None, _Share] = None
    password_file: Annotated[str, checks.file_name()] = "terminal.secret"  # noqa: S105 - the name of a file
    poll_interval_s: Annotated[float, checks.number(0.05, 10, "unit.seconds")] = 0.25
    relist_interval_s: Annotated[float, checks.number(0.05, 60, "unit.seconds")] = 5.0
    subsidy_wait_s: Annotated[float, checks.number(0, 600, "unit.seconds")] = 5.0
    # Not a key: what password_file holds. None when no address is smb://.
    password: Secret | None = None


@dataclass(frozen=True, kw_only=True)
class ReceiptComputer:
    """[receipt_computer] The shares of the receipt computer; files are delivered here."""

    results: Annotated[str, _Share]
    subsidies: Annotated[str | None, _Share] = None
    password_file: Annotated[str, checks.file_name()] = "receipt_computer.secret"  # noqa: S105 - the name of a file
    # "" = temporary names in the folder itself.
    staging: Annotated[str, checks.folder_of_share()] = ""
    # Not a key: what password_file holds. None when no address is smb://.
    password: Secret | None = None


@dataclass(frozen=True, kw_only=True)
class Visit:
    """[visit] How long the kiosk waits, and whose result it believes."""

    result_wait_s: Annotated[float, checks.number(1, 600, "unit.seconds")] = 60.0
    reader_min_s: Annotated[float, checks.number(0, 60, "unit.seconds")] = 6.0
    settle_s: Annotated[float, checks.number(0, 10, "unit.seconds")] = 0.5
    unclean_s: Annotated[float, checks.number(0, 86400, "unit.seconds")] = 200.0
    birthday: Literal["always", "after_unclean", "never"] = "after_unclean"
    result_max_bytes: Annotated[int, checks.whole(1024, 64 * 1024 * 1024, "unit.bytes")] = 1_048_576
    card_wait_s: Annotated[float, checks.number(1, 600, "unit.seconds")] = 60.0
    birthday_wait_s: Annotated[float, checks.number(1, 600, "unit.seconds")] = 60.0
    # How long a finished screen stays.
    done_s: Annotated[float, checks.number(1, 120, "unit.seconds")] = 15.0
    counter_s: Annotated[float, checks.number(1, 120, "unit.seconds")] = 20.0


@dataclass(frozen=True, kw_only=True)
class NumberMap:
    """[reference_numbers] The table for sites whose reference number is not the number of the card."""

    # None (written ""): the reference number is the patient number.
    map: Annotated[Path | None, checks.optional_path()] = None


@dataclass(frozen=True, kw_only=True)
class SlipPrinter:
    """[printer]."""

    url: Annotated[str, checks.printer_url()]
    width_mm: Literal[58, 80] = 80
    barcode: Literal["code128", "nw7", "qr"] = "code128"
    counter_slip: Annotated[bool, checks.flag()] = False
    # False: a printer that cannot answer; it is never asked.
    status: Annotated[bool, checks.flag()] = True
    # 0: the printer is asked only when something is printed.
    poll_s: Annotated[float, checks.number(0, 3600, "unit.seconds")] = 30.0


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """[alarm] Who is notified when delivery stops."""

    # (): nobody but `kiosk status` and the start screen.
    command: Annotated[tuple[str, ...], checks.command()] = ()


# --- the appliance image; a kiosk on an ordinary PC ignores these tables, but [metrics] ------------------------------


@dataclass(frozen=True, kw_only=True)
class Network:
    """[network] The appliance's own address."""

    # "": every Ethernet interface.
    interface: Annotated[str, network_checks.interface()] = ""
    # "dhcp", or an address with the length of its network: "192.0.2.40/24".
    address: Annotated[str, network_checks.own_address()] = "dhcp"
    gateway: Annotated[str, network_checks.optional_address()] = ""
    # (): from DHCP.
    dns: Annotated[tuple[str, ...], network_checks.addresses(3)] = ()
    hostname: Annotated[str, network_checks.hostname()] = "kiosk"


@dataclass(frozen=True, kw_only=True)
class TimeServers:
    """[time] The time servers (NTP). (): those of DHCP, else nobody."""

    servers: Annotated[tuple[str, ...], network_checks.hosts(4)] = ()


@dataclass(frozen=True, kw_only=True)
class Syslog:
    """[syslog] Where the journal is forwarded to. "": nowhere."""

    server: Annotated[str, network_checks.syslog_url()] = ""


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """[metrics] Figures for the hospital's monitoring."""

    # "": nobody listens. Else an address of this machine itself, "127.0.0.1:9105".
    listen: Annotated[str, network_checks.loopback()] = ""
    # "": nothing is written. Else the share into whose folder the file of figures goes.
    push: Annotated[str, checks.optional_share_url()] = ""
    push_every_s: Annotated[float, checks.number(5, 3600, "unit.seconds")] = 60.0
    password_file: Annotated[str, checks.file_name()] = "metrics.secret"  # noqa: S105 - the name of a file


@dataclass(frozen=True, kw_only=True)
class Technician:
    """[technician] Without its file there is no technician's page."""

    pin_file: Annotated[str, checks.file_name()] = "technician.secret"


@dataclass(frozen=True, kw_only=True)
class Update:
    """[update] Where updates of the appliance lie, beside sticks. "": on sticks only."""

    folder: Annotated[str, checks.optional_share_url()] = ""
    password_file: Annotated[str, checks.file_name()] = "update.secret"  # noqa: S105 - the name of a file


@dataclass(frozen=True, kw_only=True)
class UsbDevice:
    """[[usb]] A device that may be used; on the appliance every other one stays switched off."""

    what: Literal["printer", "reader", "keypad", "touch"]
    # Vendor and product as `lsusb` prints them, in small letters.
    id: Annotated[str, network_checks.usb_id()]
    # "": in any socket. Else the kernel's name of the socket, "1-2".
    port: Annotated[str, network_checks.usb_port()] = ""
    # "": with any serial number.
    serial: Annotated[str, network_checks.usb_serial()] = ""


# --- all together ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that was decided at this site. `file`: the absolute path of site.toml.

    No keys, but what the environment says: `own_courier_dir`, KIOSK_COURIER_DIR; `own_desk_dir`, KIOSK_DESK_DIR;
    `desk_run_dir`, KIOSK_DESK_RUN_DIR or a folder of this user's in memory; `own_reservations_dir`,
    KIOSK_RESERVATIONS_DIR; `own_his_dir`, KIOSK_HIS_DIR; `own_his_run_dir`, KIOSK_HIS_RUN_DIR.
    """

    site: Site
    terminal: Terminal
    # None: nothing is delivered; a PC without a kiosk whose desk watches by itself (feed = "watch").
    receipt_computer: ReceiptComputer | None
    visit: Visit
    arrival: Arrival
    reservations: ReservationSystem
    reference_numbers: NumberMap
    # None: no kiosk; a PC with a desk, and perhaps the delivery.
    printer: SlipPrinter | None
    screen: Display
    alarm: Alarm
    counter: Counter = field(default_factory=Counter)
    insurance: Insurance = field(default_factory=Insurance)
    his: HospitalSystem = field(default_factory=HospitalSystem)
    numbering: Numbers = field(default_factory=Numbers)
    network: Network = field(default_factory=Network)
    time: TimeServers = field(default_factory=TimeServers)
    syslog: Syslog = field(default_factory=Syslog)
    metrics: Metrics = field(default_factory=Metrics)
    technician: Technician = field(default_factory=Technician)
    update: Update = field(default_factory=Update)
    card_reader: CardReader | None = None
    desk: Desk | None = None
    walk_in: WalkIn = field(default_factory=WalkIn)
    places: tuple[Place, ...] = field(default=())
    hours: tuple[Hours, ...] = field(default=())
    usb: tuple[UsbDevice, ...] = field(default=())
    departments: tuple[Department, ...] = field(default=())
    file: Path
    own_courier_dir: Path | None = None
    own_desk_dir: Path | None = None
    own_reservations_dir: Path | None = None
    own_his_dir: Path | None = None
    own_his_run_dir: Path | None = None
    desk_run_dir: Path

    @property
    def courier_dir(self) -> Path:
        """The courier's folder: its ledger, lock and socket. The data folder where one user does everything."""
        return self.own_courier_dir or self.site.data_dir

    @property
    def only_reads_subsidies(self) -> bool:
        """Whether results are delivered and subsidies are not: a desk reads them where the receipt computer does."""
        delivered = self.receipt_computer
        return delivered is not None and delivered.subsidies is None and self.terminal.subsidies is not None

    @property
    def desk_dir(self) -> Path:
        """The desk's folder: what it keeps beyond a day."""
        return self.own_desk_dir or self.site.data_dir / "desk"

    @property
    def reservations_dir(self) -> Path:
        """Where the process that owns the reservations listens. The data folder where one user does everything."""
        return self.own_reservations_dir or self.site.data_dir

    @property
    def his_dir(self) -> Path:
        """The folder of `kiosk his`: what it keeps."""
        return self.own_his_dir or self.site.data_dir / "his"

    @property
    def his_run_dir(self) -> Path:
        """Where `kiosk his` listens. The data folder where one user does everything."""
        return self.own_his_run_dir or self.site.data_dir

    @property
    def has_gate(self) -> bool:
        """Whether `kiosk his` runs: a system of the hospital, or a book on a server, is asked over the network."""
        return bool(self.his.url) or not self.reservations.is_embedded

    def department(self, key: str) -> Department | None:
        """The [[department]] with that code or name."""
        return next((each for each in self.departments if each.goes_by(key)), None)

    def places_by_department(self) -> dict[str, str]:
        """Where to go from this entrance, whoever the doctor is, by code and by name of a department. [[place]] goes
        before [[department]].
        """
        found = {key: each.place for each in self.departments if each.place for key in (each.code, each.name)}
        for place in reversed(self._own_places):
            if not place.doctor:
                found |= dict.fromkeys(self._names_of(place.department), place.text)
        return found

    def _names_of(self, *keys: str) -> set[str]:
        """Codes and names of departments, and with each the other of [[department]]."""
        known = {name for key in keys if (each := self.department(key)) for name in (each.code, each.name)}
        return ({*keys} | known) - {""}

    def place_of(self, department: str, text: str, *, code: str = "", doctors: Collection[str] = ()) -> Place:
        """A place as another system words it, "" for none, with the parts that [[place]] gives the same words.

        `department`: code or name; `code`: the other system's, where it says both. `doctors`: the doctor's name and
        code, in any order. [[place]] of that doctor goes before the department's, one of this entrance before others.
        """
        names = self._names_of(department, code)
        own = [each for each in self._own_places if each.department in names and each.doctor in {"", *doctors}]
        if not text and own:
            return min(own, key=lambda each: not each.doctor)
        text = text or next((each.place for each in self.departments if names & {each.code, each.name}), "")
        alike = sorted(
            (each for each in self.places if each.text == text),
            key=lambda each: (each not in own, each.department not in names),
        )
        return alike[0] if alike else Place(department=department, text=text)

    @property
    def _own_places(self) -> list[Place]:
        """[[place]] as it holds at this entrance: those of the entrance itself first."""
        entrances = {"", self.numbering.entrance}
        return sorted((each for each in self.places if each.entrance in entrances), key=lambda each: not each.entrance)

    def doctor_of(self, department: Department) -> str:
        """Whom a patient without an appointment sees there; "": nobody is named."""
        return department.doctor or self.walk_in.doctor

    def doctor_code_of(self, department: Department) -> str:
        """That doctor's code in the hospital's system; "": the system is told of nobody."""
        return department.doctor_code or self.his.doctor

    def walk_in_departments(self, local: datetime) -> tuple[Department, ...]:
        """Where patients without an appointment are received at `local` (in the site's time zone)."""
        if not self.open_at(local):
            return ()
        found = (self.department(code) for code in self.walk_in.departments)
        return tuple(each for each in found if each and (not each.hours or any(h.cover(local) for h in each.hours)))

    def walk_in_standings(self, local: datetime) -> Iterator[tuple[Department, Standing, datetime | None]]:
        """Each department of [walk_in], whether it receives at `local`, and when it opens where that is later today."""
        receiving = self.walk_in_departments(local)
        for code in self.walk_in.departments:
            department = self.department(code)
            if department is None:
                continue
            today = [hours for hours in department.hours or self.hours if hours.on(local.date())]
            opens = min((hours.open for hours in today if hours.open > local.time()), default=None)
            if department in receiving:
                yield department, "open", None
            elif self.closed_on(local.date()) or not today:
                yield department, "closed", None
            else:
                moment = datetime.combine(local.date(), opens, local.tzinfo) if opens else None
                yield department, "later" if opens else "ended", moment

    def closed_on(self, day: date) -> bool:
        """Whether `day` is one of the closed days."""
        return any(closed.falls_on(day) for closed in self.site.closed_days)

    def opens_on(self, day: date) -> bool:
        """Whether the reception is open at any time of `day`."""
        open_days = {weekday for hours in self.hours for weekday in hours.days}
        return not self.closed_on(day) and (not self.hours or WEEKDAYS[day.weekday()] in open_days)

    def open_at(self, local: datetime) -> bool:
        """Whether the reception is open at `local` (in the site's time zone). No [[hours]] table: always, but for
        the closed days.
        """
        if self.closed_on(local.date()):
            return False
        return not self.hours or any(hours.cover(local) for hours in self.hours)


# The tables of site.toml by name, in the order in which problems are reported.
TABLES: dict[str, type] = {
    name: kind
    for name, hint in get_type_hints(Config).items()
    for kind in (get_args(hint) if get_origin(hint) is UnionType else (hint,))
    if isinstance(kind, type) and is_dataclass(kind)
}
# Tables that may be left out altogether, and then mean "not there" instead of "all defaults".
OPTIONAL_TABLES = frozenset({"card_reader", "desk"})
# Where there is a desk and no kiosk; the first only if the desk watches the terminal by itself.
OF_A_KIOSK = frozenset({"receipt_computer", "printer"})
# [[…]] tables, and how many of them are taken.
LISTS: dict[str, tuple[type, int]] = {
    "place": (Place, 500),
    "hours": (Hours, 50),
    "usb": (UsbDevice, 20),
    "department": (Department, 500),
}
