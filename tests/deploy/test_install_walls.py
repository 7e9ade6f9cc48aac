"""The processes inside the walls of their units, against real servers.

What systemd alone can build (its view of the file system, its list of devices) is not tried here.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from drivers.reservations import Departments
from drivers.reservations.over_socket import SocketBook
from drivers.simulated.orca import SimulatedOrca, server_tls
from kiosk.his.opened import SYSTEM_SOCKET
from tests import ROOT
from tests.desk.running import RunningDesk, free_port, tap_now
from tests.hospital import DEADLINE_S, Hospital, vector, wait_until
from tests.operations.test_check_desk import write_certificate
from tests.peers import walls
from tests.site_toml import Site, with_


def inside(unit: str, *command: str, **env: str) -> subprocess.Popen[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing (Debian package systemd)")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.peers.walls", ROOT / "deploy/units" / unit, sys.executable, "-P", *command],
        cwd=ROOT, env={**os.environ, **env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE_S)


@pytest.fixture(autouse=True)
def seccomp() -> None:
    try:
        ctypes.CDLL(walls.LIBRARY)
    except OSError:
        pytest.skip(f"{walls.LIBRARY} is missing (Debian package libseccomp2)")


@pytest.mark.peers
def test_the_walls_are_there() -> None:
    """Otherwise the tests below would prove nothing."""
    program = (
        "import mmap, os\n"
        "for name, call in (('memory', lambda: mmap.mmap(-1, 4096, prot=7)), ('mount', lambda: os.chroot('/'))):\n"
        "    try: call(); print(name, 'is allowed')\n"
        "    except OSError: print(name, 'is refused')\n"
    )
    with ended(inside("kiosk-courier.service", "-c", program)) as process:
        said, wrong = process.communicate(timeout=DEADLINE_S)
    assert (said, wrong) == ("memory is refused\nmount is refused\n", "")
    with ended(inside("kiosk.service", "-c", program)) as process:
        said, _ = process.communicate(timeout=DEADLINE_S)
    assert said == "memory is allowed\nmount is refused\n"  # Mesa compiles shaders


@pytest.mark.peers
def test_the_courier_delivers_over_encrypted_shares_from_inside_its_walls(tmp_path: Path) -> None:
    with Hospital(tmp_path / "site") as hospital, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service_manager:
        service_manager.bind(str(tmp_path / "notify"))
        service_manager.settimeout(DEADLINE_S)
        name, content = vector("valid-utf8")
        command = ("-m", "kiosk", "courier", "--config", str(hospital.site))
        with ended(
            inside("kiosk-courier.service", *command, NOTIFY_SOCKET=str(tmp_path / "notify"), PYTHONPATH=str(ROOT))
        ) as courier:
            assert service_manager.recv(4096).startswith(b"READY=1")
            (hospital.folder("face") / name).write_bytes(content)
            wait_until((hospital.folder("to_face") / name).exists, "delivered")
            wait_until(lambda: not (hospital.folder("face") / name).exists(), "taken out of the terminal's folder")
            assert (hospital.folder("to_face") / name).read_bytes() == content
            courier.terminate()
            assert courier.wait(DEADLINE_S) == 0


@pytest.mark.peers
def test_the_reception_runs_inside_its_walls(tmp_path: Path) -> None:
    with Hospital(tmp_path / "site", card_reader=True) as hospital:
        command = ("-m", "kiosk", "run", "--headless", "--no-courier", "--config", str(hospital.site))
        with ended(inside("kiosk.service", *command, PYTHONPATH=str(ROOT))) as reception:
            assert reception.stdout and reception.stdin
            assert json.loads(reception.stdout.readline())["screen"] == "choose_card"
            reception.communicate("quit\n", timeout=DEADLINE_S)
            assert reception.returncode == 0


@pytest.mark.peers
def test_the_gate_asks_an_orca_over_tls_from_inside_its_walls(tmp_path: Path) -> None:
    """Its certificate is asked for, and the other one's is believed by its authority alone."""
    names = [x509.IPAddress(ip_address("127.0.0.1"))]
    for name in ("server", "kiosk"):
        write_certificate(tmp_path, name, days=36_500, names=names)
        pem = tmp_path / f"{name}.pem"
        (tmp_path / f"{name}-both.pem").write_bytes(pem.read_bytes() + (tmp_path / f"{name}-key.pem").read_bytes())
    tls = server_tls(tmp_path / "server-both.pem", clients=tmp_path / "kiosk.pem")
    with SimulatedOrca(tls=tls) as orca, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service_manager:
        service_manager.bind(str(tmp_path / "notify"))
        service_manager.settimeout(DEADLINE_S)
        site = Site(tmp_path)
        keys = (f'url = "{orca.url}"', 'ca_file = "server.pem"', 'client_certificate_file = "kiosk-both.pem"')
        site.load(with_("his", *keys))
        site.secret("his.secret", orca.password)
        env = {"KIOSK_HIS_DIR": str(tmp_path / "kept"), "KIOSK_HIS_RUN_DIR": str(tmp_path / "run")}
        command = ("-m", "kiosk", "his", "--config", str(site.file))
        notify = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "PYTHONPATH": str(ROOT)}
        with ended(inside("kiosk-his.service", *command, **env, **notify)) as gate:
            assert service_manager.recv(4096).startswith(b"READY=1")
            until = time.monotonic() + DEADLINE_S
            answer = SocketBook(tmp_path / "run", SYSTEM_SOCKET).departments(date(2026, 1, 15), until)
            assert isinstance(answer, Departments) and answer.departments, answer
            gate.terminate()
            assert gate.wait(DEADLINE_S) == 0


DESK_SITE = """
[site]
name = "架空医院"
institution_code = "9912345678"
pattern = 1
data_dir = "{folder}/data"
[terminal]
results = "file://{folder}/terminal"
[desk]
listen = "127.0.0.1:{port}"
feed = "watch"
print = "on_tap"
printer = "file://{folder}/paper"
"""
WALLED = """
import sys
from pathlib import Path
from tests.peers.walls import hide_proc
hide_proc(Path(sys.argv.pop(1)))
from kiosk.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.peers
def test_the_desk_lets_staff_in_and_prints_inside_its_walls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIOSK_DESK_RUN_DIR", str(tmp_path / "run"))
    for name in ("data", "terminal", "paper", "run"):
        (tmp_path / name).mkdir(mode=0o700)
    site, port, unit = tmp_path / "site.toml", free_port(), str(ROOT / "deploy/units/kiosk-desk.service")
    site.write_text(DESK_SITE.format(folder=tmp_path, port=port), encoding="utf-8")
    program = (sys.executable, "-m", "tests.peers.walls", unit, sys.executable, "-c", WALLED, unit)
    with RunningDesk(site, port, program) as desk:
        staff, made = desk.staff(), tap_now()
        hidden = tmp_path / "terminal" / ".part"
        hidden.write_bytes(made.result.content)
        hidden.rename(tmp_path / "terminal" / made.result.name)
        wait_until(lambda: any((tmp_path / "paper").iterdir()), "a sheet of the tap")
        staff.until(1, state="waiting")
