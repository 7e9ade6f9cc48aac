"""What an account may do in a folder on an SMB server, as the server reports it.

Owns the query. Must never open, create or change a file: it is asked of folders that hold patients' results.
"""

from typing import Any

from smbprotocol.tree import SMB2TreeConnectRequest, SMB2TreeConnectResponse

from drivers.share.failures import ACCESS_DENIED
from drivers.share.protocol import Share
from drivers.share.smb.file import DELETE
from drivers.share.smb.folder import OpenFolder
from drivers.share.smb.share import SmbShare
from drivers.share.smb.wire import Status, Step, Wire

# [MS-SMB2] 2.2.13.1.2
_ADD_FILE = 0x00000002
_DELETE_CHILD = 0x00000040


def may_delete(share: Share) -> bool | None:
    """Whether files of this folder may be deleted; None when only a file could tell (or it is no SMB share).

    False: the share as a whole grants no deleting, or no change at all (MaximalAccess, [MS-SMB2] 2.2.10; a read-only
    share of Samba grants DELETE there and refuses it later). True: the folder grants deleting its children, or what
    Windows calls "modify", which its files inherit. Raises any ShareError.
    """
    if not isinstance(share, SmbShare):
        return None
    wire, _ = share._link.wire()
    limit = wire.exchange(_connecting(share, wire))[0]
    if not isinstance(limit, Status) and not (limit & DELETE and limit & (_ADD_FILE | _DELETE_CHILD)):
        return False
    return any(_granted(share, wire, access) for access in (_DELETE_CHILD, DELETE | _ADD_FILE)) or None


def _granted(share: SmbShare, wire: Wire, access: int) -> bool:
    with OpenFolder(wire, share._folder, share.where) as folder:
        # Opening makes the server check the access; nothing is done with the handle.
        opened, closed = wire.exchange(folder.opening_folder(access=access), folder.closing())
        folder.closed_by(closed)
        if isinstance(opened, Status) and opened == ACCESS_DENIED:
            return False
        folder.check_folder(opened)
        return True


def _connecting(share: SmbShare, wire: Wire) -> Step:
    """TREE_CONNECT once more: its answer tells the share's own limit. The tree ends with the session."""
    request = SMB2TreeConnectRequest()
    request["buffer"] = rf"\\{share._address.host}\{share._address.share}".encode("utf-16-le")

    def limit(sent: Any) -> int:
        response = SMB2TreeConnectResponse()
        response.unpack(wire.receive(sent)["data"].get_value())
        return int(response["maximal_access"].get_value())

    return request, limit
