"""What the desk knows of a visit → what its pages say. Pure.

Must never put into a value what a role may not see because it is easier (roles are the pages' matter), and never merge
「なし」, 「取得失敗」, 「届いていない」 and 「前回あり今回なし」.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from typing import Final

from drivers.reservations import Appointment
from kiosk.desk.compare import Compared
from kiosk.desk.compare import Row as Pair
from kiosk.desk.day_store import Entry
from kiosk.desk.japanese import long_day
from kiosk.desk.lines import numbers_of
from kiosk.desk.pages import (
    Against,
    Certificate,
    Detail,
    Event,
    Group,
    Item,
    Key,
    Printed,
    Row,
    Subsidies,
    Subsidy,
)
from kiosk.desk.registration import Found
from kiosk.desk.visits import Attention, Visit
from kiosk.results.records import Record
from kiosk.results.registrations import Insurance
from kiosk.results.spelling import as_date, as_known_day
from kiosk.results.subsidies import SLOT, Leaf
from kiosk.results.subsidies import Item as FileItem

_CLASSES: Final = {"1": "本人", "2": "家族"}
_SEXES: Final = {"1": "男", "2": "女", "3": "未設定"}
# Of the eligibility result: the page's label, the field of a record, the element that a change is named by.
_DETAILS: Final = (
    ("name", "name", "Name"),
    ("kana", "kana", "NameKana"),
    ("birth", "birthdate", "Birthdate"),
    ("sex", "sex", "Sex1"),
    ("address", "address", "Address"),
    ("insurer", "insurer_number", "InsurerNumber"),
    ("symbol", "symbol", "InsuredCardSymbol"),
    ("identification", "number", "InsuredIdentificationNumber"),
    ("branch", "branch", "InsuredBranchNumber"),
    ("holder", "family", "PersonalFamilyClassification"),
    ("valid_from", "valid_from", "InsuredCardValidDate"),
    ("valid_to", "valid_to", "InsuredCardExpirationDate"),
)
_OF_ELIGIBILITY: Final = frozenset(
    {
        Attention.eligibility_changed, Attention.key_gone, Attention.not_valid, Attention.not_registered,
        Attention.unreadable,
    }
)  # fmt: skip
_OF_SUBSIDIES: Final = frozenset(
    {
        Attention.subsidy_fewer, Attention.subsidy_missing, Attention.subsidy_failed, Attention.subsidy_late,
    }
)  # fmt: skip
_STANDINGS: Final = {
    "same": Certificate.same,
    "changed": Certificate.changed,
    "gone": Certificate.absent,
}


def row_of(entry: Entry, revision: int, appointments: Iterable[Appointment], *, can_walk_in: bool) -> Row:
    """A visit in the list. `can_walk_in`: a department receives people without an appointment now."""
    visit, person = entry.visit, entry.visit.tap.person
    booked = tuple(appointments)
    is_known = bool(entry.patient) and visit.tap.eligibility is not None
    may_register = is_known and visit.arrival is None
    change = visit.subsidies
    return Row(
        seq=visit.seq,
        revision=revision,
        at=visit.tap.at,
        taps=len(visit.taps),
        state=visit.state,
        number=entry.patient,
        name=person.name,
        kana=person.kana,
        birth=as_date(person.birthdate),
        outcome="foreign" if visit.tap.why == "other_institution" else str(visit.tap.outcome),
        key=Key(visit.eligibility.key) if visit.eligibility else Key.unknown,
        subsidies=Subsidies(change.state),
        against=Against(change.against),
        certificates=sum(each.now is not None for each in change.certificates) + change.more,
        appointments=tuple(appointment_text(each) for each in booked),
        arrival=visit.arrival,
        called=numbers_of(visit.receptions) or str(visit.arrival or ""),
        arrived_at_kiosk=visit.arrival is not None and visit.arrival != entry.registered_here,
        printed=Printed(entry.printed),
        open=visit.attention,
        waiting_since=visit.open_since if visit.attention else None,
        may_register=may_register and bool(booked),
        may_walk_in=may_register and not booked and can_walk_in,
        may_print=is_known,
    )


def appointment_text(appointment: Appointment) -> str:
    """「10:30 内科」; one without a time came without an appointment."""
    return f"{appointment.time:%H:%M} {appointment.department}".strip()


def details_of(visit: Visit) -> tuple[Detail, ...]:
    """Lines of the eligibility result, of each record; what is not there has none."""
    changed = frozenset(visit.eligibility.changed) if visit.eligibility else frozenset()
    confirmation = visit.tap.confirmation
    records = confirmation.records if confirmation else ()
    return tuple(detail for record in records for detail in _of_record(record, changed))


def _of_record(record: Record, changed: frozenset[str]) -> Iterator[Detail]:
    for label, name, element in _DETAILS:
        text = str(getattr(record, name))
        text = {"sex": _SEXES, "family": _CLASSES}.get(name, {}).get(text, text)
        if name in ("birthdate", "valid_from", "valid_to"):
            text = _day_text(text)
        if text or element in changed:
            yield Detail(label, text, element in changed)
    for label, leaves, element in (
        ("limit", record.limit, "LimitApplicationCertificateRelatedInfo"),
        ("elderly", record.elderly, "ElderlyRecipientCertificateInfo"),
    ):
        if leaves or element in changed:
            yield Detail(label, " ".join(_day_text(text) for _, text in leaves), element in changed)


def _day_text(text: str) -> str:
    day = as_date(text)
    return long_day(day) if day else text


# Certificates ----------------------------------------------------------------------------------------------------


def subsidies_of(visit: Visit) -> tuple[Subsidy, ...]:
    """The certificates of a visit, those that are gone last."""
    return tuple(_subsidy(visit, each) for each in visit.subsidies.certificates)


def _subsidy(visit: Visit, compared: Compared) -> Subsidy:
    settled = visit.settled.get(compared.key)
    certificate = compared.now or (compared.then.certificate if compared.then else None)
    is_open = bool(visit.number) and settled is None
    is_first = compared.standing == "new" and visit.subsidies.against == "first"
    return Subsidy(
        slot=compared.key,
        state=Certificate.first if is_first else _STANDINGS.get(compared.standing, Certificate.added),
        title=certificate.by_role("certificate_name") if certificate else "",
        items=tuple(_items(compared)),
        other_name=compared.holder,
        more=compared.now.more if compared.now else 0,
        settled=settled.how if settled else "",
        by=settled.by if settled else "",
        at=settled.at if settled else None,
        registered_at=compared.then.on if compared.then else None,
        may_accept=is_open and compared.standing in ("new", "changed"),
        may_keep=is_open and compared.standing != "same",
        may_end=is_open and compared.then is not None,
    )


def _items(compared: Compared) -> Iterator[Item]:
    rows = compared.rows
    if not rows and compared.now is not None:
        rows = tuple(Pair(item.name, False, item, None) for item in compared.now.items)
    keeps = compared.then is None or compared.then.certificate is not None
    for row in rows:
        item = row.now or row.then
        if item is None:
            yield Item(Group.other, row.name, changed=row.changed, was_kept=keeps)
            continue
        yield Item(
            Group(item.group),
            item.label,
            "" if item.known else item.name,
            _text(row.then),
            _text(row.now),
            row.changed,
            was_kept=keeps,
        )


def notices_of(visit: Visit) -> tuple[str, ...]:
    """What a subsidy result says beside its certificates, with its raw names: 「SystemNotice Code N001　Text …」."""
    return tuple(f"{item.label} {_text(item)}" for item in visit.subsidies.notices)


def _text(item: FileItem | None) -> str | None:
    if item is None:
        return None
    return "\n".join(
        "　".join(f"{leaf.label} {_leaf_text(item, leaf)}".strip() for leaf in line) for line in item.lines
    )


def _leaf_text(item: FileItem, leaf: Leaf) -> str:
    """A day as staff read it; eight digits only where they are called one: a 公費負担者番号 has eight digits too."""
    if item.is_day(leaf):
        day = as_known_day(leaf.value)
    else:
        day = None if item.role in SLOT or leaf.value.strip().isdigit() else as_date(leaf.value)
    return long_day(day) if day else leaf.value


# Registering a number --------------------------------------------------------------------------------------------


def found_of(visit: Visit) -> Found:
    """What registering a reference number needs of the visit's last result."""
    tap, person = visit.tap, visit.tap.person
    confirmation, eligibility = tap.confirmation, tap.eligibility
    records = confirmation.records if confirmation else ()
    record = records[0] if len(records) == 1 else None
    return Found(
        visit=visit.seq,
        outcome=tap.outcome,
        validity=confirmation.validity if confirmation else "",
        records=len(records),
        institution=eligibility.institution_code if eligibility else None,
        name=person.name,
        kana=person.kana,
        birth=person.birthdate,
        insurance=_insurance(record) if record else None,
    )


def _insurance(record: Record) -> Insurance:
    return Insurance(record.insurer_number, record.symbol or None, record.number, record.branch or None)


def history_of(entry: Entry) -> tuple[Event, ...]:
    """What happened to a visit, the latest last."""
    return tuple(Event(each.at, each.act, each.by, each.refused) for each in entry.history)


def as_day(text: str) -> date | None:
    """The day of eight digits."""
    with suppress(ValueError):
        return date.fromisoformat(text) if text else None
    return None


def may_confirm_eligibility(visit: Visit) -> bool:
    """Whether 「確認済み」 of the eligibility has something to confirm."""
    return not _OF_ELIGIBILITY.isdisjoint(visit.attention)


def may_confirm_subsidies(visit: Visit) -> bool:
    """Whether 「確認済み」 of the subsidies has something to confirm that no certificate has a button for."""
    return not _OF_SUBSIDIES.isdisjoint(visit.attention)
