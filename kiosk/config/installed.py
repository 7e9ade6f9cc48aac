"""What a site's site.toml needs of the machine it is installed on: folders to write to, secrets, a place for its data.

Owns these rules for both kinds of kiosk, the ordinary PC (deploy/install) and the appliance. Pure: must never touch the
file system or repeat a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from drivers import page_printer, share
from drivers.printer.address import FileAddress, parse_url
from kiosk.config import Config
from kiosk.words.problems import Problem

DATA: Final = Path("/var/lib/kiosk")
# Copies of exports of appointments: the state folder of kiosk-appointments.service.
EXPORTS: Final = Path("/var/lib/kiosk-import")
# What the desk's values are sealed with: the name of a systemd credential.
SEAL: Final = "desk.key"
SEAL_BYTES: Final = 32
# Ports below are root's.
UNPRIVILEGED: Final = 1024
# The first password of the desk's chief: beside site.toml, on the stick, a credential; it need not be there.
DESK_CHIEF: Final = "desk-chief.secret"
# Keys whose value is a file of passwords or certificates, in whatever table.
SECRET_KEYS: Final = (
    "password_file", "book_password_file", "certificate_file", "key_file", "client_ca_file", "ca_file",
    "client_certificate_file",
)  # fmt: skip
# What may be written into a unit file as it is.
FOLDER: Final = re.compile(r"(/[\w .-]+)+")
# What ProtectHome and PrivateTmp of the units take away.
HIDDEN: Final = ("/home", "/root", "/tmp", "/var/tmp")  # noqa: S108 - folders that are refused


def folder_problems(config: Config) -> list[Problem]:
    """The folders that an installed kiosk's services could not use."""
    problems = []
    if config.site.data_dir != DATA:
        problems.append(Problem("problem.data_dir_elsewhere", {"data": str(DATA)}))
    folder = config.reservations.import_dir
    if folder is not None and folder.is_relative_to(config.file.parent):
        problems.append(Problem("problem.import_dir_beside"))
    problems += [
        Problem("problem.courier_folder", {"path": str(path), "data": str(DATA)})
        for path in courier_writes(config)
        if path.is_relative_to(DATA)
    ]
    if config.desk is not None and config.desk.address[1] < UNPRIVILEGED:
        problems.append(Problem("problem.desk_port", {"least": UNPRIVILEGED}))
    for path in sorted({*courier_writes(config), *_others_write(config), *_desk_reads(config)}):
        if not FOLDER.fullmatch(str(path)) or any(path.is_relative_to(hidden) for hidden in HIDDEN):
            problems.append(Problem("problem.hidden_folder", {"path": str(path), "hidden": HIDDEN}))
    return problems


def appliance_problems(config: Config) -> list[Problem]:
    """The settings that only an ordinary PC could follow: nothing can be added to the appliance."""
    problems = []
    if config.reservations.import_dir not in (None, EXPORTS):
        problems.append(Problem("problem.import_dir_elsewhere", {"folder": str(EXPORTS)}))
    if config.alarm.command:
        problems.append(Problem("problem.alarm_command"))
    problems += [
        Problem("problem.no_kiosk", {"table": table})
        for table, there in (("receipt_computer", config.receipt_computer), ("printer", config.printer))
        if there is None
    ]
    outside = {*courier_writes(config), *_others_write(config), *_desk_reads(config)} - {EXPORTS}
    problems += [Problem("problem.local_folder", {"path": str(path)}) for path in sorted(outside)]
    return problems


def services(config: Config) -> list[str]:
    """The services that an ordinary PC of this site runs, in the order of their start: delivery waits for no screen."""
    # With a table of its own each: a PC without a kiosk has neither, or the first alone.
    wanted = {
        "kiosk-courier": config.receipt_computer is not None,
        "kiosk-his": config.has_gate,
        "kiosk": config.printer is not None,
        "kiosk-reservations": config.desk is not None,
        "kiosk-desk": config.desk is not None,
        "kiosk-appointments": bool(config.reservations.share),
        "kiosk-metrics": bool(config.metrics.listen or config.metrics.push),
    }
    return [unit for unit, is_wanted in wanted.items() if is_wanted]


def courier_writes(config: Config) -> list[Path]:
    """Local folders that stand for shares (a mounted file system, a trial)."""
    terminal, receipt_computer = config.terminal, config.receipt_computer
    if receipt_computer is None:  # nothing is delivered: the terminal's folder is only read, by the desk
        return []
    taken = None if config.only_reads_subsidies else terminal.subsidies
    return _local(terminal.results, taken, receipt_computer.results, receipt_computer.subsidies)


def reception_writes(config: Config) -> list[Path]:
    """The folder of exports, which moves what it took; and a file that stands for a printer."""
    folders = [config.reservations.import_dir] if config.reservations.import_dir else []
    address = parse_url(config.printer.url) if config.printer else None
    if isinstance(address, FileAddress) and not address.path.is_relative_to("/dev"):
        folders.append(address.path.parent)
    return folders


def metrics_writes(config: Config) -> list[Path]:
    """The local folder that the figures go to."""
    return _local(config.metrics.push or None)


def desk_writes(config: Config) -> list[Path]:
    """Local folders of the desk: of requests and exported items, and one that stands for a printer."""
    if config.desk is None:
        return []
    folders = _local(config.desk.requests or None, config.desk.answers or None, config.desk.export or None)
    address = page_printer.parse_url(config.desk.printer) if config.desk.printer else None
    return [*folders, address.path] if isinstance(address, page_printer.FolderAddress) else folders


def _desk_reads(config: Config) -> list[Path]:
    """Local folders that it only reads: the terminal's, which it may watch, and that of a table of patients which comes
    from somewhere else.
    """
    if config.desk is None:
        return []
    folders = _local(config.terminal.results, config.terminal.subsidies)
    table = config.desk.patients
    return [*folders, table.parent] if table is not None and table.parent != config.file.parent else folders


def _others_write(config: Config) -> list[Path]:
    return [*reception_writes(config), *metrics_writes(config), *desk_writes(config)]


def read_write_paths(paths: Iterable[Path]) -> str:
    """Lines of a unit's [Service] for the folders outside the kiosk's own; "" when there are none."""
    outside = sorted({path for path in paths if not path.is_relative_to(DATA)})
    # "-": a folder that is not there (not mounted yet) must not keep the service from starting.
    return "".join(f'ReadWritePaths="-{path}"\n' for path in outside)


def secrets(config: Config) -> dict[str, tuple[str, ...]]:
    """By service, the credentials (file names) that it opens its shares and systems with; none for a share that is a
    folder. Certificates, their keys and authorities are among them.
    """
    terminal, receipt_computer = config.terminal, config.receipt_computer
    names = {
        "kiosk-courier": (
            _needed(terminal.password_file, terminal.results, terminal.subsidies),
            # Both names: with one account on one server the terminal's will do, and only that may be there.
            _needed(receipt_computer.password_file, receipt_computer.results, receipt_computer.subsidies)
            if receipt_computer
            else "",
        ),
        "kiosk-appointments": (_needed(config.reservations.password_file, config.reservations.share),),
        "kiosk-his": _of_gate(config),
        "kiosk-metrics": (_needed(config.metrics.password_file, config.metrics.push),),
        "kiosk-desk": _of_desk(config),
    }
    opened = ("kiosk-courier", "kiosk-appointments", "kiosk-his", "kiosk-desk")
    checked = [name for unit in opened for name in names[unit]]
    names["kiosk-check"] = tuple(name for name in checked if name not in (SEAL, DESK_CHIEF))
    return {unit: tuple(dict.fromkeys(name for name in found if name)) for unit, found in names.items()}


def secret_files(config: Config) -> dict[str, str]:
    """Every file of passwords or certificates that site.toml names, by "[table] key"; not the technician's PIN."""
    tables = {
        "terminal": config.terminal, "receipt_computer": config.receipt_computer, "reservations": config.reservations,
        "his": config.his, "metrics": config.metrics, "update": config.update, "desk": config.desk,
    }  # fmt: skip
    named = {f"[{table}] {key}": getattr(values, key, "") for table, values in tables.items() for key in SECRET_KEYS}
    return {setting: name for setting, name in named.items() if name}


def lends_password(config: Config) -> bool:
    """Whether the desk logs on to the terminal too: it watches, or looks for answers in the terminal's folder."""
    desk, terminal = config.desk, config.terminal
    if desk is None:
        return False
    if not (desk.feed == "watch" or config.only_reads_subsidies or (desk.requests and not desk.answers)):
        return False
    return bool(_needed(terminal.password_file, terminal.results, terminal.subsidies))


def _of_desk(config: Config) -> tuple[str, ...]:
    desk = config.desk
    if desk is None:
        return ()
    return (
        Path(config.terminal.password_file).name if lends_password(config) else "",
        _needed(desk.password_file, desk.requests, desk.answers, desk.export),
        *(Path(name).name for name in (desk.certificate_file, desk.key_file, desk.client_ca_file)),
        DESK_CHIEF,
        SEAL,
    )


def _of_gate(config: Config) -> tuple[str, ...]:
    his, book = config.his, config.reservations
    found = (his.password_file, his.client_certificate_file, his.ca_file) if his.url else ()
    of_book = () if book.is_embedded else (book.password_file_of_book, book.ca_file)
    return tuple(Path(name).name for name in (*found, *of_book) if name)


def _needed(password_file: str, *urls: str | None) -> str:
    return Path(password_file).name if any(url and url.lower().startswith("smb://") for url in urls) else ""


def _local(*urls: str | None) -> list[Path]:
    addresses = [share.parse(url) for url in urls if url is not None]
    return [Path(address.path) for address in addresses if isinstance(address, share.FolderAddress)]
