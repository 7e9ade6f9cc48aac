"""What the appliance's services are told, made from site.toml; `apply` writes it into a machine that is a folder."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from kiosk import config
from kiosk.appliance.machine.places import Places
from kiosk.appliance.machine.refused_usb import RefusedDevice, refused_devices
from kiosk.appliance.site.apply import Applied, Failed, Part, apply, load_site
from kiosk.appliance.site.services import drop_ins, network_file, rsyslog_file, timesyncd_file, usb_rules
from kiosk.config import Config
from tests import ROOT
from tests.peers import need
from tests.site_toml import REQUIRED, with_

TREE = ROOT / "deploy" / "image" / "tree"
INSTALLED = REQUIRED.replace("/nowhere/kiosk", "/var/lib/kiosk")


def installed(*tables: tuple[str, str], text: str = INSTALLED) -> str:
    for table, line in tables:
        text = with_(table, line, text=text)
    return text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "root" / "var/lib/kiosk-site/current"


def loaded(tmp_path: Path, text: str = INSTALLED) -> Config:
    file = tmp_path / "site.toml"
    file.write_text(text, encoding="utf-8")
    return config.load(file, {}, passwords=False)


# The texts --------------------------------------------------------------------------------------------------------


def test_dhcp_is_asked_for_what_site_toml_leaves_open_and_for_no_more(tmp_path: Path) -> None:
    lines = network_file(loaded(tmp_path)).splitlines()
    assert {"Type=ether", "DHCP=yes", "UseDNS=yes", "UseNTP=yes", "UseHostname=no", "LLMNR=no"} <= set(lines)
    network = with_("network", 'dns = ["192.0.2.2"]', 'interface = "enp1s0"', text=INSTALLED)
    named = with_("time", 'servers = ["t"]', text=network)
    lines = network_file(loaded(tmp_path, named)).splitlines()
    assert {"Name=enp1s0", "DHCP=yes", "DNS=192.0.2.2", "UseDNS=no", "UseNTP=no"} <= set(lines)
    assert "UseDNS=yes" not in lines and "Type=ether" not in lines


def test_an_address_of_its_own_takes_nothing_from_the_network(tmp_path: Path) -> None:
    text = with_("network", 'address = "192.0.2.40/24"', 'gateway = "192.0.2.1"', 'dns = ["192.0.2.2"]', text=INSTALLED)
    lines = network_file(loaded(tmp_path, text)).splitlines()
    assert {"Address=192.0.2.40/24", "Gateway=192.0.2.1", "DNS=192.0.2.2", "IPv6AcceptRA=no", "DHCP=no"} <= set(lines)
    assert "LinkLocalAddressing=no" in lines and "[DHCPv4]" not in lines


def test_without_a_site_there_is_dhcp_and_no_server_of_the_internet(tmp_path: Path) -> None:
    assert "DHCP=yes" in network_file(None)
    assert timesyncd_file(None).splitlines()[1:] == ["[Time]", "NTP="]
    image = (TREE / "etc/systemd/timesyncd.conf.d/image.conf").read_text()
    assert "\n[Time]\nFallbackNTP=127.0.0.1\n" in image
    time = loaded(tmp_path, installed(("time", 'servers = ["192.0.2.2", "ntp.hospital.example"]')))
    assert "NTP=192.0.2.2 ntp.hospital.example" in timesyncd_file(time).splitlines()


@pytest.mark.parametrize("url", ["udp://192.0.2.9:514", "tcp://log.hospital.example:1514", "tcp://[fd00::9]:514"])
def test_the_journal_is_forwarded_and_no_log_file_is_written(tmp_path: Path, url: str) -> None:
    assert rsyslog_file(None) is None and rsyslog_file(loaded(tmp_path)) is None
    text = rsyslog_file(loaded(tmp_path, installed(("syslog", f'server = "{url}"'))))
    assert text is not None
    assert 'type="omfwd"' in text and "imjournal" in text
    assert f'protocol="{url[:3]}"' in text and ("octet-counted" in text) == url.startswith("tcp")
    assert "omfile" not in text and "/var/log" not in text


def test_rsyslog_takes_the_file(tmp_path: Path) -> None:
    program = need("rsyslogd")
    text = rsyslog_file(loaded(tmp_path, installed(("syslog", 'server = "tcp://192.0.2.9:514"'))))
    file = tmp_path / "rsyslog.conf"
    # The folder of the service is systemd's to make.
    file.write_text((text or "").replace("/var/lib/kiosk-rsyslog", str(tmp_path)))
    done = subprocess.run([program, "-N1", "-f", file], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr.lower()


def test_usb_devices_are_marked_by_number_socket_and_serial(tmp_path: Path) -> None:
    text = (
        INSTALLED
        + """
[[usb]]
what = "reader"
id = "0403:6001"
port = "1-2.4"
serial = "A50285BI"
[[usb]]
what = "touch"
id = "0EEF:C002"
"""
    )
    reader, line, touch = usb_rules(loaded(tmp_path, text)).splitlines()[1:]
    assert reader == (
        'SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ATTR{idVendor}=="0403", ATTR{idProduct}=="6001", '
        'KERNEL=="1-2.4", ATTR{serial}=="A50285BI", ENV{KIOSK_USB}="allowed"'
    )
    assert 'KERNELS=="1-2.4", ATTRS{serial}=="A50285BI", SYMLINK+="kiosk-card-reader"' in line
    assert touch == (
        'SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ATTR{idVendor}=="0eef", ATTR{idProduct}=="c002", '
        'ENV{KIOSK_USB}="allowed"'
    )


def test_the_printers_own_url_lets_it_in_unless_the_list_ties_it_to_a_socket(tmp_path: Path) -> None:
    text = installed(("printer", 'url = "usb:04B8:0202"'))
    (rule, _) = usb_rules(loaded(tmp_path, text)).splitlines()[1:]
    assert 'ATTR{idVendor}=="04b8", ATTR{idProduct}=="0202", ENV{KIOSK_USB}="allowed", GROUP="lp"' in rule
    text += '[[usb]]\nwhat = "printer"\nid = "04b8:0202"\nport = "1-2"\n'
    (rule, _) = usb_rules(loaded(tmp_path, text)).splitlines()[1:]
    assert 'KERNEL=="1-2"' in rule


def test_without_a_site_touch_panels_are_marked_and_no_keyboard() -> None:
    [_, rule] = usb_rules(None).splitlines()
    assert 'ENV{ID_USB_INTERFACES}=="*:030000:*"' in rule
    assert 'ENV{ID_USB_INTERFACES}!="*:0301??:*"' in rule


def test_the_rules_of_the_image_run_around_those_of_the_site() -> None:
    names = [file.name for file in (TREE / "etc/udev/rules.d").glob("*-kiosk-usb.rules")]
    order = ["59-kiosk-usb.rules", "60-kiosk-site.rules", "61-kiosk-usb.rules"]
    assert sorted([*names, "60-kiosk-site.rules"]) == order


def test_a_service_gets_the_credentials_it_needs_and_only_those_that_are_there(tmp_path: Path) -> None:
    text = installed(
        ("metrics", 'push = "smb://m@192.0.2.9/figures"'), ("update", 'folder = "smb://u@192.0.2.9/updates"')
    )
    sealed = {"terminal.secret", "receipt_computer.secret", "metrics.secret", "update.secret", "technician.secret"}
    found = drop_ins(loaded(tmp_path, text), Path("/c"), sealed)
    loads = {
        unit: [line.split("=")[1] for line in text.splitlines() if line.startswith("LoadCredentialEncrypted=")]
        for unit, text in found.items()
    }
    both = ["terminal.secret:/c/terminal.secret", "receipt_computer.secret:/c/receipt_computer.secret"]
    assert loads == {"kiosk-courier": both, "kiosk-check": both, "kiosk-metrics": ["metrics.secret:/c/metrics.secret"]}
    assert drop_ins(loaded(tmp_path, text), Path("/c"), {"technician.secret"}) == {}


def test_the_desk_gets_its_certificate_its_passwords_and_the_key_of_its_values(tmp_path: Path) -> None:
    lines = (
        'listen = "0.0.0.0:8443"\nallow = ["192.0.2.0/24"]\ncertificate_file = "c.pem"\nkey_file = "k.pem"',
        'client_ca_file = "ca.pem"\nexport = "smb://d@192.0.2.9/out"\nprinter = "file:///srv/pages"',
    )
    text = installed(*(("desk", line) for line in lines))
    sealed = {
        "terminal.secret", "receipt_computer.secret", "desk.secret", "desk-chief.secret", "desk.key", "c.pem", "k.pem",
        "ca.pem",
    }  # fmt: skip

    def loads(text: str) -> dict[str, list[str]]:
        found = drop_ins(loaded(tmp_path, text), Path("/c"), sealed)
        return {
            unit: [line.split("=")[1].split(":")[0] for line in text.splitlines() if line.startswith("LoadCred")]
            for unit, text in found.items()
        }

    own = ["desk.secret", "c.pem", "k.pem", "ca.pem"]
    assert loads(text)["kiosk-desk"] == [*own, "desk-chief.secret", "desk.key"]
    assert loads(text)["kiosk-check"] == ["terminal.secret", "receipt_computer.secret", *own]
    # Answers are looked for in the terminal's folder; and so it is with a desk that watches.
    for more in (("desk", 'requests = "smb://d@192.0.2.9/req"'), ("desk", 'feed = "watch"')):
        assert loads(with_(*more, text=text))["kiosk-desk"][0] == "terminal.secret"
    assert 'ReadWritePaths="-/srv/pages"' in drop_ins(loaded(tmp_path, text), Path("/c"), sealed)["kiosk-desk"]
    assert "kiosk-desk" not in loads(INSTALLED)


def test_those_who_use_the_folder_of_exports_may_write_to_it(tmp_path: Path) -> None:
    text = installed(("reservations", 'share = "smb://y@192.0.2.9/y"\nimport_dir = "/var/lib/kiosk-import"'))
    found = drop_ins(loaded(tmp_path, text), Path("/c"), set())
    writers = {unit for unit, text in found.items() if 'ReadWritePaths="-/var/lib/kiosk-import"' in text}
    assert writers == {"kiosk", "kiosk-appointments", "kiosk-check"}


def test_a_share_that_is_a_folder_may_be_written_to_by_its_service_alone(tmp_path: Path) -> None:
    text = installed(("receipt_computer", 'results = "file:///srv/out"'), ("metrics", 'push = "file:///srv/figures"'))
    found = drop_ins(loaded(tmp_path, text), Path("/c"), set())
    assert 'ReadWritePaths="-/srv/out"' in found["kiosk-courier"]
    assert 'ReadWritePaths="-/srv/figures"' in found["kiosk-metrics"]
    assert "kiosk" not in found


# apply ------------------------------------------------------------------------------------------------------------


@dataclass
class Machine:
    """A machine in a folder, whose programs write down how they were called; those named in `refuse` refuse."""

    root: Path

    @property
    def places(self) -> Places:
        return Places(self.root)

    def calls(self) -> list[str]:
        """What was called since the last time."""
        log = self.root / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def run(self, folder: Path | None = None) -> tuple[Applied, str]:
        names: list[str] = []
        return apply(self.places, folder, names.append), names[0]

    def text(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def files(self) -> set[str]:
        return {str(file.relative_to(self.root)) for file in (self.root / "run").rglob("*") if file.is_file()}


PROGRAM = """#!/bin/sh
echo "${0##*/} $*" >> ROOT/calls
[ "$2" = systemd-networkd ] && exit 0
if grep -sqx "${0##*/}" ROOT/refuse; then echo "syntax error" >&2; exit 1; fi
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    root = tmp_path / "root"
    for name in ("usr/bin/systemctl", "usr/bin/udevadm", "usr/bin/networkctl", "usr/sbin/nft"):
        program = root / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(PROGRAM.replace("ROOT", str(root)))
        program.chmod(0o755)
    return Machine(root)


def put(folder: Path, text: str, *sealed: str) -> None:
    (folder / "credentials").mkdir(parents=True, exist_ok=True)
    (folder / "site.toml").write_text(text, encoding="utf-8")
    for name in sealed:
        (folder / "credentials" / name).write_bytes(b"sealed")


def test_a_machine_without_a_site_gets_the_safe_settings(machine: Machine) -> None:
    applied, name = machine.run()
    assert applied == Applied(None) and name == "kiosk"
    assert machine.text("run/kiosk-appliance/firewall.nft") == (TREE / "etc/nftables.conf").read_text()
    assert "DHCP=yes" in machine.text("run/systemd/network/50-kiosk.network")
    assert not machine.places.site_wrong.exists()
    calls = machine.calls()
    assert [call.split()[:2] for call in calls[:2]] == [["nft", "-c"], ["nft", "-f"]]
    assert not [call for call in calls if "rsyslog" in call or "daemon-reload" in call]


def test_no_file_of_the_image_hides_one_that_is_made_from_the_site(machine: Machine, folder: Path) -> None:
    """Systemd and udev read one file of a name: that in /etc, whatever lies in /run."""
    put(folder, installed(("time", 'servers = ["192.0.2.2"]'), ("syslog", 'server = "udp://192.0.2.3:514"')))
    machine.run()
    made = [name.removeprefix("run/") for name in machine.files() if name.startswith(("run/systemd/", "run/udev/"))]
    assert "systemd/timesyncd.conf.d/kiosk.conf" in made
    assert [name for name in made if (TREE / "etc" / name).exists()] == []


def test_a_site_is_applied_once_and_again_changes_and_tells_nothing(machine: Machine, folder: Path) -> None:
    text = installed(("syslog", 'server = "udp://192.0.2.9:514"'), ("network", 'hostname = "kiosk-2"'))
    put(folder, text, "terminal.secret")
    applied, name = machine.run()
    assert applied.config is not None and not applied.wrong and not applied.failed and name == "kiosk-2"
    assert "ip daddr 192.0.2.10 tcp dport 445 accept" in machine.text("run/kiosk-appliance/firewall.nft")
    credential = f"LoadCredentialEncrypted=terminal.secret:{folder}/credentials/terminal.secret"
    assert credential in machine.text("run/systemd/system/kiosk-courier.service.d/site.conf")
    calls = machine.calls()
    assert {"systemctl daemon-reload", "udevadm control --reload", "networkctl reload"} <= set(calls)
    assert "systemctl --no-block restart rsyslog.service" in calls
    before = machine.files()
    machine.run()
    # The firewall is loaded in any case: somebody may have emptied it.
    assert {call.split()[0] for call in machine.calls()} == {"nft"}
    assert machine.files() == before


def test_another_site_leaves_nothing_of_the_one_before(machine: Machine, folder: Path) -> None:
    put(folder, installed(("syslog", 'server = "udp://192.0.2.9:514"')), "terminal.secret")
    machine.run()
    machine.calls()
    (folder / "credentials/terminal.secret").unlink()
    put(folder, INSTALLED.replace("192.0.2.10", "192.0.2.11"))
    machine.run()
    assert not [name for name in machine.files() if "rsyslog" in name or name.endswith("site.conf")]
    assert "192.0.2.10 " not in machine.text("run/kiosk-appliance/firewall.nft")
    assert {"systemctl daemon-reload", "systemctl --no-block stop rsyslog.service"} <= set(machine.calls())


def test_what_runs_keeps_its_secrets_while_another_site_is_tried(
    machine: Machine, folder: Path, tmp_path: Path
) -> None:
    """A desk that dies meanwhile starts again with the key of what it keeps; a courier with its passwords."""

    def drop_in(unit: str) -> str:
        return machine.text(f"run/systemd/system/{unit}.service.d/site.conf")

    put(folder, installed(("desk", "keep_days = 1")), "terminal.secret", "desk.key")
    machine.run()
    running = {unit: drop_in(unit) for unit in ("kiosk-courier", "kiosk-desk")}
    assert "LoadCredentialEncrypted=desk.key:" in running["kiosk-desk"]
    tried = tmp_path / "tried"
    lines = 'share = "smb://y@192.0.2.9/y"\nimport_dir = "/var/lib/kiosk-import"'
    put(tried, installed(("reservations", lines), ("syslog", 'server = "udp://192.0.2.9:514"')))
    machine.run(tried)
    assert {unit: drop_in(unit) for unit in running} == running
    assert "/var/lib/kiosk-import" in drop_in("kiosk-check") and "rsyslog.conf" in drop_in("rsyslog")
    machine.run()
    assert not [name for name in machine.files() if "rsyslog" in name or "kiosk-import" in machine.text(name)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[site\n", "site.toml: 書き方に誤りがあり"),
        (installed(("site", 'data_dir = "/data"')), "site.toml: [site] data_dir"),
        (installed(("terminal", 'password_file = "a/b.secret"')), "site.toml: [terminal] password_file"),
        (installed(("technician", 'pin_file = "/etc/pin"')), "site.toml: [technician] pin_file"),
        (installed(("receipt_computer", 'results = "file:///tmp/out"')), "site.toml: フォルダー /tmp/out"),
        (installed(("receipt_computer", 'results = "file:///srv/out"')), "site.toml: フォルダー /srv/out"),
        (installed(("reservations", 'import_dir = "/srv/csv"')), "site.toml: [reservations] import_dir"),
        (installed(("alarm", 'command = ["/bin/mail"]')), "site.toml: [alarm] command"),
        (REQUIRED.replace("/nowhere/kiosk", "/var/lib/kiosk") + "[networks]\n", "site.toml: [networks]: この名前の表"),
    ],
)
def test_a_site_that_cannot_be_used_opens_nothing_and_is_reported(
    machine: Machine, folder: Path, text: str, says: str
) -> None:
    put(folder, text)
    applied, _ = machine.run()
    assert applied.config is None
    assert machine.places.site_wrong.read_text().startswith(says)
    assert str(folder) not in machine.places.site_wrong.read_text()
    assert machine.text("run/kiosk-appliance/firewall.nft") == (TREE / "etc/nftables.conf").read_text()
    put(folder, INSTALLED)
    machine.run()
    assert not machine.places.site_wrong.exists()


def test_rules_that_nft_refuses_are_reported_and_the_rest_is_done(machine: Machine, folder: Path) -> None:
    put(folder, INSTALLED)
    (machine.root / "refuse").write_text("nft\n")
    applied, _ = machine.run()
    assert applied.failed == (Failed(Part.FIREWALL, "firewall: syntax error"),)
    assert [call for call in machine.calls() if call.startswith("nft")] == [
        f"nft -c -f {machine.root}/run/kiosk-appliance/firewall.nft"
    ]
    assert (machine.root / "run/systemd/network/50-kiosk.network").exists()


def test_every_part_that_did_not_take_its_settings_is_reported(machine: Machine, folder: Path) -> None:
    put(folder, installed(("syslog", 'server = "udp://192.0.2.9:514"')), "terminal.secret")
    (machine.root / "refuse").write_text("systemctl\nudevadm\nnetworkctl\n")

    def nameless(name: str) -> None:
        raise OSError(1, "not permitted")

    failed = apply(machine.places, None, nameless).failed
    assert {each.part for each in failed} == {*Part} - {Part.FIREWALL}
    assert [each.why for each in failed if each.part is Part.HOSTNAME] == ["hostname: not permitted"]
    assert Failed(Part.NETWORK, "networkctl reload: syntax error") in failed


def test_passwords_are_not_looked_for(folder: Path) -> None:
    put(folder, INSTALLED)
    site, wrong = load_site(folder)
    assert site is not None and site.terminal.password is None and wrong == []


# Refused devices --------------------------------------------------------------------------------------------------


def test_refused_devices_are_listed_as_site_toml_wants_them(tmp_path: Path) -> None:
    def device(port: str, **attributes: str) -> None:
        (tmp_path / port).mkdir()
        for name, value in attributes.items():
            (tmp_path / port / name).write_text(f"{value}\n")

    device("1-1", idVendor="046d", idProduct="c31c", authorized="0", product="USB\x1b[31m Keyboard" + "x" * 200)
    device("1-2", idVendor="04b8", idProduct="0202", authorized="1", product="TM-T88")
    device("1-3", idVendor="0403", idProduct="6001", authorized="0")
    device("usb1", idVendor="1d6b", idProduct="0002", authorized="1")
    device("1-2:1.0", authorized="0")
    first, second = refused_devices(tmp_path)
    assert first[:2] == ("046d:c31c", "1-1")
    assert first.product.startswith("USB[31m Keyboard") and len(first.product) == 40
    assert second == RefusedDevice("0403:6001", "1-3", "")
    assert refused_devices(tmp_path / "none") == []
