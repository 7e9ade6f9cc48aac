"""Where update bundles come from: a USB stick's root folder, and the hospital server's folder of [update].

Owns the read-only mount of a stick while it is looked at, and the download. Must never run, follow or trust anything
that it finds: a name fits the pattern or is left out, links are left out, sizes have a limit.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from drivers.share import Entry, Share, ShareError, open_share
from kiosk.appliance.machine.places import MOUNT_LIMIT_S, Places
from kiosk.appliance.secrets import sealed
from kiosk.appliance.update import bundles
from kiosk.appliance.update.bundles import BYTES_MAX, NAME, Refused
from kiosk.appliance.words import line
from kiosk.config import Config, ConfigError, load, password

LABELS: Final = ("KIOSK-NEW", "KIOSK-SITE")
BUNDLES_MAX: Final = 40
_SHARE_DEADLINE_S: Final = 20.0
# A download must leave this much for the kiosk's own data.
_KEEP_FREE_BYTES: Final = 256 << 20


@dataclass(frozen=True)
class Bundle:
    """One to choose from. `name`: its file's name. `version`: as signed, or, on a server, as its name says."""

    name: str
    version: str
    source: str
    size: int


@contextmanager
def mounted_sticks(places: Places) -> Iterator[list[Path]]:
    """The folders of sticks that are plugged in, mounted read-only; none: an empty list."""
    mounted: list[Path] = []
    try:
        for label in LABELS:
            device = places.root / "dev/disk/by-label" / label
            folder = places.root / "run/kiosk-bundles" / label
            if device.exists() and places.mount(device, folder):
                mounted.append(folder)
        yield mounted
    finally:
        for folder in mounted:
            # Lazily: RAUC may still hold a file of a broken-off installation.
            places.call("umount", "--lazy", str(folder), limit_s=MOUNT_LIMIT_S)


def bundles_on(folders: list[Path]) -> Iterator[Path]:
    """Plain files of fitting names and sizes, by name."""
    for folder in folders:
        with suppress(OSError):
            for file in sorted(islice(folder.iterdir(), BUNDLES_MAX * 25)):
                if NAME.fullmatch(file.name) and _fits(file):
                    yield file


def _fits(file: Path) -> bool:
    try:
        status = file.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and 0 < status.st_size <= BYTES_MAX


def list_bundles(places: Places) -> list[Bundle]:
    """All bundles, the sticks' first. One that is not signed for this machine is listed without a version."""
    found: dict[str, Bundle] = {}
    with mounted_sticks(places) as folders:
        for file in bundles_on(folders):
            info = bundles.inspect(places, file)
            version = "" if isinstance(info, Refused) else info.version
            found.setdefault(file.name, Bundle(file.name, version, line("sources.stick"), file.stat().st_size))
            if len(found) == BUNDLES_MAX:
                break
    with suppress(ShareError, ConfigError):
        for entry in _entries(_open_server(places)):
            bundle = Bundle(entry.name, bundles.named_version(entry.name), line("sources.server"), entry.size)
            found.setdefault(entry.name, bundle)
    return list(found.values())[:BUNDLES_MAX]


def download(places: Places, name: str) -> Iterator[int | Path | Refused]:
    """Fetch `name` from the server: per cent, then the file; or why not. The caller deletes it."""
    try:
        share = _open_server(places)
        entry = next((each for each in _entries(share) if each.name == name), None)
        if share is None or entry is None:
            yield Refused("no_stick", "no such file")
            return
        folder = places.appliance / "download"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in folder.iterdir():  # of a download that a power cut ended
            old.unlink()
        free = os.statvfs(folder)
        if free.f_bavail * free.f_frsize < entry.size + _KEEP_FREE_BYTES:
            yield Refused("no_space", "download")
            return
        yield from _fetch(share, entry, folder / name)
    except ShareError as error:
        yield Refused("no_answer", type(error).__name__)
    except ConfigError:
        yield Refused("no_answer", "site.toml")
    except OSError as error:
        yield Refused("no_space", os.strerror(error.errno or 0))


def _fetch(share: Share, entry: Entry, file: Path) -> Iterator[int | Path | Refused]:
    got, reported = 0, -1
    with file.open("wb") as out:
        for chunk in share.chunks(entry.name):
            got += len(chunk)
            if got > entry.size:  # the listing's size was checked against the limit and the disk
                yield Refused("broken_file", "it grew")
                return
            out.write(chunk)
            if (percent := 100 * got // entry.size) > reported:
                reported = percent
                yield reported
        out.flush()
        os.fsync(out.fileno())
    yield file if got == entry.size else Refused("broken_file", "it shrank")


def _entries(share: Share | None) -> list[Entry]:
    if share is None:
        return []
    found = [each for each in share.entries("*.raucb", BUNDLES_MAX) if NAME.fullmatch(each.name)]
    return sorted((each for each in found if 0 < each.size <= BYTES_MAX), key=lambda each: each.name)


def _open_server(places: Places) -> Share | None:
    """The folder of [update]; None when there is no site or it names none. Raises ConfigError."""
    if not places.site_file.is_file():
        return None
    config = load(places.site_file, {}, passwords=False)
    if not config.update.folder:
        return None
    return open_share(config.update.folder, _password(places, config), deadline_s=_SHARE_DEADLINE_S)


def _password(places: Places, config: Config) -> str | None:
    """The password, sealed on the appliance; a plain file beside site.toml elsewhere. None: the folder is local."""
    name = config.update.password_file
    raw = sealed.unseal(places, name, places.site / sealed.FOLDER / name)
    if raw is not None:
        return raw.decode("utf-8-sig", "replace").split("\n", 1)[0].removesuffix("\r")
    found = password(config, "update", config.update.folder, name, {})
    return found.reveal() if found else None
