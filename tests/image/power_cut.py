"""The plug is pulled in the middle of deliveries: nothing lost, nothing doubled, file system and ledger whole."""

from __future__ import annotations

import random
import time

from tests.image import disk
from tests.image.bench import BOOT_S, Bench
from tests.image.machine import Machine, pause, until
from tests.image.site import Stream

CUTS = 12
FILE_EVERY_S = 0.4
_SEED = 20260401
_INTEGRITY = (
    "import sqlite3,sys\n"
    "for path in sys.argv[1:]:\n"
    "    print(sqlite3.connect(f'file:{path}?mode=ro', uri=True).execute('PRAGMA integrity_check').fetchone()[0])\n"
)


def whole_databases(machine: Machine) -> int:
    """How many databases there are; every one must pass SQLite's integrity check."""
    machine.shell.write("/run/kiosk-proof.py", _INTEGRITY)
    folders = "/var/lib/kiosk /var/lib/kiosk-courier"
    output = machine.shell.value(f"python3 /run/kiosk-proof.py $(find {folders} -name '*.db' -o -name '*.sqlite')")
    answers = output.split("\n")
    assert answers and set(answers) == {"ok"}, output
    return len(answers)


def cut_and_return(bench: Bench, machine: Machine, stream: Stream, wait_s: float) -> Machine:
    """Wait until files flow, then a moment more, pull the plug, look at /var, switch on again."""
    before = len(stream.arrivals)
    until(lambda: len(stream.arrivals) > before + 2, "files are being delivered", BOOT_S, 0.05)
    pause(wait_s)
    machine.cut()
    var = disk.var_of(machine.disk, machine.folder)
    disk.check_file_system(var)
    var.unlink()
    return bench.again(machine)


def _until_more(stream: Stream) -> float:
    """Seconds until the next file arrives."""
    before, began = len(stream.arrivals), time.monotonic()
    until(lambda: len(stream.arrivals) > before, "deliveries after the power cut", BOOT_S, 0.1)
    return time.monotonic() - began


def run_cuts(bench: Bench, cuts: int) -> None:
    """`cuts` times the plug, at moments that differ; every file that was ever written arrives once."""
    machine = bench.with_site()
    chance = random.Random(_SEED)  # the same moments in every run, as far as a PC has the same moments
    back: list[float] = []
    with Stream(bench.hospital, FILE_EVERY_S) as stream:
        for _ in range(cuts):
            machine = cut_and_return(bench, machine, stream, chance.uniform(0.0, 3.0))
            back.append(_until_more(stream))
        stream.stop()
        until(stream.all_arrived, "every file at the receipt computer", BOOT_S)
        # A second copy of anything would come now: the courier has nothing else to do.
        pause(10.0)
        stream.verify()
        bench.figure("files", len(stream.written))
    bench.until_up(machine)
    bench.figure("databases_whole", whole_databases(machine))
    bench.figure("power_on_to_delivery_s", f"{min(back):.0f}–{max(back):.0f}")
    failed = machine.shell.value("systemctl --failed --no-legend --plain")
    assert not failed, f"failed units: {failed}"
    bench.until_screen(machine, "choose_card", BOOT_S)


def run(bench: Bench) -> None:
    """Twelve power cuts while files flow: each file once, /var and databases whole."""
    run_cuts(bench, CUTS)


def run_short(bench: Bench) -> None:
    """One power cut while files flow: each file once, /var and databases whole."""
    run_cuts(bench, 1)
