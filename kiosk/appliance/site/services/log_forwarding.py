"""[syslog] → the whole configuration of rsyslog: it reads the journal and forwards it, and writes no log files.

The journal holds no patient's data and no secret; that is the rule of everything that writes to it.
"""

from __future__ import annotations

from typing import Final

from kiosk.config import Config
from kiosk.config.network_checks import endpoint

# systemd makes it (StateDirectory of the drop-in); how far the journal was read, and what waits for the server.
STATE: Final = "/var/lib/kiosk-rsyslog"


def rsyslog_file(config: Config | None) -> str | None:
    """Rsyslog 8 configuration; None: nothing is forwarded. Format: RFC 5424, over TCP framed as in RFC 6587 3.4.1."""
    if config is None or not config.syslog.server:
        return None
    server = endpoint(config.syslog.server)
    framing = ' TCP_Framing="octet-counted"' if server.protocol == "tcp" else ""
    return f"""\
# Made from site.toml.
global(workDirectory="{STATE}")
# A server that was away gets what it missed, as far as the journal and the queue reach.
module(load="imjournal" StateFile="journal" PersistStateInterval="50" Ratelimit.Interval="60" Ratelimit.Burst="5000")
action(type="omfwd" target="{server.host}" port="{server.port}" protocol="{server.protocol}"{framing}
  template="RSYSLOG_SyslogProtocol23Format" action.resumeRetryCount="-1" action.resumeInterval="30"
  queue.type="LinkedList" queue.size="5000" queue.filename="waiting" queue.maxDiskSpace="16m"
  queue.saveOnShutdown="on")
"""
