"""The files that deploy/install puts on a PC, judged by systemd's own tools, and by what was promised of them."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests import ROOT
from tests.deploy.installed import SITE, Pc
from tests.site_toml import REQUIRED, Site, with_

UNITS = ROOT / "deploy/units"
HIS = '[his]\nurl = "orca+https://kiosk@127.0.0.1:8000"\n'
SERVICES = (
    "kiosk-courier.service", "kiosk.service", "kiosk-x.service", "kiosk-reservations.service", "kiosk-desk.service",
    "kiosk-his.service",
)  # fmt: skip
# Those that must always be there.
STEADY = ("kiosk-courier.service", "kiosk.service", "kiosk-reservations.service", "kiosk-desk.service",
          "kiosk-his.service")  # fmt: skip


@pytest.fixture(scope="module")
def pc() -> Iterator[Pc]:
    """A PC with everything: X server, and drop-ins made from site.toml."""
    with TemporaryDirectory(prefix="kiosk-units-") as place:
        made = Pc(Path(place))
        text = SITE.replace("smb://kiosk@127.0.0.1:1/face", "file:///mnt/face")
        (made.site / "his.secret").write_text("password of the system\n", encoding="utf-8")
        (made.site / "his.secret").chmod(0o600)
        made.write_site(text + '[reservations]\nimport_dir = "/srv/his export"\n[desk]\nexport = "/srv/out"\n' + HIS)
        done = made.install("--config", "site.toml", "--display", "x11")
        assert done.returncode == 0, done.stderr
        yield made


def analyze(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing (Debian package systemd)")
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments],
        env={**os.environ, "SYSTEMD_COLORS": "0", **env}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def service(name: str) -> dict[str, list[str]]:
    """Setting → its values, in order, of all sections of a unit."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text(encoding="utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.peers
def test_systemd_finds_nothing_wrong_with_the_installed_units(pc: Pc, tmp_path: Path) -> None:
    """The programs they start are where the folder has them; the rest of the units is this machine's."""
    for path in (pc.folder / "etc/systemd/system").rglob("*"):
        if path.is_file() and not path.is_symlink():
            copy = tmp_path / path.relative_to(pc.folder / "etc/systemd/system")
            copy.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text(encoding="utf-8").replace("=/opt/kiosk", f"={pc.folder}/opt/kiosk")
            copy.write_text(text.replace("/usr/bin/Xorg", "/usr/bin/env"), encoding="utf-8")
    done = analyze("verify", *(str(tmp_path / name) for name in SERVICES), SYSTEMD_UNIT_PATH=f"{tmp_path}:")
    ours = [line for line in done.stderr.splitlines() if "kiosk" in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.peers
def test_systemd_finds_a_planted_mistake(tmp_path: Path) -> None:
    text = (UNITS / "kiosk-courier.service").read_text(encoding="utf-8")
    (tmp_path / "kiosk-courier.service").write_text(text.replace("/opt/kiosk", "/nowhere"), encoding="utf-8")
    assert analyze("verify", str(tmp_path / "kiosk-courier.service")).returncode != 0


@pytest.mark.peers
@pytest.mark.parametrize("name", STEADY)
def test_what_a_broken_in_service_could_reach_is_at_most_2_of_10(name: str) -> None:
    done = analyze("security", "--offline=true", "--threshold=20", str(UNITS / name))
    assert done.returncode == 0, done.stdout
    assert "Overall exposure level" in done.stdout


@pytest.mark.parametrize("name", STEADY)
def test_a_service_that_ends_or_hangs_is_started_again_for_ever(name: str) -> None:
    unit = service(name)
    assert unit["Type"] == ["notify"]
    assert unit["Restart"] == ["always"]
    assert float(unit["RestartSec"][0]) <= 5
    assert unit["WatchdogSec"] == ["30"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert unit["LimitCORE"] == ["0"]


@pytest.mark.parametrize("name", STEADY)
def test_a_service_is_called_as_the_command_line_understands(pc: Pc, name: str) -> None:
    (called,) = service(name)["ExecStart"]
    program, *arguments = called.split()
    assert program == "/opt/kiosk/current/.venv/bin/python"
    done = pc.run(f"{pc.folder}{program}", *arguments[: arguments.index("--config")], "--config", "/nowhere/site.toml")
    assert done.returncode == 2
    assert "/nowhere/site.toml: " in done.stderr  # understood, up to the settings


def test_the_screen_and_the_delivery_are_two_users_that_meet_in_one_folder() -> None:
    """Its x alone lets the reception's user pass the folder to the socket (tests/process/test_two_users.py)."""
    courier, reception = service("kiosk-courier.service"), service("kiosk.service")
    assert (courier["User"], reception["User"]) == (["kiosk-courier"], ["kiosk"])
    assert (courier["Group"], courier["SupplementaryGroups"]) == (["kiosk-line"], ["kiosk"])
    assert reception["Group"] == ["kiosk"]
    assert (courier["StateDirectory"], courier["StateDirectoryMode"]) == (["kiosk-courier"], ["2710"])
    assert courier["UMask"] == ["0077"]
    assert "-/var/lib/kiosk" in courier["InaccessiblePaths"][0].split()
    assert courier["PrivateDevices"] == ["yes"]
    for unit in (courier, reception):
        assert "KIOSK_COURIER_DIR=/var/lib/kiosk-courier" in unit["Environment"]


def test_the_reservations_are_served_by_the_receptions_user_whatever_the_screen_does() -> None:
    """The desk's user passes the folder of the socket by its group (tests/process/test_reservations_served.py)."""
    unit = service("kiosk-reservations.service")
    assert (unit["User"], unit["Group"], unit["SupplementaryGroups"]) == (["kiosk"], ["kiosk-book"], ["kiosk"])
    assert (unit["RuntimeDirectory"], unit["RuntimeDirectoryMode"]) == (["kiosk-reservations"], ["2710"])
    assert unit["Environment"] == ["KIOSK_RESERVATIONS_DIR=/run/kiosk-reservations KIOSK_HIS_RUN_DIR=/run/kiosk-his"]
    # systemd would give all that is in a StateDirectory= to the group.
    assert (unit["ReadWritePaths"], "StateDirectory" in unit) == (["/var/lib/kiosk"], False)
    assert (unit["PrivateNetwork"], unit["PrivateDevices"]) == (["yes"], ["yes"])
    assert unit["After"] == ["kiosk-his.service"]
    assert not {"Requires", "Wants", "BindsTo", "PartOf"} & unit.keys()


def test_the_gate_is_a_user_of_its_own_whom_the_reception_alone_may_ask() -> None:
    gate, reception = service("kiosk-his.service"), service("kiosk.service")
    assert (gate["User"], gate["Group"], gate["SupplementaryGroups"]) == (["kiosk-his"], ["kiosk-gate"], ["kiosk"])
    assert (gate["RuntimeDirectory"], gate["RuntimeDirectoryMode"]) == (["kiosk-his"], ["2710"])
    assert (gate["StateDirectory"], gate["StateDirectoryMode"]) == (["kiosk-his"], ["0700"])
    assert gate["Environment"] == ["KIOSK_HIS_DIR=/var/lib/kiosk-his KIOSK_HIS_RUN_DIR=/run/kiosk-his"]
    assert "KIOSK_HIS_RUN_DIR=/run/kiosk-his" in reception["Environment"]
    assert {"-/var/lib/kiosk", "-/var/lib/kiosk-courier"} <= set(gate["InaccessiblePaths"][0].split())
    for other in ("kiosk-courier", "kiosk-appointments", "kiosk-reservations"):
        assert "-/var/lib/kiosk-his" in " ".join(service(f"{other}.service")["InaccessiblePaths"]).split()
    # A system that is away keeps no patient from the counter's page.
    assert not [value for key in ("Requires", "Wants", "BindsTo") for value in reception.get(key, []) if "his" in value]


@pytest.mark.parametrize(
    ("lacking", "feed", "taker"),
    [("-", "courier", "kiosk"), ("printer", "courier", "kiosk-reservations"),
     ("receipt_computer|printer", "watch", "kiosk-reservations")],
    ids=["beside a kiosk", "a desk with the delivery", "a desk only"],
)  # fmt: skip
def test_exports_are_taken_by_the_reception_or_where_there_is_none_by_who_serves_the_reservations(
    tmp_path: Path, lacking: str, feed: str, taker: str
) -> None:
    text = with_("desk", f'feed = "{feed}"', text=re.sub(rf"\[({lacking})\]\n[^\[]*", "", REQUIRED))
    text = with_("site", 'data_dir = "/var/lib/kiosk"', text=text)
    site = Site(tmp_path)
    site.file.write_text(f'{text}[reservations]\nimport_dir = "/srv/exports"\n', encoding="utf-8")
    stage = tmp_path / "stage"
    stage.mkdir()
    program = [sys.executable, str(ROOT / "deploy/site_for_install.py"), str(site.file), str(tmp_path), str(stage)]
    subprocess.run(program, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, timeout=60)
    services = (stage / "services").read_text(encoding="utf-8").split()
    taking = {path.stem for path in stage.glob("*.conf") if "/srv/exports" in path.read_text(encoding="utf-8")}
    assert taking.intersection(services) == {taker}
    wanted = {"kiosk-courier": feed == "courier", "kiosk": lacking == "-"}
    assert {name: name in services for name in wanted} == wanted
    assert {"kiosk-reservations", "kiosk-desk"} <= set(services)


def test_delivery_does_not_wait_for_the_reception() -> None:
    courier = service("kiosk-courier.service")
    assert not [value for key in ("After", "Requires", "Wants", "BindsTo", "PartOf") for value in courier.get(key, [])
                if "kiosk" in value]  # fmt: skip
    assert "Requires" not in service("kiosk.service")


@pytest.mark.parametrize("name", ["journald.conf", "logind.conf", "system.conf", "modules.conf", "sysctl.conf"])
def test_drop_ins_are_of_the_form_their_reader_wants(name: str) -> None:
    text = (UNITS / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    if name == "modules.conf":
        assert all(re.fullmatch(r"[a-z0-9_]+", line) for line in lines)
    elif name == "sysctl.conf":
        assert lines == ["kernel.sysrq = 0"]
    else:
        parsed = configparser.ConfigParser()
        parsed.read_string(text)
        assert len(parsed.sections()) == 1


UDEV_TERM = re.compile(r'[A-Z_]+(\{[\w/]+\})?(==|!=|=|\+=)"[^"]*"')


def udev_rules() -> list[str]:
    """The rules, and those in the examples for the administrator."""
    lines = (UNITS / "udev.rules").read_text(encoding="utf-8").splitlines()
    return [line.lstrip("# ") for line in lines if re.match(r"(#\s*)?SUBSYSTEM", line)]


def test_rules_for_devices_are_well_formed_and_open_nothing_to_everybody() -> None:
    rules = udev_rules()
    assert len(rules) >= 6
    for rule in rules:
        assert all(UDEV_TERM.fullmatch(term) for term in rule.split(", ")), rule
        assert 'MODE="0666"' not in rule


def test_a_card_reader_and_a_printer_have_names_that_stay() -> None:
    rules = "\n".join(udev_rules())
    for name, group in (("kiosk-card-reader", "dialout"), ("kiosk-printer", "lp")):
        assert [line for line in rules.splitlines() if f'SYMLINK+="{name}"' in line and f'GROUP="{group}"' in line]


@pytest.mark.peers
def test_the_users_are_made_as_systemd_understands(tmp_path: Path) -> None:
    if shutil.which("systemd-sysusers") is None:
        pytest.skip("systemd-sysusers is missing (Debian package systemd)")
    if os.geteuid() != 0:
        pytest.skip("systemd-sysusers writes a passwd file for root only")
    (tmp_path / "etc").mkdir()
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", UNITS / "sysusers.conf"], check=True, timeout=60)
    passwd = (tmp_path / "etc/passwd").read_text(encoding="utf-8")
    groups = (tmp_path / "etc/group").read_text(encoding="utf-8")
    shadow = (tmp_path / "etc/shadow").read_text(encoding="utf-8")
    (number,) = re.findall(r"^kiosk:[^:]*:(\d+):", groups, re.MULTILINE)
    for user, folder in (("kiosk", "kiosk"), ("kiosk-courier", "kiosk-courier"), ("kiosk-desk", "kiosk-desk"),
                         ("kiosk-fetch", "kiosk-import"), ("kiosk-his", "kiosk-his")):  # fmt: skip
        line = rf"^{user}:[^:]*:\d+:{number}:[^:]*:/var/lib/{folder}:/usr/sbin/nologin$"
        assert re.search(line, passwd, re.MULTILINE)
        assert re.search(rf"^{user}:[!*]", shadow, re.MULTILINE)
    for group in ("video", "render", "input", "dialout", "lp"):  # the screen's user alone
        assert re.search(rf"^{group}:[^:]*:\d+:kiosk$", groups, re.MULTILINE)
    for group, members in (
        ("kiosk-line", "kiosk,kiosk-desk"), ("kiosk-spool", "kiosk-courier,kiosk-desk"), ("kiosk-book", "kiosk-desk"),
        ("kiosk-gate", "kiosk"),
    ):  # fmt: skip
        assert re.search(rf"^{group}:[^:]*:\d+:{members}$", groups, re.MULTILINE), group
    assert re.search(r"^kiosk-import:[^:]*:\d+:kiosk,kiosk-fetch$", groups, re.MULTILINE)
    assert re.search(r"^kiosk:[^:]*:\d+:$", groups, re.MULTILINE)  # nobody but the five above


def test_a_service_that_asks_who_its_client_is_sees_the_machines_own_numbers() -> None:
    """With PrivateUsers= SO_PEERCRED names 65534 for everybody: there the socket's mode must decide."""
    text = (ROOT / "deploy/image/tree/etc/systemd/system/kiosk-staff.service").read_text(encoding="utf-8")
    assert "PrivateUsers=yes" not in text.splitlines()
    asks = [path for path in (ROOT / "kiosk").rglob("*.py") if "SO_PEERCRED," in path.read_text(encoding="utf-8")]
    assert [path.name for path in asks] == ["server.py"]
