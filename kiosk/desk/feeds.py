"""Which feed a site has, by its site.toml."""

from __future__ import annotations

from drivers.share import Share, open_share
from kiosk.config import Config, password
from kiosk.desk.feed import Feed
from kiosk.desk.feed_courier import CourierFeed
from kiosk.desk.feed_watch import RouteName, Source, WatchFeed
from kiosk.desk.taken_files import TakenFiles
from kiosk.process.data_folder import DeskFolder
from kiosk.process.database import remove
from kiosk.tables.known_people import KnownPeople


def open_feed(config: Config, folder: DeskFolder, known: KnownPeople) -> Feed:
    """The feed of [desk], not yet started. `known`: of the desk's own, for a feed that compares by itself.

    Raises ConfigError for a password that cannot be had, OSError, sqlite3.Error.
    """
    desk = config.desk
    if desk is None or desk.feed == "courier":
        return CourierFeed(config.courier_dir, folder.spool)
    if not desk.keep_days:  # what an earlier site.toml wanted kept
        remove(folder.kept_watched)
    taken = TakenFiles(folder.kept_watched if desk.keep_days else folder.watched)
    routes: tuple[tuple[RouteName, str | None], ...] = (
        ("results", config.terminal.results),
        ("subsidies", config.terminal.subsidies),
    )
    sources = [_source(config, route, url) for route, url in routes if url is not None]
    return WatchFeed(sources, known, taken, config.site.institution_code, config.site.zone)


def _source(config: Config, route: RouteName, url: str) -> Source:
    terminal = config.terminal
    secret = password(config, "terminal", url, terminal.password_file)

    def share() -> Share:
        return open_share(url, secret.reveal() if secret else None)

    return Source(
        route, share(), share(), terminal.poll_interval_s, terminal.relist_interval_s, config.visit.result_max_bytes
    )
