"""Where a page printer is: the URL of site.toml → a frozen address.

Owns the URL grammar `ipp://host[:port][/path][?paper=a4|a5]` and `file:///folder[?paper=a4|a5]`. Must never open
anything, and its messages say what was expected, for the person who types it.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import SplitResult, quote, unquote, urlsplit

from drivers.bad_address import BadAddress

IPP_PORT: Final = 631
DEFAULT_PATH: Final = "/ipp/print"
"""Where IPP Everywhere printers have their print service (PWG 5100.14)."""

Paper = Literal["a4", "a5"]
PaperChoice = Literal["a4", "a5", "printer"]
"""`printer`: what the printer says is its usual paper; A4 where it says nothing."""

_URL_MAX = 1024
_HOST = re.compile(r"[0-9A-Za-z_]([0-9A-Za-z_.-]{0,252}[0-9A-Za-z_.])?")
_EXPECTED = "expected ipp://host/path, such as ipp://192.0.2.40/ipp/print, or file:///folder"


@dataclass(frozen=True)
class IppAddress:
    """`ipp://host:port/path`; port 631 and the path /ipp/print may be left out."""

    host: str
    port: int
    path: str
    paper: PaperChoice = "printer"

    @property
    def uri(self) -> str:
        """The printer-uri of requests: always with its port, never with what is only ours."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ipp://{host}:{self.port}{quote(self.path, safe='/')}"


@dataclass(frozen=True)
class FolderAddress:
    """`file:///folder`: each page becomes a PDF file in it; the paper is A4 unless the URL says otherwise."""

    path: Path
    paper: Paper = "a4"


PagePrinterAddress = IppAddress | FolderAddress


def parse_url(url: str) -> PagePrinterAddress:
    """Read `ipp://host[:port][/path]` or `file:///folder`, with `?paper=a4` or `a5` if wanted; raises BadAddress."""
    if len(url) > _URL_MAX or any(ord(c) < 0x20 or c.isspace() for c in url):
        raise BadAddress(
            "printer_characters", "a printer URL has no blanks or control characters and at most 1024 characters"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as bad:
        raise BadAddress("not_a_url", f"not a URL: {bad}") from None
    if parts.username is not None or parts.fragment:
        raise BadAddress("printer_user", "a printer URL has no user, password or fragment")
    match parts.scheme:
        case "ipp":
            return _ipp(parts, port)
        case "file":
            return _folder(parts)
    raise BadAddress(expected=_EXPECTED)


def _ipp(parts: SplitResult, port: int | None) -> IppAddress:
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) and ":" not in host:
        raise BadAddress(expected=_EXPECTED)
    if port == 0:
        raise BadAddress("printer_port", "a TCP port is 1 to 65535")
    path = DEFAULT_PATH if parts.path in ("", "/") else _unquoted(parts.path)
    return IppAddress(host, port or IPP_PORT, path, _paper(parts) or "printer")


def _folder(parts: SplitResult) -> FolderAddress:
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise BadAddress("three_slashes", "a local folder is written file:///absolute/folder, with three slashes")
    path = Path(_unquoted(parts.path))
    if path == Path("/") or ".." in path.parts:
        raise BadAddress("folder_missing", "the folder is missing; a local folder is written file:///absolute/folder")
    return FolderAddress(path, _paper(parts) or "a4")


def _unquoted(path: str) -> str:
    text = unquote(path)
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in text):
        raise BadAddress("address_control_character", "a control character stands in the address")
    return text


def _paper(parts: SplitResult) -> Paper | None:
    match parts.query:
        case "":
            return None
        case "paper=a4":
            return "a4"
        case "paper=a5":
            return "a5"
    raise BadAddress("page_printer_paper", "after '?' only paper=a4 or paper=a5 may stand")
