"""deploy/install's look at a site.toml: which files belong to it, whether it suits an installed kiosk, what it needs.

    python site_for_install.py SITE.TOML PRESENT STAGE      run by the new release's Python, before anything is switched

PRESENT is the installed configuration folder (it need not exist): a password that does not lie beside SITE.TOML is
taken from there. STAGE, a private folder, gets

    etc/            what will be in /etc/kiosk
    private         the names in etc/ but site.toml, a line each; they will be the services' user's alone
    tmpfiles        lines for tmpfiles.d that say so
    folders         folders to be made for the services' user, a line each
    kiosk.conf, kiosk-courier.conf     drop-ins: what else these services may write to; missing when there is nothing

Exit code 2, with a line for each problem, when the file cannot be used. It must never change anything but STAGE,
connect to anything, or repeat a password or an address.
"""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from pathlib import Path

from drivers import share
from drivers.printer.address import FileAddress, parse_url
from kiosk.config import Config, ConfigError, load

ETC = Path("/etc/kiosk")
DATA = Path("/var/lib/kiosk")
# What a file beside site.toml may be called: these names go into unit files as they are.
NAME = re.compile(r"[\w.-]+(/[\w.-]+)*")
FOLDER = re.compile(r"(/[\w .-]+)+")
# What ProtectHome and PrivateTmp of the units take away.
HIDDEN = ("/home", "/root", "/tmp", "/var/tmp")  # noqa: S108 - folders that are refused


class Unfit(Exception):
    """This site.toml cannot be installed; the text has a line for each problem."""


def main(arguments: list[str]) -> int:
    site, present, stage = (Path(argument) for argument in arguments)
    try:
        private = collect(site, present, stage / "etc")
        config = load(stage / "etc" / "site.toml", {})
        check(config, site)
        write_needs(config, private, stage)
    except (Unfit, ConfigError) as error:
        # The administrator knows the file, not the stage.
        print(str(error).replace(str(stage / "etc"), str(site.absolute().parent)), file=sys.stderr)  # noqa: T201 - the answer
        return 2
    return 0


def collect(site: Path, present: Path, to: Path) -> list[str]:
    """Copy site.toml and the files it names into `to`; their names. A file that is missing is `load`'s to judge."""
    to.mkdir()
    try:
        shutil.copyfile(site, to / "site.toml")
    except OSError as error:
        raise Unfit(f"{site}: cannot be read: {error.strerror}") from None
    found = []
    for name in named(site):
        source = next((folder / name for folder in (site.parent, present) if (folder / name).is_file()), None)
        if source is not None:
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, to / name)  # with its mode: a password that others could read is refused
            found.append(name)
    return found


def named(site: Path) -> list[str]:
    """Relative names of the files that belong to `site`. Unfit: a name that cannot be installed beside it."""
    try:
        tables = tomllib.loads(site.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return []  # `load` says what is wrong, better
    written = {
        "[terminal] password_file": _value(tables, "terminal", "password_file", "terminal.secret"),
        "[receipt_computer] password_file": _value(
            tables, "receipt_computer", "password_file", "receipt_computer.secret"
        ),
        "[reference_numbers] map": _value(tables, "reference_numbers", "map", ""),
    }
    names, problems = [], []
    for key, value in written.items():
        # Written with the installed folder it is the same file, and the installed one.
        name = value.removeprefix(f"{ETC}/")
        if name and (not NAME.fullmatch(name) or ".." in name.split("/") or name == "site.toml"):
            what = f"name a file beside site.toml, of letters, digits and . _ - (it goes to {ETC})"
            problems.append(f"{site}: {key}: {what}")
        elif name:
            names.append(name)
    if problems:
        raise Unfit("\n".join(problems))
    return sorted(set(names))


def _value(tables: dict[str, object], table: str, key: str, default: str) -> str:
    values = tables.get(table)
    value = values.get(key, default) if isinstance(values, dict) else default
    return value.strip() if isinstance(value, str) else default


def check(config: Config, site: Path) -> None:
    """What an installed kiosk needs beyond a file that can be loaded."""
    problems = []
    if config.site.data_dir != DATA:
        problems.append(f'[site] data_dir: an installed kiosk keeps its data in {DATA}; write data_dir = "{DATA}"')
    folder = config.reservations.import_dir
    if folder is not None and folder.is_relative_to(config.file.parent):
        problems.append(f"[reservations] import_dir: write the whole path; {ETC} is not for exports")
    for path in sorted({*courier_writes(config), *reception_writes(config)}):
        if not FOLDER.fullmatch(str(path)) or any(path.is_relative_to(hidden) for hidden in HIDDEN):
            problems.append(
                f"the folder {path}: the services see no {', '.join(HIDDEN)}, and its path may hold letters, digits, "
                "blanks and . _ - only; use one such as /srv/kiosk"
            )
    if problems:
        raise Unfit("\n".join(f"{site}: {problem}" for problem in problems))


def courier_writes(config: Config) -> list[Path]:
    """Local folders that stand for shares (a mounted file system, a trial)."""
    terminal, receipt_computer = config.terminal, config.receipt_computer
    urls = (terminal.results, terminal.subsidies, receipt_computer.results, receipt_computer.subsidies)
    addresses = [share.parse(url) for url in urls if url is not None]
    return [Path(address.path) for address in addresses if isinstance(address, share.FolderAddress)]


def reception_writes(config: Config) -> list[Path]:
    """The folder of exports, which moves what it took; and a file that stands for a printer."""
    folders = [config.reservations.import_dir] if config.reservations.import_dir else []
    address = parse_url(config.printer.url)
    if isinstance(address, FileAddress) and not address.path.is_relative_to("/dev"):
        folders.append(address.path.parent)
    return folders


def write_needs(config: Config, private: list[str], stage: Path) -> None:
    """The lists of STAGE, see the module's text."""
    (stage / "private").write_text("".join(f"{name}\n" for name in private), encoding="utf-8")
    owned = "".join(f"z {ETC}/{name} 0600 kiosk kiosk -\n" for name in private)
    (stage / "tmpfiles").write_text(owned, encoding="utf-8")
    folders = [config.reservations.import_dir] if config.reservations.import_dir else []
    (stage / "folders").write_text("".join(f"{folder}\n" for folder in folders), encoding="utf-8")
    for unit, paths in (("kiosk-courier", courier_writes(config)), ("kiosk", reception_writes(config))):
        outside = sorted({path for path in paths if not path.is_relative_to(DATA)})
        if outside:
            # "-": a folder that is not there (not mounted yet) must not keep the service from starting.
            lines = "".join(f'ReadWritePaths="-{path}"\n' for path in outside)
            text = f"# made by deploy/install from site.toml\n[Service]\n{lines}"
            (stage / f"{unit}.conf").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
