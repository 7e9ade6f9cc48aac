"""What a site's site.toml needs of the machine it is installed on: folders to write to, secrets, a place for its data.

Owns these rules for both kinds of kiosk, the ordinary PC (deploy/install) and the appliance. Pure: must never touch the
file system or repeat a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from drivers import share
from drivers.printer.address import FileAddress, parse_url
from kiosk.config import Config
from kiosk.words.problems import Problem

DATA: Final = Path("/var/lib/kiosk")
# Copies of exports of appointments: the state folder of kiosk-appointments.service.
EXPORTS: Final = Path("/var/lib/kiosk-import")
# The first password of the desk's chief: beside site.toml, on the stick, a credential; it need not be there.
DESK_CHIEF: Final = "desk-chief.secret"
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
    for path in sorted({*courier_writes(config), *reception_writes(config), *metrics_writes(config)}):
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
    outside = {*courier_writes(config), *reception_writes(config), *metrics_writes(config)} - {EXPORTS}
    problems += [Problem("problem.local_folder", {"path": str(path)}) for path in sorted(outside)]
    return problems


def courier_writes(config: Config) -> list[Path]:
    """Local folders that stand for shares (a mounted file system, a trial)."""
    terminal, receipt_computer = config.terminal, config.receipt_computer
    return _local(terminal.results, terminal.subsidies, receipt_computer.results, receipt_computer.subsidies)


def reception_writes(config: Config) -> list[Path]:
    """The folder of exports, which moves what it took; and a file that stands for a printer."""
    folders = [config.reservations.import_dir] if config.reservations.import_dir else []
    address = parse_url(config.printer.url)
    if isinstance(address, FileAddress) and not address.path.is_relative_to("/dev"):
        folders.append(address.path.parent)
    return folders


def metrics_writes(config: Config) -> list[Path]:
    """The local folder that the figures go to."""
    return _local(config.metrics.push or None)


def read_write_paths(paths: Iterable[Path]) -> str:
    """Lines of a unit's [Service] for the folders outside the kiosk's own; "" when there are none."""
    outside = sorted({path for path in paths if not path.is_relative_to(DATA)})
    # "-": a folder that is not there (not mounted yet) must not keep the service from starting.
    return "".join(f'ReadWritePaths="-{path}"\n' for path in outside)


def secrets(config: Config) -> dict[str, tuple[str, ...]]:
    """By service, the credentials (file names) that it opens its shares with; none for a share that is a folder."""
    terminal, receipt_computer = config.terminal, config.receipt_computer
    names = {
        "kiosk-courier": (
            _needed(terminal.password_file, terminal.results, terminal.subsidies),
            # Both names: with one account on one server the terminal's will do, and only that may be there.
            _needed(receipt_computer.password_file, receipt_computer.results, receipt_computer.subsidies),
        ),
        "kiosk-appointments": (_needed(config.reservations.password_file, config.reservations.share),),
        "kiosk-metrics": (_needed(config.metrics.password_file, config.metrics.push),),
    }
    names["kiosk-check"] = (*names["kiosk-courier"], *names["kiosk-appointments"])
    return {unit: tuple(dict.fromkeys(name for name in found if name)) for unit, found in names.items()}


def _needed(password_file: str, *urls: str | None) -> str:
    return Path(password_file).name if any(url and url.lower().startswith("smb://") for url in urls) else ""


def _local(*urls: str | None) -> list[Path]:
    addresses = [share.parse(url) for url in urls if url is not None]
    return [Path(address.path) for address in addresses if isinstance(address, share.FolderAddress)]
