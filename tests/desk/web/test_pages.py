"""The pages over HTTP, without script: what they say, which form is which act, and who may."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from kiosk.desk import acts
from kiosk.desk.acts import Act, CancelReason, Done, EndReason, Outdated, Refused
from kiosk.desk.pages import Banner, Printed, Row, Unserved, Unsettled, VisitPage
from kiosk.desk.people.roles import Act as Permission
from kiosk.desk.registration import Confirmation
from kiosk.words.problems import Problem
from tests.desk.people.office import SATO
from tests.desk.web.browser import Browser, Pages, Serving, serving
from tests.desk.web.fake_desk import at, busy_day

PATHS = ["/", "/?filter=waiting", "/?filter=open", "/open", "/v/7", "/v/9", "/v/11", "/v/14", "/v/7/print", "/a/1",
         "/a/1/print", "/a/4", "/numbers", "/n/12", "/admin", "/me"]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving() as running:
        yield running


@pytest.fixture
def pages(server: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    with server.of(busy_day(), tmp_path, monkeypatch) as running:
        yield running


def rows(html: str) -> dict[int, dict[str, str]]:
    """The data-* attributes of each visit of a list."""
    found = re.findall(r'<tr role="row" id="v(\d+)"([^>]*)>', html)
    return {int(seq): dict(re.findall(r'data-([a-z-]+)="([^"]*)"', attributes)) for seq, attributes in found}


def text(html: str) -> str:
    """What a person reads, roughly."""
    return unescape(" ".join(re.sub(r"<script.*?</script>|<[^>]+>", " ", html, flags=re.DOTALL).split()))


def test_every_page_answers_and_is_not_kept(pages: Pages) -> None:
    browser = pages.chief()
    for path in PATHS:
        answer = browser.get(path)
        assert answer.status == 200, path
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")


def test_no_title_and_no_address_has_a_patients_data(pages: Pages) -> None:
    browser = pages.chief()
    people: list[Row | Unserved] = [*pages.desk.rows.values(), *pages.desk.unserved]
    named = {value for each in people for value in (each.name, each.kana, each.number) if value}
    for path in PATHS:
        html = browser.get(path).text
        title = re.search(r"<title>(.*?)</title>", html, re.DOTALL)
        assert title
        addresses = re.findall(r'(?:href|action|formaction|src)="([^"]*)"', html)
        assert [each for each in named for place in (title[1], *addresses) if each in place] == []


def test_no_page_needs_script_or_style_of_its_own(pages: Pages) -> None:
    browser = pages.chief()
    for path in PATHS:
        html = browser.get(path).text
        assert re.findall(r"<script(?! src=)|<style|\son[a-z]+=|\sstyle=|javascript:", html) == []


def test_the_list_carries_the_contract_of_its_rows(pages: Pages) -> None:
    found = rows(pages.browser().get("/").text)
    assert list(found) == list(range(16, 0, -1))
    for seq, row in pages.desk.rows.items():
        wanted = {"visit": str(seq), "state": row.state, "eligibility": row.key, "subsidy": row.subsidies}
        assert found[seq] | wanted | {"against": row.against} == found[seq]


def test_the_words_of_the_list(pages: Pages) -> None:
    page = text(pages.browser().get("/").text)
    for word in ("顔認証付きCRの利用者リスト", "患者受付登録一覧", "時刻", "患者番号", "氏名", "生年月日", "資格",
                 "医療費助成", "予約", "状態", "操作", "受付番号", "診療科", "すべて", "未受付", "要確認",
                 "取得失敗", "届いていない", "前回あり今回なし", "なし"):  # fmt: skip
        assert word in page, word
    assert "S47.01.31 53歳" in page  # of somebody who has a birthday in two weeks


def test_a_page_that_did_not_come_out_is_said_of_who_waits_too(pages: Pages) -> None:
    for seq in (3, 4):  # with an appointment, and without
        pages.desk.put(replace(pages.desk.rows[seq], printed=Printed.failed))
        row = text(pages.browser().get("/").text.partition(f'id="v{seq}"')[2].partition("</tr>")[0])
        assert "▲ 未印刷" in row
        assert row.endswith(("受付", "予約外"))


def test_filters_and_what_waits_oldest_first(pages: Pages) -> None:
    browser = pages.browser()
    assert set(rows(browser.get("/?filter=waiting").text)) == {3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 15}
    assert list(rows(browser.get("/open").text)) == [6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    assert list(rows(browser.get("/?filter=nonsense").text)) == list(range(16, 0, -1))


def test_whom_the_kiosk_could_not_register_waits_above_all(pages: Pages) -> None:
    found = pages.browser().get("/open").text.partition('<tbody role="rowgroup" id="unserved">')[2]
    html = found.partition("</tbody>")[0]
    assert [text(row) for row in html.split("</tr>")[:3]] == [
        "08:50 00181818 藤田 修 フジタ オサム 受付機で受付できず 符号 S1-07 対応済み 08:50",
        "08:58 00056789 小林 さくら コバヤシ サクラ 受付機で受付できず 符号 S1-09 対応済み 08:58",
        "09:01 — 受付機で受付できず 符号 S1-12 対応済み 09:01",
    ]
    assert re.findall(r'href="([^"]*)"', html) == ["/v/5"], "whoever tapped has a page"
    forms = re.findall(r'form="acts" formaction="([^"]+)" name="code" value="([^"]+)"', html)
    assert forms == [("/u/1/served", "S1-07"), ("/u/3/served", "S1-09"), ("/u/4/served", "S1-12")]
    assert "対応済み" not in pages.viewer().get("/open").text
    assert "S1-07" not in pages.browser().get("/").text


def test_registrations_that_are_not_settled_wait_above_those(pages: Pages) -> None:
    pages.desk.unsettled = (
        Unsettled("a-1", "unknown", at("08:40"), code="S3-04", number="00171717", name="森 直子", kana="モリ ナオコ"),
        Unsettled("a-2", "custody", at("08:44"), called="K3-001", number="00161616"),
        Unsettled("a-3", "refused", at("08:47"), number="00056789", name="小林 さくら", seq=5),
    )
    found = pages.browser().get("/open").text.partition('<tbody role="rowgroup" id="unserved">')[2]
    html = found.partition("</tbody>")[0]
    listed = html.split("</tr>")
    assert len(listed) == 1 + 3 + len(pages.desk.unserved)
    assert [text(row) for row in listed[:3]] == [
        "08:40 00171717 森 直子 モリ ナオコ 登録できたか不明 S3-04 対応済み 08:40",
        "08:44 00161616 — お預かり中（HIS未登録） K3-001 対応済み 08:44",
        "08:47 00056789 小林 さくら 病院のシステムが断りました 対応済み 08:47",
    ]
    forms = re.findall(r'formaction="/unsettled" name="attempt" value="([^"]+)"', html)
    assert forms == ["a-1", "a-2", "a-3"]
    assert re.findall(r'data-unsettled="([^"]+)"', html) == ["unknown", "custody", "refused"]
    assert "/unsettled" not in pages.viewer().get("/open").text
    assert "K3-001" not in pages.browser().get("/").text


def test_the_count_of_what_waits_is_in_every_header(pages: Pages) -> None:
    browser = pages.chief()
    for path in PATHS:
        assert '<b id="open-count" class="count">13</b>' in browser.get(path).text, path
    pages.desk.overdue = True
    assert '<b id="open-count" class="count late">13</b>' in browser.get("/").text


def test_a_search_without_script(pages: Pages) -> None:
    browser = pages.browser()
    assert list(rows(browser.post("/search", wanted="やまだ").text)) == [7]
    assert "見つかりません" in browser.post("/search", wanted="だれも").text
    number = browser.post("/search", wanted="00078901")
    assert (number.status, number.path) == (303, "/#v7")


def test_a_visit_has_its_certificates_beside_what_is_registered(pages: Pages) -> None:
    html = pages.browser().get("/v/7").text
    changed = re.findall(r'data-item="([^"]+)" data-changed="true"', html)
    assert changed == ["address", "自己負担上限額", "有効期間 終了", "IncomeLimitFlag2027"]
    assert html.count('data-changed="false"') > 20
    page = text(html)
    for word in ("項目 登録済みの情報 今回の情報", "転記項目", "券面", "その他", "1回 500円 1回 300円",
                 "前回あり今回なし",
                 "受給者証の氏名が、資格確認の氏名と違います", "山田 春香", "ほかの受給者証 2件", "上限額管理票",
                 "取込", "登録済みのまま", "そのまま"):  # fmt: skip
        assert word in page, word
    groups = re.findall(r'scope="rowgroup" colspan="3">([^<]+)<', html)
    assert groups[:3] == ["転記項目", "券面", "その他"]


def test_nothing_is_preselected(pages: Pages) -> None:
    browser = pages.chief()
    for path in ("/v/7", "/n/12", "/a/1"):
        assert re.findall(r"<input[^>]*\schecked|<option[^>]*\sselected", browser.get(path).text) == []


def test_what_was_not_kept_is_not_displayed_as_nothing(pages: Pages) -> None:
    page = pages.desk.visits[7]
    hashed = tuple(replace(item, was=None, was_kept=False) for item in page.subsidies[0].items)
    pages.desk.visits[7] = replace(page, subsidies=(replace(page.subsidies[0], items=hashed),))
    html = pages.browser().get("/v/7").text
    assert html.count("（値は保存していません）") == len(hashed)
    assert "追加" not in text(html)


HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>\u202eEGDELIVIRP'


def test_hostile_text_is_text(pages: Pages) -> None:
    """Of every value that comes from outside."""
    row = replace(pages.desk.rows[7], name=HOSTILE, kana=HOSTILE, number=HOSTILE, appointments=(HOSTILE,))
    pages.desk.put(row)
    page = pages.desk.visits[7]
    items = tuple(
        replace(item, label=HOSTILE, tag=HOSTILE, was=HOSTILE, now=HOSTILE) for item in page.subsidies[0].items
    )
    subsidy = replace(page.subsidies[0], title=HOSTILE, other_name=HOSTILE, items=items)
    details = tuple(replace(each, now=HOSTILE, was=HOSTILE) for each in page.details)
    pages.desk.visits[7] = replace(page, subsidies=(subsidy,), details=details)
    unserved = replace(pages.desk.unserved[0], name=HOSTILE, kana=HOSTILE, number=HOSTILE, code=HOSTILE)
    pages.desk.unserved = (unserved,)
    strange: dict[str, Any] = {"called": HOSTILE, "code": HOSTILE, "number": HOSTILE, "name": HOSTILE, "kana": HOSTILE}
    pages.desk.unsettled = (Unsettled(HOSTILE, "custody", at("08:40"), **strange),)
    browser = pages.browser()
    for path in ("/", "/v/7", "/rows?since=0&filter=all", "/open"):
        html = browser.get(path).text
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "\u202e" not in html
        assert "‹U+202E›EGDELIVIRP" in html


# --- acts ------------------------------------------------------------------------------------------------------------

FORMS: list[tuple[str, dict[str, str], Act, str]] = [
    ("/v/3/register", {"revision": "1003"}, acts.Register(3), "/v/3?done=register"),
    ("/v/4/walk-in", {"department": "05"}, acts.WalkIn(4, "05"), "/v/4?done=walk_in"),
    ("/v/7/print", {"again": "1"}, acts.PrintSheet(7, again=True), "/v/7?done=print_sheet"),
    ("/v/2/print", {"back": "/?filter=waiting"}, acts.PrintSheet(2), "/?filter=waiting&done=print_sheet"),
    ("/v/6/eligibility", {"revision": "17"}, acts.ConfirmEligibility(6, 17), "/v/6?done=confirm_eligibility"),
    ("/v/9/subsidies", {"revision": "17"}, acts.ConfirmSubsidies(9, 17), "/v/9?done=confirm_subsidies"),
    ("/v/7/certificate", {"revision": "17", "slot": "a", "choice": "accept"}, acts.AcceptCertificate(7, "a", 17),
     "/v/7?done=accept_certificate"),
    ("/v/7/certificate", {"revision": "17", "slot": "a", "choice": "keep"}, acts.KeepCertificate(7, "a", 17),
     "/v/7?done=keep_certificate"),
    ("/v/7/end", {"revision": "17", "slot": "a", "last_day": "2026-01-14", "reason": "moved"},
     acts.EndCertificate(7, "a", 17, date(2026, 1, 14), EndReason.moved), "/v/7?done=end_certificate"),
    ("/a/3/cancel", {"reason": "left"}, acts.Cancel(3, CancelReason.left), "/a/3?done=cancel"),
    ("/a/3/print", {}, acts.PrintSlip(3), "/a/3?done=print_slip"),
    ("/n/12/send", {"revision": "17", "number": " 00991234 ", "birth": "S53.10.10", "confirmed": "1"},
     acts.SendRegistration(12, 17, Confirmation("00991234", "S53.10.10", confirmed=True)),
     "/numbers?done=send_registration"),
    ("/registrations/3/withdraw", {}, acts.WithdrawRegistration(3), "/numbers?done=withdraw"),
    ("/registrations/3/settle", {"there": "0"}, acts.SettleRegistration(3, there=False), "/numbers?done=settle_others"),
    ("/lost", {}, acts.ConfirmLost(), "/?done=confirm_lost"),
    ("/u/3/served", {"code": "S1-09"}, acts.ConfirmUnserved(3, "S1-09"), "/open?done=confirm_unserved"),
    ("/unsettled", {"attempt": "a-1"}, acts.ConfirmUnsettled("a-1"), "/open?done=confirm_unsettled"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "fields", "act", "onto"), FORMS, ids=[form[0] + form[3][-12:] for form in FORMS])
def test_a_form_is_one_act_of_its_user(pages: Pages, path: str, fields: dict[str, str], act: Act, onto: str) -> None:
    browser = pages.chief()
    answer = browser.post(path, **fields)
    assert (answer.status, answer.path) == (303, onto)
    assert pages.desk.done == [(act, "chief")]
    assert "✓" in browser.get(answer.path).text
    assert pages.office.acts()[-2 if act.permission is Permission.SEE_DAY else 0 :]
    assert ("chief", act.permission.value, "permitted") in pages.office.acts()


def test_what_the_hospitals_system_took_only_in_part_is_a_warning(pages: Pages) -> None:
    browser = pages.chief()
    pages.desk.outcomes = [Done(4, partly=True)]
    answer = browser.post("/v/4/walk-in", department="05")
    assert (answer.status, answer.path) == (303, "/v/4?done=partly")
    html = browser.get(answer.path).text
    assert "足りない診療科を病院のシステムで受け付けてください" in html
    assert "▲" in html


@pytest.mark.parametrize(("path", "fields", "act", "onto"), FORMS, ids=[form[0] + form[3][-12:] for form in FORMS])
def test_what_was_refused_or_outdated_says_so_on_the_page_it_came_from(
    pages: Pages, path: str, fields: dict[str, str], act: Act, onto: str
) -> None:
    browser = pages.chief()
    pages.desk.outcomes = [Refused(Problem("desk_user.busy")), Outdated()]
    for word in ("いま混み合っています", "表示のあとで情報が新しくなりました"):
        answer = browser.post(path, **fields)
        assert answer.status == 409
        assert word in answer.text
        assert 'role="alert"' in answer.text


def test_what_had_been_done_before_says_so(pages: Pages) -> None:
    pages.desk.outcomes = [Done(already=True)]
    browser = pages.browser()
    answer = browser.post("/v/4/walk-in", department="05")
    assert "すでに済んでいます" in browser.get(answer.path).text


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v/7/certificate", {"revision": "17", "slot": "a", "choice": "both"}),
        ("/v/7/certificate", {"revision": "x", "slot": "a", "choice": "keep"}),
        ("/v/7/certificate", {"slot": "a", "choice": "keep"}),
        ("/v/7/end", {"revision": "1", "slot": "a", "last_day": "tomorrow", "reason": "moved"}),
        ("/a/3/cancel", {"reason": "she asked me to"}),
        ("/u/3/served", {}),
        ("/v/4/walk-in", {}),
        ("/registrations/3/settle", {"there": "maybe"}),
        ("/me/theme", {"theme": "pink"}),
        ("/admin/users", {"do": "add", "name": "x", "role": "king"}),
        ("/admin/users", {"do": "nothing", "name": "x"}),
    ],
)
def test_a_form_that_no_page_has_does_nothing(pages: Pages, path: str, fields: dict[str, str]) -> None:
    answer = pages.chief().post(path, **fields)
    assert answer.status == 400
    assert pages.desk.done == []


def test_a_form_without_its_token_does_nothing(pages: Pages) -> None:
    browser = pages.browser()
    for token in ("", "another"):
        answer = browser.post("/v/3/register", token=token)
        assert (answer.status, "ページが古くなりました" in answer.text) == (403, True)
    other = pages.browser().token()
    assert browser.post("/v/3/register", token=other).status == 403
    assert pages.desk.done == []


def test_nobody_is_sent_to_another_place(pages: Pages) -> None:
    browser = pages.browser()
    for back in ("https://example.invalid/", "//example.invalid/", "/\\example.invalid", "javascript:alert(1)", "/ あ"):
        assert browser.post("/v/2/print", back=back).path.startswith("/?")
    entering = Browser(pages.port).post("/login", token="", name="佐藤", password=SATO, next="//example.invalid")
    assert entering.path == "/"


def test_what_is_not_of_today_is_not_found(pages: Pages) -> None:
    browser = pages.browser()
    for path in ("/v/99", "/a/99", "/v/99999999999999999999", "/nothing", "/static/../pages.html"):
        answer = browser.get(path)
        assert answer.status == 404, path
        assert "今日の一覧にありません" in answer.text


# --- people ----------------------------------------------------------------------------------------------------------


def test_without_a_log_in_there_is_nothing(pages: Pages) -> None:
    browser = Browser(pages.port)
    for path in PATHS:
        answer = browser.get(path)
        assert answer.status == 303
        assert answer.path.startswith("/login")
    assert browser.get("/v/7").path == "/login?next=/v/7"
    assert browser.get("/rows?since=0").status == 401
    assert browser.get("/v/7/sheet.png").status == 401
    assert browser.get("/events").text == "event: session\ndata: over\n\n"
    assert browser.post("/v/3/register", token="x").path == "/login"
    assert pages.desk.done == []
    assert browser.post("/login", token="", name="佐藤", password=SATO, next="/v/7").path == "/v/7"


def test_a_wrong_log_in_says_how_many_tries_are_left(pages: Pages) -> None:
    browser = Browser(pages.port)
    answer = browser.post("/login", token="", name="佐藤", password="guess")
    assert answer.status == 403
    assert "利用者かパスワードが違います。あと 4 回まちがえると" in answer.text
    assert 'value="佐藤"' in answer.text
    assert "guess" not in answer.text


def test_the_cookie_is_for_this_server_alone(pages: Pages) -> None:
    answer = Browser(pages.port).post("/login", token="", name="佐藤", password=SATO)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Max-Age" not in cookie


def test_who_may_look_sees_the_list_and_no_more(pages: Pages) -> None:
    browser = pages.viewer()
    html = browser.get("/").text
    assert set(rows(html)) == set(range(1, 17))
    assert "山田 はるか" in html
    assert 'href="/v/' not in html
    assert 'href="/a/' not in html
    assert 'formaction="/v/' not in html
    assert '"/numbers"' not in html
    assert '"/admin"' not in html
    assert "href=" not in re.sub(r"[^{]*$", "", browser.get("/rows?since=0&filter=all").text.partition('"html"')[2])
    for path in ("/v/7", "/a/1", "/numbers", "/n/12", "/admin", "/v/7/print"):
        answer = browser.get(path)
        assert (answer.status, "権限がありません" in answer.text) == (403, True), path
    assert browser.get("/v/7/sheet.png").status == 403
    assert browser.post("/v/3/register").status == 403
    assert pages.desk.done == []
    assert ("閲覧", "register", "not_permitted") in pages.office.acts()


def test_what_only_a_chief_may(pages: Pages) -> None:
    browser = pages.browser()
    assert "終了にする" not in browser.get("/v/7").text
    assert "終了にする" in pages.chief().get("/v/7").text
    html = browser.get("/admin").text
    assert "プリンター" in html
    assert "利用者の追加" not in html
    assert "操作の記録" not in html
    fields = {"revision": "1", "slot": "a", "last_day": "2026-01-14", "reason": "moved"}
    assert browser.post("/v/7/end", **fields).status == 403
    assert browser.post("/admin/users", do="add", name="x", role="chief").status == 403
    assert browser.post("/registrations/3/settle", there="1").status == 403
    assert pages.desk.done == []


def test_a_page_that_nobody_used_hides_itself(pages: Pages) -> None:
    browser = pages.browser()
    token = browser.token()
    pages.office.wait(590)
    assert browser.get("/rows?since=0&filter=all").status == 200  # the script's asking is no sign of a person
    pages.office.wait(20)
    answer = browser.get("/v/7")
    assert "離席中" in answer.text
    assert "山田" not in answer.text
    assert browser.get("/rows?since=0&filter=all").status == 401
    assert browser.get("/events").text == "event: session\ndata: over\n\n"
    assert "離席中" in browser.post("/v/3/register", token=token).text
    assert pages.desk.done == []
    wrong = browser.post("/unlock", token="", secret="000000")
    assert (wrong.status, "違います。あと 4 回" in wrong.text) == (403, True)
    again = browser.post("/unlock", token="", secret=SATO, next="/v/7")
    assert (again.status, again.path) == (303, "/v/7")
    assert "山田 はるか" in browser.get("/v/7").text


def test_somebody_at_the_pc_keeps_the_page_open(pages: Pages) -> None:
    browser = pages.browser()
    for _ in range(3):
        pages.office.wait(400)
        assert browser.post("/active").status == 204
    assert "山田 はるか" in browser.get("/v/7").text


def test_a_page_without_script_asks_for_itself_as_no_person(pages: Pages) -> None:
    """Two of them, asking in turn, would keep a PC that everybody has left from its lock for ever."""
    browser = pages.chief()
    for path in PATHS:
        [again] = re.findall(r'http-equiv="refresh" content="\d+;url=([^"]+)"', browser.get(path).text)
        assert again.endswith("auto=1"), path


def test_leaving_the_pc_locks_at_once_and_five_wrong_tries_end_it(pages: Pages) -> None:
    browser = pages.browser()
    assert browser.post("/lock").status == 303
    assert "離席中" in browser.get("/").text
    for _ in range(5):
        answer = browser.post("/unlock", token="", secret="wrong")
    assert "もう一度ログインしてください" in answer.text
    assert browser.get("/").path == "/login"


def test_logging_out_ends_the_session(pages: Pages) -> None:
    browser = pages.browser()
    kept = dict(browser.cookies)
    assert browser.post("/logout").path == "/login"
    assert browser.cookies == {}
    browser.cookies = kept
    assert browser.get("/").status == 303


def test_a_first_password_must_be_changed_first(pages: Pages) -> None:
    chief = pages.chief()
    answer = chief.post("/admin/users", do="add", name="新人", role="desk")
    given = re.search(r'<code class="password">([^<]+)</code>', answer.text)
    assert given
    assert given[1] not in chief.get("/admin").text
    browser = Browser(pages.port)
    entered = browser.post("/login", token="", name="新人", password=unescape(given[1]))
    assert entered.path == "/me"
    assert browser.get("/").path == "/me"
    assert browser.get("/rows?since=0&filter=all").path == "/me"
    wanted = {"old": unescape(given[1]), "new": "lantern-river-41", "repeat": "lantern-river-4"}
    assert "二つの新しいパスワードが違います" in browser.post("/me/password", **wanted).text
    assert browser.post("/me/password", **{**wanted, "repeat": "lantern-river-41"}).path == "/me?done=change_password"
    assert browser.get("/").status == 200


def test_users_are_managed_on_the_page(pages: Pages) -> None:
    chief = pages.chief()
    assert "もう使われています" in chief.post("/admin/users", do="add", name="佐藤", role="desk").text
    assert chief.post("/admin/users", do="role", name="佐藤", role="view").path == "/admin?done=set_role"
    assert pages.browser().get("/v/7").status == 403
    assert "責任者がほかにいないため" in chief.post("/admin/users", do="role", name="chief", role="desk").text
    assert chief.post("/admin/users", do="remove", name="佐藤").path == "/admin?done=remove_user"
    assert Browser(pages.port).post("/login", token="", name="佐藤", password=SATO).status == 403


def test_the_audit_is_on_the_page_and_has_no_patient(pages: Pages) -> None:
    pages.browser().post("/v/3/register")
    html = pages.chief().get("/admin").text
    table = html.partition('id="h-audit"')[2]
    assert "受付登録" in table
    assert "渡邉" not in table
    assert "00034567" not in table


def test_a_pin_and_a_theme_are_set_by_their_owner(pages: Pages) -> None:
    browser = pages.browser()
    assert "暗証番号が簡単すぎます" in browser.post("/me/pin", password=SATO, pin="123456").text
    assert "今のパスワードが違います" in browser.post("/me/pin", password="no", pin="582047").text
    assert browser.post("/me/pin", password=SATO, pin="582047").path == "/me?done=set_pin"
    browser.post("/lock")
    assert 'inputmode="numeric"' in browser.get("/").text
    assert browser.post("/unlock", token="", secret="582047").path == "/"
    browser.post("/me/theme", theme="dark")
    assert '<html lang="ja" data-theme="dark">' in browser.get("/").text
    browser.post("/me/theme", theme="auto")
    assert '<html lang="ja">' in browser.get("/").text


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_a_disk_that_cannot_be_written_does_nothing(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = pages.browser()

    def full(*_: object, **__: object) -> bool:
        raise OSError("disk full")

    monkeypatch.setattr(pages.office.people, "permit", full)
    answer = browser.post("/v/3/register")
    assert (answer.status, "記録できないため、何もしませんでした" in answer.text) == (503, True)
    assert pages.desk.done == []


def test_a_fault_is_reported_by_its_kind_and_nothing_else(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = pages.browser()

    def broken(seq: int) -> VisitPage:
        raise RuntimeError("山田 はるか")

    monkeypatch.setattr(pages.desk, "visit", broken)
    answer = browser.get("/v/7")
    assert (answer.status, "プログラムの不具合です" in answer.text) == (500, True)
    assert "山田" not in answer.text
    assert pages.faults == ["RuntimeError"]
    pages.faults.clear()


def test_reservations_that_cannot_be_asked(pages: Pages) -> None:
    pages.desk.arrivals = None
    assert "予約システムに問い合わせできません" in pages.browser().get("/").text


def test_banners_stand_on_every_page_and_are_confirmed_by_a_form(pages: Pages) -> None:
    pages.desk.banners = (Banner(Problem("desk_user.busy"), serious=True, confirm=True),)
    browser = pages.browser()
    for path in ("/", "/open", "/v/7", "/numbers", "/me"):
        assert "いま混み合っています" in browser.get(path).text
    assert 'formaction="/lost"' in browser.get("/").text
    assert 'formaction="/lost"' not in pages.viewer().get("/").text


def test_a_sheet_that_cannot_be_made(pages: Pages) -> None:
    browser = pages.browser()
    picture = browser.get("/v/7/sheet.png")
    assert (picture.status, picture.headers["content-type"], picture.body[:4]) == (200, "image/png", b"\x89PNG")
    pages.desk.picture = b""
    assert browser.get("/v/7/sheet.png").status == 404
    assert "用紙を作れません" in browser.get("/v/7/print").text


def test_a_number_is_looked_for_and_confirmed(pages: Pages) -> None:
    browser = pages.browser()
    several = browser.post("/n/12/find", wanted="斎藤").text
    assert "00991234" in several
    assert "00995678" in several
    assert "照会番号を登録" not in several
    one = browser.post("/n/12/find", wanted="00997777").text
    assert "氏名の表記が違います" in one
    assert "照会番号を登録" in one
    assert 'name="same_person"' in one
    assert "昭和53年10月10日（1978年） 昭和53年10月10日（1978年）" in text(one)
    pages.desk.put(replace(pages.desk.rows[12], birth=date(1978, 10, 11)))
    assert "▲ 違います" in text(browser.post("/n/12/find", wanted="00997777").text)
    same = browser.post("/n/12/find", wanted="00991234").text
    assert 'name="same_person"' not in same
    assert "▲ 違います" in text(browser.post("/n/12/find", wanted="00995678").text)
    assert "病院の患者に見つかりません" in browser.post("/n/12/find", wanted="だれも").text


# --- the wall --------------------------------------------------------------------------------------------------------


def test_another_host_another_origin_and_another_method_are_refused(pages: Pages) -> None:
    browser = pages.browser()
    token = browser.token()
    body = urlencode({"csrf": token}).encode()
    assert Browser(pages.port, "kiosk.example.invalid").get("/login").status == 421
    assert Browser(pages.port, f"localhost:{pages.port}").get("/login").status == 200
    foreign = {"Origin": "https://example.invalid"}
    assert browser.send("POST", "/v/3/register", body, foreign).status == 403
    assert browser.send("POST", "/v/3/register", body, {"Origin": "null"}).status == 403
    assert browser.send("POST", "/v/3/register", body, {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert browser.send("PUT", "/", b"x").status == 405
    assert pages.desk.done == []
    own = {"Origin": pages.url, "Sec-Fetch-Site": "same-origin"}
    assert browser.send("POST", "/v/3/register", body, own).status == 303


def test_a_large_or_a_strange_body_is_refused(pages: Pages) -> None:
    browser = pages.browser()
    token = browser.token()
    large = urlencode({"csrf": token, "x": "y" * 65_536}).encode()
    assert browser.send("POST", "/search", large).status == 413
    assert browser.send("POST", "/search", iter((large[:40_000], large[40_000:]))).status == 413
    many = urlencode([("csrf", token), *((f"f{n}", "1") for n in range(100))]).encode()
    assert browser.send("POST", "/search", many).status == 400
    for strange in (b"csrf=%ff", "csrf=あ".encode(), b"no form"):
        assert browser.send("POST", "/search", strange).status == 400
    json = {"Content-Type": "application/json"}
    assert browser.send("POST", "/search", b"{}", json).status == 400


def test_files_that_never_change_may_be_kept(pages: Pages) -> None:
    browser = Browser(pages.port)
    html = browser.get("/login").text
    sheet = re.search(r'href="(/static/desk\.css\?v=[0-9a-f]+)"', html)
    assert sheet
    for path in (sheet[1], "/static/desk.js", "/static/icon.svg", "/static/fonts/BIZUDPGothic-Regular.ttf"):
        answer = browser.get(path)
        assert answer.status == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
