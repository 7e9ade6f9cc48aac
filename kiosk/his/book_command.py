"""`kiosk book …`: the database of a book on a server, for whoever looks after it.

`migrate`: brings it to this version, as the role that owns it. `after-failover`: another server took over; waits for
the kiosks, and lets it give numbers. Run where `kiosk his` has the password. Must never take a password as an argument,
which every user of the machine could read.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
import time
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from drivers.reservations import ReservationsDown
from kiosk.config import Config, ConfigError, book_access
from kiosk.config import load as load_config
from kiosk.process.stderr import complain

if TYPE_CHECKING:
    from drivers.reservations.postgresql.failover import Failover, State

OWNER: Final = "kiosk_owner"
_WAIT_S: Final = 60.0
_LOOK_S: Final = 1.0
_SCHEME: Final = "postgresql:"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `book` to the commands of `kiosk`. Each sets `do`: arguments → exit code."""
    acts = commands.add_parser("book", help="the book of several kiosks, on a PostgreSQL server").add_subparsers(
        required=True, metavar="COMMAND"
    )
    migrated = acts.add_parser("migrate", help="make its tables, or bring them to this version")
    migrated.add_argument("--role", default=OWNER, help=f"who owns it; password from standard input ({OWNER})")
    migrated.set_defaults(do=_migrate)
    released = acts.add_parser("after-failover", help="let a server that took over give numbers")
    released.add_argument(
        "--wait", type=float, default=_WAIT_S, metavar="SECONDS", help=f"for kiosks to come ({_WAIT_S:g})"
    )
    released.add_argument("--json", action="store_true", help="a JSON object a line")
    released.set_defaults(do=_after_failover)
    for each in (migrated, released):
        each.add_argument("--config", type=Path, required=True, metavar="site.toml")


def _migrate(arguments: argparse.Namespace) -> int:
    from drivers.reservations.postgresql.address import parse
    from drivers.reservations.postgresql.connection import Server
    from drivers.reservations.postgresql.migrate import migrate

    config = _config(arguments)
    address = parse(config.reservations.url)
    owner = type(address)(arguments.role, address.hosts, address.database)
    server = Server(owner, _password(arguments.role), book_access(config).ca_file)
    try:
        before, now = migrate(server, str(config.site.zone))
    except ReservationsDown as down:
        complain(f"{down} (as {arguments.role}, who owns the database)")
        return 1
    was = "already: nothing to do" if before == now else f"now, was {before}" if before else "now, made anew"
    _say(f"the book's tables are of version {now} {was}")
    return 0


def _after_failover(arguments: argparse.Namespace) -> int:
    from drivers.reservations.postgresql.failover import Failover

    config = _config(arguments)
    from kiosk.his.opened import adapter_settings

    settings = adapter_settings(config, config.his_dir, book_access(config))
    failover = Failover(config.reservations.url, settings)
    try:
        return _released(failover, datetime.now(config.site.zone).date(), arguments.wait, as_json=arguments.json)
    except ReservationsDown as down:
        complain(str(down))
        return 1
    finally:
        failover.close()


def _released(failover: Failover, today: date, wait_s: float, *, as_json: bool) -> int:
    end = time.monotonic() + wait_s
    state = failover.state(today)
    while not state.released and state.waits and time.monotonic() < end:
        time.sleep(_LOOK_S)
        state = failover.state(today)
    _tell(state, as_json=as_json)
    if state.released:
        _say(json.dumps({"released": True, "already": True}) if as_json else "it gives numbers already: nothing to do")
        return 0
    lifted = failover.release(today)
    if as_json:
        _say(json.dumps({"released": True, "lifted": lifted}))
    else:
        _say("it gives numbers now" + (", 100 above the last: not every kiosk came" if lifted else ""))
    return 0


def _tell(state: State, *, as_json: bool) -> None:
    for each in state.kiosks:
        if as_json:
            _say(json.dumps({**asdict(each), "day": each.day.isoformat()}))
        else:
            came = f"came, {each.restored} restored" if each.offered else f"has not come (last seen {each.day})"
            _say(f"{each.role} {each.host}: {came}")


def _config(arguments: argparse.Namespace) -> Config:
    config = load_config(arguments.config, passwords=False)
    if not config.reservations.url.startswith(_SCHEME):
        raise ConfigError(
            f"{config.file}: [reservations] url: the book is on no PostgreSQL server. Write postgresql://USER@HOST/DATABASE"
        )
    return config


def _password(role: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"{role}: ")
    return sys.stdin.readline().rstrip("\n")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the command's answer
