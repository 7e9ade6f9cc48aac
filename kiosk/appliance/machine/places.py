"""Where everything of the appliance lies, below one root, and how its programs are run.

Owns the paths, so that a test can lay out a whole machine in a folder, and the calling of other programs: fixed
argument lists, an absolute path, a deadline, no shell. Must never put a secret into an argument list.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk.appliance.machine.programs import ProgramResult, run_program

# For setpriv: a capability that does nothing here and that the programs on the screen lack. The kernel lets no process
# inspect another (/proc/PID/root, fd, mem) that has a capability more, even of the same user.
UNSEEN: Final = ("--inh-caps=-all,+wake_alarm", "--ambient-caps=+wake_alarm")


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
    # Locked (`lock.locked`) while a stick is read, tried and installed; while the slots are changed.
    stick_lock = _Below("run/kiosk-appliance/provision.lock")
    update_lock = _Below("run/kiosk-appliance/update.lock")

    # Folders of sites, the links `current` and `previous` beside them; the site in use. No site.toml: there is none.
    sites = _Below("var/lib/kiosk-site")
    site = _Below("var/lib/kiosk-site/current")
    site_file = _Below("var/lib/kiosk-site/current/site.toml")

    # The data of the reception and of the courier.
    data = _Below("var/lib/kiosk")
    courier = _Below("var/lib/kiosk-courier")
    # Root's own notes, 0700: what worked before an update (`slots.remember`), and the verdict of the last health check.
    appliance = _Below("var/lib/kiosk-appliance")
    before_update = _Below("var/lib/kiosk-appliance/before-update.json")
    health = _Below("var/lib/kiosk-appliance/health.json")

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
        """The absolute path of a program of the image."""
        return str(self.root / "usr/bin" / name)

    def call(self, name: str, *arguments: str, limit_s: float, given: bytes | None = None) -> ProgramResult:
        """Run a program of /usr/bin to its end. Never raises for anything the program does."""
        return run_program([self.program(name), *arguments], limit_s=limit_s, given=given)

    def as_kiosk(self, *arguments: str, limit_s: float, given: bytes | None = None) -> ProgramResult:
        """Run `kiosk …` as the reception's user, who can read no secret; outside its sandbox, hence `UNSEEN`."""
        return self.call(
            "setpriv",
            *("--reuid=kiosk", "--regid=kiosk", "--init-groups", "--no-new-privs", *UNSEEN),
            self.program("env"),
            f"KIOSK_COURIER_DIR={self.courier}",
            *(str(self.root / "opt/kiosk/current/.venv/bin/python"), "-P", "-m", "kiosk", *arguments),
            limit_s=limit_s,
            given=given,
        )

    def release(self) -> dict[str, str]:
        """`release` as a dictionary; empty when it is not there (a plain PC)."""
        try:
            lines = self.release_file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return {}
        return {key.strip(): value.strip() for key, mark, value in (line.partition("=") for line in lines) if mark}

    @property
    def version(self) -> str:
        """The version that runs; "" on a plain PC."""
        return self.release().get("VERSION", "")

    @property
    def is_installer(self) -> bool:
        """The machine runs from the installer's stick."""
        return self.on_cmdline("kiosk.installer") is not None

    def on_cmdline(self, word: str) -> str | None:
        """The value of `word=` on the kernel's command line, "" for a bare `word`, None when it is not there."""
        try:
            words = self.cmdline.read_text(encoding="utf-8", errors="replace").split()
        except OSError:
            return None
        for each in words:
            key, _, value = each.partition("=")
            if key == word:
                return value
        return None
