"""site.toml → one frozen `Config`, or one `ConfigError` that names everything that is wrong.

Owns the names, types, defaults and limits of every setting (`model`), their checks (`checks`, `consistency`), the
reading of the file (`reading`) and of the password files (`passwords`). Must never create a file, connect to anything,
or repeat a password or an address in a message.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from kiosk.config import certificate, consistency, reading
from kiosk.config import passwords as password_files
from kiosk.config.certificate import Tls
from kiosk.config.model import LISTS, OF_A_KIOSK, TABLES, Config, Network, SlipPrinter, UsbDevice
from kiosk.config.passwords import Secret
from kiosk.config.patient_model import CardReader, Display
from kiosk.config.system_checks import leaves_machine
from kiosk.words.problems import Problem, word

__all__ = [
    "Access", "CardReader", "Config", "ConfigError", "Display", "Network", "SlipPrinter", "Tls", "UsbDevice",
    "book_access", "his_access", "load", "needed", "password", "tls",
]  # fmt: skip

T = TypeVar("T")
# What the environment names, by field of Config.
_FOLDERS: Final = {
    "own_courier_dir": "KIOSK_COURIER_DIR",
    "own_desk_dir": "KIOSK_DESK_DIR",
    "desk_run_dir": "KIOSK_DESK_RUN_DIR",
    "own_reservations_dir": "KIOSK_RESERVATIONS_DIR",
    "own_his_dir": "KIOSK_HIS_DIR",
    "own_his_run_dir": "KIOSK_HIS_RUN_DIR",
}
_PLURALS: Final = {"place": "places", "department": "departments"}


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
    courier's own folder when it runs as another user than the reception, and the other names of _FOLDERS. `passwords`
    False: no password file is looked for, every password is None; for programs that open no share, and whose user may
    not read them.
    """
    file = path.absolute()
    problems: list[Problem] = []
    try:
        read = reading.read(reading.document(reading.text_of(file)), file.parent, problems)
    except reading.Broken as broken:
        raise ConfigError(path, [broken.problem]) from None
    if passwords:
        credentials = environ.get("CREDENTIALS_DIRECTORY")
        _share_password(read, file.parent, credentials)
        for table in ("terminal", "receipt_computer"):
            values = read.tables.get(table)
            if values is None:
                continue
            name, urls = values.get("password_file"), (values.get("results"), values.get("subsidies"))
            try:
                values["password"] = password_files.needed(table, name, urls, file.parent, credentials)
            except password_files.Unusable as unusable:
                problems.append(unusable.problem)
    folders = {key: environ.get(name) for key, name in _FOLDERS.items()}
    problems += [
        Problem("problem.courier_dir", {"name": _FOLDERS[key]})
        for key, folder in folders.items()
        if folder and not Path(folder).is_absolute()
    ]
    problems += consistency.problems(read)
    if len(problems) > reading.MAX_PROBLEMS:
        problems[reading.MAX_PROBLEMS :] = [Problem("problem.more")]
    if problems:
        raise ConfigError(path, problems)
    tables: dict[str, Any] = dict.fromkeys(OF_A_KIOSK)
    tables |= {name: cls(**read.tables[name]) for name, cls in TABLES.items() if name in read.tables}
    lists: dict[str, Any] = {
        _PLURALS.get(name, name): tuple(cls(**each) for each in read.lists[name]) for name, (cls, _) in LISTS.items()
    }
    places: dict[str, Any] = {key: Path(folder) if folder else None for key, folder in folders.items()}
    places["desk_run_dir"] = places["desk_run_dir"] or _in_memory(tables["site"].data_dir)
    return Config(**tables, **lists, **places, file=file)


def _in_memory(data_dir: Path) -> Path:
    """The folder of this user for what is gone with the power, one for each data folder."""
    digest = hashlib.sha256(bytes(data_dir)).hexdigest()[:8]
    return Path(f"/dev/shm/kiosk-desk-{os.getuid()}-{digest}")  # noqa: S108 - made with 0700; another's is refused


def password(config: Config, table: str, url: str, name: str, environ: Mapping[str, str] = os.environ) -> Secret | None:
    """What a program needs only when it runs: `name`, the password_file of [table]. None when `url` is not smb://.

    Raises ConfigError.
    """
    try:
        return password_files.needed(table, name, (url,), config.file.parent, environ.get("CREDENTIALS_DIRECTORY"))
    except password_files.Unusable as unusable:
        raise ConfigError(config.file, [unusable.problem]) from None


# How a password file is read, and its name.
_Password = tuple[Callable[[str, str, Path, str | None], Secret | None], str]


@dataclass(frozen=True)
class Access:
    """What opens a system: its password (None: it asks for none), and PEM files (None: not named in site.toml)."""

    password: Secret | None
    ca_file: Path | None
    client_certificate: Path | None = None


def his_access(config: Config, environ: Mapping[str, str] = os.environ) -> Access:
    """What opens [his]. Raises ConfigError."""
    his, read = config.his, password_files.required
    files = {"ca_file": his.ca_file, "client_certificate_file": his.client_certificate_file}
    return _access(config, "his", (read, his.password_file), files, environ)


def book_access(config: Config, environ: Mapping[str, str] = os.environ) -> Access:
    """What opens the book on a server. Raises ConfigError."""
    book = config.reservations
    # A server on this machine may know its users by themselves.
    read = password_files.required if leaves_machine(book.url) else password_files.optional
    return _access(config, "reservations", (read, book.password_file_of_book), {"ca_file": book.ca_file}, environ)


def _access(
    config: Config, table: str, secret: _Password, files: Mapping[str, str], environ: Mapping[str, str]
) -> Access:
    base, credentials = config.file.parent, environ.get("CREDENTIALS_DIRECTORY")
    try:
        read, name = secret
        password = read(table, name, base, credentials)
    except password_files.Unusable as unusable:
        raise ConfigError(config.file, [unusable.problem]) from None
    found = {key: password_files.place(file, base, credentials)[0] for key, file in files.items() if file}
    problems = [
        Problem("problem.system_file", {"table": table, "key": key, "file": str(file)})
        for key, file in found.items()
        if not os.access(file, os.R_OK, effective_ids=True)
    ]
    if problems:
        raise ConfigError(config.file, problems)
    return Access(password, found.get("ca_file"), found.get("client_certificate_file"))


def tls(config: Config, environ: Mapping[str, str] = os.environ) -> Tls | None:
    """The files of the desk's certificate; None: it has none, and listens on the loopback only. Raises ConfigError."""
    if config.desk is None:
        return None
    try:
        return certificate.files(config.desk, config.file.parent, environ.get("CREDENTIALS_DIRECTORY"))
    except certificate.Unusable as unusable:
        raise ConfigError(config.file, [unusable.problem]) from None


def needed(config: Config, value: T | None, table: str) -> T:
    """`value`, which is [`table`], for a command that cannot do without it. Raises ConfigError, which names it."""
    if value is None:
        raise ConfigError(config.file, [Problem("problem.no_table", {"table": table})])
    return value


def _share_password(read: reading.Read, base: Path, credentials: str | None) -> None:
    """One account of one server needs one password: without a file of its own, [receipt_computer] uses [terminal]'s."""
    terminal, receipt_computer = read.tables["terminal"], read.tables.get("receipt_computer", {})
    own = receipt_computer.get("password_file")
    if own is None or password_files.found(own, base, credentials):
        return
    if "password_file" in terminal and consistency.same_account(
        terminal.get("results"), receipt_computer.get("results")
    ):
        receipt_computer["password_file"] = terminal["password_file"]
