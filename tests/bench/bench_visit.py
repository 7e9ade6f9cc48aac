"""How fast is a visit? From a complete file on the terminal's share to screen, slip and receipt computer.

    .venv/bin/python -m tests.bench.bench_visit --visits 50

Real smbd x 2 (encryption required), `kiosk run --headless` with its courier, a TCP printer, an instant consumer.
A baseline is measured in the same run: half a poll interval and one list, read, put and rename done by hand through
drivers.share, as a plain script would. Never collected by pytest.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drivers.share import Share, open_share
from tests.hospital import Hospital, Reception, vector, wait_until

POLL_S = 0.25
SETTLE_S = 0.5
NUMBER = "<ReferenceNumber>04184963</ReferenceNumber>"


@dataclass(frozen=True)
class Times:
    """Seconds from the moment in which the writer's rename returned. `screen` is less settle_s."""

    screen: float
    slip: float
    published: float


def measure(visits: int, seed: int) -> tuple[list[Times], list[float]]:
    """(times of each visit, seconds of each baseline copy)."""
    chance, pause = random.Random(seed), threading.Event()
    settings = {"terminal": {"poll_interval_s": str(POLL_S)}, "visit": {"settle_s": str(SETTLE_S)}}
    with tempfile.TemporaryDirectory() as root, Hospital(Path(root), settings=settings, consumer=True) as hospital:
        hospital.book(*(f"{_patient(n)},{{today}},13:00,内科,佐藤," for n in range(visits)))
        source = open_share(hospital.terminal.url("res"), hospital.terminal.password)
        destination = open_share(hospital.receipt_server.url("res"), hospital.receipt_server.password)
        reception = hospital.open()
        times, copies = [], []
        for number in range(visits):
            reception.choose_my_number()
            pause.wait(chance.random() * POLL_S)  # or the file would always meet the same phase of the poll
            times.append(_visit(hospital, reception, number))
            copies.append(_copy(source, destination, number))
        reception.quit()
        source.drop()
        destination.drop()
        return times, copies


def _patient(number: int) -> str:
    return f"9{number:07}"


def _visit(hospital: Hospital, reception: Reception, number: int) -> Times:
    name = f"OQSsiquc01res_face_{number:018}.xml"
    content = vector("valid-utf8")[1].decode().replace(NUMBER, NUMBER.replace("04184963", _patient(number)))
    assert NUMBER not in content
    hospital.terminal_writer.write(name, content.encode())
    complete_at = time.monotonic()
    shown = reception.until("printing", "counter")
    assert shown["screen"] == "printing"
    shown_at = reception.read_at[reception.lines.index(shown)]
    assert reception.until("done")["notes"] == []
    consumer = hospital.receipt_computer
    assert consumer is not None
    wait_until(lambda: min(len(consumer.taken), len(hospital.printer.began_at)) > number, "the file and the slip")
    reception.press("close")
    published_at = consumer.taken[number].at_s
    return Times(
        shown_at - complete_at - SETTLE_S, hospital.printer.began_at[number] - complete_at, published_at - complete_at
    )


def _copy(source: Share, destination: Share, number: int) -> float:
    name, temp = f"bench_{number:06}.xml", f".bench_{number:06}.tmp"
    source.put(name, [vector("valid-utf8")[1]])
    began = time.monotonic()
    [entry] = source.entries("bench_*.xml")
    destination.put(temp, [source.read(entry.name, 1 << 20)])
    destination.rename_new(temp, entry.name)
    took = time.monotonic() - began
    source.remove(name)
    destination.remove(name)
    return took


def table(times: Sequence[Times], copies: Sequence[float]) -> str:
    """Milliseconds: median, p95, and the median as a multiple of the baseline's."""
    baseline = POLL_S / 2 + statistics.median(copies)
    rows = {
        f"first screen, less settle_s {SETTLE_S} s": [each.screen for each in times],
        f"first byte of the slip (settle_s {SETTLE_S} s in it)": [each.slip for each in times],
        "published": [each.published for each in times],
        "baseline: poll/2 + list, read, put, rename": [POLL_S / 2 + each for each in copies],
    }
    lines = [f"{'from file complete to …, ms':<52}{'median':>9}{'p95':>9}{'x baseline':>12}"]
    for name, values in rows.items():
        median, p95 = statistics.median(values), sorted(values)[round(0.95 * (len(values) - 1))]
        lines.append(f"{name:<52}{median * 1000:>9.1f}{p95 * 1000:>9.1f}{median / baseline:>12.2f}")
    return "\n".join([*lines, f"visits: {len(times)}, poll_interval_s: {POLL_S}"])


def main() -> int:
    parser = argparse.ArgumentParser(description="how fast is a visit?")
    parser.add_argument("--visits", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(table(*measure(arguments.visits, arguments.seed)))  # noqa: T201 - the answer of a program
    return 0


if __name__ == "__main__":
    sys.exit(main())
