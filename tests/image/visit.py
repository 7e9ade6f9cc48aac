"""A whole visit with a My Number card: fingers on the display, a result file, a slip that a machine can read."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from PIL import Image

from tests.image import glass, site
from tests.image.bench import BOOT_S, KIOSK, STEP_S, Bench
from tests.image.machine import Machine, pause, until

READER_MIN_S = 8.0  # [visit] reader_min_s is 6: what comes earlier is another's


def barcodes(slip: Image.Image, path: Path) -> list[str]:
    """Texts of all barcodes on a slip, read by zbarimg."""
    slip.convert("L").save(path)
    done = subprocess.run(["zbarimg", "-q", "--raw", str(path)], capture_output=True, text=True, check=False)
    return done.stdout.split()


def book(machine: Machine) -> None:
    """Make sure that the person is expected today, whichever day the PC got its site."""
    machine.shell.write("/tmp/kiosk-proof.csv", site.appointments())
    machine.shell.value("chmod 644 /tmp/kiosk-proof.csv")
    machine.shell.value(
        f"runuser -u kiosk -- {KIOSK} reservations import /tmp/kiosk-proof.csv --config /etc/kiosk/site.toml", STEP_S
    )


def perform(bench: Bench, machine: Machine, name: str) -> None:
    """One visit from the start screen to the start screen."""
    hospital = bench.hospital
    slips = len(hospital.printer.jobs)
    bench.until_screen(machine, "choose_card", BOOT_S)
    machine.point(0.02, 0.98)
    began = time.monotonic()
    bench.tap(machine, glass.SCREENS["choose_card"], "mynumber")
    bench.until_screen(machine, "tap_reader")
    bench.figure("finger_to_reader_s", time.monotonic() - began)
    bench.picture(machine, f"{name}-tap-reader")
    pause(READER_MIN_S)
    file = site.result()
    written = time.monotonic()
    hospital.put(file)
    there = hospital.to_face / file.name
    until(there.exists, "the result file at the receipt computer", STEP_S, 0.05)
    bench.figure("file_delivered_s", time.monotonic() - written)
    bench.until_screen(machine, "done")
    bench.figure("file_to_done_s", time.monotonic() - written)
    bench.picture(machine, f"{name}-done")
    slip = hospital.printer.wait_for_job(STEP_S, slips + 1)
    assert slip is not None, "no slip came out"
    read = barcodes(slip.picture, bench.out / f"{name}-slip.png")
    assert read == [site.PERSON.number], f"the slip's barcode: {read}"
    assert there.read_bytes() == file.content, "the delivered file has other bytes"
    until(lambda: not (hospital.face / file.name).exists(), "the terminal's folder empty", STEP_S)
    assert len(hospital.printer.jobs) == slips + 1, "more than one slip"
    bench.tap(machine, glass.SCREENS["done"], "close")
    bench.until_screen(machine, "choose_card")
    there.unlink()


def run(bench: Bench) -> None:
    """Tap, result, slip, delivery: the barcode is read and the file is the same byte for byte."""
    machine = bench.with_site()
    book(machine)
    perform(bench, machine, "visit")
    # A PC that wants more than its site names would fill the log day and night.
    refused = machine.shell.run("journalctl -b -k -o cat --no-pager -g 'kiosk firewall refused'")[1]
    assert "kiosk firewall refused" not in refused, refused[-1000:]
