"""The technician's ［状態］: all that `kiosk status` can say is said in Japanese, with what to do, and nothing is lost.

The codes are read from the source, so that a new one without words fails here.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from string import Formatter
from typing import Any, get_args

import pytest

from drivers.printer import Reason
from drivers.share import ShareError, Unreachable
from drivers.share.failures import FAILURES, failure
from kiosk.appliance.machine.places import Places
from kiosk.appliance.technician.step import MENU
from kiosk.appointments import import_record
from kiosk.appointments.import_record import described
from kiosk.courier import ledger
from kiosk.courier.ends import Health
from kiosk.operations import report, status, status_rows, status_text
from kiosk.operations.report import StatusReport
from kiosk.process import json_values
from kiosk.words import texts
from kiosk.words.problems import Problem, in_english, in_japanese
from kiosk.words.texts import event_sentences
from tests import ROOT
from tests.hospital import FILE_OF, PATIENT_OF, Hospital, wait_until
from tests.operations.test_check_no_shell import COMMAND

pytestmark = pytest.mark.long
WORDS: Any = texts.load("status")
ROLES = [f"{end}.{route}" for route in get_args(ledger.RouteName) for end in ("terminal", "receipt_computer")]
WHERE = "smb://192.0.2.10/kiosk-face"
SINCE = "2026-01-15T01:31:05.123+00:00"
ENGLISH = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")


def status_with(**changed: Any) -> dict[str, Any]:
    """As `kiosk status --json` tells them while the technician's page is open and all is well, but for `changed`."""
    return {
        "alarm_command": {"set": False, "fails": False},
        "courier": {"alive": True, "process": 700, "up_s": 11_525.0},
        "shares": {role: {"state": "ok", "message": "", "failing_s": 0.0} for role in ROLES},
        "other_files": 2, "unfinished": 0, "oldest_unfinished_s": None,
        "delivery": {
            "oldest_undelivered_s": None, "undelivered": 0, "files": {"done": 41},
            "subsidies": {"none": 40, "failed": 1},
        },
        "alarms": [],
        "reception": {"alive": False},
        "printer": {"state": "ready", "paper_near_end": False, "paper_known": True, "at": 1.0},
        "machine": {
            "version": "1.4.0", "slot": "A", "disk_free_bytes": 20_100_000_000, "disk_size_bytes": 31_000_000_000,
            "celsius": {"acpitz": 41.0, "x86_pkg_temp": 52.5}, "clock_synchronised": True,
        },
        "ok": True, "wrong": [], "problems": [], "zone": "Asia/Tokyo",
    } | changed  # fmt: skip


def problem(code: object, **more: object) -> dict[str, Any]:
    return status_with(ok=False, wrong=["English"], problems=[{"code": code, **more}])


def alarm(code: str, subject: str = "file 12", name: str = "") -> dict[str, Any]:
    raised = {"code": code, "subject": subject, "since": SINCE, "name": name}
    return status_with(ok=False, wrong=["English"], alarms=[raised])


def away(state: str, why: ShareError | str, role: str = "terminal.results") -> dict[str, Any]:
    """`why` as a string: from a courier of a version that has no codes."""
    found = problem("share", role=role, state=state)
    share: dict[str, Any] = {"state": state, "message": str(why), "failing_s": 3.0}
    if isinstance(why, ShareError):
        share |= {"code": why.code, "parameters": why.parameters}
    return found | {"shares": found["shares"] | {role: share}}


def decoded(content: dict[str, Any]) -> StatusReport:
    found = report.decode(json.dumps(content).encode())
    assert found is not None
    return found


def rows(content: dict[str, Any]) -> list[str]:
    return status_rows.rows(decoded(content))


def wrong(content: dict[str, Any]) -> list[str]:
    """The rows of what is wrong, without their mark."""
    return [row.removeprefix("NG ") for row in rows(content) if row.startswith("NG ")]


def row(content: dict[str, Any], label: str) -> str:
    [found] = [row for row in rows(content) if row.startswith(f"{label}: ")]
    return found.removeprefix(f"{label}: ")


def test_the_hospitals_system_has_rows_where_there_is_one() -> None:
    his = {"up": False, "unknown": 1, "custody": 2, "refused": 3, "day_list_at": 1768435200.0}
    content = status_with(reception={"alive": True, "his": his})
    assert row(content, "病院のシステム") == "応答していません"
    assert row(content, "病院のシステムへの受付") == "預かり 2 件、結果が分からない 1 件、職員の登録待ち 3 件"
    assert row(content, "病院のシステムの予約一覧") == "01-15 09:00 のもの"
    text = status_text.as_text(decoded(content))
    assert "hospital's system: does NOT answer; 1 with unknown outcome, 2 in custody, 3 for staff" in text
    assert not [each for each in rows(status_with()) if "病院のシステム" in each]


# --- every code and message of the source ----------------------------------------------------------------------------


def alarm_codes() -> set[str]:
    """What the courier raises."""
    found = set()
    for path in [*(ROOT / "kiosk" / "courier").glob("*.py"), *(ROOT / "kiosk" / "results").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            raises = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args
            if raises and node.func.attr in ("alarm", "raise_alarm", "set_alarm"):  # type: ignore[attr-defined]
                first = node.args[0]  # type: ignore[attr-defined]
                found |= {first.value} if isinstance(first, ast.Constant) and isinstance(first.value, str) else set()
    return found


# What a failure's sentence may have put in.
PARAMETERS: dict[str, str | int | float] = {
    "why": "it is empty", "limit": 7, "errno": "EIO", "status": "C0FFEE00", "seconds": "5", "filesystem": "cifs",
}  # fmt: skip


def failures_of_shares() -> list[ShareError]:
    return [failure(code, WHERE, **PARAMETERS) for code in FAILURES]


def reasons() -> Iterator[Problem]:
    """Each that the catalogue has; numbers and names stand for what is put in, in either language."""
    for table, sentences in texts.load("troubles", "en").items():
        for key, sentence in sentences.items():
            both = sentence + texts.load("troubles")[table].get(key, "")  # each may say less than the other
            places = {name: form for _, name, form, _ in Formatter().parse(both) if name}
            yield Problem(f"{table}.{key}", {name: 7 if form else "X" for name, form in places.items()})


@pytest.mark.parametrize("reason", list(reasons()), ids=lambda reason: reason.code)
def test_every_reason_has_its_japanese(reason: Problem) -> None:
    japanese = in_japanese(reason)
    assert japanese and not ENGLISH.search(japanese)
    [row] = wrong(problem("imports", what=in_english(reason), reason=asdict(reason)))
    assert f"（{japanese}）" in row


def test_no_reason_is_left_over_and_none_is_missing() -> None:
    codes = set()
    tables = "|".join(texts.load("troubles", "en"))
    written = re.compile(rf'\(\s*"((?:{tables})\.\w+)"')
    for path in (ROOT / "kiosk").rglob("*.py"):
        if path.is_relative_to(ROOT / "kiosk/appliance"):  # words of its own
            continue
        codes |= set(written.findall(path.read_text(encoding="utf-8")))
    english, japanese = (
        {f"{table}.{key}" for table, sentences in texts.load("troubles", language).items() for key in sentences}
        for language in ("en", "ja")
    )
    assert english == japanese
    assert codes <= english
    # The rest is put together from words: a file that was imported or refused before.
    assert english - codes == {"imports.imported_before", "imports.refused_before"}


def test_a_reason_of_another_version_costs_nothing_but_itself() -> None:
    [row] = wrong(problem("imports", what="English", reason={"code": "imports.brand_new", "parameters": {}}))
    assert row == f"{event_sentences()['imports']} → {WORDS['do']['imports']}"


def test_days_that_shrank_are_said_with_what_they_lost() -> None:
    shrunk = {f"2026-01-{day}": import_record.Shrunk(310, 100, 0.0) for day in range(15, 20)}
    [row] = wrong(problem("imports", what="English", reason=json.loads(json_values.encode(described(shrunk)))))
    assert "2026-01-15 の予約が 310 件から 100 件に減りました、2026-01-16" in row
    assert "（ほかに 2 日）" in row
    assert in_english(described(shrunk)).endswith("2026-01-17: 100 appointments instead of 310 (and 2 further days)")


def everything() -> Iterator[dict[str, Any]]:
    """Facts with each thing that can be wrong, one by one."""
    yield from (problem(code) for code in get_args(status.ProblemCode) if code not in ("share", "printer"))
    yield problem("delivery_waits", seconds=200.4)
    yield problem("journal_unreadable", what="DatabaseError")
    yield from (problem("imports", what=in_english(reason), reason=asdict(reason)) for reason in reasons())
    for reason in get_args(Reason):
        yield problem("printer", state=reason) | {"printer": {"state": reason, "paper_near_end": False}}
    for state in ("down", "refused"):
        yield from (away(state, why) for why in failures_of_shares())
    yield from (alarm(code) for code in sorted(alarm_codes()))
    yield from (alarm(code, subject=role) for code in sorted(alarm_codes()) for role in ROLES)
    yield status_with(courier={"alive": False}, shares={}, delivery=None, delivery_hidden=True)
    yield status_with(delivery=status_with()["delivery"] | {"subsidies": dict.fromkeys(get_args(ledger.Subsidy), 1)})
    yield status_with(printer={"state": "ready", "paper_near_end": True, "paper_known": True}, machine={})


def test_the_search_sees_the_source() -> None:
    assert {"file_held", "journal_lost", "share_down", "share_refused", "folder_not_emptied"} <= alarm_codes()


@pytest.mark.parametrize("code", [*get_args(Reason), *sorted(set(get_args(status.ProblemCode)) - {"share", "printer"})])
def test_every_problem_is_said_with_what_to_do(code: str) -> None:
    content = problem("printer", state=code) if code in get_args(Reason) else problem(code)
    [line] = wrong(content)
    sentence, _, do = line.partition(" → ")
    assert sentence in {*WORDS["problems"].values(), *event_sentences().values()}
    assert do == WORDS["do"][code]


@pytest.mark.parametrize("code", sorted(alarm_codes()))
def test_every_alarm_is_said_with_what_to_do_its_code_and_since_when(code: str) -> None:
    [line] = wrong(alarm(code, name="OQSsiquc01res_face_20260115.xml"))
    more = f"{code}、OQSsiquc01res_face_20260115.xml、2026-01-15 10:31:05 から"
    assert line == f"{event_sentences()[code]}（{more}） → {WORDS['do'][code]}"
    assert "ファイル 12" in wrong(alarm(code))[0]


def test_every_state_of_a_share_is_said() -> None:
    health = Health(("a", "b", "c", "d"), lambda: 0.0, lambda *_: None)
    health.succeeded("a")
    health.failed("b", Unreachable("x"))
    health.failed("c", failure("access_denied", WHERE, status="C0000022"))
    assert json.loads(json.dumps(health.status()))["c"] == {
        "state": "refused", "failing_s": 0.0,
        "message": f"{WHERE}: access denied; give the kiosk's account the right it needs (0xC0000022).",
        "code": "access_denied", "parameters": {"where": WHERE, "status": "C0000022"},
    }  # fmt: skip
    for state in (each["state"] for each in health.status().values()):
        assert WORDS["share_states"][state or "not_tried"]
        if state not in (None, "ok"):
            assert {f"share_{state}"} <= event_sentences().keys() & WORDS["do"].keys()
    assert set(WORDS["shares"]) == set(ROLES)
    assert set(WORDS["subsidies"]) == set(get_args(ledger.Subsidy))


@pytest.mark.parametrize("why", failures_of_shares(), ids=lambda why: str(why.code))
def test_every_failure_of_a_share_is_said_with_its_number(why: ShareError) -> None:
    [line] = wrong(away("refused", why))
    assert line.startswith(f"資格確認端末（資格確認結果）: 共有フォルダーに断られました。人の確認が必要です（{WHERE}、")
    assert not ENGLISH.search(line.replace("EIO", ""))
    assert ("C0FFEE00" in line) == ("C0FFEE00" in str(why))


def test_no_failure_has_gone_from_the_drivers() -> None:
    assert WORDS["share_failures"].keys() == FAILURES.keys()


def test_no_row_names_a_command_or_is_english() -> None:
    for content in everything():
        for line in rows(content):
            assert not COMMAND.search(line), line
            assert not ENGLISH.search(line), line
            assert re.search("[ぁ-んァ-ヶ一-龠]", line), line


def test_every_button_that_is_named_is_on_the_page() -> None:
    buttons: Any = texts.load("technician")["buttons"]
    named = set(re.findall("［(.+?)］", json.dumps(WORDS, ensure_ascii=False)))
    assert {"受付の再起動", "確認済みにする", "点検"} <= named
    assert named <= {buttons[button] for button in (*MENU, "acknowledge")}


# --- the rows -------------------------------------------------------------------------------------------------------


def test_all_that_is_well() -> None:
    assert rows(status_with()) == [
        "OK 異常はありません",
        "配送プログラム: 動いています（始まってから 3 時間 12 分）",
        (
            "受付プログラム: 止まっています（この画面を開いている間は止まるので、正常です）。"
            "診察券リーダーと予約の取り込みは［点検］で分かります"
        ),
        "資格確認端末（資格確認結果）: 使えます",
        "レセコン（資格確認結果）: 使えます",
        "資格確認端末（医療費助成）: 使えます",
        "レセコン（医療費助成）: 使えます",
        "届いていない結果: 0 件",
        "そのほかのファイル: 2 件（触りません）",
        "医療費助成: なし 40 件、失敗 1 件",
        "プリンター: 使えます",
        "用紙: あります",
        "ディスク: 空き 20.1 GB（全体 31.0 GB）",
        "温度: 52.5 °C（x86_pkg_temp）",
        "時計: 合っています",
    ]


def test_the_guide_quotes_what_is_shown_when_nothing_waits() -> None:
    quoted = f"届いていない結果: {row(status_with(), '届いていない結果')}"
    guide = (ROOT / "deploy" / "APPLIANCE.md").read_text(encoding="utf-8")
    assert f"`{quoted}`" in guide
    assert "undelivered" not in guide


def test_what_waits_is_told_with_the_time_of_the_oldest() -> None:
    waits = status_with()["delivery"] | {"undelivered": 3, "oldest_undelivered_s": 200.4}
    assert row(status_with(delivery=waits), "届いていない結果") == "3 件（一番古いものは 3 分 20 秒前から）"


@pytest.mark.parametrize(
    ("seconds", "line"),
    [(0.4, "0 秒"), (59.4, "59 秒"), (60, "1 分 0 秒"), (7_260, "2 時間 1 分"), (180_000, "2 日 2 時間")],
)
def test_a_time_is_told_in_its_two_largest_units(seconds: float, line: str) -> None:
    assert wrong(problem("delivery_waits", seconds=seconds))[0].startswith(
        f"1 分以上、配送を待っているファイルがあります（{line}）"
    )


@pytest.mark.parametrize("state", [None, "down", "refused"])
def test_behind_a_share_that_does_not_answer_nobody_knows_what_waits(state: str | None) -> None:
    shares = status_with()["shares"] | {"terminal.results": {"state": state, "message": ""}}
    line = row(status_with(shares=shares), "届いていない結果")
    assert line.startswith("分かりません（使えない共有があるため")
    assert line.endswith("記録にあるのは 0 件）")


def test_without_a_courier_what_only_it_knows_is_unknown() -> None:
    silent = status_with(courier={"alive": False}, shares={}, delivery=None, delivery_hidden=True)
    del silent["other_files"]
    for label in ("届いていない結果", "そのほかのファイル", "医療費助成", "共有フォルダー"):
        assert row(silent, label).startswith("分かりません"), label
    assert row(silent, "配送プログラム") == "動いていません"
    assert row(silent | {"problems": [{"code": "courier_hangs"}]}, "配送プログラム") == "応答していません"
    # A ledger that may be read knows a part.
    waits = status_with()["delivery"] | {"undelivered": 2, "oldest_undelivered_s": 61.0}
    line = row(silent | {"delivery": waits}, "届いていない結果")
    assert line.startswith("分かりません（配送プログラムが答えないため")
    assert line.endswith("記録にあるのは 2 件、一番古いものは 1 分 1 秒前から）")


def test_a_ledger_that_cannot_be_read_makes_no_zero() -> None:
    assert row(status_with(delivery=None, delivery_hidden=False), "届いていない結果").startswith("分かりません")


@pytest.mark.parametrize(
    ("printer", "line"),
    [
        ({"state": "ready", "paper_near_end": True, "paper_known": True}, ("使えます", "残りが少なくなっています")),
        (
            {"state": "ready", "paper_near_end": False, "paper_known": False},
            ("つながります（用紙などは尋ねない設定です）", "分かりません"),
        ),
        ({"state": "ready", "paper_near_end": False}, ("使えます", "分かりません")),
        ({"state": "paper_out", "paper_near_end": False, "paper_known": False}, ("使えません", "ありません")),
        ({"state": "cover_open", "paper_near_end": False, "paper_known": False}, ("使えません", "分かりません")),
        (None, ("分かりません", "分かりません")),
    ],
)
def test_the_printer_and_its_paper(printer: object, line: tuple[str, str]) -> None:
    assert (row(status_with(printer=printer), "プリンター"), row(status_with(printer=printer), "用紙")) == line


def test_a_machine_that_says_nothing_of_itself_is_unknown() -> None:
    for label in ("ディスク", "温度", "時計"):
        assert row(status_with(machine={}), label) == "分かりません"
    assert row(status_with(machine={"clock_synchronised": False}), "時計") == "まだ合わせていません"


def test_a_share_that_is_away_is_one_row_with_all_that_is_known_of_it() -> None:
    content = away("refused", failure("wrong_user_or_password", WHERE, status="C000006D"))
    codes = ("share_down", "share_refused")
    content["alarms"] = [{"code": code, "subject": "terminal.results", "since": SINCE, "name": ""} for code in codes]
    [line] = wrong(content)
    assert line == (
        "資格確認端末（資格確認結果）: 共有フォルダーに断られました。人の確認が必要です"
        "（smb://192.0.2.10/kiosk-face、ユーザー名かパスワードが違います。0xC000006D、2026-01-15 10:31:05 から）"
        f" → {WORDS['do']['share_refused']}"
    )
    # The alarm alone, of a share that nobody looks at any more.
    assert len(wrong(content | {"problems": [{"code": "courier_gone"}]})) == 3


def test_times_are_those_of_the_site() -> None:
    assert "2026-01-15 09:31:05 から" in wrong(alarm("file_held") | {"zone": "Asia/Shanghai"})[0]
    assert "2026-01-15 10:31:05 から" in wrong(alarm("file_held") | {"zone": "Nowhere/At_all"})[0]


# --- what nobody foresaw --------------------------------------------------------------------------------------------


def test_what_nobody_foresaw_is_shown_as_it_is() -> None:
    assert wrong(problem("brand_new", what="X1")) == ["brand_new（X1）"]
    assert wrong(alarm("newer", name="n.xml")) == ["newer（n.xml、2026-01-15 10:31:05 から）"]
    assert "smb://192.0.2.10/kiosk-face、something new" in wrong(away("down", f"{WHERE}: something new"))[0]
    assert row(away("asleep", ""), "資格確認端末（資格確認結果）") == "asleep"
    assert "share_asleep" in wrong(away("asleep", ""))[0]
    assert wrong(status_with(wrong=["Said by another version."])) == ["Said by another version."]
    assert "late_new 1 件" in row(
        status_with(delivery=status_with()["delivery"] | {"subsidies": {"late_new": 1}}), "医療費助成"
    )


def test_a_flood_of_alarms_does_not_push_the_figures_away() -> None:
    alarms = [{"code": "file_held", "subject": f"file {at}", "since": SINCE, "name": ""} for at in range(1_000)]
    content = status_with(wrong=["English"] * 1_000, alarms=alarms)
    assert len(wrong(content)) == status_rows.WRONG_MAX
    assert wrong(content)[-1].startswith(f"ほかに {1_001 - status_rows.WRONG_MAX} 件あります")
    assert rows(content)[status_rows.WRONG_MAX :] == rows(status_with())[1:]


def test_all_alarms_that_the_ledger_holds_come_through_whole(tmp_path: Path) -> None:
    raised = {"code": "subsidy_failed_late", "subject": "file 123456", "since": SINCE, "name": "x" * 128}
    sentence = f"{'x' * 100} (subsidy_failed_late file 123456 {'x' * 128}, since 2026-01-15 10:31:05)"
    many = ledger.ALARMS_MAX * len(alarm_codes())
    file = tmp_path / "told.json"
    file.write_text(json.dumps(status_with(alarms=[raised] * many, wrong=[sentence] * many)))
    content = report.decode(Places().call("cat", str(file), limit_s=60).out)
    assert content is not None and len(content.alarms or ()) == many


ODD: list[object] = [None, [], {}, "x", 7, -1, 1e300, True, [None], ["x"], {"x": None}, {"state": []}]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_facts_of_any_shape_are_borne(odd: object) -> None:
    for name, value in status_with().items():
        if name != "wrong":
            assert rows(status_with(**{name: odd}))
        for inner in value if isinstance(value, dict) else ():
            assert rows(status_with(**{name: value | {inner: odd}}))
    for code in (*get_args(status.ProblemCode), odd):
        assert wrong(
            status_with(
                wrong=["English"], problems=[{"code": code, "role": odd, "state": odd, "seconds": odd, "what": odd}]
            )
        )
    for key in ("code", "subject", "since", "name"):
        assert wrong(
            status_with(
                wrong=["English"],
                alarms=[{"code": "file_held", "subject": "file 1", "since": SINCE, "name": "", key: odd}],
            )
        )


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"wrong": 1}', b'{"wrong": [', b"\xff", b"[" * 100_000])
def test_what_is_no_answer_of_the_command_is_none(answer: bytes) -> None:
    assert report.decode(answer) is None


# --- the real command -------------------------------------------------------------------------------------------------


def now(hospital: Hospital) -> list[str]:
    """The same rows without starting a program, for waits."""
    return rows(hospital.status())


def real(hospital: Hospital) -> list[str]:
    return rows(json.loads(hospital.kiosk("status", "--json").stdout))


@pytest.mark.peers
def test_the_real_command_through_a_day_on_which_things_break(tmp_path: Path) -> None:
    with Hospital(tmp_path, settings={"site": {"institution_code": '"1111111111"'}}, own_servers=True) as hospital:
        courier = hospital.open_courier()
        wait_until(lambda: "届いていない結果: 0 件" in now(hospital), "the courier sees its shares", every_s=0.1)
        assert real(hospital)[0] == "OK 異常はありません"
        hospital.place("valid-utf8")
        hospital.wait_delivered("valid-utf8")
        [line] = [row for row in real(hospital) if row.startswith("NG ")]
        assert line.startswith("NG ほかの医療機関の結果を、表示せずに届けました（institution_differs、")
        assert FILE_OF["valid-utf8"] in line and re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d から）", line)
        hospital.receipt_server.kill()
        wait_until(lambda: "レセコン（資格確認結果）: 応答しません" in now(hospital), "the share is away", every_s=0.5)
        assert any(row.startswith("届いていない結果: 分かりません（使えない共有") for row in real(hospital))
        hospital.printer.paper = "out"
        courier.kill()
        courier.wait()
        lines_now = real(hospital)
        assert "NG 配送プログラムが動いていません" in lines_now[0]
        assert any(row.startswith("NG プリンターの用紙がありません") for row in lines_now)
        assert any(row.startswith("届いていない結果: 分かりません（配送プログラムが") for row in lines_now)
        patient = PATIENT_OF["valid-utf8"]
        assert patient and not any(patient in row for row in lines_now)
        assert not any(ENGLISH.search(row) or COMMAND.search(row) for row in lines_now)


def test_the_first_deletion_is_said_a_week_before() -> None:
    content = status_with(retention={"keep_days": 90, "deletes_from": "2026-06-08"})
    assert rows(content)[-1] == (
        "予約と受付の記録、取り込み済みのファイル: 2026-06-08 から、90 日より前のものを消します"
    )
    for other in ({"keep_days": 90, "deletes_from": None}, {"keep_days": "x", "deletes_from": "2026-06-08"}, 7):
        assert rows(status_with(retention=other)) == rows(status_with())
