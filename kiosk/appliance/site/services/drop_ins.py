"""Drop-ins for the services: their credentials, and folders of the site that they may write to. systemd.exec(5).

Must never name a credential that is not there: systemd 252 then restarts the service for ever.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path

from kiosk.appliance.site.services.log_forwarding import STATE
from kiosk.config import Config, installed

_RSYSLOG = f"""\
[Service]
ExecStart=
ExecStart=/usr/sbin/rsyslogd -n -iNONE -f /run/kiosk-appliance/rsyslog.conf
StateDirectory={Path(STATE).name}
StateDirectoryMode=0700
Restart=on-failure
RestartSec=30
MemoryMax=128M
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_DAC_READ_SEARCH
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native
"""


def drop_ins(config: Config | None, credentials: Path, sealed: AbstractSet[str]) -> dict[str, str]:
    """Text of `UNIT.service.d/site.conf` by unit, without .service; a unit that is not in it needs none.

    `credentials`: the folder of the site's sealed secrets. `sealed`: the names that are in it.
    """
    if config is None:
        return {}
    exports = [config.reservations.import_dir] if config.reservations.import_dir else []
    writes = {
        "kiosk": installed.reception_writes(config),
        "kiosk-courier": installed.courier_writes(config),
        # It tests whether the reception could write there, which a read-only mount would hide.
        "kiosk-check": [*installed.courier_writes(config), *exports],
        "kiosk-metrics": installed.metrics_writes(config),
        "kiosk-appointments": exports,
    }
    secrets = installed.secrets(config)
    found = {"rsyslog": _RSYSLOG} if config.syslog.server else {}
    for unit in dict.fromkeys([*writes, *secrets]):
        loaded = "".join(
            f"LoadCredentialEncrypted={name}:{credentials / name}\n" for name in secrets.get(unit, ()) if name in sealed
        )
        lines = loaded + installed.read_write_paths(writes.get(unit, ()))
        if lines:
            found[unit] = f"# Made from site.toml.\n[Service]\n{lines}"
    return found
