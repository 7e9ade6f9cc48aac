"""The four shares: reachable, protected, listed, the right to delete, and whose clock differs.

Owns what is looked at without changing anything on a server (what is written is in `probe`), and what a `ShareError`
means to the technician who has to mend it. Must never read, rename or delete a file that is there, and never report its
name; beyond the share's own calls it only looks a name up and opens a TCP connection.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from drivers.resolve import resolve
from drivers.share import (
    Busy,
    FolderAddress,
    Full,
    LogonGate,
    Missing,
    Refused,
    SessionInfo,
    Share,
    ShareError,
    SmbAddress,
    Unreachable,
    Unsupported,
    parse,
)
from drivers.share.protocol import ENTRIES_MAX
from kiosk.operations.check.finding import Finding, Findings, ng, ok, skip
from kiosk.results import names as result_files
from kiosk.words.problems import Parameter, Problem, word

CROWDED_ENTRIES = 500
# Codes of a folder that files are taken from, beside those of every share.
OF_SOURCE = ("notices", "delete")
SKEW_HINT_S = 5.0
SKEW_MAX_S = 60.0

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

Open = Callable[[str, str | None, LogonGate], Share]


@dataclass(frozen=True)
class Role:
    """One share of site.toml. `code` begins its codes; `setting` is where it stands, such as `[terminal] results`;
    `gate`: the one it is opened with.
    """

    code: str
    setting: str
    url: str
    password: str | None = field(repr=False)
    gate: LogonGate

    @property
    def is_smb(self) -> bool:
        """False for a folder of this machine."""
        return self.url.lower().startswith("smb://")

    def codes(self, *further: str) -> tuple[str, ...]:
        """The codes of this share, in the order in which they are reported."""
        return tuple(f"{self.code}_{end}" for end in ("share", "signing", "encryption", "list", *further, "clock"))

    def failed(self, code: str, what: str, error: ShareError, **more: Parameter) -> Finding:
        """NG, why, and what to do."""
        why, do = explain(error, self.url, self.gate)
        return ng(code, what, do, why=why, **more)


def source(role: Role, share: Share, may_delete: Callable[[Share], bool | None] | None, poll_s: float) -> Findings:
    """A folder that files are taken from: `role.codes(*OF_SOURCE)`. `may_delete` None: they are only read."""
    session = yield from reach(role, share)
    if session is None:
        yield from unreached(role.codes(*OF_SOURCE))
        return
    yield listing(role, share)
    yield _notices(role, share, poll_s)
    if may_delete is None:
        yield skip(f"{role.code}_delete", "message.only_read")
    else:
        yield _delete(role, share, may_delete)
    yield clock(role, session)


def unreached(codes: tuple[str, ...]) -> Iterator[Finding]:
    """SKIP for whatever needs a share that could not be reached (its first finding says so)."""
    return (skip(code, "message.share_unreached") for code in codes[1:])


def reach(role: Role, share: Share) -> Generator[Finding, None, SessionInfo | None]:
    """The share itself, signing and encryption; None (and only the first finding) when it cannot be reached."""
    share_code, signing, encryption, *_ = role.codes()
    began_s = time.monotonic()
    try:
        session = share.session_info()
    except ShareError as error:
        yield role.failed(share_code, "message.share_wrong", error, setting=role.setting, where=share.where)
        return None
    took_ms = (time.monotonic() - began_s) * 1000
    if not role.is_smb:
        yield ok(share_code, "message.share_is_local", setting=role.setting, where=share.where)
        yield skip(signing, "message.local_folder")
        yield skip(encryption, "message.local_folder")
        return session
    reached: dict[str, Parameter] = {"setting": role.setting, "where": share.where}
    yield ok(share_code, "message.share", **reached, dialect=session.dialect, took_ms=took_ms)
    if session.signed:
        yield ok(signing, "message.signed")
    else:
        yield ng(signing, "message.not_signed", "do.turn_signing_on")
    if session.encrypted:
        yield ok(encryption, "message.encrypted")
    else:
        yield ok(encryption, "message.not_encrypted", "do.turn_encryption_on")
    return session


def listing(role: Role, share: Share) -> Finding:
    """How many files there are and how long it takes to see them."""
    code = f"{role.code}_list"
    began_s = time.monotonic()
    try:
        entries = share.entries("*")
    except ShareError as error:
        return role.failed(code, "message.not_listed", error)
    took_ms = (time.monotonic() - began_s) * 1000
    results = sum(result_files.kind(entry.name) is not None for entry in entries)
    what = "message.listed_at_least" if len(entries) >= ENTRIES_MAX else "message.listed"
    do = "do.check_tidying" if len(entries) > CROWDED_ENTRIES else ""
    return ok(code, what, do, count=len(entries), results=results, took_ms=took_ms)


def exports(role: Role, share: Share) -> Finding:
    """The folder that exports of appointments are fetched from; it is only read."""
    try:
        count = len(share.entries("*.csv", ENTRIES_MAX))
    except ShareError as error:
        return role.failed(role.code, "message.share_wrong", error, setting=role.setting, where=share.where)
    return ok(role.code, "message.exports", "" if count else "do.check_exports", count=count, where=share.where)


def reachable(role: Role, share: Share) -> Finding:
    """A folder of the desk, which puts files there or reads them: it is there and can be listed."""
    try:
        count = len(share.entries("*", ENTRIES_MAX))
    except ShareError as error:
        return role.failed(role.code, "message.share_wrong", error, setting=role.setting, where=share.where)
    return ok(role.code, "message.desk_share", setting=role.setting, where=share.where, count=count)


def clock(role: Role, session: SessionInfo) -> Finding:
    """The server's clock against ours."""
    code, skew_s = f"{role.code}_clock", session.server_time_skew_s
    if skew_s is None:
        return skip(code, "message.server_time_unknown" if role.is_smb else "message.local_folder")
    what = "message.server_clock_ahead" if skew_s > 0 else "message.server_clock_behind"
    if abs(skew_s) > SKEW_MAX_S:
        return ng(code, what, "do.set_both_clocks", skew_s=abs(skew_s))
    if abs(skew_s) > SKEW_HINT_S:
        return ok(code, what, "do.set_both_clocks", skew_s=abs(skew_s))
    return ok(code, "message.server_clock", skew_s=abs(skew_s))


def _notices(role: Role, share: Share, poll_s: float) -> Finding:
    """A server that reports no changes is no fault: the folder is listed instead."""
    code = f"{role.code}_notices"
    try:
        share.watch().close()
    except Unsupported:
        return ok(code, "message.no_notices", seconds=poll_s)
    except ShareError as error:
        return role.failed(code, "message.notices_unseen", error)
    return ok(code, "message.notices")


def _delete(role: Role, share: Share, may_delete: Callable[[Share], bool | None]) -> Finding:
    """The courier deletes what it has delivered. Asked without touching a file, so the server may leave it open."""
    code = f"{role.code}_delete"
    try:
        may = may_delete(share)
    except ShareError as error:
        return role.failed(code, "message.delete_right_unseen", error)
    if may is None:
        return skip(code, "message.delete_right_unknown", "do.look_after_first_patient")
    if may:
        return ok(code, "message.delete_right")
    return ng(code, "message.no_delete_right", "do.give_change_right")


# --- why a share did not do what was asked ----------------------------------------------------------------------------


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
