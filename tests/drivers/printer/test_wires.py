"""The ways to a printer: addresses, files, the lock between processes, USB's corners, and what status bits mean."""

import fcntl
import itertools
import os
import random
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from drivers.printer import (
    BadAddress,
    NotPrinted,
    NotReady,
    Printed,
    Ready,
    open_printer,
    parse_url,
)
from drivers.printer.address import FileAddress, SerialAddress, TcpAddress, UsbAddress
from drivers.printer.escpos import BAND_ROWS, FEED_LINES, build_job, is_answer, to_status
from drivers.printer.session import EscposPrinter
from drivers.printer.transport import UsbWire, WireLost
from drivers.simulated.printer import SimulatedPrinter
from tests.escpos_decoder import UnknownByte, decode
from tests.peers.usb_printer import UsbPrinterBackend

PICTURE = Image.frombytes("1", (384, 40), bytes(range(1, 241)) * 8)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("tcp://192.0.2.30:9100", TcpAddress("192.0.2.30", 9100)),
        ("tcp://printer.example", TcpAddress("printer.example", 9100)),
        ("tcp://[2001:db8::1]:9101", TcpAddress("2001:db8::1", 9101)),
        ("serial:///dev/ttyUSB0?baudrate=9600", SerialAddress(Path("/dev/ttyUSB0"), 9600, "N", "none")),
        ("serial:///dev/ttyS0", SerialAddress(Path("/dev/ttyS0"), 115200, "N", "none")),
        (
            "serial:///dev/ttyS0?parity=e&flow=rtscts&baudrate=38400",
            SerialAddress(Path("/dev/ttyS0"), 38400, "E", "rtscts"),
        ),
        ("usb:04b8:0202", UsbAddress(0x04B8, 0x0202)),
        ("file:///dev/usb/lp0", FileAddress(Path("/dev/usb/lp0"))),
        ("file:///tmp/a%20b", FileAddress(Path("/tmp/a b"))),
    ],
)
def test_every_url_of_the_contract_is_understood(url: str, address: object) -> None:
    assert parse_url(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "", "printer", "http://192.0.2.30", "tcp://", "tcp://host:0", "tcp://host:99999", "tcp://host:x", "tcp://u@host",
        "tcp://host/queue", "tcp://host?x=1", "tcp://ho st", "serial:ttyS0", "serial://ttyS0", "serial:///dev/ttyS0?baud=9600",
        "serial:///dev/ttyS0?baudrate=12345", "serial:///dev/ttyS0?baudrate=9600&baudrate=9600", "serial:///dev/ttyS0?flow=dtr",
        "serial:///dev/ttyS0?parity=mark", "serial:///", "usb:04b8", "usb:04b8:020", "usb:04b8:0202:1", "usb://04b8:0202",
        "file://host/path", "file:///", "file:///a/", "file:relative", "file:///a%00b", "file:///a#b", "tcp://[::1", "tcp://h\n",
    ],
)  # fmt: skip
def test_a_wrong_url_is_refused_with_what_was_expected(url: str) -> None:
    with pytest.raises(BadAddress) as refused:
        open_printer(url)
    assert len(str(refused.value)) > 10


def test_status_bits_mean_what_was_measured() -> None:
    """The table of states, with the answers to DLE EOT 1, 2 and 4."""
    assert to_status(0x12, 0x12, 0x12) == Ready(paper_near_end=False)
    assert to_status(0x12, 0x12, 0x1E) == Ready(paper_near_end=True)
    assert to_status(0x1A, 0x32, 0x7E) == NotReady("paper_out")
    assert to_status(0x1A, 0x16, 0x12) == NotReady("cover_open")
    assert to_status(0x1A, 0x12, 0x12) == NotReady("printer_offline")
    assert to_status(0x1A, 0x52, 0x12) == NotReady("printer_offline")
    assert to_status(0x1A, 0x36, 0x7E) == NotReady("paper_out")


def test_flow_control_and_automatic_status_bytes_are_no_answers() -> None:
    assert not any(is_answer(byte) for byte in (0x11, 0x13, 0x10, 0x14, 0x00, 0x0F, 0xFF))
    assert all(is_answer(byte) for byte in (0x12, 0x16, 0x1A, 0x1E, 0x32, 0x52, 0x72, 0x7E))


def test_automatic_status_bytes_between_the_answers_are_passed_over() -> None:
    """A printer with automatic status sends four bytes of its own accord, also right before an answer."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        line, _ = server.accept()
        with line:
            while line.recv(3):
                line.sendall(b"\x14\x00\x00\x0f\x13\x11\x12")

    worker = threading.Thread(target=serve, daemon=True)
    worker.start()
    with server:
        printer = open_printer(f"tcp://127.0.0.1:{server.getsockname()[1]}", answer_s=20)
        assert printer.status() == Ready(paper_near_end=False)
        worker.join(20)


@pytest.mark.parametrize("mode_and_size", [("L", (576, 10)), ("1", (840, 10)), ("1", (576, 20_000)), ("1", (0, 10))])
def test_a_picture_that_no_printer_takes_is_a_bug_and_raises(mode_and_size: tuple[str, tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="slip"):
        build_job(Image.new(*mode_and_size))


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (384, 255), (384, 256), (576, 257), (575, 700), (832, 16_000)])
def test_a_job_has_the_bytes_that_the_library_would_send(size: tuple[int, int]) -> None:
    width, height = size
    noise = random.Random(width * height).randbytes((width + 7) // 8 * height)
    picture = Image.frombytes("1", size, noise)
    data = build_job(picture).data  # imports the library without its traces
    from escpos.printer.dummy import Dummy

    library = Dummy()
    library.profile.profile_data = {**library.profile.profile_data, "media": {}}  # no paper width: image() takes any
    library.hw("INIT")
    library.image(picture, impl="bitImageRaster", fragment_height=BAND_ROWS)
    library.print_and_feed(FEED_LINES)
    library.cut(feed=False)
    assert data == library.output


def test_a_file_gets_job_after_job_and_is_never_asked(tmp_path: Path) -> None:
    path = tmp_path / "slips.bin"
    printer = open_printer(f"file://{path}")
    assert printer.status() == Ready(paper_near_end=None)
    assert not path.exists()
    assert printer.print(PICTURE) == printer.print(PICTURE) == Printed(paper_near_end=None)
    seen = decode(path.read_bytes())
    assert len(seen.pages) == 2 and not any(command.startswith("DLE") for command in seen.commands)
    # The slip names a patient number: nobody else reads it.
    assert path.stat().st_mode & 0o077 == 0


def test_a_link_to_a_file_is_not_printed_to(tmp_path: Path) -> None:
    (tmp_path / "reservations.db").write_bytes(b"precious")
    (tmp_path / "slips.bin").symlink_to(tmp_path / "reservations.db")
    printer = open_printer(f"file://{tmp_path / 'slips.bin'}")
    assert printer.print(PICTURE) == NotPrinted("printer_offline", maybe_out=False)
    assert (tmp_path / "reservations.db").read_bytes() == b"precious"


@pytest.mark.parametrize("path", ["missing/slips.bin", "."])
def test_a_file_that_cannot_be_is_offline(tmp_path: Path, path: str) -> None:
    printer = open_printer(f"file://{tmp_path / path}")
    assert printer.status() == NotReady("printer_offline")
    assert printer.print(PICTURE) == NotPrinted("printer_offline", maybe_out=False)
    assert not (tmp_path / "missing").exists()


def test_a_full_device_is_offline() -> None:
    assert open_printer("file:///dev/full").print(PICTURE) == NotPrinted("printer_offline", maybe_out=False)


def test_a_device_that_takes_no_more_is_stalled(tmp_path: Path) -> None:
    fifo = tmp_path / "lp0"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
        big = Image.new("1", (576, 600))
        assert open_printer(f"file://{fifo}", stall_s=0.3).print(big) == NotPrinted("printer_stalled", maybe_out=True)
    finally:
        os.close(reader)


def test_a_printer_that_must_not_be_asked_is_not(capfd: pytest.CaptureFixture[str]) -> None:
    with SimulatedPrinter() as device:
        device.silent = True
        printer = open_printer(device.url, status=False)
        assert printer.status() == Ready(paper_near_end=None)
        assert printer.print(PICTURE) == Printed(paper_near_end=None)
        assert device.wait_for_job(30) is not None
        seen = decode(b"".join(bytes(one) for one in device.connections))
    assert seen.commands == ["ESC @", "GS v 0 48x40", "ESC d 3", "GS V 66"]
    assert capfd.readouterr().out == ""


def test_nobody_listening_is_offline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    printer = open_printer(f"tcp://127.0.0.1:{port}")
    assert printer.status() == NotReady("printer_offline")
    assert printer.print(PICTURE) == NotPrinted("printer_offline", maybe_out=False)


@pytest.mark.parametrize(
    "url", ["serial:///dev/no-such-line", "serial:///dev/null", "usb:ffff:fffe", "tcp://no.invalid"]
)
def test_a_device_that_is_not_there_is_offline(url: str) -> None:
    assert open_printer(url).print(PICTURE) == NotPrinted("printer_offline", maybe_out=False)


def test_two_processes_do_not_talk_at_once(tmp_path: Path) -> None:
    lock = tmp_path / "printer.lock"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            (
                "import fcntl,sys; f=open(sys.argv[1],'w'); fcntl.flock(f,fcntl.LOCK_EX);"
                "print('held',flush=True); sys.stdin.read()"
            ),
            str(lock),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdin is not None and holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        with SimulatedPrinter() as device:
            impatient = open_printer(device.url, answer_s=0.2, lock=lock)
            assert impatient.status() == NotReady("printer_offline")
            assert impatient.print(PICTURE) == NotPrinted("printer_offline", maybe_out=False)
            assert device.connections == []
            holder.stdin.close()
            holder.wait(30)
            assert open_printer(device.url, answer_s=20, lock=lock).print(PICTURE) == Printed(paper_near_end=False)
    finally:
        holder.kill()
        holder.wait(30)
        holder.stdout.close()


def test_threads_of_one_process_take_turns(tmp_path: Path) -> None:
    with SimulatedPrinter(serial=True) as device:
        printer = open_printer(device.url, answer_s=60, lock=tmp_path / "printer.lock")
        outcomes: list[object] = []
        workers = [threading.Thread(target=lambda: outcomes.append(printer.print(PICTURE))) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(120)
        assert outcomes == [Printed(paper_near_end=False)] * 4
        assert device.wait_for_job(30, count=4) is not None and device.garbage == 0


def test_a_lock_that_cannot_be_made_costs_no_slip(tmp_path: Path) -> None:
    with SimulatedPrinter() as device:
        printer = open_printer(device.url, lock=tmp_path / "missing" / "printer.lock")
        assert printer.print(PICTURE) == Printed(paper_near_end=False)


def usb(backend: UsbPrinterBackend) -> EscposPrinter:
    return EscposPrinter(where="usb:04b8:0202", connect=lambda: UsbWire(UsbAddress(0x04B8, 0x0202), backend))


def test_usb_takes_the_printer_interface_from_the_kernel_and_gives_it_back() -> None:
    with SimulatedPrinter() as device:
        backend = UsbPrinterBackend(device.url)
        assert usb(backend).print(PICTURE) == Printed(paper_near_end=False)
        assert device.wait_for_job(30) is not None
    assert backend.calls == ["detach", "claim 1", "release 1", "close"]


def test_usb_configures_only_a_device_that_is_not_configured() -> None:
    with SimulatedPrinter() as device:
        backend = UsbPrinterBackend(device.url, configured=False)
        assert usb(backend).status() == Ready(paper_near_end=False)
        assert usb(backend).status() == Ready(paper_near_end=False)
    assert backend.calls.count("set_configuration") == 1


def test_usb_without_bulk_endpoints_or_of_another_maker_is_offline() -> None:
    with SimulatedPrinter() as device:
        assert usb(UsbPrinterBackend(device.url, bulk=False)).status() == NotReady("printer_offline")
        with pytest.raises(WireLost):
            UsbWire(UsbAddress(0x1234, 0x0202), UsbPrinterBackend(device.url))


@pytest.mark.parametrize(
    "stream",
    [
        b"A",
        b"\x1b@\x00",
        b"\x1dv0\x01\x01\x00\x01\x00\xff",
        b"\x1dv0\x00\x02\x00\x01\x00\xff",
        b"\x1b!",
        b"\x10\x04\x05",
    ],
)
def test_the_decoder_forgives_nothing(stream: bytes) -> None:
    with pytest.raises(UnknownByte):
        decode(stream)


def test_the_simulated_printer_answers_as_the_measured_table_says() -> None:
    device = SimulatedPrinter()
    table = {
        ("ok", False, False): (0x12, 0x12, 0x12, 0x12),
        ("near_end", False, False): (0x12, 0x12, 0x12, 0x1E),
        ("out", False, False): (0x1A, 0x32, 0x12, 0x7E),
        ("ok", True, False): (0x1A, 0x16, 0x12, 0x12),
        ("ok", False, True): (0x1A, 0x12, 0x12, 0x12),
    }
    for (paper, cover, offline), answers in table.items():
        device.paper, device.cover_open, device.offline = paper, cover, offline  # type: ignore[assignment] # a table
        assert tuple(map(device.answer, (1, 2, 3, 4))) == answers


def test_a_slip_held_by_a_fault_comes_out_when_it_is_cleared() -> None:
    with (
        SimulatedPrinter() as device,
        socket.create_connection(("127.0.0.1", int(device.url.rsplit(":", 1)[1]))) as line,
    ):
        device.cover_open = True
        line.sendall(build_job(PICTURE).data)
        assert device.wait_for_job(0.3) is None
        device.cover_open = False
        assert device.wait_for_job(30) is not None
        assert list(itertools.islice(device.jobs, 2)) == device.jobs
