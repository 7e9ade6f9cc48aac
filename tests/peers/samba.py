"""The Samba server of `drivers.simulated` as a peer of tests: a missing one skips on a desk and fails where CI=true."""

from drivers.simulated import smb_server
from tests.peers import need


class Smbd(smb_server.Smbd):
    """See `drivers.simulated.smb_server.Smbd`."""

    def start(self) -> None:
        """Start it; a missing program is told the way tests tell it."""
        for program in smb_server.PROGRAMS:
            need(program)
        super().start()
