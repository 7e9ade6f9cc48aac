"""`python -m kiosk.demo [--desk | --his orca] [--auto] [--out DIR]`: the command behind deploy/demo.

Exit codes: 0 all of it happened, 1 something did not, 2 usage, or the demo cannot run here.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn

from drivers.simulated.smb_server import NoSmbServer
from kiosk.demo import desk_demo, evidence, orca_desk, orca_visit, visit, word
from kiosk.demo.face import DidNotHappen, WatchedFace
from kiosk.demo.hospital import TABLES, Hospital
from kiosk.demo.knobs import bench
from kiosk.process.stderr import complain
from kiosk.reception import assembly
from kiosk.ui.kivy_setup import NoDisplay
from kiosk.ui.pages import layout_at, stand_of
from kiosk.ui.window import Window

EXIT_WRONG = 1
EXIT_CANNOT = 2
EXIT_ASKED_TO_END = 130
# A hospital's display, and the same at half the size, which fits beside the panel on a desk.
WHOLE_SIZE = (1080, 1920)
DESK_SIZE = (540, 960)
His = Literal["", "orca"]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="deploy/demo", description="the kiosk among simulated parts")
    parser.add_argument("--desk", action="store_true", help="the reception desk's pages, and patients who come")
    parser.add_argument("--his", choices=("orca",), default="", help="appointments come from a simulated ORCA")
    parser.add_argument("--auto", action="store_true", help="no window: receptions by themselves, with pictures")
    parser.add_argument("--out", type=Path, default=Path("demo-out"), metavar="DIR", help="default: demo-out")
    arguments = parser.parse_args(argv)
    if arguments.desk and arguments.his:
        parser.error("--his is of the kiosk: leave --desk out")
    _end_when_asked()
    try:
        if arguments.auto:
            return _auto(arguments.out, arguments.his, kiosk=not arguments.desk)
        if arguments.desk:
            return desk_demo.pages(arguments.out, _say)
        return _with_window(arguments.out, arguments.his)
    except DidNotHappen as error:
        complain(f"demo: {error}")
        return EXIT_WRONG
    except (NoSmbServer, NoDisplay, evidence.ForeignFolder) as error:
        complain(f"demo: {error}")
        return EXIT_CANNOT
    except KeyboardInterrupt:
        return EXIT_ASKED_TO_END


def _end_when_asked() -> None:
    """Whoever closes the terminal or asks us to end gets the temporary hospital taken down all the same."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _end)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(*_: object) -> NoReturn:
    raise SystemExit(EXIT_ASKED_TO_END)


def _with_window(out: Path, his: His) -> int:
    """Until the window is closed. Where no window can be, `--auto` in a new process: Kivy starts once in each."""
    try:
        with Hospital(size=DESK_SIZE, poll_s=2.0, his=his) as hospital:
            window = _window(hospital)
            _say(word("account.clean_start"))
            _say(word("account.how_to_end"))
            face = WatchedFace(window, None, lambda: None)
            return assembly.run(hospital.config, hospital.data, lambda: face, own_courier=True, clean_start=True)
    except NoDisplay:
        _say(word("account.no_display"))
    sys.stdout.flush()
    more = ("--his", his) if his else ()
    os.execv(sys.executable, [sys.executable, "-P", "-m", "kiosk.demo", *more, "--auto", "--out", str(out)])  # noqa: S606 - ourselves


def _auto(out: Path, his: His, *, kiosk: bool) -> int:
    """`kiosk` False: the desk alone. `his`: the kiosk alone."""
    evidence.prepare(out)
    account = evidence.Account(_say)
    if kiosk:
        _kiosk(out, his, account)
    if not account.failed and not his:
        _end_when_asked()  # the reception had taken the signals for itself
        desk_demo.by_itself(out, account)
    account.close(out)
    (out / "account.txt").write_text(account.text, encoding="utf-8")
    return EXIT_WRONG if account.failed else 0


def _kiosk(out: Path, his: His, account: evidence.Account) -> None:
    visits, check = (orca_visit.visits, orca_visit.check) if his else (visit.visits, evidence.check)
    os.environ["SDL_VIDEODRIVER"] = "offscreen"
    failures: list[str] = []
    tables = f"{TABLES}{orca_desk.table()}" if his else TABLES
    with Hospital(size=WHOLE_SIZE, tables=tables, his=his) as hospital:
        with account.step(word("steps.prepare")):
            window = _window(hospital)

        def play() -> None:
            try:
                visits(hospital, face, out, account)
            except DidNotHappen as error:
                failures.append(str(error))
            finally:
                face.quit()

        person = threading.Thread(target=play, name="person")
        face = WatchedFace(window, out, person.start)
        assembly.run(hospital.config, hospital.data, lambda: face, own_courier=True, clean_start=True)
        person.join()
        evidence.collect(hospital, out)
        for failure in failures:
            account.wrong(failure)
        check(hospital, face, out, account)


def _window(hospital: Hospital) -> Window:
    def panel() -> Any:
        # Kivy reads its settings while it is imported: not before the window.
        from kiosk.demo.panel import Panel

        return Panel(bench(hospital))

    config = hospital.config
    return Window(config.screen, layout_at(stand_of(config)), beside=panel, zone=config.site.zone)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the command's answer


if __name__ == "__main__":
    sys.exit(main())
