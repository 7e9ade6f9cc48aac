"""The firewall of the appliance: its rules as text, as nft takes them, and with real traffic between two namespaces."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from kiosk import config
from kiosk.appliance.site.firewall import peers, ruleset
from tests import ROOT
from tests.site_toml import REQUIRED, with_

INSTALLED = REQUIRED.replace("/nowhere/kiosk", "/var/lib/kiosk")
STATIC = with_("network", 'address = "192.0.2.40/24"', text=INSTALLED)


def rules(tmp_path: Path, text: str = INSTALLED) -> str:
    file = tmp_path / "site.toml"
    file.write_text(text, encoding="utf-8")
    return ruleset(config.load(file, {}, passwords=False))


def outgoing(text: str) -> list[str]:
    """The rules of the way out, without those that are the same for every site."""
    lines = [line.strip() for line in text.split("chain outgoing {")[1].splitlines()]
    return [line for line in lines if " dport " in line and "dport 67 " not in line and "dport 547 " not in line]


# The text ---------------------------------------------------------------------------------------------------------


def test_the_image_starts_with_the_rules_of_a_machine_without_a_site() -> None:
    assert (ROOT / "deploy/image/tree/etc/nftables.conf").read_text() == ruleset(None)
    assert outgoing(ruleset(None)) == []


def test_addresses_are_allowed_with_their_ports_and_nothing_else_is(tmp_path: Path) -> None:
    assert outgoing(rules(tmp_path, STATIC)) == [
        "ip daddr 192.0.2.10 tcp dport 445 accept",
        "ip daddr 192.0.2.20 tcp dport 445 accept",
        "ip daddr 192.0.2.30 tcp dport 9100 accept",
    ]


def test_every_address_of_site_toml_is_allowed_once(tmp_path: Path) -> None:
    text = STATIC
    for table, line in [
        ("terminal", 'subsidies = "smb://kiosk@192.0.2.10/res"'),
        ("receipt_computer", 'subsidies = "smb://kiosk@192.0.2.20:1445/res"'),
        ("printer", 'url = "tcp://[fd00::30]"'),
        ("reservations", 'share = "smb://r@192.0.2.50/csv"\nimport_dir = "/var/lib/kiosk-import"'),
        ("syslog", 'server = "udp://192.0.2.60:5514"'),
        ("metrics", 'push = "smb://m@192.0.2.70/figures"'),
        ("update", 'folder = "smb://u@192.0.2.80/updates"'),
        ("his", 'url = "orca+https://kiosk@192.0.2.81:8000/api"'),
        (
            "reservations",
            'url = "postgresql://kiosk@192.0.2.82,192.0.2.83:5433/kiosk"\nbook_password_file = "b.secret"',
        ),
        ("time", 'servers = ["192.0.2.90"]'),
    ]:
        text = with_(table, *line.split("\n"), text=text)
    assert outgoing(rules(tmp_path, text)) == [
        "ip daddr 192.0.2.10 tcp dport 445 accept",
        "ip daddr 192.0.2.20 tcp dport 445 accept",
        "ip daddr 192.0.2.20 tcp dport 1445 accept",
        "ip daddr 192.0.2.50 tcp dport 445 accept",
        "ip daddr 192.0.2.70 tcp dport 445 accept",
        "ip daddr 192.0.2.80 tcp dport 445 accept",
        "ip6 daddr fd00::30 tcp dport 9100 accept",
        "ip daddr 192.0.2.81 tcp dport 8000 accept",
        "ip daddr 192.0.2.82 tcp dport 5432 accept",
        "ip daddr 192.0.2.83 tcp dport 5433 accept",
        "ip daddr 192.0.2.60 udp dport 5514 accept",
        "meta skuid systemd-timesync ip daddr 192.0.2.90 udp dport 123 accept",
    ]


def test_a_name_is_allowed_by_port_and_its_name_servers_with_it(tmp_path: Path) -> None:
    named = INSTALLED.replace("192.0.2.10:445", "terminal.hospital.example")
    name = 'tcp dport 445 accept comment "a name in site.toml: any address"'
    dhcp = [line.split(" accept")[0] for line in outgoing(rules(tmp_path, named)) if "DHCP" in line]
    assert dhcp == ["udp dport 53", "tcp dport 53", "meta skuid systemd-timesync udp dport 123"]
    own = with_("network", 'dns = ["192.0.2.2"]', text=named)
    found = outgoing(rules(tmp_path, own))
    assert name in found and "hospital" not in " ".join(found)
    assert {f"ip daddr 192.0.2.2 {protocol} dport 53 accept" for protocol in ("udp", "tcp")} <= set(found)
    assert not [line for line in outgoing(rules(tmp_path)) if "dport 53 " in line]


def test_dhcp_passes_only_where_it_is_used(tmp_path: Path) -> None:
    assert "udp sport 67 udp dport 68" in rules(tmp_path)
    assert "dport 68" not in rules(tmp_path, STATIC) and "dport 67" not in rules(tmp_path, STATIC)


def test_the_scope_of_an_address_does_not_become_a_rule(tmp_path: Path) -> None:
    text = INSTALLED.replace("192.0.2.10:445", "[fe80::1%0; accept comment]")
    found = rules(tmp_path, text)
    assert "ip6 daddr fe80::1 tcp dport 445 accept" in found and "accept comment]" not in found


DESK = (
    'listen = "0.0.0.0:8443"', 'certificate_file = "c.pem"', 'key_file = "k.pem"',
    'allow = ["192.0.2.0/25", "2001:db8::/64"]',
)  # fmt: skip


def test_browsers_of_the_desks_networks_come_in_and_nobody_else(tmp_path: Path) -> None:
    def incoming(text: str) -> list[str]:
        lines = rules(tmp_path, text).split("chain incoming {")[1].split("chain forwarded")[0].splitlines()
        return [line.strip() for line in lines if "tcp" in line]

    assert incoming(STATIC) == incoming(with_("desk", text=STATIC)) == []
    assert incoming(with_("desk", *DESK, text=STATIC)) == [
        "ip saddr 192.0.2.0/25 tcp dport 8443 accept",
        "ip6 saddr 2001:db8::/64 tcp dport 8443 accept",
    ]


def test_the_desk_reaches_its_printer_and_its_shares(tmp_path: Path) -> None:
    lines = (
        'printer = "ipp://192.0.2.60/ipp/print"', 'requests = "smb://d@192.0.2.61/req"',
        'answers = "smb://d@192.0.2.62/res"', 'export = "smb://d@192.0.2.63:1445/out"',
    )  # fmt: skip
    more = set(outgoing(rules(tmp_path, with_("desk", *lines, text=STATIC)))) - set(outgoing(rules(tmp_path, STATIC)))
    assert more == {
        "ip daddr 192.0.2.60 tcp dport 631 accept",
        "ip daddr 192.0.2.61 tcp dport 445 accept",
        "ip daddr 192.0.2.62 tcp dport 445 accept",
        "ip daddr 192.0.2.63 tcp dport 1445 accept",
    }


def test_usb_printers_and_local_folders_need_no_rule(tmp_path: Path) -> None:
    text = STATIC.replace("tcp://192.0.2.30:9100", "usb:04b8:0202")
    text = text.replace("smb://kiosk@192.0.2.20/face", "file:///srv/out")
    file = tmp_path / "site.toml"
    file.write_text(text)
    assert [peer.host for peer in peers(config.load(file, {}, passwords=False))] == ["192.0.2.10"]


# nft and real packets ---------------------------------------------------------------------------------------------

# Listens on TCP ports in the background of one namespace, then says "ready".
SERVER = """
import selectors, socket, sys
ready = selectors.DefaultSelector()
for port in map(int, sys.argv[1:]):
    server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=16)
    ready.register(server, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in ready.select():
        key.fileobj.accept()[0].close()
"""
# Tries every "host port" at once; prints as JSON which of them took the connection.
CLIENT = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def reached(target):
    host, port = target.rsplit(" ", 1)
    try:
        socket.create_connection((host, int(port)), timeout=float(sys.argv[1])).close()
    except OSError:
        return False
    return True
targets = sys.argv[2:]
with ThreadPoolExecutor(32) as pool:
    print(json.dumps([t for t, found in zip(targets, pool.map(reached, targets)) if found]))
"""
# One datagram from a port of its own to a port of the other side.
SEND = """
import socket, sys
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.bind(("0.0.0.0", int(sys.argv[1])))
sender.sendto(b"x", (sys.argv[2], int(sys.argv[3])))
"""
RECEIVE = """
import socket, sys
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(("0.0.0.0", int(sys.argv[1])))
listener.settimeout(float(sys.argv[2]))
print("ready", flush=True)
try:
    print(listener.recvfrom(16)[1][0], flush=True)
except TimeoutError:
    print("nothing", flush=True)
"""
HERE = ("192.0.2.40", "fd00::40")
THERE = ("192.0.2.10", "192.0.2.20", "192.0.2.30", "192.0.2.99", "fd00::30", "fd00::99")
PORTS = (445, 9100, 139, 80, 22)
ALL = [f"{host} {port}" for host in THERE for port in PORTS]
# Long enough for a loaded machine, as nothing at all is on this wire; a dropped packet costs all of it.
DROPPED_S = "3"


@dataclass(frozen=True)
class Wire:
    """Two namespaces and a cable: the kiosk's, and the hospital's with all its addresses."""

    kiosk: str
    hospital: str

    def run(self, namespace: str, *command: str | Path, given: str = "") -> str:
        inside = ["ip", "netns", "exec", namespace, *command]
        return subprocess.run(inside, input=given, capture_output=True, text=True, timeout=120, check=True).stdout

    def load(self, text: str) -> None:
        self.run(self.kiosk, "nft", "-c", "-f", "-", given=text)
        self.run(self.kiosk, "nft", "-f", "-", given=text)

    def serve(self, namespace: str, code: str, *arguments: str) -> subprocess.Popen[str]:
        inside = ["ip", "netns", "exec", namespace, sys.executable, "-c", code, *arguments]
        server = subprocess.Popen(inside, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None and server.stdout.readline() == "ready\n"
        return server

    def reached(self, namespace: str, *targets: str) -> list[str]:
        found: list[str] = json.loads(self.run(namespace, sys.executable, "-c", CLIENT, DROPPED_S, *targets))
        return found

    def datagram(self, from_port: int, to_port: int) -> str:
        """Who the kiosk heard from, or "nothing"."""
        listener = self.serve(self.kiosk, RECEIVE, str(to_port), DROPPED_S)
        self.run(self.hospital, sys.executable, "-c", SEND, str(from_port), HERE[0], str(to_port))
        return listener.communicate(timeout=60)[0].strip()


@pytest.fixture
def wire() -> Iterator[Wire]:
    if os.geteuid() != 0 or shutil.which("nft") is None or shutil.which("ip") is None:
        pytest.skip("needs root, nft and ip")
    names = Wire(f"kiosk-{os.getpid()}", f"hospital-{os.getpid()}")
    with ExitStack() as stack:
        for name in (names.kiosk, names.hospital):
            made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
            if made.returncode:
                pytest.skip(f"no network namespaces here: {made.stderr.strip()}")
            stack.callback(subprocess.run, ["ip", "netns", "del", name], check=True)
        names.run(names.kiosk, "ip", "link", "add", "cable", "type", "veth", "peer", "cable", "netns", names.hospital)
        for name, addresses in ((names.kiosk, HERE), (names.hospital, THERE)):
            names.run(name, "ip", "link", "set", "lo", "up")
            for address in addresses:
                more = ("/64", "nodad") if ":" in address else ("/24",)
                names.run(name, "ip", "address", "add", address + more[0], "dev", "cable", *more[1:])
            names.run(name, "ip", "link", "set", "cable", "up")
        for name in (names.kiosk, names.hospital):
            server = names.serve(name, SERVER, *map(str, PORTS))
            stack.callback(server.wait)
            stack.callback(server.kill)
        yield names


def here(text: str) -> str:
    """The user of the time service is of the image."""
    return text.replace("meta skuid systemd-timesync ", "")


@pytest.mark.peers
def test_only_what_site_toml_names_is_reached_and_nothing_comes_in(wire: Wire, tmp_path: Path) -> None:
    inward = [f"{host} {port}" for host in HERE for port in PORTS]
    # Without rules everything passes: what is missing below was dropped by them.
    assert wire.reached(wire.kiosk, *ALL) == ALL
    assert wire.reached(wire.hospital, *inward) == inward
    wire.load(here(rules(tmp_path, STATIC.replace("tcp://192.0.2.30:9100", "tcp://[fd00::30]:9100"))))
    # The neighbour was forgotten: discovery, too, has to pass.
    wire.run(wire.kiosk, "ip", "-6", "neighbour", "flush", "all")
    assert wire.reached(wire.kiosk, *ALL, "127.0.0.1 80", "::1 80") == [
        "192.0.2.10 445", "192.0.2.20 445", "fd00::30 9100", "127.0.0.1 80", "::1 80",
    ]  # fmt: skip
    assert wire.reached(wire.hospital, *inward) == []
    assert wire.datagram(67, 68) == "nothing"


@pytest.mark.peers
def test_a_machine_without_a_site_hears_dhcp_and_reaches_nobody(wire: Wire) -> None:
    wire.load(ruleset(None))
    assert wire.reached(wire.kiosk, *ALL) == []
    assert wire.datagram(67, 68) == "192.0.2.10"
    assert wire.datagram(5355, 5355) == "nothing"


@pytest.mark.peers
def test_another_sites_rules_replace_the_old_ones_whole(wire: Wire, tmp_path: Path) -> None:
    wire.load(here(rules(tmp_path, STATIC)))
    wire.load(here(rules(tmp_path, STATIC.replace("192.0.2.10:445", "192.0.2.99"))))
    targets = ("192.0.2.10 445", "192.0.2.99 445", "192.0.2.30 9100")
    assert wire.reached(wire.kiosk, *targets) == ["192.0.2.99 445", "192.0.2.30 9100"]
    # Refused rules leave those before in force.
    with pytest.raises(subprocess.CalledProcessError):
        wire.load(here(rules(tmp_path, STATIC)).replace("policy drop", "policy dorp", 1))
    assert wire.reached(wire.kiosk, *targets) == ["192.0.2.99 445", "192.0.2.30 9100"]


@pytest.mark.peers
def test_a_name_reaches_its_port_anywhere_and_no_other(wire: Wire, tmp_path: Path) -> None:
    text = STATIC.replace("tcp://192.0.2.30:9100", "tcp://printer.hospital.example:9100")
    wire.load(here(rules(tmp_path, text)))
    targets = [target for target in ALL if target.endswith((" 9100", " 80"))]
    assert wire.reached(wire.kiosk, *targets) == [target for target in targets if target.endswith(" 9100")]
