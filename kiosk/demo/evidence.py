"""`demo-out/`: what a demo leaves behind, and whether it proves that the demo really happened; the account of it.

Owns the folder. Must never empty one that is not a demo's, and never believe the kiosk's word where a file, a slip or
a database row can be looked at.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from drivers.reservations import Entry, Trouble
from drivers.reservations.opening import open_embedded
from kiosk.demo import word
from kiosk.demo.face import WatchedFace
from kiosk.demo.hospital import Hospital
from kiosk.demo.people import HANAKO, TARO
from kiosk.screens.views import Counter

MARKER: Final = ".kiosk-demo"
_MARKER_TEXT: Final = "Made by deploy/demo, which empties this folder before it writes into it again.\n"
DELIVERED: Final = "delivered"
# Screens that are there only for as long as something takes.
_MOMENTS: Final = frozenset({"preparing", "looking_up"})
_PASSED: Final = (
    *("choose_card", "tap_reader", "printing", "done"),
    *("choose_card", "insert_card", "printing", "done"),
    *("choose_card", "tap_reader", "counter", "choose_card"),
)
_SLIP_WIDTH_DOTS: Final = 576
_SLIP_BLACK_DOTS_MIN: Final = 5000
_ANSWER_S: Final = 20.0


class ForeignFolder(Exception):
    """The folder to write to is not a demo's. The message says what to do."""


class Account:
    """What a demo reports: each step and its seconds, what was checked, and where the pictures are.

    Lines as they come, through `say` and kept in `text`.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lines: list[str] = []
        self._began = time.monotonic()
        self.failed = False
        now = datetime.now(ZoneInfo("Asia/Tokyo"))  # as the slips say
        self.write(word("account.title", now=f"{now:%Y-%m-%d %H:%M}"))
        self.write(word("account.clean_start"))

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self._lines) + "\n"

    def write(self, line: str) -> None:
        """One line."""
        self._lines.append(line)
        self._say(line)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Time what happens inside; a step that fails has a line as well."""
        began = time.monotonic()
        done = False
        try:
            yield
            done = True
        finally:
            code = "account.step" if done else "account.step_failed"
            self.write(word(code, seconds=time.monotonic() - began, what=what))

    def check(self, what: str, holds: bool) -> None:
        """Something that must hold."""
        if holds:
            self.write(f"   OK  {what}")
        else:
            self.wrong(what)

    def wrong(self, what: str) -> None:
        """Why the demo is not what it was to be."""
        self.failed = True
        self.write(f"   NG  {what}")

    def close(self, out: Path) -> None:
        """The last lines. `out`: where everything is."""
        self.write(word("account.where", folder=out.resolve()))
        self.write(word("account.whole", seconds=time.monotonic() - self._began))
        self.write(word("account.failed" if self.failed else "account.passed"))


def prepare(out: Path) -> None:
    """Make `out`, or empty it if an earlier demo made it. Raises ForeignFolder."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        there = list(out.iterdir())
        if there and not (out / MARKER).is_file():
            raise ForeignFolder(f"{out} holds files that no demo made; name another folder with --out")
        for path in there:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        (out / MARKER).write_text(_MARKER_TEXT, encoding="utf-8")
        (out / DELIVERED).mkdir()
    except OSError as error:
        raise ForeignFolder(f"{out} cannot be written to ({error.strerror}); name another folder with --out") from None


def collect(hospital: Hospital, out: Path) -> None:
    """Slips, delivered files and event logs, as they are."""
    for number, job in enumerate(hospital.printer.jobs, 1):
        job.picture.convert("L").save(out / f"slip-{number}.png")
    for path in hospital.delivered():
        shutil.copyfile(path, out / DELIVERED / path.name)
    for log in sorted(hospital.data.glob("events-*.jsonl")):
        shutil.copyfile(log, out / log.name)


def check(hospital: Hospital, face: WatchedFace, out: Path, account: Account) -> None:
    """Check, one by one, what really happened."""
    check_screens(face, _PASSED, ["not_registered"], out, account)
    check_slips(hospital, 2, account)
    check_files(hospital, account)
    numbers = sorted((one.receptions[0].number, one.patient_number) for one in _arrivals(hospital))
    account.check(word("checks.arrivals"), numbers == [("1", TARO.insured.number), ("2", HANAKO.insured.number)])
    check_events(hospital, "run", {"arrival_registered": 2, "slip_printed": 2, "sent_to_counter": 1}, account)
    check_events(hospital, "courier", {"file_published": 2, "file_done": 2}, account)


def check_screens(face: WatchedFace, passed: tuple[str, ...], counters: list[str], out: Path, account: Account) -> None:
    """`passed`: the screens there have to be, in order; `counters`: the reasons of those that send to the counter."""
    # A screen may change while it keeps its name.
    names = tuple(name for name, _ in groupby(screen.name for screen in face.screens if screen.name not in _MOMENTS))
    account.check(word("checks.screens", count=len(face.screens)), names == passed)
    pictures = sorted(out.glob("[0-9][0-9]-*.png"))
    account.check(
        word("checks.pictures", count=len(pictures)), len(pictures) == face.count() and all(map(_is_png, pictures))
    )
    found = [screen.reason for screen in face.screens if isinstance(screen, Counter)]
    account.check(word("checks.counter", reason=counters[0]), found == counters)


def check_slips(hospital: Hospital, count: int, account: Account) -> None:
    """So many slips came out, and each has something on it."""
    jobs = hospital.printer.jobs
    good = [job.picture.width == _SLIP_WIDTH_DOTS and job.picture.histogram()[0] > _SLIP_BLACK_DOTS_MIN for job in jobs]
    # The pictures are drawn from the bytes that came over the wire, by the simulated printer.
    account.check(word("checks.slips", count=count), good == [True] * count and hospital.printer.garbage == 0)


def check_files(hospital: Hospital, account: Account) -> None:
    """What the terminal wrote was delivered once, byte for byte, and nothing else."""
    written = hospital.written
    expected = sorted(str(hospital.destination(folder, file.name)) for folder, file in written)
    account.check(
        word("checks.delivered", count=len(written)),
        len(written) > 1 and sorted(map(str, hospital.delivered())) == expected,
    )
    same = [_content(hospital.destination(folder, file.name)) == file.content for folder, file in written]
    account.check(word("checks.same"), all(same))
    account.check(word("checks.emptied"), not hospital.at_terminal())


def check_events(hospital: Hospital, process: str, counts: Mapping[str, int], account: Account) -> None:
    """How often the log of `process` has each event."""
    log = [json.loads(line) for line in hospital.log(process).splitlines()]
    found = {event: sum(line.get("event") == event for line in log) for event in counts}
    listed = [word("checks.event", event=event, count=count) for event, count in found.items()]
    account.check(word("checks.events", events=word("checks.between").join(listed)), found == counts)


def _arrivals(hospital: Hospital) -> Iterator[Entry]:
    book = open_embedded(hospital.data)
    # Yesterday too: the demo may have run over midnight.
    for back in (0, 1):
        answer = book.entries(hospital.today() - timedelta(days=back), time.monotonic() + _ANSWER_S)
        if not isinstance(answer, Trouble):
            yield from (each for each in answer.entries if each.cancelled is None)


def _content(path: Path) -> bytes | None:
    with suppress(OSError):
        return path.read_bytes()
    return None


def _is_png(path: Path) -> bool:
    return (_content(path) or b"").startswith(b"\x89PNG\r\n")
