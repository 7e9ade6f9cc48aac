"""Secrets of a site as systemd-creds keeps them: encrypted for this machine, with its TPM when there is one.

Owns sealing and unsealing. Must never write a secret to a disk, an argument list or a message.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kiosk.appliance.machine.places import Places

FOLDER: Final = "credentials"
PIN_NAME: Final = "technician.secret"
# PCR 16 (debug): nothing is ever measured into it. The default of systemd-creds is PCR 7, with which a firmware update
# or another Secure Boot setting makes every password unreadable, and with them the PIN that refuses strangers' sticks.
# Like /var's key, a secret is bound to this TPM alone; without any PCR systemd 252 cannot decrypt what it encrypted.
_NO_MEASUREMENT: Final = "16"
# A TPM is slow.
_LIMIT_S: Final = 60.0


class CannotSeal(Exception):
    """systemd-creds failed. The text is its own, which names no secret."""


def seal(places: Places, name: str, secret: bytes, file: Path) -> None:
    """Write `secret` to the new `file`, to be opened under `name` on this machine only. Raises CannotSeal."""
    command = ("encrypt", f"--tpm2-pcrs={_NO_MEASUREMENT}", f"--name={name}", "-", str(file))
    done = places.call("systemd-creds", *command, limit_s=_LIMIT_S, given=secret)
    if not done.ok:
        raise CannotSeal(done.err.strip().splitlines()[-1][:200] if done.err.strip() else f"code {done.code}")
    file.chmod(0o600)


def unseal(places: Places, name: str, file: Path) -> bytes | None:
    """The plain secret; None when there is no such file or this machine cannot decrypt it."""
    if not file.is_file():
        return None
    done = places.call("systemd-creds", "decrypt", f"--name={name}", str(file), "-", limit_s=_LIMIT_S)
    return done.out if done.ok else None


def pin_record(places: Places) -> bytes | None:
    """The record of the technician's PIN of the site in use."""
    return unseal(places, PIN_NAME, pin_file(places))


def pin_file(places: Places) -> Path:
    """Its file; without it the site has no PIN, and no technician's page."""
    return places.site / FOLDER / PIN_NAME
