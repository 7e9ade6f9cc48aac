"""Part `drain`: how fast what waits is delivered, and whether a patient who comes meanwhile waits behind it."""

from __future__ import annotations

import random
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import floor
from tests.bench.figures import Aim, Row, Section, Table, at_least, at_most
from tests.bench.options import Options, folder, progress
from tests.bench.ours import Ours, Site, Tree, memory_mb, result, result_name
from tests.bench.visits import WORDS, Shares
from tests.peers.receipt_computer import ReceiptComputer

_HOW = """{files:,} results wait in the terminal's folder when the kiosk starts; meanwhile {patients} patients come, one
after the other, and as many when all is delivered. A receipt computer takes files at once. Floor: one bare delivery of
four compounds after the other, after a bare read, in a process of its own; a part of the files before the kiosk's turn
and a part after it. The kiosk's rate: from its first file to its last."""
_FIRST = 1_000_000  # numbers of those who wait; patients who come have small ones
_DEADLINE_S = 3600.0
_LATER_MS = 300


@dataclass
class Drained:
    """What came of one kiosk's drain. `spans`: (when, span) → milliseconds of the visits then."""

    name: str
    files: int
    rate: float = 0.0
    whole_s: float = 0.0
    courier_mb: float = 0.0
    spans: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    notes: list[str] = field(default_factory=list)


def drain(options: Options) -> Section:
    files, patients = options.pick(2000, 500), options.pick(5, 3)
    turns = len(options.trees) + 1
    bare, drained = [_bare(files // turns)], []
    for tree in options.trees:
        drained.append(_drain(tree, files, patients, options.seed))
        bare.append(_bare(files // turns))
    rate = statistics.harmonic_mean(bare)
    rates = [Row("floor", (rate, 1.0, files / rate, None))]
    for each in drained:
        aim = at_least(each.rate / rate, 0.7, "≥ 0.7 × floor")
        rates.append(Row(each.name, (each.rate, each.rate / rate, each.whole_s, each.courier_mb), (aim,)))
    columns = ("files a second", "× floor", "start to last file, s", "courier's peak, MB")
    visits = tuple(row for each in drained for row in _visit_rows(each))
    tables = (
        Table(f"{files:,} waiting files", columns, tuple(rates)),
        Table("a patient who comes meanwhile; ms", ("during: median", "max", "after: median"), visits),
    )
    notes = tuple(note for each in drained for note in each.notes)
    how = _HOW.format(files=files, patients=patients)
    return Section("drain", "Many files that wait", how, tables, notes)


def _visit_rows(drained: Drained) -> Iterable[Row]:
    for span in ("notice", "screen", "published"):
        during, after = drained.spans["during", span], drained.spans["after", span]
        if not (during and after):
            yield Row(f"{drained.name}: {WORDS[span]}", (None, None, None), (Aim("a patient is received", met=False),))
            continue
        calm = statistics.median(after)
        aim = at_most(max(during), calm + _LATER_MS, f"max ≤ after + {_LATER_MS} = {{}}")
        yield Row(f"{drained.name}: {WORDS[span]}", (statistics.median(during), max(during), calm), (aim,))


def _put(where: Path, files: int) -> list[str]:
    names = []
    for number in range(_FIRST, _FIRST + files):
        (where / result_name(number)).write_bytes(result(number))
        names.append(result_name(number))
    return names


def _bare(files: int) -> float:
    """Files a second."""
    progress(f"drain: {files:,} files bare")
    with folder() as root, ExitStack() as stack:
        shares = stack.enter_context(Shares(root, None))
        names = _put(root / "face", files)
        stack.enter_context(ReceiptComputer(root / "to_face"))
        return floor.drain(shares.source, shares.destination, names)


def _drain(tree: Tree, files: int, patients: int, seed: int) -> Drained:
    progress(f"drain: {files:,} files, {tree.name}")
    drained = Drained(tree.name, files)
    with folder() as root, Site(root, tree=tree, consumer=True) as site:
        site.book_patients(2 * patients)
        _put(site.folder("face"), files)
        computer = site.receipt_computer
        assert computer is not None
        began = time.monotonic()
        with Ours(site, random.Random(seed)) as ours:
            for number in range(patients):
                # The last one comes well before the end of the backlog.
                _wait_taken(computer, files * (number + 1) // (patients + 2))
                _visit(drained, ours, number, "during")
            _wait_taken(computer, files + patients)
            waited = [file.at_s for file in computer.taken if file.name >= result_name(_FIRST)]
            drained.rate = (len(waited) - 1) / (waited[-1] - waited[0])
            drained.whole_s = waited[-1] - began
            for number in range(patients, 2 * patients):
                _visit(drained, ours, number, "after")
            _wait_taken(computer, files + 2 * patients)
            for number in range(2 * patients):
                when = "during" if number < patients else "after"
                drained.spans[when, "published"].append(ours.published_ms(number))
            drained.courier_mb = memory_mb(site.courier_pid(), "VmHWM")
    return drained


def _wait_taken(computer: ReceiptComputer, files: int) -> None:
    assert computer.wait_for(files, _DEADLINE_S), "the drain stands still"


def _visit(drained: Drained, ours: Ours, number: int, when: str) -> None:
    spans = ours.visit(number)
    if spans is None:
        drained.notes.append(f"{drained.name}: a patient who came {when} the drain was sent to the counter")
    for span, took in (spans or {}).items():
        drained.spans[when, span].append(took)
