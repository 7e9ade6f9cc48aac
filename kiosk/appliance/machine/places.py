"""Where everything of the appliance lies, below one root, and how its programs are run.

Owns the paths, so that a test can lay out a whole machine in a folder, and the calling of other programs: fixed
argument lists, an absolute path, a deadline, no shell. Must never put a secret into an argument list.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk.appliance.machine.programs import ProgramResult, run_program
from kiosk.process.data_folder import DataFolder

# For setpriv: a right of no use here, which the programs on the screen lack. The kernel lets nobody look into a process
# (/proc/PID/root, fd, mem) that has a right more than he, even as the same user.
UNSEEN: Final = ("--inh-caps=-all,+wake_alarm", "--ambient-caps=+wake_alarm")


@dataclass(frozen=True)
class Places:
    """Every path of the appliance. `root`: "/" on a machine, a folder in a test."""

    root: Path = Path("/")

    @property
    def run(self) -> Path:
        """What lasts until the next start; made by tmpfiles, 0755 root."""
        return self.root / "run/kiosk-appliance"

    @property
    def page(self) -> Path:
        """What the page program shows."""
        return self.run / "page.json"

    @property
    def reception(self) -> Path:
        """Flag: there is a good site and nothing else is on the screen."""
        return self.run / "reception"

    @property
    def var_broken(self) -> Path:
        """One word, why /var is not the disk's; written by kiosk-var.service."""
        return self.run / "var-broken"

    @property
    def site_wrong(self) -> Path:
        """Why site.toml cannot be used, a line for each problem; written by `apply`."""
        return self.run / "site-wrong"

    @property
    def sites(self) -> Path:
        """Folders of sites, the links `current` and `previous` beside them."""
        return self.root / "var/lib/kiosk-site"

    @property
    def site(self) -> Path:
        """The folder of the site in use: site.toml and what it names."""
        return self.sites / "current"

    @property
    def site_file(self) -> Path:
        """site.toml of the site in use; no such file: there is no site."""
        return self.site / "site.toml"

    @property
    def data(self) -> Path:
        """The reception's data."""
        return self.root / "var/lib/kiosk"

    @property
    def reception_status(self) -> Path:
        """What the reception writes of itself."""
        return DataFolder(self.data).run_status

    @property
    def courier(self) -> Path:
        """The courier's data."""
        return self.root / "var/lib/kiosk-courier"

    @property
    def appliance(self) -> Path:
        """Root's own notes, 0700."""
        return self.root / "var/lib/kiosk-appliance"

    @property
    def before_update(self) -> Path:
        """What worked before an update (`slots.remember`); it goes when the update proved itself or was undone."""
        return self.appliance / "before-update.json"

    @property
    def health(self) -> Path:
        """The verdict of the last health check."""
        return self.appliance / "health.json"

    @property
    def staff_socket(self) -> Path:
        """Where the screen asks root."""
        return self.root / "run/kiosk-staff/staff.sock"

    @property
    def stick(self) -> Path:
        """Where a stick is mounted for a moment."""
        return self.root / "run/kiosk-stick"

    @property
    def stick_link(self) -> Path:
        """udev's link to the stick that carries a site; there while it is plugged in."""
        return self.root / "dev/disk/by-label/KIOSK-SITE"

    @property
    def stick_lock(self) -> Path:
        """Locked (flock) while what is on a stick is read, tried and taken."""
        return self.run / "provision.lock"

    @property
    def update_lock(self) -> Path:
        """Locked while the slots are changed."""
        return self.run / "update.lock"

    @property
    def release_file(self) -> Path:
        """KEY=value lines: VERSION, BUILD, KEYRING."""
        return self.root / "etc/kiosk-release"

    @property
    def grubenv(self) -> Path:
        """The boot loader's variables."""
        return self.root / "efi/EFI/debian/grubenv"

    @property
    def cmdline(self) -> Path:
        """The kernel's command line."""
        return self.root / "proc/cmdline"

    def program(self, name: str) -> str:
        """The absolute path of a program of the image."""
        return str(self.root / "usr/bin" / name)

    def python(self, *arguments: str) -> list[str]:
        """The argument list of a module of the release."""
        return [str(self.root / "opt/kiosk/current/.venv/bin/python"), "-P", "-m", *arguments]

    def call(self, name: str, *arguments: str, limit_s: float, given: bytes | None = None) -> ProgramResult:
        """Run a program of /usr/bin to its end. Never raises for anything the program does."""
        return run_program([self.program(name), *arguments], limit_s=limit_s, given=given)

    def as_kiosk(self, *arguments: str, limit_s: float, given: bytes | None = None) -> ProgramResult:
        """Run `kiosk …` as the reception's user, who can read no secret; outside its walls, hence `UNSEEN`."""
        return self.call(
            "setpriv",
            *("--reuid=kiosk", "--regid=kiosk", "--init-groups", "--no-new-privs", *UNSEEN),
            self.program("env"),
            f"KIOSK_COURIER_DIR={self.courier}",
            *self.python("kiosk", *arguments),
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
