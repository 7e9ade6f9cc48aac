"""Secrets of a site as systemd-creds keeps them: encrypted for this machine, with its TPM when there is one.

Owns sealing and opening. Must never write what is inside to a disk, an argument list or a message.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kiosk.appliance.machine.places import Places

FOLDER: Final = "credentials"
PIN_NAME: Final = "technician.secret"
# Debug: no measurement ever goes into it. systemd-creds takes 7 otherwise, and a firmware update or another setting of
# Secure Boot would make every password unreadable, and the PIN that keeps strangers' sticks out with them. As /var's
# own key, a secret is tied to this PC's chip alone; with no register at all systemd 252 cannot open what it sealed.
_NO_MEASUREMENT: Final = "16"
# A TPM takes its time.
_LIMIT_S: Final = 60.0


class CannotSeal(Exception):
    """systemd-creds did not do it. The text is its own, which names no secret."""


def seal(places: Places, name: str, secret: bytes, file: Path) -> None:
    """Write `secret` to the new `file`, to be opened under `name` on this machine only. Raises CannotSeal."""
    tied = f"--tpm2-pcrs={_NO_MEASUREMENT}"
    command = ("encrypt", tied, f"--name={name}", "-", str(file))
    done = places.call("systemd-creds", *command, limit_s=_LIMIT_S, given=secret)
    if not done.ok:
        raise CannotSeal(done.err.strip().splitlines()[-1][:200] if done.err.strip() else f"code {done.code}")
    file.chmod(0o600)


def unseal(places: Places, name: str, file: Path) -> bytes | None:
    """What was sealed; None when there is no such file or this machine cannot open it."""
    if not file.is_file():
        return None
    done = places.call("systemd-creds", "decrypt", f"--name={name}", str(file), "-", limit_s=_LIMIT_S)
    return done.out if done.ok else None


def pin_record(places: Places) -> bytes | None:
    """The record of the technician's PIN of the site in use."""
    return unseal(places, PIN_NAME, pin_file(places))


def pin_file(places: Places) -> Path:
    """Where it lies; no such file: the site has no PIN, and no technician's page."""
    return places.site / FOLDER / PIN_NAME
