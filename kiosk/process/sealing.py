"""A secret of one process, and what is made of it: sealed values, and keyed hashes that stand for people and values.

Owns the secret's file and the only use of a cipher. Must never hand out the secret or a key made of it. Who has the
database and not the secret learns from it how many people came on which day, and nothing else.

The keys: HMAC-SHA256 of the secret over a label each. Sealed: AES-256-GCM (NIST SP 800-38D), a random nonce of 96 bits
in front; what a value is about is authenticated with it, so that no row can be put in another's place.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from drivers.durable import sync_folder
from kiosk.process import safe_files

SECRET_BYTES: Final = 32
# Names of the secrets that a unit's systemd credentials have, divided by blanks.
EXPECTED: Final = "KIOSK_CREDENTIALS"
_NONCE_BYTES: Final = 12


class Unsealable(Exception):
    """Sealed with another secret, about something else, or damaged."""


class SecretUnusable(Exception):
    """The secret is there and is none, or does not come; the text says where. A new one would lose what is kept."""


class Seals:
    """Keyed hashes (hex, 64 digits) and sealed values of one secret. Any thread."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"a secret has {SECRET_BYTES} bytes")
        self._people, self._values, key = (_derived(secret, what) for what in ("people", "values", "seal"))
        self._cipher = AESGCM(key)
        self.identity = _derived(secret, "identity").hex()  # tells one secret from another

    def person(self, number: str) -> str:
        """Stands for a patient number."""
        return _keyed(self._people, (number,))

    def value(self, *parts: str) -> str:
        """Stands for a value; parts that are divided otherwise give another hash."""
        return _keyed(self._values, parts)

    def seal(self, content: bytes, about: bytes) -> bytes:
        """`about`: what the value belongs to; the same is needed to open it, and is not in what is returned."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, about)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Raises Unsealable."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], about)
        except (InvalidTag, ValueError):
            raise Unsealable from None


def load_secret(file: Path, environ: Mapping[str, str] = os.environ) -> bytes:
    """The systemd credential of the name of `file`, else what `file` holds, which is made when it is missing.

    A secret that KIOSK_CREDENTIALS names is a credential or nothing: no other one, and in clear, may take its place.
    Raises SecretUnusable, OSError.
    """
    given = environ.get("CREDENTIALS_DIRECTORY")
    if given:
        with suppress(FileNotFoundError):
            return _checked(Path(given) / file.name)
    if file.name in environ.get(EXPECTED, "").split():
        raise SecretUnusable(
            f"{file.name}: systemd was to give this credential and did not; the unit needs LoadCredentialEncrypted="
            f"{file.name}:… (made by deploy/install, on the appliance from the site)"
        )
    try:
        return _checked(file)
    except FileNotFoundError:
        secret = secrets.token_bytes(SECRET_BYTES)
        safe_files.write_new(file, secret, 0o600)
        sync_folder(file.parent)
        return secret


def _checked(file: Path) -> bytes:
    secret = safe_files.read(file, SECRET_BYTES + 1)
    if len(secret) != SECRET_BYTES:
        raise SecretUnusable(f"{file}: expected {SECRET_BYTES} bytes; put the file back from where it was kept")
    return secret


def _derived(secret: bytes, what: str) -> bytes:
    return hmac.digest(secret, b"kiosk: " + what.encode(), hashlib.sha256)


def _keyed(key: bytes, parts: tuple[str, ...]) -> str:
    # Lengths, so that ("ab", "c") is not ("a", "bc"). JSON and XML can hold half a pair of surrogates.
    texts = [part.encode("utf-8", "surrogatepass") for part in parts]
    framed = b"".join(len(text).to_bytes(8, "big") + text for text in texts)
    return hmac.digest(key, framed, hashlib.sha256).hex()
