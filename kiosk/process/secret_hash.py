"""PINs and passwords of people as they are kept: a scrypt hash with its salt and cost, never the secret.

Must never log, return or store a secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import Final

# scrypt's cost: 16 MiB and about 50 ms on a small PC. RFC 7914, section 2.
_COST, _BLOCK, _LANES = 2**14, 8, 1
# A record for what is compared with nobody's secret: it takes the time of a real one.
NOBODY: Final = json.dumps({"scrypt": [_COST, _BLOCK, _LANES], "salt": "00" * 16, "hash": "00" * 64}).encode()


def record(secret: str) -> bytes:
    """The hash of `secret` with its salt and cost, as JSON."""
    salt = secrets.token_bytes(16)
    return json.dumps(
        {"scrypt": [_COST, _BLOCK, _LANES], "salt": salt.hex(), "hash": _hash(secret, salt).hex()}
    ).encode()


def matches(secret: str, kept: bytes) -> bool:
    """Whether `kept` is the record of `secret`. A damaged record matches nothing."""
    try:
        fields = json.loads(kept)
        salt, right = bytes.fromhex(fields["salt"]), bytes.fromhex(fields["hash"])
    except (ValueError, KeyError, TypeError):
        return False
    return hmac.compare_digest(_hash(secret, salt), right)


def _hash(secret: str, salt: bytes) -> bytes:
    # JSON can hold half a pair of surrogates, which no encoding takes.
    return hashlib.scrypt(secret.encode("utf-8", "replace"), salt=salt, n=_COST, r=_BLOCK, p=_LANES)
