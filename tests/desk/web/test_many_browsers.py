"""300 rows and 20 browsers: how soon a tap is displayed. The figures go to the report (`-rA`)."""

from __future__ import annotations

import http.client
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.desk.web.browser import Browser, Pages, serving
from tests.desk.web.fake_desk import FakeDesk, many_rows
from tests.desk.web.real_browsers import launched, watched

pytestmark = [pytest.mark.peers, pytest.mark.slow_desk]
TAPS, ROWS, OTHERS = 40, 300, 19


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    desk = FakeDesk()
    for row in many_rows(ROWS):
        desk.put(row)
    with serving() as running, running.of(desk, tmp_path, monkeypatch) as made:
        yield made


@contextmanager
def following(browser: Browser) -> Iterator[None]:
    """A browser that does over HTTP what the pages' script does: listens, and asks for the rows."""
    stop = threading.Event()
    connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=120)
    connection.request("GET", "/events", headers={"Cookie": f"desk={browser.cookies['desk']}"})
    stream = connection.getresponse()

    def follow() -> None:
        revision = ""
        while not stop.is_set():
            if stream.readline() == b"event: changed\n":
                before, revision = revision, stream.readline().decode().removeprefix("data: ").strip()
                browser.get(f"/rows?since={before or revision}&filter=all")

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        connection.close()


# In the page: the moment at which a row is in the document, by the clock that Python reads too.
WATCH = """() => {
  const list = document.getElementById("visits");
  window.seen = {};
  new MutationObserver(() => {
    for (const row of list.children) if (!(row.id in window.seen)) window.seen[row.id] = Date.now();
  }).observe(list, { childList: true });
}"""


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
def test_a_tap_is_displayed_within_300_ms_beside_19_other_browsers(pages: Pages, kind: str) -> None:
    desk, entered = pages.desk, pages.browser()
    with ExitStack() as stack:
        for _ in range(OTHERS):
            stack.enter_context(following(Browser(pages.port, cookies=dict(entered.cookies))))
        seen = stack.enter_context(watched(stack.enter_context(launched(stack.enter_context(sync_playwright()), kind))))
        page = seen.enter(pages)
        page.locator("#live.on").wait_for()
        page.evaluate(WATCH)
        begun: dict[str, float] = {}
        for number in range(TAPS):
            seq = ROWS + 1 + number
            last = desk.rows[ROWS]
            begun[f"v{seq}"] = time.time()
            desk.put(replace(last, seq=seq, at=last.at + timedelta(seconds=number + 1), number=f"9{seq:07}"))
            page.locator(f"#v{seq}").wait_for()
            page.wait_for_timeout(100)  # taps do not come faster
        displayed: dict[str, float] = page.evaluate("window.seen")
    took = sorted(displayed[name] - at * 1000 for name, at in begun.items())
    p95 = took[int(0.95 * len(took))]
    text = f"{ROWS} rows, {OTHERS + 1} browsers: p50 {statistics.median(took):.0f} ms, p95 {p95:.0f} ms"
    sys.stdout.write(f"{kind}: {text}\n")  # for the report
    assert p95 <= 300
