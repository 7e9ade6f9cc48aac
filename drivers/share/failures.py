"""What can go wrong with a share: each failure as a code with parameters, its kind and its English sentence.

Owns the kinds, which callers decide by, and the closed set of codes, by which other languages are worded. No failure
may carry a file name or a file's content: the names of result files and what stands in them belong to patients.
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


class Unfit(ShareError):
    """A name that must not be used: separators, '..', ':', wildcards, control characters, over 255 units."""


class LogonRefused(Refused):
    """The account was not let in. Asking again would lock it, so the logon gate closes."""


# Why a server refused a logon, or anything else, by its answer.
_LOGON_REASONS = {
    "logon_denied": "the account may not log on",
    "no_such_user": "no such user",
    "wrong_password": "wrong password",
    "wrong_user_or_password": "wrong user or password",
    "account_restricted": "the account is restricted",
    "logon_hours": "the account may not log on at this hour",
    "logon_computer": "the account may not log on from this computer",
    "password_expired": "the password has expired",
    "account_disabled": "the account is disabled",
    "clocks_differ": "the clocks of server and kiosk differ too much",
    "no_network_logon": "the account may not log on over the network",
    "account_expired": "the account has expired",
    "wrong_account_kind": "the account is not for this use",
    "password_must_change": "the password must be changed first",
    "account_locked": "the account is locked out",
    "logon_policy": "a policy forbids this account to log on",
    "logon_refused": "the logon was refused",
}
_SERVER_REASONS = {
    "access_denied": "access denied; give the kiosk's account the right it needs",
    "folder_missing": "the folder does not exist (any more); restore it or correct the setting",
    "privilege_missing": "a privilege is missing; give the kiosk's account the right it needs",
    "write_protected": "the disk is write-protected",
    "folder_for_file": "a folder stands where a file was expected",
    "not_supported": "not supported; the server may not speak SMB 3",
    "no_such_share": "no such share; correct the setting or share the folder",
    "file_for_folder": "a file stands where a folder was expected",
    "read_only": "a file is marked read-only and cannot be deleted",
    "dfs_link": "the folder is a DFS link; name the server that really holds it",
    "symbolic_link": "a symbolic link is not followed; name the real folder",
    "virus_scanner": "the server's virus scanner stopped the access",
    "server_refused": "the server refused",
}
FAILURES: Final[Mapping[str, tuple[type[ShareError], str]]] = {
    "name_refused": (Unfit, "a file name was refused: {why}. Ask staff to rename or remove the file."),
    "pattern_refused": (Unfit, "a search pattern was refused: {why}."),
    "folder_name_refused": (Unfit, "a folder name was refused: {why}. Correct the setting."),
    "no_such_file": (Missing, "no such file."),
    "name_taken": (Exists, "the name is taken; nothing was overwritten."),
    "too_large": (TooLarge, "a file is larger than {limit} bytes."),
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
    # A folder on a server; `status` is an NTSTATUS, eight hex digits.
    "in_use": (Busy, "somebody else has the file open or locked. Try again."),
    "renamed_by_another": (Busy, "somebody else renamed a file at the same moment. Try again."),
    "size_changed": (Busy, "a file changed its size while it was read. Try again."),
    "shorter": (Busy, "a file became shorter while it was read. Try again."),
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
        for code, why in _LOGON_REASONS.items()
    },
    **{code: (Refused, f"{why} (0x{{status}}).") for code, why in _SERVER_REASONS.items()},
}


def failure(code: str, where: str, **parameters: Parameter) -> ShareError:
    """The failure `code` of the share at `where`, to be raised."""
    kind, sentence = FAILURES[code]
    return kind(f"{where}: {sentence.format(**parameters)}", code, {"where": where, **parameters})
