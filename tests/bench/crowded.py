"""Part `old`: whether a folder full of old files, which are none of ours, slows the kiosk down."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from tests.bench.figures import SPREAD, Aim, Row, Section, Table, at_most, spread, steady
from tests.bench.options import Options, folder, progress
from tests.bench.ours import Ours, Site, fill, memory_mb
from tests.bench.visits import FLOOR, WORDS, Contestant, Values, floor_contestant, interleave

_HOW = """Old files of another kind lie in the terminal's folder, for floor and kiosk alike, before the kiosk starts.
Milliseconds as in the part visit, +0 ms. Ready: from the start of the process to the first patient's reader page."""
_MOST = 100_000
_START = ("ready, s", "reception's peak, MB", "courier's peak, MB")


@dataclass(frozen=True)
class Start:
    """Of one kiosk: seconds, and the most memory of each process at the end of its visits, MB."""

    name: str
    ready_s: float
    peaks_mb: tuple[float, float]

    def row(self, count: int) -> Row:
        aims: tuple[Aim, ...] = ()
        if count == _MOST:
            both = at_most(sum(self.peaks_mb), 150, "both ≤ 150 MB")
            aims = (at_most(self.ready_s, 3, "ready ≤ 3 s"), both)
        return Row(f"{self.name}, {count:,} old files", (self.ready_s, *self.peaks_mb), aims)


def old(options: Options) -> Section:
    sizes, rounds = options.pick((10, 1000, 10_000, _MOST), (10, 10_000)), options.pick(20, 3)
    rows: list[Row] = []
    starts: list[Row] = []
    notes: list[str] = []
    few: dict[tuple[str, str], float] = {}
    for count in sizes:
        progress(f"old: {count:,} files")
        values, started, wrong = _measure(options, count, rounds)
        few = few or {key: statistics.median(took) for key, took in values.items()}
        rows += _rows(values, few, count)
        starts += [start.row(count) for start in started]
        notes += wrong
    tables = (Table("one file among old ones; ms", SPREAD, tuple(rows)), Table("start", _START, tuple(starts)))
    return Section("old", "Old files in the terminal's folder", _HOW, tables, tuple(notes))


def _measure(options: Options, count: int, rounds: int) -> tuple[Values, list[Start], list[str]]:
    with folder() as root, ExitStack() as stack:
        found = [floor_contestant(root / "floor", None, stack, count)]
        running = []
        for number, tree in enumerate(options.trees):
            site = stack.enter_context(Site(root / f"site{number}", tree=tree))
            site.book_patients(rounds)
            fill(site.folder("face"), count)
            began = time.monotonic()
            ours = stack.enter_context(Ours(site, random.Random(options.seed)))
            running.append((tree.name, site, ours, ours.ready(began)))
            found.append(Contestant(tree.name, ours.visit, ours.writer))
        values, wrong = interleave(found, rounds)
        starts = []
        for name, site, ours, ready_s in running:
            pids = site.processes(ours.reception)
            peaks = memory_mb(pids["reception"], "VmHWM"), memory_mb(pids["courier"], "VmHWM")
            starts.append(Start(name, ready_s, peaks))
    return values, starts, wrong


def _rows(values: Values, few: dict[tuple[str, str], float], count: int) -> Iterator[Row]:
    """`few`: medians of the smallest size."""
    floor = statistics.median(values[FLOOR, "content"])
    for (who, span), took in values.items():
        if span not in ("content", "notice", "screen"):
            continue
        aims: tuple[Aim, ...] = ()
        if who != FLOOR and statistics.median(took) != few[who, span]:
            flat = at_most(statistics.median(took), 1.5 * few[who, span], "≤ 1.5 × that of the fewest = {}")
            aims = (flat, steady(took))
        yield spread(f"{who}, {count:,} old files: {WORDS[span]}", took, floor, aims)
