"""Shares: the folders of terminals and receipt computers, over SMB or local, behind one protocol.

Owns `open_share` and names what callers may use. Must never know what the files mean.
"""

from drivers.bad_address import BadAddress
from drivers.share.address import FolderAddress, SmbAddress, parse
from drivers.share.failures import (
    Busy,
    Exists,
    Full,
    Missing,
    Refused,
    ShareError,
    TooLarge,
    Unfit,
    Unreachable,
    Unsupported,
)
from drivers.share.logon_gate import SHARED, LogonGate
from drivers.share.protocol import Changes, Digest, Entry, SessionInfo, Share

__all__ = [
    "BadAddress",
    "Busy",
    "Changes",
    "Digest",
    "Entry",
    "Exists",
    "FolderAddress",
    "Full",
    "LogonGate",
    "Missing",
    "Refused",
    "SessionInfo",
    "Share",
    "ShareError",
    "SmbAddress",
    "TooLarge",
    "Unfit",
    "Unreachable",
    "Unsupported",
    "open_share",
    "parse",
]


def open_share(url: str, password: str | None, *, deadline_s: float = 5.0, gate: LogonGate | None = None) -> Share:
    """The share at `url`; nothing is connected yet.

    BadAddress: the URL was not understood (see `address.parse`). `password` is needed for smb:// and ignored for
    file://. `deadline_s`: longest time without progress before a call gives up with Unreachable.
    """
    match parse(url):
        case FolderAddress() as address:
            from drivers.share.folder import FolderShare

            return FolderShare(address)
        case SmbAddress() as address:
            # Late import: a site of local folders never loads the SMB library.
            from drivers.share.smb.share import SmbShare

            if password is None:
                raise BadAddress("no_password", "smb:// needs a password; name its file in password_file")
            return SmbShare(address, password, deadline_s=deadline_s, gate=gate or SHARED)
