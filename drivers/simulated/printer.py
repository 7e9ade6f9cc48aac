"""An ESC/POS printer on a loopback port or a pseudo terminal, with fault knobs. For the demo and for tests.

    >>> from PIL import Image
    >>> from drivers.printer import open_printer
    >>> slip = Image.new("1", (384, 400))
    >>> with SimulatedPrinter() as device:
    ...     printer = open_printer(device.url)
    ...     printed = printer.print(slip)
    ...     came_out = device.wait_for_job(20)
    ...     device.paper = "near_end"
    ...     near_end = printer.status()
    ...     device.end_paper_after(raster_bytes=100)
    ...     torn = printer.print(slip)
    ...     count = len(device.jobs)
    >>> printed, came_out.picture.width, near_end
    (Printed(paper_near_end=False), 384, Ready(paper_near_end=True))
    >>> torn, count
    (NotPrinted(reason='paper_out', maybe_out=True), 1)

Owns the device's end of the line. Must never be imported by anything that runs in a hospital.
As the EPSON ESC/POS reference has it, DLE EOT is answered at once, whatever the state; a slip that meets a fault is
held and comes out when the fault is cleared.
"""

import contextlib
import os
import re
import select
import socket
import threading
import time
import tty
from collections.abc import Callable
from typing import Literal, Self

from drivers.simulated.escpos_stream import EscposStream, SlipJob

Paper = Literal["ok", "near_end", "out"]
_TICK_S = 0.02
_READ_BYTES = 4096
_JOBS_MAX = 1000
_QUESTIONS = re.compile(rb"(\x10\x04.)*(\x10\x04?)?", re.DOTALL)


class SimulatedPrinter:
    """A printer at `url`; a context manager. `serial=True` makes it a pseudo terminal instead of a TCP port.

    Knobs, to be set at any time: `paper`, `cover_open`, `offline`, `silent` (takes everything, answers nothing),
    `stalled` (takes nothing), `answer_delay_s`; `stall_after(n)`, `unplug_after(n)`, `end_paper_after(n)` arm a fault.
    `connections` are the bytes taken, one entry a connection (one for the life of a pseudo terminal); `jobs` the
    slips that came out; `began_at` the monotonic seconds of the first byte of each connection that was no question.
    """

    def __init__(self, *, serial: bool = False, port: int = 0) -> None:
        self.paper: Paper = "ok"
        self.cover_open = False
        self.offline = False
        self.silent = False
        self.stalled = False
        self.answer_delay_s = 0.0
        self.connections: list[bytearray] = []
        self.jobs: list[SlipJob] = []
        self.began_at: list[float] = []
        self.garbage = 0
        self._serial = serial
        self._port = port
        self._stall_in: int | None = None
        self._unplug_in: int | None = None
        self._paper_ends_in: int | None = None
        self._ended = threading.Event()
        self._came_out = threading.Condition()
        self._workers: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self._terminal: tuple[int, int] | None = None
        # The near ends of terminals unplugged: while one is open, the system gives its path to no other terminal.
        self._unplugged_ends: list[int] = []
        self.url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        while self._unplugged_ends:
            os.close(self._unplugged_ends.pop())

    def start(self) -> None:
        """Open the port or terminal and set `url`."""
        self._ended.clear()
        if self._serial:
            self._terminal = os.openpty()
            tty.setraw(self._terminal[1])
            self.url = f"serial://{os.ttyname(self._terminal[1])}?baudrate=115200"
            self._work(self._serve_terminal, self._terminal[0])
            return
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._listener.settimeout(_TICK_S)
        # The same port after a restart, as a real printer has the same address.
        self._port = self._listener.getsockname()[1]
        self.url = f"tcp://127.0.0.1:{self._port}"
        self._work(self._accept, self._listener)

    def stop(self) -> None:
        """Switch off, or pull the plug of a terminal: whoever talks to it finds it gone. `start` switches on again."""
        self._ended.set()
        for worker in list(self._workers):
            worker.join()
        self._workers.clear()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._unplug()

    def stall_after(self, taken_bytes: int) -> None:
        """Take this many more bytes, then no more until `stalled` is cleared."""
        self._stall_in = taken_bytes

    def unplug_after(self, taken_bytes: int) -> None:
        """Take this many more bytes, then drop the connection, or the terminal for good (`stop` and `start` again)."""
        self._unplug_in = taken_bytes

    def end_paper_after(self, raster_bytes: int) -> None:
        """Run out of paper in the band in which this many more raster bytes have been printed."""
        self._paper_ends_in = raster_bytes

    def wait_for_job(self, timeout_s: float, count: int = 1) -> SlipJob | None:
        """The `count`-th slip, as soon as it has come out; None when it has not within `timeout_s`."""
        with self._came_out:
            if self._came_out.wait_for(lambda: len(self.jobs) >= count, timeout_s):
                return self.jobs[count - 1]
            return None

    def answer(self, question: int) -> int:
        """What DLE EOT n (1 to 4) is answered in the present state."""
        out, near = self.paper == "out", self.paper != "ok"
        match question:
            case 1:
                return 0x12 | 0x08 * (out or self.cover_open or self.offline)
            case 2:
                return 0x12 | 0x04 * self.cover_open | 0x20 * out
            case 4:
                return 0x12 | 0x0C * near | 0x60 * out
        return 0x12

    def _work(self, task: Callable[..., None], *arguments: object) -> None:
        worker = threading.Thread(target=task, args=arguments, daemon=True, name="simulated-printer")
        self._workers = [one for one in self._workers if one.is_alive()] + [worker]
        worker.start()

    def _accept(self, listener: socket.socket) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._work(self._serve_connection, connection)

    def _serve_connection(self, connection: socket.socket) -> None:
        with connection:
            self._serve(connection.fileno())

    def _serve_terminal(self, descriptor: int) -> None:
        self._serve(descriptor)
        if not self._ended.is_set():
            self._unplug()

    def _unplug(self) -> None:
        if self._terminal is not None:
            far, near = self._terminal
            os.close(far)
            self._unplugged_ends.append(near)
            self._terminal = None

    def _serve(self, descriptor: int) -> None:
        taken = bytearray()
        self.connections.append(taken)
        stream = EscposStream()
        far_side = select.poll()
        far_side.register(descriptor, 0)
        while not self._ended.is_set():
            self._print(stream)
            if self.stalled:
                # Nothing is read, but a far side that has gone is noticed.
                if far_side.poll(int(_TICK_S * 1000)):
                    return
                self._ended.wait(_TICK_S)
                continue
            if not select.select([descriptor], [], [], _TICK_S)[0]:
                continue
            data = self._read(descriptor)
            if not data:
                return
            before = bytes(taken[-2:])
            only_asked = _QUESTIONS.fullmatch(bytes(taken[:_READ_BYTES])) is not None
            taken += data
            if only_asked and not _QUESTIONS.fullmatch(bytes(taken[:_READ_BYTES])):
                self.began_at.append(time.monotonic())
            self._answer_at_once(descriptor, before, data)
            stream.feed(data)

    def _read(self, descriptor: int) -> bytes:
        if self._unplug_in == 0:
            self._unplug_in = None
            return b""
        room = min(one for one in (_READ_BYTES, self._stall_in, self._unplug_in) if one is not None)
        try:
            data = os.read(descriptor, max(room, 1))
        except OSError:
            return b""
        if self._unplug_in is not None:
            self._unplug_in -= len(data)
        if self._stall_in is not None:
            self._stall_in -= len(data)
            if self._stall_in <= 0:
                self._stall_in, self.stalled = None, True
        return data

    def _answer_at_once(self, descriptor: int, before: bytes, data: bytes) -> None:
        """Answer each DLE EOT n that these bytes complete, also one that stands inside a raster payload by chance."""
        window = before + data
        place = window.find(b"\x10\x04")
        while 0 <= place < len(window) - 2:
            if place + 2 >= len(before) and 1 <= window[place + 2] <= 4:
                self._say(descriptor, self.answer(window[place + 2]))
            place = window.find(b"\x10\x04", place + 1)

    def _say(self, descriptor: int, byte: int) -> None:
        if self.silent:
            return
        self._ended.wait(self.answer_delay_s)
        with contextlib.suppress(OSError):
            os.write(descriptor, bytes((byte,)))

    def _print(self, stream: EscposStream) -> None:
        if not self._can_print():
            return
        for done in stream.advance():
            if isinstance(done, SlipJob):
                with self._came_out:
                    self.jobs = [*self.jobs, done][-_JOBS_MAX:]
                    self._came_out.notify_all()
            elif self._paper_ends_in is not None:
                self._paper_ends_in -= done
                if self._paper_ends_in <= 0:
                    self._paper_ends_in, self.paper = None, "out"
            if not self._can_print():
                break
        self.garbage += stream.garbage
        stream.garbage = 0

    def _can_print(self) -> bool:
        return self.paper != "out" and not self.cover_open and not self.offline
