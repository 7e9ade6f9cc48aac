"""NTSTATUS → a named failure: every status is decided on purpose.

Owns the table ([MS-ERREF] 2.3.1). Must never guess: a status that stands nowhere below is Refused and shows its
number, because a loop that takes "I do not know" for "not there" sends a file twice or deletes it unsent.
"""

from drivers.share.protocol import Busy, Exists, Full, Missing, Refused, ShareError, Unfit, Unreachable

OBJECT_NAME_NOT_FOUND = 0xC0000034
OBJECT_PATH_NOT_FOUND = 0xC000003A
END_OF_FILE = 0xC0000011
NO_MORE_FILES = 0x80000006
NO_SUCH_FILE = 0xC000000F
ACCESS_DENIED = 0xC0000022

_BUSY = frozenset(
    {
        0xC0000043,  # SHARING_VIOLATION
        0xC0000054,  # FILE_LOCK_CONFLICT
        0xC0000055,  # LOCK_NOT_GRANTED
        0xC0000056,  # DELETE_PENDING
    }
)
_FULL = frozenset({0xC000007F, 0xC0000044, 0xC0000904})  # DISK_FULL, QUOTA_EXCEEDED, FILE_TOO_LARGE
_UNFIT = frozenset({0xC0000033, 0xC0000039, 0xC000003B, 0xC0000106})  # NAME_INVALID, PATH_*, NAME_TOO_LONG

# The session, tree or handle is gone, or the server cannot serve just now. The connection is dropped; the caller
# tries again and the next logon starts afresh.
_GONE = frozenset(
    {
        0xC0000008,  # INVALID_HANDLE
        0xC000005E,  # NO_LOGON_SERVERS
        0xC000009A,  # INSUFFICIENT_RESOURCES
        0xC00000B5,  # IO_TIMEOUT
        0xC00000BE,  # BAD_NETWORK_PATH
        0xC00000C4,  # UNEXPECTED_NETWORK_ERROR
        0xC00000C9,  # NETWORK_NAME_DELETED
        0xC00000D0,  # REQUEST_NOT_ACCEPTED: too many connections
        0xC0000120,  # CANCELLED
        0xC0000128,  # FILE_CLOSED
        0xC000013B,  # LOCAL_DISCONNECT
        0xC000013C,  # REMOTE_DISCONNECT
        0xC0000203,  # USER_SESSION_DELETED
        0xC0000205,  # INSUFF_SERVER_RESOURCES
        0xC000020C,  # CONNECTION_DISCONNECTED
        0xC000020D,  # CONNECTION_RESET
        0xC000035C,  # NETWORK_SESSION_EXPIRED
        0xC0000466,  # SERVER_UNAVAILABLE
        0xC0000480,  # SHARE_UNAVAILABLE
    }
)

_LOGON = {
    ACCESS_DENIED: "the account may not log on",
    0xC0000064: "no such user",
    0xC000006A: "wrong password",
    0xC000006D: "wrong user or password",
    0xC000006E: "the account is restricted",
    0xC000006F: "the account may not log on at this hour",
    0xC0000070: "the account may not log on from this computer",
    0xC0000071: "the password has expired",
    0xC0000072: "the account is disabled",
    0xC0000133: "the clocks of server and kiosk differ too much",
    0xC000015B: "the account may not log on over the network",
    0xC0000193: "the account has expired",
    0xC0000199: "the account is not for this use",
    0xC0000224: "the password must be changed first",
    0xC0000234: "the account is locked out",
    0xC0000413: "a policy forbids this account to log on",
}

_REFUSED = {
    ACCESS_DENIED: "access denied; give the kiosk's account the right it needs",
    OBJECT_PATH_NOT_FOUND: "the folder does not exist (any more); restore it or correct the setting",
    0xC0000061: "a privilege is missing; give the kiosk's account the right it needs",
    0xC00000A2: "the disk is write-protected",
    0xC00000BA: "a folder stands where a file was expected",
    0xC00000BB: "not supported; the server may not speak SMB 3",
    0xC00000CC: "no such share; correct the setting or share the folder",
    0xC0000103: "a file stands where a folder was expected",
    0xC0000121: "a file is marked read-only and cannot be deleted",
    0xC0000257: "the folder is a DFS link; name the server that really holds it",
    0x8000002D: "a symbolic link is not followed; name the real folder",
    0xC0000906: "the server's virus scanner stopped the access",
}


class LogonRefused(Refused):
    """The account was not let in. Asking again would lock it, so the logon gate closes."""


def fault(status: int, where: str) -> ShareError:
    """The failure that `status` means for a call on an existing connection."""
    if status == OBJECT_NAME_NOT_FOUND:
        return Missing(f"{where}: no such file.")
    if status in _BUSY:
        return Busy(f"{where}: somebody else has the file open or locked. Try again.")
    if status == 0xC0000035:
        return Exists(f"{where}: the name is taken; nothing was overwritten.")
    if status in _FULL:
        return Full(f"{where}: disk full or quota used up (0x{status:08X}). Make room on the server.")
    if status in _UNFIT:
        return Unfit(f"{where}: the server does not accept the name (0x{status:08X}).")
    if is_gone(status):
        return Unreachable(f"{where}: the server ended the session or cannot serve now (0x{status:08X}). Try again.")
    why = _REFUSED.get(status, "the server refused")
    return Refused(f"{where}: {why} (0x{status:08X}).")


def folder_fault(status: int, where: str) -> ShareError:
    """As `fault`, when it was the folder itself that could not be opened or was the target of a rename.

    Here "not found" is a missing folder and must never be read as "the file has gone where it should".
    """
    if status in (OBJECT_NAME_NOT_FOUND, NO_SUCH_FILE):
        return fault(OBJECT_PATH_NOT_FOUND, where)
    return fault(status, where)


def logon_fault(status: int, where: str) -> ShareError:
    """The failure that `status` means as the answer to a logon."""
    if is_gone(status):
        return fault(status, where)
    why = _LOGON.get(status, "the logon was refused")
    return LogonRefused(f"{where}: {why} (0x{status:08X}). Check the user and the password file.")


def is_gone(status: int) -> bool:
    """True when the connection is of no use any more."""
    return status in _GONE
