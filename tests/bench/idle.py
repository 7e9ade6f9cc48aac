"""Part `idle`: what a kiosk costs while nobody is there, and how many requests a delivery takes on the wire."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import loops
from tests.bench.figures import Row, Section, Table, at_most
from tests.bench.floor import Courier
from tests.bench.options import Options, folder, progress
from tests.bench.ours import Ours, Site, processor_s
from tests.bench.proxy import Lines
from tests.bench.visits import Shares, floor_turn

_CALM_S = 6.0  # after a start: the first sweep, the ownership's first marks
_HOW = """Nobody at the kiosk for {seconds} s; both folders of the terminal are watched. A proxy counts the requests: a
compound is one, a log-on has four, each posted CHANGE_NOTIFY is one. For a delivery, files come without a visit,
renamed into place or written under their final name; what the kiosk asks while idle is taken off."""
_IDLE_COLUMNS = (
    "reception, % of a core", "courier, % of a core", "requests a minute to the terminal", "to the receipt computer",
    "log-ons a minute",
)  # fmt: skip
_TERMINAL, _RECEIPT = "terminal", "receipt computer"


@dataclass(frozen=True)
class Watched:
    """Somebody whose requests are counted. `ports`: of the servers, by name; `processes`: their ids, by name.

    `deliver(n, how)`: hand over the file n and wait until it is delivered; None for who only looks.
    """

    name: str
    lines: Lines
    ports: dict[str, int]
    processes: dict[str, int]
    deliver: Callable[[int, Any], object] | None

    def counts(self) -> dict[str, int]:
        return {server: self.lines.to(port).counts()["requests"] for server, port in self.ports.items()}

    def log_ons(self) -> int:
        return sum(self.lines.to(port).counts()["connections"] for port in self.ports.values())


@dataclass(frozen=True)
class Cost:
    """Of one contestant over a while: % of a core by process, requests by server, connections made."""

    processor: dict[str, float]
    requests: dict[str, float]
    log_ons: float


def cost_of(watched: list[Watched], work: Callable[[], None]) -> tuple[list[Cost], float]:
    """What everybody spent while `work` went on, and how many seconds that was."""
    began = time.monotonic()
    before = [(each.counts(), each.log_ons(), _processor(each)) for each in watched]
    work()
    after = [(each.counts(), each.log_ons(), _processor(each)) for each in watched]
    took = time.monotonic() - began
    costs = [
        Cost(
            {name: (cpu_after[name] - cpu) / took * 100 for name, cpu in cpu_before.items()},
            {server: counts_after[server] - count for server, count in counts_before.items()},
            log_ons_after - log_ons_before,
        )
        for (counts_before, log_ons_before, cpu_before), (counts_after, log_ons_after, cpu_after) in zip(
            before, after, strict=True
        )
    ]
    return costs, took


def _processor(watched: Watched) -> dict[str, float]:
    return {name: processor_s(pid, children="loop" in name) for name, pid in watched.processes.items()}


def idle(options: Options) -> Section:
    seconds, files = options.pick(60, 30), options.pick(20, 4)
    progress(f"idle: {seconds} s, then {files} files in each of two ways")
    with folder() as root, ExitStack() as stack:
        watched = list(_everybody(options, root, stack))
        time.sleep(_CALM_S)
        costs, took = cost_of(watched, lambda: time.sleep(seconds))
        rows = [_idle_row(each.name, cost, took) for each, cost in zip(watched, costs, strict=True)]
        deliveries: list[Row] = []
        for each, resting in zip(watched, costs, strict=True):
            if each.deliver is not None:
                deliveries += _delivery_rows(each, resting, took, files)
    tables = (
        Table("idle", _IDLE_COLUMNS, tuple(rows)),
        Table("requests for one delivery", (_TERMINAL, _RECEIPT, "together"), tuple(deliveries)),
    )
    return Section("idle", "While nobody is there, and requests for a delivery", _HOW.format(seconds=seconds), tables)


def _everybody(options: Options, root: Path, stack: ExitStack) -> Iterator[Watched]:
    for number, tree in enumerate(options.trees):
        lines = stack.enter_context(Lines())
        site = stack.enter_context(Site(root / f"site{number}", tree=tree, lines=lines))
        site.book_patients(1)
        ours = stack.enter_context(Ours(site, random.Random(options.seed)))
        yield Watched(tree.name, lines, _ports(site), site.processes(ours.reception), ours.deliver)
    lines = stack.enter_context(Lines())
    shares = stack.enter_context(Shares(root / "floor", lines))
    courier = stack.enter_context(Courier(shares.source, shares.destination))
    floor = Watched("floor", lines, _ports(shares), {}, floor_turn(shares, courier))
    yield floor
    for number, kind in enumerate(("smbclient", "listdir")):
        lines = stack.enter_context(Lines())
        shares = stack.enter_context(Shares(root / f"peer{number}", lines))
        loop = loops.Loop(kind, 1.0, *shares.source)
        stack.callback(loop.end)
        loop.look()
        ports = {_TERMINAL: shares.ports[_TERMINAL]}
        yield Watched(f"{loops.TITLES[kind]}, every 1 s, one folder", lines, ports, {"loop": loop.pid}, None)


def _ports(site: Site | Shares) -> dict[str, int]:
    if isinstance(site, Shares):
        return site.ports
    return {_TERMINAL: site.terminal.port, _RECEIPT: site.receipt_server.port}


def _idle_row(name: str, cost: Cost, took: float) -> Row:
    a_minute = {server: count / took * 60 for server, count in cost.requests.items()}
    processor = cost.processor
    kiosk = "courier" in processor
    aims = (
        at_most(processor["courier"], 1, "courier ≤ 1 %"),
        at_most(sum(processor.values()), 2, "both ≤ 2 %"),
        at_most(a_minute[_TERMINAL], 70, "≤ 70 requests a minute to the terminal"),
    ) if kiosk else ()  # fmt: skip
    cells = (
        processor.get("reception"), processor.get("courier", processor.get("loop")),
        a_minute[_TERMINAL], a_minute.get(_RECEIPT), cost.log_ons / took * 60,
    )  # fmt: skip
    return Row(name, cells, aims)


def _delivery_rows(watched: Watched, resting: Cost, rested: float, files: int) -> Iterator[Row]:
    deliver = watched.deliver
    assert deliver is not None
    for turn, (how, words) in enumerate((("rename", "renamed into place"), ("direct", "under its final name"))):

        def work(how: str = how, first: int = 1_000_000 + turn * files) -> None:
            for number in range(first, first + files):
                deliver(number, how)
                time.sleep(0.25)

        (cost,), took = cost_of([watched], work)
        each = {
            server: max(0.0, count - resting.requests[server] / rested * took) / files
            for server, count in cost.requests.items()
        }
        yield Row(f"{watched.name}, {words}", (each[_TERMINAL], each[_RECEIPT], sum(each.values())))
