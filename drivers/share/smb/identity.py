"""What an SMB server and its folder are, whatever they are called.

Owns the parsing of what servers report about themselves. Must never send a request: the connection passes the answer.
"""

import struct
from contextlib import suppress
from typing import Any

from smbprotocol.create_contexts import CreateContextName, SMB2CreateQueryOnDiskIDResponse

DISK_ID = CreateContextName.SMB2_CREATE_QUERY_ON_DISK_ID


def disk_id(opened: Any) -> str | None:
    """File and volume number in the answer to DISK_ID ([MS-SMB2] 2.2.14.2.9); None: the server reports none.

    Not the volume's serial number, which Samba makes of the share's name.
    """
    for context in opened or ():
        if isinstance(context, SMB2CreateQueryOnDiskIDResponse):
            return f"{context['volume_id'].get_value():x}/{context['disk_file_id'].get_value():x}"
    return None


def computer_name(challenge: bytes) -> str:
    """MsvAvNbComputerName in an NTLM challenge ([MS-NLMP] 2.2.1.2, 2.2.2.1), wherever it lies; "": there is none."""
    start = challenge.find(b"NTLMSSP\0\2\0\0\0")
    with suppress(struct.error, UnicodeDecodeError):
        length, _, offset = struct.unpack_from("<HHI", challenge, start + 40)
        at, end = start + offset, start + offset + length
        while start >= 0 and at < end:
            kind, size = struct.unpack_from("<HH", challenge, at)
            if kind == 1:
                return challenge[at + 4 : at + 4 + size].decode("utf-16-le").casefold()
            at += 4 + size
    return ""
