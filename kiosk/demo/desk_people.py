"""The people of the desk's demo: who came this morning, what was known of them before, who comes while one looks.

Owns names, numbers, certificates and appointments, all of them made up. Must never hold anything of a real person.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final, Literal

from drivers.simulated.certificates import CHILD, Paper
from drivers.simulated.results import Insured
from kiosk.demo.people import HEADER, VISITORS, Visitor

# waiting: in the waiting room, not registered. not_printed: registered at the desk, and its printer had no paper.
Then = Literal["waiting", "kiosk", "desk", "printed", "not_printed", "cancelled"]
# code, name, reading, place
DEPARTMENTS: Final = (
    ("01", "内科", "ないか", "A棟1階2番窓口"),
    ("02", "循環器内科", "じゅんかんきないか", "A棟1階3番窓口"),
    ("03", "小児科", "しょうにか", "C棟1階1番窓口"),
    ("04", "眼科", "がんか", "B棟2階5番窓口"),
    ("05", "整形外科", "せいけいげか", "B棟1階7番窓口"),
    ("06", "皮膚科", "ひふか", "B棟2階1番窓口"),
)
WALK_IN: Final = ("01", "05", "06")


@dataclass(frozen=True)
class Patient:
    """Somebody who was at the reader this morning. `booked`: time, department and doctor of today.

    `before`: the result of the last visit, which staff accepted; None: they are here for the first time. `taps`: how
    often the card was used.
    """

    insured: Insured = field(repr=False)
    before: Insured | None = field(repr=False, default=None)
    booked: tuple[str, str, str] | None = field(repr=False, default=None)
    then: Then = "waiting"
    taps: int = 1


def _year(day: date) -> tuple[date, date]:
    """First and last day of the fiscal year, in which most certificates are valid."""
    first = date(day.year if day.month >= 4 else day.year - 1, 4, 1)
    return first, date(first.year + 1, 3, 31)


def child(day: date, recipient: str = "0010470", parent: str = "", much: str = "500") -> Paper:
    """子ども医療費."""
    first, last = _year(day)
    face = (("保護者氏名", parent), ("一部負担金", f"通院 1回{much}円、入院 月5,000円まで"))
    limits = (("外来", "回", much), ("入院", "月", "5000"))
    return Paper(CHILD.name, CHILD.payer, recipient, limits, face if parent else face[1:], "", first, last)


def rare_disease(day: date, recipient: str = "0185488") -> Paper:
    """特定医療費（指定難病）."""
    first = date(day.year - 1, 10, 1)
    return Paper(
        "特定医療費（指定難病）受給者証",
        "54995014",
        recipient,
        (("入外合算", "月", "10000"),),
        (
            ("疾病名", "架空性模擬症候群"),
            ("指定医療機関名", "架空総合病院、見本薬局"),
            ("支給要件の確認方法", "臨床調査個人票"),
            ("高額かつ長期", "非該当"),
        ),
        "一般所得Ⅰ",
        first,
        date(first.year + 1, 9, 30),
    )


def renewed(paper: Paper) -> Paper:
    """The same a year later, with another class of income and another limit."""
    face = tuple((word, "該当" if word == "高額かつ長期" else text) for word, text in paper.face)
    limits = tuple((kind, unit, "20000" if unit == "月" else yen) for kind, unit, yen in paper.limits)
    first, last = (day.replace(year=day.year + 1) for day in (paper.first, paper.last))
    return replace(paper, income="上位所得", limits=limits, face=face, first=first, last=last)


def disabled(day: date) -> Paper:
    """重度心身障害者医療費."""
    first, last = _year(day)
    limits = (("外来", "日", "0"), ("入院", "月", "0"))
    return Paper(
        "重度心身障害者医療費受給者証", "80990807", "12-3456-789", limits, (("備考", "窓口払いなし"),), "", first, last
    )


def single_parent(day: date, holder: str = "") -> Paper:
    """ひとり親家庭等医療費. `holder`: the name on its face."""
    first, last = _year(day)
    face = ((("氏名", holder),) if holder else ()) + (("一部負担金", "なし"),)
    return Paper("ひとり親家庭等医療費受給者証", "83990226", "0203117", (("外来", "回", "0"),), face, "", first, last)


def morning(day: date) -> tuple[Patient, ...]:
    """In the order in which they came on `day`."""
    return (*_early(day), *_late(day))


def _early(day: date) -> Iterator[Patient]:
    """Almost all of them are through."""
    shizue = Insured("標本　静江", "ﾋﾖｳﾎﾝ ｼｽﾞｴ", "19410718", "00070011", sex="2")
    # The kana are spelt otherwise than last time: no change.
    yield Patient(shizue, replace(shizue, kana="ﾋｮｳﾎﾝ ｼｽﾞｴ"), ("08:30", "内科", "佐藤"), "kiosk")
    yu = Insured(
        "想定　悠", "ｿｳﾃｲ ﾕｳ", "20190512", "00070045", subsidy="fetched", papers=(child(day, parent="想定　直樹"),)
    )
    yield Patient(yu, yu, ("08:45", "小児科", "伊藤"), "printed")
    kazuo = Insured("練習　一男", "ﾚﾝｼｭｳ ｶｽﾞｵ", "19381105", "00070062")
    yield Patient(kazuo, kazuo, ("09:00", "循環器内科", "高橋"), "kiosk")
    emi = Insured("見本　恵美", "ﾐﾎﾝ ｴﾐ", "19830221", "00070123", sex="2")
    yield Patient(emi, emi, ("09:00", "眼科", "鈴木"), "cancelled")
    minoru = Insured("架空　実", "ｶｸｳ ﾐﾉﾙ", "19520317", "00070138", subsidy="fetched", papers=(disabled(day),))
    yield Patient(minoru, minoru, ("09:15", "整形外科", "田中"), "printed")
    anh = Insured("ＳＯＺＯ　ＡＮＨ", "ｿｳｿﾞｳ ｱｲﾝ", "19950814", "00070144", sex="2")
    yield Patient(anh, None, ("09:15", "皮膚科", "渡辺"), "desk")
    kiyoko = Insured("試験　清子", "ｼｹﾝ ｷﾖｺ", "19450909", "00070151", sex="2")
    yield Patient(kiyoko, kiyoko, ("09:30", "内科", "佐藤"), "kiosk", taps=2)
    taichi = Insured(
        "例文　太一", "ﾚｲﾌﾞﾝ ﾀｲﾁ", "20140203", "00070156", subsidy="fetched", papers=(child(day, "0044552"),)
    )
    yield Patient(taichi, replace(taichi, subsidy="none"), ("09:30", "小児科", "伊藤"), "printed")
    haruo = Insured("雛形　春男", "ﾋﾅｶﾞﾀ ﾊﾙｵ", "19600412", "00070160")
    yield Patient(haruo, haruo, ("09:30", "循環器内科", "高橋"), "kiosk")
    yield Patient(Insured("空想　真理子", "ｸｳｿｳ ﾏﾘｺ", "19710625", None, sex="2"))
    nagi = Insured("仮題　凪", "ｶﾀﾞｲ ﾅｷﾞ", "20220728", "00070171", sex="2", subsidy="failed")
    known = replace(nagi, subsidy="fetched", papers=(child(day, "0077818"),))
    yield Patient(nagi, known, ("09:45", "小児科", "伊藤"), "desk")


def _late(day: date) -> Iterator[Patient]:
    """Most of them wait, or have something that staff are to look at."""
    rare = rare_disease(day)
    tetsuo = Insured("仮想　哲夫", "ｶｿｳ ﾃﾂｵ", "19680930", "00070179", subsidy="fetched", papers=(renewed(rare),))
    yield Patient(tetsuo, replace(tetsuo, papers=(rare,)), ("10:00", "内科", "佐藤"), "kiosk")
    fumi = Insured("例題　文", "ﾚｲﾀﾞｲ ﾌﾐ", "19790604", "00070180", sex="2")
    known = replace(fumi, subsidy="fetched", papers=(single_parent(day),))
    yield Patient(fumi, known, ("10:00", "整形外科", "田中"))
    shota = Insured("模型　翔太", "ﾓｹｲ ｼｮｳﾀ", "20160330", "00070188", address="架空県見本市演習四丁目５番６号")
    yield Patient(shota, replace(shota, address="架空県見本市例示町一丁目２番３号"), ("10:15", "眼科", "鈴木"))
    hisako = Insured("演習　久子", "ｴﾝｼｭｳ ﾋｻｺ", "19550130", "00070193", sex="2", insurer="39990010")
    yield Patient(hisako, replace(hisako, insurer="990001"), ("10:15", "内科", "佐藤"), "not_printed")
    yield Patient(Insured("標題　健司", "ﾋｮｳﾀﾞｲ ｹﾝｼﾞ", "19891211", None))
    both = (child(day, "0010470"), single_parent(day, "手本　美咲"))
    misaki = Insured("手本　美嘉", "ﾃﾎﾝ ﾐｶ", "20130516", "00070207", sex="2", subsidy="fetched", papers=both)
    yield Patient(misaki, replace(misaki, papers=both[:1]), ("10:30", "皮膚科", "渡辺"))
    goro = Insured("髙﨑　五郎", "ﾀｶｻﾞｷ ｺﾞﾛｳ", "19490822", "00070210", validity="2")
    yield Patient(goro, replace(goro, validity="1"), ("10:30", "循環器内科", "高橋"))
    rin = Insured("図例　凛", "ｽﾞﾚｲ ﾘﾝ", "20200909", "00070222", sex="2", subsidy="late")
    yield Patient(rin, None, ("10:30", "小児科", "伊藤"))
    yield Patient(Insured("素案　誠一郎", "ｿｱﾝ ｾｲｲﾁﾛｳ", "19570701", "00070236"), None)
    mitsuko = Insured("仮称　光子", "ｶｼｮｳ ﾐﾂｺ", "19431219", "00070241", sex="2")
    yield Patient(mitsuko, mitsuko, ("10:45", "内科", "佐藤"))


def visitors(day: date) -> tuple[Visitor, ...]:
    """Who comes to the kiosk while one looks: those of the kiosk's demo, with certificates of `day`."""
    papers = {"subsidy": (child(day, "0334201", "模擬　透"),)}
    return tuple(replace(each, insured=replace(each.insured, papers=papers.get(each.what, ()))) for each in VISITORS)


def known_of(visitor: Visitor, day: date) -> Insured | None:
    """The visitor's result at the last visit, which staff accepted; None: they have not been here."""
    if visitor.insured.number is None:
        return None
    much = replace(visitor.insured, papers=(child(day, "0334201", "模擬　透", much="300"),))
    return replace(much, validity="1")


def appointments(day: date, patients: Sequence[Patient], visits: Sequence[Visitor]) -> str:
    """The export of the reservations, CSV: of `day` and the next."""
    rows = [HEADER]
    places = {name: place for _, name, _, place in DEPARTMENTS}
    for each in (day, day + timedelta(days=1)):
        for patient in patients:
            if patient.booked is not None:
                time, department, doctor = patient.booked
                rows.append(f"{patient.insured.number},{each},{time},{department},{doctor},{places[department]}")
        for visitor in visits:
            if not visitor.another_day:
                rows += [",".join((visitor.insured.number or "", f"{each}", *booked)) for booked in visitor.booked]
    return "\n".join(rows) + "\n"


def register_of(patients: Sequence[Patient], visits: Sequence[Visitor]) -> str:
    """The hospital's list of patients, CSV; those without a reference number are in it, with a number of the card."""
    rows = ["number,name,kana,birth"]
    for at, insured in enumerate([*(each.insured for each in patients), *(each.insured for each in visits)]):
        birth = f"{insured.birthdate[:4]}-{insured.birthdate[4:6]}-{insured.birthdate[6:]}"
        rows.append(f"{insured.number or f'{71000 + at:08}'},{insured.name},{insured.kana},{birth}")
    return "\n".join(rows) + "\n"
