"""The command line. The processes are joined in reception/assembly.py (`kiosk run`) and courier/assembly.py
(`kiosk courier`); `kiosk desk …` is in desk/command.py, `kiosk book …` in his/book_command.py, lists of a
day in operations/lists.py. A command imports its
room when it runs: the courier needs no fonts, only a window needs Kivy, only `metrics` Prometheus; what every command
imports, each start waits for.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from kiosk.config import Config, ConfigError, needed
from kiosk.config import load as load_config
from kiosk.desk import command as desk
from kiosk.his import book_command
from kiosk.operations import lists
from kiosk.process import private_folder
from kiosk.process.locks import Held, Unusable
from kiosk.process.stderr import complain, unblock
from kiosk.visit import rules
from kiosk.words.problems import Problem, in_english, to_json, word

if TYPE_CHECKING:
    from kiosk.screens.views import Face

EXIT_WRONG = 1
EXIT_CONFIG = 2
EXIT_IN_USE = 3
STANDARD_INPUT = 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `kiosk`. Exit codes: 0 well, 1 something is wrong, 2 usage or site.toml, 3 in use by another."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # patients and hospitals have names that no ASCII terminal takes
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.do(arguments))
    except ConfigError as error:
        complain(str(error))
        return EXIT_CONFIG
    except Unusable as error:
        complain(str(error))
        return EXIT_WRONG
    except Held as error:
        complain(str(error))
        return EXIT_IN_USE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kiosk", description="再来受付機: reception kiosk for re-visiting patients")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="the reception")
    run.add_argument("--headless", action="store_true", help="screens as JSON lines, presses from standard input")
    run.add_argument("--no-courier", action="store_true", help="the courier runs as a service of its own")
    run.add_argument("--screens-to", type=Path, metavar="FILE", help="the screens of the window as JSON lines")
    run.set_defaults(do=_run)
    check = commands.add_parser("check", help="everything a technician checks at installation")
    check.add_argument("--print", action="store_true", dest="print_slip", help="print a test slip")
    check.add_argument("--json", action="store_true")
    check.set_defaults(do=_check)
    courier = commands.add_parser("courier", help="the delivering process alone")
    courier.add_argument("--parent-fd", type=int, help=argparse.SUPPRESS)
    courier.set_defaults(do=_courier)
    gate = commands.add_parser("his", help="the process that talks to the hospital's systems, alone")
    gate.add_argument("--parent-fd", type=int, help=argparse.SUPPRESS)
    gate.set_defaults(do=_his)
    appointments = _add_reservations(commands)
    listed = lists.add_to(commands)
    state = commands.add_parser("status", help="is anything wrong? exit code 0: no")
    state.add_argument("--json", action="store_true")
    state.add_argument("--acknowledge", action="store_true", help="staff have seen the alarms: clear them")
    state.set_defaults(do=_status)
    figures = commands.add_parser("metrics", help="figures for Prometheus, served or written as [metrics] says")
    figures.add_argument("--once", action="store_true", help="print them and end")
    figures.set_defaults(do=_metrics)
    for each in (run, check, courier, gate, *appointments, *listed, state, figures):
        each.add_argument("--config", type=Path, required=True, metavar="site.toml")
    _add_screens(commands)
    desk.add_to(commands)
    book_command.add_to(commands)
    return parser


def _add_reservations(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> tuple[argparse.ArgumentParser, ...]:
    reservations = commands.add_parser("reservations", help="appointments").add_subparsers(
        required=True, metavar="COMMAND"
    )
    imported = reservations.add_parser("import", help="import a CSV export of appointments")
    imported.add_argument("file", type=Path, metavar="FILE.csv", help="- reads standard input")
    imported.add_argument("--skip-bad", action="store_true", help="import the good lines of a file with bad ones")
    imported.set_defaults(do=_import)
    fetched = reservations.add_parser("fetch", help="keep copying exports from [reservations] share, as a service")
    fetched.set_defaults(do=_fetch)
    restored = reservations.add_parser("restore", help="begin the reservations anew from their backup")
    restored.set_defaults(do=_restore)
    served = reservations.add_parser("serve", help="answer the reception desk over a socket, as a service")
    served.add_argument("--parent-fd", type=int, help=argparse.SUPPRESS)
    served.set_defaults(do=_serve)
    for each in (imported, restored):
        each.add_argument("--json", action="store_true", help="what it came to as codes and numbers, a line each")
    return imported, fetched, restored, served


def _add_screens(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    screens = commands.add_parser("screens", help="names of screens, buttons, reasons, notes")
    screens.add_argument("--pictures", type=Path, metavar="DIR", help="draw every screen as a PNG file into DIR")
    screens.add_argument("--measure", action="store_true", help="hold every page against the rules: the worst of each")
    screens.add_argument("--json", action="store_true", help="with --measure: a JSON object a rule")
    for name, choices, what in (
        ("language", rules.LANGUAGES, "in this language"),
        ("theme", get_args(rules.Theme), "in these colours"),
        ("size", get_args(rules.Size), "with letters of this size"),
    ):
        more = f"pictures {what}; again for another one, all: every one; default: {choices[0]}, to measure: all"
        screens.add_argument(f"--{name}", action="append", choices=(*choices, "all"), help=more)
    screens.set_defaults(do=_screens)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.headless and arguments.screens_to:
        complain("--screens-to goes with the window; --headless writes its screens to standard output")
        return EXIT_CONFIG
    # Beside a courier of its own user, the reception's may not read the passwords, and needs none.
    config = load_config(arguments.config, passwords=not arguments.no_courier)
    needed(config, config.printer, "printer")
    if not arguments.no_courier:
        needed(config, config.receipt_computer, "receipt_computer")
    from kiosk.reception import assembly

    folder = _data_folder(config)
    unblock()
    return assembly.run(config, folder, lambda: _face(config, arguments), own_courier=not arguments.no_courier)


def _face(config: Config, arguments: argparse.Namespace) -> Face:
    if arguments.headless:
        from kiosk.reception.headless import Headless

        return Headless(sys.stdout, STANDARD_INPUT)
    from kiosk.ui.pages import layout_at, stand_of
    from kiosk.ui.window import Window

    return Window(config.screen, layout_at(stand_of(config)), screens_to=arguments.screens_to, zone=config.site.zone)


def _check(arguments: argparse.Namespace) -> int:
    from kiosk.operations import check

    return check.run(arguments.config, print_slip=arguments.print_slip, as_json=arguments.json)


def _courier(arguments: argparse.Namespace) -> int:
    from kiosk.courier import assembly
    from kiosk.courier.ledger import LedgerLost

    config = load_config(arguments.config)
    needed(config, config.receipt_computer, "receipt_computer")
    folder = _courier_folder(config)
    unblock()
    try:
        return assembly.run(config, folder, arguments.parent_fd)
    except LedgerLost as error:
        complain(str(error))
        return EXIT_IN_USE


def _his(arguments: argparse.Namespace) -> int:
    from kiosk.his import served

    config = load_config(arguments.config, passwords=False)
    if not config.has_gate:
        complain("this site has neither [his] url nor a book on a server: there is nobody to talk to")
        return 0
    folder = _private(config.his_dir, "KIOSK_HIS_DIR", 0o700)
    if config.own_his_run_dir is not None:
        _private(config.own_his_run_dir, "KIOSK_HIS_RUN_DIR", 0o710)
    unblock()
    return served.run(config, folder, arguments.parent_fd)


def _import(arguments: argparse.Namespace) -> int:
    from drivers.reservations import ReservationsDown, csv_file
    from kiosk.appointments import answers, import_record
    from kiosk.his.opened import importing

    config = load_config(arguments.config, passwords=False)
    try:
        # "-": the installed `sudo kiosk` opens the file as root and reads it here as the user kiosk.
        piped = str(arguments.file) == "-"
        source = sys.stdin.buffer.read(csv_file.MAX_BYTES + 1) if piped else arguments.file
        # A person gave the file: it is taken as it is, also without a last line end and where a day shrinks.
        parsed = csv_file.read(source, skip_bad=arguments.skip_bad)
        folder, today = _appointments_folder(config, arguments.json), datetime.now(config.site.zone).date()
        compare = import_record.Comparison(Counter(row.day for row in parsed.rows), today)
        imported = importing(config, folder).import_rows(
            parsed, lambda done, total: complain(f"{done} of {total} lines"), compare=compare
        )
        import_record.settle(folder, today, parsed.days)
    except (csv_file.BadCsv, ReservationsDown) as error:
        return _refused(answers.refused(error), arguments.json)
    if compare.shrunk:
        complain(in_english(import_record.described(compare.shrunk)))
    for line, fault in parsed.bad:
        complain(f"{arguments.file.name}: line {line} was left out: {fault}")
    _answer(answers.imported(imported.rows, imported.days), arguments.json)
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    from kiosk.appointments import fetch

    config = load_config(arguments.config, passwords=False)
    unblock()
    return fetch.run(config)


def _serve(arguments: argparse.Namespace) -> int:
    from kiosk.reception import reservations_served

    config = load_config(arguments.config, passwords=False)
    data = folder = _data_folder(config)
    if config.own_reservations_dir is not None:
        # Its group may pass through it, to the socket.
        folder = _private(config.own_reservations_dir, "KIOSK_RESERVATIONS_DIR", 0o710)
    unblock()
    return reservations_served.run(config, data, folder, arguments.parent_fd)


def _restore(arguments: argparse.Namespace) -> int:
    from drivers.reservations import ReservationsDown
    from drivers.reservations.opening import open_embedded
    from kiosk.appointments import answers, restore

    config = load_config(arguments.config, passwords=False)
    if not config.reservations.is_embedded:
        return _refused(answers.ON_SERVER, arguments.json)
    folder = _appointments_folder(config, arguments.json)
    book = open_embedded(folder, appointments=not config.has_gate)
    try:
        for line in restore.restore(config, book):
            _answer(line, arguments.json)
    except ReservationsDown as error:
        return _refused(answers.refused(error), arguments.json)
    if restore.is_complete(config, book):
        return 0
    _answer(answers.INCOMPLETE, arguments.json)
    return EXIT_WRONG


def _appointments_folder(config: Config, as_json: bool) -> Path:
    try:
        return _data_folder(config)
    except ConfigError:
        if as_json:
            from kiosk.appointments import answers

            _answer(answers.NO_FOLDER, as_json)
        raise


def _answer(what: Problem, as_json: bool) -> None:
    from kiosk.appointments import answers

    print(to_json(what) if as_json else word(what, answers.CATALOGUE, "en"), flush=True)  # noqa: T201 - the answer


def _refused(why: Problem, as_json: bool) -> int:
    from kiosk.appointments import answers

    complain(word(why, answers.CATALOGUE, "en"))
    if as_json:
        _answer(why, as_json)
    return EXIT_WRONG


def _status(arguments: argparse.Namespace) -> int:
    from kiosk.operations import status, status_text
    from kiosk.process import json_values

    report = status.collect(load_config(arguments.config, passwords=False), arguments.acknowledge)
    text = json_values.encode(report) if arguments.json else status_text.as_text(report)
    print(text)  # noqa: T201 - the command's answer
    return 0 if report.ok else EXIT_WRONG


def _metrics(arguments: argparse.Namespace) -> int:
    from kiosk.operations import metrics

    config = load_config(arguments.config, passwords=False)
    unblock()
    return metrics.run(config, once=arguments.once)


def _screens(arguments: argparse.Namespace) -> int:
    if arguments.measure:
        return _measure(arguments)
    if arguments.pictures:
        from kiosk.ui import pictures

        languages = _chosen(arguments.language, rules.LANGUAGES)
        themes, sizes = _chosen(arguments.theme, get_args(rules.Theme)), _chosen(arguments.size, get_args(rules.Size))
        looks = [rules.Look(*each) for each in product(languages, themes, sizes)]
        for path in pictures.render(arguments.pictures, looks):
            print(path)  # noqa: T201 - the command's answer
        return 0
    from kiosk.screens import names
    from kiosk.visit import reasons

    lines = [f"screen  {name}: {' '.join(buttons) or '(no buttons)'}" for name, buttons in names.SCREENS.items()]
    lines.append(f"button  {names.MORE_TIME} (with leaving true)")
    lines += [f"reason  {reason}" for reason in reasons.COUNTER_REASONS]
    lines += [f"reason  {reason} (with note no_slip)" for reason in reasons.NO_SLIP_REASONS]
    lines += [f"note    {note}" for note in names.NOTES]
    lines += [f"staff   {code}" for code in names.STAFF]
    lines += [f"tool    {tool}" for tool in names.TOOLS]
    lines += [f"next    {act}" for act in names.NEXT]
    print("\n".join(lines))  # noqa: T201 - the command's answer
    return 0


def _measure(arguments: argparse.Namespace) -> int:
    from kiosk.ui import measure

    every = ["all"]
    findings = measure.everything(
        _chosen(arguments.language or every, rules.LANGUAGES),
        _chosen(arguments.theme or every, get_args(rules.Theme)),
        _chosen(arguments.size or every, get_args(rules.Size)),
    )
    for line in measure.as_json(findings) if arguments.json else measure.table(findings):
        print(line)  # noqa: T201 - the command's answer
    return EXIT_WRONG if any(each.broken for each in findings) else 0


def _chosen(given: list[str] | None, choices: tuple[Any, ...]) -> tuple[Any, ...]:
    """What an option was given; the first of its choices without it."""
    if given is None:
        return choices[:1]
    return choices if "all" in given else tuple(dict.fromkeys(given))


def _data_folder(config: Config) -> Path:
    """The data folder, made if it is not there; only its owner may look into it."""
    return _private(config.site.data_dir, f"{config.file}: [site] data_dir", 0o700)


def _courier_folder(config: Config) -> Path:
    """The courier's folder; one of its own may let its group pass through it, to the socket."""
    if config.own_courier_dir is None:
        return _data_folder(config)
    return _private(config.own_courier_dir, "KIOSK_COURIER_DIR", 0o710)


def _private(folder: Path, named_by: str, mode_max: int) -> Path:
    try:
        was_open = private_folder.make(folder, mode_max)
    except OSError as error:
        raise ConfigError(
            f"{named_by}: {folder} cannot be made ({error.strerror}); name a folder that this user may write to"
        ) from None
    if was_open:
        complain(f"{folder} was open to other users; it is closed to them now ({mode_max:04o})")
    return folder


if __name__ == "__main__":
    sys.exit(main())
