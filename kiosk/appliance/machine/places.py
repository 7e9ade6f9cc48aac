"""Where everything of the appliance lies, below one root, how its programs are run, and one of them at a time.

Owns the paths, so that a test can lay out a whole machine in a folder, and the calling of other programs: fixed
argument lists, an absolute path, a deadline, no shell. Must never put a secret into an argument list.
"""

from __future__ import annotations

import math
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drivers.file_lock import lock_within

# More than `kiosk status --json` with all the alarms that the delivery ledger can hold: cut, it would be no JSON.
_MAX_OUTPUT: Final = 2 * 1024 * 1024
# The whole environment of a program: none of our variables may change what a tool does as root.
ENVIRONMENT: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
# For setpriv: a capability that does nothing here and that the programs on the screen lack. The kernel lets no process
# inspect another (/proc/PID/root, fd, mem) that has a capability more, even of the same user.
UNSEEN: Final = ("--inh-caps=-all,+wake_alarm", "--ambient-caps=+wake_alarm")

MOUNT_LIMIT_S: Final = 30.0
# ext4: its own settings must not bring the kernel down (errors=panic), and read-only its journal is not played back.
_FILE_SYSTEMS: Final = {
    "vfat": {"ro": "ro,umask=0077", "rw": "rw,umask=0077"},
    "exfat": {"ro": "ro,umask=0077", "rw": "rw,umask=0077"},
    "ext4": {"ro": "ro,noload,errors=remount-ro", "rw": "rw,errors=remount-ro"},
}


@dataclass(frozen=True)
class ProgramResult:
    """A program's end. `code`: its exit code; 127 when it could not be started, 124 after a time-out."""

    code: int
    out: bytes
    err: str

    @property
    def ok(self) -> bool:
        """Whether it ended with 0."""
        return self.code == 0


class Busy(Exception):
    """Another process or thread holds the lock."""


class _Below:
    """A path below the root of the machine."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __get__(self, places: Places, owner: object) -> Path:
        return places.root / self._path


@dataclass(frozen=True)
class Places:
    """Every path of the appliance. `root`: "/" on a machine, a folder in a test."""

    root: Path = Path("/")

    # What lasts until the next boot; made by tmpfiles, 0755 root.
    run = _Below("run/kiosk-appliance")
    # What the page program shows.
    page = _Below("run/kiosk-appliance/page.json")
    # Flag: there is a good site and nothing else is on the screen.
    reception = _Below("run/kiosk-appliance/reception")
    # One word, why /var is not the disk's; written by kiosk-var.service.
    var_broken = _Below("run/kiosk-appliance/var-broken")
    # Why site.toml cannot be used, a line for each problem; written by `apply`.
    site_wrong = _Below("run/kiosk-appliance/site-wrong")
    # What `kiosk check` is to be run with, and what it printed; see `check_run`.
    check_request = _Below("run/kiosk-appliance/check-request.json")
    check_answer = _Below("run/kiosk-appliance/check-answer")
    # Locked (`locked`) while a stick is read, tried and installed; while the slots are changed.
    stick_lock = _Below("run/kiosk-appliance/provision.lock")
    update_lock = _Below("run/kiosk-appliance/update.lock")

    # Folders of sites, the links `current` and `previous` beside them; the site in use. No site.toml: there is none.
    sites = _Below("var/lib/kiosk-site")
    site = _Below("var/lib/kiosk-site/current")
    site_file = _Below("var/lib/kiosk-site/current/site.toml")

    # The data of the reception, of the courier and of the desk.
    data = _Below("var/lib/kiosk")
    courier = _Below("var/lib/kiosk-courier")
    desk = _Below("var/lib/kiosk-desk")
    # What the desk says of itself.
    desk_run = _Below("run/kiosk-desk")
    # Where the process of the reservations listens.
    reservations_run = _Below("run/kiosk-reservations")
    # What the gate to the hospital's systems keeps, and where it listens.
    his = _Below("var/lib/kiosk-his")
    his_run = _Below("run/kiosk-his")
    # Root's own notes, 0700: what worked before an update (`slots.remember`), and the verdict of the last health check.
    appliance = _Below("var/lib/kiosk-appliance")
    before_update = _Below("var/lib/kiosk-appliance/before-update.json")
    health = _Below("var/lib/kiosk-appliance/health.json")
    pin_tries = _Below("var/lib/kiosk-appliance/pin.json")

    # Where the screen asks root.
    staff_socket = _Below("run/kiosk-staff/staff.sock")
    # Where a stick is mounted for a moment, and udev's link to the one that carries a site.
    stick = _Below("run/kiosk-stick")
    stick_link = _Below("dev/disk/by-label/KIOSK-SITE")

    # KEY=value lines: VERSION, BUILD, KEYRING.
    release_file = _Below("etc/kiosk-release")
    # The boot loader's variables, and the kernel's command line.
    grubenv = _Below("efi/EFI/debian/grubenv")
    cmdline = _Below("proc/cmdline")

    def program(self, name: str) -> str:
        """The absolute path of a program of the image; in /usr/bin when `name` has no folder."""
        return str(self.root / (name if "/" in name else f"usr/bin/{name}"))

    def call(self, name: str, *arguments: str, limit_s: float, given: bytes = b"") -> ProgramResult:
        """Run `program(name)` to its end; `given`: its standard input. Never raises for anything the program does."""
        try:
            done = subprocess.run(  # noqa: S603 - fixed argument lists, no shell
                [self.program(name), *arguments],
                input=given,
                capture_output=True,
                timeout=limit_s,
                check=False,
                env=ENVIRONMENT,
                cwd="/",
            )
        except subprocess.TimeoutExpired:
            return ProgramResult(124, b"", f"no answer within {limit_s:.0f} s")
        except OSError as error:
            return ProgramResult(127, b"", os.strerror(error.errno or 0))
        err = done.stderr[:_MAX_OUTPUT].decode("utf-8", "replace")
        return ProgramResult(done.returncode, done.stdout[:_MAX_OUTPUT], err)

    def as_kiosk(self, *arguments: str, limit_s: float, given: bytes = b"") -> ProgramResult:
        """Run `kiosk …` as the reception's user, who can read no secret; outside its sandbox, hence `UNSEEN`."""
        return self._run_as("kiosk", *arguments, limit_s=limit_s, given=given)

    def as_desk(self, *arguments: str, limit_s: float) -> ProgramResult:
        """The same as the desk's user, who owns its accounts."""
        return self._run_as("kiosk-desk", *arguments, limit_s=limit_s)

    def _run_as(self, user: str, *arguments: str, limit_s: float, given: bytes = b"") -> ProgramResult:
        folders = {
            "KIOSK_COURIER_DIR": self.courier,
            "KIOSK_DESK_DIR": self.desk,
            "KIOSK_DESK_RUN_DIR": self.desk_run,
            "KIOSK_RESERVATIONS_DIR": self.reservations_run,
            "KIOSK_HIS_DIR": self.his,
            "KIOSK_HIS_RUN_DIR": self.his_run,
        }
        return self.call(
            "setpriv",
            # The group of both, which reads site.toml.
            *(f"--reuid={user}", "--regid=kiosk", "--init-groups", "--no-new-privs", *UNSEEN),
            self.program("env"),
            *(f"{name}={folder}" for name, folder in folders.items()),
            *(str(self.root / "opt/kiosk/current/.venv/bin/python"), "-P", "-m", "kiosk", *arguments),
            limit_s=limit_s,
            given=given,
        )

    def mount(self, device: Path, folder: Path, mode: str = "ro") -> bool:
        """Mount what somebody plugged in on `folder`, made if need be: nothing on it is a program, a device or
        set-user-ID. `mode`: ro or rw. False: no known file system.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return any(
            self.call(
                *("mount", "-t", kind, "-o", f"{modes[mode]},nosuid,nodev,noexec", str(device), str(folder)),
                limit_s=MOUNT_LIMIT_S,
            ).ok
            for kind, modes in _FILE_SYSTEMS.items()
        )

    def release(self) -> dict[str, str]:
        """`release_file` as a dictionary; empty when it is not there (a plain PC)."""
        lines = (line.partition("=") for line in text_of(self.release_file).splitlines())
        return {key.strip(): value.strip() for key, mark, value in lines if mark}

    @property
    def version(self) -> str:
        """The version that runs; "" on a plain PC."""
        return self.release().get("VERSION", "")

    @property
    def boot_id(self) -> str:
        """The kernel's; another one after every boot."""
        return text_of(self.root / "proc/sys/kernel/random/boot_id").strip()

    @property
    def is_installer(self) -> bool:
        """The machine runs from the installer's stick."""
        return self.on_cmdline("kiosk.installer") is not None

    def on_cmdline(self, word: str) -> str | None:
        """The value of `word=` on the kernel's command line, "" for a bare `word`, None when it is not there."""
        words = (each.partition("=") for each in text_of(self.cmdline).split())
        return next((value for key, _, value in words if key == word), None)


def text_of(file: Path, limit: int = 64 * 1024) -> str:
    """The first `limit` bytes of a file of the system; "" when it cannot be read."""
    try:
        with file.open("rb") as opened:
            return opened.read(limit).decode("utf-8", "replace")
    except OSError:
        return ""


@contextmanager
def locked(file: Path, *, wait: bool) -> Iterator[None]:
    """Hold the lock of `file`, whose folder is made if need be. Raises Busy without `wait`, OSError."""
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not lock_within(descriptor, math.inf if wait else 0.0):
            raise Busy
        yield
    finally:
        os.close(descriptor)
