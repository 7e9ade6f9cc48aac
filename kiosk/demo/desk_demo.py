"""`deploy/demo --desk`, and the desk's part of `--auto`: a hospital with a kiosk and a desk, after a busy morning.

Joins the desk's parts of the demo. Must never keep a process or a file when it ends, but for what it prints.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from zoneinfo import ZoneInfo

from kiosk.demo import chromium, desk, desk_people, desk_pictures, evidence, morning, word
from kiosk.demo.desk import Office
from kiosk.demo.desk_people import Patient
from kiosk.demo.desk_visit import Shift, come
from kiosk.demo.evidence import Account
from kiosk.demo.face import Blind, DidNotHappen, WatchedFace
from kiosk.demo.hospital import Hospital
from kiosk.demo.people import Visitor
from kiosk.desk.today import ENDS_AT_H
from kiosk.reception import assembly

ERRORS: Final = "events.txt"
# Nobody looks at this kiosk's screen.
_SIZE: Final = (540, 960)
_ZONE: Final = ZoneInfo("Asia/Tokyo")


@dataclass(frozen=True)
class _Place:
    """A hospital with an office. `patients`: who was there this morning; `visitors`: who will come."""

    hospital: Hospital
    office: Office
    patients: tuple[Patient, ...]
    visitors: tuple[Visitor, ...]


@contextmanager
def _place(out: Path) -> Iterator[_Place]:
    """Raises NoSmbServer, DidNotHappen."""
    out = out.resolve()
    day = (datetime.now(_ZONE) - timedelta(hours=ENDS_AT_H)).date()
    patients, visitors = desk_people.morning(day), desk_people.visitors(day)
    with TemporaryDirectory(prefix="kiosk-demo-desk-") as made:
        folder = Path(made)
        desk.prepare(out, folder, desk_people.register_of(patients, visitors))
        tables = desk.tables(desk.free_port(), out, folder)
        booked = desk_people.appointments(day, patients, visitors)
        with Hospital(size=_SIZE, poll_s=2.0, tables=tables, booked=booked) as hospital:
            before = [known for each in visitors if (known := desk_people.known_of(each, day))]
            morning.begin(hospital.config, patients, before)
            with Office(hospital.config, folder) as office:
                yield _Place(hospital, office, patients, visitors)


def pages(out: Path, say: Callable[[str], None]) -> int:
    """Until Ctrl+C: the pages are there, and patients come. Raises NoSmbServer, DidNotHappen, ForeignFolder."""
    evidence.prepare(out)
    say(word("account.desk_prepares"))
    with _place(out) as place:
        say(word("account.desk_open", url=place.office.url, name=desk.NAME, password=place.office.password))
        say(word("account.desk_folder", folder=out.resolve()))
        say(word("account.desk_end"))
        _open(place.office.url)
        with _errors_to(out / ERRORS):
            return _receive(place, lambda face: come(place.hospital, face, place.visitors))


def _open(url: str) -> None:
    """In the visitor's own browser, where there is one with a window."""
    opener = shutil.which("xdg-open")
    if opener and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        nowhere = subprocess.DEVNULL
        subprocess.Popen([opener, url], stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)  # noqa: S603 - Debian's own program


@contextmanager
def _errors_to(path: Path) -> Iterator[None]:
    """Every event is a line on standard error, too, and the log-in is to stay on the terminal."""
    kept = os.dup(sys.stderr.fileno())
    try:
        with path.open("ab") as file:
            os.dup2(file.fileno(), sys.stderr.fileno())
        yield
    finally:
        os.dup2(kept, sys.stderr.fileno())
        os.close(kept)


def by_itself(out: Path, account: Account) -> None:
    """Five patients, what is done about them, and pictures where there is a browser."""
    with ExitStack() as stack:
        with account.step(word("steps.desk_prepare")):
            place = stack.enter_context(_place(out))
        shift = Shift(place.hospital, place.office, out, account)

        done = threading.Event()

        def play(face: WatchedFace) -> None:
            try:
                shift.visits(face)
                shift.check(len(place.patients))
                pictures(place, shift, out, account)
                done.set()
            except (DidNotHappen, OSError) as error:
                account.wrong(str(error) or type(error).__name__)
            finally:
                face.quit()

        _receive(place, play)
        if not done.is_set() and not account.failed:
            account.wrong(word("failures.ended"))


def pictures(place: _Place, shift: Shift, out: Path, account: Account) -> None:
    """A picture of each page; without a browser a line that says so."""
    program = chromium.program()
    if program is None:
        account.write(word("account.no_browser"))
        return
    card = place.office.card_of(place.patients[desk_pictures.NO_NUMBER - 1].insured)
    try:
        with account.step(word("steps.desk_pictures")):
            count = desk_pictures.take(program, place.office.url, shift.worker, card, out / desk_pictures.FOLDER)
    except (chromium.NoPicture, OSError) as error:
        account.wrong(word("failures.no_picture", why=error))
    else:
        account.check(word("checks.desk_pictures", count=count), count > 0)


def _receive(place: _Place, play: Callable[[WatchedFace], None]) -> int:
    """The kiosk, with people at it, until it ends."""
    person = threading.Thread(target=lambda: play(face), name="people", daemon=True)
    face = WatchedFace(Blind(), None, person.start)
    code = assembly.run(place.hospital.config, place.hospital.data, lambda: face, own_courier=True, clean_start=True)
    person.join(5)
    return code
