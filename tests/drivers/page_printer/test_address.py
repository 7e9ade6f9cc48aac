"""Addresses of page printers, as people write them."""

from pathlib import Path

import pytest

from drivers.bad_address import BadAddress
from drivers.page_printer import FolderAddress, IppAddress, open_page_printer, parse_url


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("ipp://192.0.2.40/ipp/print", IppAddress("192.0.2.40", 631, "/ipp/print")),
        ("ipp://192.0.2.40", IppAddress("192.0.2.40", 631, "/ipp/print")),
        ("ipp://192.0.2.40/", IppAddress("192.0.2.40", 631, "/ipp/print")),
        ("ipp://printer.hospital.example:8631/printers/desk?paper=a5",
         IppAddress("printer.hospital.example", 8631, "/printers/desk", "a5")),
        ("ipp://[fd00::12]:631/ipp/print", IppAddress("fd00::12", 631, "/ipp/print")),
        ("ipp://localhost/printers/%E5%8F%97%E4%BB%98", IppAddress("localhost", 631, "/printers/受付")),
        ("file:///srv/charts", FolderAddress(Path("/srv/charts"))),
        ("file://localhost/srv/charts/?paper=a5", FolderAddress(Path("/srv/charts"), "a5")),
        ("file:///srv/a%20b", FolderAddress(Path("/srv/a b"))),
    ],
)  # fmt: skip
def test_what_is_understood(url: str, address: object) -> None:
    assert parse_url(url) == address


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", ""),
        ("192.0.2.40", ""),
        ("http://192.0.2.40/ipp/print", ""),
        ("ipp:///ipp/print", ""),
        ("ipp://a b/", "printer_characters"),
        ("ipp://192.0.2.40/\n", "printer_characters"),
        ("ipp://" + "a" * 1100, "printer_characters"),
        ("ipp://user:secret@192.0.2.40/ipp/print", "printer_user"),
        ("ipp://192.0.2.40/ipp/print#1", "printer_user"),
        ("ipp://192.0.2.40:0/ipp/print", "printer_port"),
        ("ipp://192.0.2.40:99999/ipp/print", "not_a_url"),
        ("ipp://[fd00::12/ipp/print", "not_a_url"),
        ("ipp://192.0.2.40/ipp/print?paper=b5", "page_printer_paper"),
        ("ipp://192.0.2.40/ipp/print?a5", "page_printer_paper"),
        ("ipp://192.0.2.40/ipp%0aprint", "address_control_character"),
        ("file://server/charts", "three_slashes"),
        ("file:charts", "three_slashes"),
        ("file:///", "folder_missing"),
        ("file:///srv/../etc", "folder_missing"),
        ("file:///srv/%2e%2e/etc", "folder_missing"),
        ("file:///srv/charts?mode=1", "page_printer_paper"),
    ],
)
def test_what_is_refused_and_never_repeated(url: str, code: str) -> None:
    with pytest.raises(BadAddress) as refused:
        parse_url(url)
    assert refused.value.code == code
    assert "secret" not in str(refused.value)
    with pytest.raises(BadAddress):
        open_page_printer(url)


def test_the_uri_of_requests_has_the_port_and_nothing_of_ours() -> None:
    address = parse_url("ipp://[fd00::12]/printers/%E5%8F%97%E4%BB%98?paper=a5")
    assert isinstance(address, IppAddress)
    assert address.uri == "ipp://[fd00::12]:631/printers/%E5%8F%97%E4%BB%98"
