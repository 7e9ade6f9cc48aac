"""The files of the desk's certificate: where they are, and whether they can be used at all.

Must never show what is in a key, nor read one that others could read too.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from kiosk.config.desk_model import Desk
from kiosk.config.passwords import place
from kiosk.words.problems import Problem, Refusal


class Unusable(Refusal):
    """Why the pages cannot be served with these files."""


@dataclass(frozen=True)
class Tls:
    """PEM files: the certificate with those above it, its key, and whose client certificates are taken (None: none)."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


def files(desk: Desk, base: Path, credentials: str | None) -> Tls | None:
    """The files that [desk] names, beside site.toml in `base` or among the credentials; None: it names none. Raises
    Unusable: one is missing or no PEM, others may read the key, or it belongs to another certificate.
    """
    if not desk.certificate_file:
        return None
    import ssl

    key, guarded = place(desk.key_file, base, credentials)
    certificate, _ = place(desk.certificate_file, base, credentials)
    client_ca = place(desk.client_ca_file, base, credentials)[0] if desk.client_ca_file else None
    for name, file in (("certificate_file", certificate), ("key_file", key), ("client_ca_file", client_ca)):
        if file is not None and not os.access(file, os.R_OK, effective_ids=True):
            raise Unusable(Problem("problem.desk_file", {"key": name, "file": str(file)}))
    if not guarded and key.stat().st_mode & 0o077:
        mode = f"{stat.S_IMODE(key.stat().st_mode):04o}"
        raise Unusable(Problem("problem.desk_key_open", {"mode": mode, "file": str(key)}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # A password would be asked for on the terminal, where no service has one.
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError, ValueError):
        raise Unusable(Problem("problem.desk_certificate", {"file": str(certificate), "other": str(key)})) from None
    try:
        if client_ca is not None:
            context.load_verify_locations(client_ca)
    except (ssl.SSLError, OSError):
        raise Unusable(Problem("problem.desk_client_ca", {"file": str(client_ca)})) from None
    return Tls(certificate, key, client_ca)
