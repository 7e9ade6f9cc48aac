"""ORCA for `opening`."""

from drivers.bad_address import BadAddress
from drivers.reservations.adapter import Adapter, Settings
from drivers.reservations.orca.address import EXPECTED, is_loopback, parse
from drivers.reservations.orca.probe import probe
from drivers.reservations.orca.system import OrcaSystem


def _check(url: str) -> None:
    parse(url)


def _peers(url: str) -> tuple[tuple[str, int], ...]:
    address = parse(url)
    return ((address.host, address.port),)


def _open(url: str, settings: Settings) -> OrcaSystem:
    address = parse(url)
    if not (address.tls or settings.plain_http or is_loopback(address.host)):
        raise BadAddress(
            "orca_plain_http", "names and numbers of patients would cross the network unencrypted", EXPECTED
        )
    return OrcaSystem(address, settings)


ADAPTER = Adapter(contract=1, check=_check, peers=_peers, system=_open, probe=probe)
