"""Which feed the site has: `[desk] feed`."""

from __future__ import annotations

from kiosk.config import Config
from kiosk.desk.feed import Feed
from kiosk.desk.feed_courier import CourierFeed
from kiosk.process.data_folder import DeskFolder
from kiosk.results.known import KnownPeople


def open_feed(config: Config, folder: DeskFolder, known: KnownPeople) -> Feed:
    """Not started. `known`: whom the desk itself knows, where no courier compares."""
    return CourierFeed(config.courier_dir, folder.spool)
