"""The four shares: reachable, protected, listed, the right to delete, and whose clock differs.

Owns what is looked at without changing anything on a server; what is written is in `probe`. Must never read, rename or
delete a file that is there, and never report its name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

from drivers.share import LogonGate, SessionInfo, Share, ShareError
from drivers.share.protocol import ENTRIES_MAX
from kiosk.operations.check.finding import Finding, Findings, ng, ok, skip
from kiosk.operations.check.refusals import explain
from kiosk.results import names as result_files
from kiosk.words.problems import Parameter

CROWDED_ENTRIES = 500
SKEW_HINT_S = 5.0
SKEW_MAX_S = 60.0

Open = Callable[[str, str | None, LogonGate], Share]


@dataclass(frozen=True)
class Role:
    """One share of site.toml. `code` begins its codes; `setting` is where it stands, such as `[terminal] results`."""

    code: str
    setting: str
    url: str
    password: str | None = field(repr=False)

    @property
    def is_smb(self) -> bool:
        """False for a folder of this machine."""
        return self.url.lower().startswith("smb://")

    def codes(self, *further: str) -> tuple[str, ...]:
        """The codes of this share, in the order in which they are reported."""
        return tuple(f"{self.code}_{end}" for end in ("share", "signing", "encryption", "list", *further, "clock"))


def source(role: Role, share: Share, gate: LogonGate, may_delete: Callable[[Share], bool | None]) -> Findings:
    """A folder that files are taken from: `role.codes("delete")`."""
    session = yield from reach(role, share, gate)
    if session is None:
        yield from unreached(role.codes("delete"))
        return
    yield listing(role, share, gate)
    yield _delete(role, share, gate, may_delete)
    yield clock(role, session)


def unreached(codes: tuple[str, ...]) -> Iterator[Finding]:
    """SKIP for whatever needs a share that could not be reached (its first finding says so)."""
    return (skip(code, "message.share_unreached") for code in codes[1:])


def reach(role: Role, share: Share, gate: LogonGate) -> Generator[Finding, None, SessionInfo | None]:
    """The share itself, signing and encryption; None (and only the first finding) when it cannot be reached."""
    share_code, signing, encryption, *_ = role.codes()
    began_s = time.monotonic()
    try:
        session = share.session_info()
    except ShareError as error:
        why, do = explain(error, role.url, gate)
        yield ng(share_code, "message.share_wrong", do, setting=role.setting, where=share.where, why=why)
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


def listing(role: Role, share: Share, gate: LogonGate) -> Finding:
    """How many files there are and how long it takes to see them."""
    code = f"{role.code}_list"
    began_s = time.monotonic()
    try:
        entries = share.entries("*")
    except ShareError as error:
        why, do = explain(error, role.url, gate)
        return ng(code, "message.not_listed", do, why=why)
    took_ms = (time.monotonic() - began_s) * 1000
    results = sum(result_files.kind(entry.name) is not None for entry in entries)
    what = "message.listed_at_least" if len(entries) >= ENTRIES_MAX else "message.listed"
    do = "do.check_tidying" if len(entries) > CROWDED_ENTRIES else ""
    return ok(code, what, do, count=len(entries), results=results, took_ms=took_ms)


def exports(code: str, role: Role, share: Share, gate: LogonGate) -> Finding:
    """The folder that exports of appointments are fetched from; it is only read."""
    try:
        count = len(share.entries("*.csv", ENTRIES_MAX))
    except ShareError as error:
        why, do = explain(error, role.url, gate)
        return ng(code, "message.share_wrong", do, setting=role.setting, where=share.where, why=why)
    return ok(code, "message.exports", "" if count else "do.check_exports", count=count, where=share.where)


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


def _delete(role: Role, share: Share, gate: LogonGate, may_delete: Callable[[Share], bool | None]) -> Finding:
    """The courier deletes what it has delivered. Asked without touching a file, so the server may leave it open."""
    code = f"{role.code}_delete"
    try:
        may = may_delete(share)
    except ShareError as error:
        why, do = explain(error, role.url, gate)
        return ng(code, "message.delete_right_unseen", do, why=why)
    if may is None:
        return skip(code, "message.delete_right_unknown", "do.look_after_first_patient")
    if may:
        return ok(code, "message.delete_right")
    return ng(code, "message.no_delete_right", "do.give_change_right")
