"""What may stand in a share's address, and that a mistake is named without repeating a secret."""

import pytest

from drivers.share import BadAddress, FolderAddress, SmbAddress, open_share, parse


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("smb://kiosk@192.0.2.10/face", SmbAddress("192.0.2.10", 445, "face", (), "kiosk")),
        ("smb://kiosk@192.0.2.10:4455/face/", SmbAddress("192.0.2.10", 4455, "face", (), "kiosk")),
        ("SMB://WG;kiosk@srv-1.local/f/a/b", SmbAddress("srv-1.local", 445, "f", ("a", "b"), "kiosk", "WG")),
        ("smb://ki%40osk@h/a%20b/%E5%85%B1%E6%9C%89", SmbAddress("h", 445, "a b", ("共有",), "ki@osk")),
        ("smb://kiosk@h/共有/資格", SmbAddress("h", 445, "共有", ("資格",), "kiosk")),
        ("smb://kiosk@[fd00::12]:1445/f", SmbAddress("fd00::12", 1445, "f", (), "kiosk")),
        ("smb://kiosk@h/C$", SmbAddress("h", 445, "C$", (), "kiosk")),
    ],
)
def test_smb_addresses_are_understood(url: str, address: SmbAddress) -> None:
    assert parse(url) == address


def test_local_folders_are_understood() -> None:
    for url in ("file:///srv/a%20b", "file://localhost/srv/a b/"):
        address = parse(url)
        assert isinstance(address, FolderAddress) and str(address.path) == "/srv/a b"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "expected smb://"),
        ("//h/face", "expected smb://"),
        ("ftp://h/face", "unknown kind"),
        ("smb://h/face", "user is missing"),
        ("smb://@h/face", "user is missing"),
        ("smb://WG;@h/face", "user is missing"),
        ("smb://;kiosk@h/face", "domain"),
        ("smb://kiosk:geheim@h/face", "password_file"),
        ("smb://a@b@h/face", "%40"),
        ("smb://kiosk@/face", "host"),
        ("smb://kiosk@h h/face", "host"),
        ("smb://kiosk@h", "share's name"),
        ("smb://kiosk@h/", "share's name"),
        ("smb://kiosk@h:0/face", "port"),
        ("smb://kiosk@h:65536/face", "port"),
        ("smb://kiosk@h:x/face", "port"),
        ("smb://kiosk@fd00::12/face", "brackets"),
        ("smb://kiosk@[fd00::zz]/face", "brackets"),
        ("smb://kiosk@[fd00::12/face", "brackets"),
        ("smb://kiosk@h/face/../x", "cannot be used"),
        ("smb://kiosk@h/face/%2e%2e", "cannot be used"),
        ("smb://kiosk@h/face/a%5Cb", "cannot be used"),
        ("smb://kiosk@h/face/a:b", "cannot be used"),
        ("smb://kiosk@h/face/%zz", "hex digits"),
        ("smb://kiosk@h/face/%ff", "UTF-8"),
        ("smb://kiosk@h/fa%00ce", "control character"),
        ("smb://kiosk@h/face\n", "control character"),
        ("smb://kiosk@h/face?x=1", "no meaning"),
        ("smb://kiosk@h/face#x", "no meaning"),
        ("file://srv/a", "three slashes"),
        ("file:///", "folder is missing"),
        ("file:///a/../b", "not allowed"),
        ("file:///a%2Fb", "not allowed"),
    ],
)
def test_a_bad_address_says_what_was_expected(url: str, says: str) -> None:
    with pytest.raises(BadAddress, match=says) as bad:
        parse(url)
    assert "geheim" not in str(bad.value)


def test_user_and_password_never_show() -> None:
    address = parse("smb://WG;kiosk@[fd00::12]:99/f/a")
    assert isinstance(address, SmbAddress)
    assert address.where == "smb://[fd00::12]:99/f/a"
    assert "kiosk" not in repr(address) and "WG" not in repr(address)
    assert "geheim" not in repr(open_share("smb://kiosk@h/face", "geheim"))


def test_smb_needs_a_password() -> None:
    with pytest.raises(BadAddress, match="password_file"):
        open_share("smb://kiosk@h/face", None)
