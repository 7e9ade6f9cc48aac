"""The people of one desk behind `gate.Gate`: accounts, sessions, the limit of log-ins and the audit chain, joined.

Must never say in an answer whether a name exists, nor write what was typed for a name that nobody has: it may have been
a password.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from kiosk.desk.people import passwords, roles
from kiosk.desk.people.accounts import Account, Accounts, Busy, By, user_of
from kiosk.desk.people.audit import EVENT, AuditChain
from kiosk.desk.people.database import PeopleDatabase
from kiosk.desk.people.gate import AuditLine, Ended, Locked, LoggedIn, Session, TooMany, User, Wrong
from kiosk.desk.people.limits import LogInLimit
from kiosk.desk.people.roles import Act, Role
from kiosk.desk.people.sessions import Kept, Sessions, same
from kiosk.process import secret_hash, tries
from kiosk.process.data_folder import DeskFolder
from kiosk.process.event_log import EventLog
from kiosk.process.tries import Tries
from kiosk.words.problems import Problem, Refusal

T = TypeVar("T")
CHIEF: Final = "chief"  # the account that comes by stick, or from the technician's page
_FIRST_CHIEF: Final = "first_chief"  # the note of which password on a stick was taken
_BUSY_S: Final = 10.0


def _since_start() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class People:
    """`folder`: the desk's, which is there. `zone`: of the site. `log`: for the anchors of the audit chain.

    `now`, `since_start`: the time, aware, and seconds since the machine's start. Raises PeopleUnusable.
    """

    def __init__(
        self,
        folder: DeskFolder,
        zone: ZoneInfo,
        log: EventLog,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        since_start: Callable[[], float] = _since_start,
    ) -> None:
        self._zone = zone
        self._log = log
        self._database = PeopleDatabase(folder.people)
        self.chain = AuditChain(self._database, now)
        self.accounts = Accounts(
            self._database, self.chain, folder.people_tries, now=now, tries=lambda file: Tries(file, now=since_start)
        )
        self._sessions = Sessions(zone, now, since_start)
        self._limit = LogInLimit(since_start)
        self._anchored = 0

    # --- log-in and sessions -----------------------------------------------------------------------------------------

    def log_in(self, name: str, password: str, address: str) -> LoggedIn | Wrong | Locked | TooMany:
        """See `gate.Gate`."""
        if wait_s := self._limit.wait_s(address):
            return TooMany(wait_s)
        name = passwords.normal_name(name)[: passwords.NAME_MOST]
        found = self._attempt(name, password, "log_in", address)
        if not isinstance(found, Account):
            return found
        self.chain.write(found.name, "log_in", "done", address=address)
        cookie, kept = self._sessions.begin(found.name, found.epoch, address)
        return LoggedIn(cookie, _session(kept, user_of(found)))

    def _attempt(self, name: str, password: str, act: str, address: str) -> Account | Wrong | Locked | TooMany:
        try:
            found = self.accounts.attempt(name, password[: passwords.MOST + 1])
        except Busy:
            return TooMany(_BUSY_S)
        if isinstance(found, Account):
            return found
        who = name if self.accounts.find(name) else ""
        if isinstance(found, tries.Wrong):
            self.chain.write(who, act, "wrong", address=address)
            return Wrong(found.left)
        # What is tried while a lock lasts is not written down: nothing is compared, and it would have no end.
        if found.began:
            self.chain.write(who, act, "locked", address=address)
            self._log.write("desk_locked_out", seconds=round(found.wait_s))
        return Locked(found.wait_s)

    def session(self, cookie: str, *, by_person: bool = True) -> Session | None:
        """See `gate.Gate`."""
        kept = self._sessions.find(cookie, used=by_person)
        account = self.accounts.find(kept.name) if kept else None
        if kept is None or account is None or account.epoch != kept.epoch:
            return None
        return _session(kept, user_of(account))

    def csrf_matches(self, session: Session, token: str) -> bool:
        """See `gate.Gate`."""
        return same(session.csrf, token)

    def unlock(self, cookie: str, secret: str) -> Session | Wrong | Locked | TooMany | Ended:
        """See `gate.Gate`."""
        session = self.session(cookie, by_person=False)
        account = self.accounts.find(session.user.name) if session else None
        if session is None or account is None:
            return Ended()
        left = self._sessions.count_try(session.key)
        if left is None:
            return Ended()
        outcome = self._unlocks(account, secret, session.address)
        if outcome is None:
            if not self._sessions.open(session.key):
                return Ended()
            self.chain.write(account.name, "unlock", "done", address=session.address)
            return replace(session, idle=False)
        if left == 0:
            self._sessions.end(session.key)
            self.chain.write(account.name, "session_ended", "tries", address=session.address)
            return Ended()
        return Wrong(left) if isinstance(outcome, Wrong) else outcome

    def _unlocks(self, account: Account, secret: str, address: str) -> Wrong | Locked | TooMany | None:
        if not account.pin:
            found = self._attempt(account.name, secret, "unlock", address)
            return None if isinstance(found, Account) else found
        try:
            if self.accounts.pin_matches(account, secret[: passwords.MOST]):
                return None
        except Busy:
            return TooMany(_BUSY_S)
        self.chain.write(account.name, "unlock", "wrong", address=address)
        return Wrong(0)

    def lock(self, cookie: str) -> None:
        """See `gate.Gate`."""
        kept = self._sessions.find(cookie, used=False)
        if kept is not None and not kept.idle:
            self._sessions.lock(kept.key)
            self.chain.write(kept.name, "lock", "done", address=kept.address)

    def log_out(self, cookie: str) -> None:
        """See `gate.Gate`."""
        kept = self._sessions.find(cookie, used=False)
        if kept is not None:
            self._sessions.end(kept.key)
            self.chain.write(kept.name, "log_out", "done", address=kept.address)

    # --- permissions -------------------------------------------------------------------------------------------------

    def permit(self, session: Session, act: Act, visit: int = 0, person: str = "") -> bool:
        """See `gate.Gate`."""
        user = session.user
        may = roles.may(user.role, act)
        permitted = may and self._is_usable(session)
        # An idle page that asks for its list again and again is no attempt.
        if act not in roles.NOT_RECORDED or not may:
            outcome = "permitted" if permitted else "not_permitted"
            self.chain.write(user.name, act.value, outcome, visit=visit, person=person, address=session.address)
        return permitted

    def _is_usable(self, session: Session) -> bool:
        return not session.idle and not session.user.must_change and self._sessions.is_open(session.key)

    # --- one's own account -------------------------------------------------------------------------------------------

    def change_password(self, session: Session, old: str, new: str) -> Problem | Wrong | Locked | TooMany | None:
        """See `gate.Gate`."""
        found = self._own(session, old, "change_password")
        if not isinstance(found, Account):
            return found
        try:
            epoch = self.accounts.change_password(found, new, _by(session))
        except Refusal as refusal:
            return refusal.problem
        except Busy:
            return TooMany(_BUSY_S)
        self._sessions.end_others(found.name, session.key, epoch)
        return None

    def set_pin(self, session: Session, password: str, pin: str) -> Problem | Wrong | Locked | TooMany | None:
        """See `gate.Gate`."""
        found = self._own(session, password, "set_pin")
        if not isinstance(found, Account):
            return found
        try:
            self.accounts.set_pin(found, pin, _by(session))
        except Refusal as refusal:
            return refusal.problem
        except Busy:
            return TooMany(_BUSY_S)
        return None

    def _own(self, session: Session, password: str, act: str) -> Account | Problem | Wrong | Locked | TooMany:
        if session.idle or not self._sessions.is_open(session.key):
            return Problem("desk_user.not_permitted")
        return self._attempt(session.user.name, password, act, session.address)

    # --- the accounts of others --------------------------------------------------------------------------------------

    def users(self) -> Sequence[User]:
        """See `gate.Gate`."""
        return self.accounts.users()

    def add_user(self, by: Session, name: str, role: Role) -> str | Problem:
        """See `gate.Gate`."""
        return self._managed(by, name, lambda: self.accounts.add(name, role, _by(by)))

    def reset_password(self, by: Session, name: str) -> str | Problem:
        """See `gate.Gate`."""
        return self._managed(by, name, lambda: self.accounts.reset(name, _by(by)), ends=True)

    def set_role(self, by: Session, name: str, role: Role) -> Problem | None:
        """See `gate.Gate`."""
        return self._managed(by, name, lambda: self.accounts.set_role(name, role, _by(by)))

    def remove_user(self, by: Session, name: str) -> Problem | None:
        """See `gate.Gate`."""
        return self._managed(by, name, lambda: self.accounts.remove(name, _by(by)), ends=True)

    def _managed(self, by: Session, name: str, do: Callable[[], T], *, ends: bool = False) -> T | Problem:
        """`do`, if `by` may. `ends`: the sessions of `name` end with it."""
        if not self._is_usable(by) or not roles.may(by.user.role, Act.MANAGE_USERS):
            return Problem("desk_user.not_permitted")
        try:
            done = do()
        except Refusal as refusal:
            return refusal.problem
        except Busy:
            return Problem("desk_user.busy")
        if ends:
            self._sessions.end_all(passwords.normal_name(name))
        return done

    def audit(self, before: int = 0, count: int = 100) -> Sequence[AuditLine]:
        """See `gate.Gate`."""
        lines = self.chain.lines(before, count)
        return [replace(line, time=line.time.astimezone(self._zone)) for line in lines]

    # --- for the process ---------------------------------------------------------------------------------------------

    def upkeep(self) -> None:
        """To be called at the start, each hour and at the end: the chain's last hash goes to the event log, if there
        is a new one; lines that are past keeping go.
        """
        self.chain.prune()
        anchor = self.chain.anchor()
        if anchor.number > self._anchored:
            self._log.write(EVENT, count=anchor.number, code=anchor.hash)
            self._anchored = anchor.number

    def take_chiefs_password(self, password: str) -> Problem | None:
        """The first password of the account `chief` as a stick, or a file beside site.toml, brought it. Taken once: the
        same one again changes nothing, another one is a reset. A Problem: not good enough.
        """
        password = passwords.normal_password(password)
        with self._database.reading() as connection:
            row = connection.execute("SELECT content FROM note WHERE name = ?", (_FIRST_CHIEF,)).fetchone()
        if row and secret_hash.matches(password, row[0]):
            return None
        try:
            self.accounts.give(CHIEF, Role.CHIEF, By(), password)
        except Refusal as refusal:
            return refusal.problem
        # After it: a power cut in between gives the same password again.
        with self._database.writing() as connection:
            connection.execute(
                "REPLACE INTO note (name, content) VALUES (?, ?)", (_FIRST_CHIEF, secret_hash.record(password))
            )
        self._log.write("desk_chief_set")
        return None


def _session(kept: Kept, user: User) -> Session:
    return Session(user, kept.csrf, kept.idle, kept.key, kept.address)


def _by(session: Session) -> By:
    return By(session.user.name, session.address)
