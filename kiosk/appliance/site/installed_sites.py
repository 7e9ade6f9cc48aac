"""The installed sites: a new one is written beside the old one, then one link is switched atomically.

Owns /var/lib/kiosk-site: folders by time, the links `current` and `previous`. After a power cut the machine has the old
site or the new one, whole. Must never leave a password there in clear.
"""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from drivers.durable import sync_file, sync_folder, write_durably
from kiosk.appliance.machine.places import Places
from kiosk.appliance.secrets import sealed
from kiosk.appliance.site.candidate import OLD_PIN, read_pin
from kiosk.config import Config
from kiosk.config.installed import SEAL, SEAL_BYTES, secret_files
from kiosk.process import secret_hash

_CURRENT: Final = "current"
_PREVIOUS: Final = "previous"
_PART: Final = ".new"
_KIOSK: Final = "kiosk"


def secrets(config: Config, folder: Path) -> set[str]:
    """Names of the secrets in `folder`: what *.secret is called, and what site.toml names so. Without the PINs."""
    named = set(secret_files(config).values())
    found = {file.name for file in folder.iterdir() if file.suffix == ".secret" or file.name in named}
    return found - {config.technician.pin_file, OLD_PIN}


def plain_files(config: Config, folder: Path) -> set[str]:
    """Names of the other files of the site."""
    hidden = secrets(config, folder) | {config.technician.pin_file, OLD_PIN}
    return {file.name for file in folder.iterdir() if file.is_file() and file.name not in hidden}


def is_installed(places: Places, config: Config, folder: Path) -> bool:
    """Whether `folder` holds just what is installed."""
    site = places.site
    if not site.is_dir():
        return False
    plain = {file.name for file in site.iterdir() if file.is_file()}
    if plain != plain_files(config, folder):
        return False
    if any((site / name).read_bytes() != (folder / name).read_bytes() for name in plain):
        return False
    names = secrets(config, folder)
    kept = site / sealed.FOLDER
    given = read_pin(folder / config.technician.pin_file)
    there = {file.name for file in kept.iterdir()} if kept.is_dir() else set()
    if config.desk is not None and SEAL not in there:
        return False
    there.discard(SEAL)
    if there != names | ({sealed.PIN_NAME} if given is not None else set()):
        return False
    if given is not None and not secret_hash.matches(given, sealed.pin_record(places) or b""):
        return False
    return all(sealed.unseal(places, name, kept / name) == (folder / name).read_bytes() for name in names)


def install(places: Places, config: Config, folder: Path, now: datetime | None = None) -> None:
    """Make the candidate in `folder` the site in use. Raises OSError and sealed.CannotSeal; nothing is changed then."""
    top = places.sites
    top.mkdir(mode=0o755, parents=True, exist_ok=True)
    name = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%S%fZ")
    part = top / (name + _PART)
    try:
        _write(places, config, folder, part)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    part.rename(top / name)
    sync_folder(top)
    before = _target(top / _CURRENT)
    if before is not None:
        _point(top / _PREVIOUS, before)
    _point(top / _CURRENT, name)
    _remove_others(top)


def roll_back(places: Places) -> None:
    """The site before the last `install` is in use again; none, if there was none."""
    top = places.sites
    before = _target(top / _PREVIOUS)
    if before is None:
        (top / _CURRENT).unlink(missing_ok=True)
        sync_folder(top)
    else:
        _point(top / _CURRENT, before)


def _write(places: Places, config: Config, folder: Path, to: Path) -> None:
    to.mkdir(mode=0o755)
    to.chmod(0o755)
    for name in plain_files(config, folder):
        # site.toml holds no secret; a table of numbers is patients' data, for the reception alone.
        public = name == "site.toml"
        write_durably(to / name, (folder / name).read_bytes(), 0o644 if public else 0o640)
        if not public:
            shutil.chown(to / name, group=_KIOSK)
    kept = to / sealed.FOLDER
    kept.mkdir(mode=0o700)
    for name in secrets(config, folder):
        sealed.seal(places, name, (folder / name).read_bytes(), kept / name)
    given = read_pin(folder / config.technician.pin_file)
    if given is not None:
        sealed.seal(places, sealed.PIN_NAME, secret_hash.record(given), kept / sealed.PIN_NAME)
    _keep_seal(places, kept, wanted=config.desk is not None)
    for file in kept.iterdir():
        sync_file(file)
    sync_folder(kept)
    sync_folder(to)


def _keep_seal(places: Places, kept: Path, *, wanted: bool) -> None:
    """The key of the desk's values stays through every site; one that this machine cannot open is of no use."""
    old = sealed.unseal(places, SEAL, places.site / sealed.FOLDER / SEAL)
    if old is not None or wanted:
        sealed.seal(places, SEAL, old or os.urandom(SEAL_BYTES), kept / SEAL)


def _point(link: Path, name: str) -> None:
    """Let `link` name the folder `name`, durably, in one step."""
    new = link.with_name(f".{link.name}{_PART}")
    new.unlink(missing_ok=True)
    new.symlink_to(name)
    new.replace(link)
    sync_folder(link.parent)


def _target(link: Path) -> str | None:
    try:
        name = link.readlink().name
    except OSError:
        return None
    return name if (link.parent / name).is_dir() else None


def _remove_others(top: Path) -> None:
    kept = {_target(top / _CURRENT), _target(top / _PREVIOUS)}
    for folder in top.iterdir():
        if folder.is_dir() and not folder.is_symlink() and folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)
