"""Accounts: name, role, the hashes of password and PIN, and the tries at each. Each change stands in the audit chain.

Owns the rows of `account` and the files with the tries. Must never hold, log or return a password of an account's
owner; a first password is given back once, to be displayed, and kept as a hash.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from kiosk.desk.people import passwords
from kiosk.desk.people.audit import AuditChain
from kiosk.desk.people.database import PeopleDatabase
from kiosk.desk.people.gate import User
from kiosk.desk.people.roles import Role
from kiosk.process import secret_hash
from kiosk.process.tries import Locked, Right, Tries, Wrong
from kiosk.words.problems import Problem, Refusal

FIRST_PASSWORD: Final = timedelta(days=7)
_HASHING_S: Final = 10.0
_COLUMNS: Final = "name, role, password, pin, first_until, epoch"


class Busy(Exception):
    """Too many passwords are being compared; nothing was compared."""


@dataclass(frozen=True)
class Account:
    """A row. `password`, `pin`: records of `secret_hash`; no PIN: b"". `first_until`: see `database`."""

    name: str
    role: Role
    password: bytes = field(repr=False)
    pin: bytes = field(repr=False)
    first_until: str
    epoch: int


@dataclass(frozen=True)
class By:
    """Who changes an account, for the audit chain. `user`: "" for the command line and the appliance."""

    user: str = ""
    address: str = ""


class Accounts:
    """The accounts of one desk. `folder`: for the tries, `tries`: their count in a file. `now`: aware. Any thread.

    Everything raises PeopleUnusable, what hashes raises Busy, and what changes an account raises Refusal (catalogue
    `people`) where it may not be.
    """

    def __init__(
        self,
        database: PeopleDatabase,
        audit: AuditChain,
        folder: Path,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        tries: Callable[[Path], Tries] = Tries,
    ) -> None:
        self._database = database
        self._audit = audit
        self._now = now
        self._tries = tries
        self._folder = folder
        # scrypt takes 16 MiB: as many at once as there are threads would be more than the unit may have.
        self._hashing = threading.Lock()

    def find(self, name: str) -> Account | None:
        """The account `name`, in its normal spelling."""
        with self._database.reading() as connection:
            return _find(connection, name)

    def users(self) -> Sequence[User]:
        """Every account, by name, with how long it is locked."""
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM account ORDER BY name").fetchall()  # noqa: S608 - our names
        return [replace(user_of(each), locked_s=self._tries_of(each.name).locked_s()) for each in map(_account, rows)]

    def attempt(self, name: str, password: str) -> Account | Wrong | Locked:
        """Try `password` for `name`, in its normal spelling. A first password that is past its days is wrong."""
        account = self.find(name)
        kept = account.password if account and not self._is_past(account) else secret_hash.NOBODY
        # Names that nobody has are locked as real ones are, so that nobody learns which are real; 16 files are enough.
        tries = self._tries_of(name) if account else self._tries(self._folder / f"nobody-{_digest(name)[0]}")
        with self._one_hash():
            outcome = tries.attempt(passwords.normal_password(password), kept)
        if isinstance(outcome, Right):
            # NOBODY's record is nobody's: only an account's own password is ever right.
            return account or Wrong(0)
        return outcome

    def pin_matches(self, account: Account, pin: str) -> bool:
        """Whether `pin` is the one of the account. The caller counts the tries."""
        with self._one_hash():
            return secret_hash.matches(pin, account.pin)

    def add(self, name: str, role: Role, by: By, password: str = "", *, first: bool = True) -> str:
        """A new account; gives its password, made here where none is given. `first`: its owner must choose another."""
        name = passwords.normal_name(name)
        _refuse(passwords.name_fault(name))
        given, record = self._new_password(name, password)
        with self._change("add_user", name, by, f"role_{role.value}") as connection:
            if _find(connection, name):
                raise Refusal(Problem("desk_user.exists"))
            self._insert(connection, name, role, record, first=first)
        self._tries_of(name).forgive()
        return given

    def reset(self, name: str, by: By, password: str = "", role: Role | None = None, *, first: bool = True) -> str:
        """Another password, as for `add`; the PIN goes, a lock opens, sessions end. `role`: another role as well."""
        name = passwords.normal_name(name)
        given, record = self._new_password(name, password)
        with self._change("reset_password", name, by) as connection:
            kept = role or _existing(connection, name).role
            _existing(connection, name, kept)
            self._update(connection, name, kept, record, first=first)
        self._tries_of(name).forgive()
        return given

    def give(self, name: str, role: Role, by: By, password: str = "") -> str:
        """`name` has `role` and a first password, whether there was such an account or not."""
        try:
            return self.reset(name, by, password, role)
        except Refusal as refusal:
            if refusal.problem.code != "desk_user.unknown":
                raise
            return self.add(name, role, by, password)

    def _new_password(self, name: str, password: str) -> tuple[str, bytes]:
        given = passwords.normal_password(password) or passwords.made()
        _refuse(passwords.password_fault(given, name))
        with self._one_hash():
            return given, secret_hash.record(given)

    def _insert(self, connection: sqlite3.Connection, name: str, role: Role, record: bytes, *, first: bool) -> None:
        connection.execute(
            "INSERT INTO account (name, role, password, first_until, epoch) VALUES (?, ?, ?, ?, ?)",
            # By lot: a session of a removed account is none of the next one that has its name.
            (name, role.value, record, self._first_until() if first else "", secrets.randbits(48)),
        )

    def _update(self, connection: sqlite3.Connection, name: str, role: Role, record: bytes, *, first: bool) -> None:
        connection.execute(
            "UPDATE account SET role = ?, password = ?, pin = x'', first_until = ?, epoch = epoch + 1 WHERE name = ?",
            (role.value, record, self._first_until() if first else "", name),
        )

    def change_password(self, account: Account, new: str, by: By) -> int:
        """By its owner, whose old one was just compared; gives the account's new epoch."""
        new = passwords.normal_password(new)
        _refuse(passwords.password_fault(new, account.name))
        with self._one_hash():
            _refuse(Problem("new_password.same") if secret_hash.matches(new, account.password) else None)
            record = secret_hash.record(new)
        with self._change("change_password", account.name, by) as connection:
            connection.execute(
                "UPDATE account SET password = ?, first_until = '', epoch = epoch + 1 WHERE name = ?",
                (record, account.name),
            )
            return _existing(connection, account.name).epoch

    def set_pin(self, account: Account, pin: str, by: By) -> None:
        """The PIN for the idle lock, "" takes it away."""
        _refuse(passwords.pin_fault(pin) if pin else None)
        with self._one_hash():
            record = secret_hash.record(pin) if pin else b""
        with self._change("set_pin", account.name, by) as connection:
            _existing(connection, account.name)
            connection.execute("UPDATE account SET pin = ? WHERE name = ?", (record, account.name))

    def set_role(self, name: str, role: Role, by: By) -> None:
        """Another role; the last chief stays chief."""
        name = passwords.normal_name(name)
        with self._change("set_role", name, by, f"role_{role.value}") as connection:
            _existing(connection, name, role)
            connection.execute("UPDATE account SET role = ? WHERE name = ?", (role.value, name))

    def remove(self, name: str, by: By) -> None:
        """The account; its lines in the audit chain stay. The last chief stays."""
        name = passwords.normal_name(name)
        with self._change("remove_user", name, by) as connection:
            _existing(connection, name, Role.VIEW)
            connection.execute("DELETE FROM account WHERE name = ?", (name,))
        self._tries_of(name).forgive()

    @contextmanager
    def _change(self, what: str, name: str, by: By, outcome: str = "done") -> Iterator[sqlite3.Connection]:
        """A change and its line in the audit chain: both, or neither."""
        with self._database.writing() as connection:
            yield connection
            self._audit.write_within(connection, by.user, what, outcome, subject=name, address=by.address)

    @contextmanager
    def _one_hash(self) -> Iterator[None]:
        if not self._hashing.acquire(timeout=_HASHING_S):
            raise Busy
        try:
            yield
        finally:
            self._hashing.release()

    def _tries_of(self, name: str) -> Tries:
        # Not under its name: it may have any letters.
        return self._tries(self._folder / _digest(name))

    def _first_until(self) -> str:
        return (self._now() + FIRST_PASSWORD).astimezone(UTC).isoformat(timespec="seconds")

    def _is_past(self, account: Account) -> bool:
        return bool(account.first_until) and self._now() > datetime.fromisoformat(account.first_until)


def user_of(account: Account) -> User:
    """What pages see of an account."""
    return User(account.name, account.role, bool(account.pin), bool(account.first_until))


def _refuse(fault: Problem | None) -> None:
    if fault is not None:
        raise Refusal(fault)


def _account(row: tuple[str, str, bytes, bytes, str, int]) -> Account:
    try:
        role = Role(row[1])
    except ValueError:
        role = Role.VIEW  # of a newer version: the one that may least
    return Account(row[0], role, *row[2:])


def _find(connection: sqlite3.Connection, name: str) -> Account | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM account WHERE name = ?", (name,)).fetchone()  # noqa: S608 - our names
    return _account(row) if row else None


def _existing(connection: sqlite3.Connection, name: str, becomes: Role = Role.CHIEF) -> Account:
    """The account. Raises Refusal: there is none, or it is the last chief and `becomes` something else."""
    account = _find(connection, name)
    if account is None:
        raise Refusal(Problem("desk_user.unknown"))
    if account.role is Role.CHIEF is not becomes:
        chiefs = connection.execute("SELECT count(*) FROM account WHERE role = ?", (Role.CHIEF.value,)).fetchone()[0]
        if chiefs == 1:
            raise Refusal(Problem("desk_user.last_chief"))
    return account


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]
