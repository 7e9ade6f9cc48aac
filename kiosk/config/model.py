"""The settings: every table of site.toml as a frozen dataclass, every key once, with its check and its default.

Owns the names. The reader of the file is derived from these classes, so a name cannot differ between the two. Must
never read anything.

A key without a default is required. Times are seconds or minutes as their names say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from kiosk.config import checks, day_checks
from kiosk.config.appliance_model import Metrics, Network, Syslog, Technician, TimeServers, Update, UsbDevice
from kiosk.config.values import WEEKDAYS, ClosedDay, Secret, Weekday

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
    closed_days: Annotated[tuple[ClosedDay, ...], day_checks.closed_days()] = ()

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
    poll_interval_s: Annotated[float, checks.number(0.05, 10, "seconds")] = 0.25
    subsidy_wait_s: Annotated[float, checks.number(0, 600, "seconds")] = 5.0
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

    result_wait_s: Annotated[float, checks.number(1, 600, "seconds")] = 60.0
    reader_min_s: Annotated[float, checks.number(0, 60, "seconds")] = 6.0
    settle_s: Annotated[float, checks.number(0, 10, "seconds")] = 0.5
    unclean_s: Annotated[float, checks.number(0, 86400, "seconds")] = 200.0
    birthday: Annotated[
        Literal["always", "after_unclean", "never"], checks.choice("always", "after_unclean", "never")
    ] = "after_unclean"
    result_max_bytes: Annotated[int, checks.whole(1024, 64 * 1024 * 1024, "bytes")] = 1_048_576
    card_wait_s: Annotated[float, checks.number(1, 600, "seconds")] = 60.0
    birthday_wait_s: Annotated[float, checks.number(1, 600, "seconds")] = 60.0
    # How long a finished screen stays.
    done_s: Annotated[float, checks.number(1, 120, "seconds")] = 15.0
    counter_s: Annotated[float, checks.number(1, 120, "seconds")] = 20.0


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """[arrival] How far from the appointment an arrival may be registered; 0: no limit."""

    early_min: Annotated[int, checks.whole(0, 1440, "minutes")] = 0
    late_min: Annotated[int, checks.whole(0, 1440, "minutes")] = 0


@dataclass(frozen=True, kw_only=True)
class ReservationSystem:
    """[reservations] Where appointments come from."""

    url: Annotated[Literal["sqlite"], checks.choice("sqlite")] = "sqlite"
    # None (written ""): no folder is watched.
    import_dir: Annotated[Path | None, checks.optional_path()] = None
    # "": exports come into import_dir by themselves. Else the share they are fetched from into import_dir.
    share: Annotated[str, checks.optional_share_url()] = ""
    password_file: Annotated[str, checks.file_name()] = "appointments.secret"  # noqa: S105 - the name of a file
    # A file whose last line has no end may be half of one. "optional": it is taken after a longer wait.
    final_line_end: Annotated[Literal["required", "optional"], checks.choice("required", "optional")] = "required"
    # An export that takes more than a third of its appointments from a day is reported in both cases.
    shrunk_day: Annotated[Literal["import", "refuse"], checks.choice("import", "refuse")] = "import"
    # Past appointments, arrivals and exports.
    keep_days: Annotated[int, checks.whole(1, 3650, "days")] = 90


@dataclass(frozen=True, kw_only=True)
class NumberMap:
    """[reference_numbers] The table for sites whose reference number is not the number of the card."""

    # None (written ""): the reference number is the patient number.
    map: Annotated[Path | None, checks.optional_path()] = None


@dataclass(frozen=True, kw_only=True)
class SlipPrinter:
    """[printer]."""

    url: Annotated[str, checks.printer_url()]
    width_mm: Annotated[Literal[58, 80], checks.choice(58, 80)] = 80
    barcode: Annotated[Literal["code128", "nw7", "qr"], checks.choice("code128", "nw7", "qr")] = "code128"
    counter_slip: Annotated[bool, checks.flag()] = False
    # False: a printer that cannot answer; it is never asked.
    status: Annotated[bool, checks.flag()] = True
    # 0: the printer is asked only when something is printed.
    poll_s: Annotated[float, checks.number(0, 3600, "seconds")] = 30.0


@dataclass(frozen=True, kw_only=True)
class CardReader:
    """[card_reader] Without this table there is no patient-card route."""

    url: Annotated[str, checks.card_reader_url()] = "serial:///dev/ttyS0?baudrate=9600"
    end: Annotated[Literal["CR", "LF", "CRLF", "STX-ETX"], checks.choice("CR", "LF", "CRLF", "STX-ETX")] = "CR"
    pattern: Annotated[str, checks.regex()] = "^([0-9A-Za-z-]{1,20})$"


@dataclass(frozen=True, kw_only=True)
class Display:
    """[screen] The display as the patient sees it: after `rotation`."""

    width_px: Annotated[int, checks.whole(480, 7680, "pixels")] = 1080
    height_px: Annotated[int, checks.whole(480, 7680, "pixels")] = 1920
    # With the pixels it gives millimetres: letters and buttons have the same size on every display.
    diagonal_inch: Annotated[float, checks.number(5, 100, "inches")] = 21.5
    fullscreen: Annotated[bool, checks.flag()] = True
    # Degrees, clockwise: how a display that was mounted turned has its picture turned back.
    rotation: Annotated[Literal[0, 90, 180, 270], checks.choice(0, 90, 180, 270)] = 0


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """[alarm] Who is notified when delivery stops."""

    # (): nobody but `kiosk status` and the start screen.
    command: Annotated[tuple[str, ...], checks.command()] = ()


@dataclass(frozen=True, kw_only=True)
class Place:
    """[[place]] Where to go in a department, when the reservation system does not say."""

    department: Annotated[str, checks.text(60)]
    text: Annotated[str, checks.text(60)]


@dataclass(frozen=True, kw_only=True)
class Hours:
    """[[hours]] Days and times of reception, local time; `close` is no longer open."""

    days: Annotated[tuple[Weekday, ...], day_checks.weekdays()]
    open: Annotated[time, day_checks.clock_time()]
    close: Annotated[time, day_checks.clock_time()]

    def cover(self, local: datetime) -> bool:
        """Whether `local` (in the site's time zone) is within these hours."""
        return WEEKDAYS[local.weekday()] in self.days and self.open <= local.time() < self.close


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that was decided at this site. `file`: the absolute path of site.toml.

    `own_courier_dir` is no key: what KIOSK_COURIER_DIR says.
    """

    site: Site
    terminal: Terminal
    receipt_computer: ReceiptComputer
    visit: Visit
    arrival: Arrival
    reservations: ReservationSystem
    reference_numbers: NumberMap
    printer: SlipPrinter
    screen: Display
    alarm: Alarm
    network: Network = field(default_factory=Network)
    time: TimeServers = field(default_factory=TimeServers)
    syslog: Syslog = field(default_factory=Syslog)
    metrics: Metrics = field(default_factory=Metrics)
    technician: Technician = field(default_factory=Technician)
    update: Update = field(default_factory=Update)
    card_reader: CardReader | None = None
    places: tuple[Place, ...] = field(default=())
    hours: tuple[Hours, ...] = field(default=())
    usb: tuple[UsbDevice, ...] = field(default=())
    file: Path
    own_courier_dir: Path | None = None

    @property
    def courier_dir(self) -> Path:
        """The courier's folder: its ledger, lock and socket. The data folder where one user does everything."""
        return self.own_courier_dir or self.site.data_dir

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
    "site": Site,
    "terminal": Terminal,
    "receipt_computer": ReceiptComputer,
    "visit": Visit,
    "arrival": Arrival,
    "reservations": ReservationSystem,
    "reference_numbers": NumberMap,
    "printer": SlipPrinter,
    "screen": Display,
    "alarm": Alarm,
    "network": Network,
    "time": TimeServers,
    "syslog": Syslog,
    "metrics": Metrics,
    "technician": Technician,
    "update": Update,
    "card_reader": CardReader,
}
# Tables that may be left out altogether, and then mean "not there" instead of "all defaults".
OPTIONAL_TABLES = frozenset({"card_reader"})
# [[…]] tables, and how many of them are taken.
LISTS: dict[str, tuple[type, int]] = {"place": (Place, 500), "hours": (Hours, 50), "usb": (UsbDevice, 20)}
