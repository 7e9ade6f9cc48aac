"""`kiosk desk …` on the command line: the arguments, and which part does what.

Owns the words after `kiosk desk`. A part is imported when it runs: whoever adds a user loads no server. Must never take
a password as an argument, which every user of the machine could read.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

from kiosk.config import Config, ConfigError, load, needed
from kiosk.process import private_folder
from kiosk.process.data_folder import DeskFolder
from kiosk.process.stderr import complain, unblock

ROLES: Final = ("desk", "chief", "view")
_USER_ACTS: Final = {
    "add": "a new account; its password from standard input, or asked for",
    "remove": "take an account away; what it did stays in the audit",
    "list": "the accounts",
    "password": "another password; from standard input, or asked for",
    "chief": "a first password for the account `chief`, made if need be: it is printed",
}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `desk` to the commands of `kiosk`. Each sets `do`: arguments → exit code."""
    desk = commands.add_parser("desk", help="the reception desk: the staff's pages")
    # Required, but for `replay`; argparse cannot say so of an option that may stand before or behind the command.
    desk.add_argument("--config", type=Path, metavar="site.toml")
    desk.set_defaults(do=_with_config(_run))
    acts = desk.add_subparsers(metavar="COMMAND")
    user = acts.add_parser("user", help="accounts of staff").add_subparsers(required=True, metavar="COMMAND")
    for act, what in _USER_ACTS.items():
        each = user.add_parser(act, help=what)
        if act not in ("list", "chief"):
            each.add_argument("name", metavar="NAME")
        if act in ("add", "password"):
            each.add_argument("--role", choices=ROLES, help="desk: receive; chief: also users and ends; view: look")
            each.add_argument("--generate", action="store_true", help="make a first password and print it")
        _finish(each, _user, act=act, name=None, role=None, generate=False)
    audit = acts.add_parser("audit", help="the chain of acts").add_subparsers(required=True, metavar="COMMAND")
    verified = audit.add_parser("verify", help="was anything changed or taken out? exit code 0: no")
    verified.add_argument(
        "--events",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a copy of the event log or of the journal, kept elsewhere; - reads standard input",
    )
    _finish(verified, _verify)
    replay = acts.add_parser("replay", help="for testers: what the desk concludes of a folder of taps")
    replay.add_argument("folder", type=Path, metavar="FOLDER")
    replay.add_argument("--json", action="store_true", help="a JSON object a line, for each tap: the only form")
    replay.add_argument("--config", type=Path, metavar="site.toml", default=argparse.SUPPRESS)
    replay.set_defaults(do=_replay)


def _finish(parser: argparse.ArgumentParser, do: Callable[[argparse.Namespace], int], **defaults: object) -> None:
    # SUPPRESS: an option that stands before the command is not overwritten by one that is not behind it.
    parser.add_argument("--config", type=Path, metavar="site.toml", default=argparse.SUPPRESS)
    parser.set_defaults(do=_with_config(do), **defaults)


def _with_config(do: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    def checked(arguments: argparse.Namespace) -> int:
        if arguments.config is None:
            raise ConfigError("kiosk desk: the following arguments are required: --config")
        return do(arguments)

    return checked


def _run(arguments: argparse.Namespace) -> int:
    config = _config(arguments)
    from kiosk.desk import assembly

    _folder(config)
    unblock()
    return assembly.run(config)


def _user(arguments: argparse.Namespace) -> int:
    folder = _folder(_config(arguments))
    from kiosk.desk.people import command

    return command.user(folder, arguments.act, arguments.name, arguments.role, generate=arguments.generate)


def _verify(arguments: argparse.Namespace) -> int:
    folder = _folder(_config(arguments))
    from kiosk.desk.people import command

    return command.verify(folder, arguments.events)


def _replay(arguments: argparse.Namespace) -> int:
    from kiosk.desk import replay

    config = load(arguments.config, passwords=False) if arguments.config else None
    return replay.run(arguments.folder, config)


def _config(arguments: argparse.Namespace) -> Config:
    """A site with a desk. Passwords are read by who opens a share: the desk's user may read its own only."""
    config = load(arguments.config, passwords=False)
    needed(config, config.desk, "desk")
    return config


def _folder(config: Config) -> DeskFolder:
    """The desk's folders, made if they are not there. Raises ConfigError."""
    if config.own_desk_dir is None:
        # First: a folder that mkdir makes on the way would be open to others.
        _private(config.site.data_dir, f"{config.file}: [site] data_dir")
    _private(config.desk_dir, "KIOSK_DESK_DIR" if config.own_desk_dir else f"{config.file}: [site] data_dir")
    # The system's own lets others pass: the courier to the spool, `kiosk status` to the desk's figures.
    _private(config.desk_run_dir, "KIOSK_DESK_RUN_DIR", 0o711, own=True)
    return DeskFolder(config.desk_dir, config.desk_run_dir)


def _private(folder: Path, named_by: str, mode_max: int = 0o700, *, own: bool = False) -> None:
    try:
        was_open = private_folder.make(folder, mode_max, own=own)
    except OSError as error:
        what = f"{folder} cannot be made ({error.strerror}); name a folder that this user may write to"
        raise ConfigError(f"{named_by}: {what}") from None
    if was_open:
        complain(f"{folder} was open to other users; it is closed to them now ({mode_max:04o})")
