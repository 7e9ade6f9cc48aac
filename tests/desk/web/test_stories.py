"""What staff do, in Debian's Chromium and Firefox."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Playwright, expect, sync_playwright

from kiosk.desk import acts
from kiosk.desk.acts import Outdated
from kiosk.desk.pages import Arrival, Key
from kiosk.desk.visits import State
from kiosk.desk.web.words import WORDS
from tests.desk.people.office import CHIEF, SATO
from tests.desk.web.browser import Pages, Serving, serving
from tests.desk.web.fake_desk import at, busy_day
from tests.desk.web.real_browsers import (
    KINDS,
    PATIENCE_MS,
    ZOOMED,
    axe_source,
    fill,
    is_firefox,
    launched,
    log_in_page,
    violations,
    watched,
)

pytestmark = [pytest.mark.peers, pytest.mark.long]

in_both = pytest.mark.parametrize("browser", KINDS, indirect=True)
# The whole of Firefox belongs to tests/desk_slow.
in_one = pytest.mark.parametrize(
    "browser", ["chromium", pytest.param("firefox", marks=pytest.mark.slow_desk)], indirect=True
)
expect.set_options(timeout=PATIENCE_MS)
PATHS = ["/", "/?filter=open", "/open", "/v/7", "/v/9", "/v/14", "/v/7/print", "/a/1", "/a/4", "/numbers", "/n/12",
         "/admin", "/me", "/v/99"]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving() as running:
        yield running


@pytest.fixture
def pages(server: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    with server.of(busy_day(), tmp_path, monkeypatch) as running:
        yield running


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright, request: pytest.FixtureRequest) -> Iterator[Browser]:
    with launched(playwright, request.param) as running:
        yield running


@pytest.fixture(scope="module")
def scriptless(playwright: Playwright, browser: Browser) -> Iterator[Browser]:
    """In Chromium a page may be without script, in Firefox all of it."""
    if is_firefox(browser):
        with launched(playwright, "firefox", script=False) as running:
            yield running
    else:
        yield browser


@in_both
def test_a_morning_at_the_desk(pages: Pages, browser: Browser) -> None:
    """A tap comes, is found by keyboard, registered and looked at; nobody reloads anything."""
    desk = pages.desk
    with watched(browser) as seen:
        page = seen.enter(pages)
        expect(page.locator("#live")).to_contain_text("自動更新中")
        expect(page.locator("tr[data-visit]")).to_have_count(16)
        # Somebody taps: their row is on top, the others stay.
        desk.put(
            replace(desk.rows[3], seq=17, at=at("09:42"), number="00171717", name="原田 花子", kana="ハラダ ハナコ")
        )
        first = page.locator("#visits > tr").first
        expect(first).to_have_attribute("data-visit", "17")
        expect(page.locator("tr[data-visit]")).to_have_count(17)
        expect(page.locator("#how-many")).to_have_text("17名")
        # Registered from the list, by a plain form.
        first.get_by_role("button", name="受付").click()
        expect(page.locator(".say.good")).to_contain_text("受付登録をしました")
        expect(page.locator("tr[data-visit='17']")).to_have_attribute("data-state", "registered")
        expect(page.locator("tr[data-arrival='5']")).to_contain_text("原田 花子")
        # What another PC does is displayed here, on both sides.
        desk.arrive(Arrival(6, "6", at("09:43"), "00045678", "中村 太郎", "", "眼科", seq=4))
        desk.put(replace(desk.rows[4], state=State.registered, arrival=6, called="6"))
        expect(page.locator("tr[data-arrival='6']")).to_contain_text("眼科")
        expect(page.locator("tr[data-visit='4'] .state")).to_contain_text("受付済 6")
        # The count of what waits follows everywhere.
        expect(page.locator("#open-count")).to_have_text("13")
        page.get_by_role("link", name="要確認").first.click()
        expect(page.locator("tr[data-visit]")).to_have_count(10)
        expect(page.locator("tr[data-unserved]")).to_have_count(3)
        desk.unserved = desk.unserved[:2]
        desk.put(replace(desk.rows[9], open=()))
        expect(page.locator("tr[data-visit]")).to_have_count(9)
        expect(page.locator("tr[data-unserved]")).to_have_count(2)
        expect(page.locator("#open-count")).to_have_text("11")
        # By keyboard, to the act that a row without a page has.
        page.keyboard.press("ArrowDown")
        expect(page.get_by_role("button", name="対応済み S1-07")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".say.good")).to_contain_text("対応済みにしました")
    assert [act for act, _ in desk.done] == [acts.Register(17), acts.ConfirmUnserved(1, "S1-07")]


@in_one
def test_keys_and_a_barcode_reader(pages: Pages, browser: Browser) -> None:
    with watched(browser) as seen:
        page = seen.enter(pages)
        # A reader types fast, wherever the focus is, and ends with Enter.
        page.keyboard.type("00078901")
        page.keyboard.press("Enter")
        link = page.locator("tr[data-visit='7'] .who a")
        expect(link).to_be_focused()
        expect(page.locator("#search")).to_have_value("")
        page.keyboard.press("ArrowDown")
        expect(page.locator("tr[data-visit='6'] .who a")).to_be_focused()
        # What comes meanwhile does not take the focus away, also not of the row itself.
        pages.desk.put(replace(pages.desk.rows[6], taps=3))
        expect(page.locator("tr[data-visit='6'] .time")).to_contain_text("3回")
        expect(page.locator("tr[data-visit='6'] .who a")).to_be_focused()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("山田 はるか")
        page.keyboard.press("Escape")
        page.wait_for_url(f"{pages.url}/")
        # Search by name, kana or number as it is typed.
        page.keyboard.press("F2")
        expect(page.locator("#search")).to_be_focused()
        page.keyboard.type("かと")
        expect(page.locator("tr[data-visit]:visible")).to_have_count(1)
        expect(page.locator("#found")).to_have_text("1件")
        # Rows that come meanwhile are sought too.
        pages.desk.put(replace(pages.desk.rows[6], seq=18, at=at("09:44"), number="00181818"))
        expect(page.locator("tr[data-visit]:visible")).to_have_count(2)
        page.keyboard.press("Escape")
        expect(page.locator("tr[data-visit]:visible")).to_have_count(17)
        page.keyboard.press("/")
        page.keyboard.type("99999999")
        page.keyboard.press("Enter")
        expect(page.locator("#found")).to_have_text("見つかりません")


@in_one
def test_certificates_are_confirmed_one_by_one_with_what_was_displayed(pages: Pages, browser: Browser) -> None:
    desk = pages.desk
    with watched(browser) as seen:
        page = seen.enter(pages)
        page.locator("tr[data-visit='7'] .who a").click()
        changed = page.locator("[data-certificate='changed']")
        expect(changed.locator("[data-changed='true']")).to_have_count(3)
        expect(changed.locator("tr[data-item='自己負担上限額']")).to_contain_text("1回 500円")
        changed.get_by_role("button", name="取込").click()
        expect(page.locator(".say.good")).to_have_text("✓取り込みました")
        revision = desk.rows[7].revision
        # While somebody looks, the file changes: the page says so, and what is sent then is refused.
        desk.put(replace(desk.rows[7], key=Key.changed))
        expect(page.locator("#newer")).to_be_visible()
        desk.outcomes = [Outdated()]
        seen.complaints.clear()
        page.locator("[data-certificate='absent']").get_by_role("button", name="そのまま").click()
        expect(page.locator(".say.warn").first).to_contain_text("表示のあとで情報が新しくなりました")
        seen.complaints.clear()  # a browser notes the 409
    assert [act for act, _ in desk.done] == [
        acts.AcceptCertificate(7, "slot-changed", revision),
        acts.KeepCertificate(7, "slot-absent", revision),
    ]


@in_one
def test_everything_works_without_script(pages: Pages, scriptless: Browser) -> None:
    rash = is_firefox(scriptless)

    def choose(field: Locator, value: str) -> None:
        if rash:
            fill(field, value, rash=True)
        else:
            field.select_option(value)

    with watched(scriptless, script=False) as seen:
        page = seen.enter(pages, "chief", CHIEF, rash=rash)
        assert page.locator("tr[data-visit]").count() == 16
        fill(page.get_by_role("searchbox"), "かとう", rash=rash)
        with page.expect_navigation():
            page.get_by_role("button", name="探す").click(force=rash)
        assert page.locator("tr[data-visit]").count() == 1
        page.get_by_role("button", name="受付").first.click(force=rash)
        page.wait_for_url(re.compile("done=register"))
        page.goto(f"{pages.url}/v/7")
        page.get_by_role("button", name="取込").click(force=rash)
        page.wait_for_url(re.compile("done=accept_certificate"))
        end = page.locator("[data-certificate='absent'] details.end")
        end.locator("summary").click(force=rash)
        fill(end.get_by_label("最後の有効日"), "2026-01-14", rash=rash)
        choose(end.get_by_label("理由"), "moved")
        end.get_by_role("button", name="終了にする").click(force=rash)
        page.wait_for_url(re.compile("done=end_certificate"))
        page.goto(f"{pages.url}/a/2")
        choose(page.get_by_label("理由"), "wrong_person")
        page.get_by_role("button", name="取り消す").click(force=rash)
        page.wait_for_url(re.compile("done=cancel"))
        page.goto(f"{pages.url}/n/12")
        fill(page.get_by_label("患者番号、または氏名・カナ"), "00991234", rash=rash)
        page.get_by_role("button", name="探す").click(force=rash)
        page.get_by_role("checkbox", name="本人であること").check(force=rash)
        page.get_by_role("button", name="照会番号を登録").click(force=rash)
        page.wait_for_url(re.compile("done=send_registration"))
        with page.expect_navigation():
            page.get_by_role("button", name="離席").click(force=rash)
        assert "離席中" in page.get_by_role("heading", level=1).inner_text()
    kinds = [type(act) for act, _ in pages.desk.done]
    assert kinds == [
        acts.Register, acts.AcceptCertificate, acts.EndCertificate, acts.Cancel, acts.SendRegistration,
    ]  # fmt: skip


@in_one
def test_every_page_is_whole_without_script(pages: Pages, scriptless: Browser) -> None:
    """It says that it is, and has no button that needs one."""
    with watched(scriptless, script=False) as seen:
        page = seen.enter(pages, "chief", CHIEF, rash=is_firefox(scriptless))
        for path in PATHS[:-1]:
            page.goto(f"{pages.url}{path}")
            assert page.locator("#live").inner_text() == WORDS["nav"]["manual"]
            lost = page.locator("button:not(form *):not([form]):visible, a:not([href]):visible")
            assert lost.evaluate_all("all => all.map(each => each.outerHTML)") == []


@in_one
def test_a_page_that_nobody_uses_hides_itself(pages: Pages, browser: Browser) -> None:
    with watched(browser) as seen:
        page = seen.enter(pages)
        expect(page.get_by_text("山田 はるか").first).to_be_visible()
        pages.office.wait(601)
        expect(page.get_by_role("heading", level=1)).to_contain_text("離席中")
        expect(page.get_by_text("山田 はるか")).to_have_count(0)
        seen.complaints.clear()  # a browser notes the 401
        page.get_by_label("パスワード").fill(SATO)
        page.keyboard.press("Enter")
        expect(page.get_by_text("山田 はるか").first).to_be_visible()


@in_one
def test_a_lost_connection_is_red_and_comes_back(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as running, running.of(busy_day(), tmp_path, monkeypatch) as pages, watched(browser) as seen:
        page = seen.enter(pages)
        expect(page.locator("#live")).to_contain_text("自動更新中")
        # The PC's own cable is out: no stream ends by that. What is heard afterwards says that it is well.
        page.evaluate("dispatchEvent(new Event('offline'))")
        expect(page.locator("#lost")).to_be_visible()
        expect(page.locator("#lost")).to_be_hidden()
        running.server.stop()
        expect(page.locator("#lost")).to_be_visible()
        expect(page.locator("#lost")).to_contain_text("接続が切れました 09:41:00 の内容です")
        expect(page.locator("tr[data-visit]")).to_have_count(16)
        seen.complaints.clear()  # a browser notes what it could not fetch


# --- how it looks ----------------------------------------------------------------------------------------------------


@in_one
def test_nothing_is_wider_than_the_screen_and_no_name_wraps(pages: Pages, browser: Browser) -> None:
    with watched(browser) as seen:
        page = seen.enter(pages, "chief", CHIEF)
        heights = page.eval_on_selector_all("tr[data-visit]", "rows => rows.map(row => row.offsetHeight)")
        assert len(set(heights)) == 1
        cut = page.eval_on_selector_all(
            "tr[data-visit] .who .name",
            "all => all.filter(each => each.getBoundingClientRect().right > each.closest('th').getBoundingClientRect()"
            ".right).map(each => each.textContent)",
        )
        assert cut == []
        for size in ({"width": 1366, "height": 768}, ZOOMED, {"width": 1920, "height": 1080}):
            page.set_viewport_size({"width": size["width"], "height": size["height"]})
            for path in PATHS:
                page.goto(f"{pages.url}{path}")
                wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert wide <= 0, (path, size)
        seen.complaints.clear()  # of the page that is not there


@in_one
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(pages: Pages, browser: Browser, theme: str) -> None:
    source = axe_source()
    found: dict[str, list[str]] = {}
    with watched(browser) as seen:
        page = seen.page
        log_in_page(page, pages.url, theme)
        found["/login"] = violations(page, source)
        seen.enter(pages, "chief", CHIEF)
        for path in PATHS:
            page.goto(f"{pages.url}{path}")
            found[path] = violations(page, source)
        page.goto(f"{pages.url}/n/12")
        page.get_by_label("患者番号、または氏名・カナ").fill("00997777")
        page.get_by_role("button", name="探す").click()
        page.get_by_role("button", name="照会番号を登録").wait_for()
        found["candidate"] = violations(page, source)
        page.goto(f"{pages.url}/v/4")
        page.get_by_role("button", name="離席").click()
        page.get_by_role("button", name="再開").wait_for()
        found["lock"] = violations(page, source)
        page.evaluate("document.querySelector('button').textContent = ''")
        assert violations(page, source)[0].startswith("button-name")  # it does look
        seen.complaints.clear()  # of the page that is not there
    assert {path: each for path, each in found.items() if each} == {}
