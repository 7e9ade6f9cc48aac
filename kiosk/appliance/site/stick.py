"""The USB stick that carries a site: mounted for a moment, read-only, and copied.

Owns which files are copied, their limits, and the overwriting of secrets when the stick asks for it.
Must never follow a link of the stick, run or keep anything else of it, or leave it mounted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from drivers.durable import sync_folder
from kiosk.appliance.machine.places import MOUNT_LIMIT_S, Places
from kiosk.appliance.words import Failure
from kiosk.config import reading
from kiosk.config.installed import SECRET_KEYS
from kiosk.process import safe_files

SITE: Final = "site.toml"
APPOINTMENTS: Final = "appointments"
# Flags are files without content that matters. Windows hides the ".txt" that it adds.
TAKE_ANYWAY: Final = "take-anyway"
WIPE_SECRETS: Final = "wipe-secrets"
MAX_FILES: Final = 40
MAX_BYTES: Final = 1024 * 1024
MAX_EXPORTS: Final = 10
MAX_EXPORT_BYTES: Final = 16 * 1024 * 1024
_MAX_LISTED: Final = 2000
# Keys of site.toml whose value is a file beside it; and those of the hospital's own tables, which have many lines.
_KEYS: Final = (*SECRET_KEYS, "pin_file", "map", "patients")
_TABLES: Final = (("reference_numbers", "map"), ("desk", "patients"))
_DEVICE: Final = re.compile(r"[a-z0-9]{2,32}")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class StickContent:
    """What was copied: names in the folder of copies. `exports_left`: how many exports were too many.

    `others`: names that a site.toml may have been given by mistake.
    """

    files: frozenset[str]
    flags: frozenset[str]
    exports: tuple[Path, ...]
    exports_left: int
    others: tuple[str, ...] = ()


def copy(places: Places, device: str, into: Path) -> StickContent:
    """Copy the site on `device` ("sdb1") into the new, empty folder `into`; then the stick is free. Raises Failure."""
    with _mounted(places, device, "ro") as top:
        names = [name for name in _names(top) if _NAME.fullmatch(name)]
        flags = {flag for flag in (TAKE_ANYWAY, WIPE_SECRETS) if flag in names or f"{flag}.txt" in names}
        taken = {SITE} if _copy_file(top / SITE, into / SITE, reading.MAX_FILE_BYTES) else set()
        secrets = [name for name in names if name.endswith(".secret")]
        named = {key: name for name, key in _named_in(into / SITE) if _NAME.fullmatch(name) and name != SITE}
        wanted = dict.fromkeys([*secrets, *named.values()], MAX_BYTES)
        wanted |= {name: MAX_EXPORT_BYTES for key, name in named.items() if key in _TABLES}
        # Before anything is copied: the copies lie in memory.
        if len(wanted) + len(taken) > MAX_FILES:
            raise Failure("stick.too_many_files", most=MAX_FILES)
        taken |= {name for name, most in wanted.items() if _copy_file(top / name, into / name, most)}
        listed = _list_exports(top / APPOINTMENTS)
        exports = tuple(_copy_exports(top / APPOINTMENTS, listed[:MAX_EXPORTS], into / APPOINTMENTS))
        others = () if SITE in taken else tuple(sorted(name for name in names if name.lower().startswith("site.")))
        left = len(listed[MAX_EXPORTS:])
        return StickContent(frozenset(taken), frozenset(flags), exports, left, others[:3])


def wipe(places: Places, device: str, names: Iterable[str]) -> int:
    """Overwrite and delete `names` on the stick; how many are gone. Raises Failure.

    A flash stick may keep the old blocks where no file system reaches them: this is for the stick that is left lying
    about, not for a laboratory.
    """
    gone = 0
    with _mounted(places, device, "rw") as top:
        for name in names:
            with suppress(OSError):
                descriptor = os.open(top / name, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
                with os.fdopen(descriptor, "wb") as opened:
                    opened.write(bytes(min(os.fstat(descriptor).st_size, MAX_BYTES)))
                    opened.flush()
                    os.fsync(descriptor)
                (top / name).unlink()
                gone += 1
        with suppress(OSError):
            sync_folder(top)
    return gone


@contextmanager
def _mounted(places: Places, device: str, mode: str) -> Iterator[Path]:
    if not _DEVICE.fullmatch(device):
        raise Failure("stick.bad_device")
    top = places.stick
    if not places.mount(places.root / "dev" / device, top, mode):
        raise Failure("stick.no_file_system")
    try:
        yield top
    except OSError as error:
        raise Failure("stick.unreadable", why=os.strerror(error.errno or 0)) from None
    finally:
        # Lazily if busy: nothing may keep the stick mounted, least of all one that was unplugged.
        if not places.call("umount", str(top), limit_s=MOUNT_LIMIT_S).ok:
            places.call("umount", "-l", str(top), limit_s=MOUNT_LIMIT_S)


def _names(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in islice(entries, _MAX_LISTED))


def _copy_file(source: Path, target: Path, max_bytes: int) -> bool:
    """Copy one plain file; False: there is none. Raises Failure for one that is too large."""
    try:
        opened = safe_files.opened(source)
    except OSError:
        return False
    with opened:
        content = opened.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise Failure("stick.too_large", file=source.name, most_kb=max_bytes // 1024)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as out:
        out.write(content)
    return True


def _named_in(site: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """Files that the site.toml names, with table and key: tables of the hospital, a certificate, and secrets with names
    of their own. It is checked later.
    """
    with suppress(reading.Broken):
        for name, table in reading.document(reading.text_of(site)).items():
            for key in _KEYS:
                value = table.get(key) if isinstance(table, dict) else None
                if isinstance(value, str):
                    yield value.strip(), (name, key)


def _list_exports(folder: Path) -> list[str]:
    if not folder.is_dir() or folder.is_symlink():
        return []
    return [name for name in _names(folder) if name.lower().endswith(".csv") and not name.startswith(".")]


def _copy_exports(folder: Path, exports: list[str], into: Path) -> Iterator[Path]:
    if exports:
        into.mkdir(mode=0o700)
    for number, name in enumerate(exports):
        # Not under its own name: an export program may have put anything into that.
        target = into / f"{number}.csv"
        if _copy_file(folder / name, target, MAX_EXPORT_BYTES):
            yield target
