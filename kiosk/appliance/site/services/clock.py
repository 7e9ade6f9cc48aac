"""[time] → a file for systemd-timesyncd. timesyncd.conf(5), systemd 252."""

from __future__ import annotations

from kiosk.config import Config


def timesyncd_file(config: Config | None) -> str:
    """The servers; those of DHCP reach timesyncd through networkd. Without any, the image's timesyncd.conf decides."""
    servers = " ".join(config.time.servers) if config else ""
    return f"# Made from site.toml.\n[Time]\nNTP={servers}\n"
