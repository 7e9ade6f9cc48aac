"""Part `desk`: whether a visit or a delivery takes longer because there is a desk, whatever the desk is doing."""

from __future__ import annotations

import random
import shutil
import statistics
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kiosk.config import load
from kiosk.desk.feed import Result, Subsidy
from kiosk.desk.feed_courier import CourierFeed
from kiosk.process import private_folder
from kiosk.process.data_folder import DeskFolder
from kiosk.process.desk_spool import FILES_MAX, Handed, SpoolReader, SpoolWriter
from tests.bench.figures import SPREAD, Aim, Row, Section, Table, at_most, spread
from tests.bench.options import Options, folder, progress
from tests.bench.ours import Ours, Site, Tree
from tests.bench.visits import WORDS, Contestant, Values, interleave

OFF = "without a desk"
WAYS = ("a desk that takes at once", "a slow desk, one result in 5 s", "a dead desk, its spool full")
SLOW_S = 5.0
NOTICE_MS = 3.0
RATIO = 1.1
_HOW = """As the part visit, +0 ms: four kiosks take turns, one without [desk] and three that hand their results to a
desk. Ratios are to the one without. The courier hands a result over in a thread of its own, a tenth of a second after
it went on its way."""


@dataclass(frozen=True)
class _Desk:
    """A `Sink` that keeps nothing. `pause_s`: how long it takes for each."""

    pause_s: float
    ended: threading.Event

    def result(self, result: Result) -> None:
        self.ended.wait(self.pause_s)

    def subsidy(self, subsidy: Subsidy) -> None:
        self.ended.wait(self.pause_s)


@contextmanager
def desk_at(way: str, site: Site) -> Iterator[Path]:
    """The spool, before the courier starts."""
    config, ended = load(site.site), threading.Event()
    desk = DeskFolder(config.desk_dir, config.desk_run_dir)
    private_folder.make(desk.run, own=True)
    desk.spool.mkdir(mode=0o700)
    feed = CourierFeed(config.courier_dir, desk.spool)
    if way == WAYS[2]:
        writer = SpoolWriter(desk.spool)
        for number in range(FILES_MAX):
            writer.put(Handed(10**9 + number, "subsidies", "old", "", content=b"x" * 1000))
    else:
        feed.start(_Desk(SLOW_S if way == WAYS[1] else 0.0, ended))
    yield desk.spool
    ended.set()
    feed.close()
    shutil.rmtree(desk.run, ignore_errors=True)


def desk(options: Options) -> Section:
    rounds = options.pick(40, 6)
    progress(f"desk: {rounds} rounds")
    chance, found, spools = random.Random(options.seed), list[Contestant](), dict[str, Path]()
    with folder() as root, ExitStack() as stack:
        for number, way in enumerate((OFF, *WAYS)):
            settings = {} if way == OFF else {"desk": {"feed": '"courier"'}}
            site = stack.enter_context(Site(root / f"site{number}", tree=Tree(), settings=settings))
            if way != OFF:
                spools[way] = stack.enter_context(desk_at(way, site))
            site.book_patients(rounds)
            ours = stack.enter_context(Ours(site, chance))
            found.append(Contestant(way, ours.visit, ours.writer))
        values, notes = interleave(found, rounds, turning=True)
        left = {way: len(SpoolReader(spool).numbers()) for way, spool in spools.items()}
    notes += [f"{way}: {count} in the spool at the end" for way, count in left.items()]
    table = Table("one visit; ms", SPREAD, tuple(desk_rows(values)))
    return Section("desk", "With and without a desk", _HOW, (table,), tuple(notes))


def desk_rows(values: Values) -> Iterator[Row]:
    """Beside the figures without a desk; span by span."""
    for span in Ours.SPANS:
        without = statistics.median(values[OFF, span])
        yield spread(f"{OFF}: {WORDS[span]}", values[OFF, span], without)
        for way in WAYS:
            yield spread(f"{way}: {WORDS[span]}", values[way, span], without, tuple(_aims(span, values, way, without)))


def _aims(span: str, values: Values, way: str, without: float) -> Iterator[Aim]:
    middle = statistics.median(values[way, span])
    if span in ("published", "gone"):
        yield at_most(middle, RATIO * without, "≤ 1.1 × without = {}")
    elif span == "notice":
        yield at_most(middle, without + NOTICE_MS, "≤ without + 3 = {}")
