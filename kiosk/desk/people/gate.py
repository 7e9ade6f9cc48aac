"""What the pages ask about people: a log-in, a session, a permission, the users and the audit chain. Values only.

A request goes: `session(cookie)` → (forms) `csrf_matches` → `permit(session, act, visit)` → the desk's act, which
writes its outcome into the audit chain itself (`audit.AuditChain.write`). `log_in`, `unlock`, `change_password`,
`set_pin`, `add_user` and `reset_password` compute scrypt (50 ms of one core), one at a time, and nearly all of them
wait for the disk: call them in a thread. `session` reads the account, a fraction of a millisecond.

Names of users, roles, passwords and PINs are no patient data; passwords and PINs are never in a value, log or message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from kiosk.desk.people.roles import Act, Role
from kiosk.words.problems import Problem

COOKIE_NAME = "desk"


@dataclass(frozen=True)
class User:
    """One account. `has_pin`: its owner set a PIN for the idle lock. `must_change`: the password was given by another:
    until its owner has chosen one, only `change_password` and `log_out` are open.
    `locked_s`: seconds until somebody may try this name again, 0: now.
    """

    name: str
    role: Role
    has_pin: bool = False
    must_change: bool = False
    locked_s: float = 0.0


@dataclass(frozen=True)
class Session:
    """A log-in that still holds. `csrf`: the token that each form carries in the field `csrf`.

    `idle`: locked after ten minutes without a request of a person; show the page that asks for the PIN (`user.has_pin`)
    or the password, nothing else, and close streams.
    """

    user: User
    csrf: str = field(repr=False)
    idle: bool
    key: str = field(repr=False)  # which session; opaque, not the cookie
    address: str = ""  # of the browser that logged in


@dataclass(frozen=True)
class LoggedIn:
    """`cookie`: value of the session's cookie (HttpOnly, SameSite=Strict, Secure where TLS is, no Max-Age)."""

    cookie: str = field(repr=False)
    session: Session


@dataclass(frozen=True)
class Wrong:
    """Name, password or PIN, nobody says which. `left`: tries before the lock (of a PIN: before the session ends)."""

    left: int


@dataclass(frozen=True)
class Locked:
    """Too many wrong tries for this name: nobody may try for `wait_s` seconds. Nothing was compared."""

    wait_s: float


@dataclass(frozen=True)
class TooMany:
    """Too many log-ins at once, from this address or at all: again in `wait_s` seconds. Nothing was compared."""

    wait_s: float


@dataclass(frozen=True)
class Ended:
    """There is no such session (any more): show the log-in."""


@dataclass(frozen=True)
class AuditLine:
    """One act. `time`: aware, local. `user`: "" for the program itself. `visit`: its number on that day, 0: none.
    `person`: keyed hash of the patient's number as the desk's store makes it, "": none. `subject`: the account that
    something was done to. `outcome`: `permitted` (before an act is carried out), `done`, `not_permitted`, or a reason.
    """

    number: int  # from 1, without gaps
    time: datetime
    user: str
    act: str
    visit: int
    person: str
    subject: str
    outcome: str
    address: str


class Gate(Protocol):
    """Accounts, sessions and the audit chain of one desk. Every method may be called from any thread.

    Raises OSError where the disk cannot be written: then nothing was done, and the page answers 503.
    """

    def log_in(self, name: str, password: str, address: str) -> LoggedIn | Wrong | Locked | TooMany:
        """`address`: of the browser, for the rate limit and the audit chain."""

    def session(self, cookie: str, *, by_person: bool = True) -> Session | None:
        """The session of a cookie, None: show the log-in. `by_person` false: the script asked by itself (stream, rows
        of the live list), which does not keep a session from its idle lock.
        """

    def csrf_matches(self, session: Session, token: str) -> bool:
        """Whether a form of this session carried its token."""

    def unlock(self, cookie: str, secret: str) -> Session | Wrong | Locked | TooMany | Ended:
        """Open an idle session by its owner's PIN, or password where no PIN is set. Five wrong ones end the session."""

    def lock(self, cookie: str) -> None:
        """Its user leaves the PC: the session is idle at once; none: nothing."""

    def log_out(self, cookie: str) -> None:
        """End a session; none: nothing."""

    def permit(self, session: Session, act: Act, visit: int = 0, person: str = "") -> bool:
        """Whether the session's user may do `act` now; what is recorded, is on the disk before this returns.

        False too for a session that is idle, ended, or whose user must change the password first.
        """

    def change_password(self, session: Session, old: str, new: str) -> Problem | Wrong | Locked | TooMany | None:
        """By the owner; ends the owner's other sessions. None: done. A Problem (catalogue `people`): not good
        enough.
        """

    def set_pin(self, session: Session, password: str, pin: str) -> Problem | Wrong | Locked | TooMany | None:
        """The owner's PIN for the idle lock, "" takes it away. None: done."""

    def users(self) -> Sequence[User]:
        """Every account, by name. For who may `MANAGE_USERS`."""

    def add_user(self, by: Session, name: str, role: Role) -> str | Problem:
        """A new account; gives its first password, to be displayed once: its owner chooses another at the first log-in,
        within seven days. A Problem: the name is taken or unfit.
        """

    def reset_password(self, by: Session, name: str) -> str | Problem:
        """A first password again, which also opens a locked account, takes away its PIN and ends its sessions."""

    def set_role(self, by: Session, name: str, role: Role) -> Problem | None:
        """From the next request on. The last chief stays chief: a Problem."""

    def remove_user(self, by: Session, name: str) -> Problem | None:
        """The account and its sessions; its audit lines stay. The last chief cannot be removed: a Problem."""

    def audit(self, before: int = 0, count: int = 100) -> Sequence[AuditLine]:
        """The newest lines first, at most `count`; `before` > 0: only lines with a smaller number."""
