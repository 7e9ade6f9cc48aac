"""The technician's PIN: its hash, the attempts with their lock-out, and the session after the right one.

Owns the record (a scrypt hash, never the PIN), the lock-out and the session key. Must never log, return or store a PIN.

The lock-out is counted on the clock that runs since the start, not on the time of day, which a dead battery or a time
server moves. A restart starts the lock-out again: switching off and on never shortens it. An attempt is counted on disk
before the PIN is compared, so that a power cut in between does not give it back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drivers.durable import write_durably
from kiosk.appliance.machine.places import Places, locked
from kiosk.appliance.secrets.weak_pins import is_weak
from kiosk.words.problems import Problem

TRIES: Final = 5
LOCK_S: Final = 15 * 60.0
LOCK_MAX_S: Final = 4 * 3600.0
KEY_S: Final = 60.0
_MIN_DIGITS, _MAX_DIGITS = 6, 12
# scrypt's cost: 16 MiB and about 50 ms on a small PC. RFC 7914, section 2.
_COST, _BLOCK, _LANES = 2**14, 8, 1


def fault(pin: str) -> Problem | None:
    """What is wrong with `pin` as a new PIN, or None. Never repeats it."""
    if not fits(pin):
        return Problem("new_pin.digits", {"least": _MIN_DIGITS, "most": _MAX_DIGITS})
    if is_weak(pin):
        return Problem("new_pin.weak")
    return None


def fits(pin: str) -> bool:
    """Whether `pin` has the form of one; it may be in force, chosen when the rules of `weak_pins` were fewer."""
    return re.fullmatch(f"[0-9]{{{_MIN_DIGITS},{_MAX_DIGITS}}}", pin) is not None


def record(pin: str) -> bytes:
    """The hash of `pin` with its salt and cost, as JSON."""
    salt = secrets.token_bytes(16)
    return json.dumps({"scrypt": [_COST, _BLOCK, _LANES], "salt": salt.hex(), "hash": _hash(pin, salt).hex()}).encode()


def matches(pin: str, kept: bytes) -> bool:
    """Whether `kept` is the record of `pin`. A damaged record matches nothing."""
    try:
        fields = json.loads(kept)
        salt, right = bytes.fromhex(fields["salt"]), bytes.fromhex(fields["hash"])
    except (ValueError, KeyError, TypeError):
        return False
    return hmac.compare_digest(_hash(pin, salt), right)


def _hash(pin: str, salt: bytes) -> bytes:
    # JSON can hold half a pair of surrogates, which no encoding takes.
    return hashlib.scrypt(pin.encode("utf-8", "replace"), salt=salt, n=_COST, r=_BLOCK, p=_LANES)


@dataclass(frozen=True)
class Right:
    """The PIN was right."""


@dataclass(frozen=True)
class Wrong:
    """It was not; `left` tries are left before the lock."""

    left: int


@dataclass(frozen=True)
class Locked:
    """Nobody may try for `wait_s` seconds; nothing was compared."""

    wait_s: float


def _since_start() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class _State:
    wrong: int = 0
    locks: int = 0
    boot: str = ""
    until: float = 0.0


class Gate:
    """The tries, kept in `file`; several processes may use it. `now`: seconds since the start, whose id is `boot`.

    Raises OSError when the file cannot be written: then nothing is compared.
    """

    def __init__(self, file: Path, *, now: Callable[[], float] = _since_start, boot: str = "") -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = file
        self._lock = file.with_name(f"{file.name}.lock")
        self._now = now
        self._boot = boot or Places().boot_id

    def locked_s(self) -> float:
        """Seconds until somebody may try; 0: now."""
        with locked(self._lock, wait=True):
            return self._wait(self._read())

    def attempt(self, pin: str, kept: bytes) -> Right | Wrong | Locked:
        """Try `pin` against the record `kept`."""
        with locked(self._lock, wait=True):
            state = self._read()
            if wait_s := self._wait(state):
                return Locked(wait_s)
            wrong = state.wrong + 1
            locks = state.locks + (wrong >= TRIES)
            until = self._now() + _lock_s(locks) if wrong >= TRIES else 0.0
            self._write(_State(0 if until else wrong, locks, self._boot, until))
            if matches(pin, kept):
                self._write(_State())
                return Right()
            return Locked(_lock_s(locks)) if until else Wrong(TRIES - wrong)

    def _wait(self, state: _State) -> float:
        if not state.until:
            return 0.0
        if state.boot != self._boot:
            state = _State(state.wrong, state.locks, self._boot, self._now() + _lock_s(state.locks))
            self._write(state)
        return max(0.0, state.until - self._now())

    def _read(self) -> _State:
        try:
            fields = json.loads(self._file.read_bytes())
            return _State(int(fields["wrong"]), int(fields["locks"]), str(fields["boot"]), float(fields["until"]))
        except FileNotFoundError:
            return _State()
        except (ValueError, KeyError, TypeError):
            # A deleted or damaged count must not give more tries.
            return _State(0, 1, "", 1.0)

    def _write(self, state: _State) -> None:
        write_durably(self._file, json.dumps(vars(state)).encode())


def _lock_s(locks: int) -> float:
    """How long the lock number `locks` lasts, from 1."""
    doublings: int = min(max(locks, 1) - 1, 10)
    return min(LOCK_S * float(2**doublings), LOCK_MAX_S)


class Session:
    """One technician at a time: a key that is good for KEY_S after its last use. `now`: seconds that never go back."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._key: str | None = None
        self._until = 0.0

    def begin(self) -> str:
        """A new key; the previous one is invalid from now on."""
        self._key = secrets.token_hex(16)
        self._until = self._now() + KEY_S
        return self._key

    def use(self, key: object) -> bool:
        """Whether `key` is good; then it stays good for KEY_S from now."""
        if self._key is None or not isinstance(key, str) or self._now() > self._until:
            return False
        if not hmac.compare_digest(key.encode("utf-8", "replace"), self._key.encode()):
            return False
        self._until = self._now() + KEY_S
        return True

    def renew(self) -> None:
        """A long request of this session has just ended: KEY_S counts from now."""
        self._until = self._now() + KEY_S

    def end(self) -> None:
        """End the session."""
        self._key = None
