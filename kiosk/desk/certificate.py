"""The desk's certificate as a value: its days and its names, and so the names under which the pages may be asked for.

Must never read a key.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from kiosk.config.desk_model import Desk
from kiosk.process import safe_files

_PEM_MAX: Final = 1 << 20
# How this machine calls itself.
_LOCAL: Final = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Certificate:
    """`valid_from`, `valid_until`: aware. `names`: in small letters; addresses too, IPv6 in brackets."""

    valid_from: datetime
    valid_until: datetime
    names: tuple[str, ...]


def read(file: Path) -> Certificate:
    """The first certificate of a PEM file; those above it, and perhaps the key, follow. Raises OSError, ValueError."""
    found = x509.load_pem_x509_certificate(safe_files.read(file, _PEM_MAX))
    return Certificate(found.not_valid_before_utc, found.not_valid_after_utc, tuple(_names(found)))


def hosts(desk: Desk, certificate: Certificate | None) -> tuple[str, ...]:
    """What may stand in the Host header: the certificate's names, this machine's own, and the address it listens on."""
    address = ipaddress.ip_address(desk.address[0])
    listening = () if address.is_unspecified else (_host(str(address)),)
    return tuple(dict.fromkeys((*_LOCAL, *listening, *(certificate.names if certificate else ()))))


def _names(found: x509.Certificate) -> list[str]:
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        # Browsers want the extension; a certificate for trials may do without.
        common = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return [str(each.value).lower() for each in common]
    dns = [name.lower() for name in names.get_values_for_type(x509.DNSName) if not name.startswith("*")]
    return [*dns, *(_host(str(each)) for each in names.get_values_for_type(x509.IPAddress))]


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
