"""`kiosk check` of the reception desk: certificate, printer, folders, table of patients, whom it asks."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from drivers.share import LogonGate, open_share
from kiosk import config
from kiosk.config import Config, ConfigError
from kiosk.desk import certificate
from kiosk.operations.check import desk, plan
from kiosk.operations.check.finding import Finding

NOW = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
SITE = """
[site]
name = "架空医院"
institution_code = "9912345678"
pattern = 2
data_dir = "{folder}/data"
[terminal]
results = "file://{folder}/face"
[receipt_computer]
results = "file://{folder}/to"
[printer]
url = "file://{folder}/slips"
[desk]
{lines}
"""
TLS = 'certificate_file = "desk.pem"\nkey_file = "desk-key.pem"\n'


def write_certificate(
    folder: Path, name: str = "desk", days: int = 365, names: Sequence[x509.GeneralName] = ()
) -> ec.EllipticCurvePrivateKey:
    """A certificate that signs itself, valid from a day before NOW on."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "desk.hospital.example")])
    begun = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=days))
    )
    if names:
        begun = begun.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = begun.sign(key, hashes.SHA256())
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / f"{name}-key.pem"
    file.write_bytes(private)
    file.chmod(0o600)
    return key


def load(folder: Path, lines: str = "") -> Config:
    file = folder / "site.toml"
    file.write_text(SITE.format(folder=folder, lines=lines), encoding="utf-8")
    return config.load(file, {})


def of_certificate(folder: Path, lines: str = TLS, now: datetime = NOW) -> Finding:
    return desk.certificate(load(folder, lines), now)


def test_a_certificate_with_its_key_is_well_until_a_month_before_its_end(tmp_path: Path) -> None:
    write_certificate(tmp_path, days=100)
    found = of_certificate(tmp_path)
    assert (found.result, found.remedy) == ("OK", None)
    assert "2026-04-25" in found.message
    near = of_certificate(tmp_path, now=NOW + timedelta(days=71))
    assert near.result == "OK" and "替えて" in near.do()
    for now in (NOW + timedelta(days=101), NOW - timedelta(days=2)):
        assert of_certificate(tmp_path, now=now).result == "NG"
    assert of_certificate(tmp_path, "").result == "SKIP"


def test_files_that_cannot_serve_a_page_are_wrong_and_named(tmp_path: Path) -> None:
    assert "desk.pem" in of_certificate(tmp_path).message  # not there
    write_certificate(tmp_path)
    (tmp_path / "desk-key.pem").chmod(0o640)
    assert "0640" in of_certificate(tmp_path).message
    write_certificate(tmp_path, "other")
    (tmp_path / "other-key.pem").rename(tmp_path / "desk-key.pem")
    found = of_certificate(tmp_path)
    assert (found.result, "秘密鍵" in found.message) == ("NG", True)
    key = write_certificate(tmp_path)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    (tmp_path / "desk-key.pem").write_bytes(locked)
    assert of_certificate(tmp_path).result == "NG"  # and nobody is asked for the password
    write_certificate(tmp_path)
    (tmp_path / "ca.pem").write_text("no certificate")
    assert "ca.pem" in of_certificate(tmp_path, TLS + 'client_ca_file = "ca.pem"\n').message


def test_a_page_is_asked_for_by_the_names_of_the_certificate_and_this_machines_own(tmp_path: Path) -> None:
    local = ("localhost", "127.0.0.1", "[::1]")
    names: list[x509.GeneralName] = [
        x509.DNSName("Desk.Hospital.example"), x509.DNSName("*.hospital.example"),
        x509.IPAddress(ip_address("192.0.2.40")), x509.IPAddress(ip_address("fd00::40")),
    ]  # fmt: skip
    own = ("desk.hospital.example", "192.0.2.40", "[fd00::40]")
    lines = f'{TLS}listen = "0.0.0.0:8443"\nallow = ["192.0.2.0/24"]'
    write_certificate(tmp_path, names=names)
    settings = load(tmp_path, lines).desk
    assert settings is not None
    assert certificate.hosts(settings, certificate.read(tmp_path / "desk.pem")) == (*local, *own)
    write_certificate(tmp_path)
    assert certificate.hosts(settings, certificate.read(tmp_path / "desk.pem")) == (*local, own[0])
    inside = load(tmp_path, 'listen = "127.0.0.9:8443"').desk
    assert inside is not None and certificate.hosts(inside, None) == (*local, "127.0.0.9")


def test_the_files_may_be_credentials_of_any_mode(tmp_path: Path) -> None:
    site, credentials = tmp_path / "site", tmp_path / "credentials"
    site.mkdir()
    credentials.mkdir()
    write_certificate(credentials)
    (credentials / "desk-key.pem").chmod(0o444)
    loaded = load(site, TLS)
    found = config.tls(loaded, {"CREDENTIALS_DIRECTORY": str(credentials)})
    assert found is not None and found.certificate == credentials / "desk.pem"
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(found.certificate, found.key)
    with pytest.raises(ConfigError, match=r"\[desk\] certificate_file"):
        config.tls(loaded, {})


def test_a_printer_is_asked_and_prints_nothing(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    for lines, result in (
        ("", "SKIP"), (f'printer = "file://{tmp_path}/pages"', "OK"), ('printer = "ipp://127.0.0.1:1/ipp/print"', "NG"),
        (f'printer = "file://{tmp_path}/none"', "NG"),
    ):  # fmt: skip
        settings = load(tmp_path, lines).desk
        assert settings is not None
        assert desk.printer(settings).result == result, lines
    assert list((tmp_path / "pages").iterdir()) == []


def share(loaded: Config, key: str, url: str) -> Finding:
    return desk.share(loaded, key, url, lambda url, password, gate: open_share(url, password, gate=gate), LogonGate())


def test_a_folder_of_the_desk_is_reached_and_counted_or_wrong(tmp_path: Path) -> None:
    (tmp_path / "req").mkdir()
    (tmp_path / "req" / "a.xml").write_text("x")
    loaded = load(tmp_path)
    found = share(loaded, "requests", f"file://{tmp_path}/req")
    assert (found.code, found.result) == ("desk_requests", "OK") and "1 件" in found.message
    assert share(loaded, "requests", f"file://{tmp_path}/none").result == "NG"
    assert share(loaded, "export", "").result == "SKIP"
    missing = share(loaded, "answers", "smb://u@127.0.0.1:1/x")
    assert missing.result == "NG" and "password_file" in missing.message
    assert list((tmp_path / "req").iterdir()) == [tmp_path / "req" / "a.xml"]


def test_a_table_of_patients_that_cannot_be_used_is_reported_without_a_patient(tmp_path: Path) -> None:
    table = tmp_path / "patients.csv"
    assert desk.patients(None).result == "SKIP"
    assert desk.patients(table).result == "NG"
    table.write_text("number,name,kana,birth\n1,架空太郎,カクウ,19500102\n1,架空花子,カクウ,1950-99-99\n", "utf-8")
    found = desk.patients(table)
    assert found.result == "NG" and "架空" not in found.message
    table.write_text("number,name,kana,birth\n1,架空太郎,カクウ,19500102\n", encoding="utf-8")
    assert desk.patients(table).result == "OK"


def test_nobody_there_to_ask_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    loaded = load(tmp_path)
    assert desk.reservations(loaded, NOW).result == "SKIP"
    assert desk.courier(loaded).result == "SKIP"
    assert desk.running(tmp_path / "none").result == "SKIP"


def test_a_site_without_a_desk_has_no_line_of_one(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(SITE.format(folder=tmp_path, lines="").replace("[desk]", ""), encoding="utf-8")
    jobs = plan.jobs(config.load(file, {}), plan.Options(print_slip=False, ask=None, stop=threading.Event()))
    assert not [code for job in jobs for code in job.codes if code.startswith("desk")]
