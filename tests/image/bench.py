"""What all scenarios share: the image under test, one hospital, the PC that is running, pictures and figures.

Owns starting and ending of PCs. A scenario takes the PC it is given and says what it leaves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from PIL import Image

from kiosk.screens.views import Screen
from tests.image import disk, glass
from tests.image.machine import Build, Machine, until
from tests.image.shell import NoAnswer
from tests.image.site import HospitalSide

BOOT_S = 420.0
STEP_S = 180.0
KIOSK = "/opt/kiosk/current/.venv/bin/python -P -m kiosk"


@dataclass(frozen=True)
class Parts:
    """What was built. `root`: its root file system; `keys`: the folder of the signer it trusts; `installer`: its USB
    stick.
    """

    image: Path
    root: Path
    keys: Path
    installer: Path


class Bench:
    """`out`: pictures and logs; `work`: disks. `has_site`: the PC that is running was given the good site."""

    def __init__(self, parts: Parts, out: Path, work: Path, say: Callable[[str], None]) -> None:
        self.image, self.root, self.keys, self.installer = parts.image, parts.root, parts.keys, parts.installer
        self.out, self.work, self.say = out, work, say
        self.scenario = ""
        self.figures: dict[str, str] = {}
        self.machine: Machine | None = None
        self.has_site = False
        # A disk that was given the good site and switched off: the next PC begins with what is on it.
        self._with_site: Path | None = None
        self._stack = ExitStack()
        self._count = 0

    def __enter__(self) -> Self:
        self.out.mkdir(parents=True, exist_ok=True)
        self.work.mkdir(parents=True, exist_ok=True)
        self.base = self.work / "prepared.raw"
        disk.prepare(self.image, self.base, self.work)
        self.hospital = self._stack.enter_context(HospitalSide(self.work / "shares"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.end_machine()
        self._stack.close()

    # -- PCs ----------------------------------------------------------------------------------------------------

    def folder(self, name: str) -> Path:
        """A fresh folder for one scenario's disks and logs."""
        self._count += 1
        folder = self.work / f"{self._count:02}-{name}"
        folder.mkdir(parents=True)
        return folder

    def start(self, disk_file: Path, folder: Path, build: Build | None = None) -> Machine:
        """Switch a PC on; one that runs is switched off the hard way."""
        self.end_machine()
        self.machine = Machine(disk_file, folder, build)
        return self.machine

    def fresh(self, name: str, build: Build | None = None) -> Machine:
        """A PC that starts for the first time."""
        folder = self.folder(name)
        self.has_site = False
        return self.start(disk.overlay(self.base, folder / "disk.qcow2"), folder, build)

    def again(self, machine: Machine) -> Machine:
        """The same PC, switched on once more."""
        return self.start(machine.disk, machine.folder, machine.build)

    def end_machine(self) -> None:
        """No PC runs any more."""
        if self.machine is not None:
            self.machine.cut()
            self.machine = None

    def with_site(self) -> Machine:
        """A PC that shows the reception's start: the one that runs, or one that is given a stick now."""
        from tests.image import provision  # it needs the bench's type

        if self.machine is not None and self.machine.is_on and self.has_site:
            with suppress(NoAnswer):
                self.machine.shell.wait(STEP_S)
                self.until_screen(self.machine, "choose_card")
                return self.machine
        if self._with_site is None:
            machine = self.fresh("with-site")
            self.until_up(machine)
            provision.give_good(self, machine)
            machine.shut_down()
            self.machine, self._with_site = None, machine.disk
        folder = self.folder("with-site")
        machine = self.start(disk.overlay(self._with_site, folder / "disk.qcow2"), folder)
        self.until_screen(machine, "choose_card", BOOT_S)
        self.has_site = True
        return machine

    def until_up(self, machine: Machine) -> None:
        """Until systemd has started everything, or given up on something."""
        machine.shell.wait(BOOT_S)
        # Its exit code tells of failed units, which is another scenario's business.
        machine.shell.run("systemctl is-system-running --wait", BOOT_S)

    # -- pictures -----------------------------------------------------------------------------------------------

    def picture(self, machine: Machine, name: str) -> Image.Image:
        """Keep what the display shows, for a person to look at."""
        picture = machine.look()
        picture.save(self.out / f"{name}.png", optimize=True)
        return picture

    def until_screen(self, machine: Machine, name: str, deadline_s: float = STEP_S) -> Image.Image:
        """Until the reception shows a screen, with all its buttons; the picture of it."""

        def there() -> Image.Image | None:
            picture = machine.look()
            return picture if glass.which(picture) == name else None

        try:
            found: Image.Image = until(there, f"screen {name}", deadline_s)
        except AssertionError:
            self.picture(machine, f"instead-of-{name}")
            raise
        return found

    def tap(self, machine: Machine, screen: Screen, button: str) -> None:
        """A finger on a button of the reception."""
        machine.tap(*glass.middle(screen, button, machine.look().size))

    # -- figures ------------------------------------------------------------------------------------------------

    def figure(self, name: str, value: Any) -> None:
        """Something measured; printed beside the scenario's result."""
        self.figures[name] = f"{value:.1f}" if isinstance(value, float) else str(value)
        self.say(f"    {self.scenario} {name}: {self.figures[name]}")

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """The seconds of what is done within, as a figure."""
        began = time.monotonic()
        yield
        self.figure(f"{name}_s", time.monotonic() - began)
