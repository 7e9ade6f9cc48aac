"""deploy/install with the hospital's own systems: [his], and a book on a server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests import ROOT
from tests.deploy.installed import SITE, Pc

UNITS = "etc/systemd/system"
HIS = """
[his]
url = "orca+https://kiosk@127.0.0.1:8000/api"
client_certificate_file = "kiosk.pem"
ca_file = "orca-ca.pem"
"""
BOOK = """
[reservations]
url = "postgresql://kiosk-03@127.0.0.1/kiosk"
"""
SHARED = """share = "smb://kiosk@127.0.0.1:1/export"
import_dir = "/srv/exports"
book_password_file = "book.secret"
"""
OF_GATE = ("his.secret", "kiosk.pem", "orca-ca.pem")


@pytest.fixture(scope="module")
def pc() -> Iterator[Pc]:
    with TemporaryDirectory(prefix="kiosk-his-") as place:
        made = Pc(Path(place))
        for name in (*OF_GATE, "book.secret", "appointments.secret"):
            (made.site / name).write_text(f"content of {name}\n", encoding="utf-8")
            (made.site / name).chmod(0o600)
        yield made


def installed(pc: Pc, text: str) -> tuple[set[str], set[str]]:
    """Its services, and who owns what in /etc/kiosk."""
    pc.write_site(text)
    done = pc.install("--config", "site.toml")
    assert done.returncode == 0, done.stderr
    wanted = {path.name.removesuffix(".service") for path in (pc.folder / UNITS / "multi-user.target.wants").iterdir()}
    lines = (pc.folder / "etc/tmpfiles.d/kiosk.conf").read_text(encoding="utf-8").splitlines()
    owners = {f"{line.split()[1]} {line.split()[3]}" for line in lines if line.startswith("z /etc/kiosk/")}
    return wanted, {each.removeprefix("/etc/kiosk/") for each in owners}


def test_the_systems_have_a_service_whose_user_alone_reads_their_secrets(pc: Pc) -> None:
    services, owners = installed(pc, SITE + HIS)
    assert services == {"kiosk-courier", "kiosk-his", "kiosk"}
    assert {f"{name} kiosk-his" for name in OF_GATE} <= owners
    for name in OF_GATE:
        assert f"{(pc.folder / 'etc/kiosk' / name).stat().st_mode & 0o777:04o}" == "0600"


def test_a_book_on_a_server_has_the_password_file_that_no_share_needs(pc: Pc) -> None:
    services, owners = installed(pc, SITE + BOOK)
    assert "kiosk-his" in services and "appointments.secret kiosk-his" in owners


def test_beside_a_share_each_of_two_users_reads_one_password(pc: Pc) -> None:
    services, owners = installed(pc, SITE + BOOK + SHARED)
    assert {"kiosk-his", "kiosk-appointments"} <= services
    assert {"appointments.secret kiosk-fetch", "book.secret kiosk-his"} <= owners


def test_one_file_for_two_users_is_refused(pc: Pc) -> None:
    pc.write_site(SITE + HIS.replace("[his]", '[his]\npassword_file = "terminal.secret"'))
    done = pc.install("--config", "site.toml")
    assert done.returncode == 2
    assert "[his] password_file: name another file" in done.stderr


def test_a_site_without_them_has_no_such_service(pc: Pc) -> None:
    services, _ = installed(pc, SITE)
    assert services == {"kiosk-courier", "kiosk"}
    assert not (pc.folder / UNITS / "kiosk-his.service").exists()


def test_on_the_appliance_the_gate_is_off_unless_the_site_names_a_system_or_a_server() -> None:
    file = ROOT / "deploy/image/tree/etc/systemd/system/kiosk-his.service.d/image.conf"
    text = file.read_text(encoding="utf-8")
    (pattern,) = re.findall(r"^ExecCondition=/usr/bin/grep -Eq '(.*)' /etc/kiosk/site.toml$", text, re.MULTILINE)
    found = re.compile(pattern.replace("[[:space:]]", r"\s"), re.MULTILINE)
    for line, on in (
        ('url = "orca+https://kiosk@orca:8000/api"', True), ("  url='postgresql://kiosk@db/kiosk'", True),
        ('#url = "orca+https://kiosk@orca:8000/api"', False), ('url = "sqlite"', False), ('url = ""', False),
        ('url = "tcp://192.0.2.30:9100"', False),
        ('his = {url = "orca+https://kiosk@orca:8000"}', True), ('# url = "orca+https://kiosk@orca:8000/api"', False),
    ):  # fmt: skip
        assert bool(found.search(f"[his]\n{line}\n")) is on, line
