"""password_file → `Secret`.

Owns where a password is looked for and who may be able to read it. Must never show one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from kiosk.process import safe_files
from kiosk.words.problems import Problem, Refusal

_MAX_BYTES: Final = 4096


class Secret:
    """A password that does not show itself in a `repr`, a log or a traceback."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The password, for the one call that logs on."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        # Pickling would carry the text into another process or a file unseen.
        raise TypeError("a Secret is not pickled")


class Unusable(Refusal):
    """Why a password file cannot be used; never holds what is in it."""


def needed(
    table: str, name: str | None, urls: Iterable[str | None], base: Path, credentials: str | None
) -> Secret | None:
    """The password of [`table`], in the file `name`; None when none of `urls` is smb://. Raises Unusable.

    `credentials`: systemd's folder of credentials. What is found there wins and may have any mode: systemd guards it.
    """
    if name is None or not any(url is not None and url.lower().startswith("smb://") for url in urls):
        return None
    return required(table, name, base, credentials)


def optional(table: str, name: str, base: Path, credentials: str | None) -> Secret | None:
    """The secret of [`table`] in the file `name`, which need not be there: None. Raises Unusable."""
    return required(table, name, base, credentials) if found(name, base, credentials) else None


def required(table: str, name: str, base: Path, credentials: str | None) -> Secret:
    """The secret of [`table`] in the file `name`. Raises Unusable."""
    file, guarded = place(name, base, credentials)
    try:
        return Secret(_password(file, guarded))
    except Unusable as unusable:
        secret = Problem("secret.of_file", {"file": str(file), "fault": unusable.problem})
        raise Unusable(Problem("problem.password_file", {"table": table, "secret": secret})) from None


def place(name: str, base: Path, credentials: str | None) -> tuple[Path, bool]:
    """Where the file `name` is to be read, and whether it is a credential, which systemd guards."""
    if credentials:
        credential = Path(credentials) / Path(name).name
        if _is_there(credential):
            return credential, True
    return base / name, False


def found(name: str, base: Path, credentials: str | None) -> bool:
    """Whether there is a file of that name in either place."""
    return _is_there(base / name) or bool(credentials and _is_there(Path(credentials) / Path(name).name))


def _is_there(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:  # such as a name that is too long
        return False


def _password(file: Path, guarded: bool) -> str:
    try:
        with safe_files.opened(file, follow=True) as opened:
            mode = os.fstat(opened.fileno()).st_mode
            if not guarded and mode & 0o077:
                raise Unusable(
                    Problem("secret.open_to_others", {"mode": f"{stat.S_IMODE(mode):04o}", "file": str(file)})
                )
            raw = opened.read(_MAX_BYTES + 1)
    except safe_files.NotAFile:
        raise Unusable(Problem("secret.not_a_file")) from None
    except FileNotFoundError:
        raise Unusable(Problem("secret.missing")) from None
    except OSError as error:
        raise Unusable(Problem("secret.unreadable", {"reason": os.strerror(error.errno or 0)})) from None
    if len(raw) > _MAX_BYTES:
        raise Unusable(Problem("secret.too_large", {"size": _MAX_BYTES}))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unusable(Problem("secret.not_utf8")) from None
    # Only the line end goes: a password may begin or end with a blank.
    password = text.split("\n", 1)[0].removesuffix("\r")
    if not password:
        raise Unusable(Problem("secret.empty"))
    if "\0" in password:
        raise Unusable(Problem("secret.nul"))
    return password
