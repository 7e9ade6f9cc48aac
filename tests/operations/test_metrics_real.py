"""`kiosk metrics` beside a real reception, courier, printer and file server: scraped over HTTP, pushed to a share."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from kiosk.operations.metrics import Push
from tests import ROOT
from tests.hospital import DEADLINE_S, PATIENT_OF, Hospital, wait_until
from tests.peers.samba import Smbd
from tests.process.test_systemd import Manager

pytestmark = [pytest.mark.peers, pytest.mark.long]
APPOINTMENT = f"{PATIENT_OF['valid-utf8']},{{today}},13:00,内科,佐藤,"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def running(hospital: Hospital, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """`kiosk metrics` as a process; killed at the end if it is still there."""
    process = subprocess.Popen(
        hospital.command("metrics"), cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def scrape(port: int) -> str:
    """The text that Prometheus gets; "" as long as nobody answers."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        line.request("GET", "/metrics")
        return line.getresponse().read().decode()
    except ConnectionError:
        return ""
    finally:
        line.close()


def value(text: str, name: str, **labels: str) -> float | None:
    """The value of one series; the host's name does not matter."""
    wanted = {f'{key}="{word}"' for key, word in labels.items()}
    for listed, number in re.findall(rf"^{name}{{(.*)}} (\S+)$", text, re.MULTILINE):
        if {each for each in listed.split(",") if not each.startswith("kiosk=")} == wanted:
            return float(number)
    return None


def visit(hospital: Hospital) -> None:
    """A whole visit with the patient's own result file, then one that is cancelled; the reception goes on."""
    hospital.book(APPOINTMENT)
    reception = hospital.open("--no-courier")
    reception.choose_my_number()
    hospital.tap("valid-utf8")
    reception.until("done")
    hospital.wait_delivered("valid-utf8")
    reception.press("close")
    reception.until("choose_card")
    reception.press("mynumber")
    reception.until("tap_reader")
    reception.press("cancel")
    reception.until("choose_card")


def test_a_visit_is_seen_from_afar_and_a_hanging_courier_makes_no_scrape_slow(tmp_path: Path) -> None:
    port = free_port()
    with Hospital(tmp_path, settings={"metrics": {"listen": f'"127.0.0.1:{port}"'}}) as hospital:
        courier = hospital.open_courier()
        visit(hospital)
        manager = Manager(tmp_path, abstract=True)
        with running(hospital, NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="4000000") as process:
            manager.wait("READY=1")
            done = {"way": "mynumber", "outcome": "done"}
            wait_until(lambda: value(scrape(port), "kiosk_receptions_total", **done) == 1, "the visit is counted")
            text = scrape(port)
            assert value(text, "kiosk_receptions_total", way="mynumber", outcome="cancelled") == 1
            assert value(text, "kiosk_slips_total", result="printed") == 1
            assert value(text, "kiosk_visit_seconds_count") == 2
            for name in ("reception_up", "courier_up", "printer_ready", "imports_ok", "open"):
                assert value(text, f"kiosk_{name}") == 1, name
            assert value(text, "kiosk_queue_files") == 0
            assert value(text, "kiosk_share_up", share="terminal.results") == 1
            assert PATIENT_OF["valid-utf8"] not in text
            assert not re.search("内科|佐藤|OQS", text)

            courier.send_signal(signal.SIGSTOP)
            slowest = 0.0

            def is_down() -> bool:
                nonlocal slowest
                began = time.monotonic()
                seen = value(scrape(port), "kiosk_courier_up")
                slowest = max(slowest, time.monotonic() - began)
                return seen == 0

            wait_until(is_down, "the hanging courier is told")
            assert slowest < 5.0  # for so long the courier is waited for, but not by a scrape
            courier.send_signal(signal.SIGCONT)
            wait_until(lambda: value(scrape(port), "kiosk_courier_up") == 1, "the courier is told again")
            manager.wait("WATCHDOG=1", 3)
            process.terminate()
            assert process.wait(DEADLINE_S) == 0
            manager.wait("STOPPING=1")
        manager.close()


def test_nothing_but_loopback_is_listened_to_and_the_printer_is_left_alone(tmp_path: Path) -> None:
    port = free_port()
    with Hospital(tmp_path, settings={"metrics": {"listen": f'"127.0.0.1:{port}"'}}) as hospital:
        connections = len(hospital.printer.connections)
        with running(hospital) as process:
            wait_until(lambda: scrape(port), "figures")
            sockets = {str(each.readlink()) for each in Path(f"/proc/{process.pid}/fd").iterdir()}
            ours = [
                row[1]
                for table in ("tcp", "tcp6", "udp", "udp6")
                for row in map(str.split, Path(f"/proc/{process.pid}/net/{table}").read_text().splitlines()[1:])
                if f"socket:[{row[9]}]" in sockets and row[3] in ("0A", "07")  # listening TCP, open UDP
            ]
            assert ours == [f"0100007F:{port:04X}"]
        assert len(hospital.printer.connections) == connections


def watch(path: Path, until: threading.Event) -> tuple[int, list[str]]:
    """(how many versions were seen, what was not whole) of a file that is read again and again."""
    versions, broken = set(), []
    while not until.wait(0.002):  # a writer of whole seconds is met all the same, and the others get the processor
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        versions.add(re.findall(r"^kiosk_facts_timestamp_seconds.*$", text, re.MULTILINE)[:1].__repr__())
        if not (text.startswith("# HELP kiosk_") and "\n# TYPE kiosk_boot_time_seconds" in text and text[-1] == "\n"):
            broken.append(text)
    return len(versions), broken


def figures_hospital(folder: Path, server: Smbd) -> Hospital:
    settings = {"push": f'"{server.url("figures")}"', "push_every_s": "5", "password_file": '"m.secret"'}
    return Hospital(folder, settings={"metrics": settings})


def test_the_file_in_the_share_is_always_whole_and_goes_on_after_the_share_was_away(tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    with Smbd({"figures": folder}) as server, figures_hospital(tmp_path / "site", server) as hospital:
        (hospital.root / "m.secret").write_text(server.password + "\n")
        (hospital.root / "m.secret").chmod(0o600)
        with running(hospital) as process:
            printed = lines_of(process)
            wait_until(lambda: list(folder.glob("kiosk-*.prom")), "the first file")
            [path] = folder.glob("kiosk-*.prom")
            first = path.read_text(encoding="utf-8")
            ended = threading.Event()
            seen: list[tuple[int, list[str]]] = []
            reader = threading.Thread(target=lambda: seen.append(watch(path, ended)))
            reader.start()
            wait_until(lambda: newer_than(first, path), "a later file")
            server.kill()
            wait_until(lambda: printed, "a complaint")
            assert printed[0].startswith("[metrics] push: the figures are not written: ")
            assert server.password not in printed[0]
            path.unlink(missing_ok=True)
            server.start()
            wait_until(path.exists, "the file is there again")
            wait_until(lambda: printed[1:] == ["[metrics] push: the figures are written again\n"], "that it is over")
            ended.set()
            reader.join(DEADLINE_S)
            [(versions, broken)] = seen
            assert (versions >= 2, broken) == (True, [])
            assert [each.name for each in folder.iterdir()] == [path.name]
            process.terminate()
            assert process.wait(DEADLINE_S) == 0


def newer_than(text: str, path: Path) -> bool:
    with suppress(FileNotFoundError):  # just then it is being replaced
        return path.read_text(encoding="utf-8") != text
    return False


def lines_of(process: subprocess.Popen[str]) -> list[str]:
    """A list that grows by each line of its standard error."""
    lines: list[str] = []
    threading.Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True).start()
    return lines


def test_many_writes_beside_a_reader_never_show_half_a_file(tmp_path: Path) -> None:
    """The same by the part that writes, a hundred times as fast as a site would."""
    from drivers.share import open_share

    folder = tmp_path / "figures"
    folder.mkdir()
    ended = threading.Event()
    seen: list[bytes] = []

    def read() -> None:
        while not ended.is_set():
            for path in folder.glob("*.prom"):
                try:
                    seen.append(path.read_bytes())
                except FileNotFoundError:
                    continue

    with Smbd({"figures": folder}) as server:
        push = Push(open_share(server.url("figures"), server.password), "k1", pytest.fail)
        reader = threading.Thread(target=read)
        reader.start()
        try:
            texts = [bytes([65 + each % 26]) * 9000 for each in range(100)]
            assert [push.write(text) for text in texts] == [True] * len(texts)
            wait_until(lambda: seen and seen[-1] == texts[-1], "the last file is read")
        finally:
            ended.set()
            reader.join()
    assert set(seen) <= set(texts)


def test_once_shows_the_figures_of_a_running_reception_and_status_tells_the_machine_too(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        hospital.open().until("choose_card")
        wait_until(lambda: value(hospital.kiosk("metrics", "--once").stdout, "kiosk_printer_ready") == 1, "figures")
        assert "    disk: " in hospital.kiosk("status").stdout
        assert json.loads(hospital.kiosk("status", "--json").stdout)["machine"]["disk_size_bytes"] > 0
