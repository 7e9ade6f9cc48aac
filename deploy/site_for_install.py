"""deploy/install's look at a site.toml: which files belong to it, whether it suits an installed kiosk, what it needs.

    python site_for_install.py SITE.TOML PRESENT STAGE      run by the new release's Python, before anything is switched

PRESENT is the installed configuration folder (it need not exist): a password that does not lie beside SITE.TOML is
taken from there. STAGE, a private folder, gets

    etc/            what will be in /etc/kiosk
    private         "user mode name" of all in etc/ but site.toml, a line each, see USERS
    tmpfiles        lines for tmpfiles.d that say so
    folders         "owner group folder" of folders to be made for exports, a line each
    services        the services this site needs, a line each, in the order of their start
    SERVICE.conf    drop-ins: what else these services may write to; missing when there is nothing

Exit code 2, with a line for each problem, when the file cannot be used. It must never change anything but STAGE,
connect to anything, or repeat a password or an address.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from kiosk.config import Config, ConfigError, book_access, his_access, installed, load, reading, tls

ETC = Path("/etc/kiosk")
# Key of a file beside site.toml, what it is called without the key, and the one user who reads it.
USERS = (
    ("terminal", "password_file", "terminal.secret", "kiosk-courier"),
    ("receipt_computer", "password_file", "receipt_computer.secret", "kiosk-courier"),
    ("reservations", "password_file", "appointments.secret", "kiosk-fetch"),
    ("reservations", "book_password_file", "", "kiosk-his"),
    ("reservations", "ca_file", "", "kiosk-his"),
    ("his", "password_file", "his.secret", "kiosk-his"),
    ("his", "client_certificate_file", "", "kiosk-his"),
    ("his", "ca_file", "", "kiosk-his"),
    ("metrics", "password_file", "metrics.secret", "kiosk"),
    ("desk", "password_file", "desk.secret", "kiosk-desk"),
    ("desk", "", installed.DESK_CHIEF, "kiosk-desk"),
    ("desk", "certificate_file", "", "kiosk-desk"),
    ("desk", "key_file", "", "kiosk-desk"),
    ("desk", "client_ca_file", "", "kiosk-desk"),
    ("desk", "patients", "", "kiosk-desk"),
    ("reference_numbers", "map", "", "kiosk"),
)
# Keys of files that may lie elsewhere.
ELSEWHERE = ("patients",)
# What a file beside site.toml may be called: these names go into unit files as they are.
NAME = re.compile(r"[\w.-]+(/[\w.-]+)*")


class Unfit(Exception):
    """A site.toml that cannot be installed; the text has a line for each problem."""


def main(arguments: list[str]) -> int:
    """`SITE PRESENT STAGE`: exit code 0 when the site can be installed."""
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


def collect(site: Path, present: Path, to: Path) -> dict[str, str]:
    """Copy site.toml and the files it names into `to`: name → user. A file that is missing is `load`'s to judge."""
    to.mkdir()
    try:
        shutil.copyfile(site, to / "site.toml")
    except OSError as error:
        raise Unfit(f"{site}: cannot be read: {error.strerror}") from None
    found = {}
    for name, user in named(site).items():
        source = next((folder / name for folder in (site.parent, present) if (folder / name).is_file()), None)
        if source is not None:
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, to / name)  # with its mode: a password that others could read is refused
            found[name] = user
    return found


def named(site: Path) -> dict[str, str]:
    """Relative names of the files that belong to `site` → user. Unfit: a name that cannot be installed beside it."""
    try:
        tables = reading.document(reading.text_of(site))
    except reading.Broken:
        return {}  # `load` says what is wrong, better
    names: dict[str, str] = {}
    problems = []
    for table, key, default, usual in USERS:
        # Written with the installed folder it is the same file, and the installed one.
        name = _value(tables, table, key, default).removeprefix(f"{ETC}/")
        user = "kiosk-his" if (table, key) == ("reservations", "password_file") and _is_books(tables) else usual
        # Of what is read again and again somewhere else, such as a nightly export, no copy is made.
        if key in ELSEWHERE and name.startswith("/"):
            continue
        if name and (not NAME.fullmatch(name) or ".." in name.split("/") or name == "site.toml"):
            what = f"name a file beside site.toml, of letters, digits and . _ - (it goes to {ETC})"
            problems.append(f"{site}: [{table}] {key}: {what}")
        elif name and names.setdefault(name, user) != user:
            problems.append(f"{site}: [{table}] {key}: name another file; {name} is for the user {names[name]} alone")
    if problems:
        raise Unfit("\n".join(problems))
    return {name: user for name, user in sorted(names.items()) if name}


def _value(tables: dict[str, object], table: str, key: str, default: str) -> str:
    values = tables.get(table)
    value = values.get(key, default) if isinstance(values, dict) else default
    return value.strip() if isinstance(value, str) else default


def _is_books(tables: dict[str, object]) -> bool:
    """Whether [reservations] password_file is the password of its url: no share needs it."""
    url, share, own = (_value(tables, "reservations", key, "") for key in ("url", "share", "book_password_file"))
    return url.startswith("postgresql:") and not own and not share.lower().startswith("smb:")


def check(config: Config, site: Path) -> None:
    """What an installed kiosk needs beyond a file that can be loaded."""
    tls(config, {})
    if config.his.url:
        his_access(config, {})
    if not config.reservations.is_embedded:
        book_access(config, {})
    problems = installed.folder_problems(config)
    if problems:
        raise ConfigError(site, problems)


def write_needs(config: Config, private: dict[str, str], stage: Path) -> None:
    """The lists of STAGE, see the module's text."""
    # Each is one user's alone; but the desk looks numbers up in the reception's table.
    table = config.reference_numbers.map if config.desk is not None else None
    rows = [
        (user, name, "0640" if table in (stage / "etc" / name, ETC / name) else "0600")
        for name, user in private.items()
    ]
    (stage / "private").write_text("".join(f"{user} {mode} {name}\n" for user, name, mode in rows), encoding="utf-8")
    owned = "".join(f"z {ETC}/{name} {mode} {user} kiosk -\n" for user, name, mode in rows)
    (stage / "tmpfiles").write_text(owned, encoding="utf-8")
    (stage / "services").write_text("".join(f"{unit}\n" for unit in installed.services(config)), encoding="utf-8")
    folders = [config.reservations.import_dir] if config.reservations.import_dir else []
    # The state folder of kiosk-appointments.service is as systemd makes it.
    fetched = bool(config.reservations.share) and folders == [installed.EXPORTS]
    owner = "kiosk-fetch kiosk" if fetched else "kiosk kiosk-import"
    (stage / "folders").write_text("".join(f"{owner} {folder}\n" for folder in folders), encoding="utf-8")
    written = {
        "kiosk-courier": installed.courier_writes(config),
        "kiosk": installed.reception_writes(config),
        "kiosk-appointments": folders,
        # Where there is no reception it takes the exports.
        "kiosk-reservations": [] if config.printer else folders,
        "kiosk-metrics": installed.metrics_writes(config),
        "kiosk-desk": installed.desk_writes(config),
    }
    # The courier's file is its user's alone, and a desk that reads the terminal's folder needs it too.
    terminal = config.terminal.password_file
    lent = f"LoadCredential={Path(terminal).name}:{ETC}/{terminal}\n" if installed.lends_password(config) else ""
    for unit, paths in written.items():
        lines = installed.read_write_paths(paths) + (lent if unit == "kiosk-desk" else "")
        if lines:
            text = f"# made by deploy/install from site.toml\n[Service]\n{lines}"
            (stage / f"{unit}.conf").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
