"""NTSTATUS → a named failure: every status is decided on purpose.

Owns the table ([MS-ERREF] 2.3.1). Must never guess: a status that stands nowhere below is Refused and shows its
number, because a loop that takes "I do not know" for "not there" sends a file twice or deletes it unsent.
"""

from drivers.share.failures import ShareError, failure

OBJECT_NAME_NOT_FOUND = 0xC0000034
OBJECT_PATH_NOT_FOUND = 0xC000003A
END_OF_FILE = 0xC0000011
NO_MORE_FILES = 0x80000006
NO_SUCH_FILE = 0xC000000F
ACCESS_DENIED = 0xC0000022

_MEANINGS = {
    "no_such_file": {OBJECT_NAME_NOT_FOUND},
    "name_taken": {0xC0000035},  # OBJECT_NAME_COLLISION
    "in_use": {
        0xC0000043,  # SHARING_VIOLATION
        0xC0000054,  # FILE_LOCK_CONFLICT
        0xC0000055,  # LOCK_NOT_GRANTED
        0xC0000056,  # DELETE_PENDING
    },
    "full": {0xC000007F, 0xC0000044, 0xC0000904},  # DISK_FULL, QUOTA_EXCEEDED, FILE_TOO_LARGE
    "name_not_accepted": {0xC0000033, 0xC0000039, 0xC000003B, 0xC0000106},  # NAME_INVALID, PATH_*, NAME_TOO_LONG
}

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
    ACCESS_DENIED: "logon_denied",
    0xC0000064: "no_such_user",
    0xC000006A: "wrong_password",
    0xC000006D: "wrong_user_or_password",
    0xC000006E: "account_restricted",
    0xC000006F: "logon_hours",
    0xC0000070: "logon_computer",
    0xC0000071: "password_expired",
    0xC0000072: "account_disabled",
    0xC0000133: "clocks_differ",
    0xC000015B: "no_network_logon",
    0xC0000193: "account_expired",
    0xC0000199: "wrong_account_kind",
    0xC0000224: "password_must_change",
    0xC0000234: "account_locked",
    0xC0000413: "logon_policy",
}

_REFUSED = {
    ACCESS_DENIED: "access_denied",
    OBJECT_PATH_NOT_FOUND: "folder_missing",
    0xC0000061: "privilege_missing",
    0xC00000A2: "write_protected",
    0xC00000BA: "folder_for_file",
    0xC00000BB: "not_supported",
    0xC00000CC: "no_such_share",
    0xC0000103: "file_for_folder",
    0xC0000121: "read_only",
    0xC0000257: "dfs_link",
    0x8000002D: "symbolic_link",
    0xC0000906: "virus_scanner",
}


def fault(status: int, where: str) -> ShareError:
    """The failure that `status` means for a call on an existing connection."""
    other = "session_ended" if is_gone(status) else _REFUSED.get(status, "server_refused")
    code = next((code for code, statuses in _MEANINGS.items() if status in statuses), other)
    return failure(code, where, status=f"{status:08X}")


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
    return failure(_LOGON.get(status, "logon_refused"), where, status=f"{status:08X}")


def is_gone(status: int) -> bool:
    """True when the connection is of no use any more."""
    return status in _GONE
