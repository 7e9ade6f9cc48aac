"""A stick labelled KIOSK-SITE was plugged in: check its site, install or refuse it, and report on the screen.

Owns the order of the steps. The stick is copied to memory and unmounted before anything is checked; the new site's
network is tried in /run, and the old one restored when the site is refused; nothing on the disk changes before the site
is accepted.
Must never show or log a secret, touch a stick that was not asked to be wiped, or run two of its kind at once.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kiosk.appliance.machine import check_run, event_log, screen_owner
from kiosk.appliance.machine.places import Busy, Places, locked
from kiosk.appliance.machine.refused_usb import DEVICES, refused_devices
from kiosk.appliance.secrets import sealed
from kiosk.appliance.site import apply, candidate, installed_sites, outcomes, stick
from kiosk.appliance.update import slots
from kiosk.appliance.words import Failure, line, worded
from kiosk.config import Config
from kiosk.process.tries import Tries

# What reads site.toml or a secret, and runs; the reception itself starts when the result page is left.
SERVICES: Final = (
    "kiosk-courier.service", "kiosk-appointments.service", "kiosk-metrics.service",
    "kiosk-his.service", "kiosk-reservations.service", "kiosk-desk.service",
)  # fmt: skip
# A stick that stays plugged in is found at every boot: then only news go to the screen.
_STARTING_S: Final = 180.0
_ONLINE_S: Final = 25
_SETTLE_S: Final = 10
_LIMIT_S: Final = 90.0
_IMPORT_S: Final = 120.0
_MAX_LINES: Final = 60
# The exit code. 1 is what Python ends with when something is broken.
_REFUSED: Final = 3


@dataclass
class Result:
    """What the result page says. `changed`: something of this machine is another than before."""

    accepted: bool = False
    changed: bool = False
    taken: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def page(self) -> screen_owner.Page:
        """As page.json has it."""
        return {
            "page": "provisioned",
            "accepted": self.accepted,
            "taken": self.taken[:_MAX_LINES],
            "wrong": self.wrong[:_MAX_LINES],
        }


@dataclass(frozen=True)
class Provision:
    """One run. `use`: applies the site in a folder, None: the installed one."""

    places: Places
    log: event_log.StaffLog
    use: Callable[[Path | None], apply.Applied]

    def run(self, device: str) -> Result:
        """Everything but the result page. Never raises for what is on the stick."""
        result = Result()
        with _memory_folder(self.places) as folder:
            try:
                content = stick.copy(self.places, device, folder)
                if stick.SITE in content.files:
                    self._provision_site(device, folder, content, result)
                elif not content.exports:
                    others = line("machine.comma").join(content.others)
                    result.wrong.append(line("stick.only_others" if others else "stick.no_site", others=others))
                if content.exports and (result.accepted or stick.SITE not in content.files):
                    self._import_appointments(content, folder, result)
            except Failure as bad:
                result.wrong.append(worded(bad.problem))
            except candidate.Unfit as unfit:
                result.wrong += [str(line) for line in unfit.args]
        if not result.accepted:
            self.log.write("site_refused", count=len(result.wrong))
        return result

    def _provision_site(self, device: str, folder: Path, content: stick.StickContent, result: Result) -> None:
        config = candidate.read(folder)
        if installed_sites.is_installed(self.places, config, folder):
            result.accepted = True
            result.taken.append(line("site.same"))
            result.taken += candidate.weak_pin_note(config, folder)
            self.log.write("site_unchanged")
        else:
            # A machine that cannot open its own secrets any more (another TPM) has no PIN to ask for either.
            kept, gate = sealed.pin_record(self.places), Tries(self.places.pin_tries)
            if wrong := candidate.replacement_problems(config, folder, kept, gate):
                result.wrong += wrong
                return
            self._try_and_install(config, folder, content, result)
        if result.accepted and stick.WIPE_SECRETS in content.flags:
            # A password's file may have any name in site.toml.
            self._wipe(device, content.files - installed_sites.plain_files(config, folder), result)

    def _try_and_install(self, config: Config, folder: Path, content: stick.StickContent, result: Result) -> None:
        if not _announce(self.places):
            result.wrong.append(line("site.visits"))
            return
        installed = apply.load_site(self.places.site)[0] is not None
        tried = self.use(folder)
        # A network that was just changed has no address yet. Without a cable the check says so.
        wait = "usr/lib/systemd/systemd-networkd-wait-online"
        self.places.call(wait, "--any", f"--timeout={_ONLINE_S}", limit_s=_ONLINE_S + 5)
        try:
            findings = check_run.findings(self.places, folder)
        except Busy:
            findings = []
        anyway = stick.TAKE_ANYWAY in content.flags
        accepted, wrong = candidate.decide(findings, installed=installed, anyway=anyway)
        # The technician knows the stick's files, not the folder they were copied to.
        result.wrong += [line.replace(f"{folder}/", "") for line in wrong]
        if accepted and not self._installed(config, folder):
            result.wrong.append(line("site.not_written"))
            accepted = False
        applied = self.use(None)
        if accepted and applied.config is None:
            installed_sites.roll_back(self.places)
            self.use(None)
            result.wrong.append(line("site.rolled_back"))
            accepted = False
        if not accepted:
            return
        result.accepted = result.changed = True
        names = installed_sites.secrets(config, folder)
        has_pin = sealed.pin_file(self.places).is_file()
        result.taken += candidate.summary(config, len(names), has_pin=has_pin)
        result.wrong += candidate.weak_pin_note(config, folder)
        result.wrong += outcomes.not_in_force(tried.failed, applied.failed)
        result.wrong += self._refused_usb()
        slots.set_boot_rotation(self.places, config.screen.rotation)
        self.log.write("site_taken", count=len(names))
        for unit in SERVICES:
            # One after the other: a unit that is not there must not keep the others.
            self.places.call("systemctl", "--no-block", "restart", unit, limit_s=_LIMIT_S)

    def _refused_usb(self) -> list[str]:
        """USB devices that the new site does not name; also a touch panel stops working now."""
        self.places.call("udevadm", "settle", f"--timeout={_SETTLE_S}", limit_s=_LIMIT_S)
        found = refused_devices(self.places.root / DEVICES.relative_to("/"))
        return [line("site.refused_usb", **each._asdict()) for each in found]

    def _installed(self, config: Config, folder: Path) -> bool:
        try:
            installed_sites.install(self.places, config, folder)
        except (OSError, sealed.CannotSeal, LookupError) as error:
            # The kind alone: an OSError holds names, and what names are here comes from the stick.
            sys.stderr.write(f"the site could not be written: {type(error).__name__}\n")
            return False
        return True

    def _wipe(self, device: str, names: AbstractSet[str], result: Result) -> None:
        try:
            gone = stick.wipe(self.places, device, names)
        except Failure:
            gone = 0
        if gone == len(names):
            self.log.write("secrets_wiped", count=gone)
            result.taken.append(line("stick.wiped", count=gone))
        else:
            result.wrong.append(line("stick.not_wiped", count=len(names) - gone))

    def _import_appointments(self, content: stick.StickContent, folder: Path, result: Result) -> None:
        installed = apply.load_site(self.places.site)[0]
        if installed is None:
            result.wrong.append(line("appointments.no_site"))
            return
        kept = sealed.pin_record(self.places)
        if stick.SITE not in content.files and kept is not None:
            # Whoever finds a USB socket must not be able to make appointments.
            if wrong := candidate.pin_problems(installed, folder, kept, Tries(self.places.pin_tries)):
                result.wrong += wrong
                return
            result.taken += candidate.weak_pin_note(installed, folder)
        if content.exports_left:
            result.wrong.append(line("appointments.too_many", most=stick.MAX_EXPORTS, left=content.exports_left))
        for number, export in enumerate(content.exports, 1):
            command = ("reservations", "import", "-", "--json", "--config", str(self.places.site_file))
            done = self.places.as_kiosk(*command, limit_s=_IMPORT_S, given=export.read_bytes())
            if done.ok:
                result.accepted = result.changed = True
                result.taken.append(line("appointments.imported", number=number, outcome=outcomes.imported(done)))
                self.log.write("appointments_taken", count=number)
            else:
                why = outcomes.not_imported(number, done, _IMPORT_S)
                result.wrong.append(line("appointments.refused", number=number, why=why))


def main(arguments: Sequence[str]) -> int:
    """`kiosk.appliance provision /dev/sdb1`, as udev starts it."""
    if len(arguments) != 1 or not arguments[0].startswith("/dev/"):
        sys.stderr.write("usage: provision /dev/NAME\n")
        return 2
    places = Places()
    if places.var_broken.exists() or places.is_installer:
        # The stick permits the formatting; a site installed now would be gone at the next boot.
        return 0
    with closing(event_log.StaffLog(places)) as log, locked(places.stick_lock, wait=True):
        starting = time.clock_gettime(time.CLOCK_BOOTTIME) < _STARTING_S
        if not starting and not _announce(places):
            log.write("site_refused", code="visit")
            return _REFUSED
        provision = Provision(places, log, lambda folder: apply.apply(places, folder))
        result = provision.run(arguments[0].removeprefix("/dev/"))
        quiet = starting and result.accepted and not result.changed and not result.wrong
        if quiet or not screen_owner.wait_until_free(places, screen_owner.VISIT_S):
            screen_owner.show_usual(places)
        else:
            screen_owner.show(result.page(), places)
    return 0 if result.accepted else _REFUSED


def _announce(places: Places) -> bool:
    """Say on the screen that a stick is being read, which takes minutes; between two visits. False: no moment came.

    A new site's network is tried meanwhile, so no visit may begin either (`screen_owner.leave_page`). A technician's
    page stays.
    """
    before = screen_owner.current_page(places)
    if before.get("page") == "no_site":
        screen_owner.write({**before, "checking": True}, places)
    elif before.get("page") != "technician":
        if not screen_owner.wait_until_free(places, screen_owner.VISIT_S):
            return False
        screen_owner.show(screen_owner.CHECKING, places)
    return True


@contextmanager
def _memory_folder(places: Places) -> Iterator[Path]:
    """A private folder in memory (/run) that is gone afterwards."""
    folder = places.run / "candidate"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
