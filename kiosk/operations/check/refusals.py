"""Why a share did not do what was asked, for the technician who has to mend it.

Owns what a `ShareError` means there, and the question what is wrong with the way to a server. Must never change
anything on a server; beyond the share's own calls it only looks a name up and opens a TCP connection.
"""

from __future__ import annotations

import socket
from contextlib import suppress

from drivers.resolve import resolve
from drivers.share import (
    Busy,
    FolderAddress,
    Full,
    LogonGate,
    Missing,
    Refused,
    ShareError,
    SmbAddress,
    Unreachable,
    parse,
)
from kiosk.words.problems import Problem, word

_ANSWER_S = 3.0

# By the status that the server answered.
_LOGON = {
    "C0000064": "logon.no_user",
    "C000006A": "logon.wrong_password",
    "C000006D": "logon.wrong_logon",
    "C0000071": "logon.password_expired",
    "C0000072": "logon.disabled",
    "C0000133": "logon.clock",
    "C0000193": "logon.account_expired",
    "C0000224": "logon.password_to_change",
    "C0000234": "logon.locked",
}
_REFUSED = {
    "C0000022": ("cause.no_right", "do.give_rights"),
    "C000003A": ("cause.no_folder", "do.mend_folder"),
    "C00000A2": ("cause.write_protected", "do.share_writable"),
    "C00000BB": ("cause.unsupported", "do.allow_smb3"),
    "C00000CC": ("cause.no_share", "do.mend_share"),
    "C0000257": ("cause.dfs", "do.name_server"),
    "C0000906": ("cause.virus_scanner", "do.exempt_share"),
}


def explain(error: ShareError, url: str, gate: LogonGate) -> tuple[Problem, str]:
    """(what is wrong, the code of what to do). `url`: the share's address; `gate`: the one it was opened with."""
    address = parse(url)
    if isinstance(error, Busy):
        return Problem("cause.in_use"), "do.check_scanners"
    if isinstance(error, Full):
        return Problem("cause.server_full"), "do.free_server"
    if isinstance(error, Missing):
        return Problem("cause.file_gone"), "do.check_movers"
    if isinstance(address, FolderAddress):
        return Problem("cause.folder_unusable", {"message": _message(error, address)}), "do.check_folder"
    if isinstance(error, Unreachable):
        return _way_to(address)
    if isinstance(error, Refused):
        return _refusal(error, address, gate)
    return Problem("cause.failed", {"message": _message(error, address)}), "do.check_settings"


def _message(error: ShareError, address: SmbAddress | FolderAddress) -> str:
    """The failure itself; in English when the catalogue lacks its code."""
    with suppress(KeyError):
        return word(Problem(f"share_failures.{error.code}", error.parameters), "status", "ja")
    return str(error).removeprefix(f"{address.where}: ")


def _refusal(error: Refused, address: SmbAddress, gate: LogonGate) -> tuple[Problem, str]:
    status = str(error.parameters.get("status"))
    if gate.refusal(address.account):
        why = Problem(_LOGON[status]) if status in _LOGON else _message(error, address)
        return Problem("cause.no_logon", {"why": why}), "do.check_logon"
    if status in _REFUSED:
        cause, do = _REFUSED[status]
        return Problem(cause), do
    if error.code == "smb2_only":
        return Problem("cause.smb2"), "do.allow_smb3"
    return Problem("cause.refused", {"message": _message(error, address)}), "do.check_server"


def _way_to(address: SmbAddress) -> tuple[Problem, str]:
    """What is wrong on the way: the name, the host, the port, or the server behind it."""
    host, port = address.host, address.port
    try:
        resolve(host, port, _ANSWER_S)
        socket.create_connection((host, port), _ANSWER_S).close()
    except ConnectionRefusedError:
        return Problem("cause.port_closed", {"port": port}), "do.check_file_sharing"
    except TimeoutError as error:
        if "name server" in str(error):
            return Problem("cause.dns_silent"), "do.check_host_name"
        return Problem("cause.no_answer"), "do.check_power_and_cable"
    except OSError as error:
        if error.errno is None:  # from `resolve`
            return Problem("cause.host_unknown", {"host": host}), "do.check_host_name"
        return Problem("cause.unreachable", {"why": str(error.strerror)}), "do.check_route"
    return Problem("cause.no_smb"), "do.check_share_service"
