"""Settings of the hospital's own systems that must agree with one another. As `consistency`."""

from __future__ import annotations

from collections.abc import Iterator

from kiosk.config.reading import Read
from kiosk.config.system_checks import leaves_machine
from kiosk.words.problems import Problem


def problems(read: Read) -> Iterator[Problem]:
    """The rules of [reservations], [his] and [numbering] that are broken."""
    yield from _passwords(read)
    his, numbering = read.tables["his"], read.tables["numbering"]
    url = his.get("url")
    if url and his.get("plain_http") is False and url.startswith("orca+http:") and leaves_machine(url):
        yield Problem("problem.his_in_clear")
    if url == "" and his.get("numbers") == "his":
        yield Problem("problem.his_missing", {"key": "numbers", "value": "his"})
    if url == "" and his.get("when_down") == "cached" and not _on_server(read):
        yield Problem("problem.nothing_down")
    if his.get("numbers") == "his" and numbering.get("series", "hospital") != "hospital":
        yield Problem("problem.series_of_his", {"series": numbering["series"]})
    yield from _letters(read)


def _passwords(read: Read) -> Iterator[Problem]:
    """password_file is the share's, as it always was; beside one, the server's password has a file of its own."""
    reservations = read.tables["reservations"]
    shared = str(reservations.get("share", "")).lower().startswith("smb://")
    if shared and _on_server(read):
        own = reservations.get("book_password_file")
        if own == "" or (own and own == reservations.get("password_file")):
            yield Problem("problem.book_password")


def _letters(read: Read) -> Iterator[Problem]:
    his, numbering = read.tables["his"], read.tables["numbering"]
    entrance, prefix = numbering.get("entrance"), numbering.get("offline_prefix")
    if numbering.get("series") == "entrance" and entrance == "":
        yield Problem("problem.entrance_missing")
    asks = his.get("url") or _on_server(read)
    if asks and his.get("when_down") == "cached" and prefix == "":
        yield Problem("problem.offline_prefix_missing")


def _on_server(read: Read) -> bool:
    """Whether the book is asked over the network."""
    return "://" in read.tables["reservations"].get("url", "")
