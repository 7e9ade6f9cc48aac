"""What power cuts do to the PC's TPM, reset at boot.

A TPM counts an unclean shutdown as a failed authorisation (TPM 2.0 Library, part 1, "Dictionary Attack Protection").
After 3 to 32 of them, by maker, it is in lockout for minutes or hours. Our objects have no password to guess, so the
lockout protects nothing and only keeps the reception from starting: the counter is reset before anything is unsealed.

Must never wait for the TPM without a limit, or keep the boot from going on.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

# The resource manager: sessions of other programs stay loaded.
DEVICE: Final = Path("/dev/tpmrm0")
# TPM2_DictionaryAttackLockReset (part 3), big endian: tag with sessions, size, command, TPM_RH_LOCKOUT; then 9 bytes of
# authorisation: TPM_RS_PW, no nonce, continueSession, an empty password.
_RESET: Final = bytes.fromhex("8002 0000001b 00000139 4000000a 00000009 40000009 0000 01 0000")
_ANSWER_MAX: Final = 4096
_CODE: Final = slice(6, 10)  # after tag and size
_LIMIT_S: Final = 20.0


def reset_failures(line: int) -> int:
    """Reset the failure counter of the open device `line`; the response code, 0 for success. Raises OSError.

    The TPM refuses it where a lockout password is set, as Windows does.
    """
    os.write(line, _RESET)
    if not select.select([line], [], [], _LIMIT_S)[0]:
        raise TimeoutError(f"no answer within {_LIMIT_S:.0f} s")
    answer = os.read(line, _ANSWER_MAX)
    if len(answer) < _CODE.stop:
        raise OSError(f"an answer of {len(answer)} bytes")
    return int.from_bytes(answer[_CODE], "big")


def main(argv: Sequence[str], device: Path = DEVICE) -> int:
    """0: the counter is reset, or there is no TPM; 1: it is not, stderr says why; 2: usage."""
    if argv:
        sys.stderr.write("usage: chip takes no argument\n")
        return 2
    try:
        line = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    except OSError as error:
        sys.stderr.write(f"the TPM cannot be opened: {error.strerror}\n")
        return 1
    try:
        code = reset_failures(line)
        wrong = f"code 0x{code:x}" if code else ""  # no advice to clear it: that would take /var's key with it
    except OSError as error:
        wrong = str(error)
    finally:
        with suppress(OSError):
            os.close(line)
    if wrong:
        sys.stderr.write(f"the TPM's count of failures was not set back: {wrong}\n")
    return 1 if wrong else 0
