"""One update bundle: who signed it, what it is, whether it is whole, and whether this machine may take it.

Owns the refusals and their codes (the sentences are [reasons] of assets/texts/ja/technician.toml). Must never believe
anything in a bundle before its signature was found good, nor write to a slot.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from kiosk.appliance.machine.places import Places

Reason = Literal[
    "wrong_signer", "tampered", "not_for_this", "too_old", "same", "no_space", "busy", "broken_file", "no_stick",
    "no_answer", "not_good", "failed",
]  # fmt: skip

COMPATIBLE: Final = "kiosk-pc-x86_64"
NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+~-]{0,90}\.raucb")
BYTES_MAX: Final = 2 << 30
# As deploy/image/bundle: numbers, then a word of a trial (`-rc1`) or of a rebuild (`+2`).
_VERSION: Final = re.compile(r"(\d{1,6}(?:\.\d{1,6}){1,3})(?:([-~+])([0-9A-Za-z.]{1,40}))?")
_VERITY: Final = re.compile(
    r"Verity Salt:\s*'(?P<salt>[0-9a-f]{64})'\s+Verity Hash:\s*'(?P<hash>[0-9a-f]{64})'\s+Verity Size:\s*(?P<size>\d+)"
)
_BLOCK: Final = 4096  # of dm-verity, and what RAUC makes its bundles of
_INFO_LIMIT_S: Final = 120.0
_VERIFY_LIMIT_S: Final = 1200.0


@dataclass(frozen=True)
class Refused:
    """Nothing was changed. `reason`: a word of the list; `detail`: for the log, never from the bundle's own text."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True)
class BundleInfo:
    """The signed description of a bundle. `payload`: bytes before the dm-verity hash tree."""

    version: str
    salt: str
    root_hash: str
    payload: int


def verify(places: Places, file: Path) -> BundleInfo | Refused:
    """Signature, purpose, version, then every byte against the signed hash. Takes seconds for a whole system."""
    info = inspect(places, file)
    if isinstance(info, Refused):
        return info
    running = places.version
    if info.version == running:
        return Refused("same", f"{info.version} is running")
    if is_older(info.version, running):
        return Refused("too_old", f"{info.version} is older than {running}")
    # `rauc info` looks at the signature alone; a flipped bit would show only in the middle of the writing.
    done = places.call(
        "usr/sbin/veritysetup", "verify", "--no-superblock", "--format=1", "--hash=sha256", f"--salt={info.salt}",
        f"--data-blocks={info.payload // _BLOCK}", f"--data-block-size={_BLOCK}", f"--hash-block-size={_BLOCK}",
        f"--hash-offset={info.payload}", str(file), str(file), info.root_hash, limit_s=_VERIFY_LIMIT_S,
    )  # fmt: skip
    return info if done.ok else Refused("tampered", f"veritysetup {done.code}")


def inspect(places: Places, file: Path) -> BundleInfo | Refused:
    """The signed description: signature and purpose are checked, not every byte."""
    answer = places.call("rauc", "info", "--output-format=json", str(file), limit_s=_INFO_LIMIT_S)
    if not answer.ok:
        return Refused(_reason(answer.err), f"rauc info {answer.code}")
    readable = places.call("rauc", "info", "--output-format=readable", str(file), limit_s=_INFO_LIMIT_S)
    found = _VERITY.search(readable.out.decode("utf-8", "replace"))
    manifest = None
    with suppress(ValueError):
        manifest = json.loads(answer.out)
    if not isinstance(manifest, dict) or manifest.get("compatible") != COMPATIBLE:
        return Refused("not_for_this", "compatible")
    version = str(manifest.get("version", ""))
    if found is None or _VERSION.fullmatch(version) is None:
        return Refused("not_for_this", "version or format")
    try:
        with file.open("rb") as opened:
            end = opened.seek(-8, 2)
            signature = int.from_bytes(opened.read(8), "big")
    except OSError:
        return Refused("broken_file", "read")
    payload = end - signature - int(found["size"])
    if payload <= 0 or payload % _BLOCK:
        return Refused("tampered", "sizes")
    return BundleInfo(version, found["salt"], found["hash"], payload)


def is_older(version: str, than: str) -> bool:
    """Whether `version` comes before `than`. A running version that is no number (a developer's) is older than all."""
    mine, theirs = _order(version), _order(than)
    return mine is not None and theirs is not None and mine < theirs


def named_version(name: str) -> str:
    """The version in the name of a bundle that nobody has opened yet, "" when there is none; for display only."""
    found = _VERSION.search(name.removesuffix(".raucb"))
    return found[0] if found else ""


def _order(version: str) -> tuple[tuple[int, ...], int, tuple[tuple[int, str], ...]] | None:
    found = _VERSION.fullmatch(version)
    if found is None:
        return None
    numbers = tuple(int(part) for part in found[1].split("."))
    # `-rc1` and `~rc1` come before the version itself, `+2` after it.
    rank = {None: 0, "+": 1}.get(found[2], -1)
    parts = re.findall(r"\d+|[A-Za-z]+", found[3] or "")
    tail = tuple((int(part), "") if part.isdigit() else (0, part) for part in parts)
    return numbers + (0,) * (4 - len(numbers)), rank, tail


def _reason(err: str) -> Reason:
    """RAUC's error text (1.8) to a reason. OpenSSL says `Verify error` of the certificate, not of the content."""
    if "signature verification failed: Verify error" in err:
        return "wrong_signer"
    if "signature verification failed" in err:
        return "tampered"
    if "not allowed" in err:
        return "not_for_this"
    return "broken_file"
