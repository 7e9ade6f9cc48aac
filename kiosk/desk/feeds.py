"""Which feed a site has, by its site.toml."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from drivers.share import Share, open_share
from kiosk.config import Config, password
from kiosk.desk.feed import Feed, FeedState, Sink
from kiosk.desk.feed_courier import CourierFeed
from kiosk.desk.feed_watch import RouteName, Source, WatchFeed
from kiosk.desk.taken_files import TakenFiles
from kiosk.process.data_folder import DeskFolder
from kiosk.process.database import remove
from kiosk.tables.known_people import KnownPeople


@dataclass(frozen=True)
class _CourierAndWatch:
    """A `Feed`: what the courier delivers comes from it, the subsidies that it does not deliver are watched."""

    courier: CourierFeed
    watch: WatchFeed

    @property
    def state(self) -> FeedState:
        delivered = self.courier.state
        return delivered if delivered.problem is not None else self.watch.state

    @property
    def was_put_aside(self) -> bool:
        return self.courier.was_put_aside

    def start(self, sink: Sink) -> None:
        self.courier.start(sink)
        self.watch.start(sink)

    def close(self) -> None:
        self.courier.close()
        self.watch.close()

    def settle(self, mark: str) -> bool:
        return self.courier.settle(mark)

    def missing(self, displayed: AbstractSet[int], since: datetime) -> tuple[int, ...]:
        return self.courier.missing(displayed, since)


def open_feed(config: Config, folder: DeskFolder, known: KnownPeople) -> Feed:
    """The feed of [desk], not yet started. `known`: of the desk's own, for a feed that compares by itself.

    Raises ConfigError for a password that cannot be had, OSError, sqlite3.Error.
    """
    is_fed = config.desk is None or config.desk.feed == "courier"
    if is_fed and not config.only_reads_subsidies:
        return CourierFeed(config.courier_dir, folder.spool)
    keeps = config.desk is not None and config.desk.keep_days > 0
    if not keeps:  # what an earlier site.toml wanted kept
        remove(folder.kept_watched)
    taken = TakenFiles(folder.kept_watched if keeps else folder.watched)
    routes: tuple[tuple[RouteName, str | None], ...] = (
        ("results", None if is_fed else config.terminal.results),
        ("subsidies", config.terminal.subsidies),
    )
    sources = [_source(config, route, url) for route, url in routes if url is not None]
    watch = WatchFeed(sources, known, taken, config.site.institution_code, config.site.zone)
    return _CourierAndWatch(CourierFeed(config.courier_dir, folder.spool), watch) if is_fed else watch


def _source(config: Config, route: RouteName, url: str) -> Source:
    terminal = config.terminal
    secret = password(config, "terminal", url, terminal.password_file)

    def share() -> Share:
        return open_share(url, secret.reveal() if secret else None)

    return Source(
        route, share(), share(), terminal.poll_interval_s, terminal.relist_interval_s, config.visit.result_max_bytes
    )
