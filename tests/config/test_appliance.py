"""site.toml: what is said about mistakes in the tables of the appliance, and what may never get through."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.config.checks import Refused
from kiosk.config.reading import SETTINGS
from tests.site_toml import REQUIRED, Site, with_


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def usb(*lines: str) -> str:
    return REQUIRED + "[[usb]]\n" + "\n".join(lines) + "\n"


MISTAKES = [
    (with_("network", 'adress = "dhcp"'), ["[network] adress", "unknown key", "address"]),
    (with_("network", 'interface = "eth0]"'), ["[network] interface", "enp1s0"]),
    (with_("network", 'interface = "an-interface-name"'), ["[network] interface"]),
    (with_("network", 'address = "192.0.2.40"'), ["[network] address", "192.0.2.40/24", "length of the network"]),
    (with_("network", 'address = "192.0.2.40/33"'), ["[network] address", "192.0.2.40/24"]),
    (with_("network", 'address = "192.0.2.0/24"'), ["[network] address", "network itself"]),
    (with_("network", 'address = "127.0.0.1/8"'), ["[network] address", "not an address of a machine"]),
    (with_("network", 'address = "DHCP"'), ["[network] address", '"dhcp"']),
    (with_("network", 'gateway = "192.0.2.1"'), ["[network] gateway", "DHCP"]),
    (
        with_("network", 'address = "192.0.2.40/24"', 'gateway = "198.51.100.1"'),
        ["[network] gateway", "192.0.2.0/24"],
    ),
    (with_("network", 'address = "192.0.2.40/24"', 'gateway = "192.0.2.40"'), ["gateway", "own address"]),
    (with_("network", 'address = "192.0.2.40/24"', 'gateway = "fd00::1"'), ["[network] gateway", "192.0.2.0/24"]),
    (with_("network", 'dns = "192.0.2.2"'), ["[network] dns", "a list of at most 3"]),
    (with_("network", 'dns = ["dns.example"]'), ["[network] dns", "addresses"]),
    (with_("network", 'dns = ["192.0.2.2", "192.0.2.2"]'), ["[network] dns", "twice"]),
    (with_("network", 'hostname = "kiosk_1"'), ["[network] hostname", "letters, digits and hyphens"]),
    (with_("network", 'hostname = ""'), ["[network] hostname"]),
    (with_("time", 'servers = ["ntp example"]'), ["[time] servers", "at most 4 hosts"]),
    (with_("time", 'servers = ["192.0.2"]'), ["[time] servers"]),
    (with_("syslog", 'server = "192.0.2.9:514"'), ["[syslog] server", "udp://host:514"]),
    (with_("syslog", 'server = "udp://192.0.2.9"'), ["[syslog] server"]),
    (with_("syslog", 'server = "tls://192.0.2.9:6514"'), ["[syslog] server"]),
    (with_("metrics", 'listen = "0.0.0.0:9105"'), ["[metrics] listen", "127.0.0.1:9105"]),
    (with_("metrics", 'listen = "192.0.2.40:9105"'), ["[metrics] listen", "nobody outside"]),
    (with_("metrics", 'listen = "localhost:9105"'), ["[metrics] listen", "not an address"]),
    (with_("metrics", 'push = "https://192.0.2.9/metrics"'), ["[metrics] push", "smb://"]),
    (with_("metrics", "push_every_s = 1"), ["[metrics] push_every_s", "from 5 to 3600"]),
    (with_("technician", 'pin = "428517"'), ["[technician] pin", "unknown key", "pin_file"]),
    (with_("update", 'folder = "smb://192.0.2.9/updates"'), ["[update] folder", "the user is missing"]),
    (usb('what = "keyboard"', 'id = "04b8:0202"'), ["[[usb]] no. 1 what", '"keypad"']),
    (usb('what = "printer"'), ["[[usb]] no. 1 id", "missing", "lsusb"]),
    (usb('what = "printer"', 'id = "4b8:202"'), ["[[usb]] no. 1 id", "04b8:0202"]),
    (usb('what = "printer"', 'id = "04b8:0202"', 'port = "usb1"'), ["[[usb]] no. 1 port", "1-2"]),
    (usb('what = "printer"', 'id = "04b8:0202"', 'serial = "A*"'), ["[[usb]] no. 1 serial"]),
]


@pytest.mark.parametrize(("text", "says"), MISTAKES)
def test_a_mistake_is_reported_with_file_key_and_what_is_expected(site: Site, text: str, says: list[str]) -> None:
    (line,) = site.problems(text)
    for words in says:
        assert words in line


def test_values_are_given_back_in_one_way_of_writing(site: Site) -> None:
    touch = usb('what = "touch"', 'id = "0EEF:C002"')
    loaded = site.load(with_("network", 'address = "FD00::0:40/64"', 'gateway = "fd00:0::1"', text=touch))
    assert (loaded.network.address, loaded.network.gateway) == ("fd00::40/64", "fd00::1")
    assert loaded.usb[0].id == "0eef:c002"


# What goes into a file of a system service as it is: no value may end its line, quote or field there.
WRITTEN_AS_IS = [
    ("network", "interface"), ("network", "address"), ("network", "gateway"), ("network", "hostname"),
    ("syslog", "server"), ("metrics", "listen"), ("usb", "id"), ("usb", "port"), ("usb", "serial"),
]  # fmt: skip
DANGEROUS = set("\"'\\\n\r\0;{}%$`*?[]|")


@pytest.mark.parametrize(("table", "key"), WRITTEN_AS_IS)
@given(text=st.text(max_size=20), bad=st.sampled_from(sorted(DANGEROUS)), at=st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_no_value_holds_a_character_of_another_languages_grammar(
    table: str, key: str, text: str, bad: str, at: int
) -> None:
    examples = {
        "address": "192.0.2.40/24", "gateway": "192.0.2.1", "server": "udp://h:1", "listen": "127.0.0.1:9105",
        "id": "04b8:0202", "port": "1-2",
    }  # fmt: skip
    good = examples.get(key, "abc")
    check = SETTINGS[table][key].check
    for value in (text, good[:at] + bad + good[at:]):
        try:
            accepted = check.accept(value, Path("/"))
        except Refused:
            continue
        # [::1]:9105 is the one bracket that belongs.
        assert not (set(str(accepted)) & DANGEROUS) - (set("[]") if key in ("listen", "server") else set())
