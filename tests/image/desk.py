"""The reception desk on the appliance: switched on by a stick, behind the firewall, over TLS, and through restarts.

Staff's PC is an address of its own on the wire; a Unix socket leads out of the namespace to each of the two sides.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.desk.running import Staff
from tests.desk.web.browser import Browser
from tests.image import disk, network, provision, security, site, staff
from tests.image.bench import BOOT_S, STEP_S, Bench
from tests.image.machine import Build, Machine, until

_STAFF, _ALLOW = "10.0.2.130", "10.0.2.128/25"
_NAME, _PORT = "desk.hospital.example", 8443
_FIRST, _OWN = "Yoake-no-uketsuke-4821", "uketsuke-no-yama-15"
_TABLES = f"""[network]
address = "{network.GUEST}/24"
[desk]
listen = "0.0.0.0:{_PORT}"
certificate_file = "desk.pem"
key_file = "desk-key.pem"
allow = ["{_ALLOW}"]
keep_days = {{keep_days}}
"""
_USERS = {"kiosk-desk.service": "kiosk-desk", "kiosk-reservations.service": "kiosk"}
_DAY = "/var/lib/kiosk-desk/day.db"


class _Tls(http.client.HTTPSConnection):
    """HTTPS through a Unix socket; the certificate must be the desk's own."""

    def __init__(self, door: Path, certificate: Path) -> None:
        self._context = ssl.create_default_context(cafile=str(certificate))
        super().__init__(_NAME, _PORT, timeout=STEP_S, context=self._context)
        self._door = door

    def connect(self) -> None:
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(STEP_S)
        link.connect(str(self._door))
        self.sock = self._context.wrap_socket(link, server_hostname=_NAME)


@dataclass
class _Remote(Browser):
    """A browser of a PC on the wire. `door`: the Unix socket that leads there."""

    door: Path = field(default_factory=Path)
    certificate: Path = field(default_factory=Path)

    def connection(self) -> http.client.HTTPConnection:
        return _Tls(self.door, self.certificate)


@dataclass
class _Site:
    """The PC and both sides of its wall. `folder`: certificate and key, sockets."""

    bench: Bench
    machine: Machine
    folder: Path

    def browser(self, source: str = _STAFF) -> _Remote:
        """A browser on the PC with the address `source`."""
        return _Remote(_PORT, f"{_NAME}:{_PORT}", door=_door(self.folder, source), certificate=self.folder / "desk.pem")

    def until_answers(self, name: str) -> None:
        """Until staff get the log-in page; the seconds as a figure."""

        def there() -> bool:
            with suppress(OSError, http.client.HTTPException):
                return self.browser().get("/login").status == 200
            return False

        with self.bench.timed(name):
            until(there, "the desk's log-in page", BOOT_S, 1.0)

    def enter(self, password: str, path: str = "/") -> Staff:
        """The chief logs in, and is sent to `path`."""
        browser = self.browser()
        answer = browser.post("/login", token="", name="chief", password=password)
        assert (answer.status, answer.path) == (303, path), answer.text
        return Staff(browser)

    def take(self, keep_days: int) -> None:
        """A stick with this site."""
        files = self.bench.hospital.changed_site_files(_TABLES.format(keep_days=keep_days))
        files |= {name: (self.folder / name).read_bytes() for name in ("desk.pem", "desk-key.pem")}
        files["desk-chief.secret"] = f"{_FIRST}\n".encode()
        stick = self.bench.hospital.stick(self.folder / "desk.img", files)
        result = provision.result_of(self.bench, self.machine, stick)
        assert result["accepted"], result["wrong"]
        self.until_answers(f"log_in_after_stick_{keep_days}")

    def restart(self, name: str) -> None:
        """Off by the button, and on."""
        self.machine.shut_down()
        self.machine = self.bench.again(self.machine)
        self.until_answers(name)

    def tap(self, at: Staff) -> None:
        """A patient's result in the terminal's folder becomes a row, and is delivered."""
        hospital, file, before = self.bench.hospital, site.result(), len(at.list())
        with self.bench.timed("tap_to_row"):
            hospital.put(file)
            until(lambda: len(at.list()) > before, "a row of the tap", STEP_S, 0.2)
        there = hospital.to_face / file.name
        until(there.exists, "the file at the receipt computer", STEP_S)
        assert there.read_bytes() == file.content
        there.unlink()


def _door(folder: Path, source: str) -> Path:
    return folder / f"from-{source}.sock"


@contextmanager
def _doors(folder: Path) -> Iterator[None]:
    with network.running(*_relay(folder, _STAFF)), network.running(*_relay(folder, site.HOST)):
        for source in (_STAFF, site.HOST):
            until(_door(folder, source).exists, f"the way from {source}", 30)
        yield


def _relay(folder: Path, source: str) -> tuple[str, ...]:
    to = f"TCP:{network.GUEST}:{_PORT},bind={source},connect-timeout=20"
    return "socat", f"UNIX-LISTEN:{_door(folder, source)},fork", to


def _certificate(folder: Path) -> None:
    """As the guide makes one, but signed by itself."""
    disk.say(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "30", "-subj", f"/CN={_NAME}",
        "-addext", f"subjectAltName=DNS:{_NAME}", "-keyout", folder / "desk-key.pem", "-out", folder / "desk.pem",
    )  # fmt: skip


def run(bench: Bench) -> None:
    """A stick brings the desk; `allow` alone reaches it; a tap is a row, and `keep_days` says what a restart leaves."""
    ports = str(bench.hospital.server.port), bench.hospital.printer.url.rpartition(":")[2]
    with network.wire(_STAFF):
        machine = bench.fresh("desk", Build(tap=network.TAP, netns=network.NETNS))
        _certificate(machine.folder)
        with network.hospital(machine.folder, ports), _doors(machine.folder):
            try:
                bench.until_up(machine)
                _prove(_Site(bench, machine, machine.folder))
            except AssertionError:  # the PC is gone before others look for evidence
                assert bench.machine is not None
                bench.say(bench.machine.shell.run("journalctl -b --no-pager -o short | tail -60")[1])
                raise
            finally:
                bench.end_machine()


def _prove(desk: _Site) -> None:
    desk.take(keep_days=1)
    _units(desk)
    _wall(desk)
    chief = desk.enter(_FIRST, "/me")
    _own_password(chief, _FIRST)
    desk.tap(chief)
    _no_trace(desk)
    # Somebody forgot it: the technician's page gives another, which is the only one that opens.
    answers = staff.ask_unlocked(desk.machine, {"do": "desk_chief"})
    given = answers[-2]["line"].split()[-1]
    assert desk.browser().post("/login", token="", name="chief", password=_OWN).status == 403
    _own_password(desk.enter(given, "/me"), given)
    kept = desk.enter(_OWN).list()
    desk.restart("log_in_after_restart")
    assert desk.enter(_OWN).list() == kept, "keep_days = 1: today's visits are not those before the restart"
    desk.take(keep_days=0)
    assert desk.machine.shell.run(f"ls {_DAY}")[0] != 0, "visits that are kept no longer are still on the disk"
    chief = desk.enter(_OWN)
    desk.tap(chief)
    desk.restart("log_in_after_second_restart")
    assert not desk.enter(_OWN).list(), "keep_days = 0: visits came through a restart"
    _no_faults(desk.machine)


def _own_password(chief: Staff, first: str) -> None:
    chief.press("/me", "/me/password", old=first, new=_OWN, repeat=_OWN)


def _units(desk: _Site) -> None:
    """They run as their users, behind the walls we say."""
    shell = desk.machine.shell
    for unit, user in _USERS.items():
        owner = shell.value(f"stat -c %U /proc/$(systemctl show -P MainPID {unit})")
        assert owner == user, f"{unit} runs as {owner}"
        figure = security.exposure(desk.machine, unit)
        desk.bench.figure(unit.removesuffix(".service"), figure)
        assert figure <= security.EXPOSURE_MAX[unit], f"{unit} is more exposed than we say: {figure}"
    for other in ("kiosk", "kiosk-courier", "kiosk-fetch"):
        assert shell.run(f"runuser -u {other} -- ls /var/lib/kiosk-desk")[0] != 0, f"{other} can look at the desk's"


def _no_faults(machine: Machine) -> None:
    """What its walls keep from it would be a fault of the desk's own, or a page that is none."""
    code, lines = machine.shell.run("journalctl -o cat --no-pager | grep -E '^desk_(page_)?failed:'", STEP_S)
    assert code != 0, f"the desk had faults: {lines}"


def _wall(desk: _Site) -> None:
    """From `allow` just one port answers, with the site's certificate; from elsewhere none."""
    page = desk.browser().get("/login")
    assert page.status == 200 and "受付デスク" in page.text
    with suppress(OSError, http.client.HTTPException):
        outside = desk.browser(site.HOST).get("/login")
        raise AssertionError(f"the desk answers {site.HOST}, which is not in `allow`: {outside.status}")
    found = network.open_ports(_STAFF)
    assert found == [[_PORT, "open"]], f"ports that answer {_STAFF}: {found}"


def _no_trace(desk: _Site) -> None:
    """No secret in clear, and nothing of the patient in the log."""
    clear = provision.secrets_in_clear(desk.machine, _FIRST, _OWN, "PRIVATE.KEY")
    assert not clear, f"in clear: {clear}"
    for word in (site.PERSON.number, site.PERSON.name, site.PERSON.birthdate):
        code, lines = desk.machine.shell.run(f"journalctl -b -o cat --no-pager | grep -F '{word}'", STEP_S)
        assert code != 0, f"the log has something of the patient: {lines}"
