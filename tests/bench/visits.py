"""Part `visit`: from a complete file to screen, slip and receipt computer, beside the floor and the usual loops."""

from __future__ import annotations

import random
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from drivers.simulated.terminal import How, TerminalWriter
from tests.bench import loops
from tests.bench.figures import SPREAD, Aim, Row, Section, Table, at_least, at_most, spread, steady
from tests.bench.floor import Courier, Turn
from tests.bench.options import Options, folder, progress
from tests.bench.ours import Ours, Site, Writer, fill, result_name, watch_ends
from tests.bench.proxy import Lines
from tests.peers.samba import Lent, lend

Values = dict[tuple[str, str], list[float]]  # (who, span) → milliseconds
FLOOR = "floor"
CLI_1S = "smbclient command line, every 1 s"
_HOW = """Two smbd that require encryption; floor, kiosk and loops take turns. Milliseconds from the moment at which the
writer's CLOSE was answered (the file is written under its final name). Floor: CHANGE_NOTIFY and one compound read, then
a careful delivery in four compounds (create, write, flush, read back, close · rename · compare · delete), on prepared
connections. A proxy lengthens the round trip, half on each way. Loops: until the content is in hand. pysmb is not among
them, because it cannot encrypt."""
WORDS = {
    "content": "content in hand",
    "notice": "courier's notice",
    "screen": "result screen, less settle_s",
    "slip": "first byte of the slip, less settle_s",
    "published": "published",
    "gone": "source gone",
}


@dataclass
class Shares:
    """A terminal's and a receipt computer's share of their own, for what is measured beside the kiosk."""

    root: Path
    lines: Lines | None
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        terminal = self._stack.enter_context(
            lend({"face": self.root / "face"}, which="terminal", encryption="required")
        )
        receipt = self._stack.enter_context(
            lend({"face": self.root / "to_face"}, which="receipt computer", encryption="required")
        )
        self.ports = {"terminal": terminal.port, "receipt computer": receipt.port}
        self.source, self.destination = self._way(terminal), self._way(receipt)
        program = TerminalWriter(terminal.url("face"), terminal.password)
        self._stack.callback(program.close)
        self.writer = Writer(program, self.root / "face")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _way(self, server: Lent) -> tuple[str, str]:
        url = server.url("face")
        return (self.lines.through(url, server.port) if self.lines else url), server.password


def floor_turn(shares: Shares, courier: Courier) -> Callable[..., dict[str, float]]:
    def turn(number: int, how: How = "direct") -> dict[str, float]:
        name = result_name(number)
        taken = Turn(courier, name)
        complete_at = shares.writer.write(number, how)
        published_at, gone_at = watch_ends(shares.root / "face" / name, shares.root / "to_face" / name)
        taken.join()
        at = {"content": taken.content_at_s, "published": published_at, "gone": gone_at}
        return {span: (when - complete_at) * 1000 for span, when in at.items()}

    return turn


def loop_turn(shares: Shares, loop: loops.Loop, chance: random.Random) -> Callable[[int], dict[str, float] | None]:
    def turn(number: int) -> dict[str, float] | None:
        try:
            took = loop.content_after(lambda: shares.writer.write(number), chance) * 1000
        except loops.BrokeOff:
            return None
        finally:
            (shares.root / "face" / result_name(number)).unlink(missing_ok=True)
        return {"content": took}

    return turn


@dataclass(frozen=True)
class Contestant:
    """`turn(n)`: the file n; milliseconds by span, None when it came to nothing. `writer`: of its terminal."""

    name: str
    turn: Callable[[int], dict[str, float] | None]
    writer: Writer


@contextmanager
def contestants(
    options: Options, root: Path, lines: Lines | None, rounds: int, peers: tuple[tuple[str, float], ...]
) -> Iterator[list[Contestant]]:
    """Who takes part, in the order of a round."""
    chance = random.Random(options.seed)
    with ExitStack() as stack:
        found = [floor_contestant(root / "floor", lines, stack)]
        for number, tree in enumerate(options.trees):
            site = stack.enter_context(Site(root / f"site{number}", tree=tree, lines=lines))
            site.book_patients(rounds)
            ours = stack.enter_context(Ours(site, chance))
            found.append(Contestant(tree.name, ours.visit, ours.writer))
        for number, (kind, interval_s) in enumerate(peers):
            beside = stack.enter_context(Shares(root / f"peer{number}", lines))
            python = options.impacket if kind == "impacket" else sys.executable
            loop = loops.Loop(kind, interval_s, *beside.source, python=python)
            stack.callback(loop.end)
            name = f"{loops.TITLES[kind]}, every {interval_s:g} s"
            found.append(Contestant(name, loop_turn(beside, loop, chance), beside.writer))
        yield found


def floor_contestant(root: Path, lines: Lines | None, stack: ExitStack, old_files: int = 0) -> Contestant:
    shares = stack.enter_context(Shares(root, lines))
    fill(root / "face", old_files)
    courier = stack.enter_context(Courier(shares.source, shares.destination))
    return Contestant(FLOOR, floor_turn(shares, courier), shares.writer)


def interleave(found: Sequence[Contestant], rounds: int, *, turning: bool = False) -> tuple[Values, list[str]]:
    """(values of every span, what went wrong), one turn of each contestant a round.

    `turning`: each begins a round in its turn, so that none always comes after the same other.
    """
    values: Values = defaultdict(list)
    notes = []
    for number in range(rounds):
        first = number % len(found) if turning else 0
        for each in (*found[first:], *found[:first]):
            spans = each.turn(number)
            if spans is None:
                notes.append(f"{each.name}: came to nothing in round {number}, which is in no figure")
            for span, took in (spans or {}).items():
                values[each.name, span].append(took)
    notes += [note for each in found for note in each.writer.note(each.name)]
    return values, notes


def visit(options: Options) -> Section:
    rounds = options.pick(40, 6)
    peers: tuple[tuple[str, float], ...] = (
        ("smbclient", 1.0), ("smbclient", 0.5), ("listdir", 1.0), ("listdir", 0.5), ("impacket", 0.5),
    )  # fmt: skip
    notes = []
    if not loops.installed(options.impacket):
        peers = tuple(peer for peer in peers if peer[0] != "impacket")
        notes.append("impacket: not installed, not measured (--impacket names a Python that has it)")
    tables = []
    for slow_ms in (0, 10):
        chosen = options.pick(peers, (("smbclient", 1.0), ("listdir", 1.0)) if slow_ms == 0 else ())
        progress(f"visit: +{slow_ms} ms, {rounds} rounds")
        with folder() as root, ExitStack() as stack:
            lines = stack.enter_context(Lines(slow_ms / 1000)) if slow_ms else None
            found = stack.enter_context(contestants(options, root, lines, rounds, chosen))
            values, wrong = interleave(found, rounds)
        notes += wrong
        tables.append(Table(f"one file, +{slow_ms} ms round trip; ms", SPREAD, tuple(visit_rows(values, slow_ms))))
    return Section("visit", "One file", _HOW, tuple(tables), tuple(notes))


def visit_rows(values: Values, slow_ms: int) -> Iterator[Row]:
    """Rows in the order of the contestants; the kiosk's with their aims."""
    floors = {span: statistics.median(took) for (who, span), took in values.items() if who == FLOOR}
    for (who, span), took in values.items():
        is_ours = who.startswith("kiosk")
        floor = floors.get(span, floors["content"])
        aims = tuple(visit_aims(values, floors, who, span, slow_ms)) if is_ours else ()
        yield spread(f"{who}: {WORDS[span]}", took, floor, aims)


def visit_aims(values: Values, floors: dict[str, float], who: str, span: str, slow_ms: int) -> Iterator[Aim]:
    middle, content, published = statistics.median(values[who, span]), floors["content"], floors["published"]
    match span, slow_ms:
        case "notice", 0:
            yield at_most(middle, content + 6, "≤ floor + 6 = {}")
        case "screen", 0:
            yield at_most(middle, content + 14, "≤ floor + 14 = {}")
            if (CLI_1S, "content") in values:
                loop = statistics.median(values[CLI_1S, "content"])
                yield at_least(loop / middle, 25, "≥ 25 × faster than the command line every 1 s: {} ×")
        case "slip", 0:
            yield at_most(middle, content + 30, "≤ floor + 30 = {}")
        case "published", 0:
            yield at_most(middle, 1.5 * published, "≤ 1.5 × floor = {}")
        case "screen", _:
            yield at_most(middle, content + 25, "≤ floor + 25 = {}")
        case "published", _:
            yield at_most(middle, published + 20, "≤ floor + 20 = {}")
        case _:
            return
    yield steady(values[who, span])
