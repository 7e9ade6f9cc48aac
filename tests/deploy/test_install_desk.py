"""deploy/install with a reception desk: beside a kiosk, and on a PC that is a desk only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from kiosk.config.installed import SEAL
from kiosk.process.sealing import EXPECTED
from tests import ROOT
from tests.deploy.installed import SITE, Pc
from tests.operations.test_check_desk import write_certificate

UNITS = "etc/systemd/system"
DESK = """
[reference_numbers]
map = "numbers.csv"
[desk]
listen = "0.0.0.0:8443"
allow = ["192.0.2.0/24"]
certificate_file = "desk.pem"
key_file = "desk-key.pem"
patients = "/srv/kiosk/patients.csv"
requests = "smb://kiosk@127.0.0.1:1/req"
export = "/srv/kiosk/out"
"""
ALONE = """
[site]
name = "架空医院"
institution_code = "9912345678"
pattern = 2
data_dir = "/var/lib/kiosk"
[terminal]
results = "smb://kiosk@127.0.0.1:1/face"
[desk]
feed = "watch"
"""


def write_files(folder: Path) -> None:
    write_certificate(folder)
    (folder / "numbers.csv").write_text("reference_number,patient_number\n", encoding="utf-8")
    for name in ("desk.secret", "desk-chief.secret"):
        (folder / name).write_text("password of the desk\n", encoding="utf-8")
        (folder / name).chmod(0o600)


def services(pc: Pc) -> set[str]:
    return {path.name.removesuffix(".service") for path in (pc.folder / UNITS / "multi-user.target.wants").iterdir()}


@pytest.fixture(scope="module")
def beside() -> Iterator[Pc]:
    """A PC with a kiosk and a desk."""
    with TemporaryDirectory(prefix="kiosk-desk-") as place:
        pc = Pc(Path(place))
        write_files(pc.site)
        pc.write_site(SITE + DESK)
        done = pc.install("--config", "site.toml")
        assert done.returncode == 0, done.stderr
        yield pc


@pytest.fixture(scope="module")
def alone() -> Iterator[Pc]:
    """A PC that is a desk only."""
    with TemporaryDirectory(prefix="kiosk-alone-") as place:
        pc = Pc(Path(place))
        pc.write_site(ALONE)
        done = pc.install("--config", "site.toml")
        assert done.returncode == 0, done.stderr
        yield pc


def test_beside_a_kiosk_the_desk_has_its_services_and_each_file_its_user(beside: Pc) -> None:
    assert services(beside) == {"kiosk", "kiosk-courier", "kiosk-reservations", "kiosk-desk"}
    lines = (beside.folder / "etc/tmpfiles.d/kiosk.conf").read_text(encoding="utf-8").splitlines()
    for name in ("desk.secret", "desk-chief.secret", "desk.pem", "desk-key.pem"):
        assert f"z /etc/kiosk/{name} 0600 kiosk-desk kiosk -" in lines
    # The desk looks numbers up in the reception's table.
    assert "z /etc/kiosk/numbers.csv 0640 kiosk kiosk -" in lines
    assert f"{(beside.folder / 'etc/kiosk/numbers.csv').stat().st_mode & 0o777:04o}" == "0640"
    assert f"{(beside.folder / 'etc/kiosk/desk-key.pem').stat().st_mode & 0o777:04o}" == "0600"
    drop_in = (beside.folder / UNITS / "kiosk-desk.service.d/site.conf").read_text(encoding="utf-8")
    assert 'ReadWritePaths="-/srv/kiosk/out"' in drop_in
    # For answers in the terminal's folder; the file itself is the courier's user's alone.
    assert "LoadCredential=terminal.secret:/etc/kiosk/terminal.secret" in drop_in


def test_a_pc_that_is_a_desk_only_keeps_its_screen_its_log_in_and_its_keys(alone: Pc) -> None:
    assert services(alone) == {"kiosk-reservations", "kiosk-desk"}
    for name in ("getty@tty1.service", "ctrl-alt-del.target", "kiosk.service", "kiosk-courier.service"):
        assert not (alone.folder / UNITS / name).exists() and not (alone.folder / UNITS / name).is_symlink()
    left = {path.name for path in (alone.folder / "etc").rglob("*") if path.is_file()}
    assert not left & {"72-kiosk.rules", "99-kiosk.conf"}
    assert "LoadCredential=terminal.secret:" in (alone.folder / UNITS / "kiosk-desk.service.d/site.conf").read_text()


def test_its_commands_know_what_it_is(alone: Pc) -> None:
    status = alone.kiosk("status")
    assert status.returncode == 1, status.stderr
    assert "The reception desk (kiosk desk) does not run" in status.stdout and "courier" not in status.stdout
    for command, table in (("courier", "receipt_computer"), ("run", "printer")):
        done = alone.kiosk(command)
        assert (done.returncode, f"[{table}]: missing" in done.stderr) == (2, True)
    assert alone.kiosk("desk", "user", "list").returncode == 0


def test_it_becomes_a_kiosk_and_a_desk_only_again(alone: Pc) -> None:
    alone.write_site(SITE)
    assert alone.install("--config", "site.toml").returncode == 0
    assert services(alone) == {"kiosk", "kiosk-courier"}
    assert not (alone.folder / UNITS / "kiosk-desk.service.d").exists() or not list(
        (alone.folder / UNITS / "kiosk-desk.service.d").iterdir()
    )
    alone.write_site(ALONE)
    assert alone.install("--config", "site.toml").returncode == 0
    assert services(alone) == {"kiosk-reservations", "kiosk-desk"}


def test_a_certificate_that_does_not_fit_its_key_is_refused_before_anything_is_switched(beside: Pc) -> None:
    before = beside.tree()
    write_certificate(beside.site, "other")
    text = (SITE + DESK).replace('key_file = "desk-key.pem"', 'key_file = "other-key.pem"')
    beside.write_site(text)
    done = beside.install("--config", "site.toml")
    assert done.returncode == 2
    assert "[desk] certificate_file" in done.stderr and "/.stage-" not in done.stderr
    assert beside.tree() == before


# The units ------------------------------------------------------------------------------------------------------------


def setting(unit: str, key: str) -> list[str]:
    text = (ROOT / "deploy/units" / unit).read_text(encoding="utf-8")
    return re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)


def test_the_desk_is_a_user_of_its_own_that_meets_the_courier_in_one_folder_in_memory() -> None:
    assert (setting("kiosk-desk.service", "User"), setting("kiosk-courier.service", "User")) == (
        ["kiosk-desk"], ["kiosk-courier"],
    )  # fmt: skip
    assert setting("kiosk-desk.service", "MemoryMax") == ["200M"]
    users = (ROOT / "deploy/units/sysusers.conf").read_text(encoding="utf-8").splitlines()
    folders = (ROOT / "deploy/units/tmpfiles.conf").read_text(encoding="utf-8").splitlines()
    assert {"m kiosk-courier kiosk-spool", "m kiosk-desk kiosk-spool", "m kiosk-desk kiosk-line"} <= set(users)
    # Sticky: the desk, whose folder it is, takes away what it was given; the courier what it put there.
    assert "d /run/kiosk-desk/in 3770 kiosk-desk kiosk-spool -" in folders
    assert "-/run/kiosk-desk/in" in setting("kiosk-courier.service", "ReadWritePaths")
    for unit in ("kiosk-courier.service", "kiosk-appointments.service", "kiosk-reservations.service"):
        assert "-/var/lib/kiosk-desk" in " ".join(setting(unit, "InaccessiblePaths")).split()
    assert "-/var/lib/kiosk" in " ".join(setting("kiosk-desk.service", "InaccessiblePaths")).split()


def test_nothing_waits_for_the_desk() -> None:
    for path in (ROOT / "deploy/units").glob("kiosk*.service"):
        for key in ("After", "Requires", "Wants", "BindsTo", "PartOf"):
            assert "kiosk-desk" not in " ".join(setting(path.name, key)), path.name


def test_on_the_appliance_the_desk_is_off_unless_the_site_has_its_table() -> None:
    tree = ROOT / "deploy/image/tree/etc/systemd/system"
    for unit in ("kiosk-desk", "kiosk-reservations"):
        text = (tree / f"{unit}.service.d/image.conf").read_text(encoding="utf-8")
        (pattern,) = re.findall(r"^ExecCondition=/usr/bin/grep -Eq '(.*)' /etc/kiosk/site.toml$", text, re.MULTILINE)
        # As systemd reads it: two backslashes are one. POSIX' class of blanks is \s here.
        found = re.compile(pattern.replace("\\\\", "\\").replace("[[:space:]]", r"\s"), re.MULTILINE)
        for line, on in (("[desk]", True), (" [ desk ]  # x", True), ("desk = {}", True), ("#[desk]", False),
                         ("[[department]]", False), ("[desktop]", False)):  # fmt: skip
            assert bool(found.search(f"[site]\n{line}\n")) is on, line


def test_on_the_appliance_the_desks_key_is_a_credential_or_there_is_no_desk() -> None:
    drop_in = ROOT / "deploy/image/tree/etc/systemd/system/kiosk-desk.service.d/image.conf"
    assert f"\nEnvironment={EXPECTED}={SEAL}\n" in drop_in.read_text(encoding="utf-8")
    # An ordinary PC may have no systemd-creds: there it is a file of the desk's.
    assert not [each for each in setting("kiosk-desk.service", "Environment") if EXPECTED in each]


def test_units_that_run_programs_as_another_user_may_give_them_what_hides_them() -> None:
    """`places.UNSEEN` asks setpriv for a capability that ProtectClock= takes out of the bounding set."""
    tree = ROOT / "deploy/image/tree/etc/systemd/system"
    found = [path for path in tree.glob("kiosk*.service") if "CAP_WAKE_ALARM" in path.read_text(encoding="utf-8")]
    assert {path.name for path in found} >= {"kiosk-provision@.service", "kiosk-staff.service", "kiosk-good.service"}
    for path in found:
        assert "\nProtectClock=" not in path.read_text(encoding="utf-8"), path.name
