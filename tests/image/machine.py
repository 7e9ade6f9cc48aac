"""One PC in QEMU: power, display, pointer, keys, USB sockets. Owns its process; ends no other.

A power cut is SIGKILL. The disk is a qcow2 overlay: what the guest wrote into new clusters and did not flush is lost
with the process, as in a disk's cache.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from tests.image.shell import Shell

WIDTH_PX, HEIGHT_PX = 1080, 1920
FIRMWARE = Path("/usr/share/OVMF")
QMP_S = 60.0
_ABSOLUTE_MAX = 32767

Found = Any


class TooLate(AssertionError):
    """Something did not happen within its deadline."""


def pause(seconds: float) -> None:
    """Between two looks at something that only a look can tell."""
    threading.Event().wait(seconds)


def until(true: Callable[[], Found], what: str, deadline_s: float, look_every_s: float = 0.5) -> Found:
    """The first true answer. Raises TooLate."""
    due = time.monotonic() + deadline_s
    while not (found := true()):
        if time.monotonic() > due:
            raise TooLate(f"not within {deadline_s:.0f} s: {what}")
        pause(look_every_s)
    return found


@dataclass(frozen=True)
class Build:
    """How a PC is put together. `tpm`: a swtpm's socket; `tap`: a network interface of the host instead of user
    networking (where 10.0.2.2 is this computer), inside the network namespace `netns`.
    """

    secure_boot: bool = False
    tpm: Path | None = None
    tap: str = ""
    netns: str = ""
    disk_on: str = "virtio"  # or nvme, sata, usb
    boot_stick: Path | None = None  # starts from this raw USB stick
    memory_mib: int = 1536


class Machine:
    """A PC that is switched on. `folder` takes its sockets, logs and firmware variables (kept from boot to boot)."""

    def __init__(self, disk: Path, folder: Path, build: Build | None = None) -> None:
        self.disk, self.folder, self.build = disk, folder, build or Build()
        folder.mkdir(parents=True, exist_ok=True)
        self._sockets = {name: folder / f"{name}.sock" for name in ("qmp", "shell")}
        for path in self._sockets.values():
            path.unlink(missing_ok=True)
        self._log = (folder / "qemu.log").open("ab")
        self.events: list[dict[str, Any]] = []
        # How far what is shown is turned on the display, clockwise: [screen] rotation of its site.
        self.turned = 0
        self.on_at = time.monotonic()
        self._process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        try:
            self._qmp = self._connect("qmp").makefile("rw", encoding="utf-8")
            self._qmp.readline()
            self.ask("qmp_capabilities")
        except BaseException:
            self.cut()
            raise
        self.shell = Shell(self._sockets["shell"])

    # -- power --------------------------------------------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        return self._process.poll() is None

    def cut(self) -> None:
        """The plug is pulled."""
        self._process.kill()
        self._process.wait(QMP_S)
        self._log.close()
        if hasattr(self, "shell"):
            self.shell.close()

    def shut_down(self, deadline_s: float = 180.0) -> float:
        """Press the power button; returns the seconds it took. A PC that does not end is cut, and that is an error."""
        began = time.monotonic()
        self.ask("system_powerdown")
        try:
            self._process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.cut()
            raise TooLate(f"the PC did not switch itself off within {deadline_s:.0f} s") from None
        self.cut()
        return time.monotonic() - began

    # -- what it is made of -------------------------------------------------------------------------------------

    def _command(self) -> list[str]:
        build = self.build
        machine = "q35,smm=on" if build.secure_boot else "q35"
        command = ["setpriv", "--pdeathsig", "KILL"]  # an emulator must not outlive a proof that was ended
        command += ["ip", "netns", "exec", build.netns] if build.netns else []
        command += ["qemu-system-x86_64", "-machine", machine, "-accel", "tcg,thread=multi,tb-size=512"]
        command += ["-cpu", "qemu64", "-smp", "2", "-m", str(build.memory_mib), "-display", "none"]
        command += ["-nodefaults", "-no-user-config"]
        command += ["-device", f"virtio-vga,xres={WIDTH_PX},yres={HEIGHT_PX}", "-device", "virtio-tablet-pci"]
        command += ["-device", "virtio-keyboard-pci", "-device", "virtio-rng-pci", "-device", "qemu-xhci,id=usb"]
        command += ["-device", "i6300esb", "-watchdog-action", "reset"]
        command += ["-serial", f"file:{self.folder / 'console.log'}"]
        command += ["-chardev", f"socket,id=shell,path={self._sockets['shell']},server=on,wait=off"]
        command += ["-serial", "chardev:shell", "-qmp", f"unix:{self._sockets['qmp']},server=on,wait=off"]
        return [*command, *self._firmware(), *self._disk(), *self._network(), *self._tpm()]

    def _firmware(self) -> list[str]:
        kind = ".ms" if self.build.secure_boot else ""
        variables = self.folder / "firmware.fd"
        if not variables.exists():
            shutil.copy(FIRMWARE / f"OVMF_VARS_4M{kind}.fd", variables)
        options = ["-global", "driver=cfi.pflash01,property=secure,value=on"] if self.build.secure_boot else []
        code = FIRMWARE / f"OVMF_CODE_4M{kind}.fd"
        options += ["-drive", f"if=pflash,format=raw,readonly=on,file={code}"]
        return [*options, "-drive", f"if=pflash,format=raw,file={variables}"]

    def _disk(self) -> list[str]:
        device = {
            "virtio": "virtio-blk-pci,drive=disk",
            "nvme": "nvme,drive=disk,serial=kiosk",
            "sata": "ide-hd,drive=disk,bus=ide.0",
            "usb": "usb-storage,drive=disk,bus=usb.0",
        }[self.build.disk_on]
        drive = f"if=none,id=disk,file={self.disk},format=qcow2,cache=writeback,discard=unmap"
        command = ["-drive", drive, "-device", f"{device},bootindex=1"]
        if self.build.boot_stick is not None:
            command += ["-drive", f"if=none,id=boot,file={self.build.boot_stick},format=raw"]
            command += ["-device", "usb-storage,drive=boot,bus=usb.0,bootindex=0"]
        return command

    def _network(self) -> list[str]:
        tap = self.build.tap
        netdev = f"tap,id=net,ifname={tap},script=no,downscript=no" if tap else "user,id=net"
        return ["-netdev", netdev, "-device", "virtio-net-pci,netdev=net,mac=52:54:00:12:34:56"]

    def _tpm(self) -> list[str]:
        if self.build.tpm is None:
            return []
        device = ["-chardev", f"socket,id=tpm,path={self.build.tpm}", "-tpmdev", "emulator,id=tpm,chardev=tpm"]
        return [*device, "-device", "tpm-crb,tpmdev=tpm"]

    # -- QMP ----------------------------------------------------------------------------------------------------

    def _connect(self, name: str) -> socket.socket:
        def there() -> socket.socket | None:
            if not self.is_on:
                raise AssertionError(f"QEMU ended: {(self.folder / 'qemu.log').read_text()[-2000:]}")
            link = socket.socket(socket.AF_UNIX)
            try:
                link.connect(str(self._sockets[name]))
            except OSError:
                link.close()
                return None
            link.settimeout(QMP_S)
            return link

        link: socket.socket = until(there, f"QEMU's {name} socket", 60, 0.1)
        return link

    def ask(self, command: str, **arguments: Any) -> Any:
        """One QMP command. Raises AssertionError with QEMU's words when it refuses."""
        self._qmp.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._qmp.flush()
        while True:
            answer = json.loads(self._qmp.readline())
            if "event" in answer:
                self.events.append(answer)
                continue
            assert "return" in answer, f"{command}: {answer}"
            return answer["return"]

    # -- display, finger, keys ----------------------------------------------------------------------------------

    def look(self) -> Image.Image:
        """What the display shows now, as somebody in front of it sees it: a turned display hangs turned back."""
        path = self.folder / "look.ppm"
        self.ask("screendump", filename=str(path))
        with Image.open(path) as picture:
            return picture.convert("RGB").rotate(self.turned, expand=True)

    def point(self, x: float, y: float) -> None:
        """Move the pointer; `x`, `y` from 0 to 1, as somebody in front of it sees them."""
        x, y = {0: (x, y), 90: (1 - y, x), 180: (1 - x, 1 - y), 270: (y, 1 - x)}[self.turned]
        axes = [("x", x), ("y", y)]
        self._send([{"type": "abs", "data": {"axis": axis, "value": round(at * _ABSOLUTE_MAX)}} for axis, at in axes])

    def tap(self, x: float, y: float, hold_s: float = 0.3) -> None:
        """A finger comes down at (x, y), each from 0 to 1, and leaves after `hold_s`."""
        self.point(x, y)
        pause(0.2)
        for down in (True, False):
            self._send([{"type": "btn", "data": {"down": down, "button": "left"}}])
            pause(hold_s if down else 0.0)

    def keys(self, *names: str) -> None:
        """Press keys together; QEMU's names, such as ctrl, alt, f2."""
        self.ask("send-key", keys=[{"type": "qcode", "data": name} for name in names], **{"hold-time": 150})

    def _send(self, events: list[dict[str, Any]]) -> None:
        self.ask("input-send-event", events=events)

    # -- USB ----------------------------------------------------------------------------------------------------

    def plug_stick(self, image: Path, name: str = "stick") -> None:
        """Put in a USB stick with this content."""
        file = {"driver": "file", "filename": str(image)}
        self.ask("blockdev-add", **{"driver": "raw", "node-name": name, "file": file})
        self.ask("device_add", driver="usb-storage", drive=name, bus="usb.0", id=name)

    def pull_stick(self, name: str = "stick") -> None:
        """Take it out; its content is whole in the file afterwards."""
        self.unplug(name)
        self.ask("blockdev-del", **{"node-name": name})

    def plug(self, driver: str, name: str, **properties: Any) -> None:
        """Put in another USB device."""
        self.ask("device_add", driver=driver, bus="usb.0", id=name, **properties)

    def unplug(self, name: str) -> None:
        """Take it out and wait until it is gone."""
        seen = len(self.events)
        self.ask("device_del", id=name)

        def gone() -> bool:
            self.ask("query-status")
            deleted = [event for event in self.events[seen:] if event["event"] == "DEVICE_DELETED"]
            return any(event["data"].get("device") == name for event in deleted)

        until(gone, f"{name} unplugged", 30, 0.2)
