"""Why a share did not do what was asked, for the technician who has to mend it.

Owns what a `ShareError` means there, and the question what is wrong with the way to a server. Must never change
anything on a server; beyond the share's own calls it only looks a name up and opens a TCP connection.
"""

from __future__ import annotations

import re
import socket

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
from kiosk.words.problems import Problem

_ANSWER_S = 3.0
_STATUS = re.compile(r"0x([0-9A-F]{8})")

_LOGON = {
    0xC0000064: "logon.no_user",
    0xC000006A: "logon.wrong_password",
    0xC000006D: "logon.wrong_logon",
    0xC0000071: "logon.password_expired",
    0xC0000072: "logon.disabled",
    0xC0000133: "logon.clock",
    0xC0000193: "logon.account_expired",
    0xC0000224: "logon.password_to_change",
    0xC0000234: "logon.locked",
}
_REFUSED = {
    0xC0000022: ("cause.no_right", "do.give_rights"),
    0xC000003A: ("cause.no_folder", "do.mend_folder"),
    0xC00000A2: ("cause.write_protected", "do.share_writable"),
    0xC00000BB: ("cause.unsupported", "do.allow_smb3"),
    0xC00000CC: ("cause.no_share", "do.mend_share"),
    0xC0000257: ("cause.dfs", "do.name_server"),
    0xC0000906: ("cause.virus_scanner", "do.exempt_share"),
}


def explain(error: ShareError, url: str, gate: LogonGate) -> tuple[Problem, str]:
    """(what is wrong, the code of what to do). `url`: the share's address; `gate`: the one it was opened with."""
    address = parse(url)
    message = str(error).removeprefix(f"{address.where}: ")
    if isinstance(error, Busy):
        return Problem("cause.in_use"), "do.check_scanners"
    if isinstance(error, Full):
        return Problem("cause.server_full"), "do.free_server"
    if isinstance(error, Missing):
        return Problem("cause.file_gone"), "do.check_movers"
    if isinstance(address, FolderAddress):
        return Problem("cause.folder_unusable", {"message": message}), "do.check_folder"
    if isinstance(error, Unreachable):
        return _way_to(address)
    if isinstance(error, Refused):
        return _refusal(message, address, gate)
    return Problem("cause.failed", {"message": message}), "do.check_settings"


def _refusal(message: str, address: SmbAddress, gate: LogonGate) -> tuple[Problem, str]:
    found = _STATUS.search(message)
    status = int(found[1], 16) if found else 0
    if gate.refusal(address.account):
        why = Problem(_LOGON[status]) if status in _LOGON else message
        return Problem("cause.no_logon", {"why": why}), "do.check_logon"
    if status in _REFUSED:
        cause, do = _REFUSED[status]
        return Problem(cause), do
    if "SMB 2" in message:
        return Problem("cause.smb2"), "do.allow_smb3"
    return Problem("cause.refused", {"message": message}), "do.check_server"


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
