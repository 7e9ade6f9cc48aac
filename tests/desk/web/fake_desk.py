"""A desk without rules, store or feed: what it is given, it displays; every act is written down and answered.

All people here are made up. `busy_day()` has one visit for each state that a page must be able to say.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from kiosk.desk import acts
from kiosk.desk.acts import Act, Done, Outcome
from kiosk.desk.pages import (
    AdminPage,
    Against,
    Arrival,
    ArrivalPage,
    Banner,
    Certificate,
    DayPage,
    Department,
    Detail,
    Event,
    Group,
    Header,
    Item,
    Key,
    Label,
    NumberPage,
    NumbersPage,
    Part,
    Patient,
    Printed,
    Row,
    Subsidies,
    Subsidy,
    Unserved,
    Unsettled,
    VisitPage,
)
from kiosk.desk.registration import Candidate, Registration
from kiosk.desk.visits import Attention, State
from kiosk.words.problems import Problem

TOKYO = ZoneInfo("Asia/Tokyo")
DAY = date(2026, 1, 15)
# The smallest PNG there is: one white dot.
DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010100000000376ef9240000000a49444154789c6368000000820081"
    "77cd72b60000000049454e44ae426082"
)


def at(clock: str) -> datetime:
    """That time of the day of all tests."""
    return datetime.combine(DAY, datetime.strptime(clock, "%H:%M").time(), TOKYO)


@dataclass
class FakeDesk:
    """`outcomes`: what the next acts are answered with, `Done` when there is none; `done`: all acts with their user."""

    rows: dict[int, Row] = field(default_factory=dict)
    arrivals: dict[int, Arrival] | None = field(default_factory=dict)
    visits: dict[int, VisitPage] = field(default_factory=dict)
    banners: tuple[Banner, ...] = ()
    sent: tuple[Registration, ...] = ()
    overdue: bool = False
    now: datetime = field(default_factory=lambda: at("09:41"))
    revision: int = 1000
    outcomes: list[Outcome] = field(default_factory=list)
    done: list[tuple[Act, str]] = field(default_factory=list)
    picture: bytes = DOT
    patients: tuple[Patient, ...] = ()
    unserved: tuple[Unserved, ...] = ()
    unsettled: tuple[Unsettled, ...] = ()

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._listeners: list[Callable[[int], None]] = []
        self._arrivals_revision = self.revision

    # --- what a test does ---

    def put(self, row: Row) -> None:
        """A visit comes or changes."""
        with self._lock:
            self.revision += 1
            self.rows[row.seq] = replace(row, revision=self.revision)
            listeners = list(self._listeners)
        for each in listeners:
            each(self.revision)

    def changed(self, revision: int) -> None:
        """The desk that comes after this one has changed."""
        for each in self._listeners:
            each(revision)

    def arrive(self, arrival: Arrival) -> None:
        """An arrival comes or changes."""
        with self._lock:
            self.revision += 1
            self._arrivals_revision = self.revision
            if self.arrivals is not None:
                self.arrivals[arrival.line] = arrival
            listeners = list(self._listeners)
        for each in listeners:
            each(self.revision)

    # --- what the pages ask ---

    def header(self) -> Header:
        with self._lock:
            open_ones = sum(bool(row.open) for row in self.rows.values()) + len(self.unserved)
            open_ones += len(self.unsettled)
            missing = sum(Attention.not_registered in row.open for row in self.rows.values())
            return Header(self.revision, DAY, self.now, open_ones, self.overdue, missing, self.banners)

    def day(self) -> DayPage:
        with self._lock:
            rows = tuple(sorted(self.rows.values(), key=lambda row: (row.at, row.seq), reverse=True))
            arrivals = None if self.arrivals is None else tuple(self.arrivals.values())
            return DayPage(self.header(), rows, arrivals, self._arrivals_revision, 1, self.unserved, self.unsettled)

    def visit(self, seq: int) -> VisitPage:
        row = self.rows[seq]
        page = self.visits.get(seq) or VisitPage(self.header(), row, row.revision, can_print=True)
        return replace(page, header=self.header(), row=row, revision=row.revision)

    def arrival(self, number: int) -> ArrivalPage:
        return ArrivalPage(self.header(), (self.arrivals or {})[number], ("10:30 内科 佐藤医師",), can_print=True)

    def sheet_picture(self, seq: int) -> bytes:
        return self.picture

    def slip_picture(self, number: int) -> bytes:
        return self.picture

    def numbers(self) -> NumbersPage:
        rows = tuple(row for row in self.day().rows if Attention.not_registered in row.open)
        return NumbersPage(self.header(), rows, self.sent)

    def number(self, seq: int, wanted: str = "") -> NumberPage:
        row = self.rows[seq]
        details = (Detail("insurer", "06139992"), Detail("symbol", "岡山"), Detail("identification", "１２３"))
        page = NumberPage(self.header(), row, row.revision, details)
        if not wanted:
            return page
        found = tuple(each for each in self.patients if wanted in (each.number, *each.name.split()))
        if len(found) == 1 and found[0].number == wanted:
            one = found[0]
            differs = one.name != row.name
            candidate = Candidate(one.number, one.number, one.name, one.kana, f"{one.birth:%Y%m%d}", differs)
            return replace(page, candidate=candidate)
        return replace(page, found=found)

    def admin(self) -> AdminPage:
        parts = (Part("feed"), Part("printer", Problem("printer.off"), at("09:02")), Part("reservations"))
        labels = (
            Label("CertificationName", "受給者証名", Group.transfer),
            Label("MaxCopaymentAmount", "自己負担上限額", Group.transfer),
            Label("DiseaseName", "疾病名", Group.face),
        )
        return AdminPage(self.header(), parts, labels)

    def person(self, *, visit: int = 0, arrival: int = 0) -> str:
        return "5f3a" if visit in self.rows or arrival in (self.arrivals or {}) else ""

    def act(self, act: Act, user: str, address: str) -> Outcome:
        self.done.append((act, user))
        outcome = self.outcomes.pop(0) if self.outcomes else Done()
        if isinstance(outcome, Done) and isinstance(act, acts.Register):
            row = self.rows[act.seq]
            number = max(self.arrivals or (), default=0) + 1
            called = str(number)
            self.arrive(Arrival(number, called, self.now, row.number, row.name, row.kana, "内科", "", row.seq))
            arrived = replace(row, state=State.registered, arrival=number, called=called)
            self.put(replace(arrived, may_register=False, may_print=True))
            return Done(number)
        return outcome

    def subscribe(self, changed: Callable[[int], None]) -> Callable[[], None]:
        self._listeners.append(changed)
        return lambda: self._listeners.remove(changed)


# --- synthetic people ------------------------------------------------------------------------------------------------


def child_certificate(state: Certificate = Certificate.changed) -> Subsidy:
    """A subsidy for children whose limit changed."""
    known = state in (Certificate.changed, Certificate.same, Certificate.absent)
    here = state is not Certificate.absent
    limits = ("1回 500円", "1回 300円") if state is Certificate.changed else ("1回 300円", "1回 300円")

    def item(group: Group, label: str, was: str, now: str, tag: str = "") -> Item:
        pair = (was if known else None, now if here else None)
        return Item(group, label, tag, *pair, changed=state is Certificate.changed and was != now)

    return Subsidy(
        slot=f"slot-{state.value}",
        state=state,
        title="子ども医療費受給者証",
        items=(
            item(Group.transfer, "公費負担者番号", "83139996", "83139996"),
            item(Group.transfer, "受給者番号", "1234566", "1234566"),
            item(Group.transfer, "自己負担上限額", *limits),
            item(Group.transfer, "有効期間 開始", "令和7年4月1日（2025年）", "令和7年4月1日（2025年）"),
            item(Group.transfer, "有効期間 終了", "令和8年3月31日（2026年）", "令和9年3月31日（2027年）"),
            item(Group.face, "氏名", "山田 はるか", "山田 はるか"),
            item(Group.face, "食事療養費", "対象外", "対象外"),
            item(Group.other, "IncomeLimitFlag2027", "0", "1", "IncomeLimitFlag2027"),
        ),
        registered_at=None if not known else date(2025, 12, 1),
        may_accept=state in (Certificate.changed, Certificate.first),
        may_keep=state is not Certificate.same,
        may_end=known,
    )


def _row(seq: int, clock: str, number: str, name: str, kana: str, birth: date, **more: object) -> Row:
    return Row(seq, 0, at(clock), number=number, name=name, kana=kana, birth=birth, **more)  # type: ignore[arg-type]


def quiet_rows() -> list[Row]:
    """Visits that need nobody."""
    return [
        _row(1, "08:31", "00012345", "佐々木 健一", "ｻｻｷ ｹﾝｲﾁ", date(1948, 3, 9), key=Key.same,
             state=State.registered, arrival=1, called="1", arrived_at_kiosk=True, appointments=("09:00 内科",),
             printed=Printed.yes),
        _row(2, "08:33", "00023456", "髙橋 美咲", "タカハシ ミサキ", date(1985, 11, 23), key=Key.same,
             state=State.registered, arrival=2, called="2",
             appointments=("09:15 整形外科", "10:30 内科"), may_print=True),
        _row(3, "08:40", "00034567", "渡邉 德一", "ワタナベ トクイチ", date(1939, 7, 1), key=Key.first,
             appointments=("09:30 眼科",), may_register=True),
        _row(4, "08:52", "00045678", "中村 太郎", "ナカムラ タロウ", date(1972, 1, 31), key=Key.same,
             subsidies=Subsidies.fetched, against=Against.same, certificates=1, may_walk_in=True),
        _row(5, "08:58", "00056789", "小林 さくら", "コバヤシ サクラ", date(2019, 4, 30), key=Key.same, taps=2,
             subsidies=Subsidies.waiting, against=Against.waiting, appointments=("10:00 小児科",), may_register=True),
    ]  # fmt: skip


def open_rows() -> list[Row]:
    """Visits that wait for a person, one for each reason."""
    warned = {"waiting_since": at("09:05")}
    fetched = {"subsidies": Subsidies.fetched, "certificates": 1}
    return [
        _row(6, "09:05", "00067890", "加藤 正", "カトウ タダシ", date(1955, 12, 5), key=Key.changed,
             open=(Attention.eligibility_changed,), appointments=("10:15 循環器内科",), may_register=True, **warned),
        _row(7, "09:07", "00078901", "山田 はるか", "ヤマダ ハルカ", date(2020, 1, 8), key=Key.same,
             against=Against.changed, open=(Attention.subsidy_changed,), state=State.registered, arrival=3, called="3",
             printed=Printed.failed, may_print=True, **fetched, waiting_since=at("09:07")),
        _row(8, "09:11", "00089012", "吉田 蓮", "ヨシダ レン", date(2022, 8, 15), key=Key.first, against=Against.first,
             open=(Attention.subsidy_first,), appointments=("10:20 小児科",), may_register=True, **fetched,
             waiting_since=at("09:11")),
        _row(9, "09:14", "00090123", "山本 恵子", "ヤマモト ケイコ", date(1961, 6, 18), key=Key.same,
             subsidies=Subsidies.failed, against=Against.failed, open=(Attention.subsidy_failed,), may_walk_in=True,
             waiting_since=at("09:14")),
        _row(10, "09:18", "00101234", "井上 翔太", "イノウエ ショウタ", date(1990, 2, 28), key=Key.same,
             subsidies=Subsidies.late, against=Against.waiting, open=(Attention.subsidy_late,), may_walk_in=True,
             waiting_since=at("09:18")),
        _row(11, "09:22", "00112345", "木村 和子", "キムラ カズコ", date(1944, 9, 2), key=Key.same,
             against=Against.missing, open=(Attention.subsidy_missing,), appointments=("11:00 内科",),
             may_register=True, waiting_since=at("09:22")),
        _row(12, "09:25", "", "斎藤 誠", "サイトウ マコト", date(1978, 10, 10), outcome="not_registered",
             key=Key.unknown, open=(Attention.not_registered,), waiting_since=at("09:25")),
        _row(13, "09:29", "00134567", "清水 花", "シミズ ハナ", date(2001, 5, 5), outcome="no_qualification",
             key=Key.unknown, open=(Attention.not_valid,), may_walk_in=True, waiting_since=at("09:29")),
        Row(14, 0, at("09:30"), state=State.unreadable, outcome="unreadable", key=Key.unknown,
            subsidies=Subsidies.none, open=(Attention.unreadable,), waiting_since=at("09:30")),
        _row(15, "09:33", "00156789", "森 一郎", "モリ イチロウ", date(1966, 3, 3), key=Key.unknown,
             against=Against.fewer, open=(Attention.key_gone, Attention.subsidy_fewer), may_walk_in=True,
             **fetched, waiting_since=at("09:33")),
        _row(16, "09:36", "00167890", "阿部 ナタリア マリア テレサ", "アベ ナタリア マリア テレサ", date(1993, 12, 24),
             key=Key.same, state=State.cancelled, may_register=True, appointments=("10:45 産婦人科",)),
    ]  # fmt: skip


def yamada(header: Header, row: Row) -> VisitPage:
    """A visit with a changed certificate, one as before and one that is gone; and a changed address."""
    same = replace(child_certificate(Certificate.same), title="ひとり親家庭等医療費受給者証", slot="slot-other")
    gone = replace(child_certificate(Certificate.absent), title="障害者医療費受給者証")
    return VisitPage(
        header,
        row,
        row.revision,
        details=(
            Detail("sex", "女"),
            Detail("address", "岡山県岡山市北区大供1-1-1", changed=True, was="岡山県岡山市北区鹿田町2-5-1"),
            Detail("insurer", "06139992"),
            Detail("symbol", "岡山"),
            Detail("identification", "１２３４"),
            Detail("branch", "03"),
            Detail("limit", "ウ"),
        ),
        subsidies=(replace(child_certificate(), other_name="山田 春香"), same, gone),
        walk_in=(Department("01", "内科"), Department("05", "小児科", "田中医師")),
        events=(Event(at("09:07"), "tap"), Event(at("09:08"), "register", "佐藤"), Event(at("09:08"), "print_sheet")),
        notes=("certificate_expires",),
        print_problem=Problem("printer.paper"),
        can_print=True,
        may_confirm_eligibility=True,
        certificates_more=2,
    )


def busy_day() -> FakeDesk:
    """A morning with everything that can be."""
    desk = FakeDesk()
    for row in (*quiet_rows(), *open_rows()):
        desk.put(row)
    for number, seq in ((1, 1), (2, 2), (3, 7)):
        row = desk.rows[seq]
        department = ("内科", "整形外科", "小児科")[number - 1]
        who = (row.at, row.number, row.name, row.kana)
        desk.arrive(Arrival(number, str(number), *who, department, "", seq, at_kiosk=number == 1))
    desk.arrive(
        Arrival(4, "4", at("09:36"), "00167890", "阿部 ナタリア マリア テレサ", "", "", cancelled="wrong_person")
    )
    desk.unserved = (
        Unserved(1, at("08:50"), "S1-07", "00181818", "藤田 修", "フジタ オサム"),
        Unserved(3, at("08:58"), "S1-09", "00056789", "小林 さくら", "コバヤシ サクラ", seq=5),
        Unserved(4, at("09:01"), "S1-12"),
    )
    desk.visits[7] = yamada(desk.header(), desk.rows[7])
    for seq, may in ((9, True), (11, True)):
        desk.visits[seq] = VisitPage(desk.header(), desk.rows[seq], 0, may_confirm_subsidies=may, can_print=True)
    desk.patients = (
        Patient("00991234", "斎藤 誠", "サイトウ マコト", date(1978, 10, 10)),
        Patient("00995678", "斎藤 実", "サイトウ ミノル", date(1951, 2, 2)),
        Patient("00997777", "齋藤 誠", "サイトウ マコト", date(1978, 10, 10)),
    )
    desk.sent = (
        registration(3, "unsure", "09:20", "鈴木 一", message="応答の照会番号が違います"),
        registration(2, "failed", "09:01", "田村 幸", code="N100"),
        registration(1, "registered", "08:45", "林 直美"),
    )
    return desk


def registration(number: int, state: str, clock: str, name: str, *, code: str = "", message: str = "") -> Registration:
    """A registration of today."""
    return Registration(
        number, 100 + number, state, f"OQSsiimm01req_{number}.xml", code, "", "佐藤",  # type: ignore[arg-type]
        at(clock), at(clock), None, f"0099{number:04}", name, "", "", message,
    )  # fmt: skip


def many_rows(count: int) -> list[Row]:
    """A large hospital's morning."""
    names = ("佐藤 一郎", "鈴木 花子", "高橋 健", "田中 美和", "伊藤 大輔", "渡辺 陽子")
    begin = at("08:00")
    return [
        Row(
            seq, 0, begin + timedelta(seconds=20 * seq), number=f"{seq * 7919:08}", name=names[seq % 6],
            kana="サトウ イチロウ", birth=date(1940 + seq % 70, 1 + seq % 12, 1 + seq % 28), key=Key.same,
            appointments=("10:00 内科",), may_register=True,
        )
        for seq in range(1, count + 1)
    ]  # fmt: skip
