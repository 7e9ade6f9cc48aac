"""`kiosk.appliance apply`: from site.toml everything that the system's services need, in /run. Root only.

At boot before the network, and again when a site was taken. Writes what `services` and `firewall` decide; without a
site that can be used, the safe texts: DHCP, and a firewall that lets nothing but DHCP through. Doing it twice changes
nothing.
Must never read a password, wait for the network, or open the firewall for a site.toml that was refused.

The flag `reception` is not set here but by `screen_owner`, which looks at `site-wrong`.
"""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from drivers.durable import write_durably
from kiosk.appliance.machine.places import Places
from kiosk.appliance.site import services
from kiosk.appliance.site.firewall import ruleset
from kiosk.config import Config, ConfigError, Network, installed, load
from kiosk.words.problems import Problem, word

_LIMIT_S: Final = 10.0
_MAX_WRONG_BYTES: Final = 32 * 1024
_FIREWALL: Final = "run/kiosk-appliance/firewall.nft"
_NETWORK: Final = "run/systemd/network/50-kiosk.network"
_CLOCK: Final = "run/systemd/timesyncd.conf.d/kiosk.conf"
_RSYSLOG: Final = "run/kiosk-appliance/rsyslog.conf"
_USB: Final = "run/udev/rules.d/60-kiosk-site.rules"
_UNITS: Final = "run/systemd/system"
_DROP_IN: Final = "site.conf"
# Whose rights and secrets follow a site that is only tried. What runs goes on with the installed one's: if it died
# meanwhile, it would start again without its secrets.
_TRIED: Final = frozenset({"kiosk-check", "rsyslog"})
# A name that goes into LoadCredentialEncrypted= as it is.
_CREDENTIAL: Final = re.compile(r"[\w.-]{1,100}", re.ASCII)


class Part(Enum):
    """What of the system takes settings of the site, by its code in the catalogue `services`."""

    FIREWALL = "part.firewall"
    NETWORK = "part.network"
    CLOCK = "part.clock"
    LOG = "part.log"
    USB = "part.usb"
    HOSTNAME = "part.hostname"
    RIGHTS = "part.rights"


@dataclass(frozen=True)
class Failed:
    """A part that did not take its new settings. `why` is the system's English, for the journal, not for the screen."""

    part: Part
    why: str


@dataclass(frozen=True)
class Applied:
    """`config`: the site in force. `wrong`: why it was refused, a line each. `failed`: what did not take it."""

    config: Config | None
    wrong: tuple[str, ...] = ()
    failed: tuple[Failed, ...] = ()


def apply(
    places: Places, folder: Path | None = None, name_machine: Callable[[str], None] = socket.sethostname
) -> Applied:
    """Make everything from the site in use. `folder`: that of a site to be tried instead, which goes to no service that
    runs. Raises OSError when /run cannot be written.
    """
    is_tried, folder = folder is not None, folder or places.site
    config, wrong = load_site(folder)
    _write(places.site_wrong, "".join(f"{line}\n" for line in wrong)[:_MAX_WRONG_BYTES] if wrong else None)
    failed = _firewall(places, ruleset(config))
    texts = {
        _NETWORK: services.network_file(config),
        _CLOCK: services.timesyncd_file(config),
        _RSYSLOG: services.rsyslog_file(config),
        _USB: services.usb_rules(config),
    }
    changed = {name: _write(places.root / name, text) for name, text in texts.items()}
    units_changed = _drop_ins(places, config, folder, is_tried=is_tried)
    try:
        name_machine((config.network if config else Network()).hostname)
    except OSError as error:
        failed.append(Failed(Part.HOSTNAME, f"hostname: {error.strerror}"))
    failed += _notify(places, changed, units_changed=units_changed)
    return Applied(config, tuple(wrong), tuple(failed))


def load_site(folder: Path) -> tuple[Config | None, list[str]]:
    """The site in `folder`, or a Japanese line for each reason why the appliance cannot use it. No site: neither."""
    file = folder / "site.toml"
    if not file.exists():
        return None, []
    try:
        config = load(file, {}, passwords=False)
    except ConfigError as error:
        return None, in_japanese(error.problems, folder)
    problems = [*installed.folder_problems(config), *installed.appliance_problems(config), *_names(config)]
    if problems:
        return None, in_japanese(problems, folder)
    return config, []


def in_japanese(problems: Iterable[Problem], folder: Path) -> list[str]:
    """What is wrong with the site in `folder`, a line each."""
    # The technician knows the file, not the folder it was copied to.
    return [f"site.toml: {word(problem, 'config', 'ja')}".replace(f"{folder}/", "") for problem in problems]


def _names(config: Config) -> list[Problem]:
    """Secrets lie beside site.toml on the stick, and become credentials of that name."""
    keys = {**installed.secret_files(config), "[technician] pin_file": config.technician.pin_file}
    return [
        Problem("problem.secret_name", {"setting": key})
        for key, name in keys.items()
        if not _CREDENTIAL.fullmatch(name)
    ]


def _firewall(places: Places, text: str) -> list[Failed]:
    """Load `text`; when nft does not take it, the rules before stay: never open, at worst too tight."""
    file = places.root / _FIREWALL
    _write(file, text)
    # The check reads everything first; -f alone is all or nothing as well, but cannot say so of a broken kernel.
    for arguments in (("-c", "-f"), ("-f",)):
        done = places.call("usr/sbin/nft", *arguments, str(file), limit_s=_LIMIT_S)
        if not done.ok:
            return [Failed(Part.FIREWALL, f"firewall: {done.err.strip()[:300]}")]
    return []


def _drop_ins(places: Places, config: Config | None, folder: Path, *, is_tried: bool) -> bool:
    """Write the drop-ins and take away those of an earlier site. True: something changed."""
    credentials = folder / "credentials"
    sealed = {file.name for file in credentials.iterdir()} if credentials.is_dir() else set()
    wanted = services.drop_ins(config, credentials, sealed)
    units = places.root / _UNITS
    concerned = wanted.keys() | {file.parent.name.removesuffix(".service.d") for file in units.glob(f"*/{_DROP_IN}")}
    if is_tried:
        concerned &= _TRIED
    return any([_write(units / f"{unit}.service.d" / _DROP_IN, wanted.get(unit)) for unit in sorted(concerned)])


def _notify(places: Places, changed: dict[str, bool], *, units_changed: bool) -> list[Failed]:
    """Let the services read what is new. At boot most of them do not run yet, and read it by themselves."""
    orders: list[tuple[Part, tuple[str, ...]]] = []
    if units_changed:
        orders.append((Part.RIGHTS, ("systemctl", "daemon-reload")))
    if changed[_USB]:
        trigger = ("udevadm", "trigger", "--action=add", "--subsystem-match=usb", "--subsystem-match=tty")
        orders += [(Part.USB, ("udevadm", "control", "--reload")), (Part.USB, trigger)]
    if changed[_NETWORK] and places.call("systemctl", "is-active", "systemd-networkd", limit_s=_LIMIT_S).ok:
        orders.append((Part.NETWORK, ("networkctl", "reload")))
    if changed[_CLOCK]:
        orders.append((Part.CLOCK, ("systemctl", "--no-block", "try-restart", "systemd-timesyncd.service")))
    if changed[_RSYSLOG]:
        there = (places.root / _RSYSLOG).exists()
        orders.append((Part.LOG, ("systemctl", "--no-block", "restart" if there else "stop", "rsyslog.service")))
    failed = []
    for part, (program, *arguments) in orders:
        done = places.call(program, *arguments, limit_s=_LIMIT_S)
        if not done.ok:
            failed.append(Failed(part, f"{program} {arguments[0]}: {done.err.strip()[:200]}"))
    return failed


def _write(file: Path, text: str | None) -> bool:
    """Make `file` hold `text`, None: not be there. True: it was otherwise before."""
    old = file.read_bytes() if file.exists() else None
    new = None if text is None else text.encode()
    if new == old:
        return False
    if new is None:
        file.unlink()
        return True
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    write_durably(file, new, 0o644)
    return True


def main(arguments: Sequence[str]) -> int:
    """`kiosk.appliance apply`. 0 also for a site.toml that is wrong: the page program says so, the boot goes on. 1: the
    system did not take the settings.
    """
    if arguments:
        sys.stderr.write("apply takes no arguments\n")
        return 2
    applied = apply(Places())
    for line in (*applied.wrong, *(each.why for each in applied.failed)):
        sys.stderr.write(f"{line}\n")
    return 1 if applied.failed else 0
