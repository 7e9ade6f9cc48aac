"""Parts `start` and `memory`: how long until a kiosk is ready, and whether it grows over many visits."""

from __future__ import annotations

import random
import socket
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.bench.figures import SPREAD, Row, Section, Table, at_most, spread
from tests.bench.options import Options, folder, progress
from tests.bench.ours import Ours, Site, Tree, memory_mb
from tests.hospital import Reception, wait_until

_BARE = (
    "import asyncio, json, sqlite3, lxml.etree, msgspec, smbprotocol.connection, smbprotocol.open; print(flush=True)"
)
_HOW = """Seconds from the start of the process. Floor: Python that imports the same libraries and prints a line. The
courier is a process of the reception's; its socket is tried all the time. Ready: the button pressed at the first screen
has led to the reader page, so the courier is connected and the terminal's folder listed. Then: until it has ended after
the end of its input."""
_MEMORY_HOW = """Visits one after the other with a printer that is a file and settle_s 0.1. Resident memory in MB after
a tenth of them, when everything has been used, and at the end."""


def start(options: Options) -> Section:
    rounds = options.pick(10, 3)
    progress(f"start: {rounds} rounds")
    values: defaultdict[str, list[float]] = defaultdict(list)
    with folder() as root:
        sites = [Site(root / f"site{number}", tree=tree) for number, tree in enumerate(options.trees)]
        for _ in range(rounds):
            values["floor: first line"].append(_bare_s())
            for site in sites:
                with site:
                    for what, took in _start(site):
                        values[f"{site.tree.name}: {what}"].append(took)
    floor = statistics.median(values["floor: first line"])
    rows = tuple(spread(what, took, floor) for what, took in values.items())
    return Section("start", "Start", _HOW, (Table("from the start; s", SPREAD, rows),))


def _bare_s() -> float:
    began = time.monotonic()
    with subprocess.Popen([sys.executable, "-c", _BARE], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        return time.monotonic() - began


def _start(site: Site) -> Iterator[tuple[str, float]]:
    site.book_patients(1)  # it has a database, as every day but the first
    began = time.monotonic()
    reception = site.open()
    connected_at = pressed_at = None
    while (reader := _first(reception, "tap_reader")) is None:
        if pressed_at is None and (pressed_at := _first(reception, "choose_card")) is not None:
            reception.press("mynumber")
        if connected_at is None and _answers(site.data_dir / "courier.sock"):
            connected_at = time.monotonic()
        time.sleep(0.002)
    assert pressed_at is not None
    yield "first screen", pressed_at - began
    yield "courier's socket answers", (connected_at or time.monotonic()) - began
    yield "ready", reader - began
    ended = time.monotonic()
    reception.quit()
    yield "ended, from the end of its input", time.monotonic() - ended


def _first(reception: Reception, screen: str) -> float | None:
    """The moment at which it was first there."""
    rows = zip(list(reception.lines), list(reception.read_at), strict=False)
    return next((at for line, at in rows if line["screen"] == screen), None)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line, suppress(OSError):
        line.connect(str(path))
        return True
    return False


def memory(options: Options) -> Section:
    rows = tuple(row for tree in options.trees for row in _memory(tree, options.visits))
    columns = ("after a tenth", "at the end", "most ever")
    return Section("memory", f"Memory over {options.visits:,} visits", _MEMORY_HOW, (Table("MB", columns, rows),))


def _memory(tree: Tree, visits: int) -> Iterator[Row]:
    with folder() as root:
        slips = root / "slips"
        slips.touch()
        settings = {"visit": {"settle_s": "0.1"}, "printer": {"url": f'"{slips.as_uri()}"'}}
        with Site(root / "site", tree=tree, settings=settings) as site:
            site.book_patients(visits)
            with Ours(site, random.Random(0)) as ours:
                pids = site.processes(ours.reception)
                early: dict[str, float] = {}
                for number in range(visits):
                    assert ours.short_visit(number), f"visit {number} ended at the counter"
                    if number == visits // 10:
                        early = {name: memory_mb(pid) for name, pid in pids.items()}
                    if number % 100 == 0:
                        progress(f"memory: {tree.name}, visit {number}")
                        slips.write_bytes(b"")
                wait_until(lambda: not any(site.folder("face").iterdir()), "the last delivery")
                for name, pid in pids.items():
                    now = memory_mb(pid)
                    aim = at_most(now, early[name] * 1.05 + 1, "flat: ≤ 5 % and 1 MB more = {}")
                    yield Row(f"{tree.name}: {name}", (early[name], now, memory_mb(pid, "VmHWM")), (aim,))
