"""What can go wrong with a share: each failure as a code with parameters, its kind and its English sentence.

Owns the kinds, which callers decide by, the closed set of codes, by which other languages are worded, and what a
server's answer means. No failure may carry a file name or a file's content: the names of result files and what stands
in them belong to patients. Must never guess: a status that stands nowhere below is Refused and shows its number,
because a loop that takes "I do not know" for "not there" sends a file twice or deletes it unsent.
"""

from collections.abc import Mapping
from typing import Final

Parameter = str | int | float


class ShareError(Exception):
    """A share did not do what was asked. `str()`: what, where (host and share) and what to do, in English.

    `code`: which of `FAILURES`, "" for none of them; `parameters`: `where`, and what its sentence has put in.
    """

    def __init__(self, text: str = "", code: str = "", parameters: Mapping[str, Parameter] | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.parameters: Mapping[str, Parameter] = parameters or {}


class Unreachable(ShareError):
    """No answer, connection lost, refused or timed out. THE OUTCOME OF THE CALL IS UNKNOWN; try again later."""


class Refused(ShareError):
    """The server said no in a way that only a person can mend: logon, rights, missing share, guest, no signing.

    For a changing call that failed with an unforeseen status the outcome is "not done"; the status is in the text.
    """


class Busy(ShareError):
    """Somebody else has the file open, locked, or is changing or deleting it. Nothing was done; try again soon."""


class Missing(ShareError):
    """The server said that there is no such file (or that the folder on the way to it is gone)."""


class Exists(ShareError):
    """The name is taken. Nothing was overwritten."""


class Full(ShareError):
    """Disk full or quota used up. What was begun was not finished."""


class TooLarge(ShareError):
    """The file is larger than the caller's limit. Nothing of it was handed out."""


class Unsupported(ShareError):
    """What was asked for is not offered there: no fault, and nothing was done. Do without it."""


class Unfit(ShareError):
    """A name that must not be used: separators, '..', ':', wildcards, control characters, over 255 units."""


class LogonRefused(Refused):
    """The account was not let in. Asking again would lock it, so the logon gate closes."""


# --- what a server answers: NTSTATUS, [MS-ERREF] 2.3.1 ----------------------------------------------------------------

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
        0x0000010B,  # NOTIFY_CLEANUP: a watched folder's handle was closed under us
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

# Why a server refused a logon, or anything else: code and reason.
_LOGON = {
    ACCESS_DENIED: ("logon_denied", "the account may not log on"),
    0xC0000064: ("no_such_user", "no such user"),
    0xC000006A: ("wrong_password", "wrong password"),
    0xC000006D: ("wrong_user_or_password", "wrong user or password"),
    0xC000006E: ("account_restricted", "the account is restricted"),
    0xC000006F: ("logon_hours", "the account may not log on at this hour"),
    0xC0000070: ("logon_computer", "the account may not log on from this computer"),
    0xC0000071: ("password_expired", "the password has expired"),
    0xC0000072: ("account_disabled", "the account is disabled"),
    0xC0000133: ("clocks_differ", "the clocks of server and kiosk differ too much"),
    0xC000015B: ("no_network_logon", "the account may not log on over the network"),
    0xC0000193: ("account_expired", "the account has expired"),
    0xC0000199: ("wrong_account_kind", "the account is not for this use"),
    0xC0000224: ("password_must_change", "the password must be changed first"),
    0xC0000234: ("account_locked", "the account is locked out"),
    0xC0000413: ("logon_policy", "a policy forbids this account to log on"),
}
_REFUSED = {
    ACCESS_DENIED: ("access_denied", "access denied; give the kiosk's account the right it needs"),
    0xC000003A: ("folder_missing", "the folder does not exist (any more); restore it or correct the setting"),
    0xC0000061: ("privilege_missing", "a privilege is missing; give the kiosk's account the right it needs"),
    0xC00000A2: ("write_protected", "the disk is write-protected"),
    0xC00000BA: ("folder_for_file", "a folder stands where a file was expected"),
    0xC00000BB: ("not_supported", "not supported; the server may not speak SMB 3"),
    0xC00000CC: ("no_such_share", "no such share; correct the setting or share the folder"),
    0xC0000103: ("file_for_folder", "a file stands where a folder was expected"),
    0xC0000121: ("read_only", "a file is marked read-only and cannot be deleted"),
    0xC0000257: ("dfs_link", "the folder is a DFS link; name the server that really holds it"),
    0x8000002D: ("symbolic_link", "a symbolic link is not followed; name the real folder"),
    0xC0000906: ("virus_scanner", "the server's virus scanner stopped the access"),
}
FAILURES: Final[Mapping[str, tuple[type[ShareError], str]]] = {
    "name_refused": (Unfit, "a file name was refused: {why}. Ask staff to rename or remove the file."),
    "pattern_refused": (Unfit, "a search pattern was refused: {why}."),
    "folder_name_refused": (Unfit, "a folder name was refused: {why}. Correct the setting."),
    "no_such_file": (Missing, "no such file."),
    "name_taken": (Exists, "the name is taken; nothing was overwritten."),
    "too_large": (TooLarge, "a file is larger than {limit} bytes."),
    "written_otherwise": (Busy, "what was written does not read back the same. Try again; check the disk."),
    # A folder of this machine.
    "changed": (Busy, "a file changed while it was read. Try again."),
    "replaced": (Busy, "a file was replaced while it was read. Try again."),
    "not_a_file": (Refused, "something that is no file stands where a file was expected."),
    "cannot_rename": (
        Refused,
        "this disk cannot rename there without replacing ({errno}). Use one local disk for both folders.",
    ),
    "local_folder_missing": (Refused, "the folder does not exist. Create it or correct the setting."),
    "local_folder_gone": (Refused, "the folder has gone. Restore it."),
    "local_in_use": (Busy, "somebody else uses the file. Try again. ({errno})"),
    "local_full": (Full, "disk full or quota used up. Make room. ({errno})"),
    "disk_silent": (Unreachable, "the disk does not answer. Check it. ({errno})"),
    "local_name_not_accepted": (Unfit, "the name is not accepted. ({errno})"),
    "system_refused": (Refused, "the system refused ({errno}). Check rights and disk."),
    "no_notices_from_disk": (
        Unsupported,
        "this kind of disk ({filesystem}) does not report what others change. The folder is listed instead.",
    ),
    "no_notices_from_system": (Unsupported, "the system watches no more folders ({errno}). It is listed instead."),
    # A folder on a server; `status` is an NTSTATUS, eight hex digits.
    "in_use": (Busy, "somebody else has the file open or locked. Try again."),
    "renamed_by_another": (Busy, "somebody else renamed a file at the same moment. Try again."),
    "size_changed": (Busy, "a file changed its size while it was read. Try again."),
    "shorter": (Busy, "a file became shorter while it was read. Try again."),
    "notices_refused": (Unsupported, "the server does not report changes (0x{status}). The folder is listed instead."),
    "same_file": (Exists, "source and target are the same file."),
    "full": (Full, "disk full or quota used up (0x{status}). Make room on the server."),
    "name_not_accepted": (Unfit, "the server does not accept the name (0x{status})."),
    "session_ended": (Unreachable, "the server ended the session or cannot serve now (0x{status}). Try again."),
    "no_answer": (Unreachable, "no answer within {seconds} s. Check server and network."),
    "no_connection": (Unreachable, "no connection, or it was lost. Check server and network."),
    "connection_dropped": (Unreachable, "the connection was dropped. Try again."),
    "no_smb_server": (Unreachable, "what answers there is no SMB server. Check host, port and network."),
    "another_logon": (Unreachable, "another logon of this account is still waiting. Try again."),
    "smb2_only": (Refused, "the server speaks only SMB 2. Allow SMB 3 on it."),
    "unsigned_answer": (Refused, "an answer was not signed as agreed. Check who stands between the machines."),
    "logon_failed": (LogonRefused, "the logon could not be carried out. Check user and password."),
    "guest_only": (
        LogonRefused,
        (
            "the server let us in as a guest only, which cannot be signed. "
            "Check the user, and turn guest access off on the server."
        ),
    ),
    **{
        code: (LogonRefused, f"{why} (0x{{status}}). Check the user and the password file.")
        for code, why in (*_LOGON.values(), ("logon_refused", "the logon was refused"))
    },
    **{
        code: (Refused, f"{why} (0x{{status}}).")
        for code, why in (*_REFUSED.values(), ("server_refused", "the server refused"))
    },
}


def failure(code: str, where: str, **parameters: Parameter) -> ShareError:
    """The failure `code` of the share at `where`, to be raised."""
    kind, sentence = FAILURES[code]
    return kind(f"{where}: {sentence.format(**parameters)}", code, {"where": where, **parameters})


def fault(status: int, where: str) -> ShareError:
    """The failure that `status` means for a call on an existing connection."""
    other = "session_ended" if is_gone(status) else _REFUSED.get(status, ("server_refused",))[0]
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
    return failure(_LOGON.get(status, ("logon_refused",))[0], where, status=f"{status:08X}")


def is_gone(status: int) -> bool:
    """True when the connection is of no use any more."""
    return status in _GONE
