"""The stream that says "changed", and the rows that a browser asks for then."""

import asyncio
import http.client
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.desk.pages import Printed
from kiosk.desk.visits import State
from kiosk.desk.web import live
from kiosk.desk.web.live import Live
from kiosk.desk.web.news import News
from kiosk.desk.web.render import Renderer
from tests.desk.web.browser import Browser, Pages, Serving, serving
from tests.desk.web.fake_desk import DAY, FakeDesk, busy_day, many_rows


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving() as running:
        yield running


@pytest.fixture
def pages(server: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    with server.of(busy_day(), tmp_path, monkeypatch) as running:
        yield running


def news(browser: Browser, since: int | str, which: str = "all") -> dict[str, object]:
    """What is new."""
    found: dict[str, object] = json.loads(browser.get(f"/rows?since={since}&filter={which}").text)
    return found


# --- the stream ------------------------------------------------------------------------------------------------------


def open_stream(browser: Browser) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=60)
    connection.request("GET", "/events", headers={"Cookie": f"desk={browser.cookies['desk']}"})
    return connection, connection.getresponse()


def next_event(stream: http.client.HTTPResponse, kind: str) -> str:
    """The data of the next event of that kind."""
    while True:
        line = stream.readline().decode()
        assert line, "the stream has ended"
        if line.strip() == f"event: {kind}":
            return stream.readline().decode().removeprefix("data: ").strip()


def test_a_change_is_said_at_once_with_a_revision_and_no_more(pages: Pages) -> None:
    connection, stream = open_stream(pages.browser())
    with closing(connection):
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert int(next_event(stream, "changed")) == pages.desk.revision
        pages.desk.put(replace(pages.desk.rows[3], taps=2))
        assert int(next_event(stream, "changed")) == pages.desk.revision


def collected(source: AsyncIterator[bytes], count: int) -> list[bytes]:
    async def run() -> list[bytes]:
        return [await anext(source) for _ in range(count)]

    return asyncio.run(asyncio.wait_for(run(), 60))


def test_a_stream_beats_while_nothing_happens() -> None:
    stream = Live(lambda: "09:41:05", beat_s=0.01).stream(7, lambda: True)
    assert collected(stream, 2) == [
        b"retry: 2000\nevent: changed\ndata: 7\n\n",
        b"event: beat\ndata: 09:41:05\n\n",
    ]


def test_a_stream_ends_with_its_session() -> None:
    holds = iter([True, False])

    async def run() -> list[bytes]:
        return [event async for event in Live(str, beat_s=0.01).stream(7, lambda: next(holds))]

    assert asyncio.run(asyncio.wait_for(run(), 60))[-1] == b"event: session\ndata: over\n\n"


def test_a_change_from_another_thread_reaches_every_stream_and_closing_ends_them() -> None:
    async def run() -> tuple[list[bytes], list[bytes]]:
        source = Live(lambda: "09:41:05", beat_s=600)
        source.begin()

        async def listen() -> list[bytes]:
            return [event async for event in source.stream(1, lambda: True)]

        listeners = [asyncio.ensure_future(listen()) for _ in range(2)]
        await asyncio.sleep(0)
        for change in (lambda: source.changed(2), source.close):
            await asyncio.to_thread(change)
            await asyncio.sleep(0.01)
        first, second = await asyncio.gather(*listeners)
        return first, second

    for events in asyncio.run(asyncio.wait_for(run(), 60)):
        first, beat, second = events
        assert first == b"retry: 2000\nevent: changed\ndata: 1\n\n"
        assert beat == b"event: beat\ndata: 09:41:05\n\n"  # who has just opened the page sees at once that it is alive
        assert second == b"event: changed\ndata: 2\n\n"


def test_there_are_only_so_many_streams(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST", 0)
    assert pages.browser().get("/events").status == 503


def test_a_reading_of_a_stream_does_not_end_when_its_reader_goes(pages: Pages) -> None:
    """The next one is served; the streams of who went away are given up."""
    for _ in range(3):
        connection, stream = open_stream(pages.browser())
        next_event(stream, "changed")
        connection.close()
    connection, stream = open_stream(pages.browser())
    with closing(connection):
        next_event(stream, "changed")
        pages.desk.put(pages.desk.rows[3])
        next_event(stream, "changed")


# --- the rows --------------------------------------------------------------------------------------------------------


def test_only_what_changed_is_given(pages: Pages) -> None:
    browser, before = pages.browser(), pages.desk.revision
    pages.desk.put(replace(pages.desk.rows[3], state=State.registered, arrival=5, called="5", printed=Printed.yes))
    found = news(browser, before)
    assert found["revision"] == pages.desk.revision
    html = found["html"]
    assert isinstance(html, dict)
    assert list(html) == ["3"]
    assert 'data-state="registered"' in html["3"]
    assert found["order"] == list(range(16, 0, -1))
    assert found["arrivals"] is None
    assert found["rows"] == {"3": pages.desk.revision}
    assert (found["open"], found["overdue"], found["numbers"], found["at"]) == (13, False, 1, "09:41:00")


def test_who_knows_nothing_gets_everything(pages: Pages) -> None:
    found = news(pages.browser(), 0)
    html = found["html"]
    assert isinstance(html, dict)
    assert len(html) == 16
    assert "00012345" in str(found["arrivals"])
    browser = pages.browser()
    for strange in ("-1", "x", "9" * 30, "%EF%BC%91"):
        everything = news(browser, strange)["html"]
        assert isinstance(everything, dict)
        assert len(everything) == 16


def test_a_row_that_leaves_a_filter_is_in_no_order(pages: Pages) -> None:
    browser, before = pages.browser(), pages.desk.revision
    pages.desk.put(replace(pages.desk.rows[9], open=()))
    found = news(browser, before, "reasons")
    assert found["html"] == {}
    assert found["order"] == [6, 7, 8, 10, 11, 12, 13, 14, 15]
    assert found["count"] == "12名"
    assert str(found["unserved"]).count("<tr ") == 3 and "/u/3/served" in str(found["unserved"])
    assert "/u/3/served" not in str(news(pages.viewer(), before, "reasons")["unserved"])
    assert news(browser, before, "open")["unserved"] == ""
    assert found["rows"] == {"9": pages.desk.revision}


def test_a_page_without_a_list_gets_the_counts_alone(pages: Pages) -> None:
    found = news(pages.browser(), 0, "none")
    assert "html" not in found
    assert found["open"] == 13


def test_rows_are_made_once_for_all_browsers(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, renderer, answers = FakeDesk(), Renderer(), News()
    for row in many_rows(300):
        desk.put(row)
    made = []
    real = renderer.rows
    monkeypatch.setattr(renderer, "rows", lambda *given, **named: made.append(1) or real(*given, **named))  # type: ignore[func-returns-value]

    def ask() -> None:
        answers.since(renderer, desk.day(), 0, "all", may_act=True)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(made) == 1
    desk.put(desk.rows[1])
    ask()
    assert len(made) == 2


def test_a_row_that_did_not_change_is_not_made_again() -> None:
    renderer, rows = Renderer(), many_rows(10)
    first = renderer.rows(rows, DAY, acting=True, reasons=False)
    changed = [replace(rows[0], taps=2), *rows[1:]]
    second = renderer.rows(changed, DAY, acting=True, reasons=False)
    assert [first[seq] is second[seq] for seq in first] == [False, *[True] * 9]
