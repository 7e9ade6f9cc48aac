"""Is the site on a stick one that this machine can take? The files by themselves, then the check's findings.

Owns the rule for refusals and the lines of the result page. Must never change anything or show a secret.

The rule: a fault of the files refuses always. A fault of the surroundings (a share, the printer, the reader, the clock)
refuses only when a site that works is installed already: then the stick would replace what works by what does not. On a
new or spare machine it is reported and the site is taken: the printer may come tomorrow and the PC must not wait.
`take-anyway` on the stick turns the second refusal off.

A site that has a PIN is replaced only by a stick that knows it: whoever finds an open USB socket must not be able to
send patients' results to a server of his own. The PIN itself is changed by putting the old one into
`technician-old.secret`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from drivers import share
from kiosk.appliance.secrets import pin
from kiosk.appliance.site import apply
from kiosk.appliance.words import line, worded
from kiosk.config import Config, ConfigError, book_access, his_access, load, password, tls
from kiosk.config.system_checks import without_user
from kiosk.process import pins, secret_hash, tries

OLD_PIN: Final = "technician-old.secret"
# Findings about the machine, not about the stick: the data folder exists or is made, and the services of the new site
# do not run yet.
_OF_THE_MACHINE: Final = frozenset(
    {"data_dir", "disk", "fonts", "reservations", "appointments_today", "import_dir", "courier_running"}
    | {"reception_running"}
)
_OF_THE_FILES: Final = frozenset({"site_toml", "secrets", "reference_numbers", "desk_patients"})
_MAX_PIN_BYTES: Final = 200


class Unfit(Exception):
    """The files cannot be used; the arguments are Japanese lines, one a problem."""


def read(folder: Path) -> Config:
    """The site in `folder`, with its passwords. Raises Unfit with every problem of the files."""
    _, wrong = apply.load_site(folder)
    if wrong:
        raise Unfit(*_with_heading(wrong))
    try:
        config = load(folder / "site.toml", {})
        password(config, "metrics", config.metrics.push, config.metrics.password_file, {})
        password(config, "update", config.update.folder, config.update.password_file, {})
        password(config, "reservations", config.reservations.share, config.reservations.password_file, {})
        if config.his.url:
            his_access(config, {})
        if not config.reservations.is_embedded:
            book_access(config, {})
        if config.desk is not None:
            for url in (config.desk.requests, config.desk.answers, config.desk.export):
                password(config, "desk", url, config.desk.password_file, {})
            tls(config, {})
    except ConfigError as error:
        raise Unfit(*_with_heading(apply.in_japanese(error.problems, folder))) from None
    table = config.reference_numbers.map
    if table is not None and not table.is_file():
        raise Unfit(line("site.no_map", file=table.name))
    return config


def read_pin(file: Path) -> str | None:
    """The first line of a PIN file; None when there is no such file."""
    try:
        raw = file.read_bytes()[:_MAX_PIN_BYTES]
    except OSError:
        return None
    return raw.decode("utf-8-sig", "replace").split("\n", 1)[0].strip()


def replacement_problems(config: Config, folder: Path, kept: bytes | None, gate: tries.Tries) -> list[str]:
    """Why the stick may not replace the site whose PIN's record is `kept`, None: it has none; nothing: it may.

    A weak PIN is refused unless it is the one in force: stricter rules must not invalidate a kiosk's own stick.
    """
    given = read_pin(folder / config.technician.pin_file)
    fault = pin.fault(given) if given is not None else None
    weak = given is not None and pins.fits(given)
    if kept is not None and (fault is None or weak):
        # Before a weak one is reported: the comparison with the PIN in force counts as an attempt.
        if wrong := pin_problems(config, folder, kept, gate):
            return wrong
        if given is not None and secret_hash.matches(given, kept):
            return []
    return [f"{config.technician.pin_file}: {worded(fault)}"] if fault else []


def weak_pin_note(config: Config, folder: Path) -> list[str]:
    """A line when the PIN of the stick, which is in force, would not be taken as a new one."""
    given = read_pin(folder / config.technician.pin_file)
    if given is None or pin.fault(given) is None:
        return []
    return [line("new_pin.in_force_weak", file=config.technician.pin_file, old=OLD_PIN)]


def pin_problems(config: Config, folder: Path, kept: bytes, gate: tries.Tries) -> list[str]:
    """Whether the stick knows the PIN of the installed site; a line when it does not. A wrong one counts as a try."""
    given = read_pin(folder / OLD_PIN) or read_pin(folder / config.technician.pin_file)
    if given is None:
        return [line("new_pin.needed", file=config.technician.pin_file)]
    match gate.attempt(given, kept):
        case tries.Right():
            return []
        case tries.Locked(wait_s):
            return [line("new_pin.locked", minutes=round(-(-wait_s // 60)))]
        case _:
            return [line("new_pin.wrong", old=OLD_PIN)]


def decide(findings: Sequence[Mapping[str, Any]], *, installed: bool, anyway: bool) -> tuple[bool, list[str]]:
    """(taken?, what is wrong) from the check's findings."""
    if not findings:
        return False, [line("site.not_checked")]
    wrong = [each for each in findings if each["result"] == "NG" and each["code"] not in _OF_THE_MACHINE]
    lines = [f"{each['message']} → {each['do']}" for each in wrong]
    of_files = any(each["code"] in _OF_THE_FILES for each in wrong)
    refused = of_files or (bool(wrong) and installed and not anyway)
    if refused and not of_files:
        lines += [line("site.kept"), line("site.kept_do")]
    return not refused, lines


def summary(config: Config, secrets: int, *, has_pin: bool) -> list[str]:
    """What the stick brought, for the result page; never a password or a user's name."""
    shares = {
        "terminal": config.terminal.results,
        "receipt_computer": config.receipt_computer.results if config.receipt_computer else "",
        "reservations": config.reservations.share,
        "update": config.update.folder,
    }
    screen, usb = config.screen, (f"{line(f'devices.{each.what}')} {each.id}" for each in config.usb)
    lines = [
        line("site.hospital", name=config.site.name, pattern=config.site.pattern),
        *(line(f"site.{name}", where=share.parse(url).where) for name, url in shares.items() if url),
        *(line("site.his", where=without_user(url)) for url in (config.his.url,) if url),
        *(line("site.book", where=without_user(url)) for url in (config.reservations.url,) if "://" in url),
        *(line("site.printer", url=printer.url.partition("?")[0]) for printer in (config.printer,) if printer),
        line(
            "site.screen", width=screen.width_px, height=screen.height_px, inch=f"{screen.diagonal_inch:g}",
            rotation=screen.rotation,
        ),
    ]  # fmt: skip
    if config.usb:
        lines.append(line("site.usb", devices=line("machine.comma").join(usb)))
    if config.card_reader is not None:
        lines.append(line("site.card_reader", url=config.card_reader.url.partition("?")[0]))
    return [
        *lines,
        line("site.network", address="DHCP" if config.network.address == "dhcp" else config.network.address),
        line("site.secrets", count=secrets),
        line("site.technician" if has_pin else "site.no_technician"),
    ]


def _with_heading(lines: Sequence[str]) -> list[str]:
    return [line("site.wrong_files"), *lines]
