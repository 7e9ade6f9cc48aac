"""The people of the demo: who they are, which appointments they have, which patient cards lie there.

Owns names, numbers and appointments, all of them made up. Must never hold anything of a real person.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from drivers.simulated.results import Insured
from kiosk.demo import word


@dataclass(frozen=True)
class Visitor:
    """Somebody with a My Number card.

    `what`: why the demo has this person, a key of [people]; `booked`: (time, department, doctor, place) of a day;
    `another_day`: the appointments are not today's; `message`: to the patient, with the first one.
    """

    insured: Insured = field(repr=False)
    what: str
    booked: tuple[tuple[str, str, str, str], ...] = field(repr=False, default=())
    another_day: bool = False
    message: str = field(repr=False, default="")

    @property
    def called(self) -> str:
        """Name and birth date as the panel shows them: the visitor may have to type the birth day."""
        year, month, day = self.insured.birthdate[:4], self.insured.birthdate[4:6], self.insured.birthdate[6:]
        name = self.insured.name.replace(chr(0x3000), " ")
        return word("panel.called", name=name, year=year, month=int(month), day=int(day))


TARO: Final = Visitor(
    Insured("架空　太郎", "ｶｸｳ ﾀﾛｳ", "19500115", "00012345"),
    "one_appointment",
    (("13:00", "内科", "佐藤", "A棟1階2番窓口"),),
)
HANAKO: Final = Visitor(
    Insured("例示　花子", "ﾚｲｼﾞ ﾊﾅｺ", "19470308", "00023456", sex="2"),
    "two_appointments",
    (("10:30", "眼科", "鈴木", "B棟2階5番窓口"), ("14:00", "循環器内科", "高橋", "A棟1階3番窓口")),
    message="目薬をさしてから診察へ",
)
JIRO: Final = Visitor(
    Insured("見本　次郎", "ﾐﾎﾝ ｼﾞﾛｳ", "19620720", "00034567"),
    "another_day",
    (("09:30", "内科", "佐藤", "A棟1階2番窓口"),),
    another_day=True,
)
SAKURAKO: Final = Visitor(Insured("試験　桜子", "ｼｹﾝ ｻｸﾗｺ", "19880403", None, sex="2"), "not_registered")
ICHIRO: Final = Visitor(
    Insured("仮名　一郎", "ｶﾒｲ ｲﾁﾛｳ", "19551123", "00045678", validity="2"),
    "no_qualification",
    (("11:15", "整形外科", "田中", "B棟1階7番窓口"),),
)
AOI: Final = Visitor(
    Insured("模擬　葵", "ﾓｷﾞ ｱｵｲ", "20190512", "00056789", sex="2", subsidy="fetched"),
    "subsidy",
    (("15:30", "小児科", "伊藤", "C棟1階1番窓口"),),
)
KEN: Final = Visitor(
    Insured("仮想　健", "ｶｿｳ ｹﾝ", "19790909", "00067890", subsidy="failed"),
    "subsidy_failed",
    (("16:00", "内科", "佐藤", "A棟1階2番窓口"),),
)

VISITORS: Final = (TARO, HANAKO, JIRO, SAKURAKO, ICHIRO, AOI, KEN)
# Whose patient card lies there as well.
CARD_HOLDERS: Final = (HANAKO, TARO)

HEADER: Final = "patient_number,date,time,department,doctor,place"


def appointments(today: date) -> str:
    """The export of the reservations, CSV. Tomorrow too, for a demo that runs over midnight."""
    rows = [f"{HEADER},message"]
    for visitor in VISITORS:
        days = (today + timedelta(days=8),) if visitor.another_day else (today, today + timedelta(days=1))
        for day in days:
            for number, booked in enumerate(visitor.booked):
                message = "" if number else visitor.message
                rows.append(",".join((visitor.insured.number or "", f"{day}", *booked, message)))
    return "\n".join(rows) + "\n"
