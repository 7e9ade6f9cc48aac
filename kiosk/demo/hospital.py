"""A hospital for the time of a demo: file server, line to it, printer, card reader, appointments and site.toml.

Owns a temporary folder and everything that is started in it; all of it ends with the context. Must never use a port
that other machines reach.
"""

from __future__ import annotations

import tempfile
import threading
from contextlib import ExitStack, suppress
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self
from zoneinfo import ZoneInfo

from drivers.reservations import csv_file
from drivers.reservations.opening import open_embedded
from drivers.simulated import results
from drivers.simulated.card_reader import SimulatedCardReader
from drivers.simulated.printer import SimulatedPrinter
from drivers.simulated.results import ResultFile
from drivers.simulated.smb_server import Smbd
from drivers.simulated.tcp_proxy import Proxy
from drivers.simulated.terminal import TerminalWriter
from kiosk.config import Config, load
from kiosk.demo.orca import Orca
from kiosk.demo.people import Visitor, appointments
from kiosk.process.data_folder import DataFolder

INSTITUTION: Final = "9912345678"
_ZONE: Final = ZoneInfo("Asia/Tokyo")
# In a hospital 6 s: nobody gets a result sooner after the choice. Here the visitor should not have to wait.
READER_MIN_S: Final = 1.0
SLOW_S: Final = 1.0
_FACE, _RES, _TO_FACE, _TO_RES = "face", "res", "to_face", "to_res"
_WRITTEN_MAX = 10_000
# What the demo's hospital decided: who may walk in, where departments are, where staff wait.
TABLES: Final = """\
reader = "flat"
reader_side = "right"
slip_at = "right-bottom"
[counter]
window = "1"
text = "総合受付（この画面の右うしろ）"
call = true
[walk_in]
departments = ["01", "02", "03"]
[[department]]
code = "01"
name = "内科"
[[department]]
code = "02"
name = "眼科"
[[department]]
code = "03"
name = "整形外科"
[[place]]
department = "内科"
text = "A棟1階2番窓口"
building = "A"
floor = 1
window = "2"
[[place]]
department = "循環器内科"
text = "A棟1階3番窓口"
building = "A"
floor = 1
window = "3"
[[place]]
department = "眼科"
text = "B棟2階5番窓口"
building = "B"
floor = 2
window = "5"
[[place]]
department = "整形外科"
text = "B棟1階7番窓口"
building = "B"
floor = 1
window = "7"
[[place]]
department = "小児科"
text = "C棟1階1番窓口"
building = "C"
floor = 1
window = "1"
"""

Line = Literal["up", "slow", "cut"]
PrinterState = Literal["ok", "paper_out", "cover_open"]


class Hospital:
    """Pattern 2: the existing terminal, with new folders for the kiosk; the receipt computer has folders of its own.

    `written`: every file the terminal wrote, with the folder it was written to; newest last. `tables`: more of
    site.toml than its own, `booked`: the export of the reservations instead of the visitors' own. `his`: the system
    that has the appointments, then in `orca`; "": the kiosk's own file. Raises NoSmbServer.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int],
        poll_s: float = 30.0,
        tables: str = TABLES,
        booked: str | None = None,
        his: Literal["", "orca"] = "",
    ) -> None:
        self._size = size
        self._poll_s = poll_s
        self._tables, self._booked = tables, booked
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self.written: list[tuple[str, ResultFile]] = []
        self.printer = SimulatedPrinter()
        self.cards = SimulatedCardReader()
        self.orca = Orca(datetime.now(_ZONE).date()) if his else None

    def __enter__(self) -> Self:
        with self._stack as stack:
            self._root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kiosk-demo-")))
            (self._root / "data").mkdir(mode=0o700)
            names = (_FACE, _RES, _TO_FACE, _TO_RES)
            self._server = stack.enter_context(Smbd({name: self._root / name for name in names}))
            self._proxy = stack.enter_context(Proxy(self._server.port))
            stack.enter_context(self.printer)
            stack.enter_context(self.cards)
            if self.orca is not None:
                stack.enter_context(self.orca)
            self._writers = {name: self._writer(name) for name in (_FACE, _RES)}
            self.config = self._configure()
            if self.orca is None:
                self._book()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    # --- what people do ------------------------------------------------------------------------------------------

    def tap(self, visitor: Visitor) -> None:
        """Hold a My Number card to the face reader: the terminal writes what it learns. Any ShareError."""
        with self._lock:
            left = results.tap(visitor.insured, datetime.now(self.config.site.zone), INSTITUTION)
            for folder, file in ((_FACE, left.result), (_RES, left.subsidy)):
                if file is not None:
                    self._writers[folder].write(file.name, file.content)
                    self.written = [*self.written, (folder, file)][-_WRITTEN_MAX:]

    def insert_card(self, visitor: Visitor) -> None:
        """Put a patient card in."""
        self.cards.insert(visitor.insured.number or "")

    def insert_unreadable_card(self) -> None:
        """Put a card in that the reader cannot read: a control byte in the middle of the frame."""
        self.cards.insert_raw(b"000\x0712\r")

    # --- what can be wrong ---------------------------------------------------------------------------------------

    @property
    def line(self) -> Line:
        """How the kiosk reaches the terminal's share."""
        return "cut" if self._proxy.is_cut else "slow" if self._proxy.slow_s else "up"

    @line.setter
    def line(self, state: Line) -> None:
        self._proxy.slow_s = SLOW_S if state == "slow" else 0.0
        if state == "cut":
            self._proxy.cut()
        else:
            self._proxy.mend()

    @property
    def printer_state(self) -> PrinterState:
        """What is wrong with the printer."""
        return "cover_open" if self.printer.cover_open else "paper_out" if self.printer.paper == "out" else "ok"

    @printer_state.setter
    def printer_state(self, state: PrinterState) -> None:
        self.printer.paper = "out" if state == "paper_out" else "ok"
        self.printer.cover_open = state == "cover_open"

    # --- what came of it -----------------------------------------------------------------------------------------

    @property
    def data(self) -> Path:
        """The kiosk's data folder."""
        return self._root / "data"

    def delivered(self) -> list[Path]:
        """The files in the receipt computer's folders, oldest first."""
        found: list[tuple[int, Path]] = []
        for path in (path for name in (_TO_FACE, _TO_RES) for path in (self._root / name).iterdir()):
            with suppress(FileNotFoundError):  # the courier has just renamed it
                found.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(found)]

    def at_terminal(self) -> list[Path]:
        """The files still in the terminal's folders."""
        return [path for name in (_FACE, _RES) for path in (self._root / name).iterdir()]

    def destination(self, folder: str, name: str) -> Path:
        """Where a file that the terminal wrote into `folder` has to come."""
        return self._root / f"to_{folder}" / name

    def today(self) -> date:
        """The site's date."""
        return datetime.now(self.config.site.zone).date()

    def is_ready(self) -> bool:
        """Whether the courier reaches the terminal's share."""
        lines = self.log("courier").splitlines()
        return any('"share_up"' in line and '"terminal.results"' in line for line in lines)

    def log(self, process: str) -> str:
        """The event log of `run` or `courier` so far; "" before there is one. Whole lines only."""
        try:
            text = DataFolder(self.data).event_log(process).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        return text[: text.rfind("\n") + 1]

    # --- setting up ----------------------------------------------------------------------------------------------

    def _writer(self, share: str) -> TerminalWriter:
        # Not through the proxy: the terminal writes to its own disk, cable or not.
        writer = TerminalWriter(self._server.url(share), self._server.password)
        self._stack.callback(writer.close)
        return writer

    def _configure(self) -> Config:
        kiosks_way = {name: self._server.url(name).replace(f":{self._server.port}/", f":{self._proxy.port}/")
                      for name in (_FACE, _RES)}  # fmt: skip
        site = self._root / "site.toml"
        site.write_text(
            f"""\
[site]
name = "架空総合病院"
institution_code = "{INSTITUTION}"
pattern = 2
data_dir = "{self.data}"
[terminal]
results = "{kiosks_way[_FACE]}"
subsidies = "{kiosks_way[_RES]}"
[receipt_computer]
results = "{self._server.url(_TO_FACE)}"
subsidies = "{self._server.url(_TO_RES)}"
[visit]
reader_min_s = {READER_MIN_S}
[printer]
url = "{self.printer.url}"
poll_s = {self._poll_s}
[card_reader]
url = "{self.cards.url}"
[screen]
width_px = {self._size[0]}
height_px = {self._size[1]}
fullscreen = false
{self._tables}{"" if self.orca is None else self.orca.site_toml(self._root)}""",
            encoding="utf-8",
        )
        for name in ("terminal", "receipt_computer"):
            secret = self._root / f"{name}.secret"
            secret.touch(mode=0o600)
            secret.write_text(self._server.password + "\n", encoding="utf-8")
        return load(site)

    def _book(self) -> None:
        book = open_embedded(self.data)
        booked = appointments(self.today()) if self._booked is None else self._booked
        book.import_rows(csv_file.read(booked.encode()))
