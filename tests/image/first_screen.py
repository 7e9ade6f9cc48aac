"""From power-on to the first page of a PC without a site: how long, what it is made of, and no console ever."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from tests.image import glass
from tests.image.bench import BOOT_S, Bench
from tests.image.machine import Machine, until

# A look takes the emulated PC, and this computer, a part of a second.
LOOK_EVERY_S = 1.5
KEPT_PX = (216, 384)
_PAGE_UNIT = "kiosk-page.service"


@dataclass
class Watch:
    """Every picture of a start, about one a second, with the seconds since power-on."""

    machine: Machine
    folder: Path
    looks: list[tuple[float, str]] = field(default_factory=list)
    pictures: list[tuple[float, Image.Image]] = field(default_factory=list)

    def look(self) -> Image.Image:
        picture = self.machine.look()
        at_s = time.monotonic() - self.machine.on_at
        kind = "plain" if glass.is_plain(picture) else "console" if glass.is_console(picture) else "picture"
        self.looks.append((at_s, kind))
        if kind == "picture":
            self.pictures.append((at_s, picture))
        small = picture.copy()
        small.thumbnail(KEPT_PX)
        small.save(self.folder / f"{at_s:06.1f}-{kind}.png")
        return picture

    def consoles_after(self, at_s: float) -> list[float]:
        return [when for when, kind in self.looks if when > at_s and kind == "console"]


def watch_until_page(bench: Bench, machine: Machine, unit: str, name: str) -> Watch:
    """Look once a second until the unit has drawn its first frame (READY=1)."""
    folder = bench.out / name
    folder.mkdir(parents=True, exist_ok=True)
    watch = Watch(machine, folder)
    ready = threading.Event()

    def ask() -> None:
        machine.shell.wait(BOOT_S)
        until(lambda: _state(machine, unit) == "active", f"{unit} active", BOOT_S, 1.0)
        ready.set()

    asking = threading.Thread(target=ask, daemon=True, name="asks for the unit")
    asking.start()
    due = time.monotonic() + BOOT_S
    while not ready.is_set() and time.monotonic() < due and asking.is_alive():
        watch.look()
        ready.wait(LOOK_EVERY_S)
    asking.join(BOOT_S)
    assert ready.is_set(), f"{unit} did not draw within {BOOT_S:.0f} s"
    watch.look()
    return watch


def _state(machine: Machine, unit: str) -> str:
    return machine.shell.run(f"systemctl is-active {unit}")[1].strip()


def kernel_start_s(machine: Machine) -> float:
    """Seconds from power-on until the kernel's clock began."""
    up = float(machine.shell.value("cut -d' ' -f1 /proc/uptime"))
    return time.monotonic() - machine.on_at - up


def parts(machine: Machine, unit: str) -> dict[str, float]:
    """What the time to the first frame is made of, in seconds: firmware, kernel, user space, program."""
    fields = "ActiveEnterTimestampMonotonic ExecMainStartTimestampMonotonic"
    properties = machine.shell.value(f"systemctl show {unit} -p {fields.replace(' ', ' -p ')}")
    seen = {key: int(value) / 1e6 for key, value in (line.split("=", 1) for line in properties.splitlines())}
    began = int(machine.shell.value("systemctl show -p UserspaceTimestampMonotonic --value")) / 1e6
    firmware = kernel_start_s(machine)
    started, drawn = seen["ExecMainStartTimestampMonotonic"], seen["ActiveEnterTimestampMonotonic"]
    return {
        "firmware_and_grub_s": firmware,
        "kernel_and_initrd_s": began,
        "user_space_s": started - began,
        "program_s": drawn - started,
        "first_frame_s": firmware + drawn,
    }


def run(bench: Bench) -> None:
    """A PC without a site shows a page that says so; before it a status picture, never a console."""
    machine = bench.fresh("first-screen")
    watch = watch_until_page(bench, machine, _PAGE_UNIT, "first-screen-looks")
    for name, value in parts(machine, _PAGE_UNIT).items():
        bench.figure(name, value)
    page = json.loads(machine.shell.value("cat /run/kiosk-appliance/page.json"))
    assert page["page"] == "no_site", page
    bench.until_up(machine)
    bench.picture(machine, "first-screen")
    chain = machine.shell.run(f"systemd-analyze critical-chain {_PAGE_UNIT}; systemd-analyze blame")[1]
    (bench.out / "first-screen-chain.txt").write_text(chain, encoding="utf-8")
    kernel_at = kernel_start_s(machine)
    consoles = watch.consoles_after(kernel_at)
    assert not consoles, f"a console was seen at {', '.join(f'{at:.0f} s' for at in consoles)}"
    first = next((at for at, _ in watch.pictures if at > kernel_at), None)
    assert first is not None, "no status picture was seen"
    bench.figure("first_picture_s", first)
    # Between the status picture and the program's first frame.
    bench.figure("plain_looks_after_it", sum(kind == "plain" for at, kind in watch.looks if at > first))
    bench.figure("looks", len(watch.looks))
    failed = machine.shell.value("systemctl --failed --no-legend --plain")
    assert not failed, f"failed units: {failed}"
