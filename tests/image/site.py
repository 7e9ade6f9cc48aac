"""The hospital on this computer's side: file servers, printer, receipt computer, and the stick that tells of them.

The PC reaches this computer as 10.0.2.2. People and passwords are made up.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from drivers.simulated.printer import SimulatedPrinter
from drivers.simulated.results import Insured, ResultFile, tap
from drivers.simulated.smb_server import Smbd
from tests.image import disk
from tests.peers.receipt_computer import ReceiptComputer

HOST = "10.0.2.2"
INSTITUTION = "9912345678"
PASSWORD = "Kamome-to-Sakura-48213"
PIN = "730481"
PERSON = Insured("架空　太郎", "ｶｸｳ ﾀﾛｳ", "19510203", "04184963")
ZONE = ZoneInfo("Asia/Tokyo")
_WAITING_MAX = 8
_SITE = """[site]
name = "架空総合病院"
institution_code = "{institution}"
pattern = 1
data_dir = "/var/lib/kiosk"
[terminal]
results = "smb://kiosk@{host}:{smb}/face"
password_file = "terminal.secret"
[receipt_computer]
results = "smb://kiosk@{host}:{smb}/to_face"
password_file = "receipt_computer.secret"
[visit]
unclean_s = 0
result_wait_s = 300
done_s = 120
counter_s = 120
[reservations]
share = "smb://kiosk@{host}:{smb}/appointments"
import_dir = "/var/lib/kiosk-import"
[printer]
url = "tcp://{host}:{printer}"
[screen]
width_px = 1080
height_px = 1920
diagonal_inch = 21.5
[update]
folder = "smb://kiosk@{host}:{smb}/update"
{more}[[place]]
department = "内科"
text = "A棟1階2番窓口"
"""


class HospitalSide:
    """`folder`: what the shares hold. With `takes`, the receipt computer takes every file as soon as it is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        shares = {name: self.folder / name for name in ("face", "to_face", "appointments", "update", "watch")}
        self.server = self._stack.enter_context(Smbd(shares, password=PASSWORD))
        (self.folder / "appointments" / "today.csv").write_text(appointments(), encoding="utf-8")
        self.printer = self._stack.enter_context(SimulatedPrinter())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    @property
    def face(self) -> Path:
        """The terminal's folder."""
        return self.folder / "face"

    @property
    def update(self) -> Path:
        """Where the hospital's server keeps update bundles."""
        return self.folder / "update"

    @property
    def to_face(self) -> Path:
        """The receipt computer's folder."""
        return self.folder / "to_face"

    def site_toml(self, more: str = "") -> str:
        """The site file for this hospital; `more`: further tables."""
        printer = self.printer.url.rpartition(":")[2]
        return _SITE.format(institution=INSTITUTION, host=HOST, smb=self.server.port, printer=printer, more=more)

    def site_files(self, more: str = "", pin: str = PIN, password: str = PASSWORD) -> dict[str, bytes]:
        """What goes onto a KIOSK-SITE stick."""
        secret = f"{password}\n".encode()
        return {
            "site.toml": self.site_toml(more).encode(),
            "terminal.secret": secret,
            "receipt_computer.secret": secret,
            "appointments.secret": secret,
            "update.secret": secret,
            "technician.secret": f"{pin}\n".encode(),
            "appointments/today.csv": appointments().encode(),
        }

    def changed_site_files(self, more: str) -> dict[str, bytes]:
        """The same for a PC that has a site: there is no time server here, which would be a reason to refuse."""
        return {**self.site_files(more), "take-anyway": b""}

    def stick(self, path: Path, files: dict[str, bytes] | None = None) -> Path:
        """A KIOSK-SITE stick."""
        return disk.stick(path, "KIOSK-SITE", self.site_files() if files is None else files)

    def put(self, file: ResultFile) -> None:
        """A result file appears in the terminal's folder, whole at once."""
        hidden = self.face / f".{file.name}.writing"
        hidden.write_bytes(file.content)
        hidden.rename(self.face / file.name)


def result() -> ResultFile:
    """What the terminal writes for one tap of the person with an appointment."""
    return tap(PERSON, datetime.now(ZONE), INSTITUTION).result


def appointments() -> str:
    """CSV: the person is expected today and tomorrow, as late as can be."""
    now = datetime.now(ZONE)
    days = [(now + timedelta(days=days)).date() for days in (0, 1)]
    rows = [f"{PERSON.number},{day},23:59,内科,佐藤,A棟1階2番窓口" for day in days]
    return "\n".join(["patient_number,date,time,department,doctor,place", *rows]) + "\n"


class Stream:
    """The terminal writes files, and a greedy receipt computer takes what arrives.

    With `every_s` a few files are always waiting; without, only what `put` was called for.
    """

    def __init__(self, hospital: HospitalSide, every_s: float | None = None) -> None:
        self._hospital = hospital
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write, args=(every_s,), daemon=True, name="terminal")
        self._taker = ReceiptComputer(hospital.to_face)
        self.written: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._taker.__enter__()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
        self._taker.stop()

    def stop(self) -> None:
        """Write no more; taking goes on until the end of the context."""
        self._ended.set()
        self._thread.join(30)

    @property
    def arrivals(self) -> list[tuple[str, str]]:
        """(name, SHA-256) of every file that was taken, in order, also one that came twice."""
        return [(taken.name, taken.sha256) for taken in self._taker.taken]

    def all_arrived(self) -> bool:
        """Every file that was written has come at least once, and the terminal's folder is empty."""
        return {name for name, _ in self.arrivals} >= set(self.written) and not any(self._hospital.face.glob("OQS*"))

    def verify(self) -> None:
        """Each file once and byte for byte. Raises AssertionError."""
        names = [name for name, _ in self.arrivals]
        doubled = sorted({name for name in names if names.count(name) > 1})
        assert not doubled, f"{len(doubled)} files came twice"
        lost = sorted(set(self.written) - set(names))
        assert not lost, f"{len(lost)} of {len(self.written)} files are lost"
        changed = [name for name, digest in self.arrivals if self.written.get(name) != digest]
        assert not changed, f"{len(changed)} files came with other bytes"

    def put(self) -> None:
        """One file more."""
        file = result()
        self.written[file.name] = hashlib.sha256(file.content).hexdigest()
        self._hospital.put(file)

    def _write(self, every_s: float | None) -> None:
        while every_s is not None and not self._ended.wait(every_s):
            # An emulated PC is slower than any terminal: what piles up would only make the end wait.
            if sum(1 for _ in self._hospital.face.glob("OQS*")) < _WAITING_MAX:
                self.put()
