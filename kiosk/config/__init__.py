"""site.toml → one frozen `Config`, or one `ConfigError` that names everything that is wrong.

Owns the names, types, defaults and limits of every setting (`model`), their checks (`checks`, `consistency`), the
reading of the file (`reading`) and of the password files (`passwords`). Must never create a file, connect to anything,
or repeat a password or an address in a message.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from kiosk.config import consistency, reading
from kiosk.config import passwords as password_files
from kiosk.config.appliance_model import Metrics, Network, Syslog, Technician, TimeServers, Update, UsbDevice
from kiosk.config.model import (
    Alarm,
    Arrival,
    CardReader,
    Config,
    Display,
    Hours,
    NumberMap,
    Place,
    ReceiptComputer,
    ReservationSystem,
    Site,
    SlipPrinter,
    Terminal,
    Visit,
)
from kiosk.config.values import ClosedDay, Secret
from kiosk.words.problems import Problem, word

__all__ = [
    "Alarm",
    "Arrival",
    "CardReader",
    "ClosedDay",
    "Config",
    "ConfigError",
    "Display",
    "Hours",
    "Metrics",
    "Network",
    "NumberMap",
    "Place",
    "ReceiptComputer",
    "ReservationSystem",
    "Secret",
    "Site",
    "SlipPrinter",
    "Syslog",
    "Technician",
    "Terminal",
    "TimeServers",
    "Update",
    "UsbDevice",
    "Visit",
    "load",
    "password",
]


class ConfigError(Exception):
    """The configuration cannot be used. `str()`: in English, a line for each problem, each with file and key.

    `what`: the file that has the `problems`; without any, the whole line. `problems`: for who says it otherwise.
    """

    def __init__(self, what: Path | str, problems: Sequence[Problem] = ()) -> None:
        lines = [f"{what}: {word(problem, 'config', 'en')}" for problem in problems]
        super().__init__("\n".join(lines) if lines else str(what))
        self.problems = tuple(problems)


def load(path: Path, environ: Mapping[str, str] = os.environ, *, passwords: bool = True) -> Config:
    """Read and check `path`. Raises ConfigError with all problems at once, never anything else.

    `environ`: CREDENTIALS_DIRECTORY, a systemd credential wins over a file beside site.toml; KIOSK_COURIER_DIR, the
    courier's own folder when it runs as another user than the reception. `passwords` False: no password file is
    looked for, every password is None; for programs that open no share, and whose user may not read them.
    """
    file = path.absolute()
    problems: list[Problem] = []
    try:
        read = reading.read(reading.document(reading.text_of(file)), file.parent, problems)
    except reading.Broken as broken:
        raise ConfigError(path, [broken.problem]) from None
    secrets: dict[str, Secret | None] = dict.fromkeys(("terminal", "receipt_computer"))
    if passwords:
        credentials = environ.get("CREDENTIALS_DIRECTORY")
        _share_password(read, file.parent, credentials)
        for table in secrets:
            secrets[table] = password_files.needed_by(table, read.tables[table], file.parent, credentials, problems)
    courier_dir = environ.get("KIOSK_COURIER_DIR")
    if courier_dir and not Path(courier_dir).is_absolute():
        problems.append(Problem("problem.courier_dir"))
    problems += consistency.problems(read)
    if len(problems) > reading.MAX_PROBLEMS:
        problems[reading.MAX_PROBLEMS :] = [Problem("problem.more")]
    if problems:
        raise ConfigError(path, problems)
    return _config(read, secrets, file, Path(courier_dir) if courier_dir else None)


def password(config: Config, table: str, url: str, name: str, environ: Mapping[str, str] = os.environ) -> Secret | None:
    """What a program needs only when it runs: `name`, the password_file of [table]. None when `url` is not smb://.

    Raises ConfigError.
    """
    if not url.lower().startswith("smb://"):
        return None
    try:
        return password_files.read(name, config.file.parent, environ.get("CREDENTIALS_DIRECTORY"))
    except password_files.Unusable as unusable:
        problem = Problem("problem.password_file", {"table": table, "secret": unusable.problem})
        raise ConfigError(config.file, [problem]) from None


def _share_password(read: reading.Read, base: Path, credentials: str | None) -> None:
    """One account of one server needs one password: without a file of its own, [receipt_computer] uses [terminal]'s."""
    terminal, receipt_computer = read.tables["terminal"], read.tables["receipt_computer"]
    own = receipt_computer.get("password_file")
    if own is None or password_files.found(own, base, credentials):
        return
    if "password_file" in terminal and consistency.same_account(
        terminal.get("results"), receipt_computer.get("results")
    ):
        receipt_computer["password_file"] = terminal["password_file"]


def _config(read: reading.Read, secrets: Mapping[str, Secret | None], file: Path, courier_dir: Path | None) -> Config:
    tables = read.tables
    return Config(
        site=Site(**tables["site"]),
        terminal=Terminal(**tables["terminal"], password=secrets["terminal"]),
        receipt_computer=ReceiptComputer(**tables["receipt_computer"], password=secrets["receipt_computer"]),
        visit=Visit(**tables["visit"]),
        arrival=Arrival(**tables["arrival"]),
        reservations=ReservationSystem(**tables["reservations"]),
        reference_numbers=NumberMap(**tables["reference_numbers"]),
        printer=SlipPrinter(**tables["printer"]),
        screen=Display(**tables["screen"]),
        alarm=Alarm(**tables["alarm"]),
        network=Network(**tables["network"]),
        time=TimeServers(**tables["time"]),
        syslog=Syslog(**tables["syslog"]),
        metrics=Metrics(**tables["metrics"]),
        technician=Technician(**tables["technician"]),
        update=Update(**tables["update"]),
        card_reader=CardReader(**tables["card_reader"]) if "card_reader" in tables else None,
        places=tuple(Place(**place) for place in read.lists["place"]),
        hours=tuple(Hours(**hours) for hours in read.lists["hours"]),
        usb=tuple(UsbDevice(**device) for device in read.lists["usb"]),
        file=file,
        own_courier_dir=courier_dir,
    )
