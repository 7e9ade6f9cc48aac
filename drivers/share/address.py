"""Share addresses: what a person writes into site.toml, understood and checked before anything connects.

Owns the syntax `smb://[domain;]user@host[:port]/share[/folder]` and `file:///absolute/folder`. Must never connect,
and must never accept or repeat a password.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import quote, unquote_to_bytes

from drivers.bad_address import BadAddress
from drivers.share.protocol import name_fault

SMB_PORT = 445
_EXPECTED = "expected smb://[domain;]user@host[:port]/share[/folder] or file:///absolute/folder"
_HOST = re.compile(r"^[0-9A-Za-z_]([0-9A-Za-z_.-]{0,252}[0-9A-Za-z_.])?$")


@dataclass(frozen=True)
class SmbAddress:
    """A folder on an SMB server. `folder` is the path from the share's root, "" for the root itself."""

    host: str
    port: int
    share: str
    folder: tuple[str, ...]
    user: str = field(repr=False)
    domain: str = field(default="", repr=False)

    @property
    def where(self) -> str:
        """The address without the user, for messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == SMB_PORT else f":{self.port}"
        return f"smb://{host}{port}/" + "/".join((self.share, *self.folder))

    @property
    def account(self) -> tuple[str, int, str, str]:
        """Host, port, domain and user as they are compared: without case."""
        return (self.host.casefold(), self.port, self.domain.casefold(), self.user.casefold())


@dataclass(frozen=True)
class FolderAddress:
    """A folder of this machine. `path` is absolute."""

    path: PurePosixPath

    @property
    def where(self) -> str:
        """The address, for messages."""
        return "file://" + quote(str(self.path), safe="/")


def parse(url: str) -> SmbAddress | FolderAddress:
    """Understand a share URL. BadAddress says what is wrong and what was expected; nothing is connected."""
    scheme, colon, rest = url.partition("://")
    if not colon:
        raise BadAddress(expected=_EXPECTED)
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in url):
        raise BadAddress("address_control_character", "a control character stands in the address", _EXPECTED)
    if "?" in rest or "#" in rest:
        raise BadAddress(
            "query_in_share", "'?' and '#' have no meaning here (a '#' in a name is written %23)", _EXPECTED
        )
    match scheme.lower():
        case "smb":
            return _smb(rest)
        case "file":
            return _file(rest)
    raise BadAddress("unknown_scheme", "unknown kind of address", _EXPECTED)


def _smb(rest: str) -> SmbAddress:
    authority, _, path = rest.partition("/")
    userinfo, at, hostport = authority.rpartition("@")
    if not at or not userinfo:
        raise BadAddress("user_missing", "the user is missing", _EXPECTED)
    if ":" in userinfo:
        raise BadAddress(
            "password_in_address",
            "a password does not belong into an address; put it into a file and name it in password_file",
        )
    if "@" in userinfo:
        raise BadAddress("at_in_user", "an '@' within the user name is written %40")
    domain, semicolon, user = userinfo.rpartition(";")
    if semicolon and not domain:
        raise BadAddress("domain_empty", "the domain before ';' is empty", _EXPECTED)
    user, domain = _decoded(user), _decoded(domain)
    if not user:
        raise BadAddress("user_missing", "the user is missing", _EXPECTED)
    host, port = _host_port(hostport)
    share, *folder = _names(path) or [""]
    if not share:
        raise BadAddress("share_missing", "the share's name is missing", _EXPECTED)
    return SmbAddress(host, port, share, tuple(folder), user, domain)


def _file(rest: str) -> FolderAddress:
    host, slash, path = rest.partition("/")
    if host.lower() not in ("", "localhost") or not slash:
        raise BadAddress("three_slashes", "a local folder is written file:///absolute/folder, with three slashes")
    parts = [_decoded(part) for part in path.split("/") if part]
    if any(part in (".", "..") or "/" in part or "\0" in part for part in parts):
        raise BadAddress("dots_in_folder", "'.', '..' and encoded slashes are not allowed in file:///absolute/folder")
    if not parts:
        raise BadAddress("folder_missing", "the folder is missing; a local folder is written file:///absolute/folder")
    return FolderAddress(PurePosixPath("/", *parts))


def _names(path: str) -> list[str]:
    names = [_decoded(part) for part in path.split("/") if part]
    for name in names:
        if fault := name_fault(name):
            raise BadAddress(fault.code, f"a share or folder name cannot be used: {fault}", _EXPECTED)
    return names


def _host_port(text: str) -> tuple[str, int]:
    if text.startswith("["):
        host, bracket, after = text[1:].partition("]")
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise BadAddress("ipv6_brackets", "an IPv6 host is written in brackets, such as [fd00::12]") from None
        if not bracket or (after and not after.startswith(":")):
            raise BadAddress("ipv6_port", "an IPv6 host is written in brackets, such as [fd00::12] or [fd00::12]:445")
        colon, port = after[:1], after[1:]
    else:
        host, colon, port = text.partition(":")
        if ":" in port:
            raise BadAddress("ipv6_brackets", "an IPv6 host is written in brackets, such as [fd00::12]")
        if not _HOST.match(host):
            raise BadAddress("no_host", "the host is missing or is no host name", _EXPECTED)
    if not colon:
        return host, SMB_PORT
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise BadAddress("share_port", "the port must be a number from 1 to 65535")
    return host, int(port)


def _decoded(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise BadAddress("percent", "a '%' must be followed by two hex digits; a plain '%' is written %25")
    try:
        decoded = unquote_to_bytes(text).decode("utf-8")
    except UnicodeError:
        raise BadAddress("percent_utf8", "%-encoded text must be UTF-8") from None
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in decoded):
        raise BadAddress("address_control_character", "a control character stands in the address")
    return decoded
